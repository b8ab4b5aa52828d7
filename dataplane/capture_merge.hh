#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/capture.hh"
#include "protocols/base/time.hh"

namespace smol::dataplane {

/// The workers' records, the oldest first. Each ring is in order of time by itself; across them, a
/// record waits until it is old enough that no worker is still to publish an older one. Thread: the
/// capture thread.
class CaptureMerge {
 public:
  /// Many times as long as a turn of a worker takes.
  static constexpr Duration kHold = milliseconds(2);

  explicit CaptureMerge(const std::vector<std::unique_ptr<CaptureTap>>& taps) : taps_{taps} {}

  /// Calls `use(const CaptureTap&, const CaptureTap::Entry&)` for up to `limit` records that are
  /// due at `now`, or, with `everything`, for all. True: the limit was reached.
  template <class Use>
  bool take(Instant now, bool everything, std::size_t limit, Use&& use) {
    const Instant horizon = everything || taps_.size() < 2 ? kNever : now - kHold;
    oldest_.clear();
    for (const auto& tap : taps_) oldest_.push_back(front_of(*tap));
    for (; limit > 0; --limit) {
      const auto first = std::min_element(oldest_.begin(), oldest_.end());
      if (first == oldest_.end() || *first == kNever) return false;
      CaptureTap& tap = *taps_[static_cast<std::size_t>(first - oldest_.begin())];
      // Better out of order than lost.
      if (*first > horizon && !presses(tap)) return false;
      use(static_cast<const CaptureTap&>(tap), *tap.front());
      tap.pop();
      *first = front_of(tap);
    }
    return true;
  }

 private:
  static Instant front_of(CaptureTap& tap) noexcept {
    const auto entry = tap.front();
    return entry ? entry->record.at : kNever;
  }
  static bool presses(CaptureTap& tap) noexcept {
    const RecordRing& ring = tap.ring();
    return ring.published() - ring.consumed() > ring.size() / 2;
  }

  const std::vector<std::unique_ptr<CaptureTap>>& taps_;
  std::vector<Instant> oldest_;  ///< of each tap; kNever: nothing there
};

}  // namespace smol::dataplane
