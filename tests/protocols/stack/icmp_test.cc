// Echo, and the errors that we send: RFC 792, RFC 1122 section 3.2.2, RFC 4443.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class IcmpTest : public StackTest {
 protected:
  IcmpTest() { introduce_all(); }
};

// IC4-018, IC6-012: identifier, sequence number and data come back, whatever their size.
TEST_F(IcmpTest, AnswersEchoesOfEverySize) {
  for (std::size_t size = 0; size <= 1472; size += size < 64 ? 1 : 11) {
    const Octets data = pattern(size);
    host.receive(echo_request(kPeer4, kOwn4, data));
    EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwn4), ip_to(kPeer4), link_to(kPeerMac),
                                        icmp_is(0, 0), icmp_rest(0x12345678), carries(data)));
  }
  for (std::size_t size = 0; size <= 1452; size += size < 64 ? 1 : 11) {
    const Octets data = pattern(size);
    host.receive(echo_request(kPeer6, kOwn6, data));
    EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwn6), ip_to(kPeer6), link_to(kPeerMac),
                                        icmp_is(129, 0), icmp_rest(0x12345678), carries(data)));
  }
  EXPECT_GT(counters().icmp_in_echos.value(), 200u);
}

// IC4-021, IP4-012.
TEST_F(IcmpTest, AnEchoKeepsItsServiceAndGetsATimeToLiveOfOurs) {
  host.receive(echo_request(kPeer4, kOwn4, {}, {1, 8}));
  EXPECT_THAT(host.only_sent(), AllOf(dscp_is(8), hop_limit_is(64)));
  host.receive(echo_request(kPeer6, kOwn6, {}, {1, 46}));
  EXPECT_THAT(host.only_sent(), AllOf(dscp_is(46), hop_limit_is(64)));
}

// IC4-019.
TEST_F(IcmpTest, DoesNotAnswerEchoesToGroups) {
  for (const IpAddress& to :
       {IpAddress::v4(0xffff'ffff), IpAddress::v4(10, 0, 0, 255), IpAddress::v4(224, 0, 0, 1)}) {
    Octets request = echo_request(kPeer4, to, {});
    copy_bytes(request, MacAddress::broadcast().octets);
    host.receive(request);
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpBroadcastEcho);
  }
  Octets request = echo_request(kPeer6, kAllNodes6, {});
  copy_bytes(request, kAllNodes6.multicast_mac().octets);
  host.receive(request);
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpBroadcastEcho);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// The answer's options would be ours to choose: it has none, and its data is where it belongs.
TEST_F(IcmpTest, AnswersAnEchoWithIpOptionsWithoutThem) {
  const Octets message = icmp_message(kPeer4, kOwn4, 8, 0, 7, pattern(56));
  host.receive(ip_frame(ip4_packet_with_options(kPeer4, kOwn4, IpProtocol::kIcmp,
                                                {7, 7, 4, 0, 0, 0, 0, 0}, message)));
  EXPECT_THAT(host.only_sent(), AllOf(icmp_is(0, 0), carries(pattern(56)), ip_len_is(84)));
}

// ETH-010: a request that came by a port with larger frames has no answer that fits.
TEST_F(IcmpTest, DropsAnEchoWhoseAnswerIsLongerThanTheMtu) {
  host.receive(echo_request(kPeer4, kOwn4, pattern(1473)));
  EXPECT_THAT(host.dropped(), SizeIs(1));
  host.receive(echo_request(kPeer6, kOwn6, pattern(1453)));
  EXPECT_THAT(host.dropped(), SizeIs(1));
  EXPECT_THAT(host.sent(), IsEmpty());
}

// An echo request whose octets somebody else still reads is answered from a copy.
TEST_F(IcmpTest, DoesNotWriteIntoARequestThatSomebodyElseHolds) {
  MemPacket request = host.packet(echo_request(kPeer4, kOwn4, pattern(100)));
  const Octets before = all_octets(request);
  std::optional<MemPacket> reader = request.share(0, request.size());
  ASSERT_TRUE(reader);
  host.receive(std::move(request));
  EXPECT_THAT(host.only_sent(), AllOf(icmp_is(0, 0), carries(pattern(100))));
  EXPECT_EQ(all_octets(*reader), before);
}

// IC4-001, IC6-001.
TEST_F(IcmpTest, DropsDamagedAndShortMessages) {
  for (Octets bad :
       {echo_request(kPeer4, kOwn4, pattern(33)), echo_request(kPeer6, kOwn6, pattern(33))}) {
    bad.back() ^= 0x10;
    host.receive(bad);
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpBadChecksum);
  }
  for (std::size_t n = 0; n < 8; ++n) {
    host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp, Octets(n, 0))));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpTruncated);
    host.receive(ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kIcmp6, Octets(n, 0))));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpTruncated);
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IC4-002, IC4-017, IC4-022, IC4-023, IC6-002, IC6-015.
TEST_F(IcmpTest, DropsTypesThatAHostDoesNotActOn) {
  for (const std::uint8_t type : Octets{1, 4, 5, 9, 10, 13, 14, 15, 16, 17, 18, 30, 200, 255}) {
    host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp,
                                    icmp_message(kPeer4, kOwn4, type, 0, 0, Octets(28, 0)))));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpUnknownType) << int{type};
  }
  for (const std::uint8_t type : Octets{130, 131, 132, 138, 139, 140, 143, 200, 255}) {
    host.receive(ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kIcmp6,
                                    icmp_message(kPeer6, kOwn6, type, 0, 0, Octets(28, 0)))));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpUnknownType) << int{type};
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IC4-020, IC6-013: no socket has this identifier, so nobody asked.
TEST_F(IcmpTest, DropsEchoReplies) {
  host.receive(ip_frame(
      ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp, icmp_message(kPeer4, kOwn4, 0, 0, 7, {}))));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNobodyAsked);
  host.receive(ip_frame(
      ip_packet(kPeer6, kOwn6, IpProtocol::kIcmp6, icmp_message(kPeer6, kOwn6, 129, 0, 7, {}))));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNobodyAsked);
}

