#include "protocols/tcp/rack.hh"

#include <algorithm>

namespace smol::tcp {

void Rack::delivered(const SentRun& run, SeqNumber end, Duration rtt, Duration min_rtt,
                     bool echoes_older) noexcept {
  if (end.after(fack_)) {
    fack_ = end;
  } else if (end.before(told_) && !run.resent) {
    reordering_seen_ = true;  // it was missing, and has come
  }
  // Which copy of one that was sent twice arrived? Not the last, if that would have been too soon.
  if (run.resent && (echoes_older || rtt < min_rtt)) return;
  rtt_ = rtt;
  if (run.sent_at > sent_at_ || (run.sent_at == sent_at_ && end.after(end_))) {
    sent_at_ = run.sent_at;
    end_ = end;
  }
}

void Rack::duplicate_reported(SeqNumber snd_una, SeqNumber snd_nxt) noexcept {
  drag(snd_una);
  if (in_dsack_round_) return;
  in_dsack_round_ = true;
  dsack_round_ = snd_nxt;
  if (reo_wnd_mult_ < kMostMult) ++reo_wnd_mult_;
  reo_wnd_persist_ = kPersist;
}

void Rack::recovered() noexcept {
  if (reo_wnd_persist_ > 0 && --reo_wnd_persist_ > 0) return;
  reo_wnd_mult_ = 1;
}

Duration Rack::reo_wnd(Duration min_rtt, Duration srtt, bool sure) const noexcept {
  if (!reordering_seen_ && sure) return Duration::zero();
  return std::min(reo_wnd_mult_ * min_rtt / 4, srtt);
}

}  // namespace smol::tcp
