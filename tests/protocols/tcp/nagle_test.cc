// What goes into a segment, and when: RFC 9293 section 3.7.4 (Nagle, in Minshall's form), PSH, MSS.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpNagle = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpNagle, kStarts, start_name);

// TCP-056, TRAP-38: the second small write waits for the ACK of the first.
TEST_P(TcpNagle, SecondSmallWriteWaits) {
  Scripted c = established();
  run(c, R"(
    0ms    write 10
           > P 1:11 ack 1
           waits application
    1ms    write 10
           waits nagle
    2ms    write 10
    50ms   < . ack 11
           > P 11:31 ack 1
    100ms  < . ack 31
    +1h    nothing
  )");
}

// TCP-057
TEST_P(TcpNagle, CanBeSwitchedOff) {
  Scripted c = established({.options = {.nagle = false}});
  run(c, "write 10\n > P 1:11 ack 1\n write 10\n > P 11:21 ack 1\n write 10\n > P 21:31 ack 1");
}

// What waits goes as soon as it is switched off.
TEST_P(TcpNagle, LetsGoWhenItIsSwitchedOff) {
  Scripted c = established();
  run(c, "write 10\n > P 1:11 ack 1\n write 10");
  c.set_options({.nagle = false});
  run(c, "> P 11:21 ack 1");
}

// TCP-058: Minshall: only a small segment in flight holds back another.
TEST_P(TcpNagle, TailOfALargeWriteDoesNotWait) {
  Scripted c = established();
  run(c, R"(
    0ms    write 2010
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > P 2001:2011 ack 1
           write 1010
           > . 2011:3011 ack 1        // a full segment goes whatever is in flight
           waits nagle
    50ms   < . ack 2001               // not yet the small one
    60ms   < . ack 2011
           > P 3011:3021 ack 1
  )");
}

TEST_P(TcpNagle, FullSegmentDoesNotWait) {
  Scripted c = established();
  run(c, "write 10\n > P 1:11 ack 1\n write 999\n write 1\n > P 11:1011 ack 1");
}

// TCP-059: it waits for an ACK, and that comes or the connection ends.
TEST_P(TcpNagle, HeldTextGoesAfterALoss) {
  Scripted c = established();
  run(c, R"(
    0ms    write 10
           > P 1:11 ack 1
           write 10
    300ms  > . 1:11 ack 1
    350ms  < . ack 11
           > P 11:21 ack 1
  )");
}

// A FIN ends the waiting, see TcpClose; so does nothing else.
TEST_P(TcpNagle, WindowUpdatesDoNotEndIt) {
  Scripted c = established();
  run(c, R"(
    0ms    write 10
           > P 1:11 ack 1
           write 10
    10ms   < . ack 1 win 40000
    20ms   < P. 1:11 ack 1
    60ms   > . 11:11(0) ack 11
  )");
}

// TRAP-38: write, write, read: the stall is the delay of the peer's ACK, not an RTO.
TEST_P(TcpNagle, WriteWriteReadStallsForTheAckOnly) {
  Scripted c = established();
  run(c, R"(
    0ms    write 10
           > P 1:11 ack 1
           write 10
    40ms   < . ack 11
           > P 11:21 ack 1
    45ms   < P. 1:101 ack 21
           is sum_retrans 0
    85ms   > . 21:21(0) ack 101
  )");
}

// smoltcp's nagle with options: full is what fits beside the options.
TEST_P(TcpNagle, FullMeansWithOptions) {
  Scripted c = established({.mss = 1000, .timestamps = true});
  run(c, R"(
    write 10
    > P 1:11 ack 1
    write 1000
    > P 11:1011 ack 1
    write 999
    waits nagle
  )");
}

// TCP-060, TCP-061, TCP-065: PSH on the last queued octet; small writes are gathered.
TEST_P(TcpNagle, GathersAndPushesAtTheEnd) {
  Scripted c = established();
  run(c, R"(
    burst
    write 300
    write 300
    write 300
    write 300
    write 1800
    end
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    > P 2001:3001 ack 1
  )");
}

TEST_P(TcpNagle, PushesOnlyWhatEmptiesTheQueue) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    0ms    write 2500
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
    100ms  < . ack 2001
           > P 2001:2501 ack 1
  )");
}

// TCP-064: the peer's PSH changes nothing.
TEST_P(TcpNagle, ReceivedPushIsNotNeeded) {
  Scripted c = established();
  run(c, "< . 1:11 ack 1\n event readable\n read 10\n 40ms > . ack 11");
}

// TCP-055: never more than our own MSS, whatever the peer can take; see TcpMss for all rows.
TEST_P(TcpNagle, SegmentsAreAsLargeAsBothTake) {
  Scripted c = syn_sent({.mss = 1000});
  run(c, R"(
    < S. 0:0(0) ack 1 <mss 9000>
    > . ack 1
    write 2000
    > . 1:1001 ack 1
    > P 1001:2001 ack 1
  )");
}

}  // namespace
}  // namespace smol::tcp::script
