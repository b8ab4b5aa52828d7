// The ICMP sockets of a stack: echo requests out, and in what answers them: replies, and errors
// that quote them. RFC 792, RFC 4443. Included by icmp_transport.hh.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <utility>

#include "protocols/base/index_table.hh"
#include "protocols/base/slab.hh"
#include "protocols/icmp/errors.hh"
#include "protocols/icmp/quote.hh"
#include "protocols/stack/datagram_socket.hh"
#include "protocols/stack/index_fifo.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/network.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {

/// A socket is found by family and identifier: one look-up a message. Messages are kept as they
/// came, like UDP's.
template <PacketBuffer P>
class IcmpSockets {
 public:
  IcmpSockets(Network<P>& net, std::pmr::memory_resource& memory)
      : net_{net},
        sockets_{net.config().limits.icmp_sockets, memory},
        table_{net.config().limits.icmp_sockets, memory} {}

  /// An echo reply with a good checksum. Takes the packet, or says why not.
  std::optional<Drop> reply(Inbound<P>& in, std::uint16_t identifier) noexcept;
  /// An error that quotes an echo request. Takes the packet, or says why not.
  std::optional<Drop> error(Inbound<P>& in, const icmp::Quote& quote) noexcept;
  /// The neighbour that `packet`, an echo request of ours from its IP header on, was to go to never
  /// answered: we are the reporter.
  void unreachable(InterfaceId interface, const P& packet, const icmp::Quote& quote) noexcept;

  // Semantics as in Sockets.
  Result<SocketId, Error> open(const IcmpOptions& options) noexcept;
  Result<void, Error> send_echo(Handle socket, const IcmpSendOptions& options,
                                std::uint16_t sequence, Bytes payload) noexcept;
  std::optional<IcmpMessage> front(Handle socket) noexcept;
  void pop(Handle socket) noexcept;
  void close(Handle socket) noexcept;
  void set_user_data(Handle socket, std::uint64_t user_data) noexcept;
  Result<IpEndpoint, Error> local(Handle socket) const noexcept;
  std::size_t take_events(std::span<SocketEvent> out) noexcept;
  bool has_events() const noexcept { return !events_.empty(); }
  /// As of Stack::sockets_from(), of these sockets alone.
  Slice sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  Result<SocketInfo, Error> describe(Handle socket) const noexcept;
  std::uint32_t sockets() const noexcept { return sockets_.size(); }

 private:
  struct Socket {
    explicit Socket(const IcmpOptions& its_options) noexcept : options{its_options} {}

    IcmpOptions options;
    DatagramQueue<P> receive;
    std::uint32_t next_event = IndexFifo::kOutside;
    DatagramPath way;
  };

  auto event_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return sockets_.at(i).next_event; };
  }
  std::uint64_t hash(IpFamily family, std::uint16_t identifier) const noexcept {
    const Secret& key = net_.secrets().hash;
    const auto version = static_cast<std::uint64_t>(family);
    return mix(key.k0 ^ version << 16 ^ identifier, key.k1);
  }
  std::uint32_t find(IpFamily family, std::uint16_t identifier) const noexcept;
  /// Do replies to this identifier come to this worker?
  bool is_own(std::uint16_t identifier) const noexcept {
    const Sharding& sharding = net_.sharding();
    return sharding.owner_of_identifier(identifier) == sharding.index();
  }
  /// Who sent this from one of our addresses, or IndexTable::kNone.
  std::uint32_t find(const IpAddress& own, std::uint16_t identifier) const noexcept;
  std::uint16_t free_identifier(IpFamily family) noexcept;
  std::optional<Drop> keep(std::uint32_t index, Inbound<P>& in) noexcept;
  P build(const Socket& socket, const IpAddress& source, const IpAddress& remote,
          std::uint16_t sequence, Bytes payload) noexcept;
  void describe(std::uint32_t index, const Socket& socket, SocketInfo& info) const noexcept;

  Network<P>& net_;
  Slab<Socket> sockets_;
  IndexTable table_;
  IndexFifo events_;
};

// --- receiving
// ---------------------------------------------------------------------------------------

