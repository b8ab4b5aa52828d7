// All that is known of a connection, for who asks (RFC 4898): RFC 9293 section 3.10.6, STATUS.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

Info Connection::info() const noexcept {
  Info out;
  out.state = state_;
  out.waits_for = waits_for_;
  out.iss = iss_;
  out.irs = irs_;
  out.snd_una = snd_una_;
  out.snd_nxt = snd_nxt_;
  out.rcv_nxt = rcv_nxt_;
  out.snd_wnd = snd_wnd_;
  out.rcv_wnd = receive_window();
  out.snd_wind_shift = snd_shift_;
  out.rcv_wind_shift = rcv_shift_;
  out.timestamps = timestamps_;
  out.window_scaling = scaling_;
  out.sack = sack_;
  out.ecn = ecn_;
  out.nagle = nagle_;
  out.rcv_mss = rcv_mss_;
  out.advmss = local_mss_;
  tell_path(out);
  tell_queues(out);
  tell_counts(out);
  tell_timers(out);
  return out;
}

/// What was learned of the path, and what follows for sending.
void Connection::tell_path(Info& out) const noexcept {
  out.congestion_control = congestion_.kind();
  out.congestion = congestion_.info(rto_.srtt());
  out.cwnd = congestion_.cwnd();
  out.ssthresh = congestion_.ssthresh();
  out.mss = mss_;
  out.in_recovery = episode_ == Episode::kRecovery;
  out.in_loss = episode_ == Episode::kLoss;
  out.reordering = rack_.reordering_seen();
  out.min_rtt = microseconds(min_rtt_us_);
  out.backoff = rto_.backoff();
  out.retransmits = retransmits_;
  out.probes = std::max(persist_backoff_, keep_alive_sent_);
  out.srtt = rto_.srtt();
  out.rttvar = rto_.rttvar();
  out.rto = rto_.value();
  out.in_flight = board_.in_flight();
  out.sacked = board_.sacked();
  out.lost = board_.lost();
  out.pacing_rate = paced_at();
}

void Connection::tell_queues(Info& out) const noexcept {
  out.urgent = urgent().left;
  out.send_buffer = send_buffer_;
  out.receive_buffer = receive_buffer_;
  out.receive_buffer_max = receive_buffer_max_;
  out.rcv_space = rcv_space_;
  out.unsent = unsent();
  out.unacked = unacked();
  out.unread = unread();
  out.out_of_order = reassembly_.octets();
}

void Connection::tell_counts(Info& out) const noexcept {
  const std::uint32_t in_flight = send_queue() - unsent();
  out.ce_in = ce_in_;
  out.ece_in = ece_in_;
  out.bytes_sent = bytes_acked_ + in_flight + bytes_retrans_;
  out.bytes_retrans = bytes_retrans_;
  out.bytes_acked = bytes_acked_;
  out.bytes_received = bytes_received_;
  out.segs_out = segs_out_;
  out.segs_in = segs_in_;
  out.sum_retrans = sum_retrans_;
  out.timeouts = timeouts_;
  out.fast_retrans = fast_retrans_;
  out.dup_acks_in = dup_acks_in_;
  out.dsacks_in = dsacks_in_;
  out.tail_probes = tail_probes_;
  out.undone = undone_;
  out.zero_window_probes = zero_window_probes_;
  out.sacks_out = sacks_out_;
  out.dsacks_out = dsacks_out_;
}

void Connection::tell_timers(Info& out) const noexcept {
  if (quick_acks_ == 0 && text_gap_us_ > 0) out.ato = waiting();
  out.last_sent = last_sent_;
  out.last_received = last_received_;
  out.retransmit_timer = timer(Timer::kRetransmit);
  out.loss_timer = timer(Timer::kLoss);
  out.pacing_timer = timer(Timer::kPace);
  out.persist_timer = timer(Timer::kPersist);
  out.delayed_ack_timer = timer(Timer::kDelayedAck);
  out.keep_alive_timer = timer(Timer::kKeepAlive);
  out.lifetime_timer = timer(Timer::kLifetime);
}

}  // namespace smol::tcp
