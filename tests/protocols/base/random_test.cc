#include "protocols/base/random.hh"

#include <array>
#include <set>

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(Rng, TheSeedDecidesEverything) {
  Rng a{42};
  Rng b{42};
  Rng c{43};
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    differs = differs || value != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Rng, BelowStaysBelow) {
  Rng rng{1};
  for (const std::uint32_t bound : {1u, 2u, 3u, 1'000u, 0x8000'0001u, 0xffff'ffffu}) {
    for (int i = 0; i < 1'000; ++i) ASSERT_LT(rng.below(bound), bound);
  }
}

TEST(Rng, BelowReachesEveryValueAboutEvenly) {
  Rng rng{2};
  std::array<int, 10> count{};
  for (int i = 0; i < 100'000; ++i) ++count[rng.below(10)];
  for (const int n : count) {
    EXPECT_GT(n, 9'500);
    EXPECT_LT(n, 10'500);
  }
}

TEST(Rng, ZeroIsAsGoodASeedAsAnyOther) {
  Rng rng{0};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(rng.next());
  EXPECT_EQ(seen.size(), 1'000u);
}

TEST(Rng, EveryBitChangesHalfTheTime) {
  Rng rng{3};
  std::array<int, 64> ones{};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = rng.next();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(value >> bit & 1);
  }
  for (const int n : ones) {
    EXPECT_GT(n, 4'700);
    EXPECT_LT(n, 5'300);
  }
}

}  // namespace
}  // namespace smol
