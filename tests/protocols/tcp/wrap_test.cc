// Across 2^32: every suite of these tests runs from numbers just below it; here is what that
// proves.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

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
