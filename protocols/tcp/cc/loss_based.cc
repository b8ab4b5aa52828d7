#include "protocols/tcp/cc/loss_based.hh"

#include <algorithm>
#include <limits>
#include <memory>

#include "protocols/tcp/cc/initial_window.hh"

namespace smol::tcp::cc {
namespace {

/// L of RFC 9406 section 4.2, for senders without pacing
/// (docs/decisions/0017-congestion-control.md).
constexpr std::uint32_t kBurst = 8;

}  // namespace

LossBased::LossBased(CongestionControl kind, bool dctcp) noexcept
    : kind_{kind}, uses_dctcp_{dctcp} {
  if (kind_ == CongestionControl::kCubic) std::construct_at(&control_.cubic);
  if (kind_ == CongestionControl::kWestwood) std::construct_at(&control_.westwood);
}

void LossBased::begin(std::uint32_t mss, std::uint32_t initial_segments, bool syn_lost,
                      Window& window) noexcept {
  *this = LossBased{kind_, uses_dctcp_};
  initial_segments_ = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(initial_segments, std::numeric_limits<std::uint16_t>::max()));
  window.cwnd = syn_lost ? mss : initial_window(mss, initial_segments);
  window.ssthresh = kMaxWindow;
}

void LossBased::on_idle(Instant now, std::uint32_t mss, std::uint32_t initial_segments,
                        Window& window) noexcept {
  // RFC 5681 section 4.1. What the path could carry is remembered, so that slow start is short.
  window.ssthresh = std::max(window.ssthresh, window.cwnd / 4 * 3);
  window.cwnd = std::min(window.cwnd, initial_window(mss, initial_segments));
  validation_.restart();
  if (kind_ == CongestionControl::kCubic) control_.cubic.on_idle(now);
}

void LossBased::on_ack(const AckSample& ack, Window& window) noexcept {
  const bool round_ended = rounds_.ended_by(ack);
  if (uses_dctcp_) dctcp_.on_ack(ack, round_ended);
  if (kind_ == CongestionControl::kWestwood) control_.westwood.measure(ack);
  if (ack.in_recovery) {
    validation_.on_loss(ack.lost);
    if (ack.ends_recovery && ack.cwnd_limited) count_towards_avoidance(ack, window);
    return;
  }
  validation_.on_ack(ack, round_ended, initial_window(ack.mss, initial_segments_), window);
  if (ack.acked == 0) return;
  if (window.in_slow_start()) {
    slow_start(ack, round_ended, window);
  } else {
    avoid(ack, window);
  }
  rto_left_ -= std::min(rto_left_, ack.acked);
}

/// When recovery ends the window is ssthresh; what that ACK delivers counts towards the next
/// segment, which a later one brings.
void LossBased::count_towards_avoidance(const AckSample& ack, const Window& window) noexcept {
  if (kind_ == CongestionControl::kNewReno) control_.reno.count(window, ack.mss, ack.acked);
  if (kind_ == CongestionControl::kWestwood) control_.westwood.count(window, ack.mss, ack.acked);
}

std::uint32_t LossBased::slow_start_octets(const AckSample& ack) const noexcept {
  // RFC 3465 section 2.3: what is sent again after a timeout fills gaps, and then one ACK tells of
  // what left the network long ago.
  if (rto_left_ > 0) return std::min(ack.acked, ack.mss);
  if (ack.paced && ack.slow_start_segments >= kBurst) return ack.acked;
  return std::min(ack.acked, ack.slow_start_segments * ack.mss);
}

void LossBased::slow_start(const AckSample& ack, bool round_ended, Window& window) noexcept {
  std::uint32_t grow = slow_start_octets(ack);
  if (kind_ == CongestionControl::kCubic) {
    grow = control_.cubic.slow_start(ack, round_ended, grow, window);
  }
  // RFC 7661 section 4.3: an unused window tells nothing of the path.
  if (!ack.cwnd_limited) return;
  const std::uint32_t room = window.ssthresh - std::min(window.ssthresh, window.cwnd);
  window.grow(std::min(grow, std::max(room, ack.mss)));
}

