// What an acknowledgement tells of loss, and what is done about it: RACK-TLP (RFC 8985) with SACK
// (RFC 2018, 2883, 6675), NewReno without (RFC 5681, RFC 6582); PRR (RFC 9937), F-RTO (RFC 5682)
// and undo (RFC 3522, RFC 4015).
#include <algorithm>
#include <utility>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

constexpr std::uint8_t kDupThreshold = 3;
/// Steps over the list of runs that the SACK blocks of one ACK may cost.
constexpr std::uint32_t kSackBudget = 512;
/// A tail probe sooner than this would only meet delayed acknowledgements.
constexpr Duration kLeastProbe = milliseconds(10);

}  // namespace

/// What one ACK told.
struct Connection::News {
  std::uint32_t prior_in_flight = 0;
  std::uint32_t delivered = 0;   ///< octets newly acknowledged or SACKed
  std::uint32_t lost = 0;        ///< octets newly taken for lost
  std::uint32_t duplicates = 0;  ///< octets that a D-SACK says arrived twice
  SeqNumber duplicate_end;
  Instant once_at{};  ///< when the last of those delivered went that went only once
  Instant sent_at{};  ///< when the last went at all, and how delivery stood then
  Delivery then;
  std::uint32_t tx_in_flight = 0;
  bool advances = false;   ///< SND.UNA moved
  bool duplicate = false;  ///< a duplicate ACK as RFC 5681 section 2 has it
  bool once = false;       ///< once_at is known
  bool resent = false;     ///< something was delivered that went more than once
  bool original = false;   ///< before the timeout, and not again
  bool too_early = false;  ///< what this episode sent again first arrived before that (RFC 3522)
  bool echo = false;       ///< it tells of congestion
};

/// RFC 5681 section 2: outstanding data, no text, no SYN or FIN, the same number, the same window.
bool Connection::is_duplicate_ack(const SegmentIn& segment) const noexcept {
  // One that speaks from below what was received is a keep-alive or window probe.
  return segment.ack == snd_una_ && snd_una_ != snd_nxt_ && segment.seq_len() == 0 &&
         rcv_nxt_.at_or_before(segment.seq) &&
         std::uint32_t{segment.window} << snd_shift_ == snd_wnd_ && snd_wnd_ != 0;
}

/// An acceptable ACK with news: of what arrived, or of what did not.
void Connection::on_ack(const Context& context, Instant now, const SegmentIn& segment,
                        Actions& out) noexcept {
  News news;
  news.prior_in_flight = board_.in_flight();
  news.advances = segment.ack.after(snd_una_);
  news.duplicate = is_duplicate_ack(segment);
  const bool was_limited = snd_una_.before(limited_at_);
  hear_delivery(context, now, segment, news);
  sample_round_trip(context, now, segment);
  if (news.once && !news.resent) shortest_may_be(now - news.once_at);
  if (news.advances && rto_.backoff() > 0) end_backoff(context, now, segment, news);
  std::uint32_t acked = 0;
  if (news.advances) {
    acked = snd_una_.until(segment.ack);
    advance(context, now, segment, out);
    if (state_ == State::kClosed || state_ == State::kTimeWait) return;
  }
  count_duplicates(news);
  drag_marks();
  if (sack_) news.lost = detect_loss(context, now);
  if (path_.probing() && lost_probe_alone(context, news.lost, is_third_duplicate(news), out)) {
    news.lost = 0;
  }
  // Before the episode may end: what it covers is one round trip, its last ACK included.
  news.echo = congestion_told(segment);
  if (news.echo) {
    ++ece_in_;
    congestion_echoed(now);
  }
  const bool was_recovering = episode_ == Episode::kRecovery || episode_ == Episode::kCwr;
  hear_probe(now, segment, news);
  if (was_spurious(news)) undo(context, out);
  if (episode_ != Episode::kNone) go_on(context, now, news, acked, out);
  if (episode_ == Episode::kNone || episode_ == Episode::kCwr)
    begin_recovery(context, now, news, out);
  const bool recovering = episode_ == Episode::kRecovery || episode_ == Episode::kCwr;
  report(context, now, news, acked, was_limited, was_recovering, recovering);
  if (recovering && steered_by_prr()) {
    congestion_.set_cwnd(prr_.cwnd(news.delivered, board_.in_flight(), congestion_.ssthresh(), mss_,
                                   news.advances && news.lost == 0));
  }
  set_pace(context);
  schedule_probe(context, now);
}

