#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/index_table.hh"
#include "protocols/base/slab.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// What a destination address is to the interface a packet came in by.
enum class AddressKind : std::uint8_t {
  kUnicast,    ///< one of the interface's own
  kBroadcast,  ///< directed or limited broadcast
  kMulticast,  ///< a group the interface is in
};

/// Which addresses a stack answers to, by interface: one keyed look-up a packet, whatever their
/// number. An address of another interface is not answered (the strong end system of RFC 1122
/// section 3.3.4.2).
class AddressTable {
 public:
  AddressTable(std::uint32_t capacity, const Secret& secret, std::pmr::memory_resource& memory);

  /// False: no room. Adding what is there counts it once more.
  bool add(InterfaceId interface, const IpAddress& address, AddressKind kind) noexcept;
  /// Takes one count back; the address goes with the last.
  void remove(InterfaceId interface, const IpAddress& address) noexcept;
  std::optional<AddressKind> find(InterfaceId interface, const IpAddress& address) const noexcept;
  /// Is it a unicast address of any of our interfaces?
  bool is_own(const IpAddress& address) const noexcept;
  /// Is it anything of ours, unicast, broadcast or group, on any interface? No such address can be
  /// a source.
  bool is_known(const IpAddress& address) const noexcept;
  bool full() const noexcept { return slab_.full(); }

 private:
  struct Entry {
    IpAddress address;
    std::uint32_t count;
    InterfaceId interface;
    AddressKind kind;
  };

  std::uint64_t hash(const IpAddress& address) const noexcept {
    return mix(address.high() ^ secret_.k0, address.low() ^ secret_.k1);
  }
  std::uint32_t index_of(InterfaceId interface, const IpAddress& address) const noexcept;

  Secret secret_;
  Slab<Entry> slab_;
  IndexTable table_;
};

inline std::uint32_t AddressTable::index_of(InterfaceId interface,
                                            const IpAddress& address) const noexcept {
  return table_.find(hash(address), [&](std::uint32_t i) {
    return slab_.at(i).address == address && slab_.at(i).interface == interface;
  });
}

inline std::optional<AddressKind> AddressTable::find(InterfaceId interface,
                                                     const IpAddress& address) const noexcept {
  const std::uint32_t index = index_of(interface, address);
  if (index == IndexTable::kNone) return std::nullopt;
  return slab_.at(index).kind;
}

inline bool AddressTable::is_known(const IpAddress& address) const noexcept {
  return table_.find(hash(address), [&](std::uint32_t i) {
    return slab_.at(i).address == address;
  }) != IndexTable::kNone;
}

/// The source for a packet to `destination` out of an interface's own addresses: for IPv4 the one
/// in the subnet of the next hop (RFC 1122 section 3.3.4.3), for IPv6 rules 1, 2, 6 and 8 of RFC
/// 6724 section 5. None: no address of that family, or none whose scope reaches. O(addresses).
std::optional<IpAddress> select_source(std::span<const IpPrefix> addresses,
                                       const IpAddress& destination,
                                       const IpAddress& next_hop) noexcept;

}  // namespace smol
