// Loss told by duplicate ACKs: RFC 5681 section 3.2, RFC 6582 (NewReno), RFC 3042 (limited
// transmit).
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

using TcpFastRetransmit = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpFastRetransmit, kStarts, start_name);

// TCP-206: the third duplicate ACK resends the hole, and only the hole.
TEST_P(TcpFastRetransmit, ThirdDuplicateAckResendsOnlyTheHole) {
  Scripted c = established({.mss = 1000, .cwnd = 10'000});
  run(c, R"(
     0ms  write 4000
          > . 1:1001 ack 1
          > . 1001:2001 ack 1
          > . 2001:3001 ack 1
          > P 3001:4001 ack 1
    50ms  < . ack 1
    51ms  < . ack 1
    52ms  < . ack 1
          > . 1:1001 ack 1
          event fast_retransmit
    90ms  < . ack 4001
          event sent
    +1h   nothing
  )");
  EXPECT_EQ(c.info().timeouts, 0u);
  EXPECT_EQ(c.info().fast_retrans, 1u);
  EXPECT_EQ(c.info().sum_retrans, 1u);
}

// The same in one burst: TRAP-11.
TEST_P(TcpFastRetransmit, ThreeDuplicateAcksOfABurstCount) {
  Scripted c = established();
  run(c, "write 4000\n" + text(1, 3001) + R"( > P 3001:4001 ack 1
    50ms  burst
          < . ack 1
          < . ack 1
          < . ack 1
          end
          > . 1:1001 ack 1
  )");
}

// In the middle of a stream too.
TEST_P(TcpFastRetransmit, HoleInTheMiddleIsResent) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    100ms  < . ack 5001
           < . ack 5001
           < . ack 5001
           < . ack 5001
           > . 5001:6001 ack 1
    200ms  < . ack 10001
           event sent
  )");
}

// smoltcp's dup counter saturation: very many change nothing more.
TEST_P(TcpFastRetransmit, HundredsOfDuplicatesResendOnce) {
  Scripted c = established();
  std::string script = "write 4000\n" + text(1, 3001) + " > P 3001:4001 ack 1\n";
  for (int i = 0; i < 3; ++i) script += "< . ack 1\n";
  script += " > . 1:1001 ack 1\n";
  for (int i = 0; i < 600; ++i) script += "< . ack 1\n";
  run(c,
      script + "is dup_acks_in 603\n is fast_retrans 1\n 290ms nothing\n 300ms > . 1:1001 ack 1");
}

// What is lost again is the timer's.
TEST_P(TcpFastRetransmit, LostRetransmissionIsTheTimersCare) {
  Scripted c = established();
  run(c, "write 4000\n" + text(1, 3001) + R"( > P 3001:4001 ack 1
    50ms  < . ack 1
          < . ack 1
          < . ack 1
          > . 1:1001 ack 1
    349ms nothing
    350ms > . 1:1001 ack 1         // RTO after the last transmission
          event timeout
  )");
}

// --- what is a duplicate ACK, TCP-205: one row takes something away from it ----------------------

struct DuplicateRow {
  const char* sentence;
  const char* segment;  ///< three of them
};

class TcpNoDuplicate : public ::testing::TestWithParam<DuplicateRow> {};

TEST_P(TcpNoDuplicate, ResendsNothing) {
  Scripted c = script::established({.timestamps = false});
  std::string script = "write 4000\n" + text(1, 3001) + " > P 3001:4001 ack 1\n burst\n";
  for (int i = 0; i < 3; ++i) script += "< " + std::string{GetParam().segment} + "\n";
  const std::optional<std::string> failure = c.failure_of(script + "end\n");
  EXPECT_EQ(c.info().fast_retrans, 0u) << GetParam().sentence << failure.value_or("");
  EXPECT_EQ(c.info().dup_acks_in, 0u) << GetParam().sentence;
}

INSTANTIATE_TEST_SUITE_P(Rows, TcpNoDuplicate,
                         ::testing::Values(DuplicateRow{"TRAP-10: with text", ". 1:101 ack 1"},
                                           DuplicateRow{"a FIN", "F. 1:1(0) ack 1"},
                                           DuplicateRow{"an older number", ". 1:1(0) ack 0"},
                                           DuplicateRow{"another window, the first time",
                                                        ". 1:1(0) ack 1 win 0"},
                                           DuplicateRow{"a keep-alive", ". 0:0(0) ack 1"},
                                           DuplicateRow{"a SYN", "S. 0:0(0) ack 1"},
                                           DuplicateRow{"no ACK", "- 1:1(0)"}));

