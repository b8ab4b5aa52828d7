// A pure machine in virtual time, over plain memory.

#include "dataplane/fault_injector.hh"

#include <algorithm>
#include <memory_resource>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane {
namespace {

constexpr Instant at(std::int64_t ms) {
  return Instant{milliseconds(ms)};
}

/// What came out, in order; a packet is known by its first octet.
class Collected final : public FaultOutlet<MemPacket> {
 public:
  void pass(MemPacket packet) noexcept override {
    passed.push_back(packet.segment(0)[0]);
    packets.push_back(std::move(packet));
  }
  void drop(MemPacket packet, Drop reason) noexcept override {
    dropped.push_back(reason);
    dropped_packets.push_back(packet.segment(0)[0]);
  }

  std::vector<int> passed;
  std::vector<MemPacket> packets;
  std::vector<Drop> dropped;
  std::vector<int> dropped_packets;
};

class FaultInjectorTest : public ::testing::Test {
 protected:
  MemPool pool_{1024, 2048 + 128, *std::pmr::new_delete_resource()};
  Collected out_;

  MemPacket packet(int first, std::size_t size = 100) {
    MemPacket p = pool_.allocate();
    const MutBytes octets = p.append(size);
    std::fill(octets.begin(), octets.end(), std::uint8_t{0});
    octets[0] = static_cast<std::uint8_t>(first);
    return p;
  }
  FaultInjector<MemPacket> injector(const FaultConfig& config, std::uint64_t seed = 1,
                                    Direction direction = Direction::kRx) {
    return {config, direction, seed, pool_};
  }
  void feed(FaultInjector<MemPacket>& injector, Instant now, int first, int last) {
    for (int i = first; i <= last; ++i) injector.feed(now, packet(i), out_);
  }
  static std::size_t differing_bits(const MemPacket& a, const MemPacket& b) {
    std::size_t bits = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      bits += static_cast<std::size_t>(
          __builtin_popcount(static_cast<unsigned>(a.segment(0)[i] ^ b.segment(0)[i])));
    }
    return bits;
  }
};

TEST_F(FaultInjectorTest, WithoutFaultsEverythingPassesAtOnce) {
  auto injector = this->injector({});
  feed(injector, at(0), 1, 3);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(injector.next_deadline(), kNever);
}

TEST_F(FaultInjectorTest, DropChanceOfAHundredDropsAll) {
  auto injector = this->injector({.drop_chance = 100});
  feed(injector, at(0), 1, 200);
  EXPECT_TRUE(out_.passed.empty());
  EXPECT_EQ(out_.dropped, std::vector<Drop>(200, Drop::kInjectedDrop));
}

TEST_F(FaultInjectorTest, DropChanceIsMetOverManyPackets) {
  auto injector = this->injector({.drop_chance = 15});
  for (int i = 0; i < 100; ++i) {
    feed(injector, at(0), 1, 200);
    out_.packets.clear();
  }
  EXPECT_NEAR(static_cast<double>(out_.dropped.size()), 3000, 200);
}

TEST_F(FaultInjectorTest, FractionOfAPercentIsAChanceToo) {
  auto injector = this->injector({.drop_chance = 0.5});
  for (int i = 0; i < 100; ++i) {
    feed(injector, at(0), 1, 200);
    out_.packets.clear();
  }
  EXPECT_NEAR(static_cast<double>(out_.dropped.size()), 100, 40);
}

TEST_F(FaultInjectorTest, EqualSeedsMakeEqualFaults) {
  const FaultConfig config{.drop_chance = 20,
                           .duplicate_chance = 20,
                           .reorder_chance = 20,
                           .delay = milliseconds(1),
                           .delay_jitter = milliseconds(5)};
  std::vector<std::vector<int>> runs;
  for (const std::uint64_t seed : {7u, 7u, 8u}) {
    out_ = {};
    auto injector = this->injector(config, seed);
    feed(injector, at(0), 1, 100);
    while (injector.next_deadline() != kNever) injector.release(injector.next_deadline(), out_);
    runs.push_back(out_.passed);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(FaultInjectorTest, SizeLimitDropsWhatIsLonger) {
  auto injector = this->injector({.size_limit = 100});
  injector.feed(at(0), packet(1, 100), out_);
  injector.feed(at(0), packet(2, 101), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1}));
  EXPECT_EQ(out_.dropped, (std::vector<Drop>{Drop::kInjectedSizeLimit}));
}

