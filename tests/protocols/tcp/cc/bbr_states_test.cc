// What BBR version 3 does at single ACKs: draft-ietf-ccwg-bbr-06. Sections cited are the draft's.
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "protocols/tcp/cc/bbr.hh"
#include "tests/protocols/tcp/cc/path_model.hh"

namespace smol::tcp::cc_test {
namespace {

constexpr std::uint32_t kInfinity = 0xffff'ffff;

/// A BBR that is fed by hand, an ACK a round trip: 100 kB in 20 ms, which are 5 MB/s and a
/// bandwidth-delay product of 100 kB.
struct TcpBbrByHand : ::testing::Test {
  TcpBbrByHand() { c.begin(now, 1000, 10, false, 1); }

  AckSample sample(std::uint32_t octets = 100'000) {
    AckSample ack;
    now += milliseconds(20);
    ack.now = now;
    ack.mss = 1000;
    ack.acked = ack.delivered = ack.rate_delivered = octets;
    ack.in_flight = ack.tx_in_flight = 100'000;
    ack.prior_delivered = delivered;
    ack.total_delivered = delivered += octets;
    ack.srtt = ack.rtt = ack.min_rtt = ack.interval = milliseconds(20);
    ack.cwnd_limited = true;
    return ack;
  }
  void round(std::uint32_t octets = 100'000) { c.on_ack(sample(octets)); }
  /// One in which the bound on what is in flight is not touched.
  void quiet_round(std::uint32_t octets = 100'000) {
    AckSample ack = sample(octets);
    ack.tx_in_flight = 1000;
    ack.in_flight = 1000;
    c.on_ack(ack);
  }
  /// A tenth of what was in flight is lost: more than chance makes of two percent.
  void lossy_round(std::uint32_t tx_in_flight) {
    AckSample ack = sample();
    ack.tx_in_flight = tx_in_flight;
    ack.lost_since = tx_in_flight / 10 + 5000;
    c.on_ack(ack);
  }
  CongestionInfo info() const { return c.info(milliseconds(20)); }
  std::string_view phase() const { return info().phase; }
  void run_until(std::string_view wanted) {
    for (int i = 0; i < 400 && phase() != wanted; ++i) quiet_round();
    ASSERT_EQ(phase(), wanted);
  }
  /// A probe has lost, and so has set the long-term bound.
  void bound(std::uint32_t octets) {
    run_until("probe_bw_up");
    lossy_round(octets);
    ASSERT_EQ(info().inflight_longterm, octets);
  }

  Instant now{seconds(1000)};
  Congestion c{CongestionControl::kBbr};
  std::uint64_t delivered = 0;
};

// TCP-250: the table of section 5.6.1.
TEST_F(TcpBbrByHand, EachStateHasItsGains) {
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> gains;
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  for (int i = 0; i < 12'000; ++i) {
    model.run(milliseconds(1));
    const CongestionInfo look = flow.congestion.info(flow.srtt());
    const std::pair both{look.pacing_gain, look.cwnd_gain};
    const auto [at, first] = gains.emplace(look.phase, both);
    ASSERT_EQ(at->second, both) << look.phase;
  }
  const std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> table{
      {"startup", {277, 200}},         {"drain", {50, 200}},
      {"probe_bw_down", {90, 200}},    {"probe_bw_cruise", {100, 200}},
      {"probe_bw_refill", {100, 200}}, {"probe_bw_up", {125, 225}},
      {"probe_rtt", {100, 50}}};
  EXPECT_EQ(gains, table);
}

// TCP-250, section 5.6.2: the first pace is that of the first round trip.
TEST_F(TcpBbrByHand, ALongerRoundTripDoesNotLowerTheFirstPace) {
  round(1000);
  AckSample ack = sample(1000);
  ack.srtt = ack.interval = milliseconds(200);
  c.on_ack(ack);
  EXPECT_NEAR(static_cast<double>(info().pacing_rate), 1'385'000, 200);
}

// TCP-250, section 5.3.1.2: a round without a sample of the rate is none in which it did not grow.
TEST_F(TcpBbrByHand, RoundsWithoutARateDoNotEndStartup) {
  round();
  for (int i = 0; i < 10; ++i) {
    AckSample ack = sample();
    ack.interval = Duration::zero();
    c.on_ack(ack);
    EXPECT_EQ(phase(), "startup");
  }
  round();
  round();
  EXPECT_EQ(phase(), "startup");
  round();
  EXPECT_NE(phase(), "startup");
}

// TCP-250, section 5.3.1.3: six lost ranges in a round, not in two.
TEST_F(TcpBbrByHand, LostRangesCountWithinARound) {
  round(10'000);
  for (std::uint32_t octets = 20'000; octets < 100'000; octets *= 2) {
    for (int i = 0; i < 5; ++i) {
      AckSample ack = sample(1000);
      ack.prior_delivered = 0;  // of the round that is under way
      ack.lost = 2000;
      ack.in_recovery = true;
      c.on_ack(ack);
    }
    AckSample last = sample(octets);
    last.lost_since = 10'000;
    last.in_recovery = true;
    c.on_ack(last);
    ASSERT_EQ(phase(), "startup") << octets;
  }
}

// TCP-250, section 5.3.2: what does not drain in three rounds and a bit is not the queue's.
TEST_F(TcpBbrByHand, DrainEndsInItsFourthRound) {
  const auto crowded = [&] {
    AckSample ack = sample();
    ack.in_flight = 300'000;
    c.on_ack(ack);
  };
  while (phase() == "startup") crowded();
  for (int i = 0; i < 3; ++i) {
    crowded();
    EXPECT_EQ(phase(), "drain") << i;
  }
  crowded();
  EXPECT_EQ(phase(), "probe_bw_down");
}

// TCP-250, section 5.3.3.6: a probe that finds nothing more ends after three rounds.
TEST_F(TcpBbrByHand, AProbeWithoutGainEndsInItsThirdRound) {
  run_until("probe_bw_up");
  round();
  round();
  EXPECT_EQ(phase(), "probe_bw_up");
  round();
  EXPECT_NE(phase(), "probe_bw_up");
  EXPECT_EQ(info().inflight_longterm, kInfinity);
}

// TCP-250, section 5.5.10.2: the bound is what was in flight, or seven tenths of what there ought
// to be if that is more; and it is set once a probe.
TEST_F(TcpBbrByHand, AProbeThatLosesBoundsWhatIsInFlight) {
  run_until("probe_bw_up");
  lossy_round(120'000);
  EXPECT_NE(phase(), "probe_bw_up");
  EXPECT_EQ(info().inflight_longterm, 120'000u);
  lossy_round(60'000);
  EXPECT_EQ(info().inflight_longterm, 120'000u) << "that was sent after the probe";
  run_until("probe_bw_up");
  lossy_round(30'000);
  EXPECT_NEAR(info().inflight_longterm, 70'000u, 10u);
}

TEST_F(TcpBbrByHand, AProbeOfWhatAnApplicationLeavesBoundsNothing) {
  run_until("probe_bw_up");
  AckSample ack = sample();
  ack.lost_since = 30'000;
  ack.app_limited = true;
  c.on_ack(ack);
  EXPECT_NE(phase(), "probe_bw_up");
  EXPECT_EQ(info().inflight_longterm, kInfinity);
}

// TCP-250, section 5.5.10.2: only what was sent to probe tells of the long term.
TEST_F(TcpBbrByHand, LossWhileItCruisesBoundsNothing) {
  run_until("probe_bw_up");
  run_until("probe_bw_cruise");
  quiet_round();
  quiet_round();
  ASSERT_EQ(phase(), "probe_bw_cruise");
  lossy_round(120'000);
  EXPECT_EQ(info().inflight_longterm, kInfinity);
}

// TCP-250, section 5.3.3.6: where the last probe was too much, the next one stops as soon as as
// much is in flight, and begins again at once; that one goes on.
TEST_F(TcpBbrByHand, AProbeThatWasTooMuchIsTakenUpWithCare) {
  bound(120'000);
  run_until("probe_bw_up");
  AckSample less = sample();
  less.in_flight = 119'000;
  less.tx_in_flight = 1000;
  c.on_ack(less);
  EXPECT_EQ(phase(), "probe_bw_up");
  AckSample as_much = sample();
  as_much.in_flight = 130'000;
  as_much.tx_in_flight = 1000;
  c.on_ack(as_much);
  EXPECT_NE(phase(), "probe_bw_up");
  quiet_round();
  EXPECT_EQ(phase(), "probe_bw_refill");
  run_until("probe_bw_up");
  AckSample again = sample();
  again.in_flight = 130'000;
  again.tx_in_flight = 1000;
  c.on_ack(again);
  EXPECT_EQ(phase(), "probe_bw_up");
  // It is not taken for one that was stopped early, either.
  for (int i = 0; i < 4 && phase() == "probe_bw_up"; ++i) {
    AckSample idle = sample();
    idle.cwnd_limited = false;
    idle.tx_in_flight = idle.in_flight = 1000;
    c.on_ack(idle);
  }
  ASSERT_NE(phase(), "probe_bw_up");
  quiet_round();
  quiet_round();
  EXPECT_EQ(phase(), "probe_bw_cruise");
}

// TCP-250, section 5.3.3.3: while a probe fills its bound that is raised by a segment in the first
// round, and by twice as many in each that follows; the next probe begins anew.
TEST_F(TcpBbrByHand, AProbeRaisesItsBoundFasterAndFaster) {
  bound(120'000);
  for (int probe = 0; probe < 2; ++probe) {
    // The first one after the loss is stopped early; this is the one that follows.
    run_until("probe_bw_up");
    while (info().cwnd < info().inflight_longterm) {
      AckSample fill = sample();
      fill.prior_delivered = 0;  // no new round
      fill.cwnd_limited = false;
      fill.in_flight = fill.tx_in_flight = 1000;
      c.on_ack(fill);
    }
    std::uint32_t before = info().inflight_longterm;
    const auto step = [&](std::uint32_t octets, bool new_round, bool limited = true) {
      AckSample ack = sample(octets);
      ack.in_flight = ack.tx_in_flight = 1000;
      ack.cwnd_limited = limited;
      if (!new_round) ack.prior_delivered = 0;
      c.on_ack(ack);
      const std::uint32_t raised = info().inflight_longterm - before;
      before = info().inflight_longterm;
      return raised;
    };
    const std::uint32_t part = before / 4;
    EXPECT_EQ(step(part, false), 0u);
    EXPECT_EQ(step(part, false), 0u);
    EXPECT_EQ(step(part, false, false), 0u) << "unused";
    EXPECT_EQ(step(part, false), 0u) << "three quarters so far";
    EXPECT_EQ(step(part + 5000, true), 1000u);
    EXPECT_EQ(step(before, true), 2000u);
    EXPECT_EQ(step(before, true), 4000u);
    EXPECT_EQ(step(before, true), 8000u);
    ASSERT_EQ(phase(), "probe_bw_up") << "that it fills its bound is no lack of bandwidth";
    c.set_cwnd(before / 2);
    EXPECT_EQ(step(1000, false), 0u) << "below the bound";
    // Down again, without loss.
    while (phase() == "probe_bw_up") step(100'000, true, false);
  }
}

// TCP-250, section 5.3.4.3: the window of before comes back after 200 ms and a round trip.
TEST_F(TcpBbrByHand, ProbeRttGivesTheWindowBack) {
  for (int i = 0; i < 40; ++i) round();
  const auto no_shorter = [&](std::uint32_t octets, std::uint32_t in_flight) {
    AckSample ack = sample(octets);
    ack.rtt = milliseconds(21);
    ack.in_flight = in_flight;
    c.on_ack(ack);
  };
  std::uint32_t before = 0;
  for (int i = 0; i < 300 && phase() != "probe_rtt"; ++i) {
    before = info().cwnd;
    no_shorter(100'000, 100'000);
  }
  ASSERT_EQ(phase(), "probe_rtt");
  ASSERT_GT(before, 150'000u);
  EXPECT_NEAR(info().cwnd, 50'000u, 100u);
  no_shorter(60'000, 60'000);
  EXPECT_EQ(phase(), "probe_rtt") << "the time begins when as little is in flight";
  no_shorter(40'000, 40'000);
  for (int i = 0; i < 10; ++i) {
    no_shorter(40'000, 40'000);
    EXPECT_EQ(phase(), "probe_rtt") << i;
  }
  no_shorter(40'000, 40'000);
  EXPECT_EQ(phase(), "probe_bw_cruise");
  EXPECT_GE(info().cwnd, 200'000u) << "as far as the model allows";
}

// TCP-250, section 5.4.1: at the rate itself, whatever the phase was.
TEST_F(TcpBbrByHand, AfterSilenceItsPaceIsTheRate) {
  run_until("probe_bw_up");
  EXPECT_NEAR(static_cast<double>(info().pacing_rate), 6'187'500, 1000);
  c.on_idle(now + seconds(1), 1000, 10, seconds(1));
  EXPECT_NEAR(static_cast<double>(info().pacing_rate), 4'950'000, 1000);
}

// TCP-250, section 5.6.4.4: what recovery took comes back at its end, and not with an ACK before.
TEST_F(TcpBbrByHand, TheEndOfRecoveryGivesTheWindowBack) {
  for (int i = 0; i < 40; ++i) quiet_round();
  const std::uint32_t before = info().cwnd;
  ASSERT_GT(before, 150'000u);
  c.on_congestion(now, 1000, 100'000, CongestionSignal::kLoss);
  c.set_cwnd(50'000);
  quiet_round(1000);
  EXPECT_LE(info().cwnd, 51'000u);
  c.on_recovery_end(now, 1000, 0);
  EXPECT_EQ(info().cwnd, before);
  c.set_cwnd(50'000);
  c.on_recovery_end(now, 1000, 0);
  EXPECT_EQ(info().cwnd, 50'000u) << "there was none";
}

// TCP-250: what a timeout took for lost says nothing of a later recovery.
TEST_F(TcpBbrByHand, ATimeoutThatIsOverEndsNoLaterRecovery) {
  for (int i = 0; i < 40; ++i) quiet_round();
  const std::uint32_t before = info().cwnd;
  ASSERT_GT(before, 150'000u);
  for (const bool undone : {false, true}) {
    c.on_timeout(now, 1000, 40'000, true);
    c.on_timeout(now, 1000, 40'000, false);
    if (undone) {
      c.undo();
    } else {
      c.on_recovery_end(now, 1000, 0);
    }
    ASSERT_EQ(info().cwnd, before);
    c.on_congestion(now, 1000, 100'000, CongestionSignal::kLoss);
    c.set_cwnd(50'000);
    quiet_round(40'000);
    EXPECT_EQ(info().cwnd, 90'000u);
    c.on_recovery_end(now, 1000, 0);
  }
}

// TCP-250: what comes back is the window before this recovery, not one of long ago.
TEST_F(TcpBbrByHand, RecoveryRemembersTheLastWindow) {
  for (int i = 0; i < 40; ++i) quiet_round();
  for (const std::uint32_t cwnd : {100'000u, 60'000u}) {
    c.set_cwnd(cwnd);
    c.on_congestion(now, 1000, 100'000, CongestionSignal::kLoss);
    c.set_cwnd(30'000);
    c.on_recovery_end(now, 1000, 0);
    EXPECT_EQ(info().cwnd, cwnd);
  }
}

// TCP-226, section 5.5.11: a recovery that no ACK's loss began is undone as well.
TEST_F(TcpBbrByHand, AnUndoneRecoveryGivesTheWindowBack) {
  for (int i = 0; i < 40; ++i) quiet_round();
  const std::uint32_t before = info().cwnd;
  c.on_congestion(now, 1000, 100'000, CongestionSignal::kLoss);
  c.set_cwnd(50'000);
  c.undo();
  EXPECT_EQ(info().cwnd, before);
}

// TCP-226, section 5.5.11.2: a probe that seemed to lose is begun again, once, and its bound
// lifted.
TEST_F(TcpBbrByHand, AnUndoneLossOfAProbeBeginsItAgain) {
  run_until("probe_bw_up");
  AckSample ack = sample();
  ack.lost = ack.lost_since = 20'000;
  c.on_ack(ack);
  c.on_congestion(now, 1000, 100'000, CongestionSignal::kLoss);
  ASSERT_NE(phase(), "probe_bw_up");
  ASSERT_NE(info().inflight_longterm, kInfinity);
  c.undo();
  EXPECT_EQ(phase(), "probe_bw_refill");
  EXPECT_EQ(info().inflight_longterm, kInfinity);
  run_until("probe_bw_cruise");
  c.undo();
  EXPECT_EQ(phase(), "probe_bw_cruise");
}

// TCP-250, section 5.5.10.3: the short-term bounds are lowered once a round, when it is over.
TEST_F(TcpBbrByHand, ARoundWithLossLowersTheBoundsWhenItIsOver) {
  run_until("probe_bw_cruise");
  quiet_round();
  const auto bandwidth = [&] { return static_cast<double>(info().bandwidth); };
  const auto slow = [&](std::uint64_t prior) {
    AckSample ack = sample(20'000);
    ack.prior_delivered = prior;
    ack.lost = 10'000;
    ack.lost_since = 10'000;
    c.on_ack(ack);
  };
  // The round in which the trouble begins saw the full rate.
  slow(delivered - 1000);
  slow(delivered);
  const std::uint64_t before = delivered - 1;
  for (int i = 0; i < 4; ++i) {
    slow(before);
    EXPECT_NEAR(bandwidth(), 5e6, 1e4) << i;
  }
  slow(delivered);
  EXPECT_NEAR(bandwidth(), 3.5e6, 1e4);
}

// Deviation: less than two percent is no sign of too much in flight: the bounds are what would have
// been delivered without it. More lowers them to what was.
TEST_F(TcpBbrByHand, LittleLossLowersNoBounds) {
  for (const std::uint32_t lost : {1000u, 10'000u}) {
    c = Congestion{CongestionControl::kBbr};
    c.begin(now, 1000, 10, false, 1);
    run_until("probe_bw_cruise");
    const std::uint32_t before = info().cwnd;
    ASSERT_GE(before, 200'000u);
    for (int i = 0; i < 4; ++i) {
      AckSample ack = sample(100'000 - lost);
      ack.lost = ack.lost_since = lost;
      c.on_ack(ack);
    }
    EXPECT_NEAR(static_cast<double>(info().bandwidth), lost == 1000 ? 5e6 : 4.5e6, 1000);
    EXPECT_LE(info().inflight_shortterm, before / 10 * 7);
    EXPECT_GE(info().inflight_shortterm, lost == 1000 ? 100'000u : 90'000u);
  }
}

// TCP-250, section 5.6.4.6: until the pipe is full the window is not cut to what the model has
// seen.
TEST_F(TcpBbrByHand, StartupDoesNotCutTheWindow) {
  round(1000);
  EXPECT_EQ(info().cwnd, 11'000u);
}

}  // namespace
}  // namespace smol::tcp::cc_test
