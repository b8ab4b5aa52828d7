#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"
#include "tests/protocols/packet/packets.hh"

namespace smol {
namespace {

// --- share()
// --------------------------------------------------------------------------------------

TEST(Share, ViewsEveryRangeOfAChain) {
  const std::string whole = "onetwothreefour";
  TestPool pool;
  const MemPacket packet = pool.packet({"one", "two", "three", "four"});
  for (std::size_t from = 0; from < whole.size(); ++from) {
    for (std::size_t n = 1; from + n <= whole.size(); ++n) {
      const std::optional<MemPacket> view = packet.share(from, n);
      ASSERT_TRUE(view);
      ASSERT_EQ(text(*view), whole.substr(from, n));
      ASSERT_EQ(view->size(), n);
    }
  }
}

TEST(Share, NeitherSideIsUniqueWhileBothLive) {
  TestPool pool;
  const MemPacket packet = pool.packet({"one", "two"});
  {
    const std::optional<MemPacket> view = packet.share(4, 1);
    EXPECT_FALSE(packet.unique());
    EXPECT_FALSE(view->unique());
  }
  EXPECT_TRUE(packet.unique());
}

TEST(Share, TheOctetsOutliveTheirFirstOwner) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  const std::optional<MemPacket> view = packet.share(2, 3);
  packet = MemPacket{};
  EXPECT_EQ(text(*view), "etw");
  EXPECT_TRUE(view->unique());
  EXPECT_EQ(pool->available(), pool->capacity() - 2);
}

TEST(Share, EachSideTrimsItsOwn) {
  TestPool pool;
  MemPacket packet = pool.packet({"0123456789"});
  std::optional<MemPacket> view = packet.share(0, 10);
  packet.trim_front(4);
  view->trim_back(7);
  EXPECT_EQ(text(packet), "456789");
  EXPECT_EQ(text(*view), "012");
}

TEST(Share, TheMetadataIsTheViewsOwn) {
  TestPool pool;
  MemPacket packet = pool.packet({"one"});
  packet.meta().hash = 5;
  std::optional<MemPacket> view = packet.share(0, 3);
  EXPECT_EQ(view->meta().hash, 0u);
  view->meta().hash = 6;
  EXPECT_EQ(packet.meta().hash, 5u);
}

// A retransmission is prepended to while the device still reads the headers of the first sending.
TEST(Share, OneSideAtMostHasTheHeadroom) {
  TestPool pool;
  MemPacket packet = pool.packet({"payload"});
  std::optional<MemPacket> sent = packet.share(0, 7);
  write(sent->prepend(7), "header-");
  EXPECT_TRUE(packet.prepend(1).empty());
  std::optional<MemPacket> again = packet.share(0, 7);
  EXPECT_TRUE(again->prepend(1).empty());
  EXPECT_EQ(text(*sent), "header-payload");
  EXPECT_EQ(text(packet), "payload");

  sent.reset();
  again.reset();
  write(packet.prepend(7), "HEADER-");  // alone again
  EXPECT_EQ(text(packet), "HEADER-payload");
}

TEST(Share, AViewOfTheMiddleHasNoRoomInTheOthersOctets) {
  TestPool pool;
  const MemPacket packet = pool.packet({"0123456789"});
  std::optional<MemPacket> view = packet.share(3, 4);
  EXPECT_TRUE(view->prepend(1).empty());
  EXPECT_TRUE(view->append(1).empty());
  EXPECT_EQ(view->tailroom(), 0u);
  EXPECT_EQ(text(packet), "0123456789");
}

TEST(Share, WhatOneSideTrimmedIsStillTheOthers) {
  TestPool pool;
  MemPacket packet = pool.packet({"0123456789"});
  const std::optional<MemPacket> view = packet.share(0, 10);
  packet.trim_front(5);
  packet.trim_back(2);
  EXPECT_TRUE(packet.prepend(1).empty());
  EXPECT_TRUE(packet.append(1).empty());
  EXPECT_EQ(text(*view), "0123456789");
}

TEST(Share, OneSideAtMostHasTheTailroom) {
  TestPool pool;
  MemPacket packet = pool.packet({"abc"});
  std::optional<MemPacket> view = packet.share(0, 3);
  write(view->append(3), "def");
  EXPECT_EQ(packet.tailroom(), 0u);
  EXPECT_TRUE(packet.append(1).empty());
  write(view->append(1), "g");
  EXPECT_EQ(text(*view), "abcdefg");
  EXPECT_EQ(text(packet), "abc");
}

TEST(Share, PullUpNeverWritesBehindSharedOctets) {
  TestPool pool;
  MemPacket packet = pool.packet({"abc", "def"});
  const std::optional<MemPacket> view = packet.share(0, 3);
  EXPECT_TRUE(packet.pull(4).empty());
  EXPECT_EQ(text(packet), "abcdef");
}

TEST(Share, PullUpMayReadFromSharedOctets) {
  TestPool pool;
  MemPacket packet = pool.packet({"abc", "def"});
  const std::optional<MemPacket> view = packet.share(3, 3);
  EXPECT_EQ(text(packet.pull(5)), "abcde");
  EXPECT_EQ(text(packet), "abcdef");
  EXPECT_EQ(text(*view), "def");
}

TEST(Share, WithoutANodeLeftThereIsNoViewAndNothingLeaks) {
  TestPool pool{2, 256};  // four nodes
  const MemPacket packet = pool.packet({"a", "b"});
  const std::optional<MemPacket> one = packet.share(0, 1);
  EXPECT_FALSE(packet.share(0, 2));  // needs two, and one is left
  EXPECT_EQ(pool->nodes_available(), 1u);
  EXPECT_TRUE(packet.share(1, 1));
}

TEST(Share, ARangeBeyondThePacketOrOfNothingEndsTheProcess) {
  TestPool pool;
  const MemPacket packet = pool.packet({"one"});
  EXPECT_DEATH(packet.share(1, 3), "");
  EXPECT_DEATH(packet.share(1, 0), "");
}

TEST(Share, AViewPinsTheWholeBlock) {
  TestPool pool;
  const MemPacket packet = pool.packet({"0123456789"});
  EXPECT_EQ(packet.share(3, 1)->true_size(), packet.true_size());
}

// --- hold()
// ---------------------------------------------------------------------------------------

TEST(Hold, IsTheSamePacketAndNotUnique) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  {
    MemPacket held = packet.hold();
    EXPECT_EQ(text(held), "onetwo");
    EXPECT_EQ(&held.meta(), &packet.meta());
    EXPECT_FALSE(packet.unique());
    EXPECT_FALSE(held.unique());
  }
  EXPECT_TRUE(packet.unique());
}

