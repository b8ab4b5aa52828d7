#pragma once

#include "dataplane/link_config.hh"

namespace smol::dataplane {

/// A direction of a bridge.
enum class Way : std::uint8_t { kAToB, kBToA };

/// A running bridge for who changes it. Thread: the worker's.
class BridgeControl {
 public:
  virtual ~BridgeControl() = default;
  /// From the next frame on. Precondition: objection(link) is empty. What waits and what is under
  /// way stays, in its order; chance goes on where it was; black-outs are counted from now.
  virtual void configure(Way way, const LinkConfig& link) noexcept = 0;
};

}  // namespace smol::dataplane
