#include "protocols/tcp/trace.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp {
namespace {

/// As ss(8) writes them.
constexpr std::array<std::pair<State, std::string_view>, 11> kStates = {{
    {State::kClosed, "UNCONN"},
    {State::kListen, "LISTEN"},
    {State::kSynSent, "SYN-SENT"},
    {State::kSynReceived, "SYN-RECV"},
    {State::kEstablished, "ESTAB"},
    {State::kFinWait1, "FIN-WAIT-1"},
    {State::kFinWait2, "FIN-WAIT-2"},
    {State::kCloseWait, "CLOSE-WAIT"},
    {State::kClosing, "CLOSING"},
    {State::kLastAck, "LAST-ACK"},
    {State::kTimeWait, "TIME-WAIT"},
}};
constexpr std::array<std::string_view, 4> kEpisodes = {"open", "cwr", "recovery", "loss"};
constexpr std::array<std::string_view, 11> kPhases = {
    "",         "slow_start",    "conservative_slow_start", "avoidance",       "startup",
    "drain",    "probe_bw_down", "probe_bw_cruise",         "probe_bw_refill", "probe_bw_up",
    "probe_rtt"};
constexpr std::array<std::string_view, 7> kWaits = {
    "nothing", "application", "peer-window", "congestion-window", "pacing", "nagle", "handshake"};
constexpr std::array<std::string_view, 6> kMarks = {"retransmission", "tail-probe", "window-probe",
                                                    "path-probe",     "keep-alive", "app-limited"};
constexpr CongestionControl kControls[] = {
    CongestionControl::kNone, CongestionControl::kNewReno,  CongestionControl::kCubic,
    CongestionControl::kBbr,  CongestionControl::kWestwood,
};

template <class Number>
struct Amount {
  std::string_view word;
  Number Trace::*value;
};
constexpr std::array<Amount<std::uint32_t>, 9> kAmounts = {{
    {"cwnd:", &Trace::cwnd},
    {"ssthresh:", &Trace::ssthresh},
    {"in_flight:", &Trace::in_flight},
    {"sacked:", &Trace::sacked},
    {"lost:", &Trace::lost},
    {"notsent:", &Trace::unsent},
    {"snd_wnd:", &Trace::snd_wnd},
    {"rcv_wnd:", &Trace::rcv_wnd},
    {"mss:", &Trace::mss},
}};
constexpr std::array<Amount<std::uint32_t>, 2> kTimes = {{
    {"minrtt:", &Trace::min_rtt_us},
    {"rto:", &Trace::rto_us},
}};
constexpr std::array<Amount<std::uint64_t>, 3> kLarge = {{
    {"pacing_rate:", &Trace::pacing_rate},
    {"delivered:", &Trace::delivered},
    {"socket:", &Trace::socket},
}};

void put_ms(TextWriter& out, std::uint32_t us) noexcept {
  out.dec(us / 1000).put('.');
  const std::uint32_t rest = us % 1000;
  if (rest < 100) out.put('0');
  if (rest < 10) out.put('0');
  out.dec(rest);
}

/// A number at the beginning of `text`, which goes on behind it.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(behind - text.data()));
  return value;
}

template <class Number>
void read_number(std::string_view text, Number& into) noexcept {
  const auto value = take_number(text);
  if (value && text.empty()) into = static_cast<Number>(*value);
}

/// "0.310": milliseconds with three digits behind the point.
std::uint32_t take_us(std::string_view& text) noexcept {
  const auto whole = take_number(text);
  if (!whole || *whole > 4'294'967 || !text.starts_with('.')) return 0;
  text.remove_prefix(1);
  const std::size_t before = text.size();
  const auto rest = take_number(text);
  if (!rest || before - text.size() != 3) return 0;
  const std::uint64_t us = *whole * 1000 + *rest;
  return us <= 0xffff'ffff ? static_cast<std::uint32_t>(us) : 0;
}

template <class Table>
std::optional<std::size_t> index_of(const Table& table, std::string_view word) noexcept {
  const auto found = std::find(table.begin(), table.end(), word);
  if (found == table.end()) return std::nullopt;
  return static_cast<std::size_t>(found - table.begin());
}

/// A word without a value.
void read_name(std::string_view word, Trace& out) noexcept {
  if (const auto mark = index_of(kMarks, word)) {
    out.marks = static_cast<std::uint8_t>(out.marks | 1u << *mark);
  } else if (const auto episode = index_of(kEpisodes, word)) {
    out.episode = static_cast<TraceEpisode>(*episode);
  } else if (const TracePhase phase = trace_phase(word); phase != TracePhase::kNone) {
    out.phase = phase;
  } else if (const auto kind = congestion_control(word); kind != CongestionControl::kNone) {
    out.congestion = kind;
  }
}

