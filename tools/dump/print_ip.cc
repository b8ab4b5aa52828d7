#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kReserved = 0x8000;
constexpr std::uint16_t kOffset = 0x1fff;
constexpr std::size_t kMinHeader = 20;

constexpr Named kFlags[] = {
    {kMoreFragments, "+"},
    {kDontFragment, "DF"},
    {kReserved, "rsvd"},
};

/// What -v says of the header. False: its options were not captured to their end.
bool print_header(Printout& out, const Octets& octets, std::size_t header_length) {
  const std::uint8_t tos = octets.u8(1);
  static constexpr const char* kEcn[] = {"", ",ECT(1)", ",ECT(0)", ",CE"};
  out.put("(tos 0x{:x}{}", tos, kEcn[tos & 3]);
  if (octets.u8(8) >= 1) out.put(", ttl {}", octets.u8(8));
  const std::uint16_t fragment = octets.be16(6);
  const char* protocol = ip_protocol_name(octets.u8(9));
  out.put(", id {}, offset {}, flags [{}], proto {} ({}), length {}", octets.be16(4),
          (fragment & kOffset) * 8,
          bit_names(kFlags, fragment & (kReserved | kDontFragment | kMoreFragments), ", "),
          protocol != nullptr ? protocol : "unknown", octets.u8(9), octets.be16(2));
  bool whole = true;
  if (header_length > kMinHeader) {
    out.add(", options (");
    whole = print_ip4_options(out, octets.from(kMinHeader), header_length - kMinHeader);
    out.add(whole ? ")" : " [truncated-option])");
  }
  if (!out.options.trust_checksums && octets.holds(0, header_length)) {
    const InternetSum sum = internet_sum(octets.bytes(0, header_length));
    if (!sum.verifies()) {
      const std::uint16_t field = octets.be16(10);
      out.put(", bad cksum {:x} (->{:x})!", field, checksum_should_be(field, sum));
    }
  }
  out.add(")\n    ");
  return whole;
}

/// A piece from within a datagram: there is no header in it to go on with.
void print_later_fragment(Printout& out, const Octets& octets) {
  if (out.options.quiet > 1) return;
  const std::uint8_t protocol = octets.u8(9);
  out.put("{} > {}:", out.v4(octets, 12), out.v4(octets, 16));
  if (const auto name = out.names.protocol(protocol)) {
    out.put(" {}", *name);
  } else {
    out.put(" ip-proto-{}", protocol);
  }
}

bool has_ports(std::uint8_t protocol) {
  return protocol == 6 || protocol == 17 || protocol == 132 || protocol == 33;
}

void print_payload(Printout& out, const Octets& octets, std::size_t header_length,
                   std::size_t length) {
  const std::uint8_t protocol = octets.u8(9);
  if (!has_ports(protocol)) out.put("{} > {}: ", out.v4(octets, 12), out.v4(octets, 16));
  if (!octets.holds(0, header_length)) {
    out.put(" [remaining caplen({}) < header length({})]", octets.size(), header_length);
    throw Cut{};
  }
  const Carrier carrier{octets, 4, protocol, octets.u8(8), (octets.be16(6) & kMoreFragments) != 0};
  print_ip_payload(out, octets.from(header_length), length - header_length, protocol, carrier);
}

}  // namespace

void print_ip4(Printout& out, const Octets& octets, std::size_t length) {
  const Deeper deeper{out};
  out.protocol = "ip";
  const unsigned version = octets.u8(0) >> 4;
  if (version != 4) {
    if (version == 6) {
      out.add("IP6, wrong link-layer encapsulation");
    } else {
      out.put("IP{}", version);
    }
    out.invalid();
    return;
  }
  if (!out.options.link_header) out.add("IP ");
  octets.need_first(kMinHeader);
  if (length < kMinHeader) {
    out.put("truncated-ip {}", length);
    return;
  }
  const std::size_t header_length = 4u * (octets.u8(0) & 0x0f);
  if (header_length < kMinHeader) {
    out.put("bad-hlen {}", header_length);
    return;
  }
  const std::size_t total = octets.be16(2);
  if (length < total) out.put("truncated-ip - {} bytes missing! ", total - length);
  if (total < header_length) {
    out.put("bad-len {}", total);
    return;
  }
  const Octets packet = octets.first(total);
  if (out.verbose() && !print_header(out, packet, header_length)) {
    out.put("{} > {}: ", out.v4(packet, 12), out.v4(packet, 16));
    out.truncated();
    return;
  }
  if ((packet.be16(6) & kOffset) == 0) {
    print_payload(out, packet, header_length, total);
  } else {
    print_later_fragment(out, packet);
  }
}

void print_raw_ip(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "ipn";
  if (length < 1) {
    out.put("truncated-ip {}", length);
    return;
  }
  const unsigned version = octets.u8(0) >> 4;
  if (version == 4) {
    print_ip4(out, octets, length);
  } else if (version == 6) {
    print_ip6(out, octets, length);
  } else {
    out.put("unknown ip {}", version);
  }
}

}  // namespace smol::dump
