#pragma once

#include <cstdint>
#include <memory_resource>
#include <utility>

#include "protocols/base/slab.hh"
#include "protocols/stack/sockets.hh"

namespace smol::apps {

/// What every connection's state begins with. T of Connections derives from it.
struct ConnectionBase {
  SocketId socket;
  std::uint32_t index = 0;  ///< its place in Connections
};

/// The connections of one application instance, each with a T of its own, found again through the
/// user data of its socket's events. Memory for `limit` of them is reserved once and touched as it
/// is used.
template <class T>
class Connections {
 public:
  explicit Connections(std::uint32_t limit) : slab_{limit, *std::pmr::new_delete_resource()} {}

  std::uint32_t size() const noexcept { return slab_.size(); }

  /// A new T{args...} for `socket`, whose user data is set to find it; null when all are taken.
  template <class... Args>
  T* add(Sockets& sockets, SocketId socket, Args&&... args) noexcept {
    const Handle handle = slab_.emplace(std::forward<Args>(args)...);
    if (!handle) return nullptr;
    T& connection = slab_.at(handle.index);
    connection.socket = socket;
    connection.index = handle.index;
    sockets.set_user_data(socket, std::uint64_t{handle.generation} << 32 | handle.index);
    return &connection;
  }

  /// The connection that an event is for; null if it is gone: an event may outlive its socket's
  /// close within one turn.
  T* find(const SocketEvent& event) noexcept {
    return slab_.get({static_cast<std::uint32_t>(event.user_data),
                      static_cast<std::uint32_t>(event.user_data >> 32)});
  }

  void remove(T& connection) noexcept { slab_.erase(connection.index); }

  /// Calls visit(T&) for each; it may remove the one it is given. Walks all slots ever used: for
  /// shutting down, not for packets.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t i = 0; i < slab_.touched(); ++i) {
      if (slab_.live(i)) visit(slab_.at(i));
    }
  }

 private:
  Slab<T> slab_;
};

}  // namespace smol::apps
