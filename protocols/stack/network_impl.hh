// The members of Network<P>. Included where a stack is instantiated, and nowhere else.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "protocols/stack/network.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/nd.hh"

namespace smol {

namespace detail {

/// The secrets with one for the tables that spreads well however simple the given one is.
inline StackSecrets scrambled(StackSecrets secrets) noexcept {
  const std::uint8_t which[] = {0, 1};
  secrets.hash = {siphash24(secrets.hash, Bytes{which}.first(1)),
                  siphash24(secrets.hash, Bytes{which}.last(1))};
  return secrets;
}

/// Where the identifications of IPv4 packets begin.
inline std::uint16_t first_identification(const StackSecrets& secrets) noexcept {
  const std::uint8_t which[] = {2};
  return static_cast<std::uint16_t>(siphash24(secrets.isn, Bytes{which}));
}

}  // namespace detail

template <PacketBuffer P>
Network<P>::Network(const StackConfig& config, const StackSecrets& secrets, typename P::Pool& pool,
                    std::pmr::memory_resource& memory, PacketSink<P>& sink, DropCounters& drops,
                    const Sharding& sharding, Colleagues* colleagues, Instant start)
    : config_{config},
      secrets_{detail::scrambled(secrets)},
      pool_{pool},
      sink_{sink},
      drops_{drops},
      sharding_{sharding},
      colleagues_{colleagues},
      now_{start},
      rng_{secrets.seed},
      wheel_{start},
      reserve_{std::max<std::size_t>(
          pool.capacity() * (100 - config.limits.pool_share_percent) / 100, 4)},
      interfaces_{config.limits.interfaces, memory},
      addresses_{config.limits.addresses, secrets_.hash, memory},
      routes_{config.limits.routes, memory},
      neighbors_{config_.neighbor,
                 config.limits.neighbors,
                 static_cast<std::uint8_t>(TimerKind::kNeighbor),
                 secrets_.hash,
                 secrets.seed,
                 memory},
      path_mtus_{config_.path_mtu, config.limits.path_mtus, secrets_.hash, memory},
      next_id_{detail::first_identification(secrets_)},
      memory_{memory},
      pending_{static_cast<PacketQueue<P>*>(memory.allocate(
          sizeof(PacketQueue<P>) * config.limits.neighbors, alignof(PacketQueue<P>)))} {
  std::uninitialized_default_construct_n(pending_, config.limits.neighbors);
}

template <PacketBuffer P>
Network<P>::~Network() {
  neighbors_.for_each(
      [&](const Neighbor& neighbor) { wheel_.disarm(const_cast<Neighbor&>(neighbor).timer); });
  std::destroy_n(pending_, config_.limits.neighbors);
  memory_.deallocate(pending_, sizeof(PacketQueue<P>) * config_.limits.neighbors,
                     alignof(PacketQueue<P>));
}

// --- interfaces and addresses
// ------------------------------------------------------------------------

template <PacketBuffer P>
Result<InterfaceId, Error> Network<P>::add_interface(const InterfaceConfig& config) noexcept {
  if (config.name.empty() || config.name.size() > 15 || config.mtu < 68 || config.mac.is_group()) {
    return fail(Error::kInvalid);
  }
  const Handle made = interfaces_.emplace();
  if (!made) return fail(Error::kNoBuffers);
  const auto id = static_cast<InterfaceId>(made.index);
  Interface& interface = interfaces_.at(id);
  interface.name.put(config.name);
  interface.mac = config.mac;
  interface.mtu = config.mtu;
  interface.offloads = config.offloads;
  for (const IpPrefix& address : config.addresses) {
    const Result<void, Error> added = put_address(id, address);
    if (added) continue;
    while (!interface.addresses.empty()) remove_address(id, interface.addresses.size() - 1);
    interfaces_.erase(made.index);
    return fail(added.error());
  }
  return id;
}

/// What an interface answers to because of one address of its own.
template <PacketBuffer P>
auto Network<P>::entries_for(const IpPrefix& address) noexcept -> Entries {
  const IpAddress& own = address.address();
  Entries out{{own, AddressKind::kUnicast}};
  if (own.is_v4()) {
    out.push_back({IpAddress::v4(0xffff'ffff), AddressKind::kBroadcast});
    out.push_back({IpAddress::v4(224, 0, 0, 1), AddressKind::kMulticast});
    if (const std::optional<IpAddress> broadcast = address.broadcast()) {
      out.push_back({*broadcast, AddressKind::kBroadcast});
    }
  } else {
    out.push_back({IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 1), AddressKind::kMulticast});
    out.push_back({own.solicited_node(), AddressKind::kMulticast});
  }
  return out;
}

/// RFC 1122 section 3.2.1.3, RFC 3021: neither special, nor the subnet itself, nor its broadcast
/// address.
template <PacketBuffer P>
bool Network<P>::may_be_ours(const IpPrefix& address) noexcept {
  const IpAddress& own = address.address();
  if (own.is_unspecified() || own.is_multicast() || own.is_loopback()) return false;
  if (own.is_v6()) return true;
  const std::uint32_t net = own.v4_value() >> 24;
  const std::optional<IpAddress> broadcast = address.broadcast();
  return net != 0 && net < 224 && own != broadcast && !(broadcast && own == address.network());
}

template <PacketBuffer P>
Result<void, Error> Network<P>::put_address(InterfaceId id, const IpPrefix& address) noexcept {
  Interface& on = interfaces_.at(id);
  const IpAddress& own = address.address();
  if (!may_be_ours(address)) return fail(Error::kInvalid);
  // RFC 8200 section 5: a link that cannot carry 1280 octets does not carry IPv6.
  if (own.is_v6() && on.mtu < 1280) return fail(Error::kInvalid);
  if (on.addresses.full()) return fail(Error::kNoBuffers);
  if (addresses_.find(id, own) == AddressKind::kUnicast) return fail(Error::kExists);
  on.addresses.push_back(address);
  const Entries entries = entries_for(address);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (addresses_.add(id, entries[i].address, entries[i].kind)) continue;
    while (i > 0) addresses_.remove(id, entries[--i].address);
    on.addresses.erase_unordered(on.addresses.size() - 1);
    return fail(Error::kNoBuffers);
  }
  // The subnet is reached directly. A second address in it finds the route there already.
  const Result<void, Error> connected = add_route({address, std::nullopt, id, 0});
  if (connected || connected.error() == Error::kExists) return {};
  remove_address(id, on.addresses.size() - 1);
  return connected;
}

template <PacketBuffer P>
void Network<P>::remove_address(InterfaceId id, std::size_t at) noexcept {
  Interface& on = interfaces_.at(id);
  const IpPrefix gone = on.addresses[at];
  // In order: the first of a subnet is the source of what is sent into it.
  std::copy(on.addresses.begin() + at + 1, on.addresses.end(), on.addresses.begin() + at);
  on.addresses.erase_unordered(on.addresses.size() - 1);
  for (const Entry& entry : entries_for(gone)) addresses_.remove(id, entry.address);
  forget_paths();
  const bool shared = std::any_of(on.addresses.begin(), on.addresses.end(), [&](const IpPrefix& a) {
    return a.length() == gone.length() && a.network() == gone.network();
  });
  if (shared) return;
  // It may not have come to a route.
  static_cast<void>(routes_.remove({gone, std::nullopt, id, 0}));
}

template <PacketBuffer P>
std::optional<InterfaceId> Network<P>::owner_of(const IpAddress& address) const noexcept {
  for (std::uint32_t i = 0; i < interfaces_.touched(); ++i) {
    const auto id = static_cast<InterfaceId>(i);
    if (interfaces_.live(i) && addresses_.find(id, address) == AddressKind::kUnicast) return id;
  }
  return std::nullopt;
}

// --- routes
// ------------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> Network<P>::add_route(const Route& route) noexcept {
  if (!interfaces_.live(route.interface)) return fail(Error::kNoDevice);
  if (route.gateway && addresses_.is_own(*route.gateway)) return fail(Error::kInvalid);
  forget_paths();
  return routes_.add(route);
}

template <PacketBuffer P>
Result<typename Network<P>::Egress, Error> Network<P>::route(
    const IpAddress& destination, std::optional<IpAddress> source,
    std::optional<InterfaceId> interface) const noexcept {
  Egress out{};
  if (is_scoped(destination)) {
    if (!interface && interfaces_.size() != 1) return fail(Error::kInvalid);
    out = {interface.value_or(InterfaceId{0}), {}, destination, nullptr};
  } else {
    const Route* route = routes_.lookup(destination);
    if (route == nullptr || (interface && route->interface != *interface)) {
      return fail(Error::kNetworkUnreachable);
    }
    out = {route->interface, {}, route->gateway.value_or(destination), route};
  }
  if (!interfaces_.live(out.interface)) return fail(Error::kNoDevice);
  // What is sent to ourselves needs no wire, and a wire would not bring it back.
  if (addresses_.is_own(destination)) return fail(Error::kNetworkUnreachable);
  if (source) {
    if (addresses_.find(out.interface, *source) != AddressKind::kUnicast) {
      return fail(Error::kAddressNotAvailable);
    }
    out.source = *source;
    return out;
  }
  const auto& own = interfaces_.at(out.interface).addresses;
  const std::optional<IpAddress> chosen =
      select_source({own.begin(), own.size()}, destination, out.next_hop);
  if (!chosen) return fail(Error::kAddressNotAvailable);
  out.source = *chosen;
  return out;
}

template <PacketBuffer P>
typename Network<P>::Mtu Network<P>::mtu_to(const IpAddress& destination,
                                            InterfaceId interface) const noexcept {
  const bool scoped = is_scoped(destination);
  const Route* route = scoped ? nullptr : routes_.lookup(destination);
  if (route != nullptr && interfaces_.live(route->interface)) interface = route->interface;
  Mtu out;
  out.link = interfaces_.at(interface).mtu;
  if (route != nullptr && route->mtu != 0) out.link = std::min(out.link, route->mtu);
  out.path = path_mtu(interface, destination, out.link);
  return out;
}

/// What routers told of a path, if its first link carries `link` octets.
template <PacketBuffer P>
std::uint16_t Network<P>::path_mtu(InterfaceId interface, const IpAddress& destination,
                                   std::uint16_t link) const noexcept {
  const InterfaceId scope = is_scoped(destination) ? interface : InterfaceId { 0 };
  return std::min(link, path_mtus_.lookup(now_, scope, destination).value_or(link));
}

template <PacketBuffer P>
bool Network<P>::lower_path_mtu(InterfaceId interface, const IpAddress& destination,
                                std::uint16_t mtu) noexcept {
  const InterfaceId scope = is_scoped(destination) ? interface : InterfaceId { 0 };
  if (mtu >= mtu_to(destination, interface).link) return false;
  const std::uint64_t evicted = path_mtus_.evicted();
  if (!path_mtus_.lower(now_, scope, destination, mtu)) return false;
  counters_.path_mtu_updates.add();
  counters_.path_mtu_recycled.add(path_mtus_.evicted() - evicted);
  return true;
}

template <PacketBuffer P>
bool Network<P>::find_path(const IpHeader& header, Path& path, NeighborAction& action,
                           Drop& why) noexcept {
  const bool scoped = is_scoped(header.destination);
  const Result<Egress, Error> egress =
      route(header.destination, header.source,
            scoped ? std::optional<InterfaceId>{path.interface} : std::nullopt);
  if (!egress) {
    why = egress.error() == Error::kAddressNotAvailable ? Drop::kNoSourceAddress : Drop::kNoRoute;
    return false;
  }
  std::uint16_t link = interfaces_.at(egress->interface).mtu;
  if (egress->route != nullptr && egress->route->mtu != 0)
    link = std::min(link, egress->route->mtu);
  path = {{}, epoch_, egress->interface, path_mtu(egress->interface, header.destination, link)};
  const bool to_group =
      egress->next_hop.is_multicast() ||
      addresses_.find(egress->interface, egress->next_hop) == AddressKind::kBroadcast;
  if (to_group) return true;
  const Neighbor* neighbor = neighbors_.resolve(now_, egress->interface, egress->next_hop, action);
  if (neighbor == nullptr) {
    path.epoch = 0;
    why = Drop::kNeighborCacheFull;
    return false;
  }
  path.neighbor = neighbors_.handle_of(*neighbor);
  return true;
}

// --- sending
// -----------------------------------------------------------------------------------------

template <PacketBuffer P>
void Network<P>::send(P packet, const IpHeader& header, Path& path) noexcept {
  NeighborAction action;
  Neighbor* neighbor = nullptr;
  if (path.epoch == epoch_ && path.neighbor) {
    neighbor = neighbors_.use(now_, path.neighbor, action);
    if (neighbor == nullptr) path.epoch = 0;
  }
  if (path.epoch != epoch_) [[unlikely]] {
    Drop why{};
    const InterfaceId wanted = path.interface;
    if (!find_path(header, path, action, why)) {
      drop_outgoing(wanted, std::move(packet), why);
      return;
    }
    neighbor = neighbors_.get(path.neighbor);
    if (!fit(packet, path.interface)) {
      drop_outgoing(path.interface, std::move(packet), Drop::kTxNoBuffer);
      return;
    }
    const std::size_t ip =
        header.destination.is_v4() ? Ip4Repr::header_len() : Ip6Repr::header_len();
    if (longest_on_wire(packet, path.interface) + ip > interfaces_.at(path.interface).mtu) {
      drop_outgoing(path.interface, std::move(packet), Drop::kRxFrameTooLong);
      return;
    }
  }
  if (!put_ip_header(packet, header, path.interface, !is_below_least(path))) {
    drop_outgoing(path.interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  counters_.ip_out_requests.add();
  const bool v4 = header.destination.is_v4();
  if (neighbor == nullptr) {
    const bool multicast = header.destination.is_multicast();
    send_to(path.interface, std::move(packet),
            multicast ? header.destination.multicast_mac() : MacAddress::broadcast(), v4);
    return;
  }
  if (NeighborCache::has_link_address(*neighbor)) [[likely]] {
    send_to(path.interface, std::move(packet), neighbor->mac, v4);
  } else {
    wait_for(*neighbor, std::move(packet));
  }
  if (action.kind != NeighborAction::Kind::kNone || neighbor->deadline != kNever) {
    perform(action);
  }
}

/// Octets behind the IP header, once the device has cut it.
template <PacketBuffer P>
std::size_t Network<P>::longest_on_wire(P& packet, InterfaceId interface) const noexcept {
  const TxOffload& asked = packet.meta().tx;
  const bool cut = asked.segment_size != 0 && interfaces_.at(interface).offloads.tcp_segmentation >=
                                                  packet.size() - asked.l4_len;
  return cut ? asked.segment_size + std::size_t{asked.l4_len} : packet.size();
}

/// The transport made the packet ready for the port that it thought of. What another port cannot
/// do is done here.
template <PacketBuffer P>
bool Network<P>::fit(P& packet, InterfaceId interface) noexcept {
  const PortOffloads& can = interfaces_.at(interface).offloads;
  TxOffload& asked = packet.meta().tx;
  if ((asked.tcp_checksum && !can.tcp_checksum) || (asked.udp_checksum && !can.udp_checksum)) {
    // The field holds the pseudo-header's sum, so the sum of all octets is the whole sum.
    const std::size_t field = asked.tcp_checksum ? 16 : 6;
    const std::uint16_t checksum = packet_sum(packet, 0, packet.size()).checksum();
    put_be16(packet.pull(field + 2), field,
             asked.udp_checksum && checksum == 0 ? 0xffff : checksum);
    asked.tcp_checksum = asked.udp_checksum = false;
  }
  return can.reads_only || packet.unique() || become_view(packet);
}

/// A second owner of the octets, with a link and notes of its own, takes the packet's place.
template <PacketBuffer P>
bool Network<P>::become_view(P& packet) noexcept {
  std::optional<P> view = packet.share(0, packet.size());
  if (!view) return false;
  view->meta().tx = packet.meta().tx;
  view->meta().interface = packet.meta().interface;
  view->meta().tag = packet.meta().tag;
  packet = std::move(*view);
  return true;
}

template <PacketBuffer P>
void Network<P>::send_once(P packet, const IpHeader& header, InterfaceId interface) noexcept {
  Path path;
  path.interface = interface;
  send(std::move(packet), header, path);
}

template <PacketBuffer P>
void Network<P>::send_direct(P packet, const IpHeader& header, InterfaceId interface,
                             const MacAddress& to) noexcept {
  if (!put_ip_header(packet, header, interface)) {
    drop_outgoing(interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  counters_.ip_out_requests.add();
  send_to(interface, std::move(packet), to, header.destination.is_v4());
}

template <PacketBuffer P>
void Network<P>::send_on_link(P packet, const IpHeader& header, InterfaceId interface) noexcept {
  NeighborAction action;
  const Neighbor* neighbor = neighbors_.resolve(now_, interface, header.destination, action);
  if (neighbor == nullptr) {
    drop_outgoing(interface, std::move(packet), Drop::kNeighborCacheFull);
    return;
  }
  perform(action);
  Path path{neighbors_.handle_of(*neighbor), epoch_, interface, interfaces_.at(interface).mtu};
  send(std::move(packet), header, path);
}

template <PacketBuffer P>
bool Network<P>::put_ip_header(P& packet, const IpHeader& header, InterfaceId interface,
                               bool dont_fragment) noexcept {
  const auto payload_len = static_cast<std::uint16_t>(packet.size());
  PacketMeta& meta = packet.meta();
  meta.interface = interface;
  if (header.destination.is_v4()) {
    const MutBytes out = packet.prepend(Ip4Repr::header_len());
    if (out.empty()) return false;
    Ip4Repr repr;
    repr.source = header.source;
    repr.destination = header.destination;
    repr.protocol = header.protocol;
    repr.dscp = header.dscp;
    repr.ecn = header.ecn;
    repr.ttl = header.hop_limit;
    repr.payload_len = payload_len;
    if (!dont_fragment) [[unlikely]] {
      repr.dont_fragment = false;
      // A device that cuts the packet counts on from there.
      const std::uint16_t size = meta.tx.segment_size;
      const std::uint16_t first = next_id_;
      next_id_ = static_cast<std::uint16_t>(first + (size == 0 ? 1 : payload_len / size + 1));
      repr.identification = first;
    }
    const bool offload = interfaces_.at(interface).offloads.ip4_checksum;
    meta.tx.ip4_checksum = offload;
    repr.emit(out, offload);
    return true;
  }
  const MutBytes out = packet.prepend(Ip6Repr::header_len());
  if (out.empty()) return false;
  Ip6Repr repr;
  repr.source = header.source;
  repr.destination = header.destination;
  repr.next_header = header.protocol;
  repr.dscp = header.dscp;
  repr.ecn = header.ecn;
  repr.hop_limit = header.hop_limit;
  repr.flow_label = header.flow_label;
  repr.payload_len = payload_len;
  repr.emit(out);
  return true;
}

template <PacketBuffer P>
void Network<P>::send_to(InterfaceId interface, P packet, const MacAddress& to, bool v4) noexcept {
  PacketMeta& meta = packet.meta();
  meta.tx.l2_len = EthernetRepr::header_len();
  meta.tx.l3_len = static_cast<std::uint16_t>(v4 ? Ip4Repr::header_len() : Ip6Repr::header_len());
  const MutBytes out = packet.prepend(EthernetRepr::header_len());
  if (out.empty()) {
    drop_outgoing(interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  EthernetRepr{to, interfaces_.at(interface).mac, v4 ? EtherType::kIp4 : EtherType::kIp6}.emit(out);
  send_frame(interface, std::move(packet));
}

template <PacketBuffer P>
void Network<P>::send_frame(InterfaceId id, P frame) noexcept {
  Interface& out = interfaces_.at(id);
  if (out.tx_count == out.tx.size()) flush(id);
  out.tx[out.tx_count++] = std::move(frame);
}

template <PacketBuffer P>
void Network<P>::flush(InterfaceId id) noexcept {
  Interface& out = interfaces_.at(id);
  if (out.tx_count == 0) return;
  counters_.sent.add(out.tx_count);
  sink_.send(id, std::span<P>{out.tx.data(), out.tx_count});
  out.tx_count = 0;
}

template <PacketBuffer P>
void Network<P>::flush() noexcept {
  for (std::uint32_t i = 0; i < interfaces_.touched(); ++i) {
    if (interfaces_.live(i)) flush(static_cast<InterfaceId>(i));
  }
}

template <PacketBuffer P>
void Network<P>::send_arp(InterfaceId interface, bool request, const MacAddress& to,
                          const IpAddress& sender, const MacAddress& target_mac,
                          const IpAddress& target) noexcept {
  P packet = make_small();
  if (!packet) return;
  const MacAddress& own = interfaces_.at(interface).mac;
  const MutBytes out = packet.append(EthernetRepr::header_len() + ArpRepr::packet_len());
  if (out.empty()) {
    drop_outgoing(interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  EthernetRepr{to, own, EtherType::kArp}.emit(out);
  ArpRepr repr;
  repr.operation = request ? ArpOperation::kRequest : ArpOperation::kReply;
  repr.sender_mac = own;
  repr.sender_ip = sender;
  repr.target_mac = target_mac;
  repr.target_ip = target;
  repr.emit(out.subspan(EthernetRepr::header_len()));
  send_frame(interface, std::move(packet));
}

template <PacketBuffer P>
void Network<P>::send_neighbor_solicit(InterfaceId interface, const Neighbor& neighbor,
                                       bool to_all) noexcept {
  const Interface& on = interfaces_.at(interface);
  const std::optional<IpAddress> source = select_source({on.addresses.begin(), on.addresses.size()},
                                                        neighbor.address, neighbor.address);
  if (!source) return;
  P packet = make_small();
  if (!packet) return;
  NeighborSolicitRepr repr;
  repr.target = neighbor.address;
  repr.source_mac = on.mac;
  const MutBytes out = packet.append(repr.message_len());
  if (out.empty()) {
    drop_outgoing(interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  repr.emit(out);
  IpHeader header;
  header.source = *source;
  header.destination = to_all ? neighbor.address.solicited_node() : neighbor.address;
  header.protocol = IpProtocol::kIcmp6;
  header.hop_limit = 255;
  const auto sum = pseudo_header_sum(header.source, header.destination,
                                     static_cast<std::uint8_t>(IpProtocol::kIcmp6),
                                     static_cast<std::uint32_t>(out.size()))
                       .add(internet_sum(out));
  put_be16(out, 2, sum.checksum());
  counters_.nd_solicits_out.add();
  // Asking for a neighbour must not wait for one.
  send_direct(std::move(packet), header, interface,
              to_all ? header.destination.multicast_mac() : neighbor.mac);
}

}  // namespace smol
