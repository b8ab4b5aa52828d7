#pragma once

#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// The two operations a host takes part in (RFC 826); probes and announcements are requests
/// (RFC 5227 section 1.1).
enum class ArpOperation : std::uint16_t { kRequest = 1, kReply = 2 };

/// An ARP packet for IPv4 over Ethernet, the only kind there is here, as a value (RFC 826).
struct ArpRepr {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac{};
  IpAddress sender_ip = IpAddress::any(IpFamily::kIp4);  ///< IPv4; 0.0.0.0 in a probe
  MacAddress target_mac{};                               ///< zero in a request: it is the question
  IpAddress target_ip = IpAddress::any(IpFamily::kIp4);  ///< IPv4

  /// Octets of the packet: what emit() writes and the least that parse() takes.
  static constexpr std::size_t packet_len() noexcept { return 28; }

  /// `packet`: the frame behind its Ethernet header; octets beyond 28 are padding of the link.
  /// Refuses what is shorter (kArpTruncated), and other hardware, protocol, address lengths and
  /// operations (kArpUnsupported). Whether the addresses make sense is the caller's business.
  static Result<ArpRepr> parse(Bytes packet) noexcept;
  /// Writes out.first(packet_len()). Precondition: it fits, and both IP addresses are IPv4.
  void emit(MutBytes out) const noexcept;
  /// "ARP op=Request src=02:00:00:00:00:01/10.0.0.1 tgt=00:00:00:00:00:00/10.0.0.2"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const ArpRepr&) const noexcept = default;
};

}  // namespace smol
