// CUBIC: RFC 9438. Windows in these tests are multiples of a segment of 1000 octets.
#include "protocols/tcp/cc/cubic.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kMss = 1000;
constexpr Instant kStart{seconds(1000)};

/// In avoidance, with a cut at `w_max` behind it.
struct Cut {
  explicit Cut(std::uint32_t w_max, Duration round_trip = milliseconds(100)) : rtt{round_trip} {
    c.begin(now, kMss, 10, false);
    c.set_cwnd(w_max);
    lose(w_max);
  }
  void lose(std::uint32_t flight) {
    c.on_congestion(now, kMss, flight, CongestionSignal::kLoss);
    c.on_recovery_end(now, kMss, 0);
  }
  AckSample ack(std::uint32_t octets, bool limited = true) const {
    AckSample out;
    out.now = now;
    out.mss = kMss;
    out.acked = out.delivered = octets;
    out.in_flight = c.cwnd();
    out.srtt = out.rtt = out.min_rtt = rtt;
    out.cwnd_limited = limited;
    return out;
  }
  /// Round trips of full windows, an ACK for every segment.
  void run(Duration time, bool limited = true) {
    for (const Instant end = now + time; now < end;) {
      const std::uint32_t acks = std::max(c.cwnd() / kMss, 1u);
      for (std::uint32_t i = 0; i < acks; ++i) {
        now += rtt / acks;
        c.on_ack(ack(kMss, limited));
      }
    }
  }

  Duration rtt;
  Instant now = kStart;
  Congestion c{CongestionControl::kCubic};
};

