#include <array>
#include <string_view>

#include "tools/dump/printers.hh"

namespace smol::dump {

struct TextProtocol {
  const char* name;                            ///< in "[|http]"
  const char* shown;                           ///< "HTTP"
  std::span<const std::string_view> commands;  ///< none: every line may begin a message
  bool code_second;  ///< the code of a response is its second word, not its first
};

namespace {

constexpr std::string_view kHttpCommands[] = {
    "GET",
    "PUT",
    "COPY",
    "HEAD",
    "LOCK",
    "MOVE",
    "POLL",
    "POST",
    "BCOPY",
    "BMOVE",
    "MKCOL",
    "TRACE",
    "LABEL",
    "MERGE",
    "DELETE",
    "SEARCH",
    "UNLOCK",
    "REPORT",
    "UPDATE",
    "NOTIFY",
    "BDELETE",
    "CONNECT",
    "OPTIONS",
    "CHECKIN",
    "PROPFIND",
    "CHECKOUT",
    "CCM_POST",
    "SUBSCRIBE",
    "PROPPATCH",
    "BPROPFIND",
    "BPROPPATCH",
    "UNCHECKOUT",
    "MKACTIVITY",
    "MKWORKSPACE",
    "UNSUBSCRIBE",
    "RPC_CONNECT",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
};

constexpr std::string_view kRtspCommands[] = {
    "ANNOUNCE", "DESCRIBE", "GET_PARAMETER", "OPTIONS", "PAUSE",    "PLAY",
    "RECORD",   "REDIRECT", "SET_PARAMETER", "SETUP",   "TEARDOWN",
};

constexpr std::size_t kLongestWord = 126;

bool is_printable(std::uint8_t octet) {
  return octet >= ' ' && octet < 0x7f;
}

bool is_space(std::uint8_t octet) {
  return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

/// A word and where what follows the blanks behind it begins; `next` 0: there is no whole word.
struct Word {
  std::string text;
  std::size_t next = 0;
};

Word word_at(const Octets& octets, std::size_t at, std::size_t length) {
  Word word;
  for (; at < length; ++at) {
    if (!octets.holds(at, 1)) return {};
    const std::uint8_t octet = octets.u8(at);
    if (octet < 0x80 && is_space(octet)) break;
    if (!is_printable(octet) || word.text.size() > kLongestWord) return {};
    word.text += static_cast<char>(octet);
  }
  if (word.text.empty()) return {};
  while (at < length && octets.holds(at, 1) && octets.u8(at) == ' ') ++at;
  word.next = at;
  return word;
}

bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    if (upper(a[i]) != upper(b[i])) return false;
  }
  return true;
}

bool is_code(std::string_view word) {
  if (word.size() != 3) return false;
  for (const char c : word) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

/// Whether this begins a request or a response, and is not the middle of a body.
bool begins_message(const TextProtocol& protocol, const Octets& octets, std::size_t length) {
  if (protocol.commands.empty()) return true;
  const Word first = word_at(octets, 0, length);
  if (first.next == 0) return false;
  for (const std::string_view command : protocol.commands) {
    if (same_word(first.text, command)) return true;
  }
  if (!protocol.code_second) return is_code(first.text);
  const Word second = word_at(octets, first.next, length);
  return second.next != 0 && is_code(second.text);
}

/// Prints the line at `at`. Returns where the next begins; 0: there is none to be printed.
std::size_t print_line(Printout& out, std::string_view prefix, const Octets& octets, std::size_t at,
                       std::size_t length) {
  std::string line;
  for (std::size_t i = at; i < length; ++i) {
    const std::uint8_t octet = octets.u8(i);
    const bool feed = octet == '\n';
    const bool both = octet == '\r' && i + 1 < length && octets.u8(i + 1) == '\n';
    if (feed || both) {
      out.put("{}{}", prefix, line);
      return i + (both ? 2 : 1);
    }
    if (!is_printable(octet) && octet != '\t') return 0;
    line += static_cast<char>(octet);
  }
  out.put("{}{}", prefix, line);
  out.truncated();
  return 0;
}

}  // namespace

const TextProtocol kHttp{"http", "HTTP", kHttpCommands, true};
const TextProtocol kFtp{"ftp", "FTP", {}, false};
const TextProtocol kSmtp{"smtp", "SMTP", {}, false};
const TextProtocol kWhois{"whois", "WHOIS", {}, false};
const TextProtocol kRtsp{"rtsp", "RTSP", kRtspCommands, true};

void print_text_protocol(Printout& out, const TextProtocol& protocol, const Octets& octets,
                         std::size_t length) {
  out.protocol = protocol.name;
  const bool begins = begins_message(protocol, octets, length);
  out.add(protocol.shown);
  if (!begins) return;
  if (!out.verbose()) {
    print_line(out, ": ", octets, 0, length);
    return;
  }
  out.put(", length: {}", length);
  std::size_t at = 0;
  while (at < length) {
    at = print_line(out, "\n\t", octets, at, length);
    if (at == 0) return;
  }
}

}  // namespace smol::dump
