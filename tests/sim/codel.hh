#pragma once

#include <cmath>
#include <cstdint>

#include "protocols/base/time.hh"

namespace smol::sim {

/// When a queue that is managed by CoDel drops or marks (RFC 8289 section 5). The queue itself is
/// its owner's.
class Codel {
 public:
  static constexpr Duration kTarget = milliseconds(5);
  static constexpr Duration kInterval = milliseconds(100);

  /// A frame that has waited for `sojourn` is about to leave; `backlog`: octets behind it.
  /// True: it is to be dropped (or marked). Ask again for the frame that comes next.
  bool drops(Instant now, Duration sojourn, std::uint64_t backlog, std::uint64_t mtu) noexcept {
    const bool ok = ok_to_drop(now, sojourn, backlog, mtu);
    if (dropping_) {
      if (!ok) {
        dropping_ = false;
        return false;
      }
      if (now < drop_next_) return false;
      ++count_;
      drop_next_ = control_law(drop_next_);
      return true;
    }
    if (!ok) return false;
    dropping_ = true;
    // Where it was dropping not long ago, it goes on at the rate that helped then.
    const std::uint32_t delta = count_ - last_count_;
    count_ = delta > 1 && now - drop_next_ < 16 * kInterval ? delta : 1;
    last_count_ = count_;
    drop_next_ = control_law(now);
    return true;
  }

 private:
  bool ok_to_drop(Instant now, Duration sojourn, std::uint64_t backlog,
                  std::uint64_t mtu) noexcept {
    if (sojourn < kTarget || backlog <= mtu) {
      first_above_ = kNever;
      return false;
    }
    if (first_above_ == kNever) {
      first_above_ = now + kInterval;
      return false;
    }
    return now >= first_above_;
  }
  Instant control_law(Instant from) const noexcept {
    return from + Duration{static_cast<std::int64_t>(static_cast<double>(kInterval.count()) /
                                                     std::sqrt(static_cast<double>(count_)))};
  }

  Instant first_above_ = kNever;
  Instant drop_next_{};
  std::uint32_t count_ = 0;
  std::uint32_t last_count_ = 0;
  bool dropping_ = false;
};

}  // namespace smol::sim
