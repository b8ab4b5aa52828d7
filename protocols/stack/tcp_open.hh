// TcpTransport<P>, how a user opens sockets: listen, accept, connect, and the port that a connect
// chooses. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "protocols/stack/tcp_transport.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {

template <PacketBuffer P>
Result<SocketId, Error> TcpTransport<P>::listen(const TcpListenOptions& options) noexcept {
  const IpEndpoint& local = options.local;
  if (local.port == 0 || options.backlog == 0 || options.syn_backlog == 0 ||
      !valid(options.socket)) {
    return fail(Error::kInvalid);
  }
  if (!local.address.is_unspecified() && !net_.addresses().is_own(local.address)) {
    return fail(Error::kAddressNotAvailable);
  }
  const std::uint64_t at = hash(local.address, local.port);
  const std::uint32_t there =
      listening_.find(at, [&](std::uint32_t i) { return listeners_.at(i).options.local == local; });
  if (there != IndexTable::kNone) return fail(Error::kAddressInUse);
  const Handle made = listeners_.emplace();
  if (!made) return fail(Error::kNoBuffers);
  TcpListener& listener = listeners_.at(made.index);
  listener.options = options;
  listening_.insert(at, made.index);
  return SocketId{SocketKind::kTcpListener, made};
}

namespace detail {

inline constexpr std::size_t tcp_and_ip(bool v4) noexcept {
  return TcpView::kMinHeader + (v4 ? Ip4Repr::header_len() : Ip6Repr::header_len());
}

}  // namespace detail

template <PacketBuffer P>
std::uint16_t TcpTransport<P>::mss_of(std::uint16_t mtu, bool v4) noexcept {
  return static_cast<std::uint16_t>(mtu - detail::tcp_and_ip(v4));
}

template <PacketBuffer P>
std::uint16_t TcpTransport<P>::mtu_of(std::uint16_t mss, bool v4) noexcept {
  return static_cast<std::uint16_t>(std::min<std::size_t>(mss + detail::tcp_and_ip(v4), 0xffff));
}

template <PacketBuffer P>
tcp::Connection::Setup TcpTransport<P>::setup_for(const tcp::FlowKey& flow, SeqNumber iss,
                                                  const tcp::SocketOptions& options,
                                                  InterfaceId interface) const noexcept {
  tcp::Connection::Setup setup;
  setup.iss = iss;
  setup.ts_offset = tcp::timestamp_offset(net_.secrets().isn, flow);
  const typename Network<P>::Mtu mtu = net_.mtu_to(flow.remote, interface);
  setup.local_mss = mss_of(mtu.link, flow.local.is_v4());
  setup.path_mss = mss_of(mtu.path, flow.local.is_v4());
  setup.is_v6 = flow.local.is_v6();
  setup.options = options;
  return setup;
}

template <PacketBuffer P>
std::uint32_t TcpTransport<P>::create(const tcp::FlowKey& flow, SeqNumber iss,
                                      const tcp::SocketOptions& options,
                                      InterfaceId interface) noexcept {
  if (flows_.full()) return IndexTable::kNone;
  const tcp::Connection::Setup setup = setup_for(flow, iss, options, interface);
  const Handle made = sockets_.emplace(context_, net_.now(), setup, flow);
  if (!made) return IndexTable::kNone;
  Socket& socket = sockets_.at(made.index);
  socket.timer.set(static_cast<std::uint8_t>(TimerKind::kTcpConnection), made.index);
  socket.path.interface = interface;
  socket.path.mtu = mtu_of(setup.path_mss, flow.local.is_v4());
  socket.in_table = true;
  set_low_water(socket, options);
  flows_.insert(hash(flow), made.index);
  return made.index;
}

