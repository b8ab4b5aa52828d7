// Every operation of PacketBuffer and PacketPool, over both models: what holds for one holds for
// the other, or the stack's own tests say nothing about the daemon.

#include <algorithm>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/mbuf_packet.hh"
#include "protocols/base/random.hh"
#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane {
namespace {

constexpr std::uint32_t kPackets = 64;

template <class P>
struct PoolOf;

template <>
struct PoolOf<MemPacket> {
  MemPool pool{kPackets, 2048 + 128, *std::pmr::new_delete_resource()};
  MemPool& operator*() { return pool; }
  /// Views come from nodes of their own.
  std::size_t views() const { return pool.nodes_available(); }
};

template <>
struct PoolOf<MbufPacket> {
  std::unique_ptr<MbufPool> pool =
      MbufPool::create("conformance", {.packets = kPackets, .small_packets = kPackets}, -1).value();
  MbufPool& operator*() { return *pool; }
  std::size_t views() const { return pool->small_available(); }
};

using Octets = std::vector<std::uint8_t>;

template <class P>
class PacketConformance : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ((*pool_).available(), (*pool_).capacity()) << "a packet was not freed";
  }

  /// `n` octets that count up from `first`.
  static Octets count(std::size_t n, std::uint8_t first = 0) {
    Octets out(n);
    std::iota(out.begin(), out.end(), first);
    return out;
  }
  P packet(const Octets& octets) {
    P out = (*pool_).allocate();
    copy_bytes(out.append(octets.size()), octets);
    return out;
  }
  P chained(std::initializer_list<Octets> pieces) {
    P out;
    for (const Octets& piece : pieces) {
      if (out) {
        out.chain(packet(piece));
      } else {
        out = packet(piece);
      }
    }
    return out;
  }
  static Octets octets(const P& packet) {
    Octets out(packet.size());
    packet_copy(packet, 0, out);
    return out;
  }
  static std::size_t segments(const P& packet) {
    std::size_t n = 0;
    while (!packet.segment(n).empty()) ++n;
    return n;
  }

  PoolOf<P> pool_;
};

using Models = ::testing::Types<MemPacket, MbufPacket>;
class ModelNames {
 public:
  template <class P>
  static std::string GetName(int) {
    return std::is_same_v<P, MemPacket> ? "Mem" : "Mbuf";
  }
};
TYPED_TEST_SUITE(PacketConformance, Models, ModelNames);

TYPED_TEST(PacketConformance, HandleWithoutPacketIsFalse) {
  TypeParam none;
  EXPECT_FALSE(none);
  TypeParam some = (*this->pool_).allocate();
  EXPECT_TRUE(some);
  TypeParam moved = std::move(some);
  EXPECT_TRUE(moved);
  EXPECT_FALSE(some);  // NOLINT(bugprone-use-after-move): the state is specified
}

TYPED_TEST(PacketConformance, FreshPacketIsEmptyWithRoomForAnMtuAndAllHeaders) {
  TypeParam p = (*this->pool_).allocate();
  EXPECT_EQ(p.size(), 0u);
  EXPECT_TRUE(p.segment(0).empty());
  EXPECT_GE(p.tailroom(), 1500u + 14u);
  EXPECT_TRUE(p.unique());
  EXPECT_EQ(p.prepend(128).size(), 128u);
  EXPECT_EQ(p.size(), 128u);
}

TYPED_TEST(PacketConformance, SmallPacketHasRoomForHeaders) {
  constexpr std::size_t kHeaders = 14 + 40 + 60;
  TypeParam in_front = (*this->pool_).allocate_small();
  EXPECT_EQ(in_front.prepend(kHeaders).size(), kHeaders);
  TypeParam behind = (*this->pool_).allocate_small();
  EXPECT_EQ(behind.append(kHeaders).size(), kHeaders);
}

TYPED_TEST(PacketConformance, PrependAndAppendGrowTheTwoEnds) {
  TypeParam p = this->packet({3, 4});
  copy_bytes(p.prepend(2), Octets{1, 2});
  copy_bytes(p.append(2), Octets{5, 6});
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(p.size(), 6u);
}

