#include "protocols/icmp/errors.hh"

#include <algorithm>

namespace smol::icmp {

Meaning meaning(Icmp4Type type, std::uint8_t code) noexcept {
  if (type != Icmp4Type::kDestinationUnreachable) {
    // Time exceeded and parameter problem: the path, or the packet, but not the host.
    return {Error::kHostUnreachable, false};
  }
  switch (static_cast<Icmp4Unreachable>(code)) {
    case Icmp4Unreachable::kProtocol:
    case Icmp4Unreachable::kPort:
      return {Error::kConnectionRefused, true};
    case Icmp4Unreachable::kFragmentationNeeded:
      return {Error::kMessageTooLong, false};
    case Icmp4Unreachable::kNetwork:
    case Icmp4Unreachable::kNetworkUnknown:
    case Icmp4Unreachable::kNetworkProhibited:
    case Icmp4Unreachable::kNetworkForService:
      return {Error::kNetworkUnreachable, false};
    case Icmp4Unreachable::kHost:
    case Icmp4Unreachable::kSourceRouteFailed:
    case Icmp4Unreachable::kHostUnknown:
    case Icmp4Unreachable::kSourceIsolated:
    case Icmp4Unreachable::kHostProhibited:
    case Icmp4Unreachable::kHostForService:
    case Icmp4Unreachable::kProhibited:
    case Icmp4Unreachable::kPrecedenceViolation:
    case Icmp4Unreachable::kPrecedenceCutoff:
      break;
  }
  return {Error::kHostUnreachable, false};
}

Meaning meaning(Icmp6Type type, std::uint8_t code) noexcept {
  if (type == Icmp6Type::kPacketTooBig) return {Error::kMessageTooLong, false};
  if (type == Icmp6Type::kDestinationUnreachable) {
    const auto reason = static_cast<Icmp6Unreachable>(code);
    if (reason == Icmp6Unreachable::kPort) return {Error::kConnectionRefused, true};
    if (reason == Icmp6Unreachable::kNoRoute || reason == Icmp6Unreachable::kRejectRoute) {
      return {Error::kNetworkUnreachable, false};
    }
    return {Error::kHostUnreachable, false};
  }
  // The peer does not speak the protocol: that is its "protocol unreachable". It is soft all the
  // same: RFC 9293 MUST-56 counts every parameter problem among what may pass.
  const bool unknown_protocol =
      type == Icmp6Type::kParameterProblem &&
      code == static_cast<std::uint8_t>(Icmp6ParameterProblem::kUnknownNextHeader);
  if (unknown_protocol) return {Error::kConnectionRefused, false};
  return {Error::kHostUnreachable, false};
}

bool may_complain(const IpAddress& source, bool to_group) noexcept {
  return !to_group && !source.is_unspecified() && !source.is_multicast() && !source.is_loopback() &&
         !source.is_limited_broadcast();
}

std::size_t quote_len(IpFamily family, std::size_t packet_len) noexcept {
  constexpr std::size_t kRoom4 = 576 - 20 - Icmp4View::kHeader;
  constexpr std::size_t kRoom6 = 1280 - 40 - Icmp6View::kHeader;
  return std::min(packet_len, family == IpFamily::kIp4 ? kRoom4 : kRoom6);
}

void emit_complaint(IpFamily family, Complaint complaint, MutBytes out) noexcept {
  const bool port = complaint == Complaint::kPortUnreachable;
  if (family == IpFamily::kIp4) {
    Icmp4ErrorRepr repr;
    repr.code =
        static_cast<std::uint8_t>(port ? Icmp4Unreachable::kPort : Icmp4Unreachable::kProtocol);
    repr.emit(out);
    return;
  }
  Icmp6ErrorRepr repr;
  if (port) {
    repr.type = Icmp6Type::kDestinationUnreachable;
    repr.code = static_cast<std::uint8_t>(Icmp6Unreachable::kPort);
  } else {
    repr.type = Icmp6Type::kParameterProblem;
    repr.code = static_cast<std::uint8_t>(Icmp6ParameterProblem::kUnknownNextHeader);
    repr.rest = 6;  // the Next Header field of the fixed header
  }
  repr.emit(out);
}

}  // namespace smol::icmp