/// The numbers of the stream, as they are in the text: behind the first.
struct Relative {
  std::uint32_t una = 0;
  std::uint32_t nxt = 0;
  std::uint32_t rcv_nxt = 0;
};

void read_value(std::string_view word, Trace& out, Relative& relative) noexcept {
  const auto is = [&](std::string_view key) {
    if (!word.starts_with(key)) return false;
    word.remove_prefix(key.size());
    return true;
  };
  for (const auto& [key, value] : kAmounts) {
    if (is(key)) return read_number(word, out.*value);
  }
  for (const auto& [key, value] : kLarge) {
    if (is(key)) return read_number(word, out.*value);
  }
  for (const auto& [key, value] : kTimes) {
    if (is(key)) return void(out.*value = take_us(word));
  }
  if (is("rtt:")) {
    out.srtt_us = take_us(word);
    if (!word.starts_with('/')) return;
    word.remove_prefix(1);
    out.rttvar_us = take_us(word);
  } else if (is("una:")) {
    read_number(word, relative.una);
  } else if (is("nxt:")) {
    read_number(word, relative.nxt);
  } else if (is("rcv_nxt:")) {
    read_number(word, relative.rcv_nxt);
  } else if (is("iss:")) {
    read_number(word, out.iss.raw);
  } else if (is("irs:")) {
    read_number(word, out.irs.raw);
  } else if (is("backoff:")) {
    read_number(word, out.backoff);
  } else if (is("waits-for:")) {
    if (const auto what = index_of(kWaits, word)) out.waits_for = static_cast<WaitsFor>(*what);
  }
}

}  // namespace

std::string_view name(TraceEpisode episode) noexcept {
  return kEpisodes[std::min(static_cast<std::size_t>(episode), kEpisodes.size() - 1)];
}

std::string_view name(TracePhase phase) noexcept {
  return kPhases[std::min(static_cast<std::size_t>(phase), kPhases.size() - 1)];
}

TracePhase trace_phase(std::string_view name) noexcept {
  return static_cast<TracePhase>(index_of(kPhases, name).value_or(0));
}

CongestionControl congestion_control(std::string_view its_name) noexcept {
  for (const CongestionControl kind : kControls) {
    if (name(kind) == its_name) return kind;
  }
  return CongestionControl::kNone;
}

std::string_view ss_name(State state) noexcept {
  for (const auto& [each, text] : kStates) {
    if (each == state) return text;
  }
  return "UNCONN";
}

std::string_view name(WaitsFor waits_for) noexcept {
  return kWaits[std::min(static_cast<std::size_t>(waits_for), kWaits.size() - 1)];
}

void Trace::print(TextWriter& out) const noexcept {
  out.put(ss_name(state));
  const auto word = [&](std::string_view text) -> TextWriter& { return out.put(' ').put(text); };
  word(name(congestion));
  if (phase != TracePhase::kNone) word(name(phase));
  word(name(episode));
  for (std::size_t i = 0; i < kMarks.size(); ++i) {
    if ((marks >> i & 1) != 0) word(kMarks[i]);
  }
  for (const auto& [key, value] : kAmounts) {
    if (this->*value != 0) word(key).dec(this->*value);
  }
  word("una:").dec(iss.until(snd_una));
  word("nxt:").dec(iss.until(snd_nxt));
  word("rcv_nxt:").dec(irs.until(rcv_nxt));
  if (srtt_us != 0) {
    put_ms(word("rtt:"), srtt_us);
    put_ms(out.put('/'), rttvar_us);
  }
  for (const auto& [key, value] : kTimes) {
    if (this->*value != 0) put_ms(word(key), this->*value);
  }
  if (backoff != 0) word("backoff:").dec(backoff);
  for (const auto& [key, value] : kLarge) {
    if (this->*value != 0) word(key).dec(this->*value);
  }
  word("iss:").dec(iss.raw);
  word("irs:").dec(irs.raw);
  word("waits-for:").put(name(waits_for));
}

std::optional<Trace> Trace::parse(std::string_view text) noexcept {
  Trace out;
  Relative relative;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (std::exchange(first, false)) {
      const auto found = std::find_if(kStates.begin(), kStates.end(),
                                      [&](const auto& each) { return each.second == word; });
      if (found == kStates.end()) return std::nullopt;
      out.state = found->first;
    } else if (word.find(':') == std::string_view::npos) {
      read_name(word, out);
    } else {
      read_value(word, out, relative);
    }
  }
  if (first) return std::nullopt;
  out.snd_una = out.iss + relative.una;
  out.snd_nxt = out.iss + relative.nxt;
  out.rcv_nxt = out.irs + relative.rcv_nxt;
  return out;
}

}  // namespace smol::tcp
