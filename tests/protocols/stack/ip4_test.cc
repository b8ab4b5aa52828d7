// What an IPv4 packet must be to get past the network layer: RFC 791, RFC 1122 section 3.2.1.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class Ip4Test : public StackTest {
 protected:
  Ip4Test() {
    introduce_all();
    socket_ = bound(7);
  }

  static Octets datagram(const IpAddress& from = kPeer4, const IpAddress& to = kOwn4) {
    return udp_datagram({from, 5000}, {to, 7}, octets_of("hello"));
  }
  static Octets packet(const IpAddress& from = kPeer4, const IpAddress& to = kOwn4) {
    return ip_packet(from, to, IpProtocol::kUdp, datagram(from, to));
  }
  /// The packet with one octet of its header changed, and a checksum that fits.
  static Octets with_header_octet(std::size_t at, std::uint8_t value) {
    Octets out = packet();
    out[at] = value;
    fix_ip4_checksum(out, 0);
    return out;
  }
  void expect_dropped(const Octets& ip, Drop reason, const char* fact = "") {
    host.receive(frame(kOwnMac, kPeerMac, EtherType::kIp4, ip));
    EXPECT_EQ(host.only_dropped(), reason) << fact;
    EXPECT_THAT(host.sent(), IsEmpty()) << fact;
  }

  SocketId socket_;
};

TEST_F(Ip4Test, DeliversAPacketToItsAddress) {
  const std::uint64_t before = counters().ip_in_receives.value();
  const std::uint64_t delivered = counters().ip_in_delivers.value();
  host.receive(ip_frame(packet()));
  EXPECT_EQ(received_text(socket_), "hello");
  EXPECT_EQ(counters().ip_in_receives.value(), before + 1);
  EXPECT_EQ(counters().ip_in_delivers.value(), delivered + 1);
}

// IP4-001, IP4-002, IP4-004.
TEST_F(Ip4Test, DropsBadHeaders) {
  Octets bad_version = packet();
  bad_version[0] = 0x55;
  expect_dropped(bad_version, Drop::kIp4BadVersion);
  Octets six = packet();
  six[0] = 0x65;
  expect_dropped(six, Drop::kIp4BadVersion);
  expect_dropped(with_header_octet(0, 0x44), Drop::kIp4BadHeaderLength, "header of 16 octets");
  expect_dropped(with_header_octet(3, 19), Drop::kIp4BadHeaderLength, "header beyond the packet");
  expect_dropped(with_header_octet(3, static_cast<std::uint8_t>(packet().size() + 1)),
                 Drop::kIp4Truncated, "packet beyond the frame");
  for (std::size_t at = 8; at < 20; ++at) {
    Octets flipped = packet();
    flipped[at] ^= 0x01;
    expect_dropped(flipped, Drop::kIp4BadChecksum);
  }
}

// IP4-007, IP4-008, IP4-009, IP4-010, UDP-006.
TEST_F(Ip4Test, DropsSourcesThatNoHostCanHave) {
  for (const IpAddress& source :
       {IpAddress::v4(0), IpAddress::v4(0, 1, 2, 3), IpAddress::v4(127, 0, 0, 1),
        IpAddress::v4(224, 0, 0, 5), IpAddress::v4(239, 1, 2, 3), IpAddress::v4(240, 0, 0, 1),
        IpAddress::v4(255, 255, 255, 255), IpAddress::v4(10, 0, 0, 255), kOwn4}) {
    Text<32> text;
    source.print(text);
    host.receive(ip_frame(packet(source)));
    EXPECT_EQ(host.only_dropped(), Drop::kIp4BadSource) << text.view();
    host.receive(echo_request(source, kOwn4, {}));
    EXPECT_EQ(host.only_dropped(), Drop::kIp4BadSource) << text.view();
  }
  EXPECT_EQ(received_text(socket_), "(nothing)");
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IP4-006, IP4-009: to our MAC, and not to us. Neither answered nor passed on.
TEST_F(Ip4Test, DropsDestinationsThatAreNotItsOwn) {
  for (const IpAddress& to :
       {IpAddress::v4(10, 0, 0, 2), IpAddress::v4(127, 0, 0, 1), IpAddress::v4(0),
        IpAddress::v4(10, 1, 0, 255), IpAddress::v4(224, 0, 0, 251)}) {
    expect_dropped(packet(kPeer4, to), Drop::kIp4OtherHost);
  }
}

// IP4-050: the strong end system.
TEST_F(Ip4Test, DropsPacketsForTheAddressOfAnotherInterface) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = kOwnMac;
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  host.add_interface(second);
  expect_dropped(packet(kPeer4, IpAddress::v4(10, 1, 0, 1)), Drop::kIp4OtherHost);
}

