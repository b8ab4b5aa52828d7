// What an IPv6 packet must be to get past the network layer: RFC 8200, RFC 4291.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class Ip6Test : public StackTest {
 protected:
  Ip6Test() {
    introduce_all();
    socket_ = bound(7, true);
  }
  static Octets packet(const IpAddress& from = kPeer6, const IpAddress& to = kOwn6) {
    return ip_packet(from, to, IpProtocol::kUdp,
                     udp_datagram({from, 5000}, {to, 7}, octets_of("hello")));
  }
  void expect_dropped(const Octets& ip, Drop reason, const char* fact = "") {
    host.receive(ip_frame(ip));
    EXPECT_EQ(host.only_dropped(), reason) << fact;
    EXPECT_THAT(host.sent(), IsEmpty()) << fact;
  }
  SocketId socket_;
};

TEST_F(Ip6Test, DeliversAPacketToItsAddresses) {
  host.receive(ip_frame(packet()));
  EXPECT_EQ(received_text(socket_), "hello");
  host.receive(ip_frame(packet(kPeerLink6, kOwnLink6)));
  EXPECT_EQ(received_text(socket_), "hello");
}

// IP6-001.
TEST_F(Ip6Test, DropsBadHeaders) {
  for (const int version : {0, 4, 5, 7, 15}) {
    Octets bad = ip_frame(packet());
    bad[14] = static_cast<std::uint8_t>(version << 4);
    host.receive(bad);
    EXPECT_EQ(host.only_dropped(), Drop::kIp6BadVersion);
  }
  Octets too_long = packet();
  put_be16(too_long, 4, static_cast<std::uint16_t>(too_long.size() - 40 + 1));
  expect_dropped(too_long, Drop::kIp6Truncated);
}

// IP6-002, IP6-003.
TEST_F(Ip6Test, DropsSourcesThatNoHostCanHave) {
  for (const char* text : {"::1", "ff02::1", "ff0e::5"}) {
    expect_dropped(packet(IpAddress::parse(text).value()), Drop::kIp6BadSource, text);
  }
  expect_dropped(packet(kOwn6), Drop::kIp6BadSource, "our own");
  // A mapped address must not be on a wire, where it would pass for an IPv4 one.
  Octets mapped = packet();
  copy_bytes(MutBytes{mapped}.subspan(8), kPeer4.octets());
  expect_dropped(mapped, Drop::kIp6BadSource, "mapped");
}

// What holds of the packet before it in a burst holds of none of the other family.
TEST_F(Ip6Test, AMappedAddressIsNoneBehindAnIp4PacketOfTheSameEither) {
  Octets mapped = packet();
  copy_bytes(MutBytes{mapped}.subspan(8), kPeer4.octets());
  copy_bytes(MutBytes{mapped}.subspan(24), kOwn4.octets());
  host.receive(std::vector<Octets>{udp_frame({kPeer4, 5000}, {kOwn4, 6969}, octets_of("to nobody")),
                                   ip_frame(mapped)});
  EXPECT_EQ(host.drops(Drop::kIp6BadSource), 1u);
}

