#pragma once

#include <cstdint>

#include "protocols/base/time.hh"

namespace smol::tcp {

/// The closed set of congestion controls.
enum class CongestionControl : std::uint8_t {
  kNone,      ///< the peer's window alone: tests and closed networks
  kNewReno,   ///< RFC 5681, RFC 6582
  kWestwood,  ///< Westwood+
  kCubic,     ///< RFC 9438, HyStart++ (RFC 9406)
  kBbr,       ///< draft-ietf-ccwg-bbr
};

/// When a listener answers SYNs with cookies, and keeps nothing of them (RFC 4987 section 3.6).
enum class SynCookies : std::uint8_t {
  kOff,     ///< never: SYNs that find no room are dropped
  kAuto,    ///< when its SYN queue is full, or connection blocks or packets run short
  kAlways,  ///< every time
};

/// Whether segments are made longer or shorter by what gets through (RFC 4821), beside what routers
/// say.
enum class PathProbing : std::uint8_t {
  kOff,        ///< routers alone are believed
  kBlackHole,  ///< begin with full segments; search when they vanish
  kAlways,     ///< begin small, and search upwards
};

/// Explicit congestion notification (RFC 3168).
enum class EcnUse : std::uint8_t {
  kOff,     ///< neither asked for nor agreed to
  kAccept,  ///< agreed to if the peer asks
  kAsk,     ///< asked for, too
  kDctcp,   ///< asked for, and marks are echoed packet by packet (RFC 8257): data centres only
};

/// Who may put text on a SYN, or take it from one, if its socket asks for it (RFC 7413).
enum class FastOpen : std::uint8_t { kOff, kClient, kServer, kBoth };

/// What one socket may set for itself; a listener's are inherited by what it accepts.
struct SocketOptions {
  /// The most that waits to be sent or acknowledged, octets of payload; 4 KiB .. 1 GiB. A
  /// connection begins with less and comes to it as its congestion window grows.
  std::uint32_t send_buffer = 8 << 20;
  /// The most that may wait to be read, octets of payload; 4 KiB .. 1 GiB. A connection begins with
  /// less and comes to it as its user reads faster.
  std::uint32_t receive_buffer = 8 << 20;
  /// Give up when data, or a keep-alive probe, stays unacknowledged this long (R2, RFC 9293 section
  /// 3.8.3; RFC 5482). Zero: the stack's default. kForever: never.
  Duration user_timeout{0};
  /// Tell the peer of user_timeout, and wait as long as the peer asks for unless user_timeout is
  /// set here (RFC 5482, within Config::least_user_timeout and most_user_timeout).
  bool user_timeout_option = false;
  /// Probe an idle connection after this long. Zero: off (RFC 9293 MUST-25).
  Duration keep_alive{0};
  Duration keep_alive_interval = seconds(75);  ///< between unanswered probes
  std::uint8_t keep_alive_probes = 9;          ///< unanswered ones before the connection is dead
  bool nagle = true;                           ///< RFC 9293 section 3.7.4, in Minshall's form
  bool keep_alive_octet = false;               ///< probe with one garbage octet (RFC 9293 MAY-6)
  std::uint8_t hop_limit = 64;                 ///< TTL or hop limit; 1..255
  std::uint8_t dscp = 0;                       ///< 0..63
  /// Tell of what may yet pass: ICMP errors, retransmissions without an answer (RFC 9293 MUST-47,
  /// SHLD-9). Off: nothing of it is told (SHLD-20).
  bool soft_errors = true;
  /// What is less than a full segment waits for more to be written, until this is set back, a FIN
  /// follows, or nothing has been in flight for 200 ms (RFC 9293 MAY-15: PUSH the other way round).
  bool cork = false;
  /// kReadable once so many octets are unread, or fewer and no more can come (SO_RCVLOWAT).
  std::uint32_t receive_low_water = 1;
  /// kWritable once there is room for so many (SO_SNDLOWAT). Zero: a quarter of the buffer, at most
  /// 64 KiB.
  std::uint32_t send_low_water = 0;
  /// No more octets than these are taken to be sent and not sent yet (TCP_NOTSENT_LOWAT). Zero: as
  /// many as send_buffer lets.
  std::uint32_t unsent_low_water = 0;
  /// How long a connection that was closed may take until all of it, the FIN too, is acknowledged;
  /// then it is reset (SO_LINGER). kForever: as long as TCP tries. Zero: close() resets it.
  Duration linger = kForever;
  CongestionControl congestion_control = CongestionControl::kCubic;

  EcnUse ecn = EcnUse::kAccept;  ///< settled when the connection begins

