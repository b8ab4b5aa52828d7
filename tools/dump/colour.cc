#include "tools/dump/colour.hh"

namespace smol::dump {
namespace {

constexpr std::string_view kPlain = "\033[0m";
constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kGreen = "\033[32m";
constexpr std::string_view kYellow = "\033[33m";

void add(std::string& out, std::string_view colour, std::string_view text) {
  if (text.empty()) return;
  out += colour;
  out += text;
  out += kPlain;
}

/// "S", "F" and "R" stand for the begin, the end and the break of a connection.
std::string_view colour_of_flags(std::string_view flags) {
  if (flags.find('R') != std::string_view::npos) return kRed;
  if (flags.find('F') != std::string_view::npos) return kYellow;
  if (flags.find('S') != std::string_view::npos) return kGreen;
  return {};
}

/// Where "source > destination:" begins and ends; both 0: there is none.
struct Ends {
  std::size_t from = 0;
  std::size_t to = 0;
};

Ends ends_of(std::string_view line) {
  constexpr std::string_view kArrow = " > ";
  const std::size_t arrow = line.find(kArrow);
  if (arrow == std::string_view::npos || arrow == 0) return {};
  const std::size_t blank = line.rfind(' ', arrow - 1);
  const std::size_t from = blank == std::string_view::npos ? 0 : blank + 1;
  const std::size_t to = line.find_first_of(" ,\n", arrow + kArrow.size());
  return to == std::string_view::npos ? Ends{} : Ends{from, to};
}

std::string coloured_flags(std::string_view line) {
  constexpr std::string_view kFlags = "Flags [";
  std::string out;
  const std::size_t at = line.find(kFlags);
  const std::size_t end = at == std::string_view::npos ? at : line.find(']', at);
  if (end == std::string_view::npos) return std::string{line};
  const std::size_t from = at + kFlags.size();
  const std::string_view flags = line.substr(from, end - from);
  const std::string_view colour = colour_of_flags(flags);
  if (colour.empty()) return std::string{line};
  out += line.substr(0, from);
  add(out, colour, flags);
  out += line.substr(end);
  return out;
}

}  // namespace

std::string coloured(std::string_view lines, bool dropped) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t feed = lines.find('\n');
    const std::string_view line = lines.substr(0, feed);
    if (dropped) {
      add(out, kRed, line);
    } else {
      const Ends ends = ends_of(line);
      out += line.substr(0, ends.from);
      add(out, kDim, line.substr(ends.from, ends.to - ends.from));
      out += coloured_flags(line.substr(ends.to));
    }
    if (feed == std::string_view::npos) break;
    out += '\n';
    lines.remove_prefix(feed + 1);
  }
  return out;
}

}  // namespace smol::dump
