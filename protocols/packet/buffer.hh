#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "protocols/base/bytes.hh"
#include "protocols/base/checksum.hh"
#include "protocols/packet/meta.hh"

namespace smol {

/// A packet that the protocols can move without knowing where its octets live. Two models, no more:
/// MemPacket (the library alone, tests) and MbufPacket (dataplane, an owned rte_mbuf chain). A
/// handle owns its packet; destruction frees. An empty handle converts to false.
///
///     headroom      segment(0)          segment(1)      ...
///   |<-------->|XXXXXXXXXXXXXXXXXX|  |XXXXXXXXXXXXXX|       tailroom of the last
///   prepend ->  <- trim_front                trim_back ->   <- append
///
/// Two ways to have a second owner. share(): an independent view of a range, which holds it (at
/// least one octet); either side may trim, and prepend and append where no other view has octets
/// (else there is no room); the octets themselves are common and must not be written. hold(): the
/// very same packet again, for a device that only reads it and lets go; until unique() no one may
/// change it.
// clang-format off
template <class P>
concept PacketBuffer =
    std::movable<P> && !std::copyable<P> && std::default_initializable<P> &&
    requires(P p, const P c, std::size_t n, typename P::Node* node) {
      { static_cast<bool>(c) } noexcept;
      { c.size() } noexcept -> std::same_as<std::size_t>;      // octets in the whole chain
      { p.pull(n) } noexcept -> std::same_as<MutBytes>;        // front n, contiguous; empty: impossible
      { p.prepend(n) } noexcept -> std::same_as<MutBytes>;     // n of headroom; empty: there is none
      { p.append(n) } noexcept -> std::same_as<MutBytes>;      // n of tailroom; empty: there is none
      { c.tailroom() } noexcept -> std::same_as<std::size_t>;  // what append() can give
      { p.trim_front(n) } noexcept;                            // precondition: n <= size()
      { p.trim_back(n) } noexcept;                             // precondition: n <= size()
      { c.segment(n) } noexcept -> std::same_as<Bytes>;        // n-th segment; empty past the last
      { c.share(n, n) } noexcept -> std::same_as<std::optional<P>>;  // 2nd owner of [off, off + len), or none
      { p.hold() } noexcept -> std::same_as<P>;
      { c.unique() } noexcept -> std::same_as<bool>;           // nobody else owns any of its octets
      { p.chain(std::move(p)) } noexcept;                      // adds the other packet's octets behind
      { c.true_size() } noexcept -> std::same_as<std::size_t>; // octets of memory it pins
      { p.meta() } noexcept -> std::same_as<PacketMeta&>;
      { p.release() } noexcept -> std::same_as<typename P::Node*>;   // gives up ownership
      { P::adopt(node) } noexcept -> std::same_as<P>;                // takes it back
      { P::meta_of(node) } noexcept -> std::same_as<PacketMeta&>;
    };

/// Where new packets come from. allocate(): an empty packet with full headroom, or an empty handle.
template <class Pool, class P>
concept PacketPool = requires(Pool pool, const Pool cpool) {
  { pool.allocate() } noexcept -> std::same_as<P>;             // room for an MTU and all headers
  { pool.allocate_small() } noexcept -> std::same_as<P>;       // room for headers alone
  { cpool.available() } noexcept -> std::same_as<std::size_t>; // full-size packets left, roughly
  { cpool.capacity() } noexcept -> std::same_as<std::size_t>;
};
// clang-format on

/// A FIFO of packets through their own links: two words, no memory of its own.
template <PacketBuffer P>
class PacketQueue {
 public:
  using Node = typename P::Node;

  PacketQueue() noexcept = default;
  PacketQueue(PacketQueue&& other) noexcept
      : head_{std::exchange(other.head_, nullptr)}, tail_{std::exchange(other.tail_, nullptr)} {}
  PacketQueue& operator=(PacketQueue&& other) noexcept {
    if (this != &other) {
      clear();
      head_ = std::exchange(other.head_, nullptr);
      tail_ = std::exchange(other.tail_, nullptr);
    }
    return *this;
  }
  ~PacketQueue() { clear(); }

