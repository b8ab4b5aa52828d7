#include "protocols/tcp/cc/hystart.hh"

#include <algorithm>

namespace smol::tcp::cc {

std::uint32_t HyStart::on_ack(const AckSample& ack, bool round_ended, std::uint32_t grow) noexcept {
  const std::uint32_t out = conservative_ ? grow / kCssGrowthDivisor : grow;
  if (ack.rtt > Duration::zero()) {
    const std::int64_t us = std::min<std::int64_t>(ack.rtt / microseconds(1), kNone - 1);
    current_min_ = std::min(current_min_, static_cast<std::uint32_t>(us));
    if (samples_ < kSamples) ++samples_;
    judge();
  }
  if (!round_ended) return out;
  // A phase that began within a round counts that round too (section 4.2).
  if (conservative_) ++css_rounds_;
  last_min_ = current_min_;
  current_min_ = kNone;
  samples_ = 0;
  return out;
}

void HyStart::judge() noexcept {
  if (samples_ < kSamples) return;
  if (conservative_) {
    if (current_min_ >= baseline_) return;
    // The rise was noise.
    conservative_ = false;
    css_rounds_ = 0;
    return;
  }
  // After a round without a sample nothing is longer.
  const std::uint32_t threshold =
      std::clamp(last_min_ / kDivisor, kMinThresholdUs, kMaxThresholdUs);
  if (current_min_ < last_min_ || current_min_ - last_min_ < threshold) return;
  baseline_ = current_min_;
  conservative_ = true;
}

}  // namespace smol::tcp::cc
