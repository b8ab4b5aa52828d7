#include "protocols/packet/mem_packet.hh"

#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/packet/packets.hh"

namespace smol {
namespace {

constexpr std::size_t kHeadroom = MemPool::kHeadroom;

// --- Room at both ends
// ----------------------------------------------------------------------------

TEST(MemPacket, ANewOneIsEmptyWithAllItsRoom) {
  TestPool pool{4, 256};
  const MemPacket packet = pool->allocate();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_TRUE(packet.segment(0).empty());
  EXPECT_EQ(packet.tailroom(), 256 - kHeadroom);
  EXPECT_TRUE(packet.unique());
}

TEST(MemPacket, AnEmptyHandleIsFalse) {
  EXPECT_FALSE(MemPacket{});
  TestPool pool;
  MemPacket packet = pool->allocate();
  const MemPacket taken = std::move(packet);
  EXPECT_FALSE(packet);  // NOLINT: that it is empty now is the point
  EXPECT_TRUE(taken);
}

TEST(MemPacket, AppendUsesTheTailroomUntilThereIsNone) {
  TestPool pool{4, kHeadroom + 10};
  MemPacket packet = pool->allocate();
  write(packet.append(4), "abcd");
  EXPECT_EQ(packet.tailroom(), 6u);
  EXPECT_TRUE(packet.append(7).empty());
  EXPECT_EQ(packet.size(), 4u);
  write(packet.append(6), "efghij");
  EXPECT_EQ(packet.tailroom(), 0u);
  EXPECT_EQ(text(packet), "abcdefghij");
}

TEST(MemPacket, PrependUsesTheHeadroomUntilThereIsNone) {
  TestPool pool;
  MemPacket packet = pool.packet({"payload"});
  EXPECT_TRUE(packet.prepend(kHeadroom + 1).empty());
  EXPECT_EQ(packet.size(), 7u);
  write(packet.prepend(4), "tcp-");
  write(packet.prepend(3), "ip-");
  EXPECT_EQ(text(packet), "ip-tcp-payload");
  EXPECT_EQ(packet.prepend(kHeadroom - 7).size(), kHeadroom - 7);
  EXPECT_TRUE(packet.prepend(1).empty());
}

TEST(MemPacket, WhatIsTrimmedInFrontIsHeadroomAgain) {
  TestPool pool;
  MemPacket packet = pool.packet({"header-payload"});
  packet.trim_front(7);
  EXPECT_EQ(text(packet), "payload");
  EXPECT_EQ(packet.prepend(kHeadroom + 7).size(), kHeadroom + 7);
}

TEST(MemPacket, WhatIsTrimmedBehindIsTailroomAgain) {
  TestPool pool{4, kHeadroom + 10};
  MemPacket packet = pool.packet({"abcdefghij"});
  packet.trim_back(4);
  EXPECT_EQ(text(packet), "abcdef");
  EXPECT_EQ(packet.tailroom(), 4u);
}

// --- Chains
// ---------------------------------------------------------------------------------------

TEST(MemPacket, ChainingPutsTheOtherBehind) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  packet.chain(pool.packet({"three", "four"}));
  EXPECT_EQ(text(packet), "onetwothreefour");
  EXPECT_EQ(packet.size(), 15u);
  EXPECT_EQ(segments(packet), 4u);
  EXPECT_EQ(text(packet.segment(2)), "three");
  EXPECT_TRUE(packet.segment(4).empty());
  EXPECT_TRUE(packet.segment(99).empty());
}

TEST(MemPacket, ChainingNothingChangesNothing) {
  TestPool pool;
  MemPacket packet = pool.packet({"one"});
  packet.chain(MemPacket{});
  packet.chain(pool->allocate());
  EXPECT_EQ(segments(packet), 1u);
  EXPECT_EQ(pool->available(), pool->capacity() - 1);  // the empty one went back
}

TEST(MemPacket, AppendGoesBehindTheLastSegment) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  write(packet.append(5), "three");
  EXPECT_EQ(text(packet), "onetwothree");
  EXPECT_EQ(segments(packet), 2u);
}

TEST(MemPacket, TrimsInFrontAcrossSegments) {
  const std::string whole = "onetwothreefour";
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    TestPool pool;
    MemPacket packet = pool.packet({"one", "two", "three", "four"});
    packet.meta().hash = 77;
    packet.trim_front(n);
    ASSERT_EQ(text(packet), whole.substr(n)) << n;
    ASSERT_EQ(packet.size(), whole.size() - n);
    ASSERT_EQ(packet.meta().hash, 77u) << "the metadata stays with the packet";
  }
}

TEST(MemPacket, TrimsBehindAcrossSegments) {
  const std::string whole = "onetwothreefour";
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    TestPool pool;
    MemPacket packet = pool.packet({"one", "two", "three", "four"});
    packet.trim_back(n);
    ASSERT_EQ(text(packet), whole.substr(0, whole.size() - n)) << n;
    ASSERT_EQ(packet.size(), whole.size() - n);
  }
}

