#include "apps/http_parser.hh"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace smol::apps {
namespace {

// What an octet may be part of.
constexpr std::uint8_t kToken = 1;      // RFC 9110 section 5.6.2
constexpr std::uint8_t kFieldText = 2;  // RFC 9110 section 5.5: visible, obs-text, blank, tab
constexpr std::uint8_t kTarget = 4;     // visible ASCII but '#': a fragment never leaves its client
constexpr std::uint8_t kHost = 8;       // RFC 3986 section 3.2.2, with the port

constexpr std::array<std::uint8_t, 256> make_classes() {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kHostMarks = "-._~!$&'()*+;=%[]:";
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool alnum = (i >= '0' && i <= '9') || (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z');
    if (alnum || kTokenMarks.find(c) != std::string_view::npos) classes[i] |= kToken;
    if (alnum || kHostMarks.find(c) != std::string_view::npos) classes[i] |= kHost;
    if (i == '\t' || (i >= 0x20 && i != 0x7f)) classes[i] |= kFieldText;
    if (i > 0x20 && i < 0x7f && i != '#') classes[i] |= kTarget;
  }
  return classes;
}

constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool all_of_class(std::string_view text, std::uint8_t wanted) noexcept {
  std::uint8_t classes = 0xff;
  for (const char c : text) classes &= kClasses[static_cast<std::uint8_t>(c)];
  return (classes & wanted) != 0;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// `expected` is in lower case.
bool equals_ignoring_case(std::string_view text, std::string_view expected) noexcept {
  return text.size() == expected.size() && std::equal(text.begin(), text.end(), expected.begin(),
                                                      [](char a, char b) { return lower(a) == b; });
}

/// Without the optional blanks around it (RFC 9110 section 5.6.3).
std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

HttpMethod method_of(std::string_view text) noexcept {
  if (text == "GET") return HttpMethod::kGet;
  if (text == "HEAD") return HttpMethod::kHead;
  if (text == "OPTIONS") return HttpMethod::kOptions;
  for (const std::string_view other : {"POST", "PUT", "DELETE", "PATCH", "TRACE"}) {
    if (text == other) return HttpMethod::kOther;
  }
  return HttpMethod::kUnknown;
}

/// Longer than every method here: a request line that begins with so much of a token is answered
/// with 501 before its end has come.
constexpr std::size_t kMaxMethod = 32;

}  // namespace

HttpParser::Outcome HttpParser::parse(std::string_view head) noexcept {
  while (part_ != Part::kEnd) {
    const std::string_view rest = head.substr(next_line_);
    const std::string_view unsearched = head.substr(std::max(searched_, next_line_));
    const void* found =
        unsearched.empty() ? nullptr : std::memchr(unsearched.data(), '\n', unsearched.size());
    const std::string_view line =
        found == nullptr
            ? rest
            : rest.substr(0,
                          static_cast<std::size_t>(static_cast<const char*>(found) - rest.data()));
    // Judged first, whole or not: the answer must not depend on how the octets were cut into
    // packets.
    if (!begins_well(line)) return Outcome::kRefused;
    if (found == nullptr) {
      searched_ = head.size();
      return Outcome::kIncomplete;
    }
    refusal_ = HttpStatus::kBadRequest;  // unless take_line() knows better
    if (!line.ends_with('\r')) return Outcome::kRefused;
    if (!take_line(line.substr(0, line.size() - 1))) return Outcome::kRefused;
    next_line_ += line.size() + 1;
  }
  return Outcome::kComplete;
}

/// What can be said of a line before its end has come: it is too long, or it is not HTTP at all.
bool HttpParser::begins_well(std::string_view line) noexcept {
  if (part_ == Part::kFields) {
    refusal_ = HttpStatus::kHeaderFieldsTooLarge;
    return next_line_ - fields_ + line.size() < kMaxFields;  // one more for the LF
  }
  if (line.empty() || line == "\r") return true;
  const std::string_view method = line.substr(0, std::min(line.find(' '), kMaxMethod));
  refusal_ = HttpStatus::kBadRequest;
  if (method.empty() || !all_of_class(method, kToken)) return false;
  refusal_ = HttpStatus::kNotImplemented;
  if (method.size() == kMaxMethod) return false;
  refusal_ = HttpStatus::kUriTooLong;
  return line.size() <= kMaxRequestLine + 1;
}

bool HttpParser::take_line(std::string_view line) noexcept {
  if (part_ == Part::kRequestLine) {
    // RFC 9112 section 2.2: an empty line or two before a request come from careless clients.
    if (line.empty()) return next_line_ < 2 * kMaxEmptyLines;
    fields_ = next_line_ + line.size() + 2;
    part_ = Part::kFields;
    return request_line(line);
  }
  if (!line.empty()) return field_line(line);
  part_ = Part::kEnd;
  return end_of_fields();
}

bool HttpParser::request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  const std::string_view method = line.substr(0, first);
  if (method.empty() || !all_of_class(method, kToken)) return false;
  request_.method = method_of(method);
  if (!version(line.substr(last + 1))) return false;

