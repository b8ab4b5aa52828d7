#pragma once

#include <cstdint>

#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/scoreboard.hh"

namespace smol::tcp {

/// RACK (RFC 8985 section 6): a segment is lost if one that was sent sufficiently later has
/// arrived. Sufficiently is a quarter of the shortest round trip once the path is known to reorder,
/// and no time at all before.
class Rack {
 public:
  /// [..., end) of `run` was delivered. `rtt` is how long after it was last sent. `echoes_older`:
  /// the ACK's timestamp tells that an earlier copy was.
  void delivered(const SentRun& run, SeqNumber end, Duration rtt, Duration min_rtt,
                 bool echoes_older) noexcept;
  /// An ACK told of all that the peer holds: what it did not tell of below its highest number has
  /// not arrived. (With more ranges than SACK has room for, or with the ACK that told of one lost,
  /// it may have.)
  void all_told() noexcept { told_ = fack_; }
  /// What was sent again was late, not lost.
  void was_late() noexcept { reordering_seen_ = true; }
  /// An ACK carried a D-SACK: what was taken for lost was late.
  void duplicate_reported(SeqNumber snd_una, SeqNumber snd_nxt) noexcept;
  /// Fast or timeout recovery has ended.
  void recovered() noexcept;
  /// How much later than its successors a segment may come. `sure`: in recovery, or as much was
  /// SACKed as three duplicate ACKs tell of.
  Duration reo_wnd(Duration min_rtt, Duration srtt, bool sure) const noexcept;
  /// Was the newest that arrived sent after this run?
  bool overtook(const SentRun& run) const noexcept {
    return sent_at_ > run.sent_at || (sent_at_ == run.sent_at && end_.after(run.end));
  }
  /// When a run that was overtaken is lost.
  Instant due(const SentRun& run, Duration reo_wnd) const noexcept {
    return run.sent_at + rtt_ + reo_wnd;
  }
  Duration rtt() const noexcept { return rtt_; }
  bool reordering_seen() const noexcept { return reordering_seen_; }
  /// Marks go along with SND.UNA, lest they fall half a circle back.
  void drag(SeqNumber snd_una) noexcept {
    fack_ = later(fack_, snd_una);
    end_ = later(end_, snd_una);
    told_ = later(told_, snd_una);
    if (in_dsack_round_ && snd_una.at_or_after(dsack_round_)) in_dsack_round_ = false;
  }
  void begin(SeqNumber snd_una) noexcept { fack_ = end_ = told_ = snd_una; }

 private:
  static constexpr std::uint8_t kPersist = 16;
  static constexpr std::uint8_t kMostMult = 255;

  Instant sent_at_{};  ///< RACK.xmit_ts: of the last sent of those that arrived
  Duration rtt_{0};
  SeqNumber end_;   ///< RACK.end_seq
  SeqNumber fack_;  ///< one past the highest number that arrived
  SeqNumber told_;  ///< fack, when all that had arrived below it was known
  SeqNumber dsack_round_;
  std::uint8_t reo_wnd_mult_ = 1;
  std::uint8_t reo_wnd_persist_ = kPersist;
  bool in_dsack_round_ = false;
  bool reordering_seen_ = false;
};

}  // namespace smol::tcp
