#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/base/time.hh"

namespace smol {

/// A rate limit with a burst: `burst` tokens at first, one more every `interval`, never above
/// `burst`.
class TokenBucket {
 public:
  /// `interval` zero: no limit.
  constexpr TokenBucket(Duration interval, std::uint32_t burst) noexcept
      : interval_{interval}, tokens_{burst}, burst_{burst} {}

  /// True, and one token fewer, if there is one at `now`.
  constexpr bool take(Instant now) noexcept {
    if (interval_ == Duration::zero()) return true;
    if (const std::int64_t earned = (now - last_) / interval_; earned > 0) {
      tokens_ = static_cast<std::uint32_t>(
          std::min<std::int64_t>(std::int64_t{tokens_} + earned, burst_));
      last_ += interval_ * earned;
    }
    // A full bucket earns nothing, not even a part of a token: the next one is a whole interval
    // away.
    if (tokens_ == burst_) last_ = now;
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  Duration interval_;
  Instant last_{};
  std::uint32_t tokens_;
  std::uint32_t burst_;
};

}  // namespace smol
