// A queue of a tap over a pair of sockets, which keep frames apart as the kernel's file does.

#include "dataplane/tap_queue.hh"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/dpdk.hh"

namespace smol::dataplane {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kHeader = sizeof(VnetHeader);
constexpr std::size_t kLongest = 65'535 + 14;

class TapQueueTest : public ::testing::Test {
 protected:
  std::unique_ptr<MbufPool> pool_ =
      MbufPool::create("tap-test", {.packets = 128, .small_packets = 64}, -1).value();
  int kernel_ = -1;
  std::unique_ptr<TapQueue> queue_ = open(kLongest);

  ~TapQueueTest() override { close(kernel_); }

  std::unique_ptr<TapQueue> open(std::size_t longest) {
    if (kernel_ >= 0) close(kernel_);
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    kernel_ = ends[0];
    return std::make_unique<TapQueue>(ends[1], *pool_, longest);
  }
  static Octets frame(std::size_t octets) {
    Octets out(octets);
    std::iota(out.begin(), out.end(), std::uint8_t{3});
    return out;
  }
  void arrives(const VnetHeader& header, const Octets& octets) {
    Octets all(kHeader + octets.size());
    std::memcpy(all.data(), &header, kHeader);
    std::copy(octets.begin(), octets.end(), all.begin() + kHeader);
    ASSERT_EQ(write(kernel_, all.data(), all.size()), static_cast<ssize_t>(all.size()));
  }
  /// The next one that came; empty if there is none.
  MbufPacket received() {
    rte_mbuf* mbuf = nullptr;
    return queue_->receive({&mbuf, 1}) == 1 ? MbufPacket::adopt(mbuf) : MbufPacket{};
  }
  static Octets octets_of(const MbufPacket& packet) {
    Octets out(packet.size());
    packet_copy(packet, 0, out);
    return out;
  }
  MbufPacket packet(const Octets& octets, std::size_t piece) {
    MbufPacket out;
    for (std::size_t at = 0; at < octets.size(); at += piece) {
      const std::size_t length = std::min(piece, octets.size() - at);
      MbufPacket one = pool_->allocate();
      std::memcpy(one.append(length).data(), octets.data() + at, length);
      if (out) {
        out.chain(std::move(one));
      } else {
        out = std::move(one);
      }
    }
    return out;
  }
  bool send(MbufPacket out) {
    rte_mbuf* mbuf = out.release();
    if (queue_->send({&mbuf, 1}) == 1) return true;
    MbufPacket::adopt(mbuf);
    return false;
  }
  /// What the other end reads: the header apart.
  std::pair<VnetHeader, Octets> sent() {
    Octets all(kHeader + 70'000);
    const ssize_t got = read(kernel_, all.data(), all.size());
    VnetHeader header;
    if (got < static_cast<ssize_t>(kHeader)) return {};
    std::memcpy(&header, all.data(), kHeader);
    return {header, Octets(all.begin() + kHeader, all.begin() + got)};
  }
};

TEST_F(TapQueueTest, ShortFrameTakesOneBuffer) {
  arrives({}, frame(60));
  const MbufPacket packet = received();
  ASSERT_TRUE(packet);
  EXPECT_EQ(octets_of(packet), frame(60));
  EXPECT_EQ(packet.node()->nb_segs, 1);
  EXPECT_EQ(packet.node()->ol_flags, 0u);
  EXPECT_FALSE(received());
}

TEST_F(TapQueueTest, FrameIsAsLongAsItsChainWhateverTheLength) {
  for (const std::size_t length : {1u, 2047u, 2048u, 2049u, 4096u, 65'000u, 65'549u}) {
    arrives({}, frame(length));
    const MbufPacket packet = received();
    ASSERT_TRUE(packet) << length;
    EXPECT_EQ(octets_of(packet), frame(length)) << length;
    EXPECT_EQ(packet.node()->nb_segs, (length + 2047) / 2048) << length;
  }
}

TEST_F(TapQueueTest, BurstIsInOrder) {
  for (std::size_t length = 60; length < 70; ++length) arrives({}, frame(length));
  std::array<rte_mbuf*, 8> burst{};
  ASSERT_EQ(queue_->receive(burst), 8);
  for (std::size_t i = 0; i < burst.size(); ++i) {
    EXPECT_EQ(octets_of(MbufPacket::adopt(burst[i])).size(), 60 + i);
  }
  EXPECT_EQ(queue_->receive(burst), 2);
  for (std::size_t i = 0; i < 2; ++i) MbufPacket::adopt(burst[i]);
}

// The buffers for a long frame wait; a short one takes only what it fills.
TEST_F(TapQueueTest, SmallFramesCostNoMoreBuffersThanTheyFill) {
  arrives({}, frame(60));
  EXPECT_TRUE(received());
  const std::size_t before = pool_->in_use();
  for (int i = 0; i < 5; ++i) {
    arrives({}, frame(60));
    EXPECT_TRUE(received());
  }
  EXPECT_EQ(pool_->in_use(), before);
}

TEST_F(TapQueueTest, BuffersComeBackWithTheQueue) {
  arrives({}, frame(5000));
  received();
  queue_.reset();
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST_F(TapQueueTest, FramesWaitWhileThereAreNoBuffersAndNoneIsCutShort) {
  std::vector<MbufPacket> held;
  while (pool_->available() > 10) held.push_back(pool_->allocate());
  arrives({}, frame(65'000));
  EXPECT_FALSE(received());
  EXPECT_GT(queue_->rx_no_buffer.value(), 0u);
  held.clear();
  const MbufPacket packet = received();
  ASSERT_TRUE(packet);
  EXPECT_EQ(octets_of(packet), frame(65'000));
}

TEST_F(TapQueueTest, FrameWithoutOctetsIsCountedAndPassedOver) {
  ASSERT_EQ(write(kernel_, "short", 5), 5);
  EXPECT_FALSE(received());
  EXPECT_EQ(queue_->rx_errors.value(), 1u);
  EXPECT_FALSE(received());
  EXPECT_EQ(queue_->rx_errors.value(), 1u);
}

TEST_F(TapQueueTest, MergedFrameTellsOfItsSegmentsAndOfTheSumLeftOut) {
  VnetHeader header;
  header.flags = VnetHeader::kNeedsChecksum;
  header.gso_type = VnetHeader::kTcp4;
  header.gso_size = 1448;
  header.csum_start = 34;
  header.csum_offset = 16;
  arrives(header, frame(30'000));
  MbufPacket packet = received();
  ASSERT_TRUE(packet);
  EXPECT_NE(packet.node()->ol_flags & RTE_MBUF_F_RX_LRO, 0u);
  EXPECT_EQ(packet.node()->tso_segsz, 1448);
  MbufPacket known = MbufPacket::received(packet.release(), Instant{}, 0);
  EXPECT_EQ(known.meta().l4_checksum, ChecksumState::kGood);
  EXPECT_EQ(known.meta().ip_checksum, ChecksumState::kUnknown);
  EXPECT_TRUE(known.meta().tx.tcp_checksum);
  EXPECT_EQ(known.meta().tx.l2_len, 14);
  EXPECT_EQ(known.meta().tx.l3_len, 20);
  EXPECT_EQ(known.meta().tx.segment_size, 0);
}

TEST_F(TapQueueTest, HeaderThatMakesNoSenseMarksTheFrame) {
  VnetHeader header;
  header.gso_type = VnetHeader::kTcp4;
  arrives(header, frame(3000));
  const MbufPacket packet = received();
  ASSERT_TRUE(packet);
  EXPECT_NE(packet.node()->ol_flags & RTE_MBUF_F_RX_LRO, 0u);
  EXPECT_EQ(packet.node()->tso_segsz, 0);
}

// What the port may drop as too long has to look so.
TEST_F(TapQueueTest, FrameThatIsCutOffIsLongerThanTheLongest) {
  for (const std::size_t longest : {1522u, 2048u}) {
    queue_ = open(longest);
    arrives({}, frame(9000));
    const MbufPacket packet = received();
    ASSERT_TRUE(packet);
    EXPECT_GT(packet.size(), longest);
  }
}

TEST_F(TapQueueTest, ChainIsSentAsOneFrame) {
  ASSERT_TRUE(send(packet(frame(5000), 1000)));
  const auto [header, octets] = sent();
  EXPECT_EQ(header.flags, 0);
  EXPECT_EQ(octets, frame(5000));
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST_F(TapQueueTest, ChecksumIsLeftToTheKernel) {
  MbufPacket out = packet(frame(100), 100);
  out.meta().tx.l2_len = 14;
  out.meta().tx.l3_len = 40;
  out.meta().tx.udp_checksum = true;
  ASSERT_TRUE(send(std::move(out)));
  const auto [header, octets] = sent();
  EXPECT_EQ(header.flags, VnetHeader::kNeedsChecksum);
  EXPECT_EQ(header.csum_start, 54);
  EXPECT_EQ(header.csum_offset, 6);
  EXPECT_EQ(octets, frame(100)) << "the pseudo-header's sum stays as it is";
}

// DPDK's devices want the pseudo-header's sum without the length, the kernel wants it with it; and
// the headers of a packet that others may read are not written to.
TEST_F(TapQueueTest, SumOfWhatIsSegmentedGetsTheLengthAndThePacketStaysAsItIs) {
  Octets octets = frame(9000);
  octets[14] = 0x45;
  octets[34 + 13] = 0x10;
  octets[34 + 16] = 0xff;
  octets[34 + 17] = 0x00;
  MbufPacket out = packet(octets, 1000);
  out.meta().tx.l2_len = 14;
  out.meta().tx.l3_len = 20;
  out.meta().tx.l4_len = 32;
  out.meta().tx.tcp_checksum = true;
  out.meta().tx.segment_size = 1448;
  MbufPacket other = out.hold();
  ASSERT_TRUE(send(std::move(out)));
  const auto [header, got] = sent();
  EXPECT_EQ(header.gso_type, VnetHeader::kTcp4);
  EXPECT_EQ(header.gso_size, 1448);
  EXPECT_EQ(header.hdr_len, 66);
  EXPECT_EQ(octets_of(other), octets);
  const std::uint32_t sum = 0xff00 + (9000 - 34);
  const std::uint32_t folded = (sum & 0xffff) + (sum >> 16);
  octets[34 + 16] = static_cast<std::uint8_t>(folded >> 8);
  octets[34 + 17] = static_cast<std::uint8_t>(folded);
  EXPECT_EQ(got, octets);
}

TEST_F(TapQueueTest, RefusedPacketStaysTheCallers) {
  close(std::exchange(kernel_, -1));
  EXPECT_FALSE(send(packet(frame(100), 100)));
  EXPECT_EQ(queue_->tx_errors.value(), 1u);
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST_F(TapQueueTest, WantOfRoomIsNoError) {
  int sends = 0;
  while (sends < 10'000 && send(packet(frame(1000), 1000))) ++sends;
  ASSERT_GT(sends, 0);
  ASSERT_LT(sends, 10'000);
  EXPECT_EQ(queue_->tx_errors.value(), 0u);
}

}  // namespace
}  // namespace smol::dataplane
