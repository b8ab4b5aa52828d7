// The state machine of BBR (sections 5.3 and 5.4), and what it steers (section 5.6).
#include "protocols/tcp/cc/bbr.hh"

#include <algorithm>

namespace smol::tcp::cc {
namespace {

constexpr std::uint32_t kBeta = 70;          ///< percent
constexpr std::uint32_t kPacingMargin = 99;  ///< percent: a little below bw keeps queues short
constexpr std::uint32_t kStartupGain = 277;  ///< percent: 4 ln 2, doubles the rate each round
constexpr std::uint32_t kMinPipeSegments = 4;
constexpr std::uint32_t kProbeRttDurationMs = 200;
constexpr std::uint8_t kStartupFullLossEvents = 6;
constexpr std::uint8_t kDrainRounds = 3;
constexpr std::uint32_t kMostRenoRounds = 63;
constexpr std::uint8_t kMostSlope = 30;

}  // namespace

std::string_view name(Bbr::State state) noexcept {
  switch (state) {
    case Bbr::State::kStartup:
      return "startup";
    case Bbr::State::kDrain:
      return "drain";
    case Bbr::State::kProbeBwDown:
      return "probe_bw_down";
    case Bbr::State::kProbeBwCruise:
      return "probe_bw_cruise";
    case Bbr::State::kProbeBwRefill:
      return "probe_bw_refill";
    case Bbr::State::kProbeBwUp:
      return "probe_bw_up";
    case Bbr::State::kProbeRtt:
      return "probe_rtt";
  }
  return "startup";
}

/// The table of section 5.6.1.
std::uint32_t Bbr::pacing_gain() const noexcept {
  switch (state_) {
    case State::kStartup:
      return kStartupGain;
    case State::kDrain:
      return 50;
    case State::kProbeBwDown:
      return 90;
    case State::kProbeBwUp:
      return 125;
    case State::kProbeBwCruise:
    case State::kProbeBwRefill:
    case State::kProbeRtt:
      break;
  }
  return 100;
}

std::uint32_t Bbr::cwnd_gain() const noexcept {
  if (state_ == State::kProbeBwUp) return 225;
  return state_ == State::kProbeRtt ? 50 : 200;
}

void Bbr::begin(Instant now, std::uint32_t initial_cwnd, std::uint32_t seed) noexcept {
  *this = Bbr{};
  initial_cwnd_ = initial_cwnd;
  // Never zero, from which xorshift would not move.
  chance_ = seed | 1;
  min_rtt_stamp_ = probe_rtt_min_stamp_ = cycle_stamp_ = clock_ms(now);
  extra_acked_since_us_ = clock_us(now);
}

/// Xorshift (Marsaglia 2003): what keeps flows from probing in step need not be unpredictable.
std::uint32_t Bbr::chance() noexcept {
  chance_ ^= chance_ << 13;
  chance_ ^= chance_ >> 17;
  chance_ ^= chance_ << 5;
  return chance_;
}

/// Section 5.2.3.
void Bbr::on_ack(const AckSample& ack, std::uint32_t& cwnd) noexcept {
  delivered_ = static_cast<std::uint32_t>(ack.total_delivered);
  if (pacing_rate_.zero() && ack.srtt > Duration::zero()) {
    pacing_rate_ = Rate::of(initial_cwnd_, ack.srtt).times(kStartupGain);
  }
  if (ack.lost > 0) {
    note_loss(cwnd);
    if (loss_events_ < 0xff) ++loss_events_;
  }
  if (ack.delivered == 0) return;
  const Sample rs = sample_of(ack);
  update_latest_delivery_signals(rs);
  update_congestion_signals(rs, cwnd);
  update_ack_aggregation(ack, cwnd);
  check_full_bw_reached(rs);
  check_startup_done(rs);
  check_drain_done(rs);
  update_probe_bw(rs, cwnd);
  update_min_rtt(ack);
  check_probe_rtt(ack, cwnd);
  advance_latest_delivery_signals(rs);
  if (rto_left_ > 0) {
    rto_left_ -= std::min(rto_left_, ack.delivered);
    if (rto_left_ == 0) on_recovery_end(cwnd);
  }
  set_pacing_rate(pacing_gain());
  set_cwnd(ack, cwnd);
}

// --- Startup and Drain ---------------------------------------------------------------------------

/// Three rounds with less than a quarter more: the pipe is full (section 5.3.1.2).
void Bbr::check_full_bw_reached(const Sample& rs) noexcept {
  if (full_bw_now_ || !round_start_ || rs.app_limited || rs.delivery_rate.zero()) return;
  if (rs.delivery_rate >= full_bw_.times(125)) {
    reset_full_bw();
    full_bw_ = rs.delivery_rate;
    return;
  }
  ++full_bw_count_;
  full_bw_now_ = full_bw_count_ >= 3;
  if (full_bw_now_) full_bw_reached_ = true;
}

void Bbr::check_startup_done(const Sample& rs) noexcept {
  if (state_ == State::kStartup && !full_bw_reached_ && loss_round_start_ && rs.ack.in_recovery &&
      loss_events_ >= kStartupFullLossEvents && is_inflight_too_high(rs.ack)) {
    // Section 5.3.1.3.
    undo_state_ = UndoState::kStartup;
    full_bw_reached_ = true;
    inflight_longterm_ = std::max(bdp_multiple(bw(), 100), inflight_latest_);
  }
  if (loss_round_start_) loss_events_ = 0;
  if (state_ != State::kStartup || !full_bw_reached_) return;
  state_ = State::kDrain;
  drain_rounds_ = 0;
}

void Bbr::check_drain_done(const Sample& rs) noexcept {
  if (state_ != State::kDrain) return;
  if (rs.ack.in_flight <= inflight(bw(), 100, rs.ack.mss) || drain_rounds_ > kDrainRounds) {
    start_probe_bw_down(rs.ack.now);
  }
}

// --- ProbeBW -------------------------------------------------------------------------------------

void Bbr::start_probe_bw_down(Instant now) noexcept {
  reset_congestion_signals();
  probe_up_acked_per_inc_ = kInfinity;
  // Section 5.3.3.8: by chance, so that flows mix.
  rounds_since_probe_up_ = chance() & 1;
  bw_probe_wait_ms_ = static_cast<std::uint16_t>(2000 + chance() % 1000);
  cycle_stamp_ = clock_ms(now);
  ack_phase_ = AckPhase::kStopping;
  start_round();
  state_ = State::kProbeBwDown;
}

void Bbr::start_probe_bw_refill() noexcept {
  reset_short_term_model();
  bw_probe_up_rounds_ = 0;
  bw_probe_up_acked_ = 0;
  prev_probe_precautionary_ = false;
  ack_phase_ = AckPhase::kRefilling;
  start_round();
  state_ = State::kProbeBwRefill;
}

void Bbr::start_probe_bw_up(const Sample& rs, std::uint32_t cwnd) noexcept {
  ack_phase_ = AckPhase::kStarting;
  start_round();
  reset_full_bw();
  full_bw_ = rs.delivery_rate;
  state_ = State::kProbeBwUp;
  raise_inflight_longterm_slope(rs.ack.mss, cwnd);
}

/// Section 5.3.3.9.
void Bbr::update_probe_bw(const Sample& rs, std::uint32_t cwnd) noexcept {
  if (!full_bw_reached_ || adapt_long_term_model(rs, cwnd)) return;
  switch (state_) {
    case State::kProbeBwDown:
      if (is_time_to_probe_bw(rs.ack, cwnd)) return;
      if (is_time_to_cruise(rs.ack)) state_ = State::kProbeBwCruise;
      return;
    case State::kProbeBwCruise:
      is_time_to_probe_bw(rs.ack, cwnd);
      return;
    case State::kProbeBwRefill:
      if (!round_start_) return;
      is_bw_probe_sample_ = true;
      start_probe_bw_up(rs, cwnd);
      return;
    case State::kProbeBwUp:
      if (!is_time_to_go_down(rs, cwnd)) return;
      prev_probe_too_high_ = false;
      start_probe_bw_down(rs.ack.now);
      return;
    case State::kStartup:
    case State::kDrain:
    case State::kProbeRtt:
      return;
  }
}

bool Bbr::is_time_to_probe_bw(const AckSample& ack, std::uint32_t cwnd) noexcept {
  const std::uint32_t reno_rounds = std::min(target_inflight(cwnd) / ack.mss, kMostRenoRounds);
  const bool waited = clock_ms(ack.now) - cycle_stamp_ > bw_probe_wait_ms_;
  if (!waited && rounds_since_probe_up_ < reno_rounds) return false;
  start_probe_bw_refill();
  return true;
}

bool Bbr::is_time_to_cruise(const AckSample& ack) const noexcept {
  return ack.in_flight <= inflight_with_headroom(ack.mss) &&
         ack.in_flight <= inflight(max_bw(), 100, ack.mss);
}

bool Bbr::is_time_to_go_down(const Sample& rs, std::uint32_t cwnd) noexcept {
  // Section 5.3.3.6: what was too much the last time is not held for a whole round trip.
  if (prev_probe_too_high_ && rs.ack.in_flight >= inflight_longterm_) {
    prev_probe_precautionary_ = true;
    return true;
  }
  if (rs.ack.cwnd_limited && cwnd >= inflight_longterm_) {
    reset_full_bw();
    full_bw_ = rs.delivery_rate;
    return false;
  }
  return full_bw_now_;
}

/// True: it has decided on the next state.
bool Bbr::adapt_long_term_model(const Sample& rs, std::uint32_t cwnd) noexcept {
  if (ack_phase_ == AckPhase::kStarting && round_start_) ack_phase_ = AckPhase::kFeedback;
  if (ack_phase_ == AckPhase::kStopping && round_start_) {
    is_bw_probe_sample_ = false;
    ack_phase_ = AckPhase::kInit;
    if (in_probe_bw() && !rs.app_limited && !max_bw_[1].zero()) {
      max_bw_ = {max_bw_[1], Rate{}};
    }
    if (in_probe_bw() && prev_probe_precautionary_ && !prev_probe_too_high_) {
      start_probe_bw_refill();
      return true;
    }
  }
  if (is_inflight_too_high(rs.ack)) {
    if (is_bw_probe_sample_) handle_inflight_too_high(rs, cwnd);
    return false;
  }
  if (inflight_longterm_ == kInfinity) return false;
  inflight_longterm_ = std::max(inflight_longterm_, std::min(rs.ack.tx_in_flight, kMaxWindow));
  if (state_ == State::kProbeBwUp) probe_inflight_longterm_upward(rs.ack, cwnd);
  return false;
}

void Bbr::handle_inflight_too_high(const Sample& rs, std::uint32_t cwnd) noexcept {
  prev_probe_too_high_ = true;
  is_bw_probe_sample_ = false;
  if (!rs.app_limited) {
    inflight_longterm_ =
        std::max(std::min(rs.ack.tx_in_flight, kMaxWindow), percent(target_inflight(cwnd), kBeta));
  }
  if (state_ != State::kProbeBwUp) return;
  start_probe_bw_down(rs.ack.now);
  undo_state_ = UndoState::kProbeBwUp;
}

void Bbr::raise_inflight_longterm_slope(std::uint32_t mss, std::uint32_t cwnd) noexcept {
  probe_up_acked_per_inc_ = std::max(cwnd >> bw_probe_up_rounds_, mss);
  if (bw_probe_up_rounds_ < kMostSlope) ++bw_probe_up_rounds_;
}

void Bbr::probe_inflight_longterm_upward(const AckSample& ack, std::uint32_t cwnd) noexcept {
  if (!ack.cwnd_limited || cwnd < inflight_longterm_) return;
  bw_probe_up_acked_ += std::min(ack.delivered, kMaxWindow);
  if (bw_probe_up_acked_ >= probe_up_acked_per_inc_) {
    const std::uint32_t delta = bw_probe_up_acked_ / probe_up_acked_per_inc_;
    bw_probe_up_acked_ %= probe_up_acked_per_inc_;
    inflight_longterm_ = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(inflight_longterm_ + std::uint64_t{delta} * ack.mss, kMaxWindow));
  }
  if (round_start_) raise_inflight_longterm_slope(ack.mss, cwnd);
}