TYPED_TEST(PacketConformance, PrependWithoutHeadroomGivesNothingAndChangesNothing) {
  TypeParam p = this->packet({1, 2});
  EXPECT_TRUE(p.prepend(129).empty());
  EXPECT_EQ(this->octets(p), (Octets{1, 2}));
}

TYPED_TEST(PacketConformance, AppendWithoutTailroomGivesNothingAndChangesNothing) {
  TypeParam p = this->packet({1, 2});
  EXPECT_TRUE(p.append(p.tailroom() + 1).empty());
  EXPECT_EQ(this->octets(p), (Octets{1, 2}));
  const std::size_t room = p.tailroom();
  EXPECT_EQ(p.append(room).size(), room);
  EXPECT_EQ(p.size(), 2 + room);
  EXPECT_EQ(p.tailroom(), 0u);
}

TYPED_TEST(PacketConformance, AppendToAChainFillsTheLastSegment) {
  TypeParam p = this->chained({{1, 2}, {3}});
  copy_bytes(p.append(1), Octets{4});
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3, 4}));
  EXPECT_EQ(p.segment(1).size(), 2u);
}

TYPED_TEST(PacketConformance, TrimFrontCutsWithinASegment) {
  TypeParam p = this->packet({1, 2, 3});
  p.trim_front(0);
  p.trim_front(2);
  EXPECT_EQ(this->octets(p), (Octets{3}));
}

TYPED_TEST(PacketConformance, TrimFrontOfAllLeavesAnEmptyPacket) {
  TypeParam p = this->packet({1, 2, 3});
  p.trim_front(3);
  EXPECT_TRUE(p);
  EXPECT_EQ(p.size(), 0u);
  EXPECT_TRUE(p.segment(0).empty());
}

TYPED_TEST(PacketConformance, TrimFrontCutsAcrossSegmentsAndKeepsTheMetadata) {
  TypeParam p = this->chained({{1, 2}, {3, 4}, {5, 6}});
  p.meta().seq = SeqNumber{77};
  p.trim_front(3);
  EXPECT_EQ(this->octets(p), (Octets{4, 5, 6}));
  EXPECT_EQ(p.meta().seq, SeqNumber{77});
  EXPECT_EQ(this->segments(p), 2u);
  EXPECT_EQ(p.size(), 3u);
}

TYPED_TEST(PacketConformance, TrimFrontAtASegmentsEndFreesTheSegment) {
  TypeParam p = this->chained({{1, 2}, {3, 4}});
  const std::size_t before = (*this->pool_).available();
  p.trim_front(2);
  EXPECT_EQ((*this->pool_).available(), before + 1);
  EXPECT_EQ(p.segment(0).size(), 2u);
  EXPECT_EQ(this->octets(p), (Octets{3, 4}));
}

TYPED_TEST(PacketConformance, TrimFrontOfAWholeChainLeavesAnEmptyPacket) {
  TypeParam p = this->chained({{1, 2}, {3, 4}});
  p.trim_front(4);
  EXPECT_EQ(p.size(), 0u);
  EXPECT_TRUE(p.segment(0).empty());
}

TYPED_TEST(PacketConformance, TrimBackCutsWithinASegment) {
  TypeParam p = this->packet({1, 2, 3});
  p.trim_back(0);
  p.trim_back(2);
  EXPECT_EQ(this->octets(p), (Octets{1}));
  p.trim_back(1);
  EXPECT_EQ(p.size(), 0u);
}

TYPED_TEST(PacketConformance, TrimBackFreesTheSegmentsItEmpties) {
  TypeParam p = this->chained({{1, 2}, {3, 4}, {5, 6}});
  const std::size_t before = (*this->pool_).available();
  p.trim_back(4);
  EXPECT_EQ(this->octets(p), (Octets{1, 2}));
  EXPECT_EQ(this->segments(p), 1u);
  EXPECT_EQ((*this->pool_).available(), before + 2);
  EXPECT_GT(p.tailroom(), 1000u);
}

TYPED_TEST(PacketConformance, SegmentPastTheLastIsEmpty) {
  TypeParam p = this->chained({{1}, {2}});
  EXPECT_EQ(p.segment(0)[0], 1);
  EXPECT_EQ(p.segment(1)[0], 2);
  EXPECT_TRUE(p.segment(2).empty());
  EXPECT_TRUE(p.segment(9).empty());
}

