#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/client/problem.hh"
#include "tools/client/server.hh"
#include "tools/dump/capture_writer.hh"
#include "tools/dump/printout.hh"

namespace smol::dump {

/// The most octets of a packet that are kept.
inline constexpr std::uint32_t kLongestPacket = 262144;

/// Where packets are seen live.
enum class TapPoint : std::uint8_t { kRx, kTx, kDrop };

enum class ColourMode : std::uint8_t { kAuto, kAlways, kNever };

/// What the command line asks for.
struct Options {
  PrintOptions print;
  std::string read_file;   ///< -r; "-": standard input
  std::string write_file;  ///< -w; "-": standard output; empty: print lines
  std::optional<FileForm> write_form;
  std::string interface;                     ///< -i; empty or "any": all
  std::string filter;                        ///< the expression, or what -F holds
  std::uint64_t packets = 0;                 ///< -c; 0: all
  std::uint32_t snap_length = 0;             ///< -s; 0: whole packets
  std::optional<pcap::Direction> direction;  ///< -Q; nothing: both
  ColourMode colour = ColourMode::kAuto;
  int dump_filter = 0;  ///< -d, -dd, -ddd
  std::string server = client::server_by_default();
  std::vector<TapPoint> taps;            ///< --tap; none: rx and tx
  std::vector<std::string> reasons;      ///< --reason
  std::vector<std::uint32_t> workers;    ///< --worker
  std::uint64_t socket = 0;              ///< --socket; 0: any
  std::chrono::milliseconds duration{};  ///< --duration; 0: no limit
  std::uint32_t buffer_octets = 0;       ///< --buffer; 0: what the daemon gives
  bool fail_on_loss = false;
  bool list_interfaces = false;
  bool count_only = false;
  bool json = false;
  bool meta = false;
  bool tcp_info = false;         ///< --tcp-info
  bool print_too = false;        ///< --print: with -w as well
  bool line_buffered = false;    ///< -l
  bool packet_buffered = false;  ///< -U
};

/// Nothing is to be run: print `text` (on standard output if it is done, else on standard error)
/// and end with `status`.
struct EarlyExit {
  client::ExitStatus status = client::ExitStatus::kDone;
  std::string text;
};

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv);

}  // namespace smol::dump
