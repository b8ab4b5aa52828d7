// RFC 9293 section 3.10.7.3: SEGMENT ARRIVES, SYN-SENT state.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

/// A peer that asks for less makes us spend more on headers than on data; zero means nothing.
constexpr std::uint16_t kLeastPeerMss = 88;
constexpr std::uint8_t kMaxWindowShift = 14;  // RFC 7323 section 2.3

}  // namespace

void Connection::arrives_syn_sent(const Context& context, Instant now, const SegmentIn& segment,
                                  Actions& out, ReassemblySteps& steps) noexcept {
  // First: an ACK must be for our SYN.
  if (segment.flags.ack() && !completes_handshake(segment)) {
    out.drop_segment(Drop::kTcpSynSentStray);
    out.reset = !segment.flags.rst();
    return;
  }
  // Second: a RST counts only with an acceptable ACK.
  if (segment.flags.rst()) {
    if (segment.flags.ack()) {
      become_closed(out, Error::kConnectionRefused);
    } else {
      out.drop_segment(Drop::kTcpSynSentStray);
    }
    return;
  }
  // Fifth: neither SYN nor RST says nothing.
  if (!segment.flags.syn()) {
    out.drop_segment(Drop::kTcpSynSentStray);
    return;
  }
  // Fourth: SYN.
  last_received_ = now;
  take_options(context, segment);
  if (!segment.flags.ack()) {
    // Simultaneous open: the same SYN again, now with an ACK.
    state_ = State::kSynReceived;
    syn_due_ = true;
    timing_ = false;
    return;
  }
  establish(context, now, segment, out);
  ack_now_ = true;
  // What came with the SYN-ACK is processed as in ESTABLISHED; its first octet stands behind the
  // SYN.
  SegmentIn rest = segment;
  rest.seq += 1;
  rest.flags.raw = static_cast<std::uint8_t>(rest.flags.raw & ~TcpFlags::kSyn);
  if (!acceptable(rest)) return;
  check_urgent(rest, out);
  const Text text = trim(rest, out);
  if (accept_text(context, now, text, out, steps) == Next::kStop) return;
  check_fin(text, out);
}

/// What the peer's SYN settles (RFC 9293 section 3.7.1, RFC 7323 sections 2 and 3).
void Connection::take_options(const Context& context, const SegmentIn& syn) noexcept {
  irs_ = syn.seq;
  rcv_nxt_ = rcv_read_ = last_ack_sent_ = irs_ + 1;
  const std::uint16_t absent = is_v6_ ? 1220 : 536;
  const std::uint16_t offered = syn.options.mss.value_or(absent);
  peer_mss_ = offered == 0 ? absent : std::max(offered, kLeastPeerMss);
  timestamps_ = context.config.timestamps && syn.options.timestamps.has_value();
  if (timestamps_) {
    ts_recent_ = syn.options.timestamps->tsval;
    ts_recent_at_ = last_received_;
  }
  if (syn.options.user_timeout) hear_user_timeout(context, *syn.options.user_timeout);
  negotiate_ecn(syn);
  sack_ = context.config.sack && syn.options.sack_permitted;
  scaling_ = context.config.window_scaling && syn.options.window_scale.has_value();
  if (scaling_) {
    snd_shift_ = std::min(*syn.options.window_scale, kMaxWindowShift);
  } else {
    snd_shift_ = rcv_shift_ = 0;
  }
  // Our SYN's window, which is not scaled, as far as the scale can say it: an ACK rounds up, and
  // one for a connection that is half open is not remembered.
  const std::uint32_t unit = 1u << rcv_shift_;
  const std::uint32_t promised = std::min<std::uint32_t>(receive_buffer_, 0xffff);
  rcv_adv_ = rcv_nxt_ + (promised + unit - 1) / unit * unit;
  limit_receive_buffer(context.config, receive_buffer_max_);
  // MUST-16: options are taken off the payload, in both directions of the comparison.
  path_.set_bound(std::min({peer_mss_, local_mss_, path_.bound()}));
  cut_for_path(timestamps_);
}

}  // namespace smol::tcp