TYPED_TEST(PacketConformance, PullWithinTheFirstSegmentIsInPlace) {
  TypeParam p = this->packet({1, 2, 3});
  const MutBytes front = p.pull(2);
  ASSERT_EQ(front.size(), 2u);
  front[1] = 9;
  EXPECT_EQ(this->octets(p), (Octets{1, 9, 3}));
  EXPECT_EQ(p.pull(3).size(), 3u);
}

TYPED_TEST(PacketConformance, PullAcrossSegmentsMakesTheFrontContiguous) {
  TypeParam p = this->chained({{1, 2}, {3}, {4, 5, 6}});
  const MutBytes front = p.pull(5);
  ASSERT_EQ(front.size(), 5u);
  EXPECT_EQ((Octets{front.begin(), front.end()}), (Octets{1, 2, 3, 4, 5}));
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(p.size(), 6u);
  EXPECT_EQ(this->segments(p), 2u);
}

TYPED_TEST(PacketConformance, PullOfAllFreesTheOtherSegments) {
  TypeParam p = this->chained({{1, 2}, {3}, {4}});
  const std::size_t before = (*this->pool_).available();
  EXPECT_EQ(p.pull(4).size(), 4u);
  EXPECT_EQ((*this->pool_).available(), before + 2);
  EXPECT_EQ(this->segments(p), 1u);
}

TYPED_TEST(PacketConformance, PullOfMoreThanThereIsGivesNothing) {
  TypeParam p = this->chained({{1, 2}, {3}});
  EXPECT_TRUE(p.pull(4).empty());
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3}));
}

TYPED_TEST(PacketConformance, PullWithoutRoomGivesNothingAndChangesNothing) {
  const Octets first = this->count((*this->pool_).allocate().tailroom());
  TypeParam p = this->chained({first, {3}});
  EXPECT_TRUE(p.pull(first.size() + 1).empty());
  EXPECT_EQ(p.size(), first.size() + 1);
  EXPECT_EQ(p.segment(1)[0], 3);
}

TYPED_TEST(PacketConformance, PullDoesNotWriteIntoASharedSegment) {
  TypeParam p = this->chained({{1, 2}, {3}});
  const auto view = p.share(0, 2);
  ASSERT_TRUE(view);
  EXPECT_TRUE(p.pull(3).empty());
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3}));
}

TYPED_TEST(PacketConformance, ChainAddsTheOctetsBehind) {
  TypeParam p = this->packet({1});
  p.chain(this->chained({{2}, {3, 4}}));
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3, 4}));
  EXPECT_EQ(p.size(), 4u);
  EXPECT_EQ(this->segments(p), 3u);
}

TYPED_TEST(PacketConformance, ChainOfNothingChangesNothing) {
  TypeParam p = this->packet({1});
  p.chain(TypeParam{});
  p.chain((*this->pool_).allocate());
  EXPECT_EQ(this->octets(p), (Octets{1}));
  EXPECT_EQ(this->segments(p), 1u);
}

TYPED_TEST(PacketConformance, ShareShowsARangeOverSegments) {
  const TypeParam p = this->chained({{1, 2, 3}, {4, 5}, {6}});
  const auto view = p.share(1, 4);
  ASSERT_TRUE(view);
  EXPECT_EQ(this->octets(*view), (Octets{2, 3, 4, 5}));
  EXPECT_EQ(this->segments(*view), 2u);
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3, 4, 5, 6}));
}

TYPED_TEST(PacketConformance, ShareHasMetadataOfItsOwn) {
  TypeParam p = this->packet({1, 2});
  p.meta().seq = SeqNumber{5};
  auto view = p.share(0, 2);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->meta().seq, SeqNumber{});
  view->meta().seq = SeqNumber{6};
  EXPECT_EQ(p.meta().seq, SeqNumber{5});
}

TYPED_TEST(PacketConformance, ShareIsTrimmedIndependently) {
  TypeParam p = this->packet({1, 2, 3, 4});
  auto view = p.share(0, 4);
  ASSERT_TRUE(view);
  view->trim_front(1);
  view->trim_back(1);
  p.trim_front(2);
  EXPECT_EQ(this->octets(*view), (Octets{2, 3}));
  EXPECT_EQ(this->octets(p), (Octets{3, 4}));
}

