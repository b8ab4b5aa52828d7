// The retransmission timer: RFC 6298; giving up: RFC 9293 section 3.8.3.
#include "protocols/tcp/rto.hh"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

Config one_second_floor() {
  Config config;
  config.min_rto = seconds(1);
  return config;
}

// TCP-188
TEST(TcpRto, BeginsWithASecond) {
  const Rto rto{Config{}};
  EXPECT_EQ(rto.value(), seconds(1));
  EXPECT_EQ(rto.srtt(), Duration::zero());
}

// TCP-189: the first sample R makes SRTT = R and RTTVAR = R/2; then RTTVAR is taken before SRTT.
TEST(TcpRto, FollowsTheFormulas) {
  const Config config = one_second_floor();
  Rto rto{config};
  rto.sample(config, milliseconds(800));
  EXPECT_EQ(rto.srtt(), milliseconds(800));
  EXPECT_EQ(rto.rttvar(), milliseconds(400));
  EXPECT_EQ(rto.value(), milliseconds(2400));
  rto.sample(config, milliseconds(1600));
  EXPECT_EQ(rto.rttvar(), milliseconds(500)) << "3/4 * 400 + 1/4 * |800 - 1600|";
  EXPECT_EQ(rto.srtt(), milliseconds(900)) << "7/8 * 800 + 1/8 * 1600";
  EXPECT_EQ(rto.value(), milliseconds(2900));
  rto.sample(config, milliseconds(100));
  EXPECT_EQ(rto.rttvar(), milliseconds(575)) << "also below SRTT";
  EXPECT_EQ(rto.srtt(), milliseconds(800));
}

// smoltcp's rtt_estimator: constant samples of 2 s.
TEST(TcpRto, SettlesOnConstantSamples) {
  const Config config = one_second_floor();
  Rto rto{config};
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20; ++i) {
    rto.sample(config, seconds(2));
    values.push_back(rto.value() / milliseconds(1));
    EXPECT_EQ(rto.srtt(), seconds(2));
  }
  EXPECT_EQ(values[0], 6000);
  EXPECT_EQ(values[1], 5000);
  EXPECT_EQ(values[2], 4250);
  EXPECT_EQ(values[3], 3687);
  EXPECT_LT(values[19], 2020);
}

// TCP-190
TEST(TcpRto, HasAFloorAndACeiling) {
  Config config;
  Rto rto{config};
  rto.sample(config, milliseconds(1));
  EXPECT_EQ(rto.value(), config.min_rto);
  rto.sample(config, seconds(100));
  EXPECT_EQ(rto.value(), seconds(60));
  config.min_rto = milliseconds(1);
  Rto fine{config};
  for (int i = 0; i < 100; ++i) fine.sample(config, milliseconds(5));
  EXPECT_EQ(fine.value(), milliseconds(5) + microseconds(100)) << "the granularity is the least";
}

// A round trip of nothing is one all the same.
TEST(TcpRto, TakesASampleOfZero) {
  Config config;
  Rto rto{config};
  rto.sample(config, Duration::zero());
  EXPECT_GT(rto.srtt(), Duration::zero());
  rto.after_lost_syn();
  EXPECT_EQ(rto.value(), config.min_rto);
}

// TCP-192
TEST(TcpRto, BacksOffUntilASample) {
  const Config config;
  Rto rto{config};
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(rto.value(), seconds(wait));
    rto.back_off();
  }
  for (int i = 0; i < 300; ++i) rto.back_off();
  EXPECT_EQ(rto.value(), seconds(60));
  rto.sample(config, milliseconds(100));
  EXPECT_EQ(rto.value(), milliseconds(300));
  EXPECT_EQ(rto.backoff(), 0);
}

// TCP-193
TEST(TcpRto, IsThreeSecondsAfterALostSyn) {
  const Config config;
  Rto rto{config};
  rto.back_off();
  rto.after_lost_syn();
  EXPECT_EQ(rto.value(), seconds(3));
  Config slow;
  slow.initial_rto = seconds(5);
  Rto slower{slow};
  slower.after_lost_syn();
  EXPECT_EQ(slower.value(), seconds(5));
}