TEST_F(FaultInjectorTest, RateLimitHoldsForEachInterval) {
  auto injector = this->injector({.rx_rate_limit = 2, .shaping_interval = milliseconds(50)});
  feed(injector, at(10), 1, 3);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2}));
  EXPECT_EQ(out_.dropped, (std::vector<Drop>{Drop::kInjectedRxRate}));
  feed(injector, at(59), 4, 4);
  EXPECT_EQ(out_.dropped_packets, (std::vector<int>{3, 4}));
  feed(injector, at(60), 5, 7);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2, 5, 6}));
}

TEST_F(FaultInjectorTest, RateThatWasNotUsedIsNotSaved) {
  auto injector = this->injector({.rx_rate_limit = 2, .shaping_interval = milliseconds(50)});
  feed(injector, at(0), 1, 1);
  feed(injector, at(500), 2, 4);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(out_.dropped_packets, (std::vector<int>{4}));
}

TEST_F(FaultInjectorTest, RateLimitsOfTheTwoDirectionsAreApart) {
  const FaultConfig config{.tx_rate_limit = 1};
  auto rx = this->injector(config, 1, Direction::kRx);
  feed(rx, at(0), 1, 3);
  EXPECT_EQ(out_.passed.size(), 3u);
  auto tx = this->injector(config, 1, Direction::kTx);
  feed(tx, at(0), 4, 6);
  EXPECT_EQ(out_.passed.size(), 4u);
  EXPECT_EQ(out_.dropped, std::vector<Drop>(2, Drop::kInjectedTxRate));
}

TEST_F(FaultInjectorTest, CorruptionFlipsExactlyOneBit) {
  auto injector = this->injector({.corrupt_chance = 100});
  std::vector<std::size_t> hit(100);
  for (int i = 0; i < 500; ++i) {
    injector.feed(at(0), packet(0), out_);
    const MemPacket original = packet(0);
    ASSERT_EQ(differing_bits(original, out_.packets.back()), 1u);
    for (std::size_t octet = 0; octet < hit.size(); ++octet) {
      if (out_.packets.back().segment(0)[octet] != 0) ++hit[octet];
    }
  }
  // Any octet may be hit, not the header alone.
  EXPECT_GT(std::count_if(hit.begin(), hit.end(), [](std::size_t n) { return n > 0; }), 90);
}

TEST_F(FaultInjectorTest, CorruptionReachesTheSecondSegment) {
  auto injector = this->injector({.corrupt_chance = 100});
  bool reached = false;
  for (int i = 0; i < 100 && !reached; ++i) {
    MemPacket p = packet(0, 10);
    p.chain(packet(0, 10));
    injector.feed(at(0), std::move(p), out_);
    const Bytes second = out_.packets.back().segment(1);
    reached = std::any_of(second.begin(), second.end(), [](std::uint8_t o) { return o != 0; });
    out_.packets.clear();
  }
  EXPECT_TRUE(reached);
}

// A sender keeps what it sent, to send it again.
TEST_F(FaultInjectorTest, CorruptionLeavesTheOctetsOfOtherOwnersAlone) {
  auto injector = this->injector({.corrupt_chance = 100}, 1, Direction::kTx);
  MemPacket kept = packet(0);
  injector.feed(at(0), kept.hold(), out_);
  auto view = kept.share(0, 100);
  injector.feed(at(0), std::move(*view), out_);
  const MemPacket clean = packet(0);
  EXPECT_EQ(differing_bits(clean, kept), 0u);
  EXPECT_EQ(differing_bits(clean, out_.packets[0]), 1u);
  EXPECT_EQ(differing_bits(clean, out_.packets[1]), 1u);
}

