#include "dataplane/socket_number.hh"

namespace smol::dataplane {

std::uint64_t socket_number(const WorkerSocket& socket) noexcept {
  static_assert(Handle::kGenerationBits == 28);
  const SocketId id = socket.id;
  return static_cast<std::uint64_t>(id.kind) << 60 | std::uint64_t{socket.worker & 0xff} << 52 |
         std::uint64_t{id.handle.index & 0xff'ffff} << 28 | id.handle.generation;
}

std::optional<WorkerSocket> socket_of(std::uint64_t number) noexcept {
  const auto kind = static_cast<std::uint8_t>(number >> 60);
  if (kind == 0 || kind > static_cast<std::uint8_t>(SocketKind::kTcpHalfOpen)) return std::nullopt;
  WorkerSocket out;
  out.worker = static_cast<unsigned>(number >> 52 & 0xff);
  out.id.kind = static_cast<SocketKind>(kind);
  out.id.handle.index = static_cast<std::uint32_t>(number >> 28 & 0xff'ffff);
  out.id.handle.generation = static_cast<std::uint32_t>(number & 0xfff'ffff);
  return out;
}

}  // namespace smol::dataplane
