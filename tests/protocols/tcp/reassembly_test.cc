// Text out of order: RFC 9293 section 3.10.7.4, seventh; the list of ranges against a map of
// octets.
#include "protocols/tcp/reassembly.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using Kind = ReassemblyStep::Kind;

struct List {
  RangePool pool{64, *std::pmr::get_default_resource()};
  Reassembly list;
  ReassemblySteps steps;
  SackBlock twice;
  std::uint32_t limit = 64;

  ~List() {
    list.clear(pool, [](std::uint32_t) {});
  }
  std::uint32_t insert(std::uint32_t begin, std::uint32_t end) {
    steps.clear();
    return list.insert(pool, limit, {begin}, {end}, steps, twice);
  }
  std::string duplicate() const {
    return twice.empty() ? ""
                         : std::to_string(twice.left.raw) + "-" + std::to_string(twice.right.raw);
  }
  std::string report(std::size_t room) {
    StaticVector<SackBlock, 4> blocks;
    list.report(pool, room, blocks);
    std::string out;
    for (const SackBlock& block : blocks) {
      out += std::to_string(block.left.raw) + "-" + std::to_string(block.right.raw) + " ";
    }
    return out;
  }
  std::string ranges() const {
    std::string out;
    list.for_each(pool, [&](SeqNumber begin, SeqNumber end) {
      out += std::to_string(begin.raw) + "-" + std::to_string(end.raw) + " ";
    });
    return out;
  }
};

TEST(TcpReassembly, KeepsRangesInOrder) {
  List l;
  EXPECT_TRUE(l.list.empty());
  EXPECT_EQ(l.insert(300, 400), 100u);
  EXPECT_EQ(l.insert(100, 150), 50u);
  EXPECT_EQ(l.insert(200, 250), 50u);
  EXPECT_EQ(l.insert(500, 600), 100u);
  EXPECT_EQ(l.ranges(), "100-150 200-250 300-400 500-600 ");
  EXPECT_EQ(l.list.ranges(), 4u);
  EXPECT_EQ(l.list.octets(), 300u);
  ASSERT_EQ(l.steps.size(), 1u);
  EXPECT_EQ(l.steps[0].kind, Kind::kStoreBack);
  EXPECT_EQ(l.steps[0].offset, 0u);
  EXPECT_EQ(l.steps[0].len, 100u);
}

// TCP-211
TEST(TcpReassembly, ReportsWhatChangedLastFirst) {
  List l;
  l.insert(300, 400);
  l.insert(100, 150);
  l.insert(500, 600);
  EXPECT_EQ(l.report(4), "500-600 100-150 300-400 ");
  l.insert(400, 410);
  EXPECT_EQ(l.list.fresh(), 1u);
  EXPECT_EQ(l.report(2), "300-410 500-600 ");
  l.insert(150, 300);  // joins two
  EXPECT_EQ(l.report(4), "100-410 500-600 ");
  l.insert(500, 550);  // nothing new, and still the latest
  EXPECT_EQ(l.report(4), "500-600 100-410 ");
}

// Of a burst with more ranges than fit, every one is told of.
TEST(TcpReassembly, ReportsEachFreshRangeOnce) {
  List l;
  for (std::uint32_t begin = 100; begin <= 700; begin += 100) l.insert(begin, begin + 10);
  EXPECT_EQ(l.list.fresh(), 7u);
  EXPECT_EQ(l.report(3), "300-310 200-210 100-110 ");
  EXPECT_EQ(l.report(3), "600-610 500-510 400-410 ");
  EXPECT_EQ(l.report(3), "700-710 600-610 500-510 ");
  EXPECT_EQ(l.list.fresh(), 0u);
  EXPECT_EQ(l.report(3), "700-710 600-610 500-510 ");
}

// TCP-216
TEST(TcpReassembly, TellsWhatWasHeldAlready) {
  List l;
  l.insert(100, 200);
  EXPECT_EQ(l.duplicate(), "");
  l.insert(200, 300);
  EXPECT_EQ(l.duplicate(), "");
  l.insert(150, 250);
  EXPECT_EQ(l.duplicate(), "150-250");
  l.insert(250, 350);
  EXPECT_EQ(l.duplicate(), "250-300");
  l.insert(50, 120);
  EXPECT_EQ(l.duplicate(), "100-120");
  l.insert(500, 600);
  l.insert(340, 520);
  EXPECT_EQ(l.duplicate(), "340-350") << "the first run, if there are two";
}

