// Loss told by SACK, and what is done about it: RFC 2018, 2883, 6675, 8985 (RACK-TLP), 9937 (PRR),
// 5682 (F-RTO), 3522 and 4015 (undo).
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

using TcpSackRecovery = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSackRecovery, kStarts, start_name);

/// Of two segments the first comes late; of six more, which leave at 200 ms, the first and the last
/// are not there when the others are.
std::string late_twice() {
  return "0ms " + in_flight(2001) + R"(
    100ms  < . ack 1 sack 1001:2001
    101ms  < . ack 2001
           is reordering 1
    200ms  )" +
         in_flight(8001, 2001) + R"(
    300ms  < . ack 2001 sack 3001:7001
  )";
}

// TCP-206, TCP-217: a hole below three SACKed segments is resent, and it alone.
TEST_P(TcpSackRecovery, ResendsOnlyTheHole) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:2001
           < . ack 1 sack 1001:3001
           < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           event fast_retransmit
           is sacked 3000
           is lost 0
           is in_flight 7000
    200ms  < . ack 10001
           event sent
           is cwnd 5000
    +1h    nothing
  )");
  EXPECT_EQ(c.info().sum_retrans, 1u);
  EXPECT_EQ(c.info().bytes_retrans, 1000u);
}

// TCP-217, TRAP-15: several holes in one window are one episode: one cut, each hole once.
TEST_P(TcpSackRecovery, SeveralHolesAreOneEpisode) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:2001
           < . ack 1 sack 3001:4001 1001:2001
           < . ack 1 sack 5001:6001 3001:4001 1001:2001
           > . 1:1001 ack 1
           waits congestion_window
           < . ack 1 sack 5001:7001 3001:4001 1001:2001
           > . 2001:3001 ack 1
           < . ack 1 sack 5001:8001 3001:4001 1001:2001
           > . 4001:5001 ack 1
           < . ack 1 sack 5001:9001 3001:4001 1001:2001
           < . ack 1 sack 5001:10001 3001:4001 1001:2001
           is ssthresh 5000
    200ms  < . ack 10001
           is cwnd 5000
           is ssthresh 5000
           is fast_retrans 1
           is sum_retrans 3
           is timeouts 0
    +1h    nothing
  )");
}

// TCP-231: what the ACK that ends recovery delivers counts towards the next segment of the window;
// what was SACKed before does not.
TEST_P(TcpSackRecovery, AvoidanceGoesOnWithTheLastAck) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:10001
           > . 1:1001 ack 1
           is ssthresh 5000
           write 9000
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
           > . 12001:13001 ack 1
           > . 13001:14001 ack 1
    200ms  < . ack 12001
           is cwnd 5000
           > . 14001:15001 ack 1
           > . 15001:16001 ack 1
           > . 16001:17001 ack 1
    201ms  < . ack 13001
           is cwnd 5000
           > . 17001:18001 ack 1
    202ms  < . ack 14001
           > P 18001:19001 ack 1
           is cwnd 6000
  )");
}

// TCP-207, RFC 6675 section 5: what is SACKed has left the network, so that the first two SACKs let
// a new segment go each.
TEST_P(TcpSackRecovery, LimitedTransmitFollowsFromThePipe) {
  Scripted c = established(no_probe());
  run(c, "write 12000\n" + text(1, 10001) + R"(
    100ms  < . ack 1 sack 1001:2001
           > . 10001:11001 ack 1
           < . ack 1 sack 1001:3001
           > P 11001:12001 ack 1
           is cwnd 10000
  )");
}

