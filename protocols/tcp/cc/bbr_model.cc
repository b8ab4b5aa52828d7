// The model of the path (section 5.5): what it delivers, how long it takes, how much it holds.
#include <algorithm>

#include "protocols/tcp/cc/bbr.hh"

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kBeta = 70;       ///< percent
constexpr std::uint32_t kHeadroom = 15;   ///< percent
constexpr std::uint32_t kLossThresh = 2;  ///< percent
constexpr std::uint32_t kMinPipeSegments = 4;
constexpr std::uint32_t kMinRttFilterMs = 10'000;
constexpr std::uint32_t kProbeRttIntervalMs = 5'000;
constexpr std::uint32_t kProbeRttCwndGain = 50;  ///< percent
/// The filter of extra_acked: two slots of five rounds are its ten.
constexpr std::uint8_t kExtraAckedSlot = 5;

/// `at` does not lie before `mark`, both modulo 2^32.
bool reached(std::uint32_t at, std::uint32_t mark) noexcept {
  return static_cast<std::int32_t>(at - mark) >= 0;
}

}  // namespace

Bbr::Sample Bbr::sample_of(const AckSample& ack) const noexcept {
  // A sample over less than a round trip tells of bursts (section 4.1.2.3).
  const bool reliable = ack.interval >= ack.min_rtt;
  const auto prior = static_cast<std::uint32_t>(ack.prior_delivered);
  const bool slow = slow_samples_ && !reached(prior, slow_until_);
  return {ack, reliable ? Rate::of(ack.rate_delivered, ack.interval) : Rate{},
          static_cast<std::uint32_t>(
              std::min<std::uint64_t>(ack.total_delivered - ack.prior_delivered, kMaxWindow)),
          ack.app_limited || slow};
}

/// Deviation: more than LossThresh, and by more than chance makes of it. Of 172 segments that are
/// lost one in a hundred, 4 or more go in every tenth round; each would set the long-term bound to
/// what is in flight just then.
bool Bbr::is_inflight_too_high(const AckSample& ack) const noexcept {
  const std::uint32_t most = percent(ack.tx_in_flight, kLossThresh);
  if (ack.lost_since <= most) return false;
  const std::uint64_t beyond = ack.lost_since - most;
  return beyond * beyond > std::uint64_t{most} * ack.mss;  // more than a standard deviation
}

void Bbr::note_loss(std::uint32_t cwnd) noexcept {
  if (!is_loss_in_round_) {
    loss_round_delivered_ = delivered_;
    save_state_upon_loss(cwnd);
  }
  is_loss_in_round_ = true;
}

void Bbr::update_latest_delivery_signals(const Sample& rs) noexcept {
  loss_round_start_ = false;
  bw_latest_ = std::max(bw_latest_, rs.delivery_rate);
  inflight_latest_ = std::max(inflight_latest_, rs.delivered);
  if (reached(static_cast<std::uint32_t>(rs.ack.prior_delivered), loss_round_delivered_)) {
    loss_round_delivered_ = delivered_;
    loss_round_start_ = true;
  }
}

void Bbr::advance_latest_delivery_signals(const Sample& rs) noexcept {
  if (!loss_round_start_) return;
  bw_latest_ = rs.delivery_rate;
  inflight_latest_ = rs.delivered;
}

void Bbr::update_round(const AckSample& ack) noexcept {
  round_start_ = reached(static_cast<std::uint32_t>(ack.prior_delivered), next_round_delivered_);
  if (!round_start_) return;
  start_round();
  if (rounds_since_probe_up_ < 0xff) ++rounds_since_probe_up_;
  if (drain_rounds_ < 0xff) ++drain_rounds_;
}

void Bbr::update_congestion_signals(const Sample& rs, std::uint32_t cwnd) noexcept {
  update_round(rs.ack);
  if (!rs.delivery_rate.zero() && (rs.delivery_rate >= max_bw() || !rs.app_limited)) {
    max_bw_[1] = std::max(max_bw_[1], rs.delivery_rate);
  }
  if (!loss_round_start_) return;
  adapt_lower_bounds(rs.ack, cwnd);
  is_loss_in_round_ = false;
}

/// Once a round, while not looking for more: down towards what is delivered (section 5.5.10.3).
/// Deviation: less loss than LossThresh is none that tells of too much in flight; without it as
/// much would have been delivered as was sent. Otherwise each round of a cruise would begin with
/// what the last one lost, and 1 % of loss at random cost 10 % of the path before the next probe.
void Bbr::adapt_lower_bounds(const AckSample& ack, std::uint32_t cwnd) noexcept {
  if (is_probing_bw() || !is_loss_in_round_) return;
  if (!is_inflight_too_high(ack) && ack.lost_since > 0) {
    const std::uint32_t lost = std::min(ack.lost_since, inflight_latest_);
    const std::uint32_t sent = inflight_latest_ + lost;
    bw_latest_ = std::min(max_bw(), bw_latest_.times(100 + (100 * lost + sent - 1) / sent));
    inflight_latest_ = sent;
  }
  if (bw_shortterm_ == Rate::infinite()) bw_shortterm_ = max_bw();
  if (inflight_shortterm_ == kInfinity) inflight_shortterm_ = cwnd;
  bw_shortterm_ = std::max(bw_latest_, bw_shortterm_.times(kBeta));
  inflight_shortterm_ = std::max(inflight_latest_, percent(inflight_shortterm_, kBeta));
}

