// The tail loss probe (RFC 8985 section 7): when it goes, and what its answer tells.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpTailProbe = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpTailProbe, kStarts, start_name);

/// The last of four is lost; its probe goes at 350 ms.
constexpr const char* kLostTail = R"(
    0ms    write 4000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > P 3001:4001 ack 1
    100ms  < . ack 3001
    350ms  > P 3001:4001 ack 1
           event tail_probe
)";

// TCP-221: recovery has timers of its own.
TEST_P(TcpTailProbe, NoneGoesInRecovery) {
  Scripted c = established(with_sack());
  run(c, R"(
    0ms    write 6000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
           > . 4001:5001 ack 1
           > P 5001:6001 ack 1
    100ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
    200ms  < . ack 4001               // went before what has just arrived: lost too
           > . 4001:5001 ack 1
           > P 5001:6001 ack 1
    499ms  nothing
    500ms  > . 4001:5001 ack 1
           event timeout
           is tail_probes 0
  )");
}

// TCP-222: one at a time, whatever is written meanwhile.
TEST_P(TcpTailProbe, ThereIsOneAtATime) {
  Scripted c = established(with_sack());
  run(c, R"(
    0ms    write 2000
           > . 1:1001 ack 1
           > P 1001:2001 ack 1
    200ms  > P 1001:2001 ack 1
           event tail_probe
    250ms  write 1000
           > P 2001:3001 ack 1
    499ms  nothing
    500ms  > . 1:1001 ack 1
           event timeout
           is tail_probes 1
  )");
}

// TCP-221: where a block tells of a hole, the hole is waited for, and not the tail.
TEST_P(TcpTailProbe, AHoleIsNotWaitedForAsATail) {
  Scripted c = established(with_sack());
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > P 2001:3001 ack 1
    100ms  < . ack 1 sack 1001:2001
    125ms  > . 1:1001 ack 1
           event fast_retransmit
           is tail_probes 0
  )");
}

// What is acknowledged leaves no timer behind.
TEST_P(TcpTailProbe, NoTimerRunsForNothing) {
  Scripted c = established(with_sack());
  run(c, "write 1000\n > P 1:1001 ack 1");
  EXPECT_NE(c.info().loss_timer, kNever);
  run(c, "100ms < . ack 1001");
  EXPECT_EQ(c.info().loss_timer, kNever);
  EXPECT_EQ(c.info().retransmit_timer, kNever);
}

// TCP-221: not sooner than timers and delayed acknowledgements are told apart by.
TEST_P(TcpTailProbe, WaitsTenMillisecondsAtLeast) {
  Scripted c = established(with_sack({.rtt = milliseconds(1)}));
  run(c, R"(
    0ms    write 2000
           > . 1:1001 ack 1
           > P 1001:2001 ack 1
    9ms    nothing
    10ms   > P 1001:2001 ack 1
           event tail_probe
  )");
}

// TCP-221: and a second where no round trip is known, for the SYN went twice.
TEST_P(TcpTailProbe, WaitsASecondWhereNoRoundTripIsKnown) {
  Scripted c = syn_sent(with_sack({.cwnd = 1000}));
  run(c, R"(
    1s     > S 0:0(0)
    1.1s   < S. 0:0(0) ack 1 <mss 1000,sackOK>
           > . 1:1(0) ack 1
           is srtt 0ms
           write 1000
           > P 1:1001 ack 1
    2.09s  nothing
    2.1s   > P 1:1001 ack 1
           event tail_probe
  )");
}

// TCP-222: the cut that the probe's answer brings is taken at once, and once.
TEST_P(TcpTailProbe, ARepairedLossIsAnsweredForOnce) {
  Scripted c = established(with_sack());
  run(c, std::string{kLostTail} + R"(
    400ms  write 1000
           > P 4001:5001 ack 1
    500ms  < . ack 5001
           is ssthresh 2000
           is cwnd 2000
           write 2000
           > . 5001:6001 ack 1
           > P 6001:7001 ack 1
    600ms  < . ack 7001
           is cwnd 3000
  )");
}

// TCP-222: ACKs of what went before the probe do not answer it, though they come after it.
TEST_P(TcpTailProbe, AnOldDuplicateAckIsNoAnswer) {
  Scripted c = established(with_sack());
  run(c, std::string{kLostTail} + R"(
    360ms  < . ack 3001
    400ms  write 1000
           > P 4001:5001 ack 1
    500ms  < . ack 5001
           is ssthresh 2000
  )");
}

// TCP-222: nor does a D-SACK of other text.
TEST_P(TcpTailProbe, ADuplicateReportOfOtherTextIsNoAnswer) {
  Scripted c = established(with_sack());
  run(c, std::string{kLostTail} + R"(
    400ms  write 1000
           > P 4001:5001 ack 1
    500ms  < . ack 5001 sack 1:1001
           is ssthresh 2000
  )");
}

// TCP-222: from a peer that sends no D-SACK, an ACK of the probe's own says that it came twice.
TEST_P(TcpTailProbe, ADuplicateAckSaysThatTheProbeWasForNothing) {
  Scripted c = established(with_sack());
  run(c, std::string{kLostTail} + R"(
    360ms  < . ack 4001               // it was only late
    400ms  write 1000
           > P 4001:5001 ack 1
    450ms  < . ack 4001               // the probe
    500ms  < . ack 5001
  )");
  EXPECT_GT(c.info().ssthresh, 1'000'000u);
}

// TCP-222: new data is acknowledged as such; that tells of no loss.
TEST_P(TcpTailProbe, NewDataThatArrivesTellsOfNoLoss) {
  Scripted c = established(with_sack({.cwnd = 2000, .config = {.min_rto = seconds(1)}}));
  run(c, R"(
    0ms    write 5000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
    200ms  > . 2001:3001 ack 1
           event tail_probe
    300ms  < . ack 3001
           > . 3001:4001 ack 1
           > P 4001:5001 ack 1
    400ms  < . ack 5001
           is sum_retrans 0
  )");
  EXPECT_GT(c.info().ssthresh, 1'000'000u);
}

}  // namespace
}  // namespace smol::tcp::script
