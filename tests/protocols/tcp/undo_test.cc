// What turns out to have been no loss: F-RTO (RFC 5682), Eifel (RFC 3522, RFC 4015) and D-SACK.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

using TcpUndo = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpUndo, kStarts, start_name);

// TCP-224, TCP-226: a delay, not a loss: new data goes to find out, and all is as it was.
TEST_P(TcpUndo, ATimeoutThatWasTooEarlyIsUndone) {
  Scripted c = established(no_probe());
  run(c, "write 13000\n" + text(1, 10001) + R"(
    300ms  > . 1:1001 ack 1
           event timeout
           is cwnd 1000
    350ms  < . ack 1001            // all come late
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
    351ms  < . ack 2001
           event undone
           > P 12001:13001 ack 1
           is cwnd 11000
           is sum_retrans 1
           is reordering 0            // a delay, of all
  )");
  EXPECT_FALSE(c.info().in_loss);
  EXPECT_EQ(c.info().backoff, 0u);
  EXPECT_EQ(c.info().retransmits, 0u);
}

// TCP-224: no SACK, no timestamps: two new segments tell.
TEST_P(TcpUndo, ATimeoutThatWasTooEarlyIsUndoneWithoutSack) {
  Scripted c = established();
  run(c, "write 14000\n" + text(1, 10001) + R"(
    300ms  > . 1:1001 ack 1
           event timeout
    350ms  < . ack 1001
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
    351ms  < . ack 2001
           > . 12001:13001 ack 1
           is undone 1
           is sum_retrans 1
  )");
}

// TCP-224: a loss is a loss: the first ACK moves on, the second does not.
TEST_P(TcpUndo, ATimeoutOfALossGoesOnFromTheLeft) {
  Scripted c = established();
  run(c, "write 14000\n" + text(1, 10001) + R"(
    300ms  > . 1:1001 ack 1
    400ms  < . ack 1001
           > . 10001:11001 ack 1
           > . 11001:12001 ack 1
    500ms  < . ack 1001
           > . 1001:2001 ack 1
           is undone 0
    600ms  < . ack 12001
           is cwnd 3000               // slow start from one segment
           > . 12001:13001 ack 1
           > P 13001:14001 ack 1
  )");
}

// TCP-226: D-SACKs say that all that went again had arrived.
TEST_P(TcpUndo, DuplicateReportsUndoARecovery) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           is ssthresh 5000
    110ms  < . ack 4001
    150ms  < . ack 10001
    200ms  < . ack 10001 sack 1:1001
           event undone
           is undone 1
           is dsacks_in 1
           < . ack 10001 sack 1:1001
           is undone 1                 // and once is enough
  )");
  EXPECT_GE(c.info().cwnd, 10'000u);
  EXPECT_GT(c.info().ssthresh, 1'000'000u);
}

// TCP-226 (Eifel): the timestamp tells that the first copy arrived.
TEST_P(TcpUndo, TimestampsUndoARecovery) {
  Scripted c = established(no_probe({.timestamps = true}));
  run(c, ten_in_flight() + R"(
    150ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           is ssthresh 5000
    160ms  < . ack 4001 <TS val 260 ecr 100>
           event undone
           is reordering 1
           is in_recovery 0
  )");
  EXPECT_GT(c.info().ssthresh, 1'000'000u);
}

// TCP-226: some of what went again had arrived, and some not: that was a loss.
TEST_P(TcpUndo, ReportsOfAPartUndoNothing) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:2001 3001:7001
           > . 1:1001 ack 1
           > . 2001:3001 ack 1
    200ms  < . ack 10001 sack 1:1001
           is undone 0
    210ms  < . ack 10001 sack 2001:3001
           event undone
           is undone 1
  )");
}

// TCP-226: what an earlier recovery sent again does not count.
TEST_P(TcpUndo, EachRecoveryIsJudgedByWhatItSentItself) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
    200ms  < . ack 10001
           is cwnd 5000
    300ms  )" +
             in_flight(15'001, 10'001) + R"(
    400ms  < . ack 10001 sack 11001:14001
           > . 10001:11001 ack 1
    410ms  < . ack 15001
    500ms  < . ack 15001 sack 10001:11001
           event undone
  )");
}

// TCP-224: what did not go long ago is not taken for lost by a timeout.
TEST_P(TcpUndo, ATimeoutLosesWhatHadTimeEnough) {
  Scripted c = established(no_probe());
  run(c, in_flight(2001) + R"(
    174ms  write 1000
           > P 2001:3001 ack 1
    180ms  write 1000
           > P 3001:4001 ack 1
    300ms  > . 1:1001 ack 1           // 125 ms is a round trip and a quarter
           event timeout
           is lost 2000
           is in_flight 2000
  )");
}

// TCP-224: a second timeout of the same text leaves no doubt: the next hole goes, and no new data.
TEST_P(TcpUndo, ASecondTimeoutIsALoss) {
  Scripted c = established(no_probe());
  run(c, "write 13000\n" + text(1, 10'001) + R"(
    300ms  > . 1:1001 ack 1
    900ms  > . 1:1001 ack 1
           event timeout
    950ms  < . ack 1001
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
  )");
}

// RFC 5681 section 3.1: a timeout in recovery cuts no second time.
TEST_P(TcpUndo, ATimeoutInRecoveryLeavesTheThreshold) {
  Scripted c = established(no_probe());
  run(c, ten_in_flight() + R"(
    100ms  < . ack 1 sack 1001:4001
           > . 1:1001 ack 1
           is ssthresh 5000
    200ms  < . ack 4001
           > . 4001:5001 ack 1
           > . 5001:6001 ack 1
           > . 6001:7001 ack 1
    500ms  > . 4001:5001 ack 1
           event timeout
           is ssthresh 5000
           is cwnd 1000
  )");
}

}  // namespace
}  // namespace smol::tcp::script
