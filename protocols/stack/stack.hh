#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "protocols/base/counter.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/config.hh"
#include "protocols/stack/control.hh"
#include "protocols/stack/driver.hh"
#include "protocols/stack/icmp_transport.hh"
#include "protocols/stack/inbound.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/network.hh"
#include "protocols/stack/resolution.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/stack/tcp_transport.hh"
#include "protocols/stack/udp_transport.hh"

namespace smol {

/// A complete TCP/IP stack over packets of kind P: frames and time in; frames, events and the next
/// deadline out. It reads no clock, starts no thread, draws no chance and, once it stands, asks for
/// no memory; same input, same output. One thread.
///
/// The turn, in this order: receive() for what came in, expire(), events() and the calls of Sockets
/// that answer them, transmit(); then sleep until next_deadline() at the latest. What applications
/// write in answer to an event leaves on the acknowledgement of what they read.
///
/// Include stack_impl.hh in one source file to instantiate it for another P; MemPacket is in the
/// library.
template <PacketBuffer P>
class Stack final : public Sockets, public StackControl {
 public:
  /// What a stack is given to live with. All of it outlives the stack.
  struct Environment {
    typename P::Pool& pool;
    std::pmr::memory_resource& memory;  ///< asked by the constructor only
    PacketSink<P>& sink;
    DropCounters& drops;
    /// Among how many workers flows are shared out, and which of them this is.
    Sharding sharding{};
    Colleagues* colleagues = nullptr;  ///< where there is more than one
  };

  Stack(const StackConfig& config, const StackSecrets& secrets, const Environment& environment,
        Instant start);

  // --- configuration, between turns; at run time it is StackControl's
  // --------------------------------------------------------------------

  /// Interfaces get the ids 0, 1, 2, … in order. The subnet of each address becomes a route.
  /// Errors: kInvalid (empty or long name, group MAC, MTU below 68, or below 1280 with an IPv6
  /// address, an address that no host may have), kExists, kNoBuffers (limits). What is refused
  /// leaves nothing behind.
  Result<InterfaceId, Error> add_interface(const InterfaceConfig& config) noexcept {
    return net_.add_interface(config);
  }
  /// Null: nobody looks, and it costs nothing.
  void set_drop_observer(DropObserver<P>* observer) noexcept { net_.set_drop_observer(observer); }
  /// Null: nobody looks, and it costs a branch a segment. May change between turns.
  void set_segment_observer(SegmentObserver<P>* observer) noexcept {
    tcp_.set_segment_observer(observer);
  }

  // --- the turn
  // ----------------------------------------------------------------------------------------

  /// Takes every frame of the burst, Ethernet header first, and leaves empty handles.
  void receive(Instant now, InterfaceId interface, std::span<P> burst) noexcept;
  /// Runs timers that are due, at most `bound`. Returns how many it ran.
  std::size_t expire(Instant now, std::size_t bound) noexcept;
  /// What changed on the sockets since the last call, as much as fits; empty: nothing. Valid until
  /// the next call of a turn. Call it until it is empty, or once a turn.
  std::span<const SocketEvent> events() noexcept;
  /// Sends what the connections have to send, at most `max_segments`, and hands all packets to the
  /// sink.
  void transmit(Instant now, std::size_t max_segments) noexcept;
  /// When the stack wants its next turn if nothing comes in: now or earlier if work is left, kNever
  /// if nothing is timed.
  Instant next_deadline() const noexcept;

  // --- from other workers, within a turn

  /// What the home worker of an interface heard of a neighbour.
  void take_news(const NeighborNews& news) noexcept { net_.take_news(news); }
  /// Another worker needs a neighbour on an interface of which this is the home worker.
  void answer(const NeighborQuestion& question) noexcept { net_.answer(question); }

  // --- observation
  // -------------------------------------------------------------------------------------

  const StackCounters& counters() const noexcept { return net_.counters(); }
  const Network<P>& network() const noexcept { return net_; }
  const TcpTransport<P>& tcp() const noexcept { return tcp_; }
  const UdpTransport<P>& udp() const noexcept { return udp_; }

