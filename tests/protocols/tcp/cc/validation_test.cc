// How much of the window the path was shown to carry: RFC 7661, RFC 5681 section 4.1.
#include "protocols/tcp/cc/validation.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp {
namespace {

constexpr std::uint32_t kMss = 1000;
constexpr Instant kStart{seconds(3'000'000)};

AckSample ack_of(Instant now, std::uint32_t octets, std::uint32_t in_flight, bool limited) {
  AckSample ack;
  ack.now = now;
  ack.mss = kMss;
  ack.acked = ack.delivered = octets;
  ack.in_flight = in_flight;
  ack.srtt = ack.rtt = ack.min_rtt = milliseconds(100);
  ack.cwnd_limited = limited;
  return ack;
}

/// A window of 40 segments, of which the application has been using ten a round trip.
Congestion rate_limited(Instant& now) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(now, kMss, 40, false);
  for (int i = 0; i < 40; ++i) {
    c.on_ack(ack_of(now, 10'000, 0, false));
    now += milliseconds(100);
  }
  return c;
}

// TCP-234: pipeACK is the most that a round trip of the last second or so has acknowledged.
TEST(TcpValidation, PipeAckIsTheLargestOfTheLastRounds) {
  Instant now = kStart;
  Congestion c = rate_limited(now);
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 10'000u);
  c.on_ack(ack_of(now, 10'000, 0, false));  // a period ends
  now += milliseconds(100);
  c.on_ack(ack_of(now, 15'000, 0, false));
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 15'000u);
  c.on_ack(ack_of(now, 5000, 0, false));
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 15'000u);
  for (int i = 0; i < 25; ++i) {
    now += milliseconds(100);
    c.on_ack(ack_of(now, 2000, 0, false));
  }
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 2000u) << "after two periods of a second";
}

// TCP-234: a period is of three round trips where these are longer than a second (section 4.2).
TEST(TcpValidation, PipeAckRemembersThreeLongRoundTrips) {
  Instant now = kStart;
  Congestion c{CongestionControl::kNewReno};
  c.begin(now, kMss, 40, false);
  const auto acked = [&](std::uint32_t octets) {
    AckSample ack = ack_of(now, octets, 0, false);
    ack.srtt = seconds(1);
    c.on_ack(ack);
    now += milliseconds(500);
    return c.info(seconds(1)).pipe_ack;
  };
  acked(2000);  // begins a period
  acked(9000);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(acked(2000), 9000u) << i;
  EXPECT_EQ(acked(2000), 2000u) << "two periods are over";
}

// TCP-234: a round trip is what was in flight at its beginning, however many ACKs tell of it.
TEST(TcpValidation, PipeAckSumsUpARoundTrip) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kStart, kMss, 40, false);
  c.on_ack(ack_of(kStart, 1000, 4000, false));
  for (int i = 0; i < 4; ++i) c.on_ack(ack_of(kStart, 1000, 3000, false));
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 4000u);
}

// TCP-234: before the first measurement the window counts as validated (section 4.2).
TEST(TcpValidation, IsUndefinedAtFirst) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kStart, kMss, 40, false);
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 0u);
  c.on_congestion(kStart, kMss, 12'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 6000u);
}

// TCP-234: a loss while the window is not validated is answered from what was in use, and less by
// half of what had to be sent again (section 4.4.1).
TEST(TcpValidation, ALossIsAnsweredFromWhatWasInUse) {
  Instant now = kStart;
  Congestion c = rate_limited(now);
  c.on_congestion(now, kMss, 6000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 5000u) << "half of pipeACK, which is more than the flight";
  AckSample lost = ack_of(now, 0, 5000, false);
  lost.in_recovery = true;
  lost.lost = 2000;
  c.on_ack(lost);
  c.on_recovery_end(now, kMss, 3000);
  EXPECT_EQ(c.cwnd(), 4000u);
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 0u) << "undefined until measured again";
}

