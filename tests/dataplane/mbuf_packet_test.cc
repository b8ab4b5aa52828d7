// What is particular to mbufs; the operations that both packet models share are in
// packet_conformance_test.cc.

#include "dataplane/mbuf_packet.hh"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

class MbufPacketTest : public ::testing::Test {
 protected:
  static constexpr PoolConfig kConfig{.packets = 64, .small_packets = 64};

  std::unique_ptr<MbufPool> pool_ = MbufPool::create("mbuf-test", kConfig, -1).value();

  MbufPacket packet(std::size_t octets) {
    MbufPacket out = pool_->allocate();
    out.append(octets);
    return out;
  }
};

TEST_F(MbufPacketTest, BufferHasHeadroomAndDataRoomInFull) {
  rte_mbuf* mbuf = pool_->allocate().release();
  EXPECT_EQ(mbuf->buf_len, MbufPool::kHeadroom + MbufPool::kDataRoom);
  EXPECT_EQ(mbuf->priv_size, 64);
  EXPECT_EQ(rte_pktmbuf_tailroom(mbuf), MbufPool::kDataRoom);
  MbufPacket::adopt(mbuf);
}

TEST_F(MbufPacketTest, MetadataLiesInThePrivateArea) {
  MbufPacket p = pool_->allocate();
  PacketMeta* meta = &p.meta();
  rte_mbuf* mbuf = p.release();
  EXPECT_EQ(static_cast<void*>(meta), rte_mbuf_to_priv(mbuf));
  MbufPacket::adopt(mbuf);
}

// Around the window of a view lie octets of others: the header before it, the data behind it.
TEST_F(MbufPacketTest, ViewGivesNoRoomOnEitherSide) {
  MbufPacket p = packet(100);
  auto view = p.share(20, 40);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->prepend(1).empty());
  EXPECT_EQ(view->tailroom(), 0u);
  EXPECT_TRUE(view->append(1).empty());
  EXPECT_EQ(view->size(), 40u);
}

// A packet in the send queue is shared from its first octet on, and the headers go before it.
TEST_F(MbufPacketTest, ViewFromTheFrontHasTheHeadroomOfThePacket) {
  MbufPacket p = packet(100);
  p.trim_front(6);
  auto view = p.share(0, 94);
  ASSERT_TRUE(view);
  auto again = view->share(0, 10);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->prepend(MbufPool::kHeadroom + 7).empty());
  EXPECT_EQ(again->prepend(MbufPool::kHeadroom + 6).size(), MbufPool::kHeadroom + 6u);
  EXPECT_EQ(view->prepend(54).size(), 54u);
  EXPECT_EQ(view->size(), 148u);
  EXPECT_EQ(p.size(), 94u);
}

TEST_F(MbufPacketTest, ViewOfAViewsMiddleHasNoHeadroom) {
  MbufPacket p = packet(100);
  auto view = p.share(0, 100);
  auto middle = view->share(10, 10);
  ASSERT_TRUE(middle);
  auto again = middle->share(0, 10);
  ASSERT_TRUE(again);
  EXPECT_TRUE(middle->prepend(1).empty());
  EXPECT_TRUE(again->prepend(1).empty());
  again->trim_front(4);
  EXPECT_EQ(again->prepend(4).size(), 4u) << "its own octets, given back";
}

TEST_F(MbufPacketTest, ViewIsMadeOfASmallMbuf) {
  MbufPacket p = packet(100);
  const std::size_t full = pool_->available();
  auto view = p.share(0, 100);
  ASSERT_TRUE(view);
  EXPECT_EQ(pool_->available(), full);
  EXPECT_EQ(pool_->small_available(), kConfig.small_packets - 1);
}

// The buffer of a freed view is its own again: with headroom, not where the view looked.
TEST_F(MbufPacketTest, FreedViewIsAUsableSmallPacketAgain) {
  MbufPacket p = packet(100);
  p.share(90, 10).reset();
  std::vector<MbufPacket> all;
  while (MbufPacket small = pool_->allocate_small()) {
    EXPECT_EQ(small.prepend(MbufPool::kHeadroom).size(), MbufPool::kHeadroom);
    EXPECT_EQ(small.tailroom(), MbufPool::kSmallDataRoom);
    all.push_back(std::move(small));
  }
  EXPECT_EQ(all.size(), kConfig.small_packets);
}