  const std::string_view text = line.substr(first + 1, last - first - 1);
  if (text.empty() || !all_of_class(text, kTarget)) return false;
  request_.path_offset = static_cast<std::uint16_t>(next_line_ + first + 1);
  // Only a known method says which form its target has; the others are answered with 501 in any
  // case.
  return request_.method == HttpMethod::kUnknown || target(text);
}

bool HttpParser::version(std::string_view text) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.' || !digit(text[5]) ||
      !digit(text[7])) {
    return false;
  }
  if (text[5] != '1') {
    refusal_ = HttpStatus::kVersionNotSupported;
    return false;
  }
  request_.http_1_0 = text[7] == '0';
  return true;
}

/// RFC 9112 section 3.2. Precondition: request_.path_offset is the place of `text`.
bool HttpParser::target(std::string_view text) noexcept {
  if (text == "*") {
    request_.asterisk = true;
    return request_.method == HttpMethod::kOptions;
  }
  if (text.front() != '/') return absolute_target(text);
  request_.path_length = static_cast<std::uint16_t>(std::min(text.find('?'), text.size()));
  return true;
}

bool HttpParser::absolute_target(std::string_view text) noexcept {
  constexpr std::string_view kScheme = "http://";
  if (!equals_ignoring_case(text.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view after = text.substr(kScheme.size());
  const std::size_t authority = std::min(after.find_first_of("/?"), after.size());
  if (authority == 0 || !all_of_class(after.substr(0, authority), kHost)) return false;
  const std::string_view path = after.substr(authority);
  request_.path_offset =
      static_cast<std::uint16_t>(request_.path_offset + kScheme.size() + authority);
  request_.path_length = static_cast<std::uint16_t>(std::min(path.find('?'), path.size()));
  return true;
}

/// RFC 9112 section 5: no blank before the colon, no line that continues the one before.
bool HttpParser::field_line(std::string_view line) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  return all_of_class(name, kToken) && all_of_class(value, kFieldText) && known_field(name, value);
}

/// True for fields that nobody here cares about.
bool HttpParser::known_field(std::string_view name, std::string_view value) noexcept {
  switch (name.size()) {
    case 4:
      return !equals_ignoring_case(name, "host") || host(value);
    case 6:
      return !equals_ignoring_case(name, "expect") || expect(value);
    case 10:
      if (equals_ignoring_case(name, "connection")) connection(value);
      return true;
    case 14:
      return !equals_ignoring_case(name, "content-length") || content_length(value);
    case 17:
      return !equals_ignoring_case(name, "transfer-encoding") || transfer_encoding(value);
    default:
      return true;
  }
}

bool HttpParser::host(std::string_view value) noexcept {
  if (has_host_) return false;  // RFC 9112 section 3.2
  has_host_ = true;
  return all_of_class(value, kHost);
}

bool HttpParser::content_length(std::string_view value) noexcept {
  // Two of them, even equal ones, are what smuggling is made of (RFC 9112 section 6.3).
  if (has_length_ || value.empty()) return false;
  has_length_ = true;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max() / 10 - 1;
  std::uint64_t length = 0;
  bool too_large = false;
  for (const char c : value) {
    if (c < '0' || c > '9') return false;
    too_large = too_large || length > kMax;
    if (!too_large) length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (too_large) refusal_ = HttpStatus::kContentTooLarge;
  request_.content_length = length;
  return !too_large;
}

bool HttpParser::transfer_encoding(std::string_view value) noexcept {
  if (has_encoding_) return false;
  has_encoding_ = true;
  if (!equals_ignoring_case(value, "chunked")) {
    refusal_ = HttpStatus::kNotImplemented;  // RFC 9112 section 6.1
    return false;
  }
  request_.chunked = true;
  return true;
}

bool HttpParser::expect(std::string_view value) noexcept {
  if (equals_ignoring_case(value, "100-continue")) {
    request_.expects_continue = true;
    return true;
  }
  refusal_ = HttpStatus::kExpectationFailed;  // RFC 9110 section 10.1.1
  return false;
}

void HttpParser::connection(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trimmed(value.substr(0, comma));
    if (equals_ignoring_case(option, "close")) wants_close_ = true;
    if (equals_ignoring_case(option, "keep-alive")) wants_keep_alive_ = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

bool HttpParser::end_of_fields() noexcept {
  if (!request_.http_1_0 && !has_host_) return false;
  if (has_encoding_ && (has_length_ || request_.http_1_0)) return false;
  if (request_.http_1_0) request_.expects_continue = false;  // RFC 9110 section 10.1.1
  request_.keep_alive = !wants_close_ && (!request_.http_1_0 || wants_keep_alive_);
  return true;
}

}  // namespace smol::apps