// TCP-237: K = cbrt((W_max - cwnd) / C); by hand: cbrt(30 / 0.4) = 4.21716, and so on.
TEST(TcpCubic, KIsWhenTheCurveReachesTheLastMaximum) {
  EXPECT_EQ(Cubic::k(100'000, 70'000, kMss), 4217u);
  EXPECT_EQ(Cubic::k(1'000'000, 700'000, kMss), 9085u);
  EXPECT_EQ(Cubic::k(100'000'000, 70'000'000, kMss), 42'171u);
  EXPECT_EQ(Cubic::k(1u << 30, 1000, 88), 312'453u) << "cbrt((2^30 - 1000) / 88 / 0.4)";
  EXPECT_EQ(Cubic::k(70'000, 70'000, kMss), 0u);
  EXPECT_EQ(Cubic::k(60'000, 70'000, kMss), 0u);
  EXPECT_EQ(Cubic::k(1u << 30, 0, 1), 1'389'781u) << "as far as it goes";
  EXPECT_EQ(Cubic::k(100'000, 70'000, 0), 0u);
}

// TCP-237: W_cubic(t) = C * (t - K)^3 + W_max, C = 0.4; computed in floating point apart from this.
TEST(TcpCubic, TheCurveIsThatOfTheRfc) {
  const struct {
    std::uint32_t t_ms;
    double segments;
  } kRows[] = {{0, 70.000},     {1000, 86.68076},  {2000, 95.64034},  {4000, 99.99590},
               {4217, 100.000}, {6000, 102.26670}, {8000, 121.65274}, {10'000, 177.35400}};
  for (const auto& row : kRows) {
    EXPECT_NEAR(Cubic::curve(100'000, 4217, row.t_ms, kMss), row.segments * 1000, 30)
        << row.t_ms << " ms";
  }
  EXPECT_NEAR(Cubic::curve(100'000'000, 42'171, 30'000, kMss), 99'278'715, 300);
}

// TCP-236
TEST(TcpCubic, TheCurveHasBounds) {
  EXPECT_EQ(Cubic::curve(1u << 30, 0, 0xffff'ffff, 65'535), 1u << 30);
  EXPECT_EQ(Cubic::curve(100'000, 0xffff'ffff, 0, 9000), 0u);
}

// TCP-240: 0.7 of the flight, two segments at least.
TEST(TcpCubic, ACutLeavesSevenTenths) {
  Congestion c{CongestionControl::kCubic};
  c.begin(kStart, kMss, 100, false);
  c.on_congestion(kStart, kMss, 100'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 70'000u);
  EXPECT_EQ(c.info(milliseconds(1)).w_max, 100'000u);
  c.on_congestion(kStart, kMss, 1000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 2000u);
}

// TCP-237: what is inspected is the curve that the window goes along.
TEST(TcpCubic, TellsOfItsCurve) {
  Cut cut{100'000};
  cut.c.on_ack(cut.ack(kMss));
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 100'000u);
  EXPECT_EQ(cut.c.info(cut.rtt).k_ms, 4217u);
}

// TCP-239: a loss at 100, then at 80: the second maximum is 68. One where the last was is no
// smaller share.
TEST(TcpCubic, AShrinkingShareIsGivenUpFaster) {
  Cut cut{100'000};
  cut.c.set_cwnd(100'000);
  cut.lose(100'000);
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 100'000u);
  cut.c.set_cwnd(80'000);
  cut.lose(80'000);
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 68'000u);
  cut.c.set_cwnd(90'000);
  cut.lose(90'000);
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 90'000u) << "it grows again";
}

// TCP-237: the window goes along the curve: by K it has come back to W_max, and stays there for a
// while, and then looks for more.
TEST(TcpCubic, GoesAlongTheCurve) {
  Cut cut{1'000'000};  // K = 9.085 s
  EXPECT_EQ(cut.c.cwnd(), 700'000u);
  cut.run(seconds(4));
  // W_cubic(4.1) = 0.4 * (4.1 - 9.085)^3 + 1000 = 950.4, of the round trip ahead.
  EXPECT_NEAR(cut.c.cwnd(), 950'400u, 4000u);
  cut.run(seconds(5));
  EXPECT_NEAR(cut.c.cwnd(), 1'000'000u, 1000u);
  cut.run(seconds(6));
  // W_cubic(15.1) = 1087.1
  EXPECT_NEAR(cut.c.cwnd(), 1'087'000u, 12'000u);
}

// TCP-237: what counts is the curve a round trip ahead (section 4.2): with one of 2 s that is much.
TEST(TcpCubic, LooksARoundTripAhead) {
  Cut cut{1'000'000, seconds(2)};
  cut.run(seconds(2));
  // The last ACKs of the first round trip look at 2 s + 2 s: W_cubic(4) = 947.4; without looking
  // ahead it is W_cubic(2) = 857.8. An ACK at a time it comes to about two thirds of the way.
  EXPECT_GT(cut.c.cwnd(), 860'000u);
}

// TCP-238: an ACK's growth is towards a target of at most half as much again.
TEST(TcpCubic, TheTargetIsAtMostHalfAsMuchAgain) {
  Cut cut{100'000};
  cut.c.on_ack(cut.ack(kMss));  // the epoch begins
  cut.now += seconds(60);       // the curve is at 70 000 segments
  const std::uint32_t before = cut.c.cwnd();
  for (std::uint32_t i = 0; i < before / kMss; ++i) cut.c.on_ack(cut.ack(kMss));
  EXPECT_LE(cut.c.cwnd(), before + before * 65 / 100) << "1.5, compounded over the ACKs";
  EXPECT_GE(cut.c.cwnd(), before + before * 45 / 100);
}

// TCP-238: where Reno is faster, its window is taken: 9/17 of a segment a round trip as long as
// the window is below that of the last cut, and then a whole one.
TEST(TcpCubic, IsNeverBehindReno) {
  Cut cut{20'000, milliseconds(10)};
  EXPECT_EQ(cut.c.cwnd(), 14'000u);
  cut.run(milliseconds(10) * 34);
  // 34 round trips * 9 / 17 = 18 segments, of which the first 11.3 bring it to 20.
  const double slow = 6.0 / (9.0 / 17.0);
  EXPECT_NEAR(cut.c.cwnd(), 20'000 + (34 - slow) * 1000, 1500);
}

// TCP-238: the first stretch alone.
TEST(TcpCubic, GrowsByItsOwnAlphaBelowTheLastMaximum) {
  Cut cut{20'000, milliseconds(10)};
  cut.run(milliseconds(10) * 9);
  EXPECT_NEAR(cut.c.cwnd(), 14'000 + 9 * 1000 * 9 / 17, 400);
}

// TCP-240: time in which the application did not fill the window is no time: no jump after it.
TEST(TcpCubic, UnusedTimeIsExcluded) {
  Cut cut{1'000'000};
  cut.run(seconds(4));
  const std::uint32_t before = cut.c.cwnd();
  cut.run(seconds(30), false);
  EXPECT_EQ(cut.c.cwnd(), before);
  cut.run(seconds(1));
  // As if it were 5 s after the cut: W_cubic(5.1) = 974.7.
  EXPECT_NEAR(cut.c.cwnd(), 974'700u, 4000u);
}

// TCP-240
TEST(TcpCubic, IdleTimeIsExcluded) {
  Cut cut{1'000'000};
  cut.run(seconds(4));
  const std::uint32_t before = cut.c.cwnd();
  cut.now += seconds(60);
  cut.c.on_idle(cut.now, kMss, 10, seconds(60));
  EXPECT_EQ(cut.c.cwnd(), 10'000u);
  cut.c.set_cwnd(before);
  cut.c.on_ack(cut.ack(kMss, false));
  cut.run(milliseconds(100));
  EXPECT_LT(cut.c.cwnd(), before + before / 50);
}

// TCP-240: after a timeout it begins at its plateau: K is 0 (section 4.8).
TEST(TcpCubic, ATimeoutBeginsAtThePlateau) {
  Cut cut{100'000};
  cut.c.on_timeout(cut.now, kMss, 70'000, true);
  EXPECT_EQ(cut.c.ssthresh(), 49'000u);
  EXPECT_EQ(cut.c.cwnd(), kMss);
  cut.run(seconds(1));
  EXPECT_FALSE(cut.c.in_slow_start());
  EXPECT_EQ(cut.c.info(cut.rtt).k_ms, 0u);
  EXPECT_NEAR(cut.c.info(cut.rtt).w_max, 49'000u, 2000u);
}

// TCP-240: only the first epoch after a timeout does.
TEST(TcpCubic, TheCutAfterATimeoutHasACurve) {
  Cut cut{100'000};
  cut.c.on_timeout(cut.now, kMss, 70'000, true);
  cut.run(seconds(1));
  ASSERT_EQ(cut.c.info(cut.rtt).k_ms, 0u);
  cut.c.set_cwnd(100'000);
  cut.lose(100'000);
  cut.c.on_ack(cut.ack(kMss));
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 100'000u);
  EXPECT_EQ(cut.c.info(cut.rtt).k_ms, 4217u);
}

// TCP-226: a timeout that was none is undone, the curve with it, however often the segment went.
TEST(TcpCubic, AnUndoneTimeoutBringsTheCurveBack) {
  Cut cut{1'000'000};
  cut.run(seconds(4));
  const CongestionInfo before = cut.c.info(cut.rtt);
  cut.c.on_timeout(cut.now, kMss, before.cwnd, true);
  EXPECT_NE(cut.c.info(cut.rtt).w_max, before.w_max);
  cut.c.on_timeout(cut.now, kMss, before.cwnd, false);
  cut.c.undo();
  EXPECT_EQ(cut.c.cwnd(), before.cwnd);
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, before.w_max);
  EXPECT_EQ(cut.c.info(cut.rtt).k_ms, before.k_ms);
  cut.run(seconds(5));
  EXPECT_NEAR(cut.c.cwnd(), 1'000'000u, 1000u) << "and goes along it";
  cut.lose(cut.c.cwnd());
  cut.c.on_ack(cut.ack(kMss));
  EXPECT_NEAR(cut.c.info(cut.rtt).k_ms, 9085u, 20u) << "the next cut follows no timeout";
}

// TCP-226, section 4.9: a cut that was none is undone, the curve with it.
TEST(TcpCubic, AnUndoneCutBringsTheCurveBack) {
  Cut cut{1'000'000};
  cut.run(seconds(4));
  const CongestionInfo before = cut.c.info(cut.rtt);
  cut.c.on_congestion(cut.now, kMss, before.cwnd, CongestionSignal::kLoss);
  cut.c.set_cwnd(cut.c.ssthresh());
  EXPECT_NE(cut.c.info(cut.rtt).w_max, before.w_max);
  cut.c.undo();
  const CongestionInfo after = cut.c.info(cut.rtt);
  EXPECT_EQ(after.cwnd, before.cwnd);
  EXPECT_EQ(after.ssthresh, before.ssthresh);
  EXPECT_EQ(after.w_max, before.w_max);
  EXPECT_EQ(after.k_ms, before.k_ms);
  cut.run(seconds(5));
  EXPECT_NEAR(cut.c.cwnd(), 1'000'000u, 1000u) << "and goes along it";
}

// Section 4.10: no cut has told of a maximum: it begins at the plateau.
TEST(TcpCubic, BeginsAtThePlateauAboveTheLastMaximum) {
  Cut cut{100'000};
  cut.c.set_cwnd(150'000);
  cut.run(milliseconds(200));
  EXPECT_EQ(cut.c.info(cut.rtt).k_ms, 0u);
  EXPECT_EQ(cut.c.info(cut.rtt).w_max, 150'000u);
}

}  // namespace
}  // namespace smol::tcp::cc