TEST_F(MbufPacketTest, LengthAndSegmentCountAreThoseOfTheMbufs) {
  MbufPacket p = packet(10);
  p.chain(packet(20));
  p.chain(packet(30));
  rte_mbuf* mbuf = p.release();
  const char* reason = nullptr;
  EXPECT_EQ(rte_mbuf_check(mbuf, 1, &reason), 0) << reason;
  EXPECT_EQ(mbuf->pkt_len, 60u);
  EXPECT_EQ(mbuf->nb_segs, 3u);
  p = MbufPacket::adopt(mbuf);
  p.trim_front(15);
  p.trim_back(35);
  EXPECT_EQ(p.size(), 10u);
  mbuf = p.release();
  EXPECT_EQ(rte_mbuf_check(mbuf, 1, &reason), 0) << reason;
  EXPECT_EQ(mbuf->nb_segs, 1u);
  MbufPacket::adopt(mbuf);
}

struct ChecksumRow {
  const char* sentence;
  std::uint64_t flags;
  ChecksumState ip;
  ChecksumState l4;
};

class RxChecksum : public MbufPacketTest, public ::testing::WithParamInterface<ChecksumRow> {};

TEST_P(RxChecksum, IsWhatTheDeviceSays) {
  const ChecksumRow& row = GetParam();
  rte_mbuf* mbuf = packet(60).release();
  mbuf->ol_flags = row.flags;
  MbufPacket::meta_of(mbuf).payload_sum_valid = true;  // left over from its last life
  MbufPacket p = MbufPacket::received(mbuf, Instant{nanoseconds(7)}, 3);
  EXPECT_EQ(p.meta().ip_checksum, row.ip) << row.sentence;
  EXPECT_EQ(p.meta().l4_checksum, row.l4) << row.sentence;
  EXPECT_EQ(p.meta().at, Instant{nanoseconds(7)});
  EXPECT_EQ(p.meta().interface, 3);
  EXPECT_FALSE(p.meta().payload_sum_valid);
  EXPECT_FALSE(p.meta().hash_valid);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RxChecksum,
    ::testing::Values(
        ChecksumRow{"no offload", 0, ChecksumState::kUnknown, ChecksumState::kUnknown},
        ChecksumRow{"both good", RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                    ChecksumState::kGood, ChecksumState::kGood},
        ChecksumRow{"both bad", RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD,
                    ChecksumState::kBad, ChecksumState::kBad},
        ChecksumRow{"IPv6: no header checksum", RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                    ChecksumState::kUnknown, ChecksumState::kGood},
        ChecksumRow{"a virtual device that has not filled it in: verified all the same",
                    RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE,
                    ChecksumState::kUnknown, ChecksumState::kUnknown}));

TEST_F(MbufPacketTest, ReceivedPacketHasTheDevicesHash) {
  rte_mbuf* mbuf = packet(60).release();
  mbuf->ol_flags = RTE_MBUF_F_RX_RSS_HASH;
  mbuf->hash.rss = 0x1234;
  MbufPacket p = MbufPacket::received(mbuf, Instant{}, 0);
  EXPECT_TRUE(p.meta().hash_valid);
  EXPECT_EQ(p.meta().hash, 0x1234u);
}

TEST_F(MbufPacketTest, WhatIsAskedOfTheDeviceIsPutIntoTheMbuf) {
  MbufPacket p = packet(60);
  p.pull(60)[14] = 0x45;
  p.meta().tx = {.l2_len = 14,
                 .l4_len = 32,
                 .l3_len = 20,
                 .segment_size = 1448,
                 .ip4_checksum = true,
                 .tcp_checksum = true,
                 .udp_checksum = false};
  p.prepare_to_send();
  rte_mbuf* mbuf = p.release();
  EXPECT_EQ(mbuf->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
                                RTE_MBUF_F_TX_TCP_SEG);
  EXPECT_EQ(mbuf->l2_len, 14);
  EXPECT_EQ(mbuf->l3_len, 20);
  EXPECT_EQ(mbuf->l4_len, 32);
  EXPECT_EQ(mbuf->tso_segsz, 1448);
  MbufPacket::adopt(mbuf);
}

