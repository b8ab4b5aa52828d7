// What TCP tells of a connection, as the API has it.
#include <algorithm>
#include <string>

#include <google/protobuf/duration.pb.h>

#include "control/convert.hh"
#include "protocols/tcp/cc/congestion.hh"

namespace smol::control {
namespace {

void put_counts(const tcp::Info& in, v1::TcpInfo& out) {
  out.set_bytes_sent(in.bytes_sent);
  out.set_bytes_retrans(in.bytes_retrans);
  out.set_bytes_acked(in.bytes_acked);
  out.set_bytes_received(in.bytes_received);
  out.set_segs_out(in.segs_out);
  out.set_segs_in(in.segs_in);
  out.set_retrans(in.sum_retrans);
  out.set_timeouts(in.timeouts);
  out.set_fast_retrans(in.fast_retrans);
  out.set_dup_acks_in(in.dup_acks_in);
  out.set_dsacks(in.dsacks_in);
  out.set_tail_probes(in.tail_probes);
  out.set_undone(in.undone);
  out.set_zero_window_probes(in.zero_window_probes);
  out.set_ce_in(in.ce_in);
  out.set_ece_in(in.ece_in);
  out.set_sacks_out(in.sacks_out);
  out.set_dsacks_out(in.dsacks_out);
}

void put_queues(const tcp::Info& in, v1::TcpInfo& out) {
  out.set_snd_wnd(in.snd_wnd);
  out.set_rcv_wnd(in.rcv_wnd);
  out.set_send_buffer(in.send_buffer);
  out.set_receive_buffer(in.receive_buffer);
  out.set_receive_buffer_max(in.receive_buffer_max);
  out.set_rcv_space(in.rcv_space);
  out.set_unsent(in.unsent);
  out.set_unacked(in.unacked);
  out.set_in_flight(in.in_flight);
  out.set_sacked(in.sacked);
  out.set_lost(in.lost);
  out.set_unread(in.unread);
  out.set_urgent(in.urgent);
  out.set_out_of_order(in.out_of_order);
  out.set_iss(in.iss.raw);
  out.set_irs(in.irs.raw);
  out.set_snd_una(in.snd_una.raw);
  out.set_snd_nxt(in.snd_nxt.raw);
  out.set_rcv_nxt(in.rcv_nxt.raw);
}

void put_times(const tcp::Info& in, v1::TcpInfo& out) {
  put(in.rto, *out.mutable_rto());
  if (in.srtt != Duration::zero()) {
    put(in.srtt, *out.mutable_srtt());
    put(in.rttvar, *out.mutable_rttvar());
    put(in.min_rtt, *out.mutable_min_rtt());
  }
  if (in.ato != Duration::zero()) put(in.ato, *out.mutable_ato());
  if (in.last_sent != Instant{}) put(in.at - in.last_sent, *out.mutable_last_sent());
  if (in.last_received != Instant{}) put(in.at - in.last_received, *out.mutable_last_received());
  // One that has run out is served in this turn.
  const auto left = [&](Instant when) { return std::max(when - in.at, Duration::zero()); };
  if (in.retransmit_timer != kNever)
    put(left(in.retransmit_timer), *out.mutable_retransmit_timer());
  if (in.loss_timer != kNever) put(left(in.loss_timer), *out.mutable_loss_timer());
  if (in.pacing_timer != kNever) put(left(in.pacing_timer), *out.mutable_pacing_timer());
  if (in.persist_timer != kNever) put(left(in.persist_timer), *out.mutable_persist_timer());
  if (in.delayed_ack_timer != kNever) {
    put(left(in.delayed_ack_timer), *out.mutable_delayed_ack_timer());
  }
  if (in.keep_alive_timer != kNever)
    put(left(in.keep_alive_timer), *out.mutable_keep_alive_timer());
  if (in.lifetime_timer != kNever) put(left(in.lifetime_timer), *out.mutable_lifetime_timer());
}

void put_congestion(const tcp::CongestionInfo& in, v1::TcpCongestion& out) {
  constexpr std::uint32_t kNoBound = ~std::uint32_t{0};
  const bool bbr = in.kind == tcp::CongestionControl::kBbr;
  out.set_phase(std::string{in.phase});
  if (in.pipe_ack != 0) out.set_pipe_ack(in.pipe_ack);
  if (in.dctcp_alpha != 0) out.set_dctcp_alpha(in.dctcp_alpha / 1e6);
  if (in.w_max != 0) {
    out.set_w_max(in.w_max);
    put(milliseconds(in.k_ms), *out.mutable_k());
  }
  if (in.bandwidth != 0) out.set_bandwidth(in.bandwidth);
  if (!bbr) return;
  if (in.min_rtt != Duration::zero()) put(in.min_rtt, *out.mutable_min_rtt());
  out.set_pacing_gain(in.pacing_gain / 1e2);
  out.set_cwnd_gain(in.cwnd_gain / 1e2);
  if (in.inflight_longterm != kNoBound) out.set_inflight_longterm(in.inflight_longterm);
  if (in.inflight_shortterm != kNoBound) out.set_inflight_shortterm(in.inflight_shortterm);
}

}  // namespace

v1::TcpState to_proto(tcp::State state) noexcept {
  switch (state) {
    case tcp::State::kClosed:
      return v1::TCP_STATE_CLOSED;
    case tcp::State::kListen:
      return v1::TCP_STATE_LISTEN;
    case tcp::State::kSynSent:
      return v1::TCP_STATE_SYN_SENT;
    case tcp::State::kSynReceived:
      return v1::TCP_STATE_SYN_RECEIVED;
    case tcp::State::kEstablished:
      return v1::TCP_STATE_ESTABLISHED;
    case tcp::State::kFinWait1:
      return v1::TCP_STATE_FIN_WAIT_1;
    case tcp::State::kFinWait2:
      return v1::TCP_STATE_FIN_WAIT_2;
    case tcp::State::kCloseWait:
      return v1::TCP_STATE_CLOSE_WAIT;
    case tcp::State::kClosing:
      return v1::TCP_STATE_CLOSING;
    case tcp::State::kLastAck:
      return v1::TCP_STATE_LAST_ACK;
    case tcp::State::kTimeWait:
      break;
  }
  return v1::TCP_STATE_TIME_WAIT;
}

v1::TcpWaitsFor to_proto(tcp::WaitsFor what) noexcept {
  switch (what) {
    case tcp::WaitsFor::kNothing:
      return v1::TCP_WAITS_FOR_NOTHING;
    case tcp::WaitsFor::kApplication:
      return v1::TCP_WAITS_FOR_APPLICATION;
    case tcp::WaitsFor::kPeerWindow:
      return v1::TCP_WAITS_FOR_PEER_WINDOW;
    case tcp::WaitsFor::kCongestionWindow:
      return v1::TCP_WAITS_FOR_CONGESTION_WINDOW;
    case tcp::WaitsFor::kNagle:
      return v1::TCP_WAITS_FOR_NAGLE;
    case tcp::WaitsFor::kPacing:
      return v1::TCP_WAITS_FOR_PACING;
    case tcp::WaitsFor::kHandshake:
      break;
  }
  return v1::TCP_WAITS_FOR_HANDSHAKE;
}

void put(const tcp::Info& in, v1::TcpInfo& out) {
  // The stack's value for "no loss yet": a window beyond all windows (RFC 7323 section 2.3).
  constexpr std::uint32_t kNoLossYet = 1u << 30;
  out.set_state(to_proto(in.state));
  out.set_waits_for(to_proto(in.waits_for));
  out.set_congestion(std::string{tcp::name(in.congestion_control)});
  put_congestion(in.congestion, *out.mutable_congestion_info());
  out.set_snd_mss(in.mss);
  out.set_rcv_mss(in.rcv_mss);
  out.set_advmss(in.advmss);
  if (in.window_scaling) {
    out.set_snd_wscale(in.snd_wind_shift);
    out.set_rcv_wscale(in.rcv_wind_shift);
  }
  out.set_timestamps(in.timestamps);
  out.set_sack(in.sack);
  out.set_ecn(in.ecn);
  out.set_reordering(in.reordering);
  out.set_in_recovery(in.in_recovery);
  out.set_in_loss(in.in_loss);
  out.set_nagle(in.nagle);
  out.set_rcv_dscp(in.rcv_dscp);
  out.set_cwnd(in.cwnd);
  if (in.ssthresh < kNoLossYet) out.set_ssthresh(in.ssthresh);
  out.set_pacing_rate(in.pacing_rate);
  out.set_backoff(in.backoff);
  out.set_retransmits(in.retransmits);
  out.set_probes(in.probes);
  put_queues(in, out);
  put_times(in, out);
  put_counts(in, out);
}

}  // namespace smol::control
