#include "protocols/iface/routes.hh"

#include <algorithm>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}
IpAddress at(std::string_view text) {
  return IpAddress::parse(text).value();
}
Route via(std::string_view destination, std::string_view gateway, InterfaceId interface = 0,
          std::uint32_t metric = 0) {
  return {prefix(destination), at(gateway), interface, metric};
}
Route on_link(std::string_view destination, InterfaceId interface = 0, std::uint32_t metric = 0) {
  return {prefix(destination), std::nullopt, interface, metric};
}

Error refusal(const Result<void, Error>& result) {
  EXPECT_FALSE(result.has_value()) << "was taken";
  return result ? Error{} : result.error();
}

struct Routes : RouteTable {
  explicit Routes(std::uint32_t capacity = 64)
      : RouteTable{capacity, *std::pmr::new_delete_resource()} {}
  /// The gateway that a packet takes, or "none".
  std::string way(std::string_view destination) const {
    const Route* route = lookup(at(destination));
    if (route == nullptr) return "none";
    if (!route->gateway) return "link " + std::to_string(route->interface);
    Text<64> text;
    route->gateway->print(text);
    return std::string{text.view()};
  }
};

// IP4-045: /32 beats /24 beats default.
TEST(RouteTable, TheLongestPrefixWins) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.254")));
  ASSERT_TRUE(routes.add(on_link("10.0.0.0/24", 3)));
  ASSERT_TRUE(routes.add(via("192.168.0.0/16", "10.0.0.1")));
  ASSERT_TRUE(routes.add(via("192.168.7.0/24", "10.0.0.2")));
  ASSERT_TRUE(routes.add(via("192.168.7.7/32", "10.0.0.3")));
  EXPECT_EQ(routes.way("192.168.7.7"), "10.0.0.3");
  EXPECT_EQ(routes.way("192.168.7.8"), "10.0.0.2");
  EXPECT_EQ(routes.way("192.168.8.8"), "10.0.0.1");
  EXPECT_EQ(routes.way("10.0.0.77"), "link 3");
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.254");
}

TEST(RouteTable, AnEmptyOneHasNoWay) {
  const Routes routes;
  EXPECT_EQ(routes.way("10.0.0.1"), "none");
  EXPECT_EQ(routes.way("::1"), "none");
}

// Both families share the trie, where ::/0 is the root of all and 0.0.0.0/0 lies 96 bits deep.
TEST(RouteTable, DefaultRoutesOfTheFamiliesDoNotMeet) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("::/0", "fe80::1")));
  EXPECT_EQ(routes.way("2001:db8::1"), "fe80::1");
  EXPECT_EQ(routes.way("8.8.8.8"), "none");
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.254")));
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.254");
  EXPECT_EQ(routes.way("2001:db8::1"), "fe80::1");
  ASSERT_TRUE(routes.remove(via("::/0", "fe80::1")));
  EXPECT_EQ(routes.way("2001:db8::1"), "none");
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.254");
}

// An IPv6 prefix that covers the mapped range lies between the root and the IPv4 routes.
TEST(RouteTable, AShortIpv6PrefixDoesNotTakeIpv4Packets) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("::/8", "fe80::8")));
  ASSERT_TRUE(routes.add(via("10.0.0.0/8", "10.0.0.1")));
  EXPECT_EQ(routes.way("11.0.0.1"), "none");
  EXPECT_EQ(routes.way("10.9.9.9"), "10.0.0.1");
  EXPECT_EQ(routes.way("::5"), "fe80::8");
}

TEST(RouteTable, OfEqualPrefixesTheLowestMetricWinsThenTheOldest) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.1", 0, 10)));
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.2", 0, 5)));
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.3", 0, 5)));
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.4", 0, 7)));
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.2");
  ASSERT_TRUE(routes.remove(via("0.0.0.0/0", "10.0.0.2", 0, 5)));
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.3");
  ASSERT_TRUE(routes.remove(via("0.0.0.0/0", "10.0.0.3", 0, 5)));
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.4");
  ASSERT_TRUE(routes.remove(via("0.0.0.0/0", "10.0.0.4", 0, 7)));
  EXPECT_EQ(routes.way("8.8.8.8"), "10.0.0.1");
}

TEST(RouteTable, HostBitsOfADestinationMeanNothing) {
  Routes routes;
  ASSERT_TRUE(routes.add(on_link("10.0.0.1/24")));
  EXPECT_EQ(routes.way("10.0.0.200"), "link 0");
  const auto again = routes.add(on_link("10.0.0.99/24"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), Error::kExists);
  EXPECT_TRUE(routes.remove(on_link("10.0.0.5/24")));
  EXPECT_EQ(routes.size(), 0u);
}

