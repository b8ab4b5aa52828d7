#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/address.hh"
#include "protocols/base/time.hh"

namespace smol {

/// An interface's place in its stack, from 0.
using InterfaceId = std::uint16_t;

/// ARP and neighbour discovery (RFC 1122 section 2.3.2, RFC 4861 section 10).
struct NeighborConfig {
  Duration reachable_time = seconds(30);  ///< mean; drawn from 0.5 to 1.5 of it
  Duration delay_first_probe = seconds(5);
  Duration retrans_timer = seconds(1);  ///< at most one solicitation a neighbour in this time
  std::uint8_t max_multicast_solicit = 3;
  std::uint8_t max_unicast_solicit = 3;
  std::uint8_t pending_packets = 16;  ///< that wait for one neighbour
  Duration failed_hold = seconds(3);  ///< a neighbour that failed is not asked again before
};

/// Path MTU discovery (RFC 1191, RFC 8201).
struct PathMtuConfig {
  /// What a router told is believed this long; then the path is tried at its link's MTU again. At
  /// least 5 minutes (RFC 1191 section 6.3, RFC 8201 section 4).
  Duration lifetime = seconds(600);
  /// IPv4 packets are cut no smaller because of ICMP: less costs more packets than it saves, and is
  /// what an attacker asks for. Where even this is too long, routers may fragment. 68..1500
  std::uint16_t least4 = 552;
};

/// A route: where packets to `destination` go.
struct Route {
  IpPrefix destination;
  std::optional<IpAddress> gateway;  ///< none: on-link
  InterfaceId interface = 0;
  std::uint32_t metric = 0;  ///< of equal prefixes the lowest wins
  /// Packets are no longer than so many octets, whatever the link carries. 0: the link says
  std::uint16_t mtu = 0;

  /// The same way: there are no two routes of which this is true.
  constexpr bool same_way(const Route& other) const noexcept {
    return destination == other.destination && gateway == other.gateway &&
           interface == other.interface && metric == other.metric;
  }
  constexpr bool operator==(const Route&) const noexcept = default;
};

/// Which route to delete, as `ip route del` tells it: the destination, and of the rest what is
/// given. Of several that match, the one of the lowest metric, and of those the one added first.
struct RouteMatch {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  std::optional<InterfaceId> interface;
  std::optional<std::uint32_t> metric;
};

}  // namespace smol