template <PacketBuffer P>
std::uint32_t IcmpSockets<P>::find(IpFamily family, std::uint16_t identifier) const noexcept {
  return table_.find(hash(family, identifier), [&](std::uint32_t i) {
    const IcmpOptions& options = sockets_.at(i).options;
    return options.identifier == identifier && options.local.family() == family;
  });
}

template <PacketBuffer P>
std::uint32_t IcmpSockets<P>::find(const IpAddress& own, std::uint16_t identifier) const noexcept {
  const std::uint32_t index = find(own.family(), identifier);
  if (index == IndexTable::kNone) return index;
  const IpAddress& bound = sockets_.at(index).options.local;
  return bound.is_unspecified() || bound == own ? index : IndexTable::kNone;
}

template <PacketBuffer P>
std::optional<Drop> IcmpSockets<P>::keep(std::uint32_t index, Inbound<P>& in) noexcept {
  Socket& socket = sockets_.at(index);
  const std::optional<Drop> lost =
      socket.receive.keep(net_, in, in.l4_len, socket.options.receive_messages);
  if (lost) {
    net_.counters().icmp_rcvbuf_errors.add();
  } else {
    events_.push_back(index, event_link());
  }
  return lost;
}

template <PacketBuffer P>
std::optional<Drop> IcmpSockets<P>::reply(Inbound<P>& in, std::uint16_t identifier) noexcept {
  const std::uint32_t index = in.to_group() || in.source.is_unspecified()
                                  ? IndexTable::kNone
                                  : find(in.destination, identifier);
  if (index == IndexTable::kNone) return Drop::kIcmpNobodyAsked;
  const std::optional<Drop> lost = keep(index, in);
  if (!lost) net_.counters().icmp_in_echo_reps.add();
  return lost;
}

template <PacketBuffer P>
std::optional<Drop> IcmpSockets<P>::error(Inbound<P>& in, const icmp::Quote& quote) noexcept {
  const std::uint32_t index = find(quote.source.address, quote.identifier);
  if (index == IndexTable::kNone) return Drop::kIcmpErrorUnmatched;
  return keep(index, in);
}

/// The socket is told by the error that a router would have sent, from ourselves to ourselves.
template <PacketBuffer P>
void IcmpSockets<P>::unreachable(InterfaceId interface, const P& packet,
                                 const icmp::Quote& quote) noexcept {
  const IpAddress& own = quote.source.address;
  const std::uint32_t index = find(own, quote.identifier);
  if (index == IndexTable::kNone) return;
  const std::size_t header = own.is_v4() ? Ip4Repr::header_len() : Ip6Repr::header_len();
  const std::size_t quoted = std::min(packet.size(), header + DatagramQueue<P>::kHeader);
  Inbound<P> in;
  in.packet = net_.make();
  if (!in.packet) return;
  const MutBytes out = in.packet.append(header + Icmp4View::kHeader + quoted);
  SMOL_CHECK(!out.empty());  // a full-size packet holds two headers
  const auto message_len = static_cast<std::uint16_t>(Icmp4View::kHeader + quoted);
  const MutBytes message = out.subspan(header);
  if (own.is_v4()) {
    Ip4Repr ip;
    ip.source = ip.destination = own;
    ip.protocol = IpProtocol::kIcmp;
    ip.ttl = net_.config().hop_limit;
    ip.payload_len = message_len;
    ip.emit(out);
    Icmp4ErrorRepr error;
    error.code = static_cast<std::uint8_t>(Icmp4Unreachable::kHost);
    error.emit(message);
  } else {
    Ip6Repr ip;
    ip.source = ip.destination = own;
    ip.next_header = IpProtocol::kIcmp6;
    ip.hop_limit = net_.config().hop_limit;
    ip.payload_len = message_len;
    ip.emit(out);
    Icmp6ErrorRepr error;
    error.code = static_cast<std::uint8_t>(Icmp6Unreachable::kAddress);
    error.emit(message);
  }
  packet_copy(packet, 0, message.subspan(Icmp4View::kHeader));
  in.l4 = static_cast<std::uint32_t>(header);
  in.l4_len = message_len;
  in.interface = interface;
  if (const std::optional<Drop> lost = keep(index, in)) {
    net_.drop_outgoing(interface, std::move(in.packet), *lost);
  }
}

