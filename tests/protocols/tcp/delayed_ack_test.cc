// When we acknowledge: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpDelayedAck = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpDelayedAck, kStarts, start_name);

// TCP-107, TCP-108
TEST_P(TcpDelayedAck, LoneSegmentIsAcknowledgedAfterTheDelay) {
  Scripted c = established();
  run(c, R"(
    0ms    < . 1:101 ack 1
    39ms   nothing
    40ms   > . 1:1(0) ack 101
    +1h    nothing
  )");
}

// The delay runs from the first segment that is not acknowledged.
TEST_P(TcpDelayedAck, DelayIsNotPutOffByMoreText) {
  Scripted c = established();
  run(c, R"(
    0ms    < . 1:101 ack 1
    30ms   < . 101:201 ack 1
    40ms   > . 1:1(0) ack 201
    50ms   < . 201:301 ack 1
    90ms   > . 1:1(0) ack 301
  )");
}

// TCP-109: at least every second full-sized segment.
TEST_P(TcpDelayedAck, EverySecondFullSegmentIsAcknowledgedAtOnce) {
  Scripted c = established();
  run(c, R"(
    0ms   < . 1:1001 ack 1
          < . 1001:2001 ack 1
          > . 1:1(0) ack 2001
          < . 2001:3001 ack 1
          < . 3001:4001 ack 1
          > . 1:1(0) ack 4001
          < . 4001:5001 ack 1
   40ms   > . 1:1(0) ack 5001
  )");
}

// Small segments count by their octets.
TEST_P(TcpDelayedAck, SmallSegmentsAreAcknowledgedByTheSizeOfTwoLargeOnes) {
  Scripted c = established();
  run(c, R"(
    0ms   < . 1:1001 ack 1
          < . 1001:1501 ack 1
          < . 1501:2000 ack 1
          < . 2000:2001 ack 1
          > . 1:1(0) ack 2001
  )");
}

// What our own MSS lets through is full, also when it is less than the 536 of old.
TEST_P(TcpDelayedAck, FullIsWhatOurMssAllows) {
  Scripted c = established({.mss = 200, .cwnd = 2000});
  run(c, "< . 1:201 ack 1\n < . 201:401 ack 1\n > . 1:1(0) ack 401");
}

// Segments that were merged on their way are several.
TEST_P(TcpDelayedAck, MergedSegmentsAreAcknowledgedAtOnce) {
  Scripted c = established();
  run(c, "< . 1:8001 ack 1\n > . 1:1(0) ack 8001\n < . 8001:10001 ack 1\n > . 1:1(0) ack 10001");
}

// TCP-111, TCP-112: however much comes in one burst, one ACK says it.
TEST_P(TcpDelayedAck, BurstGetsOneAck) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 1:1001 ack 1
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    < . 3001:4001 ack 1
    < . 4001:5001 ack 1
    end
    > . 1:1(0) ack 5001
  )");
}

// smoltcp's reply: an answer takes the ACK along, and the delay is over.
TEST_P(TcpDelayedAck, AnswerCarriesTheAck) {
  Scripted c = established();
  run(c, R"(
    0ms    < P. 1:101 ack 1
    10ms   write 50
           > P 1:51 ack 101
    50ms   < . ack 51
    +1h    nothing
  )");
}

TEST_P(TcpDelayedAck, AnswerInTheSameBurstCarriesTheAckOfAll) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 1:1001 ack 1
    < . 1001:2001 ack 1
    write 10
    end
    > P 1:11 ack 2001
  )");
}

TEST_P(TcpDelayedAck, IsOffWhenTheDelayIsZero) {
  Scripted c = established({.config = {.ack_delay = Duration::zero()}});
  run(c, "< . 1:2 ack 1\n > . 1:1(0) ack 2\n < . 2:3 ack 1\n > . 1:1(0) ack 3");
}

// TCP-110, TCP-114: one ACK at once for each segment out of order.
TEST_P(TcpDelayedAck, EachSegmentOutOfOrderIsAnsweredAtOnce) {
  Scripted c = established();
  run(c, R"(
    < . 1001:2001 ack 1
    > . 1:1(0) ack 1
    event out_of_order
    < . 2001:3001 ack 1
    > . 1:1(0) ack 1
    < . 5001:6001 ack 1
    > . 1:1(0) ack 1
    < . 2001:3001 ack 1         // known already
    > . 1:1(0) ack 1
    drop tcp_duplicate
  )");
}

// TRAP-11: also when they come in one burst: the peer counts duplicate ACKs.
TEST_P(TcpDelayedAck, EachSegmentOutOfOrderOfABurstIsAnswered) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    < . 3001:4001 ack 1
    < . 4001:5001 ack 1
    end
    > . 1:1(0) ack 1
    > . 1:1(0) ack 1
    > . 1:1(0) ack 1
    > . 1:1(0) ack 1
  )");
}

