#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace smol::dataplane {

/// What the kernel says of an interface.
struct TapInterface {
  unsigned index = 0;  ///< 0: there is none of that name
  bool tap = false;    ///< and not a tun, or something else altogether
  bool multi_queue = false;
  std::uint32_t attached = 0;  ///< queues that programs have open
  bool up = false;
  std::uint32_t mtu = 0;
  std::optional<uid_t> owner;    ///< who may open it without privilege
  std::uint64_t tx_dropped = 0;  ///< frames to us for which there was no room
};

/// Of the interface of this name, here. Index 0 too if the kernel does not answer.
TapInterface look_at_interface(const std::string& name);

}  // namespace smol::dataplane