TYPED_TEST(PacketConformance, ShareOutlivesTheOriginal) {
  TypeParam p = this->packet({1, 2, 3});
  auto view = p.share(1, 2);
  ASSERT_TRUE(view);
  p = TypeParam{};
  EXPECT_EQ(this->octets(*view), (Octets{2, 3}));
  EXPECT_TRUE(view->unique());
}

TYPED_TEST(PacketConformance, ShareOfAShareIsAShareOfTheOriginal) {
  TypeParam p = this->packet({1, 2, 3, 4});
  auto view = p.share(1, 3);
  ASSERT_TRUE(view);
  auto again = view->share(1, 2);
  ASSERT_TRUE(again);
  view.reset();
  EXPECT_EQ(this->octets(*again), (Octets{3, 4}));
  EXPECT_FALSE(p.unique());
  again.reset();
  EXPECT_TRUE(p.unique());
}

TYPED_TEST(PacketConformance, OctetsWithTwoOwnersAreNotUnique) {
  TypeParam p = this->chained({{1, 2}, {3, 4}});
  EXPECT_TRUE(p.unique());
  auto view = p.share(2, 2);  // of the second segment alone
  ASSERT_TRUE(view);
  EXPECT_FALSE(p.unique());
  EXPECT_FALSE(view->unique());
  view.reset();
  EXPECT_TRUE(p.unique());
}

TYPED_TEST(PacketConformance, ShareWithoutMemoryGivesNothingAndKeepsNothing) {
  TypeParam p = this->chained({{1, 2}, {3, 4}});
  std::vector<TypeParam> views;
  while (this->pool_.views() > 1) views.push_back(*p.share(0, 1));
  EXPECT_FALSE(p.share(0, 4));
  EXPECT_EQ(this->pool_.views(), 1u);
  views.clear();
  EXPECT_TRUE(p.unique());
}

TYPED_TEST(PacketConformance, HoldIsTheSamePacketAgain) {
  TypeParam p = this->chained({{1, 2}, {3}});
  p.meta().seq = SeqNumber{9};
  TypeParam held = p.hold();
  EXPECT_EQ(this->octets(held), (Octets{1, 2, 3}));
  EXPECT_EQ(&held.meta(), &p.meta());
  EXPECT_FALSE(p.unique());
  EXPECT_FALSE(held.unique());
  held = TypeParam{};
  EXPECT_TRUE(p.unique());
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 3}));
}

TYPED_TEST(PacketConformance, HeldPacketOutlivesTheFirstHandle) {
  TypeParam p = this->chained({{1, 2}, {3}});
  TypeParam held = p.hold();
  TypeParam third = p.hold();
  p = TypeParam{};
  EXPECT_FALSE(held.unique());
  third = TypeParam{};
  EXPECT_TRUE(held.unique());
  EXPECT_EQ(this->octets(held), (Octets{1, 2, 3}));
}

TYPED_TEST(PacketConformance, ChainTakesASharedPartAndLeavesItsOwnerAlone) {
  TypeParam payload = this->chained({{5, 6}, {7}});
  TypeParam head = (*this->pool_).allocate_small();
  copy_bytes(head.append(2), Octets{1, 2});
  head.chain(*payload.share(1, 2));
  EXPECT_EQ(this->octets(head), (Octets{1, 2, 6, 7}));
  EXPECT_EQ(this->octets(payload), (Octets{5, 6, 7}));
  head = TypeParam{};
  EXPECT_TRUE(payload.unique());
}

TYPED_TEST(PacketConformance, ChainTakesAHeldPacketOfOneSegmentAndLeavesItsOwnerAlone) {
  TypeParam payload = this->packet({5, 6, 7});
  TypeParam head = (*this->pool_).allocate_small();
  copy_bytes(head.append(2), Octets{1, 2});
  head.chain(payload.hold());
  EXPECT_EQ(this->octets(head), (Octets{1, 2, 5, 6, 7}));
  EXPECT_EQ(payload.size(), 3u);
  head = TypeParam{};
  EXPECT_TRUE(payload.unique());
  EXPECT_EQ(this->octets(payload), (Octets{5, 6, 7}));
}

