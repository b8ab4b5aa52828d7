// How long segments are, as the path is found to be: RFC 1191 section 6.4, RFC 4821, RFC 5927
// section 7. The machine is Plpmtud; here is what it means to a connection.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

/// MUST-16: options are taken off the payload.
void Connection::cut_for_path(bool timestamps) noexcept {
  mss_ = static_cast<std::uint16_t>(path_.size() - (timestamps ? 12 : 0));
}

/// What the peer may send is settled by our SYN; what we send follows the link, and the path.
void Connection::path_changed(const Context& context, std::uint16_t link,
                              std::uint16_t path) noexcept {
  if (state_ == State::kSynSent) {
    local_mss_ = peer_mss_ = link;
    rcv_mss_ = std::min(rcv_mss_, link);
    path_.set_bound(path);
    cut_for_path(context.config.timestamps);
    return;
  }
  const std::uint16_t before = path_.size();
  path_.set_bound(std::min(peer_mss_, path));
  if (path_.size() < before && snd_una_ != snd_nxt_) path_.outdated(snd_nxt_);
  cut_for_path(timestamps_);
}

Actions Connection::packet_too_big(const Context& context, SeqNumber quoted,
                                   std::uint16_t mss) noexcept {
  Actions out;
  // RFC 5927 section 4.1: it must quote something in flight.
  if (quoted.before(snd_una_) || !quoted.before(snd_nxt_)) {
    out.drop_segment(Drop::kIcmpErrorUnmatched);
    return out;
  }
  const SeqNumber too_long_end = path_.probing() ? path_.probe_end() : snd_nxt_;
  const std::uint16_t before = path_.size();
  switch (path_.too_big(mss, quoted)) {
    case Plpmtud::Verdict::kNoNews:
      out.drop_segment(Drop::kIcmpNoNewMtu);
      return out;
    case Plpmtud::Verdict::kPutAside:
      out.note(Note::kPathMtuDoubted);
      return out;
    case Plpmtud::Verdict::kCutBefore:
      lose(context, quoted, path_.outdated_end());
      out.send = may_send();
      return out;
    case Plpmtud::Verdict::kTaken:
      break;
  }
  out.note(Note::kPathMtu);
  const bool opening = state_ == State::kSynSent || state_ == State::kSynReceived;
  cut_for_path(state_ == State::kSynSent ? context.config.timestamps : timestamps_);
  // If only a probe was too long, what went after it was not.
  if (!opening) lose(context, quoted, path_.size() < before ? snd_nxt_ : too_long_end);
  out.send = may_send();
  return out;
}

/// [from, end) was lost for its length, which says nothing of congestion: it goes again, cut anew.
void Connection::lose(const Context& context, SeqNumber from, SeqNumber end) noexcept {
  board_.lose_range(context.sent, from, end);
  must_resend_ = board_.lost() > 0;
  timing_ = false;
  // The duplicate ACKs that this leads to tell of no other loss.
  if (episode_ != Episode::kNone) return;
  dup_acks_ = 0;
  recover_ = snd_nxt_;
}

/// The text of a probe that is due, however little of it `window` leaves room for now; 0: none.
/// Enough must go behind it for duplicate ACKs to tell of its loss (RFC 4821 section 7.4).
std::uint32_t Connection::probe_len(Instant now, std::uint32_t queued,
                                    std::uint32_t window) noexcept {
  const std::uint32_t behind = 3u * mss_;
  if (episode_ != Episode::kNone || queued <= mss_ + behind || window <= mss_ + behind) return 0;
  // Three duplicates tell of a loss beyond recover_ only (is_third_duplicate()).
  if (!sack_ && !snd_nxt_.after(recover_)) return 0;
  const std::uint16_t size = path_.wants_probe(now);
  if (size == 0) return 0;
  const std::uint32_t len = size - option_octets();
  return queued < len + behind || window < len + behind ? 0 : len;
}

void Connection::path_acked(Actions& out) noexcept {
  if (!path_.acked(snd_una_)) return;
  cut_for_path(timestamps_);
  out.note(Note::kProbeArrived);
}

/// [begin, end) goes again. If a part of a probe is in it, the probe is lost.
void Connection::loses_probe(SeqNumber begin, SeqNumber end) noexcept {
  if (path_.probing() && begin.before(path_.probe_end()) && end.after(probe_begin())) {
    path_.probe_lost(snd_nxt_);
  }
}

/// A probe is in flight, and an ACK told of loss: `newly_lost` octets, or, without SACK, by a third
/// duplicate. True: the probe is all that was lost. Its text goes again in segments of the usual
/// length, and congestion control need not hear of it (RFC 4821 section 7.6.1).
bool Connection::lost_probe_alone(const Context& context, std::uint32_t newly_lost,
                                  bool third_duplicate, Actions& out) noexcept {
  if (episode_ != Episode::kNone) return false;
  const SeqNumber begin = probe_begin();
  const SeqNumber end = path_.probe_end();
  if (sack_) {
    if (newly_lost == 0 || board_.lost() != newly_lost) return false;
    const Scoreboard::Hole hole = board_.next_hole(context.sent, begin.until(end) + 1);
    if (hole.begin.before(begin) || hole.end.after(end) ||
        hole.begin.until(hole.end) != newly_lost) {
      return false;
    }
    delivery_.lost -= newly_lost;
  } else if (!third_duplicate || snd_una_ != begin) {
    return false;
  }
  lose(context, begin, end);
  path_.probe_lost(snd_nxt_);
  out.note(Note::kProbeLost);
  return true;
}

/// True: the loss is explained by the length of what was lost, and all of it goes again at once.
bool Connection::path_timed_out(const Context& context, Actions& out) noexcept {
  const auto head =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(unacked(), mss_) + option_octets());
  if (!path_.timed_out(context.config, is_v6_, snd_una_, snd_nxt_, head, retransmits_))
    return false;
  cut_for_path(timestamps_);
  // That is but a guess: it may have been congestion.
  out.note(path_.black_hole() ? Note::kBlackHole : Note::kPathMtu);
  if (path_.black_hole()) return false;
  lose(context, snd_una_, snd_nxt_);
  return true;
}

}  // namespace smol::tcp
