// The answer to the share of octets that met congestion: RFC 8257.
#include "protocols/tcp/cc/dctcp.hh"

#include <gtest/gtest.h>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc {
namespace {

constexpr Instant kNow{seconds(1000)};

AckSample ack_of(std::uint32_t octets, std::uint32_t marked) {
  AckSample ack;
  ack.now = kNow;
  ack.mss = 1000;
  ack.acked = ack.delivered = octets;
  ack.ce_marked = marked;
  return ack;
}

// TCP-248: alpha = 15/16 alpha + 1/16 of the share, once a window; it begins with one.
TEST(TcpDctcp, AlphaFollowsTheShareOfMarks) {
  Dctcp dctcp;
  EXPECT_EQ(dctcp.alpha(), 1'000'000u);
  dctcp.on_ack(ack_of(5000, 0), false);
  EXPECT_EQ(dctcp.alpha(), 1'000'000u) << "not before the window ends";
  dctcp.on_ack(ack_of(5000, 0), true);
  EXPECT_EQ(dctcp.alpha(), 937'500u);
  dctcp.on_ack(ack_of(5000, 5000), false);
  dctcp.on_ack(ack_of(5000, 0), true);
  // 0.9375 * 15 / 16 + 0.5 / 16
  EXPECT_EQ(dctcp.alpha(), 910'156u);
  for (int i = 0; i < 300; ++i) dctcp.on_ack(ack_of(10'000, 1000), true);
  EXPECT_NEAR(dctcp.alpha(), 100'000u, 10u);
  for (int i = 0; i < 300; ++i) dctcp.on_ack(ack_of(10'000, 0), true);
  EXPECT_LE(dctcp.alpha(), 1u);
}

// TCP-248: cwnd * (1 - alpha / 2).
TEST(TcpDctcp, CutsByHalfOfAlpha) {
  Congestion c{CongestionControl::kNewReno, true};
  c.begin(kNow, 1000, 100, false);
  for (int i = 0; i < 300; ++i) {
    AckSample ack = ack_of(10'000, 2000);
    ack.in_flight = 0;
    c.on_ack(ack);
  }
  EXPECT_NEAR(c.info(milliseconds(1)).dctcp_alpha, 200'000u, 10u);
  c.on_congestion(kNow, 1000, 100'000, CongestionSignal::kEcn);
  EXPECT_NEAR(c.ssthresh(), 90'000u, 5u);
}

// TCP-248: nothing is known before the first mark, which halves the window (section 3.3).
TEST(TcpDctcp, TheFirstMarkIsAnsweredInFull) {
  Congestion c{CongestionControl::kNewReno, true};
  c.begin(kNow, 1000, 100, false);
  c.on_congestion(kNow, 1000, 30'000, CongestionSignal::kEcn);
  EXPECT_EQ(c.ssthresh(), 50'000u) << "of cwnd, whatever is in flight";
}

// TCP-248: a round trip in which all was lost tells nothing of marks.
TEST(TcpDctcp, WhereNothingArrivesAlphaStays) {
  Dctcp dctcp;
  dctcp.on_ack(ack_of(0, 0), true);
  EXPECT_EQ(dctcp.alpha(), 1'000'000u);
  dctcp.on_ack(ack_of(1, 0), true);
  EXPECT_EQ(dctcp.alpha(), 937'500u);
}

// TCP-248
TEST(TcpDctcp, CountsWhatTheLargestWindowsHold) {
  Dctcp dctcp;
  for (int i = 0; i < 4; ++i) dctcp.on_ack(ack_of(1u << 30, 0), false);
  dctcp.on_ack(ack_of(1000, 1000), true);
  EXPECT_NEAR(dctcp.alpha(), 937'500u, 1u);
}

// TCP-248: a loss is answered as a loss (section 3.5).
TEST(TcpDctcp, LossesHalve) {
  Congestion c{CongestionControl::kNewReno, true};
  c.begin(kNow, 1000, 100, false);
  for (int i = 0; i < 300; ++i) c.on_ack(ack_of(60'000, 0));
  c.on_congestion(kNow, 1000, 100'000, CongestionSignal::kLoss);
  EXPECT_EQ(c.ssthresh(), 50'000u);
}

// TCP-248: who does not use it tells of no share.
TEST(TcpDctcp, IsNotToldOfWhereItIsOff) {
  Congestion c{CongestionControl::kNewReno};
  c.begin(kNow, 1000, 10, false);
  EXPECT_EQ(c.info(milliseconds(1)).dctcp_alpha, 0u);
}

}  // namespace
}  // namespace smol::tcp::cc