// --- errors about what came
// ------------------------------------------------------------------------

// IC4-003, IC4-010, UDP-005: the quote is the packet as it came, cut so that the error fits 576
// octets.
TEST_F(IcmpTest, QuotesAnIpv4PacketUpTo576Octets) {
  for (const std::size_t size : {0u, 1u, 100u, 519u, 520u, 521u, 1472u}) {
    const Octets packet = ip_packet(kPeer4, kOwn4, IpProtocol::kUdp,
                                    udp_datagram({kPeer4, 5000}, {kOwn4, 9}, pattern(size)));
    host.receive(ip_frame(packet));
    EXPECT_EQ(host.only_dropped(), Drop::kUdpPortUnreachable);
    const Frame error = host.only_sent();
    const std::size_t quoted = std::min<std::size_t>(packet.size(), 548);
    EXPECT_THAT(error,
                AllOf(ip_from(kOwn4), ip_to(kPeer4), icmp_is(3, 3), icmp_rest(0), dscp_is(0),
                      hop_limit_is(64),
                      carries(Octets{packet.begin(),
                                     packet.begin() + static_cast<std::ptrdiff_t>(quoted)})));
    EXPECT_LE(error.ip_len, 576u);
  }
  EXPECT_EQ(counters().icmp_out_errors.value(), 7u);
}

// IC6-003, IC6-010.
TEST_F(IcmpTest, QuotesAnIpv6PacketUpTo1280Octets) {
  for (const std::size_t size : {0u, 1u, 100u, 1183u, 1184u, 1185u, 1452u}) {
    const Octets packet = ip_packet(kPeer6, kOwn6, IpProtocol::kUdp,
                                    udp_datagram({kPeer6, 5000}, {kOwn6, 9}, pattern(size)));
    host.receive(ip_frame(packet));
    const Frame error = host.only_sent();
    const std::size_t quoted = std::min<std::size_t>(packet.size(), 1232);
    EXPECT_THAT(error,
                AllOf(ip_from(kOwn6), ip_to(kPeer6), icmp_is(1, 4),
                      carries(Octets{packet.begin(),
                                     packet.begin() + static_cast<std::ptrdiff_t>(quoted)})));
    EXPECT_LE(error.ip_len, 1280u);
  }
}

