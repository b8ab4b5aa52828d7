// RFC 9293 section 3.10.8: the timeouts.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

/// R1 of RFC 9293 section 3.8.3: from here on the path is in doubt (SHLD-10: at least 3).
constexpr std::uint8_t kR1 = 3;

/// In a row, without congestion control.
constexpr std::uint8_t kEvenTimeouts = 6;

/// As good as never, and still far from the end of an Instant.
constexpr Duration kTenYears = seconds(10 * 365 * 86'400ll);

}  // namespace

Actions Connection::timeout(const Context& context, Instant now) noexcept {
  Actions out;
  if (due(Timer::kDelayedAck, now)) on_delayed_ack_timer();
  if (due(Timer::kPace, now)) disarm(Timer::kPace);
  if (due(Timer::kLoss, now)) on_loss_timer(context, now, out);
  // A tail probe puts it off.
  if (tlp_due_ && due(Timer::kRetransmit, now)) arm_retransmit(context, now);
  if (due(Timer::kRetransmit, now)) on_retransmit_timer(context, now, out);
  if (due(Timer::kPersist, now)) on_persist_timer(context, now, out);
  if (due(Timer::kKeepAlive, now)) on_keep_alive_timer(now, out);
  if (due(Timer::kLifetime, now)) {
    // Nobody was told of an attempt of a peer's.
    const bool attempt = state_ == State::kSynReceived && !fast_open_ && passive_;
    attempt ? become_closed(out, std::nullopt) : give_up(out);
  }
  if (due(Timer::kUser, now)) {
    disarm(Timer::kUser);
    out.note(lingers() ? Note::kLingered : Note::kDeadline);
  }
  earliest_ = *std::min_element(timers_.begin(), timers_.end());
  if (tlp_due_) out.note(Note::kTailProbe);
  out.send = may_send();
  return out;
}

/// What a router said of it last tells more than that nobody has answered.
void Connection::give_up(Actions& out) noexcept {
  out.note(Note::kGaveUp);
  become_closed(out, unreachable_.value_or(Error::kTimedOut));
}

/// R2: how long data, or a SYN, may stay unacknowledged.
Duration Connection::patience(const Context& context) const noexcept {
  if (state_ == State::kSynSent || (state_ == State::kSynReceived && !passive_)) {
    return context.config.syn_timeout;
  }
  if (user_timeout_ms_ == kForeverMs) return kTenYears;
  const Duration wait =
      user_timeout_ms_ > 0 ? milliseconds(user_timeout_ms_) : context.config.user_timeout;
  return std::min(wait, kTenYears);
}

/// Nobody is left who could give up a connection that its user has closed: what it still sends has
/// to get somewhere within R2, and the peer's FIN to come within fin_wait_2. A peer that answers
/// probes of a window that it never opens would keep it for ever otherwise (RFC 6429 section 4).
void Connection::limit_orphan(const Context& context, Instant now) noexcept {
  if (!detached_) [[likely]]
    return;
  if (state_ == State::kFinWait2) return arm(Timer::kLifetime, now + context.config.fin_wait_2);
  const bool sends =
      state_ == State::kFinWait1 || state_ == State::kClosing || state_ == State::kLastAck;
  if (!sends) return;
  const bool chosen = user_timeout_ms_ > 0 && user_timeout_ms_ != kForeverMs;
  Duration limit = chosen ? milliseconds(user_timeout_ms_) : context.config.user_timeout;
  if (limit == SocketOptions::kForever) limit = context.config.most_user_timeout;
  arm(Timer::kLifetime, now + limit);
}

Instant Connection::gives_up_at(const Context& context, Instant now) const noexcept {
  return std::max(unacked_since_ + patience(context), now);
}

void Connection::on_retransmit_timer(const Context& context, Instant now, Actions& out) noexcept {
  disarm(Timer::kRetransmit);
  const bool opening = state_ == State::kSynSent || state_ == State::kSynReceived;
  if (!opening && snd_wnd_ == 0) {
    // The window was closed over data in flight: that is probed, not lost (MUST-35, SHLD-17).
    on_persist_timer(context, now, out);
    return;
  }
  if (now - unacked_since_ >= patience(context)) {
    give_up(out);
    return;
  }
  if (retransmits_ < 0xff) ++retransmits_;
  if (retransmits_ == kR1) out.note(Note::kReachedR1);
  out.note(Note::kTimeout);
  if (!opening && path_timed_out(context, out)) {
    ++timeouts_;
    arm_retransmit(context, now);
    return;
  }
  if (opening) {
    if (fast_open_ && !syn_lost_ && !passive_) out.note(Note::kFastOpenLost);
    syn_due_ = true;
    syn_lost_ = true;
    timing_ = false;
  } else {
    ++timeouts_;
    on_retransmission_timeout(context, now);
  }
  // Backing off relieves a network that is congested. Where there is to be none of that, the first
  // timeouts come at even intervals.
  const bool relieves = opening || congestion_.kind() != CongestionControl::kNone;
  if (relieves || retransmits_ > kEvenTimeouts) rto_.back_off();
  // It is armed again when the segment goes; until then, nothing in flight is without a timer.
  arm_retransmit(context, now);
}

void Connection::on_persist_timer(const Context& context, Instant now, Actions& out) noexcept {
  disarm(Timer::kPersist);
  if (snd_una_ == send_limit()) return;
  if (snd_wnd_ != 0) {
    override_ = true;
    return;
  }
  // A peer that answers its probes may keep its window shut for ever (MUST-37); one that does not
  // is gone.
  const bool unanswered = probing_ || snd_una_ != snd_nxt_;
  if (unanswered && unacked_since_ < last_received_) unacked_since_ = last_received_;
  if (unanswered && now - unacked_since_ >= patience(context)) {
    give_up(out);
    return;
  }
  if (!unanswered) unacked_since_ = now;
  probe_due_ = true;
  out.note(Note::kZeroWindowProbe);
  if (persist_backoff_ < 12) ++persist_backoff_;
  const Duration wait =
      std::min(rto_.value() * (std::int64_t{1} << persist_backoff_), context.config.max_rto);
  arm(Timer::kPersist, std::min(now + wait, gives_up_at(context, now)));
}

/// RFC 9293 section 3.8.4. Only an idle connection is probed: data to send has a timer of its own.
void Connection::on_keep_alive_timer(Instant now, Actions& out) noexcept {
  if (snd_una_ != send_limit()) {
    keep_alive_sent_ = 0;
    arm(Timer::kKeepAlive, now + keep_alive());
    return;
  }
  if (keep_alive_sent_ == 0 && last_received_ + keep_alive() > now) {
    arm(Timer::kKeepAlive, last_received_ + keep_alive());
    return;
  }
  const bool limited = user_timeout_ms_ > 0 && user_timeout_ms_ != kForeverMs;
  const Instant limit = limited ? last_received_ + milliseconds(user_timeout_ms_) : kNever;
  if (keep_alive_sent_ > 0 && (now >= limit || keep_alive_sent_ >= keep_alive_probes_)) {
    give_up(out);
    return;
  }
  ++keep_alive_sent_;
  keep_alive_due_ = true;
  out.note(Note::kKeepAlive);
  // With a user timeout the last word falls then, whatever the interval says.
  const Instant next = now + milliseconds(keep_alive_interval_ms_);
  arm(Timer::kKeepAlive, limit > now ? std::min(next, limit) : next);
}

}  // namespace smol::tcp
