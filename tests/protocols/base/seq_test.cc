#include "protocols/base/seq.hh"

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

TEST(SeqNumber, ComparesWithinHalfTheCircle) {
  const SeqNumber a{1'000};
  const SeqNumber b{1'001};
  EXPECT_TRUE(a.before(b));
  EXPECT_FALSE(b.before(a));
  EXPECT_FALSE(a.before(a));
  EXPECT_TRUE(b.after(a));
  EXPECT_TRUE(a.at_or_before(a));
  EXPECT_TRUE(a.at_or_after(a));
  EXPECT_TRUE(a.at_or_before(b));
  EXPECT_FALSE(b.at_or_before(a));
  EXPECT_TRUE(b.at_or_after(a));
}

// TCP-177: everything holds across the wrap.
TEST(SeqNumber, WrapsFromTheLastNumberToZero) {
  const SeqNumber last{0xffff'ffff};
  const SeqNumber zero{0};
  EXPECT_TRUE(last.before(zero));
  EXPECT_EQ(last + 1, zero);
  EXPECT_EQ(zero - 1, last);
  EXPECT_EQ(last.distance(zero), 1);
  EXPECT_EQ(zero.distance(last), -1);
  EXPECT_EQ(last.until(zero + 4), 5u);
  SeqNumber moving{0xffff'fff0};
  moving += 0x20;
  EXPECT_EQ(moving.raw, 0x10u);
}

TEST(SeqNumber, EarlierAndLaterPickByTheCircle) {
  const SeqNumber a{0xffff'fff0};
  const SeqNumber b{5};
  EXPECT_EQ(earlier(a, b), a);
  EXPECT_EQ(earlier(b, a), a);
  EXPECT_EQ(later(a, b), b);
  EXPECT_EQ(later(b, a), b);
}

TEST(SeqNumber, DistanceAndPlusUndoEachOtherAnywhereOnTheCircle) {
  Rng rng{1};
  for (int i = 0; i < 10'000; ++i) {
    const SeqNumber a{static_cast<std::uint32_t>(rng.next())};
    const std::uint32_t n = rng.below(0x8000'0000);
    EXPECT_EQ(a.distance(a + n), static_cast<std::int32_t>(n));
    EXPECT_EQ(a.until(a + n), n);
    EXPECT_EQ(a.before(a + n), n > 0);
    EXPECT_EQ((a + n) - n, a);
  }
}

TEST(SeqNumber, HalfTheCircleAwayIsNotBefore) {
  const SeqNumber a{0};
  EXPECT_TRUE(a.before(a + 0x7fff'ffff));
  EXPECT_FALSE(a.before(a + 0x8000'0000));
}

}  // namespace
}  // namespace smol
