// The section `tcp`: rules of the whole stack and what sockets begin with, in one place for the
// reader.
#include "control/config.hh"

namespace smol::control {
namespace {

using tcp::SocketOptions;

constexpr Duration kHour = seconds(3600);
constexpr Duration kWeek = 7 * 24 * kHour;

void add_timers(Schema<tcp::Config>& schema) {
  schema
      .scalar("initial_rto", &tcp::Config::initial_rto, duration(milliseconds(1), seconds(60)),
              "Retransmission timeout before the first measurement (RFC 6298).")
      .scalar("min_rto", &tcp::Config::min_rto, duration(milliseconds(1), seconds(60)),
              "The shortest retransmission timeout.")
      .scalar("max_rto", &tcp::Config::max_rto, duration(milliseconds(1), seconds(120)),
              "The longest one, however often nothing is acknowledged.")
      .scalar("ack_delay", &tcp::Config::ack_delay,
              duration(microseconds(1), milliseconds(499), Duration{0}),
              "How long an acknowledgement may wait for company; below 500 ms (RFC 9293 MUST-40).")
      .scalar("quick_acks", &tcp::Config::quick_acks, integer<std::uint32_t>(0, 255),
              "Acknowledgements that do not wait when a connection begins, or goes on after a "
              "silence.")
      .scalar("most_ack_delay", &tcp::Config::most_ack_delay,
              duration(milliseconds(1), milliseconds(500)),
              "How long a peer's acknowledgements are expected to wait at most (RFC 8985).")
      .scalar("time_wait", &tcp::Config::time_wait, duration(milliseconds(1), seconds(240)),
              "How long a closed connection's ports are not used again.")
      .scalar("fin_wait_2", &tcp::Config::fin_wait_2, duration(milliseconds(1), kHour),
              "How long a connection that was closed here waits for the peer to close.")
      .scalar(
          "user_timeout", &tcp::Config::user_timeout,
          duration(milliseconds(1), kWeek, SocketOptions::kForever),
          "A connection ends when data stays unacknowledged this long (RFC 9293 section 3.8.3).")
      .scalar("least_user_timeout", &tcp::Config::least_user_timeout,
              duration(milliseconds(1), kWeek),
              "The shortest that a peer may ask for, with `user_timeout_option` (RFC 5482).")
      .scalar("most_user_timeout", &tcp::Config::most_user_timeout,
              duration(milliseconds(1), kWeek), "The longest.")
      .scalar("syn_timeout", &tcp::Config::syn_timeout, duration(milliseconds(1), kHour),
              "A connection attempt ends after this.")
      .scalar("syn_received", &tcp::Config::syn_received, duration(milliseconds(1), kHour),
              "A half-open connection of a listener ends after this.")
      .scalar("syn_ack_retries", &tcp::Config::syn_ack_retries, integer<std::uint8_t>(0, 15),
              "SYN-ACKs sent again before a half-open connection ends.")
      .scalar("syn_cookies", &tcp::Config::syn_cookies,
              enumeration<tcp::SynCookies>({{"off", tcp::SynCookies::kOff},
                                            {"auto", tcp::SynCookies::kAuto},
                                            {"always", tcp::SynCookies::kAlways}}),
              "SYNs answered by a cookie (RFC 4987), with nothing kept of them: `auto` when the "
              "SYN queue is full, or connection blocks or packets run short.")
      .scalar("fast_open", &tcp::Config::fast_open,
              enumeration<tcp::FastOpen>({{"off", tcp::FastOpen::kOff},
                                          {"client", tcp::FastOpen::kClient},
                                          {"server", tcp::FastOpen::kServer},
                                          {"both", tcp::FastOpen::kBoth}}),
              "Which sockets may put text on a SYN, or take it from one, if their application asks "
              "for it (RFC 7413).");
}

void add_buffers(Schema<tcp::Config>& schema) {
  constexpr std::uint64_t kMinBuffer = 4 << 10;
  constexpr std::uint64_t kMaxBuffer = 1 << 30;
  const Codec<std::uint32_t> buffer = size<std::uint32_t>(kMinBuffer, kMaxBuffer);
  schema
      .scalar(
          "send_buffer", [](auto& tcp) -> auto& { return tcp.defaults.send_buffer; }, buffer,
          "Octets that one socket may have to send at most; it begins with `initial_send_buffer`.")
      .scalar(
          "receive_buffer", [](auto& tcp) -> auto& { return tcp.defaults.receive_buffer; }, buffer,
          "Octets that one socket may have received and not read at most; it begins with "
          "`initial_receive_buffer`.")
      .scalar(
          "initial_send_buffer", &tcp::Config::initial_send_buffer, buffer,
          "What a socket may have to send at first. It comes to `send_buffer` as its congestion "
          "window grows.")
      .scalar("initial_receive_buffer", &tcp::Config::initial_receive_buffer, buffer,
              "What a socket may have received and not read at first, but at least ten segments. "
              "It comes to `receive_buffer` as its owner reads faster.")
      .scalar(
          "receive_low_water", [](auto& tcp) -> auto& { return tcp.defaults.receive_low_water; },
          size<std::uint32_t>(1, kMaxBuffer),
          "A socket is readable once it has so many octets (SO_RCVLOWAT), or no more can come.")
      .scalar(
          "send_low_water", [](auto& tcp) -> auto& { return tcp.defaults.send_low_water; },
          zero_is("auto", size<std::uint32_t>(1, kMaxBuffer)),
          "A socket is writable once it has room for so many (SO_SNDLOWAT); `auto` is a quarter of "
          "the buffer, 64 KiB at most.")
      .scalar(
          "unsent_low_water", [](auto& tcp) -> auto& { return tcp.defaults.unsent_low_water; },
          zero_is("off", size<std::uint32_t>(1, kMaxBuffer)),
          "A socket takes no more octets than these that are not sent yet (TCP_NOTSENT_LOWAT); "
          "`off` is as many as the buffer lets.");
}

void add_sockets(Schema<tcp::Config>& schema) {
  schema
      .scalar(
          "keep_alive", [](auto& tcp) -> auto& { return tcp.defaults.keep_alive; },
          duration(milliseconds(1), kWeek, Duration{0}),
          "A connection that was silent for so long is probed (RFC 9293 MUST-25: off by default).")
      .scalar(
          "keep_alive_interval",
          [](auto& tcp) -> auto& { return tcp.defaults.keep_alive_interval; },
          duration(milliseconds(1), kWeek), "Between two probes that are not answered.")
      .scalar(
          "keep_alive_probes", [](auto& tcp) -> auto& { return tcp.defaults.keep_alive_probes; },
          integer<std::uint8_t>(1, 255), "So many of them end the connection.")
      .scalar(
          "keep_alive_octet", [](auto& tcp) -> auto& { return tcp.defaults.keep_alive_octet; },
          boolean(),
          "Probes carry one octet, for peers that answer no empty ones (RFC 9293 MAY-6).")
      .scalar(
          "nagle", [](auto& tcp) -> auto& { return tcp.defaults.nagle; }, boolean(),
          "A small segment waits while another one is not acknowledged (RFC 9293 section 3.7.4).")
      .scalar(
          "user_timeout_option",
          [](auto& tcp) -> auto& { return tcp.defaults.user_timeout_option; }, boolean(),
          "Tell the peer of the user timeout, and wait as long as the peer asks for (RFC 5482).")
      .scalar(
          "soft_errors", [](auto& tcp) -> auto& { return tcp.defaults.soft_errors; }, boolean(),
          "Tell a socket's owner of what may yet pass: ICMP errors, and retransmissions that are "
          "not answered (RFC 9293 MUST-47, SHLD-9).")
      .scalar(
          "linger", [](auto& tcp) -> auto& { return tcp.defaults.linger; },
          duration(Duration{0}, kWeek, SocketOptions::kForever),
          "A connection that was closed is reset if what was written is not acknowledged within so "
          "long; with 0 it is reset when it is closed, `off` lets it try on (SO_LINGER).")
      .scalar(
          "hop_limit", [](auto& tcp) -> auto& { return tcp.defaults.hop_limit; },
          integer<std::uint8_t>(1, 255), "TTL or hop limit of segments.")
      .scalar(
          "dscp", [](auto& tcp) -> auto& { return tcp.defaults.dscp; },
          integer<std::uint8_t>(0, 63), "Differentiated services code point of segments.");
}

void add_congestion(Schema<tcp::Config>& schema) {
  using Control = tcp::CongestionControl;
  schema
      .scalar(
          "congestion_control", [](auto& tcp) -> auto& { return tcp.defaults.congestion_control; },
          enumeration<Control>({{"cubic", Control::kCubic},
                                {"newreno", Control::kNewReno},
                                {"westwood", Control::kWestwood},
                                {"bbr", Control::kBbr},
                                {"none", Control::kNone}}),
          "`cubic` is RFC 9438 with HyStart++ (RFC 9406), `newreno` RFC 5681 and 6582, `westwood` "
          "Westwood+, `bbr` version 3 of BBR (draft-ietf-ccwg-bbr); `none` heeds the peer's window "
          "alone, for tests and closed networks.")
      .scalar(
          "ecn", [](auto& tcp) -> auto& { return tcp.defaults.ecn; },
          enumeration<tcp::EcnUse>({{"off", tcp::EcnUse::kOff},
                                    {"accept", tcp::EcnUse::kAccept},
                                    {"ask", tcp::EcnUse::kAsk},
                                    {"dctcp", tcp::EcnUse::kDctcp}}),
          "Explicit congestion notification (RFC 3168): agreed to if the peer asks, or asked for "
          "too; `dctcp` echoes marks packet by packet (RFC 8257), for data centres alone.")
      .scalar("initial_window", &tcp::Config::initial_window_segments,
              zero_is("rfc5681", integer<std::uint32_t>(1, 1000)),
              "Segments that a connection begins with (RFC 6928); `rfc5681` is two to four.")
      .scalar("slow_start_segments", &tcp::Config::slow_start_segments,
              integer<std::uint32_t>(1, 8),
              "An acknowledgement counts for at most so many segments in slow start; RFC 5681 "
              "counts one. 8 is no bound with pacing (RFC 9406 section 4.2).")
      .scalar("tail_loss_probe", &tcp::Config::tail_loss_probe, boolean(),
              "Send the last segment again when its acknowledgement is late, before the "
              "retransmission timeout (RFC 8985 section 7).")
      .scalar("pacing", &tcp::Config::pacing, boolean(),
              "Spread segments over the round trip, as congestion control says.")
      .scalar("pacing_burst", &tcp::Config::pacing_burst, integer<std::uint32_t>(1, 1000),
              "Segments that may go at once all the same.");
}

/// What SYNs agree on, and what is done with the segments' sizes.
void add_offers(Schema<tcp::Config>& schema) {
  using Probing = tcp::PathProbing;
  schema
      .scalar("timestamps", &tcp::Config::timestamps, boolean(),
              "Offer and take timestamps (RFC 7323).")
      .scalar("window_scaling", &tcp::Config::window_scaling, boolean(),
              "Offer and take windows above 64 KiB (RFC 7323).")
      .scalar("sack", &tcp::Config::sack, boolean(),
              "Offer and take selective acknowledgements (RFC 2018).")
      .scalar("path_probing", &tcp::Config::path_probing,
              enumeration<Probing>({{"off", Probing::kOff},
                                    {"black_hole", Probing::kBlackHole},
                                    {"always", Probing::kAlways}}),
              "Whether what gets through settles the size of segments (RFC 4821), beside what "
              "routers say: when full ones vanish, or from the first one on.")
      .scalar("probe_base", &tcp::Config::probe_base, integer<std::uint16_t>(576, 1500),
              "MTU that works nearly everywhere, to fall back to (RFC 4821 section 7.2); over IPv6 "
              "at least 1280.");
}

}  // namespace

Schema<tcp::Config> tcp_schema() {
  using tcp::Profile;
  Schema<tcp::Config> schema;
  schema
      .scalar(
          "profile", &tcp::Config::profile,
          enumeration<Profile>({{"deployed", Profile::kDeployed}, {"strict", Profile::kStrict}}),
          "What the other keys begin from: `deployed`, the values of stacks in use, or `strict`, "
          "the RFCs' own where they differ (docs/decisions).")
      .before([](const Value& value, tcp::Config& config) {
        for (std::size_t i = 0; i < value.keys.size(); ++i) {
          if (value.keys[i].name == "profile" && value.items[i].text == "strict") {
            config = tcp::Config::strict();
          }
        }
      });
  add_buffers(schema);
  add_sockets(schema);
  add_congestion(schema);
  add_timers(schema);
  schema
      .scalar("minshall", &tcp::Config::minshall, boolean(),
              "Only a small segment in flight holds back another; off: anything in flight does, as "
              "in RFC 896.")
      .scalar("hard_errors_abort", &tcp::Config::hard_errors_abort, boolean(),
              "A port or protocol unreachable ends an open connection (RFC 9293 SHLD-26); off: it "
              "is told and no more (RFC 5927).")
      .scalar("rst_ends_time_wait", &tcp::Config::rst_ends_time_wait, boolean(),
              "A reset ends TIME-WAIT (RFC 9293 section 3.10.7.4); off: it is ignored (RFC 1337).")
      .scalar(
          "challenge_acks", &tcp::Config::challenge_acks, integer<std::uint32_t>(1, 1'000'000'000),
          "Challenge acknowledgements of one connection in one `challenge_interval` (RFC 5961).")
      .scalar("challenge_interval", &tcp::Config::challenge_interval,
              duration(milliseconds(1), kHour), "See `challenge_acks`.")
      .scalar("reassembly_ranges", &tcp::Config::reassembly_ranges,
              integer<std::uint32_t>(1, 65'536),
              "Pieces that one connection may have received out of order.");
  add_offers(schema);
  return schema;
}

}  // namespace smol::control
