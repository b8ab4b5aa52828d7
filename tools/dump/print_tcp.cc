#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::size_t kMinHeader = 20;
constexpr std::size_t kMostResetData = 30;

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kUrg = 0x20;

constexpr Named kFlags[] = {
    {0x01, "F"}, {0x02, "S"}, {0x04, "R"}, {0x08, "P"},
    {0x10, "."}, {0x20, "U"}, {0x40, "E"}, {0x80, "W"},
};

struct Ports {
  std::uint16_t source;
  std::uint16_t destination;
  bool either(std::uint16_t port) const { return source == port || destination == port; }
};

void print_ends(Printout& out, const Carrier& carrier, const Ports& ports) {
  const std::string source = out.names.tcp_port(ports.source);
  const std::string destination = out.names.tcp_port(ports.destination);
  // Behind an extension header the addresses stand on the line already.
  if (carrier.protocol == kTcp) {
    out.put("{}.{} > {}.{}: ", carrier.source(out), source, carrier.destination(out), destination);
  } else {
    out.put("{} > {}: ", source, destination);
  }
}

void print_checksum(Printout& out, const Octets& octets, std::size_t length,
                    const Carrier& carrier) {
  if (!octets.holds(0, length)) return;
  const std::uint16_t field = octets.be16(16);
  const auto [right, shouldbe] = carrier.verify(octets, length, kTcp, field);
  out.put(", cksum 0x{:04x}", field);
  if (right) {
    out.add(" (correct)");
  } else {
    out.put(" (incorrect -> 0x{:04x})", shouldbe);
  }
}

/// A reset may say in its data why (RFC 9293 section 3.10.7.3 allows it).
void print_reset_data(Printout& out, const Octets& octets, std::size_t length) {
  out.add(octets.holds(0, length) ? " [RST" : " [!RST");
  if (length > kMostResetData) {
    length = kMostResetData;
    out.add("+");
  }
  out.add(" ");
  for (const std::uint8_t octet : octets.first(length).all()) put_safely(out, octet);
  out.add("]");
}

void print_payload(Printout& out, const Octets& octets, std::size_t length, const Ports& ports) {
  const auto text = [&](const TextProtocol& protocol) {
    out.add(": ");
    print_text_protocol(out, protocol, octets, length);
  };
  if (ports.either(25)) {
    text(kSmtp);
  } else if (ports.either(43)) {
    text(kWhois);
  } else if (ports.either(21)) {
    text(kFtp);
  } else if (ports.either(80) || ports.either(8080)) {
    text(kHttp);
  } else if (ports.either(554) || ports.either(8554)) {
    text(kRtsp);
  } else if (ports.either(53)) {
    print_dns(out, octets, length, false, true);
  }
}

/// The header without its ends. False: it is bad, and nothing follows it.
bool print_numbers(Printout& out, const Octets& octets, std::size_t length, std::size_t header,
                   const Carrier& carrier, const Ports& ports) {
  const std::uint8_t flags = octets.u8(13);
  Flows::Relative numbers{octets.be32(4), octets.be32(8), 0};
  out.put("Flags [{}]", bit_names(kFlags, flags, ""));
  if (!out.options.absolute_numbers && (flags & kAck) != 0) {
    numbers =
        out.flows.relative({carrier.source_octets(), carrier.destination_octets(), ports.source,
                            ports.destination, (flags & kSyn) != 0, numbers.seq, numbers.ack});
  }
  if (header > length) {
    out.put(" [bad hdr length {} - too long, > {}]", header, length);
    return false;
  }
  if (out.verbose() && !out.options.trust_checksums && !carrier.fragment) {
    print_checksum(out, octets, length, carrier);
  }
  const auto payload = static_cast<std::uint32_t>(length - header);
  if (out.verbose(2) || payload > 0 || (flags & (kSyn | kFin | kRst)) != 0) {
    out.put(", seq {}", numbers.seq);
    if (payload > 0) out.put(":{}", numbers.seq + payload);
  }
  if ((flags & kAck) != 0) out.put(", ack {}", numbers.ack);
  out.put(", win {}", octets.be16(14));
  if ((flags & kUrg) != 0) out.put(", urg {}", octets.be16(18));
  if (header > kMinHeader) {
    if (!print_tcp_options(out, octets, header - kMinHeader, numbers.sack_base,
                           octets.holds(0, length))) {
      return false;
    }
  }
  out.put(", length {}", payload);
  return true;
}

}  // namespace

void print_tcp(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier) {
  out.protocol = "tcp";
  if (!octets.holds(0, 4)) {
    out.put("{} > {}:", carrier.source(out), carrier.destination(out));
    out.truncated();
    return;
  }
  const Ports ports{octets.be16(0), octets.be16(2)};
  print_ends(out, carrier, ports);
  octets.need_first(kMinHeader);
  const std::size_t header = 4u * (octets.u8(12) >> 4);
  // Lengths are 32 bits wide to the reference, also where one is taken off a smaller one.
  const auto payload = static_cast<std::uint32_t>(length - header);
  if (header < kMinHeader) {
    out.put(" tcp {} [bad hdr length {} - too short, < {}]", payload, header, kMinHeader);
    return;
  }
  if (out.quiet()) {
    out.put("tcp {}", payload);
    if (header > length) out.put(" [bad hdr length {} - too long, > {}]", header, length);
    return;
  }
  if (!print_numbers(out, octets, length, header, carrier, ports) || payload == 0) return;
  if (!octets.holds(0, header)) {
    out.put(" [remaining caplen({}) < header length({})]", octets.size(), header);
    throw Cut{};
  }
  const Octets data = octets.from(header);
  if ((octets.u8(13) & kRst) != 0 && out.verbose()) {
    print_reset_data(out, data, payload);
    return;
  }
  print_payload(out, data, payload, ports);
}

}  // namespace smol::dump
