// The search for the longest segment that gets through: RFC 4821, RFC 5927 section 7.2.
#include "protocols/tcp/plpmtud.hh"

#include <gtest/gtest.h>

namespace smol::tcp {
namespace {

/// A path that carries so much, and a sender whose segments are acknowledged, or lost, one by one.
class TcpPathSearch : public ::testing::Test {
 protected:
  static constexpr std::uint16_t kBase4 = 1024 - 40;
  static constexpr std::uint16_t kBase6 = 1280 - 60;

  TcpPathSearch() { config.path_probing = PathProbing::kAlways; }

  /// One full segment, or the probe that is wanted, goes and meets its fate. True: it got through.
  bool exchange(Plpmtud& path, std::uint16_t carries) {
    const std::uint16_t probe = path.wants_probe(now);
    const std::uint16_t size = probe != 0 ? probe : path.size();
    const SeqNumber begin = nxt;
    nxt += size;
    if (probe != 0) ++probes;
    path.sent(nxt, size);
    now += milliseconds(10);
    if (size > carries) {
      if (path.probing()) path.probe_lost(nxt);
      nxt = begin + size;  // its text goes again, and arrives
      path.acked(nxt);
      return false;
    }
    path.acked(nxt);
    return true;
  }
  /// Data flows for a while.
  void flow(Plpmtud& path, std::uint16_t carries, int segments = 100) {
    for (int i = 0; i < segments; ++i) exchange(path, carries);
  }
  bool time_out(Plpmtud& path, std::uint8_t times, bool is_v6 = false) {
    return path.timed_out(config, is_v6, una(), nxt, path.size(), times);
  }
  SeqNumber una() const { return nxt - 1000; }

