#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <utility>

#include "protocols/base/bytes.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/packet/meta.hh"

namespace smol {

class MemPool;

/// The plain-memory model of PacketBuffer: a chain of nodes, each a window into a reference-counted
/// block of a MemPool. One thread; a pool and all its packets belong together.
///
///   node ──> |headroom|XXXX data XXXX|tailroom|  block (reference count: how many nodes look at
///   it)
///     └─ chain ──> next node
class MemPacket {
 public:
  struct Block;
  struct Node {
    std::uint8_t* data = nullptr;
    std::uint32_t size = 0;
    std::uint32_t holders = 0;  ///< handles on this very node and chains that lead to it
    Node* chain = nullptr;
    Block* block = nullptr;
    PacketMeta meta;
  };
  using Pool = MemPool;

  MemPacket() noexcept = default;
  MemPacket(MemPacket&& other) noexcept : node_{std::exchange(other.node_, nullptr)} {}
  MemPacket& operator=(MemPacket&& other) noexcept {
    if (this != &other) {
      reset();
      node_ = std::exchange(other.node_, nullptr);
    }
    return *this;
  }
  MemPacket(const MemPacket&) = delete;
  MemPacket& operator=(const MemPacket&) = delete;
  ~MemPacket() { reset(); }

  explicit operator bool() const noexcept { return node_ != nullptr; }
  std::size_t size() const noexcept {
    std::size_t total = node_->size;
    for (const Node* n = node_->chain; n != nullptr; n = n->chain) total += n->size;
    return total;
  }
  MutBytes pull(std::size_t n) noexcept {
    if (n <= node_->size) [[likely]]
      return {node_->data, n};
    return pull_up(n);
  }
  MutBytes prepend(std::size_t n) noexcept;
  MutBytes append(std::size_t n) noexcept;
  std::size_t tailroom() const noexcept;
  void trim_front(std::size_t n) noexcept {
    if (n < node_->size) [[likely]] {
      node_->data += n;
      node_->size -= static_cast<std::uint32_t>(n);
      return;
    }
    trim_front_slow(n);
  }
  void trim_back(std::size_t n) noexcept {
    if (node_->chain == nullptr && n <= node_->size) [[likely]] {
      node_->size -= static_cast<std::uint32_t>(n);
      return;
    }
    trim_back_slow(n);
  }
  Bytes segment(std::size_t n) const noexcept {
    const Node* at = node_;
    for (; n > 0 && at != nullptr; --n) at = at->chain;
    return at == nullptr ? Bytes{} : Bytes{at->data, at->size};
  }
  std::optional<MemPacket> share(std::size_t offset, std::size_t length) const noexcept;
  MemPacket hold() noexcept {
    ++node_->holders;
    return MemPacket{node_};
  }
  bool unique() const noexcept;
  void chain(MemPacket other) noexcept;
  std::size_t true_size() const noexcept;
  PacketMeta& meta() noexcept { return node_->meta; }
  Node* release() noexcept { return std::exchange(node_, nullptr); }
  static MemPacket adopt(Node* node) noexcept { return MemPacket{node}; }
  static PacketMeta& meta_of(Node* node) noexcept { return node->meta; }

 private:
  friend class MemPool;

  explicit MemPacket(Node* node) noexcept : node_{node} {}
  void reset() noexcept {
    if (node_ != nullptr) free_chain(std::exchange(node_, nullptr));
  }
  static void free_chain(Node* node) noexcept;
  static std::size_t tailroom_of(const Node& node) noexcept;
  MutBytes pull_up(std::size_t n) noexcept;
  void trim_front_slow(std::size_t n) noexcept;
  void trim_back_slow(std::size_t n) noexcept;
  void drop_first() noexcept;
  bool held() const noexcept;
  Node* last() const noexcept;

  Node* node_ = nullptr;
};

/// A fixed number of equal blocks, and twice as many nodes to look at them. All memory is taken at
/// construction; a pool out of blocks hands out empty packets. Outlives its packets (checked).
class MemPool {
 public:
  static constexpr std::uint32_t kHeadroom = 128;

