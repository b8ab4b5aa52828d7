#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/time.hh"
#include "protocols/tcp/cc/ack_sample.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// Why the window is cut.
enum class CongestionSignal : std::uint8_t { kLoss, kEcn };

/// What users write and read: "newreno", "cubic" and so on.
std::string_view name(CongestionControl kind) noexcept;

/// How much may be in flight: one algorithm out of a closed set, chosen when a connection begins.
/// All amounts are octets; `mss` is the full segment's payload, `in_flight` what is sent, and
/// neither delivered nor lost.
///
/// The caller runs loss detection and recovery (recovery.cc) and reports; nothing here reads
/// sequence numbers or a clock.
class Congestion {
 public:
  explicit constexpr Congestion(CongestionControl kind, bool dctcp = false) noexcept
      : kind_{kind}, dctcp_{dctcp} {}

  CongestionControl kind() const noexcept { return kind_; }
  std::uint32_t cwnd() const noexcept { return cwnd_; }
  std::uint32_t ssthresh() const noexcept { return ssthresh_; }
  bool in_slow_start() const noexcept { return cwnd_ < ssthresh_; }
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
  /// needs. cwnd is left to PRR (set_cwnd) or to inflate().
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
  /// section 3.1).
  void on_timeout(Instant now, std::uint32_t mss, std::uint32_t in_flight, bool first) noexcept;
  /// What began the last episode (or the last timeout) turned out to be no loss: all is as it was
  /// before (RFC 4015, RFC 9438 section 4.9). Nothing the second time.
  void undo() noexcept;

  /// min(n * MSS, max(2 * MSS, n * 1460)) (RFC 6928 section 2); n = 0: two to four segments by their
  /// size (RFC 5681 section 3.1).
  static std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) noexcept;

 private:
  /// One gigabyte: the largest window that can be advertised (RFC 7323 section 2.3).
  static constexpr std::uint32_t kMaxWindow = 1u << 30;

  bool off() const noexcept { return kind_ == CongestionControl::kNone; }
  void remember() noexcept;

  std::uint32_t cwnd_ = kMaxWindow;
  std::uint32_t ssthresh_ = kMaxWindow;
  std::uint32_t acked_in_avoidance_ = 0;
  std::uint32_t prior_cwnd_ = 0;  ///< for undo(); 0: nothing to undo
  std::uint32_t prior_ssthresh_ = 0;
  CongestionControl kind_;
  bool dctcp_;
};

}  // namespace smol::tcp