TYPED_TEST(PacketConformance, HeadersGoInFrontOfAChainThatBeganEmpty) {
  TypeParam payload = this->packet({5, 6, 7});
  TypeParam p = (*this->pool_).allocate_small();
  p.chain(*payload.share(1, 2));
  copy_bytes(p.prepend(2), Octets{1, 2});
  EXPECT_EQ(this->octets(p), (Octets{1, 2, 6, 7}));
  EXPECT_EQ(p.size(), 4u);
}

// As a payload is shared out where the device keeps what it is given.
TYPED_TEST(PacketConformance, HeadersGoInFrontOfAShareFromTheFirstOctet) {
  TypeParam payload = this->packet({5, 6, 7});
  auto p = payload.share(0, 3);
  ASSERT_TRUE(p);
  copy_bytes(p->prepend(54), this->count(54));
  EXPECT_EQ(p->size(), 57u);
  EXPECT_EQ(p->segment(0)[53], 53);
  EXPECT_EQ(this->octets(payload), (Octets{5, 6, 7}));
}

// As a payload is sent to a device that only reads it: held first, and then the headers are put in
// front.
TYPED_TEST(PacketConformance, HeadersPutInFrontOfAHeldPacketAreTakenOffBeforeTheNextTime) {
  TypeParam payload = this->packet({5, 6, 7});
  TypeParam sent = payload.hold();
  copy_bytes(sent.prepend(54), this->count(54));
  EXPECT_EQ(payload.size(), 57u);
  sent = TypeParam{};
  ASSERT_TRUE(payload.unique());
  payload.trim_front(payload.size() - 3);
  EXPECT_EQ(this->octets(payload), (Octets{5, 6, 7}));
}

TYPED_TEST(PacketConformance, TrueSizeIsAtLeastTheBuffersThatArePinned) {
  TypeParam p = this->packet({1});
  EXPECT_GE(p.true_size(), 2048u + 128u);
  auto view = p.share(0, 1);
  ASSERT_TRUE(view);
  EXPECT_GE(view->true_size(), 2048u + 128u);
  const std::size_t one = p.true_size();
  p.chain(this->packet({2}));
  EXPECT_EQ(p.true_size(), 2 * one);
}

TYPED_TEST(PacketConformance, ReleaseAndAdoptKeepPacketAndMetadata) {
  TypeParam p = this->packet({1, 2});
  p.meta().payload_len = 2;
  auto* node = p.release();
  EXPECT_FALSE(p);  // NOLINT(bugprone-use-after-move): the state is specified
  EXPECT_EQ(TypeParam::meta_of(node).payload_len, 2u);
  TypeParam again = TypeParam::adopt(node);
  EXPECT_EQ(this->octets(again), (Octets{1, 2}));
  EXPECT_EQ(again.meta().payload_len, 2u);
}

TYPED_TEST(PacketConformance, RecycledPacketHasCleanMetadata) {
  std::vector<TypeParam> all;
  while (TypeParam p = (*this->pool_).allocate()) {
    p.meta().hash = 1;
    p.meta().hash_valid = true;
    p.meta().tx.tcp_checksum = true;
    p.meta().l4_checksum = ChecksumState::kBad;
    p.meta().payload_sum_valid = true;
    all.push_back(std::move(p));
  }
  all.clear();
  while (TypeParam p = (*this->pool_).allocate()) {
    EXPECT_FALSE(p.meta().hash_valid);
    EXPECT_FALSE(p.meta().tx.any());
    EXPECT_EQ(p.meta().l4_checksum, ChecksumState::kUnknown);
    EXPECT_FALSE(p.meta().payload_sum_valid);
    EXPECT_EQ(p.meta().next, nullptr);
    all.push_back(std::move(p));
  }
}

TYPED_TEST(PacketConformance, PoolCountsWhatIsLeft) {
  EXPECT_EQ((*this->pool_).capacity(), kPackets);
  EXPECT_EQ((*this->pool_).available(), kPackets);
  TypeParam one = (*this->pool_).allocate();
  EXPECT_EQ((*this->pool_).available(), kPackets - 1);
  TypeParam two = this->packet({1});
  EXPECT_EQ((*this->pool_).available(), kPackets - 2);
  one = TypeParam{};
  EXPECT_EQ((*this->pool_).available(), kPackets - 1);
}

