#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/time.hh"
#include "protocols/tcp/cc/ack_sample.hh"
#include "protocols/tcp/cc/bbr.hh"
#include "protocols/tcp/cc/congestion_info.hh"
#include "protocols/tcp/cc/congestion_signal.hh"
#include "protocols/tcp/cc/loss_based.hh"
#include "protocols/tcp/cc/window.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// What users write and read: "newreno", "cubic" and so on.
std::string_view name(CongestionControl kind) noexcept;

/// How much may be in flight: one algorithm out of a closed set, chosen when a connection begins.
/// All amounts are octets; `mss` is the full segment's payload.
///
/// The set is closed, and one branch by kind() finds the algorithm: no virtual call, no memory of
/// its own, no exception. Copies are values.
///
/// The caller runs loss detection and recovery (recovery.cc) and reports; nothing here reads
/// sequence numbers or a clock.
class Congestion {
 public:
  /// `dctcp`: ECN is answered by the share of octets that met congestion (RFC 8257), and not by a
  /// cut as for a loss. Only for networks where everybody does, and not with kBbr.
  explicit Congestion(CongestionControl kind, bool dctcp = false) noexcept;

  CongestionControl kind() const noexcept { return kind_; }
  std::uint32_t cwnd() const noexcept { return window_.cwnd; }
  std::uint32_t ssthresh() const noexcept { return window_.ssthresh; }
  bool in_slow_start() const noexcept { return window_.in_slow_start(); }
  /// Octets a second to pace at; 0: do not pace (kNone, or no round trip was measured).
  std::uint64_t pacing_rate(Duration srtt) const noexcept;
  /// cwnd a round trip, twice that in slow start and 1.2 times later, so that pacing is never what
  /// keeps the window from being used; 0: `srtt` is zero.
  static std::uint64_t window_rate(std::uint32_t cwnd, Duration srtt, bool slow_start) noexcept;
  /// PRR steers cwnd during recovery, to arrive at ssthresh (RFC 9937); false for kNone, which
  /// keeps no window, and kBbr, which has its own rules.
  bool reduces_by_prr() const noexcept {
    return kind_ != CongestionControl::kNone && kind_ != CongestionControl::kBbr;
  }

  /// Data may flow. `syn_lost`: the handshake needed a retransmission (RFC 5681 section 3.1).
  /// `seed`: chance for what must not happen to all connections at once; the ISS will do.
  void begin(Instant now, std::uint32_t mss, std::uint32_t initial_segments, bool syn_lost,
             std::uint32_t seed = 0) noexcept;
  /// Before the first segment of a flight goes, after nothing was in flight for `idle`, and `idle`
  /// was longer than an RTO (RFC 5681 section 4.1).
  void on_idle(Instant now, std::uint32_t mss, std::uint32_t initial_segments,
               Duration idle) noexcept;
  /// Every ACK that acknowledges, SACKs or marks lost anything, in recovery or out. Loss-based
  /// controls do not grow in recovery.
  void on_ack(const AckSample& ack) noexcept;
  /// A new episode of recovery (or of CWR, after ECE) begins: sets ssthresh, remembers what undo()
  /// needs. cwnd is left to PRR (set_cwnd) or to inflate(). `in_flight`: FlightSize (RFC 5681),
  /// that is with what is now taken for lost, and without what limited transmit sent beyond cwnd.
  void on_congestion(Instant now, std::uint32_t mss, std::uint32_t in_flight,
                     CongestionSignal signal) noexcept;
  /// PRR's own result.
  void set_cwnd(std::uint32_t cwnd) noexcept;
  /// The episode is over: cwnd = ssthresh where PRR steered (RFC 9937 section 6).
  void on_recovery_end(Instant now, std::uint32_t mss, std::uint32_t in_flight) noexcept;

  // Without SACK (RFC 5681 section 3.2, RFC 6582): inflated and deflated instead of PRR.

  /// The third duplicate ACK, after on_congestion(): three segments have left the network.
  void inflate(std::uint32_t mss) noexcept;
  /// One more duplicate ACK in recovery: a segment has left the network.
  void on_duplicate_in_recovery(std::uint32_t mss) noexcept;
  void on_partial_ack(std::uint32_t mss, std::uint32_t acked) noexcept;
  void on_full_ack(std::uint32_t mss, std::uint32_t flight) noexcept;

  /// `first`: not yet backed off for this segment; a second timeout keeps ssthresh (RFC 5681
  /// section 3.1). `in_flight`: FlightSize, with all that is now taken for lost.
  void on_timeout(Instant now, std::uint32_t mss, std::uint32_t in_flight, bool first) noexcept;
  /// What began the last episode (or the last timeout) turned out to be no loss: all is as it was
  /// before (RFC 4015, RFC 9438 section 4.9). Nothing the second time.
  void undo() noexcept;

  /// min(n * MSS, max(2 * MSS, n * 1460)) (RFC 6928 section 2); n = 0: two to four segments by
  /// their size (RFC 5681 section 3.1).
  static std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) noexcept;

  CongestionInfo info(Duration srtt) const noexcept;

 private:
  union Algorithm {
    Algorithm() noexcept : none{} {}
    struct {
    } none;
    cc::LossBased loss_based;
    cc::Bbr bbr;
  };

  bool off() const noexcept { return kind_ == CongestionControl::kNone; }
  bool is_bbr() const noexcept { return kind_ == CongestionControl::kBbr; }

  cc::Window window_;
  CongestionControl kind_;
  Algorithm algorithm_;
};

}  // namespace smol::tcp
