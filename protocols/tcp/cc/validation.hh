#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// Congestion window validation (RFC 7661): how much of cwnd the sender has shown of late that the
/// path can carry. pipeACK is the most that was acknowledged in one of the round trips of the last
/// sampling period. While it is below half of cwnd, cwnd is not validated: it is kept for five
/// minutes, and a loss is answered from what was in use.
class Validation {
 public:
  /// Every ACK outside of recovery. `initial_window`: the least that ageing leaves.
  void on_ack(const AckSample& ack, bool round_ended, std::uint32_t initial_window,
              Window& window) noexcept;
  /// The octets that a cut starts from: `flight`, or what pipeACK shows if cwnd is not validated
  /// (section 4.4.1). Begins to count what is lost.
  std::uint32_t flight_at_congestion(std::uint32_t cwnd, std::uint32_t flight) noexcept;
  /// Lost in this episode.
  void on_loss(std::uint32_t octets) noexcept { sample_ += std::min(octets, kMaxWindow - sample_); }
  /// The episode is over, and pipeACK undefined until measured again (section 4.2). What the window
  /// is still to shrink by: half of what had to be sent again, if it was not validated.
  std::uint32_t excess_after_recovery() noexcept;
  void restart() noexcept { *this = Validation{}; }

  /// Octets; 0: undefined, and cwnd counts as validated.
  std::uint32_t pipe_ack() const noexcept { return std::max(recent_, previous_); }
  bool validated(std::uint32_t cwnd) const noexcept {
    return pipe_ack() == 0 || pipe_ack() >= cwnd / 2;
  }

 private:
  std::uint32_t recent_ = 0;    ///< the largest sample of this period
  std::uint32_t previous_ = 0;  ///< of the one before
  std::uint32_t sample_ = 0;    ///< acknowledged in this round trip; in an episode: lost in it
  std::uint32_t period_ms_ = 0;
  std::uint32_t unvalidated_ms_ : 29 = 0;  ///< since when, in units of 4 ms
  std::uint32_t ageing_ : 1 = false;
  std::uint32_t cut_unvalidated_ : 1 = false;
  std::uint32_t part_ : 1 = false;  ///< the round under way began before an episode's end
};

}  // namespace smol::tcp::cc