// The padding of the link is no part of the packet.
TEST_F(IcmpTest, DoesNotQuotePadding) {
  Octets padded = udp_frame({kPeer4, 5000}, {kOwn4, 9}, octets_of("hi"));
  const std::size_t packet_len = padded.size() - 14;
  padded.resize(60, 0xee);
  host.receive(padded);
  EXPECT_THAT(host.only_sent(), AllOf(icmp_is(3, 3), carries_octets(packet_len)));
}

// IC4-005, IC6-006.
TEST_F(IcmpTest, DoesNotComplainOfWhatWasSentToAGroup) {
  struct Row {
    IpAddress from;
    IpAddress to;
  };
  const Row rows[] = {{kPeer4, IpAddress::v4(0xffff'ffff)},
                      {kPeer4, IpAddress::v4(10, 0, 0, 255)},
                      {kPeer4, IpAddress::v4(224, 0, 0, 1)},
                      {kPeer6, kAllNodes6},
                      {kPeer6, kOwn6.solicited_node()}};
  for (const Row& row : rows) {
    Octets datagram = udp_frame({row.from, 5000}, {row.to, 9}, {});
    copy_bytes(datagram, MacAddress::broadcast().octets);
    host.receive(datagram);
    EXPECT_EQ(host.only_dropped(), Drop::kUdpPortUnreachable);
    Octets unknown = ip_frame(ip_packet(row.from, row.to, static_cast<IpProtocol>(253), {}));
    copy_bytes(unknown, MacAddress::broadcast().octets);
    host.receive(unknown);
    EXPECT_EQ(host.only_dropped(), Drop::kIpUnknownProtocol);
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IC4-004, IC6-005.
TEST_F(IcmpTest, DoesNotComplainOfErrors) {
  const Octets quote =
      ip_packet(kOwn4, kPeer4, IpProtocol::kUdp, udp_datagram({kOwn4, 9}, {kPeer4, 9}, {}));
  host.receive(ip_frame(
      ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp, icmp_message(kPeer4, kOwn4, 3, 3, 0, quote))));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  const Octets quote6 =
      ip_packet(kOwn6, kPeer6, IpProtocol::kUdp, udp_datagram({kOwn6, 9}, {kPeer6, 9}, {}));
  host.receive(ip_frame(
      ip_packet(kPeer6, kOwn6, IpProtocol::kIcmp6, icmp_message(kPeer6, kOwn6, 1, 4, 0, quote6))));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// IC4-009, IC6-008: fifty at once, then one each ten milliseconds.
TEST_F(IcmpTest, ErrorsAreLimitedInRate) {
  const Octets datagram = udp_frame({kPeer4, 5000}, {kOwn4, 9}, octets_of("closed"));
  for (int i = 0; i < 200; ++i) host.receive(datagram);
  EXPECT_THAT(host.sent(), SizeIs(50));
  EXPECT_EQ(counters().icmp_errors_limited.value(), 150u);
  EXPECT_EQ(host.drops(Drop::kUdpPortUnreachable), 200u) << "the packets themselves are counted";
  std::size_t sent = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    host.advance(milliseconds(1));
    for (int i = 0; i < 10; ++i) host.receive(datagram);
    sent += host.sent().size();
  }
  EXPECT_GE(sent, 99u);
  EXPECT_LE(sent, 100u);
}

TEST(IcmpLimits, EchoesAreLimitedWhereConfigured) {
  Host::Options options;
  options.config.icmp.echo_interval = milliseconds(100);
  options.config.icmp.echo_burst = 5;
  Host host{options};
  host.add_interface(eth0_config());
  host.receive(arp_request(kOwn4));
  host.sent();
  for (int i = 0; i < 20; ++i) host.receive(echo_request(kPeer4, kOwn4, {}));
  EXPECT_THAT(host.sent(), SizeIs(5));
  EXPECT_EQ(host.drops(Drop::kIcmpErrorLimited), 15u);
  host.advance(milliseconds(100));
  host.receive(echo_request(kPeer4, kOwn4, {}));
  EXPECT_THAT(host.sent(), SizeIs(1));
}

}  // namespace
}  // namespace smol