TEST(RouteTable, RefusesWhatCannotBe) {
  Routes routes{2};
  EXPECT_EQ(refusal(routes.add(via("10.0.0.0/8", "fe80::1"))), Error::kInvalid);
  EXPECT_EQ(refusal(routes.add(via("fdaa::/64", "10.0.0.1"))), Error::kInvalid);
  for (const char* gateway : {"0.0.0.0", "224.0.0.5", "255.255.255.255", "127.0.0.1"}) {
    EXPECT_EQ(refusal(routes.add(via("10.0.0.0/8", gateway))), Error::kInvalid) << gateway;
  }
  for (const char* gateway : {"::", "ff02::2", "::1"}) {
    EXPECT_EQ(refusal(routes.add(via("fdaa::/64", gateway))), Error::kInvalid) << gateway;
  }
  EXPECT_EQ(routes.size(), 0u);
  ASSERT_TRUE(routes.add(on_link("10.0.0.0/8")));
  ASSERT_TRUE(routes.add(on_link("11.0.0.0/8")));
  EXPECT_EQ(refusal(routes.add(on_link("12.0.0.0/8"))), Error::kNoBuffers);
  EXPECT_EQ(refusal(routes.remove(on_link("12.0.0.0/8"))), Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove(on_link("10.0.0.0/9"))), Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove(on_link("10.0.0.0/8", 1))), Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove(on_link("10.0.0.0/8", 0, 1))), Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove(via("10.0.0.0/8", "10.0.0.1"))), Error::kNotFound);
  EXPECT_EQ(routes.size(), 2u);
}

/// What a route table is, written as a list.
class LinearRoutes {
 public:
  bool add(const Route& route) {
    if (std::find(routes_.begin(), routes_.end(), route) != routes_.end()) return false;
    routes_.push_back(route);
    return true;
  }
  bool remove(const Route& route) {
    const auto found = std::find(routes_.begin(), routes_.end(), route);
    if (found == routes_.end()) return false;
    routes_.erase(found);
    return true;
  }
  const Route* lookup(const IpAddress& destination) const {
    const Route* best = nullptr;
    for (const Route& route : routes_) {
      if (!route.destination.contains(destination)) continue;
      if (best == nullptr || route.destination.length() > best->destination.length() ||
          (route.destination.length() == best->destination.length() &&
           route.metric < best->metric)) {
        best = &route;
      }
    }
    return best;
  }
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

/// Addresses out of a small set of prefixes, so that routes nest and look-ups hit.
IpAddress any_address(Rng& rng) {
  if (rng.below(2) == 0) {
    return IpAddress::v4((rng.below(2) == 0 ? 0x0a000000u : 0xc0a80000u) |
                         (rng.below(1 << 12) * 0x11u));
  }
  const auto word = [&] { return static_cast<std::uint16_t>(rng.below(3) * 0x5555); };
  return IpAddress::v6(static_cast<std::uint16_t>(rng.below(2) == 0 ? 0x2001 : 0), word(), 0, 0,
                       word(), 0, 0, word());
}

Route any_route(Rng& rng) {
  const IpAddress address = any_address(rng);
  const IpPrefix raw{address, rng.below(IpPrefix::max_length(address.family()) + 1)};
  Route route;
  route.destination = IpPrefix{raw.network(), raw.length()};
  route.interface = static_cast<InterfaceId>(rng.below(3));
  route.metric = rng.below(3);
  return route;
}

TEST(RouteTable, AgreesWithALinearSearchThroughEveryChange) {
  Rng rng{20};
  for (int round = 0; round < 60; ++round) {
    Routes routes{128};
    LinearRoutes model;
    for (int step = 0; step < 600; ++step) {
      // Phases of growth and of shrinking, down to nothing.
      const bool grows = rng.below(100) < ((step / 150) % 2 == 0 ? 70u : 30u);
      if (grows && model.all().size() < 128) {
        const Route route = any_route(rng);
        const auto added = routes.add(route);
        ASSERT_EQ(added.has_value(), model.add(route));
        if (!added) {
          ASSERT_EQ(added.error(), Error::kExists);
        }
      } else if (!model.all().empty()) {
        const Route route =
            rng.below(10) == 0
                ? any_route(rng)
                : model.all()[rng.below(static_cast<std::uint32_t>(model.all().size()))];
        ASSERT_EQ(routes.remove(route).has_value(), model.remove(route));
      }
      ASSERT_EQ(routes.size(), model.all().size());
      for (int probe = 0; probe < 4; ++probe) {
        const IpAddress destination = any_address(rng);
        const Route* want = model.lookup(destination);
        const Route* got = routes.lookup(destination);
        ASSERT_EQ(got == nullptr, want == nullptr);
        if (want != nullptr) {
          ASSERT_EQ(*got, *want);
        }
      }
    }
    for (const Route& route : std::vector<Route>{model.all()}) {
      ASSERT_TRUE(routes.remove(route));
    }
  }
}

// Nodes of the trie are given back: a table that is filled and emptied for ever never runs out.
TEST(RouteTable, ChangeLeavesNothingBehind) {
  Rng rng{21};
  Routes routes{64};
  for (int round = 0; round < 500; ++round) {
    std::vector<Route> added;
    while (added.size() < 64) {
      const Route route = any_route(rng);
      if (routes.add(route)) added.push_back(route);
    }
    for (const Route& route : added) ASSERT_TRUE(routes.remove(route));
    ASSERT_EQ(routes.size(), 0u);
  }
}

TEST(RouteTable, ListsEveryRouteOnce) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.254")));
  ASSERT_TRUE(routes.add(on_link("10.0.0.0/24")));
  ASSERT_TRUE(routes.add(on_link("fdaa::/64")));
  ASSERT_TRUE(routes.remove(on_link("10.0.0.0/24")));
  std::vector<IpPrefix> seen;
  routes.for_each([&](const Route& route) { seen.push_back(route.destination); });
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], prefix("0.0.0.0/0"));
  EXPECT_EQ(seen[1], prefix("fdaa::/64"));
}

