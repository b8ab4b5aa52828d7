#include "protocols/tcp/cc/cubic.hh"

#include <algorithm>

namespace smol::tcp::cc {
namespace {

/// C = 0.4 segments a second cubed, as a fraction.
constexpr std::uint64_t kCNumerator = 2;
constexpr std::uint64_t kCDenominator = 5;
/// alpha = 3 * (1 - beta) / (1 + beta), as a fraction (section 4.3).
constexpr std::uint64_t kAlphaNumerator = 9;
constexpr std::uint64_t kAlphaDenominator = 17;
/// Further than this from K the curve is beyond every window.
constexpr std::uint32_t kFarMs = 1'000'000;

/// The largest number whose cube is at most `value`, which is below 2^63.
std::uint32_t cube_root(std::uint64_t value) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1u << 20; bit > 0; bit >>= 1) {
    const std::uint64_t next = root | bit;
    if (next * next * next <= value) root = next;
  }
  return static_cast<std::uint32_t>(root);
}

}  // namespace

std::uint32_t Cubic::curve(std::uint32_t w_max, std::uint32_t k_ms, std::uint32_t t_ms,
                           std::uint32_t mss) noexcept {
  const bool beyond = t_ms > k_ms;
  const std::uint64_t d = std::min(beyond ? t_ms - k_ms : k_ms - t_ms, kFarMs);
  // C * mss * (d / 1000)^3: d^3 is at most 10^18; divided by 10^5 and times twice the largest mss
  // it is below 2^61.
  const std::uint64_t rise = d * d * d / 100'000 * kCNumerator * mss / (kCDenominator * 10'000);
  if (!beyond) return rise < w_max ? w_max - static_cast<std::uint32_t>(rise) : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(w_max + rise, kMaxWindow));
}

std::uint32_t Cubic::k(std::uint32_t w_max, std::uint32_t cwnd, std::uint32_t mss) noexcept {
  if (w_max <= cwnd || mss == 0) return 0;
  // At most 2^30 * 2.5 * 10^9, which is below 2^62.
  const std::uint64_t seconds_cubed =
      std::uint64_t{w_max - cwnd} * (1'000'000'000 / kCNumerator * kCDenominator) / mss;
  return cube_root(seconds_cubed);
}

std::uint32_t Cubic::slow_start(const AckSample& ack, bool round_ended, std::uint32_t grow,
                                Window& window) noexcept {
  last_ms_ = clock_ms(ack.now);
  // Only the first one is blind: later ones know ssthresh (RFC 9406 section 4.3).
  if (window.ssthresh != kMaxWindow) return grow;
  const std::uint32_t out = hystart_.on_ack(ack, round_ended, grow);
  if (!hystart_.finished()) return out;
  window.ssthresh = window.cwnd;
  // RFC 9438 section 4.10: no cut has told w_max.
  curve_ = Curve{};
  return 0;
}

void Cubic::start_epoch(const AckSample& ack, const Window& window) noexcept {
  // Sections 4.8 and 4.10: after a timeout, or with no cut before, it begins at its plateau. So it
  // does above it.
  if (after_timeout_ || curve_.w_max < window.cwnd) curve_.w_max = window.cwnd;
  after_timeout_ = false;
  curve_.k_ms = k(curve_.w_max, window.cwnd, ack.mss);
  curve_.epoch_ms = clock_ms(ack.now);
  curve_.w_est = window.cwnd;
  acked_ = est_acked_ = 0;
}

/// W_est of section 4.3.
std::uint32_t Cubic::estimate(const AckSample& ack, std::uint32_t cwnd) noexcept {
  est_acked_ += std::min(ack.acked, cwnd);
  const bool caught_up = curve_.w_est >= curve_.cwnd_prior;
  const std::uint64_t alpha = caught_up ? kAlphaDenominator : kAlphaNumerator;
  // 2^31 * 2^16 * 17 is below 2^52.
  const std::uint64_t grow = est_acked_ * alpha * ack.mss / (kAlphaDenominator * cwnd);
  if (grow > 0) {
    const std::uint64_t used =
        (grow * kAlphaDenominator * cwnd + alpha * ack.mss - 1) / (alpha * ack.mss);
    est_acked_ -= static_cast<std::uint32_t>(used);
    curve_.w_est =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(curve_.w_est + grow, kMaxWindow));
  }
  return curve_.w_est;
}

void Cubic::avoid(const AckSample& ack, Window& window) noexcept {
  const std::uint32_t now = clock_ms(ack.now);
  const std::uint32_t since_last = now - last_ms_;
  last_ms_ = now;
  if (curve_.w_est == 0) {
    start_epoch(ack, window);
  } else if (!ack.cwnd_limited) {
    // Section 5.8: time in which the window was not in use is no time of the curve.
    curve_.epoch_ms += since_last;
  }
  if (!ack.cwnd_limited) return;
  const std::uint32_t w_est = estimate(ack, window.cwnd);
  const std::uint32_t t = now - curve_.epoch_ms;
  if (curve(curve_.w_max, curve_.k_ms, t, ack.mss) < w_est) {
    // Reno-friendly: never behind Reno, and never back.
    window.cwnd = std::max(window.cwnd, w_est);
    return;
  }
  const auto rtt_ms =
      static_cast<std::uint32_t>(std::min<std::int64_t>(ack.srtt / milliseconds(1), kFarMs));
  const std::uint32_t ahead = curve(curve_.w_max, curve_.k_ms, t + rtt_ms, ack.mss);
  const std::uint32_t most = std::min(window.cwnd + window.cwnd / 2, kMaxWindow);
  const std::uint32_t target = std::clamp(ahead, window.cwnd, most);
  // (target - cwnd) / cwnd for each octet acknowledged: in one round trip, target.
  const std::uint64_t distance = target - window.cwnd;
  if (distance == 0) {
    acked_ = 0;
    return;
  }
  acked_ = std::min(acked_ + std::min(ack.acked, window.cwnd), window.cwnd);
  const std::uint64_t grow = acked_ * distance / window.cwnd;
  if (grow == 0) return;
  const std::uint64_t used = (grow * window.cwnd + distance - 1) / distance;
  acked_ -= static_cast<std::uint32_t>(used);
  window.grow(static_cast<std::uint32_t>(grow));
}

void Cubic::on_congestion(std::uint32_t cwnd) noexcept {
  undo_ = curve_;
  // Section 4.7: someone else needs room.
  curve_.w_max = cwnd < curve_.w_max ? percent(cwnd, (100 + kBeta) / 2) : cwnd;
  curve_.cwnd_prior = cwnd;
  curve_.w_est = 0;
}

void Cubic::on_timeout(std::uint32_t cwnd, bool first) noexcept {
  if (first) on_congestion(cwnd);
  after_timeout_ = true;
}

void Cubic::on_idle(Instant now) noexcept {
  const std::uint32_t now_ms = clock_ms(now);
  curve_.epoch_ms += now_ms - last_ms_;
  last_ms_ = now_ms;
}

void Cubic::undo() noexcept {
  curve_ = undo_;
  after_timeout_ = false;
}

}  // namespace smol::tcp::cc
