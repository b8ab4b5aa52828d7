// Urgent data (RFC 9293 section 3.8.5, RFC 6093): always in line. The pointer says how far it goes
// and is worth an event; the octets are read where they stand in the stream.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

void Connection::queued_urgent() noexcept {
  if (snd_end_ == snd_una_) return;
  urgent_out_ = true;
  snd_up_ = snd_end_;
  // Told even where no text may go (RFC 9293 section 3.8.5).
  if (state_ == State::kEstablished || state_ == State::kCloseWait) ack_now_ = true;
}

Urgent Connection::urgent() const noexcept {
  if (!urgent_in_) return {};
  return {rcv_read_.until(urgent_end_), rcv_read_ == urgent_end_};
}

/// Sixth: URG. The pointer is that of an octet behind the urgent data (MUST-62). One that says
/// nothing new (0, receding, of what was read already) is let go; how far ahead it points does not
/// matter, for nothing but this mark depends on it.
void Connection::check_urgent(const SegmentIn& segment, Actions& out) noexcept {
  if (!segment.flags.urg() || segment.urgent == 0) return;
  if (state_ != State::kEstablished && state_ != State::kFinWait1 && state_ != State::kFinWait2) {
    return;
  }
  const SeqNumber end = segment.seq + segment.urgent;
  if (!end.after(rcv_read_) || (urgent_in_ && !end.after(urgent_end_))) return;
  urgent_in_ = true;
  urgent_end_ = end;
  out.note(Note::kUrgent);
}

/// The pointer holds 16 bits: a longer run is told of as it comes nearer (MUST-31).
void Connection::put_urgent(SegmentOut& out) noexcept {
  if (snd_una_.at_or_after(snd_up_)) {
    urgent_out_ = false;
  } else if (out.header.seq.before(snd_up_)) {
    const std::uint32_t ahead = std::min<std::uint32_t>(out.header.seq.until(snd_up_), 0xffff);
    out.header.urgent = static_cast<std::uint16_t>(ahead);
  }
}

}  // namespace smol::tcp