  // --- StackControl
  // ----------------------------------------------------------------------------------------

  Result<void, Error> add_address(InterfaceId interface,
                                  const IpPrefix& address) noexcept override {
    return net_.add_address(interface, address);
  }
  Result<void, Error> delete_address(InterfaceId interface,
                                     const IpPrefix& address) noexcept override {
    return net_.delete_address(interface, address);
  }
  Result<void, Error> add_route(const Route& route) noexcept override {
    return net_.add_route(route);
  }
  Result<void, Error> replace_route(const Route& route) noexcept override {
    return net_.replace_route(route);
  }
  Result<Route, Error> delete_route(const RouteMatch& match) noexcept override {
    return net_.delete_route(match);
  }
  Result<void, Error> add_neighbor(InterfaceId interface, const IpAddress& address,
                                   const MacAddress& mac) noexcept override {
    return net_.add_neighbor(interface, address, mac);
  }
  Result<void, Error> replace_neighbor(InterfaceId interface, const IpAddress& address,
                                       const MacAddress& mac) noexcept override {
    return net_.replace_neighbor(interface, address, mac);
  }
  Result<void, Error> delete_neighbor(InterfaceId interface,
                                      const IpAddress& address) noexcept override {
    return net_.delete_neighbor(interface, address);
  }
  Slice flush_neighbors(InterfaceId interface, Cursor from) noexcept override {
    return net_.flush_neighbors(interface, from);
  }
  Result<void, Error> destroy(SocketId socket) noexcept override;
  Slice interfaces_from(Cursor from, std::span<InterfaceInfo> out) const noexcept override {
    return net_.interfaces_from(from, out);
  }
  Slice routes_from(Cursor from, std::span<Route> out) const noexcept override {
    return net_.routes_from(from, out);
  }
  Slice neighbors_from(Cursor from, std::span<NeighborInfo> out) const noexcept override {
    return net_.neighbors_from(from, out);
  }
  Slice path_mtus_from(Cursor from, std::span<PathMtuInfo> out) const noexcept override {
    return net_.path_mtus_from(from, out);
  }
  Slice sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept override;
  Result<SocketInfo, Error> socket_info(SocketId socket) const noexcept override;
  Result<tcp::Info, Error> connection_info(SocketId socket) const noexcept override;
  Result<RouteAnswer, Error> find_route(const RouteQuery& query) const noexcept override {
    return net_.find_route(query);
  }

  // --- Sockets
  // -----------------------------------------------------------------------------------------

