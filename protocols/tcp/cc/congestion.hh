#pragma once

#include <cstdint>

#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// How much may be in flight: one algorithm out of a closed set, chosen when a connection begins.
/// All amounts are octets; `mss` is the full segment's payload, `flight` what is sent and
/// unacknowledged.
///
/// The caller runs loss detection and recovery (recovery.cc) and reports; nothing here reads
/// sequence numbers or time.
class Congestion {
 public:
  explicit constexpr Congestion(CongestionControl kind) noexcept : kind_{kind} {}

  CongestionControl kind() const noexcept { return kind_; }
  std::uint32_t cwnd() const noexcept { return cwnd_; }
  std::uint32_t ssthresh() const noexcept { return ssthresh_; }
  bool in_slow_start() const noexcept { return cwnd_ < ssthresh_; }

  /// Data may flow. `syn_lost`: the handshake needed a retransmission (RFC 5681 section 3.1).
  void begin(std::uint32_t mss, std::uint32_t initial_segments, bool syn_lost) noexcept;
  /// `acked` new octets outside of recovery. Grows only if the window was what limited the sender
  /// (RFC 7661 section 4.3).
  void on_ack(std::uint32_t mss, std::uint32_t acked, bool was_limited) noexcept;
  /// The third duplicate ACK (RFC 5681 section 3.2, RFC 6582 section 3.2).
  void on_enter_recovery(std::uint32_t mss, std::uint32_t flight) noexcept;
  /// One more duplicate ACK in recovery: a segment has left the network.
  void on_duplicate_in_recovery(std::uint32_t mss) noexcept;
  void on_partial_ack(std::uint32_t mss, std::uint32_t acked) noexcept;
  void on_full_ack(std::uint32_t mss, std::uint32_t flight) noexcept;
  /// `first`: not yet backed off for this segment; a second timeout keeps ssthresh (RFC 5681
  /// section 3.1).
  void on_timeout(std::uint32_t mss, std::uint32_t flight, bool first) noexcept;
  /// Nothing was sent for longer than the RTO (RFC 5681 section 4.1).
  void on_idle(std::uint32_t mss, std::uint32_t initial_segments) noexcept;

  /// min(n * MSS, max(2 * MSS, n * 1460)) (RFC 6928 section 2).
  static std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) noexcept;

 private:
  /// One gigabyte: the largest window that can be advertised (RFC 7323 section 2.3).
  static constexpr std::uint32_t kMaxWindow = 1u << 30;

  std::uint32_t cwnd_ = kMaxWindow;
  std::uint32_t ssthresh_ = kMaxWindow;
  std::uint32_t acked_in_avoidance_ = 0;
  CongestionControl kind_;
};

}  // namespace smol::tcp