// --- ProbeRTT ------------------------------------------------------------------------------------

/// Section 5.3.4.3.
void Bbr::check_probe_rtt(const AckSample& ack, std::uint32_t& cwnd) noexcept {
  if (state_ != State::kProbeRtt && probe_rtt_expired_ && !idle_restart_) {
    save_cwnd(cwnd);
    state_ = State::kProbeRtt;
    probe_rtt_timing_ = false;
    ack_phase_ = AckPhase::kStopping;
    start_round();
  }
  if (state_ == State::kProbeRtt) handle_probe_rtt(ack, cwnd);
  idle_restart_ = false;
}

void Bbr::handle_probe_rtt(const AckSample& ack, std::uint32_t& cwnd) noexcept {
  // What is sent now tells nothing of the bandwidth.
  slow_samples_ = true;
  slow_until_ = delivered_ + ack.in_flight;
  if (!probe_rtt_timing_) {
    if (ack.in_flight > probe_rtt_cwnd(ack.mss)) return;
    probe_rtt_timing_ = true;
    probe_rtt_done_stamp_ = clock_ms(ack.now) + kProbeRttDurationMs;
    probe_rtt_round_done_ = false;
    start_round();
    return;
  }
  if (round_start_) probe_rtt_round_done_ = true;
  if (probe_rtt_round_done_) check_probe_rtt_done(ack.now, cwnd);
}