  bool empty() const noexcept { return head_ == nullptr; }
  /// First and last packet, still owned by the queue; null if empty.
  Node* head() const noexcept { return head_; }
  Node* tail() const noexcept { return tail_; }
  static Node* after(Node* node) noexcept { return static_cast<Node*>(P::meta_of(node).next); }

  void push_back(P packet) noexcept {
    Node* node = packet.release();
    P::meta_of(node).next = nullptr;
    link_back(node, node);
  }
  void push_front(P packet) noexcept {
    Node* node = packet.release();
    P::meta_of(node).next = head_;
    if (head_ == nullptr) tail_ = node;
    head_ = node;
  }
  /// Precondition: not empty.
  P pop_front() noexcept {
    Node* node = head_;
    head_ = after(node);
    if (head_ == nullptr) tail_ = nullptr;
    P::meta_of(node).next = nullptr;
    return P::adopt(node);
  }
  /// All of `other`, behind what is here. O(1).
  void splice_back(PacketQueue&& other) noexcept {
    if (other.empty()) return;
    link_back(other.head_, other.tail_);
    other.head_ = other.tail_ = nullptr;
  }
  /// Frees all. O(n).
  void clear() noexcept {
    while (!empty()) pop_front();
  }

 private:
  void link_back(Node* first, Node* last) noexcept {
    if (head_ == nullptr) {
      head_ = first;
    } else {
      P::meta_of(tail_).next = first;
    }
    tail_ = last;
  }

  Node* head_ = nullptr;
  Node* tail_ = nullptr;
};

/// Lends the packet that a queue owns for one expression: `Borrowed<P>(queue.head())->size()`.
template <PacketBuffer P>
class Borrowed {
 public:
  explicit Borrowed(typename P::Node* node) noexcept : packet_{P::adopt(node)} {}
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() { packet_.release(); }
  P& operator*() noexcept { return packet_; }
  P* operator->() noexcept { return &packet_; }

 private:
  P packet_;
};

/// Calls `use(Bytes)` for the contiguous pieces of [offset, offset + length), front to back.
/// Precondition: the packet holds that range. O(segments).
template <PacketBuffer P, class Use>
void for_each_piece(const P& packet, std::size_t offset, std::size_t length, Use&& use) noexcept {
  for (std::size_t i = 0; length > 0; ++i) {
    Bytes piece = packet.segment(i);
    SMOL_CHECK(!piece.empty());
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    piece = piece.subspan(offset);
    if (piece.size() > length) piece = piece.first(length);
    offset = 0;
    length -= piece.size();
    use(piece);
  }
}

/// The Internet sum of [offset, offset + length), as if the range began at an even octet.
template <PacketBuffer P>
InternetSum packet_sum(const P& packet, std::size_t offset, std::size_t length) noexcept {
  if (const Bytes front = packet.segment(0); offset + length <= front.size()) [[likely]] {
    return internet_sum(front.subspan(offset, length));
  }
  InternetSum sum;
  bool odd = false;
  for_each_piece(packet, offset, length, [&](Bytes piece) {
    odd ? sum.add_odd(internet_sum(piece)) : sum.add(internet_sum(piece));
    odd = odd != (piece.size() % 2 == 1);
  });
  return sum;
}

/// Copies [offset, offset + out.size()) out. Precondition: the packet holds that range.
template <PacketBuffer P>
void packet_copy(const P& packet, std::size_t offset, MutBytes out) noexcept {
  for_each_piece(packet, offset, out.size(), [&](Bytes piece) {
    std::memcpy(out.data(), piece.data(), piece.size());
    out = out.subspan(piece.size());
  });
}

}  // namespace smol
