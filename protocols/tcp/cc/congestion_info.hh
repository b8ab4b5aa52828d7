#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/time.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// Congestion control opened to inspection. What an algorithm does not have is zero, or empty.
struct CongestionInfo {
  CongestionControl kind = CongestionControl::kNone;
  std::uint32_t cwnd = 0;         ///< octets
  std::uint32_t ssthresh = 0;     ///< octets; 2^30: not known yet
  std::uint64_t pacing_rate = 0;  ///< octets a second; 0: not paced
  /// "slow_start", "conservative_slow_start" or "avoidance"; of BBR its state: "startup",
  /// "probe_bw_up" and so on.
  std::string_view phase;
  std::uint32_t pipe_ack = 0;            ///< RFC 7661, octets; 0: undefined
  std::uint32_t dctcp_alpha = 0;         ///< in millionths
  std::uint32_t w_max = 0;               ///< CUBIC, octets
  std::uint32_t k_ms = 0;                ///< CUBIC: from the last cut to w_max
  std::uint64_t bandwidth = 0;           ///< BBR, Westwood+: octets a second
  Duration min_rtt{0};                   ///< BBR's own, of the last 10 s
  std::uint32_t pacing_gain = 0;         ///< BBR, percent
  std::uint32_t cwnd_gain = 0;           ///< BBR, percent
  std::uint32_t inflight_longterm = 0;   ///< BBR, octets; 2^32 - 1: no bound
  std::uint32_t inflight_shortterm = 0;  ///< BBR, octets; 2^32 - 1: no bound
};

}  // namespace smol::tcp
