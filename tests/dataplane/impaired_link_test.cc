// A pure machine in virtual time, over plain memory.

#include "dataplane/impaired_link.hh"

#include <algorithm>
#include <memory>
#include <memory_resource>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/packet_damage.hh"
#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane {
namespace {

constexpr Instant at(Duration since) {
  return Instant{since};
}

class ImpairedLinkTest : public ::testing::Test, public FaultOutlet<MemPacket> {
 protected:
  struct Out {
    Instant at;
    int first;  ///< octet: what a packet is known by
    std::size_t size;
  };
  struct Dropped {
    int first;
    Drop reason;
  };

  MemPool pool_{4096, 2048 + 128, *std::pmr::new_delete_resource()};
  std::unique_ptr<ImpairedLink<MemPacket>> link_;
  Instant now_{};
  std::vector<Out> out_;
  std::vector<MemPacket> packets_;
  bool keep_ = false;
  std::vector<Dropped> dropped_;

  void pass(MemPacket packet) noexcept override {
    out_.push_back({now_, packet.segment(0)[0], packet.size()});
    if (keep_) packets_.push_back(std::move(packet));
  }
  void drop(MemPacket packet, Drop reason) noexcept override {
    dropped_.push_back({packet.segment(0)[0], reason});
  }

  void make(const LinkConfig& config, std::size_t store = 2000, std::uint64_t seed = 1) {
    EXPECT_EQ(objection(config), "");
    link_ = std::make_unique<ImpairedLink<MemPacket>>(config, store, seed, pool_, now_);
  }
  MemPacket packet(int first, std::size_t size) {
    MemPacket p = pool_.allocate();
    const MutBytes octets = p.append(size);
    std::fill(octets.begin(), octets.end(), std::uint8_t{0});
    octets[0] = static_cast<std::uint8_t>(first);
    return p;
  }
  void feed(int first, std::size_t size = 1000) { link_->feed(now_, packet(first, size), *this); }
  void feed_many(int count, std::size_t size = 100) {
    for (int i = 0; i < count; ++i) feed(i & 0x7f, size);
  }
  /// To a time, waking at each deadline as a worker does.
  void run_to(Instant end) {
    while (link_->next_deadline() <= end) {
      now_ = std::max(now_, link_->next_deadline());
      link_->release(now_, *this);
    }
    now_ = end;
  }
  void run_out() {
    while (link_->next_deadline() != kNever) run_to(link_->next_deadline());
  }
  std::vector<int> order() const {
    std::vector<int> firsts;
    for (const Out& out : out_) firsts.push_back(out.first);
    return firsts;
  }
  std::size_t dropped(Drop reason) const {
    return static_cast<std::size_t>(
        std::count_if(dropped_.begin(), dropped_.end(),
                      [&](const Dropped& each) { return each.reason == reason; }));
  }
};

TEST_F(ImpairedLinkTest, PassesAtOnceWhatItIsNotToldToChange) {
  make({});
  feed(1);
  feed(2);
  EXPECT_EQ(order(), (std::vector<int>{1, 2}));
  EXPECT_EQ(link_->next_deadline(), kNever);
  EXPECT_EQ(link_->counters().sent_octets.value(), 2000u);
  EXPECT_EQ(link_->counters().delayed.value(), 0u);
}

TEST_F(ImpairedLinkTest, DelayIsExactAndKeepsTheOrder) {
  make({.delay = milliseconds(25)});
  feed(1);
  now_ += nanoseconds(1);
  feed(2);
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(link_->next_deadline(), at(milliseconds(25)));
  run_out();
  ASSERT_EQ(order(), (std::vector<int>{1, 2}));
  EXPECT_EQ(out_[0].at, at(milliseconds(25)));
  EXPECT_EQ(out_[1].at, at(milliseconds(25) + nanoseconds(1)));
  EXPECT_EQ(link_->counters().delayed.value(), 2u);
}

TEST_F(ImpairedLinkTest, JitterLiesWithinItsRangeAndKeepsTheOrder) {
  make({.delay = milliseconds(10), .jitter = milliseconds(5)});
  std::vector<Instant> fed;
  for (int i = 0; i < 100; ++i) {
    fed.push_back(now_);
    feed(i);
    run_to(now_ + milliseconds(1));
  }
  run_out();
  ASSERT_EQ(out_.size(), 100u);
  Duration least = seconds(1);
  Duration most{0};
  for (std::size_t i = 0; i < out_.size(); ++i) {
    EXPECT_EQ(out_[i].first, static_cast<int>(i));
    least = std::min(least, out_[i].at - fed[i]);
    most = std::max(most, out_[i].at - fed[i]);
  }
  EXPECT_GE(least, milliseconds(10));
  EXPECT_LT(least, milliseconds(11));
  EXPECT_LT(most, milliseconds(15));
  EXPECT_GT(most, milliseconds(14));
}

TEST_F(ImpairedLinkTest, JitterThatMayReordersFrames) {
  make({.jitter = milliseconds(5), .jitter_reorders = true});
  feed_many(100);
  run_out();
  EXPECT_EQ(out_.size(), 100u);
  const auto firsts = order();
  EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end()));
}

