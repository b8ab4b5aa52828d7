#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::size_t kHeader = 14;
constexpr std::size_t kTag = 4;
/// A type field of this or less is an 802.3 length.
constexpr std::uint16_t kLongestLength = 1500;
constexpr std::uint16_t kIp4 = 0x0800;
constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kReverseArp = 0x8035;
constexpr std::uint16_t kIp6 = 0x86dd;

constexpr Named kTypes[] = {
    {0x0800, "IPv4"},
    {0x8847, "MPLS unicast"},
    {0x8848, "MPLS multicast"},
    {0x86dd, "IPv6"},
    {0x8100, "802.1Q"},
    {0x9100, "802.1Q-9100"},
    {0x88a8, "802.1Q-QinQ"},
    {0x9200, "802.1Q-9200"},
    {0x88e5, "802.1AE MACsec"},
    {0x0200, "PUP"},
    {0x0806, "ARP"},
    {0x8035, "Reverse ARP"},
    {0x0600, "NS"},
    {0x0500, "Sprite"},
    {0x1000, "Trail"},
    {0x6001, "MOP DL"},
    {0x6002, "MOP RC"},
    {0x6003, "DN"},
    {0x6004, "LAT"},
    {0x6007, "SCA"},
    {0x6558, "TEB"},
    {0x8038, "Lanbridge"},
    {0x803c, "DEC DNS"},
    {0x803e, "DEC DTS"},
    {0x805b, "VEXP"},
    {0x805c, "VPROD"},
    {0x809b, "Appletalk"},
    {0x80f3, "Appletalk ARP"},
    {0x8137, "IPX"},
    {0x880b, "PPP"},
    {0x8808, "MPCP"},
    {0x8809, "Slow Protocols"},
    {0x8863, "PPPoE D"},
    {0x8864, "PPPoE S"},
    {0x888e, "EAPOL"},
    {0x8899, "Realtek protocols"},
    {0x886f, "MS NLB heartbeat"},
    {0x8870, "Jumbo"},
    {0x894f, "NSH"},
    {0x9000, "Loopback"},
    {0xfefe, "OSI"},
    {0x00fe, "GRE-OSI"},
    {0xabcd, "CFM (old)"},
    {0x8902, "CFM"},
    {0x893a, "IEEE1905.1"},
    {0x88cc, "LLDP"},
    {0x88ca, "TIPC"},
    {0x0707, "GeoNet (old)"},
    {0x8947, "GeoNet"},
    {0x1111, "CALM FAST"},
    {0x88a2, "AoE"},
    {0x88f7, "PTP"},
    {0xd28b, "Arista Vendor Specific Protocol"},
};

bool is_tag(std::uint16_t type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

void print_addresses(Printout& out, const Octets& octets) {
  out.put("{} > {}, ", link_address_text(octets.bytes(6, 6)),
          link_address_text(octets.bytes(0, 6)));
}

void print_type(Printout& out, std::uint16_t type) {
  const char* name = ethertype_name(type);
  if (out.quiet()) {
    out.add(name != nullptr ? name : fmt::format("Unknown Ethertype (0x{:04x})", type));
  } else {
    out.put("ethertype {} (0x{:04x})", name != nullptr ? name : "Unknown", type);
  }
}

/// The frame's length goes with the first type alone.
void print_type_and_length(Printout& out, std::uint16_t type, std::size_t header,
                           std::size_t length) {
  print_type(out, type);
  if (header == kHeader) {
    out.put(", length {}: ", length);
  } else {
    out.add(", ");
  }
}

/// IEEE 802.1Q.
void print_tag(Printout& out, std::uint16_t tag) {
  out.put("vlan {}, p {}{}, ", tag & 0x0fff, tag >> 13, (tag & 0x1000) != 0 ? ", DEI" : "");
}

}  // namespace

const char* ethertype_name(std::uint16_t type) noexcept {
  return name_of(kTypes, type);
}

bool print_ethertype(Printout& out, std::uint16_t type, const Octets& octets, std::size_t length) {
  switch (type) {
    case kIp4:
      print_ip4(out, octets, length);
      return true;
    case kIp6:
      print_ip6(out, octets, length);
      return true;
    case kArp:
    case kReverseArp:
      print_arp(out, octets, length);
      return true;
    default:
      return false;
  }
}

void print_ethernet(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "ether";
  if (!octets.holds(0, kHeader)) {
    out.truncated();
    out.link_header = octets.size();
    return;
  }
  const bool full = out.options.link_header;
  if (full) print_addresses(out, octets);
  std::size_t header = kHeader;
  std::uint16_t type = octets.be16(12);
  while (is_tag(type)) {
    out.protocol = "vlan";
    if (!octets.holds(header, kTag)) {
      out.truncated();
      out.link_header = octets.size();
      return;
    }
    if (full) {
      print_type_and_length(out, type, header, length);
      print_tag(out, octets.be16(header));
    }
    type = octets.be16(header + 2);
    header += kTag;
  }
  out.link_header = header;
  const Octets payload = octets.from(header);
  const std::size_t left = length - header;
  if (type <= kLongestLength) {
    const std::size_t told = std::min<std::size_t>(type, left);
    if (full) out.add("802.3");
    if (full && header == kHeader) out.put(", length {}: ", told);
    print_llc(out, payload.first(told), told, octets.bytes(6, 6), octets.bytes(0, 6));
    return;
  }
  if (full) print_type_and_length(out, type, header, length);
  if (!print_ethertype(out, type, payload, left)) {
    if (!full) {
      print_addresses(out, octets);
      print_type(out, type);
      out.put(", length {}: ", length);
    }
    if (out.prints_raw()) put_hex_and_text(out, "\n\t", payload.all());
  }
}

}  // namespace smol::dump