TEST(MemPacket, SegmentsThatRunEmptyGoBackToThePool) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two", "three"});
  packet.trim_front(4);
  EXPECT_EQ(pool->available(), pool->capacity() - 2);
  packet.trim_back(5);
  EXPECT_EQ(pool->available(), pool->capacity() - 1);
  EXPECT_EQ(text(packet), "wo");
}

TEST(MemPacket, TrimmingMoreThanThereIsEndsTheProcess) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  EXPECT_DEATH(packet.trim_front(7), "");
  EXPECT_DEATH(packet.trim_back(7), "");
}

TEST(MemPacket, AWhollyTrimmedOneCanBeFilledAgain) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  packet.trim_front(6);
  EXPECT_EQ(packet.size(), 0u);
  write(packet.append(4), "next");
  EXPECT_EQ(text(packet), "next");
}

// --- Pull-up
// --------------------------------------------------------------------------------------

TEST(MemPacket, PullMakesTheFrontContiguous) {
  const std::string whole = "onetwothreefour";
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    TestPool pool;
    MemPacket packet = pool.packet({"one", "two", "three", "four"});
    ASSERT_EQ(text(packet.pull(n)), whole.substr(0, n)) << n;
    ASSERT_EQ(text(packet), whole) << n;
    ASSERT_GE(packet.segment(0).size(), n);
  }
}

TEST(MemPacket, PullOfMoreThanThereIsAnswersWithNothing) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  EXPECT_TRUE(packet.pull(7).empty());
  EXPECT_EQ(text(packet), "onetwo");
}

TEST(MemPacket, PullWithoutRoomInTheFirstSegmentAnswersWithNothing) {
  TestPool pool{4, kHeadroom + 4};
  MemPacket packet = pool.packet({"abc", "defg"});
  EXPECT_EQ(text(packet.pull(4)), "abcd");
  EXPECT_TRUE(packet.pull(5).empty());
  EXPECT_EQ(text(packet), "abcdefg");
}

TEST(MemPacket, PullWithinTheFirstSegmentMovesNothing) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  const std::uint8_t* before = packet.segment(0).data();
  EXPECT_EQ(packet.pull(3).data(), before);
  EXPECT_EQ(segments(packet), 2u);
}

// --- The pool
// -------------------------------------------------------------------------------------

TEST(MemPool, AnExhaustedOneAnswersWithAnEmptyHandle) {
  TestPool pool{3, 256};
  std::vector<MemPacket> taken;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(pool->allocate_small());
    EXPECT_TRUE(taken.back());
  }
  EXPECT_EQ(pool->available(), 0u);
  EXPECT_FALSE(pool->allocate());
  taken.pop_back();
  EXPECT_EQ(pool->available(), 1u);
  EXPECT_TRUE(pool->allocate());
}

// Headers that a slow port holds on to would keep the acknowledgements out that free all the rest.
TEST(MemPool, SmallPacketsLeaveSomeToReceiveWith) {
  TestPool pool{64, 256};
  std::vector<MemPacket> taken;
  while (MemPacket small = pool->allocate_small()) taken.push_back(std::move(small));
  EXPECT_EQ(pool->available(), 4u);
  for (int i = 0; i < 4; ++i) {
    taken.push_back(pool->allocate());
    EXPECT_TRUE(taken.back());
  }
  EXPECT_FALSE(pool->allocate());
}

TEST(MemPool, ARecycledPacketStartsFresh) {
  TestPool pool{1, 256};
  {
    MemPacket packet = pool.packet({"something"});
    packet.meta().hash = 1;
    packet.meta().tx.tcp_checksum = true;
    packet.prepend(20);
  }
  MemPacket packet = pool->allocate();
  EXPECT_EQ(packet.size(), 0u);
  EXPECT_EQ(packet.meta().hash, 0u);
  EXPECT_FALSE(packet.meta().tx.any());
  EXPECT_EQ(packet.prepend(kHeadroom).size(), kHeadroom);
}

TEST(MemPool, GoingAwayBeforeItsPacketsEndsTheProcess) {
  EXPECT_DEATH(
      {
        MemPacket survivor;
        MemPool pool(1, 256, *std::pmr::new_delete_resource());
        survivor = pool.allocate();
      },
      "");
}

TEST(MemPool, BlocksTooSmallForTheHeadroomEndTheProcess) {
  EXPECT_DEATH((MemPool{1, MemPool::kHeadroom, *std::pmr::new_delete_resource()}), "");
}

TEST(MemPacket, TheTrueSizeIsThatOfTheBlocksItPins) {
  TestPool pool{8, 256};
  MemPacket one = pool.packet({"x"});
  MemPacket three = pool.packet({"x", "y", "z"});
  EXPECT_GE(one.true_size(), 256u);
  EXPECT_LE(one.true_size(), 512u);
  EXPECT_EQ(three.true_size(), 3 * one.true_size());
  one.trim_back(1);
  EXPECT_GE(one.true_size(), 256u);  // nothing in it, and it pins as much
}

}  // namespace
}  // namespace smol
