// The members of UdpTransport<P>. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/udp_transport.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/udp.hh"

namespace smol {

template <PacketBuffer P>
UdpTransport<P>::UdpTransport(Network<P>& net, std::pmr::memory_resource& memory)
    : net_{net},
      sockets_{net.config().limits.udp_sockets, memory},
      table_{net.config().limits.udp_sockets, net.secrets().hash, memory} {}

template <PacketBuffer P>
std::optional<Drop> UdpTransport<P>::check(const Inbound<P>& in, std::size_t length,
                                           std::uint16_t checksum) const noexcept {
  // RFC 768: zero means none, which RFC 8200 section 8.1 does not allow over IPv6.
  if (checksum == 0) {
    return in.is_v4 ? std::nullopt : std::optional{Drop::kUdpBadChecksum};
  }
  const ChecksumState state = in.l4_checksum;
  if (state == ChecksumState::kGood) return std::nullopt;
  const bool good =
      state != ChecksumState::kBad &&
      pseudo_header_sum(in.source, in.destination, static_cast<std::uint8_t>(IpProtocol::kUdp),
                        static_cast<std::uint32_t>(length))
          .add(packet_sum(in.packet, in.l4, length))
          .verifies();
  return good ? std::nullopt : std::optional{Drop::kUdpBadChecksum};
}

template <PacketBuffer P>
std::optional<Drop> UdpTransport<P>::receive(Inbound<P>& in) noexcept {
  // RFC 4291 section 2.5.2: nobody is not a source, but of neighbour discovery.
  if (in.source.is_unspecified()) return Drop::kIpForbiddenSource;
  const MutBytes front =
      in.packet.pull(std::min<std::size_t>(in.packet.size(), in.l4 + UdpView::kHeader));
  if (front.empty()) return Drop::kUdpTruncated;
  const Result<UdpView> view = UdpView::parse(front.subspan(in.l4), in.l4_len);
  if (!view) return view.error();
  const std::size_t length = view->length();
  const IpEndpoint remote{in.source, view->src_port()};
  const IpEndpoint local{in.destination, view->dst_port()};
  if (const std::optional<Drop> bad = check(in, length, view->checksum())) return bad;
  if (local.port == 0) return Drop::kUdpPortZero;

  const std::uint32_t index = table_.find(local, remote);
  if (index == udp::SocketTable::kNone) {
    net_.counters().udp_no_ports.add();
    return Drop::kUdpPortUnreachable;
  }
  Socket& socket = sockets_.at(index);
  const std::optional<Drop> lost =
      socket.receive.keep(net_, in, length, socket.options.receive_datagrams);
  if (lost) {
    net_.counters().udp_rcvbuf_errors.add();
    return lost;
  }
  net_.counters().udp_in_datagrams.add();
  tell(index, SocketEvents::kReadable);
  return std::nullopt;
}

template <PacketBuffer P>
void UdpTransport<P>::tell(std::uint32_t index, std::uint16_t events) noexcept {
  sockets_.at(index).events |= events;
  events_.push_back(index, event_link());
}

template <PacketBuffer P>
bool UdpTransport<P>::icmp_error(const IpEndpoint& local, const IpEndpoint& remote,
                                 Error error) noexcept {
  const std::uint32_t index = table_.find(local, remote);
  if (index == udp::SocketTable::kNone) return false;
  sockets_.at(index).soft_error = error;
  tell(index, SocketEvents::kSoftError);
  return true;
}

template <PacketBuffer P>
Result<SocketId, Error> UdpTransport<P>::open(const UdpOptions& options) noexcept {
  UdpOptions chosen = options;
  const IpAddress& own = chosen.local.address;
  if (chosen.hop_limit == 0 || chosen.dscp > 63 || chosen.receive_datagrams == 0 ||
      (chosen.remote &&
       (chosen.remote->port == 0 || chosen.remote->address.family() != own.family()))) {
    return fail(Error::kInvalid);
  }
  if (!own.is_unspecified() && !net_.addresses().is_own(own)) {
    return fail(Error::kAddressNotAvailable);
  }
  const IpEndpoint remote = chosen.remote.value_or(IpEndpoint{});
  if (chosen.local.port == 0) {
    const std::uint32_t first = net_.config().first_ephemeral_port;
    const std::uint32_t count = net_.config().last_ephemeral_port - first + 1u;
    const std::uint32_t start = net_.rng().below(count);
    std::uint32_t tried = 0;
    chosen.alone = true;  // what will be sent, and so what comes back, nobody knows yet
    do {
      if (tried++ == count) return fail(Error::kAddressNotAvailable);
      chosen.local.port = static_cast<std::uint16_t>(first + (start + tried) % count);
    } while (!take(chosen, remote));
  } else if (!take(chosen, remote)) {
    return fail(Error::kAddressInUse);
  }
  const Handle made = sockets_.emplace(chosen);
  if (!made) {
    if (net_.colleagues() != nullptr) net_.colleagues()->release_udp_port(chosen.local.port);
    return fail(Error::kNoBuffers);
  }
  table_.add(made.index, chosen.local, remote);
  return SocketId{SocketKind::kUdp, made};
}

/// Is the place free here, and the port among the workers?
template <PacketBuffer P>
bool UdpTransport<P>::take(const UdpOptions& options, const IpEndpoint& remote) noexcept {
  if (table_.find_exactly(options.local, remote) != udp::SocketTable::kNone) return false;
  return net_.colleagues() == nullptr ||
         net_.colleagues()->take_udp_port(options.local.port, options.alone);
}

template <PacketBuffer P>
std::optional<Datagram> UdpTransport<P>::front(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return std::nullopt;
  const std::optional<KeptDatagram> kept = socket->receive.front();
  if (!kept) return std::nullopt;
  const Result<UdpView> udp = UdpView::parse(kept->message, kept->message.size());
  SMOL_CHECK(udp.has_value());
  Datagram out;
  out.source = {kept->source, udp->src_port()};
  out.destination = {kept->destination, udp->dst_port()};
  out.interface = kept->interface;
  out.at = kept->at;
  out.payload = kept->message.subspan(UdpView::kHeader);
  out.hop_limit = kept->hop_limit;
  out.dscp = kept->dscp;
  out.ecn = kept->ecn;
  return out;
}

template <PacketBuffer P>
void UdpTransport<P>::pop(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket != nullptr) socket->receive.pop();
}

