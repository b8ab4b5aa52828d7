#include "tests/support/tcp_script.hh"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/tcp_notation.hh"

namespace smol::tcp::script {
namespace {

/// More than any scenario sends: the connection is beside itself.
constexpr std::size_t kMostSegments = 100'000;
constexpr int kMostTimeouts = 100'000;

const std::set<std::string_view> kLooks = {"event",     "no", "state", "drop",
                                           "delivered", "is", "waits", "urgent"};

const std::map<std::string_view, std::uint32_t> kEvents = {
    {"readable", Note::kReadable},
    {"writable", Note::kWritable},
    {"connected", Note::kConnected},
    {"peer_closed", Note::kPeerClosed},
    {"sent", Note::kSent},
    {"deadline", Note::kDeadline},
    {"soft_error", Note::kSoftError},
    {"timeout", Note::kTimeout},
    {"fast_retransmit", Note::kFastRetransmit},
    {"challenge_ack", Note::kChallengeAck},
    {"out_of_order", Note::kOutOfOrder},
    {"keep_alive", Note::kKeepAlive},
    {"zero_window_probe", Note::kZeroWindowProbe},
    {"reached_r1", Note::kReachedR1},
    {"forward_progress", Note::kForwardProgress},
    {"text_after_close", Note::kTextAfterClose},
    {"urgent", Note::kUrgent},
    {"congestion_experienced", Note::kCongestionExperienced},
    {"tail_probe", Note::kTailProbe},
    {"undone", Note::kUndone},
    {"path_mtu", Note::kPathMtu},
    {"path_mtu_doubted", Note::kPathMtuDoubted},
    {"black_hole", Note::kBlackHole},
    {"probe_arrived", Note::kProbeArrived},
    {"probe_lost", Note::kProbeLost},
};

const std::map<std::string_view, WaitsFor> kWaits = {
    {"nothing", WaitsFor::kNothing},        {"application", WaitsFor::kApplication},
    {"peer_window", WaitsFor::kPeerWindow}, {"congestion_window", WaitsFor::kCongestionWindow},
    {"pacing", WaitsFor::kPacing},          {"nagle", WaitsFor::kNagle},
    {"handshake", WaitsFor::kHandshake},
};

const std::map<std::string_view, std::uint64_t (*)(const Info&)> kNumbers = {
    {"cwnd", [](const Info& i) -> std::uint64_t { return i.cwnd; }},
    {"ssthresh", [](const Info& i) -> std::uint64_t { return i.ssthresh; }},
    {"mss", [](const Info& i) -> std::uint64_t { return i.mss; }},
    {"snd_wnd", [](const Info& i) -> std::uint64_t { return i.snd_wnd; }},
    {"receive_buffer", [](const Info& i) -> std::uint64_t { return i.receive_buffer; }},
    {"rcv_space", [](const Info& i) -> std::uint64_t { return i.rcv_space; }},
    {"rcv_wnd", [](const Info& i) -> std::uint64_t { return i.rcv_wnd; }},
    {"snd_wind_shift", [](const Info& i) -> std::uint64_t { return i.snd_wind_shift; }},
    {"rcv_wind_shift", [](const Info& i) -> std::uint64_t { return i.rcv_wind_shift; }},
    {"timestamps", [](const Info& i) -> std::uint64_t { return i.timestamps ? 1 : 0; }},
    {"sack", [](const Info& i) -> std::uint64_t { return i.sack ? 1 : 0; }},
    {"ecn", [](const Info& i) -> std::uint64_t { return i.ecn ? 1 : 0; }},
    {"ce_in", [](const Info& i) -> std::uint64_t { return i.ce_in; }},
    {"ece_in", [](const Info& i) -> std::uint64_t { return i.ece_in; }},
    {"sacks_out", [](const Info& i) -> std::uint64_t { return i.sacks_out; }},
    {"dsacks_out", [](const Info& i) -> std::uint64_t { return i.dsacks_out; }},
    {"unsent", [](const Info& i) -> std::uint64_t { return i.unsent; }},
    {"unacked", [](const Info& i) -> std::uint64_t { return i.unacked; }},
    {"unread", [](const Info& i) -> std::uint64_t { return i.unread; }},
    {"out_of_order", [](const Info& i) -> std::uint64_t { return i.out_of_order; }},
    {"bytes_acked", [](const Info& i) -> std::uint64_t { return i.bytes_acked; }},
    {"bytes_received", [](const Info& i) -> std::uint64_t { return i.bytes_received; }},
    {"segs_out", [](const Info& i) -> std::uint64_t { return i.segs_out; }},
    {"segs_in", [](const Info& i) -> std::uint64_t { return i.segs_in; }},
    {"sum_retrans", [](const Info& i) -> std::uint64_t { return i.sum_retrans; }},
    {"timeouts", [](const Info& i) -> std::uint64_t { return i.timeouts; }},
    {"fast_retrans", [](const Info& i) -> std::uint64_t { return i.fast_retrans; }},
    {"dup_acks_in", [](const Info& i) -> std::uint64_t { return i.dup_acks_in; }},
    {"dsacks_in", [](const Info& i) -> std::uint64_t { return i.dsacks_in; }},
    {"tail_probes", [](const Info& i) -> std::uint64_t { return i.tail_probes; }},
    {"undone", [](const Info& i) -> std::uint64_t { return i.undone; }},
    {"in_flight", [](const Info& i) -> std::uint64_t { return i.in_flight; }},
    {"sacked", [](const Info& i) -> std::uint64_t { return i.sacked; }},
    {"lost", [](const Info& i) -> std::uint64_t { return i.lost; }},
    {"pacing_rate", [](const Info& i) -> std::uint64_t { return i.pacing_rate; }},
    {"in_recovery", [](const Info& i) -> std::uint64_t { return i.in_recovery ? 1 : 0; }},
    {"in_loss", [](const Info& i) -> std::uint64_t { return i.in_loss ? 1 : 0; }},
    {"reordering", [](const Info& i) -> std::uint64_t { return i.reordering ? 1 : 0; }},
    {"backoff", [](const Info& i) -> std::uint64_t { return i.backoff; }},
    {"zero_window_probes", [](const Info& i) -> std::uint64_t { return i.zero_window_probes; }},
};

const std::map<std::string_view, Duration (*)(const Info&)> kTimes = {
    {"srtt", [](const Info& i) { return i.srtt; }},
    {"rttvar", [](const Info& i) { return i.rttvar; }},
    {"rto", [](const Info& i) { return i.rto; }},
    {"ato", [](const Info& i) { return i.ato; }},
};

constexpr std::string_view kEcnNames[] = {"", "ect1", "ect0", "ce"};

Ecn ecn_named(std::string_view wanted) {
  return static_cast<Ecn>(std::find(std::begin(kEcnNames), std::end(kEcnNames), wanted) -
                          std::begin(kEcnNames));
}

template <class Map>
auto look_up(const Map& map, std::string_view name, const char* what) {
  const auto found = map.find(name);
  if (found == map.end()) fail_with(std::string{"no such "} + what + ": " + std::string{name});
  return found->second;
}

Error error_named(std::string_view wanted) {
  for (int value = 0; value < 256; ++value) {
    const auto error = static_cast<Error>(value);
    if (name(error) == wanted) return error;
  }
  fail_with("no such error: " + std::string{wanted});
}

}  // namespace

// --- running a script ----------------------------------------------------------------------------

class Runner {
 public:
  explicit Runner(Scripted& of) : s_{of}, begin_{of.now_}, time_{of.now_} {
    if (endpoint().exists()) ours_ = endpoint().connection().snd_nxt();
    flush();  // what a call between two scripts wants sent
  }

