// Explicit congestion notification: RFC 3168 section 6.1, and the exact echo of RFC 8257
// section 3.2.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

/// On a SYN. The first only: what drops SYNs that ask lets the second through (RFC 3168 section
/// 6.1.1.1).
void Connection::ask_for_ecn(TcpRepr& header) noexcept {
  const bool asks = ecn_use_ == EcnUse::kAsk || ecn_use_ == EcnUse::kDctcp;
  const bool first = snd_nxt_ == iss_;
  header.ece = header.cwr = asks && first;
  if (asks && first) ecn_asked_ = true;
  ect_ = asks && first;
}

/// By the peer's SYN or SYN-ACK (RFC 3168 section 6.1.1). Flags that come back as they went are no
/// answer: something on the way mirrors what it does not know. Who answers the SYN that asked,
/// after one that did not ask was sent, gets its marks echoed, and no packets that can be marked.
void Connection::negotiate_ecn(const SegmentIn& segment) noexcept {
  const TcpFlags flags = segment.flags;
  if (flags.ack()) {
    ecn_ = ecn_asked_ && flags.ece() && !flags.cwr();
    ect_ = ect_ && ecn_;
  } else {
    ecn_ = ect_ = ecn_use_ != EcnUse::kOff && flags.ece() && flags.cwr();
  }
}

/// What an acceptable segment says. Only packets with text can be marked; and only with text does
/// CWR mean that the peer has heard us: it is not sent again if it is lost.
void Connection::hear_ecn(const SegmentIn& segment, Actions& out) noexcept {
  if (!ecn_ || segment.len == 0) return;
  const bool marked = segment.ecn == Ecn::kCe;
  if (marked) {
    ++ce_in_;
    out.note(Note::kCongestionExperienced);
  }
  if (ecn_use_ != EcnUse::kDctcp) {
    if (segment.flags.cwr()) ece_ = false;
    if (marked && !ece_) ack_now_ = true;
    ece_ = ece_ || marked;
    return;
  }
  if (marked == ece_) return;
  // What came before and is not acknowledged gets an ACK of its own, that says so of it alone. Of
  // several turns in one burst, all but the last run count as marked if any of them was.
  if (last_ack_sent_ != rcv_nxt_) {
    ce_turned_from_ = ece_ || (ce_turned_ && ce_turned_from_);
    ce_turned_ = true;
    ce_turn_ = rcv_nxt_;
  }
  ece_ = marked;
  ack_now_ = true;
}

void Connection::echo_ecn(SegmentOut& out) noexcept {
  out.header.ece = ece_;
}

/// New data, and nothing else, may be marked (RFC 3168 section 6.1.4), and is what says CWR.
void Connection::mark_ecn(SegmentOut& out) noexcept {
  out.ecn = Ecn::kEct0;
  out.header.cwr = cwr_due_;
  cwr_due_ = false;
}

/// RFC 8257 section 3.2: the ACK of what came before the marks began, or ended. False: there is
/// none to send any more.
bool Connection::acknowledge_before_mark(const Context& context, Instant now,
                                         SegmentOut& out) noexcept {
  ce_turned_ = false;
  if (!last_ack_sent_.before(ce_turn_) || !ce_turn_.before(rcv_nxt_)) return false;
  bare_segment(context, now, snd_nxt_, out);
  out.header.ack = ce_turn_;
  out.header.ece = ce_turned_from_;
  // The same right edge, seen from an earlier number, and rounded once.
  out.header.window = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(ce_turn_.until(rcv_adv_) >> rcv_shift_, 0xffff));
  last_ack_sent_ = ce_turn_;
  ack_now_ = true;
  return true;
}

}  // namespace smol::tcp
