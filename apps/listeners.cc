#include "apps/listeners.hh"

namespace smol::apps {
namespace {

constexpr IpFamily kFamilies[] = {IpFamily::kIp4, IpFamily::kIp6};

std::string refusal(std::string_view protocol, const IpEndpoint& local, Error error) {
  Text<128> text;
  text.put("cannot listen on ").put(protocol).put(' ');
  local.print(text);
  text.put(": ").put(sentence(error));
  return std::string{text.view()};
}

}  // namespace

std::string Listeners::open_tcp(Sockets& sockets, std::uint16_t port, std::uint16_t owner,
                                const tcp::SocketOptions& socket) {
  for (const IpFamily family : kFamilies) {
    TcpListenOptions options;
    options.local = {IpAddress::any(family), port};
    options.socket = socket;
    options.owner = owner;
    const Result<SocketId, Error> listener = sockets.tcp_listen(options);
    if (!listener) return refusal("TCP", options.local, listener.error());
    sockets_.push_back(*listener);
  }
  return {};
}

std::string Listeners::open_udp(Sockets& sockets, std::uint16_t port, std::uint16_t owner) {
  for (const IpFamily family : kFamilies) {
    UdpOptions options;
    options.local = {IpAddress::any(family), port};
    options.owner = owner;
    const Result<SocketId, Error> socket = sockets.udp_open(options);
    if (!socket) return refusal("UDP", options.local, socket.error());
    sockets_.push_back(*socket);
  }
  return {};
}

void Listeners::close(Sockets& sockets) noexcept {
  for (const SocketId socket : sockets_) sockets.close(socket);
  sockets_.clear();
}

void discard_unread(Sockets& sockets, SocketId socket) noexcept {
  for (Bytes data = sockets.readable(socket); !data.empty(); data = sockets.readable(socket)) {
    sockets.consume(socket, data.size());
  }
}

PeerText::PeerText(const Sockets& sockets, SocketId socket) noexcept {
  if (const Result<IpEndpoint, Error> peer = sockets.remote_endpoint(socket)) {
    peer->print(*this);
  } else {
    put("unknown peer");
  }
}

}  // namespace smol::apps
