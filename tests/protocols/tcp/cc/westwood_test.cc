// Westwood+: the window after a loss is what the path was measured to carry.
#include "protocols/tcp/cc/westwood.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kMss = 1000;

/// An ACK every 10 ms. Round trips of 100 ms, that are 80 ms at best.
AckSample ack_of(std::uint32_t octets) {
  AckSample ack;
  ack.mss = kMss;
  ack.acked = ack.delivered = octets;
  ack.srtt = ack.rtt = milliseconds(100);
  ack.min_rtt = milliseconds(80);
  ack.in_flight = 100'000;
  return ack;
}

void deliver(Congestion& c, Instant& now, Duration time, AckSample ack) {
  for (const Instant end = now + time; now < end;) {
    now += milliseconds(10);
    ack.now = now;
    c.on_ack(ack);
  }
}

/// 1 MB/s for `time`.
void deliver(Congestion& c, Instant& now, Duration time, std::uint32_t octets = 10'000) {
  deliver(c, now, time, ack_of(octets));
}

double bandwidth(const Congestion& c) {
  return static_cast<double>(c.info(milliseconds(100)).bandwidth);
}

// 1 MB/s * 80 ms.
TEST(TcpWestwood, ALossLeavesWhatThePathCarries) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5));
  EXPECT_NEAR(bandwidth(c), 1e6, 1e4);
  c.on_congestion(now, kMss, 200'000, CongestionSignal::kLoss);
  EXPECT_NEAR(c.ssthresh(), 80'000u, 1000u);
  c.on_timeout(now, kMss, 200'000, true);
  EXPECT_NEAR(c.ssthresh(), 80'000u, 1000u);
  EXPECT_EQ(c.cwnd(), kMss);
}

TEST(TcpWestwood, ALossNeverWidens) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 20, false);
  deliver(c, now, seconds(5));
  c.on_congestion(now, kMss, 20'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 20'000u);
}

TEST(TcpWestwood, HalvesUntilItHasMeasured) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 20, false);
  deliver(c, now, milliseconds(10));
  c.on_congestion(now, kMss, 20'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 10'000u) << "a round trip alone is no bandwidth";
}

TEST(TcpWestwood, HalvesWithoutARoundTrip) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  AckSample ack = ack_of(10'000);
  ack.srtt = ack.rtt = ack.min_rtt = Duration::zero();
  deliver(c, now, seconds(5), ack);
  c.on_congestion(now, kMss, 200'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 100'000u);
}

// Filtered twice, each time by an eighth: 2 MB/s for a round trip make 1.125, and these 1.015625.
TEST(TcpWestwood, OneFasterRoundTripMovesTheEstimateByASixtyFourth) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5) + milliseconds(10));
  EXPECT_NEAR(bandwidth(c), 1'000'000, 100);
  deliver(c, now, milliseconds(100), 20'000);
  EXPECT_NEAR(bandwidth(c), 1'015'625, 200);
}

// What arrives in a burst is what the path carries in a round trip, or in 50 ms where that is less.
TEST(TcpWestwood, ABurstWithinARoundTripIsNoBandwidth) {
  for (const Duration round_trip : {milliseconds(1), milliseconds(100)}) {
    Congestion c{CongestionControl::kWestwood};
    Instant now{seconds(1000)};
    c.begin(now, kMss, 200, false);
    AckSample few = ack_of(1000);
    few.srtt = round_trip;
    AckSample even = few;
    even.delivered = 10'000;
    const Duration interval = std::max(round_trip, milliseconds(50));
    deliver(c, now, milliseconds(10), even);
    for (int i = 0; i < 100; ++i) {
      AckSample burst = few;
      burst.delivered = static_cast<std::uint32_t>(interval / milliseconds(1)) * 1000 -
                        static_cast<std::uint32_t>(interval / milliseconds(10) - 1) * 1000;
      deliver(c, now, milliseconds(10), burst);
      deliver(c, now, interval - milliseconds(10), few);
      ASSERT_NEAR(bandwidth(c), 1'000'000, 200) << round_trip.count() << " ns";
    }
  }
}

TEST(TcpWestwood, AFullWindowThatArrivesMoreSlowlyLowersTheEstimate) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5));
  AckSample slower = ack_of(5000);
  slower.cwnd_limited = true;
  deliver(c, now, seconds(20), slower);
  EXPECT_NEAR(bandwidth(c), 500'000, 1000);
}

// No window is larger.
TEST(TcpWestwood, NoMoreThanAGigabyteCountsInARoundTrip) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, milliseconds(10), ack_of(0));
  deliver(c, now, milliseconds(100), ack_of(1u << 30));
  EXPECT_NEAR(bandwidth(c), 10'737'418'240.0, 100);
}

// A pause of the application says nothing of the path.
TEST(TcpWestwood, AnIdleApplicationDoesNotLowerTheEstimate) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5));
  now += seconds(20);
  deliver(c, now, seconds(1), 10);
  EXPECT_NEAR(bandwidth(c), 1e6, 1e4);
}

TEST(TcpWestwood, GrowsAsRenoDoes) {
  Congestion c{CongestionControl::kWestwood};
  const Instant now{seconds(1000)};
  c.begin(now, kMss, 10, false);
  c.on_congestion(now, kMss, 10'000, CongestionSignal::kLoss);
  c.on_recovery_end(now, kMss, 5000);
  AckSample ack;
  ack.now = now;
  ack.mss = ack.acked = ack.delivered = kMss;
  ack.cwnd_limited = true;
  for (int i = 0; i < 4; ++i) c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 5000u);
  c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 6000u);
}

}  // namespace
}  // namespace smol::tcp::cc