// TCP-218, TCP-223: twenty in flight come down to ten: every other SACK lets a segment go.
TEST_P(TcpSackRecovery, TheWindowComesDownInProportion) {
  Scripted c = established(no_probe({.cwnd = 20'000}));
  std::string script = "write 40000\n" + text(1, 20'001) + R"(
    100ms  < . ack 1 sack 1001:2001
           > . 20001:21001 ack 1
           < . ack 1 sack 1001:3001
           > . 21001:22001 ack 1
           < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           is ssthresh 10000
  )";
  int next = 22'001;
  for (int end = 5001; end <= 19'001; end += 1000) {
    script += "< . ack 1 sack 1001:" + std::to_string(end) + "\n";
    if ((end / 1000) % 2 == 1 && end > 5001 && end < 19'001) {
      script += "> . " + std::to_string(next) + ":" + std::to_string(next + 1000) + " ack 1\n";
      next += 1000;
    }
  }
  run(c, script + "is cwnd 10000\n is in_flight 10000");
}

// TCP-219: what was overtaken by less than a quarter of a round trip is late, not lost, once the
// path is known to reorder.
TEST_P(TcpSackRecovery, ReorderingIsNoLoss) {
  Scripted c = established(no_probe());
  run(c, late_twice() + R"(
    310ms  < . ack 8001
           is sum_retrans 0
           is fast_retrans 0
    +1h    nothing
  )");
}

// TCP-219, TCP-220: one that does not come within the window is lost when it is over, without an
// ACK to tell.
TEST_P(TcpSackRecovery, TheReorderingWindowEndsByItself) {
  Scripted c = established(no_probe());
  run(c, late_twice() + R"(
    324ms  nothing
    325ms  > . 2001:3001 ack 1     // RTT 100 ms and a quarter of the shortest
           event fast_retransmit
           is cwnd 2000
    400ms  < . ack 8001
    +1h    nothing
  )");
}

// TCP-219: a retransmission that is lost again is found by what was sent after it, not by the RTO.
TEST_P(TcpSackRecovery, ALostRetransmissionIsFoundByWhatWentLater) {
  Scripted c = established(no_probe());
  run(c, "write 30000\n" + text(1, 10001) + R"(
    100ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           < . ack 1 sack 1001:6001
           < . ack 1 sack 1001:8001
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
           < . ack 1 sack 1001:10001
           > . 12001:13001 ack 1
           > . 13001:14001 ack 1
    201ms  < . ack 1 sack 1001:11001
           > . 1:1001 ack 1
           > . 14001:15001 ack 1
           is timeouts 0
           is fast_retrans 1
  )");
}

// --- the tail (RFC 8985 section 7) ---------------------------------------------------------------

// TCP-221: the last segments of a flight are lost: two round trips later the last goes again.
TEST_P(TcpSackRecovery, ALostTailIsProbed) {
  Scripted c = established(with_sack());
  run(c, in_flight(4001) + R"(
    100ms  < . ack 2001
    299ms  nothing
    300ms  > P 3001:4001 ack 1
           event tail_probe
    400ms  < . ack 2001 sack 3001:4001
           > . 2001:3001 ack 1     // sent before what arrived
    500ms  < . ack 4001
           is timeouts 0
           is tail_probes 1
    +1h    nothing
  )");
}

// TCP-091, TCP-092: not beyond the edge of a window that has shrunk; the timeout repeats what is
// within.
TEST_P(TcpSackRecovery, ATailBeyondAShrunkWindowIsNotProbed) {
  Scripted c = established(with_sack());
  run(c, in_flight(4001) + R"(
    100ms  < . ack 2001 win 1500
    349ms  nothing
    350ms  > . 2001:3001 ack 1
           is tail_probes 0
  )");
}

// TCP-221: with one segment in flight, its peer may have put the ACK off.
TEST_P(TcpSackRecovery, ALoneSegmentIsGivenTheTimeOfADelayedAck) {
  Scripted c = established(with_sack({.config = {.min_rto = seconds(1)}}));
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    399ms  nothing
    400ms  > P 1:1001 ack 1
  )");
}

// TCP-222: new data goes first, whatever cwnd says; and there is one probe at a time.
TEST_P(TcpSackRecovery, TheProbeIsNewDataIfThereIsSome) {
  Scripted c = established(with_sack({.cwnd = 2000, .config = {.min_rto = seconds(1)}}));
  run(c, R"(
    0ms    write 4000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
    200ms  > . 2001:3001 ack 1
           event tail_probe
    900ms  nothing
    1199ms nothing
    1.2s   > . 1:1001 ack 1        // the RTO, from the probe on
           event timeout
  )");
}

// TCP-222: the probe repaired a loss: congestion is answered for once.
TEST_P(TcpSackRecovery, AProbeThatRepairedALossCutsTheWindow) {
  Scripted c = established(with_sack());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 9001
    350ms  > P 9001:10001 ack 1        // no later than the RTO
           event tail_probe
    400ms  write 1000
           > P 10001:11001 ack 1
    500ms  < . ack 11001
           is ssthresh 2000
           is timeouts 0
  )");
}

// TCP-222: the probe's original had arrived: a D-SACK says so, and nothing is cut.
TEST_P(TcpSackRecovery, AProbeThatWasForNothingCutsNothing) {
  Scripted c = established(with_sack());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 9001
    350ms  > P 9001:10001 ack 1        // no later than the RTO
    550ms  < . ack 10001
    600ms  < . ack 10001 sack 9001:10001
    700ms  write 1000
           > P 10001:11001 ack 1
    800ms  < . ack 11001
  )");
  EXPECT_GT(c.info().ssthresh, 1'000'000u);
}