TEST(TcpReassembly, JoinsWhatTouches) {
  List l;
  l.insert(100, 200);
  const std::uint32_t first = l.steps[0].range;
  EXPECT_EQ(l.insert(200, 300), 100u);
  ASSERT_EQ(l.steps.size(), 1u);
  EXPECT_EQ(l.steps[0].kind, Kind::kStoreBack);
  EXPECT_EQ(l.steps[0].range, first);
  EXPECT_EQ(l.insert(50, 100), 50u);
  ASSERT_EQ(l.steps.size(), 1u);
  EXPECT_EQ(l.steps[0].kind, Kind::kStoreFront);
  EXPECT_EQ(l.steps[0].range, first);
  EXPECT_EQ(l.ranges(), "50-300 ");

  l.insert(400, 500);
  const std::uint32_t second = l.steps[0].range;
  EXPECT_EQ(l.insert(300, 400), 100u);
  ASSERT_EQ(l.steps.size(), 2u);
  EXPECT_EQ(l.steps[0].kind, Kind::kStoreBack);
  EXPECT_EQ(l.steps[1].kind, Kind::kAppend);
  EXPECT_EQ(l.steps[1].range, first);
  EXPECT_EQ(l.steps[1].other, second);
  EXPECT_EQ(l.ranges(), "50-500 ");
  EXPECT_EQ(l.list.ranges(), 1u);
  EXPECT_EQ(l.pool.size(), 1u);
}

// TCP-115, TRAP-36: what was there first stays.
TEST(TcpReassembly, KeepsTheFirstCopy) {
  List l;
  l.insert(1000, 1500);
  EXPECT_EQ(l.insert(1200, 1700), 200u);
  EXPECT_EQ(l.steps[0].offset, 300u);
  EXPECT_EQ(l.insert(800, 1100), 200u);
  EXPECT_EQ(l.steps[0].offset, 0u);
  EXPECT_EQ(l.insert(900, 1600), 0u);
  EXPECT_TRUE(l.steps.empty());
  EXPECT_EQ(l.insert(1000, 1500), 0u);
  EXPECT_EQ(l.ranges(), "800-1700 ");
}

// Of a segment that reaches over several holes the part in the first one is taken.
TEST(TcpReassembly, FillsTheFirstHoleOfSeveral) {
  List l;
  l.insert(200, 300);
  l.insert(400, 500);
  EXPECT_EQ(l.insert(100, 600), 100u);
  EXPECT_EQ(l.ranges(), "100-300 400-500 ");
  EXPECT_EQ(l.insert(100, 600), 100u);
  EXPECT_EQ(l.steps[0].offset, 200u);
  EXPECT_EQ(l.ranges(), "100-500 ");
  EXPECT_EQ(l.insert(100, 600), 100u);
  EXPECT_EQ(l.ranges(), "100-600 ");
}

TEST(TcpReassembly, DeliversWhatIsNext) {
  List l;
  l.insert(200, 300);
  l.insert(400, 500);
  l.steps.clear();
  EXPECT_EQ(l.list.deliver(l.pool, {100}, l.steps), SeqNumber{100});
  EXPECT_TRUE(l.steps.empty());
  EXPECT_EQ(l.list.deliver(l.pool, {200}, l.steps), SeqNumber{300});
  ASSERT_EQ(l.steps.size(), 1u);
  EXPECT_EQ(l.steps[0].kind, Kind::kDeliver);
  EXPECT_EQ(l.ranges(), "400-500 ");
  EXPECT_EQ(l.list.octets(), 100u);
  EXPECT_EQ(l.pool.size(), 1u);
}

// What is in line up to here touches what is held, or does not.
TEST(TcpReassembly, KnowsWhatReachesIt) {
  List l;
  EXPECT_FALSE(l.list.reached_by(l.pool, {500}));
  l.insert(200, 300);
  EXPECT_FALSE(l.list.reached_by(l.pool, {199}));
  EXPECT_TRUE(l.list.reached_by(l.pool, {200}));
  EXPECT_TRUE(l.list.reached_by(l.pool, {400}));
}

