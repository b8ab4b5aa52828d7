#include "protocols/wire/tcp.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kHeader =
    hex("c15c 0050 0102 0304 0506 0708 8018 faf0 1122 3344 0101 080a 0000 0001 0000 0002");

TEST(TcpView, ReadsTheFields) {
  const Exact head{kHeader + hex("aabb")};
  const auto view = TcpView::parse(head);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->src_port(), 49500);
  EXPECT_EQ(view->dst_port(), 80);
  EXPECT_EQ(view->seq().raw, 0x01020304u);
  EXPECT_EQ(view->ack().raw, 0x05060708u);
  EXPECT_EQ(view->header_len(), 32u);
  EXPECT_EQ(view->flags().raw, TcpFlags::kAck | TcpFlags::kPsh);
  EXPECT_EQ(view->window(), 0xfaf0);
  EXPECT_EQ(view->checksum(), 0x1122);
  EXPECT_EQ(view->urgent_pointer(), 0x3344);
  EXPECT_EQ(view->options().size(), 12u);
}

TEST(TcpView, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kHeader.size(); ++n) {
    const Drop expected = n < TcpView::kMinHeader ? Drop::kTcpTruncated : Drop::kTcpBadOffset;
    EXPECT_EQ(reason(TcpView::parse(Exact{Bytes{kHeader}.first(n)})), expected) << n;
  }
  EXPECT_TRUE(TcpView::parse(Exact{kHeader}));
}

// TCP-012
TEST(TcpView, RefusesADataOffsetBelowFiveOrBeyondTheSegment) {
  for (unsigned offset = 0; offset < 16; ++offset) {
    Octets segment = kHeader;  // 32 octets
    segment[12] = static_cast<std::uint8_t>(offset << 4);
    const Exact head{segment};
    const auto view = TcpView::parse(head);
    if (offset >= 5 && offset <= 8) {
      ASSERT_TRUE(view) << offset;
      EXPECT_EQ(view->header_len(), 4 * offset);
    } else {
      EXPECT_EQ(reason(view), Drop::kTcpBadOffset) << offset;
    }
  }
}

// TCP-013
TEST(TcpView, IgnoresTheReservedBits) {
  Octets segment = kHeader;
  segment[12] = 0x8f;
  ASSERT_TRUE(TcpView::parse(segment));
  EXPECT_EQ(TcpView::parse(segment)->header_len(), 32u);
  EXPECT_EQ(TcpView::parse(segment)->flags(), TcpView::parse(kHeader)->flags());
}

TEST(TcpFlags, EachBitIsItsOwn) {
  struct Row {
    std::uint8_t bit;
    bool (TcpFlags::*is)() const noexcept;
  };
  const Row rows[] = {{0x01, &TcpFlags::fin}, {0x02, &TcpFlags::syn}, {0x04, &TcpFlags::rst},
                      {0x08, &TcpFlags::psh}, {0x10, &TcpFlags::ack}, {0x20, &TcpFlags::urg},
                      {0x40, &TcpFlags::ece}, {0x80, &TcpFlags::cwr}};
  for (const Row& row : rows) {
    EXPECT_TRUE((TcpFlags{row.bit}.*row.is)()) << int{row.bit};
    EXPECT_FALSE((TcpFlags{static_cast<std::uint8_t>(~row.bit)}.*row.is)()) << int{row.bit};
  }
}

}  // namespace
}  // namespace smol
