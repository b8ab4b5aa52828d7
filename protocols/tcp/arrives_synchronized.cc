// RFC 9293 section 3.10.7.4: SEGMENT ARRIVES, all states from SYN-RECEIVED on. The steps stand in
// the RFC's order, one function each.
#include <algorithm>
#include <limits>

#include "protocols/tcp/connection.hh"
#include "protocols/tcp/every_segment.hh"

namespace smol::tcp {
namespace {

/// A peer silent for longer may have wrapped its clock (RFC 7323 section 5.5).
constexpr Duration kTimestampLife = seconds(24 * 86'400);

}  // namespace

Actions Connection::segment_arrives(const Context& context, Instant now, const SegmentIn& segment,
                                    ReassemblySteps& steps) noexcept {
  Actions out;
  steps.clear();
  ++segs_in_;
  if (is_plain_text(context, segment)) {
    plain_text_arrives(context, now, segment, out);
  } else if (state_ == State::kSynSent) {
    arrives_syn_sent(context, now, segment, out, steps);
  } else {
    arrives_synchronized(context, now, segment, out, steps);
  }
  out.send = may_send();
  return out;
}

/// The text that is next in line, all of it in the window, and no other news than perhaps a window:
/// what bulk data is made of. Of such a segment the eight steps come to plain_text_arrives().
inline bool Connection::is_plain_text(const Context& context,
                                      const SegmentIn& segment) const noexcept {
  constexpr std::uint8_t kNews =
      TcpFlags::kFin | TcpFlags::kSyn | TcpFlags::kRst | TcpFlags::kUrg | TcpFlags::kAck;
  if (state_ != State::kEstablished || (segment.flags.raw & kNews) != TcpFlags::kAck) return false;
  if (segment.seq != rcv_nxt_ || segment.ack != snd_una_) return false;
  // Nothing is zero less one, and so more than any window.
  if (segment.len - 1 >= receive_window()) return false;
  const TcpOptions& options = segment.options;
  if (!options.sack.empty() || options.user_timeout) return false;
  if (timestamps_ && (!options.timestamps ||
                      static_cast<std::int32_t>(options.timestamps->tsval - ts_recent_) < 0)) {
    return false;
  }
  return !ecn_ && !detached_ && !peer_fin_seen_ && reassembly_.empty() && !context.out_of_memory;
}

/// Precondition: is_plain_text().
inline void Connection::plain_text_arrives(const Context& context, Instant now,
                                           const SegmentIn& segment, Actions& out) noexcept {
  last_received_ = now;
  keep_alive_sent_ = 0;
  if (timestamps_ && rcv_nxt_.at_or_before(last_ack_sent_)) {
    ts_recent_ = segment.options.timestamps->tsval;
    ts_recent_at_ = now;
  }
  update_window(context, now, segment);
  note_size(segment.len);
  out.text_len = segment.len;
  const Text text{segment.seq, 0, segment.len, false, segment.flags.psh()};
  take_text(context, now, text.end(), false, text, out);
}

void Connection::arrives_synchronized(const Context& context, Instant now, const SegmentIn& segment,
                                      Actions& out, ReassemblySteps& steps) noexcept {
  Text text;
  if (check_timestamp(context, now, segment, out) == Next::kStop) return;
  if (check_sequence(context, now, segment, text, out) == Next::kStop) return;  // first
  if (check_rst(context, now, segment, out) == Next::kStop)
    return;  // second; third, security, is not used
  if (check_syn(context, now, segment, out) == Next::kStop) return;        // fourth
  if (check_ack(context, now, segment, out) == Next::kStop) return;        // fifth
  check_urgent(segment, out);                                              // sixth
  if (accept_text(context, now, text, out, steps) == Next::kStop) return;  // seventh
  check_fin(text, out);                                                    // eighth
}

/// PAWS (RFC 7323 section 5.3). RST and SYN are judged by rules of their own.
inline Connection::Next Connection::check_timestamp(const Context& context, Instant now,
                                                    const SegmentIn& segment,
                                                    Actions& out) noexcept {
  if (!timestamps_ || segment.flags.rst() || segment.flags.syn()) return Next::kContinue;
  if (!segment.options.timestamps) {
    out.drop_segment(Drop::kTcpMissingTimestamp);
    return Next::kStop;
  }
  const std::uint32_t tsval = segment.options.timestamps->tsval;
  const bool old = static_cast<std::int32_t>(tsval - ts_recent_) < 0;
  if (!old || now - ts_recent_at_ > kTimestampLife) return Next::kContinue;
  out.drop_segment(Drop::kTcpPaws);
  if (segment.seq_len() > 0) {
    ack_now_ = true;
  } else {
    challenge(context, now, out);
  }
  return Next::kStop;
}

/// The four cases of RFC 9293 section 3.4. A bare ACK may stand at the right edge itself: that is
/// where a peer who filled the window speaks from.
bool Connection::acceptable(const SegmentIn& segment) const noexcept {
  const std::uint32_t length = segment.seq_len();
  if (length == 0) {
    return rcv_nxt_.at_or_before(segment.seq) && segment.seq.at_or_before(rcv_adv_);
  }
  return segment.seq.before(rcv_adv_) && rcv_nxt_.before(segment.seq + length);
}

inline Connection::Next Connection::check_sequence(const Context& context, Instant now,
                                                   const SegmentIn& segment, Text& text,
                                                   Actions& out) noexcept {
  // Each is judged by its own, stricter rule (RFC 5961).
  if (segment.flags.rst() || segment.flags.syn()) return Next::kContinue;
  if (!acceptable(segment)) {
    refuse(context, now, segment, out);
    return Next::kStop;
  }
  last_received_ = now;
  keep_alive_sent_ = 0;
  if (segment.options.user_timeout) [[unlikely]]
    hear_user_timeout(context, *segment.options.user_timeout);
  hear_ecn(segment, out);
  text = trim(segment, out);
  if (text.offset > 0) duplicate_arrived({segment.seq, text.begin});
  // RFC 7323 section 4.3: the earliest segment since the last ACK tells the peer's clock.
  if (timestamps_ && segment.seq.at_or_before(last_ack_sent_)) {
    const std::uint32_t tsval = segment.options.timestamps->tsval;
    if (static_cast<std::int32_t>(tsval - ts_recent_) >= 0 ||
        now - ts_recent_at_ > kTimestampLife) {
      ts_recent_ = tsval;
      ts_recent_at_ = now;
    }
  }
  return Next::kContinue;
}

/// Not acceptable: ACK and drop. The acknowledgement of a peer that probes (our window is closed,
/// or it speaks from one below) counts all the same, else two ends that probe each other never hear
/// each other (RFC 9293 MUST-66, appendix A.2).
void Connection::refuse(const Context& context, Instant now, const SegmentIn& segment,
                        Actions& out) noexcept {
  const SeqNumber end = segment.seq + segment.seq_len();
  const bool duplicate = end.at_or_before(rcv_nxt_);
  out.drop_segment(duplicate ? Drop::kTcpDuplicate : Drop::kTcpOutOfWindow);
  const bool probes_closed_window = segment.seq == rcv_nxt_ && rcv_adv_ == rcv_nxt_;
  const bool probes_below = segment.seq == rcv_nxt_ - 1 && segment.seq_len() <= 1;
  if ((probes_closed_window || probes_below) && segment.flags.ack()) {
    last_received_ = now;
    keep_alive_sent_ = 0;
    Actions effects;
    check_ack(context, now, segment, effects);
    if (!effects.dropped) {
      check_urgent(segment, effects);
      effects.drop_segment(out.drop);
      out = effects;
    }
    if (state_ == State::kClosed) return;
  }
  // Text that comes again means that an ACK of ours was lost. A bare ACK out of place gets a
  // bounded number of answers, so that two confused ends cannot keep each other busy (RFC 5961
  // section 7).
  if (segment.seq_len() > 0) {
    ack_now_ = true;
    if (duplicate && segment.len > 0) {
      duplicate_arrived({segment.seq, segment.seq + segment.len});
    }
  } else {
    challenge(context, now, out);
  }
}

/// Cuts what was received before and what lies beyond the window; a FIN goes with its cut tail.
Connection::Text Connection::trim(const SegmentIn& segment, Actions& out) const noexcept {
  Text text{segment.seq, 0, segment.len, segment.flags.fin(), segment.flags.psh()};
  if (segment.seq.before(rcv_nxt_)) {
    text.offset = std::min(segment.seq.until(rcv_nxt_), segment.len);
    text.begin = rcv_nxt_;
    text.len -= text.offset;
  }
  SeqNumber limit = rcv_adv_;
  if (peer_fin_seen_ && peer_fin_.before(limit)) {
    limit = peer_fin_;
    if (text.len > 0 && limit.before(text.end())) out.drop_segment(Drop::kTcpTextAfterFin);
  }
  if (limit.before(text.end())) {
    text.len = text.begin.before(limit) ? text.begin.until(limit) : 0;
    text.fin = false;
  }
  // The FIN takes a number, and so a place in the window.
  if (text.fin && text.end() == rcv_adv_) text.fin = false;
  return text;
}

/// Second: RST. Only an exact match resets; any other in-window RST is challenged (RFC 5961 section
/// 3.2), whatever our window says (MUST-66).
inline Connection::Next Connection::check_rst(const Context& context, Instant now,
                                              const SegmentIn& segment, Actions& out) noexcept {
  if (!segment.flags.rst()) return Next::kContinue;
  if (segment.seq != rcv_nxt_) {
    const bool inside = rcv_nxt_.before(segment.seq) && segment.seq.before(rcv_adv_);
    out.drop_segment(inside ? Drop::kTcpChallengedReset : Drop::kTcpBlindReset);
    if (inside) challenge(context, now, out);
    return Next::kStop;
  }
  if (state_ == State::kSynReceived) {
    const Error told = passive_ ? Error::kConnectionReset : Error::kConnectionRefused;
    become_closed(out, passive_ && !fast_open_ ? std::nullopt : std::optional{told});
  } else if (state_ == State::kClosing || state_ == State::kLastAck) {
    become_closed(out, std::nullopt);
  } else {
    become_closed(out, Error::kConnectionReset);
  }
  return Next::kStop;
}

/// Fourth: SYN. Challenged wherever it stands (RFC 5961 section 4.2); the peer's own SYN again
/// means that our SYN-ACK was lost.
inline Connection::Next Connection::check_syn(const Context& context, Instant now,
                                              const SegmentIn& segment, Actions& out) noexcept {
  if (!segment.flags.syn()) return Next::kContinue;
  if (state_ == State::kSynReceived && segment.seq == irs_) {
    if (!segment.flags.ack()) {
      syn_due_ = true;
      syn_lost_ = true;
      timing_ = false;
      out.drop_segment(Drop::kTcpDuplicate);
      return Next::kStop;
    }
    // The SYN-ACK of a simultaneous open: its SYN is known, its ACK is what we wait for.
    return Next::kContinue;
  }
  out.drop_segment(Drop::kTcpChallengedSyn);
  challenge(context, now, out);
  return Next::kStop;
}

/// Fifth: ACK.
inline Connection::Next Connection::check_ack(const Context& context, Instant now,
                                              const SegmentIn& segment, Actions& out) noexcept {
  if (!segment.flags.ack()) {
    out.drop_segment(Drop::kTcpNoAck);
    return Next::kStop;
  }
  if (state_ == State::kSynReceived) {
    if (!completes_handshake(segment)) {
      out.drop_segment(Drop::kTcpBadAck);
      out.reset = true;
      return Next::kStop;
    }
    establish(context, now, segment, out);
    return Next::kContinue;
  }
  // The peer's window has opened and taken the probe.
  if (probing_ && segment.ack == snd_nxt_ + 1) snd_nxt_ += 1;
  // RFC 5961 section 5.2: neither for what was never sent, nor older than a window.
  if (segment.ack.after(snd_nxt_) || segment.ack.before(snd_una_ - max_snd_wnd_)) {
    out.drop_segment(Drop::kTcpBadAck);
    challenge(context, now, out);
    return Next::kStop;
  }
  if (segment.ack.after(snd_una_) || !segment.options.sack.empty() || is_duplicate_ack(segment)) {
    on_ack(context, now, segment, out);
  }
  update_window(context, now, segment);
  return state_ == State::kClosed ? Next::kStop : Next::kContinue;
}

bool Connection::completes_handshake(const SegmentIn& segment) const noexcept {
  return segment.flags.ack() && segment.ack.after(snd_una_) && segment.ack.at_or_before(snd_nxt_);
}

void Connection::establish(const Context& context, Instant now, const SegmentIn& segment,
                           Actions& out) noexcept {
  sample_handshake(context, now, segment);
  if (syn_lost_) rto_.after_lost_syn();
  const bool early = !board_.empty();
  const std::uint32_t window =
      segment.flags.syn() ? segment.window : std::uint32_t{segment.window} << snd_shift_;
  if (!early) {
    snd_una_ = segment.ack;
    settle_text_of_syn(out);
  }
  if (!early || syn_lost_) {
    begin_sending(context, now, window);
  } else {
    snd_wnd_ = window;
    max_snd_wnd_ = std::max(max_snd_wnd_, window);
  }
  snd_wl1_ = segment.seq;
  snd_wl2_ = segment.ack;
  syn_due_ = false;
  unreachable_.reset();
  retransmits_ = 0;
  disarm(Timer::kRetransmit);
  disarm(Timer::kLifetime);
  // A half-close asked for during the handshake takes effect now (section 3.10.4).
  state_ = fin_queued_ ? State::kFinWait1 : State::kEstablished;
  if (early) settle_early(context, now, segment, out);
  last_received_ = now;
  start_acknowledging(context, now);
  begin_tuning(now);
  if (keep_alive_ms_ > 0) arm(Timer::kKeepAlive, now + keep_alive());
  limit_orphan(context, now);
  out.note(Note::kConnected | Note::kForwardProgress);
}

/// The peer's window is known, and nothing is in flight: what sending begins from.
void Connection::begin_sending(const Context& context, Instant now, std::uint32_t window) noexcept {
  snd_wnd_ = max_snd_wnd_ = window;
  limited_at_ = snd_sml_ = snd_una_;
  rack_.begin(snd_una_);
  recover_ = iss_;  // RFC 6582 section 3.2: a loss of the very first segment can be told
  delivery_.first_sent_at = delivery_.delivered_at = now;
  path_.begin(context.config, is_v6_);
  cut_for_path(timestamps_);
  congestion_.begin(now, mss_, context.config.initial_window_segments, syn_lost_, iss_.raw);
  set_pace(context);
}

/// New data is acknowledged: SND.UNA < SEG.ACK =< SND.NXT.
void Connection::advance(const Context& context, Instant now, const SegmentIn& segment,
                         Actions& out) noexcept {
  const std::uint32_t numbers = snd_una_.until(segment.ack);
  const bool fin_acked = fin_sent() && segment.ack == snd_nxt_;
  out.acked = numbers - (fin_acked ? 1 : 0);
  bytes_acked_ += out.acked;
  snd_una_ = segment.ack;
  path_acked(out);
  retransmits_ = 0;
  probing_ = false;
  unacked_since_ = now;
  unreachable_.reset();
  limit_orphan(context, now);
  out.note(Note::kForwardProgress);
  if (snd_una_ == snd_nxt_) {
    disarm(Timer::kRetransmit);
    if (snd_una_ == send_limit()) out.note(Note::kSent);
  } else if (timer(Timer::kPersist) == kNever) {
    arm_retransmit(context, now);
  }
  out.note(Note::kWritable);
  if (fin_acked) fin_acknowledged(context, now, out);
}

void Connection::sample_handshake(const Context& context, Instant now,
                                  const SegmentIn& segment) noexcept {
  const bool once = timing_;
  timed_ = timing_ && segment.ack.at_or_after(timed_end_);
  sample_round_trip(context, now, segment);
  if (!once && retransmits_ > 0) sample_echo(context, now, segment);
}

/// The timestamp echo tells which copy arrived (RFC 7323 section 4).
void Connection::sample_echo(const Context& context, Instant now,
                             const SegmentIn& segment) noexcept {
  if (!timestamps_ || !segment.options.timestamps || segment.options.timestamps->tsecr == 0) return;
  const std::uint32_t ticks = timestamp_now(now) - segment.options.timestamps->tsecr;
  if (ticks < 0x8000'0000) round_trip_was(context, std::max(milliseconds(ticks), milliseconds(1)));
}

/// RFC 6298 section 3: one timed segment a round trip, never one sent twice.
void Connection::sample_round_trip(const Context& context, Instant now,
                                   const SegmentIn& segment) noexcept {
  if (!timing_) return;
  // With SACK, what is timed may be sent again: then another is.
  if (!timed_ && segment.ack.before(timed_end_)) return;
  timing_ = false;
  if (timed_) round_trip_was(context, now - timed_at_);
  timed_ = false;
}

void Connection::round_trip_was(const Context& context, Duration rtt) noexcept {
  rto_.sample(context.config, rtt);
  shortest_may_be(rtt);
}

void Connection::shortest_may_be(Duration rtt) noexcept {
  const std::int64_t us = std::clamp<std::int64_t>((rtt + nanoseconds(999)) / microseconds(1), 1,
                                                   std::numeric_limits<std::uint32_t>::max());
  if (min_rtt_us_ == 0 || us < min_rtt_us_) min_rtt_us_ = static_cast<std::uint32_t>(us);
}

/// The window is taken from the newest segment only (SND.WL1, SND.WL2): an old one must not shrink
/// it. Deviation: of two segments the one that acknowledges more was sent later, though its number
/// be older, as it is when text comes again (docs/decisions/0010-window-of-text-sent-again.md).
void Connection::update_window(const Context& context, Instant now,
                               const SegmentIn& segment) noexcept {
  if (!snd_una_.at_or_before(segment.ack)) return;
  const bool newer = snd_wl2_.before(segment.ack) || snd_wl1_.before(segment.seq) ||
                     (snd_wl1_ == segment.seq && snd_wl2_.at_or_before(segment.ack));
  if (!newer) return;
  const bool was_shut = snd_wnd_ == 0;
  snd_wnd_ = std::uint32_t{segment.window} << snd_shift_;
  max_snd_wnd_ = std::max(max_snd_wnd_, snd_wnd_);
  snd_wl1_ = segment.seq;
  snd_wl2_ = segment.ack;
  if (!was_shut || snd_wnd_ == 0) return;
  persist_backoff_ = 0;
  disarm(Timer::kPersist);
  if (snd_una_ != snd_nxt_ && timer(Timer::kRetransmit) == kNever) {
    // What was in flight when the window shut, and probed for since, was thrown away.
    // Some of it may have been SACKed, and be thrown away all the same: the timer finds that out.
    board_.lose_all(context.sent);
    arm_retransmit(context, now);
  }
}

void Connection::fin_acknowledged(const Context& context, Instant now, Actions& out) noexcept {
  if (state_ == State::kFinWait1) {
    state_ = State::kFinWait2;
    if (lingers()) disarm(Timer::kUser);
    limit_orphan(context, now);
  } else if (state_ == State::kClosing) {
    enter_time_wait(out);
  } else if (state_ == State::kLastAck) {
    become_closed(out, std::nullopt);
  }
}

/// A segment of the peer's had so much text. No more than what we take counts: a larger one was
/// merged on its way from several.
inline void Connection::note_size(std::uint32_t len) noexcept {
  rcv_mss_ = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(len, rcv_mss_, local_mss_));
}

/// Seventh: the text.
Connection::Next Connection::accept_text(const Context& context, Instant now, const Text& text,
                                         Actions& out, ReassemblySteps& steps) noexcept {
  if (text.len == 0) return Next::kContinue;
  const bool open =
      state_ == State::kEstablished || state_ == State::kFinWait1 || state_ == State::kFinWait2;
  if (!open) return Next::kContinue;  // after the peer's FIN there is no text (trim() saw to it)
  if (detached_) {
    // Nobody will read it: the peer must not believe that somebody did (RFC 2525 section 2.17).
    out.drop_segment(Drop::kTcpTextAfterClose);
    out.note(Note::kTextAfterClose);
    out.reset = true;
    become_closed(out, Error::kConnectionReset);
    return Next::kStop;
  }
  if (context.out_of_memory && unread() > 0) {
    out.drop_segment(Drop::kTcpMemory);
    return Next::kContinue;
  }
  note_size(text.offset + text.len);
  const bool next_in_line = text.begin == rcv_nxt_;
  // In line it needs no range, so that reassembly without room for one cannot keep the hole open.
  if (next_in_line && !reassembly_.reached_by(context.ranges, text.end())) [[likely]] {
    out.text_offset = text.offset;
    out.text_len = text.len;
    take_text(context, now, text.end(), !reassembly_.empty(), text, out);
    return Next::kContinue;
  }

  if (context.short_of_memory && !next_in_line) {
    out.drop_segment(Drop::kTcpMemory);
    out_of_order_arrived();
    return Next::kContinue;
  }
  const bool had_room = reassembly_.ranges() < context.config.reassembly_ranges;
  SackBlock twice;
  const std::uint32_t kept = reassembly_.insert(context.ranges, context.config.reassembly_ranges,
                                                text.begin, text.end(), steps, twice);
  if (!twice.empty()) duplicate_arrived(twice);
  for (ReassemblyStep& step : steps) step.offset += text.offset;
  const SeqNumber next = reassembly_.deliver(context.ranges, rcv_nxt_, steps);
  if (kept == 0) {
    out.drop_segment(had_room && !context.ranges.full() ? Drop::kTcpDuplicate
                                                        : Drop::kTcpReassemblyFull);
  } else if (next == rcv_nxt_) {
    out.note(Note::kOutOfOrder);
  }
  if (next == rcv_nxt_) {
    out_of_order_arrived();
    return Next::kContinue;
  }
  take_text(context, now, next, true, text, out);
  return Next::kContinue;
}

/// Eighth: FIN. One that stands beyond a hole is remembered until the hole is filled.
void Connection::check_fin(const Text& text, Actions& out) noexcept {
  if (text.fin && !peer_fin_seen_) {
    peer_fin_seen_ = true;
    peer_fin_ = text.end();
  }
  if (peer_fin_seen_ && !peer_fin_taken_ && rcv_nxt_ == peer_fin_) take_fin(out);
}

void Connection::take_fin(Actions& out) noexcept {
  peer_fin_taken_ = true;
  rcv_nxt_ += 1;
  rcv_adv_ = later(rcv_adv_, rcv_nxt_);
  ack_now_ = true;
  out.note(Note::kReadable | Note::kPeerClosed);
  if (state_ == State::kEstablished) {
    state_ = State::kCloseWait;
  } else if (state_ == State::kFinWait1) {
    state_ = State::kClosing;
  } else if (state_ == State::kFinWait2) {
    enter_time_wait(out);
  }
}

/// An ACK that says where we stand, as far as this connection's budget goes: a forged segment may
/// not buy traffic without bound, and the budget tells a stranger nothing (RFC 5961 section 7).
void Connection::challenge(const Context& context, Instant now, Actions& out) noexcept {
  const std::uint32_t now_ms = timestamp_clock(now);
  const auto interval =
      static_cast<std::uint32_t>(context.config.challenge_interval / milliseconds(1));
  if (now_ms - challenges_since_ms_ >= interval) {
    challenges_since_ms_ = now_ms;
    challenges_ = 0;
  }
  if (challenges_ >= context.config.challenge_acks) return out.note(Note::kChallengeWithheld);
  ++challenges_;
  ack_now_ = true;
  out.note(Note::kChallengeAck);
}

void Connection::enter_time_wait(Actions& out) noexcept {
  state_ = State::kTimeWait;
  timers_.fill(kNever);
  earliest_ = kNever;
  out.time_wait = true;
}

void Connection::become_closed(Actions& out, std::optional<Error> error) noexcept {
  state_ = State::kClosed;
  error_ = error;
  timers_.fill(kNever);
  earliest_ = kNever;
  ack_now_ = false;
  dup_acks_owed_ = 0;
  syn_due_ = probe_due_ = keep_alive_due_ = false;
  snd_nxt_ = send_limit();
  out.closed = true;
}

Actions Connection::icmp_error(SeqNumber quoted, Error error, bool hard) noexcept {
  Actions out;
  // RFC 5927 section 4.1: it must quote something in flight.
  if (quoted.before(snd_una_) || !quoted.before(snd_nxt_)) {
    out.drop_segment(Drop::kIcmpErrorUnmatched);
    return out;
  }
  if (state_ == State::kSynSent && hard) {
    become_closed(out, error);
    return out;
  }
  if (!soft_errors_) return out;
  soft_error_ = unreachable_ = error;
  out.note(Note::kSoftError);
  return out;
}

std::optional<Error> Connection::take_soft_error() noexcept {
  const std::optional<Error> out = soft_error_;
  soft_error_.reset();
  return out;
}

}  // namespace smol::tcp
