#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "tools/dump/flows.hh"
#include "tools/dump/names.hh"
#include "tools/dump/octets.hh"

namespace smol::dump {

/// What is printed of the octets themselves, below the line.
enum class HexForm : std::uint8_t { kNone, kHex, kHexAndText, kText };

/// -t once, twice, ...
enum class TimeForm : std::uint8_t { kTime, kNone, kSeconds, kDelta, kDate, kSinceFirst };

/// How a line looks: tcpdump's options.
struct PrintOptions {
  int verbosity = 0;              ///< -v: 1, -vv: 2, -vvv: 3
  int quiet = 0;                  ///< -q, -qq
  bool link_header = false;       ///< -e
  bool absolute_numbers = false;  ///< -S
  bool trust_checksums = false;   ///< -K
  bool numbers_only = false;      ///< -n
  bool packet_number = false;     ///< -#
  bool nanoseconds = false;       ///< --nano
  TimeForm time = TimeForm::kTime;
  HexForm hex = HexForm::kNone;
  bool hex_link_header = false;  ///< the second x, X: from the link header on
};

/// Where the printers write one packet's lines, with what they need besides its octets.
class Printout {
 public:
  Printout(const PrintOptions& print_options, Names& line_names, Flows& line_flows) noexcept
      : options{print_options}, names{line_names}, flows{line_flows} {}

  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    write(format, fmt::make_format_args(args...));
  }
  void add(std::string_view piece) { text += piece; }

  bool verbose(int level = 1) const noexcept { return options.verbosity >= level; }
  bool quiet() const noexcept { return options.quiet > 0; }
  /// Whether what has no printer is shown as octets: not if they are wanted anyway, or all is
  /// quiet.
  bool prints_raw() const noexcept {
    return (options.hex == HexForm::kNone || options.hex == HexForm::kText) && !quiet();
  }
  /// " [|tcp]": the capture ended within `protocol`.
  void truncated() { put(" [|{}]", protocol); }
  void invalid() { add(" (invalid)"); }

  std::string v4(const Octets& at, std::size_t offset) { return names.v4(at.bytes(offset, 4)); }
  std::string v6(const Octets& at, std::size_t offset) { return names.v6(at.bytes(offset, 16)); }

  const PrintOptions& options;
  Names& names;
  Flows& flows;
  std::string text;
  /// Whose octets are being printed.
  std::string_view protocol;
  /// Octets of the link header, as far as it was printed: -x and its kin leave them out.
  std::size_t link_header = 0;
  /// How deep packets stand in packets: in a tunnel, and in what an ICMP error quotes.
  int depth = 0;

 private:
  void write(fmt::string_view format, fmt::format_args args);
};

/// A number and what it is called.
struct Named {
  std::uint32_t number;
  const char* name;
};

/// Its name, or nullptr.
const char* name_of(std::span<const Named> names, std::uint32_t number) noexcept;
/// Its name, or `otherwise`.
std::string_view name_or(std::span<const Named> names, std::uint32_t number,
                         std::string_view otherwise) noexcept;
/// The names of the bits that are set, in the order of `names`; `none` if no bit is.
/// What is set but has no name is left out.
std::string bit_names(std::span<const Named> names, std::uint32_t bits, std::string_view separator,
                      std::string_view none = "none");

/// Hexadecimal with text beside it, lines of 16 octets; each line begins with `indent`.
void put_hex_and_text(Printout& out, std::string_view indent, Bytes octets);
/// Hexadecimal alone.
void put_hex(Printout& out, std::string_view indent, Bytes octets);
/// The octets as they are; what is not text becomes a dot.
void put_text(Printout& out, Bytes octets);
/// An octet as text that cannot harm a terminal: controls as ^A, those above 127 as M-a.
void put_safely(Printout& out, std::uint8_t octet);

}  // namespace smol::dump
