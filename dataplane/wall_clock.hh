#pragma once

#include <ctime>

#include "protocols/base/time.hh"

namespace smol::dataplane {

/// The worker's clock: CLOCK_MONOTONIC, through the vDSO; no system call.
inline Instant monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Instant{Duration{std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec}};
}

/// Turns worker time into time since 1970. The distance of the two clocks is kept until the
/// machine's clock is stepped by a millisecond or more, so that readings do not waver.
class WallClock {
 public:
  /// Looks whether the clock was stepped. Cheap; call it now and then.
  void refresh() noexcept {
    timespec wall{};
    clock_gettime(CLOCK_REALTIME, &wall);
    const std::int64_t distance = std::int64_t{wall.tv_sec} * 1'000'000'000 + wall.tv_nsec -
                                  monotonic_now().time_since_epoch().count();
    constexpr std::int64_t kStep = 1'000'000;
    if (distance - distance_ >= kStep || distance_ - distance >= kStep) distance_ = distance;
  }
  /// Nanoseconds since 1970.
  std::int64_t unix_ns(Instant at) const noexcept {
    return at.time_since_epoch().count() + distance_;
  }

 private:
  std::int64_t distance_ = 0;
};

}  // namespace smol::dataplane
