// The tap that a worker copies packets into.

#include "dataplane/capture.hh"

#include <utility>

#include "tests/dataplane/capture_fixture.hh"

namespace smol::dataplane {
namespace {

using testing::at;

class CaptureTest : public testing::CaptureFixture {
 protected:
  std::atomic<const CaptureRules*> published_{nullptr};
  std::unique_ptr<CaptureRules> rules_ = std::make_unique<CaptureRules>();
  CaptureTap tap_{published_, 3, 1 << 16};

  static CaptureRule all() {
    CaptureRule rule;
    rule.taps = kTapRx | kTapTx | kTapDrop;
    rule.snap_length = 65'535;
    rule.reasons.set();
    return rule;
  }
  static CaptureRule taps(unsigned taps) {
    CaptureRule rule = all();
    rule.taps = static_cast<std::uint8_t>(taps);
    return rule;
  }
  /// Packets whose first octet is this.
  static CaptureRule first_octet(std::uint32_t value) {
    CaptureRule rule = all();
    rule.filter =
        filter::Filter::create(std::vector<filter::Instruction>{{filter::kLoadByteAt, 0, 0, 0},
                                                                {filter::kJumpEqualK, 0, 1, value},
                                                                {filter::kReturnK, 0, 0, 1},
                                                                {filter::kReturnK, 0, 0, 0}})
            .value();
    return rule;
  }
  /// In the next slot.
  void open(CaptureRule rule) {
    const auto slot = static_cast<unsigned>(std::popcount(rules_->open));
    rules_->open |= 1u << slot;
    if (rule.tcp_info) rules_->tcp_info |= 1u << slot;
    rules_->rules[slot] = std::make_shared<const CaptureRule>(std::move(rule));
    published_ = rules_.get();
  }
  struct Copy {
    CaptureRecord record;
    std::vector<std::uint8_t> octets;
    std::optional<tcp::Trace> trace;
  };
  static CaptureRule with_tcp_info() {
    CaptureRule rule = all();
    rule.tcp_info = true;
    return rule;
  }
  static tcp::Trace trace(std::uint32_t cwnd) {
    tcp::Trace out;
    out.cwnd = cwnd;
    return out;
  }
  std::vector<Copy> drain() {
    std::vector<Copy> out;
    while (const auto entry = tap_.front()) {
      out.push_back({entry->record, {entry->octets.begin(), entry->octets.end()}, entry->trace});
      tap_.pop();
    }
    return out;
  }
};

TEST_F(CaptureTest, WithoutACaptureThereIsNothingToDo) {
  EXPECT_FALSE(tap_.active());
  auto packets = burst({1});
  tap_.on_drop(at(1), 0, 0, Direction::kRx, packets[0], Drop::kNoRoute);
  EXPECT_EQ(tap_.busy(), 0u) << "it looked at the rules";
  EXPECT_TRUE(drain().empty());
  EXPECT_FALSE(CaptureTap::none().active());
}

TEST_F(CaptureTest, BurstIsCopiedWhenItIsSettled) {
  open(all());
  EXPECT_TRUE(tap_.active());
  auto packets = burst({1, 2});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets, 9);
  EXPECT_TRUE(drain().empty());
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].octets, std::vector<std::uint8_t>(60, 1));
  EXPECT_EQ(seen[1].octets, std::vector<std::uint8_t>(60, 2));
  EXPECT_EQ(seen[0].record.at, at(5));
  EXPECT_EQ(seen[0].record.length, 60u);
  EXPECT_EQ(seen[0].record.direction, Direction::kRx);
  EXPECT_EQ(seen[0].record.interface, 9);
  EXPECT_EQ(seen[0].record.queue, 3);
  EXPECT_EQ(seen[0].record.captures, 1u);
  EXPECT_FALSE(seen[0].record.dropped);
}

TEST_F(CaptureTest, PacketDroppedByTheStackAppearsOnceWithItsReason) {
  open(all());
  auto packets = burst({1, 2, 3});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  packets[1].trim_back(14);  // as the stack leaves it
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[1], Drop::kTcpBadChecksum);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].record.dropped);
  EXPECT_TRUE(seen[1].record.dropped);
  EXPECT_EQ(seen[1].record.reason, Drop::kTcpBadChecksum);
  EXPECT_EQ(seen[1].octets.size(), 60u);
  EXPECT_FALSE(seen[2].record.dropped);
  EXPECT_EQ(tap_.matched(0), 3u);
}

