#pragma once

#include <cstdint>
#include <memory_resource>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/index_table.hh"

namespace smol::udp {

/// Which UDP socket a datagram is for. Sockets are indices of the caller's; the most particular
/// wins: connected and bound, then bound to the address, then to the port alone (RFC 1122
/// section 4.1.3.5). At most four keyed look-ups a datagram, whatever the number of sockets.
class SocketTable {
 public:
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  SocketTable(std::uint32_t capacity, const Secret& secret, std::pmr::memory_resource& memory);
  ~SocketTable();
  SocketTable(const SocketTable&) = delete;
  SocketTable& operator=(const SocketTable&) = delete;

  /// Binds socket `index` < capacity. `local`: address unspecified for any of its family; `remote`:
  /// default value if not connected. Precondition: find_exactly() found nothing.
  void add(std::uint32_t index, const IpEndpoint& local, const IpEndpoint& remote) noexcept;
  /// Precondition: the socket is bound.
  void remove(std::uint32_t index) noexcept;
  /// The socket with exactly this binding, or kNone.
  std::uint32_t find_exactly(const IpEndpoint& local, const IpEndpoint& remote) const noexcept;
  /// The socket for a datagram from `remote` to `local`, or kNone.
  std::uint32_t find(const IpEndpoint& local, const IpEndpoint& remote) const noexcept;

 private:
  struct Binding {
    IpEndpoint local;
    IpEndpoint remote;
  };

  std::uint64_t hash(const IpEndpoint& local, const IpEndpoint& remote) const noexcept;

  Secret secret_;
  std::pmr::memory_resource& memory_;
  std::uint32_t capacity_;
  Binding* bindings_;
  IndexTable table_;
};

}  // namespace smol::udp
