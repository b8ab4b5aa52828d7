#include "protocols/wire/ethernet.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kHeader = hex("0200 0000 0002 0200 0000 0001 0800");

TEST(EthernetView, ReadsTheFields) {
  const Exact frame{kHeader + hex("45")};
  const auto view = EthernetView::parse(frame);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->destination(), mac("02:00:00:00:00:02"));
  EXPECT_EQ(view->source(), mac("02:00:00:00:00:01"));
  EXPECT_EQ(view->type(), 0x0800);
}

TEST(EthernetView, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kHeader.size(); ++n) {
    EXPECT_EQ(reason(EthernetView::parse(Exact{Bytes{kHeader}.first(n)})), Drop::kEthTruncated)
        << n;
  }
}

// ETH-009
TEST(EthernetView, RefusesASourceWithTheGroupBit) {
  Octets frame = kHeader;
  frame[6] = 0x03;
  EXPECT_EQ(reason(EthernetView::parse(frame)), Drop::kEthBadSource);
  frame = kHeader;
  frame[0] = 0x03;  // a group as destination is what multicast is
  EXPECT_TRUE(EthernetView::parse(frame));
}

// ETH-002: below this the field is a length, which is for the caller to tell apart.
TEST(EthernetView, LeavesTheTypeToTheCaller) {
  static_assert(EthernetView::kFirstType == 0x0600);
  Octets frame = kHeader;
  frame[12] = 0x00;
  frame[13] = 0x26;
  ASSERT_TRUE(EthernetView::parse(frame));
  EXPECT_LT(EthernetView::parse(frame)->type(), EthernetView::kFirstType);
}

TEST(EthernetRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const EthernetRepr repr{any_mac(rng), any_host_mac(rng), static_cast<EtherType>(any16(rng))};
    const Octets frame = emitted(repr);
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(EthernetRepr::parse(*view), repr);
  }
}

// ETH-003
TEST(EthernetRepr, EmitsTheHeaderOfTheStandard) {
  const EthernetRepr repr{mac("02:00:00:00:00:02"), mac("02:00:00:00:00:01"), EtherType::kIp4};
  EXPECT_EQ(emitted(repr), kHeader);
}

TEST(EthernetRepr, PrintsOnOneLine) {
  EthernetRepr repr{MacAddress::broadcast(), mac("02:00:00:00:00:01"), EtherType::kArp};
  EXPECT_EQ(printed(repr), "EthernetII src=02:00:00:00:00:01 dst=ff:ff:ff:ff:ff:ff type=ARP");
  repr.type = EtherType::kIp4;
  EXPECT_TRUE(printed(repr).ends_with(" type=IPv4"));
  repr.type = EtherType::kIp6;
  EXPECT_TRUE(printed(repr).ends_with(" type=IPv6"));
  repr.type = EtherType::kVlan;
  EXPECT_TRUE(printed(repr).ends_with(" type=VLAN"));
  repr.type = static_cast<EtherType>(0x88b5);
  EXPECT_TRUE(printed(repr).ends_with(" type=0x88b5"));
}

}  // namespace
}  // namespace smol