// Data of ours does not make duplicate ACKs something else.
TEST_P(TcpDelayedAck, DuplicateAcksGoBeforeDataAndWithoutIt) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    write 10
    end
    > . 1:1(0) ack 1
    > . 1:1(0) ack 1
    > P 1:11 ack 1
  )");
}

// A burst that was merely reordered shows no loss: one ACK, not three duplicates of it.
TEST_P(TcpDelayedAck, ReorderedBurstGetsOneAck) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    < . 3001:4001 ack 1
    < . 4001:5001 ack 1
    < . 1:1001 ack 1
    end
    > . 1:1(0) ack 5001
  )");
}

// TCP-110: filling a hole, or a part of one.
TEST_P(TcpDelayedAck, FilledHoleIsAcknowledgedAtOnce) {
  Scripted c = established();
  run(c, R"(
         < . 301:401 ack 1
         > . 1:1(0) ack 1
         < . 1:101 ack 1
         > . 1:1(0) ack 101
         < . 101:301 ack 1
         > . 1:1(0) ack 401
    +1h  nothing
  )");
}

// TCP-110
TEST_P(TcpDelayedAck, FinAndOldTextAreAcknowledgedAtOnce) {
  Scripted c = established();
  run(c, R"(
         < . 1:101 ack 1
         < . 1:101 ack 1
         > . 1:1(0) ack 101
         < F. 101:101(0) ack 1
         > . 1:1(0) ack 102
    +1h  nothing
  )");
}

// Short of packets nothing beyond a hole is kept; the ACK goes all the same.
TEST_P(TcpDelayedAck, TextThatIsNotKeptIsAnswered) {
  Scripted c = established();
  run(c, R"(
         memory short
         < . 1001:2001 ack 1
         drop tcp_memory
         > . 1:1(0) ack 1
         is out_of_order 0
         burst
         < . 1001:2001 ack 1
         < . 3001:4001 ack 1
         < . 1:1001 ack 1
         end
         > . 1:1(0) ack 1001      // at once, and only once
         delivered 1000
  )");
}

// TCP-111: nor does the text that answers a burst leave any ACK owed.
TEST_P(TcpDelayedAck, ABurstThatIsAnsweredByTextOwesNoAck) {
  Scripted c = established();
  run(c, R"(
    burst
    < . 3001:4001 ack 1
    < . 1:1001 ack 1
    write 100
    end
    > P. 1:101 ack 1001
    < . ack 101
    +1h nothing
  )");
}

// A sender in slow start grows by our ACKs: those of a connection's begin do not wait.
TEST_P(TcpDelayedAck, FirstOnesDoNotWait) {
  Scripted c = established({.quick_acks = 3});
  run(c, R"(
    0ms    < P. 1:101 ack 1
           > . 1:1(0) ack 101
           is ato 0ms
    10ms   < . 101:1101 ack 1
           > . 1:1(0) ack 1101
    20ms   burst
           < . 1101:2101 ack 1
           < P. 2101:2201 ack 1
           end
           > . 1:1(0) ack 2201
    30ms   < P. 2201:2301 ack 1
    70ms   > . 1:1(0) ack 2301
           is ato 40ms
  )");
}

// RFC 5681 section 4.1: after a silence of an RTO (300 ms here) the peer is in slow start again.
TEST_P(TcpDelayedAck, DoesNotWaitAfterASilence) {
  Scripted c = established({.quick_acks = 1});
  run(c, R"(
    0ms    < P. 1:101 ack 1
           > . 1:1(0) ack 101
    10ms   < P. 101:201 ack 1
    50ms   > . 1:1(0) ack 201
    320ms  < P. 201:301 ack 1
           > . 1:1(0) ack 301
    330ms  < P. 301:401 ack 1
    370ms  > . 1:1(0) ack 401
  )");
}

// Question and answer: the ACK rides on the answer, from the first answer on, and after a silence
// too; until one is late.
TEST_P(TcpDelayedAck, WaitsForTheAnswerWhereThereIsOne) {
  Scripted c = established({.quick_acks = 16});
  run(c, R"(
    0ms    < P. 1:101 ack 1
           > . 1:1(0) ack 101
    5ms    write 50
           > P. 1:51 ack 101
    100ms  < P. 101:201 ack 51
    105ms  write 50
           > P. 51:101 ack 201
    200ms  < . ack 101
    1s     < P. 201:301 ack 101
    1005ms write 50
           > P. 101:151 ack 301
    1100ms < . ack 151
    2s     < P. 301:401 ack 151
    2040ms > . 151:151(0) ack 401
    3s     < P. 401:501 ack 151
           > . 151:151(0) ack 501
  )");
}