// TRAP-09, smoltcp's dup detection with window update.
TEST_P(TcpFastRetransmit, WindowUpdatesAreNoDuplicates) {
  Scripted c = established();
  run(c, "write 4000\n" + text(1, 3001) + R"( > P 3001:4001 ack 1
          < . ack 1 win 40001
          < . ack 1 win 40002
          < . ack 1 win 40003
          < . ack 1 win 40004
          is dup_acks_in 0
          < . ack 1 win 40004
          is dup_acks_in 1
  )");
}

TEST_P(TcpFastRetransmit, NothingOutstandingIsNoDuplicate) {
  Scripted c = established();
  run(c, "< . ack 1\n < . ack 1\n < . ack 1\n < . ack 1\n is dup_acks_in 0\n 1s nothing");
}

// The count begins anew with each new ACK.
TEST_P(TcpFastRetransmit, ThreeInARowAreNeeded) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    < . ack 1
    < . ack 1
    < . ack 1001
    < . ack 1001
    < . ack 1001
    is fast_retrans 0
    < . ack 1001
    > . 1001:2001 ack 1
  )");
}

// Text that comes in between does not.
TEST_P(TcpFastRetransmit, TextInBetweenDoesNotStopTheCount) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    < . ack 1
    < . ack 1
    < P. 1:11 ack 1
    < . ack 1
    > . 1:1001 ack 11
  )");
}

// --- limited transmit, TCP-207 -------------------------------------------------------------------

TEST_P(TcpFastRetransmit, FirstTwoDuplicatesLetOneNewSegmentGoEach) {
  Scripted c = established();
  run(c, "write 20000\n" + text(1, 10'001) + R"(
    50ms  < . ack 1
          > . 10001:11001 ack 1
          is cwnd 10000
    51ms  < . ack 1
          > . 11001:12001 ack 1
          is cwnd 10000
    52ms  < . ack 1
          > . 1:1001 ack 1
          is ssthresh 5000      // RFC 5681 section 3.2 step 2: those two do not count
          is cwnd 8000
  )");
}

// The peer's window holds for it as well.
TEST_P(TcpFastRetransmit, LimitedTransmitKeepsToThePeersWindow) {
  Scripted c = established({.window = 10'500});
  run(c, "write 20000\n" + text(1, 10'001) + R"(
    50ms  < . ack 1
    51ms  < . ack 1
    52ms  < . ack 1
          > . 1:1001 ack 1
  )");
}

// --- recovery ------------------------------------------------------------------------------------

// TCP-208, white-box.
TEST_P(TcpFastRetransmit, InflatesAndDeflates) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           is cwnd 10000
           < . ack 1
           > . 1:1001 ack 1
           is ssthresh 5000
           is cwnd 8000
           < . ack 1
           is cwnd 9000
           < . ack 1
           is cwnd 10000
           write 3000
           < . ack 1
           is cwnd 11000
           > . 10001:11001 ack 1
           < . ack 1
           > . 11001:12001 ack 1
    150ms  < . ack 10001           // all that was out at the loss; two segments still are
           is cwnd 3000            // min(ssthresh, max(flight, mss) + mss)
           > P 12001:13001 ack 1
           is unacked 3000
    250ms  < . ack 13001
           is cwnd 5000            // slow start again, up to ssthresh
  )");
}

// Nothing in flight after the full ACK: no burst.
TEST_P(TcpFastRetransmit, LeavesRecoveryWithoutABurst) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
    150ms  < . ack 10001
           is cwnd 2000
           is ssthresh 5000
  )");
}

// ssthresh is two segments at the least.
TEST_P(TcpFastRetransmit, SsthreshIsTwoSegmentsAtLeast) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    write 5000
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    < . ack 1
    > . 2001:3001 ack 1
    < . ack 1
    > . 3001:4001 ack 1
    < . ack 1
    > . 1:1001 ack 1
    is ssthresh 2000
    is cwnd 5000
    > P 4001:5001 ack 1
  )");
}

