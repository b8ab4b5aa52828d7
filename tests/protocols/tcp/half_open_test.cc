// What a listener keeps of those who have not finished the handshake: RFC 4987 section 3.
#include "protocols/tcp/half_open.hh"

#include <memory_resource>
#include <vector>

#include <gtest/gtest.h>

namespace smol::tcp {
namespace {

constexpr Instant kNow{seconds(5000)};

SegmentIn full_syn() {
  SegmentIn syn;
  syn.seq = {0xffff'fff0};
  syn.window = 4321;
  syn.flags.raw = TcpFlags::kSyn | TcpFlags::kEce | TcpFlags::kCwr;
  syn.options.mss = 1400;
  syn.options.window_scale = 9;
  syn.options.sack_permitted = true;
  syn.options.timestamps = TcpTimestamps{17, 0};
  return syn;
}

// TCP-185.
TEST(HalfOpen, ARecordKeepsAllThatTheSynSaid) {
  const SegmentIn syn = full_syn();
  const SegmentIn back = syn_of(half_open_of({}, syn, {1}, kNow));
  EXPECT_EQ(back.seq, syn.seq);
  EXPECT_EQ(back.window, syn.window);
  EXPECT_EQ(back.flags, syn.flags);
  EXPECT_EQ(back.options, syn.options);
  EXPECT_EQ(back.len, 0u);
}

TEST(HalfOpen, ARecordOfABareSynSaysNothingMore) {
  SegmentIn syn;
  syn.flags.raw = TcpFlags::kSyn;
  const SegmentIn back = syn_of(half_open_of({}, syn, {1}, kNow));
  EXPECT_EQ(back.flags, syn.flags);
  EXPECT_EQ(back.options, TcpOptions{});
}

TEST(HalfOpen, KnowsWhenItBeganAlsoWhereTheClockWraps) {
  for (const Instant at : {kNow, Instant{microseconds(0xffff'ff00)}, Instant{microseconds(1)}}) {
    const HalfOpen record = half_open_of({}, full_syn(), {1}, at);
    EXPECT_EQ(born(record, at), at);
    EXPECT_EQ(born(record, at + seconds(63)), at);
    EXPECT_EQ(born(record, at + seconds(3600)), at);
  }
}

// RFC 6298 section 5.5.
TEST(HalfOpen, EachWaitIsTwiceTheLastUpToTheLongest) {
  Config config;
  config.initial_rto = seconds(1);
  config.max_rto = seconds(10);
  EXPECT_EQ(syn_ack_wait(config, 0), seconds(1));
  EXPECT_EQ(syn_ack_wait(config, 1), seconds(2));
  EXPECT_EQ(syn_ack_wait(config, 3), seconds(8));
  EXPECT_EQ(syn_ack_wait(config, 4), seconds(10));
  EXPECT_EQ(syn_ack_wait(config, 255), seconds(10));
}

class HalfOpenTableTest : public ::testing::Test {
 protected:
  std::uint32_t add(std::uint32_t due_ms) {
    HalfOpen record;
    record.due_ms = due_ms;
    return table.add(record);
  }
  std::vector<std::uint32_t> drain() {
    std::vector<std::uint32_t> out;
    while (const std::optional<std::uint32_t> first = table.first()) {
      out.push_back(table.at(*first).due_ms);
      table.remove(*first);
    }
    return out;
  }
  HalfOpenTable table{8, *std::pmr::new_delete_resource()};
};

TEST_F(HalfOpenTableTest, TheFirstIsWhoIsDueFirst) {
  EXPECT_EQ(table.first(), std::nullopt);
  const std::uint32_t a = add(10);
  add(20);
  add(30);
  table.retry(a, 25);
  EXPECT_EQ(drain(), (std::vector<std::uint32_t>{20, 25, 30}));
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(HalfOpenTableTest, WhoIsRemovedFromTheMiddleOrAnEndIsNotMissed) {
  const std::uint32_t a = add(1);
  const std::uint32_t b = add(2);
  const std::uint32_t c = add(3);
  add(4);
  const std::uint32_t e = add(5);
  table.remove(c);
  table.remove(a);
  table.remove(e);
  add(6);
  table.remove(b);
  EXPECT_EQ(drain(), (std::vector<std::uint32_t>{4, 6}));
}

TEST_F(HalfOpenTableTest, TheClockMayWrap) {
  const std::uint32_t a = add(0xffff'fff0);
  add(0x10);
  table.retry(a, 0x5);
  EXPECT_EQ(drain(), (std::vector<std::uint32_t>{0x5, 0x10}));
}

// Those who asked more often than there are lists share the last.
TEST_F(HalfOpenTableTest, ARecordMayBeRetriedVeryOften) {
  const std::uint32_t a = add(1);
  add(1000);
  for (std::uint32_t i = 2; i < 300; ++i) table.retry(a, i);
  EXPECT_EQ(table.at(a).retries, 0xff);
  EXPECT_EQ(drain(), (std::vector<std::uint32_t>{299, 1000}));
}

TEST_F(HalfOpenTableTest, IsFullWhenItIs) {
  for (std::uint32_t i = 0; i < 8; ++i) {
    EXPECT_FALSE(table.full());
    add(i);
  }
  EXPECT_TRUE(table.full());
}

}  // namespace
}  // namespace smol::tcp
