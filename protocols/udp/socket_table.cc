#include "protocols/udp/socket_table.hh"

#include <memory>

namespace smol::udp {

SocketTable::SocketTable(std::uint32_t capacity, const Secret& secret,
                         std::pmr::memory_resource& memory)
    : secret_{secret},
      memory_{memory},
      capacity_{capacity},
      bindings_{
          static_cast<Binding*>(memory.allocate(sizeof(Binding) * capacity, alignof(Binding)))},
      table_{capacity, memory} {}

SocketTable::~SocketTable() {
  memory_.deallocate(bindings_, sizeof(Binding) * capacity_, alignof(Binding));
}

std::uint64_t SocketTable::hash(const IpEndpoint& local, const IpEndpoint& remote) const noexcept {
  const std::uint64_t ports = static_cast<std::uint64_t>(local.port) << 16 | remote.port;
  const std::uint64_t low =
      mix(local.address.low() ^ secret_.k1, remote.address.low() ^ secret_.k0);
  const std::uint64_t high =
      mix(local.address.high() ^ secret_.k0, remote.address.high() ^ secret_.k1);
  return mix(low ^ ports, high ^ secret_.k1);
}

void SocketTable::add(std::uint32_t index, const IpEndpoint& local,
                      const IpEndpoint& remote) noexcept {
  SMOL_CHECK(index < capacity_);
  std::construct_at(&bindings_[index], Binding{local, remote});
  table_.insert(hash(local, remote), index);
}

void SocketTable::remove(std::uint32_t index) noexcept {
  table_.erase(hash(bindings_[index].local, bindings_[index].remote), index);
}

std::uint32_t SocketTable::find_exactly(const IpEndpoint& local,
                                        const IpEndpoint& remote) const noexcept {
  return table_.find(hash(local, remote), [&](std::uint32_t i) {
    return bindings_[i].local == local && bindings_[i].remote == remote;
  });
}

std::uint32_t SocketTable::find(const IpEndpoint& local, const IpEndpoint& remote) const noexcept {
  const IpEndpoint any{IpAddress::any(local.address.family()), local.port};
  for (const IpEndpoint& from : {remote, IpEndpoint{}}) {
    for (const IpEndpoint& at : {local, any}) {
      const std::uint32_t index = find_exactly(at, from);
      if (index != kNone) return index;
    }
  }
  return kNone;
}

}  // namespace smol::udp
