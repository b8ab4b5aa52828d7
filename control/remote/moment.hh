#pragma once

#include <chrono>
#include <cstdint>

#include "protocols/base/time.hh"

namespace smol::control {

/// The worker's clock, read outside of it: both are CLOCK_MONOTONIC.
inline Instant worker_now() noexcept {
  return Instant{
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

/// Nanoseconds since 1970 at a moment of the worker's clock.
inline std::int64_t unix_time_of(Instant at) noexcept {
  const auto ago = worker_now() - at;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
             .count() -
         ago.count();
}

}  // namespace smol::control