/// How much more than expected came at once (section 5.5.9).
void Bbr::update_ack_aggregation(const AckSample& ack, std::uint32_t cwnd) noexcept {
  const std::uint32_t now = clock_us(ack.now);
  std::uint32_t expected = bw().volume_us(now - extra_acked_since_us_);
  if (extra_acked_delivered_ <= expected) {
    extra_acked_delivered_ = 0;
    extra_acked_since_us_ = now;
    expected = 0;
  }
  extra_acked_delivered_ = std::min(extra_acked_delivered_ + ack.delivered, kMaxWindow);
  const std::uint32_t extra =
      std::min(extra_acked_delivered_ - std::min(expected, extra_acked_delivered_), cwnd);
  if (round_start_ && ++extra_acked_rounds_ >= (full_bw_reached_ ? kExtraAckedSlot : 1)) {
    extra_acked_rounds_ = 0;
    extra_acked_[1] = full_bw_reached_ ? extra_acked_[0] : 0;
    extra_acked_[0] = 0;
  }
  extra_acked_[0] = std::max(extra_acked_[0], extra);
}

/// Section 5.3.4.3.
void Bbr::update_min_rtt(const AckSample& ack) noexcept {
  const std::uint32_t now = clock_ms(ack.now);
  probe_rtt_expired_ = now - probe_rtt_min_stamp_ > kProbeRttIntervalMs;
  const Duration sample = probe_rtt_min_delay_.zero() && ack.rtt <= Duration::zero()
                              ? ack.min_rtt  // of the handshake
                              : ack.rtt;
  if (sample > Duration::zero()) {
    const Ticks rtt{sample};
    if (probe_rtt_min_delay_.zero() || rtt < probe_rtt_min_delay_ || probe_rtt_expired_) {
      probe_rtt_min_delay_ = rtt;
      probe_rtt_min_stamp_ = now;
    }
  }
  if (probe_rtt_min_delay_.zero()) return;
  const bool expired = now - min_rtt_stamp_ > kMinRttFilterMs;
  if (min_rtt_.zero() || probe_rtt_min_delay_ < min_rtt_ || expired) {
    min_rtt_ = probe_rtt_min_delay_;
    min_rtt_stamp_ = probe_rtt_min_stamp_;
  }
}

void Bbr::reset_congestion_signals() noexcept {
  is_loss_in_round_ = false;
  bw_latest_ = Rate{};
  inflight_latest_ = 0;
}

void Bbr::reset_short_term_model() noexcept {
  bw_shortterm_ = Rate::infinite();
  inflight_shortterm_ = kInfinity;
}

void Bbr::reset_full_bw() noexcept {
  full_bw_ = Rate{};
  full_bw_count_ = 0;
  full_bw_now_ = false;
}

void Bbr::save_cwnd(std::uint32_t cwnd) noexcept {
  const bool modulated = in_loss_recovery_ || state_ == State::kProbeRtt;
  prior_cwnd_ = modulated ? std::max(prior_cwnd_, cwnd) : cwnd;
}

void Bbr::save_state_upon_loss(std::uint32_t cwnd) noexcept {
  save_cwnd(cwnd);
  undo_state_ = UndoState::kNone;
  undo_bw_shortterm_ = bw_shortterm_;
  undo_inflight_shortterm_ = inflight_shortterm_;
  undo_inflight_longterm_ = inflight_longterm_;
}

std::uint32_t Bbr::bdp_multiple(Rate bw, std::uint32_t gain) const noexcept {
  return min_rtt_.zero() ? initial_cwnd_ : bw.volume(min_rtt_, gain);
}

/// What it takes in flight to keep hosts busy that send and acknowledge in bursts (section 5.5.8).
std::uint32_t Bbr::quantization_budget(std::uint32_t cap, std::uint32_t mss) const noexcept {
  constexpr std::uint32_t kLargestQuantum = 64 * 1024;
  const std::uint64_t millisecond = pacing_rate_.octets_a_second() / 1000;
  const auto quantum = static_cast<std::uint32_t>(std::max<std::uint64_t>(
      std::min<std::uint64_t>(millisecond, kLargestQuantum), std::uint64_t{2} * mss));
  cap = std::max({cap, 3 * quantum, kMinPipeSegments * mss});
  return state_ == State::kProbeBwUp ? cap + 2 * mss : cap;
}

std::uint32_t Bbr::inflight_with_headroom(std::uint32_t mss) const noexcept {
  if (inflight_longterm_ == kInfinity) return kInfinity;
  const std::uint32_t headroom = std::max(mss, percent(inflight_longterm_, kHeadroom));
  return std::max(inflight_longterm_ - std::min(headroom, inflight_longterm_),
                  kMinPipeSegments * mss);
}

std::uint32_t Bbr::target_inflight(std::uint32_t cwnd) const noexcept {
  return std::min(bdp_multiple(bw(), 100), cwnd);
}

std::uint32_t Bbr::probe_rtt_cwnd(std::uint32_t mss) const noexcept {
  return std::max(bdp_multiple(bw(), kProbeRttCwndGain), kMinPipeSegments * mss);
}

}  // namespace smol::tcp::cc
