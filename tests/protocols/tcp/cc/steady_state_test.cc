// What each control comes to in the long run, on a path of one bottleneck (path_model.hh): 100
// Mbit/s and 20 ms unless a test says otherwise, with a queue of one bandwidth-delay product, 250
// kB. The bounds are what theory gives, less a little.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/cc/path_model.hh"
#include "tests/support/scale.hh"

namespace smol::tcp::cc_test {
namespace {

constexpr std::uint64_t kBdp = 250'000;

/// Of one flow, after its first ten seconds, in the thirty that follow.
double utilisation(CongestionControl kind, const Path& path, bool dctcp = false) {
  Model model{path};
  model.add(kind, 1250, dctcp);
  model.run(seconds(10));
  return model.utilisation(seconds(30));
}

/// Jain's index of two flows, of which one began five seconds later, over a minute.
double fairness(CongestionControl kind) {
  Model model{Path{}};
  Flow& first = model.add(kind);
  model.run(seconds(5));
  Flow& second = model.add(kind);
  model.run(seconds(25));
  const double x = -static_cast<double>(first.delivered());
  const double y = -static_cast<double>(second.delivered());
  model.run(seconds(60));
  const double a = x + static_cast<double>(first.delivered());
  const double b = y + static_cast<double>(second.delivered());
  return (a + b) * (a + b) / (2 * (a * a + b * b));
}

class TcpSteadyState : public ::testing::Test {
 protected:
  void SetUp() override {
    if (scaled(10) < 10) GTEST_SKIP() << "minutes of CPU where the build is slow";
  }
};

// A sawtooth between one and two bandwidth-delay products keeps the path busy; with hardly a queue
// it comes to three quarters.
TEST_F(TcpSteadyState, NewRenosSawtoothFillsThePathWithAQueueOfOneBdp) {
  EXPECT_GT(utilisation(CongestionControl::kNewReno, Path{}), 0.97);
  const double shallow = utilisation(CongestionControl::kNewReno, Path{.queue = 12'500});
  EXPECT_GT(shallow, 0.70);
  EXPECT_LT(shallow, 0.85);
}

// TCP-237: with a factor of 0.7 half a BDP is queue enough, and the plateau keeps it near the top.
TEST_F(TcpSteadyState, CubicFillsThePathWithASmallerQueue) {
  EXPECT_GT(utilisation(CongestionControl::kCubic, Path{}), 0.97);
  EXPECT_GT(utilisation(CongestionControl::kCubic, Path{.queue = kBdp / 2}), 0.97);
  EXPECT_GT(utilisation(CongestionControl::kCubic, Path{.queue = 12'500}), 0.83);
}

// TCP-237: what CUBIC is for: 400 Mbit/s and 100 ms, with a loss every ten seconds or so.
TEST_F(TcpSteadyState, CubicTakesLongFatPathsBetterThanNewReno) {
  const Path path{
      .rate = 50'000'000, .round_trip = milliseconds(100), .queue = 2'000'000, .loss = 0.00001};
  const double cubic = utilisation(CongestionControl::kCubic, path);
  EXPECT_GT(cubic, 1.3 * utilisation(CongestionControl::kNewReno, path));
}

TEST_F(TcpSteadyState, TwoFlowsShareAlike) {
  EXPECT_GT(fairness(CongestionControl::kNewReno), 0.95);
  EXPECT_GT(fairness(CongestionControl::kCubic), 0.95);
  EXPECT_GT(fairness(CongestionControl::kBbr), 0.90);
}

// TCP-241: slow start into a deep queue: NewReno goes to twice what the path holds, and loses as
// much; HyStart++ hears the queue grow and leaves before.
TEST_F(TcpSteadyState, HyStartLeavesSlowStartBeforeTheQueueOverflows) {
  const auto start = [](CongestionControl kind, std::uint64_t& lost) {
    Model model{Path{.queue = 8 * kBdp}};
    Flow& flow = model.add(kind);
    model.run(seconds(3));
    lost = flow.lost();
    return flow.peak_cwnd();
  };
  std::uint64_t lost = 0;
  EXPECT_GT(start(CongestionControl::kNewReno, lost), 1.8 * 9 * kBdp);
  EXPECT_GT(lost, 4 * kBdp);
  EXPECT_LT(start(CongestionControl::kCubic, lost), 9 * kBdp);
  EXPECT_EQ(lost, 0u);
}

// Losses without a queue are answered by what the path carries.
TEST_F(TcpSteadyState, WestwoodBearsRandomLossBetterThanNewReno) {
  const Path path{.loss = 0.001};
  EXPECT_GT(utilisation(CongestionControl::kWestwood, path), 0.85);
  EXPECT_LT(utilisation(CongestionControl::kNewReno, path), 0.4);
  EXPECT_GT(utilisation(CongestionControl::kWestwood, Path{}), 0.97);
}

// TCP-248: marks from 30 kB on keep the queue about there, and the path busy; nothing is lost.
TEST_F(TcpSteadyState, DctcpKeepsTheQueueAtTheThreshold) {
  Model model{Path{.rate = 125'000'000,
                   .round_trip = microseconds(200),
                   .queue = 500'000,
                   .mark_above = 30'000}};
  Flow& flow = model.add(CongestionControl::kNewReno, 1250, true);
  model.run(seconds(1));
  model.reset_peaks();
  const std::uint64_t lost = flow.lost();
  EXPECT_GT(model.utilisation(seconds(2)), 0.97);
  EXPECT_LT(model.peak_queue(), 45'000u);
  EXPECT_EQ(flow.lost(), lost);
}

// TCP-250: what BBR is for.
TEST_F(TcpSteadyState, BbrBearsAPercentOfLoss) {
  double sum = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    sum += utilisation(CongestionControl::kBbr, Path{.loss = 0.01, .seed = seed});
  }
  EXPECT_GT(sum / 3, 0.85);
  EXPECT_LT(utilisation(CongestionControl::kCubic, Path{.loss = 0.01}), 0.15);
}

// TCP-250: it needs no queue, and leaves none behind it, however deep.
TEST_F(TcpSteadyState, BbrKeepsTheQueueShort) {
  Model model{Path{.queue = 8 * kBdp}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(10));
  model.reset_peaks();
  EXPECT_GT(model.utilisation(seconds(30)), 0.95);
  EXPECT_LT(model.peak_queue(), 3 * kBdp / 2);
  EXPECT_LT(flow.srtt(), milliseconds(22));
  EXPECT_GT(utilisation(CongestionControl::kBbr, Path{.queue = kBdp / 5}), 0.85);
}

}  // namespace
}  // namespace smol::tcp::cc_test