TEST_F(ImpairedLinkTest, ReorderedFrameIsOvertakenByThoseOfItsTime) {
  make({.delay = milliseconds(5), .reorder = 100, .reorder_by = milliseconds(2)});
  feed(1);
  LinkConfig calm = link_->config();
  calm.reorder = 0;
  link_->configure(now_, calm);
  run_to(now_ + milliseconds(1));
  feed(2);
  run_to(now_ + milliseconds(2));
  feed(3);
  run_out();
  EXPECT_EQ(order(), (std::vector<int>{2, 1, 3}));
  EXPECT_EQ(link_->counters().reordered.value(), 1u);
}

TEST_F(ImpairedLinkTest, RateIsThatOfAWireAndFramesLeaveWithTheirLastOctet) {
  make({.rate = 8'000'000, .delay = milliseconds(5)});  // 1 ms for 1000 octets
  feed(1);
  feed(2, 500);
  feed(3);
  EXPECT_EQ(link_->counters().queued.value(), 2u);
  EXPECT_EQ(link_->counters().queued_octets.value(), 1500u);
  run_out();
  ASSERT_EQ(out_.size(), 3u);
  EXPECT_EQ(out_[0].at, at(milliseconds(6)));
  EXPECT_EQ(out_[1].at, at(microseconds(6500)));
  EXPECT_EQ(out_[2].at, at(microseconds(7500)));
  EXPECT_EQ(link_->counters().queued.value(), 0u);
  EXPECT_EQ(link_->counters().queue_delay_us.value(), 1500u);
}

TEST_F(ImpairedLinkTest, LateCallsDoNotSlowTheWireDown) {
  make({.rate = 8'000'000});
  for (int i = 0; i < 10; ++i) feed(i);
  now_ = at(milliseconds(7));  // nobody called meanwhile
  link_->release(now_, *this);
  EXPECT_EQ(out_.size(), 7u);
  run_out();
  ASSERT_EQ(out_.size(), 10u);
  EXPECT_EQ(out_.back().at, at(milliseconds(10)));
}

TEST_F(ImpairedLinkTest, TokenBucketLetsItsDepthPassAtOnceAfterARest) {
  make({.rate = 8'000'000, .burst = 3000});
  now_ = at(seconds(1));
  for (int i = 0; i < 5; ++i) feed(i);
  EXPECT_EQ(out_.size(), 3u);
  run_out();
  ASSERT_EQ(out_.size(), 5u);
  EXPECT_EQ(out_[3].at, at(seconds(1) + milliseconds(1)));
  EXPECT_EQ(out_[4].at, at(seconds(1) + milliseconds(2)));
  out_.clear();
  run_to(now_ + milliseconds(2));  // worth two frames
  for (int i = 0; i < 5; ++i) feed(i);
  EXPECT_EQ(out_.size(), 2u);
}

