#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocols/tcp/cc/rate.hh"
#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// BBR version 3 (draft-ietf-ccwg-bbr-06): sends as fast as the path was seen to deliver, and keeps
/// about two of its bandwidth-delay products in flight at most. Names are the draft's; sections
/// cited are its own.
///
/// Deviations, for what an ACK sample does not tell: losses are judged once an ACK, by those since
/// the segment it delivered was sent, and not segment by segment (section 5.5.10.2); an ACK that
/// tells of any loss counts as one lost range (section 5.3.1.3). Where the draft is silent, ECN: a
/// round with CE is a round with loss (section 3.7).
class Bbr {
 public:
  enum class State : std::uint8_t {
    kStartup,
    kDrain,
    kProbeBwDown,
    kProbeBwCruise,
    kProbeBwRefill,
    kProbeBwUp,
    kProbeRtt,
  };

  void begin(Instant now, std::uint32_t initial_cwnd, std::uint32_t seed) noexcept;
  /// Every ACK; steers `cwnd`.
  void on_ack(const AckSample& ack, std::uint32_t& cwnd) noexcept;
  /// Nothing was in flight; the application begins again (section 5.4.1).
  void on_idle(Instant now, std::uint32_t& cwnd) noexcept;
  void on_congestion(std::uint32_t cwnd, bool ecn) noexcept;
  void on_recovery_end(std::uint32_t& cwnd) noexcept;
  void on_timeout(std::uint32_t mss, std::uint32_t flight, std::uint32_t& cwnd) noexcept;
  /// Section 5.5.11.2.
  void undo(std::uint32_t& cwnd) noexcept;

  /// Octets a second. `srtt`: for the time before the first rate is known.
  std::uint64_t pacing_rate(std::uint32_t cwnd, Duration srtt) const noexcept;

  // For inspection.
  State state() const noexcept { return state_; }
  Rate max_bw() const noexcept { return std::max(max_bw_[0], max_bw_[1]); }
  Rate bw() const noexcept { return std::min(max_bw(), bw_shortterm_); }
  Duration min_rtt() const noexcept { return min_rtt_.duration(); }
  std::uint32_t inflight_longterm() const noexcept { return inflight_longterm_; }
  std::uint32_t inflight_shortterm() const noexcept { return inflight_shortterm_; }
  std::uint32_t pacing_gain() const noexcept;  ///< percent
  std::uint32_t cwnd_gain() const noexcept;    ///< percent

 private:
  static constexpr std::uint32_t kInfinity = 0xffff'ffff;

  enum class AckPhase : std::uint8_t { kInit, kRefilling, kStarting, kFeedback, kStopping };
  enum class UndoState : std::uint8_t { kNone, kStartup, kProbeBwUp };

  /// An ACK, and what follows from it.
  struct Sample {
    const AckSample& ack;
    Rate delivery_rate;       ///< zero: none
    std::uint32_t delivered;  ///< between the sending of the segment and its acknowledgement
    bool app_limited;
  };

  // bbr_model.cc: the path.
  Sample sample_of(const AckSample& ack) const noexcept;
  void note_loss(std::uint32_t cwnd) noexcept;
  void update_latest_delivery_signals(const Sample& rs) noexcept;
  void advance_latest_delivery_signals(const Sample& rs) noexcept;
  void update_congestion_signals(const Sample& rs, std::uint32_t cwnd) noexcept;
  void update_round(const AckSample& ack) noexcept;
  void adapt_lower_bounds(const AckSample& ack, std::uint32_t cwnd) noexcept;
  void update_ack_aggregation(const AckSample& ack, std::uint32_t cwnd) noexcept;
  void update_min_rtt(const AckSample& ack) noexcept;
  void reset_congestion_signals() noexcept;
  void reset_short_term_model() noexcept;
  void reset_full_bw() noexcept;
  void save_cwnd(std::uint32_t cwnd) noexcept;
  void save_state_upon_loss(std::uint32_t cwnd) noexcept;
  std::uint32_t bdp_multiple(Rate bw, std::uint32_t gain) const noexcept;
  std::uint32_t quantization_budget(std::uint32_t cap, std::uint32_t mss) const noexcept;
  std::uint32_t inflight(Rate bw, std::uint32_t gain, std::uint32_t mss) const noexcept {
    return quantization_budget(bdp_multiple(bw, gain), mss);
  }
  std::uint32_t inflight_with_headroom(std::uint32_t mss) const noexcept;
  std::uint32_t target_inflight(std::uint32_t cwnd) const noexcept;
  std::uint32_t probe_rtt_cwnd(std::uint32_t mss) const noexcept;

