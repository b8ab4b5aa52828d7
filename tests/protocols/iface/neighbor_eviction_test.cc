// A cache of bounded size on a hostile link: RFC 6583, RFC 1122 section 2.3.2.1.
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/protocols/iface/link.hh"

namespace smol {
namespace {

IpAddress friend_at(std::uint32_t i) {
  return IpAddress::v4(0x0a000000 + i);
}
IpAddress stranger_at(std::uint32_t i) {
  return IpAddress::v4(0xac100000 + i);
}

void make_reachable(NeighborLink& link, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    link.send(friend_at(i));
    link.perform(link.cache.advertised(link.now, 0, friend_at(i), {kMac1, true, true, false}));
    ASSERT_EQ(link.state(friend_at(i)), NeighborState::kReachable);
  }
  link.advance(seconds(2));  // the timers of their resolution are gone
}

std::uint32_t known_friends(NeighborLink& link, std::uint32_t count) {
  std::uint32_t known = 0;
  for (std::uint32_t i = 0; i < count; ++i) known += link.cache.find(0, friend_at(i)) != nullptr;
  return known;
}

// ND-017: packets to a million addresses that nobody has.
TEST(NeighborEviction, AScanOfTheLinkLeavesReachableNeighborsAlone) {
  NeighborLink link{1024};
  make_reachable(link, 500);
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    EXPECT_FALSE(link.send(stranger_at(i)));
    if (i % 100 == 0) link.advance(milliseconds(1));
    ASSERT_LE(link.cache.size(), link.cache.capacity());
  }
  EXPECT_EQ(known_friends(link, 500), 500u);
  for (std::uint32_t i = 0; i < 500; ++i) EXPECT_TRUE(link.send(friend_at(i)));
}

TEST(NeighborEviction, UnansweredNeighborsTakeAtMostAQuarter) {
  NeighborLink link{1024};
  for (std::uint32_t i = 0; i < 5000; ++i) link.send(stranger_at(i));
  EXPECT_EQ(link.cache.size(), 256u);
  link.advance(seconds(7));
  EXPECT_EQ(link.cache.size(), 0u) << "the scan is over, and its entries with it";
}

// ARP-013: a million hosts that ask for us. Each is worth remembering until a better use for its
// place comes up; none is worth a neighbour that we speak with.
TEST(NeighborEviction, AMillionAskersDoNotPushOutReachableNeighbors) {
  NeighborLink link{1024};
  make_reachable(link, 500);
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    link.perform(link.cache.heard_from(link.now, 0, stranger_at(i), kMac2, true));
  }
  EXPECT_EQ(link.cache.size(), 1024u);
  EXPECT_EQ(known_friends(link, 500), 500u);
  EXPECT_NE(link.cache.find(0, stranger_at(999'999)), nullptr) << "the newest is remembered";
}

TEST(NeighborEviction, PermanentEntriesAreNeverPushedOut) {
  NeighborLink link{64};
  for (std::uint32_t i = 0; i < 32; ++i) {
    link.add_permanent(friend_at(i), kMac1);
  }
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    link.perform(link.cache.heard_from(link.now, 0, stranger_at(i), kMac2, true));
  }
  EXPECT_EQ(known_friends(link, 32), 32u);
}

TEST(NeighborEviction, ACacheFullOfPermanentEntriesSaysSo) {
  NeighborLink link{16};
  for (std::uint32_t i = 0; i < 16; ++i) {
    link.add_permanent(friend_at(i), kMac1);
  }
  EXPECT_FALSE(link.cache.add_permanent(link.now, 0, friend_at(16), kMac1).neighbor);
  NeighborAction action;
  EXPECT_EQ(link.cache.resolve(link.now, 0, stranger_at(1), action), nullptr);
  EXPECT_EQ(link.cache.heard_from(link.now, 0, stranger_at(1), kMac2, true).kind,
            NeighborKind::kNone);
  EXPECT_EQ(link.cache.size(), 16u);
}

// What waits for an answer holds packets: it has to be dropped by name, not by eviction.
TEST(NeighborEviction, WhoHasPacketsWaitingStays) {
  NeighborLink link{64};
  link.send(friend_at(0));
  link.cache.find(0, friend_at(0))->pending = 1;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    link.perform(link.cache.heard_from(link.now, 0, stranger_at(i), kMac2, true));
  }
  EXPECT_EQ(known_friends(link, 1), 1u);
}

// A full cache of neighbours that all answered once still has room for one that we need now.
TEST(NeighborEviction, ANeighborThatIsNeededTakesThePlaceOfAnIdleOne) {
  NeighborLink link{256};
  make_reachable(link, 256);
  link.advance(seconds(10));
  NeighborAction action;
  // The clock's hand gives everyone one round, 64 at a time.
  Neighbor* made = nullptr;
  for (int i = 0; i < 8 && made == nullptr; ++i) {
    made = link.cache.resolve(link.now, 0, stranger_at(1), action);
  }
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(action.kind, NeighborKind::kSolicitAll);
  EXPECT_EQ(known_friends(link, 256), 255u);
  link.perform(action);
}

// Of two that answered, the one in use stays.
TEST(NeighborEviction, UseSinceTheLastRoundKeepsAPlace) {
  NeighborLink link{128};
  make_reachable(link, 128);
  link.advance(seconds(60));  // none of them is REACHABLE any more
  for (std::uint32_t i = 0; i < 2000; ++i) {
    for (std::uint32_t j = 0; j < 32; ++j) {
      link.send(friend_at(j));
      // The neighbour answers its probes.
      link.perform(link.cache.advertised(link.now, 0, friend_at(j), {kMac1, true, true, false}));
    }
    link.perform(link.cache.heard_from(link.now, 0, stranger_at(i), kMac2, true));
    link.advance(seconds(1));
  }
  EXPECT_EQ(known_friends(link, 32), 32u);
}

}  // namespace
}  // namespace smol
