#pragma once

#include <cstdint>

#include "protocols/base/hash.hh"

namespace smol {

/// Numbers that look random and follow from the seed alone (a Weyl sequence through a mixing
/// multiplication): jitter and port choice. Not for secrets that a peer could work out; those go
/// through siphash24.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) noexcept : state_{seed} {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    return mix(state_ ^ 0xa0761d6478bd642f, state_ | 1);
  }
  /// 0 <= result < bound. Precondition: bound > 0.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace smol
