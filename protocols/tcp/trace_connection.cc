#include <algorithm>

#include "protocols/tcp/connection.hh"
#include "protocols/tcp/trace.hh"

namespace smol::tcp {
namespace {

/// Times beyond an hour are shown as that.
std::uint32_t in_us(Duration duration) noexcept {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(duration / microseconds(1), 0, 0xffff'ffff));
}

}  // namespace

Trace Connection::trace() const noexcept {
  // Of Congestion's, until a loss sets it.
  constexpr std::uint32_t kNotKnown = 1u << 30;
  Trace out;
  out.delivered = delivery_.delivered;
  out.pacing_rate = paced_at();
  out.iss = iss_;
  out.irs = irs_;
  out.snd_una = snd_una_;
  out.snd_nxt = snd_nxt_;
  out.rcv_nxt = rcv_nxt_;
  out.snd_wnd = snd_wnd_;
  out.rcv_wnd = receive_window();
  out.cwnd = congestion_.cwnd();
  out.ssthresh = congestion_.ssthresh() < kNotKnown ? congestion_.ssthresh() : 0;
  out.mss = mss_;
  out.in_flight = board_.in_flight();
  out.unsent = unsent();
  out.lost = board_.lost();
  out.sacked = board_.sacked();
  out.srtt_us = in_us(rto_.srtt());
  out.rttvar_us = in_us(rto_.rttvar());
  out.min_rtt_us = min_rtt_us_;
  out.rto_us = in_us(rto_.value());
  out.state = state_;
  out.waits_for = waits_for_;
  out.congestion = congestion_.kind();
  out.phase = trace_phase(congestion_.info(rto_.srtt()).phase);
  switch (episode_) {
    case Episode::kNone:
      break;
    case Episode::kCwr:
      out.episode = TraceEpisode::kCwr;
      break;
    case Episode::kRecovery:
      out.episode = TraceEpisode::kRecovery;
      break;
    case Episode::kLoss:
      out.episode = TraceEpisode::kLoss;
      break;
  }
  out.backoff = rto_.backoff();
  if (delivery_.app_limited) out.marks = Trace::kAppLimited;
  return out;
}

Trace Connection::trace(const SegmentOut& segment) const noexcept {
  Trace out = trace();
  const auto mark = [&](bool set, std::uint8_t bit) {
    if (set) out.marks = static_cast<std::uint8_t>(out.marks | bit);
  };
  mark(segment.retransmission, Trace::kRetransmission);
  mark(segment.tail_probe, Trace::kTailProbe);
  mark(segment.window_probe, Trace::kWindowProbe);
  mark(segment.probe, Trace::kPathProbe);
  mark(segment.keep_alive, Trace::kKeepAlive);
  return out;
}

}  // namespace smol::tcp
