// When the next segment goes: RFC 9002 section 7.7 says why, docs/decisions/0018-loss-recovery.md
// how.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

using TcpPacing = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpPacing, kStarts, start_name);

/// Round trips take 100 ms, so in slow start a window of 10,000 goes in 50: a segment in 5.
Given paced(std::uint32_t burst, Given given = {}) {
  given.pacing = true;
  given.config.pacing_burst = burst;
  return given;
}

// What is more than the burst waits for its time, and says so.
TEST_P(TcpPacing, SpreadsAWindowOverTheRoundTrip) {
  Scripted c = established(paced(2));
  run(c, R"(
    0ms    write 6000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           waits pacing
           is pacing_rate 200000
    5ms    > . 3001:4001 ack 1
    10ms   > . 4001:5001 ack 1
    15ms   > P 5001:6001 ack 1
           waits application
    +50ms  nothing
  )");
}

// The rate follows the window: twice of it in a round trip, in slow start, and 1.2 times later.
TEST_P(TcpPacing, FollowsTheWindow) {
  Scripted c = established(paced(100));
  run(c, ten_in_flight() + R"(
           is pacing_rate 200000
    100ms  < . ack 10001
           is cwnd 20000
           is pacing_rate 400000
  )");
}

// After a silence the window is the initial one, and so is the rate.
TEST_P(TcpPacing, FollowsTheWindowAfterASilence) {
  Scripted c = established(paced(100));
  run(c, ten_in_flight() + R"(
    100ms  < . ack 10001
           is pacing_rate 400000
    2s     write 1000
           > P 10001:11001 ack 1
           is cwnd 10000
           is pacing_rate 200000
  )");
}

// A timeout leaves a segment of the window, and a rate to go with it.
TEST_P(TcpPacing, FollowsTheWindowAfterATimeout) {
  Scripted c = established(paced(100));
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    300ms  > P 1:1001 ack 1
           is cwnd 1000
           is pacing_rate 20000
  )");
}

// Who sent less than it might have may send the burst at once, and no more for having waited long.
TEST_P(TcpPacing, WhatWasNotUsedIsKeptUpToTheBurst) {
  Scripted c = established(paced(2));
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    80ms   write 5000
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
           waits pacing
    85ms   > . 4001:5001 ack 1
    90ms   > P 5001:6001 ack 1
  )");
}

// What is sent again takes its turn too, but for the first, which tells whether the path still is.
TEST_P(TcpPacing, WhatIsSentAgainIsSpreadToo) {
  Given given = paced(1, {.sack = true});
  given.config.tail_loss_probe = false;
  Scripted c = established(given);
  run(c, R"(
    0ms    write 8000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
    5ms    > . 2001:3001 ack 1
    10ms   > . 3001:4001 ack 1
    15ms   > . 4001:5001 ack 1
    20ms   > . 5001:6001 ack 1
    25ms   > . 6001:7001 ack 1
    30ms   > P 7001:8001 ack 1
    130ms  < . ack 1 sack 3001:8001
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           waits pacing
    150.833ms > . 2001:3001 ack 1    // 1.2 times 4000 in a round trip
  )");
}

// RFC 9406 section 4.2: what leaves spread over a round trip may count in full.
TEST_P(TcpPacing, AnAckOfMuchCountsInFullWhereItIsPaced) {
  Scripted paced_one = established(paced(100, {.cwnd = 20'000}));
  run(paced_one, in_flight(20'001) + "100ms < . ack 20001\n is cwnd 40000");
  Scripted bursts = established({.cwnd = 20'000});
  run(bursts, in_flight(20'001) + "100ms < . ack 20001\n is cwnd 28000\n is pacing_rate 0");
}

}  // namespace
}  // namespace smol::tcp::script