TEST_F(CaptureTest, PacketDroppedLaterIsARecordOfItsOwn) {
  open(all());
  auto packets = burst({1});
  tap_.settle(show(tap_, at(5), Direction::kRx, packets));
  tap_.on_drop(at(9), 0, 0, Direction::kRx, packets[0], Drop::kUdpPortUnreachable);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[0].record.dropped);
  EXPECT_EQ(seen[1].record.reason, Drop::kUdpPortUnreachable);
  EXPECT_EQ(seen[1].record.at, at(9));
}

// The buffer of a received packet may carry the answer before the burst is through.
TEST_F(CaptureTest, DroppedAnswerInTheBufferOfAReceivedPacketIsNotTheReceivedPacket) {
  open(all());
  auto packets = burst({1});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_drop(at(5), 0, 0, Direction::kTx, packets[0], Drop::kNoRoute);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[0].record.dropped);
  EXPECT_EQ(seen[1].record.reason, Drop::kNoRoute);
  EXPECT_EQ(seen[1].record.direction, Direction::kTx);
}

// The stack sends when its own burst is full, while the one that came in is still with it.
TEST_F(CaptureTest, BurstSentMeanwhileDoesNotEndTheOneThatCameIn) {
  open(all());
  auto in = burst({1, 2});
  auto out = burst({3});
  const std::size_t outer = show(tap_, at(5), Direction::kRx, in);
  const std::size_t inner = show(tap_, at(5), Direction::kTx, out);
  tap_.on_drop(at(5), 0, 0, Direction::kTx, out[0], Drop::kTxRingFull);
  tap_.settle(inner);
  EXPECT_TRUE(drain().empty());
  tap_.on_drop(at(5), 0, 0, Direction::kRx, in[1], Drop::kTcpPortClosed);
  tap_.settle(outer);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].record.dropped);
  EXPECT_EQ(seen[1].record.reason, Drop::kTcpPortClosed);
  EXPECT_EQ(seen[2].record.reason, Drop::kTxRingFull);
}

// --- who gets what

TEST_F(CaptureTest, FilterRunsBeforeTheCopy) {
  open(first_octet(2));
  auto packets = burst({1, 2, 3});
  tap_.settle(show(tap_, at(5), Direction::kRx, packets));
  const std::uint64_t written = tap_.ring().published();
  EXPECT_LT(written, 2 * 60 + sizeof(CaptureRecord)) << "more than one packet was copied";
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].octets[0], 2);
}

TEST_F(CaptureTest, CopyIsOneForAllWithTheLargestSnapLength) {
  CaptureRule small = first_octet(2);
  small.snap_length = 20;
  CaptureRule large = first_octet(2);
  large.snap_length = 40;
  CaptureRule other = first_octet(3);
  open(std::move(small));
  open(std::move(large));
  open(std::move(other));
  auto packets = burst({1, 2, 3});
  tap_.settle(show(tap_, at(5), Direction::kRx, packets));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].record.captures, 0b011u);
  EXPECT_EQ(seen[0].octets.size(), 40u);
  EXPECT_EQ(seen[1].record.captures, 0b100u);
  EXPECT_EQ(seen[1].octets.size(), 60u);
  EXPECT_EQ(tap_.matched(0), 1u);
  EXPECT_EQ(tap_.matched(2), 1u);
}

TEST_F(CaptureTest, TapOfDropsLeavesOutTheRest) {
  open(taps(kTapDrop));
  auto packets = burst({1, 2});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[1], Drop::kIp4Truncated);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].record.reason, Drop::kIp4Truncated);
  EXPECT_EQ(seen[0].octets[0], 2);
}

TEST_F(CaptureTest, DirectionsInterfacesAndWorkersAreChosen) {
  open(taps(kTapRx));
  open(taps(kTapTx));
  CaptureRule second_port = all();
  second_port.interfaces = 0b10;
  open(std::move(second_port));
  CaptureRule this_worker = all();
  this_worker.workers = 0b1000;
  open(std::move(this_worker));
  CaptureRule other_worker = all();
  other_worker.workers = 0b0111;
  open(std::move(other_worker));
  auto in = burst({1});
  tap_.settle(show(tap_, at(5), Direction::kRx, in, 0));
  auto out = burst({2});
  tap_.settle(show(tap_, at(5), Direction::kTx, out, 1));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].record.captures, 0b01001u);
  EXPECT_EQ(seen[1].record.captures, 0b01110u);
}

// One capture has the packet from the port, another from where it was dropped: a record each, and
// none of them has it twice.
TEST_F(CaptureTest, DropReachesThoseThatDidNotHaveThePacketYet) {
  open(taps(kTapRx));
  open(taps(kTapDrop));
  open(all());
  auto packets = burst({1});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[0], Drop::kTcpPortClosed);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].record.captures | seen[1].record.captures, 0b111u);
  EXPECT_EQ(seen[0].record.captures & seen[1].record.captures, 0u);
  for (const Copy& each : seen) EXPECT_EQ(each.record.reason, Drop::kTcpPortClosed);
}

