#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <sys/mman.h>

#include "protocols/base/bytes.hh"
#include "protocols/base/check.hh"

namespace smol::dataplane {

/// Records of any length from one thread to another, in order, without locks and without waiting:
/// a full ring refuses, and the producer counts what it lost. Records become visible together, at
/// publish(), so that the producer may still write into what it reserved before.
///
///   tail_ (consumer) ──> |published ...| <── head_ |reserved ...| <── write_ (producer)
class RecordRing {
 public:
  /// Rounded up to a power of two, 4 KiB at least. Memory is touched as it is used.
  explicit RecordRing(std::size_t octets)
      : size_{std::bit_ceil(octets < 4096 ? std::size_t{4096} : octets)},
        memory_{new std::uint64_t[size_ / sizeof(std::uint64_t)]} {}

  // --- the producing thread

  /// Room for `n` octets, aligned to 8, visible after publish(); empty: the ring is full. A record
  /// may take up to half the ring.
  MutBytes reserve(std::size_t n) noexcept {
    const std::size_t need = kHeader + (n + 7) / 8 * 8;
    std::uint64_t at = write_;
    const std::size_t to_end = size_ - (at & (size_ - 1));
    const std::size_t skip = to_end < need ? to_end : 0;
    if (at + skip + need - seen_tail_ > size_) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      if (at + skip + need - seen_tail_ > size_) return {};
    }
    if (skip > 0) put_length(at, kSkip);
    at += skip;
    put_length(at, n);
    write_ = at + need;
    return {octets_at(at + kHeader), n};
  }
  void publish() noexcept {
    if (write_ != head_.load(std::memory_order_relaxed)) {
      head_.store(write_, std::memory_order_release);
    }
  }

  // --- the consuming thread

  /// The oldest published record; empty: there is none. Valid until pop().
  Bytes front() noexcept {
    if (read_ == seen_head_) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (read_ == seen_head_) return {};
    }
    if (length_at(read_) == kSkip) read_ += size_ - (read_ & (size_ - 1));
    return {octets_at(read_ + kHeader), length_at(read_)};
  }
  /// Precondition: front() showed a record.
  void pop() noexcept {
    read_ += kHeader + (length_at(read_) + 7) / 8 * 8;
    tail_.store(read_, std::memory_order_release);
  }
  /// Gives the machine its memory back; it is taken again with use. Precondition: it is empty, and
  /// the producer is not at it.
  void release_memory() noexcept {
    constexpr std::uintptr_t kPage = 4096;
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory_.get()) + kPage - 1) & ~(kPage - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(memory_.get()) + size_) & ~(kPage - 1);
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }

  // --- any thread: octets since the beginning

  std::uint64_t published() const noexcept { return head_.load(std::memory_order_acquire); }
  std::uint64_t consumed() const noexcept { return tail_.load(std::memory_order_acquire); }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kHeader = 8;
  static constexpr std::uint64_t kSkip = ~std::uint64_t{0};

  std::uint8_t* octets_at(std::uint64_t at) const noexcept {
    return reinterpret_cast<std::uint8_t*>(memory_.get()) + (at & (size_ - 1));
  }
  std::uint64_t length_at(std::uint64_t at) const noexcept {
    return memory_[(at & (size_ - 1)) / sizeof(std::uint64_t)];
  }
  void put_length(std::uint64_t at, std::uint64_t length) noexcept {
    memory_[(at & (size_ - 1)) / sizeof(std::uint64_t)] = length;
  }

  const std::size_t size_;
  const std::unique_ptr<std::uint64_t[]> memory_;

  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::uint64_t write_ = 0;      // the producer's
  std::uint64_t seen_tail_ = 0;  // the producer's
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  std::uint64_t read_ = 0;       // the consumer's
  std::uint64_t seen_head_ = 0;  // the consumer's
};

}  // namespace smol::dataplane