template <PacketBuffer P>
Result<SocketId, Error> TcpTransport<P>::accept(Handle handle) noexcept {
  TcpListener* listener = listeners_.get(handle);
  if (listener == nullptr) return fail(Error::kBadHandle);
  if (listener->accept_queue.empty()) return fail(Error::kWouldBlock);
  const std::uint32_t index = listener->accept_queue.pop_front(waiting_link());
  Socket& socket = sockets_.at(index);
  socket.owned = true;
  socket.user_data = listener->options.user_data;
  if (!worth_reading(socket)) {
    socket.events = static_cast<std::uint16_t>(socket.events & ~SocketEvents::kReadable);
  }
  // What happened while it waited is news to its new owner.
  if (socket.events != 0) events_.push_back(index, event_link());
  return SocketId{SocketKind::kTcp, sockets_.handle_of(index)};
}

template <PacketBuffer P>
Result<SocketId, Error> TcpTransport<P>::connect(const TcpConnectOptions& options) noexcept {
  const IpEndpoint& remote = options.remote;
  if (remote.port == 0 || remote.address.is_unspecified() || remote.address.is_multicast() ||
      remote.address.is_limited_broadcast() || !valid(options.socket)) {
    return fail(Error::kInvalid);
  }
  std::optional<IpAddress> source;
  if (options.local && !options.local->address.is_unspecified()) source = options.local->address;
  if (source && source->family() != remote.address.family()) return fail(Error::kInvalid);
  const auto egress = net_.route(remote.address, source, options.interface);
  if (!egress) return fail(egress.error());
  if (net_.addresses().find(egress->interface, remote.address) == AddressKind::kBroadcast) {
    return fail(Error::kInvalid);
  }
  const Result<tcp::FlowKey, Error> flow = choose_flow(options, *egress);
  if (!flow) return fail(flow.error());
  const SeqNumber iss = tcp::initial_sequence_number(net_.secrets().isn, *flow, net_.now());
  const std::uint32_t index = create(*flow, iss, options.socket, egress->interface);
  if (index == IndexTable::kNone) return fail(Error::kNoBuffers);
  Socket& socket = sockets_.at(index);
  socket.owned = true;
  socket.owner = options.owner;
  socket.user_data = options.user_data;
  socket.connection.open_active(context_);
  if (options.fast_open) offer_fast_open(socket);
  net_.counters().tcp_active_opens.add();
  make_ready(index);
  return SocketId{SocketKind::kTcp, sockets_.handle_of(index)};
}

/// The source port: the one asked for, or a free one by RFC 6056 algorithm 3, so that ports seen by
/// one destination tell nothing about those used towards another.
template <PacketBuffer P>
Result<tcp::FlowKey, Error> TcpTransport<P>::choose_flow(
    const TcpConnectOptions& options, const typename Network<P>::Egress& egress) noexcept {
  const IpEndpoint& remote = options.remote;
  const bool scoped = remote.address.is_link_local() || egress.source.is_link_local();
  tcp::FlowKey flow{egress.source, remote.address, 0, remote.port,
                    scoped ? egress.interface : InterfaceId{0}};
  // What the peer answers must come to this worker.
  const auto is_own = [&](std::uint16_t port) {
    return net_.sharding().owns({egress.source, port}, remote);
  };
  const auto is_free = [&](std::uint16_t port) {
    flow.local_port = port;
    return find(hash(flow), flow) == IndexTable::kNone;
  };
  if (options.local && options.local->port != 0) {
    if (!is_own(options.local->port)) return fail(Error::kOtherWorker);
    if (!is_free(options.local->port)) return fail(Error::kAddressInUse);
    return flow;
  }
  const std::uint32_t first = net_.config().first_ephemeral_port;
  const std::uint32_t count = net_.config().last_ephemeral_port - first + 1u;
  const std::uint32_t offset = tcp::ephemeral_port_offset(net_.secrets().isn, flow);
  for (std::uint32_t tried = 0; tried < count; ++tried) {
    const auto port = static_cast<std::uint16_t>(first + (offset + next_port_++) % count);
    if (is_own(port) && is_free(port)) return flow;
  }
  return fail(Error::kAddressNotAvailable);
}

}  // namespace smol