// Text of ours that answers nothing, for nothing or nothing recent came, is no sign of more.
TEST_P(TcpDelayedAck, TextThatIsNoAnswerMakesNoneWait) {
  Scripted c = established({.quick_acks = 16});
  run(c, R"(
    0ms    write 50
           > P. 1:51 ack 1
    50ms   < P. 1:101 ack 51
           > . 51:51(0) ack 101
    200ms  write 50
           > P. 51:101 ack 101
    210ms  < P. 101:201 ack 101
           > . 101:101(0) ack 201
  )");
}

/// Sixty octets, each in a segment of its own, `gap` milliseconds apart.
std::string octets_apart(double gap) {
  std::string script = "0ms < P. 1:2 ack 1\n";
  for (int i = 1; i <= 60; ++i) {
    script += std::to_string(i * gap) + "ms < P. " + std::to_string(i + 1) + ":" +
              std::to_string(i + 2) + " ack 1\n";
  }
  return script;
}

// TCP-108: it adapts to how text comes: a lone segment behind a run of fast ones waits no longer
// than a few of their gaps.
TEST_P(TcpDelayedAck, WaitsAFewGapsOfTheText) {
  Scripted c = established();
  const std::string failure = c.failure_of(octets_apart(2)).value_or("");
  c.endpoint().sent().clear();
  EXPECT_LE(c.info().ato, milliseconds(9)) << failure;
  EXPECT_GE(c.info().ato, milliseconds(8));
}

// TCP-108: one long gap among short ones does not make the rest wait for long.
TEST_P(TcpDelayedAck, OneLongGapCountsForALittle) {
  Scripted c = established();
  c.failure_of(octets_apart(2));
  c.endpoint().sent().clear();
  const std::uint32_t next = c.info().irs.until(c.info().rcv_nxt);
  const std::string lone = std::to_string(next) + ":" + std::to_string(next + 1);
  const std::string failure = c.failure_of("200ms < P. " + lone + " ack 1").value_or("");
  c.endpoint().sent().clear();
  EXPECT_LE(c.info().ato, milliseconds(17)) << failure;
  EXPECT_GE(c.info().ato, milliseconds(15));
}

// TCP-108: nor is it shorter than timers are good for.
TEST_P(TcpDelayedAck, WaitsAMillisecondAtLeast) {
  Scripted c = established();
  const std::string failure = c.failure_of(octets_apart(0.1)).value_or("");
  c.endpoint().sent().clear();
  EXPECT_EQ(c.info().ato, milliseconds(1)) << failure;
}

// TCP-108: whatever is configured, half a second is never reached.
TEST_P(TcpDelayedAck, NeverWaitsHalfASecond) {
  Scripted c = established({.config = {.ack_delay = seconds(5)}});
  run(c, "0ms < P. 1:101 ack 1\n 499ms > . 1:1(0) ack 101");
}

// A peer that is cut short by our window waits for us: it did not push, and sent no full segment.
TEST_P(TcpDelayedAck, TextCutByTheWindowIsAcknowledgedAtOnce) {
  Scripted c = established({.receive_buffer = 4500});
  run(c, R"(
    < . 1:1001 ack 1
    < . 1001:2001 ack 1
    > . 1:1(0) ack 2001
    < . 2001:3001 ack 1
    < . 3001:4001 ack 1
    > . 1:1(0) ack 4001
    < . 4001:4501 ack 1
    > . 1:1(0) ack 4501 win 0
  )");
  Scripted pushed = established({.receive_buffer = 4500});
  run(pushed, "0ms < . 1:4001 ack 1\n > . ack 4001\n < P. 4001:4501 ack 1\n 40ms > . ack 4501");
}

// TCP-086, TRAP-48: a keep-alive, with or without its octet, at once; nothing is delivered, and
// nothing of it counts as loss.
TEST_P(TcpDelayedAck, KeepAliveIsAnsweredAtOnce) {
  for (const bool sack : {false, true}) {
    Scripted c = established({.sack = sack});
    run(c, std::string{R"(
      < . 0:0(0) ack 1
      > . 1:1(0) ack 1
      < . 0:1(1) ack 1
      > . 1:1(0) ack 1)"} +
               (sack ? " sack 0:1" : "") + R"(
      delivered 0
      is dup_acks_in 0
    )");
  }
}

// A pure ACK is never answered.
TEST_P(TcpDelayedAck, BareAcksAreNotAnswered) {
  Scripted c = established();
  run(c, "< . ack 1\n < . ack 1\n < . ack 1 win 5\n 1h nothing");
}

}  // namespace
}  // namespace smol::tcp::script
