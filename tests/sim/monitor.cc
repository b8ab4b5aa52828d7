#include "tests/sim/monitor.hh"

#include <algorithm>

namespace smol::sim {

void Intervals::add(std::uint32_t begin, std::uint32_t end) {
  if (begin >= end) return;
  auto first = std::find_if(runs_.begin(), runs_.end(),
                            [&](const auto& run) { return run.second >= begin; });
  auto last = first;
  while (last != runs_.end() && last->first <= end) {
    begin = std::min(begin, last->first);
    end = std::max(end, last->second);
    ++last;
  }
  if (first == last) {
    runs_.insert(first, {begin, end});
    return;
  }
  *first = {begin, end};
  runs_.erase(first + 1, last);
}

bool Intervals::holds(std::uint32_t begin, std::uint32_t end) const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [&](const auto& run) { return run.first <= begin && end <= run.second; });
}

void Monitor::fault(const Peer& peer, const std::string& what) {
  faults_.add("flow " + std::to_string(peer.flow) + ", host " + std::to_string(side_) + ": " +
              what);
}

void Monitor::expect_flow(std::uint16_t local_port, std::uint16_t remote_port, std::uint32_t flow) {
  peers_[key(local_port, remote_port)].flow = flow;
}

void Monitor::note_wire(const WireSegment& segment) {
  if (segment.flags.ece()) coverage_.add("wire ece");
  if (segment.flags.cwr()) coverage_.add("wire cwr");
  if (segment.ecn == Ecn::kCe) coverage_.add("wire ce");
  if (segment.flags.urg()) coverage_.add("wire urg");
  if (segment.flags.syn() && !segment.text.empty()) coverage_.add("wire text_on_syn");
}

// --- what reaches the stack
// ------------------------------------------------------------------------

void Monitor::arrived(Bytes frame) {
  const std::optional<WireSegment> read = segment_in(frame, true);
  if (!read) return;
  const WireSegment& segment = *read;
  note_wire(segment);
  const auto found = peers_.find(key(segment.dst_port, segment.src_port));
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (segment.options.timestamps &&
      (peer.tsvals.empty() || peer.tsvals.back() != segment.options.timestamps->tsval)) {
    peer.tsvals.push_back(segment.options.timestamps->tsval);
  }
  if (segment.flags.rst()) return;
  if (segment.flags.syn() && !(peer.syn_taken && segment.seq == peer.irs)) {
    // The answer to a SYN of an older connection is none to this one's.
    if (peer.syn_sent && segment.flags.ack() && !answers(segment.ack, peer.own)) return;
    if (peer.syn_taken || !peer.syn_sent) {
      // It binds once the stack answers it.
      peer.syn = syn_of(segment);
      return;
    }
    take_syn(peer, syn_of(segment));
  }
  if (!peer.syn_taken) return;
  // Late, it may begin another connection, and be reset by who knows better.
  if (segment.flags.syn()) peer.again = syn_of(segment);
  peer.take(segment);
  if (!segment.flags.ack()) return;
  const std::uint32_t acked = peer.iss.until(segment.ack);
  // Who acknowledges too early may hit what the stack takes for sent, and had no packet for.
  const std::uint32_t most = lost_inside_ ? std::max(peer.sent_end, peer.peer_edge) : peer.sent_end;
  if (acked > most) return;
  peer.acked = std::max(peer.acked, acked);
  const std::uint32_t shift = segment.flags.syn() ? 0 : peer.shift(peer.peer_offered);
  peer.peer_edge = std::max(peer.peer_edge, acked + (std::uint32_t{segment.window} << shift));
}

void Monitor::Peer::take(const WireSegment& segment) {
  const std::uint32_t begin = irs.until(segment.seq);
  const std::uint32_t end = begin + segment.seq_len();
  if (begin < end || segment.seq_len() == 0) return received.add(begin, end);
  below = std::max(below, 0 - begin);
  received.add(0, end);
}

bool Monitor::Peer::has(std::uint32_t left, std::uint32_t right) const {
  if (left < right) return received.holds(left, right);
  return 0 - left <= below && received.holds(0, right);
}

Monitor::Syn Monitor::syn_of(const WireSegment& segment) {
  return {segment.seq, segment.options, segment.window,
          static_cast<std::uint32_t>(segment.text.size())};
}

void Monitor::take_syn(Peer& peer, const Syn& syn) {
  peer.syn_taken = true;
  peer.irs = syn.seq;
  peer.taken = syn;
  peer.peer_offered = syn.options;
  peer.received = Intervals{};
  peer.received.add(0, 1 + syn.len);
  peer.peer_edge = std::max(peer.peer_edge, 1u + syn.window);
}

