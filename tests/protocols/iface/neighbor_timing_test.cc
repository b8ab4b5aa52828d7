// When the neighbour cache asks, and when it gives up: RFC 4861 sections 7.2.2 and 7.3.3, RFC 1122
// section 2.3.2.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/iface/link.hh"

namespace smol {
namespace {

/// The wheel fires at most a tick late.
constexpr Duration kTick = nanoseconds(1 << TimerWheel::kTickShift);

void expect_seen(const NeighborLink& link, Instant start,
                 const std::vector<std::pair<Duration, NeighborKind>>& want) {
  ASSERT_EQ(link.seen.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const Duration at = link.seen[i].at - start;
    EXPECT_EQ(link.seen[i].kind, want[i].second) << "action " << i;
    EXPECT_GE(at, want[i].first) << "action " << i;
    EXPECT_LE(at, want[i].first + 8 * kTick) << "action " << i;
  }
}

void make_reachable(NeighborLink& link, const IpAddress& address) {
  link.send(address);
  link.perform(link.cache.advertised(link.now, 0, address, {kMac1, true, true, false}));
  ASSERT_EQ(link.state(address), NeighborState::kReachable);
  link.seen.clear();
}

// ND-012, ARP-008.
TEST(NeighborTiming, AsksThreeTimesASecondApartAndThenGivesUp) {
  NeighborLink link;
  const Instant start = link.now;
  EXPECT_FALSE(link.send(kHost4));
  link.advance(seconds(10));
  expect_seen(link, start,
              {{seconds(0), NeighborKind::kSolicitAll},
               {seconds(1), NeighborKind::kSolicitAll},
               {seconds(2), NeighborKind::kSolicitAll},
               {seconds(3), NeighborKind::kGiveUp}});
}

// ARP-007, ND-012: at most one solicitation a second, however much is sent.
TEST(NeighborTiming, AsksAtMostOnceASecondHoweverMuchIsSent) {
  NeighborLink link;
  for (int i = 0; i < 60'000; ++i) {
    EXPECT_FALSE(link.send(kHost4));
    link.advance(milliseconds(1));
  }
  std::vector<Instant> asked;
  for (const auto& one : link.seen) {
    if (one.kind == NeighborKind::kSolicitAll) asked.push_back(one.at);
  }
  ASSERT_GT(asked.size(), 10u);
  for (std::size_t i = 1; i < asked.size(); ++i) {
    EXPECT_GE(asked[i] - asked[i - 1], seconds(1) - kTick);
  }
}

// ARP-008: a neighbour that failed is left alone for a while, then asked anew.
TEST(NeighborTiming, HoldsAFailedNeighborBeforeAskingAgain) {
  NeighborLink link;
  link.send(kHost4);
  link.advance(milliseconds(3100));
  ASSERT_EQ(link.state(kHost4), NeighborState::kFailed);
  EXPECT_FALSE(link.send(kHost4));
  EXPECT_EQ(link.count(NeighborKind::kSolicitAll), 3u);
  link.advance(seconds(3));
  EXPECT_EQ(link.cache.find(0, kHost4), nullptr) << "a failed entry must not stay for ever";
  EXPECT_FALSE(link.send(kHost4));
  EXPECT_EQ(link.count(NeighborKind::kSolicitAll), 4u);
}

// ND-014, ARP-006: REACHABLE, then STALE by age, DELAY on use, three unicast probes, and then all
// are asked (ND-016) before it is given up.
TEST(NeighborTiming, AnUnconfirmedNeighborIsProbedThenSoughtAndThenGivenUp) {
  NeighborLink link;
  make_reachable(link, kHost6);
  link.advance(seconds(46));
  const Instant start = link.now;
  EXPECT_TRUE(link.send(kHost6)) << "a stale address is used while it is looked into";
  EXPECT_EQ(link.state(kHost6), NeighborState::kDelay);
  for (int i = 0; i < 700; ++i) {
    link.advance(milliseconds(10));
    link.send(kHost6);
  }
  EXPECT_EQ(link.state(kHost6), NeighborState::kProbe);
  link.advance(milliseconds(1500));
  EXPECT_FALSE(link.send(kHost6)) << "what goes to a probed-out neighbour waits";
  link.advance(milliseconds(2600));
  expect_seen(link, start,
              {{seconds(5), NeighborKind::kSolicitOne},
               {seconds(6), NeighborKind::kSolicitOne},
               {seconds(7), NeighborKind::kSolicitOne},
               {seconds(8), NeighborKind::kSolicitAll},
               {seconds(9), NeighborKind::kSolicitAll},
               {seconds(10), NeighborKind::kSolicitAll},
               {seconds(11), NeighborKind::kGiveUp}});
}

// ND-014: the time is drawn from half to one and a half of the mean.
TEST(NeighborTiming, ReachableTimeIsDrawnAroundItsMean) {
  std::vector<Duration> drawn;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    NeighborLink link{8, {}, seed};
    make_reachable(link, kHost6);
    drawn.push_back(link.cache.find(0, kHost6)->reachable_until - link.now);
  }
  const auto [low, high] = std::minmax_element(drawn.begin(), drawn.end());
  EXPECT_GE(*low, seconds(15));
  EXPECT_LT(*low, seconds(16));
  EXPECT_LE(*high, seconds(45));
  EXPECT_GT(*high, seconds(44));
}

TEST(NeighborTiming, AReachableNeighborIsUsedWithoutAQuestionUntilItsTimeIsUp) {
  NeighborLink link;
  make_reachable(link, kHost6);
  const Instant until = link.cache.find(0, kHost6)->reachable_until;
  link.advance(until - link.now - nanoseconds(1));
  EXPECT_TRUE(link.send(kHost6));
  EXPECT_EQ(link.state(kHost6), NeighborState::kReachable);
  link.advance(nanoseconds(1));
  EXPECT_TRUE(link.send(kHost6));
  EXPECT_EQ(link.state(kHost6), NeighborState::kDelay);
}

// An idle neighbour costs no packet, however old its entry is.
TEST(NeighborTiming, NobodyIsAskedAboutAnIdleNeighbor) {
  NeighborLink link;
  make_reachable(link, kHost6);
  link.advance(seconds(86'400));
  EXPECT_TRUE(link.seen.empty());
}

// ND-015: acknowledged data says that the neighbour is there.
TEST(NeighborTiming, ForwardProgressKeepsANeighborReachableWithoutProbes) {
  NeighborLink link;
  make_reachable(link, kHost6);
  const Handle handle = link.cache.handle_of(*link.cache.find(0, kHost6));
  for (int i = 0; i < 3600; ++i) {
    link.advance(seconds(1));
    link.send(kHost6);
    link.cache.confirm(link.now, handle);
  }
  EXPECT_TRUE(link.seen.empty());
  EXPECT_EQ(link.state(kHost6), NeighborState::kReachable);
}

TEST(NeighborTiming, ConfirmationEndsProbing) {
  NeighborLink link;
  make_reachable(link, kHost6);
  link.advance(seconds(46));
  link.send(kHost6);
  link.advance(milliseconds(5500));
  ASSERT_EQ(link.state(kHost6), NeighborState::kProbe);
  link.seen.clear();
  link.cache.confirm(link.now, link.cache.handle_of(*link.cache.find(0, kHost6)));
  EXPECT_EQ(link.state(kHost6), NeighborState::kReachable);
  link.advance(seconds(10));
  EXPECT_TRUE(link.seen.empty());
}

// Who does not answer at all cannot be confirmed from above.
TEST(NeighborTiming, ConfirmationDoesNotMakeUpALinkAddress) {
  NeighborLink link;
  link.send(kHost6);
  link.cache.confirm(link.now, link.cache.handle_of(*link.cache.find(0, kHost6)));
  EXPECT_EQ(link.state(kHost6), NeighborState::kIncomplete);
  EXPECT_FALSE(link.send(kHost6));
}

// RFC 9293 MUST-20: at R1 the transport doubts the path, and the next packets lead to a probe.
TEST(NeighborTiming, DoubtLeadsToAProbe) {
  NeighborLink link;
  make_reachable(link, kHost6);
  const Handle handle = link.cache.handle_of(*link.cache.find(0, kHost6));
  link.cache.doubt(link.now, handle);
  EXPECT_EQ(link.state(kHost6), NeighborState::kStale);
  const Instant start = link.now;
  EXPECT_TRUE(link.send(kHost6));
  link.advance(milliseconds(5500));
  expect_seen(link, start, {{seconds(5), NeighborKind::kSolicitOne}});
}

TEST(NeighborTiming, DoubtChangesOnlyWhatIsReachable) {
  NeighborLink link;
  link.send(kHost6);
  const Handle handle = link.cache.handle_of(*link.cache.find(0, kHost6));
  link.cache.doubt(link.now, handle);
  EXPECT_EQ(link.state(kHost6), NeighborState::kIncomplete);
  link.add_permanent(kHost6, kMac1);
  link.cache.doubt(link.now, handle);
  EXPECT_EQ(link.state(kHost6), NeighborState::kPermanent);
}

TEST(NeighborTiming, APermanentNeighborIsNeverAskedAbout) {
  NeighborLink link;
  link.add_permanent(kHost4, kMac1);
  link.seen.clear();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(link.send(kHost4));
    link.advance(seconds(10));
  }
  EXPECT_TRUE(link.seen.empty());
  EXPECT_EQ(link.state(kHost4), NeighborState::kPermanent);
}

// A timer that was left where it is when its deadline moved fires early and means nothing.
TEST(NeighborTiming, AnEarlyTimerDoesNothing) {
  NeighborLink link;
  link.send(kHost4);
  link.seen.clear();
  const Handle handle = link.cache.handle_of(*link.cache.find(0, kHost4));
  link.perform(link.cache.timeout(link.now + milliseconds(999), handle));
  EXPECT_TRUE(link.seen.empty());
  EXPECT_EQ(link.cache.find(0, kHost4)->solicits, 1);
}

TEST(NeighborTiming, AHandleOfAGoneNeighborMisses) {
  NeighborLink link;
  link.send(kHost4);
  const Handle handle = link.cache.handle_of(*link.cache.find(0, kHost4));
  link.advance(seconds(7));
  ASSERT_EQ(link.cache.size(), 0u);
  NeighborAction action;
  EXPECT_EQ(link.cache.use(link.now, handle, action), nullptr);
  link.cache.confirm(link.now, handle);
  link.cache.doubt(link.now, handle);
  EXPECT_EQ(link.cache.timeout(link.now, handle).kind, NeighborKind::kNone);
}

}  // namespace
}  // namespace smol
