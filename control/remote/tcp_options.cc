// The options of a TCP socket, as clients send them.
#include <optional>
#include <string>
#include <utility>

#include <google/protobuf/duration.pb.h>

#include "control/remote/requests.hh"

namespace smol::control {
namespace {

using tcp::SocketOptions;

/// Takes what a message has over into the options, up to the first thing that is wrong.
class Reader {
 public:
  Reader(const v1::TcpOptions& in, std::string_view field, SocketOptions& out)
      : in_{in}, field_{field}, out_{out} {}

  std::optional<Refusal> run() {
    flags();
    times();
    sizes();
    numbers();
    words();
    return std::move(wrong_);
  }

 private:
  void refuse(std::string_view name, std::string sentence) {
    if (wrong_) return;
    wrong_ = Refusal{Error::kInvalid, field_ + "." + std::string{name}, std::move(sentence)};
  }

  void flags() {
    if (in_.has_nodelay()) out_.nagle = !in_.nodelay();
    if (in_.has_keep_alive_octet()) out_.keep_alive_octet = in_.keep_alive_octet();
    if (in_.has_user_timeout_option()) out_.user_timeout_option = in_.user_timeout_option();
    if (in_.has_soft_errors()) out_.soft_errors = in_.soft_errors();
    if (in_.has_cork()) out_.cork = in_.cork();
  }

  void time(bool has, const google::protobuf::Duration& in, std::string_view name, Duration least,
            Duration& out) {
    constexpr Duration kLongest = seconds(std::int64_t{100} * 366 * 86'400);
    if (!has || wrong_) return;
    const auto parsed = parse(in, field_ + "." + std::string{name}, least, kLongest);
    if (parsed) {
      out = *parsed;
    } else {
      wrong_ = parsed.error();
    }
  }
  void times() {
    time(in_.has_keep_alive(), in_.keep_alive(), "keep_alive", Duration{}, out_.keep_alive);
    time(in_.has_keep_alive_interval(), in_.keep_alive_interval(), "keep_alive_interval",
         milliseconds(1), out_.keep_alive_interval);
    time(in_.has_user_timeout(), in_.user_timeout(), "user_timeout", Duration{}, out_.user_timeout);
    time(in_.has_linger(), in_.linger(), "linger", Duration{}, out_.linger);
  }

  void buffer(bool has, std::uint32_t in, std::string_view name, std::uint32_t& out) {
    if (!has) return;
    if (in < 4096 || in > kMostOctets) return refuse(name, "must be 4 KiB to 1 GiB");
    out = in;
  }
  void sizes() {
    buffer(in_.has_send_buffer(), in_.send_buffer(), "send_buffer", out_.send_buffer);
    buffer(in_.has_receive_buffer(), in_.receive_buffer(), "receive_buffer", out_.receive_buffer);
    if (in_.has_receive_low_water()) out_.receive_low_water = in_.receive_low_water();
    if (in_.has_send_low_water()) out_.send_low_water = in_.send_low_water();
    if (in_.has_unsent_low_water()) out_.unsent_low_water = in_.unsent_low_water();
    if (out_.receive_low_water == 0 || out_.receive_low_water > out_.receive_buffer) {
      refuse("receive_low_water", "must be 1 octet to receive_buffer");
    }
    if (out_.send_low_water > out_.send_buffer) {
      refuse("send_low_water", "must be no more than send_buffer");
    }
  }

  void number(bool has, std::uint32_t in, std::string_view name, std::uint32_t least,
              std::uint32_t most, std::uint8_t& out) {
    if (!has) return;
    if (in < least || in > most) {
      return refuse(name, "must be " + std::to_string(least) + " to " + std::to_string(most));
    }
    out = static_cast<std::uint8_t>(in);
  }
  void numbers() {
    number(in_.has_keep_alive_probes(), in_.keep_alive_probes(), "keep_alive_probes", 1, 255,
           out_.keep_alive_probes);
    number(in_.has_hop_limit(), in_.hop_limit(), "hop_limit", 1, 255, out_.hop_limit);
    number(in_.has_dscp(), in_.dscp(), "dscp", 0, 63, out_.dscp);
  }

  /// `words`: pairs of the API's value and ours. The API's zero leaves what is.
  template <class Words, class Out>
  void word(int in, std::string_view name, const Words& words, Out& out) {
    if (in == 0) return;
    for (const auto& [theirs, ours] : words) {
      if (theirs == in) {
        out = ours;
        return;
      }
    }
    refuse(name, std::to_string(in) + " is none of them");
  }
  void words() {
    using Control = tcp::CongestionControl;
    static constexpr std::pair<int, Control> kControls[] = {
        {v1::TCP_CONGESTION_CONTROL_NONE, Control::kNone},
        {v1::TCP_CONGESTION_CONTROL_NEWRENO, Control::kNewReno},
        {v1::TCP_CONGESTION_CONTROL_WESTWOOD, Control::kWestwood},
        {v1::TCP_CONGESTION_CONTROL_CUBIC, Control::kCubic},
        {v1::TCP_CONGESTION_CONTROL_BBR, Control::kBbr}};
    static constexpr std::pair<int, tcp::EcnUse> kEcn[] = {
        {v1::TCP_ECN_OFF, tcp::EcnUse::kOff},
        {v1::TCP_ECN_ACCEPT, tcp::EcnUse::kAccept},
        {v1::TCP_ECN_ASK, tcp::EcnUse::kAsk},
        {v1::TCP_ECN_DCTCP, tcp::EcnUse::kDctcp}};
    word(in_.congestion_control(), "congestion_control", kControls, out_.congestion_control);
    word(in_.ecn(), "ecn", kEcn, out_.ecn);
  }

  static constexpr std::uint32_t kMostOctets = 1u << 30;

  const v1::TcpOptions& in_;
  const std::string field_;
  SocketOptions& out_;
  std::optional<Refusal> wrong_;
};

}  // namespace

Parsed<SocketOptions> parse_options(const SocketOptions& base, const v1::TcpOptions& in,
                                    std::string_view field) {
  SocketOptions out = base;
  if (auto wrong = Reader{in, field, out}.run()) return fail(std::move(*wrong));
  return out;
}

}  // namespace smol::control
