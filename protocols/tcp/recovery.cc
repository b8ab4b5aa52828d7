// Loss detection by duplicate ACKs and the recovery of NewReno (RFC 5681, RFC 6582).
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

constexpr std::uint8_t kDupThreshold = 3;

}  // namespace

/// RFC 5681 section 2: outstanding data, no text, no SYN or FIN, the same number, the same window.
bool Connection::is_duplicate_ack(const SegmentIn& segment) const noexcept {
  // One that speaks from below what was received is a keep-alive or window probe.
  return segment.ack == snd_una_ && snd_una_ != snd_nxt_ && segment.seq_len() == 0 &&
         rcv_nxt_.at_or_before(segment.seq) &&
         std::uint32_t{segment.window} << snd_shift_ == snd_wnd_ && snd_wnd_ != 0;
}

void Connection::on_duplicate_ack(Instant now, Actions& out) noexcept {
  ++dup_acks_in_;
  if (dup_acks_ < 0xff) ++dup_acks_;
  if (in_recovery_) {
    congestion_.on_duplicate_in_recovery(mss_);
    return;
  }
  // A second loss of the same window, or the echo of what a timeout sent again, is no new
  // congestion (RFC 6582 section 3.2 step 2, section 4).
  if (dup_acks_ != kDupThreshold || !snd_una_.after(recover_)) return;
  in_recovery_ = true;
  recover_ = snd_nxt_;
  // What limited transmit sent beyond cwnd does not count (RFC 5681 section 3.2 step 2).
  const std::uint32_t flight = std::min(unacked(), congestion_.cwnd());
  congestion_.on_congestion(now, mss_, flight, CongestionSignal::kLoss);
  congestion_.inflate(mss_);
  rtx_nxt_ = snd_una_;
  rtx_end_ = earlier(snd_una_ + mss_, snd_nxt_);
  ++fast_retrans_;
  out.note(Note::kFastRetransmit);
}

/// `acked` numbers are new; snd_una_ stands behind them already.
void Connection::on_new_ack(Instant now, std::uint32_t acked) noexcept {
  dup_acks_ = 0;
  const bool was_limited = (snd_una_ - acked).before(limited_at_);
  drag_marks();
  if (!in_recovery_) {
    AckSample sample;
    sample.now = now;
    sample.mss = mss_;
    sample.acked = sample.delivered = acked;
    sample.prior_in_flight = unacked() + acked;
    sample.in_flight = unacked();
    sample.srtt = rto_.srtt();
    sample.min_rtt = microseconds(min_rtt_us_);
    sample.cwnd_limited = was_limited;
    congestion_.on_ack(sample);
    return;
  }
  if (snd_una_.at_or_after(recover_)) {
    in_recovery_ = false;
    congestion_.on_full_ack(mss_, unacked());
    return;
  }
  // A partial ACK: the next hole begins right here (RFC 6582 section 3.2 step 3).
  congestion_.on_partial_ack(mss_, acked);
  rtx_nxt_ = snd_una_;
  rtx_end_ = earlier(snd_una_ + mss_, snd_nxt_);
}

/// Marks left behind in the stream go along with snd_una_, so that none falls half a circle back
/// and then seems to lie ahead.
void Connection::drag_marks() noexcept {
  limited_at_ = later(limited_at_, snd_una_);
  recover_ = later(recover_, snd_una_ - 1);
  snd_sml_ = later(snd_sml_, snd_una_);
  rtx_nxt_ = later(rtx_nxt_, snd_una_);
  rtx_end_ = later(rtx_end_, snd_una_);
}

/// All that is in flight is taken for lost and goes again from the left, as slow start allows.
void Connection::on_retransmission_timeout(Instant now) noexcept {
  congestion_.on_timeout(now, mss_, unacked(), retransmits_ <= 1);
  in_recovery_ = false;
  dup_acks_ = 0;
  recover_ = snd_nxt_;
  limited_at_ = snd_nxt_;
  rtx_nxt_ = snd_una_;
  rtx_end_ = snd_nxt_;
  timing_ = false;
}

}  // namespace smol::tcp