// --- changing what is there
// --------------------------------------------------------------------------

/// Every route, by destination's place in the table, as "gateway metric".
std::string all_of(const RouteTable& routes) {
  std::vector<std::string> lines;
  routes.for_each([&](const Route& route) {
    Text<64> text;
    if (route.gateway) route.gateway->print(text);
    text.put(" ").dec(route.metric);
    lines.emplace_back(text.view());
  });
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "; ";
  return out;
}

// `ip route del` matches what it is told, and of several the one that is in use first.
TEST(RouteChanges, DeletingMatchesWhatIsGiven) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.1", 0, 20)));
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.2", 1, 10)));
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.3", 1, 20)));
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.4")));
  const IpPrefix to = prefix("192.0.2.77/24");
  EXPECT_EQ(
      refusal(routes.remove_first({to, at("10.0.0.1"), InterfaceId{1}, {}}).map([](Route) {})),
      Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove_first({to, {}, {}, 15}).map([](Route) {})), Error::kNotFound);
  EXPECT_EQ(refusal(routes.remove_first({prefix("192.0.2.0/25"), {}, {}, {}}).map([](Route) {})),
            Error::kNotFound);
  EXPECT_EQ(routes.size(), 4u);
  EXPECT_EQ(routes.remove_first({to, {}, InterfaceId{1}, 20}).value().gateway, at("10.0.0.3"));
  EXPECT_EQ(routes.remove_first({to, {}, {}, {}}).value().gateway, at("10.0.0.2"));
  EXPECT_EQ(routes.way("192.0.2.1"), "10.0.0.1");
  EXPECT_EQ(routes.remove_first({to, at("10.0.0.1"), {}, {}}).value().metric, 20u);
  EXPECT_EQ(routes.way("192.0.2.1"), "10.0.0.4");
  EXPECT_EQ(refusal(routes.remove_first({to, {}, {}, {}}).map([](Route) {})), Error::kNotFound);
}

TEST(RouteChanges, ReplacingPutsOneInThePlaceOfTheFirst) {
  Routes routes;
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.1", 0, 10))) << "none there: added";
  ASSERT_TRUE(routes.replace(via("192.0.2.77/24", "10.0.0.2", 0, 10))) << "host bits count not";
  EXPECT_EQ(all_of(routes), "10.0.0.2 10; ");
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.3", 0, 5))) << "another metric: added";
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.4", 0, 20)));
  EXPECT_EQ(all_of(routes), "10.0.0.2 10; 10.0.0.3 5; 10.0.0.4 20; ");
  EXPECT_EQ(routes.way("192.0.2.1"), "10.0.0.3");
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.3", 0, 5))) << "itself";
  EXPECT_EQ(routes.size(), 3u);
}

TEST(RouteChanges, AReplacementThatIsThereAlreadyIsThereOnce) {
  Routes routes;
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.1")));
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.2")));
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.3")));
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.3")));
  EXPECT_EQ(all_of(routes), "10.0.0.2 0; 10.0.0.3 0; ");
  EXPECT_EQ(routes.way("192.0.2.1"), "10.0.0.3");
}

TEST(RouteChanges, ARefusedReplacementChangesNothing) {
  Routes routes{2};
  ASSERT_TRUE(routes.add(via("192.0.2.0/24", "10.0.0.1")));
  ASSERT_TRUE(routes.add(via("0.0.0.0/0", "10.0.0.2")));
  EXPECT_EQ(refusal(routes.replace(via("192.0.2.0/24", "fe80::1"))), Error::kInvalid);
  EXPECT_EQ(refusal(routes.replace(via("192.0.2.0/24", "224.0.0.1"))), Error::kInvalid);
  EXPECT_EQ(refusal(routes.replace(via("198.51.100.0/24", "10.0.0.9"))), Error::kNoBuffers);
  EXPECT_EQ(all_of(routes), "10.0.0.1 0; 10.0.0.2 0; ");
  ASSERT_TRUE(routes.replace(via("192.0.2.0/24", "10.0.0.9"))) << "in place it needs no room";
  EXPECT_EQ(routes.way("192.0.2.1"), "10.0.0.9");
}

}  // namespace
}  // namespace smol
