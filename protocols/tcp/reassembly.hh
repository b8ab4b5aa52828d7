#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "protocols/base/seq.hh"
#include "protocols/base/slab.hh"
#include "protocols/tcp/segment.hh"
#include "protocols/wire/tcp.hh"

namespace smol::tcp {

inline constexpr std::uint32_t kNoRange = 0xffff'ffff;

/// A run of octets received beyond a hole.
struct Range {
  SeqNumber begin;
  SeqNumber end;
  std::uint32_t next;              ///< the following range of the same connection, or kNoRange
  std::uint32_t newer = kNoRange;  ///< the one that changed after this one, or kNoRange
  std::uint32_t older = kNoRange;  ///< the one that changed before this one, or kNoRange
  bool fresh = false;              ///< changed since it was last reported
};

/// The ranges of all connections of a stack.
using RangePool = Slab<Range>;

/// Which octets beyond rcv_nxt a connection holds: a sorted list of ranges that neither overlap nor
/// touch, and which of them changed last (RFC 2018 section 4). Octets received twice keep their
/// first copy. An idle connection costs 16 octets here; a look-up costs O(ranges), bounded by
/// Config::reassembly_ranges.
class Reassembly {
 public:
  bool empty() const noexcept { return first_ == kNoRange; }
  std::uint32_t ranges() const noexcept { return count_; }
  /// Ranges that changed since they were last reported.
  std::uint32_t fresh() const noexcept { return fresh_; }
  std::uint32_t octets() const noexcept { return octets_; }

  /// Octets in line up to `end` reach what is held.
  bool reached_by(const RangePool& pool, SeqNumber end) const noexcept {
    return first_ != kNoRange && end.at_or_after(pool.at(first_).begin);
  }

  /// Adds of [begin, end), text of a segment whose first octet is `begin`, the part that fills the
  /// first hole, and says in `steps` where it belongs. Returns the octets kept: 0 when all were
  /// held already, or when there is no room (`limit` ranges, an empty pool). What lies beyond a
  /// range further right is as if never received: a segment that spans two holes is rare, and the
  /// peer will send the second again. `twice`: the first run of the segment's octets that was held
  /// already; empty if none was. Precondition: begin is before end.
  std::uint32_t insert(RangePool& pool, std::uint32_t limit, SeqNumber begin, SeqNumber end,
                       ReassemblySteps& steps, SackBlock& twice) noexcept;

  /// If the first range begins at rcv_nxt, takes it out, adds a kDeliver step and returns its end;
  /// else returns rcv_nxt.
  SeqNumber deliver(RangePool& pool, SeqNumber rcv_nxt, ReassemblySteps& steps) noexcept;

  /// What RFC 2018 section 4 has an acknowledgement tell: ranges, until `blocks` holds `room`,
  /// those that changed last first. Of more that changed since they were last reported than there
  /// is room for, those that did so first are told now, and fresh() says how many are left.
  /// O(ranges that changed).
  void report(RangePool& pool, std::size_t room, StaticVector<SackBlock, 4>& blocks) noexcept;

  /// Forgets all; calls `freed(range)` for each so that the caller can free its packets.
  template <class Freed>
  void clear(RangePool& pool, Freed&& freed) noexcept {
    while (first_ != kNoRange) {
      const std::uint32_t range = first_;
      first_ = pool.at(range).next;
      freed(range);
      pool.erase(range);
    }
    newest_ = kNoRange;
    count_ = fresh_ = 0;
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
  void touch(RangePool& pool, std::uint32_t range) noexcept;
  void unlink(RangePool& pool, std::uint32_t range) noexcept;

  // Those that are fresh come before those that are not, from newest_ on.
  std::uint32_t first_ = kNoRange;
  std::uint32_t newest_ = kNoRange;
  std::uint32_t octets_ = 0;
  std::uint16_t count_ = 0;
  std::uint16_t fresh_ = 0;
};

}  // namespace smol::tcp
