#include "protocols/wire/icmpv4.hh"

#include "protocols/base/address.hh"

namespace smol {

std::string_view name(Icmp4Type type) noexcept {
  switch (type) {
    case Icmp4Type::kEchoReply:
      return "echo reply";
    case Icmp4Type::kDestinationUnreachable:
      return "destination unreachable";
    case Icmp4Type::kSourceQuench:
      return "source quench";
    case Icmp4Type::kRedirect:
      return "redirect";
    case Icmp4Type::kEchoRequest:
      return "echo request";
    case Icmp4Type::kTimeExceeded:
      return "time exceeded";
    case Icmp4Type::kParameterProblem:
      return "parameter problem";
  }
  return {};
}

std::string_view name(Icmp4Unreachable code) noexcept {
  switch (code) {
    case Icmp4Unreachable::kNetwork:
      return "network unreachable";
    case Icmp4Unreachable::kHost:
      return "host unreachable";
    case Icmp4Unreachable::kProtocol:
      return "protocol unreachable";
    case Icmp4Unreachable::kPort:
      return "port unreachable";
    case Icmp4Unreachable::kFragmentationNeeded:
      return "fragmentation needed";
    case Icmp4Unreachable::kSourceRouteFailed:
      return "source route failed";
    case Icmp4Unreachable::kNetworkUnknown:
      return "network unknown";
    case Icmp4Unreachable::kHostUnknown:
      return "host unknown";
    case Icmp4Unreachable::kSourceIsolated:
      return "source host isolated";
    case Icmp4Unreachable::kNetworkProhibited:
      return "network prohibited";
    case Icmp4Unreachable::kHostProhibited:
      return "host prohibited";
    case Icmp4Unreachable::kNetworkForService:
      return "network unreachable for service";
    case Icmp4Unreachable::kHostForService:
      return "host unreachable for service";
    case Icmp4Unreachable::kProhibited:
      return "communication prohibited";
    case Icmp4Unreachable::kPrecedenceViolation:
      return "host precedence violation";
    case Icmp4Unreachable::kPrecedenceCutoff:
      return "precedence cutoff";
  }
  return {};
}

void Icmp4EchoRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv4 echo ").put(reply ? "reply" : "request");
  out.put(" id=").dec(ident).put(" seq=").dec(sequence);
}

void Icmp4ErrorRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv4 ").put(name(type));
  const bool unreachable = type == Icmp4Type::kDestinationUnreachable;
  const std::string_view why =
      unreachable ? name(static_cast<Icmp4Unreachable>(code)) : std::string_view{};
  if (!why.empty()) {
    out.put(" (").put(why).put(')');
  } else {
    out.put(" code=").dec(code);
  }
  if (unreachable &&
      static_cast<Icmp4Unreachable>(code) == Icmp4Unreachable::kFragmentationNeeded) {
    out.put(" mtu=").dec(rest & 0xffff);
  }
  if (type == Icmp4Type::kParameterProblem) out.put(" pointer=").dec(rest >> 24);
  if (type == Icmp4Type::kRedirect) {
    out.put(" gateway=");
    IpAddress::v4(rest).print(out);
  }
}

}  // namespace smol
