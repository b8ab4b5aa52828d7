#include "protocols/iface/neighbor.hh"

#include <algorithm>
#include <utility>

namespace smol {
namespace {

using Kind = NeighborAction::Kind;

/// Entries looked at before eviction gives up: work per packet stays bounded.
constexpr std::uint32_t kEvictionSteps = 64;

bool unanswered(NeighborState state) noexcept {
  return state == NeighborState::kIncomplete || state == NeighborState::kFailed;
}

}  // namespace

std::string_view name(NeighborState state) noexcept {
  switch (state) {
    case NeighborState::kIncomplete:
      return "INCOMPLETE";
    case NeighborState::kReachable:
      return "REACHABLE";
    case NeighborState::kStale:
      return "STALE";
    case NeighborState::kDelay:
      return "DELAY";
    case NeighborState::kProbe:
      return "PROBE";
    case NeighborState::kFailed:
      return "FAILED";
    case NeighborState::kPermanent:
      return "PERMANENT";
  }
  return "?";
}

NeighborCache::NeighborCache(const NeighborConfig& config, std::uint32_t capacity,
                             std::uint8_t timer_kind, const Secret& secret, std::uint64_t seed,
                             std::pmr::memory_resource& memory)
    : config_{config},
      timer_kind_{timer_kind},
      secret_{secret},
      rng_{seed},
      slab_{capacity, memory},
      table_{capacity, memory} {}

std::uint64_t NeighborCache::hash(InterfaceId interface, const IpAddress& address) const noexcept {
  return mix(address.high() ^ secret_.k0 ^ interface, address.low() ^ secret_.k1);
}

Neighbor* NeighborCache::find(InterfaceId interface, const IpAddress& address) noexcept {
  const std::uint32_t index = table_.find(hash(interface, address), [&](std::uint32_t i) {
    return slab_.at(i).address == address && slab_.at(i).interface == interface;
  });
  return index == IndexTable::kNone ? nullptr : &slab_.at(index);
}

Handle NeighborCache::handle_of(const Neighbor& neighbor) const noexcept {
  return slab_.handle_of(neighbor.timer.id());
}

Neighbor* NeighborCache::make(Instant now, InterfaceId interface, const IpAddress& address,
                              bool needed) noexcept {
  if (slab_.full() && !make_room(now, needed)) return nullptr;
  const Handle handle = slab_.emplace(address, interface);
  Neighbor& neighbor = slab_.at(handle.index);
  neighbor.timer.set(timer_kind_, handle.index);
  table_.insert(hash(interface, address), handle.index);
  ++incomplete_;
  return &neighbor;
}

/// A clock over the entries: one that was used since the hand last came by gets another round. What
/// waits for an answer holds packets, so it stays; its number is bounded elsewhere. A neighbour
/// that has just shown to be there goes only for one that is needed, else a flood of askers would
/// push out those we speak with.
bool NeighborCache::make_room(Instant now, bool needed) noexcept {
  std::optional<std::uint32_t> idle;
  for (std::uint32_t step = 0; step < kEvictionSteps; ++step) {
    hand_ = (hand_ + 1) % slab_.capacity();
    Neighbor& candidate = slab_.at(hand_);
    if (candidate.state == NeighborState::kPermanent || candidate.pending > 0) continue;
    if (std::exchange(candidate.used, false)) continue;
    if (candidate.timer.armed()) continue;
    if (candidate.state == NeighborState::kReachable && now < candidate.reachable_until) {
      if (!idle) idle = hand_;
      continue;
    }
    remove(slab_.handle_of(hand_));
    return true;
  }
  if (!needed || !idle) return false;
  remove(slab_.handle_of(*idle));
  return true;
}

void NeighborCache::remove(Handle handle) noexcept {
  Neighbor* neighbor = slab_.get(handle);
  if (neighbor == nullptr) return;
  SMOL_CHECK(neighbor->pending == 0 && !neighbor->timer.armed());
  if (unanswered(neighbor->state)) --incomplete_;
  table_.erase(hash(neighbor->interface, neighbor->address), handle.index);
  slab_.erase(handle.index);
}

void NeighborCache::enter(Neighbor& neighbor, NeighborState state, Instant deadline) noexcept {
  if (unanswered(neighbor.state) != unanswered(state)) {
    unanswered(state) ? ++incomplete_ : --incomplete_;
  }
  neighbor.state = state;
  neighbor.deadline = deadline;
  neighbor.solicits = 0;
}

void NeighborCache::set_reachable(Instant now, Neighbor& neighbor) noexcept {
  enter(neighbor, NeighborState::kReachable, kNever);
  // RFC 4861 section 6.3.2: not all hosts of a link come to doubt a router in the same second.
  const Duration mean = config_.reachable_time;
  neighbor.reachable_until = now + mean / 2 + mean / 1000 * rng_.below(1000);
}

NeighborAction NeighborCache::resolved(Neighbor& neighbor, bool was_incomplete) const noexcept {
  return {was_incomplete ? Kind::kSend : Kind::kNone, handle_of(neighbor)};
}

Neighbor* NeighborCache::resolve(Instant now, InterfaceId interface, const IpAddress& address,
                                 NeighborAction& action) noexcept {
  if (Neighbor* known = find(interface, address)) return use(now, handle_of(*known), action);
  if (incomplete_ >= std::max(slab_.capacity() / 4, 1u)) return nullptr;
  Neighbor* made = make(now, interface, address, true);
  if (made == nullptr) return nullptr;
  made->used = true;
  made->solicits = 1;
  made->deadline = now + config_.retrans_timer;
  action = {Kind::kSolicitAll, handle_of(*made)};
  return made;
}

Neighbor* NeighborCache::use(Instant now, Handle handle, NeighborAction& action) noexcept {
  action = {Kind::kNone, handle};
  Neighbor* neighbor = slab_.get(handle);
  if (neighbor == nullptr) return nullptr;
  neighbor->used = true;
  if (neighbor->state == NeighborState::kReachable && now >= neighbor->reachable_until) {
    enter(*neighbor, NeighborState::kStale, kNever);
  }
  if (neighbor->state == NeighborState::kStale) {
    enter(*neighbor, NeighborState::kDelay, now + config_.delay_first_probe);
  }
  return neighbor;
}

NeighborAction NeighborCache::heard_from(Instant now, InterfaceId interface,
                                         const IpAddress& address, const MacAddress& mac,
                                         bool create) noexcept {
  Neighbor* neighbor = find(interface, address);
  if (neighbor == nullptr) {
    if (!create || (neighbor = make(now, interface, address, false)) == nullptr) return {};
  }
  if (neighbor->state == NeighborState::kPermanent) return {};
  const bool was_unanswered = unanswered(neighbor->state);
  if (was_unanswered || neighbor->mac != mac) {
    neighbor->mac = mac;
    enter(*neighbor, NeighborState::kStale, kNever);
  }
  return resolved(*neighbor, was_unanswered);
}

NeighborAction NeighborCache::advertised(Instant now, InterfaceId interface,
                                         const IpAddress& address, const Advert& advert) noexcept {
  Neighbor* neighbor = find(interface, address);
  if (neighbor == nullptr || neighbor->state == NeighborState::kPermanent) return {};
  if (unanswered(neighbor->state)) {
    if (!advert.mac) return {};
    neighbor->mac = *advert.mac;
    neighbor->is_router = advert.is_router;
    if (advert.solicited) {
      set_reachable(now, *neighbor);
    } else {
      enter(*neighbor, NeighborState::kStale, kNever);
    }
    return resolved(*neighbor, true);
  }
  const bool differs = advert.mac && *advert.mac != neighbor->mac;
  if (differs && !advert.override_) {
    if (neighbor->state == NeighborState::kReachable) {
      enter(*neighbor, NeighborState::kStale, kNever);
    }
    return {};
  }
  if (differs) neighbor->mac = *advert.mac;
  if (advert.solicited) {
    set_reachable(now, *neighbor);
  } else if (differs) {
    enter(*neighbor, NeighborState::kStale, kNever);
  }
  neighbor->is_router = advert.is_router;
  return resolved(*neighbor, false);
}

NeighborAction NeighborCache::asked(Instant now, InterfaceId interface,
                                    const IpAddress& address) noexcept {
  NeighborAction action;
  Neighbor* neighbor = resolve(now, interface, address, action);
  if (neighbor == nullptr || neighbor->state != NeighborState::kDelay) return action;
  // Who asks has waited long enough.
  enter(*neighbor, NeighborState::kProbe, now + config_.retrans_timer);
  neighbor->solicits = 1;
  return {Kind::kSolicitOne, handle_of(*neighbor)};
}

void NeighborCache::confirm(Instant now, Handle handle) noexcept {
  Neighbor* neighbor = slab_.get(handle);
  if (neighbor == nullptr || unanswered(neighbor->state) ||
      neighbor->state == NeighborState::kPermanent) {
    return;
  }
  // Confirmed often, written seldom: an entry in its first half has nothing to gain.
  if (neighbor->state == NeighborState::kReachable &&
      neighbor->reachable_until - now > config_.reachable_time / 4) {
    return;
  }
  set_reachable(now, *neighbor);
}

void NeighborCache::doubt(Instant now, Handle handle) noexcept {
  static_cast<void>(now);
  Neighbor* neighbor = slab_.get(handle);
  if (neighbor != nullptr && neighbor->state == NeighborState::kReachable) {
    enter(*neighbor, NeighborState::kStale, kNever);
  }
}

NeighborAction NeighborCache::timeout(Instant now, Handle handle) noexcept {
  Neighbor* neighbor = slab_.get(handle);
  if (neighbor == nullptr || neighbor->deadline > now) return {Kind::kNone, handle};
  const Instant next = now + config_.retrans_timer;
  switch (neighbor->state) {
    case NeighborState::kIncomplete:
      if (neighbor->solicits < config_.max_multicast_solicit) {
        ++neighbor->solicits;
        neighbor->deadline = next;
        return {Kind::kSolicitAll, handle};
      }
      enter(*neighbor, NeighborState::kFailed, now + config_.failed_hold);
      return {Kind::kGiveUp, handle};
    case NeighborState::kDelay:
      enter(*neighbor, NeighborState::kProbe, next);
      neighbor->solicits = 1;
      return {Kind::kSolicitOne, handle};
    case NeighborState::kProbe:
      if (neighbor->solicits < config_.max_unicast_solicit) {
        ++neighbor->solicits;
        neighbor->deadline = next;
        return {Kind::kSolicitOne, handle};
      }
      // It may have moved to another link address: ask all before giving up (RFC 7048 section 3).
      enter(*neighbor, NeighborState::kIncomplete, next);
      neighbor->solicits = 1;
      return {Kind::kSolicitAll, handle};
    case NeighborState::kFailed:
      neighbor->deadline = kNever;
      if (neighbor->pending == 0) remove(handle);
      return {Kind::kNone, handle};
    case NeighborState::kReachable:
    case NeighborState::kStale:
    case NeighborState::kPermanent:
      break;
  }
  neighbor->deadline = kNever;
  return {Kind::kNone, handle};
}

NeighborAction NeighborCache::add_permanent(Instant now, InterfaceId interface,
                                            const IpAddress& address,
                                            const MacAddress& mac) noexcept {
  Neighbor* neighbor = find(interface, address);
  if (neighbor == nullptr && (neighbor = make(now, interface, address, true)) == nullptr) return {};
  const bool was_unanswered = unanswered(neighbor->state);
  neighbor->mac = mac;
  enter(*neighbor, NeighborState::kPermanent, kNever);
  return resolved(*neighbor, was_unanswered);
}

}  // namespace smol
