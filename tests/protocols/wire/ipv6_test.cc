#include "protocols/wire/ipv6.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kHeader =
    hex("6b81 2345 0008 3aff"
        "fdaa 0000 0000 0000 0000 0000 0000 0100"
        "ff02 0000 0000 0000 0000 0000 0000 0001");

Ip6Repr any_repr(Rng& rng) {
  return {.source = any_v6(rng),
          .destination = any_v6(rng),
          .next_header = static_cast<IpProtocol>(any8(rng)),
          .dscp = static_cast<std::uint8_t>(rng.below(64)),
          .ecn = static_cast<Ecn>(rng.below(4)),
          .hop_limit = any8(rng),
          .flow_label = rng.below(1u << 20),
          .payload_len = any16(rng)};
}

TEST(Ip6View, ReadsTheFields) {
  const Exact packet{kHeader};
  const auto view = Ip6View::parse(packet, 48);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->traffic_class(), 0xb8);
  EXPECT_EQ(view->dscp(), 46);
  EXPECT_EQ(view->ecn(), Ecn::kNotEct);
  EXPECT_EQ(view->flow_label(), 0x12345u);
  EXPECT_EQ(view->payload_len(), 8u);
  EXPECT_EQ(view->next_header(), IpProtocol::kIcmp6);
  EXPECT_EQ(view->hop_limit(), 255);
  EXPECT_EQ(view->source(), at("fdaa::100"));
  EXPECT_EQ(view->destination(), at("ff02::1"));
}

TEST(Ip6View, TheEcnBitsAreTheLowestOfTheTrafficClass) {
  Octets packet = kHeader;
  packet[1] = 0x30;  // traffic class ...0011
  EXPECT_EQ(Ip6View::parse(packet, 48)->ecn(), Ecn::kCe);
  EXPECT_EQ(Ip6View::parse(packet, 48)->flow_label(), 0x02345u);
}

// IP6-001
TEST(Ip6View, RefusesEveryTruncation) {
  const Octets whole = kHeader + Octets(8, 0);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(reason(Ip6View::parse(Exact{Bytes{whole}.first(n)}, n)), Drop::kIp6Truncated) << n;
  }
  EXPECT_TRUE(Ip6View::parse(Exact{whole}, whole.size()));
}

// IP6-001
TEST(Ip6View, RefusesEveryOtherVersion) {
  for (unsigned version = 0; version < 16; ++version) {
    if (version == 6) continue;
    Octets packet = kHeader;
    packet[0] = static_cast<std::uint8_t>(version << 4);
    EXPECT_EQ(reason(Ip6View::parse(Exact{packet}, 48)), Drop::kIp6BadVersion) << version;
  }
}

// IP6-001, ETH-005
TEST(Ip6View, OctetsBeyondThePayloadLengthArePadding) {
  const Octets packet = kHeader + Octets(28, 0xff);
  const auto view = Ip6View::parse(packet, packet.size());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->payload_len(), 8u);
}

TEST(Ip6View, TheHeaderAloneNeedsToBeContiguous) {
  EXPECT_TRUE(Ip6View::parse(Exact{kHeader}, 48));
  EXPECT_EQ(reason(Ip6View::parse(Exact{kHeader}, 47)), Drop::kIp6Truncated);
}

TEST(Ip6Repr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 2'000; ++i) {
    const Ip6Repr repr = any_repr(rng);
    const Octets header = emitted(repr);
    const auto view = Ip6View::parse(header, 40u + repr.payload_len);
    ASSERT_TRUE(view);
    EXPECT_EQ(Ip6Repr::parse(*view), repr);
  }
}

TEST(Ip6Repr, EmitsTheHeaderOfTheStandard) {
  EXPECT_EQ(emitted(Ip6Repr::parse(*Ip6View::parse(kHeader, 48))), kHeader);
}

TEST(Ip6Repr, OnlyTwentyBitsOfAFlowLabelAreSent) {
  const Ip6Repr repr{.flow_label = 0xffff'ffff};
  const Octets header = emitted(repr);
  EXPECT_EQ(be32(header, 0), 0x600f'ffffu);
}

TEST(Ip6Repr, PrintsOnOneLine) {
  Ip6Repr repr{.source = at("fdaa::100"),
               .destination = at("fdaa::1"),
               .next_header = IpProtocol::kTcp,
               .payload_len = 20};
  EXPECT_EQ(printed(repr), "IPv6 src=fdaa::100 dst=fdaa::1 nxt_hdr=TCP hop_limit=64 len=20");
  repr.next_header = static_cast<IpProtocol>(253);
  EXPECT_EQ(printed(repr), "IPv6 src=fdaa::100 dst=fdaa::1 nxt_hdr=253 hop_limit=64 len=20");
}

}  // namespace
}  // namespace smol
