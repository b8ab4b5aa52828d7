#include "tests/support/tcp_notation.hh"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocols/wire/tcp.hh"

namespace smol::tcp::script {

void fail_with(const std::string& what) {
  throw Failure{what};
}

// --- words ---------------------------------------------------------------------------------------

std::int64_t number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    fail_with("expected a number, not '" + std::string{text} + "'");
  }
  return out;
}

namespace {

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array kUnits = {
    Unit{"ns", nanoseconds(1)}, Unit{"us", microseconds(1)}, Unit{"ms", milliseconds(1)},
    Unit{"s", seconds(1)},      Unit{"min", seconds(60)},    Unit{"h", seconds(3600)},
    Unit{"d", seconds(86'400)},
};

}  // namespace

std::optional<Duration> time_of(std::string_view text) {
  const std::size_t letters = text.find_first_not_of("0123456789.");
  if (letters == 0 || letters == std::string_view::npos) return std::nullopt;
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& u) { return u.name == text.substr(letters); });
  if (unit == kUnits.end()) return std::nullopt;
  const std::string_view digits = text.substr(0, letters);
  const std::size_t dot = digits.find('.');
  Duration out = number(digits.substr(0, dot)) * unit->length;
  if (dot == std::string_view::npos) return out;
  Duration part = unit->length;
  for (const char digit : digits.substr(dot + 1)) {
    part /= 10;
    out += (digit - '0') * part;
  }
  return out;
}

std::string text_of(Duration time) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (unit->length > seconds(1) || time % unit->length != Duration::zero()) continue;
    return std::to_string(time / unit->length) + std::string{unit->name};
  }
  return "0ns";
}

std::string_view Words::peek() const noexcept {
  return rest_.substr(0, std::min(rest_.find_first_of(" \t"), rest_.size()));
}

std::string_view Words::next(const char* what) {
  if (empty()) fail_with(std::string{"expected "} + what + ", found the end of the line");
  const std::string_view word = peek();
  rest_.remove_prefix(word.size());
  skip_space();
  return word;
}

bool Words::take(std::string_view word) noexcept {
  if (peek() != word || word.empty()) return false;
  rest_.remove_prefix(word.size());
  skip_space();
  return true;
}

void Words::end() const {
  if (!empty()) fail_with("does not belong there: '" + std::string{rest_} + "'");
}

void Words::skip_space() noexcept {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  rest_ = rest_.substr(0, rest_.find_last_not_of(" \t") + 1);
}

// --- segments in the notation --------------------------------------------------------------------

namespace {

std::uint8_t flags_of(std::string_view word) {
  if (word == "-") return 0;
  std::uint8_t out = 0;
  for (const char c : word) {
    const std::size_t bit = kFlagLetters.find(c);
    if (bit == std::string_view::npos) {
      fail_with("no such flag: '" + std::string{c} + "' (flags are F S R P . E C U, or -)");
    }
    out = static_cast<std::uint8_t>(out | 1u << bit);
  }
  return out;
}

std::pair<std::int64_t, std::int64_t> text_range(std::string_view word) {
  const std::size_t colon = word.find(':');
  const std::size_t open = std::min(word.find('('), word.size());
  const std::int64_t begin = number(word.substr(0, colon));
  const std::int64_t end = number(word.substr(colon + 1, open - colon - 1));
  if (open < word.size()) {
    if (word.back() != ')') fail_with("expected ')' at the end of " + std::string{word});
    if (number(word.substr(open + 1, word.size() - open - 2)) != end - begin) {
      fail_with("the length in brackets is not end - begin: " + std::string{word});
    }
  }
  return {begin, end};
}

OptionsLine options_of(std::string_view text) {
  OptionsLine out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    Words words{text.substr(0, comma)};
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::string_view kind = words.next("an option");
    if (kind == "mss") {
      out.mss = number(words.next("a segment size"));
    } else if (kind == "wscale") {
      out.wscale = number(words.next("a shift"));
    } else if (kind == "sackOK") {
      out.sack_permitted = true;
    } else if (kind == "TS") {
      out.timestamps.emplace();
      if (words.take("val")) out.timestamps->val = number(words.next("a timestamp"));
      if (words.take("ecr")) out.timestamps->ecr = number(words.next("a timestamp"));
    } else if (kind != "nop" && kind != "eol") {
      fail_with("no such option: '" + std::string{kind} + "' (mss, wscale, sackOK, TS, nop, eol)");
    }
    words.end();
  }
  return out;
}

}  // namespace

SegmentLine segment_of(Words words) {
  SegmentLine out;
  out.flags = flags_of(words.next("flags"));
  while (!words.empty()) {
    if (words.peek().front() == '<') {
      const std::string_view rest = words.rest();
      if (rest.back() != '>') fail_with("expected '>' at the end of the options");
      out.options = options_of(rest.substr(1, rest.size() - 2));
      break;
    }
    const std::string_view word = words.next("a word");
    if (word == "ack") {
      out.ack = number(words.next("a number behind ack"));
    } else if (word == "win") {
      out.window = number(words.next("a number behind win"));
    } else if (word == "urg") {
      out.urgent = number(words.next("a number behind urg"));
    } else if (word == "ect0" || word == "ect1" || word == "ce") {
      out.ecn = std::string{word};
    } else if (word == "text") {
      out.fill = words.next("a letter behind text").front();
    } else if (word == "sack") {
      while (words.peek().find(':') != std::string_view::npos) {
        out.sack.push_back(text_range(words.next("a block")));
      }
      if (out.sack.empty()) fail_with("expected a block behind sack, such as 1001:2001");
    } else if (word.find(':') != std::string_view::npos) {
      out.text = text_range(word);
      if (out.text->second < out.text->first) {
        fail_with("the text ends before it begins: " + std::string{word});
      }
    } else {
      fail_with("no part of a segment: '" + std::string{word} + "'");
    }
  }
  if (out.has(TcpFlags::kAck) && !out.ack)
    fail_with("flags say ACK: the number is missing (ack 1)");
  if (out.ack) out.flags |= TcpFlags::kAck;
  return out;
}

}  // namespace smol::tcp::script
