// The strict profile: each line of its decision, beside what is the default.
#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"
#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpStrict = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpStrict, kStarts, start_name);

Given strictly(Given given = {}) {
  given.config = Config::strict();
  given.quick_acks = given.config.quick_acks;
  return given;
}

TEST(TcpStrictProfile, IsTheDefaultsButForWhatItNames) {
  EXPECT_EQ(Config{}.profile, Profile::kDeployed);
  const Config strict = Config::strict();
  EXPECT_EQ(strict.profile, Profile::kStrict);
  EXPECT_EQ(strict.min_rto, seconds(1));
  EXPECT_EQ(strict.time_wait, seconds(240));
  EXPECT_EQ(strict.quick_acks, 0u);
  EXPECT_EQ(strict.initial_window_segments, 0u);
  EXPECT_EQ(strict.slow_start_segments, 1u);
  EXPECT_FALSE(strict.minshall);
  EXPECT_TRUE(strict.hard_errors_abort);
  EXPECT_TRUE(strict.rst_ends_time_wait);
  // What is the RFC's own already.
  EXPECT_EQ(strict.initial_rto, Config{}.initial_rto);
  EXPECT_EQ(strict.syn_timeout, seconds(180));
  EXPECT_EQ(strict.user_timeout, seconds(300));
  EXPECT_LT(strict.ack_delay, milliseconds(500));
}

// TCP-190: RFC 6298 section 2.4.
TEST_P(TcpStrict, RtoIsASecondAtLeast) {
  Scripted c = established(strictly({.rtt = milliseconds(10)}));
  run(c, R"(
          is rto 1s
          write 100
          > P 1:101 ack 1
    1s    > P 1:101 ack 1
    3s    > P 1:101 ack 1
  )");
  Scripted deployed = established({.rtt = milliseconds(10)});
  run(deployed, "is rto 200ms");
}

// TCP-035: twice an MSL of two minutes.
TEST_P(TcpStrict, TimeWaitIsFourMinutes) {
  Scripted c = time_wait(strictly());
  run(c, "239s state TIME-WAIT\n 241s state CLOSED");
  Scripted deployed = time_wait();
  run(deployed, "59s state TIME-WAIT\n 61s state CLOSED");
}

// RFC 5681 section 3.1 instead of RFC 6928: two to four segments by their size.
TEST(TcpStrictProfile, BeginsWithTheWindowOfRfc5681) {
  EXPECT_EQ(Congestion::initial_window(536, 0), 4u * 536);
  EXPECT_EQ(Congestion::initial_window(1095, 0), 4u * 1095);
  EXPECT_EQ(Congestion::initial_window(1096, 0), 3u * 1096);
  EXPECT_EQ(Congestion::initial_window(1460, 0), 3u * 1460);
  EXPECT_EQ(Congestion::initial_window(2190, 0), 3u * 2190);
  EXPECT_EQ(Congestion::initial_window(2191, 0), 2u * 2191);
  EXPECT_EQ(Congestion::initial_window(8960, 0), 2u * 8960);
}

// TCP-229: one segment an ACK (RFC 5681 section 3.1), however many it acknowledges.
TEST_P(TcpStrict, SlowStartCountsOneSegmentAnAck) {
  Given given{.cwnd = 4000};
  given.config.slow_start_segments = 1;
  Scripted c = established(given);
  run(c, R"(
    10ms   write 4000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > P 3001:4001 ack 1
    20ms   < . ack 4001
           is cwnd 5000
  )");
  Scripted deployed = established({.cwnd = 4000});
  run(deployed, R"(
    10ms   write 4000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > P 3001:4001 ack 1
    20ms   < . ack 4001
           is cwnd 8000
  )");
}

// TCP-107: each ACK may wait for company from the first on (SHLD-18). By default the first do not.
TEST_P(TcpStrict, FirstAcksWaitLikeAllOthers) {
  Scripted c = established(strictly());
  run(c, R"(
    0ms    < . 1:101 ack 1
    40ms   > . 1:1(0) ack 101
  )");
  Scripted deployed = established({.quick_acks = Config{}.quick_acks});
  run(deployed, "< . 1:101 ack 1\n > . 1:1(0) ack 101");
}

// TCP-056: Nagle's own rule (RFC 896, SHLD-7): a small segment waits while anything is in flight.
// By default, in Minshall's form, only another small one holds it back (TCP-058).
TEST_P(TcpStrict, TailOfALargeWriteWaits) {
  Scripted c = established(strictly());
  run(c, R"(
    0ms    write 1500
           > . 1:1001 ack 1
           waits nagle
    50ms   < . ack 1001
           > P 1001:1501 ack 1
  )");
  Scripted deployed = established();
  run(deployed, "write 1500\n > . 1:1001 ack 1\n > P 1001:1501 ack 1");
}

}  // namespace
}  // namespace smol::tcp::script
