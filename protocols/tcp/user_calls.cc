// The user's calls: RFC 9293 section 3.10.1 (OPEN) to 3.10.6 (STATUS).
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

/// Whole milliseconds, rounded up so that a positive duration never becomes "off". kForever, and
/// what does not fit 49 days, is all ones: kForeverMs.
std::uint32_t to_ms(Duration duration) noexcept {
  if (duration <= Duration::zero()) return 0;
  const std::int64_t ms = (duration - nanoseconds(1)) / milliseconds(1) + 1;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(ms, 0xffff'ffff));
}

}  // namespace

Connection::Connection(const Context& context, Instant now, const Setup& setup) noexcept
    : snd_una_{setup.iss},
      snd_nxt_{setup.iss},
      snd_end_{setup.iss + 1},
      ts_offset_{setup.ts_offset},
      ecn_use_{setup.options.ecn},
      nagle_{setup.options.nagle},
      keep_alive_octet_{setup.options.keep_alive_octet},
      is_v6_{setup.is_v6},
      soft_errors_{setup.options.soft_errors},
      cork_{setup.options.cork},
      user_timeout_option_{setup.options.user_timeout_option},
      user_timeout_due_{setup.options.user_timeout_option},
      user_timeout_chosen_{setup.options.user_timeout > Duration::zero()},
      hop_limit_{setup.options.hop_limit},
      dscp_{setup.options.dscp},
      local_mss_{setup.local_mss},
      last_received_{now},
      path_{setup.path_mss == 0 ? setup.local_mss : setup.path_mss},
      unacked_since_{now},
      rto_{context.config},
      congestion_{setup.options.congestion_control, setup.options.ecn == EcnUse::kDctcp},
      iss_{setup.iss},
      send_buffer_{setup.options.send_buffer},
      user_timeout_ms_{to_ms(setup.options.user_timeout)},
      keep_alive_ms_{to_ms(setup.options.keep_alive)},
      keep_alive_interval_ms_{to_ms(setup.options.keep_alive_interval)},
      linger_ms_{to_ms(setup.options.linger)},
      peer_mss_{setup.local_mss},
      keep_alive_probes_{setup.options.keep_alive_probes} {
  timers_.fill(kNever);
  if (context.config.window_scaling) rcv_shift_ = shift_for(setup.options.receive_buffer);
  limit_receive_buffer(context.config, setup.options.receive_buffer);
  mss_ = path_.size();
  rcv_mss_ = std::min(rcv_mss_, local_mss_);
}

void Connection::open_active(const Context& context) noexcept {
  state_ = State::kSynSent;
  // What is queued before the peer answers is laid out for the options it will likely agree to.
  cut_for_path(context.config.timestamps);
  syn_due_ = true;
}

void Connection::open_passive(const Context& context, Instant now, const SegmentIn& syn) noexcept {
  passive_ = true;
  ++segs_in_;
  last_received_ = now;
  take_options(context, syn);
  state_ = State::kSynReceived;
  syn_due_ = true;
  arm(Timer::kLifetime, now + context.config.syn_received);
}

bool Connection::may_queue() const noexcept {
  return !fin_queued_ && !detached_ &&
         (state_ == State::kSynSent || state_ == State::kSynReceived ||
          state_ == State::kEstablished || state_ == State::kCloseWait);
}

std::uint32_t Connection::unread() const noexcept {
  if (state_ == State::kSynSent) return 0;
  return rcv_read_.until(rcv_nxt_) - (peer_fin_taken_ ? 1 : 0);
}

std::uint32_t Connection::send_queue() const noexcept {
  const bool syn_unacked = state_ == State::kSynSent || state_ == State::kSynReceived;
  const SeqNumber first = syn_unacked ? iss_ + 1 : snd_una_;
  return first.before(snd_end_) ? first.until(snd_end_) : 0;
}

Actions Connection::shutdown_write(const Context&, Instant) noexcept {
  Actions out;
  if (fin_queued_) return out;
  switch (state_) {
    case State::kSynSent:
    case State::kSynReceived:
      fin_queued_ = true;  // takes effect once established
      break;
    case State::kEstablished:
      fin_queued_ = true;
      state_ = State::kFinWait1;
      break;
    case State::kCloseWait:
      fin_queued_ = true;
      state_ = State::kLastAck;
      break;
    case State::kClosed:
    case State::kListen:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait:
      break;
  }
  out.send = may_send();
  return out;
}

