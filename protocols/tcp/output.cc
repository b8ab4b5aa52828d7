// What to send, and when: the one place that decides. RFC 9293 sections 3.7.4 (Nagle), 3.8.6
// (windows) and 3.10.2 (SEND).
#include <algorithm>

#include "protocols/tcp/connection.hh"
#include "protocols/tcp/every_segment.hh"

namespace smol::tcp {

bool Connection::next_segment(const Context& context, Instant now, SegmentOut& out) noexcept {
  if (state_ == State::kClosed || state_ == State::kTimeWait) return false;
  if (state_ == State::kSynSent || state_ == State::kSynReceived) {
    return handshake_segment(context, now, out);
  }
  if (ce_turned_ && acknowledge_before_mark(context, now, out)) return true;
  if (dup_acks_owed_ > 0) {
    // Each tells the peer of segments out of order; data on it would make it no duplicate ACK, and
    // leave no room for blocks.
    --dup_acks_owed_;
    acknowledge(context, now, out);
    return true;
  }
  if (send_data(context, now, out)) return true;
  if (keep_alive_due_) {
    keep_alive_due_ = false;
    bare_segment(context, now, snd_nxt_ - 1, out);
    out.keep_alive = true;
    out.garbage = keep_alive_octet_;
    out.len = keep_alive_octet_ ? 1 : 0;
    return true;
  }
  if (ack_now_) {
    acknowledge(context, now, out);
    offer_user_timeout(context, out);
    return true;
  }
  return false;
}

inline bool Connection::send_data(const Context& context, Instant now, SegmentOut& out) noexcept {
  if (tlp_due_ && send_tail_probe(context, now, out)) return true;
  if (frto_new_) {
    if (send_new(context, now, out)) return true;
    // What came of it will be told, unless the window has shut; if nothing could go, the old must.
    if (snd_nxt_.after(recover_)) return send_probe(context, now, out);
    frto_ = frto_new_ = false;
  }
  if (board_.lost() > 0 && resend(context, now, out)) return true;
  if (probe_due_ && send_probe(context, now, out)) return true;
  return send_new(context, now, out);
}

bool Connection::handshake_segment(const Context& context, Instant now, SegmentOut& out) noexcept {
  waits_for_ = WaitsFor::kHandshake;
  if (!syn_due_) {
    if (send_early(context, now, out)) return true;
    if (!ack_now_ || state_ != State::kSynReceived) return false;
    bare_segment(context, now, snd_nxt_, out);
    return true;
  }
  syn_due_ = false;
  out = SegmentOut{};
  out.header.seq = iss_;
  out.header.control = TcpControl::kSyn;
  const bool answers = state_ == State::kSynReceived;
  // Counted from our ACK: text of the SYN that it acknowledges is in the buffer.
  const std::uint32_t room = answers ? receive_window() : receive_buffer_;
  out.header.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(room, 0xffff));
  out.header.options.mss = local_mss_;
  answers ? void(out.header.ece = ecn_) : ask_for_ecn(out.header);
  // An option goes on a SYN-ACK only if the SYN had it.
  if (answers ? scaling_ : context.config.window_scaling) {
    out.header.options.window_scale = rcv_shift_;
  }
  out.header.options.sack_permitted = answers ? sack_ : context.config.sack;
  if (answers ? timestamps_ : context.config.timestamps) {
    out.header.options.timestamps = TcpTimestamps{timestamp_now(now), answers ? ts_recent_ : 0};
  }
  if (!answers) offer_user_timeout(context, out);
  if (answers) {
    out.header.ack = rcv_nxt_;
    last_ack_sent_ = rcv_nxt_;
    ack_now_ = false;
  }
  if (!answers) put_text_on_syn(out);
  out.retransmission = snd_nxt_ != iss_;
  if (out.retransmission) {
    ++sum_retrans_;
  } else {
    snd_nxt_ = iss_ + 1 + out.len;
    unacked_since_ = now;
    timing_ = true;
    timed_end_ = iss_ + 1;
    timed_at_ = now;
  }
  ++segs_out_;
  last_sent_ = now;
  arm_retransmit(context, now);
  return true;
}

