#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/seq.hh"
#include "protocols/wire/ip.hh"

namespace smol::icmp {

/// The packet that an ICMP error is about: enough of it to find the socket that sent it.
struct Quote {
  IpEndpoint source;  ///< ours, if the error concerns us
  IpEndpoint destination;
  IpProtocol protocol = IpProtocol::kTcp;  ///< TCP, UDP, or the family's ICMP: an echo request
  std::uint32_t total_len = 0;             ///< of the whole packet, headers included
  SeqNumber seq;                           ///< of a TCP segment
  std::uint16_t identifier = 0;            ///< of an echo request
  std::uint16_t sequence = 0;              ///< of an echo request
};

/// Reads what an ICMP error quotes, from the IP header on: eight octets behind it are enough (RFC
/// 1122 section 3.2.2). None for what is cut shorter, for a later fragment, for other protocols
/// and other ICMP messages than echo requests, and, until extension headers are built, for IPv6
/// packets with any.
std::optional<Quote> parse_quote(Bytes quoted) noexcept;

}  // namespace smol::icmp
