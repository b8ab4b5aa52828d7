#pragma once

#include <cstdint>

#include "protocols/tcp/cc/congestion_info.hh"
#include "protocols/tcp/cc/congestion_signal.hh"
#include "protocols/tcp/cc/cubic.hh"
#include "protocols/tcp/cc/dctcp.hh"
#include "protocols/tcp/cc/new_reno.hh"
#include "protocols/tcp/cc/validation.hh"
#include "protocols/tcp/cc/westwood.hh"
#include "protocols/tcp/cc/window.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp::cc {

/// What NewReno, Westwood+ and CUBIC share: slow start, the cuts, their undoing, validation of the
/// window, and the answer to ECN. They differ in congestion avoidance and in how deep a cut is.
class LossBased {
 public:
  /// Precondition: `kind` is one of the three.
  LossBased(CongestionControl kind, bool dctcp) noexcept;

  void begin(std::uint32_t mss, std::uint32_t initial_segments, bool syn_lost,
             Window& window) noexcept;
  void on_idle(Instant now, std::uint32_t mss, std::uint32_t initial_segments,
               Window& window) noexcept;
  void on_ack(const AckSample& ack, Window& window) noexcept;
  void on_congestion(std::uint32_t mss, std::uint32_t flight, CongestionSignal signal,
                     Window& window) noexcept;
  void on_recovery_end(std::uint32_t mss, Window& window) noexcept;
  void on_timeout(std::uint32_t mss, std::uint32_t flight, bool first, Window& window) noexcept;
  void undo(Window& window) noexcept;

  /// Fills in what it knows; leaves the phase empty unless it is a special one.
  void describe(CongestionInfo& out) const noexcept;

 private:
  union Control {
    Control() noexcept : reno{} {}
    NewReno reno;
    Westwood westwood;
    Cubic cubic;
  };

  std::uint32_t slow_start_octets(const AckSample& ack) const noexcept;
  void slow_start(const AckSample& ack, bool round_ended, Window& window) noexcept;
  void avoid(const AckSample& ack, Window& window) noexcept;
  void count_towards_avoidance(const AckSample& ack, const Window& window) noexcept;
  std::uint32_t after_congestion(std::uint32_t flight) const noexcept;
  void restart_avoidance() noexcept;

  CongestionControl kind_;
  bool uses_dctcp_;
  std::uint16_t initial_segments_ = 0;
  Window undo_{0, 0};  ///< cwnd 0: nothing to undo
  Rounds rounds_;
  std::uint32_t rto_left_ = 0;  ///< of what was in flight at a timeout, not acknowledged yet
  Validation validation_;
  Dctcp dctcp_;
  Control control_;
};

}  // namespace smol::tcp::cc