/// What is taken for lost, from the left, as the congestion window and the pace allow; none beyond
/// the peer's window (RFC 9293 SHLD-16). Precondition: something is taken for lost.
bool Connection::resend(const Context& context, Instant now, SegmentOut& out) noexcept {
  const Scoreboard::Hole hole = board_.next_hole(context.sent, mss_ + 1u);
  const std::uint32_t offset = snd_una_.until(hole.begin);
  const SeqNumber text_end = earlier(hole.end, snd_end_);
  std::uint32_t len = hole.begin.before(text_end) ? hole.begin.until(text_end) : 0;
  len = std::min<std::uint32_t>(len, mss_);
  if (offset + len > snd_wnd_) len = offset < snd_wnd_ ? snd_wnd_ - offset : 0;
  const bool fin = fin_queued_ && hole.begin + len == fin_seq() && fin_seq().before(hole.end) &&
                   offset + len < std::max(snd_wnd_, 1u);
  if (len == 0 && !fin) {
    waits_for_ = WaitsFor::kPeerWindow;
    return false;
  }
  if (!must_resend_) {
    if (len > congestion_room()) {
      waits_for_ = WaitsFor::kCongestionWindow;
      return false;
    }
    if (must_pace(now)) return false;
  }
  must_resend_ = false;
  if (!resent_any_) {
    resent_any_ = true;
    first_resent_ = hole.begin;
  }
  undo_octets_ += len;
  send_again(context, now, hole.begin, len, fin, out);
  arm_retransmit(context, now);
  return true;
}

/// RFC 8985 section 7.3: new data if there is some, else the end of the flight again, whatever the
/// congestion window says. Precondition: tlp_due_.
bool Connection::send_tail_probe(const Context& context, Instant now, SegmentOut& out) noexcept {
  tlp_due_ = false;
  if (board_.in_flight() == 0 || snd_wnd_ == 0) return false;
  const std::uint32_t flight = unacked();
  // The window has shrunk: its end lies before the tail (RFC 9293 SHLD-16).
  if (flight > snd_wnd_) return false;
  const std::uint32_t queued = snd_nxt_.before(snd_end_) ? snd_nxt_.until(snd_end_) : 0;
  const std::uint32_t len = std::min({queued, snd_wnd_ - flight, std::uint32_t{mss_}});
  if (len > 0) {
    send_first(context, now, len, false, out);
    tlp_resent_ = false;
  } else {
    const SeqNumber text_end = earlier(snd_nxt_, snd_end_);
    const std::uint32_t text =
        std::min<std::uint32_t>(snd_una_.before(text_end) ? snd_una_.until(text_end) : 0, mss_);
    send_again(context, now, text_end - text, text, fin_sent(), out);
    tlp_resent_ = true;
  }
  out.tail_probe = true;
  tlp_open_ = true;
  tlp_end_ = snd_nxt_;
  ++tail_probes_;
  arm_retransmit(context, now);
  return true;
}

/// Numbers that went before: Karn's rule sees to it that their round trip is not timed.
void Connection::send_again(const Context& context, Instant now, SeqNumber begin, std::uint32_t len,
                            bool fin, SegmentOut& out) noexcept {
  loses_probe(begin, begin + len);
  carry(context, now, begin, len, fin, out);
  out.retransmission = true;
  ++sum_retrans_;
  bytes_retrans_ += std::min(len, ~bytes_retrans_);
  const std::uint32_t numbers = len + (fin ? 1 : 0);
  board_.resent(context.sent, now, begin, begin + numbers, delivery_);
  if (!sack_) timing_ = false;
  prr_.sent(numbers);
  pace(context, now, len);
}