void Bbr::check_probe_rtt_done(Instant now, std::uint32_t& cwnd) noexcept {
  if (!probe_rtt_timing_) return;
  const std::uint32_t now_ms = clock_ms(now);
  if (static_cast<std::int32_t>(now_ms - probe_rtt_done_stamp_) <= 0) return;
  probe_rtt_min_stamp_ = now_ms;
  cwnd = std::max(cwnd, prior_cwnd_);
  exit_probe_rtt(now);
}

void Bbr::exit_probe_rtt(Instant now) noexcept {
  reset_short_term_model();
  if (!full_bw_reached_) {
    enter_startup();
    return;
  }
  start_probe_bw_down(now);
  state_ = State::kProbeBwCruise;
}

// --- what the connection tells -------------------------------------------------------------------

void Bbr::on_idle(Instant now, std::uint32_t& cwnd) noexcept {
  idle_restart_ = true;
  extra_acked_since_us_ = clock_us(now);
  extra_acked_delivered_ = 0;
  if (in_probe_bw()) {
    set_pacing_rate(100);
  } else if (state_ == State::kProbeRtt) {
    check_probe_rtt_done(now, cwnd);
  }
}

void Bbr::on_congestion(std::uint32_t cwnd, bool ecn) noexcept {
  if (ecn) {
    note_loss(cwnd);
    return;
  }
  // The ACK that told of the loss may have come first, and saved what was before it.
  if (!is_loss_in_round_ && undo_state_ == UndoState::kNone) save_state_upon_loss(cwnd);
  in_loss_recovery_ = true;
}

