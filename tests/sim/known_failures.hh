#pragma once

#include <cstdint>
#include <span>

namespace smol::sim {

/// A seed that shows a bug which is not mended yet.
struct KnownFailure {
  std::uint64_t seed;
  const char* cause;
};
/// For the time between finding and mending: a test is skipped while it is not empty.
inline constexpr std::span<const KnownFailure> kKnownFailures{};

/// Its cause; null: it is not known to fail.
inline const char* known_failure(std::uint64_t seed) {
  for (const KnownFailure& failure : kKnownFailures) {
    if (failure.seed == seed) return failure.cause;
  }
  return nullptr;
}

}  // namespace smol::sim
