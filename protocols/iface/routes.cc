#include "protocols/iface/routes.hh"

#include <algorithm>

namespace smol {
namespace {

bool may_be_a_host(const IpAddress& address) noexcept {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() &&
         !address.is_limited_broadcast();
}

}  // namespace

RouteTable::RouteTable(std::uint32_t capacity, std::pmr::memory_resource& memory)
    // A trie over n prefixes has at most n forks beside their own nodes.
    : routes_{capacity, memory}, nodes_{2 * capacity, memory} {}

bool RouteTable::bit(const IpAddress& address, unsigned at) noexcept {
  return (address.octets()[at / 8] >> (7 - at % 8) & 1) != 0;
}

std::uint32_t RouteTable::make_node(const IpAddress& key, unsigned bits) noexcept {
  const Handle made =
      nodes_.emplace(Node{key, static_cast<std::uint8_t>(bits), {kNone, kNone}, kNone});
  SMOL_CHECK(static_cast<bool>(made));
  return made.index;
}

/// The node of exactly this prefix, made if need be.
std::uint32_t RouteTable::place(const IpAddress& key, unsigned bits) noexcept {
  std::uint32_t* link = &root_;
  while (*link != kNone) {
    Node& node = nodes_.at(*link);
    const unsigned common =
        std::min({IpPrefix::common_bits(key, node.key), bits, unsigned{node.bits}});
    if (common == node.bits) {
      if (common == bits) return *link;
      link = &node.child[bit(key, common)];
      continue;
    }
    // The paths part inside this node's prefix: a fork, or the new prefix itself, goes above it.
    const std::uint32_t below = *link;
    const std::uint32_t fork = make_node(key, common);
    nodes_.at(fork).child[bit(nodes_.at(below).key, common)] = below;
    *link = fork;
    if (common == bits) return fork;
    link = &nodes_.at(fork).child[bit(key, common)];
  }
  *link = make_node(key, bits);
  return *link;
}

bool RouteTable::valid(const Route& route) noexcept {
  const std::uint16_t least_mtu = route.destination.address().is_v4() ? 68 : 1280;
  if (route.mtu != 0 && route.mtu < least_mtu) return false;
  return !route.gateway || (route.gateway->family() == route.destination.address().family() &&
                            may_be_a_host(*route.gateway));
}

Result<void, Error> RouteTable::add(const Route& route) noexcept {
  if (!valid(route)) return fail(Error::kInvalid);
  Route stored = route;
  stored.destination = IpPrefix{route.destination.network(), route.destination.length()};
  const IpAddress& key = stored.destination.address();
  const unsigned bits = stored.destination.mapped_length();
  if (const std::uint32_t* found = find_link(key, bits)) {
    for (std::uint32_t at = nodes_.at(*found).first; at != kNone; at = routes_.at(at).next) {
      if (routes_.at(at).route.same_way(stored)) return fail(Error::kExists);
    }
  }
  if (routes_.full()) return fail(Error::kNoBuffers);
  std::uint32_t* link = &nodes_.at(place(key, bits)).first;
  while (*link != kNone && routes_.at(*link).route.metric <= stored.metric) {
    link = &routes_.at(*link).next;
  }
  *link = routes_.emplace(Entry{stored, *link}).index;
  return {};
}

Result<void, Error> RouteTable::remove(const Route& route) noexcept {
  const IpAddress key = route.destination.network();
  const unsigned bits = route.destination.mapped_length();
  std::uint32_t* found = find_link(key, bits);
  if (found == nullptr) return fail(Error::kNotFound);
  Route stored = route;
  stored.destination = IpPrefix{key, route.destination.length()};
  for (std::uint32_t* link = &nodes_.at(*found).first; *link != kNone;
       link = &routes_.at(*link).next) {
    if (!routes_.at(*link).route.same_way(stored)) continue;
    take_out(link);
    return {};
  }
  return fail(Error::kNotFound);
}

/// Removes the route that hangs there.
Route RouteTable::take_out(std::uint32_t* link) noexcept {
  const std::uint32_t gone = *link;
  const Route route = routes_.at(gone).route;
  *link = routes_.at(gone).next;
  routes_.erase(gone);
  prune(route.destination.address(), route.destination.mapped_length());
  return route;
}

Result<Route, Error> RouteTable::remove_first(const RouteMatch& match) noexcept {
  std::uint32_t* found = find_link(match.destination.network(), match.destination.mapped_length());
  if (found == nullptr) return fail(Error::kNotFound);
  for (std::uint32_t* link = &nodes_.at(*found).first; *link != kNone;
       link = &routes_.at(*link).next) {
    const Route& here = routes_.at(*link).route;
    if ((!match.gateway || here.gateway == match.gateway) &&
        (!match.interface || here.interface == *match.interface) &&
        (!match.metric || here.metric == *match.metric)) {
      return take_out(link);
    }
  }
  return fail(Error::kNotFound);
}

Result<void, Error> RouteTable::replace(const Route& route) noexcept {
  if (!valid(route)) return fail(Error::kInvalid);
  Route stored = route;
  stored.destination = IpPrefix{route.destination.network(), route.destination.length()};
  std::uint32_t* found =
      find_link(stored.destination.address(), stored.destination.mapped_length());
  if (found == nullptr) return add(stored);
  std::uint32_t first = nodes_.at(*found).first;
  while (first != kNone && routes_.at(first).route.metric < stored.metric) {
    first = routes_.at(first).next;
  }
  if (first == kNone || routes_.at(first).route.metric != stored.metric) return add(stored);
  // The same route may be there behind the one it replaces: once is enough.
  for (std::uint32_t* link = &routes_.at(first).next; *link != kNone;
       link = &routes_.at(*link).next) {
    if (!routes_.at(*link).route.same_way(stored)) continue;
    take_out(link);
    break;
  }
  routes_.at(first).route = stored;
  return {};
}

/// Where the node of exactly this prefix hangs; null if there is none.
std::uint32_t* RouteTable::find_link(const IpAddress& key, unsigned bits) noexcept {
  for (std::uint32_t* link = &root_; *link != kNone;) {
    Node& node = nodes_.at(*link);
    if (node.bits > bits || IpPrefix::common_bits(key, node.key) < node.bits) return nullptr;
    if (node.bits == bits) return link;
    link = &node.child[bit(key, node.bits)];
  }
  return nullptr;
}

/// Takes out the nodes on the way to this prefix that neither hold a route nor fork any more.
void RouteTable::prune(const IpAddress& key, unsigned bits) noexcept {
  const auto useless = [&](std::uint32_t index) {
    const Node& node = nodes_.at(index);
    return node.first == kNone && (node.child[0] == kNone || node.child[1] == kNone);
  };
  // Removing a node can make a mere fork out of its parent, which then has one child: two passes
  // reach both.
  for (int pass = 0; pass < 2; ++pass) {
    for (std::uint32_t* link = &root_; *link != kNone;) {
      Node& node = nodes_.at(*link);
      if (useless(*link)) {
        const std::uint32_t gone = *link;
        *link = node.child[0] != kNone ? node.child[0] : node.child[1];
        nodes_.erase(gone);
        continue;
      }
      if (node.bits >= bits) break;
      link = &node.child[bit(key, node.bits)];
    }
  }
}

const Route* RouteTable::lookup(const IpAddress& destination) const noexcept {
  const bool v4 = destination.is_v4();
  std::uint32_t best = kNone;
  for (std::uint32_t at = root_; at != kNone;) {
    const Node& node = nodes_.at(at);
    if (IpPrefix::common_bits(destination, node.key) < node.bits) break;
    // ::/0 covers the mapped addresses too, but an IPv6 route is none for them.
    if (node.first != kNone && routes_.at(node.first).route.destination.address().is_v4() == v4) {
      best = node.first;
    }
    if (node.bits == 128) break;
    at = node.child[bit(destination, node.bits)];
  }
  return best == kNone ? nullptr : &routes_.at(best).route;
}

}  // namespace smol