/// Where the timed segment is lost again and again, any other round trip will do to end the
/// back-off (RFC 6298 section 5.7): of a segment that went once, or of the copy that the timestamp
/// tells. But one that was followed by more than one copy may have arrived long ago, and its ACK
/// been lost.
void Connection::end_backoff(const Context& context, Instant now, const SegmentIn& segment,
                             const News& news) noexcept {
  if (news.once && !news.resent) {
    round_trip_was(context, now - news.once_at);
  } else if (timestamps_ && segment.options.timestamps) {
    const std::uint32_t tsecr = segment.options.timestamps->tsecr;
    const bool last = static_cast<std::int32_t>(tsecr - timestamp_now(news.sent_at)) >= 0;
    if (last || retransmits_ <= 1) sample_echo(context, now, segment);
  }
}

// --- what arrived --------------------------------------------------------------------------------

void Connection::hear_delivery(const Context& context, Instant now, const SegmentIn& segment,
                               News& news) noexcept {
  const Duration min_rtt = microseconds(min_rtt_us_);
  const auto& stamps = segment.options.timestamps;
  // The echo is of what came in line, and says nothing of what waits beyond a hole (RFC 7323
  // section 4.3).
  bool in_line = true;
  const auto hear = [&](const SentRun& run, SeqNumber end, std::uint32_t octets) {
    news.delivered += octets;
    if (run.resent) {
      news.resent = true;
    } else {
      news.once_at = news.once ? std::max(news.once_at, run.sent_at) : run.sent_at;
      news.once = true;
      if (end.at_or_before(recover_)) news.original = true;
      if (timing_ && run.begin.before(timed_end_) && timed_end_.at_or_before(end)) timed_ = true;
    }
    if (run.sent_at >= news.sent_at) {
      news.sent_at = run.sent_at;
      news.then = run.delivery;
      news.tx_in_flight = run.tx_in_flight;
    }
    const bool older = in_line && run.resent && timestamps_ && stamps && stamps->tsecr != 0 &&
                       static_cast<std::int32_t>(stamps->tsecr - timestamp_now(run.sent_at)) < 0;
    if (older && !run.resent_often && run.begin.at_or_before(first_resent_) &&
        first_resent_.before(end)) {
      news.too_early = true;
    }
    if (sack_) rack_.delivered(run, end, now - run.sent_at, min_rtt, older);
  };
  if (news.advances) board_.acknowledged(context.sent, segment.ack, hear);
  in_line = false;
  if (sack_ && !segment.options.sack.empty()) hear_sack(context, segment, news, hear);
  // Without SACK, what waited behind a hole is acknowledged with it, and may have waited for long.
  if (!sack_ && news.resent) news.original = false;
  if (news.delivered == 0) return;
  delivery_.delivered += news.delivered;
  delivery_.delivered_at = now;
  delivery_.first_sent_at = news.sent_at;
  if (delivery_.app_limited && delivery_.delivered > app_limited_until_) {
    delivery_.app_limited = false;
  }
}

/// The blocks, those that cannot be left out (RFC 2018 section 5): a block is of text in flight, or
/// the first, as a D-SACK, of text that came twice (RFC 2883 section 4).
template <class Hear>
void Connection::hear_sack(const Context& context, const SegmentIn& segment, News& news,
                           const Hear& hear) noexcept {
  const auto& blocks = segment.options.sack;
  std::size_t at = 0;
  if (is_duplicate_report(segment)) {
    news.duplicates = blocks[0].left.until(blocks[0].right);
    news.duplicate_end = blocks[0].right;
    at = 1;
  }
  std::uint32_t budget = kSackBudget;
  const SeqNumber first = later(segment.ack, snd_una_);
  for (; at < blocks.size(); ++at) {
    const auto& block = blocks[at];
    if (!block.left.before(block.right) || block.left.before(first) ||
        block.right.after(snd_nxt_)) {
      continue;
    }
    board_.selectively_acknowledged(context.sent, block.left, block.right, budget, hear);
  }
  const std::size_t room = timestamps_ ? 3 : blocks.capacity();
  if (blocks.size() < room && segment.ack.at_or_after(snd_una_)) rack_.all_told();
}

