#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/base/static_vector.hh"
#include "protocols/stack/sockets.hh"

namespace smol::apps {

/// The listening sockets of one application: one an IP family, so that both are served.
class Listeners {
 public:
  /// Listens on TCP `port` of every IPv4 and every IPv6 address. `socket` is what accepted
  /// connections inherit. Returns a sentence that names what could not be opened, or an empty
  /// string.
  std::string open_tcp(Sockets& sockets, std::uint16_t port, std::uint16_t owner,
                       const tcp::SocketOptions& socket);
  /// The same for UDP.
  std::string open_udp(Sockets& sockets, std::uint16_t port, std::uint16_t owner);
  /// Closes them all; the connections that they accepted live on.
  void close(Sockets& sockets) noexcept;

 private:
  StaticVector<SocketId, 4> sockets_;
};

/// Reads and forgets what has been received so far.
void discard_unread(Sockets& sockets, SocketId socket) noexcept;

/// "192.168.69.100:40000", or why it is not known: for log lines.
class PeerText : public Text<64> {
 public:
  PeerText(const Sockets& sockets, SocketId socket) noexcept;
};

}  // namespace smol::apps
