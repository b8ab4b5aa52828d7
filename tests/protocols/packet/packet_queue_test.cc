#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/packet/buffer.hh"
#include "protocols/packet/mem_packet.hh"
#include "tests/protocols/packet/packets.hh"

namespace smol {
namespace {

using Queue = PacketQueue<MemPacket>;

std::vector<std::string> drained(Queue& queue) {
  std::vector<std::string> out;
  while (!queue.empty()) out.push_back(text(queue.pop_front()));
  return out;
}

using Texts = std::vector<std::string>;

TEST(PacketQueue, GivesThemBackInTheOrderTheyCame) {
  TestPool pool;
  Queue queue;
  EXPECT_TRUE(queue.empty());
  queue.push_back(pool.packet({"a"}));
  queue.push_back(pool.packet({"b", "b"}));
  queue.push_back(pool.packet({"c"}));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(drained(queue), (Texts{"a", "bb", "c"}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.head(), nullptr);
  EXPECT_EQ(queue.tail(), nullptr);
}

TEST(PacketQueue, PushFrontJumpsTheQueue) {
  TestPool pool;
  Queue queue;
  queue.push_front(pool.packet({"b"}));
  queue.push_front(pool.packet({"a"}));
  queue.push_back(pool.packet({"c"}));
  EXPECT_EQ(drained(queue), (Texts{"a", "b", "c"}));
}

TEST(PacketQueue, CanBeUsedAgainOnceEmpty) {
  TestPool pool;
  Queue queue;
  queue.push_back(pool.packet({"a"}));
  drained(queue);
  queue.push_back(pool.packet({"b"}));
  EXPECT_EQ(drained(queue), Texts{"b"});
}

TEST(PacketQueue, SplicesAllOfAnotherBehind) {
  TestPool pool;
  Queue first;
  Queue second;
  first.splice_back(std::move(second));
  EXPECT_TRUE(first.empty());
  second.push_back(pool.packet({"a"}));
  first.splice_back(std::move(second));  // into an empty one
  second.push_back(pool.packet({"b"}));
  second.push_back(pool.packet({"c"}));
  first.splice_back(std::move(second));
  EXPECT_TRUE(second.empty());  // NOLINT: emptied, and still a queue
  first.push_back(pool.packet({"d"}));
  EXPECT_EQ(drained(first), (Texts{"a", "b", "c", "d"}));
}

TEST(PacketQueue, MovingTakesEverythingAndFreesWhatWasThere) {
  TestPool pool;
  Queue first;
  first.push_back(pool.packet({"a"}));
  Queue second{std::move(first)};
  EXPECT_TRUE(first.empty());  // NOLINT
  first.push_back(pool.packet({"b"}));
  first = std::move(second);
  EXPECT_EQ(pool->available(), pool->capacity() - 1);
  EXPECT_EQ(drained(first), Texts{"a"});
}

TEST(PacketQueue, FreesItsPacketsWhenItGoes) {
  TestPool pool;
  {
    Queue queue;
    queue.push_back(pool.packet({"a", "b"}));
    queue.push_back(pool.packet({"c"}));
    EXPECT_EQ(pool->available(), pool->capacity() - 3);
  }
  EXPECT_EQ(pool->available(), pool->capacity());
}

TEST(PacketQueue, CanBeWalkedWithoutTakingAnythingOut) {
  TestPool pool;
  Queue queue;
  for (const char* t : {"a", "b", "c"}) queue.push_back(pool.packet({t}));
  std::string seen;
  for (MemPacket::Node* at = queue.head(); at != nullptr; at = Queue::after(at)) {
    seen += text(*Borrowed<MemPacket>{at});
  }
  EXPECT_EQ(seen, "abc");
  EXPECT_EQ(text(*Borrowed<MemPacket>{queue.tail()}), "c");
  EXPECT_EQ(drained(queue).size(), 3u);
}

TEST(Borrowed, LendsThePacketAndLeavesItInTheQueue) {
  TestPool pool;
  Queue queue;
  queue.push_back(pool.packet({"abc"}));
  EXPECT_EQ(Borrowed<MemPacket>(queue.head())->size(), 3u);
  Borrowed<MemPacket>(queue.head())->trim_front(1);
  EXPECT_EQ(drained(queue), Texts{"bc"});
}

TEST(PacketQueue, APoppedPacketIsLinkedToNothing) {
  TestPool pool;
  Queue queue;
  queue.push_back(pool.packet({"a"}));
  queue.push_back(pool.packet({"b"}));
  MemPacket a = queue.pop_front();
  EXPECT_EQ(a.meta().next, nullptr);
}

}  // namespace
}  // namespace smol
