// RFC 7323: timestamps, PAWS. The handshake took 100 ms, so both clocks stand at 100 when a script
// begins.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpTimestampOption = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpTimestampOption, kStarts, start_name);

const Given kWith{.timestamps = true};

// TCP-198: each segment has one; its value is our clock, its echo the peer's.
TEST_P(TcpTimestampOption, GoesWithEverySegment) {
  Scripted c = established(kWith);
  run(c, R"(
    5ms     write 1000
            > P 1:1001 ack 1 <TS val 105 ecr 100>
    50ms    < P. 1:101 ack 1001 <TS val 140 ecr 105>
    90ms    > . ack 101 <TS val 190 ecr 140>
    100ms   close
            > R. ack 101 <TS val 200 ecr 140>
  )");
}

// TCP-203: ticks of 1 ms, from an offset of the connection's own.
TEST_P(TcpTimestampOption, TicksInMilliseconds) {
  Scripted c = established(kWith);
  run(c, R"(
    1.9ms   write 10
            > P ack 1 1:11 <TS val 101 ecr 100>
    2ms     < . ack 11
            write 10
            > P 11:21 ack 1 <TS val 102 ecr 102>
  )");
  EXPECT_EQ(Connection::timestamp_clock(Instant{milliseconds(77)}), 77u);
  EXPECT_EQ(Connection::timestamp_clock(Instant{milliseconds((1ll << 32) + 5)}), 5u);
}

// TCP-198: what has none is dropped without a word, but for RST (TRAP-22).
TEST_P(TcpTimestampOption, IsMissed) {
  Scripted c = established(kWith);
  run(c, R"(
    < P. 1:101 ack 1 <>
    drop tcp_missing_timestamp
    < F. 1:1(0) ack 1 <>
    < . ack 1 <>
    delivered 0
    state ESTABLISHED
    1s nothing
    < R 1:1(0) <>
    event closed:ECONNRESET
  )");
}

// And where none was agreed on, one says nothing.
TEST_P(TcpTimestampOption, IsIgnoredWhereNoneWasAgreedOn) {
  Scripted c = established();
  run(c, R"(
          < . 1:101 ack 1 <TS val 1000 ecr 0>
    40ms  > . ack 101 <>
          < . 101:201 ack 1 <TS val 1 ecr 0>
    80ms  > . ack 201 <>
  )");
}

// TCP-201: an older one is no part of this connection: ACK and drop.
TEST_P(TcpTimestampOption, OlderThanTheLastIsDropped) {
  Scripted c = established(kWith);
  run(c, R"(
          < . 1:101 ack 1 <TS val 500 ecr 0>
    40ms  > . ack 101 <TS val 140 ecr 500>
          < . 101:201 ack 1 <TS val 499 ecr 0>
          drop tcp_paws
          > . ack 101 <TS val 140 ecr 500>
          delivered 100
          < F. 101:101(0) ack 1 <TS val 499 ecr 0>
          > . ack 101
          state ESTABLISHED
          < . 101:201 ack 1 <TS val 500 ecr 0>     // the same is not older
          delivered 200
    80ms  > . ack 201 <TS val 180 ecr 500>
  )");
}

// An old bare ACK is not answered without bound.
TEST_P(TcpTimestampOption, OlderBareAcksAreThrottled) {
  Scripted c = established({.timestamps = true, .config = {.challenge_acks = 1}});
  run(c, R"(
    10s   < . ack 1 <TS val 99 ecr 0>
          drop tcp_paws
          > . ack 1
          < . ack 1 <TS val 99 ecr 0>
          < . 1:11 ack 1 <TS val 99 ecr 0>
          > . ack 1
  )");
}

// TCP-201: not for RST, whose own rule is stricter; nor for SYN (RFC 5961).
TEST_P(TcpTimestampOption, DoesNotProtectFromResets) {
  Scripted c = established(kWith);
  run(c, "< R 1:1(0) <TS val 1 ecr 0>\n event closed:ECONNRESET");
  Scripted syn = established(kWith);
  run(syn, "< S 1:1(0) <TS val 1 ecr 0>\n drop tcp_challenged_syn\n > . ack 1");
}

// TCP-201, TRAP-21: half a circle is newer or older.
TEST_P(TcpTimestampOption, ComparesOnACircle) {
  Scripted c = established(kWith);
  run(c, R"(
    < . 1:11 ack 1 <TS val 2147483747 ecr 0>     // 100 + 2^31 - 1
    delivered 10
    < . 11:21 ack 1 <TS val 4294967195 ecr 0>    // and on
    delivered 20
    < . 21:31 ack 1 <TS val 50 ecr 0>            // round
    delivered 30
    40ms > . ack 31
  )");
  Scripted older = established(kWith);
  run(older, "< . 1:11 ack 1 <TS val 2147483748 ecr 0>\n drop tcp_paws\n > . ack 1\n delivered 0");
}