template <PacketBuffer P>
P UdpTransport<P>::build(const Socket& socket, const IpAddress& source, const IpEndpoint& remote,
                         Bytes payload) noexcept {
  P packet = net_.make();
  if (!packet) return {};
  const MutBytes body = packet.append(payload.size());
  const MutBytes head = packet.prepend(UdpRepr::header_len());
  if (body.size() != payload.size() || head.empty()) {
    net_.drop_outgoing(socket.way.path.interface, std::move(packet), Drop::kTxNoBuffer);
    return {};
  }
  const InternetSum payload_sum = copy_and_sum(body, payload);
  UdpRepr repr;
  repr.src_port = socket.options.local.port;
  repr.dst_port = remote.port;
  repr.payload_len = static_cast<std::uint16_t>(payload.size());
  repr.emit(head);
  InternetSum sum =
      pseudo_header_sum(source, remote.address, static_cast<std::uint8_t>(IpProtocol::kUdp),
                        static_cast<std::uint32_t>(packet.size()));
  PacketMeta& meta = packet.meta();
  meta.tx = TxOffload{};
  if (net_.interface(socket.way.path.interface).offloads.udp_checksum) {
    meta.tx.udp_checksum = true;
    meta.tx.l4_len = static_cast<std::uint8_t>(UdpRepr::header_len());
    put_be16(head, 6, sum.folded());
  } else {
    const std::uint16_t checksum = sum.add(internet_sum(head)).add(payload_sum).checksum();
    put_be16(head, 6, checksum == 0 ? 0xffff : checksum);
  }
  return packet;
}

