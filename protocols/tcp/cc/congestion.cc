#include "protocols/tcp/cc/congestion.hh"

#include <algorithm>

namespace smol::tcp {
namespace {

/// Octets counted per ACK in slow start, in segments. RFC 5681 counts one, which starves a sender
/// whose peer acknowledges a burst at once; RFC 9406 section 4.2 takes 8 for senders without
/// pacing. An ACK of n octets never counts for more than n, so splitting ACKs gains nothing.
constexpr std::uint32_t kSlowStartSegments = 8;

}  // namespace

std::string_view name(CongestionControl kind) noexcept {
  switch (kind) {
    case CongestionControl::kNone:
      return "none";
    case CongestionControl::kNewReno:
      return "newreno";
    case CongestionControl::kWestwood:
      return "westwood";
    case CongestionControl::kCubic:
      return "cubic";
    case CongestionControl::kBbr:
      return "bbr";
  }
  return "none";
}

std::uint32_t Congestion::initial_window(std::uint32_t mss, std::uint32_t segments) noexcept {
  // RFC 5681 section 3.1.
  if (segments == 0) return (mss > 2190 ? 2 : mss > 1095 ? 3 : 4) * mss;
  return std::min(segments * mss, std::max(2 * mss, segments * 1460));
}

std::uint64_t Congestion::window_rate(std::uint32_t cwnd, Duration srtt, bool slow_start) noexcept {
  if (srtt <= Duration::zero()) return 0;
  // At most 2^30 * 10^9, which leaves four bits.
  const auto round_trip = static_cast<std::uint64_t>(srtt.count());
  const std::uint64_t rate = std::uint64_t{cwnd} * 1'000'000'000 / round_trip;
  return std::max<std::uint64_t>(slow_start ? 2 * rate : rate + rate / 5, 1);
}

std::uint64_t Congestion::pacing_rate(Duration srtt) const noexcept {
  return off() ? 0 : window_rate(cwnd_, srtt, in_slow_start());
}

void Congestion::begin(Instant /*now*/, std::uint32_t mss, std::uint32_t initial_segments,
                       bool syn_lost, std::uint32_t /*seed*/) noexcept {
  if (off()) return;
  cwnd_ = syn_lost ? mss : initial_window(mss, initial_segments);
  ssthresh_ = kMaxWindow;
  acked_in_avoidance_ = 0;
  prior_cwnd_ = 0;
}

void Congestion::on_idle(Instant /*now*/, std::uint32_t mss, std::uint32_t initial_segments,
                         Duration /*idle*/) noexcept {
  if (off()) return;
  cwnd_ = std::min(cwnd_, initial_window(mss, initial_segments));
}

void Congestion::on_ack(const AckSample& ack) noexcept {
  if (off() || ack.in_recovery || !ack.cwnd_limited || ack.acked == 0) return;
  if (in_slow_start()) {
    const std::uint32_t grow = std::min(ack.acked, kSlowStartSegments * ack.mss);
    const std::uint32_t room = ssthresh_ - cwnd_;
    cwnd_ = std::min(cwnd_ + std::min(grow, std::max(room, ack.mss)), kMaxWindow);
    return;
  }
  // RFC 5681 section 3.1, by counting octets: one segment a window.
  acked_in_avoidance_ += ack.acked;
  if (acked_in_avoidance_ >= cwnd_) {
    acked_in_avoidance_ -= cwnd_;
    cwnd_ = std::min(cwnd_ + ack.mss, kMaxWindow);
  }
}

void Congestion::remember() noexcept {
  prior_cwnd_ = cwnd_;
  prior_ssthresh_ = ssthresh_;
}

void Congestion::on_congestion(Instant /*now*/, std::uint32_t mss, std::uint32_t in_flight,
                               CongestionSignal /*signal*/) noexcept {
  if (off()) return;
  remember();
  ssthresh_ = std::max(in_flight / 2, 2 * mss);
}

void Congestion::set_cwnd(std::uint32_t cwnd) noexcept {
  if (off()) return;
  cwnd_ = std::min(cwnd, kMaxWindow);
}

void Congestion::on_recovery_end(Instant /*now*/, std::uint32_t mss,
                                 std::uint32_t /*in_flight*/) noexcept {
  if (off()) return;
  cwnd_ = std::max(ssthresh_, mss);
  acked_in_avoidance_ = 0;
}

void Congestion::inflate(std::uint32_t mss) noexcept {
  if (off()) return;
  cwnd_ = std::min(ssthresh_ + 3 * mss, kMaxWindow);
}

void Congestion::on_duplicate_in_recovery(std::uint32_t mss) noexcept {
  if (off()) return;
  cwnd_ = std::min(cwnd_ + mss, kMaxWindow);
}

void Congestion::on_partial_ack(std::uint32_t mss, std::uint32_t acked) noexcept {
  if (off()) return;
  cwnd_ = std::max(cwnd_ - std::min(cwnd_, acked), mss);
  if (acked >= mss) cwnd_ += mss;
}

void Congestion::on_full_ack(std::uint32_t mss, std::uint32_t flight) noexcept {
  if (off()) return;
  cwnd_ = std::min(ssthresh_, std::max(flight, mss) + mss);
  acked_in_avoidance_ = 0;
}

void Congestion::on_timeout(Instant /*now*/, std::uint32_t mss, std::uint32_t in_flight,
                            bool first) noexcept {
  if (off()) return;
  if (first) {
    remember();
    ssthresh_ = std::max(in_flight / 2, 2 * mss);
  }
  cwnd_ = mss;
  acked_in_avoidance_ = 0;
}

void Congestion::undo() noexcept {
  if (off() || prior_cwnd_ == 0) return;
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  ssthresh_ = std::max(ssthresh_, prior_ssthresh_);
  prior_cwnd_ = 0;
}

}  // namespace smol::tcp
