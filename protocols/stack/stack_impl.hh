// The members of Stack<P> and of all it is made of. Include it where a stack is instantiated, once
// for each P.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/network_config.hh"
#include "protocols/stack/network_impl.hh"
#include "protocols/stack/network_neighbors.hh"
#include "protocols/stack/stack.hh"
#include "protocols/stack/tcp_fast_open.hh"
#include "protocols/stack/tcp_input.hh"
#include "protocols/stack/tcp_listener.hh"
#include "protocols/stack/tcp_listing.hh"
#include "protocols/stack/tcp_open.hh"
#include "protocols/stack/tcp_output.hh"
#include "protocols/stack/tcp_pieces.hh"
#include "protocols/stack/tcp_sockets.hh"
#include "protocols/stack/tcp_time_wait.hh"
#include "protocols/stack/udp_transport_impl.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {

template <PacketBuffer P>
Stack<P>::Stack(const StackConfig& config, const StackSecrets& secrets,
                const Environment& environment, Instant start)
    : net_{config,
           secrets,
           environment.pool,
           environment.memory,
           environment.sink,
           environment.drops,
           environment.sharding,
           environment.colleagues,
           start},
      resolution_{net_},
      tcp_{net_, environment.memory},
      udp_{net_, environment.memory},
      icmp_{net_, resolution_, tcp_, udp_, environment.memory} {
  net_.set_unreachable(&icmp_);
}

// --- the turn
// ----------------------------------------------------------------------------------------

template <PacketBuffer P>
void Stack<P>::receive(Instant now, InterfaceId interface, std::span<P> burst) noexcept {
  net_.set_now(now);
  tcp_.look_at_memory();
  while (!burst.empty()) {
    const std::size_t n = std::min(burst.size(), kBurst);
    receive_some(interface, burst.first(n));
    burst = burst.subspan(n);
  }
}

