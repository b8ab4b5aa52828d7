#include "dataplane/port_queue.hh"

#include <utility>

namespace smol::dataplane {
namespace {

constexpr Duration kLinkQuestion = milliseconds(100);

/// What the device took out of the frame goes back into it; without room it stays out.
void restore_vlan_tag(rte_mbuf*& mbuf) noexcept {
  mbuf->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_VLAN);
  [[maybe_unused]] const int status = rte_vlan_insert(&mbuf);
}

}  // namespace

PortQueue::Faults::Faults(PortQueue& queue, const FaultConfig& config, std::uint64_t seed,
                          MbufPool& pool)
    // Apart, so that what happens to one direction does not depend on how the other interleaves.
    : rx{config, Direction::kRx, seed, pool},
      tx{config, Direction::kTx, ~seed, pool},
      rx_outlet{queue, Direction::kRx},
      tx_outlet{queue, Direction::kTx} {}

PortQueue::PortQueue(const Environment& environment)
    : port_{environment.port},
      queue_{environment.queue},
      own_{environment.queue == environment.handover.sharding().index()},
      interface_{environment.interface},
      max_frame_{environment.port.max_frame()},
      single_segments_{environment.single_segments},
      stack_{environment.stack},
      pool_{environment.pool},
      drops_{environment.drops},
      tap_{environment.tap == nullptr ? CaptureTap::none() : *environment.tap},
      handover_{environment.handover} {
  if (const FaultConfig& faults = port_.config().faults; faults.any()) {
    faults_ = std::make_unique<Faults>(*this, faults, environment.seed, pool_);
  }
}

void PortQueue::Outlet::pass(MbufPacket packet) noexcept {
  Burst& burst = direction_ == Direction::kRx ? queue_.rx_ : queue_.tx_;
  burst.push(std::move(packet));
  if (!burst.full()) return;
  if (direction_ == Direction::kRx) {
    queue_.deliver();
  } else {
    queue_.transmit(burst.take());
  }
}

std::size_t PortQueue::receive(Instant now) noexcept {
  now_ = now;
  const std::uint64_t before = counters_.rx_packets.value() + counters_.tx_packets.value();
  if (faults_ != nullptr) [[unlikely]] {
    faults_->tx.release(now, faults_->tx_outlet);
    transmit(tx_.take());
    faults_->rx.release(now, faults_->rx_outlet);
  }
  if (own_) poll();
  deliver();
  return counters_.rx_packets.value() + counters_.tx_packets.value() - before;
}

void PortQueue::poll() noexcept {
  std::array<rte_mbuf*, kBurst> mbufs;
  const std::uint16_t count = port_.receive(queue_, mbufs);
  if (count == 0) return;
  for (std::uint16_t i = 0; i < count; ++i) {
    tsan_take(mbufs[i]);
    rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
    __builtin_prefetch(rte_mbuf_to_priv(mbufs[i]), 1);
  }
  std::uint64_t octets = 0;
  std::uint64_t merged = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    // Without a stack nobody knows of the tag but the frame.
    if (taker_ != nullptr && (mbufs[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) [[unlikely]]
      restore_vlan_tag(mbufs[i]);
    octets += mbufs[i]->pkt_len;
    MbufPacket packet = MbufPacket::received(mbufs[i], now_, interface_);
    const Verdict frame = verdict_on(packet.node());
    merged += frame.merged ? 1 : 0;
    if (frame.bad) [[unlikely]] {
      drop(Direction::kRx, std::move(packet), *frame.bad);
    } else if (faults_ == nullptr) [[likely]] {
      rx_.push(std::move(packet));
    } else {
      faults_->rx.feed(now_, std::move(packet), faults_->rx_outlet);
    }
  }
  counters_.rx_packets.add(count);
  counters_.rx_octets.add(octets);
  counters_.rx_bursts.add();
  if (merged > 0) counters_.rx_merged.add(merged);
}

/// What the device merged from segments is as long as it is; each of those was a frame.
PortQueue::Verdict PortQueue::verdict_on(const rte_mbuf* mbuf) const noexcept {
  if ((mbuf->ol_flags & RTE_MBUF_F_RX_LRO) == 0) [[likely]] {
    if (mbuf->pkt_len <= max_frame_) [[likely]]
      return {};
    return {Drop::kRxFrameTooLong, false};
  }
  if (mbuf->tso_segsz == 0) return {Drop::kRxBadOffload, false};
  if (mbuf->tso_segsz > max_frame_) return {Drop::kRxFrameTooLong, true};
  return {std::nullopt, true};
}

void PortQueue::deliver() noexcept {
  if (handover_.is_alone()) [[likely]]
    return deliver_here(rx_.take());
  steer();
}

/// What is of other workers' flows goes to them.
void PortQueue::steer() noexcept {
  std::array<MbufPacket, kBurst> ours;
  std::size_t count = 0;
  for (MbufPacket& packet : rx_.take()) {
    const unsigned owner = handover_.owner(interface_, packet);
    if (owner == handover_.sharding().index()) {
      ours[count++] = std::move(packet);
    } else {
      handover_.give(owner, interface_, Direction::kRx, std::move(packet));
    }
  }
  deliver_here({ours.data(), count});
}

void PortQueue::take_received(Instant now, std::span<MbufPacket> burst) noexcept {
  now_ = now;
  deliver_here(burst);
}

void PortQueue::deliver_here(std::span<MbufPacket> burst) noexcept {
  if (burst.empty()) return;
  const bool captured = tap_.active();
  std::size_t mark = 0;
  if (captured) [[unlikely]]
    mark = tap_.on_burst(now_, interface_, queue_, Direction::kRx, burst);
  if (taker_ == nullptr) [[likely]] {
    stack_.receive(now_, interface_, burst);
  } else {
    taker_->take(now_, interface_, burst);
  }
  if (captured) [[unlikely]]
    tap_.settle(mark);
}

void PortQueue::send(Instant now, std::span<MbufPacket> burst) noexcept {
  now_ = now;
  if (faults_ == nullptr) [[likely]] {
    for (; burst.size() > kBurst; burst = burst.subspan(kBurst)) transmit(burst.first(kBurst));
    transmit(burst);
    return;
  }
  for (MbufPacket& packet : burst) {
    faults_->tx.feed(now, std::move(packet), faults_->tx_outlet);
  }
  transmit(tx_.take());
}

void PortQueue::transmit(std::span<MbufPacket> burst) noexcept {
  if (burst.empty()) return;
  const bool captured = tap_.active();
  std::size_t mark = 0;
  if (captured) [[unlikely]]
    mark = tap_.on_burst(now_, interface_, queue_, Direction::kTx, burst);
  std::array<rte_mbuf*, kBurst> mbufs;
  std::size_t count = 0;
  for (MbufPacket& packet : burst) {
    if (single_segments_ && !make_single_segment(packet)) [[unlikely]] {
      drop(Direction::kTx, std::move(packet), Drop::kTxNoBuffer);
      continue;
    }
    packet.prepare_to_send();
    mbufs[count++] = packet.release();
  }
  if (own_) [[likely]] {
    offer({mbufs.data(), count});
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      handover_.give(queue_, interface_, Direction::kTx, MbufPacket::adopt(mbufs[i]));
    }
  }
  if (captured) [[unlikely]]
    tap_.settle(mark);
}

