// Network<P>, its neighbours: what their cache wants done, and the packets that wait for an
// address. Included by stack_impl.hh only.
#pragma once

#include <utility>

#include "protocols/stack/network.hh"

namespace smol {

template <PacketBuffer P>
void Network<P>::perform(const NeighborAction& action) noexcept {
  Neighbor* neighbor = neighbors_.get(action.neighbor);
  if (neighbor == nullptr) return;
  switch (action.kind) {
    case NeighborAction::Kind::kNone:
      break;
    case NeighborAction::Kind::kSolicitAll:
      solicit(*neighbor, true);
      break;
    case NeighborAction::Kind::kSolicitOne:
      solicit(*neighbor, false);
      break;
    case NeighborAction::Kind::kSend:
      release_pending(*neighbor);
      break;
    case NeighborAction::Kind::kGiveUp:
      counters_.neighbor_failed.add();
      drop_pending(*neighbor);
      break;
  }
  // drop_pending() tells the sockets, who may do anything but free a neighbour.
  wheel_.arm_by(neighbor->timer, neighbor->deadline);
}

template <PacketBuffer P>
void Network<P>::on_neighbor_timer(TimerNode& node) noexcept {
  const Handle handle = neighbors_.handle_of(*neighbors_.at(node.id()));
  perform(neighbors_.timeout(now_, handle));
}

template <PacketBuffer P>
void Network<P>::hear(const NeighborNews& news) noexcept {
  take_news(news);
  if (colleagues_ != nullptr) colleagues_->tell(news);
}

template <PacketBuffer P>
void Network<P>::take_news(const NeighborNews& news) noexcept {
  if (!interfaces_.live(news.interface)) return;
  if (news.kind == NeighborNews::Kind::kAdvertised) {
    perform(neighbors_.advertised(now_, news.interface, news.address,
                                  {news.mac, news.solicited, news.override_, news.is_router}));
  } else if (news.mac) {
    perform(neighbors_.heard_from(now_, news.interface, news.address, *news.mac, news.create));
  }
}

template <PacketBuffer P>
void Network<P>::answer(const NeighborQuestion& question) noexcept {
  if (!interfaces_.live(question.interface)) return;
  const Neighbor* known = neighbors_.find(question.interface, question.address);
  if (question.still_there || known == nullptr || !NeighborCache::has_link_address(*known)) {
    perform(neighbors_.asked(now_, question.interface, question.address));
    known = neighbors_.find(question.interface, question.address);
  }
  if (known == nullptr || !NeighborCache::has_link_address(*known)) return;
  NeighborNews news;
  news.interface = question.interface;
  news.address = question.address;
  news.mac = known->mac;
  news.is_router = known->is_router;
  // Of one that has yet to show that it is still there, only where it was.
  if (known->state == NeighborState::kReachable || known->state == NeighborState::kPermanent) {
    news.kind = NeighborNews::Kind::kAdvertised;
    news.solicited = news.override_ = true;
  }
  colleagues_->tell(news);
}

template <PacketBuffer P>
void Network<P>::solicit(const Neighbor& neighbor, bool to_all) noexcept {
  if (colleagues_ != nullptr && !sharding_.is_home(neighbor.interface)) {
    colleagues_->ask({!to_all, neighbor.interface, neighbor.address});
    return;
  }
  if (neighbor.address.is_v6()) {
    send_neighbor_solicit(neighbor.interface, neighbor, to_all);
    return;
  }
  const Interface& on = interfaces_.at(neighbor.interface);
  const std::optional<IpAddress> sender = select_source({on.addresses.begin(), on.addresses.size()},
                                                        neighbor.address, neighbor.address);
  if (!sender) return;
  counters_.arp_requests_out.add();
  send_arp(neighbor.interface, true, to_all ? MacAddress::broadcast() : neighbor.mac, *sender,
           MacAddress{}, neighbor.address);
}

template <PacketBuffer P>
void Network<P>::wait_for(Neighbor& neighbor, P packet) noexcept {
  PacketQueue<P>& queue = pending_[neighbors_.handle_of(neighbor).index];
  // One that a socket keeps too is linked into the socket's queue: what waits here needs a link of
  // its own.
  if (!packet.unique() && !become_view(packet)) {
    drop_outgoing(neighbor.interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  if (neighbor.state == NeighborState::kFailed) {
    if (unreachable_ != nullptr) unreachable_->on_unreachable(neighbor.interface, packet);
    drop_outgoing(neighbor.interface, std::move(packet), Drop::kNeighborFailed);
    return;
  }
  // RFC 4861 section 7.2.2: the newest packets are the ones worth keeping. Many dead neighbours
  // together must not take the pool.
  const std::uint8_t most =
      short_of_memory() ? 1 : std::max<std::uint8_t>(config_.neighbor.pending_packets, 1);
  while (neighbor.pending >= most) {
    drop_outgoing(neighbor.interface, queue.pop_front(), Drop::kNeighborQueueFull);
    --neighbor.pending;
    counters_.held.subtract();
  }
  if (out_of_memory()) {
    drop_outgoing(neighbor.interface, std::move(packet), Drop::kNeighborQueueFull);
    return;
  }
  queue.push_back(std::move(packet));
  ++neighbor.pending;
  counters_.held.add();
}

template <PacketBuffer P>
void Network<P>::release_pending(Neighbor& neighbor) noexcept {
  PacketQueue<P>& queue = pending_[neighbors_.handle_of(neighbor).index];
  counters_.held.subtract(neighbor.pending);
  neighbor.pending = 0;
  while (!queue.empty()) {
    send_to(neighbor.interface, queue.pop_front(), neighbor.mac, neighbor.address.is_v4());
  }
}

template <PacketBuffer P>
void Network<P>::drop_pending(Neighbor& neighbor) noexcept {
  PacketQueue<P> queue{std::move(pending_[neighbors_.handle_of(neighbor).index])};
  counters_.held.subtract(neighbor.pending);
  neighbor.pending = 0;
  while (!queue.empty()) {
    P packet = queue.pop_front();
    if (unreachable_ != nullptr) unreachable_->on_unreachable(neighbor.interface, packet);
    drop_outgoing(neighbor.interface, std::move(packet), Drop::kNeighborFailed);
  }
}

}  // namespace smol