/// The next numbers that never went.
inline void Connection::send_first(const Context& context, Instant now, std::uint32_t len, bool fin,
                                   SegmentOut& out) noexcept {
  const std::uint32_t numbers = len + (fin ? 1 : 0);
  if (snd_una_ == snd_nxt_) {
    unacked_since_ = now;
    delivery_.first_sent_at = delivery_.delivered_at = now;
  }
  if (!timing_) {
    timing_ = true;
    timed_ = false;
    timed_end_ = snd_nxt_ + numbers;
    timed_at_ = now;
  }
  carry(context, now, snd_nxt_, len, fin, out);
  if (ect_ && len > 0) mark_ecn(out);
  board_.sent(context.sent, now, snd_nxt_, snd_nxt_ + numbers, delivery_);
  snd_nxt_ += numbers;
  if (len < mss_ || !context.config.minshall) snd_sml_ = snd_nxt_;
  path_sent(len);
  out.probe = len > mss_;
  prr_.sent(numbers);
  pace(context, now, len);
  if (timer(Timer::kRetransmit) == kNever) arm_retransmit(context, now);
}

// --- pacing --------------------------------------------------------------------------------------

/// What the timer wheel can tell apart, twice: at high rates less cannot be waited for.
constexpr Duration kLeastPause = microseconds(131);

/// `octets` go now. A connection that sent less than it might have may send as much at once later
/// as the burst allows.
inline void Connection::pace(const Context& context, Instant now, std::uint32_t octets) noexcept {
  if (pace_q10_ == 0) return;
  const auto time = [&](std::uint32_t n) { return Duration{(std::int64_t{n} * pace_q10_) >> 10}; };
  const Duration credit = std::max(time(context.config.pacing_burst * mss_), kLeastPause);
  pace_until_ = std::max(pace_until_, now - credit) + time(octets);
}

