#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <sys/random.h>

#include "protocols/base/check.hh"
#include "protocols/base/random.hh"
#include "protocols/stack/config.hh"

namespace smol::dataplane {

/// Numbers from the configured seed, so that a run can be repeated, or from the kernel, so that
/// nobody can.
class Chance {
 public:
  explicit Chance(std::optional<std::uint64_t> seed) {
    std::uint64_t value = 0;
    if (seed) {
      value = *seed;
    } else {
      SMOL_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
      from_kernel_ = true;
    }
    rng_ = Rng{value};
  }
  std::uint64_t next() {
    std::uint64_t value = rng_.next();
    // A secret is only as good as its source: not one seed for all of them.
    if (from_kernel_) SMOL_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
    return value;
  }
  StackSecrets secrets() {
    StackSecrets out;
    out.hash = {next(), next()};
    out.isn = {next(), next()};
    out.seed = next();
    out.cookie = {next(), next()};
    return out;
  }
  /// Of a flow hash. Who knew it could aim all of his flows at one worker. Neither so few ones nor
  /// so many that what differs between flows would move but few bits of the hash.
  std::uint16_t spreading_pattern() {
    for (;;) {
      const auto pattern = static_cast<std::uint16_t>(next());
      if (const int ones = std::popcount(pattern); ones >= 6 && ones <= 10) return pattern;
    }
  }

 private:
  bool from_kernel_ = false;
  Rng rng_{0};
};

}  // namespace smol::dataplane