/// Three passes: read all headers and start the look-ups; bring the connections into the cache; run
/// the machines, in the order of arrival.
template <PacketBuffer P>
void Stack<P>::receive_some(InterfaceId interface, std::span<P> burst) noexcept {
  net_.counters().received.add(burst.size());
  std::size_t n = 0;
  for (P& packet : burst) {
    Inbound<P>& in = inbound_[n];
    in.packet = std::move(packet);
    // What holds of the packet before it holds of this one if they are of one flow.
    const Inbound<P>* before = n > 0 ? &inbound_[n - 1] : nullptr;
    std::optional<Drop> why = read_link(interface, in, before);
    if (!in.packet) continue;  // ARP is done already
    if (!why && in.protocol == IpProtocol::kTcp) why = tcp_.prepare(in, before);
    if (why) {
      net_.drop(interface, std::move(in.packet), *why);
    } else {
      ++n;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (inbound_[i].protocol == IpProtocol::kTcp) tcp_.prefetch(inbound_[i]);
  }
  for (std::size_t i = 0; i < n; ++i) deliver(inbound_[i]);
}

template <PacketBuffer P>
std::size_t Stack<P>::expire(Instant now, std::size_t bound) noexcept {
  net_.set_now(now);
  return net_.wheel().expire(now, bound, [this](TimerNode& node) {
    switch (static_cast<TimerKind>(node.kind())) {
      case TimerKind::kTcpConnection:
        tcp_.on_connection_timer(node);
        break;
      case TimerKind::kTimeWait:
        tcp_.on_time_wait_timer();
        break;
      case TimerKind::kHalfOpen:
        tcp_.on_half_open_timer();
        break;
      case TimerKind::kNeighbor:
        net_.on_neighbor_timer(node);
        break;
    }
  });
}

template <PacketBuffer P>
std::span<const SocketEvent> Stack<P>::events() noexcept {
  // Each kind has a share, so that a flood of one keeps no other waiting; what is left of it is for
  // all.
  constexpr std::size_t kShare = kEvents / 4;
  const std::span<SocketEvent> all{events_};
  std::size_t n = tcp_.take_listener_events(all.first(kShare));
  n += udp_.take_events(all.subspan(n, kShare));
  n += icmp_.sockets().take_events(all.subspan(n, kShare));
  n += tcp_.take_events(all.subspan(n));
  n += udp_.take_events(all.subspan(n));
  n += icmp_.sockets().take_events(all.subspan(n));
  n += tcp_.take_listener_events(all.subspan(n));
  return all.first(n);
}

template <PacketBuffer P>
void Stack<P>::transmit(Instant now, std::size_t max_segments) noexcept {
  net_.set_now(now);
  tcp_.look_at_memory();
  tcp_.transmit(max_segments);
  net_.flush();
}

template <PacketBuffer P>
Instant Stack<P>::next_deadline() const noexcept {
  if (tcp_.has_work() || tcp_.has_events() || udp_.has_events() || icmp_.sockets().has_events()) {
    return net_.now();
  }
  return std::min(net_.next_timer(), tcp_.relief());
}

// --- link and network
// --------------------------------------------------------------------------------

template <PacketBuffer P>
std::optional<Drop> Stack<P>::read_link(InterfaceId interface, Inbound<P>& in,
                                        const Inbound<P>* before) noexcept {
  const std::size_t head = std::min<std::size_t>(in.packet.size(), EthernetView::kHeader);
  const Result<EthernetView> frame = EthernetView::parse(in.packet.pull(head));
  if (!frame) return frame.error();
  const MacAddress to = frame->destination();
  PacketMeta& meta = in.packet.meta();
  if (to == net_.interface(interface).mac) {
    meta.link_cast = LinkCast::kUnicast;
  } else if (!to.is_group()) {
    return Drop::kEthOtherHost;
  } else {
    meta.link_cast = to.is_broadcast() ? LinkCast::kBroadcast : LinkCast::kMulticast;
  }
  in.interface = interface;
  in.l3 = EthernetView::kHeader;
  in.l4_checksum = meta.l4_checksum;
  meta.payload_sum_valid = false;
  switch (static_cast<EtherType>(frame->type())) {
    case EtherType::kIp4:
      return read_ip4(in, before);
    case EtherType::kIp6:
      return read_ip6(in, before);
    case EtherType::kArp:
      return resolution_.receive_arp(interface, in.packet);
    case EtherType::kVlan:
      return Drop::kEthVlan;
  }
  return frame->type() < EthernetView::kFirstType ? Drop::kEthLlc : Drop::kEthUnknownType;
}

/// What a host is to answer, by the addresses alone; in.kind, if it is.
template <PacketBuffer P>
std::optional<Drop> Stack<P>::judge_path4(Inbound<P>& in) const noexcept {
  // RFC 1122 section 3.2.1.3: what no host may be; and none of ours speaks from the wire.
  const std::uint8_t net = static_cast<std::uint8_t>(in.source.v4_value() >> 24);
  if (net >= 224 || net == 127 || net == 0 || net_.addresses().is_known(in.source)) {
    return Drop::kIp4BadSource;
  }
  const std::optional<AddressKind> kind = net_.addresses().find(in.interface, in.destination);
  if (!kind) return Drop::kIp4OtherHost;
  in.kind = *kind;
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Stack<P>::judge_path6(Inbound<P>& in) const noexcept {
  // A mapped address on a wire would pass for an IPv4 one here, and must not be there in any case.
  if (in.source.is_v4() || in.source.is_multicast() || in.source.is_loopback() ||
      net_.addresses().is_known(in.source)) {
    return Drop::kIp6BadSource;
  }
  if (in.destination.is_v4() || in.destination.is_unspecified() || in.destination.is_loopback() ||
      (in.destination.is_multicast() && in.destination.multicast_scope() <= 1)) {
    return Drop::kIp6BadDestination;
  }
  const std::optional<AddressKind> kind = net_.addresses().find(in.interface, in.destination);
  if (!kind) return Drop::kIp6OtherHost;
  in.kind = *kind;
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Stack<P>::read_ip4(Inbound<P>& in, const Inbound<P>* before) noexcept {
  net_.counters().ip_in_receives.add();
  constexpr std::size_t kMost = EthernetView::kHeader + 60;
  const std::size_t size = in.packet.size();
  const MutBytes front = in.packet.pull(std::min(size, kMost));
  if (front.empty()) return Drop::kIp4Truncated;
  const Result<Ip4View> ip = Ip4View::parse(front.subspan(in.l3), size - in.l3);
  if (!ip) return ip.error();
  const ChecksumState checksum = in.packet.meta().ip_checksum;
  if (checksum == ChecksumState::kBad ||
      (checksum == ChecksumState::kUnknown && !ip->checksum_ok())) {
    return Drop::kIp4BadChecksum;
  }
  in.source = ip->source();
  in.destination = ip->destination();
  in.is_v4 = true;
  in.same_path = same_path(in, before);
  if (in.same_path) {
    in.kind = before->kind;
  } else if (const std::optional<Drop> why = judge_path4(in)) {
    return why;
  }
  if (in.kind == AddressKind::kUnicast && in.packet.meta().link_cast != LinkCast::kUnicast) {
    return Drop::kIp4LinkBroadcast;
  }
  if (ip->header_len() > Ip4View::kMinHeader) {
    switch (classify_options(*ip)) {
      case Ip4Options::kIgnorable:
        break;
      case Ip4Options::kMalformed:
        return Drop::kIp4BadOption;
      case Ip4Options::kSourceRoute:
        return Drop::kIp4SourceRoute;
    }
  }
  if (ip->is_fragment()) return Drop::kIp4Fragment;
  in.protocol = ip->protocol();
  in.dscp = ip->dscp();
  in.segment.ecn = ip->ecn();
  in.hop_limit = ip->ttl();
  in.l4 = in.l3 + static_cast<std::uint32_t>(ip->header_len());
  in.l4_len = static_cast<std::uint32_t>(ip->total_len() - ip->header_len());
  // The link pads short frames; what it added is nobody's payload.
  if (size > in.l3 + ip->total_len()) in.packet.trim_back(size - in.l3 - ip->total_len());
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Stack<P>::read_ip6(Inbound<P>& in, const Inbound<P>* before) noexcept {
  net_.counters().ip_in_receives.add();
  constexpr std::size_t kMost = EthernetView::kHeader + Ip6View::kHeader;
  const std::size_t size = in.packet.size();
  const MutBytes front = in.packet.pull(std::min(size, kMost));
  if (front.empty()) return Drop::kIp6Truncated;
  const Result<Ip6View> ip = Ip6View::parse(front.subspan(in.l3), size - in.l3);
  if (!ip) return ip.error();
  in.source = ip->source();
  in.destination = ip->destination();
  in.is_v4 = false;
  in.same_path = same_path(in, before);
  if (in.same_path) {
    in.kind = before->kind;
  } else if (const std::optional<Drop> why = judge_path6(in)) {
    return why;
  }
  in.protocol = ip->next_header();
  in.dscp = ip->dscp();
  in.segment.ecn = ip->ecn();
  in.hop_limit = ip->hop_limit();
  in.l4 = in.l3 + static_cast<std::uint32_t>(Ip6View::kHeader);
  in.l4_len = static_cast<std::uint32_t>(ip->payload_len());
  if (size > in.l4 + in.l4_len) in.packet.trim_back(size - in.l4 - in.l4_len);
  switch (in.protocol) {
    case IpProtocol::kFragment:
      return Drop::kIp6Fragment;
    case IpProtocol::kNoNextHeader:
      return Drop::kIp6NoNextHeader;
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kDestinationOptions:
      return Drop::kIp6ExtensionHeader;
    case IpProtocol::kTcp:
    case IpProtocol::kUdp:
    case IpProtocol::kIcmp6:
    case IpProtocol::kIcmp:
      break;
  }
  return std::nullopt;
}

template <PacketBuffer P>
void Stack<P>::deliver(Inbound<P>& in) noexcept {
  std::optional<Drop> why;
  bool known = true;
  if (in.protocol == IpProtocol::kTcp) {
    net_.counters().ip_in_delivers.add();
    tcp_.receive(in);
    return;
  }
  if (in.protocol == IpProtocol::kUdp) {
    why = udp_.receive(in);
    if (why == Drop::kUdpPortUnreachable) icmp_.complain(in, icmp::Complaint::kPortUnreachable);
  } else if (in.is_v4 && in.protocol == IpProtocol::kIcmp) {
    why = icmp_.receive4(in);
  } else if (!in.is_v4 && in.protocol == IpProtocol::kIcmp6) {
    why = icmp_.receive6(in);
  } else {
    known = false;
    why = Drop::kIpUnknownProtocol;
    icmp_.complain(in, icmp::Complaint::kUnknownProtocol);
  }
  if (known) net_.counters().ip_in_delivers.add();
  if (why) net_.drop(in.interface, std::move(in.packet), *why);
}

// --- Sockets
// -----------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<SocketId, Error> Stack<P>::tcp_accept(SocketId listener) noexcept {
  if (listener.kind != SocketKind::kTcpListener) return fail(Error::kBadHandle);
  return tcp_.accept(listener.handle);
}

template <PacketBuffer P>
Bytes Stack<P>::readable(SocketId socket) noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.readable(socket.handle) : Bytes{};
}

template <PacketBuffer P>
void Stack<P>::consume(SocketId socket, std::size_t n) noexcept {
  if (socket.kind == SocketKind::kTcp) tcp_.consume(socket.handle, n);
}

template <PacketBuffer P>
std::size_t Stack<P>::read(SocketId socket, MutBytes out) noexcept {
  std::size_t copied = 0;
  while (copied < out.size()) {
    const Bytes piece = readable(socket);
    if (piece.empty()) break;
    const std::size_t n = std::min(piece.size(), out.size() - copied);
    copy_bytes(out.subspan(copied), piece.first(n));
    consume(socket, n);
    copied += n;
  }
  return copied;
}

template <PacketBuffer P>
bool Stack<P>::at_end(SocketId socket) const noexcept {
  return socket.kind != SocketKind::kTcp || tcp_.at_end(socket.handle);
}

template <PacketBuffer P>
std::size_t Stack<P>::unread(SocketId socket) const noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.unread(socket.handle) : 0;
}

template <PacketBuffer P>
Result<std::size_t, Error> Stack<P>::write_urgent(SocketId socket, Bytes data) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.write_urgent(socket.handle, data);
}

