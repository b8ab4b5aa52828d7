// What workers hand each other: the rings, the ports that one has alone, and the end of all.

#include "dataplane/team.hh"

#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rte_thash.h>

namespace smol::dataplane {
namespace {

TEST(HandoverRing, GivesInOrderWhatItTook) {
  HandoverRing<int, 8> ring;
  const std::vector<int> values = {1, 2, 3, 4, 5, 6};
  std::vector<int> out(4);
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(ring.push(values), 6u);
    EXPECT_EQ(ring.pop(out), 4u);
    EXPECT_EQ(out, (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(ring.pop(out), 2u);
    EXPECT_EQ(out[0], 5);
    EXPECT_EQ(ring.pop(out), 0u);
  }
}

TEST(HandoverRing, TakesNoMoreThanFits) {
  HandoverRing<int, 4> ring;
  const std::vector<int> values = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ring.push(values), 4u);
  EXPECT_EQ(ring.push(values), 0u);
  std::vector<int> out(3);
  ring.pop(out);
  EXPECT_EQ(ring.push(values), 3u);
}

TEST(HandoverRing, LosesNothingBetweenThreads) {
  HandoverRing<std::uint64_t, 64> ring;
  constexpr std::uint64_t kAll = 200'000;
  std::thread producer{[&] {
    std::uint64_t next = 0;
    while (next < kAll) {
      std::vector<std::uint64_t> some;
      for (std::uint64_t i = 0; i < 1 + next % 31 && next + i < kAll; ++i) some.push_back(next + i);
      next += ring.push(some);
    }
  }};
  std::uint64_t expected = 0;
  std::array<std::uint64_t, 32> out{};
  while (expected < kAll) {
    const std::size_t n = ring.pop(out);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], expected++);
  }
  producer.join();
}

TEST(Team, APortIsOneWorkersAloneOrAllWorkersTogether) {
  Team team{3, FlowHash{}, Sharding::kBuckets};
  EXPECT_EQ(team.holder_of_udp_port(53), 0u);
  EXPECT_TRUE(team.take_udp_port(1, 53, true));
  EXPECT_EQ(team.holder_of_udp_port(53), 2u) << "counted from 1";
  EXPECT_TRUE(team.take_udp_port(1, 53, true)) << "another socket of the same worker";
  EXPECT_FALSE(team.take_udp_port(2, 53, true));
  EXPECT_FALSE(team.take_udp_port(2, 53, false));
  team.release_udp_port(53);
  EXPECT_EQ(team.holder_of_udp_port(53), 2u);
  team.release_udp_port(53);
  EXPECT_EQ(team.holder_of_udp_port(53), 0u);
  for (unsigned worker = 0; worker < 3; ++worker) {
    EXPECT_TRUE(team.take_udp_port(worker, 53, false));
  }
  EXPECT_EQ(team.holder_of_udp_port(53), 0u);
  EXPECT_FALSE(team.take_udp_port(0, 53, true));
}

TEST(Team, HasDrainedWhenAllHave) {
  Team team{2, FlowHash{}, Sharding::kBuckets};
  team.has_drained();
  EXPECT_FALSE(team.all_drained());
  team.has_drained();
  EXPECT_TRUE(team.all_drained());
}

/// DPDK's own hash in software, over the tuple in the order of the packet.
TEST(Team, HashIsThatOfDpdk) {
  const FlowHash hash{0x3b61};
  std::array<std::uint8_t, 52> key{};
  hash.write_key(key);
  for (std::uint32_t i = 1; i < 1000; ++i) {
    std::array<std::uint32_t, 3> tuple = {0x0a000000u + i * 77, 0xc0a80000u + i * 13,
                                          (i * 31 & 0xffff) << 16 | 443};
    const std::uint32_t theirs = rte_softrss(tuple.data(), tuple.size(), key.data());
    std::uint16_t word = 0;
    for (const std::uint32_t part : tuple) {
      word = static_cast<std::uint16_t>(word ^ part ^ part >> 16);
    }
    EXPECT_EQ(hash(word), theirs);
  }
}

}  // namespace
}  // namespace smol::dataplane
