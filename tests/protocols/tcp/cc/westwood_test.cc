// Westwood+: the window after a loss is what the path was measured to carry.
#include "protocols/tcp/cc/westwood.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kMss = 1000;

/// 1 MB/s for `time`, with round trips of 100 ms that are 80 ms at best.
void deliver(Congestion& c, Instant& now, Duration time, std::uint32_t octets = 10'000) {
  for (const Instant end = now + time; now < end;) {
    now += milliseconds(10);
    AckSample ack;
    ack.now = now;
    ack.mss = kMss;
    ack.acked = ack.delivered = octets;
    ack.srtt = ack.rtt = milliseconds(100);
    ack.min_rtt = milliseconds(80);
    ack.in_flight = 100'000;
    c.on_ack(ack);
  }
}

// 1 MB/s * 80 ms.
TEST(TcpWestwood, ALossLeavesWhatThePathCarries) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5));
  EXPECT_NEAR(static_cast<double>(c.info(milliseconds(100)).bandwidth), 1e6, 1e4);
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
  c.begin(Instant{seconds(1000)}, kMss, 20, false);
  c.on_congestion(Instant{seconds(1000)}, kMss, 20'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 10'000u);
}

// A pause of the application says nothing of the path.
TEST(TcpWestwood, AnIdleApplicationDoesNotLowerTheEstimate) {
  Congestion c{CongestionControl::kWestwood};
  Instant now{seconds(1000)};
  c.begin(now, kMss, 200, false);
  deliver(c, now, seconds(5));
  now += seconds(20);
  deliver(c, now, seconds(1), 10);
  EXPECT_NEAR(static_cast<double>(c.info(milliseconds(100)).bandwidth), 1e6, 1e4);
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
