#include "protocols/tcp/scoreboard.hh"

#include "protocols/base/check.hh"

namespace smol::tcp {

void Scoreboard::take(const SentRun& run, std::uint32_t octets, Fate to) noexcept {
  amount(run) -= octets;
  if (to == kSacked) sacked_ += octets;
  if (to == kLost) lost_ += octets;
  if (to == kInFlight) in_flight_ += octets;
}

// --- the two lists -------------------------------------------------------------------------------

std::uint32_t Scoreboard::make(SentPool& pool, const SentRun& run) noexcept {
  if (runs_ == 0) {
    ++runs_;
    return pool.make_first(run);
  }
  if (runs_ >= kMostRuns) {
    pool.refuse();
    return kNoRun;
  }
  const std::uint32_t made = pool.make_more(run);
  if (made != kNoRun) ++runs_;
  return made;
}

void Scoreboard::link_after(SentPool& pool, std::uint32_t at, std::uint32_t made) noexcept {
  SentRun& run = pool.at(made);
  run.prev = at;
  run.next = at == kNoRun ? first_ : pool.at(at).next;
  (run.prev == kNoRun ? first_ : pool.at(run.prev).next) = made;
  (run.next == kNoRun ? last_ : pool.at(run.next).prev) = made;
}

void Scoreboard::enter_flight(SentPool& pool, std::uint32_t at) noexcept {
  SentRun& run = pool.at(at);
  run.older = newest_;
  run.newer = kNoRun;
  (newest_ == kNoRun ? oldest_ : pool.at(newest_).newer) = at;
  newest_ = at;
}

/// For one that was taken for lost, or SACKed, and is not: most are older than all others.
void Scoreboard::enter_flight_by_time(SentPool& pool, std::uint32_t at) noexcept {
  SentRun& run = pool.at(at);
  std::uint32_t newer = oldest_;
  while (newer != kNoRun && pool.at(newer).sent_at < run.sent_at) newer = pool.at(newer).newer;
  run.newer = newer;
  run.older = newer == kNoRun ? newest_ : pool.at(newer).older;
  (run.older == kNoRun ? oldest_ : pool.at(run.older).newer) = at;
  (run.newer == kNoRun ? newest_ : pool.at(run.newer).older) = at;
}

void Scoreboard::leave_flight(SentPool& pool, std::uint32_t at) noexcept {
  const SentRun& run = pool.at(at);
  (run.older == kNoRun ? oldest_ : pool.at(run.older).newer) = run.newer;
  (run.newer == kNoRun ? newest_ : pool.at(run.newer).older) = run.older;
}

void Scoreboard::remove(SentPool& pool, std::uint32_t at) noexcept {
  const SentRun& run = pool.at(at);
  if (!run.sacked && !run.lost) leave_flight(pool, at);
  (run.prev == kNoRun ? first_ : pool.at(run.prev).next) = run.next;
  (run.next == kNoRun ? last_ : pool.at(run.next).prev) = run.prev;
  if (cursor_ == at) cursor_ = run.prev != kNoRun ? run.prev : run.next;
  if (hole_ == at) hole_ = run.next;
  pool.erase(at, --runs_ == 0);
}

/// Cuts a run in two; both keep its fate and its time. Returns the second; kNoRun: there is no room
/// for it.
std::uint32_t Scoreboard::split(SentPool& pool, std::uint32_t at, SeqNumber where) noexcept {
  SentRun second = pool.at(at);
  second.begin = where;
  const std::uint32_t made = make(pool, second);
  if (made == kNoRun) return kNoRun;
  pool.at(at).end = where;
  link_after(pool, at, made);
  if (!second.sacked && !second.lost) {
    SentRun& run = pool.at(made);
    run.older = at;
    run.newer = pool.at(at).newer;
    (run.newer == kNoRun ? newest_ : pool.at(run.newer).older) = made;
    pool.at(at).newer = made;
  }
  return made;
}

void Scoreboard::clear(SentPool& pool) noexcept {
  while (first_ != kNoRun) remove(pool, first_);
  cursor_ = hole_ = kNoRun;
  in_flight_ = sacked_ = lost_ = 0;
}

// --- sending -------------------------------------------------------------------------------------

void Scoreboard::sent(SentPool& pool, Instant now, SeqNumber begin, SeqNumber end,
                      const Delivery& delivery) noexcept {
  in_flight_ += begin.until(end);
  if (last_ != kNoRun && last_ == newest_) {
    SentRun& run = pool.at(last_);
    if (run.sent_at == now && run.end == begin && !run.resent &&
        run.delivery.delivered == delivery.delivered &&
        run.delivery.app_limited == delivery.app_limited) {
      run.end = end;
      run.tx_in_flight = in_flight_;
      return;
    }
  }
  SentRun run{};
  run.begin = begin;
  run.end = end;
  run.sent_at = now;
  run.delivery = delivery;
  run.tx_in_flight = in_flight_;
  const std::uint32_t made = make(pool, run);
  if (made != kNoRun) [[likely]] {
    link_after(pool, last_, made);
    enter_flight(pool, made);
    return;
  }
  // No room: it shares the fate of what went before, which must then be in flight.
  SentRun& before = pool.at(last_);
  if (before.sacked || before.lost) back_in_flight(pool, last_);
  leave_flight(pool, last_);
  enter_flight(pool, last_);
  before.end = end;
  before.sent_at = now;
  before.delivery = delivery;
  before.tx_in_flight = in_flight_;
}

Scoreboard::Hole Scoreboard::next_hole(const SentPool& pool, std::uint32_t most) noexcept {
  SMOL_CHECK(lost_ > 0);
  if (hole_ == kNoRun) hole_ = first_;
  while (!pool.at(hole_).lost) hole_ = pool.at(hole_).next;
  const SentRun* run = &pool.at(hole_);
  const SeqNumber begin = run->begin;
  while (begin.until(run->end) < most && run->next != kNoRun && pool.at(run->next).lost) {
    run = &pool.at(run->next);
  }
  return {begin, earlier(run->end, begin + most)};
}

void Scoreboard::resent(SentPool& pool, Instant now, SeqNumber begin, SeqNumber end,
                        const Delivery& delivery) noexcept {
  // It is a hole, which begins at hole_, or the end of the flight.
  std::uint32_t at = hole_ != kNoRun && pool.at(hole_).begin == begin ? hole_ : last_;
  while (pool.at(at).begin.after(begin)) at = pool.at(at).prev;
  if (pool.at(at).begin.before(begin)) {
    const std::uint32_t second = split(pool, at, begin);
    if (second != kNoRun) at = second;
  }
  while (at != kNoRun && pool.at(at).begin.before(end)) {
    if (end.before(pool.at(at).end)) split(pool, at, end);
    SentRun& run = pool.at(at);
    if (run.lost) {
      take(run, run.begin.until(run.end), kInFlight);
      run.lost = false;
    } else {
      leave_flight(pool, at);
    }
    run.sent_at = now;
    run.delivery = delivery;
    run.tx_in_flight = in_flight_;
    run.resent_often = run.resent;
    run.resent = true;
    enter_flight(pool, at);
    at = run.next;
  }
}

// --- fates ---------------------------------------------------------------------------------------

/// The run that holds `at`, or the first behind it.
std::uint32_t Scoreboard::find(const SentPool& pool, SeqNumber at,
                               std::uint32_t& budget) const noexcept {
  std::uint32_t run = cursor_ == kNoRun ? first_ : cursor_;
  while (run != kNoRun && budget > 0 && pool.at(run).begin.after(at) &&
         pool.at(run).prev != kNoRun) {
    run = pool.at(run).prev;
    --budget;
  }
  while (run != kNoRun && budget > 0 && pool.at(run).end.at_or_before(at)) {
    run = pool.at(run).next;
    --budget;
  }
  return budget > 0 ? run : kNoRun;
}

/// Cuts what lies outside [begin, end) off a run. Returns the run that is left; kNoRun: no room.
std::uint32_t Scoreboard::cut(SentPool& pool, std::uint32_t at, SeqNumber begin,
                              SeqNumber end) noexcept {
  if (pool.at(at).begin.before(begin)) at = split(pool, at, begin);
  if (at != kNoRun && end.before(pool.at(at).end) && split(pool, at, end) == kNoRun) return kNoRun;
  return at;
}

/// Returns the run it is part of now: neighbours that are SACKed become one.
std::uint32_t Scoreboard::mark_sacked(SentPool& pool, std::uint32_t at) noexcept {
  SentRun& run = pool.at(at);
  if (!run.lost) leave_flight(pool, at);
  take(run, run.begin.until(run.end), kSacked);
  run.lost = false;
  run.sacked = true;
  if (run.next != kNoRun && pool.at(run.next).sacked) {
    const std::uint32_t next = run.next;
    run.end = pool.at(next).end;
    remove(pool, next);
  }
  if (run.prev != kNoRun && pool.at(run.prev).sacked) {
    const std::uint32_t prev = run.prev;
    pool.at(prev).end = run.end;
    remove(pool, at);
    return prev;
  }
  return at;
}

std::uint32_t Scoreboard::mark_lost(SentPool& pool, std::uint32_t at) noexcept {
  SentRun& run = pool.at(at);
  const std::uint32_t octets = run.begin.until(run.end);
  leave_flight(pool, at);
  take(run, octets, kLost);
  run.lost = true;
  if (hole_ == kNoRun || run.begin.before(pool.at(hole_).begin)) hole_ = at;
  return octets;
}

std::uint32_t Scoreboard::lose_first(SentPool& pool, std::uint32_t octets) noexcept {
  if (first_ == kNoRun || pool.at(first_).lost || pool.at(first_).sacked) return 0;
  const SentRun& run = pool.at(first_);
  if (octets < run.begin.until(run.end)) split(pool, first_, run.begin + octets);
  return mark_lost(pool, first_);
}

std::uint32_t Scoreboard::lose_range(SentPool& pool, SeqNumber begin, SeqNumber end) noexcept {
  std::uint32_t octets = 0;
  for (std::uint32_t at = last_; at != kNoRun && pool.at(at).end.after(begin);) {
    const bool in_flight = !pool.at(at).lost && !pool.at(at).sacked;
    if (in_flight && pool.at(at).begin.before(end)) {
      // Without room to split it, all of the run goes again.
      if (end.before(pool.at(at).end)) split(pool, at, end);
      if (pool.at(at).begin.before(begin)) {
        const std::uint32_t second = split(pool, at, begin);
        if (second != kNoRun) at = second;
      }
      octets += mark_lost(pool, at);
    }
    at = pool.at(at).prev;
  }
  return octets;
}

std::uint32_t Scoreboard::lose_all(SentPool& pool) noexcept {
  return detect_lost(pool, [](const SentRun&) { return true; });
}

void Scoreboard::nothing_is_lost(SentPool& pool) noexcept {
  for (std::uint32_t at = last_; at != kNoRun && lost_ > 0; at = pool.at(at).prev) {
    if (pool.at(at).lost) back_in_flight(pool, at);
  }
}

void Scoreboard::nothing_is_sacked(SentPool& pool) noexcept {
  for (std::uint32_t at = last_; at != kNoRun && sacked_ > 0; at = pool.at(at).prev) {
    if (pool.at(at).sacked) back_in_flight(pool, at);
  }
}

void Scoreboard::back_in_flight(SentPool& pool, std::uint32_t at) noexcept {
  SentRun& run = pool.at(at);
  take(run, run.begin.until(run.end), kInFlight);
  run.lost = run.sacked = false;
  enter_flight_by_time(pool, at);
}

}  // namespace smol::tcp
