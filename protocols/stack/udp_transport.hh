#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>

#include "protocols/base/result.hh"
#include "protocols/base/slab.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/datagram_socket.hh"
#include "protocols/stack/inbound.hh"
#include "protocols/stack/index_fifo.hh"
#include "protocols/stack/network.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/udp/socket_table.hh"

namespace smol {

/// UDP of a stack (RFC 768): sockets, and their queues of received packets.
template <PacketBuffer P>
class UdpTransport {
 public:
  UdpTransport(Network<P>& net, std::pmr::memory_resource& memory);

  /// Takes the packet, or says why not: kUdpPortUnreachable wants an ICMP error.
  std::optional<Drop> receive(Inbound<P>& in) noexcept;
  /// An ICMP error, or a neighbour that failed, concerns a datagram of ours. False: no such socket.
  bool icmp_error(const IpEndpoint& local, const IpEndpoint& remote, Error error) noexcept;

  // Semantics as in Sockets.
  Result<SocketId, Error> open(const UdpOptions& options) noexcept;
  std::optional<Datagram> front(Handle socket) noexcept;
  void pop(Handle socket) noexcept;
  Result<void, Error> send(Handle socket, const UdpSendOptions& options, Bytes payload) noexcept;
  void close(Handle socket) noexcept;
  void set_user_data(Handle socket, std::uint64_t user_data) noexcept;
  std::optional<Error> soft_error(Handle socket) noexcept;
  Result<IpEndpoint, Error> local(Handle socket) const noexcept;
  Result<IpEndpoint, Error> remote(Handle socket) const noexcept;
  std::size_t take_events(std::span<SocketEvent> out) noexcept;
  bool has_events() const noexcept { return !events_.empty(); }
  /// As of Stack::sockets_from(), of these sockets alone.
  Slice sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  Result<SocketInfo, Error> describe(Handle socket) const noexcept;
  std::uint32_t sockets() const noexcept { return sockets_.size(); }

 private:
  struct Socket {
    explicit Socket(const UdpOptions& its_options) noexcept : options{its_options} {}

    UdpOptions options;
    DatagramQueue<P> receive;
    std::uint32_t next_event = IndexFifo::kOutside;
    std::uint16_t events = 0;
    std::optional<Error> soft_error;
    DatagramPath way;
  };

  auto event_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return sockets_.at(i).next_event; };
  }
  bool take(const UdpOptions& options, const IpEndpoint& remote) noexcept;
  std::optional<Drop> check(const Inbound<P>& in, std::size_t length,
                            std::uint16_t checksum) const noexcept;
  void describe(std::uint32_t index, const Socket& socket, SocketInfo& info) const noexcept;
  void tell(std::uint32_t index, std::uint16_t events) noexcept;
  P build(const Socket& socket, const IpAddress& source, const IpEndpoint& remote,
          Bytes payload) noexcept;

  Network<P>& net_;
  Slab<Socket> sockets_;
  udp::SocketTable table_;
  IndexFifo events_;
};

}  // namespace smol
