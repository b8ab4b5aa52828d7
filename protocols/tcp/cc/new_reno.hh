#pragma once

#include <cstdint>

#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// RFC 5681 with octets counted (RFC 3465): a segment a round trip, half at a loss.
class NewReno {
 public:
  /// `acked` octets in congestion avoidance, with a window that was in use.
  void avoid(Window& window, std::uint32_t mss, std::uint32_t acked) noexcept;
  /// Counts `acked` octets towards the next segment, without a step. Returns what it takes.
  std::uint32_t count(const Window& window, std::uint32_t mss, std::uint32_t acked) noexcept;
  /// What ssthresh becomes when congestion meets `flight` octets, before its floor.
  std::uint32_t after_congestion(std::uint32_t flight) const noexcept { return flight / 2; }
  /// Avoidance begins anew: nothing acknowledged so far counts.
  void restart() noexcept { acked_ = 0; }

 private:
  std::uint32_t acked_ = 0;
};

}  // namespace smol::tcp::cc
