// What the search for the path MTU, and what routers say of it, mean to a connection: RFC 4821
// section 7, RFC 1191 section 6.4.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpPathMtuScript = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpPathMtuScript, kStarts, start_name);

/// Full segments are of a thousand octets, and the base of the search is five hundred.
Given with_base(PathProbing probing, Given given = {}) {
  given = no_probe(given);
  given.config.path_probing = probing;
  given.config.probe_base = 540;
  return given;
}
Given searching(Given given = {}) {
  return with_base(PathProbing::kAlways, given);
}

/// The first segment is a probe, and six short ones go behind it.
constexpr const char* kProbeAndSix = R"(
    0ms    write 4000
           > . 1:1001 ack 1
           > . 1001:1501 ack 1
           > . 1501:2001 ack 1
           > . 2001:2501 ack 1
           > . 2501:3001 ack 1
           > . 3001:3501 ack 1
           > P 3501:4001 ack 1
           is mss 500
)";

// TCP-254: enough must go behind a probe for duplicate ACKs to tell of its loss (section 7.4).
TEST_P(TcpPathMtuScript, AProbeGoesWithThreeSegmentsBehindIt) {
  Scripted few = established(searching());
  run(few, R"(
    0ms    write 2499
           > . 1:501 ack 1
           > . 501:1001 ack 1
           > . 1001:1501 ack 1
           > . 1501:2001 ack 1
           > P 2001:2500 ack 1
    100ms  < . ack 2500
           is mss 500
  )");
  Scripted enough = established(searching());
  run(enough, R"(
    0ms    write 2500
           > . 1:1001 ack 1
           > . 1001:1501 ack 1
           > . 1501:2001 ack 1
           > P 2001:2501 ack 1
    100ms  < . ack 2501
           is mss 1000
  )");
}

// TCP-254
TEST_P(TcpPathMtuScript, AProbeWaitsForAWindowWithRoomBehindIt) {
  Scripted narrow = established(searching({.window = 2499}));
  run(narrow, R"(
    0ms    write 5000
           > . 1:501 ack 1
           > . 501:1001 ack 1
           > . 1001:1501 ack 1
           > . 1501:2001 ack 1
  )");
  Scripted wide = established(searching({.window = 2500}));
  run(wide, R"(
    0ms    write 5000
           > . 1:1001 ack 1
           > . 1001:1501 ack 1
           > . 1501:2001 ack 1
           > . 2001:2501 ack 1
  )");
}

// TCP-254: a probe that is lost alone goes again at once, in short segments, and is no congestion.
TEST_P(TcpPathMtuScript, AProbeLostAloneIsNoCongestion) {
  Scripted c = established(searching());
  run(c, std::string{kProbeAndSix} + R"(
    100ms  < . ack 1 sack 1001:2501
           > . 1:501 ack 1
           > . 501:1001 ack 1
           event probe_lost
           is cwnd 5000
    200ms  < . ack 4001
           is mss 500
  )");
}

// TCP-254: the router that had to drop a probe says so: what went behind it was not too long.
TEST_P(TcpPathMtuScript, ARoutersWordAboutAProbeConcernsItAlone) {
  Scripted c = established(searching());
  run(c, std::string{kProbeAndSix} + R"(
    50ms   too_big 1 700
           > . 1:501 ack 1
           > . 501:1001 ack 1
           is mss 500
    150ms  < . ack 4001
           is mss 500
    160ms  write 3000
           > . 4001:4701 ack 1             // the next one is as long as the router says
           > . 4701:5201 ack 1
           > . 5201:5701 ack 1
           > . 5701:6201 ack 1
           > . 6201:6701 ack 1
           > P 6701:7001 ack 1
  )");
}

