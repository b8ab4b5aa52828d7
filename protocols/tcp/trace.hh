#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "protocols/base/seq.hh"
#include "protocols/base/text.hh"
#include "protocols/tcp/config.hh"
#include "protocols/tcp/info.hh"
#include "protocols/tcp/state.hh"

namespace smol::tcp {

/// What the sender is recovering from, for who looks on.
enum class TraceEpisode : std::uint8_t {
  kOpen,      ///< nothing
  kCwr,       ///< the peer echoed congestion
  kRecovery,  ///< SACK or duplicate ACKs told of a loss
  kLoss,      ///< a retransmission timeout
};
/// "open", "cwr", "recovery", "loss".
std::string_view name(TraceEpisode episode) noexcept;

/// CongestionInfo::phase as a number.
enum class TracePhase : std::uint8_t {
  kNone,
  kSlowStart,
  kConservativeSlowStart,
  kAvoidance,
  // of BBR
  kStartup,
  kDrain,
  kProbeBwDown,
  kProbeBwCruise,
  kProbeBwRefill,
  kProbeBwUp,
  kProbeRtt,
};
/// As CongestionInfo::phase; empty: kNone.
std::string_view name(TracePhase phase) noexcept;
/// kNone: there is no such phase.
TracePhase trace_phase(std::string_view name) noexcept;

/// By the name that users write; kNone: there is none of that name.
CongestionControl congestion_control(std::string_view name) noexcept;

/// As ss(8) writes it: "ESTAB".
std::string_view ss_name(State state) noexcept;

/// "application", "peer-window" and so on.
std::string_view name(WaitsFor waits_for) noexcept;

/// A connection's variables at one of its segments: as they are right after it was processed, or as
/// it leaves. Plain octets, to be copied. Made by Connection::trace().
struct Trace {
  // What `marks` says of the segment.
  static constexpr std::uint8_t kRetransmission = 1 << 0;
  static constexpr std::uint8_t kTailProbe = 1 << 1;    ///< RFC 8985
  static constexpr std::uint8_t kWindowProbe = 1 << 2;  ///< into a closed window
  static constexpr std::uint8_t kPathProbe = 1 << 3;    ///< longer than a full segment (RFC 4821)
  static constexpr std::uint8_t kKeepAlive = 1 << 4;
  // And of the connection.
  static constexpr std::uint8_t kAppLimited = 1 << 5;  ///< too little was written to fill the path

  std::uint64_t socket = 0;       ///< whatever number the driver has for it; 0: none
  std::uint64_t delivered = 0;    ///< octets known to have arrived since the connection began
  std::uint64_t pacing_rate = 0;  ///< octets a second; 0: not paced
  SeqNumber iss;
  SeqNumber irs;
  SeqNumber snd_una;
  SeqNumber snd_nxt;
  SeqNumber rcv_nxt;
  std::uint32_t snd_wnd = 0;  ///< octets, and so all until `sacked`
  std::uint32_t rcv_wnd = 0;
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0;   ///< 0: there was no loss yet
  std::uint32_t mss = 0;        ///< payload of a full segment
  std::uint32_t in_flight = 0;  ///< sent, and neither delivered nor taken for lost
  std::uint32_t unsent = 0;     ///< queued and never sent
  std::uint32_t lost = 0;       ///< taken for lost, and not sent again yet
  std::uint32_t sacked = 0;     ///< held by the peer beyond a hole
  std::uint32_t srtt_us = 0;    ///< 0: no round trip was measured yet; so the next two
  std::uint32_t rttvar_us = 0;
  std::uint32_t min_rtt_us = 0;
  std::uint32_t rto_us = 0;  ///< back-off included
  State state = State::kClosed;
  WaitsFor waits_for = WaitsFor::kNothing;
  CongestionControl congestion = CongestionControl::kNone;
  TracePhase phase = TracePhase::kNone;
  TraceEpisode episode = TraceEpisode::kOpen;
  std::uint8_t backoff = 0;  ///< how often the RTO was doubled
  std::uint8_t marks = 0;
  std::uint8_t unused = 0;

  bool operator==(const Trace&) const noexcept = default;

  /// Octets that print() writes at most.
  static constexpr std::size_t kMaxText = 768;
  /// In the words of `ss -ti`; numbers of the stream count from the SYN; times are in milliseconds.
  /// What is zero is left out:
  ///
  ///     ESTAB cubic slow_start open cwnd:14480 in_flight:2896 una:1 nxt:2897 snd_wnd:65160 ...
  void print(TextWriter& out) const noexcept;
  /// What print() wrote; words of no meaning are passed over. None: no state begins it.
  static std::optional<Trace> parse(std::string_view text) noexcept;
};
static_assert(sizeof(Trace) <= 128 && std::is_trivially_copyable_v<Trace>);

}  // namespace smol::tcp
