#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kIcmp4 = 1;
constexpr std::uint8_t kIgmp = 2;
constexpr std::uint8_t kIp4 = 4;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIp6 = 41;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kNoNextHeader = 59;
constexpr std::uint8_t kEthernet = 143;

constexpr Named kProtocols[] = {
    {0, "Options"},
    {1, "ICMP"},
    {2, "IGMP"},
    {4, "IPIP"},
    {6, "TCP"},
    {8, "EGP"},
    {9, "IGRP"},
    {17, "UDP"},
    {33, "DCCP"},
    {41, "IPv6"},
    {43, "Routing"},
    {44, "Fragment"},
    {46, "RSVP"},
    {47, "GRE"},
    {50, "ESP"},
    {51, "AH"},
    {55, "Mobile IP"},
    {58, "ICMPv6"},
    {62, "Mobile IP (old)"},
    {88, "EIGRP"},
    {89, "OSPF"},
    {103, "PIM"},
    {108, "Compressed IP"},
    {112, "VRRP"},
    {113, "PGM"},
    {132, "SCTP"},
    {135, "Mobility"},
    {143, "Ethernet"},
};

/// A protocol of one IP version in the other's packet.
void refuse(Printout& out, const char* protocol, const char* version) {
  out.put("[{} requires {}]", protocol, version);
  out.invalid();
}

}  // namespace

const char* ip_protocol_name(std::uint8_t protocol) noexcept {
  return name_of(kProtocols, protocol);
}

void print_ip_payload(Printout& out, const Octets& octets, std::size_t length,
                      std::uint8_t protocol, const Carrier& carrier) {
  switch (protocol) {
    case kTcp:
      return print_tcp(out, octets, length, carrier);
    case kUdp:
      return print_udp(out, octets, length, carrier);
    case kIcmp4:
      if (carrier.version != 4) return refuse(out, "ICMP", "IPv4");
      return print_icmp4(out, octets, length, carrier);
    case kIcmp6:
      if (carrier.version != 6) return refuse(out, "ICMPv6", "IPv6");
      return print_icmp6(out, octets, length, carrier);
    case kIgmp:
      if (carrier.version != 4) return refuse(out, "IGMP", "IPv4");
      return print_igmp(out, octets, length);
    case kIp4:
      return print_ip4(out, octets, length);
    case kIp6:
      return print_ip6(out, octets, length);
    case kEthernet:
      if (carrier.version != 6) return refuse(out, "Ethernet", "IPv6");
      break;
    case kNoNextHeader:
      out.add("no next header");
      return;
    default:
      break;
  }
  if (const auto name = out.names.protocol(protocol)) {
    out.put(" {}", *name);
  } else {
    out.put(" ip-proto-{}", protocol);
  }
  out.put(" {}", length);
}

}  // namespace smol::dump