template <PacketBuffer P>
tcp::Urgent Stack<P>::urgent(SocketId socket) const noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.urgent(socket.handle) : tcp::Urgent{};
}

template <PacketBuffer P>
Result<std::size_t, Error> Stack<P>::write(SocketId socket, Bytes data) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.write(socket.handle, data);
}

template <PacketBuffer P>
std::size_t Stack<P>::writable(SocketId socket) const noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.writable(socket.handle) : 0;
}

template <PacketBuffer P>
MutBytes Stack<P>::reserve(SocketId socket, std::size_t want) noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.reserve(socket.handle, want) : MutBytes{};
}

template <PacketBuffer P>
std::size_t Stack<P>::readable_pieces(SocketId socket, std::span<Bytes> out) noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.readable_pieces(socket.handle, out) : 0;
}

template <PacketBuffer P>
std::size_t Stack<P>::peek(SocketId socket, std::size_t offset, MutBytes out) noexcept {
  return socket.kind == SocketKind::kTcp ? tcp_.peek(socket.handle, offset, out) : 0;
}

template <PacketBuffer P>
Result<std::size_t, Error> Stack<P>::write_pieces(SocketId socket,
                                                  std::span<const Bytes> pieces) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.write_pieces(socket.handle, pieces);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::write_packet(SocketId socket, P& packet) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.write_packet(socket.handle, packet);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::shutdown_read(SocketId socket) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.shutdown_read(socket.handle);
}

