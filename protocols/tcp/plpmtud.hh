#pragma once

#include <cstdint>

#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/config.hh"

namespace smol::tcp {

/// How long the segments of a connection may be, learned three ways: from the link and the peer
/// (the bound), from routers (RFC 1191, RFC 8201, weighed as RFC 5927 section 7.2 says), and, where
/// routers are silent, from what gets through and what does not (packetization-layer path MTU
/// discovery, RFC 4821). A pure machine: no segment, no timer; its owner reports and asks.
///
/// All sizes are those of an MSS: payload and TCP options, the MTU less 40 or 60.
///
///      proven          size                failed     bound
///        |---------------|------ ? ----------|----------|
///      got through    cut to now          vanished    link, route, routers, peer
class Plpmtud {
 public:
  /// What became of a router's word.
  enum class Verdict : std::uint8_t {
    kNoNews,     ///< segments are no longer than that already
    kPutAside,   ///< longer ones got through: it counts if the segment times out
    kTaken,      ///< size() is smaller now, or a probe of it has failed
    kCutBefore,  ///< segments are no longer than that now, but the quoted one was: see outdated()
  };

  explicit constexpr Plpmtud(std::uint16_t bound) noexcept : bound_{bound}, size_{bound} {}

  /// Of a full segment now.
  std::uint16_t size() const noexcept { return size_; }
  std::uint16_t bound() const noexcept { return bound_; }
  bool searches() const noexcept { return state_ == State::kSearching; }

  /// Data may flow. PathProbing::kAlways begins at the base and searches upwards.
  void begin(const Config& config, bool is_v6) noexcept;
  /// The link, the route, the cache of path MTUs or the peer says so.
  void set_bound(std::uint16_t bound) noexcept;

  /// The size of a probe to send now if there is text for it; 0: none. One is in flight at most.
  std::uint16_t wants_probe(Instant now) noexcept {
    return state_ == State::kFollowing || mark_size_ != 0 ? std::uint16_t{0} : candidate(now);
  }
  /// set_bound() or the like has made segments shorter while longer ones, up to `snd_nxt`, were in
  /// flight. A router's word about one of them is no news, but tells that they are lost.
  void outdated(SeqNumber snd_nxt) noexcept {
    mark_size_ = kOutdated;
    mark_end_ = snd_nxt;
  }
  /// One past what outdated() told of. Valid after Verdict::kCutBefore.
  SeqNumber outdated_end() const noexcept { return mark_end_; }
  /// A segment of `size` went for the first time; `end`: one past it. A probe if longer than
  /// size().
  void sent(SeqNumber end, std::uint16_t size) noexcept {
    if (mark_size_ == 0 && size > proven_) {
      mark_size_ = size;
      mark_end_ = end;
    }
  }
  /// All before `una` has arrived. True: a probe did, and size() has grown.
  bool acked(SeqNumber una) noexcept {
    if (mark_size_ == 0 && aside_size_ == 0) return false;
    return arrived(una);
  }
  /// A probe is in flight.
  bool probing() const noexcept { return mark_size_ > size_; }
  std::uint16_t probe_size() const noexcept { return mark_size_; }
  /// One past the probe. Precondition: probing().
  SeqNumber probe_end() const noexcept { return mark_end_; }
  /// The probe, and perhaps nothing else, was lost: no congestion (RFC 4821 section 7.6.1). The
  /// next one waits until all up to `snd_nxt` has arrived.
  void probe_lost(SeqNumber snd_nxt) noexcept;

  /// A router says that the segment at `quoted`, which is in flight, is longer than `size`.
  Verdict too_big(std::uint16_t size, SeqNumber quoted) noexcept;
  /// The retransmission timer ran out `times` in a row over a segment of `head` octets at `una`.
  /// True: size() is smaller now, by a router's word that was put aside, or because long segments
  /// seem to vanish in a black hole (RFC 4821 section 7.7); black_hole() says which.
  bool timed_out(const Config& config, bool is_v6, SeqNumber una, SeqNumber snd_nxt,
                 std::uint16_t head, std::uint8_t times) noexcept;
  /// Of the last timed_out() that was true.
  bool black_hole() const noexcept { return state_ == State::kSearching; }

 private:
  enum class State : std::uint8_t {
    kFollowing,  ///< size() is the bound
    kSearching,
    kResting,  ///< found; the next search begins at rest_until_ms_
  };
  /// A mark of this size only waits for its end to arrive.
  static constexpr std::uint16_t kPause = 1;
  /// So does one of this, and what is before it was cut for a wider path.
  static constexpr std::uint16_t kOutdated = 2;
  /// A search ends when what is not known is less (RFC 4821 section 7.3).
  static constexpr std::uint16_t kStep = 8;

  static std::uint16_t base(const Config& config, bool is_v6) noexcept;
  std::uint16_t candidate(Instant now) noexcept;
  bool arrived(SeqNumber una) noexcept;
  void cut_to(std::uint16_t size) noexcept;
  void pause(SeqNumber until) noexcept {
    mark_size_ = kPause;
    mark_end_ = until;
  }

  std::uint16_t bound_;
  std::uint16_t size_;
  std::uint16_t proven_ = 0;      ///< the longest that got through on the path as it is
  std::uint16_t failed_ = 0;      ///< the shortest that did not; 0: none
  std::uint16_t mark_size_ = 0;   ///< of the segment up to mark_end_, whose fate matters; 0: none
  std::uint16_t aside_size_ = 0;  ///< a router's word about aside_; 0: none
  SeqNumber mark_end_;
  SeqNumber aside_;
  std::uint32_t rest_until_ms_ = 0;
  State state_ = State::kFollowing;
};

}  // namespace smol::tcp