  Instant now() const noexcept override { return net_.now(); }
  const tcp::SocketOptions& tcp_defaults() const noexcept override {
    return net_.config().tcp.defaults;
  }
  Result<SocketId, Error> tcp_listen(const TcpListenOptions& options) noexcept override {
    return tcp_.listen(options);
  }
  Result<SocketId, Error> tcp_accept(SocketId listener) noexcept override;
  Result<SocketId, Error> tcp_connect(const TcpConnectOptions& options) noexcept override {
    return tcp_.connect(options);
  }
  Bytes readable(SocketId socket) noexcept override;
  void consume(SocketId socket, std::size_t n) noexcept override;
  std::size_t read(SocketId socket, MutBytes out) noexcept override;
  std::size_t readable_pieces(SocketId socket, std::span<Bytes> out) noexcept override;
  std::size_t peek(SocketId socket, std::size_t offset, MutBytes out) noexcept override;
  bool at_end(SocketId socket) const noexcept override;
  std::size_t unread(SocketId socket) const noexcept override;
  Result<std::size_t, Error> write(SocketId socket, Bytes data) noexcept override;
  Result<std::size_t, Error> write_urgent(SocketId socket, Bytes data) noexcept override;
  tcp::Urgent urgent(SocketId socket) const noexcept override;
  Result<std::size_t, Error> write_pieces(SocketId socket,
                                          std::span<const Bytes> pieces) noexcept override;
  /// As write(), of a whole packet, whose octets become the send queue's where they are: what a
  /// proxy passes on is not copied. Success takes `packet`; it must have nobody else who looks at
  /// it, at most a full segment of text, and room for headers in front. Errors: as of write(), and
  /// kWouldBlock (kWritable follows), kMessageTooLong (more than tcp_info().mss), kInvalid (empty,
  /// or shared), kNoBuffers (no room in front).
  Result<void, Error> write_packet(SocketId socket, P& packet) noexcept;
  std::size_t writable(SocketId socket) const noexcept override;
  MutBytes reserve(SocketId socket, std::size_t want) noexcept override;
  void commit(SocketId socket, std::size_t n) noexcept override;
  Result<void, Error> shutdown_read(SocketId socket) noexcept override;
  Result<void, Error> shutdown_write(SocketId socket) noexcept override;
  void close(SocketId socket) noexcept override;
  Result<void, Error> linger(SocketId socket) noexcept override;
  void abort(SocketId socket) noexcept override;
  Result<void, Error> set_options(SocketId socket,
                                  const tcp::SocketOptions& options) noexcept override;
  Result<tcp::Info, Error> tcp_info(SocketId socket) const noexcept override;
  Result<SocketId, Error> udp_open(const UdpOptions& options) noexcept override {
    return udp_.open(options);
  }
  std::optional<Datagram> udp_front(SocketId socket) noexcept override;
  void udp_pop(SocketId socket) noexcept override;
  Result<void, Error> udp_send(SocketId socket, const UdpSendOptions& options,
                               Bytes payload) noexcept override;
  Result<SocketId, Error> icmp_open(const IcmpOptions& options) noexcept override {
    return icmp_.sockets().open(options);
  }
  Result<void, Error> icmp_send_echo(SocketId socket, const IcmpSendOptions& options,
                                     std::uint16_t sequence, Bytes payload) noexcept override;
  std::optional<IcmpMessage> icmp_front(SocketId socket) noexcept override;
  void icmp_pop(SocketId socket) noexcept override;
  void set_user_data(SocketId socket, std::uint64_t user_data) noexcept override;
  void set_deadline(SocketId socket, Instant when) noexcept override;
  std::optional<Error> error(SocketId socket) const noexcept override;
  std::optional<Error> soft_error(SocketId socket) noexcept override;
  Result<IpEndpoint, Error> local_endpoint(SocketId socket) const noexcept override;
  Result<IpEndpoint, Error> remote_endpoint(SocketId socket) const noexcept override;

 private:
  /// Frames whose headers are read before the first of them is processed.
  static constexpr std::size_t kBurst = 32;
  static constexpr std::size_t kEvents = 256;

  void receive_some(InterfaceId interface, std::span<P> burst) noexcept;
  std::optional<Drop> read_link(InterfaceId interface, Inbound<P>& in,
                                const Inbound<P>* before) noexcept;
  std::optional<Drop> read_ip4(Inbound<P>& in, const Inbound<P>* before) noexcept;
  std::optional<Drop> read_ip6(Inbound<P>& in, const Inbound<P>* before) noexcept;
  static bool same_path(const Inbound<P>& in, const Inbound<P>* before) noexcept {
    // The family too: an IPv4 address is the same value as its mapped one, which is refused.
    return before != nullptr && before->is_v4 == in.is_v4 && before->source == in.source &&
           before->destination == in.destination && before->interface == in.interface;
  }
  std::optional<Drop> judge_path4(Inbound<P>& in) const noexcept;
  std::optional<Drop> judge_path6(Inbound<P>& in) const noexcept;
  void deliver(Inbound<P>& in) noexcept;

  Network<P> net_;
  Resolution<P> resolution_;
  TcpTransport<P> tcp_;
  UdpTransport<P> udp_;
  IcmpTransport<P> icmp_;
  std::array<Inbound<P>, kBurst> inbound_;
  std::array<SocketEvent, kEvents> events_;
};

}  // namespace smol