void PortQueue::send_for_other(Instant now, std::span<MbufPacket> burst) noexcept {
  now_ = now;
  std::array<rte_mbuf*, kBurst> mbufs;
  for (std::size_t i = 0; i < burst.size(); ++i) mbufs[i] = burst[i].release();
  offer({mbufs.data(), burst.size()});
}

/// To the device; what it refuses is dropped.
void PortQueue::offer(std::span<rte_mbuf*> left) noexcept {
  left = left.subspan(hand_to_port(left));
  if (left.empty()) [[likely]]
    return;
  // It may be the one packet that the device does not like: the others get one more chance.
  const Drop reason = why_refused();
  drop(Direction::kTx, MbufPacket::adopt(left.front()), reason);
  left = left.subspan(1);
  left = left.subspan(hand_to_port(left));
  for (rte_mbuf* mbuf : left) drop(Direction::kTx, MbufPacket::adopt(mbuf), reason);
}

/// How many the port took.
std::size_t PortQueue::hand_to_port(std::span<rte_mbuf*> mbufs) noexcept {
  if (mbufs.empty()) return 0;
  // The device may free a packet as soon as it has it.
  struct Sent {
    std::uint32_t octets;
    bool segmented;
  };
  std::array<Sent, kBurst> sent;
  for (std::size_t i = 0; i < mbufs.size(); ++i) {
    sent[i] = {mbufs[i]->pkt_len, (mbufs[i]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0};
    tsan_give(mbufs[i]);
  }
  const std::uint16_t taken = port_.send(queue_, mbufs);
  std::uint64_t octets = 0;
  std::uint64_t segmented = 0;
  for (std::size_t i = 0; i < taken; ++i) {
    octets += sent[i].octets;
    segmented += sent[i].segmented ? 1 : 0;
  }
  counters_.tx_packets.add(taken);
  counters_.tx_octets.add(octets);
  counters_.tx_bursts.add();
  if (segmented > 0) counters_.tx_segmented.add(segmented);
  return taken;
}

bool PortQueue::make_single_segment(MbufPacket& packet) noexcept {
  if (packet.segment(1).empty()) return true;
  MbufPacket one = pool_.allocate();
  if (!one) return false;
  const MutBytes room = one.append(packet.size());
  if (room.empty()) return false;
  packet_copy(packet, 0, room);
  one.meta().tx = packet.meta().tx;
  packet = std::move(one);
  return true;
}

Drop PortQueue::why_refused() noexcept {
  if (now_ - link_asked_ >= kLinkQuestion) {
    link_asked_ = now_;
    link_up_ = port_.link_up();
  }
  return link_up_ ? Drop::kTxRingFull : Drop::kTxPortDown;
}

void PortQueue::drop(Direction direction, MbufPacket packet, Drop reason) noexcept {
  drops_.add(reason);
  on_drop(now_, direction, packet, reason);
}

Instant PortQueue::next_deadline() const noexcept {
  if (faults_ == nullptr) return kNever;
  return std::min(faults_->rx.next_deadline(), faults_->tx.next_deadline());
}

}  // namespace smol::dataplane