  void line(std::string_view text) {
    Words words{text.substr(0, text.find("//"))};
    if (words.empty()) return;
    const bool timed = take_time(words);
    if (words.take(">")) return expect(segment_of(words), timed);
    pass_to(time_);
    // What only looks may stand before the segments of its moment.
    const bool looks = !timed && kLooks.count(words.peek()) > 0;
    if (!burst_ && !looks) unlisted();
    const std::string_view said = words.rest();
    if (words.take("<")) {
      inject(segment_of(words));
    } else if (!words.empty()) {
      note(said);
      command(words);
    }
    flush();
  }

  void end() {
    if (burst_) fail_with("burst without end");
    unlisted();
    no_faults();
  }

 private:
  Endpoint& endpoint() { return *s_.endpoint_; }
  const Start& start() const { return s_.given_.start; }

  bool take_time(Words& words) {
    std::string_view word = words.peek();
    const bool since_last = !word.empty() && word.front() == '+';
    if (since_last) word.remove_prefix(1);
    const std::optional<Duration> time = time_of(word);
    if (!time) {
      if (since_last) fail_with("expected a time such as +50ms");
      return false;
    }
    words.next("a time");
    const Instant at = (since_last ? time_ : begin_) + *time;
    if (at < time_) fail_with("time runs forward: the line before was later");
    time_ = at;
    return true;
  }

