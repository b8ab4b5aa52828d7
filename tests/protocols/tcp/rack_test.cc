// RACK's reordering window (RFC 8985 section 6.2) and PRR's arithmetic (RFC 9937), by themselves.
#include "protocols/tcp/rack.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/prr.hh"

namespace smol::tcp {
namespace {

constexpr Duration kMinRtt = milliseconds(80);
constexpr Duration kSrtt = milliseconds(100);

SentRun run(std::uint32_t begin, std::uint32_t end, std::int64_t ms, bool resent = false) {
  SentRun out{};
  out.begin = SeqNumber{begin};
  out.end = SeqNumber{end};
  out.sent_at = Instant{milliseconds(ms)};
  out.resent = resent;
  return out;
}

Rack begun() {
  Rack out;
  out.begin(SeqNumber{1});
  return out;
}

void delivered(Rack& rack, const SentRun& run, Duration rtt = kSrtt, bool older = false) {
  rack.delivered(run, run.end, rtt, kMinRtt, older);
}

// TCP-219: sent before the most recently sent that arrived, by time and then by number.
TEST(Rack, IsOvertakenByWhatWentLaterAndArrived) {
  Rack rack = begun();
  delivered(rack, run(2001, 3001, 10));
  EXPECT_TRUE(rack.overtook(run(1001, 2001, 10))) << "sent together, and further left";
  EXPECT_TRUE(rack.overtook(run(5001, 6001, 9)));
  EXPECT_FALSE(rack.overtook(run(3001, 4001, 10)));
  EXPECT_FALSE(rack.overtook(run(1, 1001, 11, true)));
  EXPECT_EQ(rack.due(run(1001, 2001, 10), milliseconds(20)), Instant{milliseconds(130)});
  delivered(rack, run(1001, 2001, 5));
  EXPECT_FALSE(rack.overtook(run(5001, 6001, 10))) << "an older one tells nothing new";
}

// TCP-219: which copy of what went twice arrived cannot be told if it came too soon.
TEST(Rack, DoesNotTrustACopyThatCameTooSoon) {
  Rack rack = begun();
  delivered(rack, run(1, 1001, 50, true), kMinRtt - milliseconds(1));
  EXPECT_FALSE(rack.overtook(run(1001, 2001, 40)));
  delivered(rack, run(1, 1001, 50, true), kSrtt, true);
  EXPECT_FALSE(rack.overtook(run(1001, 2001, 40))) << "its timestamp is of the first";
  delivered(rack, run(1, 1001, 50, true));
  EXPECT_TRUE(rack.overtook(run(1001, 2001, 40)));
}

// TCP-220: a clean loss, reordering, D-SACKs, sixteen recoveries.
TEST(Rack, WidensItsWindowByWhatItSees) {
  Rack rack = begun();
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), Duration::zero()) << "no reordering seen";
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, false), milliseconds(20));
  delivered(rack, run(2001, 3001, 10));
  delivered(rack, run(1, 1001, 10));
  EXPECT_FALSE(rack.reordering_seen()) << "the ACK that told of it may have been lost";
  rack.all_told();
  delivered(rack, run(1, 1001, 10, true));
  EXPECT_FALSE(rack.reordering_seen()) << "one that went twice proves nothing";
  delivered(rack, run(1001, 2001, 10));
  EXPECT_TRUE(rack.reordering_seen());
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), milliseconds(20));

  rack.duplicate_reported(SeqNumber{1}, SeqNumber{9001});
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), milliseconds(40));
  rack.duplicate_reported(SeqNumber{5001}, SeqNumber{12'001});
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), milliseconds(40)) << "once a round trip";
  rack.duplicate_reported(SeqNumber{9001}, SeqNumber{15'001});
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), milliseconds(60));
  for (int i = 0; i < 10; ++i) {
    rack.drag(SeqNumber{15'001});
    rack.duplicate_reported(SeqNumber{15'001}, SeqNumber{15'001});
  }
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), kSrtt) << "and never beyond SRTT";
  for (int i = 0; i < 15; ++i) rack.recovered();
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), kSrtt);
  rack.recovered();
  EXPECT_EQ(rack.reo_wnd(kMinRtt, kSrtt, true), milliseconds(20));
}

// TCP-223: ten segments were in flight and one is lost; the window comes down to five in step with
// what arrives: every other ACK lets one go.
TEST(Prr, ReducesInProportion) {
  Prr prr;
  prr.begin(10'000);
  std::uint32_t in_flight = 8000;  // one lost, one SACKed
  std::uint32_t sent = 0;
  EXPECT_EQ(prr.cwnd(1000, in_flight, 5000, 1000, false), 8500u);
  // The first goes whatever it says.
  prr.sent(1000);
  in_flight += 1000;
  sent += 1000;
  for (int ack = 2; ack <= 9; ++ack) {
    in_flight -= 1000;
    const std::uint32_t cwnd = prr.cwnd(1000, in_flight, 5000, 1000, false);
    if (cwnd >= in_flight + 1000) {
      prr.sent(1000);
      in_flight += 1000;
      sent += 1000;
    }
  }
  EXPECT_EQ(sent, 5000u) << "half of what arrived, rounded up";
  EXPECT_EQ(in_flight, 5000u);
}

// TCP-223: below ssthresh, as much as arrived (CRB), and a segment more if the ACK is safe (SSRB).
TEST(Prr, GrowsBackWithSafeAcks) {
  Prr prr;
  prr.begin(10'000);
  EXPECT_EQ(prr.cwnd(1000, 2000, 5000, 1000, false), 3000u);
  prr.sent(1000);
  EXPECT_EQ(prr.cwnd(1000, 2000, 5000, 1000, true), 4000u);
  prr.sent(2000);
  EXPECT_EQ(prr.cwnd(1000, 3500, 5000, 1000, true), 5000u) << "never beyond ssthresh";
}

TEST(Prr, TheFirstSegmentGoesAtOnce) {
  Prr prr;
  prr.begin(10'000);
  EXPECT_EQ(prr.cwnd(0, 9000, 5000, 1000, false), 10'000u);
  prr.sent(1000);
  EXPECT_EQ(prr.cwnd(0, 10'000, 5000, 1000, false), 10'000u);
}

}  // namespace
}  // namespace smol::tcp
