#pragma once

#include <cstdint>
#include <optional>

#include "protocols/stack/sockets.hh"

namespace smol::dataplane {

/// A socket of a worker.
struct WorkerSocket {
  unsigned worker = 0;
  SocketId id;
};

/// Its number in the API, unique while the daemon runs: kind (4 bits), worker (8), index (24) and
/// generation (28) in one. 0 is no socket.
std::uint64_t socket_number(const WorkerSocket& socket) noexcept;
/// None: no socket can have that number.
std::optional<WorkerSocket> socket_of(std::uint64_t number) noexcept;

}  // namespace smol::dataplane
