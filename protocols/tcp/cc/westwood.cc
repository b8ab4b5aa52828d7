#include "protocols/tcp/cc/westwood.hh"

#include <algorithm>

namespace smol::tcp::cc {
namespace {

/// A sample takes a round trip, and at least this long: shorter ones see bursts, not the path.
constexpr Duration kLeastInterval = milliseconds(50);

Rate smoothed(Rate old, Rate sample) noexcept {
  if (old.zero()) return sample;
  return Rate{static_cast<std::uint32_t>((7 * std::uint64_t{old.raw()} + sample.raw()) / 8)};
}

}  // namespace

void Westwood::measure(const AckSample& ack) noexcept {
  if (ack.min_rtt > Duration::zero()) min_rtt_ = Ticks{ack.min_rtt};
  const std::uint32_t now = clock_us(ack.now);
  if (!measuring_) {
    measuring_ = true;
    since_us_ = now;
    return;
  }
  delivered_ += std::min(ack.delivered, kMaxWindow - delivered_);
  const Duration interval = microseconds(now - since_us_);
  if (interval < std::max(ack.srtt, kLeastInterval)) return;
  const Rate sample = Rate::of(delivered_, interval);
  since_us_ = now;
  delivered_ = 0;
  // After a pause of the application the sample tells of the application.
  if (!ack.cwnd_limited && sample < filtered_) return;
  filtered_ = smoothed(filtered_, sample);
  smooth_ = smoothed(smooth_, filtered_);
}

std::uint32_t Westwood::after_congestion(std::uint32_t flight) const noexcept {
  if (smooth_.zero() || min_rtt_.zero()) return reno_.after_congestion(flight);
  return smooth_.volume(min_rtt_);
}

}  // namespace smol::tcp::cc