void LossBased::avoid(const AckSample& ack, Window& window) noexcept {
  if (kind_ == CongestionControl::kCubic) {
    control_.cubic.avoid(ack, window);
  } else if (!ack.cwnd_limited) {
    return;
  } else if (kind_ == CongestionControl::kWestwood) {
    control_.westwood.avoid(window, ack.mss, ack.acked);
  } else {
    control_.reno.avoid(window, ack.mss, ack.acked);
  }
}

std::uint32_t LossBased::after_congestion(std::uint32_t flight) const noexcept {
  if (kind_ == CongestionControl::kCubic) return control_.cubic.after_congestion(flight);
  if (kind_ == CongestionControl::kWestwood) return control_.westwood.after_congestion(flight);
  return control_.reno.after_congestion(flight);
}

void LossBased::restart_avoidance() noexcept {
  if (kind_ == CongestionControl::kWestwood) control_.westwood.restart();
  if (kind_ == CongestionControl::kNewReno) control_.reno.restart();
}

void LossBased::on_congestion(std::uint32_t mss, std::uint32_t flight, CongestionSignal signal,
                              Window& window) noexcept {
  undo_ = window;
  const std::uint32_t base = validation_.flight_at_congestion(window.cwnd, flight);
  const bool by_share = uses_dctcp_ && signal == CongestionSignal::kEcn;
  const std::uint32_t cut =
      by_share ? dctcp_.after_congestion(window.cwnd) : after_congestion(base);
  // Westwood's estimate may be above the window; congestion never widens it.
  window.ssthresh = std::max(std::min(cut, window.cwnd), 2 * mss);
  if (kind_ == CongestionControl::kCubic) control_.cubic.on_congestion(window.cwnd);
  restart_avoidance();
}

void LossBased::on_recovery_end(std::uint32_t mss, Window& window) noexcept {
  const std::uint32_t excess = validation_.excess_after_recovery();
  window.ssthresh = std::max(window.ssthresh - std::min(window.ssthresh, excess), 2 * mss);
  window.cwnd = window.ssthresh;
}

void LossBased::on_timeout(std::uint32_t mss, std::uint32_t flight, bool first,
                           Window& window) noexcept {
  if (first) {
    undo_ = window;
    const std::uint32_t base = validation_.flight_at_congestion(window.cwnd, flight);
    window.ssthresh = std::max(after_congestion(base), 2 * mss);
  }
  if (kind_ == CongestionControl::kCubic) control_.cubic.on_timeout(window.cwnd, first);
  restart_avoidance();
  validation_.restart();
  window.cwnd = mss;
  rto_left_ = std::max(flight, rto_left_);
}

void LossBased::undo(Window& window) noexcept {
  if (undo_.cwnd == 0) return;
  window.cwnd = std::max(window.cwnd, undo_.cwnd);
  window.ssthresh = std::max(window.ssthresh, undo_.ssthresh);
  undo_.cwnd = 0;
  rto_left_ = 0;
  if (kind_ == CongestionControl::kCubic) control_.cubic.undo();
}

void LossBased::describe(CongestionInfo& out) const noexcept {
  out.pipe_ack = validation_.pipe_ack();
  if (uses_dctcp_) out.dctcp_alpha = dctcp_.alpha();
  if (kind_ == CongestionControl::kWestwood) {
    out.bandwidth = control_.westwood.bandwidth().octets_a_second();
  } else if (kind_ == CongestionControl::kCubic) {
    out.w_max = control_.cubic.w_max();
    out.k_ms = control_.cubic.k_ms();
    if (out.ssthresh == kMaxWindow && control_.cubic.conservative_slow_start()) {
      out.phase = "conservative_slow_start";
    }
  }
}

}  // namespace smol::tcp::cc