/// Below the acknowledgement, or inside the block that follows.
bool Connection::is_duplicate_report(const SegmentIn& segment) const noexcept {
  const auto& blocks = segment.options.sack;
  const auto& block = blocks[0];
  if (!block.left.before(block.right) || block.right.after(snd_nxt_) ||
      block.left.before(snd_una_ - max_snd_wnd_)) {
    return false;
  }
  if (block.right.at_or_before(segment.ack)) return true;
  return blocks.size() > 1 && blocks[1].left.at_or_before(block.left) &&
         block.right.at_or_before(blocks[1].right) && blocks[1].left.before(blocks[1].right);
}

void Connection::count_duplicates(News& news) noexcept {
  if (news.duplicate) ++dup_acks_in_;
  if (news.advances) {
    dup_acks_ = 0;
  } else if (sack_ ? news.delivered > 0 : news.duplicate) {
    if (dup_acks_ < 0xff) ++dup_acks_;
  }
  if (news.duplicates == 0) return;
  ++dsacks_in_;
  rack_.duplicate_reported(snd_una_, snd_nxt_);
  undo_octets_ -= std::min(undo_octets_, news.duplicates);
}

/// Marks left behind in the stream go along with snd_una_, so that none falls half a circle back
/// and then seems to lie ahead.
void Connection::drag_marks() noexcept {
  limited_at_ = later(limited_at_, snd_una_);
  recover_ = later(recover_, snd_una_ - 1);
  snd_sml_ = later(snd_sml_, snd_una_);
  rack_.drag(snd_una_);
}

// --- what did not arrive -------------------------------------------------------------------------

/// RFC 8985 section 6.2 step 5. Octets newly taken for lost.
std::uint32_t Connection::detect_loss(const Context& context, Instant now) noexcept {
  const bool sure = episode_ == Episode::kRecovery || episode_ == Episode::kLoss ||
                    dup_acks_ >= kDupThreshold || board_.sacked() > (kDupThreshold - 1u) * mss_;
  const Duration reo_wnd = rack_.reo_wnd(microseconds(min_rtt_us_), rto_.srtt(), sure);
  Instant next = kNever;
  const std::uint32_t lost = board_.detect_lost(context.sent, [&](const SentRun& run) {
    if (!rack_.overtook(run)) return false;
    const Instant due = rack_.due(run, reo_wnd);
    if (due > now) next = due;
    return due <= now;
  });
  delivery_.lost += lost;
  loss_timer_probes_ = false;
  next == kNever ? disarm(Timer::kLoss) : arm(Timer::kLoss, next);
  return lost;
}

/// Without SACK: a second loss of the same window, or the echo of what a timeout sent again, is no
/// new congestion (RFC 6582 section 3.2 step 2, section 4).
bool Connection::is_third_duplicate(const News& news) const noexcept {
  return !sack_ && dup_acks_ == kDupThreshold && news.duplicate && snd_una_.after(recover_);
}

/// A new episode, if this ACK tells of loss.
void Connection::begin_recovery(const Context& context, Instant now, const News& news,
                                Actions& out) noexcept {
  if (news.lost == 0 && !is_third_duplicate(news)) return;
  const bool reduced = episode_ == Episode::kCwr;
  begin_episode(Episode::kRecovery);
  ++fast_retrans_;
  out.note(Note::kFastRetransmit);
  must_resend_ = true;
  if (reduced) {
    undo_open_ = false;  // what was cut was cut for a mark
  } else {
    // What limited transmit sent beyond cwnd does not count (RFC 5681 section 3.2 step 2).
    const std::uint32_t flight = std::min(unacked(), congestion_.cwnd());
    congestion_.on_congestion(now, mss_, flight, CongestionSignal::kLoss);
    prr_.begin(news.prior_in_flight);
  }
  if (!sack_) {
    congestion_.inflate(mss_);
    delivery_.lost += board_.lose_first(context.sent, mss_);
  }
}

void Connection::begin_episode(Episode episode) noexcept {
  episode_ = episode;
  recover_ = snd_nxt_;
  undo_octets_ = 0;
  undo_open_ = true;
  resent_any_ = false;
  frto_ = frto_new_ = false;
}

/// The peer says that a packet met congestion (RFC 3168 section 6.1.2): once a round trip.
void Connection::congestion_echoed(Instant now) noexcept {
  if (episode_ != Episode::kNone) return;
  begin_episode(Episode::kCwr);
  cwr_due_ = true;
  undo_open_ = false;
  congestion_.on_congestion(now, mss_, std::min(unacked(), congestion_.cwnd()),
                            CongestionSignal::kEcn);
  prr_.begin(board_.in_flight());
}