// IP4-013.
TEST_F(Ip4Test, TakesPacketsWhateverTheirTimeToLive) {
  for (const std::uint8_t ttl : Octets{0, 1, 255}) {
    host.receive(ip_frame(with_header_octet(8, ttl)));
    EXPECT_EQ(received_text(socket_), "hello") << int{ttl};
  }
}

// IP4-016: the identification of an atomic packet says nothing.
TEST_F(Ip4Test, TakesAThousandPacketsOfOneIdentification) {
  for (int i = 0; i < 1000; ++i) {
    host.receive(ip_frame(packet()));
    EXPECT_EQ(received_text(socket_), "hello");
  }
}

// IP4-018, IP4-020, IP4-021, IP4-023, TCP-135.
TEST_F(Ip4Test, SkipsOptionsItDoesNotHeed) {
  const Octets rows[] = {
      {0x99, 4, 1, 2},           // unknown
      {1, 1, 1, 0},              // NOPs and the end
      {0, 0xff, 0xff, 0xff},     // what stands behind the end
      {7, 7, 4, 0, 0, 0, 0, 0},  // record route
      {68, 4, 5, 0},             // timestamp
      {136, 4, 0, 1},            // stream id
      Octets(40, 1),             // as many as fit
  };
  for (const Octets& options : rows) {
    host.receive(
        ip_frame(ip4_packet_with_options(kPeer4, kOwn4, IpProtocol::kUdp, options, datagram())));
    EXPECT_EQ(received_text(socket_), "hello") << ::testing::PrintToString(options);
  }
}

// IP4-019.
TEST_F(Ip4Test, DropsOptionsOfImpossibleLength) {
  for (const Octets& options : {Octets{0x99, 0, 0, 0}, Octets{0x99, 1, 0, 0}, Octets{0x99, 5, 0, 0},
                                Octets{1, 1, 1, 0x99}}) {
    expect_dropped(ip4_packet_with_options(kPeer4, kOwn4, IpProtocol::kUdp, options, datagram()),
                   Drop::kIp4BadOption);
  }
}

// IP4-022.
TEST_F(Ip4Test, RefusesSourceRoutes) {
  for (const std::uint8_t type : Octets{131, 137}) {
    const Octets options = {type, 7, 4, 10, 0, 0, 5, 0};
    expect_dropped(ip4_packet_with_options(kPeer4, kOwn4, IpProtocol::kUdp, options, datagram()),
                   Drop::kIp4SourceRoute);
  }
}

// IP4-024 is not built: a fragment is dropped by its own name, and nobody complains (IC4-006).
TEST_F(Ip4Test, DropsFragmentsByName) {
  expect_dropped(with_header_octet(6, 0x20), Drop::kIp4Fragment, "the first");
  Octets last = with_header_octet(6, 0);
  put_be16(last, 6, 185);
  fix_ip4_checksum(last, 0);
  expect_dropped(last, Drop::kIp4Fragment, "the last");
  Octets unknown = ip_packet(kPeer4, kOwn4, static_cast<IpProtocol>(253), Octets(16, 0));
  put_be16(unknown, 6, 185);
  fix_ip4_checksum(unknown, 0);
  expect_dropped(unknown, Drop::kIp4Fragment, "of an unknown protocol");
}

