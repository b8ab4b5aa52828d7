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

/// A route: where packets to `destination` go.
struct Route {
  IpPrefix destination;
  std::optional<IpAddress> gateway;  ///< none: on-link
  InterfaceId interface = 0;
  std::uint32_t metric = 0;  ///< of equal prefixes the lowest wins

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