Actions Connection::close(const Context& context, Instant now) noexcept {
  Actions out;
  if (state_ == State::kSynSent) {
    become_closed(out, std::nullopt);
    return out;
  }
  out = shutdown_write(context, now);
  if (detached_) return out;
  detached_ = true;
  if (lingers()) {
    // The user's own timer has no other use now.
    state_ == State::kFinWait2 ? disarm(Timer::kUser)
                               : arm(Timer::kUser, now + milliseconds(linger_ms_));
  }
  limit_orphan(context, now);
  return out;
}

std::optional<SegmentOut> Connection::abort(const Context& context, Instant now,
                                            Error error) noexcept {
  const bool peer_knows =
      state_ != State::kClosed && state_ != State::kSynSent && state_ != State::kTimeWait;
  std::optional<SegmentOut> out;
  if (peer_knows) {
    out.emplace();
    bare_segment(context, now, snd_nxt_, *out);
    out->header.control = TcpControl::kRst;
    out->header.urgent = 0;
    out->header.ece = false;
  }
  Actions unused;
  become_closed(unused, error);
  return out;
}

void Connection::set_options(const Context& context, Instant now,
                             const SocketOptions& options) noexcept {
  send_buffer_ = options.send_buffer;
  limit_receive_buffer(context.config, options.receive_buffer);
  const bool chosen = options.user_timeout > Duration::zero();
  const std::uint32_t before = user_timeout_ms_;
  // What the peer asked for stands until the user chooses.
  if (chosen || user_timeout_chosen_) user_timeout_ms_ = to_ms(options.user_timeout);
  user_timeout_chosen_ = chosen;
  const bool news = !user_timeout_option_ || user_timeout_ms_ != before;
  user_timeout_option_ = options.user_timeout_option;
  user_timeout_due_ = user_timeout_option_ && (user_timeout_due_ || news);
  // What waits already ends by the new timeout.
  const bool waits = probing_ || snd_una_ != snd_nxt_;
  for (const Timer each : {Timer::kRetransmit, Timer::kPersist}) {
    if (waits && timer(each) != kNever) {
      arm(each, std::min(timer(each), gives_up_at(context, now)));
    }
  }
  nagle_ = options.nagle;
  keep_alive_octet_ = options.keep_alive_octet;
  keep_alive_interval_ms_ = to_ms(options.keep_alive_interval);
  linger_ms_ = to_ms(options.linger);
  keep_alive_probes_ = options.keep_alive_probes;
  hop_limit_ = options.hop_limit;
  dscp_ = options.dscp;
  soft_errors_ = options.soft_errors;
  if (!soft_errors_) {
    soft_error_.reset();
    unreachable_.reset();
  }
  cork_ = options.cork;
  if (to_ms(options.keep_alive) != keep_alive_ms_) {
    keep_alive_ms_ = to_ms(options.keep_alive);
    const bool running = state_ != State::kClosed && state_ != State::kSynSent &&
                         state_ != State::kSynReceived && state_ != State::kTimeWait;
    if (keep_alive_ms_ == 0) {
      disarm(Timer::kKeepAlive);
    } else if (running) {
      arm(Timer::kKeepAlive, now + keep_alive());
    }
  }
}

std::uint32_t Connection::unsent() const noexcept {
  // Before the SYN has gone, its number is not text.
  return std::min(snd_nxt_.before(snd_end_) ? snd_nxt_.until(snd_end_) : 0, send_queue());
}

/// Whatever is in flight brings an ACK, and with it another look; after that the wait is bounded,
/// so that a writer who forgets does not wait for ever.
bool Connection::held_by_cork(Instant now) noexcept {
  constexpr Duration kLongest = milliseconds(200);
  if (override_ || fin_queued_) return false;
  waits_for_ = WaitsFor::kNagle;
  if (snd_una_ == snd_nxt_ && timer(Timer::kPersist) == kNever) {
    arm(Timer::kPersist, now + kLongest);
  }
  return true;
}

bool Connection::trouble_is_news() noexcept {
  if (soft_errors_ && !soft_error_) soft_error_ = Error::kTimedOut;
  return soft_errors_;
}

}  // namespace smol::tcp