  Config config;
  Instant now{seconds(1000)};
  SeqNumber nxt{0xffff'f000};
  int probes = 0;
};

// TCP-254: whatever the path carries, it is found to within 8 octets, with few probes.
TEST_F(TcpPathSearch, FindsWhatThePathCarries) {
  for (std::uint16_t carries = kBase4; carries <= 1460; ++carries) {
    Plpmtud path{1460};
    path.begin(config, false);
    EXPECT_EQ(path.size(), kBase4);
    probes = 0;
    flow(path, carries);
    EXPECT_LE(path.size(), carries);
    EXPECT_GT(path.size() + 8, carries) << carries;
    EXPECT_LE(probes, 8) << carries;
  }
}

// TCP-254: the whole link is tried first, for it is the most likely.
TEST_F(TcpPathSearch, APathAsWideAsItsLinkTakesOneProbe) {
  Plpmtud path{8960};
  path.begin(config, false);
  flow(path, 8960);
  EXPECT_EQ(path.size(), 8960);
  EXPECT_EQ(probes, 1);
  EXPECT_FALSE(path.searches());
}

// TCP-254: where there is nothing above the base, there is nothing to search.
TEST_F(TcpPathSearch, ALinkBelowTheBaseIsUsedAsItIs) {
  Plpmtud narrow{900};
  narrow.begin(config, false);
  EXPECT_EQ(narrow.size(), 900);
  EXPECT_EQ(narrow.wants_probe(now), 0);
  Plpmtud narrowed{1460};
  narrowed.begin(config, false);
  narrowed.set_bound(kBase4);
  EXPECT_EQ(narrowed.wants_probe(now), 0);
  EXPECT_FALSE(narrowed.searches());
}

// TCP-254: what failed may fit no more, and then says nothing.
TEST_F(TcpPathSearch, ANarrowerBoundKeepsWhatIsKnownBelowIt) {
  Plpmtud below{1460};
  below.begin(config, false);
  exchange(below, 1400);
  below.set_bound(1459);
  EXPECT_EQ(below.wants_probe(now), 1459) << "it may just fit";
  exchange(below, 1400);
  exchange(below, 1200);
  ASSERT_EQ(below.wants_probe(now), kBase4 + (1221 - kBase4) / 2) << "1221 failed";
  below.set_bound(1300);
  EXPECT_EQ(below.wants_probe(now), kBase4 + (1221 - kBase4) / 2);
}

// TCP-254: a path that was searched is left where the bound is less.
TEST_F(TcpPathSearch, ARestingSearchKeepsToTheBound) {
  Plpmtud path{1460};
  path.begin(config, false);
  flow(path, 1300);
  ASSERT_FALSE(path.searches());
  path.set_bound(1200);
  EXPECT_EQ(path.size(), 1200);
}

// TCP-254: no probe is beyond what the link, the routers and the peer allow.
TEST_F(TcpPathSearch, StaysWithinTheBound) {
  Plpmtud path{1460};
  path.begin(config, false);
  path.set_bound(1300);
  EXPECT_EQ(path.wants_probe(now), 1300);
  flow(path, 9000);
  EXPECT_EQ(path.size(), 1300);
  path.set_bound(900);
  EXPECT_EQ(path.size(), 900);
  EXPECT_EQ(path.wants_probe(now), 0);
}

TEST_F(TcpPathSearch, OneProbeIsInFlightAtATime) {
  Plpmtud path{1460};
  path.begin(config, false);
  EXPECT_EQ(path.wants_probe(now), 1460);
  path.sent(nxt + 1460, 1460);
  EXPECT_TRUE(path.probing());
  EXPECT_EQ(path.wants_probe(now), 0);
  EXPECT_FALSE(path.acked(nxt + 1459)) << "not all of it";
  path.probe_lost(nxt + 5000);
  EXPECT_EQ(path.wants_probe(now), 0) << "until the flight in which it was lost has arrived";
  path.acked(nxt + 4999);
  EXPECT_EQ(path.wants_probe(now), 0);
  path.acked(nxt + 5000);
  EXPECT_GT(path.wants_probe(now), kBase4);
}

// RFC 4821 section 7.3: what was found is looked over every ten minutes.
TEST_F(TcpPathSearch, ASearchBeginsAgainAfterTenMinutes) {
  Plpmtud path{1460};
  path.begin(config, false);
  flow(path, 1300);
  const std::uint16_t found = path.size();
  probes = 0;
  now += seconds(590);
  flow(path, 1460, 10);
  EXPECT_EQ(probes, 0);
  EXPECT_EQ(path.size(), found);
  now += seconds(11);
  Plpmtud as_before = path;
  flow(path, 1460, 10);
  EXPECT_EQ(path.size(), 1460);
  probes = 0;
  flow(as_before, found);
  EXPECT_EQ(as_before.size(), found);
  EXPECT_LE(probes, 8) << "and ends again";
}

// What was sent before the path became narrower, and comes through all the same, came through the
// wider one.
TEST_F(TcpPathSearch, WhatWentBeforeAChangeProvesNothing) {
  config.path_probing = PathProbing::kBlackHole;
  Plpmtud path{1460};
  path.sent(nxt, 1460);
  path.set_bound(1300);
  EXPECT_FALSE(path.acked(nxt));
  EXPECT_EQ(path.size(), 1300);
  EXPECT_EQ(path.too_big(1200, nxt), Plpmtud::Verdict::kTaken);
  Plpmtud proven{1460};
  flow(proven, 1460, 1);
  proven.set_bound(1300);
  EXPECT_EQ(proven.too_big(1200, nxt), Plpmtud::Verdict::kTaken);
}

// But what fits both proves as much.
TEST_F(TcpPathSearch, WhatFitsAfterAChangeIsProvenStill) {
  config.path_probing = PathProbing::kBlackHole;
  Plpmtud narrower{1400};
  flow(narrower, 1400, 1);
  narrower.set_bound(1460);
  narrower.set_bound(1420);
  EXPECT_EQ(narrower.too_big(1300, nxt), Plpmtud::Verdict::kPutAside);
  Plpmtud wider{1400};
  wider.sent(nxt, 1400);
  wider.set_bound(1460);
  wider.acked(nxt);
  EXPECT_EQ(wider.too_big(1300, nxt), Plpmtud::Verdict::kPutAside);
  EXPECT_EQ(wider.too_big(1400, nxt), Plpmtud::Verdict::kTaken) << "that is no contradiction";
}

TEST_F(TcpPathSearch, AShortSegmentThatArrivesMakesNoneShorter) {
  Plpmtud path{1460};
  path.sent(nxt, 700);
  EXPECT_FALSE(path.acked(nxt));
  EXPECT_EQ(path.size(), 1460);
}

// TCP-253: segments that never got through vanish with the second timeout, those that did with the
// third.
TEST_F(TcpPathSearch, FullSegmentsThatVanishMakeItFallToTheBase) {
  config.path_probing = PathProbing::kBlackHole;
  for (const bool is_v6 : {false, true}) {
    const std::uint16_t bound = is_v6 ? 1440 : 1460;
    const std::uint16_t base = is_v6 ? kBase6 : kBase4;
    Plpmtud fresh{bound};
    fresh.begin(config, is_v6);
    EXPECT_EQ(fresh.size(), bound);
    EXPECT_EQ(fresh.wants_probe(now), 0);
    EXPECT_FALSE(time_out(fresh, 1, is_v6));
    EXPECT_TRUE(time_out(fresh, 2, is_v6));
    EXPECT_TRUE(fresh.black_hole());
    EXPECT_EQ(fresh.size(), base);
    EXPECT_FALSE(time_out(fresh, 3, is_v6)) << "there is nothing below";

    Plpmtud proven{bound};
    flow(proven, bound);
    EXPECT_FALSE(time_out(proven, 2, is_v6));
    EXPECT_TRUE(time_out(proven, 3, is_v6));
  }
}

// TCP-253: and then the path is searched from there.
TEST_F(TcpPathSearch, AfterABlackHoleItSearchesUpwards) {
  config.path_probing = PathProbing::kBlackHole;
  Plpmtud path{1460};
  EXPECT_FALSE(time_out(path, 1));
  EXPECT_TRUE(time_out(path, 2));
  EXPECT_EQ(path.wants_probe(now), 0) << "not before all in flight has arrived";
  path.acked(nxt);
  EXPECT_EQ(path.wants_probe(now), kBase4 + (1460 - kBase4) / 2) << "full segments have failed";
  flow(path, 1360);
  EXPECT_LE(path.size(), 1360);
  EXPECT_GT(path.size() + 8, 1360);
}

TEST_F(TcpPathSearch, ShortSegmentsAndATurnedOffSearchFallNowhere) {
  config.path_probing = PathProbing::kBlackHole;
  Plpmtud path{1460};
  EXPECT_FALSE(path.timed_out(config, false, una(), nxt, 200, 9)) << "what is lost is short";
  config.path_probing = PathProbing::kOff;
  EXPECT_FALSE(time_out(path, 9));
  EXPECT_EQ(path.size(), 1460);
  Plpmtud narrow{kBase4 + 10};
  config.path_probing = PathProbing::kBlackHole;
  EXPECT_FALSE(time_out(narrow, 9)) << "little would be won";
  Plpmtud hardly{kBase4 + 63};
  EXPECT_FALSE(time_out(hardly, 9));
  Plpmtud worth_it{kBase4 + 64};
  EXPECT_TRUE(time_out(worth_it, 9));
}

// TCP-253: the path may carry no more than the base, and what is little longer vanishes as well.
TEST_F(TcpPathSearch, ASegmentLittleLongerThanTheBaseMayVanishToo) {
  config.path_probing = PathProbing::kBlackHole;
  for (const bool is_v6 : {false, true}) {
    const std::uint16_t base = is_v6 ? kBase6 : kBase4;
    Plpmtud path{1440};
    EXPECT_FALSE(path.timed_out(config, is_v6, una(), nxt, base, 9)) << "it is no longer than that";
    EXPECT_FALSE(path.timed_out(config, is_v6, una(), nxt, base + 1, 1));
    EXPECT_TRUE(path.timed_out(config, is_v6, una(), nxt, base + 1, 2));
    EXPECT_EQ(path.size(), base);
  }
  Plpmtud narrow{kBase6 + 1};
  EXPECT_TRUE(time_out(narrow, 2, true)) << "many paths have the least MTU of IPv6";
}

// TRAP-40: what routers say counts at once while nothing longer got through.
TEST_F(TcpPathSearch, ARoutersWordIsTakenUnlessLongerSegmentsGotThrough) {
  Plpmtud path{1460};
  EXPECT_EQ(path.too_big(1460, nxt), Plpmtud::Verdict::kNoNews);
  EXPECT_EQ(path.too_big(1400, nxt), Plpmtud::Verdict::kTaken);
  EXPECT_EQ(path.size(), 1400);
  EXPECT_EQ(path.too_big(1400, nxt), Plpmtud::Verdict::kNoNews);
  flow(path, 1400, 3);
  EXPECT_EQ(path.too_big(1300, nxt), Plpmtud::Verdict::kPutAside);
  EXPECT_EQ(path.size(), 1400);
}

// IC4-027
TEST_F(TcpPathSearch, AWordPutAsideCountsOnlyWhileItsSegmentIsMissing) {
  Plpmtud path{1460};
  flow(path, 1460, 3);
  EXPECT_EQ(path.too_big(1300, nxt - 500), Plpmtud::Verdict::kPutAside);
  EXPECT_TRUE(time_out(path, 1));
  EXPECT_FALSE(path.black_hole());
  EXPECT_EQ(path.size(), 1300);

  Plpmtud other{1460};
  flow(other, 1460, 3);
  EXPECT_EQ(other.too_big(1300, nxt - 500), Plpmtud::Verdict::kPutAside);
  other.acked(nxt);
  EXPECT_FALSE(time_out(other, 1));
  EXPECT_EQ(other.size(), 1460);
}

// IC4-027: it counts until its own segment has arrived, the shortest one counts, and only against
// what is longer.
TEST_F(TcpPathSearch, OfWordsPutAsideTheShortestCountsAgainstWhatIsLonger) {
  Plpmtud path{1460};
  flow(path, 1460, 3);
  path.too_big(1300, nxt - 500);
  path.too_big(1350, nxt - 500);
  path.acked(nxt - 500);
  for (const std::uint16_t head : {std::uint16_t{200}, std::uint16_t{1300}}) {
    EXPECT_FALSE(path.timed_out(config, false, una(), nxt, head, 1)) << head;
    EXPECT_EQ(path.size(), 1460);
  }
  EXPECT_TRUE(time_out(path, 1));
  EXPECT_EQ(path.size(), 1300);
  path.set_bound(1460);
  EXPECT_FALSE(time_out(path, 1)) << "it counts once";
  EXPECT_EQ(path.size(), 1460);
}

// IC4-027: a search ends where a router's word is believed in the end.
TEST_F(TcpPathSearch, AWordThatCountsEndsTheSearch) {
  Plpmtud path{1460};
  path.begin(config, false);
  exchange(path, 1400);
  exchange(path, 1400);
  ASSERT_TRUE(path.searches());
  ASSERT_EQ(path.too_big(1100, nxt - 500), Plpmtud::Verdict::kPutAside);
  EXPECT_TRUE(time_out(path, 1));
  EXPECT_FALSE(path.black_hole());
  EXPECT_EQ(path.size(), 1100);
  EXPECT_EQ(path.wants_probe(now), 0);
}

// RFC 4821 section 7.6.2: a router may say what became of a probe.
TEST_F(TcpPathSearch, ARoutersWordAboutAProbeSaysWhereToLook) {
  Plpmtud path{1460};
  path.begin(config, false);
  path.sent(nxt + 1460, 1460);
  EXPECT_EQ(path.too_big(1350, nxt), Plpmtud::Verdict::kTaken);
  EXPECT_EQ(path.size(), kBase4) << "what is shorter gets through";
  EXPECT_EQ(path.bound(), 1350);
  EXPECT_EQ(path.wants_probe(now), 1350);
}

TEST_F(TcpPathSearch, ARoutersWordThatDoesNotFitTheProbeIsNoNews) {
  Plpmtud path{1460};
  path.begin(config, false);
  path.sent(nxt + 1460, 1460);
  EXPECT_EQ(path.too_big(1460, nxt), Plpmtud::Verdict::kNoNews) << "the probe is no longer";
  EXPECT_EQ(path.too_big(1350, nxt + 1460), Plpmtud::Verdict::kNoNews) << "of what came after it";
  EXPECT_TRUE(path.probing());
}

// RFC 4821 section 7.6.2: what failed before lies beyond the bound then.
TEST_F(TcpPathSearch, ARoutersWordAboutALaterProbeIsTheNewBound) {
  Plpmtud path{1460};
  path.begin(config, false);
  exchange(path, 1100);
  const std::uint16_t middle = path.wants_probe(now);
  ASSERT_EQ(middle, kBase4 + (1460 - kBase4) / 2);
  path.sent(nxt + middle, middle);
  EXPECT_EQ(path.too_big(1100, nxt), Plpmtud::Verdict::kTaken);
  EXPECT_EQ(path.wants_probe(now), 1100);
}

// A timeout says nothing of a probe that is not first among what is missing.
TEST_F(TcpPathSearch, ATimeoutBlamesAProbeOnlyAtTheHead) {
  Plpmtud path{1460};
  path.begin(config, false);
  path.sent(nxt, 1460);
  path.timed_out(config, false, nxt - 5000, nxt + 3000, kBase4, 1);
  EXPECT_FALSE(path.probing());
  path.acked(nxt + 3000);
  EXPECT_EQ(path.wants_probe(now), 1460) << "once more";
  nxt += 5000;
  path.sent(nxt, 1460);
  path.timed_out(config, false, nxt - 1460, nxt + 3000, kBase4, 1);
  path.acked(nxt + 3000);
  EXPECT_LT(path.wants_probe(now), 1460) << "it was to blame";
}

// Nor of one that is lost already, and was not the last to go.
TEST_F(TcpPathSearch, ATimeoutAfterAProbeWasLostBlamesNoOther) {
  Plpmtud path{1460};
  path.begin(config, false);
  path.sent(nxt, 1460);
  path.probe_lost(nxt + 3000);
  path.timed_out(config, false, nxt + 2999, nxt + 3000, kBase4, 1);
  path.acked(nxt + 3000);
  EXPECT_EQ(path.wants_probe(now), kBase4 + (1460 - kBase4) / 2);
}

// The path becomes wider: who follows the bound follows it up.
TEST_F(TcpPathSearch, WithoutASearchSegmentsFollowTheBoundBothWays) {
  config.path_probing = PathProbing::kBlackHole;
  Plpmtud path{1460};
  path.begin(config, false);
  path.set_bound(1300);
  EXPECT_EQ(path.size(), 1300);
  path.set_bound(1460);
  EXPECT_EQ(path.size(), 1460);
}

}  // namespace
}  // namespace smol::tcp
