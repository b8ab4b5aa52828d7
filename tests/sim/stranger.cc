#include "tests/sim/stranger.hh"

#include <algorithm>

namespace smol::sim {
namespace {

constexpr Duration kRto = milliseconds(1000);
/// No less is sent in a segment, whatever a peer says.
constexpr std::size_t kLeastMss = 88;
constexpr Duration kLateAck = milliseconds(200);
constexpr Duration kClosedFor = milliseconds(1500);
constexpr Duration kPatience = seconds(1500);
constexpr std::uint32_t kMostRetries = 25;
/// So many in a row that got nothing through: what goes at once fits no queue on the way.
constexpr std::uint32_t kCautious = 3;
constexpr std::uint32_t kFlow = 0;
constexpr int kSide = 1;

}  // namespace

std::string_view name(Quirk quirk) {
  static constexpr std::array<std::string_view, kQuirks> kNames = {"divides ACKs",
                                                                   "stretches ACKs",
                                                                   "duplicates ACKs",
                                                                   "acknowledges too early",
                                                                   "loses ACKs",
                                                                   "reneges",
                                                                   "lies by SACK",
                                                                   "shrinks its window",
                                                                   "closes its window",
                                                                   "tiny window",
                                                                   "ignores probes",
                                                                   "sends octets",
                                                                   "shuffles",
                                                                   "overlaps",
                                                                   "sends beyond",
                                                                   "text on SYN",
                                                                   "text after FIN",
                                                                   "urgent",
                                                                   "leaves timestamps out",
                                                                   "frozen clock",
                                                                   "odd options",
                                                                   "stray flags",
                                                                   "SYN again",
                                                                   "goes silent",
                                                                   "resets",
                                                                   "shuts its window for good"};
  return kNames[static_cast<std::size_t>(quirk)];
}

Stranger::Stranger(const StrangerPlan& plan, bool v6, std::uint64_t seed, std::uint64_t peer_octets,
                   Faults& faults)
    : plan_{plan},
      v6_{v6},
      peer_octets_{peer_octets},
      faults_{faults},
      rng_{seed},
      state_{plan.connects ? State::kConnects : State::kListens},
      iss_{static_cast<std::uint32_t>(rng_.next())} {}

void Stranger::fault(const std::string& what) {
  faults_.add("flow 0, a stranger: " + what);
}

std::uint32_t Stranger::text_edge() const {
  const std::uint32_t edge = received_.edge();
  return edge == 0 ? 0 : edge - 1 - (peer_fin_ && edge > *peer_fin_ ? 1 : 0);
}

/// When it goes away, whatever is left.
Instant Stranger::turns_at() const {
  if (plan_.has(Quirk::kGoesSilent) || plan_.has(Quirk::kResets)) return start_ + plan_.turns_at;
  // It may be so far ahead that nothing it says is believed any more.
  return plan_.has(Quirk::kOptimisticAcks) ? start_ + kPatience : kNever;
}

bool Stranger::done() const {
  if (state_ == State::kOver) return true;
  if (state_ == State::kOpen && plan_.has(Quirk::kShutsForGood)) return true;
  if (state_ != State::kOpen || snd_una_ <= fin_at()) return false;
  // Who acknowledges what has not come may never see the FIN.
  if (plan_.has(Quirk::kOptimisticAcks)) return acked_out_ >= peer_octets_ + 2;
  return peer_fin_ && received_.edge() > *peer_fin_ && acked_out_ > *peer_fin_;
}

Instant Stranger::wakes_at() const {
  if (!begun_) return plan_.connects ? Instant{} : kNever;
  if (state_ == State::kOver || rests_) return kNever;
  return std::min({retransmit_at_, late_ack_at_, opens_at_, turns_at()});
}

// --- what comes
// ------------------------------------------------------------------------------------

void Stranger::arrives(Instant now, Bytes frame) {
  const std::optional<WireSegment> read = segment_in(frame, true);
  if (!read || read->src_port != (plan_.connects ? kServerPort : kClientPort)) return;
  const WireSegment& segment = *read;
  if (!begun_) {
    begun_ = true;
    start_ = now;
  }
  if (state_ == State::kOver || turns_at() <= now) return;
  heard_at_ = now;
  if (segment.flags.rst()) {
    // One that answers a segment of ours; else it has to be in line.
    const bool in_line = state_ == State::kOpen && irs_.until(segment.seq) >= acked_out_ &&
                         irs_.until(segment.seq) <= highest_ + 1;
    const bool guesses = plan_.has(Quirk::kOptimisticAcks);
    if (in_line || guesses || state_ == State::kConnects) state_ = State::kOver;
    return;
  }
  if (segment.flags.syn()) return take_syn(now, segment);
  if (state_ != State::kOpen) return;
  if (segment.options.timestamps) last_tsval_ = segment.options.timestamps->tsval;
  if (segment.text.size() + options_of(segment.options).size() >
      std::max<std::size_t>(plan_.mss.value_or(v6_ ? 1220 : 536), kLeastMss)) {
    fault("got more in a segment than its MSS: " + std::to_string(segment.text.size()));
  }
  take_ack(now, segment);
  if (!is_shut(now)) take_text(segment);
  answer(now, segment);
}

void Stranger::take_syn(Instant now, const WireSegment& segment) {
  if (state_ == State::kOpen) {
    if (segment.seq == irs_) send_ack(now, received_.edge());
    return;
  }
  const bool answers = segment.flags.ack() && segment.ack == iss_ + 1;
  if (state_ == State::kConnects && !answers) return;
  if (state_ == State::kListens && segment.flags.ack()) return;
  irs_ = segment.seq;
  received_.add(0, 1);
  timestamps_ = plan_.timestamps && segment.options.timestamps.has_value();
  sack_ = plan_.sack && segment.options.sack_permitted;
  scales_ = plan_.scale.has_value() && segment.options.window_scale.has_value();
  peer_shift_ = scales_ ? std::min<std::uint32_t>(*segment.options.window_scale, 14) : 0;
  peer_mss_ = segment.options.mss.value_or(536);
  if (segment.options.timestamps) last_tsval_ = segment.options.timestamps->tsval;
  snd_edge_ = 1u + segment.window;
  const bool passive = state_ == State::kListens;
  state_ = State::kOpen;
  if (passive) {
    send_syn(now);
  } else {
    snd_una_ = snd_nxt_ = snd_max_ = 1;
    retransmit_at_ = kNever;
    send_ack(now, 1);
    send_window(now);
  }
}

void Stranger::take_ack(Instant now, const WireSegment& segment) {
  const std::uint32_t acked = iss_.until(segment.ack);
  if (acked > snd_max_ && !plan_.has(Quirk::kTextAfterFin)) {
    return fault("is acknowledged " + std::to_string(acked) + ", sent " + std::to_string(snd_max_));
  }
  snd_edge_ = std::max(snd_edge_, acked + (std::uint32_t{segment.window} << peer_shift_));
  if (acked <= snd_una_) return;
  snd_una_ = acked;
  snd_nxt_ = std::max(snd_nxt_, snd_una_);
  backoff_ = retries_ = 0;
  retransmit_at_ = snd_una_ > fin_at() ? kNever : now + kRto;
}

void Stranger::take_text(const WireSegment& segment) {
  const std::uint32_t begin = irs_.until(segment.seq);
  const auto len = static_cast<std::uint32_t>(segment.text.size());
  const std::uint32_t end = begin + len;
  if (begin > 0x8000'0000) return;
  // An octet of a keep-alive says nothing, however late it comes; before all text it has the number
  // of the SYN.
  const bool keep_alive = len == 1 && (begin == 0 || end <= std::min(received_.edge(), acked_out_));
  if (len > 0 && !keep_alive) {
    const Bytes want = content(kFlow, 1 - kSide, begin - 1, len);
    if (!std::equal(want.begin(), want.end(), segment.text.begin())) {
      fault("got other octets than the stream's, at " + std::to_string(begin - 1));
    }
  }
  highest_ = std::max(highest_, end + (segment.flags.fin() ? 1 : 0));
  if (segment.flags.fin()) peer_fin_ = end;
  received_.add(begin, end + (segment.flags.fin() ? 1 : 0));
}

void Stranger::answer(Instant now, const WireSegment& segment) {
  if (plan_.has(Quirk::kReneges) && chance(4)) {
    const std::uint32_t edge = received_.edge();
    received_ = Intervals{};
    received_.add(0, std::max(edge, acked_out_));
  }
  if (segment.seq_len() == 0) {
    // A probe below the window wants an answer, and so may one that asks.
    if (irs_.until(segment.seq) < received_.edge()) send_ack(now, received_.edge());
    return send_window(now);
  }
  std::uint32_t edge = received_.edge();
  if (plan_.has(Quirk::kIgnoresProbes) && edge_ <= edge && !chance(3)) return;
  if (plan_.has(Quirk::kLosesAcks) && !chance(3)) {
    late_ack_at_ = std::min(late_ack_at_, now + 4 * kLateAck);
    return send_window(now);
  }
  if (plan_.has(Quirk::kStretchAcks) && ++unanswered_ % 8 != 0) {
    late_ack_at_ = std::min(late_ack_at_, now + kLateAck);
    return send_window(now);
  }
  if (plan_.has(Quirk::kOptimisticAcks)) edge = std::max(edge, highest_ + rng_.below(3000));
  if (plan_.has(Quirk::kAckDivision) && edge > acked_out_ + 2) {
    const std::uint32_t from = acked_out_;
    send_ack(now, from + (edge - from) / 3);
    send_ack(now, from + 2 * (edge - from) / 3);
  }
  send_ack(now, edge);
  if (plan_.has(Quirk::kDuplicateAcks)) {
    send_ack(now, edge);
    send_ack(now, edge);
  }
  strange_segments(now);
  send_window(now);
}

// --- what goes
// -------------------------------------------------------------------------------------

void Stranger::act(Instant now) {
  if (!begun_ && plan_.connects) {
    begun_ = true;
    start_ = heard_at_ = now;
    return send_syn(now);
  }
  if (!begun_ || state_ == State::kOver) return;
  if (turns_at() <= now) {
    if (plan_.has(Quirk::kResets)) emit(now, snd_max_, TcpFlags::kRst | TcpFlags::kAck, {}, false);
    state_ = State::kOver;
    return;
  }
  if (now - heard_at_ > kPatience) {
    state_ = State::kOver;
    return;
  }
  if (late_ack_at_ <= now) send_ack(now, std::max(received_.edge(), acked_out_));
  if (opens_at_ <= now) {
    opens_at_ = kNever;
    send_ack(now, std::max(received_.edge(), acked_out_));
  }
  if (retransmit_at_ > now) return;
  if (++retries_ > kMostRetries) {
    state_ = State::kOver;
    return;
  }
  backoff_ = std::min(backoff_ + 1, 5u);
  retransmit_at_ = now + kRto * (1 << backoff_);
  if (snd_una_ == 0) return send_syn(now);
  snd_nxt_ = snd_una_;
  // Into a closed window one octet goes all the same: it asks.
  if (snd_edge_ <= snd_una_ && snd_una_ <= fin_at()) {
    return send_text(now, snd_una_, snd_una_ + 1);
  }
  send_window(now);
}

std::uint32_t Stranger::window_now(Instant now) {
  if (is_shut(now)) return 0;
  if (plan_.has(Quirk::kClosesWindow)) {
    if (opens_at_ != kNever) return 0;
    if (chance(6)) {
      opens_at_ = now + kClosedFor;
      return 0;
    }
  }
  std::uint32_t window = plan_.window;
  if (plan_.has(Quirk::kTinyWindow)) window = 1 + rng_.below(100);
  if (plan_.has(Quirk::kShrinksWindow) && chance(3)) window = rng_.below(window + 1);
  // What is too little to be of use is followed by another word, as by any receiver.
  if (state_ == State::kOpen && window < plan_.window)
    opens_at_ = std::min(opens_at_, now + kClosedFor);
  return window;
}

void Stranger::send_syn(Instant now) {
  snd_nxt_ = snd_max_ = std::max(snd_max_, 1u);
  snd_nxt_ = std::max(snd_nxt_, 1u);
  retransmit_at_ = now + kRto * (1 << backoff_);
  Bytes text;
  if (plan_.has(Quirk::kTextOnSyn) && plan_.octets > 0) {
    text = content(kFlow, kSide, 0, std::min<std::uint64_t>(plan_.octets, 200));
    snd_max_ = std::max(snd_max_, 1 + static_cast<std::uint32_t>(text.size()));
  }
  emit(now, 0, TcpFlags::kSyn, text, true);
}

void Stranger::send_ack(Instant now, std::uint32_t ack) {
  acked_out_ = std::max(acked_out_, ack);
  late_ack_at_ = kNever;
  emit(now, snd_max_, 0, {}, false);
}

void Stranger::send_text(Instant now, std::uint32_t begin, std::uint32_t end) {
  const std::uint32_t text_end = std::min(end, fin_at());
  const bool fin = end > fin_at();
  const Bytes text =
      begin < text_end ? content(kFlow, kSide, begin - 1, text_end - begin) : Bytes{};
  snd_nxt_ = std::max(snd_nxt_, end);
  snd_max_ = std::max(snd_max_, end);
  emit(now, begin, static_cast<std::uint8_t>(fin ? TcpFlags::kFin : TcpFlags::kPsh), text, false);
  if (retransmit_at_ == kNever) retransmit_at_ = now + kRto;
}

void Stranger::send_window(Instant now) {
  if (snd_una_ == 0) return;
  const std::uint32_t most = plan_.has(Quirk::kOctets) ? 1 + rng_.below(3) : peer_mss_ - 40u;
  std::uint32_t edge = std::min(snd_edge_, snd_una_ + 20'000);
  if (plan_.has(Quirk::kOctets)) edge = std::min(edge, snd_una_ + 60);
  if (plan_.has(Quirk::kBeyondWindow)) edge += 2000;
  if (retries_ > kCautious) edge = std::min(edge, snd_una_ + most);
  edge = std::min(edge, fin_at() + 1);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pieces;
  for (std::uint32_t at = snd_nxt_; at < edge;) {
    const std::uint32_t end = std::min(edge, at + most);
    std::uint32_t begin = at;
    if (plan_.has(Quirk::kOverlaps)) begin -= std::min(at - std::max(snd_una_, 1u), rng_.below(50));
    pieces.emplace_back(begin, end);
    at = end;
  }
  if (plan_.has(Quirk::kShuffles)) {
    for (std::size_t i = pieces.size(); i > 1; --i) {
      std::swap(pieces[i - 1], pieces[rng_.below(static_cast<std::uint32_t>(i))]);
    }
  }
  for (const auto& [begin, end] : pieces) send_text(now, begin, end);
}

/// What nobody asked for.
void Stranger::strange_segments(Instant now) {
  if (plan_.has(Quirk::kSynAgain) && chance(8)) emit(now, 0, TcpFlags::kSyn, {}, true);
  if (plan_.has(Quirk::kStrayFlags) && chance(8)) {
    SegmentToBuild segment;
    segment.src_port = plan_.connects ? kClientPort : kServerPort;
    segment.dst_port = plan_.connects ? kServerPort : kClientPort;
    segment.seq = iss_ + snd_max_;
    segment.flags = TcpFlags::kPsh;
    sent_.push_back(tcp_frame(kSide, v6_, segment));
  }
  if (plan_.has(Quirk::kTextAfterFin) && snd_una_ > fin_at() && told_++ < 20) {
    const std::array<std::uint8_t, 10> more{};
    emit(now, fin_at() + 1, TcpFlags::kPsh, more, false);
  }
}

Octets Stranger::options(Instant now, bool syn) {
  TcpOptions out;
  const bool answers = state_ == State::kOpen;
  if (syn) {
    if (shows_cookie_ && !answers) out.fast_open = FastOpenCookie{{1, 2, 3, 4, 5, 6, 7, 8}, 8};
    out.mss = plan_.mss;
    if (plan_.scale && (!answers || scales_)) out.window_scale = *plan_.scale;
    out.sack_permitted = plan_.sack && (!answers || sack_);
  }
  if (syn ? plan_.timestamps && (!answers || timestamps_) : timestamps_) {
    const bool left_out = !syn && plan_.has(Quirk::kNoTimestamps) && chance(4);
    const auto clock = static_cast<std::uint32_t>((now - start_) / milliseconds(1)) + 7;
    if (!left_out) {
      out.timestamps = TcpTimestamps{plan_.has(Quirk::kFrozenClock) ? 7 : clock, last_tsval_};
    }
  }
  if (!syn && sack_) sack_blocks(out);
  Octets octets = options_of(out);
  if (plan_.has(Quirk::kOddOptions)) {
    const Octets odd = {1, 1, 253, 4, 0x12, 0x34, 30, 2};
    if (octets.size() + odd.size() <= TcpOptions::kMaxLen)
      octets.insert(octets.begin(), odd.begin(), odd.end());
    if (octets.size() + 4 <= TcpOptions::kMaxLen) octets.insert(octets.end(), {0, 8, 10, 99});
  }
  return octets;
}

void Stranger::sack_blocks(TcpOptions& out) {
  const std::size_t most = out.timestamps ? 3 : 4;
  if (plan_.has(Quirk::kLiesBySack) && chance(2)) {
    const std::uint32_t at = acked_out_ + rng_.below(100'000) - 20'000;
    out.sack.push_back({irs_ + at, irs_ + at + rng_.below(5'000) - 1'000});
  }
  for (const auto& [begin, end] : received_.runs()) {
    if (out.sack.size() < most && begin > acked_out_)
      out.sack.push_back({irs_ + begin, irs_ + end});
  }
}

void Stranger::emit(Instant now, std::uint32_t seq, std::uint8_t flags, Bytes text, bool syn) {
  SegmentToBuild segment;
  segment.src_port = plan_.connects ? kClientPort : kServerPort;
  segment.dst_port = plan_.connects ? kServerPort : kClientPort;
  segment.seq = iss_ + seq;
  segment.flags = flags;
  if (state_ == State::kOpen) {
    // What goes acknowledges all there is, but for who counts its ACKs.
    const bool counts = plan_.has(Quirk::kStretchAcks) || plan_.has(Quirk::kLosesAcks) ||
                        plan_.has(Quirk::kAckDivision);
    if (!counts) acked_out_ = std::max(acked_out_, received_.edge());
    segment.ack = irs_ + std::max(acked_out_, 1u);
  }
  const std::uint32_t shift = scales_ && !syn ? std::min<std::uint32_t>(*plan_.scale, 14) : 0;
  std::uint32_t window = window_now(now);
  if (window > 0) window = std::max(window, 1u << shift);
  segment.window = static_cast<std::uint16_t>(std::min(window >> shift, 65'535u));
  edge_ = acked_out_ + (std::uint32_t{segment.window} << shift);
  segment.options = options(now, syn);
  segment.text = text;
  if (plan_.has(Quirk::kUrgent) && !text.empty()) {
    segment.flags = static_cast<std::uint8_t>(segment.flags | TcpFlags::kUrg);
    segment.urgent_pointer =
        static_cast<std::uint16_t>(rng_.below(2 + static_cast<std::uint32_t>(text.size())));
  }
  if (plan_.has(Quirk::kStrayFlags) && !syn) {
    segment.flags = static_cast<std::uint8_t>(segment.flags | (rng_.below(4) << 6));
  }
  sent_.push_back(tcp_frame(kSide, v6_, segment));
}

std::string Stranger::status() const {
  return "a stranger: sent " + std::to_string(snd_max_) + ", acknowledged " +
         std::to_string(snd_una_) + " of " + std::to_string(fin_at() + 1) + ", window to " +
         std::to_string(snd_edge_) + ", got " + std::to_string(received_.edge()) + " of " +
         std::to_string(peer_octets_ + 2) + ", acknowledged " + std::to_string(acked_out_);
}

}  // namespace smol::sim
