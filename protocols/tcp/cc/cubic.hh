#pragma once

#include <cstdint>

#include "protocols/tcp/cc/hystart.hh"
#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// CUBIC (RFC 9438): the window follows a cubic of the time since the last cut, with its plateau
/// where that cut came, and is never behind what Reno would have.
///
/// All arithmetic is in integers: windows in octets, time in milliseconds. W_cubic is exact to a
/// few octets at a moment that is exact to a millisecond, of a curve whose time scale is seconds.
class Cubic {
 public:
  static constexpr std::uint32_t kBeta = 70;  ///< percent

  /// Slow start: HyStart++'s say to growing by `grow` octets, as long as it is the first one.
  std::uint32_t slow_start(const AckSample& ack, bool round_ended, std::uint32_t grow,
                           Window& window) noexcept;
  /// Congestion avoidance. `ack.cwnd_limited` false: time stands still.
  void avoid(const AckSample& ack, Window& window) noexcept;
  /// What ssthresh becomes when congestion meets `flight` octets, before its floor.
  std::uint32_t after_congestion(std::uint32_t flight) const noexcept {
    return percent(flight, kBeta);
  }
  /// Sections 4.6 and 4.7. Keeps what undo() needs.
  void on_congestion(std::uint32_t cwnd) noexcept;
  void on_timeout(std::uint32_t cwnd, bool first) noexcept;
  /// The window was not in use until now.
  void on_idle(Instant now) noexcept;
  /// Section 4.9.
  void undo() noexcept;

  std::uint32_t w_max() const noexcept { return curve_.w_max; }
  std::uint32_t k_ms() const noexcept { return curve_.k_ms; }
  bool conservative_slow_start() const noexcept { return hystart_.conservative(); }

  /// W_cubic(t) of section 4.2, in octets, `t_ms` after the epoch began.
  static std::uint32_t curve(std::uint32_t w_max, std::uint32_t k_ms, std::uint32_t t_ms,
                             std::uint32_t mss) noexcept;
  /// K of section 4.2: when the curve that begins at `cwnd` comes to `w_max`, in milliseconds.
  static std::uint32_t k(std::uint32_t w_max, std::uint32_t cwnd, std::uint32_t mss) noexcept;

 private:
  /// What a cut ends, and undo() brings back.
  struct Curve {
    std::uint32_t w_max = 0;  ///< 0: none yet
    std::uint32_t cwnd_prior = 0;
    std::uint32_t k_ms = 0;
    std::uint32_t epoch_ms = 0;  ///< when t was zero
    std::uint32_t w_est = 0;     ///< Reno's window; 0: no epoch has begun
  };

  void start_epoch(const AckSample& ack, const Window& window) noexcept;
  std::uint32_t estimate(const AckSample& ack, std::uint32_t cwnd) noexcept;

  HyStart hystart_;
  Curve curve_;
  Curve undo_;
  std::uint32_t last_ms_ = 0;    ///< of the last ACK
  std::uint32_t acked_ = 0;      ///< not yet turned into growth of cwnd
  std::uint32_t est_acked_ = 0;  ///< not yet turned into growth of w_est
  bool after_timeout_ = false;   ///< the next epoch is the first one after a timeout
};

}  // namespace smol::tcp::cc
