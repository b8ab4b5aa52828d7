#include "protocols/packet/mem_packet.hh"

#include <cstring>
#include <new>

namespace smol {

static_assert(PacketBuffer<MemPacket>);
static_assert(PacketPool<MemPool, MemPacket>);

MemPool::MemPool(std::uint32_t blocks, std::uint32_t block_octets,
                 std::pmr::memory_resource& memory)
    : memory_{memory},
      blocks_{blocks},
      stride_{(sizeof(MemPacket::Block) + block_octets + 63) / 64 * 64},
      block_memory_{static_cast<std::byte*>(memory.allocate(stride_ * blocks, 64))},
      nodes_{static_cast<MemPacket::Node*>(
          memory.allocate(sizeof(MemPacket::Node) * blocks * 2, alignof(MemPacket::Node)))} {
  SMOL_CHECK(block_octets > kHeadroom);
  for (std::uint32_t i = blocks; i > 0; --i) {
    auto* block = ::new (block_memory_ + stride_ * (i - 1)) MemPacket::Block;
    block->octets = block_octets;
    block->pool = this;
    block->next_free = first_free_block_;
    first_free_block_ = block;
  }
  free_blocks_ = blocks;
  for (std::uint32_t i = 2 * blocks; i > 0; --i) {
    give_node(::new (static_cast<void*>(nodes_ + (i - 1))) MemPacket::Node);
  }
}

MemPool::~MemPool() {
  SMOL_CHECK(free_blocks_ == blocks_);
  memory_.deallocate(nodes_, sizeof(MemPacket::Node) * blocks_ * 2, alignof(MemPacket::Node));
  memory_.deallocate(block_memory_, stride_ * blocks_, 64);
}

MemPacket::Node* MemPool::take_node() noexcept {
  MemPacket::Node* node = first_free_node_;
  if (node == nullptr) return nullptr;
  first_free_node_ = node->chain;
  --free_nodes_;
  node->chain = nullptr;
  node->holders = 1;
  node->meta = PacketMeta{};
  return node;
}

void MemPool::give_node(MemPacket::Node* node) noexcept {
  node->chain = first_free_node_;
  first_free_node_ = node;
  ++free_nodes_;
}

MemPacket MemPool::allocate() noexcept {
  if (first_free_block_ == nullptr) return {};
  MemPacket::Node* node = take_node();
  if (node == nullptr) return {};
  MemPacket::Block* block = first_free_block_;
  first_free_block_ = block->next_free;
  --free_blocks_;
  block->owners = 1;
  node->block = block;
  node->data = block->octets_at() + kHeadroom;
  node->size = 0;
  return MemPacket{node};
}

void MemPacket::free_chain(Node* node) noexcept {
  // A node keeps what is chained behind it, so a node that another handle or chain still holds ends
  // the walk.
  while (node != nullptr && --node->holders == 0) {
    Node* next = node->chain;
    Block* block = node->block;
    MemPool& pool = *block->pool;
    if (--block->owners == 0) {
      block->next_free = pool.first_free_block_;
      pool.first_free_block_ = block;
      ++pool.free_blocks_;
    }
    pool.give_node(node);
    node = next;
  }
}

void MemPacket::trim_front_slow(std::size_t n) noexcept {
  while (n > node_->size) {
    SMOL_CHECK(node_->chain != nullptr);
    n -= node_->size;
    drop_first();
  }
  node_->data += n;
  node_->size -= static_cast<std::uint32_t>(n);
  // segment() promises that an empty piece is the end.
  while (node_->size == 0 && node_->chain != nullptr) drop_first();
}

void MemPacket::drop_first() noexcept {
  Node* next = node_->chain;
  ++next->holders;
  next->meta = node_->meta;
  free_chain(std::exchange(node_, next));
}

void MemPacket::trim_back_slow(std::size_t n) noexcept {
  std::size_t keep = size();
  SMOL_CHECK(n <= keep);
  keep -= n;
  Node* at = node_;
  for (; at->chain != nullptr && keep > at->size; at = at->chain) keep -= at->size;
  at->size = static_cast<std::uint32_t>(keep);
  free_chain(std::exchange(at->chain, nullptr));
}

MutBytes MemPacket::pull_up(std::size_t n) noexcept {
  if (n > size()) return {};
  const std::size_t missing = n - node_->size;
  if (node_->block->owners > 1 || tailroom_of(*node_) < missing || held()) return {};
  // The octets move to the first node; the others lose them.
  MemPacket rest{std::exchange(node_->chain, nullptr)};
  packet_copy(rest, 0, MutBytes{node_->data + node_->size, missing});
  node_->size += static_cast<std::uint32_t>(missing);
  rest.trim_front(missing);
  if (rest.size() > 0) node_->chain = rest.release();
  return {node_->data, n};
}

std::optional<MemPacket> MemPacket::share(std::size_t offset, std::size_t length) const noexcept {
  MemPacket out;
  Node* tail = nullptr;
  for (const Node* at = node_; at != nullptr && length > 0; at = at->chain) {
    if (offset >= at->size) {
      offset -= at->size;
      continue;
    }
    Node* view = at->block->pool->take_node();
    if (view == nullptr) return std::nullopt;
    const std::size_t piece = at->size - offset < length ? at->size - offset : length;
    view->block = at->block;
    if (view->block->owners++ == 1) {
      view->block->viewed_begin = at->data;
      view->block->viewed_end = at->data + at->size;
    }
    view->data = at->data + offset;
    view->size = static_cast<std::uint32_t>(piece);
    (tail == nullptr ? out.node_ : tail->chain) = view;
    tail = view;
    offset = 0;
    length -= piece;
  }
  SMOL_CHECK(length == 0 && tail != nullptr);
  return out;
}

void MemPacket::chain(MemPacket other) noexcept {
  if (!other || other.size() == 0) return;
  Node* at = last();
  SMOL_CHECK(at->holders == 1);  // another holder would find octets behind its packet
  at->chain = other.release();
}

}  // namespace smol
