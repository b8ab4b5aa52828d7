#include "protocols/tcp/cc/validation.hh"

namespace smol::tcp::cc {
namespace {

/// RFC 7661 section 4.4: how long a window that is not validated is kept.
constexpr Duration kNonvalidatedPeriod = seconds(300);
/// RFC 7661 section 4.2: max(3 * RTT, 1 s).
constexpr Duration kLeastSamplingPeriod = seconds(1);

std::uint32_t as_ms(Duration time) noexcept {
  return static_cast<std::uint32_t>(time / milliseconds(1));
}

}  // namespace

void Validation::on_ack(const AckSample& ack, bool round_ended, std::uint32_t initial_window,
                        Window& window) noexcept {
  const std::uint32_t now = clock_ms(ack.now);
  sample_ += std::min(ack.acked, kMaxWindow - sample_);
  if (round_ended) {
    // Of the round in which an episode ended only the rest was counted: no measurement.
    if (part_ == 0) recent_ = std::max(recent_, sample_);
    part_ = false;
    sample_ = 0;
  }
  // Two buckets of half a period each would forget too early by half; two of a whole one remember
  // up to twice as long, which errs to the side of keeping.
  if (now - period_ms_ >= as_ms(std::max(3 * ack.srtt, kLeastSamplingPeriod))) {
    previous_ = recent_;
    recent_ = 0;
    period_ms_ = now;
  }
  if (validated(window.cwnd)) {
    ageing_ = false;
    return;
  }
  constexpr std::uint32_t kMask = (1u << 29) - 1;
  if (ageing_ == 0) {
    ageing_ = true;
    unvalidated_ms_ = now / 4 & kMask;
  }
  if (((now / 4 - unvalidated_ms_) & kMask) < as_ms(kNonvalidatedPeriod) / 4) return;
  // Section 4.4.3.
  window.ssthresh = std::max(window.ssthresh, window.cwnd / 4 * 3);
  window.cwnd = std::max(window.cwnd / 2, std::min(initial_window, window.cwnd));
  unvalidated_ms_ = now / 4 & kMask;
}

std::uint32_t Validation::flight_at_congestion(std::uint32_t cwnd, std::uint32_t flight) noexcept {
  sample_ = 0;
  cut_unvalidated_ = !validated(cwnd);
  return cut_unvalidated_ != 0 ? std::max(pipe_ack(), flight) : flight;
}

std::uint32_t Validation::excess_after_recovery() noexcept {
  const std::uint32_t excess = cut_unvalidated_ != 0 ? sample_ / 2 : 0;
  restart();
  part_ = true;
  return excess;
}

}  // namespace smol::tcp::cc