void Monitor::injected(Bytes frame) {
  const std::optional<WireSegment> segment = segment_in(frame, true);
  if (!segment) return;
  const auto found = peers_.find(key(segment->dst_port, segment->src_port));
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (segment->options.timestamps) peer.tsvals.push_back(segment->options.timestamps->tsval);
  // A listener cannot tell it from the peer's own, nor can TIME-WAIT (RFC 6191).
  if (segment->flags.syn() && !segment->flags.ack()) {
    peer.forged.push_back(syn_of(*segment));
  }
}

/// Some of the SYN's text may be acknowledged with it (RFC 7413).
bool Monitor::answers(SeqNumber ack, const Syn& syn) {
  const std::uint32_t acked = syn.seq.until(ack);
  return acked > 0 && acked <= 1 + syn.len;
}

/// The SYN that a SYN-ACK with this number answers: the peer's last one, or a forged one.
const Monitor::Syn* Monitor::answered(const Peer& peer, SeqNumber ack) {
  if (peer.syn && answers(ack, *peer.syn)) return &*peer.syn;
  if (peer.again && answers(ack, *peer.again)) return &*peer.again;
  const auto found = std::find_if(peer.forged.begin(), peer.forged.end(),
                                  [&](const Syn& syn) { return answers(ack, syn); });
  return found == peer.forged.end() ? nullptr : &*found;
}

// --- what the stack says
// ---------------------------------------------------------------------------

void Monitor::sent(Bytes frame, bool verify) {
  const std::optional<WireSegment> read = segment_in(frame, verify);
  if (!read) {
    const bool tcp =
        (is_v4(frame) && static_cast<IpProtocol>(frame[kIpAt + 9]) == IpProtocol::kTcp) ||
        (is_v6(frame) && static_cast<IpProtocol>(frame[kIpAt + 6]) == IpProtocol::kTcp);
    if (tcp) faults_.add("host " + std::to_string(side_) + ": built a bad frame");
    return;
  }
  ++segments_sent_;
  const WireSegment& segment = *read;
  if (segment.ecn != Ecn::kNotEct) coverage_.add("wire ect");
  const auto found = peers_.find(key(segment.src_port, segment.dst_port));
  // A RST to a stray segment is bound by that segment alone.
  if (found == peers_.end() || segment.flags.rst()) return;
  Peer& peer = found->second;
  if (segment.flags.syn()) sent_syn(peer, segment);
  if (!peer.syn_sent) return fault(peer, "a segment before any SYN");
  if (segment.flags.ack()) {
    check_ack(peer, segment);
    check_window(peer, segment);
  } else if (!segment.flags.syn()) {
    fault(peer, "a segment without ACK");
  }
  check_text(peer, segment);
  check_timestamps(peer, segment);
}

void Monitor::sent_syn(Peer& peer, const WireSegment& segment) {
  for (const auto& [name, there] :
       {std::pair{"wire mss", segment.options.mss.has_value()},
        std::pair{"wire window_scale", segment.options.window_scale.has_value()},
        std::pair{"wire timestamps", segment.options.timestamps.has_value()},
        std::pair{"wire sack_permitted", segment.options.sack_permitted}}) {
    if (there) coverage_.add(name);
  }
  if (peer.syn_sent && segment.seq == peer.iss) {
    if (!segment.flags.ack()) return;
  } else {
    // A connection begins, perhaps where an old one was.
    Peer fresh;
    fresh.flow = peer.flow;
    fresh.tsvals = std::move(peer.tsvals);
    fresh.syn = peer.syn;
    fresh.again = peer.again;
    fresh.forged = std::move(peer.forged);
    peer = std::move(fresh);
    peer.syn_sent = true;
    peer.iss = segment.seq;
    peer.own = syn_of(segment);
    peer.offered = segment.options;
    peer.sent_end = 1;
  }
  if (!segment.flags.ack()) return;
  if (const Syn* syn = answered(peer, segment.ack); !peer.syn_taken && syn != nullptr) {
    take_syn(peer, *syn);
  }
  if (!peer.syn_taken || !answers(segment.ack, peer.taken)) fault(peer, "SYN-ACK of another SYN");
  const TcpOptions& theirs = peer.peer_offered;
  if ((segment.options.window_scale && !theirs.window_scale) ||
      (segment.options.timestamps && !theirs.timestamps) ||
      (segment.options.sack_permitted && !theirs.sack_permitted)) {
    fault(peer, "an option on a SYN-ACK that the SYN did not offer");
  }
  peer.offered = segment.options;
  if (segment.options.window_scale) coverage_.add("wire both_scale");
  if (segment.options.timestamps) coverage_.add("wire both_timestamps");
  if (segment.options.sack_permitted) coverage_.add("wire both_sack");
}

