// What a stack tells of itself, in slices: a listing of a million sockets is many short calls, none
// of which stalls a turn. What stays while a listing goes on is in it exactly once, but for a
// connection that enters TIME-WAIT meanwhile and may be in it as both; what comes or goes meanwhile
// may or may not be. Nothing of a stack is lent: all are values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocols/base/address.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/static_vector.hh"
#include "protocols/base/time.hh"
#include "protocols/iface/config.hh"
#include "protocols/iface/neighbor.hh"
#include "protocols/stack/config.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/tcp/state.hh"

namespace smol {

/// Where a listing goes on. A new one begins at the beginning; done(): nothing is left.
struct Cursor {
  std::uint64_t at = 0;

  static constexpr Cursor end() noexcept { return {~std::uint64_t{0}}; }
  constexpr bool done() const noexcept { return *this == end(); }
  constexpr bool operator==(const Cursor&) const noexcept = default;
};

/// What one call of a listing gave: the first `count` entries are filled in, and the next call goes
/// on at `next`. It may be empty and not the last: a call looks at a bounded number of places.
struct Slice {
  std::size_t count = 0;
  Cursor next;
};

/// An interface's name, up to 15 characters.
struct InterfaceName {
  std::array<char, 16> characters{};  ///< ends with a zero

  std::string_view view() const noexcept { return {characters.data()}; }
};

/// An interface and its addresses, in the order in which they were added.
struct InterfaceInfo {
  InterfaceId id = 0;
  InterfaceName name;
  MacAddress mac;
  std::uint16_t mtu = 0;
  StaticVector<IpPrefix, 32> addresses;
  PortOffloads offloads;
};

/// A neighbour as ip-neighbour(8) shows it.
struct NeighborInfo {
  InterfaceId interface = 0;
  IpAddress address;
  std::optional<MacAddress> mac;  ///< none while it has not answered
  NeighborState state = NeighborState::kIncomplete;
  bool is_router = false;
  std::uint8_t waiting = 0;  ///< packets that wait for its answer
};

/// Asks which way a packet would go.
struct RouteQuery {
  IpAddress destination;
  std::optional<IpAddress> source;       ///< one of ours, if it must be
  std::optional<InterfaceId> interface;  ///< wanted for a link-local or group destination
};

/// The way a packet goes, as `ip route get` shows it.
struct RouteAnswer {
  std::optional<Route> route;  ///< none: the destination is link-local or a group, on its interface
  InterfaceId interface = 0;
  IpAddress next_hop;
  IpAddress source;
  std::uint16_t mtu = 0;                ///< octets of the longest packet that gets there
  std::optional<Duration> mtu_expires;  ///< a router said so, and is believed that much longer
};

/// What routers told of the path to a destination.
struct PathMtuInfo {
  IpAddress destination;
  InterfaceId scope = 0;  ///< the interface of a link-local destination; 0 of all others
  std::uint16_t mtu = 0;
  Duration expires{0};  ///< it is believed that much longer
};

/// A socket, or what is left of one, as ss(8) shows it.
struct SocketInfo {
  /// Names it for Stack::connection_info() and Stack::destroy(), and for all calls of Sockets if
  /// `owned`. Of kind kNone for a connection in TIME-WAIT, which is a mere record.
  SocketId id;
  SocketKind kind = SocketKind::kNone;
  tcp::State state = tcp::State::kClosed;  ///< of TCP
  IpEndpoint local;                        ///< the port of an ICMP socket is its identifier
  std::optional<IpEndpoint> remote;        ///< of connections, and of connected UDP sockets
  std::optional<InterfaceId> interface;  ///< on which alone it speaks: its addresses are link-local
  std::uint32_t receive_queue = 0;  ///< octets unread; of a listener: connections to be accepted
  std::uint32_t send_queue = 0;     ///< octets not acknowledged; of a listener: its backlog
  std::uint32_t messages = 0;       ///< datagrams unread, of UDP and ICMP
  std::uint32_t half_open = 0;      ///< connections in SYN-RECEIVED, of a listener
  std::uint32_t syn_backlog = 0;    ///< the most of them
  std::uint64_t dropped = 0;        ///< datagrams lost to a full receive queue
  std::optional<Duration> expires;  ///< until TIME-WAIT ends
  bool owned =
      false;  ///< an application holds it; else it ends in the background, or waits to be accepted
  std::uint16_t owner = 0;
  std::uint64_t user_data = 0;
};

/// Places of a table that one call of a listing looks at, at most.
inline constexpr std::uint32_t kPlacesASlice = 512;

/// The slice of a table that begins at `from`. `fill(index, entry, out)` writes an entry, or says
/// no. An object keeps its place for as long as it lives, which is why none is skipped.
template <class T, class Out, class Fill>
Slice slice_of(const Slab<T>& table, Cursor from, std::span<Out> out, Fill&& fill) noexcept {
  Slice slice;
  const std::uint64_t end = std::min<std::uint64_t>(table.touched(), from.at + kPlacesASlice);
  std::uint64_t at = from.at;
  for (; at < end && slice.count < out.size(); ++at) {
    const auto index = static_cast<std::uint32_t>(at);
    if (table.live(index) && fill(index, table.at(index), out[slice.count])) ++slice.count;
  }
  slice.next = at >= table.touched() ? Cursor::end() : Cursor{at};
  return slice;
}

}  // namespace smol
