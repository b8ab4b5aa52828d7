#include <memory>
#include <string>

#include "tests/fuzz/fuzz.hh"
#include "tools/dump/json.hh"
#include "tools/dump/line_printer.hh"

namespace smol::fuzz {
namespace {

using dump::HexForm;
using dump::LinePrinter;
using dump::PrintOptions;

/// The first octet of an input chooses how much is said, and of what link the packet is.
PrintOptions options_of(std::uint8_t choice) {
  PrintOptions options;
  options.numbers_only = true;
  options.time = dump::TimeForm::kNone;
  options.verbosity = choice & 3;
  options.link_header = (choice & 4) != 0;
  options.quiet = (choice & 8) != 0 ? 1 : 0;
  options.hex = static_cast<HexForm>(choice >> 4 & 3);
  return options;
}

void check(const PrintOptions& options, const dump::SourcePacket& packet) {
  LinePrinter printer{options};
  const std::string once{printer.print(packet.captured)};
  require(!once.empty() && once.back() == '\n', "a packet has a line");
  for (const char c : once) {
    require(c == '\n' || c == '\t' || (c >= ' ' && c <= '~'), "a line is plain text");
  }
  const std::string text = LinePrinter{options}.line(packet.captured);
  require(once.starts_with(text), "the same packet has the same line");
  const std::string json = to_json(packet, text);
  require(json.front() == '{' && json.back() == '}' && json.find('\n') == std::string::npos,
          "JSON is one object on one line");
}

void dump_print(Bytes input) {
  if (input.size() < 2) return;
  dump::SourcePacket packet;
  packet.captured.octets = input.subspan(2);
  // More may have been on the wire than was captured.
  packet.captured.length =
      static_cast<std::uint32_t>(packet.captured.octets.size() + (input[1] & 0x7fu) * 16u);
  packet.captured.link = (input[1] & 0x80) != 0 ? dump::Link::kRawIp : dump::Link::kEthernet;
  check(options_of(input[0]), packet);
}

}  // namespace
SMOL_FUZZ_TARGET(dump_print)
}  // namespace smol::fuzz
