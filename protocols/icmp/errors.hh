#pragma once

#include <cstddef>
#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/error.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ip.hh"

namespace smol::icmp {

/// What an error we received means to a socket. `hard`: nobody is there, and a connection that is
/// not open yet may give up (RFC 1122 section 4.2.3.9, RFC 5461 section 4).
struct Meaning {
  Error error;
  bool hard;
};
Meaning meaning(Icmp4Type type, std::uint8_t code) noexcept;
Meaning meaning(Icmp6Type type, std::uint8_t code) noexcept;

/// What we could complain about.
enum class Complaint : std::uint8_t { kPortUnreachable, kUnknownProtocol };

/// May a packet be answered with an ICMP error at all? Not one to or from a group, nor from an
/// address that is no host's (RFC 1122 section 3.2.2, RFC 4443 section 2.4 e); `to_group` covers
/// the link's groups. Errors about ICMP errors are the caller's not to ask for.
bool may_complain(const IpAddress& source, bool to_group) noexcept;

/// Octets of a packet that an error quotes: so much that the error fits 576 octets (RFC 1812
/// section 4.3.2.3) or 1280 (RFC 4443 section 2.4 c).
std::size_t quote_len(IpFamily family, std::size_t packet_len) noexcept;

/// Writes the 8 octets before the quote; the checksum is left zero.
void emit_complaint(IpFamily family, Complaint complaint, MutBytes out) noexcept;

}  // namespace smol::icmp
