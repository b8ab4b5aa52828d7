#include "apps/hello.hh"

#include <array>

namespace smol::apps {
namespace {

constexpr std::array<std::uint8_t, 6> kHello = {'h', 'e', 'l', 'l', 'o', '\n'};

/// How long a greeted peer may take to close its side.
constexpr Duration kLinger = seconds(1);

}  // namespace

std::string Hello::start(Sockets& sockets, std::uint16_t owner) {
  if (std::string refusal = listeners_.open_udp(sockets, config_.udp_port, owner);
      !refusal.empty()) {
    return refusal;
  }
  return listeners_.open_tcp(sockets, config_.tcp_port, owner, sockets.tcp_defaults());
}

void Hello::on_events(Sockets& sockets, std::span<const SocketEvent> events) {
  for (const SocketEvent& event : events) {
    switch (event.socket.kind) {
      case SocketKind::kUdp:
        answer_datagrams(sockets, event.socket);
        break;
      case SocketKind::kTcpListener:
        greet_connections(sockets, event.socket);
        break;
      case SocketKind::kTcp:
        await_end(sockets, event.socket, event.events);
        break;
      case SocketKind::kIcmp:
      case SocketKind::kTcpHalfOpen:
      case SocketKind::kNone:
        break;
    }
  }
}

void Hello::drain(Sockets& sockets) {
  listeners_.close(sockets);
}

void Hello::answer_datagrams(Sockets& sockets, SocketId socket) {
  while (const std::optional<Datagram> datagram = sockets.udp_front(socket)) {
    UdpSendOptions options;
    options.remote = datagram->source;
    const IpAddress& ours = datagram->destination.address;
    if (!ours.is_multicast() && !ours.is_limited_broadcast()) options.source = ours;
    if (datagram->source.address.is_link_local()) options.interface = datagram->interface;
    sockets.udp_pop(socket);
    // Two such services would answer each other without end, once started by a forged source; and
    // nobody can be answered on port 0.
    if (options.remote.port == config_.udp_port || options.remote.port == 0) continue;
    Result<void, Error> sent = sockets.udp_send(socket, options, kHello);
    if (!sent && sent.error() == Error::kAddressNotAvailable && options.source) {
      options.source.reset();  // a directed broadcast address is no source: let the route choose
      sent = sockets.udp_send(socket, options, kHello);
    }
    if (!sent && log_.wants(dataplane::LogLevel::kDebug)) {
      Text<160> text;
      text.put("no answer to ");
      options.remote.print(text);
      text.put(": ").put(sentence(sent.error()));
      log_.write(dataplane::LogLevel::kDebug, "hello", text.view());
    }
  }
}

void Hello::greet_connections(Sockets& sockets, SocketId listener) {
  while (const Result<SocketId, Error> socket = sockets.tcp_accept(listener)) {
    greet(sockets, *socket);
  }
}

/// The greeting fits into any send buffer. The socket is not closed yet: data that the peer sends
/// would turn the FIN into a RST, which may overtake the greeting at the peer.
void Hello::greet(Sockets& sockets, SocketId socket) {
  const Result<std::size_t, Error> written = sockets.write(socket, kHello);
  if (!written || *written < kHello.size() || !sockets.shutdown_write(socket)) {
    sockets.abort(socket);
    return;
  }
  sockets.set_deadline(socket, sockets.now() + kLinger);
}

void Hello::await_end(Sockets& sockets, SocketId socket, std::uint16_t events) {
  constexpr std::uint16_t kOver = SocketEvents::kClosed | SocketEvents::kDeadline;
  discard_unread(sockets, socket);
  if ((events & kOver) != 0 || sockets.at_end(socket)) sockets.close(socket);
}

}  // namespace smol::apps