// TCP-209, TRAP-15: hole after hole by partial ACKs, one reduction.
TEST_P(TcpFastRetransmit, PartialAcksResendHoleAfterHole) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(                // 1, 3001, 6001 and 9001 are lost
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
           < . ack 1
           < . ack 1
           < . ack 1
           is cwnd 11000
    150ms  < . ack 3001
           > . 3001:4001 ack 1
           is cwnd 9000                     // less 3000, plus 1000
           is ssthresh 5000
    250ms  < . ack 6001
           > . 6001:7001 ack 1
           is cwnd 7000
    350ms  < . ack 9001
           > P 9001:10001 ack 1
           is cwnd 5000
           is fast_retrans 1
    450ms  < . ack 10001
           is cwnd 2000
           is ssthresh 5000
           is timeouts 0
           event sent
  )");
}

// A partial ACK is progress: the timer begins anew.
TEST_P(TcpFastRetransmit, PartialAckRestartsTheTimer) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
    250ms  < . ack 3001
           > . 3001:4001 ack 1
    549ms  nothing
    550ms  > . 3001:4001 ack 1
           event timeout
  )");
}

// Duplicate ACKs in recovery resend nothing, and new text goes as cwnd allows.
TEST_P(TcpFastRetransmit, DuplicatesInRecoveryLetNewTextGo) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
           write 1000
    150ms  < . ack 3001
           > . 3001:4001 ack 1
           is cwnd 6000
           < . ack 3001
           < . ack 3001
           > P 10001:11001 ack 1            // 8000: one more than the 7000 in flight
           is fast_retrans 1
  )");
}

// RFC 6582 section 3.2 step 2: no second recovery for what was out at the first.
TEST_P(TcpFastRetransmit, NoSecondRecoveryForTheSameWindow) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
    150ms  < . ack 10001
           write 4000
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
    160ms  < . ack 10001                    // echoes of what was resent
           > . 12001:13001 ack 1            // limited transmit
           < . ack 10001
           > P 13001:14001 ack 1
           < . ack 10001
           is fast_retrans 1
    250ms  < . ack 11001                    // beyond what was out at the loss
           < . ack 11001
           < . ack 11001
           < . ack 11001
           > . 11001:12001 ack 1
           is fast_retrans 2
  )");
}

// TRAP-16, TCP-209: duplicates of what a timeout sent again are no new loss.
TEST_P(TcpFastRetransmit, NoRecoveryForWhatATimeoutSentAgain) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    300ms  > . 1:1001 ack 1
           is ssthresh 5000
    310ms  < . ack 10001
           write 2000
           > . 10001:11001 ack 1
           > P 11001:12001 ack 1
           < . ack 10001
           < . ack 10001
           < . ack 10001
           is fast_retrans 0
           is ssthresh 5000
  )");
}

// A timeout in the middle of recovery ends it.
TEST_P(TcpFastRetransmit, TimeoutEndsRecovery) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    50ms   < . ack 1
           < . ack 1
           < . ack 1
           > . 1:1001 ack 1
    350ms  > . 1:1001 ack 1
           is cwnd 1000
           is ssthresh 5000
  )");
}

// smoltcp's cwnd_does_not_limit_fast_retransmit.
TEST_P(TcpFastRetransmit, HoleGoesWhateverCwndSays) {
  Scripted c = established({.cwnd = 4000, .window = 4000});
  run(c, R"(
    write 4000
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    > . 2001:3001 ack 1
    > P 3001:4001 ack 1
    < . ack 1
    < . ack 1
    < . ack 1
    > . 1:1001 ack 1
  )");
}

// smoltcp: also in CLOSE-WAIT and FIN-WAIT-1; the FIN is part of it.
TEST_P(TcpFastRetransmit, WorksInEveryStateThatSends) {
  Scripted passive = close_wait();
  run(passive, "write 4000\n" + text(1, 3001, 2) + R"( > P 3001:4001 ack 2
    < . ack 1
    < . ack 1
    < . ack 1
    > . 1:1001 ack 2
  )");
  Scripted active = established();
  run(active, R"(
    burst
    write 2500
    shutdown
    end
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    > FP. 2001:2501 ack 1
    < . ack 2001
    < . ack 2001
    < . ack 2001
    < . ack 2001
    > FP. 2001:2501 ack 1
    < . ack 2502
    state FIN-WAIT-2
  )");
}

TEST_P(TcpFastRetransmit, ResendsAFinAlone) {
  Scripted c = established();
  run(c, R"(
    burst
    write 1000
    shutdown
    end
    > FP. 1:1001 ack 1
    < . ack 1001
    < . ack 1001
    < . ack 1001
    < . ack 1001
    > F. 1001:1001(0) ack 1
  )");
}

}  // namespace
}  // namespace smol::tcp::script
