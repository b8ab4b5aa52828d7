// TCP Fast Open's cookies and caches: RFC 7413.
#include "protocols/tcp/fast_open.hh"

#include <cstring>
#include <memory_resource>

#include <gtest/gtest.h>

namespace smol::tcp {
namespace {

constexpr Secret kSecret{5, 6};
constexpr Instant kNow{seconds(10'000'000)};
constexpr IpAddress kServer = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kClient = IpAddress::v4(10, 0, 0, 9);

bool good(const FastOpenCookie& cookie, Instant at = kNow, const IpAddress& client = kClient,
          const IpAddress& server = kServer, const Secret& secret = kSecret) {
  return is_fast_open_cookie(secret, client, server, cookie, at);
}

// TCP-256.
TEST(FastOpenCookie, HasEightOctetsAndIsBoundToBothAddresses) {
  const FastOpenCookie cookie = fast_open_cookie(kSecret, kClient, kServer, kNow);
  EXPECT_EQ(cookie.len, 8);
  EXPECT_TRUE(good(cookie));
  EXPECT_FALSE(good(cookie, kNow, IpAddress::v4(10, 0, 0, 8)));
  EXPECT_FALSE(good(cookie, kNow, kClient, IpAddress::v4(10, 0, 0, 2)));
  EXPECT_FALSE(good(cookie, kNow, kClient, kServer, Secret{5, 7}));
  const FastOpenCookie other = fast_open_cookie(kSecret, IpAddress::v4(10, 0, 0, 8), kServer, kNow);
  for (const std::size_t half : {std::size_t{0}, std::size_t{4}}) {
    EXPECT_NE(std::memcmp(&cookie.octets[half], &other.octets[half], 4), 0) << "all of it is drawn";
  }
}

TEST(FastOpenCookie, OneChangedOctetOrLengthIsNoCookie) {
  const FastOpenCookie cookie = fast_open_cookie(kSecret, kClient, kServer, kNow);
  for (std::size_t i = 0; i < cookie.len; ++i) {
    FastOpenCookie other = cookie;
    other.octets[i] ^= 1;
    EXPECT_FALSE(good(other)) << i;
  }
  FastOpenCookie other = cookie;
  other.len = 6;
  EXPECT_FALSE(good(other));
  EXPECT_FALSE(good(FastOpenCookie{}));
}

// RFC 7413 section 4.1.2: keys change, and clients are let through the change.
TEST(FastOpenCookie, IsGoodForOneToTwoPeriods) {
  const Instant begin{kFastOpenKeyLife * 10};
  const FastOpenCookie cookie = fast_open_cookie(kSecret, kClient, kServer, begin);
  EXPECT_TRUE(good(cookie, begin + kFastOpenKeyLife));
  EXPECT_TRUE(good(cookie, begin + 2 * kFastOpenKeyLife - nanoseconds(1)));
  EXPECT_FALSE(good(cookie, begin + 2 * kFastOpenKeyLife));
  EXPECT_TRUE(good(fast_open_cookie(kSecret, kClient, kServer, Instant{}), Instant{}));
}

// TCP-257, RFC 7413 section 5.1: who provokes RSTs does not gain places by them.
TEST(FastOpenPending, ARequestThatWasResetCountsForAMinuteOrTwo) {
  FastOpenPending pending;
  EXPECT_EQ(pending.count(kNow), 0u);
  pending.begin();
  pending.begin();
  pending.complete();
  EXPECT_EQ(pending.count(kNow), 1u);
  pending.reset(kNow);
  EXPECT_EQ(pending.count(kNow), 1u);
  EXPECT_EQ(pending.count(kNow + seconds(59)), 1u);
  EXPECT_EQ(pending.count(kNow + seconds(60)), 1u);
  EXPECT_EQ(pending.count(kNow + seconds(121)), 0u);
}

TEST(FastOpenPending, AfterALongSilenceNothingOldCounts) {
  FastOpenPending pending;
  pending.begin();
  pending.reset(kNow);
  EXPECT_EQ(pending.count(kNow + seconds(3600)), 0u);
}

class FastOpenCacheTest : public ::testing::Test {
 protected:
  static FastOpenCookie cookie(std::uint8_t value) {
    FastOpenCookie out;
    out.len = 4;
    out.octets[0] = value;
    return out;
  }
  FastOpenCache cache{16, kSecret, *std::pmr::new_delete_resource()};
};

// TCP-258.
TEST_F(FastOpenCacheTest, KeepsCookieAndSegmentSizeOfAServer) {
  EXPECT_EQ(cache.find(kServer), nullptr);
  cache.learn(kServer, cookie(1), 1400);
  const FastOpenCache::Entry* known = cache.find(kServer);
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->cookie, cookie(1));
  EXPECT_EQ(known->mss, 1400);
  cache.learn(kServer, cookie(2), 1300);
  EXPECT_EQ(cache.find(kServer)->cookie, cookie(2));
}

TEST_F(FastOpenCacheTest, APauseKeepsTheCookie) {
  cache.learn(kServer, cookie(1), 1400);
  cache.turn_off(kServer, kNow);
  EXPECT_EQ(cache.find(kServer)->off_until, kNow);
  EXPECT_EQ(cache.find(kServer)->cookie, cookie(1));
}

// TCP-258: bounded, and the newest are in it.
TEST_F(FastOpenCacheTest, NeverHoldsMoreThanItHasRoomFor) {
  int found = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const IpAddress server = IpAddress::v4(0x0a000000 + i);
    cache.learn(server, cookie(3), 1);
    ASSERT_NE(cache.find(server), nullptr);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    if (cache.find(IpAddress::v4(0x0a000000 + i)) != nullptr) ++found;
  }
  EXPECT_GT(found, 4);
  EXPECT_LE(found, 16);
}

}  // namespace
}  // namespace smol::tcp
