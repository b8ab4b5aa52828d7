// What routers told of paths: RFC 1191, RFC 8201.
#include "protocols/iface/path_mtu.hh"

#include <memory_resource>

#include <gtest/gtest.h>

namespace smol {
namespace {

constexpr IpAddress kFar4 = IpAddress::v4(192, 0, 2, 7);
constexpr IpAddress kFar6 = IpAddress::v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
constexpr IpAddress kLink6 = IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 9);

class PathMtuTest : public ::testing::Test {
 protected:
  std::uint16_t mtu(const IpAddress& to, InterfaceId scope = 0) {
    return cache.lookup(now, scope, to).value_or(0);
  }
  bool lower(const IpAddress& to, std::uint16_t mtu, InterfaceId scope = 0) {
    return cache.lower(now, scope, to, mtu);
  }

  PathMtuConfig config;
  PathMtuCache cache{config, 4, Secret{3, 4}, *std::pmr::new_delete_resource()};
  Instant now{seconds(1000)};
};

// IP4-039, IP6-035
TEST_F(PathMtuTest, AnEntryIsLoweredAndNeverRaised) {
  for (const IpAddress& far : {kFar4, kFar6}) {
    EXPECT_EQ(mtu(far), 0);
    EXPECT_TRUE(lower(far, 1400));
    EXPECT_EQ(mtu(far), 1400);
    EXPECT_FALSE(lower(far, 1450));
    EXPECT_EQ(mtu(far), 1400);
    EXPECT_TRUE(lower(far, 1300));
    EXPECT_EQ(mtu(far), 1300);
  }
}

// IP4-042, IP6-036
TEST_F(PathMtuTest, AnEntryLastsTenMinutesFromWhenItWasLastHeardOf) {
  lower(kFar4, 1400);
  now += seconds(240);
  EXPECT_EQ(mtu(kFar4), 1400);
  EXPECT_FALSE(lower(kFar4, 1400)) << "the same again is no news";
  now += seconds(599);
  EXPECT_EQ(mtu(kFar4), 1400);
  now += seconds(1);
  EXPECT_EQ(mtu(kFar4), 0);
}

TEST_F(PathMtuTest, WhatIsHeardAfterAnEntryHasEndedIsNewsWhateverItsSize) {
  lower(kFar4, 1300);
  now += seconds(600);
  EXPECT_TRUE(lower(kFar4, 1400));
  EXPECT_EQ(mtu(kFar4), 1400);
}

TEST_F(PathMtuTest, ALinkLocalDestinationHasAPathOnEachInterface) {
  lower(kLink6, 1400, 1);
  lower(kLink6, 1300, 2);
  EXPECT_EQ(mtu(kLink6, 1), 1400);
  EXPECT_EQ(mtu(kLink6, 2), 1300);
  EXPECT_EQ(mtu(kLink6, 3), 0);
}

// IP6-037
TEST_F(PathMtuTest, WhenFullTheEntryHeardOfLongestAgoGoes) {
  const auto far = [](unsigned i) {
    return IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(i));
  };
  for (unsigned i = 0; i < 4; ++i) {
    lower(far(i), 1400);
    now += seconds(1);
  }
  lower(far(0), 1400);
  lower(far(9), 1300);
  EXPECT_EQ(cache.size(), 4u);
  EXPECT_EQ(mtu(far(0)), 1400);
  EXPECT_EQ(mtu(far(1)), 0);
  EXPECT_EQ(mtu(far(2)), 1400);
  EXPECT_EQ(mtu(far(9)), 1300);
  for (unsigned i = 20; i < 200; ++i) {
    lower(far(i), static_cast<std::uint16_t>(1400 - i));
    EXPECT_EQ(mtu(far(i)), 1400 - i);
    EXPECT_LE(cache.size(), 4u);
  }
}

TEST_F(PathMtuTest, ACacheWithoutRoomLearnsNothing) {
  PathMtuCache none{config, 0, Secret{}, *std::pmr::new_delete_resource()};
  EXPECT_FALSE(none.lower(now, 0, kFar4, 1400));
  EXPECT_EQ(none.lookup(now, 0, kFar4), std::nullopt);
}

TEST_F(PathMtuTest, EveryChangeIsToldOnce) {
  EXPECT_FALSE(cache.has_changed(now));
  lower(kFar4, 1400);
  EXPECT_TRUE(cache.has_changed(now));
  EXPECT_FALSE(cache.has_changed(now));
  now += seconds(1);
  lower(kFar4, 1400);
  EXPECT_FALSE(cache.has_changed(now)) << "no news";
  now += seconds(600);
  EXPECT_TRUE(cache.has_changed(now)) << "it has ended";
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_FALSE(cache.has_changed(now + seconds(10'000)));
}

// However many paths change, all who send look them up again a hundred times a second at most.
TEST_F(PathMtuTest, AFloodOfChangesIsToldNowAndThen) {
  int told = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    lower(IpAddress::v4(0xc000'0200 + i), 1400);
    if (cache.has_changed(now)) ++told;
    now += microseconds(100);
  }
  EXPECT_GE(told, 9);
  EXPECT_LE(told, 11);
  now += milliseconds(10);
  EXPECT_TRUE(cache.has_changed(now)) << "none is forgotten";
}

// Entries that all end at once cost many turns a little.
TEST_F(PathMtuTest, ManyEntriesThatEndTogetherAreRemovedABoundedNumberACall) {
  PathMtuCache large{config, 1000, Secret{3, 4}, *std::pmr::new_delete_resource()};
  for (std::uint32_t i = 0; i < 1000; ++i)
    large.lower(now, 0, IpAddress::v4(0xc000'0200 + i), 1400);
  now += seconds(600);
  std::uint32_t before = large.size();
  while (large.size() > 0) {
    EXPECT_TRUE(large.has_changed(now));
    EXPECT_LE(before - large.size(), 64u);
    before = large.size();
  }
}

// IP4-040
TEST(PathMtuPlateaus, AreThoseOfTheRfc) {
  struct Row {
    std::uint32_t total_len;
    std::uint16_t plateau;
  };
  const Row rows[] = {{65'535, 32'000}, {9000, 8166}, {1500, 1492}, {1493, 1492},
                      {1492, 1006},     {1006, 508},  {508, 296},   {296, 68},
                      {69, 68},         {68, 68},     {0, 68},      {70'000, 65'535}};
  for (const Row& row : rows) EXPECT_EQ(next_plateau(row.total_len), row.plateau) << row.total_len;
}

// IP4-041, IP6-034
TEST(PathMtuClaims, AreBelievedOnlyWithinReason) {
  struct Row {
    IpFamily family;
    std::uint32_t claimed;
    std::uint16_t believed;
  };
  const IpFamily v4 = IpFamily::kIp4;
  const IpFamily v6 = IpFamily::kIp6;
  const Row rows[] = {{v4, 67, 0},    {v4, 60, 0},      {v4, 68, 552},        {v4, 551, 552},
                      {v4, 552, 552}, {v4, 1499, 1499}, {v4, 65'535, 65'535}, {v6, 600, 0},
                      {v6, 1279, 0},  {v6, 1280, 1280}, {v6, 1400, 1400},     {v6, 70'000, 65'535}};
  for (const Row& row : rows) {
    EXPECT_EQ(believable_mtu({}, row.family, row.claimed).value_or(0), row.believed) << row.claimed;
  }
  PathMtuConfig config;
  config.least4 = 68;
  EXPECT_EQ(believable_mtu(config, v4, 300), 300) << "whoever must";
}

}  // namespace
}  // namespace smol
