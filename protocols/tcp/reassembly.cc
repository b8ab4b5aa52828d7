#include "protocols/tcp/reassembly.hh"

#include <limits>

namespace smol::tcp {

std::uint32_t Reassembly::insert(RangePool& pool, std::uint32_t limit, SeqNumber begin,
                                 SeqNumber end, ReassemblySteps& steps, SackBlock& twice) noexcept {
  using Kind = ReassemblyStep::Kind;
  std::uint32_t left = kNoRange;  // the last range that begins at or before `at`
  std::uint32_t right = first_;   // the one after it
  SeqNumber at = begin;
  for (; right != kNoRange && pool.at(right).begin.at_or_before(at); right = pool.at(right).next) {
    left = right;
    at = later(at, pool.at(left).end);
  }
  twice = {begin, earlier(at, end)};
  if (!at.before(end)) {
    touch(pool, left);  // the block that holds what came twice is told right behind it
    return 0;
  }
  const SeqNumber part_end = right == kNoRange ? end : earlier(end, pool.at(right).begin);
  if (twice.empty() && part_end != end) twice = {part_end, earlier(end, pool.at(right).end)};
  const bool joins_left = left != kNoRange && pool.at(left).end == at;
  const bool joins_right = right != kNoRange && pool.at(right).begin == part_end;
  ReassemblyStep step{Kind::kStoreBack, left, 0, begin.until(at), at.until(part_end)};
  if (joins_left) {
    pool.at(left).end = part_end;
    steps.push_back(step);
    if (joins_right) {
      pool.at(left).end = pool.at(right).end;
      pool.at(left).next = pool.at(right).next;
      steps.push_back({Kind::kAppend, left, right, 0, 0});
      unlink(pool, right);
      pool.erase(right);
      --count_;
    }
  } else if (joins_right) {
    pool.at(right).begin = at;
    step.kind = Kind::kStoreFront;
    step.range = right;
    steps.push_back(step);
  } else {
    if (count_ >= limit || count_ == std::numeric_limits<std::uint16_t>::max()) return 0;
    const Handle made = pool.emplace(Range{at, part_end, right});
    if (!made) return 0;
    ++count_;
    (left == kNoRange ? first_ : pool.at(left).next) = made.index;
    step.range = made.index;
    steps.push_back(step);
  }
  touch(pool, step.range);
  octets_ += step.len;
  return step.len;
}

SeqNumber Reassembly::deliver(RangePool& pool, SeqNumber rcv_nxt, ReassemblySteps& steps) noexcept {
  if (first_ == kNoRange || pool.at(first_).begin != rcv_nxt) return rcv_nxt;
  const std::uint32_t range = first_;
  const SeqNumber end = pool.at(range).end;
  first_ = pool.at(range).next;
  octets_ -= rcv_nxt.until(end);
  --count_;
  steps.push_back({ReassemblyStep::Kind::kDeliver, range, 0, 0, 0});
  unlink(pool, range);
  pool.erase(range);
  return end;
}

void Reassembly::report(RangePool& pool, std::size_t room,
                        StaticVector<SackBlock, 4>& blocks) noexcept {
  const std::size_t left = room - blocks.size();
  std::uint32_t range = newest_;
  for (std::size_t skip = fresh_ > left ? fresh_ - left : 0; skip > 0; --skip) {
    range = pool.at(range).older;
  }
  for (; range != kNoRange && blocks.size() < room; range = pool.at(range).older) {
    Range& told = pool.at(range);
    blocks.push_back({told.begin, told.end});
    if (told.fresh) --fresh_;
    told.fresh = false;
  }
}

void Reassembly::touch(RangePool& pool, std::uint32_t range) noexcept {
  // A new one stands in the list as if it were alone.
  if (newest_ != range) {
    unlink(pool, range);
    if (newest_ != kNoRange) pool.at(newest_).newer = range;
    pool.at(range).older = newest_;
    pool.at(range).newer = kNoRange;
    newest_ = range;
  }
  if (!pool.at(range).fresh) ++fresh_;
  pool.at(range).fresh = true;
}

/// Out of the list of what changed when.
void Reassembly::unlink(RangePool& pool, std::uint32_t range) noexcept {
  Range& gone = pool.at(range);
  if (gone.fresh) --fresh_;
  gone.fresh = false;
  if (newest_ == range) newest_ = gone.older;
  if (gone.older != kNoRange) pool.at(gone.older).newer = gone.newer;
  if (gone.newer != kNoRange) pool.at(gone.newer).older = gone.older;
  gone.newer = gone.older = kNoRange;
}

}  // namespace smol::tcp
