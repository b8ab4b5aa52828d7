#include "tools/dump/printout.hh"

#include <iterator>

namespace smol::dump {
namespace {

constexpr std::size_t kPerLine = 16;

bool is_graphic(std::uint8_t octet) noexcept {
  return octet > ' ' && octet < 0x7f;
}

}  // namespace

void Printout::write(fmt::string_view format, fmt::format_args args) {
  fmt::vformat_to(std::back_inserter(text), format, args);
}

const char* name_of(std::span<const Named> names, std::uint32_t number) noexcept {
  for (const Named& each : names) {
    if (each.number == number) return each.name;
  }
  return nullptr;
}

std::string_view name_or(std::span<const Named> names, std::uint32_t number,
                         std::string_view otherwise) noexcept {
  const char* name = name_of(names, number);
  return name != nullptr ? std::string_view{name} : otherwise;
}

std::string bit_names(std::span<const Named> names, std::uint32_t bits, std::string_view separator,
                      std::string_view none) {
  if (bits == 0) return std::string{none};
  std::string out;
  for (const Named& each : names) {
    if ((bits & each.number) == 0) continue;
    if (!out.empty()) out += separator;
    out += each.name;
  }
  return out.empty() ? std::string{none} : out;
}

void put_hex_and_text(Printout& out, std::string_view indent, Bytes octets) {
  for (std::size_t at = 0; at < octets.size(); at += kPerLine) {
    const Bytes line = octets.subspan(at, std::min(kPerLine, octets.size() - at));
    std::string hex;
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i % 2 == 0) hex += ' ';
      fmt::format_to(std::back_inserter(hex), "{:02x}", line[i]);
      text += is_graphic(line[i]) ? static_cast<char>(line[i]) : '.';
    }
    out.put("{}0x{:04x}: {:<40}  {}", indent, at, hex, text);
  }
}

void put_hex(Printout& out, std::string_view indent, Bytes octets) {
  for (std::size_t at = 0; at < octets.size(); ++at) {
    if (at % kPerLine == 0) out.put("{}0x{:04x}: ", indent, at);
    if (at % 2 == 0) out.add(" ");
    out.put("{:02x}", octets[at]);
  }
}

void put_text(Printout& out, Bytes octets) {
  out.add("\n");
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::uint8_t octet = octets[i];
    // A carriage return at a line's end belongs to the wire, not to the screen.
    if (octet == '\r' && (i + 1 == octets.size() || octets[i + 1] == '\n')) continue;
    const bool shown = is_graphic(octet) || octet == '\t' || octet == ' ' || octet == '\n';
    out.text += shown ? static_cast<char>(octet) : '.';
  }
}

void put_safely(Printout& out, std::uint8_t octet) {
  if (octet >= 0x80) {
    out.add("M-");
    octet &= 0x7f;
  }
  if (octet < ' ' || octet == 0x7f) {
    out.text += '^';
    octet ^= 0x40;
  }
  out.text += static_cast<char>(octet);
}

}  // namespace smol::dump