// TCP-254: together with others it goes again like these, in recovery. That its text arrives then
// says nothing of its length.
TEST_P(TcpPathMtuScript, AProbeThatGoesAgainInPartsHasNotArrived) {
  Scripted c = established(searching());
  run(c, std::string{kProbeAndSix} + R"(
    100ms  < . ack 1 sack 1501:4001
           > . 1:501 ack 1
           > . 501:1001 ack 1
           > . 1001:1501 ack 1
           no event probe_lost
           is ssthresh 2000
    200ms  < . ack 4001
           no event probe_arrived
           is mss 500
  )");
}

// TCP-254: congestion it is if anything else was lost, before the probe or behind it.
TEST_P(TcpPathMtuScript, ALossBesidesTheProbeIsCongestion) {
  Scripted before = established(searching());
  run(before, R"(
    0ms    write 400
           > P 1:401 ack 1
           write 4000
           > . 401:1401 ack 1
           > . 1401:1901 ack 1
           > . 1901:2401 ack 1
           > . 2401:2901 ack 1
           > . 2901:3401 ack 1
           > . 3401:3901 ack 1
           > P 3901:4401 ack 1
    100ms  < . ack 1 sack 401:2901
           > . 1:401 ack 1
           no event probe_lost
           is ssthresh 2200
    200ms  < . ack 4401
           is mss 1000                     // it has arrived
  )");
  Scripted behind = established(searching());
  run(behind, std::string{kProbeAndSix} + R"(
    100ms  < . ack 1 sack 1001:1501 2001:4001
           > . 1:501 ack 1
           > . 501:1001 ack 1
           > . 1501:2001 ack 1
           no event probe_lost
           is ssthresh 2000
  )");
}

// TCP-253: that long segments vanish is a guess: congestion control hears of the timeouts.
TEST_P(TcpPathMtuScript, ABlackHoleMayHaveBeenCongestion) {
  Scripted c = established(with_base(PathProbing::kBlackHole));
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > P 2001:3001 ack 1
    300ms  > . 1:1001 ack 1
    900ms  > . 1:501 ack 1
           event black_hole
           is mss 500
           is cwnd 500
           is backoff 2
  )");
}

// TRAP-40: what a change of the path has made of segments counts if any were in flight.
TEST_P(TcpPathMtuScript, WhatGetsThroughAfterAChangeIsProof) {
  Scripted quiet = established(no_probe());
  run(quiet, R"(
    0ms    path 800
           is mss 800
           write 800
           > P 1:801 ack 1
    100ms  < . ack 801
    110ms  write 800
           > P 801:1601 ack 1
    120ms  too_big 801 700
           is mss 800
           event path_mtu_doubted
  )");
  Scripted same = established(no_probe());
  run(same, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    10ms   path 1000
    100ms  < . ack 1001
    110ms  write 1000
           > P 1001:2001 ack 1
    120ms  too_big 1001 700
           is mss 1000
           event path_mtu_doubted
  )");
}

// TCP-050, TCP-053: the SYN that goes again tells of the link as it is by then, and segments are as
// short as that.
TEST_P(TcpPathMtuScript, ASynThatGoesAgainTellsOfTheLinkAsItIs) {
  Scripted c = syn_sent({.timestamps = true});
  run(c, R"(
    0ms    path 400
           is mss 388
    1s     > S 0:0(0) <mss 400,TS val 1000 ecr 0>
    1.1s   < S. 0:0(0) ack 1 <mss 1460,TS val 0 ecr 1000>
           > . ack 1
           is mss 388
  )");
  EXPECT_EQ(c.info().rcv_mss, 400u);
  EXPECT_EQ(c.info().advmss, 400u);
}

// TCP-219: a router's word about a SYN makes segments shorter; the SYN is not lost, and its round
// trip is one.
TEST_P(TcpPathMtuScript, ARoutersWordLeavesTheHandshakeTimed) {
  Scripted c = syn_sent();
  run(c, R"(
    0ms    too_big 0 800
           event path_mtu
           is mss 800
    100ms  < S. 0:0(0) ack 1 <mss 1460>
           > . ack 1
           is srtt 100ms
           is mss 800
  )");
}

}  // namespace
}  // namespace smol::tcp::script
