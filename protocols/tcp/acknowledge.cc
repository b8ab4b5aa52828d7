// When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2), and what to tell beside
// RCV.NXT (RFC 2018, RFC 2883).
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

/// RFC 9293 MUST-40.
constexpr Duration kLongestDelay = milliseconds(499);
/// A few ticks of a timer, and more than what the path itself does to the gaps.
constexpr Duration kShortestDelay = milliseconds(1);
/// So many gaps is what an acknowledgement waits.
constexpr std::uint32_t kGaps = 4;

std::uint32_t longest_gap_us(const Context& context) noexcept {
  const Duration most = std::clamp(context.config.ack_delay, Duration::zero(), kLongestDelay);
  return static_cast<std::uint32_t>(most / kGaps / microseconds(1));
}

}  // namespace

/// A connection begins as bulk, unhurried: what it is shows as text comes.
void Connection::start_acknowledging(const Context& context, Instant now) noexcept {
  quick_acks_ = static_cast<std::uint8_t>(std::min<std::uint32_t>(context.config.quick_acks, 0xff));
  text_gap_us_ = longest_gap_us(context);
  last_text_us_ = clock_us(now);
}

/// How far apart texts come. After a silence of an RTO the peer begins in slow start again (RFC
/// 5681 section 4.1), unless what it sends are questions. Precondition: the last came before `now`,
/// as the clock tells.
void Connection::time_text(const Context& context, Instant now) noexcept {
  const std::uint32_t gap_us = clock_us(now) - last_text_us_;
  if (microseconds(gap_us) > rto_.value() && !interactive_) start_acknowledging(context, now);
  last_text_us_ = clock_us(now);
  const std::uint32_t longest = longest_gap_us(context);
  text_gap_us_ += std::min(gap_us, longest) / 4 - text_gap_us_ / 4;
}

/// Text of ours goes. If it comes so soon after the peer's that the acknowledgement could have
/// waited for it, that is what the next ones do.
void Connection::answer(const Context& context, Instant now) noexcept {
  const Duration most = std::min(context.config.ack_delay, kLongestDelay);
  if (bytes_received_ == 0 || microseconds(clock_us(now) - last_text_us_) >= most) return;
  interactive_ = true;
  quick_acks_ = 0;
}

/// No answer came in time for the acknowledgement to go with it.
void Connection::on_delayed_ack_timer() noexcept {
  disarm(Timer::kDelayedAck);
  interactive_ = false;
  ack_now_ = true;
}

/// While text keeps coming, a few times as long as it takes the next to come: who sends no more
/// within that time has stopped, and perhaps waits for the acknowledgement.
Duration Connection::ack_delay(const Context& context) const noexcept {
  return std::min({waiting(), context.config.ack_delay, kLongestDelay});
}

Duration Connection::waiting() const noexcept {
  return std::max<Duration>(kGaps * microseconds(text_gap_us_), kShortestDelay);
}

/// A peer without SACK counts the ACKs: each segment is owed one. To one with SACK the blocks tell
/// as much, and one ACK a burst will do.
void Connection::out_of_order_arrived() noexcept {
  if (sack_) {
    dup_acks_owed_ = 1;
  } else if (dup_acks_owed_ < 0xff) {
    ++dup_acks_owed_;
  }
}

/// Text came that was here already: an ACK of ours was lost, or the peer sent for nothing, and
/// wants to know which (RFC 2883). What touches is told of in one; of what does not, the first.
void Connection::duplicate_arrived(SackBlock twice) noexcept {
  ack_now_ = true;
  if (!sack_) return;
  dup_acks_owed_ = 1;
  if (duplicate_.empty()) {
    duplicate_ = twice;
  } else if (twice.left.at_or_before(duplicate_.right) &&
             duplicate_.left.at_or_before(twice.right)) {
    duplicate_.left = earlier(duplicate_.left, twice.left);
    duplicate_.right = later(duplicate_.right, twice.right);
  }
}

/// <SEQ=SND.NXT><ACK=RCV.NXT>, with all that SACK has to tell: text received twice, then the ranges
/// beyond a hole, what changed last first. Ranges that changed since the last time and find no room
/// get a further segment.
void Connection::acknowledge(const Context& context, Instant now, SegmentOut& out) noexcept {
  bare_segment(context, now, snd_nxt_, out);
  if (!sack_) return;
  auto& blocks = out.header.options.sack;
  const std::size_t room = timestamps_ ? 3 : blocks.capacity();
  if (!duplicate_.empty()) {
    blocks.push_back(duplicate_);
    duplicate_ = {};
    ++dsacks_out_;
  }
  if (reassembly_.empty()) return;
  ++sacks_out_;
  reassembly_.report(context.ranges, room, blocks);
  if (reassembly_.fresh() > 0) dup_acks_owed_ = 1;
}

}  // namespace smol::tcp