TEST_F(CaptureTest, VerdictAndReasonAreAskedForWhenTheyAreKnown) {
  CaptureRule accepted = all();
  accepted.dropped = false;
  CaptureRule reason = all();
  reason.accepted = false;
  reason.reasons.reset();
  reason.reasons.set(static_cast<std::size_t>(Drop::kTcpPortClosed));
  open(std::move(accepted));
  open(std::move(reason));
  auto packets = burst({1, 2, 3});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[1], Drop::kTcpPortClosed);
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[2], Drop::kTcpBadChecksum);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].record.captures, 0b01u);
  EXPECT_EQ(seen[1].record.captures, 0b10u);
  EXPECT_EQ(seen[2].record.captures, 0b00u);
  EXPECT_EQ(tap_.matched(0), 1u);
  EXPECT_EQ(tap_.matched(1), 1u);
}

TEST_F(CaptureTest, SnapLengthCutsTheCopyAndKeepsTheLength) {
  CaptureRule rule = all();
  rule.snap_length = 64;
  open(std::move(rule));
  receive(tap_, at(5), 1, 200);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].record.length, 200u);
  EXPECT_EQ(seen[0].octets.size(), 64u);
}

TEST_F(CaptureTest, ChainIsCopiedWhole) {
  open(all());
  std::vector<MemPacket> packets;
  packets.push_back(packet(1, 10));
  packets[0].chain(packet(2, 10));
  tap_.settle(show(tap_, at(5), Direction::kTx, packets));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].octets.size(), 20u);
  EXPECT_EQ(seen[0].octets[9], 1);
  EXPECT_EQ(seen[0].octets[10], 2);
}

TEST_F(CaptureTest, FullRingLosesTheCopyAndCountsItForEachCapture) {
  open(all());
  open(first_octet(2));
  for (int i = 0; i < 1000; ++i) receive(tap_, at(i), i % 3);
  const auto seen = drain();
  EXPECT_GT(seen.size(), 100u);
  EXPECT_LT(seen.size(), 1000u);
  const auto second = static_cast<std::size_t>(std::count_if(
      seen.begin(), seen.end(), [](const Copy& each) { return each.record.captures == 3; }));
  EXPECT_EQ(tap_.matched(0), 1000u);
  EXPECT_EQ(tap_.lost(0), 1000u - seen.size());
  EXPECT_EQ(tap_.matched(1), 333u);
  EXPECT_EQ(tap_.lost(1), 333u - second);
}

// --- rules that change

TEST_F(CaptureTest, RulesStayTheSameForABurst) {
  open(all());
  auto packets = burst({1, 2});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  EXPECT_EQ(tap_.busy() % 2, 1u);
  published_ = nullptr;
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[1], Drop::kNoRoute);
  tap_.settle(mark);
  EXPECT_EQ(tap_.busy() % 2, 0u);
  rules_.reset();  // nobody looks at them any more
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].record.reason, Drop::kNoRoute);
  EXPECT_FALSE(tap_.active());
}

TEST_F(CaptureTest, DyingProcessPublishesTheBurstAtHand) {
  open(all());
  auto packets = burst({1, 2});
  static_cast<void>(show(tap_, at(5), Direction::kRx, packets));
  tap_.publish_all();
  EXPECT_EQ(drain().size(), 2u);
}

// --- checksums that the device fills in

// RFC 1071's own example of a sum, as an IPv4 header and as a TCP segment.
TEST_F(CaptureTest, CopyHasTheChecksumsThatTheDeviceWillFillIn) {
  MemPacket p = packet(0, 14 + 20 + 20 + 3);
  const MutBytes frame = p.pull(p.size());
  frame[14] = 0x45;
  frame[14 + 8] = 64;
  frame[54] = 0xab;
  frame[56] = 0xcd;
  put_be16(frame, 34 + 16, 0x1234);  // the pseudo-header's sum
  p.meta().tx = {.l2_len = 14,
                 .l4_len = 20,
                 .l3_len = 20,
                 .segment_size = 0,
                 .ip4_checksum = true,
                 .tcp_checksum = true,
                 .udp_checksum = false};
  std::vector<MemPacket> packets;
  packets.push_back(std::move(p));
  open(all());
  tap_.settle(show(tap_, at(1), Direction::kTx, packets));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  const Bytes copy{seen[0].octets};
  EXPECT_TRUE(internet_sum(copy.subspan(14, 20)).verifies());
  InternetSum whole = internet_sum(copy.subspan(34));
  whole.add_word(0x1234);
  EXPECT_TRUE(whole.verifies());
  EXPECT_EQ(be16(packets[0].segment(0), 34 + 16), 0x1234) << "the packet itself was written to";
}

