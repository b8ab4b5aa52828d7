// When to acknowledge (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2), and what to tell beside
// RCV.NXT (RFC 2018, RFC 2883).
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {

/// Text up to `next` went into line: when to acknowledge it (what fills a hole, or a part of one,
/// at once). The whole burst is taken before anything is sent, so this comes to one ACK a burst at
/// most.
void Connection::take_text(const Context& context, Instant now, SeqNumber next, bool in_hole,
                           Actions& out) noexcept {
  bytes_received_ += rcv_nxt_.until(next);
  rcv_nxt_ = next;
  out.note(Note::kReadable);
  const std::uint32_t unacknowledged = last_ack_sent_.until(rcv_nxt_);
  if (in_hole || dup_acks_owed_ > 0) {
    // The ACKs owed would all say the new number, and the second to fourth of them seem to tell of
    // a loss. What selective acknowledgement has to tell is still to be told, once.
    dup_acks_owed_ = sack_ && (reassembly_.fresh() > 0 || !duplicate_.empty()) ? 1 : 0;
    ack_now_ = true;
  } else if (unacknowledged >= 2u * rcv_mss_ || context.config.ack_delay == Duration::zero()) {
    ack_now_ = true;
  } else if (timer(Timer::kDelayedAck) == kNever) {
    arm(Timer::kDelayedAck, now + context.config.ack_delay);
  }
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