template <PacketBuffer P>
void Stack<P>::commit(SocketId socket, std::size_t n) noexcept {
  if (socket.kind == SocketKind::kTcp) tcp_.commit(socket.handle, n);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::shutdown_write(SocketId socket) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.shutdown_write(socket.handle);
}

template <PacketBuffer P>
void Stack<P>::close(SocketId socket) noexcept {
  switch (socket.kind) {
    case SocketKind::kTcp:
      return tcp_.close(socket.handle);
    case SocketKind::kTcpListener:
      return tcp_.close_listener(socket.handle);
    case SocketKind::kUdp:
      return udp_.close(socket.handle);
    case SocketKind::kIcmp:
      return icmp_.sockets().close(socket.handle);
    case SocketKind::kTcpHalfOpen:
    case SocketKind::kNone:
      return;
  }
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::linger(SocketId socket) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.linger(socket.handle);
}

template <PacketBuffer P>
void Stack<P>::abort(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kTcp) {
    tcp_.abort(socket.handle);
  } else {
    close(socket);
  }
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::set_options(SocketId socket,
                                          const tcp::SocketOptions& options) noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.set_options(socket.handle, options);
}

template <PacketBuffer P>
Result<tcp::Info, Error> Stack<P>::tcp_info(SocketId socket) const noexcept {
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.info(socket.handle);
}