template <PacketBuffer P>
std::optional<IcmpMessage> IcmpSockets<P>::front(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return std::nullopt;
  const std::optional<KeptDatagram> kept = socket->receive.front();
  if (!kept) return std::nullopt;
  // The first eight octets are the same for both families.
  const Result<Icmp4View> view = Icmp4View::parse(kept->message, kept->message.size());
  SMOL_CHECK(view.has_value());
  IcmpMessage out;
  out.source = out.remote = kept->source;
  out.destination = kept->destination;
  out.type = u8(kept->message, 0);
  out.code = view->code();
  out.rest = view->rest();
  out.interface = kept->interface;
  out.at = kept->at;
  out.hop_limit = kept->hop_limit;
  out.dscp = kept->dscp;
  out.payload = kept->message.subspan(Icmp4View::kHeader);
  const bool v4 = kept->destination.is_v4();
  const auto reply = v4 ? static_cast<std::uint8_t>(Icmp4Type::kEchoReply)
                        : static_cast<std::uint8_t>(Icmp6Type::kEchoReply);
  if (out.type == reply) {
    out.identifier = view->ident();
    out.sequence = view->sequence();
    return out;
  }
  const std::optional<icmp::Quote> quote = icmp::parse_quote(out.payload);
  SMOL_CHECK(quote.has_value());  // it was read before the message was kept
  out.kind = IcmpMessage::Kind::kError;
  out.error = v4 ? icmp::meaning(static_cast<Icmp4Type>(out.type), out.code).error
                 : icmp::meaning(static_cast<Icmp6Type>(out.type), out.code).error;
  out.remote = quote->destination.address;
  out.identifier = quote->identifier;
  out.sequence = quote->sequence;
  return out;
}

template <PacketBuffer P>
void IcmpSockets<P>::pop(Handle handle) noexcept {
  if (Socket* socket = sockets_.get(handle)) socket->receive.pop();
}

// --- opening and sending
// -----------------------------------------------------------------------------

/// One that no socket has; 0: all are taken.
template <PacketBuffer P>
std::uint16_t IcmpSockets<P>::free_identifier(IpFamily family) noexcept {
  constexpr std::uint32_t kCount = 0xffff;
  const std::uint32_t start = net_.rng().below(kCount);
  for (std::uint32_t tried = 0; tried < kCount; ++tried) {
    const auto identifier = static_cast<std::uint16_t>(1 + (start + tried) % kCount);
    if (is_own(identifier) && find(family, identifier) == IndexTable::kNone) return identifier;
  }
  return 0;
}

template <PacketBuffer P>
Result<SocketId, Error> IcmpSockets<P>::open(const IcmpOptions& options) noexcept {
  const IpAddress& own = options.local;
  if (options.hop_limit == 0 || options.dscp > 63 || options.receive_messages == 0) {
    return fail(Error::kInvalid);
  }
  if (!own.is_unspecified() && !net_.addresses().is_own(own)) {
    return fail(Error::kAddressNotAvailable);
  }
  IcmpOptions chosen = options;
  if (chosen.identifier == 0) {
    chosen.identifier = free_identifier(own.family());
    if (chosen.identifier == 0) return fail(Error::kAddressNotAvailable);
  } else if (!is_own(chosen.identifier)) {
    return fail(Error::kOtherWorker);
  } else if (find(own.family(), chosen.identifier) != IndexTable::kNone) {
    return fail(Error::kAddressInUse);
  }
  const Handle made = sockets_.emplace(chosen);
  if (!made) return fail(Error::kNoBuffers);
  table_.insert(hash(own.family(), chosen.identifier), made.index);
  return SocketId{SocketKind::kIcmp, made};
}

