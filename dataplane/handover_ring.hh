#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace smol::dataplane {

/// Small values from one thread to another, in order, in bursts: no lock, no waiting; a full ring
/// takes less than it is offered. `kSize`: a power of two.
template <class T, std::size_t kSize>
class HandoverRing {
  static_assert(kSize > 1 && (kSize & (kSize - 1)) == 0);

 public:
  /// Thread: the producer. How many it took, from the front.
  std::size_t push(std::span<const T> values) noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head - seen_tail_ + values.size() > kSize) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      values = values.first(std::min<std::size_t>(values.size(), kSize - (head - seen_tail_)));
    }
    for (std::size_t i = 0; i < values.size(); ++i) slots_[(head + i) % kSize] = values[i];
    head_.store(head + static_cast<std::uint32_t>(values.size()), std::memory_order_release);
    return values.size();
  }

  /// Thread: the consumer. How many there were, at most out.size().
  std::size_t pop(std::span<T> out) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (seen_head_ == tail) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (seen_head_ == tail) return 0;
    }
    const std::size_t n = std::min<std::size_t>(out.size(), seen_head_ - tail);
    for (std::size_t i = 0; i < n; ++i) out[i] = slots_[(tail + i) % kSize];
    tail_.store(tail + static_cast<std::uint32_t>(n), std::memory_order_release);
    return n;
  }

 private:
  // What one side writes with each burst shares no cache line with what the other writes.
  alignas(64) std::atomic<std::uint32_t> head_{0};  ///< the producer's
  std::uint32_t seen_tail_ = 0;
  alignas(64) std::atomic<std::uint32_t> tail_{0};  ///< the consumer's
  std::uint32_t seen_head_ = 0;
  alignas(64) std::array<T, kSize> slots_;
};

}  // namespace smol::dataplane
