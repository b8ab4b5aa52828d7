#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocols/base/check.hh"
#include "protocols/base/time.hh"
#include "protocols/packet/buffer.hh"

namespace smol::dataplane {

/// A ring of a fixed size. Memory is taken at construction.
template <class T>
class FixedRing {
 public:
  explicit FixedRing(std::size_t capacity) : slots_(capacity) {}

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// Precondition: size() < capacity.
  void push(const T& value) noexcept {
    SMOL_CHECK(size_ < slots_.size());
    const std::size_t at = first_ + size_++;
    slots_[at < slots_.size() ? at : at - slots_.size()] = value;
  }
  /// Precondition: not empty.
  T& front() noexcept { return slots_[first_]; }
  const T& front() const noexcept { return slots_[first_]; }
  void pop() noexcept {
    if (++first_ == slots_.size()) first_ = 0;
    --size_;
  }

 private:
  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

/// Packets, each with the time at which it is to leave; of those that are due at one time the one
/// that came first. Times are exact. Those that come in the order of their times, which is most of
/// them, cost O(1); others O(log n). Memory is taken at construction.
template <PacketBuffer P>
class PacketStore {
 public:
  /// `capacity`: packets.
  explicit PacketStore(std::size_t capacity) : in_order_{capacity} { others_.reserve(capacity); }
  ~PacketStore() {
    for (; !in_order_.empty(); in_order_.pop()) P::adopt(in_order_.front().packet);
    for (const Held& held : others_) P::adopt(held.packet);
  }
  PacketStore(const PacketStore&) = delete;
  PacketStore& operator=(const PacketStore&) = delete;

  std::size_t size() const noexcept { return in_order_.size() + others_.size(); }
  bool empty() const noexcept { return size() == 0; }
  /// Precondition: size() < capacity.
  void push(Instant due, P packet) noexcept {
    // By node: the packet's own link may be in use by its other holder.
    const Held held{packet.release(), due, arrivals_++};
    if (in_order_.empty() || due >= last_due_) {
      last_due_ = due;
      in_order_.push(held);
    } else {
      push_aside(held);
    }
  }
  /// The same for one that those behind it will overtake: it does not stand in their way.
  void push_late(Instant due, P packet) noexcept {
    push_aside({packet.release(), due, arrivals_++});
  }
  /// kNever: empty.
  Instant next_due() const noexcept {
    const Instant first = in_order_.empty() ? kNever : in_order_.front().due;
    return others_.empty() ? first : std::min(first, others_.front().due);
  }
  /// Precondition: not empty.
  P pop() noexcept {
    const bool from_heap =
        in_order_.empty() || (!others_.empty() && later(in_order_.front(), others_.front()));
    if (!from_heap) {
      P packet = P::adopt(in_order_.front().packet);
      in_order_.pop();
      return packet;
    }
    std::pop_heap(others_.begin(), others_.end(), later);
    P packet = P::adopt(others_.back().packet);
    others_.pop_back();
    return packet;
  }

 private:
  struct Held {
    typename P::Node* packet;
    Instant due;
    std::uint64_t order;
  };

  static bool later(const Held& a, const Held& b) noexcept {
    return a.due != b.due ? a.due > b.due : a.order > b.order;
  }

  void push_aside(const Held& held) noexcept {
    SMOL_CHECK(others_.size() < others_.capacity());
    others_.push_back(held);
    std::push_heap(others_.begin(), others_.end(), later);
  }

  FixedRing<Held> in_order_;
  std::vector<Held> others_;  ///< a heap, the next one due on top
  Instant last_due_{};        ///< of in_order_
  std::uint64_t arrivals_ = 0;
};

}  // namespace smol::dataplane
