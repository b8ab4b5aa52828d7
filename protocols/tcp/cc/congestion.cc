#include "protocols/tcp/cc/congestion.hh"

#include <algorithm>

namespace smol::tcp {
namespace {

/// Octets counted per ACK in slow start, in segments. RFC 5681 counts one, which starves a sender
/// whose peer acknowledges a burst at once; RFC 9406 section 4.2 takes 8 for senders without
/// pacing. An ACK of n octets never counts for more than n, so splitting ACKs gains nothing.
constexpr std::uint32_t kSlowStartSegments = 8;

}  // namespace

std::uint32_t Congestion::initial_window(std::uint32_t mss, std::uint32_t segments) noexcept {
  return std::min(segments * mss, std::max(2 * mss, segments * 1460));
}

void Congestion::begin(std::uint32_t mss, std::uint32_t initial_segments, bool syn_lost) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  cwnd_ = syn_lost ? mss : initial_window(mss, initial_segments);
  ssthresh_ = kMaxWindow;
  acked_in_avoidance_ = 0;
}

void Congestion::on_ack(std::uint32_t mss, std::uint32_t acked, bool was_limited) noexcept {
  if (kind_ == CongestionControl::kNone || !was_limited) return;
  if (in_slow_start()) {
    const std::uint32_t grow = std::min(acked, kSlowStartSegments * mss);
    const std::uint32_t room = ssthresh_ - cwnd_;
    cwnd_ = std::min(cwnd_ + std::min(grow, std::max(room, mss)), kMaxWindow);
    return;
  }
  // RFC 5681 section 3.1, by counting octets: one segment a window.
  acked_in_avoidance_ += acked;
  if (acked_in_avoidance_ >= cwnd_) {
    acked_in_avoidance_ -= cwnd_;
    cwnd_ = std::min(cwnd_ + mss, kMaxWindow);
  }
}

void Congestion::on_enter_recovery(std::uint32_t mss, std::uint32_t flight) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  ssthresh_ = std::max(flight / 2, 2 * mss);
  cwnd_ = ssthresh_ + 3 * mss;
}

void Congestion::on_duplicate_in_recovery(std::uint32_t mss) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  cwnd_ = std::min(cwnd_ + mss, kMaxWindow);
}

void Congestion::on_partial_ack(std::uint32_t mss, std::uint32_t acked) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  cwnd_ = std::max(cwnd_ - std::min(cwnd_, acked), mss);
  if (acked >= mss) cwnd_ += mss;
}

void Congestion::on_full_ack(std::uint32_t mss, std::uint32_t flight) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  cwnd_ = std::min(ssthresh_, std::max(flight, mss) + mss);
  acked_in_avoidance_ = 0;
}

void Congestion::on_timeout(std::uint32_t mss, std::uint32_t flight, bool first) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  if (first) ssthresh_ = std::max(flight / 2, 2 * mss);
  cwnd_ = mss;
  acked_in_avoidance_ = 0;
}

void Congestion::on_idle(std::uint32_t mss, std::uint32_t initial_segments) noexcept {
  if (kind_ == CongestionControl::kNone) return;
  cwnd_ = std::min(cwnd_, initial_window(mss, initial_segments));
}

}  // namespace smol::tcp
