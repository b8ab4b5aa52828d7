// SYN cookies: RFC 4987 section 3.6.
#include "protocols/tcp/syn_cookie.hh"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol::tcp {
namespace {

constexpr Secret kSecret{11, 12};
constexpr Instant kNow{seconds(100'000)};
constexpr SeqNumber kIrs{0x1234'5678};

FlowKey flow4(std::uint16_t remote_port = 5000) {
  return {IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 0, 0, 9), 80, remote_port};
}
FlowKey flow6() {
  return {IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1), IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 9),
          80, 5000};
}

std::uint16_t mss_after(const FlowKey& flow, std::uint16_t mss) {
  const SeqNumber cookie = syn_cookie(kSecret, flow, kIrs, mss, kNow);
  return check_syn_cookie(kSecret, flow, kIrs, cookie, kNow).value_or(0);
}

// TCP-184.
TEST(SynCookie, BringsTheSegmentSizeBackNeverLargerThanItWas) {
  for (const FlowKey& flow : {flow4(), flow6()}) {
    for (std::uint32_t mss = 88; mss <= 0xffff; ++mss) {
      const std::uint16_t back = mss_after(flow, static_cast<std::uint16_t>(mss));
      ASSERT_LE(back, mss);
      ASSERT_GE(back, 88);
    }
  }
  EXPECT_EQ(mss_after(flow4(), 1460), 1460);
  EXPECT_EQ(mss_after(flow4(), 1400), 1400);
  EXPECT_EQ(mss_after(flow4(), 8960), 8960);
  EXPECT_EQ(mss_after(flow4(), 536), 536);
  EXPECT_EQ(mss_after(flow6(), 1440), 1440);
  EXPECT_EQ(mss_after(flow6(), 1220), 1220);
  EXPECT_EQ(mss_after(flow6(), 1), 88);
}

// TCP-184: about two minutes.
TEST(SynCookie, IsBelievedForOneToTwoPeriods) {
  const Instant begin{kSynCookiePeriod * 1000};
  for (const Duration into : {Duration{0}, seconds(30), kSynCookiePeriod - nanoseconds(1)}) {
    const SeqNumber cookie = syn_cookie(kSecret, flow4(), kIrs, 1460, begin + into);
    const auto good_at = [&](Instant at) {
      return check_syn_cookie(kSecret, flow4(), kIrs, cookie, at).has_value();
    };
    EXPECT_TRUE(good_at(begin + into));
    EXPECT_TRUE(good_at(begin + into + kSynCookiePeriod));
    EXPECT_FALSE(good_at(begin + into + kSynCookieLife));
    EXPECT_FALSE(good_at(begin + into + kSynCookieLife + seconds(5))) << "nor later";
  }
}

// The number of the period has 5 bits on the wire; those above count as well.
TEST(SynCookie, IsNotBelievedAgainWhenItsPeriodNumberComesAgain) {
  const SeqNumber cookie = syn_cookie(kSecret, flow4(), kIrs, 1460, kNow);
  EXPECT_FALSE(check_syn_cookie(kSecret, flow4(), kIrs, cookie, kNow + 32 * kSynCookiePeriod));
  EXPECT_FALSE(check_syn_cookie(kSecret, flow4(), kIrs, cookie, kNow + 64 * kSynCookiePeriod));
}

TEST(SynCookie, WorksInTheFirstPeriodThereIs) {
  const SeqNumber cookie = syn_cookie(kSecret, flow4(), kIrs, 1460, Instant{});
  EXPECT_TRUE(check_syn_cookie(kSecret, flow4(), kIrs, cookie, Instant{}));
}

// TCP-184: it is good for one tuple, one SYN and one secret.
TEST(SynCookie, IsBoundToTupleNumberAndSecret) {
  const SeqNumber cookie = syn_cookie(kSecret, flow4(), kIrs, 1460, kNow);
  ASSERT_TRUE(check_syn_cookie(kSecret, flow4(), kIrs, cookie, kNow));
  EXPECT_FALSE(check_syn_cookie(kSecret, flow4(5001), kIrs, cookie, kNow));
  EXPECT_FALSE(check_syn_cookie(kSecret, flow4(), kIrs + 1, cookie, kNow));
  EXPECT_FALSE(check_syn_cookie(Secret{11, 13}, flow4(), kIrs, cookie, kNow));
  FlowKey other = flow4();
  other.local_port = 81;
  EXPECT_FALSE(check_syn_cookie(kSecret, other, kIrs, cookie, kNow));
  other = flow4();
  other.remote = IpAddress::v4(10, 0, 0, 10);
  EXPECT_FALSE(check_syn_cookie(kSecret, other, kIrs, cookie, kNow));
  other = flow4();
  other.interface = 1;
  EXPECT_FALSE(check_syn_cookie(kSecret, other, kIrs, cookie, kNow));
}

// TCP-184: a guess is right once in 2^28 times; of a million none should be.
TEST(SynCookie, CannotBeGuessed) {
  Rng rng{1};
  int right = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const SeqNumber guess{static_cast<std::uint32_t>(rng.next())};
    if (check_syn_cookie(kSecret, flow4(), kIrs, guess, kNow)) ++right;
  }
  EXPECT_EQ(right, 0);
}

