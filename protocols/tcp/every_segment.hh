// What nearly every segment goes through: members of Connection that more than one of its sources
// calls, here for the compiler to put in place. Included by those sources alone.
#pragma once

#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

// --- text that came (acknowledge.cc has the rest)
// -------------------------------------------------

/// A peer that has more to say (no PSH), sent less than a full segment and could send no full one
/// now is at the end of our window: it waits for us.
inline bool Connection::at_rest(const Text& text) const noexcept {
  return !text.pushed && text.len < rcv_mss_ && receive_window() < rcv_mss_;
}

/// Text up to `next` went into line: when to acknowledge it (what fills a hole, or a part of one,
/// at once). The whole burst is taken before anything is sent, so this comes to one ACK a burst at
/// most.
inline void Connection::take_text(const Context& context, Instant now, SeqNumber next, bool in_hole,
                                  const Text& text, Actions& out) noexcept {
  bytes_received_ += rcv_nxt_.until(next);
  rcv_nxt_ = next;
  out.note(Note::kReadable);
  if (clock_us(now) != last_text_us_) time_text(context, now);  // else it is of the same burst
  const std::uint32_t unacknowledged = last_ack_sent_.until(rcv_nxt_);
  if (in_hole || dup_acks_owed_ > 0) {
    // The ACKs owed would all say the new number, and the second to fourth of them seem to tell of
    // a loss. What selective acknowledgement has to tell is still to be told, once.
    dup_acks_owed_ = sack_ && (reassembly_.fresh() > 0 || !duplicate_.empty()) ? 1 : 0;
    ack_now_ = true;
  } else if (unacknowledged >= 2u * rcv_mss_ || quick_acks_ > 0 || at_rest(text) ||
             context.config.ack_delay <= Duration::zero()) {
    ack_now_ = true;
  } else if (timer(Timer::kDelayedAck) == kNever) {
    arm(Timer::kDelayedAck, now + ack_delay(context));
  }
}

// --- the window that we promise (receive_window.cc) ----------------------------------------------

/// The least by which the right edge is moved (receiver-side silly-window avoidance, RFC 9293
/// section 3.8.6.2.2), and that the scale can say.
inline std::uint32_t Connection::window_step() const noexcept {
  return std::max(std::min<std::uint32_t>(receive_buffer_ / 2, rcv_mss_), 1u << rcv_shift_);
}

/// The window field. The right edge moves only by a worthwhile step and never back: what was
/// promised is accepted. The field is rounded so that the edge does not seem to move back either
/// (RFC 7323 section 2.4), as long as that promises less than one unit of the scale beyond the
/// buffer; without this bound the edge would creep on with each ACK, and a window of large units
/// never close.
inline std::uint16_t Connection::select_window(const Context& context) noexcept {
  const SeqNumber desired = rcv_read_ + receive_buffer_;
  const std::uint32_t unit = 1u << rcv_shift_;
  SeqNumber edge = rcv_adv_;
  if (!context.short_of_memory &&
      rcv_adv_.distance(desired) >= static_cast<std::int32_t>(window_step())) {
    edge = desired;
  }
  std::uint32_t field = rcv_nxt_.until(edge) >> rcv_shift_;
  const SeqNumber up = rcv_nxt_ + ((field + 1) << rcv_shift_);
  if ((rcv_nxt_ + (field << rcv_shift_)).before(rcv_adv_) && up.before(desired + unit)) ++field;
  field = std::min<std::uint32_t>(field, 0xffff);
  rcv_adv_ = later(rcv_adv_, rcv_nxt_ + (field << rcv_shift_));
  return static_cast<std::uint16_t>(field);
}

// --- what may be sent (output.cc, path_mtu.cc) ---------------------------------------------------

/// What the network lets us send now. With nothing in flight a segment always goes: no ACK would
/// come to let it. Without SACK, the first two duplicate ACKs let one new segment go each (limited
/// transmit, RFC 3042); with it, what was SACKed is in flight no more.
inline std::uint32_t Connection::congestion_room() const noexcept {
  const std::uint32_t in_flight = board_.in_flight();
  if (in_flight == 0) return std::max(congestion_.cwnd(), std::uint32_t{mss_});
  const std::uint32_t extra =
      sack_ || episode_ == Episode::kRecovery ? 0 : std::min<std::uint32_t>(dup_acks_, 2) * mss_;
  const std::uint32_t window = congestion_.cwnd() + extra;
  return window > in_flight ? window - in_flight : 0;
}

/// Is it too early for the next segment?
inline bool Connection::must_pace(Instant now) noexcept {
  if (pace_q10_ == 0 || pace_until_ <= now) return false;
  waits_for_ = WaitsFor::kPacing;
  arm(Timer::kPace, pace_until_);
  return true;
}

/// A segment with `len` octets of text went for the first time; SND.NXT stands behind it.
inline void Connection::path_sent(std::uint32_t len) noexcept {
  if (len < mss_) return;
  path_.sent(snd_nxt_, static_cast<std::uint16_t>(len + option_octets()));
}

}  // namespace smol::tcp
