#include "protocols/iface/addresses.hh"

#include <algorithm>

namespace smol {

AddressTable::AddressTable(std::uint32_t capacity, const Secret& secret,
                           std::pmr::memory_resource& memory)
    : secret_{secret}, slab_{capacity, memory}, table_{capacity, memory} {}

bool AddressTable::add(InterfaceId interface, const IpAddress& address, AddressKind kind) noexcept {
  if (const std::uint32_t index = index_of(interface, address); index != IndexTable::kNone) {
    ++slab_.at(index).count;
    return true;
  }
  const Handle made = slab_.emplace(Entry{address, 1, interface, kind});
  if (!made) return false;
  table_.insert(hash(address), made.index);
  return true;
}

void AddressTable::remove(InterfaceId interface, const IpAddress& address) noexcept {
  const std::uint32_t index = index_of(interface, address);
  if (index == IndexTable::kNone || --slab_.at(index).count > 0) return;
  table_.erase(hash(address), index);
  slab_.erase(index);
}

bool AddressTable::is_own(const IpAddress& address) const noexcept {
  return table_.find(hash(address), [&](std::uint32_t i) {
    return slab_.at(i).address == address && slab_.at(i).kind == AddressKind::kUnicast;
  }) != IndexTable::kNone;
}

namespace {

/// RFC 6724 section 3.1, over the values of RFC 4291 section 2.7.
unsigned scope(const IpAddress& address) noexcept {
  if (address.is_v6() && address.is_multicast()) return address.multicast_scope();
  return address.is_link_local() || address.is_loopback() ? 0x2 : 0xe;
}

/// The label column of the default policy table (RFC 6724 section 2.1).
unsigned label(const IpAddress& address) noexcept {
  const std::uint16_t first = be16(address.octets(), 0);
  if (address.is_loopback()) return 0;
  if (first == 0x2002) return 2;                                    // 6to4
  if (first == 0x2001 && be16(address.octets(), 2) == 0) return 5;  // Teredo
  if ((first & 0xfe00) == 0xfc00) return 13;                        // unique local
  if ((first & 0xffc0) == 0xfec0) return 11;                        // site local
  if (first == 0x3ffe) return 12;                                   // 6bone
  return 1;
}

/// CommonPrefixLen of RFC 6724 section 2.2: an interface identifier makes no prefix longer.
unsigned common_prefix(const IpPrefix& source, const IpAddress& destination) noexcept {
  return std::min(IpPrefix::common_bits(source.address(), destination), source.length());
}

/// True if `first` is the better source (RFC 6724 section 5).
bool better_source(const IpPrefix& first, const IpPrefix& second,
                   const IpAddress& destination) noexcept {
  const IpAddress& a = first.address();
  const IpAddress& b = second.address();
  if ((a == destination) != (b == destination)) return a == destination;  // rule 1
  const unsigned wanted = scope(destination);
  if (scope(a) != scope(b)) {  // rule 2
    return scope(a) < scope(b) ? scope(a) >= wanted : scope(b) < wanted;
  }
  const bool label_a = label(a) == label(destination);
  const bool label_b = label(b) == label(destination);
  if (label_a != label_b) return label_a;                                         // rule 6
  return common_prefix(first, destination) > common_prefix(second, destination);  // rule 8
}

}  // namespace

std::optional<IpAddress> select_source(std::span<const IpPrefix> addresses,
                                       const IpAddress& destination,
                                       const IpAddress& next_hop) noexcept {
  const IpPrefix* best = nullptr;
  for (const IpPrefix& own : addresses) {
    if (own.address().family() != destination.family()) continue;
    const bool better = best == nullptr ||
                        (destination.is_v4() ? own.contains(next_hop) && !best->contains(next_hop)
                                             : better_source(own, *best, destination));
    if (better) best = &own;
  }
  if (best == nullptr) return std::nullopt;
  const IpAddress& source = best->address();
  // A link-local source must not leave its link.
  if (source.is_v6() && scope(source) < 0xe && scope(destination) > scope(source)) {
    return std::nullopt;
  }
  return source;
}

}  // namespace smol