void Bbr::on_recovery_end(std::uint32_t& cwnd) noexcept {
  if (!in_loss_recovery_) return;
  in_loss_recovery_ = false;
  rto_left_ = 0;
  cwnd = std::max(cwnd, prior_cwnd_);
}

void Bbr::on_timeout(std::uint32_t mss, std::uint32_t flight, std::uint32_t& cwnd) noexcept {
  save_state_upon_loss(cwnd);
  in_loss_recovery_ = true;
  rto_left_ = std::max({flight, rto_left_, 1u});
  cwnd = mss;
}

void Bbr::undo(std::uint32_t& cwnd) noexcept {
  in_loss_recovery_ = false;
  rto_left_ = 0;
  cwnd = std::max(cwnd, prior_cwnd_);
  is_loss_in_round_ = false;
  reset_full_bw();
  bw_shortterm_ = std::max(bw_shortterm_, undo_bw_shortterm_);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_inflight_shortterm_);
  inflight_longterm_ = std::max(inflight_longterm_, undo_inflight_longterm_);
  if (undo_state_ == UndoState::kStartup && state_ != State::kStartup) {
    full_bw_reached_ = false;
    if (state_ != State::kProbeRtt) enter_startup();
  } else if (undo_state_ == UndoState::kProbeBwUp && state_ != State::kProbeBwUp &&
             state_ != State::kProbeRtt) {
    start_probe_bw_refill();
  }
  undo_state_ = UndoState::kNone;
}