  // Time.

  void flush() {
    if (!burst_) endpoint().transmit(s_.now_, kMostSegments);
    take_note_of_sent();
  }

  void pass_one(Instant at) {
    s_.now_ = std::max(s_.now_, at);
    endpoint().timeout(s_.now_);
    flush();
    if (++timeouts_ > kMostTimeouts) fail_with("timers run without end");
  }

  void pass_to(Instant until) {
    while (endpoint().deadline() <= until) pass_one(endpoint().deadline());
    s_.now_ = std::max(s_.now_, until);
  }

  // What is sent.

  void take_note_of_sent() {
    std::deque<Endpoint::Sent>& sent = endpoint().sent();
    for (; noted_ < sent.size(); ++noted_) {
      const SegmentOut& out = sent[noted_].segment;
      note("> " + sent_text(out), sent[noted_].at);
      if (out.header.options.timestamps) s_.peer_.last_tsval = out.header.options.timestamps->tsval;
    }
    if (sent.size() > kMostSegments) fail_with("sends without end");
  }

  void unlisted() {
    if (endpoint().sent().empty()) return;
    const Endpoint::Sent& sent = endpoint().sent().front();
    fail_with("sent and not listed: " + since_begin(sent.at) + "  > " + sent_text(sent.segment));
  }

  void expect(const SegmentLine& line, bool timed) {
    std::deque<Endpoint::Sent>& sent = endpoint().sent();
    if (timed) {
      while (sent.empty() && endpoint().deadline() <= time_ + kTick)
        pass_one(endpoint().deadline());
      s_.now_ = std::max(s_.now_, time_);
    }
    if (sent.empty()) fail_with("expected and not sent");
    const Endpoint::Sent first = sent.front();
    const Duration off = first.at > time_ ? first.at - time_ : time_ - first.at;
    const std::string was = since_begin(first.at) + "  > " + sent_text(first.segment);
    if (off > kTick) fail_with("sent at another time: " + was);
    const std::string wrong = difference(line, first.segment);
    if (!wrong.empty()) fail_with(wrong + ": sent was " + was);
    sent.pop_front();
    --noted_;
    const SegmentIn as_seen = arriving(first.segment);
    if (!as_seen.flags.rst()) ours_ = later_of(ours_, as_seen.seq + as_seen.seq_len());
  }

  std::string difference(const SegmentLine& line, const SegmentOut& out) {
    const SegmentIn in = arriving(out);
    if (in.flags.raw != line.flags) return "other flags";
    const std::int64_t seq = ours(in.seq);
    if (line.text) {
      if (seq != line.text->first) return "another sequence number";
      if (in.len != line.text->second - line.text->first) return "other text";
    } else {
      if (in.len != 0) return "text where none is expected";
      if (ours_ && in.seq != *ours_) return "not at the next number (write the range)";
    }
    if (line.ack && theirs(in.ack) != *line.ack) return "another ack";
    if (line.window && in.window != *line.window) return "another window";
    if (line.urgent && in.urgent != *line.urgent) return "another urgent pointer";
    if (ecn_named(line.ecn) != out.ecn) return "another ECN codepoint";
    if (line.sack != sack_of(out)) return "other sack blocks";
    return line.options ? option_difference(*line.options, out) : "";
  }

  std::vector<std::pair<std::int64_t, std::int64_t>> sack_of(const SegmentOut& out) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> blocks;
    for (const SackBlock& block : out.header.options.sack) {
      blocks.emplace_back(theirs(block.left), theirs(block.right));
    }
    return blocks;
  }

