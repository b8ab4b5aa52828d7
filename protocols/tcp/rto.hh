#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/base/time.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// The retransmission timeout (RFC 6298). Samples must not come from retransmitted segments (Karn);
/// that is the caller's care.
class Rto {
 public:
  explicit constexpr Rto(const Config& config) noexcept
      : rto_{config.initial_rto},
        max_ms_{static_cast<std::uint32_t>(config.max_rto / milliseconds(1))} {}

  /// A round trip was measured. Ends the back-off (RFC 6298 section 5.7).
  constexpr void sample(const Config& config, Duration rtt) noexcept {
    if (srtt_ == Duration::zero()) {
      srtt_ = rtt;
      rttvar_ = rtt / 2;
    } else {
      const Duration error = srtt_ > rtt ? srtt_ - rtt : rtt - srtt_;
      rttvar_ = (3 * rttvar_ + error) / 4;
      srtt_ = (7 * srtt_ + rtt) / 8;
    }
    // Zero means "no sample yet".
    srtt_ = std::max(srtt_, nanoseconds(1));
    rto_ = std::clamp(srtt_ + std::max(kGranularity, 4 * rttvar_), config.min_rto, max());
    backoff_ = 0;
  }

  /// The timer ran out: the next one is twice as long (section 5.5).
  constexpr void back_off() noexcept {
    if (backoff_ < kMaxBackoff) ++backoff_;
  }
  /// What it waited for was on its way.
  constexpr void after_spurious() noexcept { backoff_ = 0; }
  /// The handshake needed a retransmission: data begins with 3 s (section 5.7).
  constexpr void after_lost_syn() noexcept {
    if (srtt_ == Duration::zero()) rto_ = std::max(rto_, seconds(3));
    backoff_ = 0;
  }

  constexpr Duration value() const noexcept {
    return std::min(rto_ * (std::int64_t{1} << backoff_), std::max(max(), rto_));
  }
  constexpr Duration srtt() const noexcept { return srtt_; }
  constexpr Duration rttvar() const noexcept { return rttvar_; }
  constexpr std::uint8_t backoff() const noexcept { return backoff_; }

 private:
  /// G of RFC 6298: what the timer wheel can tell apart, rounded up.
  static constexpr Duration kGranularity = microseconds(100);
  static constexpr std::uint8_t kMaxBackoff = 12;

  constexpr Duration max() const noexcept { return milliseconds(max_ms_); }

  Duration srtt_{0};
  Duration rttvar_{0};
  Duration rto_;
  std::uint32_t max_ms_;
  std::uint8_t backoff_ = 0;
};

}  // namespace smol::tcp
