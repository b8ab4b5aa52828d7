#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// The extent of congestion, from the share of octets that met it (RFC 8257 section 3.3).
class Dctcp {
 public:
  /// Every ACK. `window_ended`: a round trip is over.
  void on_ack(const AckSample& ack, bool window_ended) noexcept {
    acked_ += std::min(ack.delivered, kMaxWindow - acked_);
    marked_ = std::min(marked_ + std::min(ack.ce_marked, kMaxWindow), acked_);
    if (!window_ended || acked_ == 0) return;
    // g = 1/16.
    const auto share = static_cast<std::uint32_t>(std::uint64_t{marked_} * kOne / acked_);
    alpha_ = (15 * alpha_ + share) / 16;
    acked_ = marked_ = 0;
  }
  /// (1 - alpha / 2) of `window`.
  std::uint32_t after_congestion(std::uint32_t window) const noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{window} * (2 * kOne - alpha_) / (2 * kOne));
  }
  /// In millionths.
  std::uint32_t alpha() const noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{alpha_} * 1'000'000 / kOne);
  }

 private:
  static constexpr std::uint32_t kOne = 1u << 24;

  std::uint32_t alpha_ = kOne;  ///< section 3.3: the first mark is answered in full
  std::uint32_t acked_ = 0;     ///< in this window
  std::uint32_t marked_ = 0;
};

}  // namespace smol::tcp::cc
