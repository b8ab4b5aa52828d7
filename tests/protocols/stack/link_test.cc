// What the stack makes of Ethernet frames.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class LinkTest : public StackTest {
 protected:
  LinkTest() {
    introduce_all();
    socket_ = bound(7);
  }
  /// A datagram that socket_ takes, in a frame to `to`.
  Octets datagram_to(const MacAddress& to, const IpAddress& ip = kOwn4) {
    return ip_frame(ip_packet(kPeer4, ip, IpProtocol::kUdp,
                              udp_datagram({kPeer4, 5000}, {ip, 7}, octets_of("hello"))),
                    kPeerMac, to);
  }
  SocketId socket_;
};

// ETH-006: the filter of a device may be off, or coarse.
TEST_F(LinkTest, TakesFramesForItsOwnAddressAndNoOtherHosts) {
  host.receive(datagram_to(kOwnMac));
  EXPECT_EQ(received_text(socket_), "hello");
  host.receive(datagram_to({{2, 0, 0, 0, 0, 2}}));
  EXPECT_EQ(host.only_dropped(), Drop::kEthOtherHost);
  EXPECT_EQ(received_text(socket_), "(nothing)");
}

// ETH-009.
TEST_F(LinkTest, DropsFramesFromAGroupAddress) {
  Octets bad = arp_request(kOwn4, IpAddress::v4(10, 0, 0, 77));
  bad[6] |= 1;
  host.receive(bad);
  EXPECT_EQ(host.only_dropped(), Drop::kEthBadSource);
  EXPECT_EQ(neighbor(IpAddress::v4(10, 0, 0, 77)), nullptr);
}

// ETH-001, ETH-002, ETH-012.
TEST_F(LinkTest, DropsWhatIsNeitherIpNorArpByName) {
  const std::pair<std::uint16_t, Drop> rows[] = {
      {0x88b5, Drop::kEthUnknownType}, {0x8100, Drop::kEthVlan},
      {0x88a8, Drop::kEthUnknownType}, {0x05dc, Drop::kEthLlc},
      {0x05ff, Drop::kEthLlc},         {0x0600, Drop::kEthUnknownType},
      {0x0000, Drop::kEthLlc},         {0xffff, Drop::kEthUnknownType},
  };
  for (const auto& [type, reason] : rows) {
    Octets octets = datagram_to(kOwnMac);
    put_be16(octets, 12, type);
    host.receive(octets);
    EXPECT_EQ(host.only_dropped(), reason) << std::hex << type;
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_F(LinkTest, DropsWhatIsShorterThanAHeader) {
  for (std::size_t n = 1; n < 14; ++n) {
    Octets octets = datagram_to(kOwnMac);
    octets.resize(n);
    host.receive(octets);
    EXPECT_EQ(host.only_dropped(), Drop::kEthTruncated) << n;
  }
}

TEST_F(LinkTest, AFrameOfAHeaderAloneIsATruncatedPacket) {
  const std::pair<EtherType, Drop> rows[] = {{EtherType::kIp4, Drop::kIp4Truncated},
                                             {EtherType::kIp6, Drop::kIp6Truncated},
                                             {EtherType::kArp, Drop::kArpTruncated}};
  for (const auto& [type, reason] : rows) {
    host.receive(frame(kOwnMac, kPeerMac, type, {}));
    EXPECT_EQ(host.only_dropped(), reason);
  }
}

// ETH-008, IP4-011: a unicast packet in a broadcast or multicast frame.
TEST_F(LinkTest, DropsUnicastIpv4PacketsInGroupFrames) {
  for (const MacAddress& to :
       {MacAddress::broadcast(), IpAddress::v4(224, 0, 0, 1).multicast_mac()}) {
    host.receive(datagram_to(to));
    EXPECT_EQ(host.only_dropped(), Drop::kIp4LinkBroadcast);
  }
  EXPECT_EQ(received_text(socket_), "(nothing)");
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_F(LinkTest, TakesBroadcastAndAllHosts) {
  for (const IpAddress& to : {IpAddress::v4(0xffff'ffff), IpAddress::v4(10, 0, 0, 255)}) {
    host.receive(datagram_to(MacAddress::broadcast(), to));
    EXPECT_EQ(received_text(socket_), "hello");
  }
  const IpAddress all = IpAddress::v4(224, 0, 0, 1);
  host.receive(datagram_to(all.multicast_mac(), all));
  EXPECT_EQ(received_text(socket_), "hello");
}

// IC4-005, ETH-008: the link's broadcast is a broadcast, whatever the packet says.
TEST_F(LinkTest, SaysNothingToWhatCameInABroadcastFrame) {
  const Octets packet = ip_packet(kPeer6, kOwn6, IpProtocol::kUdp,
                                  udp_datagram({kPeer6, 5000}, {kOwn6, 9}, octets_of("closed")));
  host.receive(ip_frame(packet, kPeerMac, MacAddress::broadcast()));
  EXPECT_EQ(host.only_dropped(), Drop::kUdpPortUnreachable);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// ETH-005, and TRAP-45: a pure ACK is padded to 60 octets, and none of the six is data.
TEST_F(LinkTest, TrimsThePaddingOfAShortFrame) {
  for (const std::uint8_t filler : Octets{std::uint8_t{0x00}, std::uint8_t{0xff}}) {
    Octets octets = udp_frame({kPeer4, 5000}, {kOwn4, 7}, octets_of("four"));
    octets.resize(60, filler);
    host.receive(octets);
    EXPECT_EQ(received_text(socket_), "four");
  }
  Octets v6 = udp_frame({kPeer6, 5000}, {kOwn6, 7}, octets_of("six"));
  const SocketId socket6 = bound(7, true);
  v6.resize(v6.size() + 20, 0xff);
  host.receive(v6);
  EXPECT_EQ(received_text(socket6), "six");
}

TEST_F(LinkTest, PaddingIsNotEchoed) {
  Octets request = echo_request(kPeer4, kOwn4, octets_of("hi"));
  request.resize(60, 0xee);
  host.receive(request);
  EXPECT_THAT(host.only_sent(), AllOf(icmp_is(0, 0), carries("hi"), ip_len_is(30)));
}

// Every truncation of a valid frame ends as a drop with a reason, and nothing is read beyond it.
TEST_F(LinkTest, EveryTruncationOfAFrameIsDropped) {
  const Octets frames[] = {
      udp_frame({kPeer4, 5000}, {kOwn4, 7}, octets_of("payload")),
      udp_frame({kPeer6, 5000}, {kOwn6, 7}, octets_of("payload")),
      echo_request(kPeer4, kOwn4, octets_of("payload")),
      echo_request(kPeer6, kOwn6, octets_of("payload")),
      tcp_frame({kPeer4, 5000}, {kOwn4, 7}, TcpRepr{.ack = SeqNumber{5}}, octets_of("payload")),
      neighbor_solicit(kOwn6),
      arp_request(kOwn4),
  };
  for (const Octets& whole : frames) {
    for (std::size_t n = 1; n < whole.size(); ++n) {
      host.receive(Octets{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)});
      EXPECT_THAT(host.dropped(), SizeIs(1)) << n << " of " << whole.size();
    }
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

}  // namespace
}  // namespace smol
