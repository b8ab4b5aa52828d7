#include "protocols/tcp/cc/congestion.hh"

#include <algorithm>
#include <memory>

#include "protocols/tcp/cc/initial_window.hh"

namespace smol::tcp {
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

Congestion::Congestion(CongestionControl kind, bool dctcp) noexcept : kind_{kind} {
  if (is_bbr()) {
    std::construct_at(&algorithm_.bbr);
  } else if (!off()) {
    std::construct_at(&algorithm_.loss_based, kind, dctcp);
  }
}

std::uint32_t Congestion::initial_window(std::uint32_t mss, std::uint32_t segments) noexcept {
  return cc::initial_window(mss, segments);
}

std::uint64_t Congestion::window_rate(std::uint32_t cwnd, Duration srtt, bool slow_start) noexcept {
  if (srtt <= Duration::zero()) return 0;
  // At most 2^30 * 10^9, which leaves four bits.
  const auto round_trip = static_cast<std::uint64_t>(srtt.count());
  const std::uint64_t rate = std::uint64_t{cwnd} * 1'000'000'000 / round_trip;
  return std::max<std::uint64_t>(slow_start ? 2 * rate : rate + rate / 5, 1);
}

std::uint64_t Congestion::pacing_rate(Duration srtt) const noexcept {
  if (off()) return 0;
  if (is_bbr()) return algorithm_.bbr.pacing_rate(window_.cwnd, srtt);
  return window_rate(window_.cwnd, srtt, in_slow_start());
}

void Congestion::begin(Instant now, std::uint32_t mss, std::uint32_t initial_segments,
                       bool syn_lost, std::uint32_t seed) noexcept {
  if (off()) return;
  if (!is_bbr()) {
    algorithm_.loss_based.begin(mss, initial_segments, syn_lost, window_);
    return;
  }
  window_.cwnd = syn_lost ? mss : initial_window(mss, initial_segments);
  algorithm_.bbr.begin(now, window_.cwnd, seed);
}

void Congestion::on_idle(Instant now, std::uint32_t mss, std::uint32_t initial_segments,
                         Duration /*idle*/) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_idle(now, window_.cwnd);
  } else {
    algorithm_.loss_based.on_idle(now, mss, initial_segments, window_);
  }
}

void Congestion::on_ack(const AckSample& ack) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_ack(ack, window_.cwnd);
  } else {
    algorithm_.loss_based.on_ack(ack, window_);
  }
}

void Congestion::on_congestion(Instant /*now*/, std::uint32_t mss, std::uint32_t in_flight,
                               CongestionSignal signal) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_congestion(window_.cwnd, signal == CongestionSignal::kEcn);
  } else {
    algorithm_.loss_based.on_congestion(mss, in_flight, signal, window_);
  }
}

void Congestion::set_cwnd(std::uint32_t cwnd) noexcept {
  if (off()) return;
  window_.cwnd = std::min(cwnd, cc::kMaxWindow);
}

void Congestion::on_recovery_end(Instant /*now*/, std::uint32_t mss,
                                 std::uint32_t /*in_flight*/) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_recovery_end(window_.cwnd);
  } else {
    algorithm_.loss_based.on_recovery_end(mss, window_);
  }
}

void Congestion::inflate(std::uint32_t mss) noexcept {
  if (!reduces_by_prr()) return;
  window_.cwnd = std::min(window_.ssthresh + 3 * mss, cc::kMaxWindow);
}

void Congestion::on_duplicate_in_recovery(std::uint32_t mss) noexcept {
  if (!reduces_by_prr()) return;
  window_.grow(mss);
}

void Congestion::on_partial_ack(std::uint32_t mss, std::uint32_t acked) noexcept {
  if (!reduces_by_prr()) return;
  window_.cwnd = std::max(window_.cwnd - std::min(window_.cwnd, acked), mss);
  if (acked >= mss) window_.grow(mss);
}

void Congestion::on_full_ack(std::uint32_t mss, std::uint32_t flight) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_recovery_end(window_.cwnd);
    return;
  }
  algorithm_.loss_based.on_recovery_end(mss, window_);
  window_.cwnd = std::min(window_.cwnd, std::max(flight, mss) + mss);
}

void Congestion::on_timeout(Instant /*now*/, std::uint32_t mss, std::uint32_t in_flight,
                            bool first) noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.on_timeout(mss, in_flight, window_.cwnd);
  } else {
    algorithm_.loss_based.on_timeout(mss, in_flight, first, window_);
  }
}

void Congestion::undo() noexcept {
  if (off()) return;
  if (is_bbr()) {
    algorithm_.bbr.undo(window_.cwnd);
  } else {
    algorithm_.loss_based.undo(window_);
  }
}

CongestionInfo Congestion::info(Duration srtt) const noexcept {
  CongestionInfo out;
  out.kind = kind_;
  out.cwnd = window_.cwnd;
  out.ssthresh = window_.ssthresh;
  out.pacing_rate = pacing_rate(srtt);
  if (off()) return out;
  if (is_bbr()) {
    const cc::Bbr& bbr = algorithm_.bbr;
    out.phase = cc::name(bbr.state());
    out.bandwidth = bbr.bw().octets_a_second();
    out.min_rtt = bbr.min_rtt();
    out.pacing_gain = bbr.pacing_gain();
    out.cwnd_gain = bbr.cwnd_gain();
    out.inflight_longterm = bbr.inflight_longterm();
    out.inflight_shortterm = bbr.inflight_shortterm();
    return out;
  }
  algorithm_.loss_based.describe(out);
  if (out.phase.empty()) out.phase = in_slow_start() ? "slow_start" : "avoidance";
  return out;
}

}  // namespace smol::tcp