// Nothing of it can be foreseen from that of a neighbour (TCP-017): no bit is the same for all.
TEST(SynCookie, ShowsNoCommonBits) {
  std::uint32_t all = ~0u;
  std::uint32_t any = 0;
  std::set<std::uint32_t> high;
  for (std::uint16_t port = 1; port <= 256; ++port) {
    const std::uint32_t cookie = syn_cookie(kSecret, flow4(port), kIrs, 1460, kNow).raw;
    all &= cookie;
    any |= cookie;
    high.insert(cookie >> 24);
  }
  EXPECT_EQ(all, 0u);
  EXPECT_EQ(any, ~0u);
  EXPECT_GT(high.size(), 100u);
}

// --- what the timestamp carries ------------------------------------------------------------------

/// `scale`: none if negative.
SegmentIn syn_with(int scale, bool sack, bool ecn) {
  SegmentIn syn;
  syn.seq = kIrs;
  syn.flags.raw = TcpFlags::kSyn;
  if (ecn) syn.flags.raw |= TcpFlags::kEce | TcpFlags::kCwr;
  syn.options.mss = 1460;
  if (scale >= 0) syn.options.window_scale = static_cast<std::uint8_t>(scale);
  syn.options.sack_permitted = sack;
  syn.options.timestamps = TcpTimestamps{77, 0};
  return syn;
}

// TCP-184: window scale, SACK and ECN survive.
TEST(SynCookie, TheTimestampBringsEveryChoiceBack) {
  for (int scale = -1; scale <= 14; ++scale) {
    for (const bool sack : {false, true}) {
      for (const bool ecn : {false, true}) {
        const SegmentIn syn = syn_with(scale, sack, ecn);
        SegmentIn ack;
        ack.seq = kIrs + 1;
        ack.flags.raw = TcpFlags::kAck;
        ack.options.timestamps = TcpTimestamps{99, timestamp_with_choices(123'456, syn)};
        const SegmentIn back = syn_of_cookie(ack, 1440);
        EXPECT_EQ(back.seq, kIrs);
        EXPECT_EQ(back.options.mss, 1440);
        EXPECT_EQ(back.options.window_scale, syn.options.window_scale);
        EXPECT_EQ(back.options.sack_permitted, sack);
        EXPECT_EQ(back.flags, syn.flags);
        EXPECT_EQ(back.options.timestamps->tsval, 99u);
      }
    }
  }
}

TEST(SynCookie, AScaleBeyondWhatIsAllowedComesBackAsFourteen) {
  SegmentIn ack;
  ack.options.timestamps =
      TcpTimestamps{1, timestamp_with_choices(1000, syn_with(200, false, false))};
  EXPECT_EQ(syn_of_cookie(ack, 536).options.window_scale, 14);
}

// The clock that the connection goes on with must not seem to run back (RFC 7323 section 5).
TEST(SynCookie, TheTimestampIsNeverAheadAndAtMostOneTwentySevenTicksBehind) {
  for (std::uint32_t tsval : {0u, 1u, 63u, 64u, 1000u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
    for (int scale = -1; scale <= 14; ++scale) {
      const std::uint32_t said = timestamp_with_choices(tsval, syn_with(scale, true, true));
      EXPECT_LE(tsval - said, 127u);
    }
  }
}

TEST(SynCookie, WithoutTimestampsNothingIsAgreedOnThatCouldNotBeKept) {
  SegmentIn syn = syn_with(7, true, true);
  syn.options.timestamps.reset();
  syn.len = 5;
  const SegmentIn kept = cookie_part(syn);
  EXPECT_EQ(kept.options.mss, 1460);
  EXPECT_FALSE(kept.options.window_scale);
  EXPECT_FALSE(kept.options.sack_permitted);
  EXPECT_EQ(kept.flags, TcpFlags{TcpFlags::kSyn});
  EXPECT_EQ(kept.len, 0u);
  SegmentIn ack;
  ack.seq = kIrs + 1;
  const SegmentIn back = syn_of_cookie(ack, 536);
  EXPECT_FALSE(back.options.window_scale);
  EXPECT_FALSE(back.options.sack_permitted);
}

}  // namespace
}  // namespace smol::tcp
