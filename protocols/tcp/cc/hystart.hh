#pragma once

#include <cstdint>
#include <limits>

#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// HyStart++ (RFC 9406): ends the first slow start when round trips grow longer, before the queue
/// overflows. A rise leads to Conservative Slow Start first, which grows by a quarter; if the rise
/// was noise, slow start goes on.
class HyStart {
 public:
  /// Every ACK of the first slow start. What is left of growing by `grow` octets.
  std::uint32_t on_ack(const AckSample& ack, bool round_ended, std::uint32_t grow) noexcept;
  /// Conservative Slow Start has lasted: go on with congestion avoidance.
  bool finished() const noexcept { return css_rounds_ >= kCssRounds; }
  bool conservative() const noexcept { return conservative_; }

 private:
  // RFC 9406 section 4.3.
  static constexpr std::uint32_t kMinThresholdUs = 4'000;
  static constexpr std::uint32_t kMaxThresholdUs = 16'000;
  static constexpr std::uint32_t kDivisor = 8;
  static constexpr std::uint8_t kSamples = 8;
  static constexpr std::uint32_t kCssGrowthDivisor = 4;
  static constexpr std::uint8_t kCssRounds = 5;
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  void judge() noexcept;

  // Microseconds.
  std::uint32_t last_min_ = kNone;     ///< of the round before
  std::uint32_t current_min_ = kNone;  ///< of this one
  std::uint32_t baseline_ = kNone;     ///< when the conservative phase began
  std::uint8_t samples_ = 0;           ///< of this round
  std::uint8_t css_rounds_ = 0;
  bool conservative_ = false;
};

}  // namespace smol::tcp::cc
