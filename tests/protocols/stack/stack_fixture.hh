#pragma once

#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/wire/nd.hh"
#include "tests/support/frames.hh"
#include "tests/support/host.hh"

namespace smol {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

inline constexpr MacAddress kOwnMac{{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 9}};
inline constexpr MacAddress kRouterMac{{2, 0, 0, 0, 0, 0xfe}};
inline constexpr IpAddress kOwn4 = IpAddress::v4(10, 0, 0, 1);
inline constexpr IpAddress kPeer4 = IpAddress::v4(10, 0, 0, 9);
inline constexpr IpAddress kRouter4 = IpAddress::v4(10, 0, 0, 254);
inline constexpr IpAddress kFar4 = IpAddress::v4(192, 0, 2, 7);
inline constexpr IpAddress kOwn6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1);
inline constexpr IpAddress kPeer6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 9);
inline constexpr IpAddress kRouter6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 0xfe);
inline constexpr IpAddress kFar6 = IpAddress::v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
inline constexpr IpAddress kOwnLink6 = IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 1);
inline constexpr IpAddress kPeerLink6 = IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 9);
inline constexpr IpAddress kAllNodes6 = IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// eth0 as most tests want it.
inline InterfaceConfig eth0_config() {
  InterfaceConfig config;
  config.name = "eth0";
  config.mac = kOwnMac;
  config.addresses = {IpPrefix{kOwn4, 24}, IpPrefix{kOwn6, 64}, IpPrefix{kOwnLink6, 64}};
  return config;
}

/// The same, on a device that does what devices do for TCP.
inline InterfaceConfig segmenting_eth0() {
  InterfaceConfig config = eth0_config();
  config.offloads.ip4_checksum = config.offloads.tcp_checksum = true;
  config.offloads.tcp_segmentation = 65'000;
  return config;
}

inline Octets arp_request(const IpAddress& target, const IpAddress& sender = kPeer4,
                          const MacAddress& mac = kPeerMac) {
  ArpRepr arp;
  arp.operation = ArpOperation::kRequest;
  arp.sender_mac = mac;
  arp.sender_ip = sender;
  arp.target_ip = target;
  return frame(MacAddress::broadcast(), mac, EtherType::kArp, arp_packet(arp));
}
inline Octets arp_reply(const IpAddress& sender = kPeer4, const MacAddress& mac = kPeerMac,
                        const IpAddress& target = kOwn4) {
  ArpRepr arp;
  arp.operation = ArpOperation::kReply;
  arp.sender_mac = mac;
  arp.sender_ip = sender;
  arp.target_mac = kOwnMac;
  arp.target_ip = target;
  return frame(kOwnMac, mac, EtherType::kArp, arp_packet(arp));
}

/// An IP packet in a frame from `mac` to us.
inline Octets ip_frame(const Octets& packet, const MacAddress& mac = kPeerMac,
                       const MacAddress& to = kOwnMac) {
  const EtherType type = packet[0] >> 4 == 4 ? EtherType::kIp4 : EtherType::kIp6;
  return frame(to, mac, type, packet);
}

inline Octets nd_frame(const IpAddress& source, const IpAddress& destination, Octets message,
                       const IpFields& fields = {255, 0}) {
  const Octets checked = with_icmp6_checksum(source, destination, std::move(message));
  const MacAddress to = destination.is_multicast() ? destination.multicast_mac() : kOwnMac;
  return ip_frame(ip_packet(source, destination, IpProtocol::kIcmp6, checked, fields), kPeerMac,
                  to);
}
inline Octets neighbor_solicit(const IpAddress& target, const IpAddress& source = kPeer6) {
  NeighborSolicitRepr repr;
  repr.target = target;
  repr.source_mac = kPeerMac;
  return nd_frame(source, target.solicited_node(), emitted(repr, repr.message_len()));
}
inline Octets neighbor_advert(const IpAddress& target, const MacAddress& mac = kPeerMac) {
  NeighborAdvertRepr repr;
  repr.solicited = true;
  repr.override_ = true;
  repr.target = target;
  repr.target_mac = mac;
  return nd_frame(target, kOwn6, emitted(repr, repr.message_len()));
}

inline Octets udp_frame(const IpEndpoint& from, const IpEndpoint& to, const Octets& payload,
                        const MacAddress& mac = kPeerMac) {
  return ip_frame(
      ip_packet(from.address, to.address, IpProtocol::kUdp, udp_datagram(from, to, payload)), mac);
}
inline Octets tcp_frame(const IpEndpoint& from, const IpEndpoint& to, const TcpRepr& header,
                        const Octets& payload = {}, const MacAddress& mac = kPeerMac) {
  return ip_frame(
      ip_packet(from.address, to.address, IpProtocol::kTcp, tcp_segment(from, to, header, payload)),
      mac);
}
inline Octets echo_request(const IpAddress& from, const IpAddress& to, const Octets& payload,
                           const IpFields& fields = {}) {
  const bool v4 = from.is_v4();
  return ip_frame(ip_packet(from, to, v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6,
                            icmp_message(from, to, v4 ? 8 : 128, 0, 0x12345678, payload), fields));
}

/// A host with one interface and default routes of both families through a router.
class StackTest : public ::testing::Test {
 protected:
  explicit StackTest(const Host::Options& options = {},
                     const InterfaceConfig& interface = eth0_config())
      : host{options} {
    host.add_interface(interface);
    host.add_route("0.0.0.0/0", "10.0.0.254");
    host.add_route("::/0", "fdaa::fe");
  }

  /// Makes a neighbour known and REACHABLE, and forgets the packets that took.
  void introduce(const IpAddress& address, const MacAddress& mac = kPeerMac) {
    if (address.is_v4()) {
      host.receive(arp_request(kOwn4, address, mac));
      host.receive(arp_reply(address, mac));
    } else {
      host.receive(neighbor_solicit(kOwn6, address));
      host.receive(neighbor_advert(address, mac));
    }
    host.sent();
    host.dropped();
  }
  void introduce_all() {
    introduce(kPeer4);
    introduce(kPeer6);
    introduce(kPeerLink6);
    introduce(kRouter4, kRouterMac);
    introduce(kRouter6, kRouterMac);
  }

  const StackCounters& counters() { return host.stack->counters(); }
  const Neighbor* neighbor(const IpAddress& address, InterfaceId interface = 0) {
    return const_cast<NeighborCache&>(host.stack->network().neighbors()).find(interface, address);
  }
  /// A UDP socket on a port of any address of the family.
  SocketId bound(std::uint16_t port, bool v6 = false) {
    UdpOptions options;
    options.local = {IpAddress::any(v6 ? IpFamily::kIp6 : IpFamily::kIp4), port};
    return host.stack->udp_open(options).value();
  }
  std::string received_text(SocketId socket) {
    const std::optional<Datagram> datagram = host.stack->udp_front(socket);
    if (!datagram) return "(nothing)";
    std::string out = text_of(datagram->payload);
    host.stack->udp_pop(socket);
    return out;
  }

  Host host;
};

}  // namespace smol
