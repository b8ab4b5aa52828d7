#include "protocols/tcp/reassembly.hh"

namespace smol::tcp {

std::uint32_t Reassembly::insert(RangePool& pool, std::uint32_t limit, SeqNumber begin,
                                 SeqNumber end, ReassemblySteps& steps) noexcept {
  using Kind = ReassemblyStep::Kind;
  std::uint32_t left = kNoRange;  // the last range that begins at or before `at`
  std::uint32_t right = first_;   // the one after it
  SeqNumber at = begin;
  for (; right != kNoRange && pool.at(right).begin.at_or_before(at); right = pool.at(right).next) {
    left = right;
    at = later(at, pool.at(left).end);
  }
  if (!at.before(end)) return 0;

  const SeqNumber part_end = right == kNoRange ? end : earlier(end, pool.at(right).begin);
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
      pool.erase(right);
      --count_;
    }
  } else if (joins_right) {
    pool.at(right).begin = at;
    step.kind = Kind::kStoreFront;
    step.range = right;
    steps.push_back(step);
  } else {
    if (count_ >= limit) return 0;
    const Handle made = pool.emplace(Range{at, part_end, right});
    if (!made) return 0;
    ++count_;
    (left == kNoRange ? first_ : pool.at(left).next) = made.index;
    step.range = made.index;
    steps.push_back(step);
  }
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
  pool.erase(range);
  return end;
}

}  // namespace smol::tcp