// TCP-225, TRAP-14: ACKs without news put the RTO off no further.
TEST_P(TcpSackRecovery, AcksWithoutNewsDoNotPutOffTheTimeout) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1
    200ms  < . ack 1
    250ms  < . ack 1
    299ms  nothing
    300ms  > . 1:1001 ack 1
           event timeout
  )");
}

// --- what peers say that is not so ---------------------------------------------------------------

struct PoisonRow {
  const char* sentence;
  const char* blocks;
};
class TcpSackPoison : public ::testing::TestWithParam<PoisonRow> {};

// TCP-213, TRAP-18: no account changes.
TEST_P(TcpSackPoison, IsIgnored) {
  Scripted c = script::established(no_probe());
  run(c, ten_in_flight() + "100ms < . ack 2001\n < . ack 2001 sack " + GetParam().blocks + "\n");
  EXPECT_EQ(c.info().sacked, 0u) << GetParam().sentence;
  EXPECT_EQ(c.info().in_flight, 8000u) << GetParam().sentence;
  EXPECT_EQ(c.info().lost, 0u);
  EXPECT_EQ(c.info().dsacks_in, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, TcpSackPoison,
    ::testing::Values(PoisonRow{"backwards", "5001:4001"}, PoisonRow{"empty", "5001:5001"},
                      PoisonRow{"beyond SND.NXT", "9001:12001"},
                      PoisonRow{"all, and more", "1991:10011"},
                      PoisonRow{"over SND.UNA", "1501:3001"},
                      PoisonRow{"D-SACK backwards", "1501:1001"},
                      PoisonRow{"D-SACK of nothing", "1001:1001"},
                      PoisonRow{"half a circle away", "2000010001:2000020001"},
                      PoisonRow{"D-SACK below all windows", "4000000001:4000001001"}));

// TCP-213, TRAP-19: a D-SACK is no sign of loss.
TEST_P(TcpSackRecovery, ADuplicateReportIsNoLoss) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 4001
           < . ack 4001 sack 1001:2001
           < . ack 4001 sack 2001:3001
           < . ack 4001 sack 3001:4001
           < . ack 4001 sack 1:1001
           is dsacks_in 4
           is sum_retrans 0
           is fast_retrans 0
  )");
}

