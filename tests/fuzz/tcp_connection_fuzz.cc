// One connection against a peer, a network, a user and a clock that do anything at all. What must
// hold whatever they do, tests/support/tcp_endpoint.hh looks after: it stands after every step.
#include <algorithm>
#include <bit>
#include <string>

#include "tests/fuzz/fuzz.hh"
#include "tests/fuzz/input.hh"
#include "tests/support/tcp_endpoint.hh"

namespace smol::fuzz {
namespace {

using namespace tcp;

SocketOptions options_of(Input& in) {
  SocketOptions out;
  out.send_buffer = 4096u << (in.u8() % 10);
  out.receive_buffer = 4096u << (in.u8() % 19);
  const std::uint8_t bits = in.u8();
  out.nagle = (bits & 1) != 0;
  out.keep_alive_octet = (bits & 2) != 0;
  constexpr CongestionControl kControls[] = {CongestionControl::kNewReno, CongestionControl::kCubic,
                                             CongestionControl::kBbr, CongestionControl::kWestwood};
  out.congestion_control = (bits & 4) != 0 ? CongestionControl::kNone : kControls[bits >> 3 & 3];
  if ((bits & 8) != 0) out.keep_alive = in.time() + milliseconds(1);
  if ((bits & 16) != 0) out.keep_alive_interval = in.time() + milliseconds(1);
  if ((bits & 32) != 0) out.user_timeout = in.time() + milliseconds(1);
  if ((bits & 64) != 0) out.user_timeout = SocketOptions::kForever;
  out.keep_alive_probes = static_cast<std::uint8_t>(bits >> 7 << 2);
  const std::uint8_t more = in.u8();
  out.cork = (more & 1) != 0;
  out.soft_errors = (more & 2) == 0;
  out.ecn = static_cast<EcnUse>(bits & 3);
  return out;
}

Config config_of(Input& in) {
  Config out;
  const std::uint8_t bits = in.u8();
  out.timestamps = (bits & 1) == 0;
  out.window_scaling = (bits & 2) == 0;
  if ((bits & 4) != 0) out.ack_delay = Duration{0};
  if ((bits & 8) != 0) out.reassembly_ranges = 2;
  if ((bits & 16) != 0) out.challenge_acks = 1;
  out.initial_window_segments = 1 + (bits >> 5);
  out.sack = (bits >> 5) % 2 == 0;
  out.quick_acks = bits % 3;
  const std::uint8_t rules = in.u8();
  out.minshall = (rules & 1) == 0;
  out.rst_ends_time_wait = (rules & 2) != 0;
  out.slow_start_segments = 1u + (rules >> 2 & 7);
  if ((rules & 32) != 0) out.initial_window_segments = 0;
  return out;
}

Connection::Setup setup_of(Input& in) {
  Connection::Setup out;
  out.iss = SeqNumber{in.u32()};
  out.ts_offset = in.u32();
  out.local_mss = static_cast<std::uint16_t>(std::max<std::uint32_t>(in.u16() % 9000, 28));
  out.is_v6 = in.flag();
  out.options = options_of(in);
  return out;
}

/// Would the header's parser let it through? What it refuses never comes to a connection.
bool is_sane(TcpFlags flags) {
  const int exclusive = std::popcount(
      static_cast<unsigned>(flags.raw & (TcpFlags::kFin | TcpFlags::kSyn | TcpFlags::kRst)));
  return exclusive == 1 || (exclusive == 0 && (flags.ack() || flags.psh()));
}

class Play {
 public:
  explicit Play(Bytes input) : in_{input}, end_{config_of(in_), setup_of(in_)} {}

  void run() {
    in_.flag() ? end_.listen() : end_.connect(now_);
    while (!in_.empty()) {
      step();
      end_.sent().clear();
      look();
    }
    // Left alone, it comes to rest: no timer fires without end.
    for (int i = 0; i < 30 && end_.deadline() != kNever; ++i) pass(hours_);
    end_.abort(now_);
    look();
    require(end_.ranges().size() == 0, "no range outlives the connection");
  }

 private:
  void look() {
    if (end_.faults().empty()) return;
    const std::string fault = end_.faults().front();
    require(false, fault);
  }