TEST_F(FaultInjectorTest, CorruptionIsLeftOutWhenThereIsNoBufferForACopy) {
  auto injector = this->injector({.corrupt_chance = 100});
  MemPacket kept = packet(5);
  std::vector<MemPacket> all;
  while (MemPacket p = pool_.allocate()) all.push_back(std::move(p));
  injector.feed(at(0), kept.hold(), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{5}));
  EXPECT_EQ(differing_bits(kept, out_.packets[0]), 0u);
}

// The device said that the checksum was right, of the packet as it was before.
TEST_F(FaultInjectorTest, CorruptedPacketIsVerifiedInSoftware) {
  auto injector = this->injector({.corrupt_chance = 100});
  MemPacket p = packet(0);
  p.meta().ip_checksum = ChecksumState::kGood;
  p.meta().l4_checksum = ChecksumState::kGood;
  injector.feed(at(0), std::move(p), out_);
  EXPECT_EQ(out_.packets[0].meta().ip_checksum, ChecksumState::kUnknown);
  EXPECT_EQ(out_.packets[0].meta().l4_checksum, ChecksumState::kUnknown);
}

// A checksum that the device computes after the damage would hide it.
TEST_F(FaultInjectorTest, ChecksumsLeftToTheDeviceAreFilledInBeforeTheDamage) {
  auto injector = this->injector({.corrupt_chance = 100}, 1, Direction::kTx);
  MemPacket p = packet(0, 60);
  const MutBytes octets = p.pull(60);
  octets[14] = 0x45;
  p.meta().tx = {.l2_len = 14,
                 .l4_len = 20,
                 .l3_len = 20,
                 .segment_size = 0,
                 .ip4_checksum = true,
                 .tcp_checksum = true,
                 .udp_checksum = false};
  MemPacket clean = packet(0, 60);
  const MutBytes expected = clean.pull(60);
  expected[14] = 0x45;
  put_be16(expected, 14 + 10, static_cast<std::uint16_t>(~0x4500 & 0xffff));
  put_be16(expected, 34 + 16, 0xffff);
  injector.feed(at(0), std::move(p), out_);
  EXPECT_FALSE(out_.packets[0].meta().tx.any());
  EXPECT_EQ(differing_bits(clean, out_.packets[0]), 1u);
}

TEST_F(FaultInjectorTest, DuplicateIsASecondPacketOfItsOwn) {
  auto injector = this->injector({.duplicate_chance = 100});
  MemPacket p = packet(7);
  p.meta().interface = 3;
  injector.feed(at(0), std::move(p), out_);
  ASSERT_EQ(out_.passed, (std::vector<int>{7, 7}));
  EXPECT_TRUE(out_.packets[0].unique());
  EXPECT_TRUE(out_.packets[1].unique());
  EXPECT_EQ(out_.packets[0].meta().interface, 3);
  EXPECT_EQ(out_.packets[1].meta().interface, 3);
}

TEST_F(FaultInjectorTest, DuplicateOfALongChainIsTheWholeChain) {
  auto injector = this->injector({.duplicate_chance = 100});
  MemPacket p = packet(1, 2000);
  p.chain(packet(2, 2000));
  p.chain(packet(3, 2000));
  injector.feed(at(0), std::move(p), out_);
  ASSERT_EQ(out_.packets.size(), 2u);
  for (const MemPacket& twin : out_.packets) {
    ASSERT_EQ(twin.size(), 6000u);
    std::vector<std::uint8_t> octets(6000);
    packet_copy(twin, 0, octets);
    EXPECT_EQ(octets[2000], 2);
    EXPECT_EQ(octets[4000], 3);
  }
}

TEST_F(FaultInjectorTest, DelayHoldsEachPacketForItsTime) {
  auto injector = this->injector({.delay = milliseconds(100)});
  feed(injector, at(0), 1, 2);
  feed(injector, at(30), 3, 3);
  EXPECT_TRUE(out_.passed.empty());
  EXPECT_EQ(injector.next_deadline(), at(100));
  injector.release(at(99), out_);
  EXPECT_TRUE(out_.passed.empty());
  injector.release(at(100), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2}));
  EXPECT_EQ(injector.next_deadline(), at(130));
  injector.release(at(200), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(injector.next_deadline(), kNever);
}