// TCP-115: bounded by connection, and by what all connections share.
TEST(TcpReassembly, IsBounded) {
  List l;
  l.limit = 2;
  EXPECT_EQ(l.insert(100, 200), 100u);
  EXPECT_EQ(l.insert(300, 400), 100u);
  EXPECT_EQ(l.insert(500, 600), 0u);
  EXPECT_TRUE(l.steps.empty());
  EXPECT_EQ(l.insert(400, 500), 100u) << "what joins needs no range";
  EXPECT_EQ(l.insert(250, 300), 50u);
  EXPECT_EQ(l.ranges(), "100-200 250-500 ");

  RangePool small{1, *std::pmr::get_default_resource()};
  Reassembly one;
  ReassemblySteps steps;
  SackBlock twice;
  EXPECT_EQ(one.insert(small, 64, {100}, {200}, steps, twice), 100u);
  Reassembly other;
  EXPECT_EQ(other.insert(small, 64, {100}, {200}, steps, twice), 0u);
  EXPECT_TRUE(other.empty());
  one.clear(small, [](std::uint32_t) {});
  EXPECT_EQ(other.insert(small, 64, {100}, {200}, steps, twice), 100u);
  other.clear(small, [](std::uint32_t) {});
}

TEST(TcpReassembly, ForgetsAll) {
  List l;
  l.insert(100, 200);
  l.insert(300, 400);
  int freed = 0;
  l.list.clear(l.pool, [&](std::uint32_t) { ++freed; });
  EXPECT_EQ(freed, 2);
  EXPECT_TRUE(l.list.empty());
  EXPECT_EQ(l.list.octets(), 0u);
  EXPECT_EQ(l.list.ranges(), 0u);
  EXPECT_EQ(l.pool.size(), 0u);
}

// --- against a map of octets ---------------------------------------------------------------------

// Random segments in a small space of numbers: each octet is stored once, by its first copy, where
// the steps say, and what is delivered is what came first for each number.
TEST(TcpReassembly, AgreesWithAMapOfOctets) {
  constexpr std::uint32_t kSpace = 200;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Rng rng{seed};
    const SeqNumber base{seed % 2 == 0 ? 0xffff'ffa0 : 5000};
    List l;
    l.limit = 1 + rng.below(6);
    std::vector<int> first(kSpace, -1);  // which segment stored this octet
    ReceivedText text;
    text.begin(base);
    std::vector<std::string> faults;
    std::uint32_t next = 0;
    for (int n = 0; n < 60 && next < kSpace; ++n) {
      const std::uint32_t begin = next + rng.below(kSpace - next);
      const std::uint32_t end = begin + 1 + rng.below(std::min(50u, kSpace - begin));
      const std::uint32_t kept = l.insert((base + begin).raw, (base + end).raw);
      std::uint32_t stored = 0;
      for (const ReassemblyStep& step : l.steps) {
        if (step.kind != Kind::kStoreBack && step.kind != Kind::kStoreFront) continue;
        for (std::uint32_t i = 0; i < step.len; ++i, ++stored) {
          int& owner = first[begin + step.offset + i];
          EXPECT_EQ(owner, -1) << "stored twice";
          owner = n;
        }
      }
      EXPECT_EQ(stored, kept);
      const SeqNumber to = l.list.deliver(l.pool, base + next, l.steps);
      SegmentIn segment;
      segment.seq = base + begin;
      segment.len = end - begin;
      text.take(segment, static_cast<char>('0' + n), Actions{}, l.steps, faults);
      next = base.until(to);
      ASSERT_EQ(text.next(), to);
      ASSERT_EQ(text.out_of_order(), l.list.octets());
      ASSERT_LE(l.list.ranges(), l.limit);
      std::uint32_t held = 0;
      for (std::uint32_t i = next; i < kSpace; ++i) held += first[i] >= 0 ? 1 : 0;
      ASSERT_EQ(held, l.list.octets());
    }
    EXPECT_TRUE(faults.empty()) << faults.front();
    std::uint32_t at = 0;
    for (const Piece& piece : text.pieces()) {
      for (std::uint32_t i = 0; i < piece.len; ++i, ++at) {
        ASSERT_EQ(piece.fill, '0' + first[at]) << "seed " << seed << " octet " << at;
      }
    }
    EXPECT_EQ(at, next);
  }
}

// --- in a connection -----------------------------------------------------------------------------

using TcpOutOfOrder = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpOutOfOrder, kStarts, start_name);

// TCP-113
TEST_P(TcpOutOfOrder, IsKeptAndDelivered) {
  Scripted c = established();
  run(c, R"(
    < . 1001:2001 ack 1
    > . ack 1
    < . 3001:4001 ack 1
    > . ack 1
    is out_of_order 2000
    < . 1:1001 ack 1
    > . ack 2001
    delivered 2000
    < . 2001:3001 ack 1
    > . ack 4001
    delivered 4000
    is out_of_order 0
  )");
}