// TRAP-22: a value of zero is as good as any other.
TEST_P(TcpTimestampOption, ZeroIsAValue) {
  Start start = GetParam();
  start.peer_timestamps = 0;
  Scripted c = script::syn_sent({.start = start, .timestamps = true});
  run(c, R"(
    < S. 0:0(0) ack 1 <mss 1000,TS val 0 ecr 0>
    > . ack 1 <TS val 0 ecr 0>
    < . 1:11 ack 1 <TS val -1 ecr 0>
    drop tcp_paws
    > . ack 1
    < . 1:11 ack 1 <TS val 0 ecr 0>
    delivered 10
  )"
         "40ms > . ack 11");
}

// TCP-200: a delayed ACK echoes the first segment it is for.
TEST_P(TcpTimestampOption, EchoesTheEarliestOfADelayedAck) {
  Scripted c = established(kWith);
  run(c, R"(
          < . 1:101 ack 1 <TS val 500 ecr 0>
    10ms  < . 101:201 ack 1 <TS val 510 ecr 0>
    20ms  < . 201:301 ack 1 <TS val 520 ecr 0>
    40ms  > . ack 301 <TS val 140 ecr 500>
          < . 301:401 ack 1 <TS val 540 ecr 0>
    80ms  > . ack 401 <TS val 180 ecr 540>
  )");
}

// TCP-200: beyond a hole it is the last in line; filling the hole tells the new one.
TEST_P(TcpTimestampOption, EchoesTheLastInLineBeyondAHole) {
  Scripted c = established(kWith);
  run(c, R"(
          < . 1:101 ack 1 <TS val 500 ecr 0>
    40ms  > . ack 101 <TS val 140 ecr 500>
          < . 201:301 ack 1 <TS val 510 ecr 0>
          > . ack 101 <TS val 140 ecr 500>
          < . 101:201 ack 1 <TS val 520 ecr 0>
          > . ack 301 <TS val 140 ecr 520>
  )");
}

// TRAP-23: a segment beyond what was acknowledged does not set the clock.
TEST_P(TcpTimestampOption, IsNotPoisonedFromWithinTheWindow) {
  Scripted c = established(kWith);
  run(c, R"(
          < . 5001:5101 ack 1 <TS val 1073741924 ecr 0>
          > . ack 1 <TS val 100 ecr 100>
          < . 1:101 ack 1 <TS val 200 ecr 0>
          delivered 100
          > . ack 101 <TS val 100 ecr 200>
  )");
}

// An old value that is acceptable (same text again) does not turn it back.
TEST_P(TcpTimestampOption, NeverGoesBack) {
  Scripted c = established(kWith);
  run(c, R"(
          < . 1:101 ack 1 <TS val 500 ecr 0>
    40ms  > . ack 101
          < . ack 1 <TS val 500 ecr 0>
          write 10
          > P 1:11 ack 101 <TS val 140 ecr 500>
  )");
}

// --- after 24 days, TCP-202 ----------------------------------------------------------------------

TEST_P(TcpTimestampOption, IsOldForTwentyFourDays) {
  Scripted c = established(kWith);
  run(c, "24d < . 1:11 ack 1 <TS val 99 ecr 0>\n drop tcp_paws\n > . ack 1");
}

TEST_P(TcpTimestampOption, IsForgottenAfterTwentyFourDays) {
  Scripted c = established(kWith);
  run(c, R"(
    25d     < . 1:11 ack 1 <TS val 99 ecr 0>
            delivered 10
    +40ms   > . ack 11 <TS val 2160000140 ecr 99>   // and the new one holds from now on
            < . 11:21 ack 1 <TS val 98 ecr 0>
            drop tcp_paws
            > . ack 11
            < . 11:21 ack 1 <TS val 99 ecr 0>
            delivered 20
    +40ms   > . ack 21
  )");
}

// The 24 days count from the SYN-ACK, however long that took.
TEST_P(TcpTimestampOption, IsRememberedFromTheSynAckOn) {
  Scripted c = syn_sent({.timestamps = true, .config = {.initial_rto = seconds(100)}});
  run(c, R"(
    90s      < S. 0:0(0) ack 1 <mss 1000,TS val 100 ecr 0>
             > . ack 1
    +24d     < . 1:11 ack 1 <TS val 99 ecr 0>
             drop tcp_paws
             > . ack 1
  )");
}

}  // namespace
}  // namespace smol::tcp::script
