#include "dataplane/handover.hh"

#include <algorithm>
#include <utility>

namespace smol::dataplane {
namespace {

/// Enough of a frame to steer it: an ICMP error with what it quotes.
constexpr std::size_t kFront = 192;

}  // namespace

Handover::Handover(Team& team, unsigned worker, HandoverTaker& taker, WorkerCounters& counters)
    : team_{team},
      sharding_{team.sharding(worker)},
      taker_{taker},
      counters_{counters},
      outboxes_(team.workers()) {}

/// What the others gave last goes nowhere any more.
Handover::~Handover() {
  for (unsigned from = 0; from < team_.workers(); ++from) {
    if (from == sharding_.index()) continue;
    std::array<HandedPacket, kBurst> handed;
    while (const std::size_t n = team_.packets(from, sharding_.index()).pop(handed)) {
      for (std::size_t i = 0; i < n; ++i) static_cast<void>(MbufPacket::adopt(handed[i].mbuf()));
    }
  }
}

unsigned Handover::owner(InterfaceId interface, const MbufPacket& frame) const noexcept {
  const Bytes first = frame.segment(0);
  const Steer steer = smol::steer(first.first(std::min(first.size(), kFront)));
  switch (steer.by) {
    case Steer::By::kHome:
      break;
    case Steer::By::kUdpPort:
      if (const unsigned holder = team_.holder_of_udp_port(steer.port)) return holder - 1;
      [[fallthrough]];
    case Steer::By::kFlow:
      return sharding_.owner_of_word(steer.word);
    case Steer::By::kIdentifier:
      return sharding_.owner_of_identifier(steer.word);
  }
  return sharding_.home(interface);
}

void Handover::give(unsigned worker, InterfaceId interface, Direction direction,
                    MbufPacket packet) noexcept {
  packet.meta().interface = interface;
  Outbox& outbox = outboxes_[worker];
  outbox.packets[outbox.size++] = {packet.release(), direction == Direction::kTx};
  if (outbox.size == outbox.packets.size()) push(worker);
}

void Handover::push(unsigned worker) noexcept {
  Outbox& outbox = outboxes_[worker];
  const std::span<const HandedPacket> all{outbox.packets.data(), std::exchange(outbox.size, 0)};
  const std::size_t taken = team_.packets(sharding_.index(), worker).push(all);
  counters_.handed_over.add(taken);
  if (taken > 0) outbox.unseen = true;
  for (const HandedPacket& handed : all.subspan(taken)) {
    MbufPacket packet = MbufPacket::adopt(handed.mbuf());
    const InterfaceId interface = packet.meta().interface;
    taker_.refused(interface, handed.to_send() ? Direction::kTx : Direction::kRx,
                   std::move(packet));
  }
}

void Handover::flush() noexcept {
  for (unsigned worker = 0; worker < outboxes_.size(); ++worker) {
    if (outboxes_[worker].size > 0) push(worker);
    if (std::exchange(outboxes_[worker].unseen, false)) team_.wake(worker);
  }
}

std::size_t Handover::take() noexcept {
  std::size_t work = 0;
  for (unsigned from = 0; from < outboxes_.size(); ++from) {
    if (from == sharding_.index()) continue;
    std::array<NeighborMessage, kMessagesATurn> messages;
    const std::size_t n = team_.messages(from, sharding_.index()).pop(messages);
    for (std::size_t i = 0; i < n; ++i) taker_.take(messages[i]);
    work += n + take_packets(from);
  }
  return work;
}

std::size_t Handover::take_packets(unsigned from) noexcept {
  std::size_t total = 0;
  for (std::size_t burst = 0; burst < kBurstsATurn; ++burst) {
    std::array<HandedPacket, kBurst> handed;
    const std::size_t n = team_.packets(from, sharding_.index()).pop(handed);
    std::array<MbufPacket, kBurst> packets;
    for (std::size_t at = 0; at < n;) {
      const InterfaceId interface = MbufPacket::meta_of(handed[at].mbuf()).interface;
      const bool to_send = handed[at].to_send();
      std::size_t count = 0;
      for (; at < n && handed[at].to_send() == to_send &&
             MbufPacket::meta_of(handed[at].mbuf()).interface == interface;
           ++at) {
        packets[count++] = MbufPacket::adopt(handed[at].mbuf());
      }
      taker_.take(interface, to_send ? Direction::kTx : Direction::kRx, {packets.data(), count});
    }
    total += n;
    if (n < kBurst) break;
  }
  counters_.taken_over.add(total);
  return total;
}

void Handover::ask(const NeighborQuestion& question) noexcept {
  NeighborMessage message;
  message.is_question = true;
  message.question = question;
  say(sharding_.home(question.interface), message);
}

void Handover::tell(const NeighborNews& news) noexcept {
  NeighborMessage message;
  message.news = news;
  for (unsigned worker = 0; worker < team_.workers(); ++worker) {
    if (worker != sharding_.index()) say(worker, message);
  }
}

void Handover::say(unsigned worker, const NeighborMessage& message) noexcept {
  const std::span<const NeighborMessage> one{&message, 1};
  if (team_.messages(sharding_.index(), worker).push(one) == 1) {
    outboxes_[worker].unseen = true;
  } else {
    counters_.messages_lost.add();
  }
}

}  // namespace smol::dataplane
