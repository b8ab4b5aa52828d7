#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// ICMP message types that this stack knows by name (RFC 792). A message may carry any octet.
enum class Icmp4Type : std::uint8_t {
  kEchoReply = 0,
  kDestinationUnreachable = 3,
  kSourceQuench = 4,  ///< deprecated: never sent, ignored on receipt (RFC 6633)
  kRedirect = 5,
  kEchoRequest = 8,
  kTimeExceeded = 11,
  kParameterProblem = 12,
};

/// "echo request", or empty for a type without a name here.
std::string_view name(Icmp4Type type) noexcept;

/// True for the types that report on another packet and quote it (RFC 1122 section 3.2.2): such a
/// message is never answered with an error.
constexpr bool is_error(Icmp4Type type) noexcept {
  return type == Icmp4Type::kDestinationUnreachable || type == Icmp4Type::kSourceQuench ||
         type == Icmp4Type::kRedirect || type == Icmp4Type::kTimeExceeded ||
         type == Icmp4Type::kParameterProblem;
}

/// Codes of destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1).
enum class Icmp4Unreachable : std::uint8_t {
  kNetwork = 0,
  kHost = 1,
  kProtocol = 2,
  kPort = 3,
  kFragmentationNeeded = 4,  ///< next_hop_mtu() says what fits (RFC 1191 section 4)
  kSourceRouteFailed = 5,
  kNetworkUnknown = 6,
  kHostUnknown = 7,
  kSourceIsolated = 8,
  kNetworkProhibited = 9,
  kHostProhibited = 10,
  kNetworkForService = 11,
  kHostForService = 12,
  kProhibited = 13,
  kPrecedenceViolation = 14,
  kPrecedenceCutoff = 15,
};

/// "port unreachable", or empty for a code that is not assigned.
std::string_view name(Icmp4Unreachable code) noexcept;

/// The 8 octets that begin every ICMP message (RFC 792). A borrowed view: valid while the octets
/// are. What the second word means depends on the type; all readings are safe. What follows, echo
/// data or the quoted packet, belongs to the packet.
class Icmp4View {
 public:
  static constexpr std::size_t kHeader = 8;

  /// `head`: contiguous front of the IP payload; `len`: all of it. Fewer than 8 octets of either
  /// fail with kIcmpTruncated. The checksum is not looked at.
  static constexpr Result<Icmp4View> parse(Bytes head, std::size_t len) noexcept {
    if (head.size() < kHeader || len < kHeader) return fail(Drop::kIcmpTruncated);
    return Icmp4View{head.first(kHeader)};
  }

  constexpr Icmp4Type type() const noexcept { return static_cast<Icmp4Type>(u8(h_, 0)); }
  constexpr std::uint8_t code() const noexcept { return u8(h_, 1); }
  constexpr std::uint16_t checksum() const noexcept { return be16(h_, 2); }
  /// Of an echo.
  constexpr std::uint16_t ident() const noexcept { return be16(h_, 4); }
  constexpr std::uint16_t sequence() const noexcept { return be16(h_, 6); }
  /// The second word, whatever it means.
  constexpr std::uint32_t rest() const noexcept { return be32(h_, 4); }
  /// Of "fragmentation needed"; zero from routers older than RFC 1191.
  constexpr std::uint16_t next_hop_mtu() const noexcept { return be16(h_, 6); }
  /// Of a parameter problem: the octet of the quoted header that is wrong.
  constexpr std::uint8_t pointer() const noexcept { return u8(h_, 4); }

 private:
  constexpr explicit Icmp4View(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// The header of an echo request or reply as a value; its data follows in the packet.
struct Icmp4EchoRepr {
  bool reply = false;
  std::uint16_t ident = 0;
  std::uint16_t sequence = 0;

  static constexpr std::size_t header_len() noexcept { return Icmp4View::kHeader; }

  /// Any other type fails with kIcmpUnknownType. The code is not looked at.
  static constexpr Result<Icmp4EchoRepr> parse(const Icmp4View& view) noexcept {
    if (view.type() != Icmp4Type::kEchoRequest && view.type() != Icmp4Type::kEchoReply) {
      return fail(Drop::kIcmpUnknownType);
    }
    return Icmp4EchoRepr{view.type() == Icmp4Type::kEchoReply, view.ident(), view.sequence()};
  }
  /// Writes out.first(header_len()) with a zero checksum. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.u8(static_cast<std::uint8_t>(reply ? Icmp4Type::kEchoReply : Icmp4Type::kEchoRequest));
    w.u8(0).be16(0).be16(ident).be16(sequence);
  }
  /// "ICMPv4 echo request id=4660 seq=43981"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Icmp4EchoRepr&) const noexcept = default;
};

/// The header of an ICMP error as a value; the quoted packet follows in the packet.
struct Icmp4ErrorRepr {
  Icmp4Type type = Icmp4Type::kDestinationUnreachable;  ///< one for which is_error() holds
  std::uint8_t code = 0;
  std::uint32_t rest =
      0;  ///< next-hop MTU in the low half, pointer in the high octet, or a gateway

  static constexpr std::size_t header_len() noexcept { return Icmp4View::kHeader; }

  /// A type that is no error fails with kIcmpUnknownType. Any code is taken.
  static constexpr Result<Icmp4ErrorRepr> parse(const Icmp4View& view) noexcept {
    if (!is_error(view.type())) return fail(Drop::kIcmpUnknownType);
    return Icmp4ErrorRepr{view.type(), view.code(), view.rest()};
  }
  /// Writes out.first(header_len()) with a zero checksum. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.u8(static_cast<std::uint8_t>(type)).u8(code).be16(0).be32(rest);
  }
  /// "ICMPv4 destination unreachable (fragmentation needed) mtu=1400"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Icmp4ErrorRepr&) const noexcept = default;
};

}  // namespace smol
