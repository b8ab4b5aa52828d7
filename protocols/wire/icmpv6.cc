#include "protocols/wire/icmpv6.hh"

namespace smol {

std::string_view name(Icmp6Type type) noexcept {
  switch (type) {
    case Icmp6Type::kDestinationUnreachable:
      return "destination unreachable";
    case Icmp6Type::kPacketTooBig:
      return "packet too big";
    case Icmp6Type::kTimeExceeded:
      return "time exceeded";
    case Icmp6Type::kParameterProblem:
      return "parameter problem";
    case Icmp6Type::kEchoRequest:
      return "echo request";
    case Icmp6Type::kEchoReply:
      return "echo reply";
    case Icmp6Type::kMulticastListenerQuery:
      return "multicast listener query";
    case Icmp6Type::kMulticastListenerReport:
      return "multicast listener report";
    case Icmp6Type::kMulticastListenerDone:
      return "multicast listener done";
    case Icmp6Type::kRouterSolicit:
      return "router solicitation";
    case Icmp6Type::kRouterAdvert:
      return "router advertisement";
    case Icmp6Type::kNeighborSolicit:
      return "neighbor solicitation";
    case Icmp6Type::kNeighborAdvert:
      return "neighbor advertisement";
    case Icmp6Type::kRedirect:
      return "redirect";
    case Icmp6Type::kMulticastListenerReport2:
      return "multicast listener report v2";
  }
  return {};
}

std::string_view name(Icmp6Unreachable code) noexcept {
  switch (code) {
    case Icmp6Unreachable::kNoRoute:
      return "no route";
    case Icmp6Unreachable::kProhibited:
      return "communication prohibited";
    case Icmp6Unreachable::kBeyondScope:
      return "beyond scope of source";
    case Icmp6Unreachable::kAddress:
      return "address unreachable";
    case Icmp6Unreachable::kPort:
      return "port unreachable";
    case Icmp6Unreachable::kSourcePolicy:
      return "source address failed policy";
    case Icmp6Unreachable::kRejectRoute:
      return "reject route";
    case Icmp6Unreachable::kSourceRouteError:
      return "error in source routing header";
    case Icmp6Unreachable::kHeadersTooLong:
      return "headers too long";
  }
  return {};
}

void Icmp6EchoRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 echo ").put(reply ? "reply" : "request");
  out.put(" id=").dec(ident).put(" seq=").dec(sequence);
}

void Icmp6ErrorRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 ");
  if (const std::string_view known = name(type); !known.empty()) {
    out.put(known);
  } else {
    out.put("error type=").dec(static_cast<std::uint8_t>(type));
  }
  if (type == Icmp6Type::kPacketTooBig) {
    out.put(" mtu=").dec(rest);
    return;
  }
  const std::string_view why = type == Icmp6Type::kDestinationUnreachable
                                   ? name(static_cast<Icmp6Unreachable>(code))
                                   : std::string_view{};
  if (!why.empty()) {
    out.put(" (").put(why).put(')');
  } else {
    out.put(" code=").dec(code);
  }
  if (type == Icmp6Type::kParameterProblem) out.put(" pointer=").dec(rest);
}

}  // namespace smol
