// How much may be in flight: RFC 5681, RFC 6928, RFC 7661 section 4.3.
#include "protocols/tcp/cc/congestion.hh"

#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

constexpr std::uint32_t kMss = 1000;

constexpr Instant kNow{seconds(3'000'000)};

void acked(Congestion& c, std::uint32_t mss, std::uint32_t octets, bool limited) {
  AckSample sample;
  sample.now = kNow;
  sample.mss = mss;
  sample.acked = sample.delivered = octets;
  sample.cwnd_limited = limited;
  c.on_ack(sample);
}

void lose(Congestion& c, std::uint32_t flight) {
  c.on_congestion(kNow, kMss, flight, CongestionSignal::kLoss);
  c.inflate(kMss);
}

Congestion begun(std::uint32_t segments = 10) {
  Congestion out{CongestionControl::kNewReno};
  out.begin(kNow, kMss, segments, false);
  return out;
}

// TCP-227: min(n * MSS, max(2 * MSS, n * 1460)).
TEST(TcpCongestion, InitialWindowFollowsRfc6928) {
  EXPECT_EQ(Congestion::initial_window(1000, 10), 10'000u);
  EXPECT_EQ(Congestion::initial_window(1460, 10), 14'600u);
  EXPECT_EQ(Congestion::initial_window(4000, 10), 14'600u);
  EXPECT_EQ(Congestion::initial_window(9000, 10), 18'000u);
  EXPECT_EQ(Congestion::initial_window(9000, 1), 9000u);
}

// TCP-228
TEST(TcpCongestion, BeginsWithOneSegmentAfterALostSyn) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kNow, kMss, 10, true);
  EXPECT_EQ(c.cwnd(), kMss);
  EXPECT_TRUE(c.in_slow_start());
}

// TCP-229, TRAP-12: an ACK counts by its octets: dividing it gains nothing.
TEST(TcpCongestion, SlowStartCountsOctets) {
  Congestion c = begun();
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 11'000u);
  acked(c, kMss, 100, true);
  EXPECT_EQ(c.cwnd(), 11'100u);
  Congestion divided = begun();
  for (int i = 0; i < 100; ++i) acked(divided, kMss, 10, true);
  EXPECT_EQ(divided.cwnd(), 11'000u);
}

// One ACK for very much counts as eight segments (RFC 9406 section 4.2).
TEST(TcpCongestion, SlowStartIsBoundedByAck) {
  Congestion c = begun(100);
  acked(c, kMss, 50'000, true);
  EXPECT_EQ(c.cwnd(), 108'000u);
}

// TCP-235, TCP-232
TEST(TcpCongestion, GrowsOnlyWhenItIsTheLimit) {
  Congestion c = begun();
  acked(c, kMss, kMss, false);
  EXPECT_EQ(c.cwnd(), 10'000u);
}

// TCP-231: one segment a window, by counting octets.
TEST(TcpCongestion, AvoidanceAddsASegmentAWindow) {
  Congestion c = begun();
  lose(c, 10'000);
  c.on_full_ack(kMss, 10'000);
  EXPECT_EQ(c.cwnd(), 5000u);
  EXPECT_EQ(c.ssthresh(), 5000u);
  EXPECT_FALSE(c.in_slow_start());
  for (int i = 0; i < 4; ++i) acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 5000u);
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 6000u);
  for (int i = 0; i < 5; ++i) acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 6000u);
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 7000u);
  acked(c, kMss, 7'000'000, true);
  EXPECT_EQ(c.cwnd(), 8000u) << "one segment an ACK at most";
  acked(c, kMss, 7500, true);
  EXPECT_EQ(c.cwnd(), 8000u);
  acked(c, kMss, 1500, true);
  EXPECT_EQ(c.cwnd(), 9000u);
  acked(c, kMss, 8000, true);
  EXPECT_EQ(c.cwnd(), 10'000u) << "what was counted beyond a window is kept";
}

// TCP-231: what was in flight in a round trip is whole segments, and their ACKs make the next.
TEST(TcpCongestion, APartOfASegmentInTheWindowDelaysNoGrowth) {
  Congestion c = begun();
  lose(c, 9 * kMss);
  c.on_full_ack(kMss, 9 * kMss);
  ASSERT_EQ(c.cwnd(), 4500u);
  acked(c, kMss, 2 * kMss, true);
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 4500u);
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 5500u);
  acked(c, kMss, 4 * kMss, true);
  EXPECT_EQ(c.cwnd(), 5500u);
  acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 6500u);
}

// Slow start ends at ssthresh, give or take a segment.
TEST(TcpCongestion, SlowStartEndsAtSsthresh) {
  Congestion c = begun();
  c.on_timeout(kNow, kMss, 10'000, true);
  EXPECT_EQ(c.ssthresh(), 5000u);
  EXPECT_EQ(c.cwnd(), 1000u);
  for (int i = 0; i < 10; ++i) acked(c, kMss, 1000, true);
  EXPECT_EQ(c.cwnd(), 6000u);
  Congestion near = begun();
  near.on_timeout(kNow, kMss, 10'000, true);
  for (int i = 0; i < 3; ++i) acked(near, kMss, 1000, true);
  acked(near, kMss, 900, true);
  EXPECT_EQ(near.cwnd(), 4900u);
  acked(near, kMss, 2000, true);
  EXPECT_EQ(near.cwnd(), 5900u);
}

// TCP-230: until what a timeout took for lost is acknowledged, an ACK counts for one segment: it
// tells of what left the network before.
TEST(TcpCongestion, AfterATimeoutAnAckCountsOneSegment) {
  Congestion c = begun(40);
  c.on_timeout(kNow, kMss, 40'000, true);
  acked(c, kMss, 5000, true);
  EXPECT_EQ(c.cwnd(), 2000u);
  acked(c, kMss, 35'000, true);
  EXPECT_EQ(c.cwnd(), 3000u);
  acked(c, kMss, 5000, true);
  EXPECT_EQ(c.cwnd(), 8000u) << "all of it is acknowledged by now";
}

// TCP-230, TCP-226: a timeout that was none leaves slow start as it was.
TEST(TcpCongestion, AfterAnUndoneTimeoutAnAckCountsInFull) {
  Congestion c = begun(40);
  c.on_timeout(kNow, kMss, 40'000, true);
  c.undo();
  acked(c, kMss, 5000, true);
  EXPECT_EQ(c.cwnd(), 45'000u);
  c.on_timeout(kNow, kMss, 40'000, false);
  c.undo();
  EXPECT_EQ(c.cwnd(), kMss) << "there is nothing to undo";
  acked(c, kMss, 5000, true);
  EXPECT_EQ(c.cwnd(), 2 * kMss);
}

// What a paced sender may send more does not leave at once: nothing bounds it (RFC 9406 section
// 4.2).
TEST(TcpCongestion, SlowStartIsUnboundedWithPacing) {
  Congestion c = begun(100);
  AckSample ack;
  ack.now = kNow;
  ack.mss = kMss;
  ack.acked = ack.delivered = 50'000;
  ack.cwnd_limited = ack.paced = true;
  c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 150'000u);
  ack.slow_start_segments = 7;
  c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 157'000u) << "a bound that is asked for holds all the same";
}

// TCP-232: what frees no data, or comes in recovery, never widens the window.
TEST(TcpCongestion, OnlyNewlyAcknowledgedOctetsWidenIt) {
  Congestion c = begun();
  AckSample ack;
  ack.now = kNow;
  ack.mss = kMss;
  ack.delivered = 3000;  // SACKed
  ack.cwnd_limited = true;
  c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 10'000u);
  ack.acked = 3000;
  ack.in_recovery = true;
  c.on_ack(ack);
  EXPECT_EQ(c.cwnd(), 10'000u);
}

// TCP-231: avoidance goes on with the ACK that ends recovery, if the window was in use; those
// before it count for nothing.
TEST(TcpCongestion, WhatTheAckThatEndsRecoveryDeliversCounts) {
  for (const CongestionControl kind : {CongestionControl::kNewReno, CongestionControl::kWestwood}) {
    Congestion c{kind};
    c.begin(kNow, kMss, 10, false);
    c.on_congestion(kNow, kMss, 10'000, CongestionSignal::kLoss);
    c.on_recovery_end(kNow, kMss, 3000);
    ASSERT_EQ(c.cwnd(), 5000u);
    AckSample ack;
    ack.now = kNow;
    ack.mss = kMss;
    ack.acked = ack.delivered = 2000;
    ack.cwnd_limited = ack.in_recovery = true;
    c.on_ack(ack);
    ack.ends_recovery = true;
    ack.cwnd_limited = false;
    c.on_ack(ack);
    ack.cwnd_limited = true;
    c.on_ack(ack);
    acked(c, kMss, 2000, true);
    EXPECT_EQ(c.cwnd(), 5000u);
    acked(c, kMss, 1000, true);
    EXPECT_EQ(c.cwnd(), 6000u);
  }
}

// TCP-231: a cut begins the count of what is acknowledged towards the next segment anew.
TEST(TcpCongestion, ACutBeginsTheCountAnew) {
  for (const CongestionControl kind : {CongestionControl::kNewReno, CongestionControl::kWestwood}) {
    Congestion lost{kind};
    lost.begin(kNow, kMss, 20, false);
    lost.on_congestion(kNow, kMss, 20'000, CongestionSignal::kLoss);
    lost.on_recovery_end(kNow, kMss, 0);
    for (int i = 0; i < 9; ++i) acked(lost, kMss, kMss, true);
    Congestion late = lost;
    ASSERT_EQ(lost.cwnd(), 10'000u);
    lost.on_congestion(kNow, kMss, 10'000, CongestionSignal::kLoss);
    lost.on_recovery_end(kNow, kMss, 0);
    for (int i = 0; i < 4; ++i) acked(lost, kMss, kMss, true);
    EXPECT_EQ(lost.cwnd(), 5000u);
    acked(lost, kMss, kMss, true);
    EXPECT_EQ(lost.cwnd(), 6000u);
    late.on_timeout(kNow, kMss, 10'000, true);
    for (int i = 0; i < 8; ++i) acked(late, kMss, kMss, true);
    EXPECT_EQ(late.cwnd(), 5000u) << "four in slow start, and four of five";
    acked(late, kMss, kMss, true);
    EXPECT_EQ(late.cwnd(), 6000u);
  }
}

// TCP-226
TEST(TcpCongestion, UndoesACutOnce) {
  for (const CongestionControl kind :
       {CongestionControl::kNewReno, CongestionControl::kWestwood, CongestionControl::kCubic}) {
    Congestion c{kind};
    c.begin(kNow, kMss, 20, false);
    c.on_congestion(kNow, kMss, 20'000, CongestionSignal::kLoss);
    c.set_cwnd(c.ssthresh());
    EXPECT_LT(c.cwnd(), 20'000u);
    c.undo();
    EXPECT_EQ(c.cwnd(), 20'000u);
    EXPECT_EQ(c.ssthresh(), 1u << 30);
    c.set_cwnd(5000);
    c.undo();
    EXPECT_EQ(c.cwnd(), 5000u) << "there is nothing left to undo";
    c.on_timeout(kNow, kMss, 5000, true);
    c.on_timeout(kNow, kMss, 1000, false);
    c.undo();
    EXPECT_EQ(c.cwnd(), 5000u);
  }
}

// PRR ends an episode at ssthresh (RFC 9937 section 6).
TEST(TcpCongestion, AnEpisodeEndsAtSsthresh) {
  Congestion c = begun();
  c.on_congestion(kNow, kMss, 10'000, CongestionSignal::kLoss);
  c.set_cwnd(7000);
  c.on_recovery_end(kNow, kMss, 4000);
  EXPECT_EQ(c.cwnd(), 5000u);
}

// TCP-245: classic ECN is answered as a loss.
TEST(TcpCongestion, EcnCutsAsALossDoes) {
  Congestion c = begun();
  c.on_congestion(kNow, kMss, 10'000, CongestionSignal::kEcn);
  EXPECT_EQ(c.ssthresh(), 5000u);
  Congestion cubic{CongestionControl::kCubic};
  cubic.begin(kNow, kMss, 10, false);
  cubic.on_congestion(kNow, kMss, 10'000, CongestionSignal::kEcn);
  EXPECT_EQ(cubic.ssthresh(), 7000u);
}

// TCP-251: cwnd a round trip, twice that in slow start, 1.2 times in avoidance.
TEST(TcpCongestion, WindowsGiveAPace) {
  EXPECT_EQ(Congestion::window_rate(100'000, milliseconds(100), true), 2'000'000u);
  EXPECT_EQ(Congestion::window_rate(100'000, milliseconds(100), false), 1'200'000u);
  EXPECT_EQ(Congestion::window_rate(100'000, Duration{0}, false), 0u);
  EXPECT_EQ(Congestion::window_rate(1u << 30, nanoseconds(1), true), 2'147'483'648'000'000'000u);
  EXPECT_EQ(Congestion::window_rate(1, seconds(10), false), 1u) << "zero would mean: no pacing";
  EXPECT_EQ(Congestion{CongestionControl::kNone}.pacing_rate(milliseconds(1)), 0u);
}

// TCP-236: whatever the sizes and times, the window stays between a segment and a gigabyte.
TEST(TcpCongestion, StaysInBoundsAtExtremes) {
  for (const CongestionControl kind : {CongestionControl::kNewReno, CongestionControl::kWestwood,
                                       CongestionControl::kCubic, CongestionControl::kBbr}) {
    for (const Duration rtt : {nanoseconds(300), milliseconds(1), seconds(10)}) {
      for (const std::uint32_t mss : {88u, 9000u, 65'000u}) {
        Congestion c{kind};
        Instant now = kNow;
        c.begin(now, mss, 65'535, false, 1);
        std::uint64_t delivered = 0;
        for (int i = 0; i < 4000; ++i) {
          now += rtt / 4;
          AckSample ack;
          ack.now = now;
          ack.mss = mss;
          ack.acked = ack.delivered = ack.rate_delivered = std::max(c.cwnd() / 4, mss);
          ack.in_flight = ack.tx_in_flight = c.cwnd();
          ack.rtt = ack.srtt = ack.min_rtt = ack.interval = rtt;
          ack.prior_delivered = delivered;
          ack.total_delivered = delivered += ack.delivered;
          ack.cwnd_limited = ack.paced = true;
          c.on_ack(ack);
          ASSERT_GE(c.cwnd(), mss);
          ASSERT_LE(c.cwnd(), 1u << 30);
          if (i == 3000) c.on_congestion(now, mss, c.cwnd(), CongestionSignal::kLoss);
          if (i == 3001) c.on_recovery_end(now, mss, c.cwnd());
          if (i == 3500) c.on_timeout(now, mss, c.cwnd(), true);
          if (i == 3600) c.undo();
          if (i == 3700) c.on_idle(now, mss, 10, seconds(1));
        }
        EXPECT_GT(c.cwnd(), 3 * mss) << name(kind);
      }
    }
  }
}

// What a connection pays for congestion control, in octets.
TEST(TcpCongestion, IsSmall) {
  EXPECT_LE(sizeof(cc::LossBased) + sizeof(cc::Window), 136u);
  EXPECT_LE(sizeof(Congestion), 160u);
}

// TCP-148
TEST(TcpCongestion, AllHaveNames) {
  EXPECT_EQ(name(CongestionControl::kNone), "none");
  EXPECT_EQ(name(CongestionControl::kNewReno), "newreno");
  EXPECT_EQ(name(CongestionControl::kWestwood), "westwood");
  EXPECT_EQ(name(CongestionControl::kCubic), "cubic");
  EXPECT_EQ(name(CongestionControl::kBbr), "bbr");
  EXPECT_EQ(SocketOptions{}.congestion_control, CongestionControl::kCubic);
}

// TCP-208
TEST(TcpCongestion, RecoveryHalvesInflatesAndDeflates) {
  Congestion c = begun();
  lose(c, 9000);
  EXPECT_EQ(c.ssthresh(), 4500u);
  EXPECT_EQ(c.cwnd(), 7500u);
  c.on_duplicate_in_recovery(kMss);
  EXPECT_EQ(c.cwnd(), 8500u);
  c.on_partial_ack(kMss, 3000);
  EXPECT_EQ(c.cwnd(), 6500u) << "less what was acknowledged, plus a segment";
  c.on_partial_ack(kMss, 500);
  EXPECT_EQ(c.cwnd(), 6000u) << "less than a segment adds none";
  c.on_partial_ack(kMss, kMss);
  EXPECT_EQ(c.cwnd(), 6000u) << "a segment for a segment";
  c.on_partial_ack(kMss, 1'000'000);
  EXPECT_EQ(c.cwnd(), 2000u) << "never less than a segment";
  c.on_full_ack(kMss, 0);
  EXPECT_EQ(c.cwnd(), 2000u);
  Congestion full = begun();
  lose(full, 9000);
  full.on_full_ack(kMss, 9000);
  EXPECT_EQ(full.cwnd(), 4500u);
}

// TCP-225: ssthresh is cut on the first timeout of a segment only.
TEST(TcpCongestion, RepeatedTimeoutsCutOnce) {
  Congestion c = begun();
  c.on_timeout(kNow, kMss, 10'000, true);
  c.on_timeout(kNow, kMss, 1000, false);
  EXPECT_EQ(c.ssthresh(), 5000u);
  EXPECT_EQ(c.cwnd(), 1000u);
  c.on_timeout(kNow, kMss, 3000, true);
  EXPECT_EQ(c.ssthresh(), 2000u) << "two segments at the least";
}

// TCP-233
TEST(TcpCongestion, IdleGoesBackToTheInitialWindow) {
  Congestion c = begun();
  for (int i = 0; i < 10; ++i) acked(c, kMss, kMss, true);
  EXPECT_EQ(c.cwnd(), 20'000u);
  c.on_idle(kNow, kMss, 10, seconds(1));
  EXPECT_EQ(c.cwnd(), 10'000u);
  c.on_timeout(kNow, kMss, 10'000, true);
  c.on_idle(kNow, kMss, 10, seconds(1));
  EXPECT_EQ(c.cwnd(), 1000u) << "and never up";
}

// TCP-236
TEST(TcpCongestion, HasABound) {
  Congestion c = begun(1'000'000);
  for (int i = 0; i < 1000; ++i) acked(c, 65'000, 65'000 * 8, true);
  EXPECT_EQ(c.cwnd(), 1u << 30);
  for (int i = 0; i < 1000; ++i) c.on_duplicate_in_recovery(65'000);
  EXPECT_EQ(c.cwnd(), 1u << 30);
}

// Congestion control may be off; the peer's window is the limit then.
TEST(TcpCongestion, NoneIsNone) {
  Congestion c{CongestionControl::kNone};
  c.begin(kNow, kMss, 10, true);
  c.on_timeout(kNow, kMss, 10'000, true);
  lose(c, 10'000);
  c.on_duplicate_in_recovery(kMss);
  c.on_partial_ack(kMss, 10'000);
  c.on_full_ack(kMss, 10'000);
  c.on_recovery_end(kNow, kMss, 10'000);
  c.undo();
  c.on_idle(kNow, kMss, 1, seconds(1));
  c.set_cwnd(1000);
  acked(c, kMss, 1000, true);
  EXPECT_EQ(c.cwnd(), 1u << 30);
  EXPECT_EQ(c.ssthresh(), 1u << 30);
  EXPECT_EQ(c.info(milliseconds(1)).pipe_ack, 0u);
  EXPECT_EQ(c.info(milliseconds(1)).phase, "");
  EXPECT_EQ(c.kind(), CongestionControl::kNone);
}

// TCP-250: BBR has its own rules for recovery without SACK too: no inflation, no deflation.
TEST(TcpCongestion, BbrIsNotInflated) {
  Congestion c{CongestionControl::kBbr};
  c.begin(kNow, kMss, 10, false, 1);
  lose(c, 10'000);
  c.on_duplicate_in_recovery(kMss);
  c.on_partial_ack(kMss, 3000);
  EXPECT_EQ(c.cwnd(), 10'000u);
}

// TCP-250, section 5.6.4.4: what a timeout took comes back when recovery is over, however it ends.
TEST(TcpCongestion, TheEndOfRecoveryGivesBbrItsWindowBack) {
  for (const bool sack : {false, true}) {
    Congestion c{CongestionControl::kBbr};
    c.begin(kNow, kMss, 10, false, 1);
    c.on_timeout(kNow, kMss, 10'000, true);
    ASSERT_EQ(c.cwnd(), kMss);
    if (sack) {
      c.on_recovery_end(kNow, kMss, 0);
    } else {
      c.on_full_ack(kMss, 0);
    }
    EXPECT_EQ(c.cwnd(), 10'000u);
  }
}

using TcpCwnd = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpCwnd, kStarts, start_name);

// TCP-068, TCP-218, smoltcp's cwnd limits flight.
TEST_P(TcpCwnd, LimitsWhatIsInFlight) {
  Scripted c = established({.cwnd = 4000});
  run(c, "write 20000\n" + text(1, 4001) + R"(
           waits congestion_window
    100ms  < . ack 2001                     // slow start: two acknowledged, four go
  )" + text(4001, 8001) +
             R"(
           is cwnd 6000
    110ms  < . ack 4001
  )" + text(8001, 12'001) +
             "is cwnd 8000");
}

// TCP-148: another algorithm, or none, by socket.
TEST_P(TcpCwnd, NoneIsLimitedByThePeerAlone) {
  Scripted c = established({.cwnd = 1000, .window = 5000, .congestion = CongestionControl::kNone});
  run(c, "write 20000\n" + text(1, 5001) + "100ms < . ack 5001\n" + text(5001, 10'001));
  EXPECT_EQ(c.info().congestion_control, CongestionControl::kNone);
}

// What an algorithm knows is told with all else of a connection.
TEST_P(TcpCwnd, IsOpenToInspection) {
  Scripted cubic = established({.cwnd = 4000, .congestion = CongestionControl::kCubic});
  EXPECT_EQ(cubic.info().congestion.kind, CongestionControl::kCubic);
  EXPECT_EQ(cubic.info().congestion.phase, "slow_start");
  EXPECT_EQ(cubic.info().congestion.cwnd, 4000u);
  EXPECT_EQ(begun().info(milliseconds(100)).pacing_rate, 200'000u);
  Scripted bbr = established({.cwnd = 4000, .congestion = CongestionControl::kBbr});
  EXPECT_EQ(bbr.info().congestion.phase, "startup");
  EXPECT_EQ(bbr.info().congestion.pacing_gain, 277u);
  EXPECT_EQ(bbr.info().congestion.cwnd_gain, 200u);
}

// TRAP-12, TCP-229: through the machine.
TEST_P(TcpCwnd, DividedAcksGainNothing) {
  Scripted c = established({.cwnd = 2000});
  std::string script = "write 20000\n" + text(1, 2001) + "burst\n";
  for (int i = 1; i <= 100; ++i) script += "< . ack " + std::to_string(1 + 10 * i) + "\n";
  run(c, script + "end\n is cwnd 3000\n" + text(2001, 4001));
}

// TCP-235: limited by the peer's window or by the application, cwnd stays as it is.
TEST_P(TcpCwnd, DoesNotGrowUnused) {
  Scripted window = established({.window = 3000});
  run(window, "write 9000\n" + text(1, 3001) + "100ms < . ack 3001\n is cwnd 10000\n" +
                  text(3001, 6001) + "200ms < . ack 6001\n is cwnd 10000\n" + text(6001, 8001) +
                  " > P 8001:9001 ack 1\n");
  Scripted application = established();
  run(application, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    100ms  < . ack 1001
    110ms  write 1000
           > P 1001:2001 ack 1
    200ms  < . ack 2001
           is cwnd 10000
  )");
}

// What was sent before the limit does not count for what comes after it.
TEST_P(TcpCwnd, GrowsForTheFlightThatFilledItOnly) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    0ms    write 2000
           > . 1:1001 ack 1
           > P 1001:2001 ack 1
    100ms  < . ack 2001
           is cwnd 4000
    110ms  write 100
           > P 2001:2101 ack 1
    210ms  < . ack 2101
           is cwnd 4000
  )");
}

// TCP-233, TCP-234: after an RTO of silence the window is the initial one again.
TEST_P(TcpCwnd, IsValidatedAfterIdleness) {
  Scripted c = established({.cwnd = 2000});
  run(c, "write 6000\n" + text(1, 2001) + "100ms < . ack 2001\n is cwnd 4000\n" + text(2001, 5001) +
             R"( > P 5001:6001 ack 1
    200ms  < . ack 6001
           is cwnd 8000
    400ms  write 3000                   // 300 ms since the last: longer than RTO, 212.5 ms
           > . 6001:7001 ack 1
           > . 7001:8001 ack 1
           is cwnd 2000
  )");
}

TEST_P(TcpCwnd, ShortPausesAreNoIdleness) {
  Scripted c = established({.cwnd = 2000});
  run(c,
      "write 2000\n > . 1:1001 ack 1\n > P 1001:2001 ack 1\n"
      R"(
    100ms  < . ack 2001
    250ms  write 4000                   // just not longer than RTO
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
           > . 4001:5001 ack 1
           > P 5001:6001 ack 1
  )");
}

// TCP-225: in the machine: the second timeout of a segment keeps ssthresh.
TEST_P(TcpCwnd, IsOneSegmentAfterATimeout) {
  Scripted c = established();
  run(c, "write 10000\n" + text(1, 9001) + R"( > P 9001:10001 ack 1
    300ms  > . 1:1001 ack 1
           is cwnd 1000
           is ssthresh 5000
    900ms  > . 1:1001 ack 1
           is ssthresh 5000
    1s     < . ack 1001
           is cwnd 2000
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
    1.1s   < . ack 3001
           is cwnd 3000
  )" + text(3001, 6001) +
             R"(
    2.3s   > . 3001:4001 ack 1          // RTO is 1.2 s by now; the first of this segment
           is ssthresh 3500
           is cwnd 1000
  )");
}

}  // namespace
}  // namespace smol::tcp::script
