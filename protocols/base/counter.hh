#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "protocols/base/drop.hh"

namespace smol {

/// A number that one thread counts up and any thread may read. A plain add for the owner: there is
/// no atomic read-modify-write, so two owners would lose counts.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) noexcept { add(0 - n); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// One counter a drop reason. Owned by a worker; its port, injector and stack all count here.
class DropCounters {
 public:
  void add(Drop drop, std::uint64_t n = 1) noexcept { of(drop).add(n); }
  std::uint64_t value(Drop drop) const noexcept {
    return counters_[static_cast<std::size_t>(drop)].value();
  }
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& c : counters_) sum += c.value();
    return sum;
  }

 private:
  Counter& of(Drop drop) noexcept { return counters_[static_cast<std::size_t>(drop)]; }

  std::array<Counter, kDropCount> counters_;
};

}  // namespace smol
