#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace smol {

/// How much of a long test to do: all of `amount`, or a part of it where the build is slow
/// (SMOL_TEST_DIVISOR, which the runner sets for sanitizers).
inline std::uint32_t scaled(std::uint32_t amount) {
  const char* text = std::getenv("SMOL_TEST_DIVISOR");
  const unsigned long divisor = text == nullptr ? 1 : std::strtoul(text, nullptr, 10);
  return std::max<std::uint32_t>(1, amount / static_cast<std::uint32_t>(std::max(divisor, 1ul)));
}

}  // namespace smol