  static constexpr Duration kForever = Duration::max();
  /// What to set keep_alive to where nobody knows better (RFC 9293 MUST-28).
  static constexpr Duration kKeepAlive = seconds(7200);
};

/// What a Config begins from: docs/decisions, "The strict profile".
enum class Profile : std::uint8_t {
  kDeployed,  ///< where RFCs and deployed stacks differ, what is deployed
  kStrict,    ///< each SHOULD of the standards to the letter
};

/// Rules that hold for every connection of a stack.
struct Config {
  Profile profile = Profile::kDeployed;  ///< what it began from; the rules are the values below
  SocketOptions defaults{};
  Duration initial_rto = seconds(1);     ///< RFC 6298 section 2.1
  Duration min_rto = milliseconds(200);  ///< RFC 6298 says 1 s: docs/decisions, "Minimum RTO"
  Duration max_rto = seconds(60);        ///< RFC 6298 section 2.5
  /// An acknowledgement waits at most this long for more text, or for ours; RFC 9293 MUST-40: 500
  /// ms and more count as just below. Zero: it never waits. Less while text comes faster.
  Duration ack_delay = milliseconds(40);
  /// How many acknowledgements do not wait, at the start of a connection and after the peer was
  /// silent for an RTO: it is in slow start then, and its window grows by them.
  std::uint32_t quick_acks = 16;
  Duration time_wait = seconds(60);      ///< 2 MSL; RFC 9293 says 4 min
  Duration fin_wait_2 = seconds(60);     ///< a closed socket waits this long for the peer's FIN
  Duration user_timeout = seconds(300);  ///< R2 of data (RFC 9293 SHLD-11: at least 100 s)
  Duration least_user_timeout = seconds(100);      ///< that a peer may ask for (RFC 5482 L_LIMIT)
  Duration most_user_timeout = seconds(3600);      ///< and U_LIMIT
  Duration syn_timeout = seconds(180);             ///< R2 of SYN (RFC 9293 MUST-23: at least 3 min)
  Duration syn_received = seconds(63);             ///< half-open passive connections end after this
  std::uint32_t initial_send_buffer = 1 << 16;     ///< octets; of a larger one, at first
  std::uint32_t initial_receive_buffer = 1 << 16;  ///< octets; never below ten segments
  std::uint32_t initial_window_segments = 10;      ///< RFC 6928; 0: two to four, by RFC 5681
  /// An ACK counts for at most so many segments in slow start; RFC 5681 counts one. 8: with pacing
  /// there is no bound (RFC 9406 section 4.2).
  std::uint32_t slow_start_segments = 8;
  /// Nagle's algorithm in Minshall's form (RFC 9293 appendix A.3): only a small segment in flight
  /// holds back another. Off: anything in flight does (RFC 896).
  bool minshall = true;
  /// A hard ICMP error (port or protocol unreachable) ends an open connection (RFC 9293 SHLD-26);
  /// off: it is soft there (RFC 5927 section 5.2).
  bool hard_errors_abort = false;
  /// A RST at exactly RCV.NXT ends TIME-WAIT (RFC 9293 section 3.10.7.4); off: it is ignored (RFC
  /// 1337).
  bool rst_ends_time_wait = false;
  std::uint32_t challenge_acks = 10;  ///< a connection, every challenge_interval (RFC 5961)
  Duration challenge_interval = seconds(5);
  std::uint8_t syn_ack_retries = 5;  ///< SYN-ACKs sent again before a half-open connection ends
  SynCookies syn_cookies = SynCookies::kAuto;
  FastOpen fast_open = FastOpen::kBoth;
  Duration most_ack_delay = milliseconds(200);  ///< that a peer is expected to keep (RFC 8985)
  bool tail_loss_probe = true;                  ///< RFC 8985 section 7
  bool pacing = true;  ///< spread segments over the round trip, as congestion control says
  std::uint32_t pacing_burst = 10;        ///< segments that may go at once all the same
  std::uint32_t reassembly_ranges = 256;  ///< out-of-order ranges of one connection
  bool timestamps = true;                 ///< offer and take RFC 7323 timestamps
  bool window_scaling = true;             ///< offer and take RFC 7323 window scaling
  bool sack = true;                       ///< offer and take selective acknowledgement (RFC 2018)
  PathProbing path_probing = PathProbing::kBlackHole;
  /// MTU that works nearly everywhere (RFC 4821 section 7.2): what is fallen back to. 576..1500;
  /// over IPv6 at least 1280.
  std::uint16_t probe_base = 1024;

  /// The strict profile: every SHOULD of the standards, also where deployed stacks know better.
  static constexpr Config strict() noexcept {
    Config out;
    out.profile = Profile::kStrict;
    out.min_rto = seconds(1);         // RFC 6298 section 2.4
    out.time_wait = seconds(240);     // MUST-13, MSL 2 min
    out.quick_acks = 0;               // SHLD-18: delay them from the first on
    out.initial_window_segments = 0;  // RFC 5681 section 3.1; RFC 6928 is experimental
    out.slow_start_segments = 1;      // RFC 5681 section 3.1
    out.minshall = false;             // SHLD-7
    out.hard_errors_abort = true;     // SHLD-26
    out.rst_ends_time_wait = true;    // section 3.10.7.4
    return out;
  }
};

}  // namespace smol::tcp
