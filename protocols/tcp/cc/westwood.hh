#pragma once

#include <cstdint>

#include "protocols/tcp/cc/new_reno.hh"
#include "protocols/tcp/cc/rate.hh"
#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// Westwood+ (Grieco and Mascolo, ACM CCR 34(2), 2004): grows as NewReno does; at a loss the window
/// becomes what the path was measured to deliver in its shortest round trip, so that a loss by
/// chance, without a queue, costs next to nothing.
class Westwood {
 public:
  /// Every ACK, in recovery too: it measures.
  void measure(const AckSample& ack) noexcept;
  void count(const Window& window, std::uint32_t mss, std::uint32_t acked) noexcept {
    reno_.count(window, mss, acked);
  }
  void avoid(Window& window, std::uint32_t mss, std::uint32_t acked) noexcept {
    reno_.avoid(window, mss, acked);
  }
  /// Bandwidth * shortest round trip; half the flight as long as nothing was measured.
  std::uint32_t after_congestion(std::uint32_t flight) const noexcept;
  void restart() noexcept { reno_.restart(); }
  /// The smoothed estimate; zero: none yet.
  Rate bandwidth() const noexcept { return smooth_; }

 private:
  NewReno reno_;
  Rate filtered_;  ///< once
  Rate smooth_;    ///< twice
  Ticks min_rtt_;
  std::uint32_t delivered_ = 0;  ///< since since_us_
  std::uint32_t since_us_ = 0;
  bool measuring_ = false;
};

}  // namespace smol::tcp::cc
