// The end of the first slow start: HyStart++ (RFC 9406).
#include "protocols/tcp/cc/hystart.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kGrow = 1000;

AckSample ack_of(Duration rtt) {
  AckSample ack;
  ack.mss = 1000;
  ack.acked = ack.delivered = 1000;
  ack.rtt = rtt;
  return ack;
}

/// A round of `acks`; what they let the window grow.
std::uint32_t round(HyStart& hystart, Duration rtt, int acks = 8) {
  std::uint32_t grown = 0;
  for (int i = 1; i <= acks; ++i) grown += hystart.on_ack(ack_of(rtt), i == acks, kGrow);
  return grown;
}

// TCP-241: an eighth more than the round before, between 4 and 16 ms.
TEST(TcpHyStart, ARiseByAnEighthBeginsTheConservativePhase) {
  HyStart hystart;
  round(hystart, milliseconds(80));
  round(hystart, microseconds(89'999));
  EXPECT_FALSE(hystart.conservative()) << "the eighth is 10 ms";
  round(hystart, milliseconds(80));
  round(hystart, milliseconds(90));
  EXPECT_TRUE(hystart.conservative());
}

// TCP-241
TEST(TcpHyStart, TheThresholdHasBounds) {
  HyStart near;
  round(near, milliseconds(1));
  round(near, microseconds(4'900));
  EXPECT_FALSE(near.conservative()) << "4 ms at least";
  round(near, milliseconds(1));
  round(near, milliseconds(5));
  EXPECT_TRUE(near.conservative());
  HyStart far;
  round(far, milliseconds(600));
  round(far, milliseconds(616));
  EXPECT_TRUE(far.conservative()) << "16 ms at most";
}

// TCP-241: the shortest of a round counts, and only of eight samples.
TEST(TcpHyStart, EightSamplesAndTheirMinimumCount) {
  HyStart hystart;
  round(hystart, milliseconds(20));
  round(hystart, milliseconds(100), 7);
  EXPECT_FALSE(hystart.conservative());
  round(hystart, milliseconds(20));
  hystart.on_ack(ack_of(milliseconds(20)), false, kGrow);
  for (int i = 0; i < 7; ++i) hystart.on_ack(ack_of(milliseconds(100)), false, kGrow);
  EXPECT_FALSE(hystart.conservative());
  HyStart silent;
  round(silent, milliseconds(20));
  round(silent, Duration{0}, 20);
  EXPECT_FALSE(silent.conservative()) << "ACKs without a round trip are no samples";
}

// TCP-241
TEST(TcpHyStart, AcksWithoutARoundTripHideNoRise) {
  HyStart hystart;
  round(hystart, milliseconds(20));
  hystart.on_ack(ack_of(Duration::zero()), false, kGrow);
  round(hystart, milliseconds(30));
  EXPECT_TRUE(hystart.conservative());
}

// TCP-241: however many samples a round has.
TEST(TcpHyStart, NoiseIsHeardOfLateInALongRound) {
  HyStart hystart;
  round(hystart, milliseconds(20));
  for (int i = 0; i < 300; ++i) {
    hystart.on_ack(ack_of(milliseconds(30)), false, kGrow);
    ASSERT_EQ(hystart.conservative(), i >= 7) << i;
    if (i < 255) continue;
    HyStart noise = hystart;
    noise.on_ack(ack_of(milliseconds(20)), false, kGrow);
    ASSERT_FALSE(noise.conservative()) << i;
  }
}

// TCP-241: what is shorter than the rise first was ends the phase; the next ACK may begin another.
TEST(TcpHyStart, AShorterRiseIsARiseAnew) {
  HyStart hystart;
  round(hystart, milliseconds(20));
  for (int i = 0; i < 8; ++i) hystart.on_ack(ack_of(milliseconds(30)), false, kGrow);
  ASSERT_TRUE(hystart.conservative());
  hystart.on_ack(ack_of(milliseconds(29)), false, kGrow);
  EXPECT_FALSE(hystart.conservative());
  hystart.on_ack(ack_of(milliseconds(29)), false, kGrow);
  EXPECT_TRUE(hystart.conservative());
}

// TCP-241: a quarter of the growth, for five rounds, of which the one it began in is the first.
TEST(TcpHyStart, TheConservativePhaseGrowsByAQuarterForFiveRounds) {
  HyStart hystart;
  EXPECT_EQ(round(hystart, milliseconds(20)), 8000u);
  EXPECT_EQ(round(hystart, milliseconds(30)), 8000u);
  ASSERT_TRUE(hystart.conservative());
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(hystart.finished()) << i;
    EXPECT_EQ(round(hystart, milliseconds(30)), 2000u);
  }
  EXPECT_TRUE(hystart.finished());
}

// TCP-241: a rise that goes away was noise: slow start goes on, with all its growth.
TEST(TcpHyStart, GoesBackToSlowStartAfterNoise) {
  HyStart hystart;
  round(hystart, milliseconds(20));
  round(hystart, milliseconds(30));
  round(hystart, milliseconds(30));
  ASSERT_TRUE(hystart.conservative());
  round(hystart, milliseconds(29));
  EXPECT_FALSE(hystart.conservative());
  EXPECT_EQ(round(hystart, milliseconds(20)), 8000u);
  EXPECT_FALSE(hystart.finished());
  round(hystart, milliseconds(30));
  for (int i = 0; i < 3; ++i) round(hystart, milliseconds(30));
  EXPECT_FALSE(hystart.finished()) << "the rounds before the noise count no more";
  round(hystart, milliseconds(30));
  EXPECT_TRUE(hystart.finished());
}

// TCP-241: only what acknowledges text is a sample: a SACK alone tells of a gap.
TEST(TcpHyStart, SacksAreNoSamples) {
  for (const std::uint32_t octets : {0u, 1u}) {
    Congestion c{CongestionControl::kCubic};
    c.begin(Instant{seconds(1000)}, 1000, 10, false);
    AckSample ack = ack_of(milliseconds(20));
    ack.cwnd_limited = true;
    ack.in_flight = 8000;
    for (int i = 0; i < 9; ++i) c.on_ack(ack);
    ack.rtt = milliseconds(40);
    ack.acked = octets;
    for (int i = 0; i < 7; ++i) c.on_ack(ack);
    EXPECT_EQ(c.info(milliseconds(20)).phase, "slow_start");
    c.on_ack(ack);
    EXPECT_EQ(c.info(milliseconds(20)).phase,
              octets == 0 ? "slow_start" : "conservative_slow_start");
  }
}

// TCP-241: CUBIC goes on from where the rise was seen: ssthresh is cwnd (RFC 9438 section 4.10).
TEST(TcpHyStart, EndsTheFirstSlowStartOfCubic) {
  Congestion c{CongestionControl::kCubic};
  Instant now{seconds(1000)};
  c.begin(now, 1000, 10, false);
  const auto run_round = [&](Duration rtt) {
    const std::uint32_t acks = c.cwnd() / 1000;
    for (std::uint32_t i = 0; i < acks; ++i) {
      now += rtt / acks;
      AckSample ack = ack_of(rtt);
      ack.now = now;
      ack.srtt = rtt;
      ack.in_flight = i == 0 ? c.cwnd() : c.cwnd() - 1000;
      ack.cwnd_limited = true;
      c.on_ack(ack);
    }
  };
  run_round(milliseconds(20));
  run_round(milliseconds(20));
  EXPECT_EQ(c.info(milliseconds(20)).phase, "slow_start");
  run_round(milliseconds(40));
  EXPECT_EQ(c.info(milliseconds(20)).phase, "conservative_slow_start");
  for (int i = 0; i < 4; ++i) run_round(milliseconds(40));
  EXPECT_EQ(c.ssthresh(), 1u << 30);
  const std::uint32_t before = c.cwnd();
  run_round(milliseconds(40));
  EXPECT_EQ(c.info(milliseconds(20)).phase, "avoidance");
  EXPECT_GE(c.ssthresh(), before);
  EXPECT_LE(c.ssthresh(), before + before / 4);
  // Slow start is the standard one after a timeout: it knows ssthresh.
  c.on_timeout(now, 1000, c.cwnd(), true);
  run_round(milliseconds(20));
  run_round(milliseconds(20));
  run_round(milliseconds(90));
  run_round(milliseconds(90));
  EXPECT_EQ(c.info(milliseconds(20)).phase, "slow_start");
  EXPECT_EQ(c.cwnd(), 16'000u);
}

}  // namespace
}  // namespace smol::tcp::cc
