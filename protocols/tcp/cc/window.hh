#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/base/time.hh"
#include "protocols/tcp/cc/ack_sample.hh"

namespace smol::tcp::cc {

/// One gigabyte: the largest window that can be advertised (RFC 7323 section 2.3).
inline constexpr std::uint32_t kMaxWindow = 1u << 30;

/// What the loss-based controls steer, in octets.
struct Window {
  std::uint32_t cwnd = kMaxWindow;
  std::uint32_t ssthresh = kMaxWindow;

  bool in_slow_start() const noexcept { return cwnd < ssthresh; }
  void grow(std::uint32_t octets) noexcept {
    cwnd = std::min(cwnd + std::min(octets, kMaxWindow), kMaxWindow);
  }
};

/// Milliseconds of the clock, modulo 2^32: half the octets of an Instant, for what is compared with
/// nearby moments. Wraps after 49 days; what is older looks younger, and all users bear that.
inline std::uint32_t clock_ms(Instant now) noexcept {
  return static_cast<std::uint32_t>(now.time_since_epoch() / milliseconds(1));
}

/// `part` percent of `octets`, rounded down.
constexpr std::uint32_t percent(std::uint32_t octets, std::uint32_t part) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{octets} * part / 100);
}

/// One round trip after another, told by what was in flight when each began: it is over when as
/// much has been delivered or lost since. Needs no sequence numbers.
class Rounds {
 public:
  /// `ack` ends a round, and begins the next.
  bool ended_by(const AckSample& ack) noexcept {
    const std::uint64_t gone = std::uint64_t{ack.delivered} + ack.lost;
    if (gone < left_) {
      left_ -= static_cast<std::uint32_t>(gone);
      return false;
    }
    left_ = ack.in_flight;
    return true;
  }

 private:
  std::uint32_t left_ = 0;
};

}  // namespace smol::tcp::cc