// TRAP-36: the first copy of each octet is what the user gets, and the numbers agree.
TEST_P(TcpOutOfOrder, OverlapsKeepTheirFirstCopy) {
  Scripted c = established();
  run(c, R"(
    < . 1001:1501 ack 1 text A
    > . ack 1
    < . 1201:1701 ack 1 text B
    > . ack 1
    < . 901:1301 ack 1 text C
    > . ack 1
    < . 1:901 ack 1 text D
    > . ack 1701
  )");
  EXPECT_EQ(c.delivered(), "D*900 C*100 A*500 B*200");
}

TEST_P(TcpOutOfOrder, TextInLineThatOverlapsKeepsWhatWasThere) {
  Scripted c = established();
  run(c, R"(
    < . 501:1001 ack 1 text A
    > . ack 1
    < . 1:701 ack 1 text B
    > . ack 1001
  )");
  EXPECT_EQ(c.delivered(), "B*500 A*500");
}

// Text that reaches beyond what is held: the rest comes again.
TEST_P(TcpOutOfOrder, TextAcrossARangeFillsTheHole) {
  Scripted c = established();
  run(c, R"(
          < . 501:601 ack 1 text A
          > . ack 1
          < . 1:1001 ack 1 text B
          > . ack 601
          < . 1:1001 ack 1 text B
          > . ack 1001
  )");
  EXPECT_EQ(c.delivered(), "B*500 A*100 B*400");
}

// TCP-115: no more ranges than allowed.
TEST_P(TcpOutOfOrder, RangesAreBounded) {
  Scripted c = established({.config = {.reassembly_ranges = 2}});
  run(c, R"(
    < . 101:201 ack 1
    > . ack 1
    < . 301:401 ack 1
    > . ack 1
    < . 501:601 ack 1
    drop tcp_reassembly_full
    > . ack 1
    is out_of_order 200
    < . 201:301 ack 1             // joins
    > . ack 1
    is out_of_order 300
    < . 501:601 ack 1             // there is room again
    > . ack 1
    is out_of_order 400
  )");
}

// smoltcp: text next in line is taken though the assembler is full, or the hole would never close.
TEST_P(TcpOutOfOrder, TextInLineIsTakenThoughNoRangeIsFree) {
  Scripted c = established({.config = {.reassembly_ranges = 1}});
  run(c, R"(
    < . 5001:6001 ack 1
    > . ack 1
    < . 1:1001 ack 1
    > . ack 1001
    delivered 1000
    < . 1001:2001 ack 1
    > . ack 2001
    < . 2001:5001 ack 1
    > . ack 6001
    delivered 6000
  )");
  Scripted shared = established();
  Reassembly others;
  ReassemblySteps steps;
  SackBlock twice;
  while (!shared.endpoint().ranges().full()) {
    const std::uint32_t at = 10 * others.ranges();
    steps.clear();
    others.insert(shared.endpoint().ranges(), 0xffff'ffff, {at}, {at + 1}, steps, twice);
  }
  run(shared, R"(
          < . 1001:2001 ack 1
          drop tcp_reassembly_full
          > . ack 1
          < . 1:1001 ack 1
          delivered 1000
    40ms  > . ack 1001
  )");
  others.clear(shared.endpoint().ranges(), [](std::uint32_t) {});
}

// smoltcp's rx wrap-around: a whole stream backwards, octet by octet of 64.
TEST_P(TcpOutOfOrder, StreamBackwardsIsDelivered) {
  Scripted c = established();
  std::string script;
  for (int i = 63; i > 0; --i) {
    script += "< . " + std::to_string(1 + i) + ":" + std::to_string(2 + i) + " ack 1\n > . ack 1\n";
  }
  run(c, script + "< . 1:2 ack 1\n > . ack 65\n delivered 64");
}

// Every second octet: as many ranges as allowed, and no more work than that.
TEST_P(TcpOutOfOrder, EverySecondOctetIsBounded) {
  Scripted c = established({.config = {.reassembly_ranges = 100}});
  std::string script;
  for (int i = 0; i < 1000; ++i) {
    const int at = 3 + 2 * i;
    script += "< . " + std::to_string(at) + ":" + std::to_string(at + 1) + " ack 1\n > . ack 1\n";
  }
  run(c, script + "is out_of_order 100");
}

}  // namespace
}  // namespace smol::tcp::script
