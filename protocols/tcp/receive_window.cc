// The window that we promise (RFC 9293 sections 3.8.6.2.2 and 3.10.7.4, RFC 7323 section 2), and
// the buffer behind it, which grows as fast as its user reads.
#include <algorithm>
#include <bit>

#include "protocols/tcp/connection.hh"
#include "protocols/tcp/every_segment.hh"

namespace smol::tcp {
namespace {

/// RFC 6928 section 2: what a peer may send at first finds room.
constexpr std::uint32_t kLeastSegments = 10;

/// Of a round trip that was not measured yet.
constexpr Duration kAnyRoundTrip = milliseconds(100);

}  // namespace

/// The smallest scale by which `buffer` octets can be promised in 16 bits (RFC 7323 section 2.3).
std::uint8_t Connection::shift_for(std::uint32_t buffer) noexcept {
  const auto bits = static_cast<int>(std::bit_width(buffer));
  return static_cast<std::uint8_t>(std::clamp(bits - 16, 0, 14));
}

/// A window that is nearly shut is reopened as soon as a segment fits; a wide one only by a quarter
/// of the buffer, for data on its way brings an ACK with it anyhow.
bool Connection::consumed(const Context& context, Instant now, std::uint32_t octets) noexcept {
  rcv_read_ += octets;
  if (urgent_in_ && rcv_read_.after(urgent_end_)) urgent_in_ = false;
  tune_receive_buffer(context, now);
  if (context.short_of_memory || peer_fin_taken_ || state_ == State::kClosed ||
      state_ == State::kTimeWait) {
    return false;
  }
  const std::uint32_t left = receive_window();
  const std::int32_t gain = rcv_adv_.distance(rcv_read_ + receive_buffer_);
  const std::uint32_t step = left < 2u * rcv_mss_         ? window_step()
                             : left < receive_buffer_ / 2 ? receive_buffer_ / 4
                                                          : receive_buffer_;
  if (gain < static_cast<std::int32_t>(step)) return false;
  ack_now_ = true;
  return true;
}

/// How large the buffer may become. The scale is settled by the SYN: a larger one could not be
/// promised, nor could a part of one that is less than two of its units.
void Connection::limit_receive_buffer(const Config& config, std::uint32_t octets) noexcept {
  receive_buffer_max_ =
      std::clamp(octets, std::uint32_t{2} << rcv_shift_, std::uint32_t{0xffff} << rcv_shift_);
  const std::uint32_t first = std::max(config.initial_receive_buffer, kLeastSegments * local_mss_);
  receive_buffer_ = std::min(std::max(receive_buffer_, first), receive_buffer_max_);
}

void Connection::begin_tuning(Instant now) noexcept {
  tuned_read_ = rcv_read_;
  tuned_at_us_ = clock_us(now);
}

/// Dynamic right-sizing: what the user took in a round trip is what the peer could send in it.
/// Twice that leaves room for a round trip of data on its way and one that waits; twice that again
/// while it still grows, for a peer in slow start is two steps ahead of what was measured.
void Connection::tune_receive_buffer(const Context& context, Instant now) noexcept {
  const Duration round_trip =
      rto_.srtt() > Duration::zero() ? rto_.srtt() : Duration{kAnyRoundTrip};
  const Duration elapsed = microseconds(clock_us(now) - tuned_at_us_);
  if (elapsed < round_trip || elapsed == Duration::zero()) return;
  const std::uint64_t taken = tuned_read_.until(rcv_read_);
  const auto a_round_trip = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(taken, 1u << 30) * static_cast<std::uint64_t>(round_trip.count()) /
      static_cast<std::uint64_t>(elapsed.count()));
  const std::uint64_t want = std::uint64_t{a_round_trip} * (a_round_trip > rcv_space_ ? 4 : 2);
  rcv_space_ = a_round_trip;
  begin_tuning(now);
  const std::uint32_t most = std::min(receive_buffer_max_, context.receive_share);
  if (context.short_of_memory || want <= receive_buffer_ || most <= receive_buffer_) return;
  receive_buffer_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(want, most));
}

/// The sender's half of the same: what is in flight, and as much again to follow it; and what the
/// peer holds beyond a hole, which is in the queue still and in nobody's way.
std::uint32_t Connection::send_allowance(const Config& config) const noexcept {
  const std::uint64_t want = std::max<std::uint64_t>(
      2 * std::uint64_t{congestion_.cwnd()} + board_.sacked(), config.initial_send_buffer);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(want, send_buffer_));
}

std::uint16_t Connection::last_window() const noexcept {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(receive_window() >> rcv_shift_, 0xffff));
}

}  // namespace smol::tcp