TYPED_TEST(PacketConformance, EmptyPoolGivesEmptyHandles) {
  std::vector<TypeParam> all;
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    all.push_back((*this->pool_).allocate());
    EXPECT_TRUE(all.back());
  }
  EXPECT_EQ((*this->pool_).available(), 0u);
  EXPECT_FALSE((*this->pool_).allocate());
  all.pop_back();
  EXPECT_TRUE((*this->pool_).allocate());
}

TYPED_TEST(PacketConformance, QueueKeepsTheOrder) {
  PacketQueue<TypeParam> queue;
  queue.push_back(this->packet({2}));
  queue.push_back(this->packet({3}));
  queue.push_front(this->packet({1}));
  for (std::uint8_t expected = 1; expected <= 3; ++expected) {
    EXPECT_EQ(this->octets(queue.pop_front()), (Octets{expected}));
  }
  EXPECT_TRUE(queue.empty());
  queue.push_back(this->packet({4}));  // freed with the queue
}

TYPED_TEST(PacketConformance, SumOverSegmentsOfOddLengthIsTheSumOfTheWhole) {
  const Octets whole = this->count(1001);
  TypeParam p = this->chained({{whole.begin(), whole.begin() + 333},
                               {whole.begin() + 333, whole.begin() + 334},
                               {whole.begin() + 334, whole.end()}});
  EXPECT_EQ(packet_sum(p, 3, 900).folded(), internet_sum(Bytes{whole}.subspan(3, 900)).folded());
}

// Any sequence of operations, beside a plain vector that does the same.
TYPED_TEST(PacketConformance, BehavesAsAVectorOfOctets) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng{seed};
    TypeParam p = (*this->pool_).allocate();
    Octets model;
    std::vector<std::pair<TypeParam, Octets>> views;
    for (int step = 0; step < 60; ++step) {
      const auto octet = static_cast<std::uint8_t>(rng.next());
      const std::size_t n = rng.below(200);
      const std::size_t within =
          model.empty() ? 0 : rng.below(static_cast<std::uint32_t>(model.size()) + 1);
      switch (rng.below(7)) {
        case 0: {
          // In front of octets that somebody else may look at there is no room to claim.
          if (!p.unique()) break;
          const MutBytes room = p.prepend(n);
          std::fill(room.begin(), room.end(), octet);
          model.insert(model.begin(), room.size(), octet);
          break;
        }
        case 1: {
          if (!p.unique()) break;
          const MutBytes room = p.append(n);
          std::fill(room.begin(), room.end(), octet);
          model.insert(model.end(), room.size(), octet);
          break;
        }
        case 2:
          p.trim_front(within);
          model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(within));
          break;
        case 3:
          p.trim_back(within);
          model.resize(model.size() - within);
          break;
        case 4:
          // Behind an empty segment the octets would lie past what segment() calls the end.
          if (model.empty()) break;
          p.chain(this->packet(this->count(n, octet)));
          for (const std::uint8_t o : this->count(n, octet)) model.push_back(o);
          break;
        case 5:
          if (const MutBytes front = p.pull(within); !front.empty()) {
            EXPECT_TRUE(std::equal(front.begin(), front.end(), model.begin()));
          }
          break;
        case 6:
          if (within < model.size() && views.size() < 8) {
            const std::size_t length =
                1 + rng.below(static_cast<std::uint32_t>(model.size() - within));
            if (auto view = p.share(within, length)) {
              const auto from = model.begin() + static_cast<std::ptrdiff_t>(within);
              views.emplace_back(std::move(*view),
                                 Octets{from, from + static_cast<std::ptrdiff_t>(length)});
            }
          } else {
            views.clear();
          }
          break;
      }
      ASSERT_EQ(this->octets(p), model) << "seed " << seed << ", step " << step;
      for (const auto& [view, expected] : views) {
        ASSERT_EQ(this->octets(view), expected) << "seed " << seed << ", step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace smol::dataplane
