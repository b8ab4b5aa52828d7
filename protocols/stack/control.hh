#pragma once

#include <span>

#include "protocols/base/address.hh"
#include "protocols/base/error.hh"
#include "protocols/base/result.hh"
#include "protocols/iface/config.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/tcp/info.hh"

namespace smol {

/// A running stack to who configures it and asks it questions, whatever packets it is made for.
/// One thread: the worker's, between the stages of a turn.
///
/// What is refused changes nothing. Connections and sockets take up what has changed with the next
/// packet they send. What a change itself sends leaves with the next transmit().
class StackControl {
 public:
  virtual ~StackControl() = default;

  // --- configuration

  /// One more address, and its subnet's route. Errors: kNoDevice, kInvalid, kExists, kNoBuffers.
  virtual Result<void, Error> add_address(InterfaceId interface,
                                          const IpPrefix& address) noexcept = 0;
  /// The address goes, and its subnet's route unless another address is in that subnet; routes
  /// through gateways stay. Packets to it are for another host from now on. Sockets bound to it
  /// stay bound and cannot send (kAddressNotAvailable) until it comes back; connections time out
  /// unless it does. Errors: kNoDevice, kNotFound (not this address with this prefix length).
  virtual Result<void, Error> delete_address(InterfaceId interface,
                                             const IpPrefix& address) noexcept = 0;
  /// Errors: kNoDevice, kInvalid (gateway of the other family, no host's or our own), kExists,
  /// kNoBuffers.
  virtual Result<void, Error> add_route(const Route& route) noexcept = 0;
  /// Takes the place of the first route of the same destination and metric, or is added where there
  /// is none; as `ip route replace`. Errors: as of add_route(), without kExists.
  virtual Result<void, Error> replace_route(const Route& route) noexcept = 0;
  /// Returns the route that is gone. Error: kNotFound.
  virtual Result<Route, Error> delete_route(const RouteMatch& match) noexcept = 0;
  /// A neighbour that is never asked, never forgotten, and believed over what the wire says
  /// (NUD_PERMANENT). Errors: kNoDevice, kInvalid (the address is a group's or our own, the MAC is
  /// zero or a group's), kExists (there is an entry, learned or not), kNoBuffers.
  virtual Result<void, Error> add_neighbor(InterfaceId interface, const IpAddress& address,
                                           const MacAddress& mac) noexcept = 0;
  /// As add_neighbor(); an entry that is there becomes this one.
  virtual Result<void, Error> replace_neighbor(InterfaceId interface, const IpAddress& address,
                                               const MacAddress& mac) noexcept = 0;
  /// Any entry. Packets that wait for it are dropped (kNeighborFailed), and their senders told.
  /// Errors: kNoDevice, kNotFound.
  virtual Result<void, Error> delete_neighbor(InterfaceId interface,
                                              const IpAddress& address) noexcept = 0;
  /// Deletes the learned entries of an interface, a bounded number a call; permanent ones stay.
  /// Call it again from `next` until that is done(). `count`: how many went.
  virtual Slice flush_neighbors(InterfaceId interface, Cursor from) noexcept = 0;
  /// Ends any socket, owned or not, for an operator: a connection is reset, and its owner, who
  /// keeps the id until it closes it, is told (kClosed, kConnectionReset); of other kinds the id is
  /// gone. Errors: kBadHandle, kNotConnected (over already).
  virtual Result<void, Error> destroy(SocketId socket) noexcept = 0;

  // --- listings: each call fills in a slice (listing.hh), at a bounded cost whatever the size of
  // the tables. Precondition: `out` is not empty.

  virtual Slice interfaces_from(Cursor from, std::span<InterfaceInfo> out) const noexcept = 0;
  virtual Slice routes_from(Cursor from, std::span<Route> out) const noexcept = 0;
  virtual Slice neighbors_from(Cursor from, std::span<NeighborInfo> out) const noexcept = 0;
  /// Paths narrower than their link, as routers told.
  virtual Slice path_mtus_from(Cursor from, std::span<PathMtuInfo> out) const noexcept = 0;
  /// Listeners, connections, what is in TIME-WAIT, UDP and ICMP sockets, in this order.
  virtual Slice sockets_from(Cursor from, std::span<SocketInfo> out) const noexcept = 0;

  // --- questions

  /// Any that sockets_from() lists with an id, owned or not. Error: kBadHandle.
  virtual Result<SocketInfo, Error> socket_info(SocketId socket) const noexcept = 0;
  /// As Sockets::tcp_info(), also of a connection that nobody owns. Error: kBadHandle.
  virtual Result<tcp::Info, Error> connection_info(SocketId socket) const noexcept = 0;
  /// Which way a packet would go. Errors: kNetworkUnreachable (also for an address of our own),
  /// kAddressNotAvailable, kNoDevice, kInvalid (unspecified; a source of the other family; a
  /// link-local or group destination, no interface, and more than one to choose from).
  virtual Result<RouteAnswer, Error> find_route(const RouteQuery& query) const noexcept = 0;
};

}  // namespace smol