using TcpRetransmission = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpRetransmission, kStarts, start_name);

// TCP-088, TCP-192: the earliest segment only, and twice as long each time.
TEST_P(TcpRetransmission, RepeatsTheFirstSegmentWithBackOff) {
  Scripted c = established();
  run(c, R"(
    0ms     write 3000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > P 2001:3001 ack 1
    300ms   > . 1:1001 ack 1
            event timeout
            is rto 600ms
    900ms   > . 1:1001 ack 1
    2.1s    > . 1:1001 ack 1
    4.5s    > . 1:1001 ack 1
    9.3s    > . 1:1001 ack 1
            is timeouts 5
            is sum_retrans 5
  )");
}

// What comes after is sent again as slow start allows (go-back-N: there is no SACK).
TEST_P(TcpRetransmission, GoesOnFromTheHole) {
  Scripted c = established();
  run(c, R"(
    0ms     write 4000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > . 2001:3001 ack 1
            > P 3001:4001 ack 1
    300ms   > . 1:1001 ack 1
    400ms   < . ack 1001
            > . 1001:2001 ack 1
            > . 2001:3001 ack 1
    500ms   < . ack 4001
            event sent
    +1h     nothing
  )");
}

// smoltcp's retransmit reset after ack; bursts, half of them acknowledged.
TEST_P(TcpRetransmission, RepeatsOnlyWhatIsNotAcknowledged) {
  Scripted c = established();
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    100ms   < . ack 1001
    350ms   > P 1001:2001 ack 1
    450ms   < . ack 2001
    +1h     nothing
  )");
}

// An ACK in the middle of a segment: the rest of it goes again.
TEST_P(TcpRetransmission, RepeatsFromTheMiddleOfASegment) {
  Scripted c = established();
  run(c, "write 1000\n > P 1:1001 ack 1\n 100ms < . ack 501\n 400ms > P 501:1001 ack 1");
}

// smoltcp's queue during retransmission: new text follows what goes again.
TEST_P(TcpRetransmission, TextWrittenMeanwhileFollows) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    310ms   write 500
    400ms   < . ack 1001
            > P 1001:1501 ack 1
  )");
}

// smoltcp's ack_more_than_expected: the first copy was only late.
TEST_P(TcpRetransmission, LateAckOfAllEndsIt) {
  Scripted c = established();
  run(c, R"(
    0ms     write 3000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > P 2001:3001 ack 1
    300ms   > . 1:1001 ack 1
    310ms   < . ack 3001
            event sent
    +1h     nothing
  )");
}

// TCP-191, RFC 6298 section 5: (5.1) started if it does not run, (5.2) stopped, (5.3) restarted.
TEST_P(TcpRetransmission, TimerIsStartedWithTheFirstSegment) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    200ms   write 1000
            > P 1001:2001 ack 1
    300ms   > . 1:1001 ack 1
  )");
}

TEST_P(TcpRetransmission, TimerIsRestartedByNewData) {
  Scripted c = established();
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    290ms   < . ack 1001                 // srtt 123.75 ms, rttvar 85 ms
            is rto 463.75ms
    753ms   nothing
    753.75ms > P 1001:2001 ack 1
  )");
}

// TRAP-14: duplicate ACKs do not hold it up.
TEST_P(TcpRetransmission, TimerIsNotRestartedByDuplicates) {
  Scripted c = established();
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    100ms   < . ack 1
    200ms   < . ack 1
    290ms   < P. 1:11 ack 1
    300ms   > . 1:1001 ack 11
  )");
}

// TCP-067: Karn: what was sent twice is not measured, and the back-off stays.
TEST_P(TcpRetransmission, MeasuresNothingThatWentTwice) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    310ms   < . ack 1001
            is srtt 100ms
            is rto 600ms
            write 1000
            > P 1001:2001 ack 1
    410ms   < . ack 2001
            is srtt 100ms
            is rto 250ms
  )");
}