// --- what it steers ------------------------------------------------------------------------------

void Bbr::set_pacing_rate(std::uint32_t gain) noexcept {
  // The margin is not taken from what is itself measured anew each round at the rate it sets: it
  // would cut a percent more every round than what was lost.
  const bool shrinking = bw_shortterm_ < max_bw();
  const Rate rate = bw().times(gain).times(shrinking ? 100 : kPacingMargin);
  if (rate.zero()) return;
  if (full_bw_reached_ || rate > pacing_rate_) pacing_rate_ = rate;
}

std::uint64_t Bbr::pacing_rate(std::uint32_t cwnd, Duration srtt) const noexcept {
  if (!pacing_rate_.zero()) return pacing_rate_.octets_a_second();
  const Duration rtt = srtt > Duration::zero() ? srtt : milliseconds(1);
  return Rate::of(cwnd, rtt).times(kStartupGain).octets_a_second();
}

/// Section 5.6.4.6.
void Bbr::set_cwnd(const AckSample& ack, std::uint32_t& cwnd) noexcept {
  const std::uint32_t extra = std::max(extra_acked_[0], extra_acked_[1]);
  const std::uint32_t max_inflight =
      std::min(quantization_budget(bdp_multiple(bw(), cwnd_gain()) + extra, ack.mss), kMaxWindow);
  const std::uint32_t grown = std::min(cwnd + std::min(ack.delivered, kMaxWindow), kMaxWindow);
  if (full_bw_reached_) {
    cwnd = std::min(grown, max_inflight);
  } else if (cwnd < max_inflight || ack.total_delivered < initial_cwnd_) {
    cwnd = grown;
  }
  cwnd = std::max(cwnd, kMinPipeSegments * ack.mss);
  if (state_ == State::kProbeRtt) cwnd = std::min(cwnd, probe_rtt_cwnd(ack.mss));
  bound_cwnd_for_model(ack.mss, cwnd);
}

void Bbr::bound_cwnd_for_model(std::uint32_t mss, std::uint32_t& cwnd) const noexcept {
  std::uint32_t cap = kInfinity;
  if (state_ == State::kProbeRtt || state_ == State::kProbeBwCruise) {
    cap = inflight_with_headroom(mss);
  } else if (in_probe_bw()) {
    cap = inflight_longterm_;
  }
  cap = std::max(std::min(cap, inflight_shortterm_), kMinPipeSegments * mss);
  cwnd = std::min(cwnd, cap);
}

}  // namespace smol::tcp::cc
