#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// min(n * MSS, max(2 * MSS, n * 1460)) (RFC 6928 section 2). No `segments`: what RFC 5681 section
/// 3.1 allows.
constexpr std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) noexcept {
  if (segments == 0) return (mss > 2190 ? 2 : mss > 1095 ? 3 : 4) * mss;
  const std::uint64_t most = std::max(std::uint64_t{2} * mss, std::uint64_t{segments} * 1460);
  return static_cast<std::uint32_t>(
      std::min({std::uint64_t{segments} * mss, most, std::uint64_t{kMaxWindow}}));
}

}  // namespace smol::tcp::cc
