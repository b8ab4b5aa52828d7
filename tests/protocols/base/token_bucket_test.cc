#include "protocols/base/token_bucket.hh"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

constexpr Instant at(Duration since_start) {
  return Instant{since_start};
}

TEST(TokenBucket, GivesTheBurstAtOnceAndThenNothing) {
  TokenBucket bucket{milliseconds(100), 3};
  const Instant now = at(seconds(5));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
}

TEST(TokenBucket, EarnsOneEachInterval) {
  TokenBucket bucket{milliseconds(100), 1};
  EXPECT_TRUE(bucket.take(at(seconds(1))));
  EXPECT_FALSE(bucket.take(at(seconds(1) + milliseconds(99))));
  EXPECT_TRUE(bucket.take(at(seconds(1) + milliseconds(100))));
  EXPECT_FALSE(bucket.take(at(seconds(1) + milliseconds(199))));
  EXPECT_TRUE(bucket.take(at(seconds(1) + milliseconds(200))));
}

TEST(TokenBucket, NeverHoldsMoreThanTheBurst) {
  TokenBucket bucket{milliseconds(100), 2};
  const Instant much_later = at(seconds(1'000'000));
  EXPECT_TRUE(bucket.take(much_later));
  EXPECT_TRUE(bucket.take(much_later));
  EXPECT_FALSE(bucket.take(much_later));
}

// A part of an interval that passed while the bucket was full is no part of a token.
TEST(TokenBucket, EarnsNothingWhileFull) {
  TokenBucket bucket{seconds(1), 1};
  EXPECT_TRUE(bucket.take(at(milliseconds(900))));
  EXPECT_FALSE(bucket.take(at(milliseconds(1'000))));
  EXPECT_FALSE(bucket.take(at(milliseconds(1'899))));
  EXPECT_TRUE(bucket.take(at(milliseconds(1'900))));
}

TEST(TokenBucket, AFractionOfAnIntervalIsNotLost) {
  TokenBucket bucket{milliseconds(100), 2};
  EXPECT_TRUE(bucket.take(at(seconds(1))));
  EXPECT_TRUE(bucket.take(at(seconds(1))));
  EXPECT_TRUE(bucket.take(at(seconds(1) + milliseconds(150))));  // half an interval left over
  EXPECT_TRUE(bucket.take(at(seconds(1) + milliseconds(200))));
  EXPECT_FALSE(bucket.take(at(seconds(1) + milliseconds(299))));
}

TEST(TokenBucket, AnIntervalOfZeroIsNoLimit) {
  TokenBucket bucket{Duration::zero(), 0};
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(bucket.take(at(seconds(1))));
}

TEST(TokenBucket, ABurstOfZeroGivesNothingEver) {
  TokenBucket bucket{milliseconds(1), 0};
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(bucket.take(at(seconds(i))));
}

// Over any span: at most the burst and one for each interval in it.
TEST(TokenBucket, NoSpanGivesMoreThanBurstAndRate) {
  const Duration interval = milliseconds(10);
  const std::uint32_t burst = 5;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng{seed};
    TokenBucket bucket{interval, burst};
    Instant now = at(seconds(3));
    std::vector<Instant> given;
    for (int i = 0; i < 2'000; ++i) {
      now += microseconds(rng.below(rng.below(20) == 0 ? 100'000 : 8'000));
      if (bucket.take(now)) given.push_back(now);
    }
    for (std::size_t from = 0; from < given.size(); ++from) {
      for (std::size_t to = from; to < std::min(from + 50, given.size()); ++to) {
        const auto count = static_cast<std::int64_t>(to - from + 1);
        ASSERT_LE(count, std::int64_t{burst} + (given[to] - given[from]) / interval + 1);
      }
    }
  }
}

}  // namespace
}  // namespace smol