  std::string option_difference(const OptionsLine& line, const SegmentOut& out) {
    const TcpOptions& is = out.header.options;
    if (is.mss.has_value() != line.mss.has_value() || (is.mss && *is.mss != *line.mss)) {
      return "another mss";
    }
    if (is.window_scale.has_value() != line.wscale.has_value() ||
        (is.window_scale && *is.window_scale != *line.wscale)) {
      return "another wscale";
    }
    if (is.sack_permitted != line.sack_permitted) return "another sackOK";
    if (is.timestamps.has_value() != line.timestamps.has_value()) return "other timestamps";
    if (!is.timestamps) return "";
    if (line.timestamps->val && our_time(is.timestamps->tsval) != *line.timestamps->val) {
      return "another TS val";
    }
    if (line.timestamps->ecr && echo(out) != *line.timestamps->ecr) return "another TS ecr";
    return "";
  }

  // What arrives.

  void inject(const SegmentLine& line) {
    SegmentIn in;
    in.flags.raw = line.flags;
    const SeqNumber irs = start().irs;
    in.seq = line.text ? irs + static_cast<std::uint32_t>(line.text->first) : s_.peer_.nxt;
    if (line.text) in.len = static_cast<std::uint32_t>(line.text->second - line.text->first);
    if (line.ack) in.ack = start().iss + static_cast<std::uint32_t>(*line.ack);
    if (line.window) s_.peer_.window = static_cast<std::uint16_t>(*line.window);
    in.window = s_.peer_.window;
    in.urgent = static_cast<std::uint16_t>(line.urgent.value_or(0));
    in.ecn = ecn_named(line.ecn);
    if (line.options) {
      put_options(*line.options, in);
    } else if (s_.peer_.timestamps && !line.has(TcpFlags::kRst)) {
      in.options.timestamps = TcpTimestamps{peer_clock(), s_.peer_.last_tsval};
    }
    for (const auto& [left, right] : line.sack) {
      in.options.sack.push_back({start().iss + static_cast<std::uint32_t>(left),
                                 start().iss + static_cast<std::uint32_t>(right)});
    }
    note("< " + segment_text(in, false));
    if (!line.has(TcpFlags::kRst)) {
      const SeqNumber end = in.seq + in.seq_len();
      if (s_.peer_.nxt.before(end)) s_.peer_.nxt = end;
    }
    endpoint().arrives(s_.now_, in, line.fill);
  }

  void put_options(const OptionsLine& line, SegmentIn& in) {
    if (line.mss) in.options.mss = static_cast<std::uint16_t>(*line.mss);
    if (line.wscale) in.options.window_scale = static_cast<std::uint8_t>(*line.wscale);
    in.options.sack_permitted = line.sack_permitted;
    if (!line.timestamps) return;
    TcpTimestamps ts{peer_clock(), s_.peer_.last_tsval};
    if (line.timestamps->val) {
      ts.tsval = start().peer_timestamps + static_cast<std::uint32_t>(*line.timestamps->val);
    }
    if (line.timestamps->ecr)
      ts.tsecr = our_zero() + static_cast<std::uint32_t>(*line.timestamps->ecr);
    if (in.flags.syn() && !in.flags.ack()) ts.tsecr = 0;
    in.options.timestamps = ts;
    if (in.flags.syn()) s_.peer_.timestamps = true;
  }

  // Everything else.

  void command(Words& words) {
    const std::string_view word = words.next("a command");
    if (call(word, words) || look(word, words)) return words.end();
    fail_with("no such command: " + std::string{word});
  }