/// In the units of pace_q10_.
constexpr std::uint64_t kSecond = std::uint64_t{1'000'000'000} << 10;

void Connection::set_pace(const Context& context) noexcept {
  const std::uint64_t rate =
      context.config.pacing ? congestion_.pacing_rate(rto_.srtt()) : std::uint64_t{0};
  pace_q10_ =
      rate == 0
          ? 0
          : static_cast<std::uint32_t>(std::clamp<std::uint64_t>(kSecond / rate, 1, 0xffff'ffff));
}

/// Octets a second; 0: not paced.
std::uint64_t Connection::paced_at() const noexcept {
  return pace_q10_ == 0 ? 0 : kSecond / pace_q10_;
}

/// One octet, or the FIN, into a closed window (RFC 9293 section 3.8.6.1). It counts neither as
/// sent data in the congestion window nor, if it is lost, as loss. SND.NXT stays before it: the
/// peer throws it away as a rule, and would find what we say from behind it out of its window.
bool Connection::send_probe(const Context& context, Instant now, SegmentOut& out) noexcept {
  if (!probe_due_) return false;
  probe_due_ = false;
  if (snd_wnd_ != 0 || snd_una_ == send_limit()) return false;
  const bool fin = snd_una_ == fin_seq();
  carry(context, now, snd_una_, fin ? 0 : 1, fin, out);
  out.window_probe = true;
  out.retransmission = probing_ || snd_una_ != snd_nxt_;
  if (out.retransmission) ++sum_retrans_;
  if (snd_una_ == snd_nxt_) probing_ = true;
  timing_ = false;
  ++zero_window_probes_;
  return true;
}

bool Connection::send_new(const Context& context, Instant now, SegmentOut& out) noexcept {
  if (!snd_nxt_.before(send_limit())) {
    if (board_.lost() > 0) return false;  // resend() has said what that waits for
    waits_for_ = WaitsFor::kApplication;
    if (congestion_room() >= mss_) {
      delivery_.app_limited = true;
      app_limited_until_ = delivery_.delivered + board_.in_flight();
    }
    return false;
  }
  const std::uint32_t flight = unacked();
  if (flight == 0 && now - last_sent_ > rto_.value()) {
    congestion_.on_idle(now, mss_, context.config.initial_window_segments, now - last_sent_);
    set_pace(context);
  }
  const std::uint32_t peer_room = snd_wnd_ > flight ? snd_wnd_ - flight : 0;
  const std::uint32_t room = congestion_room();
  const std::uint32_t usable = std::min(peer_room, room);
  const std::uint32_t queued = snd_nxt_.until(snd_end_);
  const std::uint32_t probe = probe_len(now, queued, std::min(snd_wnd_, congestion_.cwnd()));
  if (probe > usable && flight > 0) {
    waits_for_ = WaitsFor::kCongestionWindow;  // the ACKs to come make room
    return false;
  }
  const std::uint32_t len =
      probe > 0 && probe <= usable ? probe : std::min({queued, std::uint32_t{mss_}, usable});
  // One that is asked for during the handshake takes effect when that is complete.
  const bool fin = fin_queued_ && len == queued && len < usable && state_ != State::kSynReceived;
  if (len < mss_ && !fin && held_back(now, len, queued, usable, room < peer_room)) return false;
  if (must_pace(now)) return false;
  override_ = false;
  probing_ = false;
  disarm(Timer::kPersist);
  waits_for_ = WaitsFor::kNothing;
  if (len + mss_ > room) limited_at_ = snd_nxt_ + len;
  send_first(context, now, len, fin, out);
  schedule_probe(context, now);
  return true;
}

/// A segment of less than full size could go. Should it? Sender-side silly-window avoidance (RFC
/// 9293 section 3.8.6.2.1) and Nagle's algorithm in Minshall's form: only a *small* segment in
/// flight holds back another.
bool Connection::held_back(Instant now, std::uint32_t len, std::uint32_t queued,
                           std::uint32_t usable, bool by_congestion) noexcept {
  const bool nothing_in_flight = snd_una_ == snd_nxt_;
  if (cork_ && len > 0 && len == queued && held_by_cork(now)) return true;
  if (len == queued && (queued > 0 || usable > 0)) {
    const bool small_in_flight = nagle_ && snd_sml_.after(snd_una_);
    // A FIN behind it ends the stream: there is nothing left to wait for.
    if (!small_in_flight || fin_queued_) return len == 0;
    waits_for_ = WaitsFor::kNagle;
    return true;
  }
  // Part of the queue fits the window.
  if (by_congestion) {
    waits_for_ = WaitsFor::kCongestionWindow;
    limited_at_ = snd_nxt_;
    return true;
  }
  waits_for_ = WaitsFor::kPeerWindow;
  if (len > 0 && (len >= max_snd_wnd_ / 2 || override_)) return false;
  if (nothing_in_flight && timer(Timer::kPersist) == kNever) {
    const Duration wait =
        snd_wnd_ == 0 ? rto_.value() : std::clamp(rto_.value(), milliseconds(100), seconds(1));
    arm(Timer::kPersist, now + wait);
  }
  return true;
}

/// A segment without text: <SEQ=seq><ACK=RCV.NXT>.
void Connection::bare_segment(const Context& context, Instant now, SeqNumber seq,
                              SegmentOut& out) noexcept {
  out = SegmentOut{};
  out.header.seq = seq;
  out.header.ack = rcv_nxt_;
  out.header.window = select_window(context);
  if (timestamps_) out.header.options.timestamps = TcpTimestamps{timestamp_now(now), ts_recent_};
  if (quick_acks_ > 0 && last_ack_sent_ != rcv_nxt_) --quick_acks_;
  last_ack_sent_ = rcv_nxt_;
  ack_now_ = false;
  disarm(Timer::kDelayedAck);
  if (urgent_out_) [[unlikely]]
    put_urgent(out);
  if (ecn_) echo_ecn(out);
  ++segs_out_;
}

/// A segment with text, FIN or both. PSH marks the end of what is queued (RFC 9293 MUST-61).
inline void Connection::carry(const Context& context, Instant now, SeqNumber seq, std::uint32_t len,
                              bool fin, SegmentOut& out) noexcept {
  bare_segment(context, now, seq, out);
  if (len > 0) answer(context, now);
  const bool last = len > 0 && seq + len == snd_end_;
  out.len = len;
  out.header.control = fin    ? (last ? TcpControl::kFinPsh : TcpControl::kFin)
                       : last ? TcpControl::kPsh
                              : TcpControl::kNone;
  last_sent_ = now;
}

void Connection::arm_retransmit(const Context& context, Instant now) noexcept {
  arm(Timer::kRetransmit, std::min(now + rto_.value(), gives_up_at(context, now)));
}

}  // namespace smol::tcp