// Nor behind it: the timed segment came while a hole was repaired.
TEST_P(TcpRetransmission, MeasuresNothingAcrossARepair) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    50ms    write 1000
            > P 1001:2001 ack 1
    300ms   > . 1:1001 ack 1
    900ms   > . 1:1001 ack 1
    910ms   < . ack 2001
            is srtt 100ms
  )");
}

// With timestamps the echo says which copy arrived (RFC 7323 section 4).
TEST_P(TcpRetransmission, MeasuresTheCopyThatTheEchoNames) {
  Scripted c = established({.timestamps = true});
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1 <TS val 100 ecr 100>
    300ms   > P 1:1001 ack 1 <TS val 400 ecr 100>
    500ms   < . ack 1001 <TS val 600 ecr 400>
            is srtt 112.5ms
  )");
  Scripted first = established({.timestamps = true});
  run(first, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    500ms   < . ack 1001 <TS val 600 ecr 100>
            is srtt 150ms
  )");
}

// An echo of the future, or none at all, is not believed.
TEST_P(TcpRetransmission, MeasuresNoEchoThatCannotBe) {
  for (const char* ecr : {"601", "100000"}) {
    Scripted c = established({.timestamps = true});
    run(c, std::string{"write 1000\n > P 1:1001 ack 1\n 300ms > P 1:1001 ack 1\n"} +
               "500ms < . ack 1001 <TS val 600 ecr " + ecr + ">\n is srtt 100ms");
  }
}

// TCP-204: one sample a round trip, however many segments and ACKs, and timestamps in each of them.
TEST_P(TcpRetransmission, MeasuresOnceARoundTrip) {
  const std::string script = R"(
    0ms     write 3000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > P 2001:3001 ack 1
    180ms   < . ack 1001
            is srtt 110ms
    190ms   < . ack 2001
            is srtt 110ms
    200ms   < . ack 3001
            is srtt 110ms
            write 500
            > P 3001:3501 ack 1
    390ms   < . ack 3501
            is srtt 120ms
  )";
  Scripted c = established();
  run(c, script);
  Scripted with_timestamps = established({.timestamps = true});
  run(with_timestamps, script);
}

// --- SYN
// ------------------------------------------------------------------------------------------

// TCP-075, TCP-076, TCP-188: SYN goes again for at least 180 s.
TEST_P(TcpRetransmission, SynGoesAgainForThreeMinutes) {
  Scripted c = syn_sent();
  run(c, R"(
    1s       > S 0:0(0)
    3s       > S 0:0(0)
    7s       > S 0:0(0)
             event reached_r1
    15s      > S 0:0(0)
    31s      > S 0:0(0)
    63s      > S 0:0(0)
    123s     > S 0:0(0)
    179.9s   state SYN-SENT
    180s     event closed:ETIMEDOUT
             state CLOSED
  )");
}

// The same holds for the SYN-ACK of an active open.
TEST_P(TcpRetransmission, SynAckOfASimultaneousOpenGoesAgain) {
  Scripted c = syn_sent();
  run(c, R"(
    500ms    < S 0:0(0) <mss 1000>
             > S. 0:0(0) ack 1
    1.5s     > S. 0:0(0) ack 1
    3.5s     > S. 0:0(0) ack 1
    7.5s     > S. 0:0(0) ack 1
    15.5s    > S. 0:0(0) ack 1
    31.5s    > S. 0:0(0) ack 1
    63.5s    > S. 0:0(0) ack 1
    123.5s   > S. 0:0(0) ack 1
    180s     event closed:ETIMEDOUT
  )");
}