TEST_F(CaptureTest, UdpChecksumOfZeroIsWrittenAsAllOnes) {
  MemPacket p = packet(0, 14 + 20 + 8);
  put_be16(p.pull(p.size()), 34 + 6, 0xffff);
  const TxOffload tx{.l2_len = 14,
                     .l4_len = 8,
                     .l3_len = 20,
                     .segment_size = 0,
                     .ip4_checksum = false,
                     .tcp_checksum = false,
                     .udp_checksum = true};
  const TxChecksums checksums = tx_checksums(p, tx);
  ASSERT_TRUE(checksums.transport);
  EXPECT_EQ(checksums.transport->value, 0xffff);
  EXPECT_FALSE(checksums.ip4);
}

TEST_F(CaptureTest, PacketToBeSegmentedGetsItsOwnLengthIntoTheSum) {
  MemPacket p = packet(0, 14 + 20 + 20 + 3000 - 2000);
  put_be16(p.pull(54), 34 + 16, 0x1111);  // without the length
  const TxOffload tx{.l2_len = 14,
                     .l4_len = 20,
                     .l3_len = 20,
                     .segment_size = 500,
                     .ip4_checksum = false,
                     .tcp_checksum = true,
                     .udp_checksum = false};
  const TxChecksums checksums = tx_checksums(p, tx);
  ASSERT_TRUE(checksums.transport);
  EXPECT_EQ(checksums.transport->value, static_cast<std::uint16_t>(~(0x1111 + 1020)));
}

// --- the variables of connections

TEST_F(CaptureTest, NobodyIsAskedForVariablesUntilACaptureWantsThem) {
  EXPECT_FALSE(tap_.wants_segments());
  open(all());
  EXPECT_FALSE(tap_.wants_segments());
  open(with_tcp_info());
  EXPECT_TRUE(tap_.wants_segments());
}

TEST_F(CaptureTest, ASegmentThatCameHasTheVariablesThatItLeftBehind) {
  open(with_tcp_info());
  auto packets = burst({1, 2, 3});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_segment(Direction::kRx, packets[1], trace(14'480));
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].trace, std::nullopt);
  EXPECT_EQ(seen[1].trace, trace(14'480));
  EXPECT_EQ(seen[1].octets, std::vector<std::uint8_t>(60, 2));
  EXPECT_EQ(seen[2].trace, std::nullopt);
}

TEST_F(CaptureTest, ASegmentThatGoesHasTheVariablesThatItLeftWith) {
  open(with_tcp_info());
  auto packets = burst({1, 2});
  tap_.on_segment(Direction::kTx, packets[0], trace(1));
  tap_.on_segment(Direction::kTx, packets[1], trace(2));
  tap_.settle(show(tap_, at(5), Direction::kTx, packets));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].trace, trace(1));
  EXPECT_EQ(seen[1].trace, trace(2));
}

TEST_F(CaptureTest, ASegmentThatWaitedTooLongGoesWithout) {
  open(with_tcp_info());
  auto packets = burst({1, 2});
  tap_.on_segment(Direction::kTx, packets[0], trace(1));
  for (int i = 0; i < 256; ++i) tap_.on_segment(Direction::kTx, packets[1], trace(2));
  tap_.settle(show(tap_, at(5), Direction::kTx, packets));
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].trace, std::nullopt) << "those of another";
  EXPECT_EQ(seen[1].trace, trace(2));
}

TEST_F(CaptureTest, ASegmentThatIsDroppedHasThemTooWhereOnlyDropsAreWanted) {
  CaptureRule drops = with_tcp_info();
  drops.taps = kTapDrop;
  open(std::move(drops));
  auto packets = burst({1});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_segment(Direction::kRx, packets[0], trace(7));
  tap_.on_drop(at(5), 0, 0, Direction::kRx, packets[0], Drop::kTcpPaws);
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].record.dropped);
  EXPECT_EQ(seen[0].trace, trace(7));
}

TEST_F(CaptureTest, ARecordHasNoRoomForThemIfNoCaptureOfItWantsThem) {
  open(first_octet(1));
  CaptureRule other = first_octet(2);
  other.tcp_info = true;
  open(std::move(other));
  auto packets = burst({1});
  const std::size_t mark = show(tap_, at(5), Direction::kRx, packets);
  tap_.on_segment(Direction::kRx, packets[0], trace(7));
  tap_.settle(mark);
  const auto seen = drain();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_FALSE(seen[0].record.trace_room);
  EXPECT_EQ(seen[0].trace, std::nullopt);
}

}  // namespace
}  // namespace smol::dataplane