// IP6-002, IC6-007: only neighbour discovery may come from nobody.
TEST_F(Ip6Test, DropsTransportPacketsFromNobody) {
  expect_dropped(packet(IpAddress{}), Drop::kIpForbiddenSource, "UDP");
  host.receive(udp_frame({IpAddress{}, 5000}, {kOwn6, 9}, octets_of("closed port")));
  EXPECT_EQ(host.only_dropped(), Drop::kIpForbiddenSource);
  TcpRepr syn;
  syn.control = TcpControl::kSyn;
  host.receive(tcp_frame({IpAddress{}, 5000}, {kOwn6, 9}, syn));
  EXPECT_EQ(host.only_dropped(), Drop::kIpForbiddenSource);
  host.receive(echo_request(IpAddress{}, kOwn6, {}));
  EXPECT_THAT(host.dropped(), SizeIs(1));
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IP6-003, IP6-004.
TEST_F(Ip6Test, DropsDestinationsThatMayNotBeOnAWire) {
  for (const char* text : {"::", "::1", "ff00::1", "ff01::1"}) {
    expect_dropped(packet(kPeer6, IpAddress::parse(text).value()), Drop::kIp6BadDestination, text);
  }
  Octets mapped = packet();
  copy_bytes(MutBytes{mapped}.subspan(24), kOwn4.octets());
  expect_dropped(mapped, Drop::kIp6BadDestination, "mapped");
}

// IP6-004, IP6-039.
TEST_F(Ip6Test, DropsDestinationsThatAreNotItsOwn) {
  for (const char* text : {"fdaa::2", "2001:db8::1", "fe80::2", "ff02::2", "ff02::1:ff00:2"}) {
    expect_dropped(packet(kPeer6, IpAddress::parse(text).value()), Drop::kIp6OtherHost, text);
  }
}

// IP6-004: all nodes, and the solicited-node group of every address.
TEST_F(Ip6Test, TakesTheGroupsThatEveryHostIsIn) {
  for (const IpAddress& group : {kAllNodes6, kOwn6.solicited_node()}) {
    host.receive(ip_frame(packet(kPeer6, group), kPeerMac, group.multicast_mac()));
    EXPECT_EQ(received_text(socket_), "hello");
  }
}

// IP6-006.
TEST_F(Ip6Test, TakesPacketsWhateverTheirHopLimit) {
  for (const std::uint8_t hops : Octets{0, 1, 255}) {
    Octets ip = packet();
    ip[7] = hops;
    host.receive(ip_frame(ip));
    EXPECT_EQ(received_text(socket_), "hello") << int{hops};
  }
}

// IP6-008 and on are not built: dropped by name, without a complaint.
TEST_F(Ip6Test, DropsExtensionHeadersByName) {
  const std::pair<IpProtocol, Drop> rows[] = {
      {IpProtocol::kHopByHop, Drop::kIp6ExtensionHeader},
      {IpProtocol::kRouting, Drop::kIp6ExtensionHeader},
      {IpProtocol::kDestinationOptions, Drop::kIp6ExtensionHeader},
      {IpProtocol::kFragment, Drop::kIp6Fragment},
      {IpProtocol::kNoNextHeader, Drop::kIp6NoNextHeader},  // IP6-011
  };
  for (const auto& [next, reason] : rows) {
    expect_dropped(ip_packet(kPeer6, kOwn6, next, Octets(24, 0)), reason);
  }
}

// IP6-010, IP6-021, IC6-009: the pointer leads to the Next Header field.
TEST_F(Ip6Test, ComplainsOfANextHeaderThatNobodyTakes) {
  for (const int next : {1, 50, 51, 253}) {
    const Octets ip = ip_packet(kPeer6, kOwn6, static_cast<IpProtocol>(next), octets_of("what"));
    host.receive(ip_frame(ip));
    EXPECT_EQ(host.only_dropped(), Drop::kIpUnknownProtocol);
    EXPECT_THAT(host.only_sent(),
                AllOf(ip_from(kOwn6), ip_to(kPeer6), icmp_is(4, 1), icmp_rest(6), carries(ip)));
  }
}

// IP6-005: a link-local address means nothing without its link.
TEST_F(Ip6Test, ALinkLocalDestinationNeedsAnInterfaceWhereThereAreTwo) {
  const SocketId socket = bound(9, true);
  EXPECT_TRUE(host.stack->udp_send(socket, {{kPeerLink6, 9}, {}, {}}, {})) << "only one to choose";
  EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwnLink6), link_to(kPeerMac)));
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 2), 64}};
  const InterfaceId eth1 = host.add_interface(second);
  const SocketId other = bound(10, true);
  EXPECT_EQ(error_of(host.stack->udp_send(other, {{kPeerLink6, 9}, {}, {}}, {})), "EINVAL");
  EXPECT_TRUE(host.stack->udp_send(other, {{kPeerLink6, 9}, {}, eth1}, {}));
  const Frame sent = host.only_sent();
  EXPECT_EQ(sent.interface, eth1);
  EXPECT_THAT(sent, solicits(kPeerLink6)) << "eth0's neighbour is not eth1's";
}

// ETH-007.
TEST_F(Ip6Test, SendsGroupsToTheLinksGroups) {
  const SocketId socket = bound(9, true);
  const IpAddress group = IpAddress::v6(0xff02, 0, 0, 0, 0, 1, 0xff00, 1);
  ASSERT_TRUE(host.stack->udp_send(socket, {{group, 9}, {}, InterfaceId{0}}, {}));
  EXPECT_THAT(host.only_sent(),
              AllOf(link_to({{0x33, 0x33, 0xff, 0, 0, 1}}), ip_to(group), ip_from(kOwnLink6)));
}

}  // namespace
}  // namespace smol
