#include "protocols/wire/ip.hh"

namespace smol {

std::string_view name(IpProtocol protocol) noexcept {
  switch (protocol) {
    case IpProtocol::kHopByHop:
      return "HOPOPT";
    case IpProtocol::kIcmp:
      return "ICMP";
    case IpProtocol::kTcp:
      return "TCP";
    case IpProtocol::kUdp:
      return "UDP";
    case IpProtocol::kRouting:
      return "IPv6-Route";
    case IpProtocol::kFragment:
      return "IPv6-Frag";
    case IpProtocol::kIcmp6:
      return "ICMPv6";
    case IpProtocol::kNoNextHeader:
      return "IPv6-NoNxt";
    case IpProtocol::kDestinationOptions:
      return "IPv6-Opts";
  }
  return {};
}

void print(TextWriter& out, IpProtocol protocol) noexcept {
  if (const std::string_view known = name(protocol); !known.empty()) {
    out.put(known);
  } else {
    out.dec(static_cast<std::uint8_t>(protocol));
  }
}

}  // namespace smol
