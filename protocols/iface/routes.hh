#pragma once

#include <cstdint>
#include <memory_resource>

#include "protocols/base/address.hh"
#include "protocols/base/error.hh"
#include "protocols/base/result.hh"
#include "protocols/base/slab.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// Routes, found by longest prefix: a path-compressed binary trie over the 128 bits of a mapped
/// address, so one table serves both families. A look-up costs O(length of the path), at most 129
/// steps, whatever the number of routes.
class RouteTable {
 public:
  RouteTable(std::uint32_t capacity, std::pmr::memory_resource& memory);

  /// Host bits of the destination are cleared. Errors: kInvalid (gateway of the other family, or
  /// one that no host can be; an MTU that no link has), kExists (same prefix, gateway, interface
  /// and metric), kNoBuffers.
  Result<void, Error> add(const Route& route) noexcept;
  /// Removes the route that goes this way, whatever its MTU. Error: kNotFound.
  Result<void, Error> remove(const Route& route) noexcept;
  /// Removes the first route that matches, and returns it. Error: kNotFound.
  Result<Route, Error> remove_first(const RouteMatch& match) noexcept;
  /// The route takes the place of the first one of its destination and metric; if there is none, it
  /// is added. Either way, of its destination and metric it is the one in use. Errors: kInvalid,
  /// kNoBuffers; then nothing has changed.
  Result<void, Error> replace(const Route& route) noexcept;
  /// The longest match; of equal prefixes the lowest metric, then the one added first. Null: none.
  const Route* lookup(const IpAddress& destination) const noexcept;
  std::uint32_t size() const noexcept { return routes_.size(); }
  /// Calls use(table) with the table of routes: each has a `route`, and keeps its place as long as
  /// it lives.
  template <class Use>
  auto in_places(Use&& use) const {
    return use(routes_);
  }
  /// Every route, in no order. O(size).
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < routes_.touched(); ++i) {
      if (routes_.live(i)) visit(routes_.at(i).route);
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  struct Entry {
    Route route;
    std::uint32_t next;  ///< of the same prefix, by metric
  };
  struct Node {
    IpAddress key;
    std::uint8_t bits;  ///< of key that count, 0..128
    std::uint32_t child[2];
    std::uint32_t first;  ///< Entry, or kNone for a mere fork
  };

  static bool valid(const Route& route) noexcept;
  Route take_out(std::uint32_t* link) noexcept;
  static bool bit(const IpAddress& address, unsigned at) noexcept;
  std::uint32_t make_node(const IpAddress& key, unsigned bits) noexcept;
  std::uint32_t* find_link(const IpAddress& key, unsigned bits) noexcept;
  std::uint32_t place(const IpAddress& key, unsigned bits) noexcept;
  void prune(const IpAddress& key, unsigned bits) noexcept;

  Slab<Entry> routes_;
  Slab<Node> nodes_;
  std::uint32_t root_ = kNone;
};

}  // namespace smol