/// An ACK while an episode is under way.
void Connection::go_on(const Context& context, Instant now, const News& news, std::uint32_t acked,
                       Actions& out) noexcept {
  if (episode_ == Episode::kLoss && frto_) {
    watch_timeout(context, news, out);
    if (episode_ == Episode::kNone) return;
  }
  if (snd_una_.at_or_after(recover_)) return end_episode(now);
  if (episode_ != Episode::kRecovery || sack_) return;
  if (!news.advances) {
    if (news.duplicate) congestion_.on_duplicate_in_recovery(mss_);
    return;
  }
  // A partial ACK: the next hole begins right here (RFC 6582 section 3.2 step 3).
  congestion_.on_partial_ack(mss_, acked);
  delivery_.lost += board_.lose_first(context.sent, mss_);
  must_resend_ = true;
}

void Connection::end_episode(Instant now) noexcept {
  const Episode was = std::exchange(episode_, Episode::kNone);
  if (was != Episode::kCwr) rack_.recovered();
  frto_ = frto_new_ = must_resend_ = false;
  if (was == Episode::kRecovery && !sack_) {
    congestion_.on_full_ack(mss_, unacked());
  } else if (was != Episode::kLoss || !congestion_.reduces_by_prr()) {
    congestion_.on_recovery_end(now, mss_, board_.in_flight());
  }
}

// --- no loss after all ---------------------------------------------------------------------------

/// Eifel (RFC 3522): the ACK of what was sent again first echoes an older copy. D-SACK: all that
/// was sent again had arrived.
bool Connection::was_spurious(const News& news) const noexcept {
  if (!undo_open_ || !resent_any_) return false;
  return (news.duplicates > 0 && undo_octets_ == 0) ||
         (news.too_early && episode_ != Episode::kNone);
}

void Connection::undo(const Context& context, Actions& out) noexcept {
  if (episode_ == Episode::kRecovery) rack_.was_late();
  congestion_.undo();
  board_.nothing_is_lost(context.sent);
  episode_ = Episode::kNone;
  undo_open_ = frto_ = frto_new_ = must_resend_ = false;
  rto_.after_spurious();
  retransmits_ = 0;
  ++undone_;
  out.note(Note::kUndone);
}

/// F-RTO (RFC 5682 section 2.1 and 3.1): after a timeout, what arrives that was not sent again
/// tells that it was too early.
void Connection::watch_timeout(const Context& context, const News& news, Actions& out) noexcept {
  if (news.original) return undo(context, out);
  const bool sent_new = snd_nxt_.after(recover_);
  if (news.advances && !sent_new && snd_una_.before(recover_)) {
    // New data in place of what may not be lost, if there is some to go: its fate will tell.
    frto_new_ = true;
    return;
  }
  if (!news.advances) frto_ = frto_new_ = false;
}

// --- timers --------------------------------------------------------------------------------------

/// RFC 8985 section 6.3: the first, and what had time enough, is lost; without SACK, all.
void Connection::on_retransmission_timeout(const Context& context, Instant now) noexcept {
  const bool first = retransmits_ <= 1 && episode_ != Episode::kRecovery;
  congestion_.on_timeout(now, mss_, unacked(), first);
  dup_acks_ = 0;
  tlp_open_ = tlp_due_ = false;
  disarm(Timer::kLoss);
  limited_at_ = snd_nxt_;
  if (episode_ == Episode::kLoss && retransmits_ > 1) {
    recover_ = snd_nxt_;
    frto_ = frto_new_ = false;
  } else {
    begin_episode(Episode::kLoss);
    frto_ = true;
  }
  must_resend_ = true;
  if (!board_.empty() && board_.first(context.sent).sacked) {
    board_.nothing_is_sacked(context.sent);
    delivery_.lost += board_.lose_all(context.sent);
    frto_ = false;
  } else if (!sack_) {
    delivery_.lost += board_.lose_all(context.sent);
  } else {
    delivery_.lost += board_.lose_first(context.sent, mss_);
    const Duration patience = std::max(rto_.srtt(), rack_.rtt()) + rto_.srtt() / 4;
    delivery_.lost += board_.detect_lost(
        context.sent, [&](const SentRun& run) { return run.sent_at + patience <= now; });
  }
  set_pace(context);
}