TEST(Hold, WhoeverLetsGoLastFreesTheChain) {
  TestPool pool;
  MemPacket packet = pool.packet({"one", "two"});
  MemPacket held = packet.hold();
  packet = MemPacket{};
  EXPECT_EQ(text(held), "onetwo");
  EXPECT_EQ(pool->available(), pool->capacity() - 2);
  held = MemPacket{};
  EXPECT_EQ(pool->available(), pool->capacity());
}

// A device sends headers of its own in front of a payload that the send queue keeps.
TEST(Hold, AHeldPacketOutlivesTheChainItWasPutBehind) {
  TestPool pool;
  MemPacket payload = pool.packet({"payload"});
  {
    MemPacket frame = pool.packet({"header-"});
    frame.chain(payload.hold());
    EXPECT_EQ(text(frame), "header-payload");
    EXPECT_FALSE(frame.unique());
    EXPECT_FALSE(payload.unique());
  }
  EXPECT_EQ(text(payload), "payload");
  EXPECT_TRUE(payload.unique());
  EXPECT_EQ(pool->available(), pool->capacity() - 1);
  EXPECT_EQ(text(pool.packet({"other"})), "other");
  EXPECT_EQ(text(payload), "payload");
}

TEST(Hold, TheChainOutlivesTheQueuesHandle) {
  TestPool pool;
  MemPacket payload = pool.packet({"pay", "load"});
  MemPacket frame = pool.packet({"header-"});
  frame.chain(payload.hold());
  payload = MemPacket{};
  EXPECT_EQ(text(frame), "header-payload");
  EXPECT_TRUE(frame.unique());
}

TEST(Hold, ChainingBehindAHeldPacketEndsTheProcess) {
  TestPool pool;
  MemPacket packet = pool.packet({"one"});
  const MemPacket held = packet.hold();
  EXPECT_DEATH(packet.chain(pool.packet({"two"})), "");
}

TEST(Hold, PullUpLeavesAHeldPacketAlone) {
  TestPool pool;
  MemPacket payload = pool.packet({"payload"});
  MemPacket frame = pool.packet({"header-"});
  frame.chain(payload.hold());
  EXPECT_TRUE(frame.pull(8).empty());
  EXPECT_EQ(text(payload), "payload");
}

TEST(Hold, TrimmingTheHeadersOffLeavesThePayload) {
  TestPool pool;
  MemPacket payload = pool.packet({"payload"});
  MemPacket frame = pool.packet({"header-"});
  frame.chain(payload.hold());
  frame.trim_front(7);
  EXPECT_EQ(text(frame), "payload");
  frame = MemPacket{};
  EXPECT_EQ(text(payload), "payload");
  EXPECT_TRUE(payload.unique());
}

TEST(Hold, TrimmingThePayloadOffLetsGoOfIt) {
  TestPool pool;
  MemPacket payload = pool.packet({"payload"});
  MemPacket frame = pool.packet({"header-"});
  frame.chain(payload.hold());
  frame.trim_back(7);
  EXPECT_EQ(text(frame), "header-");
  EXPECT_TRUE(payload.unique());
  EXPECT_EQ(text(payload), "payload");
}

// --- release() and adopt()
// ------------------------------------------------------------------------

TEST(Release, GivesUpOwnershipAndAdoptTakesItBack) {
  TestPool pool;
  MemPacket packet = pool.packet({"one"});
  MemPacket::Node* node = packet.release();
  EXPECT_FALSE(packet);
  EXPECT_EQ(pool->available(), pool->capacity() - 1);
  MemPacket::meta_of(node).hash = 3;
  MemPacket again = MemPacket::adopt(node);
  EXPECT_EQ(text(again), "one");
  EXPECT_EQ(again.meta().hash, 3u);
}

TEST(MemPacket, AssigningFreesWhatWasThere) {
  TestPool pool;
  MemPacket packet = pool.packet({"one"});
  packet = pool.packet({"two"});
  EXPECT_EQ(pool->available(), pool->capacity() - 1);
  MemPacket& same = packet;
  packet = std::move(same);
  EXPECT_EQ(text(packet), "two");
}

}  // namespace
}  // namespace smol
