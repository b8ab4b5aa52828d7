#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/checksum.hh"
#include "protocols/base/random.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/packet/mem_packet.hh"
#include "tests/protocols/packet/packets.hh"

namespace smol {
namespace {

/// A chain of random octets cut at random places, odd ones included, beside the same in one piece.
struct Chain {
  MemPacket packet;
  std::vector<std::uint8_t> octets;
};

Chain random_chain(TestPool& pool, Rng& rng) {
  Chain out;
  const std::uint32_t pieces = 1 + rng.below(6);
  for (std::uint32_t i = 0; i < pieces; ++i) {
    MemPacket segment = pool->allocate();
    for (std::uint8_t& octet : segment.append(1 + rng.below(120))) {
      octet = static_cast<std::uint8_t>(rng.next());
      out.octets.push_back(octet);
    }
    if (out.packet) {
      out.packet.chain(std::move(segment));
    } else {
      out.packet = std::move(segment);
    }
  }
  return out;
}

/// A random range within n octets, empty ones included.
std::pair<std::size_t, std::size_t> random_range(std::size_t n, Rng& rng) {
  const std::size_t offset = rng.below(static_cast<std::uint32_t>(n) + 1);
  return {offset, rng.below(static_cast<std::uint32_t>(n - offset) + 1)};
}

TEST(Pieces, ForEachPieceGivesTheRangeInOrder) {
  Rng rng{1};
  for (int i = 0; i < 2'000; ++i) {
    TestPool pool;
    const Chain chain = random_chain(pool, rng);
    const auto [offset, length] = random_range(chain.octets.size(), rng);
    std::vector<std::uint8_t> got;
    for_each_piece(chain.packet, offset, length, [&](Bytes piece) {
      EXPECT_FALSE(piece.empty());
      got.insert(got.end(), piece.begin(), piece.end());
    });
    ASSERT_TRUE(std::ranges::equal(got, Bytes{chain.octets}.subspan(offset, length)));
  }
}

TEST(Pieces, TheSumIsThatOfTheContiguousRange) {
  Rng rng{2};
  for (int i = 0; i < 5'000; ++i) {
    TestPool pool;
    const Chain chain = random_chain(pool, rng);
    const auto [offset, length] = random_range(chain.octets.size(), rng);
    ASSERT_EQ(packet_sum(chain.packet, offset, length).folded(),
              internet_sum(Bytes{chain.octets}.subspan(offset, length)).folded());
  }
}

TEST(Pieces, TheCopyIsThatOfTheContiguousRange) {
  Rng rng{3};
  for (int i = 0; i < 2'000; ++i) {
    TestPool pool;
    const Chain chain = random_chain(pool, rng);
    const auto [offset, length] = random_range(chain.octets.size(), rng);
    std::vector<std::uint8_t> out(length + 2, 0xee);
    packet_copy(chain.packet, offset, MutBytes{out}.first(length));
    ASSERT_TRUE(std::equal(out.begin(), out.end() - 2,
                           chain.octets.begin() + static_cast<std::ptrdiff_t>(offset)));
    ASSERT_EQ(out[length], 0xee);
  }
}

// Two segments of odd length: the second begins at an odd octet, the third at an even one again.
TEST(Pieces, OddSegmentsChangeTheOctetsPlaces) {
  TestPool pool;
  const MemPacket packet = pool.packet({"abc", "d", "efghi", "j"});
  const std::string whole = "abcdefghij";
  const Bytes octets{reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size()};
  EXPECT_EQ(packet_sum(packet, 0, 10).folded(), internet_sum(octets).folded());
  EXPECT_EQ(packet_sum(packet, 1, 9).folded(), internet_sum(octets.subspan(1)).folded());
}

TEST(Pieces, AnEmptyRangeIsNothingWhereverItLies) {
  TestPool pool;
  const MemPacket packet = pool.packet({"abc", "def"});
  for (std::size_t at = 0; at <= 6; ++at) {
    EXPECT_EQ(packet_sum(packet, at, 0).folded(), 0);
    for_each_piece(packet, at, 0, [](Bytes) { ADD_FAILURE(); });
    packet_copy(packet, at, {});
  }
}

TEST(Pieces, ARangeBeyondThePacketEndsTheProcess) {
  TestPool pool;
  const MemPacket packet = pool.packet({"abc", "def"});
  EXPECT_DEATH(for_each_piece(packet, 5, 2, [](Bytes) {}), "");
  EXPECT_DEATH(packet_sum(packet, 0, 7), "");
}

}  // namespace
}  // namespace smol