TEST_F(FaultInjectorTest, JitterIsWithinItsRangeAndReorders) {
  auto injector = this->injector({.delay = milliseconds(10), .delay_jitter = milliseconds(20)});
  feed(injector, at(0), 1, 100);
  injector.release(at(9), out_);
  EXPECT_TRUE(out_.passed.empty());
  injector.release(at(20), out_);
  EXPECT_NEAR(static_cast<double>(out_.passed.size()), 50, 20);
  injector.release(at(30), out_);
  EXPECT_EQ(out_.passed.size(), 100u);
  EXPECT_FALSE(std::is_sorted(out_.passed.begin(), out_.passed.end()));
}

TEST_F(FaultInjectorTest, QueueIsBounded) {
  auto injector = this->injector({.delay = milliseconds(10), .queue = 3});
  feed(injector, at(0), 1, 5);
  EXPECT_EQ(injector.held(), 3u);
  EXPECT_EQ(out_.dropped, std::vector<Drop>(2, Drop::kInjectorFull));
  EXPECT_EQ(out_.dropped_packets, (std::vector<int>{4, 5}));
  injector.release(at(10), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2, 3}));
}

TEST_F(FaultInjectorTest, ReorderedPacketComesBehindUpToSoManyOthers) {
  // With distance 1 every held packet lets exactly one go first.
  bool seen = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    out_ = {};
    auto injector = this->injector({.reorder_chance = 30, .reorder_distance = 1}, seed);
    feed(injector, at(0), 1, 30);
    injector.release(at(1000), out_);
    ASSERT_EQ(out_.passed.size(), 30u);
    seen = seen || !std::is_sorted(out_.passed.begin(), out_.passed.end());
    auto sorted = out_.passed;
    std::sort(sorted.begin(), sorted.end());
    for (int i = 1; i <= 30; ++i) EXPECT_EQ(sorted[static_cast<std::size_t>(i) - 1], i);
  }
  EXPECT_TRUE(seen);
}

TEST_F(FaultInjectorTest, ReorderedPacketThatNothingFollowsLeavesAfterItsTime) {
  auto injector = this->injector(
      {.reorder_chance = 100, .reorder_distance = 3, .reorder_timeout = milliseconds(20)});
  feed(injector, at(5), 1, 2);
  EXPECT_TRUE(out_.passed.empty());
  EXPECT_EQ(injector.next_deadline(), at(25));
  injector.release(at(24), out_);
  EXPECT_TRUE(out_.passed.empty());
  injector.release(at(25), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2}));
}

TEST_F(FaultInjectorTest, ReorderingHoldsABoundedNumberOfPackets) {
  auto injector = this->injector({.reorder_chance = 100, .reorder_distance = 1000});
  feed(injector, at(0), 1, 200);
  EXPECT_EQ(injector.held(), 64u);
  EXPECT_EQ(out_.passed.size(), 200u - 64u);
}

TEST_F(FaultInjectorTest, HeldPacketsKeepTheLinksOfTheirOtherOwner) {
  PacketQueue<MemPacket> queue;
  queue.push_back(packet(1));
  queue.push_back(packet(2));
  auto injector = this->injector({.delay = milliseconds(10)}, 1, Direction::kTx);
  for (auto* node = queue.head(); node != nullptr; node = queue.after(node)) {
    injector.feed(
        at(0), Borrowed<MemPacket> { node } -> hold(), out_);
  }
  injector.release(at(10), out_);
  EXPECT_EQ(out_.passed, (std::vector<int>{1, 2}));
  out_ = {};
  EXPECT_EQ(queue.pop_front().segment(0)[0], 1);
  EXPECT_EQ(queue.pop_front().segment(0)[0], 2);
}

TEST_F(FaultInjectorTest, WhatIsHeldIsFreedWithIt) {
  {
    auto injector = this->injector({.reorder_chance = 50, .delay = milliseconds(10)});
    feed(injector, at(0), 1, 50);
    EXPECT_EQ(injector.held(), 50u);
  }
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

}  // namespace
}  // namespace smol::dataplane