void Connection::on_loss_timer(const Context& context, Instant now, Actions& out) noexcept {
  disarm(Timer::kLoss);
  if (loss_timer_probes_) {
    tlp_due_ = true;
    return;
  }
  News news;
  news.prior_in_flight = board_.in_flight();
  news.lost = detect_loss(context, now);
  if (news.lost == 0) return;
  if (path_.probing() && lost_probe_alone(context, news.lost, false, out)) return;
  if (episode_ == Episode::kNone || episode_ == Episode::kCwr)
    begin_recovery(context, now, news, out);
  if (episode_ == Episode::kRecovery && steered_by_prr()) {
    congestion_.set_cwnd(prr_.cwnd(0, board_.in_flight(), congestion_.ssthresh(), mss_, false));
  }
}

/// RFC 8985 section 7.2: when to ask what became of the end of the flight.
void Connection::schedule_probe(const Context& context, Instant now) noexcept {
  const bool wanted = sack_ && context.config.tail_loss_probe && episode_ == Episode::kNone &&
                      state_ != State::kSynReceived && !tlp_open_ && board_.in_flight() > 0 &&
                      board_.sacked() == 0 && board_.lost() == 0 && snd_wnd_ > 0;
  if (!wanted) {
    if (loss_timer_probes_) disarm(Timer::kLoss);
    return;
  }
  Duration wait = seconds(1);
  if (rto_.srtt() > Duration::zero()) {
    wait = std::max(2 * rto_.srtt(), kLeastProbe);
    if (unacked() <= mss_) wait += context.config.most_ack_delay;
  }
  loss_timer_probes_ = true;
  arm(Timer::kLoss, std::min(now + wait, timer(Timer::kRetransmit)));
}

/// RFC 8985 section 7.4.2: did the probe repair a loss?
void Connection::hear_probe(Instant now, const SegmentIn& segment, const News& news) noexcept {
  if (!tlp_open_ || segment.ack.before(tlp_end_)) return;
  const bool arrived_twice = news.duplicates > 0 && news.duplicate_end == tlp_end_;
  if (!tlp_resent_ || arrived_twice) {
    tlp_open_ = false;
  } else if (segment.ack.after(tlp_end_)) {
    tlp_open_ = false;
    if (episode_ != Episode::kNone) return;
    congestion_.on_congestion(now, mss_, std::min(unacked() + mss_, congestion_.cwnd()),
                              CongestionSignal::kLoss);
    congestion_.on_recovery_end(now, mss_, board_.in_flight());
  } else if (news.duplicate && segment.options.sack.empty()) {
    tlp_open_ = false;
  }
}

// --- what congestion control is told -------------------------------------------------------------

void Connection::report(const Context& context, Instant now, const News& news, std::uint32_t acked,
                        bool was_limited, bool was_recovering, bool recovering) noexcept {
  AckSample sample;
  sample.now = now;
  sample.mss = mss_;
  sample.in_recovery = was_recovering || recovering;
  // Without SACK the last ACK tells of what waited behind a hole, and arrived in recovery.
  sample.ends_recovery = sack_ && was_recovering && !recovering;
  sample.acked = sample.in_recovery ? std::min(acked, news.delivered) : acked;
  sample.delivered = news.delivered;
  sample.lost = news.lost;
  sample.ce_marked = news.echo ? news.delivered : 0;
  sample.in_flight = board_.in_flight();
  if (news.once && !news.resent) sample.rtt = now - news.once_at;
  sample.srtt = rto_.srtt();
  sample.min_rtt = microseconds(min_rtt_us_);
  sample.total_delivered = delivery_.delivered;
  sample.cwnd_limited = was_limited;
  sample.paced = pace_q10_ != 0;
  sample.slow_start_segments = context.config.slow_start_segments;
  if (news.delivered > 0) {
    sample.prior_delivered = news.then.delivered;
    sample.tx_in_flight = news.tx_in_flight;
    sample.lost_since = delivery_.lost - news.then.lost;
    sample.app_limited = news.then.app_limited;
    sample.rate_delivered = static_cast<std::uint32_t>(delivery_.delivered - news.then.delivered);
    sample.interval =
        std::max(news.sent_at - news.then.first_sent_at, now - news.then.delivered_at);
  }
  congestion_.on_ack(sample);
}

}  // namespace smol::tcp