// TCP-193, TRAP-13, TCP-228: no sample from the wrong SYN; 3 s; one segment.
TEST_P(TcpRetransmission, LostSynIsRemembered) {
  Scripted c = syn_sent();
  run(c, R"(
    1s      > S 0:0(0)
    1.1s    < S. 0:0(0) ack 1 <mss 1000>
            > . ack 1
            is srtt 0s
            is rto 3s
            is cwnd 1000
            write 2000
            > . 1:1001 ack 1
    4.1s    > . 1:1001 ack 1
    10.1s   > . 1:1001 ack 1
  )");
}

// With timestamps there is a sample after all, and no need for the 3 s.
TEST_P(TcpRetransmission, LostSynIsMeasuredByItsEcho) {
  Scripted c = syn_sent({.timestamps = true});
  run(c, R"(
    1s      > S 0:0(0) <mss 1012,TS val 1000 ecr 0>
    1.2s    < S. 0:0(0) ack 1 <mss 1012,TS val 7 ecr 1000>
            > . ack 1
            is srtt 200ms
            is rto 600ms
            is cwnd 1000
  )");
}

// TCP-199: a SYN-ACK that echoes nothing says nothing.
TEST_P(TcpRetransmission, EchoOfZeroIsNone) {
  Scripted c{here({.timestamps = true})};
  run(c, "connect\n > S 0:0(0)\n 1s > S 0:0(0)");
  SegmentIn in;
  in.flags.raw = TcpFlags::kSyn | TcpFlags::kAck;
  in.seq = c.given().start.irs;
  in.ack = c.given().start.iss + 1;
  in.options.timestamps = TcpTimestamps{7, 0};
  c.endpoint().arrives(c.now() + milliseconds(100), in);
  EXPECT_EQ(c.info().srtt, Duration::zero());
  EXPECT_EQ(c.info().rto, seconds(3));
}

// --- giving up
// ------------------------------------------------------------------------------------

// TCP-070, TCP-073, TCP-072: R1 is told at the third retransmission.
TEST_P(TcpRetransmission, R1IsTold) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    900ms   > P 1:1001 ack 1
            no event reached_r1
    2.1s    > P 1:1001 ack 1
            event reached_r1
    4.5s    > P 1:1001 ack 1
            no event reached_r1       // once
    4.6s    < . ack 1001
            event forward_progress
            write 10
            > P 1001:1011 ack 1
    9.4s    > P 1001:1011 ack 1       // RTO is still backed off (Karn)
            no event reached_r1
  )");
}

// TCP-074: 300 s by default.
TEST_P(TcpRetransmission, R2IsFiveMinutes) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    0.3s    > P 1:1001 ack 1
    0.9s    > P 1:1001 ack 1
    2.1s    > P 1:1001 ack 1
    4.5s    > P 1:1001 ack 1
    9.3s    > P 1:1001 ack 1
    18.9s   > P 1:1001 ack 1
    38.1s   > P 1:1001 ack 1
    76.5s   > P 1:1001 ack 1
    136.5s  > P 1:1001 ack 1
    196.5s  > P 1:1001 ack 1
    256.5s  > P 1:1001 ack 1
    299.99s state ESTABLISHED
    300s    event closed:ETIMEDOUT
            state CLOSED
    +1h     nothing
  )");
}

// TCP-071: to the millisecond, whatever the RTO.
TEST_P(TcpRetransmission, UserTimeoutIsExact) {
  Scripted c = established({.options = {.user_timeout = milliseconds(1234)}});
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    900ms   > P 1:1001 ack 1
    1233ms  state ESTABLISHED
    1234ms  event closed:ETIMEDOUT
  )");
  Scripted shorter = established({.options = {.user_timeout = milliseconds(100)}});
  run(shorter, "write 1000\n > P 1:1001 ack 1\n 100ms event closed:ETIMEDOUT");
}

// It is counted from the last progress.
TEST_P(TcpRetransmission, UserTimeoutBeginsAgainWithProgress) {
  Scripted c = established({.options = {.user_timeout = seconds(1)}});
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    250ms   < . ack 1001              // srtt 118.75 ms, rttvar 75 ms
    668.75ms > P 1001:2001 ack 1
    1.249s  state ESTABLISHED
    1.25s   event closed:ETIMEDOUT
  )");
}