  bool call(std::string_view word, Words& words) {
    Endpoint& e = endpoint();
    if (word == "write") {
      const bool urgent = words.take("urgent");
      const auto octets = static_cast<std::uint32_t>(number(words.next("how many octets")));
      if (!e.write(s_.now_, octets, urgent)) fail_with("may_queue() says no");
    } else if (word == "read") {
      if (words.take("all")) {
        e.read(s_.now_, 0xffff'ffff);
      } else {
        const auto octets = static_cast<std::uint32_t>(number(words.next("how many octets")));
        if (e.read(s_.now_, octets) != octets) fail_with("there is less to read");
      }
    } else if (word == "connect") {
      e.connect(s_.now_);
    } else if (word == "shutdown") {
      e.shutdown(s_.now_);
    } else if (word == "close") {
      e.close(s_.now_);
    } else if (word == "abort") {
      e.abort(s_.now_);
    } else if (word == "icmp") {
      const bool hard = words.take("hard") || (words.take("soft") && false);
      const Error error = error_named(words.next("an error"));
      const auto seq = static_cast<std::uint32_t>(number(words.next("a number")));
      e.icmp_error(s_.now_, start().iss + seq, error, hard);
    } else if (word == "too_big") {
      const auto seq = static_cast<std::uint32_t>(number(words.next("a number")));
      const auto mss = static_cast<std::uint16_t>(number(words.next("octets")));
      e.packet_too_big(s_.now_, start().iss + seq, mss);
    } else if (word == "path") {
      const auto mss = static_cast<std::uint16_t>(number(words.next("octets")));
      e.path_changed(s_.now_, mss, mss);
    } else if (word == "memory") {
      const std::string_view level = words.next("enough, short or out");
      e.context().short_of_memory = level != "enough";
      e.context().out_of_memory = level == "out";
    } else if (word == "burst") {
      burst_ = true;
    } else if (word == "end") {
      burst_ = false;
    } else if (word != "nothing") {
      return false;
    }
    return true;
  }

  bool look(std::string_view word, Words& words) {
    Endpoint& e = endpoint();
    if (word == "event") {
      event(words.next("an event"));
    } else if (word == "no" && words.take("event")) {
      const std::string_view event = words.next("an event");
      const std::uint32_t bits = look_up(kEvents, event, "event");
      if ((e.notes() & bits) != 0) fail_with("it happened");
    } else if (word == "state") {
      same(words.next("a state"), name(e.state()));
    } else if (word == "drop") {
      same(words.next("a reason"), e.last_drop() ? name(*e.last_drop()) : "nothing");
    } else if (word == "urgent") {
      const Urgent urgent = e.connection().urgent();
      same(words.next("octets left"), std::to_string(urgent.left));
      if (words.take("mark") != urgent.at_mark) {
        fail_with(urgent.at_mark ? "it is at the mark" : "it is not at the mark");
      }
    } else if (word == "waits") {
      const WaitsFor wanted = look_up(kWaits, words.next("a reason"), "reason to wait");
      if (s_.info().waits_for != wanted) fail_with("waits for something else");
    } else if (word == "delivered") {
      same(words.next("octets"), std::to_string(e.received().octets()));
    } else if (word == "is") {
      const std::string_view what = words.next("a name");
      const std::string_view value = words.next("a value");
      if (const auto time = kTimes.find(what); time != kTimes.end()) {
        const std::optional<Duration> wanted = time_of(value);
        if (!wanted) fail_with("expected a time, not " + std::string{value});
        if (time->second(s_.info()) != *wanted)
          fail_with("it is " + text_of(time->second(s_.info())));
      } else {
        same(value, std::to_string(look_up(kNumbers, what, "number of tcp::Info")(s_.info())));
      }
    } else {
      return false;
    }
    return true;
  }

  void same(std::string_view wanted, std::string_view is) {
    if (wanted != is) fail_with("it is " + std::string{is});
  }

  void event(std::string_view event) {
    Endpoint& e = endpoint();
    if (event.substr(0, 6) == "closed") {
      if (!e.closed()) fail_with("it is not closed");
      const std::string_view error = e.error() ? name(*e.error()) : "";
      const std::string_view wanted = event.size() > 7 ? event.substr(7) : "";
      if (wanted != error) fail_with("closed, with error '" + std::string{error} + "'");
      return;
    }
    const std::uint32_t bits = look_up(kEvents, event, "event");
    if ((e.notes() & bits) == 0) fail_with("it did not happen");
    e.clear_notes(bits);
  }

  // Numbers as scripts have them.

  static std::optional<SeqNumber> later_of(std::optional<SeqNumber> a, SeqNumber b) {
    return a && !a->before(b) ? a : b;
  }
  static std::int64_t relative(std::uint32_t distance) {
    return distance > 0xf000'0000 ? static_cast<std::int32_t>(distance) : std::int64_t{distance};
  }
  std::int64_t ours(SeqNumber n) const { return relative(start().iss.until(n)); }
  std::int64_t theirs(SeqNumber n) const { return relative(start().irs.until(n)); }
  std::uint32_t our_zero() const {
    return Connection::timestamp_clock(start().time) + start().ts_offset;
  }
  std::int64_t our_time(std::uint32_t tsval) const { return relative(tsval - our_zero()); }
  std::uint32_t peer_clock() const {
    return start().peer_timestamps +
           static_cast<std::uint32_t>((s_.now_ - start().time) / milliseconds(1));
  }
  std::int64_t echo(const SegmentOut& out) const {
    const std::uint32_t tsecr = out.header.options.timestamps->tsecr;
    if (!out.header.ack) return tsecr;
    return relative(tsecr - start().peer_timestamps);
  }

  std::string sent_text(const SegmentOut& out) const {
    std::string text = segment_text(arriving(out), true);
    if (const auto& ts = out.header.options.timestamps) {
      text += " <TS val " + std::to_string(our_time(ts->tsval)) + " ecr " +
              std::to_string(echo(out)) + ">";
    }
    const auto blocks = sack_of(out);
    if (!blocks.empty()) text += " sack";
    for (const auto& [left, right] : blocks) {
      text += ' ' + std::to_string(left) + ':' + std::to_string(right);
    }
    return text;
  }
  std::string segment_text(const SegmentIn& in, bool our_side) const {
    std::ostringstream out;
    std::string flags;
    for (const std::size_t bit : {1u, 0u, 2u, 3u, 5u, 6u, 7u, 4u}) {
      if ((in.flags.raw >> bit & 1) != 0) flags += kFlagLetters[bit];
    }
    const std::int64_t seq = our_side ? ours(in.seq) : theirs(in.seq);
    out << (flags.empty() ? "-" : flags) << ' ' << seq << ':' << seq + in.len << '(' << in.len
        << ')';
    if (in.flags.ack()) out << " ack " << (our_side ? theirs(in.ack) : ours(in.ack));
    out << " win " << in.window;
    if (in.flags.urg()) out << " urg " << in.urgent;
    if (in.ecn != Ecn::kNotEct) out << ' ' << kEcnNames[static_cast<std::size_t>(in.ecn)];
    if (in.options.mss) out << " <mss " << *in.options.mss << '>';
    if (in.options.sack_permitted) out << " <sackOK>";
    if (in.options.window_scale) out << " <wscale " << int{*in.options.window_scale} << '>';
    return out.str();
  }

  std::string since_begin(Instant at) const { return text_of(at - begin_); }
  void note(std::string_view what) { note(what, s_.now_); }
  void note(std::string_view what, Instant at) {
    s_.transcript_ += "    " + since_begin(at) + "  " + std::string{what} + '\n';
  }

  void no_faults() {
    if (endpoint().faults().empty()) return;
    const std::string first = endpoint().faults().front();
    endpoint().faults().clear();
    fail_with("what must always hold does not: " + first);
  }

 public:
  void check_faults() { no_faults(); }

 private:
  Scripted& s_;
  Instant begin_;
  Instant time_;
  std::size_t noted_ = 0;
  int timeouts_ = 0;
  bool burst_ = false;
  std::optional<SeqNumber> ours_;
};

// --- Scripted ------------------------------------------------------------------------------------

namespace {

Connection::Setup setup_of(const Given& given) {
  Connection::Setup out;
  out.iss = given.start.iss;
  out.ts_offset = given.start.ts_offset;
  out.local_mss = static_cast<std::uint16_t>(given.mss + (given.timestamps ? 12 : 0));
  out.is_v6 = given.is_v6;
  out.options = given.options;
  out.options.receive_buffer = given.receive_buffer;
  out.options.congestion_control = given.congestion;
  return out;
}

Config config_of(const Given& given) {
  Config out = given.config;
  out.initial_window_segments = given.cwnd / given.mss;
  out.timestamps = given.timestamps;
  out.sack = given.sack;
  out.quick_acks = given.quick_acks;
  out.initial_receive_buffer = given.initial_receive_buffer;
  out.window_scaling = given.wscale.has_value();
  out.pacing = given.pacing;
  return out;
}

}  // namespace

Scripted::Scripted(const Given& given)
    : given_{given},
      endpoint_{std::make_unique<Endpoint>(config_of(given), setup_of(given))},
      peer_{given.start.irs, static_cast<std::uint16_t>(given.window), false, 0},
      now_{given.start.time} {
  if (given.cwnd % given.mss != 0 || given.mss > 1460) {
    ADD_FAILURE() << "Given: cwnd is a multiple of mss, and mss at most 1460";
  }
}

void Scripted::set_options(const SocketOptions& options) {
  given_.options = options;
  endpoint_->set_options(now_, options);
}

std::string Scripted::delivered() const {
  std::string out;
  for (const Piece& piece : endpoint_->received().pieces()) {
    if (!out.empty()) out += ' ';
    out += piece.fill == 0 ? '.' : piece.fill;
    out += '*' + std::to_string(piece.len);
  }
  return out;
}

std::optional<std::string> Scripted::failure_of(std::string_view script) {
  transcript_.clear();
  Runner runner{*this};
  int number = 0;
  std::string_view line;
  try {
    while (!script.empty()) {
      ++number;
      const std::size_t end = std::min(script.find('\n'), script.size());
      line = script.substr(0, end);
      script.remove_prefix(std::min(end + 1, script.size()));
      runner.line(line);
      runner.check_faults();
    }
    line = "the end";
    runner.end();
  } catch (const Failure& failure) {
    endpoint_->sent().clear();
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    return "line " + std::to_string(number) + ": " + std::string{line.substr(begin)} + "\n  " +
           failure.what() + "\n  so far:\n" + transcript_;
  }
  return std::nullopt;
}

void run(Scripted& connection, std::string_view script, const char* file, int line) {
  if (const auto failure = connection.failure_of(script)) {
    ADD_FAILURE_AT(file, line) << *failure;
  }
}

// --- states --------------------------------------------------------------------------------------

namespace {

std::string options_text(const Given& given) {
  std::string out = "<mss " + std::to_string(given.mss + (given.timestamps ? 12 : 0));
  if (given.sack) out += ",sackOK";
  if (given.timestamps) out += ",TS";
  if (given.wscale) out += ",wscale " + std::to_string(*given.wscale);
  return out + ">";
}

std::string window_text(const Given& given) {
  return " win " + std::to_string(given.window) + " ";
}

/// A script of our own; what goes wrong in it is what is tested, so it says so and goes on.
void prepare(Scripted& s, const std::string& script) {
  if (const auto failure = s.failure_of(script)) {
    ADD_FAILURE() << "on the way to the state: " << *failure;
  }
  s.endpoint().clear_notes(~0u);
}

std::string after(const Given& given) {
  return "+" + text_of(given.rtt) + " ";
}

}  // namespace

Scripted closed(const Given& given) {
  return Scripted{given};
}

Scripted listening(const Given& given) {
  Scripted s{given};
  s.endpoint().listen();
  return s;
}

Scripted syn_sent(const Given& given) {
  Scripted s{given};
  prepare(s, "connect\n > S 0:0(0)");
  return s;
}

Scripted syn_received(const Given& given) {
  Scripted s = listening(given);
  prepare(s, "< S 0:0(0)" + window_text(given) + options_text(given) + "\n > S. 0:0(0) ack 1");
  return s;
}

Scripted established(const Given& given) {
  if (given.passive) {
    Scripted s = syn_received(given);
    prepare(s, after(given) + "< . 1:1(0) ack 1" + window_text(given));
    return s;
  }
  Scripted s = syn_sent(given);
  prepare(s, after(given) + "< S. 0:0(0) ack 1" + window_text(given) + options_text(given) +
                 "\n > . 1:1(0) ack 1");
  return s;
}

Scripted fin_wait_1(const Given& given) {
  Scripted s = established(given);
  prepare(s, "shutdown\n > F. 1:1(0) ack 1");
  return s;
}

Scripted fin_wait_2(const Given& given) {
  Scripted s = fin_wait_1(given);
  prepare(s, "< . ack 2");
  return s;
}

Scripted close_wait(const Given& given) {
  Scripted s = established(given);
  prepare(s, "< F. ack 1\n > . 1:1(0) ack 2");
  return s;
}

Scripted closing(const Given& given) {
  Scripted s = fin_wait_1(given);
  prepare(s, "< F. ack 1\n > . 2:2(0) ack 2");
  return s;
}

Scripted last_ack(const Given& given) {
  Scripted s = close_wait(given);
  prepare(s, "shutdown\n > F. 1:1(0) ack 2");
  return s;
}

Scripted time_wait(const Given& given) {
  Scripted s = fin_wait_2(given);
  prepare(s, "< F. ack 2\n > . 2:2(0) ack 2");
  return s;
}

}  // namespace smol::tcp::script
