#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kHeader = 8;
constexpr std::uint16_t kDns = 53;
constexpr std::uint16_t kBootpServer = 67;
constexpr std::uint16_t kBootpClient = 68;
constexpr std::uint16_t kMulticastDns = 5353;

struct Ports {
  std::uint16_t source;
  std::uint16_t destination;
  bool either(std::uint16_t port) const { return source == port || destination == port; }
};

void print_ends(Printout& out, const Carrier& carrier, const Ports& ports) {
  const std::string source = out.names.udp_port(ports.source);
  const std::string destination = out.names.udp_port(ports.destination);
  // Behind an extension header the addresses stand on the line already.
  if (carrier.protocol == kUdp) {
    out.put("{}.{} > {}.{}: ", carrier.source(out), source, carrier.destination(out), destination);
  } else {
    out.put("{} > {}: ", source, destination);
  }
}

void print_checksum(Printout& out, const Octets& octets, std::size_t length,
                    const Carrier& carrier) {
  const std::uint16_t field = octets.be16(6);
  if (field == 0 && carrier.version == 4) {
    out.add("[no cksum] ");
  } else if (octets.holds(0, length)) {
    const auto [right, shouldbe] = carrier.verify(octets, length, kUdp, field);
    if (right) {
      out.add("[udp sum ok] ");
    } else {
      out.put("[bad udp cksum 0x{:04x} -> 0x{:04x}!] ", field, shouldbe);
    }
  }
}

/// False: not a port whose protocol is printed here.
bool print_payload(Printout& out, const Octets& octets, std::size_t length, const Ports& ports) {
  if (ports.either(kDns)) {
    print_dns(out, octets, length, false, false);
  } else if (ports.either(kBootpClient) || ports.either(kBootpServer)) {
    print_bootp(out, octets, length);
  } else if (ports.either(kMulticastDns)) {
    print_dns(out, octets, length, true, false);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void print_udp(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier) {
  out.protocol = "udp";
  if (!octets.holds(0, 4)) {
    if (carrier.protocol == kUdp) {
      out.put("{} > {}: ", carrier.source(out), carrier.destination(out));
    }
    out.truncated();
    return;
  }
  const Ports ports{octets.be16(0), octets.be16(2)};
  print_ends(out, carrier, ports);
  if (length < kHeader) {
    out.put("truncated-udp {}", length);
    return;
  }
  if (!octets.holds(4, 2)) return out.truncated();
  std::size_t told = octets.be16(4);
  if (told == 0 && length > 65535) told = length;
  if (told < kHeader) {
    out.put("truncated-udplength {}", told);
    return;
  }
  const std::size_t there = std::min(told, length);
  const std::size_t payload = there - kHeader;
  if (!octets.holds(0, kHeader)) return out.truncated();
  if (out.verbose(carrier.version == 4 ? 2 : 1) && !out.options.trust_checksums &&
      !carrier.fragment) {
    print_checksum(out, octets, there, carrier);
  }
  if (!out.quiet() && print_payload(out, octets.from(kHeader), payload, ports)) return;
  if (told > length && !carrier.fragment) {
    out.put("UDP, bad length {} > {}", told - kHeader, payload);
  } else {
    out.put("UDP, length {}", told - kHeader);
  }
}

}  // namespace smol::dump