// TCP-213, RFC 2883 section 4: the first of two blocks is a D-SACK if it lies in the second.
TEST_P(TcpSackRecovery, ABlockInsideTheNextIsADuplicateReport) {
  struct Row {
    const char* blocks;
    std::uint32_t dsacks;
    std::uint32_t sacked;
  };
  for (const Row& row : {Row{"5001:6001 4001:7001", 1, 3000}, Row{"4001:5001 4001:7001", 1, 3000},
                         Row{"6001:7001 4001:7001", 1, 3000}, Row{"3001:5001 4001:7001", 0, 4000},
                         Row{"6001:8001 4001:7001", 0, 4000}, Row{"8001:9001 4001:7001", 0, 4000},
                         Row{"5001:6001 7001:4001", 0, 1000}}) {
    Scripted c = established(no_probe());
    c.failure_of(ten_in_flight() + "100ms < . ack 1 sack " + row.blocks);
    EXPECT_EQ(c.info().dsacks_in, row.dsacks) << row.blocks;
    EXPECT_EQ(c.info().sacked, row.sacked) << row.blocks;
  }
}

// TCP-219: where the blocks were more than there is room for, what was not told of may have arrived
// all the same: that it does is no sign of reordering.
TEST_P(TcpSackRecovery, ReorderingIsNotSeenWhereNotAllWasTold) {
  struct Row {
    bool timestamps;
    const char* blocks;
    std::uint64_t reordering;
  };
  for (const Row& row :
       {Row{false, "9001:10001 7001:8001 5001:6001 3001:4001", 0},
        Row{false, "9001:10001 7001:8001 5001:6001", 1},
        Row{true, "9001:10001 7001:8001 5001:6001", 0}, Row{true, "9001:10001 7001:8001", 1}}) {
    Scripted c = established(no_probe({.timestamps = row.timestamps}));
    const std::string blocks = row.blocks;
    c.failure_of(ten_in_flight() + "100ms < . ack 1 sack " + blocks);
    c.failure_of("+1ms < . ack 1 sack 8001:9001");
    EXPECT_EQ(c.info().reordering, row.reordering) << row.blocks;
  }
}

// TCP-214, TRAP-17: the peer throws away what it had SACKed: it is there to be sent again.
TEST_P(TcpSackRecovery, APeerThatRenegesIsSentAllAgain) {
  Scripted c = established(no_probe());
  run(c, in_flight(3001) + R"(
    100ms  < . ack 1001 sack 2001:3001
    125ms  > . 1001:2001 ack 1
    200ms  < . ack 2001            // and forgets the rest
    449ms  nothing
    450ms  > P 2001:3001 ack 1
    550ms  < . ack 3001
           event sent
    +1h    nothing
  )");
}

// RFC 2018 section 8: what was SACKed and thrown away while the window was shut is in flight for
// the sender, who has nothing else to send: a timer must run.
TEST_P(TcpSackRecovery, APeerThatRenegesWhileItsWindowIsShutIsSentAllAgain) {
  Scripted c = established(no_probe());
  run(c, in_flight(3001) + R"(
    100ms  < . ack 1001 win 0 sack 2001:3001
    110ms  < . ack 2001 win 0
    360ms  > . 2001:2002 ack 1
    450ms  < . ack 2001 win 9000
    700ms  > P 2001:3001 ack 1
  )");
}

// RFC 9293 section 3.8.6.1: a window that shuts while F-RTO waits for word of new data is probed.
TEST_P(TcpSackRecovery, AWindowThatShutsOverAnUndecidedTimeoutIsProbed) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    300ms  > . 1:1001 ack 1
           event timeout
           write 1000
    400ms  < . ack 1001
           > P 10001:11001 ack 1
    450ms  < . ack 1001 win 0
    1000ms > . 1001:1002 ack 1
  )");
}

// TRAP-16: what dup ACKs a go-back-N brings begins no second recovery.
TEST_P(TcpSackRecovery, EchoesOfATimeoutBeginNoRecovery) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    300ms  > . 1:1001 ack 1
           event timeout
    400ms  < . ack 10001
           < . ack 10001 sack 1:1001
           < . ack 10001 sack 1001:2001
           < . ack 10001 sack 2001:3001
           is fast_retrans 0
  )");
}

// TCP-210: without agreement blocks mean nothing.
TEST_P(TcpSackRecovery, BlocksWithoutAgreementMeanNothing) {
  Scripted c = established();
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:9001
           is sacked 0
           is in_flight 10000
  )");
}

}  // namespace
}  // namespace smol::tcp::script