  // bbr.cc: the state machine, and what it steers.
  void check_full_bw_reached(const Sample& rs) noexcept;
  void check_startup_done(const Sample& rs) noexcept;
  void check_drain_done(const Sample& rs) noexcept;
  void update_probe_bw(const Sample& rs, std::uint32_t cwnd) noexcept;
  bool adapt_long_term_model(const Sample& rs, std::uint32_t cwnd) noexcept;
  void handle_inflight_too_high(const Sample& rs, std::uint32_t cwnd) noexcept;
  void probe_inflight_longterm_upward(const AckSample& ack, std::uint32_t cwnd) noexcept;
  void raise_inflight_longterm_slope(std::uint32_t mss, std::uint32_t cwnd) noexcept;
  bool is_time_to_probe_bw(const AckSample& ack, std::uint32_t cwnd) noexcept;
  bool is_time_to_cruise(const AckSample& ack) const noexcept;
  bool is_time_to_go_down(const Sample& rs, std::uint32_t cwnd) noexcept;
  void start_probe_bw_down(Instant now) noexcept;
  void start_probe_bw_refill() noexcept;
  void start_probe_bw_up(const Sample& rs, std::uint32_t cwnd) noexcept;
  void check_probe_rtt(const AckSample& ack, std::uint32_t& cwnd) noexcept;
  void handle_probe_rtt(const AckSample& ack, std::uint32_t& cwnd) noexcept;
  void check_probe_rtt_done(Instant now, std::uint32_t& cwnd) noexcept;
  void exit_probe_rtt(Instant now) noexcept;
  void enter_startup() noexcept { state_ = State::kStartup; }
  void set_pacing_rate(std::uint32_t gain) noexcept;
  void set_cwnd(const AckSample& ack, std::uint32_t& cwnd) noexcept;
  void bound_cwnd_for_model(std::uint32_t mss, std::uint32_t& cwnd) const noexcept;
  void start_round() noexcept { next_round_delivered_ = delivered_; }
  std::uint32_t chance() noexcept;

  bool in_probe_bw() const noexcept {
    return state_ >= State::kProbeBwDown && state_ <= State::kProbeBwUp;
  }
  bool is_probing_bw() const noexcept {
    return state_ == State::kStartup || state_ == State::kProbeBwRefill ||
           state_ == State::kProbeBwUp;
  }
  bool is_inflight_too_high(const AckSample& ack) const noexcept;

  // Rates.
  std::array<Rate, 2> max_bw_{};  ///< of the last cycle of ProbeBW, and of this one
  Rate bw_shortterm_ = Rate::infinite();
  Rate bw_latest_;
  Rate full_bw_;
  Rate pacing_rate_;
  Rate undo_bw_shortterm_ = Rate::infinite();
  // Round trips; zero: none yet.
  Ticks min_rtt_;
  Ticks probe_rtt_min_delay_;
  // Moments, in milliseconds of the clock.
  std::uint32_t min_rtt_stamp_ = 0;
  std::uint32_t probe_rtt_min_stamp_ = 0;
  std::uint32_t probe_rtt_done_stamp_ = 0;
  std::uint32_t cycle_stamp_ = 0;
  std::uint32_t extra_acked_since_us_ = 0;
  // Octets.
  std::uint32_t initial_cwnd_ = 0;
  std::uint32_t prior_cwnd_ = 0;
  std::uint32_t inflight_longterm_ = kInfinity;
  std::uint32_t inflight_shortterm_ = kInfinity;
  std::uint32_t inflight_latest_ = 0;
  std::uint32_t undo_inflight_longterm_ = kInfinity;
  std::uint32_t undo_inflight_shortterm_ = kInfinity;
  std::uint32_t bw_probe_up_acked_ = 0;
  std::uint32_t probe_up_acked_per_inc_ = kInfinity;
  std::uint32_t extra_acked_delivered_ = 0;
  std::array<std::uint32_t, 2> extra_acked_{};  ///< of the last rounds, and of the ones before
  std::uint32_t rto_left_ = 0;  ///< of what was in flight at a timeout, not delivered yet
  // Marks in the count of what was delivered, modulo 2^32.
  std::uint32_t delivered_ = 0;
  std::uint32_t next_round_delivered_ = 0;
  std::uint32_t loss_round_delivered_ = 0;
  std::uint32_t slow_until_ = 0;  ///< what was sent before it was sent in ProbeRTT
  std::uint32_t chance_ = 1;

  std::uint16_t bw_probe_wait_ms_ = 0;
  std::uint8_t rounds_since_probe_up_ = 0;  ///< stays at its maximum
  std::uint8_t bw_probe_up_rounds_ = 0;
  std::uint8_t drain_rounds_ = 0;
  std::uint8_t extra_acked_rounds_ = 0;
  std::uint8_t loss_events_ = 0;  ///< in this round
  std::uint8_t full_bw_count_ : 4 = 0;
  State state_ = State::kStartup;
  AckPhase ack_phase_ = AckPhase::kInit;
  UndoState undo_state_ = UndoState::kNone;
  bool round_start_ : 1 = false;
  bool loss_round_start_ : 1 = false;
  bool idle_restart_ : 1 = false;
  bool full_bw_reached_ : 1 = false;
  bool full_bw_now_ : 1 = false;
  bool is_bw_probe_sample_ : 1 = false;
  bool is_loss_in_round_ : 1 = false;
  bool prev_probe_too_high_ : 1 = false;
  bool prev_probe_precautionary_ : 1 = false;
  bool probe_rtt_expired_ : 1 = false;
  bool probe_rtt_round_done_ : 1 = false;
  bool probe_rtt_timing_ : 1 = false;  ///< probe_rtt_done_stamp_ is set
  bool slow_samples_ : 1 = false;      ///< slow_until_ is set
  bool in_loss_recovery_ : 1 = false;
};

/// "startup", "probe_bw_up" and so on.
std::string_view name(Bbr::State state) noexcept;

}  // namespace smol::tcp::cc
