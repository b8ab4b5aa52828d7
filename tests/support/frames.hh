#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/time.hh"
#include "protocols/iface/config.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ip.hh"
#include "protocols/wire/tcp_repr.hh"
#include "protocols/wire/udp.hh"

namespace smol {

/// So that a failing test says "tcp_bad_option", not a number.
inline void PrintTo(Drop drop, std::ostream* out) {
  *out << name(drop);
}

using Octets = std::vector<std::uint8_t>;

inline Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// What emit() writes.
template <class Repr>
Octets emitted(const Repr& repr, std::size_t len) {
  Octets out(len);
  repr.emit(out);
  return out;
}
template <class Repr>
Octets emitted(const Repr& repr) {
  return emitted(repr, repr.header_len());
}

// --- making frames -------------------------------------------------------------------------------
// From the outside in: `frame(to, from, ip_packet(source, destination, protocol, segment))`.
// Lengths and checksums are right; who wants a wrong one overwrites it.

/// What an IP header says beyond addresses and payload.
struct IpFields {
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
};

Octets octets_of(std::string_view text);
std::string text_of(Bytes octets);
/// `octets` octets that are told apart by their place: 0, 1, ... 250, 0, 1, ...
Octets pattern(std::size_t octets, std::size_t from = 0);

Octets frame(const MacAddress& to, const MacAddress& from, EtherType type, const Octets& payload);
Octets arp_packet(const ArpRepr& arp);
/// Of the family of the addresses.
Octets ip_packet(const IpAddress& source, const IpAddress& destination, IpProtocol protocol,
                 const Octets& payload, const IpFields& fields = {});
/// With IPv4 options, a multiple of 4 octets of them.
Octets ip4_packet_with_options(const IpAddress& source, const IpAddress& destination,
                               IpProtocol protocol, const Octets& options, const Octets& payload);
Octets udp_datagram(const IpEndpoint& from, const IpEndpoint& to, const Octets& payload);
/// Ports are those of the ends.
Octets tcp_segment(const IpEndpoint& from, const IpEndpoint& to, TcpRepr header,
                   const Octets& payload = {});
/// An ICMP or ICMPv6 message, by the family of the addresses: the first 8 octets and what follows.
Octets icmp_message(const IpAddress& source, const IpAddress& destination, std::uint8_t type,
                    std::uint8_t code, std::uint32_t rest, const Octets& payload);
/// A whole ICMPv6 message whose checksum is still to be filled in.
Octets with_icmp6_checksum(const IpAddress& source, const IpAddress& destination, Octets message);
/// The IPv4 header checksum, after somebody changed the header at `ip`.
void fix_ip4_checksum(Octets& octets, std::size_t ip);

// --- taking frames apart -------------------------------------------------------------------------

struct IcmpFields {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;
};

/// A frame that was sent, every layer a value.
struct Frame {
  Octets octets;
  InterfaceId interface = 0;
  Instant at{};

  EthernetRepr link;
  std::optional<ArpRepr> arp;
  bool is_ip = false;
  IpAddress source;
  IpAddress destination;
  IpProtocol protocol{};
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
  std::uint32_t flow_label = 0;
  bool dont_fragment = false;
  std::size_t ip_len = 0;  ///< octets of the IP packet
  std::optional<TcpRepr> tcp;
  std::optional<UdpRepr> udp;
  std::optional<IcmpFields> icmp;
  Octets payload;  ///< behind the last header that is a value here

  Bytes ip_octets() const { return Bytes{octets}.subspan(14); }
};

/// Takes a frame apart, and expects of it what holds for every frame that we send: lengths that
/// fit, checksums that are right, Ethernet II.
Frame dissect(Bytes octets);

/// The address that an ARP request or a neighbour solicitation asks for; "::" for any other frame.
IpAddress asked_for(const Frame& frame);
/// The answer of the neighbour, at `mac`, that `question` asks for.
Octets neighbor_answer(const Frame& question, const MacAddress& mac);

/// The tree that print_frame() makes.
void PrintTo(const Frame& frame, std::ostream* out);

/// "S", "S.", ".", "P.", "F.", "FP.", "R", "R.": the flags as tcpdump prints them.
std::string flags_of(const TcpRepr& tcp);

// --- checks, to be composed with AllOf(); each prints what it got and what it wanted
// ---------------

using FrameCheck = ::testing::Matcher<const Frame&>;

FrameCheck link_to(const MacAddress& mac);
FrameCheck link_from(const MacAddress& mac);
FrameCheck ip_from(const IpAddress& address);
FrameCheck ip_to(const IpAddress& address);
FrameCheck hop_limit_is(int value);
FrameCheck dscp_is(int value);
FrameCheck ip_len_is(std::size_t octets);
FrameCheck tcp_ports(std::uint16_t source, std::uint16_t destination);
FrameCheck tcp_is(std::string_view flags);
FrameCheck tcp_seq(SeqNumber seq);
FrameCheck tcp_ack(SeqNumber ack);
FrameCheck tcp_window(std::uint16_t window);
FrameCheck udp_ports(std::uint16_t source, std::uint16_t destination);
FrameCheck icmp_is(int type, int code);
FrameCheck icmp_rest(std::uint32_t rest);
FrameCheck carries(const Octets& payload);
FrameCheck carries(std::string_view payload);
FrameCheck carries_octets(std::size_t count);
FrameCheck arp_request_for(const IpAddress& target);
FrameCheck arp_reply_from(const IpAddress& sender, const MacAddress& mac);
/// A neighbour solicitation for `target`, or an advertisement of it.
FrameCheck solicits(const IpAddress& target);
FrameCheck advertises(const IpAddress& target);

}  // namespace smol
