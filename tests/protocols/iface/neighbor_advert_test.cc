// What advertisements and overheard requests make of an entry, by the tables of RFC 4861 sections
// 7.2.3 and 7.2.5.
#include <optional>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/protocols/iface/link.hh"

namespace smol {
namespace {

enum class Lla : std::uint8_t { kNone, kSame, kOther };

struct Row {
  NeighborState state;
  bool solicited;
  bool override_flag;
  bool router;
  Lla lla;
};

struct Entry {
  NeighborState state;
  MacAddress mac;
  bool is_router;
  NeighborKind action;
};

bool unanswered(NeighborState state) {
  return state == NeighborState::kIncomplete || state == NeighborState::kFailed;
}

/// RFC 4861 section 7.2.5, written down a second time: "When a valid Neighbor Advertisement is
/// received ...". FAILED is an INCOMPLETE that has given up for a while. The entry is no router's.
Entry by_the_rfc(const Row& row) {
  Entry entry{row.state, unanswered(row.state) ? MacAddress{} : kMac1, false, NeighborKind::kNone};
  if (row.state == NeighborState::kPermanent) return entry;
  const bool supplied = row.lla != Lla::kNone;
  const MacAddress given = row.lla == Lla::kOther ? kMac2 : kMac1;
  if (unanswered(row.state)) {
    // "If the link layer has addresses and no Target Link-Layer Address option is included, the
    // receiving node SHOULD silently discard the received advertisement."
    if (!supplied) return entry;
    entry.mac = given;
    entry.state = row.solicited ? NeighborState::kReachable : NeighborState::kStale;
    entry.is_router = row.router;
    entry.action = NeighborKind::kSend;
    return entry;
  }
  const bool differs = supplied && given != kMac1;
  if (!row.override_flag && differs) {
    // I. a: "If the state of the entry is REACHABLE, set it to STALE, but do not update the entry
    // in any other way." b: "Otherwise, the received advertisement should be ignored".
    if (row.state == NeighborState::kReachable) entry.state = NeighborState::kStale;
    return entry;
  }
  // II.
  if (differs) entry.mac = given;
  if (row.solicited) {
    entry.state = NeighborState::kReachable;
  } else if (differs) {
    entry.state = NeighborState::kStale;
  }
  entry.is_router = row.router;
  return entry;
}

/// An entry for kHost6 with kMac1, brought to `state` by what brings it there in life.
void bring_to(NeighborLink& link, NeighborState state) {
  const NeighborCache::Advert known{kMac1, true, true, false};
  switch (state) {
    case NeighborState::kIncomplete:
      link.send(kHost6);
      break;
    case NeighborState::kReachable:
      link.send(kHost6);
      link.perform(link.cache.advertised(link.now, 0, kHost6, known));
      break;
    case NeighborState::kStale:
      link.perform(link.cache.heard_from(link.now, 0, kHost6, kMac1, true));
      break;
    case NeighborState::kDelay:
      bring_to(link, NeighborState::kStale);
      link.send(kHost6);
      break;
    case NeighborState::kProbe:
      bring_to(link, NeighborState::kDelay);
      link.advance(milliseconds(5500));
      break;
    case NeighborState::kFailed:
      link.send(kHost6);
      link.advance(milliseconds(3500));
      break;
    case NeighborState::kPermanent:
      link.add_permanent(kHost6, kMac1);
      break;
  }
  EXPECT_EQ(link.state(kHost6), state);
  link.seen.clear();
}

constexpr NeighborState kStates[] = {NeighborState::kIncomplete, NeighborState::kReachable,
                                     NeighborState::kStale,      NeighborState::kDelay,
                                     NeighborState::kProbe,      NeighborState::kFailed,
                                     NeighborState::kPermanent};

// ND-009, ND-010: every combination of state, S, O, R and link address.
TEST(NeighborAdvert, ChangesAnEntryAsTheTableSays) {
  for (const NeighborState state : kStates) {
    for (int bits = 0; bits < 8; ++bits) {
      for (const Lla lla : {Lla::kNone, Lla::kSame, Lla::kOther}) {
        const Row row{state, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, lla};
        SCOPED_TRACE(testing::Message()
                     << name(state) << " S=" << row.solicited << " O=" << row.override_flag
                     << " R=" << row.router << " lla=" << static_cast<int>(lla));
        NeighborLink link;
        bring_to(link, state);
        NeighborCache::Advert advert{std::nullopt, row.solicited, row.override_flag, row.router};
        if (lla != Lla::kNone) advert.mac = lla == Lla::kSame ? kMac1 : kMac2;

        const NeighborAction action = link.cache.advertised(link.now, 0, kHost6, advert);

        const Entry want = by_the_rfc(row);
        const Neighbor& got = *link.cache.find(0, kHost6);
        EXPECT_EQ(got.state, want.state);
        if (!unanswered(want.state)) {
          EXPECT_EQ(got.mac, want.mac);
        }
        EXPECT_EQ(got.is_router, want.is_router);
        EXPECT_EQ(action.kind, want.action);
      }
    }
  }
}

// ND-007, ARP-002: RFC 4861 section 7.2.3. The state changes if the link address is news, and
// nothing is said of reachability.
TEST(NeighborHeardFrom, MakesWhatIsNewStaleAndLeavesTheRest) {
  for (const NeighborState state : kStates) {
    for (const MacAddress& mac : {kMac1, kMac2}) {
      SCOPED_TRACE(testing::Message() << name(state) << (mac == kMac1 ? " same" : " other"));
      NeighborLink link;
      bring_to(link, state);
      link.cache.find(0, kHost6)->is_router = true;

      const NeighborAction action = link.cache.heard_from(link.now, 0, kHost6, mac, false);

      const Neighbor& got = *link.cache.find(0, kHost6);
      const bool permanent = state == NeighborState::kPermanent;
      const bool news = !permanent && (unanswered(state) || mac != kMac1);
      EXPECT_EQ(got.state, news ? NeighborState::kStale : state);
      EXPECT_EQ(got.mac, permanent ? kMac1 : mac);
      EXPECT_TRUE(got.is_router);  // "MUST NOT modify the IsRouter flag"
      EXPECT_EQ(action.kind, unanswered(state) ? NeighborKind::kSend : NeighborKind::kNone);
    }
  }
}

// ARP-003, ND-007: only who asks for us becomes known by asking.
TEST(NeighborHeardFrom, CreatesOnlyWhenToldTo) {
  NeighborLink link;
  link.perform(link.cache.heard_from(link.now, 0, kHost4, kMac1, false));
  EXPECT_EQ(link.cache.size(), 0u);
  link.perform(link.cache.heard_from(link.now, 0, kHost4, kMac1, true));
  ASSERT_EQ(link.cache.size(), 1u);
  EXPECT_EQ(link.state(kHost4), NeighborState::kStale);
  EXPECT_EQ(link.cache.find(0, kHost4)->mac, kMac1);
}

// ND-008, ARP-012.
TEST(NeighborAdvert, NeverMakesAnEntry) {
  NeighborLink link;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    link.perform(link.cache.advertised(link.now, 0, IpAddress::v4(0x0a000000 + i),
                                       {kMac1, true, true, true}));
  }
  EXPECT_EQ(link.cache.size(), 0u);
  EXPECT_TRUE(link.seen.empty());
}

TEST(NeighborCache, KeepsInterfacesApart) {
  NeighborLink link;
  link.perform(link.cache.heard_from(link.now, 1, kHost6, kMac1, true));
  link.perform(link.cache.heard_from(link.now, 2, kHost6, kMac2, true));
  EXPECT_EQ(link.cache.find(0, kHost6), nullptr);
  EXPECT_EQ(link.cache.find(1, kHost6)->mac, kMac1);
  EXPECT_EQ(link.cache.find(2, kHost6)->mac, kMac2);
}

TEST(NeighborCache, APermanentEntryTakesOverWhatWasAskedFor) {
  NeighborLink link;
  link.send(kHost4);
  link.add_permanent(kHost4, kMac1);
  EXPECT_EQ(link.state(kHost4), NeighborState::kPermanent);
  EXPECT_EQ(link.count(NeighborKind::kSend), 1u) << "what waited may go";
  link.advance(seconds(600));
  EXPECT_EQ(link.count(NeighborKind::kSolicitAll), 1u) << "asked on, though it is known";
  EXPECT_TRUE(link.send(kHost4));
}

TEST(NeighborCache, StatesHaveTheNamesThatIpNeighborPrints) {
  const std::pair<NeighborState, std::string_view> rows[] = {
      {NeighborState::kIncomplete, "INCOMPLETE"}, {NeighborState::kReachable, "REACHABLE"},
      {NeighborState::kStale, "STALE"},           {NeighborState::kDelay, "DELAY"},
      {NeighborState::kProbe, "PROBE"},           {NeighborState::kFailed, "FAILED"},
      {NeighborState::kPermanent, "PERMANENT"}};
  for (const auto& [state, text] : rows) EXPECT_EQ(name(state), text);
}

}  // namespace
}  // namespace smol
