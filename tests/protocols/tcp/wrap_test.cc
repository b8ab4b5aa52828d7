// Across 2^32: every suite of these tests runs from numbers just below it; here is what that
// proves.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/support/tcp_endpoint.hh"

namespace smol::tcp::script {
namespace {

constexpr std::uint32_t kBelow = 0xffff'fff0;

Given below_the_wrap() {
  Given given{.timestamps = true, .wscale = 2};
  given.start = Start{{kBelow}, {kBelow}, kBelow, kBelow, Instant{}};
  return given;
}

// TCP-177, TRAP-01: text both ways, a hole on either side, timestamps: none stops at zero.
TEST(TcpWrap, NothingStopsAtZero) {
  Scripted c = established(below_the_wrap());
  run(c, R"(
    0ms     write 4000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > . 2001:3001 ack 1
            > P 3001:4001 ack 1
    50ms    < . ack 1001
            < . 1001:2001 ack 1001      // a hole below zero
            > . ack 1
            < . 1:1001 ack 1001
            > . ack 2001
            read all
            delivered 2000
    60ms    < . ack 1001
            < . ack 1001
            < . ack 1001
            > . 1001:2001 ack 2001      // beyond zero, and again
    100ms   < . ack 4001
            is unacked 0
            state ESTABLISHED
  )");
  const Info info = c.info();
  EXPECT_LT(info.snd_nxt.raw, 0x8000'0000u) << "our numbers have passed zero";
  EXPECT_LT(info.rcv_nxt.raw, 0x8000'0000u) << "and so have the peer's";
}

/// Sends half a circle of numbers and a little more, segments as long as can be, all acknowledged.
class HalfACircle {
 public:
  explicit HalfACircle(bool sack) : end_{config(sack), setup()} {
    end_.connect(now_);
    end_.transmit(now_);
    end_.sent().clear();
    SegmentIn syn_ack;
    syn_ack.seq = kTheirs;
    syn_ack.flags.raw = TcpFlags::kSyn | TcpFlags::kAck;
    syn_ack.ack = SeqNumber{kBelow + 1};
    syn_ack.window = 0xffff;
    syn_ack.options.mss = kMss;
    syn_ack.options.window_scale = std::uint8_t{14};
    syn_ack.options.sack_permitted = sack;
    end_.arrives(now_, syn_ack);
    go();
    ack();
  }
  /// `n` full segments leave, and `more` octets.
  void write(std::uint32_t n, std::uint32_t more = 0) {
    now_ += milliseconds(1);
    end_.write(now_, n * kMss + more);
    go();
  }
  /// All of it is acknowledged; or once more what was.
  void ack() { arrive(end_.connection().snd_nxt()); }
  void duplicate_ack() { arrive(end_.connection().snd_una()); }
  void turn() {
    for (std::uint32_t octets = 0; octets < 0x8000'0000u + 10 * kMss; octets += 4 * kMss) {
      write(4);
      ack();
    }
  }
  Info info() const { return end_.connection().info(); }
  std::uint32_t left() const { return left_; }

 private:
  static constexpr std::uint16_t kMss = 60'000;
  static constexpr SeqNumber kTheirs{77};

  static Config config(bool sack) {
    Config out;
    out.sack = sack;
    out.timestamps = out.pacing = out.tail_loss_probe = false;
    return out;
  }
  static Connection::Setup setup() {
    Connection::Setup out;
    out.iss = {kBelow};
    out.local_mss = kMss;
    out.options.send_buffer = 1u << 30;
    out.options.congestion_control = CongestionControl::kNewReno;
    return out;
  }
  void arrive(SeqNumber number) {
    now_ += milliseconds(1);
    SegmentIn in;
    in.seq = kTheirs + 1;
    in.ack = number;
    in.flags.raw = TcpFlags::kAck;
    in.window = 0xffff;
    end_.arrives(now_, in);
    go();
  }
  void go() {
    end_.transmit(now_);
    left_ = static_cast<std::uint32_t>(end_.sent().size());
    end_.sent().clear();
  }

  Endpoint end_;
  Instant now_{seconds(1000)};
  std::uint32_t left_ = 0;
};

// TCP-177, TRAP-01: the mark of a recovery that is long over: a loss half a circle later is told by
// three duplicate ACKs all the same.
TEST(TcpWrap, TheEndOfAnOldRecoveryDoesNotComeAlive) {
  HalfACircle c{false};
  c.write(8);
  for (int i = 0; i < 3; ++i) c.duplicate_ack();
  EXPECT_EQ(c.info().fast_retrans, 1u);
  c.ack();
  c.turn();
  c.write(4);
  for (int i = 0; i < 3; ++i) c.duplicate_ack();
  EXPECT_EQ(c.info().fast_retrans, 2u);
}

// TCP-177, TRAP-01: the mark of a small segment that was acknowledged long ago holds none back.
TEST(TcpWrap, AnOldSmallSegmentDoesNotComeAlive) {
  HalfACircle c{true};
  c.write(0, 100);
  c.ack();
  c.turn();
  c.write(0, 100);
  EXPECT_EQ(c.left(), 1u);
}

// TCP-177, TRAP-01: nor does a window count as used that was so long ago.
TEST(TcpWrap, AWindowThatWasUsedLongAgoDoesNotGrow) {
  HalfACircle c{true};
  c.write(10);
  c.ack();
  c.turn();
  const std::uint32_t cwnd = c.info().cwnd;
  c.write(4);
  c.ack();
  EXPECT_EQ(c.info().cwnd, cwnd);
}

// TCP-177: the FIN itself may be number zero.
TEST(TcpWrap, AFinMayBeNumberZero) {
  Given given = below_the_wrap();
  given.start.iss = given.start.irs = SeqNumber{0xffff'ffff - 100};
  given.timestamps = false;
  Scripted c = established(given);
  run(c, R"(
    write 100
    > P 1:101 ack 1
    shutdown
    > F. 101:101(0) ack 1
    < F. 1:101 ack 102
    > . ack 102
    state TIME-WAIT
    delivered 100
  )");
}

}  // namespace
}  // namespace smol::tcp::script
