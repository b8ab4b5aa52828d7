#include "protocols/iface/addresses.hh"

#include <memory_resource>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/base/printed.hh"

namespace smol {
namespace {

constexpr IpAddress kOne = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kBroadcast = IpAddress::v4(10, 0, 0, 255);
constexpr IpAddress kGroup = IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 1);

struct Table : AddressTable {
  explicit Table(std::uint32_t capacity = 8)
      : AddressTable{capacity, Secret{1, 2}, *std::pmr::new_delete_resource()} {}
};

TEST(AddressTable, AnswersWhatAnAddressIsToAnInterface) {
  Table table;
  ASSERT_TRUE(table.add(0, kOne, AddressKind::kUnicast));
  ASSERT_TRUE(table.add(0, kBroadcast, AddressKind::kBroadcast));
  ASSERT_TRUE(table.add(0, kGroup, AddressKind::kMulticast));
  EXPECT_EQ(table.find(0, kOne), AddressKind::kUnicast);
  EXPECT_EQ(table.find(0, kBroadcast), AddressKind::kBroadcast);
  EXPECT_EQ(table.find(0, kGroup), AddressKind::kMulticast);
  EXPECT_EQ(table.find(0, IpAddress::v4(10, 0, 0, 2)), std::nullopt);
}

// IP4-050: the strong end system.
TEST(AddressTable, AnAddressBelongsToOneInterface) {
  Table table;
  ASSERT_TRUE(table.add(1, kOne, AddressKind::kUnicast));
  EXPECT_EQ(table.find(0, kOne), std::nullopt);
  EXPECT_EQ(table.find(1, kOne), AddressKind::kUnicast);
  EXPECT_TRUE(table.is_own(kOne));
}

TEST(AddressTable, OwnIsUnicastAndKnownIsAnything) {
  Table table;
  ASSERT_TRUE(table.add(0, kBroadcast, AddressKind::kBroadcast));
  EXPECT_FALSE(table.is_own(kBroadcast));
  EXPECT_TRUE(table.is_known(kBroadcast));
  EXPECT_FALSE(table.is_known(kOne));
}

// Two addresses of one subnet share its broadcast address; two of one /120 their solicited-node
// group.
TEST(AddressTable, AnAddressGoesWithItsLastUser) {
  Table table;
  ASSERT_TRUE(table.add(0, kGroup, AddressKind::kMulticast));
  ASSERT_TRUE(table.add(0, kGroup, AddressKind::kMulticast));
  table.remove(0, kGroup);
  EXPECT_EQ(table.find(0, kGroup), AddressKind::kMulticast);
  table.remove(0, kGroup);
  EXPECT_EQ(table.find(0, kGroup), std::nullopt);
  table.remove(0, kGroup);  // of what is not there: nothing
}

TEST(AddressTable, SaysWhenItIsFullAndHasRoomAgainAfterRemoval) {
  Table table{2};
  ASSERT_TRUE(table.add(0, kOne, AddressKind::kUnicast));
  EXPECT_FALSE(table.full());
  ASSERT_TRUE(table.add(1, kOne, AddressKind::kUnicast));
  EXPECT_TRUE(table.full());
  EXPECT_FALSE(table.add(2, kOne, AddressKind::kUnicast));
  EXPECT_TRUE(table.add(1, kOne, AddressKind::kUnicast)) << "one that is there needs no room";
  table.remove(0, kOne);
  EXPECT_TRUE(table.add(2, kOne, AddressKind::kUnicast));
}

// --- source selection ----------------------------------------------------------------------------

struct SourceRow {
  const char* fact;
  std::vector<const char*> own;
  const char* destination;
  const char* next_hop;
  const char* source;
};

std::string selected(const SourceRow& row) {
  std::vector<IpPrefix> own;
  for (const char* text : row.own) own.push_back(IpPrefix::parse(text).value());
  const std::optional<IpAddress> source = select_source(
      own, IpAddress::parse(row.destination).value(), IpAddress::parse(row.next_hop).value());
  return source ? printed(*source) : "none";
}

// SAS-007: RFC 1122 section 3.3.4.3.
TEST(SelectSource, OfIpv4AddressesTakesTheOneOnTheNextHopsSubnet) {
  const SourceRow rows[] = {
      {"the only one", {"10.0.0.1/24"}, "8.8.8.8", "10.0.0.254", "10.0.0.1"},
      {"the subnet of the gateway",
       {"10.0.0.1/24", "10.0.1.1/24"},
       "8.8.8.8",
       "10.0.1.254",
       "10.0.1.1"},
      {"the subnet of the destination",
       {"10.0.0.1/24", "10.0.1.1/24"},
       "10.0.1.9",
       "10.0.1.9",
       "10.0.1.1"},
      {"the first of two on the subnet",
       {"10.0.1.1/24", "10.0.1.2/24"},
       "10.0.1.9",
       "10.0.1.9",
       "10.0.1.1"},
      {"the first where none is",
       {"10.0.0.1/24", "10.0.1.1/24"},
       "8.8.8.8",
       "172.16.0.1",
       "10.0.0.1"},
      {"none of the other family", {"fdaa::1/64"}, "8.8.8.8", "10.0.0.254", "none"},
      {"none at all", {}, "8.8.8.8", "10.0.0.254", "none"},
  };
  for (const SourceRow& row : rows) EXPECT_EQ(selected(row), row.source) << row.fact;
}

// SAS-002, SAS-003: RFC 6724 section 5, pairwise, either order.
TEST(SelectSource, OfIpv6AddressesFollowsTheRulesInTheirOrder) {
  const SourceRow rows[] = {
      {"rule 1: the destination itself",
       {"2001:db8::1/64", "2001:db8::2/64"},
       "2001:db8::2",
       "2001:db8::2",
       "2001:db8::2"},
      {"rule 2: a scope that reaches",
       {"fe80::1/64", "2001:db8::1/64"},
       "2001:db9::1",
       "fe80::fe",
       "2001:db8::1"},
      {"rule 2: the smallest that reaches",
       {"fe80::1/64", "2001:db8::1/64"},
       "fe80::2",
       "fe80::2",
       "fe80::1"},
      {"rule 2: groups have a scope",
       {"fe80::1/64", "2001:db8::1/64"},
       "ff02::5",
       "ff02::5",
       "fe80::1"},
      {"rule 2: a wide group",
       {"fe80::1/64", "2001:db8::1/64"},
       "ff0e::5",
       "ff0e::5",
       "2001:db8::1"},
      {"rule 6: unique local to unique local",
       {"2001:db8::1/64", "fdaa::1/64"},
       "fdbb::1",
       "fe80::fe",
       "fdaa::1"},
      {"rule 6: global to global",
       {"2001:db8::1/64", "fdaa::1/64"},
       "2600::1",
       "fe80::fe",
       "2001:db8::1"},
      {"rule 6: 6to4 to 6to4",
       {"2001:db8::1/64", "2002:a00::1/64"},
       "2002:b00::1",
       "fe80::fe",
       "2002:a00::1"},
      {"rule 6: Teredo to Teredo",
       {"2001:db8::1/64", "2001:0:1::1/64"},
       "2001:0:2::1",
       "fe80::fe",
       "2001:0:1::1"},
      {"rule 8: the longer prefix",
       {"2001:db8:1::1/64", "2001:db8:2::1/64"},
       "2001:db8:2:5::1",
       "fe80::fe",
       "2001:db8:2::1"},
  };
  for (SourceRow row : rows) {
    EXPECT_EQ(selected(row), row.source) << row.fact;
    std::swap(row.own[0], row.own[1]);
    EXPECT_EQ(selected(row), row.source) << row.fact << ", the other way round";
  }
}

// RFC 6724 section 2.2: what two addresses share counts up to the length of the source's prefix.
TEST(SelectSource, InterfaceIdentifiersDoNotMakeAPrefixLonger) {
  const SourceRow row{"a tie: the first",
                      {"2001:db8::1/64", "2001:db8::8000:1/64"},
                      "2001:db8::8000:2",
                      "2001:db8::8000:2",
                      "2001:db8::1"};
  EXPECT_EQ(selected(row), row.source);
}

// IP6-005: what cannot leave its link is no source for a packet that does.
TEST(SelectSource, ALinkLocalSourceDoesNotLeaveItsLink) {
  EXPECT_EQ(selected({"", {"fe80::1/64"}, "2001:db8::1", "fe80::fe", ""}), "none");
  EXPECT_EQ(selected({"", {"fe80::1/64"}, "ff0e::1", "ff0e::1", ""}), "none");
  EXPECT_EQ(selected({"", {"fe80::1/64"}, "fe80::9", "fe80::9", ""}), "fe80::1");
  EXPECT_EQ(selected({"", {"fe80::1/64"}, "ff02::9", "ff02::9", ""}), "fe80::1");
}

// A host without a link-local address can still speak on its link.
TEST(SelectSource, AWiderScopeServesWhereNoneFits) {
  EXPECT_EQ(selected({"", {"2001:db8::1/64"}, "fe80::9", "fe80::9", ""}), "2001:db8::1");
}

}  // namespace
}  // namespace smol