TEST_F(MbufPacketTest, Udp6ChecksumIsAskedForAsIp6) {
  MbufPacket p = packet(80);
  p.pull(80)[14] = 0x60;
  p.meta().tx = {.l2_len = 14,
                 .l4_len = 8,
                 .l3_len = 40,
                 .segment_size = 0,
                 .ip4_checksum = false,
                 .tcp_checksum = false,
                 .udp_checksum = true};
  p.prepare_to_send();
  rte_mbuf* mbuf = p.release();
  EXPECT_EQ(mbuf->ol_flags, RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM);
  MbufPacket::adopt(mbuf);
}

// As our own tap has it: what is left out is good, and a capture has to fill it in.
TEST_F(MbufPacketTest, ChecksumThatWasLeftOutIsGoodAndStillToBeFilledIn) {
  rte_mbuf* mbuf = packet(60).release();
  mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_TX_UDP_CKSUM;
  mbuf->l2_len = 14;
  mbuf->l3_len = 40;
  MbufPacket p = MbufPacket::received(mbuf, Instant{}, 0);
  EXPECT_EQ(p.meta().l4_checksum, ChecksumState::kGood);
  EXPECT_TRUE(p.meta().tx.udp_checksum);
  EXPECT_FALSE(p.meta().tx.tcp_checksum);
  EXPECT_EQ(p.meta().tx.l2_len, 14);
  EXPECT_EQ(p.meta().tx.l3_len, 40);
}

// What a device said of a packet as it came is nothing to ask of the one it leaves by.
TEST_F(MbufPacketTest, NothingIsAskedOfTheDeviceByFlagsLeftOver) {
  rte_mbuf* mbuf = packet(60).release();
  mbuf->ol_flags = RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_TX_TCP_CKSUM;
  MbufPacket p = MbufPacket::received(mbuf, Instant{}, 0);
  p.prepare_to_send();
  mbuf = p.release();
  EXPECT_EQ(mbuf->ol_flags, 0u);
  MbufPacket::adopt(mbuf);
}

TEST_F(MbufPacketTest, ViewThatIsSentStaysAView) {
  MbufPacket p = packet(60);
  auto view = p.share(0, 60);
  ASSERT_TRUE(view);
  view->prepare_to_send();
  view.reset();
  EXPECT_TRUE(p.unique());
}

TEST_F(MbufPacketTest, PoolReusesTheBufferFreedLast) {
  MbufPacket p = pool_->allocate();
  const PacketMeta* place = &p.meta();
  p = MbufPacket{};
  p = pool_->allocate();
  EXPECT_EQ(&p.meta(), place);
}

TEST_F(MbufPacketTest, SharedPoolHasNoLock) {
  const auto shared = MbufPool::create("mbuf-shared", kConfig, -1, true).value();
  EXPECT_STREQ(rte_mempool_get_ops(shared->rx_mempool()->ops_index)->name, "lf_stack");
  EXPECT_EQ(shared->available(), kConfig.packets);
}

TEST_F(MbufPacketTest, PoolOfANameThatIsTakenIsRefused) {
  const auto again = MbufPool::create("mbuf-test", kConfig, -1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message,
            "packet pool: 64 + 64 packets take 0 MiB, more than DPDK has: lower pool.packets or "
            "raise eal.memory_mb");
}

TEST_F(MbufPacketTest, PoolThatTheMachineCannotHoldIsRefusedBeforeItIsTouched) {
  const auto pool = MbufPool::create("huge", {.packets = 4'000'000'000, .small_packets = 64}, -1);
  ASSERT_FALSE(pool);
  EXPECT_TRUE(pool.error().message.starts_with(
      "packet pool: 4000000000 + 64 packets take 9521484 MiB, and "))
      << pool.error().message;
  EXPECT_TRUE(pool.error().message.ends_with(" MiB are free: lower pool.packets"));
}

TEST_F(MbufPacketTest, PoolTooLargeForTheMemoryIsRefusedAndLeavesNothing) {
  const PoolConfig large{.packets = 400'000, .small_packets = 64};
  ASSERT_FALSE(MbufPool::create("large", large, -1));
  EXPECT_TRUE(MbufPool::create("large", kConfig, -1));
}

}  // namespace
}  // namespace smol::dataplane
