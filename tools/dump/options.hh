#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/dump/capture_writer.hh"
#include "tools/dump/printout.hh"

namespace smol::dump {

/// Exit statuses, the same as smolctl's.
inline constexpr int kDone = 0;
inline constexpr int kMisused = 1;  ///< usage, a bad filter, a file that cannot be read
inline constexpr int kCannotWrite = 6;

enum class ColourMode : std::uint8_t { kAuto, kAlways, kNever };

/// What the command line asks for.
struct Options {
  PrintOptions print;
  std::string read_file;   ///< -r; "-": standard input
  std::string write_file;  ///< -w; "-": standard output; empty: print lines
  std::optional<FileForm> write_form;
  std::string interface;                     ///< -i
  std::string filter;                        ///< the expression, or what -F holds
  std::uint64_t packets = 0;                 ///< -c; 0: all
  std::uint32_t snap_length = 0;             ///< -s; 0: whole packets
  std::optional<pcap::Direction> direction;  ///< -Q; nothing: both
  ColourMode colour = ColourMode::kAuto;
  int dump_filter = 0;  ///< -d, -dd, -ddd
  bool list_interfaces = false;
  bool count_only = false;
  bool json = false;
  bool meta = false;
  bool print_too = false;        ///< --print: with -w as well
  bool line_buffered = false;    ///< -l
  bool packet_buffered = false;  ///< -U
};

/// Nothing is to be run: print `text` (on standard output if `status` is 0, else on standard error)
/// and end with `status`.
struct EarlyExit {
  int status = kDone;
  std::string text;
};

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv);

}  // namespace smol::dump
