#pragma once

#include <cstdint>
#include <memory_resource>
#include <utility>

#include "protocols/base/check.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/time.hh"

namespace smol::tcp {

/// How far delivery had come: what the rate of a connection is measured by (section 4.1 of the BBR
/// draft). Kept by a connection, and remembered with what it sends.
struct Delivery {
  std::uint64_t delivered = 0;  ///< octets known to have arrived since the connection began
  Instant delivered_at{};       ///< when the last of them was told of
  Instant first_sent_at{};      ///< begin of the flight that is being measured
  std::uint32_t lost = 0;       ///< octets taken for lost since the connection began; wraps
  bool app_limited = false;     ///< the application had too little to fill the path
};

/// A run of numbers sent at one time and since of one fate.
struct SentRun {
  SeqNumber begin;
  SeqNumber end;
  Instant sent_at;                 ///< the last time
  Delivery delivery;               ///< as it was then
  std::uint32_t tx_in_flight = 0;  ///< octets in flight then, these included
  std::uint32_t prev;              ///< neighbours by number
  std::uint32_t next;
  std::uint32_t older;  ///< neighbours by time of sending, of those in flight
  std::uint32_t newer;
  bool sacked = false;
  bool lost = false;          ///< taken for lost, and not sent again
  bool resent = false;        ///< ever
  bool resent_often = false;  ///< more than once
};
inline constexpr std::uint32_t kNoRun = 0xffff'ffff;

/// The runs of all connections of a stack. Each connection that has something in flight is sure of
/// one; what more there are go to whoever asks first.
class SentPool {
 public:
  /// `connections`: how many there may be; `more`: runs beyond one for each.
  SentPool(std::uint32_t connections, std::uint32_t more, std::pmr::memory_resource& memory)
      : runs_{connections + more, memory}, connections_{connections} {}

  SentRun& at(std::uint32_t index) noexcept { return runs_.at(index); }
  const SentRun& at(std::uint32_t index) const noexcept { return runs_.at(index); }
  std::uint32_t size() const noexcept { return runs_.size(); }
  static constexpr std::size_t octets_each() noexcept { return Slab<SentRun>::octets_each(); }

  /// The first run of a connection.
  std::uint32_t make_first(const SentRun& run) noexcept {
    ++holders_;
    const Handle made = runs_.emplace(run);
    SMOL_CHECK(made);
    return made.index;
  }
  /// One more; kNoRun: what is left is for those who have none.
  std::uint32_t make_more(const SentRun& run) noexcept {
    const std::uint32_t free = runs_.capacity() - runs_.size();
    if (free <= connections_ - holders_) {
      refuse();
      return kNoRun;
    }
    return runs_.emplace(run).index;
  }
  /// A connection has as many as it may.
  void refuse() noexcept { ++refused_; }
  /// How often there was none since this was asked last.
  std::uint32_t take_refused() noexcept { return std::exchange(refused_, 0); }
  /// `last`: the connection has no other.
  void erase(std::uint32_t index, bool last) noexcept {
    if (last) --holders_;
    runs_.erase(index);
  }

 private:
  Slab<SentRun> runs_;
  std::uint32_t connections_;
  std::uint32_t holders_ = 0;
  std::uint32_t refused_ = 0;
};

/// What a connection has in flight: [snd_una, snd_nxt) as a list of runs, each in flight, SACKed,
/// or taken for lost (RFC 6675 section 3, RFC 8985 section 5.2). Runs sent in one turn are one, and
/// so are neighbours that were SACKed: the list is as long as there are holes and turns, not
/// segments. An idle connection has no run.
///
/// Cost: sending, and each run acknowledged or lost, O(1); finding a SACK block's place walks from
/// the last one found, within a budget. Where runs are short, fates are kept more coarsely: what
/// was SACKed may be sent again, never the other way round.
class Scoreboard {
 public:
  /// Runs that one connection may have, whatever its peer acknowledges.
  static constexpr std::uint32_t kMostRuns = 16'384;

  bool empty() const noexcept { return first_ == kNoRun; }
  /// Octets sent, and neither delivered nor taken for lost: pipe of RFC 6675.
  std::uint32_t in_flight() const noexcept { return in_flight_; }
  std::uint32_t sacked() const noexcept { return sacked_; }  ///< octets
  std::uint32_t lost() const noexcept { return lost_; }      ///< octets, not sent again yet
  std::uint32_t runs() const noexcept { return runs_; }
  const SentRun& first(const SentPool& pool) const noexcept { return pool.at(first_); }
  const SentRun& last(const SentPool& pool) const noexcept { return pool.at(last_); }

  /// [begin, end) goes for the first time; begin is behind all that went before.
  void sent(SentPool& pool, Instant now, SeqNumber begin, SeqNumber end,
            const Delivery& delivery) noexcept;

  /// A part of what is taken for lost.
  struct Hole {
    SeqNumber begin;
    SeqNumber end;
  };
  /// The leftmost octets taken for lost, at most `most` of them, in one piece. Precondition: lost()
  /// > 0.
  Hole next_hole(const SentPool& pool, std::uint32_t most) noexcept;
  /// [begin, end), a hole or the end of what is in flight, was sent again.
  void resent(SentPool& pool, Instant now, SeqNumber begin, SeqNumber end,
              const Delivery& delivery) noexcept;

