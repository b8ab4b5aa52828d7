#pragma once

#include <cstdint>

#include "protocols/base/time.hh"

namespace smol::tcp {

/// What one acknowledgement told of delivery. Amounts are octets of payload.
struct AckSample {
  Instant now;
  std::uint32_t mss = 0;  ///< payload of a full segment
  /// By which SND.UNA moved; in recovery, at most `delivered`: what was SACKed came earlier.
  std::uint32_t acked = 0;
  std::uint32_t delivered = 0;  ///< newly known to have arrived: acknowledged or SACKed
  std::uint32_t lost = 0;       ///< newly taken for lost
  /// After it: sent, neither delivered nor lost (pipe of RFC 6675).
  std::uint32_t in_flight = 0;
  /// Of the last segment it delivered that was sent once; zero: none.
  Duration rtt{0};
  Duration srtt{0};
  Duration min_rtt{0};  ///< the shortest of the connection; zero: none yet
  // The delivery rate sample (draft-ietf-ccwg-bbr section 4.1): of the most recently sent segment
  // that this ACK delivered.
  std::uint64_t total_delivered = 0;  ///< since the connection began, this ACK included
  std::uint64_t prior_delivered = 0;  ///< when that segment was sent
  std::uint32_t tx_in_flight = 0;     ///< in flight when it was sent, itself included
  std::uint32_t lost_since = 0;       ///< taken for lost since it was sent
  std::uint32_t rate_delivered = 0;   ///< delivered over `interval`
  Duration interval{0};               ///< zero: no rate sample
  bool app_limited = false;   ///< the sample was taken while the application had nothing to send
  bool cwnd_limited = false;  ///< cwnd was what held the sender back in the last round
  bool in_recovery = false;
  bool ends_recovery = false;  ///< the last of those in recovery
  bool paced = false;          ///< what an ACK lets go does not leave as a burst
  /// For how many segments it counts in slow start; as many as RFC 9406 has (section 4.2), or more,
  /// are no bound where `paced`.
  std::uint32_t slow_start_segments = 8;
  std::uint32_t ce_marked = 0;  ///< of `delivered`, what the peer says met congestion (DCTCP)
};

}  // namespace smol::tcp