template <PacketBuffer P>
Result<void, Error> UdpTransport<P>::send(Handle handle, const UdpSendOptions& options,
                                          Bytes payload) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (options.remote.port == 0 || options.remote.address.is_unspecified()) {
    return fail(Error::kInvalid);
  }
  const Result<IpAddress, Error> source =
      socket->way.choose(net_, socket->options.local.address, options.remote.address,
                         options.source, options.interface);
  if (!source) return fail(source.error());
  const std::size_t headers =
      UdpRepr::header_len() + (source->is_v4() ? Ip4Repr::header_len() : Ip6Repr::header_len());
  if (payload.size() + headers > net_.interface(socket->way.path.interface).mtu) {
    return fail(Error::kMessageTooLong);
  }
  if (net_.out_of_memory()) return fail(Error::kNoBuffers);
  P packet = build(*socket, *source, options.remote, payload);
  if (!packet) return fail(Error::kNoBuffers);
  net_.counters().udp_out_datagrams.add();
  IpHeader ip;
  ip.source = *source;
  ip.destination = options.remote.address;
  ip.protocol = IpProtocol::kUdp;
  ip.hop_limit = socket->options.hop_limit;
  ip.dscp = socket->options.dscp;
  net_.send(std::move(packet), ip, socket->way.path);
  return {};
}

template <PacketBuffer P>
void UdpTransport<P>::close(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return;
  if (net_.colleagues() != nullptr) {
    net_.colleagues()->release_udp_port(socket->options.local.port);
  }
  table_.remove(handle.index);
  events_.remove(handle.index, event_link());
  sockets_.erase(handle.index);
}

template <PacketBuffer P>
void UdpTransport<P>::set_user_data(Handle handle, std::uint64_t user_data) noexcept {
  if (Socket* socket = sockets_.get(handle)) socket->options.user_data = user_data;
}

template <PacketBuffer P>
std::optional<Error> UdpTransport<P>::soft_error(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return Error::kBadHandle;
  return std::exchange(socket->soft_error, std::nullopt);
}

template <PacketBuffer P>
Result<IpEndpoint, Error> UdpTransport<P>::local(Handle handle) const noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  return socket->options.local;
}

template <PacketBuffer P>
Result<IpEndpoint, Error> UdpTransport<P>::remote(Handle handle) const noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (!socket->options.remote) return fail(Error::kNotConnected);
  return *socket->options.remote;
}

template <PacketBuffer P>
std::size_t UdpTransport<P>::take_events(std::span<SocketEvent> out) noexcept {
  std::size_t n = 0;
  while (n < out.size() && !events_.empty()) {
    const std::uint32_t index = events_.pop_front(event_link());
    Socket& socket = sockets_.at(index);
    out[n++] = {SocketId{SocketKind::kUdp, sockets_.handle_of(index)}, socket.events,
                socket.options.owner, socket.options.user_data};
    socket.events = 0;
  }
  return n;
}

template <PacketBuffer P>
void UdpTransport<P>::describe(std::uint32_t index, const Socket& socket,
                               SocketInfo& info) const noexcept {
  info = message_socket_info({SocketKind::kUdp, sockets_.handle_of(index)}, socket);
  info.local = socket.options.local;
  info.remote = socket.options.remote;
}

template <PacketBuffer P>
Slice UdpTransport<P>::sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  return slice_of(sockets_, from, out,
                  [this](std::uint32_t index, const Socket& socket, SocketInfo& info) {
                    describe(index, socket, info);
                    return true;
                  });
}

template <PacketBuffer P>
Result<SocketInfo, Error> UdpTransport<P>::describe(Handle handle) const noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  SocketInfo info;
  describe(handle.index, *socket, info);
  return info;
}

}  // namespace smol