// smoltcp issue 1202: an idle connection has nothing to time out.
TEST_P(TcpRetransmission, UserTimeoutDoesNotEndAnIdleConnection) {
  Scripted c = established({.options = {.user_timeout = seconds(1)}});
  run(c, R"(
    0ms     write 10
            > P 1:11 ack 1
    100ms   < . ack 11
    1h      state ESTABLISHED
            write 10
            > P 11:21 ack 1
    +100ms  < . ack 21
            state ESTABLISHED
  )");
}

// TCP-071: for ever, if the user says so.
TEST_P(TcpRetransmission, UserTimeoutMayBeForEver) {
  Scripted c = established(
      {.options = {.user_timeout = SocketOptions::kForever}, .config = {.max_rto = seconds(3600)}});
  std::string script = "write 1000\n > P 1:1001 ack 1\n";
  Duration wait = milliseconds(300);
  for (int i = 0; i < 12; ++i) {
    script += "+" + std::to_string(wait / milliseconds(1)) + "ms > P 1:1001 ack 1\n";
    wait *= 2;
  }
  run(c, script);
}

// What waits already ends by a timeout that is set meanwhile.
TEST_P(TcpRetransmission, UserTimeoutSetWhileWaitingCounts) {
  Scripted c = established();
  run(c, R"(
    0ms     write 1000
            > P 1:1001 ack 1
    300ms   > P 1:1001 ack 1
    900ms   > P 1:1001 ack 1
    2.1s    > P 1:1001 ack 1
    2.2s    nothing
  )");
  c.set_options({.user_timeout = seconds(3)});
  run(c, "799ms state ESTABLISHED\n 800ms event closed:ETIMEDOUT");
}

TEST_P(TcpRetransmission, UserTimeoutSetTooLateEndsAtOnce) {
  Scripted c = established();
  run(c, "write 1000\n > P 1:1001 ack 1\n 300ms > P 1:1001 ack 1\n 800ms nothing");
  c.set_options({.user_timeout = milliseconds(500)});
  run(c, "event closed:ETIMEDOUT");
}

// The user's own timer is not ours: it only tells.
TEST_P(TcpRetransmission, UserDeadlineTellsAndDoesNothing) {
  Scripted c = established();
  c.endpoint().connection().set_user_deadline(c.now() + seconds(5));
  run(c, R"(
    4.9s  no event deadline
    5s    event deadline
          state ESTABLISHED
    10s   no event deadline
  )");
  c.endpoint().connection().set_user_deadline(kNever);
  run(c, "1h no event deadline");
}

// Where there is no congestion control there is nothing to relieve: six timeouts at even intervals,
// then TCP-192 holds.
TEST_P(TcpRetransmission, ComesAtEvenIntervalsWithoutCongestionControl) {
  Scripted c = established({.congestion = CongestionControl::kNone});
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    300ms  > P 1:1001 ack 1
    600ms  > P 1:1001 ack 1
    900ms  > P 1:1001 ack 1
    1.2s   > P 1:1001 ack 1
    1.5s   > P 1:1001 ack 1
    1.8s   > P 1:1001 ack 1
    2.1s   > P 1:1001 ack 1
    2.7s   > P 1:1001 ack 1
    3.9s   > P 1:1001 ack 1
  )");
}

// An old copy's echo: after one timeout the path may have become slow; after two its ACK was lost.
TEST_P(TcpRetransmission, TheEchoOfACopyLongAgoIsNoRoundTrip) {
  Scripted c = established({.timestamps = true});
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    300ms  > P 1:1001 ack 1
    900ms  > P 1:1001 ack 1
    1s     < . ack 1001 <TS val 1100 ecr 100>
           is srtt 100ms
  )");
}

}  // namespace
}  // namespace smol::tcp::script