template <PacketBuffer P>
std::optional<Datagram> Stack<P>::udp_front(SocketId socket) noexcept {
  return socket.kind == SocketKind::kUdp ? udp_.front(socket.handle) : std::nullopt;
}

template <PacketBuffer P>
void Stack<P>::udp_pop(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kUdp) udp_.pop(socket.handle);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::udp_send(SocketId socket, const UdpSendOptions& options,
                                       Bytes payload) noexcept {
  if (socket.kind != SocketKind::kUdp) return fail(Error::kBadHandle);
  return udp_.send(socket.handle, options, payload);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::icmp_send_echo(SocketId socket, const IcmpSendOptions& options,
                                             std::uint16_t sequence, Bytes payload) noexcept {
  if (socket.kind != SocketKind::kIcmp) return fail(Error::kBadHandle);
  return icmp_.sockets().send_echo(socket.handle, options, sequence, payload);
}

template <PacketBuffer P>
std::optional<IcmpMessage> Stack<P>::icmp_front(SocketId socket) noexcept {
  return socket.kind == SocketKind::kIcmp ? icmp_.sockets().front(socket.handle) : std::nullopt;
}

template <PacketBuffer P>
void Stack<P>::icmp_pop(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kIcmp) icmp_.sockets().pop(socket.handle);
}

template <PacketBuffer P>
void Stack<P>::set_user_data(SocketId socket, std::uint64_t user_data) noexcept {
  if (socket.kind == SocketKind::kUdp) {
    udp_.set_user_data(socket.handle, user_data);
  } else if (socket.kind == SocketKind::kIcmp) {
    icmp_.sockets().set_user_data(socket.handle, user_data);
  } else if (socket) {
    tcp_.set_user_data(socket, user_data);
  }
}

template <PacketBuffer P>
void Stack<P>::set_deadline(SocketId socket, Instant when) noexcept {
  if (socket.kind == SocketKind::kTcp) tcp_.set_deadline(socket.handle, when);
}

template <PacketBuffer P>
std::optional<Error> Stack<P>::error(SocketId socket) const noexcept {
  if (socket.kind != SocketKind::kTcp) return Error::kBadHandle;
  return tcp_.error(socket.handle);
}