  void step() {
    switch (in_.u8() % 16) {
      case 0:
      case 1:
      case 2:
        return arrives();
      case 3:
        return arrives_in_order();
      case 4:
        return acknowledges();
      case 5:
        return pass(in_.time());
      case 6:
        return write();
      case 7:
        end_.read(now_, in_.u16());
        return;
      case 8:
        return end_.shutdown(now_);
      case 9:
        return end_.close(now_);
      case 10:
        if (in_.u8() % 4 == 0) end_.abort(now_);
        return;
      case 11:
        return end_.set_options(now_, options_of(in_));
      case 12:
        return error();
      case 13:
        end_.context().short_of_memory = in_.flag();
        end_.context().out_of_memory = end_.context().short_of_memory && in_.flag();
        return;
      case 14:
        if (!end_.exists() || end_.state() == State::kClosed) end_.connect(now_);
        return;
      default:
        return end_.transmit(now_, 1 + in_.below(64));
    }
  }

  SegmentIn blank() {
    SegmentIn out;
    out.flags.raw = TcpFlags::kAck;
    if (!end_.exists()) return out;
    const Connection& c = end_.connection();
    out.seq = c.rcv_nxt();
    out.ack = c.snd_nxt();
    out.window = 0xffff;
    if (c.timestamps()) out.options.timestamps = TcpTimestamps{c.ts_recent(), 1};
    return out;
  }

  void arrives() {
    SegmentIn segment = blank();
    segment.flags.raw = in_.u8();
    segment.seq = in_.near(segment.seq);
    segment.ack = in_.near(in_.flag() && end_.exists() ? end_.connection().snd_una() : segment.ack);
    segment.len = in_.flag() ? in_.u16() : in_.u8();
    segment.window = in_.u16();
    const std::uint8_t bits = in_.u8();
    if ((bits & 1) != 0) segment.options.timestamps.reset();
    if ((bits & 2) != 0) segment.options.timestamps = TcpTimestamps{in_.u32(), in_.u32()};
    if ((bits & 4) != 0) segment.options.mss = in_.u16();
    if ((bits & 8) != 0) segment.options.window_scale = in_.u8();
    segment.options.sack_permitted = segment.flags.syn() && (bits & 16) != 0;
    segment.urgent = segment.window;
    segment.ecn = static_cast<Ecn>(bits >> 6);
    if (is_sane(segment.flags)) end_.arrives(now_, segment, static_cast<char>('a' + bits % 26));
  }

  void arrives_in_order() {
    SegmentIn segment = blank();
    segment.len = in_.u16();
    if (in_.u8() % 8 == 0) segment.flags.raw |= TcpFlags::kFin;
    end_.arrives(now_, segment);
  }

  void acknowledges() {
    SegmentIn segment = blank();
    if (!end_.exists()) return;
    const Connection& c = end_.connection();
    const std::uint64_t part = std::uint64_t{c.unacked()} * in_.u8() / 255;
    segment.ack = c.snd_una() + static_cast<std::uint32_t>(part);
    segment.window = in_.u16();
    end_.arrives(now_, segment);
  }

  void write() {
    if (!end_.exists()) return;
    const Connection& c = end_.connection();
    const std::uint32_t used = c.send_queue();
    const std::uint32_t room = used < c.send_buffer() ? c.send_buffer() - used : 0;
    const std::uint32_t octets = std::min<std::uint32_t>(in_.u16(), room);
    end_.write(now_, octets, octets % 8 == 7);
  }

  void error() {
    if (!end_.exists()) return;
    const SeqNumber quoted = in_.near(end_.connection().snd_una());
    end_.icmp_error(now_, quoted, Error::kHostUnreachable, in_.flag());
  }

  /// Time goes by, with a turn at each deadline on the way.
  void pass(Duration time) {
    const Instant until = now_ + time;
    for (int turns = 0; turns < 30 && end_.deadline() <= until; ++turns) {
      now_ = std::max(now_, end_.deadline());
      end_.timeout(now_);
      end_.transmit(now_, 64);
      end_.sent().clear();
      look();
    }
    now_ = until;
    end_.timeout(now_);
  }

  static constexpr Duration hours_ = seconds(6 * 3600);

  Input in_;
  script::Endpoint end_;
  Instant now_{seconds(1000)};
};

void tcp_connection(Bytes input) {
  Play{input}.run();
}

}  // namespace
SMOL_FUZZ_TARGET(tcp_connection)
}  // namespace smol::fuzz
