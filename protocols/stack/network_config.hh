// Network<P>, the changes and questions of a control plane. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/network.hh"

namespace smol {

// --- interfaces and addresses
// ------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> Network<P>::add_address(InterfaceId id, const IpPrefix& address) noexcept {
  if (!interfaces_.live(id)) return fail(Error::kNoDevice);
  return put_address(id, address);
}

template <PacketBuffer P>
Result<void, Error> Network<P>::delete_address(InterfaceId id, const IpPrefix& address) noexcept {
  if (!interfaces_.live(id)) return fail(Error::kNoDevice);
  const auto& own = interfaces_.at(id).addresses;
  const IpPrefix* found = std::find(own.begin(), own.end(), address);
  if (found == own.end()) return fail(Error::kNotFound);
  remove_address(id, static_cast<std::size_t>(found - own.begin()));
  return {};
}

template <PacketBuffer P>
Slice Network<P>::interfaces_from(Cursor from, std::span<InterfaceInfo> out) const noexcept {
  return slice_of(interfaces_, from, out,
                  [](std::uint32_t index, const Interface& interface, InterfaceInfo& info) {
                    info.id = static_cast<InterfaceId>(index);
                    info.name = {};
                    const std::string_view name = interface.name.view();
                    std::copy(name.begin(), name.end(), info.name.characters.begin());
                    info.mac = interface.mac;
                    info.mtu = interface.mtu;
                    info.addresses = interface.addresses;
                    info.offloads = interface.offloads;
                    return true;
                  });
}

// --- routes
// ------------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> Network<P>::replace_route(const Route& route) noexcept {
  if (!interfaces_.live(route.interface)) return fail(Error::kNoDevice);
  if (route.gateway && addresses_.is_own(*route.gateway)) return fail(Error::kInvalid);
  forget_paths();
  return routes_.replace(route);
}

template <PacketBuffer P>
Result<Route, Error> Network<P>::delete_route(const RouteMatch& match) noexcept {
  forget_paths();
  return routes_.remove_first(match);
}

template <PacketBuffer P>
Result<RouteAnswer, Error> Network<P>::find_route(const RouteQuery& query) const noexcept {
  if (query.destination.is_unspecified()) return fail(Error::kInvalid);
  if (query.source && query.source->family() != query.destination.family()) {
    return fail(Error::kInvalid);
  }
  const Result<Egress, Error> egress = route(query.destination, query.source, query.interface);
  if (!egress) return fail(egress.error());
  RouteAnswer answer;
  if (egress->route != nullptr) answer.route = *egress->route;
  answer.interface = egress->interface;
  answer.next_hop = egress->next_hop;
  answer.source = egress->source;
  answer.mtu = mtu_to(query.destination, egress->interface).path;
  const InterfaceId scope = is_scoped(query.destination) ? egress->interface : InterfaceId { 0 };
  const PathMtuCache::Entry* told = path_mtus_.find(now_, scope, query.destination);
  if (told != nullptr && told->mtu == answer.mtu) answer.mtu_expires = told->expires - now_;
  return answer;
}

template <PacketBuffer P>
Slice Network<P>::routes_from(Cursor from, std::span<Route> out) const noexcept {
  return routes_.in_places([&](const auto& table) {
    return slice_of(table, from, out, [](std::uint32_t, const auto& entry, Route& route) {
      route = entry.route;
      return true;
    });
  });
}

// --- neighbours
// --------------------------------------------------------------------------------------

/// May this be the address of somebody else on the link?
template <PacketBuffer P>
bool Network<P>::may_be_neighbor(InterfaceId interface, const IpAddress& address,
                                 const MacAddress& mac) const noexcept {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() &&
         !addresses_.find(interface, address) && !mac.is_group() && !mac.is_zero();
}

template <PacketBuffer P>
Result<void, Error> Network<P>::add_neighbor(InterfaceId interface, const IpAddress& address,
                                             const MacAddress& mac) noexcept {
  if (interfaces_.live(interface) && neighbors_.find(interface, address) != nullptr) {
    return fail(Error::kExists);
  }
  return replace_neighbor(interface, address, mac);
}

template <PacketBuffer P>
Result<void, Error> Network<P>::replace_neighbor(InterfaceId interface, const IpAddress& address,
                                                 const MacAddress& mac) noexcept {
  if (!interfaces_.live(interface)) return fail(Error::kNoDevice);
  if (!may_be_neighbor(interface, address, mac)) return fail(Error::kInvalid);
  const NeighborAction action = neighbors_.add_permanent(now_, interface, address, mac);
  if (!action.neighbor) return fail(Error::kNoBuffers);
  perform(action);
  return {};
}

/// What waited for it is dropped, as if it had failed. A path that led to it is found anew.
template <PacketBuffer P>
void Network<P>::remove_neighbor(Neighbor& neighbor) noexcept {
  const Handle handle = neighbors_.handle_of(neighbor);
  drop_pending(neighbor);
  wheel_.disarm(neighbor.timer);
  neighbors_.remove(handle);
}

template <PacketBuffer P>
Result<void, Error> Network<P>::delete_neighbor(InterfaceId interface,
                                                const IpAddress& address) noexcept {
  if (!interfaces_.live(interface)) return fail(Error::kNoDevice);
  Neighbor* neighbor = neighbors_.find(interface, address);
  if (neighbor == nullptr) return fail(Error::kNotFound);
  remove_neighbor(*neighbor);
  return {};
}

template <PacketBuffer P>
Slice Network<P>::flush_neighbors(InterfaceId interface, Cursor from) noexcept {
  std::array<Handle, 64> going;
  const Slice slice = neighbors_.in_places([&](const auto& table) {
    return slice_of(table, from, std::span<Handle>{going},
                    [&](std::uint32_t index, const Neighbor& neighbor, Handle& out) {
                      out = table.handle_of(index);
                      return neighbor.interface == interface &&
                             neighbor.state != NeighborState::kPermanent;
                    });
  });
  for (std::size_t i = 0; i < slice.count; ++i) {
    if (Neighbor* neighbor = neighbors_.get(going[i])) remove_neighbor(*neighbor);
  }
  return slice;
}

template <PacketBuffer P>
Slice Network<P>::neighbors_from(Cursor from, std::span<NeighborInfo> out) const noexcept {
  return neighbors_.in_places([&](const auto& table) {
    return slice_of(
        table, from, out, [&](std::uint32_t, const Neighbor& neighbor, NeighborInfo& info) {
          info = {};
          info.interface = neighbor.interface;
          info.address = neighbor.address;
          if (NeighborCache::has_link_address(neighbor)) info.mac = neighbor.mac;
          // Nobody comes by when the time is over; the next packet does.
          const bool over =
              neighbor.state == NeighborState::kReachable && now_ >= neighbor.reachable_until;
          info.state = over ? NeighborState::kStale : neighbor.state;
          info.is_router = neighbor.is_router;
          info.waiting = neighbor.pending;
          return true;
        });
  });
}

template <PacketBuffer P>
Slice Network<P>::path_mtus_from(Cursor from, std::span<PathMtuInfo> out) const noexcept {
  return path_mtus_.in_places([&](const auto& table) {
    return slice_of(table, from, out,
                    [&](std::uint32_t, const PathMtuCache::Entry& entry, PathMtuInfo& info) {
                      info = {entry.destination, entry.scope, entry.mtu, entry.expires - now_};
                      return entry.expires > now_;
                    });
  });
}

}  // namespace smol