// IP4-051, IC4-008.
TEST_F(Ip4Test, ComplainsOfAProtocolThatNobodyTakes) {
  for (const int protocol : {2, 58, 89, 253}) {
    const Octets ip =
        ip_packet(kPeer4, kOwn4, static_cast<IpProtocol>(protocol), octets_of("what"));
    host.receive(ip_frame(ip));
    EXPECT_EQ(host.only_dropped(), Drop::kIpUnknownProtocol);
    EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwn4), ip_to(kPeer4), icmp_is(3, 2), carries(ip)));
  }
}

// A device that has looked is believed; one that has not is not.
TEST_F(Ip4Test, VerifiesTheHeaderUnlessTheDeviceHas) {
  Octets bad = packet();
  bad[10] ^= 0x40;
  for (const auto& [state, taken] :
       {std::pair{ChecksumState::kUnknown, false}, std::pair{ChecksumState::kBad, false},
        std::pair{ChecksumState::kGood, true}}) {
    MemPacket in = host.packet(ip_frame(bad));
    in.meta().ip_checksum = state;
    host.receive(std::move(in));
    EXPECT_EQ(received_text(socket_) == "hello", taken);
    if (!taken) {
      EXPECT_EQ(host.only_dropped(), Drop::kIp4BadChecksum);
    }
  }
  MemPacket good = host.packet(ip_frame(packet()));
  good.meta().ip_checksum = ChecksumState::kBad;
  host.receive(std::move(good));
  EXPECT_EQ(host.only_dropped(), Drop::kIp4BadChecksum);
}

// IP4-003, IP4-012, IP4-038: what every packet of ours says.
TEST_F(Ip4Test, SendsAtomicPacketsWithTheTimeToLiveOfTheSocket) {
  UdpOptions options;
  options.local = {kOwn4, 9};
  options.hop_limit = 5;
  options.dscp = 46;
  const SocketId socket = host.stack->udp_open(options).value();
  ASSERT_TRUE(host.stack->udp_send(socket, {{kPeer4, 9}, {}, {}}, octets_of("x")));
  const Frame sent = host.only_sent();
  EXPECT_THAT(sent, AllOf(hop_limit_is(5), dscp_is(46), ip_from(kOwn4)));
  EXPECT_TRUE(sent.dont_fragment);
}

// IP4-045 on the wire: the MAC shows which way was taken.
TEST_F(Ip4Test, SendsByTheLongestPrefix) {
  const MacAddress other_mac{{2, 0, 0, 0, 0, 0x33}};
  introduce(IpAddress::v4(10, 0, 0, 51), other_mac);
  host.add_route("192.0.2.7/32", "10.0.0.51");
  const SocketId socket = bound(9);
  const auto mac_to = [&](const IpAddress& to) {
    EXPECT_TRUE(host.stack->udp_send(socket, {{to, 9}, {}, {}}, {}));
    return host.only_sent();
  };
  EXPECT_THAT(mac_to(kPeer4), link_to(kPeerMac));
  EXPECT_THAT(mac_to(kFar4), link_to(other_mac));
  EXPECT_THAT(mac_to(IpAddress::v4(192, 0, 2, 8)), link_to(kRouterMac));
}

// ETH-007.
TEST_F(Ip4Test, SendsGroupsAndBroadcastToTheLinksGroups) {
  const SocketId socket = bound(9);
  const std::pair<IpAddress, MacAddress> rows[] = {
      {IpAddress::v4(239, 129, 2, 3), {{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}}},
      {IpAddress::v4(255, 255, 255, 255), MacAddress::broadcast()},
      {IpAddress::v4(10, 0, 0, 255), MacAddress::broadcast()}};
  for (const auto& [to, mac] : rows) {
    ASSERT_TRUE(host.stack->udp_send(socket, {{to, 9}, {}, {}}, octets_of("all")));
    EXPECT_THAT(host.only_sent(), AllOf(link_to(mac), ip_to(to), ip_from(kOwn4)));
  }
}

}  // namespace
}  // namespace smol