TEST_F(ImpairedLinkTest, QueueDropsWhatFindsItFullOfPackets) {
  make({.rate = 8'000'000, .queue_packets = 3});
  for (int i = 1; i <= 6; ++i) feed(i);  // one on the wire
  EXPECT_EQ(dropped(Drop::kBridgeQueueFull), 2u);
  ASSERT_EQ(dropped_.size(), 2u);
  EXPECT_EQ(dropped_[0].first, 5);
  run_out();
  EXPECT_EQ(order(), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(link_->counters().queue_full.value(), 2u);
}

TEST_F(ImpairedLinkTest, QueueDropsWhatFindsItFullOfOctets) {
  make({.rate = 8'000'000, .queue_octets = 2500});
  for (int i = 1; i <= 5; ++i) feed(i);
  EXPECT_EQ(dropped(Drop::kBridgeQueueFull), 2u);
  feed(6, 500);
  EXPECT_EQ(dropped(Drop::kBridgeQueueFull), 2u) << "a small one still fits";
}

TEST_F(ImpairedLinkTest, StoreIsBounded) {
  make({.delay = milliseconds(10)}, 16);
  feed_many(20);
  EXPECT_EQ(link_->held(), 16u);
  EXPECT_EQ(dropped(Drop::kBridgeStoreFull), 4u);
  EXPECT_EQ(link_->counters().store_full.value(), 4u);
  run_out();
  EXPECT_EQ(out_.size(), 16u);
  feed_many(16);
  EXPECT_EQ(dropped(Drop::kBridgeStoreFull), 4u);
}

TEST_F(ImpairedLinkTest, LossIsMetOverManyFrames) {
  make({.loss = 1});
  feed_many(20'000);
  EXPECT_NEAR(static_cast<double>(dropped(Drop::kBridgeLoss)), 200, 50);
  EXPECT_EQ(link_->counters().lost.value() + link_->counters().sent.value(), 20'000u);
}

TEST_F(ImpairedLinkTest, BurstsAreAsLongAndAsFrequentAsTheirChancesSay) {
  make({.burst_enter = 1, .burst_leave = 25});
  std::vector<bool> lost;
  for (int i = 0; i < 40'000; ++i) {
    const std::size_t before = dropped_.size();
    feed(1, 100);
    lost.push_back(dropped_.size() > before);
  }
  std::size_t bursts = 0;
  for (std::size_t i = 1; i < lost.size(); ++i) bursts += lost[i] && !lost[i - 1] ? 1 : 0;
  const auto losses = static_cast<double>(dropped(Drop::kBridgeBurstLoss));
  EXPECT_NEAR(losses / static_cast<double>(bursts), 4, 0.6);
  EXPECT_NEAR(losses / 40'000, 1.0 / 26, 0.01);
  EXPECT_EQ(link_->counters().burst_lost.value(), dropped_.size());
}

TEST_F(ImpairedLinkTest, BlackoutsComeAndGoByTime) {
  make({.blackout = milliseconds(10),
        .blackout_every = milliseconds(100),
        .blackout_after = milliseconds(50)});
  std::vector<int> lost;
  for (int ms = 0; ms < 250; ++ms) {
    now_ = at(milliseconds(ms));
    const std::size_t before = dropped_.size();
    feed(1, 100);
    if (dropped_.size() > before) lost.push_back(ms);
  }
  ASSERT_EQ(lost.size(), 20u);
  EXPECT_EQ(lost.front(), 50);
  EXPECT_EQ(lost[9], 59);
  EXPECT_EQ(lost[10], 150);
  EXPECT_EQ(dropped(Drop::kBridgeBlackout), 20u);
}

TEST_F(ImpairedLinkTest, LongerThanTheMtuIsLostAndTagsDoNotCount) {
  make({.mtu = 1400});
  feed(1, 1414);
  feed(2, 1415);
  MemPacket tagged = packet(3, 1418);
  put_be16(tagged.pull(16), 12, 0x8100);
  link_->feed(now_, std::move(tagged), *this);
  EXPECT_EQ(order(), (std::vector<int>{1, 3}));
  EXPECT_EQ(dropped(Drop::kBridgeTooLong), 1u);
  EXPECT_EQ(link_->counters().too_long.value(), 1u);
}

TEST_F(ImpairedLinkTest, TruncatedFramesKeepTheirEthernetHeader) {
  make({.truncate = 100});
  std::size_t shortest = 1000;
  for (int i = 0; i < 500; ++i) feed(i & 0x7f, 100);
  for (const Out& out : out_) {
    EXPECT_LT(out.size, 100u);
    shortest = std::min(shortest, out.size);
  }
  EXPECT_EQ(shortest, 14u);
  EXPECT_EQ(link_->counters().truncated.value(), 500u);
}

TEST_F(ImpairedLinkTest, CorruptionFlipsOneBitAndLeavesWhatOthersHold) {
  make({.corrupt = 100});
  keep_ = true;
  MemPacket original = packet(0, 100);
  link_->feed(now_, original.hold(), *this);
  ASSERT_EQ(packets_.size(), 1u);
  int bits = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(original.segment(0)[i], 0);
    bits += __builtin_popcount(packets_[0].segment(0)[i]);
  }
  EXPECT_EQ(bits, 1);
  EXPECT_EQ(link_->counters().corrupted.value(), 1u);
}

TEST_F(ImpairedLinkTest, DuplicatesFollowTheirOriginals) {
  make({.duplicate = 100, .delay = milliseconds(1)});
  feed(1);
  feed(2);
  run_out();
  EXPECT_EQ(order(), (std::vector<int>{1, 1, 2, 2}));
  EXPECT_EQ(link_->counters().duplicated.value(), 2u);
}

LinkConfig everything() {
  return {.loss = 5,
          .burst_enter = 1,
          .truncate = 5,
          .corrupt = 5,
          .duplicate = 5,
          .rate = 10'000'000,
          .queue_packets = 50,
          .delay = milliseconds(5),
          .jitter = milliseconds(3),
          .reorder = 5};
}

TEST_F(ImpairedLinkTest, EqualSeedsMakeEqualLinks) {
  std::vector<std::vector<int>> runs;
  for (const std::uint64_t seed : {7u, 7u, 8u}) {
    out_.clear();
    now_ = {};
    make(everything(), 2000, seed);
    for (int i = 0; i < 300; ++i) {
      feed(i & 0x7f, 500);
      run_to(now_ + microseconds(300));
    }
    run_out();
    runs.push_back(order());
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(ImpairedLinkTest, OneChanceDoesNotChangeTheDrawsOfAnother) {
  std::vector<std::vector<int>> runs;
  for (const double corrupt : {0.0, 50.0}) {
    dropped_.clear();
    make({.loss = 10, .corrupt = corrupt});
    feed_many(1000);
    std::vector<int> lost;
    for (const Dropped& each : dropped_) lost.push_back(each.first);
    runs.push_back(lost);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST_F(ImpairedLinkTest, EveryFrameIsAccountedFor) {
  make(everything(), 60);
  for (int i = 0; i < 5000; ++i) {
    feed(i & 0x7f, 500);
    if (i % 5 == 0) run_to(now_ + milliseconds(1));
  }
  const LinkCounters& c = link_->counters();
  EXPECT_GT(c.held.value(), 0u);
  EXPECT_EQ(c.received.value() + c.duplicated.value(),
            c.sent.value() + dropped_.size() + c.held.value());
  EXPECT_EQ(dropped_.size(),
            c.lost.value() + c.burst_lost.value() + c.queue_full.value() + c.store_full.value());
  run_out();
  EXPECT_EQ(c.held.value(), 0u);
  EXPECT_EQ(c.received.value() + c.duplicated.value(), c.sent.value() + dropped_.size());
}

TEST_F(ImpairedLinkTest, ChangeAtRunTimeKeepsWhatIsUnderWayInItsOrder) {
  make({.rate = 8'000, .delay = milliseconds(1)});  // a second for 1000 octets
  feed(1);
  feed(2);
  run_to(at(milliseconds(100)));
  link_->configure(now_, {.delay = milliseconds(1)});
  feed(3);
  run_out();
  EXPECT_EQ(order(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(out_[2].at, at(milliseconds(1001))) << "as the one on the wire";
  feed(4);
  run_out();
  EXPECT_EQ(out_[3].at, at(milliseconds(1002)));
}

TEST_F(ImpairedLinkTest, WhatIsInsideIsFreedWithIt) {
  make({.rate = 8'000, .delay = milliseconds(1), .reorder = 50});
  feed_many(20);
  link_.reset();
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

// --- active queue management ---------------------------------------------------------------------

// RFC 8289 section 5.
TEST_F(ImpairedLinkTest, CodelDropsOnlyWhatStoodForAnInterval) {
  make({.rate = 8'000'000, .queue_packets = 1000, .aqm = LinkConfig::Aqm::kCodel});
  // Twice what the wire takes: 1 ms for a frame, and one each half millisecond.
  Instant first_drop = kNever;
  for (int i = 0; i < 1000; ++i) {
    feed(i & 0x7f);
    run_to(now_ + microseconds(500));
    if (!dropped_.empty()) first_drop = std::min(first_drop, now_);
  }
  EXPECT_GT(first_drop, at(milliseconds(105)));
  EXPECT_LT(first_drop, at(milliseconds(130)));
  EXPECT_EQ(dropped(Drop::kBridgeCodel), dropped_.size());
  EXPECT_GT(dropped_.size(), 5u);
  EXPECT_EQ(link_->counters().codel_dropped.value(), dropped_.size());
}

TEST_F(ImpairedLinkTest, CodelLeavesAShortQueueAlone) {
  make({.rate = 8'000'000, .aqm = LinkConfig::Aqm::kCodel});
  for (int i = 0; i < 500; ++i) {  // bursts of four that the wire works off
    for (int j = 0; j < 4; ++j) feed(j);
    run_to(now_ + milliseconds(5));
  }
  EXPECT_TRUE(dropped_.empty());
}

/// A frame with an IPv4 header of this TOS.
void make_ip4(MutBytes frame, std::uint8_t tos) {
  put_be16(frame, 12, 0x0800);
  const MutBytes ip = frame.subspan(14);
  ip[0] = 0x45;
  ip[1] = tos;
  put_be16(ip, 2, static_cast<std::uint16_t>(ip.size()));
  put_be16(ip, 10, 0);
  put_be16(ip, 10, internet_sum(ip.first(20)).checksum());
}

TEST_F(ImpairedLinkTest, CodelMarksWhatIsEcnCapableInsteadOfDroppingIt) {
  keep_ = true;
  make({.rate = 8'000'000, .aqm = LinkConfig::Aqm::kCodel, .ecn = true});
  for (int i = 0; i < 1000; ++i) {
    MemPacket p = packet(1, 1000);
    make_ip4(p.pull(1000), i % 2 == 0 ? 0x02 : 0x00);
    link_->feed(now_, std::move(p), *this);
    run_to(now_ + microseconds(800));
  }
  EXPECT_GT(link_->counters().marked.value(), 0u);
  EXPECT_GT(dropped(Drop::kBridgeCodel), 0u) << "those that are not";
  std::size_t marked = 0;
  for (MemPacket& p : packets_) {
    if ((p.pull(1000)[15] & 3) == 3) ++marked;
  }
  EXPECT_EQ(marked, link_->counters().marked.value());
}

TEST_F(ImpairedLinkTest, ThresholdMarksWhatWaitedLonger) {
  keep_ = true;
  make({.rate = 8'000'000, .ce_threshold = milliseconds(2)});
  for (int i = 0; i < 6; ++i) {
    MemPacket p = packet(1, 1000);
    make_ip4(p.pull(1000), 0x01);
    link_->feed(now_, std::move(p), *this);
  }
  run_out();
  ASSERT_EQ(packets_.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    const MutBytes frame = packets_[i].pull(1000);
    EXPECT_EQ(frame[15] & 3, i > 2 ? 3 : 1) << i;
    EXPECT_EQ(internet_sum(frame.subspan(14, 20)).checksum(), 0) << "its checksum is right";
  }
  EXPECT_EQ(link_->counters().marked.value(), 3u);
}

// RFC 3168 section 5, behind VLAN tags too.
TEST(CongestionMark, IsMadeWhereTheHeaderIsEcnCapable) {
  std::vector<std::uint8_t> frame(60);
  make_ip4(frame, 0xb8);
  EXPECT_FALSE(mark_congestion(MutBytes{frame})) << "not capable";
  make_ip4(frame, 0xba);
  EXPECT_TRUE(mark_congestion(MutBytes{frame}));
  EXPECT_EQ(frame[15], 0xbb);

  std::vector<std::uint8_t> tagged(64);
  put_be16(tagged, 12, 0x8100);
  make_ip4(MutBytes{tagged}.subspan(4), 0x01);
  EXPECT_TRUE(mark_congestion(MutBytes{tagged}));
  EXPECT_EQ(tagged[19], 0x03);

  std::vector<std::uint8_t> six(60);
  put_be16(six, 12, 0x86dd);
  six[14] = 0x60;
  six[15] = 0x05;
  EXPECT_FALSE(mark_congestion(MutBytes{six}));
  six[15] = 0x25;
  EXPECT_TRUE(mark_congestion(MutBytes{six}));
  EXPECT_EQ(six[14], 0x60);
  EXPECT_EQ(six[15], 0x35);

  std::vector<std::uint8_t> arp(42);
  put_be16(arp, 12, 0x0806);
  EXPECT_FALSE(mark_congestion(MutBytes{arp}));
  for (std::size_t size = 0; size < 34; ++size) {
    std::vector<std::uint8_t> cut(size);
    if (size >= 14) put_be16(cut, 12, 0x0800);
    EXPECT_FALSE(mark_congestion(MutBytes{cut})) << size;
  }
}

// --- settings ------------------------------------------------------------------------------------

TEST(LinkConfig, WhatContradictsItselfIsNamed) {
  struct Row {
    LinkConfig link;
    const char* key;
  };
  const std::vector<Row> rows = {
      {{.loss = 101}, "loss"},
      {{.burst_enter = 1, .burst_leave = 0}, "burst_leave"},
      {{.blackout_every = seconds(1)}, "blackout"},
      {{.blackout = seconds(1), .blackout_every = seconds(1)}, "blackout_every"},
      {{.burst = 1000}, "rate"},
      {{.aqm = LinkConfig::Aqm::kCodel}, "rate"},
      {{.rate = 1000, .ecn = true}, "ecn"},
      {{.rate = 1000, .queue_packets = 0}, "queue_packets"},
      {{.codel_target = seconds(1)}, "codel_interval"},
      {{.jitter_reorders = true}, "jitter_reorders"},
      {{.reorder = 1, .reorder_by = Duration{0}}, "reorder_by"},
      {{.delay = -milliseconds(1)}, "delay"},
  };
  for (const Row& row : rows) {
    const std::string wrong = objection(row.link);
    EXPECT_EQ(wrong.substr(0, wrong.find(':')), row.key) << wrong;
  }
  EXPECT_EQ(objection({}), "");
}

}  // namespace
}  // namespace smol::dataplane
