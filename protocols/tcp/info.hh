#pragma once

#include <cstdint>

#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/cc/congestion_info.hh"
#include "protocols/tcp/config.hh"
#include "protocols/tcp/state.hh"

namespace smol::tcp {

/// Why a connection with data to send does not send it.
enum class WaitsFor : std::uint8_t {
  kNothing,           ///< it may send now
  kApplication,       ///< nothing is queued
  kPeerWindow,        ///< the peer's window is full or closed
  kCongestionWindow,  ///< cwnd is full
  kPacing,            ///< the next segment's time has not come
  kNagle,             ///< a small segment waits for an acknowledgement, or uncorking
  kHandshake,
};

/// Urgent data (RFC 9293 section 3.8.5), by the last word of the peer. It is in the stream like any
/// other.
struct Urgent {
  std::uint32_t left = 0;  ///< octets of it that the user has not taken, received or not
  bool at_mark = false;    ///< the next octet is the first one behind it
};

/// A connection opened to inspection. Names after RFC 4898 and RFC 9293.
struct Info {
  Instant at{};  ///< when this was so
  State state = State::kClosed;
  WaitsFor waits_for = WaitsFor::kNothing;
  CongestionControl congestion_control = CongestionControl::kNone;
  CongestionInfo congestion;  ///< what the algorithm itself knows
  SeqNumber iss;
  SeqNumber irs;
  SeqNumber snd_una;
  SeqNumber snd_nxt;
  SeqNumber rcv_nxt;
  std::uint32_t snd_wnd = 0;   ///< octets
  std::uint32_t rcv_wnd = 0;   ///< octets
  std::uint32_t cwnd = 0;      ///< octets
  std::uint32_t ssthresh = 0;  ///< octets
  std::uint32_t mss = 0;       ///< octets of payload in a full segment, options deducted
  std::uint8_t snd_wind_shift = 0;
  std::uint8_t rcv_wind_shift = 0;
  bool timestamps = false;      ///< agreed on (RFC 7323)
  bool window_scaling = false;  ///< agreed on (RFC 7323)
  bool sack = false;            ///< agreed on (RFC 2018)
  bool ecn = false;             ///< agreed on (RFC 3168)
  bool in_recovery = false;     ///< of a loss that SACK or duplicate ACKs told of
  bool in_loss = false;         ///< of a retransmission timeout
  bool reordering = false;      ///< the path was seen to reorder (RFC 8985)
  bool nagle = true;
  std::uint8_t rcv_dscp = 0;  ///< of the last segment taken (RFC 9293 MAY-9)
  std::uint32_t rcv_mss = 0;  ///< payload of the largest segment received
  std::uint32_t advmss = 0;   ///< what our SYN said, or would say, of our own
  Duration srtt{0};           ///< zero: no round trip was measured yet; so the next two
  Duration rttvar{0};
  Duration min_rtt{0};
  Duration rto{0};                   ///< back-off included
  Duration ato{0};                   ///< how long an acknowledgement waits now; zero: it does not
  std::uint8_t backoff = 0;          ///< how often the RTO was doubled
  std::uint8_t retransmits = 0;      ///< timeouts in a row
  std::uint8_t probes = 0;           ///< zero-window or keep-alive probes not answered
  std::uint32_t send_buffer = 0;     ///< octets
  std::uint32_t receive_buffer = 0;  ///< octets, as it has grown
  std::uint32_t receive_buffer_max = 0;  ///< octets
  std::uint32_t rcv_space = 0;           ///< octets that the user took in the last round trip
  std::uint32_t unsent = 0;              ///< octets queued and never sent
  std::uint32_t unacked = 0;             ///< octets sent and not acknowledged
  std::uint32_t in_flight = 0;           ///< octets sent, and neither delivered nor taken for lost
  std::uint32_t sacked = 0;              ///< octets that the peer holds beyond a hole
  std::uint32_t lost = 0;                ///< octets taken for lost, and not sent again yet
  std::uint64_t pacing_rate = 0;         ///< octets a second; 0: not paced
  std::uint32_t unread = 0;              ///< octets received in order and not read
  std::uint32_t urgent = 0;              ///< octets of urgent data not read, received or not
  std::uint32_t out_of_order = 0;        ///< octets held beyond a hole
  std::uint64_t bytes_sent = 0;          ///< payload sent, and sent again
  std::uint32_t bytes_retrans = 0;       ///< payload sent again; stays at its maximum
  std::uint64_t bytes_acked = 0;         ///< payload that the peer has acknowledged
  std::uint64_t bytes_received = 0;      ///< payload received in order
  std::uint32_t segs_out = 0;
  std::uint32_t segs_in = 0;
  std::uint32_t sum_retrans = 0;   ///< segments sent again
  std::uint32_t timeouts = 0;      ///< retransmission timeouts
  std::uint32_t fast_retrans = 0;  ///< fast retransmits begun
  std::uint32_t dup_acks_in = 0;
  std::uint32_t dsacks_in = 0;    ///< D-SACKs received
  std::uint32_t tail_probes = 0;  ///< tail loss probes sent
  std::uint32_t undone = 0;       ///< recoveries that proved to be of no loss, and were undone
  std::uint32_t zero_window_probes = 0;
  std::uint32_t ce_in = 0;       ///< segments that came marked CE
  std::uint32_t ece_in = 0;      ///< acknowledgements that echoed CE
  std::uint32_t sacks_out = 0;   ///< segments that told of octets beyond a hole
  std::uint32_t dsacks_out = 0;  ///< segments that told of octets received twice (RFC 2883)
  Instant last_sent{};           ///< text or FIN; the epoch: never
  Instant last_received{};       ///< any segment that was acceptable
  // When each timer runs out; kNever: it does not run.
  Instant retransmit_timer = kNever;
  Instant loss_timer = kNever;  ///< reordering window, or tail loss probe
  Instant pacing_timer = kNever;
  Instant persist_timer = kNever;  ///< zero-window probe
  Instant delayed_ack_timer = kNever;
  Instant keep_alive_timer = kNever;
  Instant lifetime_timer = kNever;  ///< of SYN-RECEIVED, and of FIN-WAIT-2 without a user
};

}  // namespace smol::tcp
