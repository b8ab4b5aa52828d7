#pragma once

#include <chrono>
#include <cstdint>

namespace smol {

/// The machine's clock: a type without now(). The driver reads real or virtual time once a turn and
/// hands it down; nothing below may ask (docs/explanation.md, "One clock read a turn").
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock, duration>;
  static constexpr bool is_steady = true;
};

using Duration = Clock::duration;
/// A moment since an arbitrary start that the driver chose. Never decreases between calls.
using Instant = Clock::time_point;

/// Later than every deadline: "no timer".
inline constexpr Instant kNever = Instant::max();

constexpr Duration nanoseconds(std::int64_t n) noexcept {
  return Duration{n};
}
constexpr Duration microseconds(std::int64_t n) noexcept {
  return Duration{n * 1'000};
}
constexpr Duration milliseconds(std::int64_t n) noexcept {
  return Duration{n * 1'000'000};
}
constexpr Duration seconds(std::int64_t n) noexcept {
  return Duration{n * 1'000'000'000};
}

}  // namespace smol