// TCP-234: what was acknowledged before the loss, in the same round trip, was not sent again.
TEST(TcpValidation, OnlyWhatIsLostInAnEpisodeCostsMore) {
  Instant now = kStart;
  Congestion c = rate_limited(now);
  c.on_ack(ack_of(now, 1000, 10'000, false));  // a round trip begins
  c.on_ack(ack_of(now, 3000, 7000, false));
  c.on_congestion(now, kMss, 6000, CongestionSignal::kLoss);
  AckSample lost = ack_of(now, 0, 5000, false);
  lost.in_recovery = true;
  lost.lost = 1000;
  c.on_ack(lost);
  c.on_recovery_end(now, kMss, 3000);
  EXPECT_EQ(c.cwnd(), 4500u);
}

// TCP-234: it costs no more than all but two segments.
TEST(TcpValidation, AnEpisodeLeavesTwoSegments) {
  Instant now = kStart;
  Congestion c = rate_limited(now);
  c.on_congestion(now, kMss, 6000, CongestionSignal::kLoss);
  AckSample lost = ack_of(now, 0, 5000, false);
  lost.in_recovery = true;
  lost.lost = 9000;
  c.on_ack(lost);
  c.on_recovery_end(now, kMss, 3000);
  EXPECT_EQ(c.cwnd(), 2000u);
  EXPECT_EQ(c.ssthresh(), 2000u);
}

// TCP-234: of a validated window, what was lost costs nothing more.
TEST(TcpValidation, AValidatedWindowIsCutOnce) {
  Instant now = kStart;
  Congestion c{CongestionControl::kNewReno};
  c.begin(now, kMss, 20, false);
  for (int i = 0; i < 3; ++i) c.on_ack(ack_of(now, 10'000, 0, false));
  c.on_congestion(now, kMss, 20'000, CongestionSignal::kLoss);
  AckSample lost = ack_of(now, 0, 5000, false);
  lost.in_recovery = true;
  lost.lost = 4000;
  c.on_ack(lost);
  c.on_recovery_end(now, kMss, 3000);
  EXPECT_EQ(c.cwnd(), 10'000u);
}

// TCP-234: a round trip of which only the end was counted, after an episode, measures nothing: the
// next loss is answered from what is in flight, and costs nothing more.
TEST(TcpValidation, TheRestOfARoundAfterAnEpisodeIsNoMeasurement) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kStart, kMss, 20, false);
  c.on_ack(ack_of(kStart, 1000, 20'000, true));
  c.on_congestion(kStart, kMss, 20'000, CongestionSignal::kLoss);
  c.on_recovery_end(kStart, kMss, 10'000);
  c.on_ack(ack_of(kStart, 16'000, 9000, true));
  c.on_ack(ack_of(kStart, 4000, 9000, true));
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 0u);
  c.on_ack(ack_of(kStart, 9000, 9000, true));
  EXPECT_EQ(c.info(milliseconds(100)).pipe_ack, 9000u);
}

// TCP-234: what is not used for five minutes is halved, down to the initial window, and ssthresh
// remembers (section 4.4.3).
TEST(TcpValidation, AnUnusedWindowIsKeptForFiveMinutes) {
  Instant now = kStart;
  Congestion c{CongestionControl::kNewReno};
  c.begin(now, kMss, 40, false);
  c.on_timeout(now, kMss, 4000, true);
  c.on_recovery_end(now, kMss, 0);
  c.set_cwnd(200'000);
  const auto use_little = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      now += milliseconds(100);
      c.on_ack(ack_of(now, 10'000, 0, false));
    }
  };
  use_little(2990);
  EXPECT_EQ(c.cwnd(), 200'000u);
  use_little(20);
  EXPECT_EQ(c.cwnd(), 100'000u);
  EXPECT_EQ(c.ssthresh(), 150'000u);
  use_little(3010);
  EXPECT_EQ(c.cwnd(), 50'000u);
  use_little(3010);
  EXPECT_EQ(c.cwnd(), 40'000u) << "no less than the initial window";
}

// TCP-234: a window that is in use is kept, and one that was in use has its five minutes from
// then on.
TEST(TcpValidation, UseKeepsTheWindow) {
  Instant now = kStart;
  Congestion c{CongestionControl::kNewReno};
  c.begin(now, kMss, 40, false);
  c.set_cwnd(200'000);
  const auto use = [&](std::uint32_t octets, int steps) {
    for (int i = 0; i < steps; ++i) {
      now += milliseconds(100);
      c.on_ack(ack_of(now, octets, 0, false));
    }
  };
  use(100'000, 7000);
  EXPECT_EQ(c.cwnd(), 200'000u);
  use(10'000, 2900);
  use(100'000, 10);
  use(10'000, 2900);
  EXPECT_EQ(c.cwnd(), 200'000u) << "half of it was in use once";
  use(10'000, 200);
  EXPECT_EQ(c.cwnd(), 100'000u);
}

// TCP-234: what was measured before silence, or before a timeout, tells nothing of what comes now.
TEST(TcpValidation, SilenceAndTimeoutsForgetPipeAck) {
  Instant now = kStart;
  Congestion silent = rate_limited(now);
  ASSERT_EQ(silent.info(milliseconds(100)).pipe_ack, 10'000u);
  silent.on_idle(now, kMss, 10, seconds(10));
  EXPECT_EQ(silent.info(milliseconds(100)).pipe_ack, 0u);
  Congestion late = rate_limited(now);
  late.on_timeout(now, kMss, 10'000, true);
  EXPECT_EQ(late.info(milliseconds(100)).pipe_ack, 0u);
}

// TCP-233: after an RTO of silence slow start begins again, up to what was reached before.
TEST(TcpValidation, SilenceGoesBackToTheInitialWindow) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kStart, kMss, 10, false);
  c.on_congestion(kStart, kMss, 10'000, CongestionSignal::kLoss);
  c.on_recovery_end(kStart, kMss, 5000);
  c.set_cwnd(100'000);
  c.on_idle(kStart + seconds(10), kMss, 10, seconds(10));
  EXPECT_EQ(c.cwnd(), 10'000u);
  EXPECT_EQ(c.ssthresh(), 75'000u);
}

}  // namespace
}  // namespace smol::tcp
