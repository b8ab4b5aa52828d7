#include "tests/support/tcp_endpoint.hh"

#include <algorithm>

namespace smol::tcp::script {
namespace {

/// More than any test wants, and what one connection may not use up alone.
constexpr std::uint32_t kRanges = 1024;
constexpr std::uint32_t kSentRuns = 4096;

bool is_open(State state) noexcept {
  return state != State::kClosed && state != State::kListen && state != State::kSynSent &&
         state != State::kSynReceived && state != State::kTimeWait;
}

}  // namespace

SegmentIn arriving(const SegmentOut& out) noexcept {
  SegmentIn in;
  in.seq = out.header.seq;
  in.ack = out.header.ack.value_or(SeqNumber{});
  in.len = out.len;
  in.window = out.header.window;
  in.flags.raw = static_cast<std::uint8_t>(
      static_cast<std::uint8_t>(out.header.control) | (out.header.ack ? TcpFlags::kAck : 0) |
      (out.header.urgent != 0 ? TcpFlags::kUrg : 0) | (out.header.ece ? TcpFlags::kEce : 0) |
      (out.header.cwr ? TcpFlags::kCwr : 0));
  in.urgent = out.header.urgent;
  in.ecn = out.ecn;
  in.options = out.header.options;
  return in;
}

// --- the received text ---------------------------------------------------------------------------

void ReceivedText::deliver(const Piece& piece, std::vector<std::string>& faults) {
  if (piece.begin != next_) faults.emplace_back("text delivered out of line");
  next_ = piece.begin + piece.len;
  octets_ += piece.len;
  if (!pieces_.empty() && pieces_.back().fill == piece.fill) {
    pieces_.back().len += piece.len;
  } else {
    pieces_.push_back(piece);
  }
}

void ReceivedText::take(const SegmentIn& segment, char fill, const Actions& actions,
                        const ReassemblySteps& steps, std::vector<std::string>& faults) {
  using Kind = ReassemblyStep::Kind;
  const SeqNumber text = segment.seq + (segment.flags.syn() ? 1 : 0);
  if (actions.text_len > 0) {
    if (!steps.empty()) faults.emplace_back("text in line and reassembly steps at once");
    if (actions.text_offset + actions.text_len > segment.len) {
      faults.emplace_back("text beyond the segment");
    }
    deliver({text + actions.text_offset, actions.text_len, fill}, faults);
  }
  int stored = 0;
  for (const ReassemblyStep& step : steps) {
    if (step.kind == Kind::kStoreBack || step.kind == Kind::kStoreFront) {
      ++stored;
      if (step.len == 0 || step.offset + step.len > segment.len) {
        faults.emplace_back("a step stores what the segment does not have");
      }
      std::vector<Piece>& range = ranges_[step.range];
      const Piece piece{text + step.offset, step.len, fill};
      if (step.kind == Kind::kStoreBack) {
        if (!range.empty() && range.back().begin + range.back().len != piece.begin) {
          faults.emplace_back("stored behind a range that it does not touch");
        }
        range.push_back(piece);
      } else {
        if (range.empty() || piece.begin + piece.len != range.front().begin) {
          faults.emplace_back("stored in front of a range that it does not touch");
        }
        range.insert(range.begin(), piece);
      }
    } else if (step.kind == Kind::kAppend) {
      std::vector<Piece>& range = ranges_[step.range];
      for (const Piece& piece : ranges_[step.other]) {
        if (range.empty() || range.back().begin + range.back().len != piece.begin) {
          faults.emplace_back("ranges joined that do not touch");
        }
        range.push_back(piece);
      }
      ranges_.erase(step.other);
    } else {
      if (ranges_[step.range].empty()) faults.emplace_back("an empty range delivered");
      for (const Piece& piece : ranges_[step.range]) deliver(piece, faults);
      ranges_.erase(step.range);
    }
  }
  if (stored > 1) faults.emplace_back("more than one part of a segment stored");
}

std::uint64_t ReceivedText::out_of_order() const noexcept {
  std::uint64_t out = 0;
  for (const auto& [index, range] : ranges_) {
    for (const Piece& piece : range) out += piece.len;
  }
  return out;
}

// --- calls ---------------------------------------------------------------------------------------

Endpoint::Endpoint(const Config& config, const Connection::Setup& setup)
    : config_{config},
      setup_{setup},
      ranges_{kRanges, *std::pmr::get_default_resource()},
      sent_runs_{1, kSentRuns, *std::pmr::get_default_resource()},
      context_{config_, ranges_, sent_runs_},
      largest_buffer_{setup.options.receive_buffer} {}

void Endpoint::fault(const char* what) {
  faults_.emplace_back(what);
}

void Endpoint::start(Instant now) {
  connection_.emplace(context_, now, setup_);
  place_ = Place::kConnection;
  received_ = ReceivedText{};
  wants_to_send_ = synchronized_ = closed_ = false;
  error_.reset();
  acked_ = queued_ = 0;
}

void Endpoint::connect(Instant now) {
  start(now);
  connection_->open_active(context_);
  wants_to_send_ = true;
}

bool Endpoint::write(Instant now, std::uint32_t octets, bool urgent) {
  if (place_ != Place::kConnection || !connection_->may_queue()) return false;
  connection_->queued(octets);
  queued_ += octets;
  if (urgent) connection_->queued_urgent();
  wants_to_send_ = true;
  check(now);
  return true;
}

std::uint32_t Endpoint::read(Instant now, std::uint32_t octets) {
  if (!connection_) return 0;
  const std::uint32_t taken = std::min(octets, connection_->unread());
  if (taken == 0) return 0;
  wants_to_send_ = connection_->consumed(context_, now, taken) || wants_to_send_;
  check(now);
  return taken;
}

void Endpoint::shutdown(Instant now) {
  if (place_ == Place::kConnection) perform(now, connection_->shutdown_write(context_, now));
}

void Endpoint::close(Instant now) {
  listens_ = false;
  if (place_ != Place::kConnection) return;
  if (connection_->loses_data()) return abort(now);
  perform(now, connection_->close(context_, now));
}

void Endpoint::abort(Instant now) {
  listens_ = false;
  if (place_ != Place::kConnection) return;
  const std::optional<SegmentOut> reset =
      connection_->abort(context_, now, Error::kConnectionReset);
  if (reset) sent_.push_back({*reset, now});
  over();
}

void Endpoint::set_options(Instant now, const SocketOptions& options) {
  largest_buffer_ = std::max(largest_buffer_, options.receive_buffer);
  if (!connection_) return;
  connection_->set_options(context_, now, options);
  wants_to_send_ = true;
  check(now);
}

void Endpoint::icmp_error(Instant now, SeqNumber quoted, Error error, bool hard) {
  if (place_ != Place::kConnection) return;
  const Actions actions = connection_->icmp_error(quoted, error, hard);
  last_drop_ = actions.dropped ? std::optional{actions.drop} : std::nullopt;
  perform(now, actions);
}

void Endpoint::packet_too_big(Instant now, SeqNumber quoted, std::uint16_t mss) {
  if (place_ != Place::kConnection) return;
  const Actions actions = connection_->packet_too_big(context_, quoted, mss);
  last_drop_ = actions.dropped ? std::optional{actions.drop} : std::nullopt;
  perform(now, actions);
}

void Endpoint::path_changed(Instant now, std::uint16_t link, std::uint16_t path) {
  if (place_ != Place::kConnection) return;
  connection_->path_changed(context_, link, path);
  check(now);
}

// --- events --------------------------------------------------------------------------------------

void Endpoint::arrives(Instant now, const SegmentIn& segment, char fill) {
  last_drop_.reset();
  if (place_ == Place::kTimeWait) return time_wait_segment(now, segment);
  if (place_ == Place::kNone) {
    const ListenVerdict verdict = listens_              ? listen_arrives(segment)
                                  : segment.flags.rst() ? ListenVerdict::kIgnore
                                                        : ListenVerdict::kReset;
    if (verdict == ListenVerdict::kReset) sent_.push_back({reset_for(segment), now});
    if (verdict != ListenVerdict::kOpen) return;
    start(now);
    connection_->open_passive(context_, now, segment);
    wants_to_send_ = true;
    return check(now);
  }
  const Actions actions = connection_->segment_arrives(context_, now, segment, steps_);
  if (actions.dropped) last_drop_ = actions.drop;
  if (actions.reset) sent_.push_back({reset_for(segment), now});
  if (!synchronized_ && is_open(connection_->state())) {
    received_.begin(connection_->info().irs + 1);
  }
  received_.take(segment, fill, actions, steps_, faults_);
  perform(now, actions);
}

void Endpoint::perform(Instant now, const Actions& actions) {
  notes_ |= actions.notes;
  acked_ += actions.acked;
  if (acked_ > queued_) fault("more octets acknowledged than were queued");
  wants_to_send_ = wants_to_send_ || actions.send;
  if (actions.time_wait) {
    enter_time_wait(now);
  } else if (actions.closed) {
    over();
  } else {
    check(now);
  }
}

void Endpoint::enter_time_wait(Instant now) {
  if (connection_->state() != State::kTimeWait) fault("time_wait, and another state");
  TimeWait record;
  record.snd_nxt = connection_->snd_nxt();
  record.rcv_nxt = connection_->rcv_nxt();
  record.ts_recent = connection_->ts_recent();
  record.ts_offset = connection_->ts_offset();
  record.timestamps = connection_->timestamps();
  record.window = connection_->last_window();
  if (connection_->ack_due()) {
    sent_.push_back({acknowledgement(record, Connection::timestamp_clock(now)), now});
  }
  over();
  place_ = Place::kTimeWait;
  time_wait_ = record;
  time_wait_end_ = now + config_.time_wait;
}

void Endpoint::time_wait_segment(Instant now, const SegmentIn& segment) {
  switch (time_wait_arrives(*time_wait_, segment, config_.rst_ends_time_wait)) {
    case TimeWaitVerdict::kIgnore:
      last_drop_ = Drop::kTcpTimeWait;
      return;
    case TimeWaitVerdict::kRestart:
      time_wait_end_ = now + config_.time_wait;
      [[fallthrough]];
    case TimeWaitVerdict::kAcknowledge:
      sent_.push_back({acknowledgement(*time_wait_, Connection::timestamp_clock(now)), now});
      last_drop_ = Drop::kTcpTimeWait;
      return;
    case TimeWaitVerdict::kEnd:
      place_ = Place::kNone;
      return;
    case TimeWaitVerdict::kReopen:
      place_ = Place::kNone;
      setup_.iss = later(setup_.iss, time_wait_->snd_nxt + 1);
      return arrives(now, segment);
  }
}

void Endpoint::over() {
  place_ = Place::kNone;
  closed_ = true;
  error_ = connection_->error();
  wants_to_send_ = false;
  if (connection_->reassembly().octets() != received_.out_of_order()) {
    fault("the list of ranges and the stored text differ");
  }
  connection_->reassembly().clear(ranges_, [](std::uint32_t) {});
  received_.forget();
  connection_->forget_sent(context_);
  if (sent_runs_.size() != 0) fault("runs of what was sent are left over");
  if (ranges_.size() != 0) fault("ranges are left over");
}

Instant Endpoint::deadline() const noexcept {
  if (place_ == Place::kConnection) return connection_->deadline();
  return place_ == Place::kTimeWait ? time_wait_end_ : kNever;
}

void Endpoint::timeout(Instant now) {
  if (place_ == Place::kTimeWait && now >= time_wait_end_) place_ = Place::kNone;
  if (place_ != Place::kConnection) return;
  perform(now, connection_->timeout(context_, now));
  if (place_ == Place::kConnection && connection_->deadline() <= now) {
    fault("a deadline that has passed stays after timeout()");
  }
}

void Endpoint::transmit(Instant now, std::uint32_t most) {
  if (place_ != Place::kConnection) return;
  if (!wants_to_send_) return check_quiet(now);
  SegmentOut out;
  for (; most > 0; --most) {
    if (!connection_->next_segment(context_, now, out)) {
      wants_to_send_ = false;
      break;
    }
    check_sent(out);
    sent_.push_back({out, now});
  }
  check(now);
  if (!wants_to_send_) check_timers(connection_->info());
}

State Endpoint::state() const noexcept {
  if (place_ == Place::kConnection) return connection_->state();
  if (place_ == Place::kTimeWait) return State::kTimeWait;
  return listens_ ? State::kListen : State::kClosed;
}

// --- what must hold ------------------------------------------------------------------------------

void Endpoint::check(Instant) {
  if (place_ != Place::kConnection) return;
  const Connection& c = *connection_;
  const Info info = c.info();
  const SeqNumber limit = c.snd_end() + 1;
  if (!c.snd_una().at_or_before(c.snd_nxt())) fault("SND.UNA > SND.NXT");
  if (!c.snd_nxt().at_or_before(limit)) fault("SND.NXT beyond what there is to send");
  if (!is_open(c.state())) return;

  const SeqNumber edge = c.rcv_nxt() + info.rcv_wnd;
  if (synchronized_ && edge.before(promised_)) fault("the window was taken back");
  promised_ = edge;
  synchronized_ = true;
  const SeqNumber next = c.rcv_nxt() - (c.peer_closed() ? 1 : 0);
  if (next != received_.next()) fault("RCV.NXT is not behind what was delivered");
  if (info.bytes_received != received_.octets()) fault("bytes_received is wrong");
  if (info.bytes_acked != acked_) fault("bytes_acked is wrong");
  if (info.out_of_order != received_.out_of_order()) {
    fault("the list of ranges and the stored text differ");
  }
  // A window may be more than the buffer by less than one unit of its scale.
  const std::uint64_t owed = std::uint64_t{c.unread()} + info.rcv_wnd;
  if (owed > std::uint64_t{largest_buffer_} + (1u << info.rcv_wind_shift)) {
    fault("more window is promised than there is buffer");
  }
}

/// may_send() said no: so must next_segment().
void Endpoint::check_quiet(Instant now) {
  Connection copy = *connection_;
  SegmentOut out;
  if (copy.next_segment(context_, now, out)) fault("may_send() says no, next_segment() yes");
}

void Endpoint::check_sent(const SegmentOut& out) {
  const Connection& c = *connection_;
  const Info info = c.info();
  const TcpFlags flags = arriving(out).flags;
  check_ecn(out, info);
  if (flags.syn()) {
    if (out.header.seq != info.iss) fault("a SYN that is not at ISS");
    if (!out.header.options.sack.empty()) fault("SACK blocks on a SYN");
    return;
  }
  // RFC 8257 section 3.2: what came before a mark is acknowledged apart.
  const bool apart = setup_.options.ecn == EcnUse::kDctcp && info.ecn && out.header.ack &&
                     out.header.ack->before(c.rcv_nxt());
  if (!out.header.ack || (*out.header.ack != c.rcv_nxt() && !apart)) fault("ACK is not RCV.NXT");
  if (out.header.options.mss || out.header.options.window_scale ||
      out.header.options.sack_permitted) {
    fault("an option of SYN on another segment");
  }
  if (out.header.options.timestamps.has_value() != info.timestamps) {
    fault("timestamps agreed on and not sent, or sent and not agreed on");
  }
  check_blocks(out, info);
  check_window(out, info);

  const std::uint32_t numbers = out.len + (flags.fin() ? 1 : 0);
  const SeqNumber end = out.header.seq + numbers;
  if (numbers == 0) {
    const bool keep_alive = out.header.seq == c.snd_nxt() - 1;
    if (out.header.seq != c.snd_nxt() && !keep_alive) fault("an ACK that is not at SND.NXT");
    return;
  }
  if (out.garbage) return;
  if (out.header.seq.before(c.snd_una()) || end.after(c.snd_end() + (flags.fin() ? 1 : 0)) ||
      (flags.fin() && end != c.snd_end() + 1)) {
    fault("sends what is not in the queue");
  }
  if (out.len > info.mss && !out.probe) fault("more text than a full segment");
  if (info.snd_wnd > 0 && end.after(c.snd_una() + info.snd_wnd)) {
    fault("sends beyond the peer's window");
  }
  if (info.snd_wnd == 0 && numbers > 1) fault("more than a probe into a closed window");
  if (!out.retransmission && info.snd_wnd > 0 && info.in_flight > info.cwnd + 2 * info.mss) {
    fault("sends beyond the congestion window");
  }
}

/// RFC 3168 section 6.1: only new text may be marked, and nothing is said without an agreement.
void Endpoint::check_ecn(const SegmentOut& out, const Info& info) {
  if (out.ecn != Ecn::kNotEct && (!info.ecn || out.len == 0 || out.retransmission || out.garbage)) {
    fault("ECT on a packet that must not be marked");
  }
  if (out.header.control == TcpControl::kSyn) return;
  if ((out.header.ece || out.header.cwr) && !info.ecn) fault("ECE or CWR, and no ECN agreed on");
}

/// RFC 2018 section 4, RFC 2883 section 4: every block is a range held beyond a hole, but for a
/// first one that tells of octets received twice.
void Endpoint::check_blocks(const SegmentOut& out, const Info& info) {
  const auto& blocks = out.header.options.sack;
  if (blocks.empty()) return;
  if (!info.sack) fault("SACK blocks, and SACK was not agreed on");
  if (out.len > 0) fault("SACK blocks on a segment with text");
  if (out.header.header_len() > TcpView::kMaxHeader) fault("more blocks than fit the header");
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!blocks[i].left.before(blocks[i].right)) fault("a SACK block that holds nothing");
    bool held = false;
    connection_->reassembly().for_each(ranges_, [&](SeqNumber begin, SeqNumber end) {
      held = held || (begin == blocks[i].left && end == blocks[i].right);
    });
    if (i > 0 && !held) fault("a SACK block that is not held");
    for (std::size_t j = 1; j < i; ++j) {
      if (blocks[i] == blocks[j]) fault("a SACK block told twice");
    }
  }
}

void Endpoint::check_window(const SegmentOut& out, const Info& info) {
  const SeqNumber accepted = info.rcv_nxt + info.rcv_wnd;
  const std::uint32_t unit = 1u << info.rcv_wind_shift;
  const SeqNumber edge =
      *out.header.ack + (std::uint32_t{out.header.window} << info.rcv_wind_shift);
  if (edge.after(accepted)) fault("a window is announced that would not be accepted");
  // What a scale cannot say may be missing (RFC 7323 section 2.4).
  if (edge.before(accepted - (unit - 1))) fault("less window is announced than was promised");
}

/// Whatever waits for something has a timer for when it does not come.
void Endpoint::check_timers(const Info& info) {
  const Connection& c = *connection_;
  if (!is_open(c.state()) && c.state() != State::kSynSent && c.state() != State::kSynReceived) {
    return;
  }
  if (c.snd_una() != c.snd_nxt() && c.deadline() == kNever) fault("data in flight and no timer");
  if (is_open(c.state()) && info.unsent > 0 && c.deadline() == kNever) {
    fault("data to send and nothing that would send it");
  }
}

}  // namespace smol::tcp::script