template <PacketBuffer P>
P IcmpSockets<P>::build(const Socket& socket, const IpAddress& source, const IpAddress& remote,
                        std::uint16_t sequence, Bytes payload) noexcept {
  P packet = net_.make();
  if (!packet) return {};
  const MutBytes out = packet.append(Icmp4View::kHeader + payload.size());
  if (out.empty()) {
    net_.drop_outgoing(socket.way.path.interface, std::move(packet), Drop::kTxNoBuffer);
    return {};
  }
  const std::uint16_t identifier = socket.options.identifier;
  InternetSum sum;
  if (remote.is_v4()) {
    Icmp4EchoRepr{false, identifier, sequence}.emit(out);
  } else {
    Icmp6EchoRepr{false, identifier, sequence}.emit(out);
    sum = pseudo_header_sum(source, remote, static_cast<std::uint8_t>(IpProtocol::kIcmp6),
                            static_cast<std::uint32_t>(out.size()));
  }
  copy_bytes(out.subspan(Icmp4View::kHeader), payload);
  put_be16(out, 2, sum.add(internet_sum(out)).checksum());
  packet.meta().tx = TxOffload{};
  return packet;
}

template <PacketBuffer P>
Result<void, Error> IcmpSockets<P>::send_echo(Handle handle, const IcmpSendOptions& options,
                                              std::uint16_t sequence, Bytes payload) noexcept {
  Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (options.remote.is_unspecified() || options.hop_limit == 0) return fail(Error::kInvalid);
  DatagramPath& way = socket->way;
  const Result<IpAddress, Error> source =
      way.choose(net_, socket->options.local, options.remote, options.source, options.interface);
  if (!source) return fail(source.error());
  const std::size_t headers =
      Icmp4View::kHeader + (source->is_v4() ? Ip4Repr::header_len() : Ip6Repr::header_len());
  if (payload.size() + headers > net_.interface(way.path.interface).mtu) {
    return fail(Error::kMessageTooLong);
  }
  if (net_.out_of_memory()) return fail(Error::kNoBuffers);
  P packet = build(*socket, *source, options.remote, sequence, payload);
  if (!packet) return fail(Error::kNoBuffers);
  net_.counters().icmp_out_echos.add();
  IpHeader ip;
  ip.source = *source;
  ip.destination = options.remote;
  ip.protocol = source->is_v4() ? IpProtocol::kIcmp : IpProtocol::kIcmp6;
  ip.hop_limit = options.hop_limit.value_or(socket->options.hop_limit);
  ip.dscp = socket->options.dscp;
  net_.send(std::move(packet), ip, way.path);
  return {};
}

template <PacketBuffer P>
void IcmpSockets<P>::close(Handle handle) noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return;
  table_.erase(hash(socket->options.local.family(), socket->options.identifier), handle.index);
  events_.remove(handle.index, event_link());
  sockets_.erase(handle.index);
}

// --- questions
// ---------------------------------------------------------------------------------------

template <PacketBuffer P>
void IcmpSockets<P>::set_user_data(Handle handle, std::uint64_t user_data) noexcept {
  if (Socket* socket = sockets_.get(handle)) socket->options.user_data = user_data;
}

template <PacketBuffer P>
Result<IpEndpoint, Error> IcmpSockets<P>::local(Handle handle) const noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  return IpEndpoint{socket->options.local, socket->options.identifier};
}

template <PacketBuffer P>
std::size_t IcmpSockets<P>::take_events(std::span<SocketEvent> out) noexcept {
  std::size_t n = 0;
  while (n < out.size() && !events_.empty()) {
    const std::uint32_t index = events_.pop_front(event_link());
    const IcmpOptions& options = sockets_.at(index).options;
    out[n++] = {SocketId{SocketKind::kIcmp, sockets_.handle_of(index)}, SocketEvents::kReadable,
                options.owner, options.user_data};
  }
  return n;
}

template <PacketBuffer P>
void IcmpSockets<P>::describe(std::uint32_t index, const Socket& socket,
                              SocketInfo& info) const noexcept {
  info = message_socket_info({SocketKind::kIcmp, sockets_.handle_of(index)}, socket);
  info.local = {socket.options.local, socket.options.identifier};
}

template <PacketBuffer P>
Slice IcmpSockets<P>::sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  return slice_of(sockets_, from, out,
                  [this](std::uint32_t index, const Socket& socket, SocketInfo& info) {
                    describe(index, socket, info);
                    return true;
                  });
}

template <PacketBuffer P>
Result<SocketInfo, Error> IcmpSockets<P>::describe(Handle handle) const noexcept {
  const Socket* socket = sockets_.get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  SocketInfo info;
  describe(handle.index, *socket, info);
  return info;
}

}  // namespace smol