  /// `blocks`: how many; `block_octets`: of data each, headroom included.
  MemPool(std::uint32_t blocks, std::uint32_t block_octets, std::pmr::memory_resource& memory);
  ~MemPool();
  MemPool(const MemPool&) = delete;
  MemPool& operator=(const MemPool&) = delete;

  MemPacket allocate() noexcept;
  /// The same blocks serve small packets too, but for the last sixteenth: those who send do not
  /// take what is needed to receive an acknowledgement, without which nothing comes free.
  MemPacket allocate_small() noexcept {
    return free_blocks_ > blocks_ / 16 ? allocate() : MemPacket{};
  }
  std::size_t available() const noexcept { return free_blocks_; }
  std::size_t capacity() const noexcept { return blocks_; }
  std::size_t nodes_available() const noexcept { return free_nodes_; }

 private:
  friend class MemPacket;

  MemPacket::Node* take_node() noexcept;
  void give_node(MemPacket::Node* node) noexcept;

  std::pmr::memory_resource& memory_;
  std::uint32_t blocks_;
  std::size_t stride_;
  std::byte* block_memory_;
  MemPacket::Node* nodes_;
  MemPacket::Block* first_free_block_ = nullptr;
  MemPacket::Node* first_free_node_ = nullptr;
  std::size_t free_blocks_ = 0;
  std::size_t free_nodes_ = 0;
};

/// Each node is freed by one free of its packet; the block follows with the last node that looks at
/// it.
struct MemPacket::Block {
  std::uint32_t owners = 0;
  std::uint32_t octets = 0;
  MemPool* pool = nullptr;
  Block* next_free = nullptr;
  std::uint8_t* viewed_begin = nullptr;  ///< what any view may cover, while there is more than one
  std::uint8_t* viewed_end = nullptr;
  std::uint8_t* octets_at() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* end() noexcept { return octets_at() + octets; }
};

inline MemPacket::Node* MemPacket::last() const noexcept {
  Node* n = node_;
  while (n->chain != nullptr) n = n->chain;
  return n;
}

inline MutBytes MemPacket::prepend(std::size_t n) noexcept {
  Block& block = *node_->block;
  if (static_cast<std::size_t>(node_->data - block.octets_at()) < n) return {};
  if (block.owners > 1) {  // what lies in front may be another view's
    if (node_->data != block.viewed_begin) return {};
    block.viewed_begin -= n;
  }
  node_->data -= n;
  node_->size += static_cast<std::uint32_t>(n);
  return {node_->data, n};
}

inline std::size_t MemPacket::tailroom_of(const Node& node) noexcept {
  const std::uint8_t* end = node.data + node.size;
  if (node.block->owners > 1 && end != node.block->viewed_end) return 0;  // another view's octets
  return static_cast<std::size_t>(node.block->end() - end);
}

inline std::size_t MemPacket::tailroom() const noexcept {
  return tailroom_of(*last());
}

inline MutBytes MemPacket::append(std::size_t n) noexcept {
  Node* at = last();
  if (tailroom_of(*at) < n) return {};
  if (at->block->owners > 1) at->block->viewed_end += n;
  at->size += static_cast<std::uint32_t>(n);
  return {at->data + at->size - n, n};
}

inline bool MemPacket::held() const noexcept {
  for (const Node* n = node_; n != nullptr; n = n->chain) {
    if (n->holders > 1) return true;
  }
  return false;
}

inline bool MemPacket::unique() const noexcept {
  for (const Node* n = node_; n != nullptr; n = n->chain) {
    if (n->block->owners > 1) return false;
  }
  return !held();
}

inline std::size_t MemPacket::true_size() const noexcept {
  std::size_t total = 0;
  for (const Node* n = node_; n != nullptr; n = n->chain) {
    total += sizeof(Node) + sizeof(Block) + n->block->octets;
  }
  return total;
}

}  // namespace smol