  /// All below `ack` is acknowledged: calls visit(run, end, octets) for each run, or the part of
  /// one up to `end`, that was not SACKed before, and forgets it.
  template <class Visit>
  void acknowledged(SentPool& pool, SeqNumber ack, Visit&& visit) noexcept {
    while (first_ != kNoRun && pool.at(first_).begin.before(ack)) {
      SentRun& run = pool.at(first_);
      const SeqNumber end = earlier(run.end, ack);
      const std::uint32_t octets = run.begin.until(end);
      if (!run.sacked) visit(static_cast<const SentRun&>(run), end, octets);
      take(run, octets, kGone);
      if (end == run.end) {
        remove(pool, first_);
      } else {
        run.begin = end;
      }
    }
  }

  /// [begin, end) lies within what is in flight and is SACKed: calls visit(run, end, octets) for
  /// what is news. `budget`: steps it may take, and took.
  template <class Visit>
  void selectively_acknowledged(SentPool& pool, SeqNumber begin, SeqNumber end,
                                std::uint32_t& budget, Visit&& visit) noexcept {
    std::uint32_t at = find(pool, begin, budget);
    while (at != kNoRun && pool.at(at).begin.before(end) && budget > 0) {
      --budget;
      if (!pool.at(at).sacked) {
        at = cut(pool, at, begin, end);
        if (at == kNoRun) return;
        SentRun& run = pool.at(at);
        visit(static_cast<const SentRun&>(run), run.end, run.begin.until(run.end));
        at = mark_sacked(pool, at);
      }
      cursor_ = at;
      at = pool.at(at).next;
    }
  }

  /// Of what is in flight, oldest first: `is_lost(run)` is asked until it says no. Returns the
  /// octets newly taken for lost.
  template <class IsLost>
  std::uint32_t detect_lost(SentPool& pool, IsLost&& is_lost) noexcept {
    std::uint32_t octets = 0;
    while (oldest_ != kNoRun && is_lost(static_cast<const SentRun&>(pool.at(oldest_)))) {
      octets += mark_lost(pool, oldest_);
    }
    return octets;
  }
  /// The first `octets`, as far as they are in flight: for a loss that duplicate ACKs tell of.
  std::uint32_t lose_first(SentPool& pool, std::uint32_t octets) noexcept;
  /// What of [begin, end) is in flight. O(runs behind begin).
  std::uint32_t lose_range(SentPool& pool, SeqNumber begin, SeqNumber end) noexcept;
  /// All that is in flight.
  std::uint32_t lose_all(SentPool& pool) noexcept;
  /// What is taken for lost is in flight after all. O(runs).
  void nothing_is_lost(SentPool& pool) noexcept;
  /// The peer has thrown away what it SACKed (RFC 2018 section 8): all of it is in flight. O(runs).
  void nothing_is_sacked(SentPool& pool) noexcept;
  void clear(SentPool& pool) noexcept;

 private:
  enum Fate : std::uint8_t { kGone, kSacked, kLost, kInFlight };

  std::uint32_t& amount(const SentRun& run) noexcept {
    return run.sacked ? sacked_ : run.lost ? lost_ : in_flight_;
  }
  /// Moves octets of a run from what it counts as to another account.
  void take(const SentRun& run, std::uint32_t octets, Fate to) noexcept;
  std::uint32_t find(const SentPool& pool, SeqNumber at, std::uint32_t& budget) const noexcept;
  std::uint32_t cut(SentPool& pool, std::uint32_t at, SeqNumber begin, SeqNumber end) noexcept;
  std::uint32_t split(SentPool& pool, std::uint32_t at, SeqNumber where) noexcept;
  std::uint32_t mark_sacked(SentPool& pool, std::uint32_t at) noexcept;
  std::uint32_t mark_lost(SentPool& pool, std::uint32_t at) noexcept;
  std::uint32_t make(SentPool& pool, const SentRun& run) noexcept;
  void remove(SentPool& pool, std::uint32_t at) noexcept;
  void link_after(SentPool& pool, std::uint32_t at, std::uint32_t made) noexcept;
  void back_in_flight(SentPool& pool, std::uint32_t at) noexcept;
  void leave_flight(SentPool& pool, std::uint32_t at) noexcept;
  void enter_flight(SentPool& pool, std::uint32_t at) noexcept;
  void enter_flight_by_time(SentPool& pool, std::uint32_t at) noexcept;

  std::uint32_t first_ = kNoRun;  ///< by number
  std::uint32_t last_ = kNoRun;
  std::uint32_t oldest_ = kNoRun;  ///< by time of sending, of those in flight
  std::uint32_t newest_ = kNoRun;
  std::uint32_t cursor_ = kNoRun;  ///< where the last SACK block was found
  std::uint32_t hole_ = kNoRun;    ///< nothing left of it is taken for lost
  std::uint32_t runs_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
};

}  // namespace smol::tcp
