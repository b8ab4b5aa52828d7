#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// ICMPv6 message types that this stack knows by name (RFC 4443; neighbour discovery: RFC 4861;
/// multicast listeners: RFC 2710, RFC 3810). A message may carry any octet.
enum class Icmp6Type : std::uint8_t {
  kDestinationUnreachable = 1,
  kPacketTooBig = 2,
  kTimeExceeded = 3,
  kParameterProblem = 4,
  kEchoRequest = 128,
  kEchoReply = 129,
  kMulticastListenerQuery = 130,
  kMulticastListenerReport = 131,
  kMulticastListenerDone = 132,
  kRouterSolicit = 133,
  kRouterAdvert = 134,
  kNeighborSolicit = 135,
  kNeighborAdvert = 136,
  kRedirect = 137,
  kMulticastListenerReport2 = 143,
};

/// "echo request", or empty for a type without a name here.
std::string_view name(Icmp6Type type) noexcept;

/// Types below 128 are errors, known or not (RFC 4443 section 2.1); such a message and a redirect
/// are never answered with an error.
constexpr bool is_error(Icmp6Type type) noexcept {
  return static_cast<std::uint8_t>(type) < 128;
}

/// True for the messages of RFC 4861, which nd.hh reads.
constexpr bool is_neighbor_discovery(Icmp6Type type) noexcept {
  return type >= Icmp6Type::kRouterSolicit && type <= Icmp6Type::kRedirect;
}

/// Codes of destination unreachable (RFC 4443 section 3.1, RFC 8883 section 2).
enum class Icmp6Unreachable : std::uint8_t {
  kNoRoute = 0,
  kProhibited = 1,
  kBeyondScope = 2,
  kAddress = 3,
  kPort = 4,
  kSourcePolicy = 5,
  kRejectRoute = 6,
  kSourceRouteError = 7,
  kHeadersTooLong = 8,
};

/// "port unreachable", or empty for a code that is not assigned.
std::string_view name(Icmp6Unreachable code) noexcept;

/// Codes of parameter problem that this stack sends (RFC 4443 section 3.4).
enum class Icmp6ParameterProblem : std::uint8_t {
  kErroneousField = 0,
  kUnknownNextHeader = 1,
  kUnknownOption = 2,
};

/// The 8 octets that begin every ICMPv6 message this stack reads (RFC 4443 section 2.1). A borrowed
/// view: valid while the octets are. What the second word means depends on the type; all readings
/// are safe. What follows, echo data or the quoted packet, belongs to the packet.
class Icmp6View {
 public:
  static constexpr std::size_t kHeader = 8;

  /// `head`: contiguous front of the message; `len`: all of it, to the end of the IPv6 payload.
  /// Fewer than 8 octets of either fail with kIcmpTruncated. The checksum is not looked at.
  static constexpr Result<Icmp6View> parse(Bytes head, std::size_t len) noexcept {
    if (head.size() < kHeader || len < kHeader) return fail(Drop::kIcmpTruncated);
    return Icmp6View{head.first(kHeader)};
  }

  constexpr Icmp6Type type() const noexcept { return static_cast<Icmp6Type>(u8(h_, 0)); }
  constexpr std::uint8_t code() const noexcept { return u8(h_, 1); }
  constexpr std::uint16_t checksum() const noexcept { return be16(h_, 2); }
  /// Of an echo.
  constexpr std::uint16_t ident() const noexcept { return be16(h_, 4); }
  constexpr std::uint16_t sequence() const noexcept { return be16(h_, 6); }
  /// The second word, whatever it means.
  constexpr std::uint32_t rest() const noexcept { return be32(h_, 4); }
  /// Of "packet too big".
  constexpr std::uint32_t mtu() const noexcept { return rest(); }
  /// Of a parameter problem: the octet of the quoted packet that is wrong.
  constexpr std::uint32_t pointer() const noexcept { return rest(); }

 private:
  constexpr explicit Icmp6View(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// The header of an echo request or reply as a value; its data follows in the packet.
struct Icmp6EchoRepr {
  bool reply = false;
  std::uint16_t ident = 0;
  std::uint16_t sequence = 0;

  static constexpr std::size_t header_len() noexcept { return Icmp6View::kHeader; }

  /// Any other type fails with kIcmpUnknownType. The code is ignored (RFC 4443 section 4.1).
  static constexpr Result<Icmp6EchoRepr> parse(const Icmp6View& view) noexcept {
    if (view.type() != Icmp6Type::kEchoRequest && view.type() != Icmp6Type::kEchoReply) {
      return fail(Drop::kIcmpUnknownType);
    }
    return Icmp6EchoRepr{view.type() == Icmp6Type::kEchoReply, view.ident(), view.sequence()};
  }
  /// Writes out.first(header_len()) with a zero checksum. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.u8(static_cast<std::uint8_t>(reply ? Icmp6Type::kEchoReply : Icmp6Type::kEchoRequest));
    w.u8(0).be16(0).be16(ident).be16(sequence);
  }
  /// "ICMPv6 echo request id=4660 seq=43981"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Icmp6EchoRepr&) const noexcept = default;
};

/// The header of an ICMPv6 error as a value; the quoted packet follows in the packet.
struct Icmp6ErrorRepr {
  Icmp6Type type = Icmp6Type::kDestinationUnreachable;  ///< one for which is_error() holds
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  ///< MTU or pointer, by the type

  static constexpr std::size_t header_len() noexcept { return Icmp6View::kHeader; }

  /// An informational type fails with kIcmpUnknownType; an error of a type without a name is taken,
  /// for it goes to the upper layer all the same (RFC 4443 section 2.4).
  static constexpr Result<Icmp6ErrorRepr> parse(const Icmp6View& view) noexcept {
    if (!is_error(view.type())) return fail(Drop::kIcmpUnknownType);
    return Icmp6ErrorRepr{view.type(), view.code(), view.rest()};
  }
  /// Writes out.first(header_len()) with a zero checksum. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.u8(static_cast<std::uint8_t>(type)).u8(code).be16(0).be32(rest);
  }
  /// "ICMPv6 packet too big mtu=1280"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Icmp6ErrorRepr&) const noexcept = default;
};

}  // namespace smol