void Monitor::check_ack(Peer& peer, const WireSegment& segment) {
  if (!peer.syn_taken) return fault(peer, "acknowledges before there was a SYN");
  const std::uint32_t acked = peer.irs.until(segment.ack);
  if (acked > peer.received.edge()) {
    return fault(peer, "acknowledges " + std::to_string(acked) + ", received " +
                           std::to_string(peer.received.edge()));
  }
  bool first = true;
  for (const SackBlock& block : segment.options.sack) {
    const std::uint32_t left = peer.irs.until(block.left);
    const std::uint32_t right = peer.irs.until(block.right);
    coverage_.add("wire sack_blocks");
    if (left == right || !peer.has(left, right)) {
      fault(peer, "a SACK block of what was not received: " + std::to_string(left) + ":" +
                      std::to_string(right));
    }
    if (right <= acked) {
      coverage_.add("wire d_sack");
      if (!first) fault(peer, "a SACK block below the ACK that is not the first");
    }
    first = false;
  }
  if (!segment.options.sack.empty() &&
      !(peer.offered.sack_permitted || peer.peer_offered.sack_permitted)) {
    fault(peer, "a SACK block that nobody agreed on");
  }
}

void Monitor::check_window(Peer& peer, const WireSegment& segment) {
  const std::uint32_t shift = segment.flags.syn() ? 0 : peer.shift(peer.offered);
  const std::uint32_t edge = peer.irs.until(segment.ack) + (std::uint32_t{segment.window} << shift);
  // What a scale cannot say may be missing (RFC 7323 section 2.4).
  if (peer.window_seen && !segment.flags.syn() && edge + (1u << shift) <= peer.our_edge) {
    fault(peer, "the window is taken back, from " + std::to_string(peer.our_edge) + " to " +
                    std::to_string(edge));
  }
  peer.window_seen = true;
  peer.our_edge = std::max(peer.our_edge, edge);
}

void Monitor::check_text(Peer& peer, const WireSegment& segment) {
  const std::uint32_t begin = peer.iss.until(segment.seq);
  const std::uint32_t end = begin + segment.seq_len();
  const auto len = static_cast<std::uint32_t>(segment.text.size());
  // A keep-alive probe: an octet that means nothing, below what is all acknowledged.
  if (len == 1 && end == peer.sent_end && peer.acked == peer.sent_end) return;
  if (segment.seq_len() == 0) {
    if (lost_inside_) peer.sent_end = std::max(peer.sent_end, begin);
    if (begin > peer.sent_end) fault(peer, "an ACK beyond SND.NXT");
    return;
  }
  if (len > 0) {
    const std::uint32_t at = segment.flags.syn() ? 0 : begin - 1;
    const Bytes want = content(peer.flow, side_, at, len);
    if (!std::equal(want.begin(), want.end(), segment.text.begin())) {
      fault(peer, "sends other octets than the stream's, at " + std::to_string(at));
    }
  }
  if (segment.flags.fin()) {
    if (peer.fin_at != 0 && peer.fin_at != end) fault(peer, "two FINs at two places");
    peer.fin_at = end;
  }
  if (peer.fin_at != 0 && end > peer.fin_at) fault(peer, "text behind the FIN");
  // An octet may ask for a window that is closed; a FIN may go where no octet may.
  const bool probes = segment.seq_len() == 1 && begin <= peer.peer_edge;
  if (!segment.flags.syn() && end > peer.peer_edge && !probes &&
      !(segment.flags.fin() && end == peer.peer_edge + 1)) {
    fault(peer, "sends to " + std::to_string(end) + ", the peer's window ends at " +
                    std::to_string(peer.peer_edge));
  }
  peer.sent_end = std::max(peer.sent_end, end);
}

void Monitor::check_timestamps(Peer& peer, const WireSegment& segment) {
  if (!segment.options.timestamps) {
    if (!segment.flags.syn() && peer.offered.timestamps && peer.peer_offered.timestamps) {
      fault(peer, "timestamps were agreed on, and a segment has none");
    }
    return;
  }
  const TcpTimestamps& ts = *segment.options.timestamps;
  if (static_cast<std::int32_t>(ts.tsval - peer.last_tsval) < 0 && peer.last_tsval != 0) {
    fault(peer, "its timestamps go back");
  }
  peer.last_tsval = ts.tsval;
  if (segment.flags.ack() &&
      std::find(peer.tsvals.rbegin(), peer.tsvals.rend(), ts.tsecr) == peer.tsvals.rend()) {
    fault(peer, "echoes a timestamp that never came");
  }
}

}  // namespace smol::sim