template <PacketBuffer P>
std::optional<Error> Stack<P>::soft_error(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kUdp) return udp_.soft_error(socket.handle);
  // An ICMP socket has its errors in its queue.
  if (socket.kind == SocketKind::kIcmp && icmp_.sockets().local(socket.handle)) return std::nullopt;
  if (socket.kind == SocketKind::kTcp) return tcp_.soft_error(socket.handle);
  return Error::kBadHandle;
}

template <PacketBuffer P>
Result<IpEndpoint, Error> Stack<P>::local_endpoint(SocketId socket) const noexcept {
  if (socket.kind == SocketKind::kUdp) return udp_.local(socket.handle);
  if (socket.kind == SocketKind::kIcmp) return icmp_.sockets().local(socket.handle);
  if (socket.kind == SocketKind::kNone) return fail(Error::kBadHandle);
  return tcp_.local(socket);
}

template <PacketBuffer P>
Result<IpEndpoint, Error> Stack<P>::remote_endpoint(SocketId socket) const noexcept {
  if (socket.kind == SocketKind::kUdp) return udp_.remote(socket.handle);
  if (socket.kind == SocketKind::kIcmp) {
    return fail(icmp_.sockets().local(socket.handle) ? Error::kNotConnected : Error::kBadHandle);
  }
  if (socket.kind != SocketKind::kTcp) return fail(Error::kBadHandle);
  return tcp_.remote(socket.handle);
}

// --- for a control plane
// -----------------------------------------------------------------------------

/// The upper octet of the cursor says which table, the rest is that table's own.
template <PacketBuffer P>
Slice Stack<P>::sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  constexpr unsigned kShift = 56;
  constexpr std::uint64_t kTables = 6;
  const auto ask = [&](std::uint64_t table, Cursor own, std::span<SocketInfo> room) {
    if (table == 0) return tcp_.listeners_from(own, room);
    if (table == 1) return tcp_.connections_from(own, room);
    if (table == 2) return tcp_.half_open_from(own, room);
    if (table == 3) return tcp_.time_wait_from(own, room);
    if (table == 4) return udp_.sockets_from(own, room);
    return icmp_.sockets().sockets_from(own, room);
  };
  Slice slice;
  Cursor own{from.at & ((std::uint64_t{1} << kShift) - 1)};
  for (std::uint64_t table = from.at >> kShift; table < kTables; ++table, own = {}) {
    const Slice part = ask(table, own, out.subspan(slice.count));
    slice.count += part.count;
    slice.next = Cursor{table << kShift | part.next.at};
    if (!part.next.done()) return slice;
  }
  slice.next = Cursor::end();
  return slice;
}

template <PacketBuffer P>
Result<SocketInfo, Error> Stack<P>::socket_info(SocketId socket) const noexcept {
  switch (socket.kind) {
    case SocketKind::kTcp:
    case SocketKind::kTcpListener:
    case SocketKind::kTcpHalfOpen:
      return tcp_.describe(socket);
    case SocketKind::kUdp:
      return udp_.describe(socket.handle);
    case SocketKind::kIcmp:
      return icmp_.sockets().describe(socket.handle);
    case SocketKind::kNone:
      break;
  }
  return fail(Error::kBadHandle);
}

template <PacketBuffer P>
Result<tcp::Info, Error> Stack<P>::connection_info(SocketId socket) const noexcept {
  if (socket.kind != SocketKind::kTcp && socket.kind != SocketKind::kTcpHalfOpen) {
    return fail(Error::kBadHandle);
  }
  return tcp_.connection_info(socket);
}

template <PacketBuffer P>
Result<void, Error> Stack<P>::destroy(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kTcp || socket.kind == SocketKind::kTcpHalfOpen) {
    return tcp_.destroy(socket);
  }
  if (!socket_info(socket)) return fail(Error::kBadHandle);
  close(socket);
  return {};
}

}  // namespace smol
