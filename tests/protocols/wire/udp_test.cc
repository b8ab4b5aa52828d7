#include "protocols/wire/udp.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kHeader = hex("0035 0400 0014 abcd");

TEST(UdpView, ReadsTheFields) {
  const Exact head{kHeader};
  const auto view = UdpView::parse(head, 20);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->src_port(), 53);
  EXPECT_EQ(view->dst_port(), 1024);
  EXPECT_EQ(view->length(), 20u);
  EXPECT_EQ(view->checksum(), 0xabcd);
}

TEST(UdpView, RefusesEveryTruncation) {
  const Octets whole = kHeader + Octets(12, 0);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(reason(UdpView::parse(Exact{Bytes{whole}.first(n)}, n)), Drop::kUdpTruncated) << n;
  }
  EXPECT_TRUE(UdpView::parse(Exact{whole}, whole.size()));
}

// UDP-001
TEST(UdpView, RefusesALengthBelowTheHeaderOrBeyondThePacket) {
  for (const unsigned length : {0u, 1u, 7u, 21u, 0xffffu}) {
    Octets packet = kHeader + Octets(12, 0);
    put_be16(packet, 4, static_cast<std::uint16_t>(length));
    EXPECT_EQ(reason(UdpView::parse(Exact{packet}, packet.size())), Drop::kUdpTruncated) << length;
  }
}

// UDP-001, UDP-013
TEST(UdpView, TakesEveryLengthThePacketHolds) {
  for (std::uint16_t length = 8; length <= 20; ++length) {
    Octets packet = kHeader + Octets(12, 0);
    put_be16(packet, 4, length);
    const auto view = UdpView::parse(packet, packet.size());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->length(), length);
    EXPECT_EQ(UdpRepr::parse(*view).payload_len, length - 8);
  }
}

// UDP-007: what a port of zero comes to is the socket layer's business.
TEST(UdpView, TakesPortZero) {
  Octets packet = kHeader;
  put_be32(packet, 0, 0);
  put_be16(packet, 4, 8);
  EXPECT_TRUE(UdpView::parse(packet, 8));
}

TEST(UdpRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const UdpRepr repr{any16(rng), any16(rng), static_cast<std::uint16_t>(rng.below(65'528))};
    const Octets header = emitted(repr);
    EXPECT_EQ(be16(header, 6), 0);
    const auto view = UdpView::parse(header, 8u + repr.payload_len);
    ASSERT_TRUE(view);
    EXPECT_EQ(UdpRepr::parse(*view), repr);
  }
}

TEST(UdpRepr, PrintsOnOneLine) {
  EXPECT_EQ(printed(UdpRepr{53, 1024, 12}), "UDP src=53 dst=1024 len=12");
}

}  // namespace
}  // namespace smol
