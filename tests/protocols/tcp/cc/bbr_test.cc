// BBR version 3: draft-ietf-ccwg-bbr-06. Sections cited are the draft's. The path is of 100 Mbit/s
// and 20 ms: 12.5 MB/s, a bandwidth-delay product of 250 kB.
#include "protocols/tcp/cc/bbr.hh"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/protocols/tcp/cc/path_model.hh"

namespace smol::tcp::cc_test {
namespace {

constexpr double kRate = 12'500'000;
constexpr double kBdp = 250'000;

CongestionInfo info(const Flow& flow) {
  return flow.congestion.info(flow.srtt());
}

/// When each state was entered, and for how long it lasted, from looks every millisecond.
struct Watch {
  std::map<std::string, int> milliseconds_in;
  std::map<std::string, int> entered;
  std::string last;

  void run(Model& model, const Flow& flow, int milliseconds) {
    for (int i = 0; i < milliseconds; ++i) {
      model.run(smol::milliseconds(1));
      const std::string now{info(flow).phase};
      ++milliseconds_in[now];
      if (now != last) ++entered[now];
      last = now;
    }
  }
};

// TCP-250, section 5.6.2: at first 2.77 initial windows a round trip.
TEST(TcpBbr, BeginsAt277PercentOfTheInitialWindow) {
  Congestion c{CongestionControl::kBbr};
  c.begin(Instant{seconds(1000)}, 1000, 10, false, 1);
  EXPECT_EQ(c.cwnd(), 10'000u);
  // 10 000 octets / 20 ms * 2.77
  EXPECT_NEAR(static_cast<double>(c.pacing_rate(milliseconds(20))), 1'385'000, 200);
  EXPECT_NEAR(static_cast<double>(c.pacing_rate(Duration{0})), 27'700'000, 200) << "1 ms";
  EXPECT_EQ(c.info(milliseconds(20)).phase, "startup");
  EXPECT_FALSE(c.reduces_by_prr());
}

// TCP-250, section 5.3.1: doubles every round trip until the rate does so no more, drains what that
// put into the queue, and goes on at the rate it has found.
TEST(TcpBbr, FindsTheRateInAFewRoundTripsAndDrainsTheQueue) {
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  Watch watch;
  watch.run(model, flow, 400);
  EXPECT_EQ(watch.entered["startup"], 1);
  EXPECT_EQ(watch.entered["drain"], 1);
  EXPECT_LT(watch.milliseconds_in["startup"], 300);
  EXPECT_LT(watch.milliseconds_in["drain"], 60);
  const CongestionInfo now = info(flow);
  EXPECT_NEAR(static_cast<double>(now.bandwidth), kRate, kRate / 50);
  EXPECT_NEAR(static_cast<double>(now.min_rtt.count()), 20.1e6, 0.2e6);
  EXPECT_LT(flow.srtt(), milliseconds(25));
}

// TCP-250, section 5.3.3: DOWN, CRUISE, REFILL, UP; a probe every two to three seconds, or 62 or 63
// round trips if these are less.
TEST(TcpBbr, CyclesThroughProbeBw) {
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(1));
  Watch watch;
  watch.run(model, flow, 30'000);
  // 63 round trips of about 20 ms: 1.3 s, and the phases between.
  EXPECT_GE(watch.entered["probe_bw_up"], 14);
  EXPECT_LE(watch.entered["probe_bw_up"], 26);
  EXPECT_EQ(watch.entered["probe_bw_refill"], watch.entered["probe_bw_up"]);
  EXPECT_GT(watch.milliseconds_in["probe_bw_cruise"], 20'000);
  EXPECT_EQ(watch.entered["startup"], 0);
}

// TCP-250, section 5.3.3.8: by chance, of its own seed.
TEST(TcpBbr, FlowsDoNotProbeInStep) {
  const auto second_probe = [](std::uint32_t seed) {
    cc::Bbr bbr;
    std::uint32_t cwnd = 250'000;
    Instant now{seconds(1000)};
    bbr.begin(now, cwnd, seed);
    std::uint64_t delivered = 0;
    AckSample ack;
    // A round trip of 100 ms each, so that the clock decides and not the rounds.
    for (int i = 0; i < 100; ++i) {
      now += milliseconds(100);
      ack.now = now;
      ack.mss = 1250;
      ack.acked = ack.delivered = ack.rate_delivered = 250'000;
      ack.in_flight = 100'000;
      ack.tx_in_flight = 250'000;
      ack.prior_delivered = delivered;
      ack.total_delivered = delivered += 250'000;
      ack.srtt = ack.rtt = ack.min_rtt = ack.interval = milliseconds(100);
      bbr.on_ack(ack, cwnd);
      if (i > 20 && bbr.state() == cc::Bbr::State::kProbeBwUp) return i;
    }
    return 0;
  };
  std::map<int, int> when;
  for (std::uint32_t seed = 1; seed < 200; seed += 9) ++when[second_probe(seed * 0x9e37'79b9)];
  EXPECT_GE(when.size(), 5u);
  EXPECT_EQ(second_probe(77), second_probe(77));
}

// TCP-250, section 5.3.4: every five seconds half a bandwidth-delay product for 200 ms, to see the
// path without a queue.
TEST(TcpBbr, ProbesForTheRoundTripEveryFiveSeconds) {
  Model model{Path{}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(3));
  model.reset_peaks();
  Watch watch;
  watch.run(model, flow, 30'000);
  EXPECT_GE(watch.entered["probe_rtt"], 5);
  EXPECT_LE(watch.entered["probe_rtt"], 6);
  const int each = watch.milliseconds_in["probe_rtt"] / watch.entered["probe_rtt"];
  EXPECT_GE(each, 200);
  EXPECT_LE(each, 260);
  EXPECT_LE(flow.least_in_flight(), static_cast<std::uint32_t>(kBdp / 2 * 1.02));
}

// TCP-250, section 5.3.4: and so it learns of a longer path, which no sample below the old one
// tells.
TEST(TcpBbr, LearnsOfALongerPath) {
  Model model{Path{}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(5));
  model.path().round_trip = milliseconds(60);
  model.run(seconds(16));
  EXPECT_GT(info(flow).min_rtt, milliseconds(59));
  EXPECT_GT(model.utilisation(seconds(10)), 0.9);
}

// TCP-250, section 5.5.4: what an application does not use is not forgotten.
TEST(TcpBbr, AnApplicationLimitDoesNotLowerTheEstimate) {
  Model model{Path{}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(5));
  flow.app_rate = 1'000'000;
  model.run(seconds(20));
  EXPECT_NEAR(static_cast<double>(info(flow).bandwidth), kRate, kRate / 20);
  flow.app_rate = 0;
  EXPECT_GT(model.utilisation(milliseconds(500)), 0.85);
}

// TCP-250, section 5.4: after silence it goes on at the rate that it knows, at once and without a
// burst, and silence counts as a look at the empty path.
TEST(TcpBbr, GoesOnAtItsRateAfterSilence) {
  Model model{Path{}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(4));
  flow.app_stopped = true;
  model.run(seconds(8));
  flow.app_stopped = false;
  model.reset_peaks();
  Watch watch;
  watch.run(model, flow, 20);
  EXPECT_LT(model.peak_queue(), static_cast<std::uint64_t>(kBdp / 10)) << "before the next probe";
  watch.run(model, flow, 80);
  EXPECT_EQ(watch.entered["probe_rtt"], 0);
  EXPECT_GT(model.utilisation(milliseconds(400)), 0.85);
}

// TCP-250, section 5.5.10: a path of which half goes away is heard of within a few cycles.
TEST(TcpBbr, FollowsThePathDownAndUp) {
  Model model{Path{}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(5));
  model.path().rate = 6'250'000;
  model.run(seconds(10));
  EXPECT_NEAR(static_cast<double>(info(flow).bandwidth), kRate / 2, kRate / 20);
  EXPECT_GT(model.utilisation(seconds(5)), 0.9);
  model.path().rate = 25'000'000;
  model.run(seconds(15));
  EXPECT_GT(model.utilisation(seconds(5)), 0.9);
}

/// A BBR at its first ACK, and what it takes to feed it by hand.
struct Hand {
  Hand() { c.begin(now, 1000, 10, false, 1); }
  AckSample sample(std::uint32_t octets) {
    AckSample ack;
    now += milliseconds(20);
    ack.now = now;
    ack.mss = 1000;
    ack.acked = ack.delivered = ack.rate_delivered = octets;
    ack.in_flight = ack.tx_in_flight = octets;
    ack.prior_delivered = delivered;
    ack.total_delivered = delivered += octets;
    ack.srtt = ack.rtt = ack.min_rtt = ack.interval = milliseconds(20);
    ack.cwnd_limited = true;
    return ack;
  }
  void round(std::uint32_t octets) { c.on_ack(sample(octets)); }
  /// A round with `events` ACKs that tell of loss, three percent in all.
  /// `lost` of `octets` are lost, in so many events.
  void lossy_round(std::uint32_t octets, int events, std::uint32_t lost) {
    for (int i = 0; i < events; ++i) {
      AckSample ack = sample(octets / 10);
      now -= milliseconds(18);
      ack.prior_delivered = 0;  // within the round
      ack.lost = lost / static_cast<std::uint32_t>(events);
      ack.in_recovery = true;
      c.on_ack(ack);
    }
    AckSample last = sample(octets);
    last.lost_since = lost;
    last.in_recovery = true;
    c.on_ack(last);
  }
  std::string_view phase() const { return c.info(milliseconds(20)).phase; }

  Instant now{seconds(1000)};
  Congestion c{CongestionControl::kBbr};
  std::uint64_t delivered = 0;
};

// TCP-250, section 5.3.1.2: three rounds without a quarter more end Startup; a growing rate, and an
// application that has nothing to send, do not.
TEST(TcpBbr, ThreeRoundsWithoutGrowthEndStartup) {
  Hand growing;
  for (std::uint32_t octets = 10'000; octets < 1'000'000; octets = octets * 113 / 100) {
    growing.round(octets);
    EXPECT_EQ(growing.phase(), "startup");
  }
  Hand flat;
  for (int i = 0; i < 3; ++i) flat.round(10'000);
  EXPECT_EQ(flat.phase(), "startup");
  flat.round(10'000);
  EXPECT_NE(flat.phase(), "startup");
  Hand limited;
  for (int i = 0; i < 20; ++i) {
    AckSample ack = limited.sample(10'000);
    ack.app_limited = true;
    limited.c.on_ack(ack);
  }
  EXPECT_EQ(limited.phase(), "startup");
}

// TCP-250, section 5.6.2: until the pipe is full the pace is not lowered, whatever the application
// makes of it.
TEST(TcpBbr, AnApplicationLimitDoesNotSlowStartup) {
  Hand hand;
  hand.round(10'000);
  const std::uint64_t before = hand.c.pacing_rate(milliseconds(20));
  AckSample ack = hand.sample(1000);
  ack.interval = milliseconds(20);
  hand.c.on_ack(ack);
  EXPECT_EQ(hand.c.pacing_rate(milliseconds(20)), before);
  Hand first;
  first.round(1000);
  EXPECT_NEAR(static_cast<double>(first.c.pacing_rate(milliseconds(20))), 1'385'000, 200)
      << "2.77 initial windows a round trip, as long as that is more";
}

// TCP-250, section 5.3.1.3: six lost ranges and more than two percent in a round of recovery end it
// too, and bound what may be in flight; five do not.
TEST(TcpBbr, HighLossEndsStartup) {
  Hand few;
  few.round(10'000);
  few.round(20'000);
  few.c.on_congestion(few.now, 1000, 20'000, CongestionSignal::kLoss);
  few.lossy_round(40'000, 5, 6000);
  EXPECT_EQ(few.phase(), "startup");
  Hand many;
  many.round(10'000);
  many.round(20'000);
  many.c.on_congestion(many.now, 1000, 20'000, CongestionSignal::kLoss);
  many.lossy_round(40'000, 6, 6000);
  EXPECT_NE(many.phase(), "startup");
  EXPECT_NE(many.c.info(milliseconds(20)).inflight_longterm, 0xffff'ffffu);
  // TCP-226, section 5.5.11: if it was no loss, Startup goes on.
  many.c.undo();
  EXPECT_EQ(many.phase(), "startup");
  EXPECT_EQ(many.c.info(milliseconds(20)).inflight_longterm, 0xffff'ffffu);
}

// Deviation: of few segments more than two percent are lost by chance where one in a hundred is.
TEST(TcpBbr, LossByChanceEndsNothing) {
  Hand hand;
  hand.round(10'000);
  hand.round(20'000);
  hand.c.on_congestion(hand.now, 1000, 20'000, CongestionSignal::kLoss);
  hand.lossy_round(100'000, 6, 3000);
  EXPECT_EQ(hand.phase(), "startup") << "3 % of a hundred segments";
  Hand sure;
  sure.round(10'000);
  sure.round(20'000);
  sure.c.on_congestion(sure.now, 1000, 20'000, CongestionSignal::kLoss);
  sure.lossy_round(100'000, 6, 4000);
  EXPECT_NE(sure.phase(), "startup");
}

// TCP-250, section 5.5.10.3: out of the probes, a round with loss lowers the short-term bounds
// towards what is delivered.
TEST(TcpBbr, LossLowersTheShortTermBounds) {
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(milliseconds(600));
  ASSERT_EQ(info(flow).phase, "probe_bw_cruise");
  EXPECT_EQ(info(flow).inflight_shortterm, 0xffff'ffffu);
  const std::uint64_t before = info(flow).bandwidth;
  model.path().rate = 6'250'000;
  model.path().queue = 100'000;
  model.run(milliseconds(200));
  EXPECT_LT(info(flow).inflight_shortterm, 0xffff'ffffu);
  EXPECT_LT(info(flow).bandwidth, before);
  EXPECT_GE(info(flow).bandwidth, before * 2 / 5);
}

// TCP-250, TCP-226, section 5.5.11
TEST(TcpBbr, AnUndoneLossLiftsTheShortTermBounds) {
  Hand hand;
  for (int i = 0; i < 8; ++i) hand.round(100'000);
  ASSERT_EQ(hand.phase(), "probe_bw_cruise");
  const auto lossy = [&] {
    AckSample ack = hand.sample(60'000);
    ack.lost = 1000;
    hand.c.on_congestion(hand.now, 1000, 100'000, CongestionSignal::kLoss);
    hand.c.on_ack(ack);
    hand.round(60'000);
  };
  lossy();
  lossy();
  // 100 000 octets in 20 ms are 5 MB/s.
  EXPECT_NEAR(static_cast<double>(hand.c.info(milliseconds(20)).bandwidth), 3.5e6, 1e4);
  hand.c.undo();
  EXPECT_NEAR(static_cast<double>(hand.c.info(milliseconds(20)).bandwidth), 5e6, 1e4);
}

// TCP-250, section 5.5.10.2: a probe that loses more than two percent bounds what is in flight in
// the long term.
TEST(TcpBbr, AProbeThatLosesSetsTheLongTermBound) {
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(4));
  EXPECT_EQ(info(flow).inflight_longterm, 0xffff'ffffu);
  model.path().queue = 40'000;
  model.run(seconds(6));
  const std::uint32_t bound = info(flow).inflight_longterm;
  ASSERT_NE(bound, 0xffff'ffffu);
  EXPECT_LT(bound, kBdp * 1.5);
  EXPECT_GT(bound, kBdp * 0.6);
}

// TCP-250, section 5.6.4.4: a timeout leaves one segment; what there was before comes back when it
// is over.
TEST(TcpBbr, ATimeoutLeavesOneSegmentForARound) {
  Hand hand;
  for (int i = 0; i < 6; ++i) hand.round(100'000);
  const std::uint32_t before = hand.c.cwnd();
  hand.c.on_timeout(hand.now, 1000, 100'000, true);
  EXPECT_EQ(hand.c.cwnd(), 1000u);
  hand.round(1000);
  EXPECT_LT(hand.c.cwnd(), before / 2);
  hand.round(99'000);
  EXPECT_GE(hand.c.cwnd(), before * 9 / 10);
}

// Section 3.7: CE is congestion: a round with it is a round with loss.
TEST(TcpBbr, CongestionExperiencedCountsAsLoss) {
  Model model{Path{.queue = 2'000'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(milliseconds(600));
  flow.congestion.on_congestion(model.now(), 1250, flow.in_flight(), CongestionSignal::kEcn);
  model.run(milliseconds(45));
  EXPECT_LT(info(flow).inflight_shortterm, 0xffff'ffffu);
}

// TCP-250, section 5.6.4.3: whatever the model says.
TEST(TcpBbr, KeepsFourSegmentsInFlight) {
  Hand hand;
  hand.c.on_timeout(hand.now, 1000, 100'000, true);
  hand.round(100);
  EXPECT_EQ(hand.c.cwnd(), 4000u);
}

// TCP-250, section 5.5.8: hosts that send and acknowledge in bursts need three of these in flight,
// each of a millisecond at the pace, or two segments at least.
TEST(TcpBbr, AShortPathHoldsThreeBursts) {
  Hand hand;
  for (int i = 0; i < 40; ++i) hand.round(1000);
  EXPECT_GE(hand.c.cwnd(), 6000u);
  EXPECT_LE(hand.c.cwnd(), 8000u);
}

// TCP-250, section 5.5.9: where ACKs come together, what came more at once than the rate says is
// added to what may be in flight.
TEST(TcpBbr, MakesUpForAcksThatComeTogether) {
  const auto widest = [](bool together) {
    Hand hand;
    std::uint32_t out = 0;
    for (int i = 0; i < 200; ++i) {
      if (!together || i < 20) {
        hand.round(100'000);
        if (i >= 100) out = std::max(out, hand.c.cwnd());
        continue;
      }
      // As fast on the whole, but every other round trip in one.
      hand.now += milliseconds(20);
      AckSample ack = hand.sample(200'000);
      ack.interval = milliseconds(40);
      ack.in_flight = 100'000;
      hand.c.on_ack(ack);
      if (i >= 100) out = std::max(out, hand.c.cwnd());
    }
    return out;
  };
  EXPECT_GT(widest(true), widest(false) + 50'000);
}

// TCP-250, section 5.5.4: nor does what an application leaves unused replace what is known, when a
// cycle ends.
TEST(TcpBbr, ASlowerSampleOfABusyApplicationCounts) {
  const auto bandwidth_after = [](bool app_limited) {
    Hand hand;
    for (int i = 0; i < 10; ++i) hand.round(100'000);
    for (int i = 0; i < 2000; ++i) {
      AckSample ack = hand.sample(50'000);
      ack.app_limited = app_limited;
      hand.c.on_ack(ack);
    }
    return static_cast<double>(hand.c.info(milliseconds(20)).bandwidth);
  };
  EXPECT_NEAR(bandwidth_after(false), 2.5e6, 1e5);
  EXPECT_NEAR(bandwidth_after(true), 5e6, 1e5);
}

// TCP-250, section 5.3.4.3: what is sent with half the window in ProbeRTT tells nothing of the
// path's bandwidth.
TEST(TcpBbr, SamplesOfProbeRttDoNotCount) {
  Hand hand;
  for (int i = 0; i < 10; ++i) hand.round(100'000);
  // Two hours of nothing but ProbeRTT and the round after it would forget the bandwidth: each time
  // ProbeBW is come back to, a cycle ends.
  int in_probe_rtt = 0;
  bool was = false;
  for (int i = 0; i < 3000; ++i) {
    const bool is = hand.phase() == "probe_rtt";
    hand.round(is || was ? 40'000 : 100'000);
    was = is;
    in_probe_rtt += is;
    EXPECT_NEAR(static_cast<double>(hand.c.info(milliseconds(20)).bandwidth), 5e6, 1e5) << i;
  }
  EXPECT_GT(in_probe_rtt, 50);
  // Nor do they end Startup, of an application that has not filled the pipe yet.
  Hand starting;
  starting.round(10'000);
  for (int i = 0; i < 300 && starting.phase() != "probe_rtt"; ++i) {
    AckSample ack = starting.sample(10'000);
    ack.app_limited = true;
    starting.c.on_ack(ack);
  }
  ASSERT_EQ(starting.phase(), "probe_rtt");
  for (int i = 0; i < 20 && starting.phase() == "probe_rtt"; ++i) starting.round(4000);
  EXPECT_EQ(starting.phase(), "startup");
}

// TCP-250, table of section 5.6.1: a bound on what is in flight binds the window, with headroom of
// 15 % while it cruises.
TEST(TcpBbr, TheBoundsBindTheWindow) {
  Model model{Path{.queue = 40'000}};
  Flow& flow = model.add(CongestionControl::kBbr);
  model.run(seconds(5));
  int cruised = 0;
  for (int i = 0; i < 5000; ++i) {
    model.run(milliseconds(1));
    const CongestionInfo now = info(flow);
    const std::uint32_t least = 4 * 1250;
    if (now.phase.starts_with("probe_bw")) {
      EXPECT_LE(now.cwnd, std::max(std::min(now.inflight_longterm, now.inflight_shortterm), least));
    }
    if (now.phase == "probe_bw_cruise") {
      ++cruised;
      EXPECT_LE(now.cwnd,
                std::max(now.inflight_longterm - now.inflight_longterm / 100 * 15, least) + 100);
    }
  }
  EXPECT_GT(cruised, 1000);
}

}  // namespace
}  // namespace smol::tcp::cc_test
