#include "tools/dump/line_printer.hh"

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint32_t kLongest = 262144;

}  // namespace

LinePrinter::LinePrinter(const PrintOptions& options)
    : options_{options},
      names_{!options.numbers_only},
      timestamps_{options.time, options.nanoseconds},
      out_{options_, names_, flows_} {}

/// A record that says what cannot be is not looked into.
bool LinePrinter::print_if_invalid(const Captured& packet) {
  std::string why;
  const auto add = [&](std::string_view text) {
    why += why.empty() ? "[Invalid header: " : ", ";
    why += text;
  };
  const auto captured = static_cast<std::uint32_t>(packet.octets.size());
  if (captured == 0) add("caplen==0");
  if (packet.length == 0) {
    add("len==0");
  } else if (packet.length < captured) {
    add(fmt::format("len({}) < caplen({})", packet.length, captured));
  }
  if (captured > kLongest) add(fmt::format("caplen({}) > {}", captured, kLongest));
  if (packet.length > kLongest) add(fmt::format("len({}) > {}", packet.length, kLongest));
  if (why.empty()) return false;
  out_.put("{}]", why);
  return true;
}

void LinePrinter::print_packet(const Captured& packet) {
  const Octets octets{packet.octets};
  out_.depth = 0;
  out_.link_header = 0;
  try {
    switch (packet.link) {
      case Link::kEthernet:
        print_ethernet(out_, octets, packet.length);
        break;
      case Link::kRawIp:
        out_.protocol = "raw";
        if (options_.link_header) out_.add("ip: ");
        print_raw_ip(out_, octets, packet.length);
        break;
    }
  } catch (const Cut& cut) {
    out_.truncated();
    if (!cut.keeps_link_header) out_.link_header = 0;
  } catch (const Nested&) {
    out_.add(" [nested too deep]");
  }
}

void LinePrinter::print_octets(const Captured& packet) {
  if (options_.hex == HexForm::kNone) return;
  const std::size_t skipped = options_.hex_link_header ? 0 : out_.link_header;
  if (skipped >= packet.octets.size()) return;
  const Bytes octets = packet.octets.subspan(skipped);
  switch (options_.hex) {
    case HexForm::kNone:
      break;
    case HexForm::kHex:
      put_hex(out_, "\n\t", octets);
      break;
    case HexForm::kHexAndText:
      put_hex_and_text(out_, "\n\t", octets);
      break;
    case HexForm::kText:
      put_text(out_, octets);
      break;
  }
}

std::string_view LinePrinter::print(const Captured& packet, std::string_view meta) {
  out_.text.clear();
  ++count_;
  if (options_.packet_number) out_.put("{:5}  ", count_);
  timestamps_.print(out_, packet.when);
  out_.add(meta);
  if (!print_if_invalid(packet)) {
    print_packet(packet);
    print_octets(packet);
  }
  out_.text += '\n';
  return out_.text;
}

std::string LinePrinter::line(const Captured& packet) {
  out_.text.clear();
  if (!print_if_invalid(packet)) print_packet(packet);
  return out_.text;
}

}  // namespace smol::dump
