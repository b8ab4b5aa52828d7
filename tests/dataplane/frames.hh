#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/base/address.hh"
#include "protocols/base/checksum.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/udp.hh"

namespace smol::dataplane::testing {

/// The two ends of the tests' link.
inline constexpr MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x64}};
inline constexpr IpAddress kOurIp = IpAddress::v4(192, 168, 69, 1);
inline constexpr IpAddress kPeerIp = IpAddress::v4(192, 168, 69, 100);

using Octets = std::vector<std::uint8_t>;

inline Octets arp_request() {
  Octets out(EthernetRepr::header_len() + ArpRepr::packet_len());
  EthernetRepr{MacAddress::broadcast(), kPeerMac, EtherType::kArp}.emit(out);
  ArpRepr arp;
  arp.sender_mac = kPeerMac;
  arp.sender_ip = kPeerIp;
  arp.target_ip = kOurIp;
  arp.emit(MutBytes{out}.subspan(EthernetRepr::header_len()));
  return out;
}

/// Ethernet and IPv4 from the peer to us around `payload`.
inline Octets ip4_frame(IpProtocol protocol, const Octets& payload) {
  constexpr std::size_t kHeaders = EthernetRepr::header_len() + Ip4Repr::header_len();
  Octets out(kHeaders + payload.size());
  EthernetRepr{kOurMac, kPeerMac, EtherType::kIp4}.emit(out);
  Ip4Repr ip;
  ip.source = kPeerIp;
  ip.destination = kOurIp;
  ip.protocol = protocol;
  ip.payload_len = static_cast<std::uint16_t>(payload.size());
  ip.emit(MutBytes{out}.subspan(EthernetRepr::header_len()));
  copy_bytes(MutBytes{out}.subspan(kHeaders), payload);
  return out;
}

inline Octets echo_request(std::uint16_t sequence, std::size_t data = 56) {
  Octets message(Icmp4EchoRepr::header_len() + data);
  Icmp4EchoRepr{false, 77, sequence}.emit(message);
  put_be16(message, 2, internet_sum(message).checksum());
  return ip4_frame(IpProtocol::kIcmp, message);
}

inline Octets udp_datagram(std::uint16_t from, std::uint16_t to, std::string_view text) {
  Octets datagram(UdpRepr::header_len() + text.size());
  UdpRepr{from, to, static_cast<std::uint16_t>(text.size())}.emit(datagram);
  text.copy(reinterpret_cast<char*>(datagram.data()) + UdpRepr::header_len(), text.size());
  InternetSum sum =
      pseudo_header_sum(kPeerIp, kOurIp, 17, static_cast<std::uint32_t>(datagram.size()));
  put_be16(datagram, 6, sum.add(internet_sum(datagram)).checksum());
  return ip4_frame(IpProtocol::kUdp, datagram);
}

inline EtherType type_of(const Octets& frame) {
  return static_cast<EtherType>(be16(frame, 12));
}
/// Of an IPv4 frame.
inline IpProtocol protocol_of(const Octets& frame) {
  return static_cast<IpProtocol>(frame[23]);
}
/// Of an ICMP echo.
inline std::uint16_t sequence_of(const Octets& frame) {
  return be16(frame, 14 + 20 + 6);
}
/// Of a UDP datagram.
inline std::string_view text_of(const Octets& frame) {
  return std::string_view{reinterpret_cast<const char*>(frame.data()), frame.size()}.substr(42);
}

}  // namespace smol::dataplane::testing
