#pragma once

#include <cstdint>
#include <memory_resource>

#include "protocols/base/seq.hh"
#include "protocols/base/slab.hh"
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

/// A run of octets received beyond a hole.
struct Range {
  SeqNumber begin;
  SeqNumber end;
  std::uint32_t next;  ///< the following range of the same connection, or kNoRange
};
inline constexpr std::uint32_t kNoRange = 0xffff'ffff;

/// The ranges of all connections of a stack.
using RangePool = Slab<Range>;

/// Which octets beyond rcv_nxt a connection holds: a sorted list of ranges that neither overlap nor
/// touch. Octets received twice keep their first copy. An idle connection costs 12 octets here; a
/// look-up costs O(ranges), bounded by Config::reassembly_ranges.
class Reassembly {
 public:
  bool empty() const noexcept { return first_ == kNoRange; }
  std::uint32_t ranges() const noexcept { return count_; }
  std::uint32_t octets() const noexcept { return octets_; }

  /// Octets in line up to `end` reach what is held.
  bool reached_by(const RangePool& pool, SeqNumber end) const noexcept {
    return first_ != kNoRange && end.at_or_after(pool.at(first_).begin);
  }

  /// Adds of [begin, end), text of a segment whose first octet is `begin`, the part that fills the
  /// first hole, and says in `steps` where it belongs. Returns the octets kept: 0 when all were
  /// held already, or when there is no room (`limit` ranges, an empty pool). What lies beyond a
  /// range further right is as if never received: a segment that spans two holes is rare, and the
  /// peer will send the second again.
  std::uint32_t insert(RangePool& pool, std::uint32_t limit, SeqNumber begin, SeqNumber end,
                       ReassemblySteps& steps) noexcept;

  /// If the first range begins at rcv_nxt, takes it out, adds a kDeliver step and returns its end;
  /// else returns rcv_nxt.
  SeqNumber deliver(RangePool& pool, SeqNumber rcv_nxt, ReassemblySteps& steps) noexcept;

  /// Forgets all; calls `freed(range)` for each so that the caller can free its packets.
  template <class Freed>
  void clear(RangePool& pool, Freed&& freed) noexcept {
    while (first_ != kNoRange) {
      const std::uint32_t range = first_;
      first_ = pool.at(range).next;
      freed(range);
      pool.erase(range);
    }
    count_ = 0;
    octets_ = 0;
  }

  /// Calls visit(begin, end) for each range in order.
  template <class Visit>
  void for_each(const RangePool& pool, Visit&& visit) const noexcept {
    for (std::uint32_t r = first_; r != kNoRange; r = pool.at(r).next) {
      visit(pool.at(r).begin, pool.at(r).end);
    }
  }

 private:
  std::uint32_t first_ = kNoRange;
  std::uint32_t count_ = 0;
  std::uint32_t octets_ = 0;
};

}  // namespace smol::tcp
