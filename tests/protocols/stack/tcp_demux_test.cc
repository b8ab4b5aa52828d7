// Which connection, listener or nobody a segment is for: RFC 9293
// section 3.10.7.1, 3.10.7.2, 3.9.2.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpDemuxTest : public TcpTest {};

struct ResetRow {
  const char* fact;
  const char* flags;
  std::size_t text;
  bool reset_acks;       ///< the RST carries an ACK
  std::uint32_t number;  ///< RST's seq, or its ack behind the segment's seq
};

// TCP-153, and TRAP-46: the numbers of a RST, exactly.
TEST_F(TcpDemuxTest, AClosedPortAnswersWithTheRstOfTheRfc) {
  const ResetRow rows[] = {
      {"SYN", "S", 0, true, 1},
      {"SYN with text", "S", 10, true, 11},
      {"FIN without ACK", "F", 0, true, 1},
      {"text without ACK", "P", 10, true, 10},
      {"ACK", ".", 0, false, 0},
      {"text", ".", 10, false, 0},
      {"FIN", "F.", 0, false, 0},
      {"SYN-ACK", "S.", 0, false, 0},
  };
  for (TcpPeer peer : {client(), client6()}) {
    for (const ResetRow& row : rows) {
      peer.rcv_nxt = SeqNumber{0x55667788};
      host.receive(peer.segment(row.flags, pattern(row.text)));
      EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
      const Frame reset = host.only_sent();
      if (row.reset_acks) {
        EXPECT_THAT(reset,
                    AllOf(tcp_is("R."), tcp_seq(SeqNumber{0}), tcp_ack(peer.snd_nxt + row.number)))
            << row.fact;
      } else {
        EXPECT_THAT(reset, AllOf(tcp_is("R"), tcp_seq(SeqNumber{0x55667788}))) << row.fact;
      }
      EXPECT_THAT(reset, AllOf(carries(""), tcp_ports(80, 5000), ip_to(peer.own.address)));
    }
  }
  EXPECT_EQ(counters().tcp_out_rsts.value(), 16u);
}

// TCP-154.
TEST_F(TcpDemuxTest, ARstIsNeverAnswered) {
  const SocketId listener = listen(81);
  for (const char* flags : {"R", "R."}) {
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}}) {
      host.receive(client(5000, port).segment(flags));
      EXPECT_EQ(host.only_dropped(), Drop::kTcpStrayReset);
    }
  }
  EXPECT_THAT(host.sent(), IsEmpty());
  host.stack->close(listener);
}

// TCP-155.
TEST_F(TcpDemuxTest, RstsAreLimitedInRateAndKeepTheService) {
  TcpPeer peer = client();
  for (int i = 0; i < 3000; ++i) host.receive(peer.segment("S"));
  EXPECT_THAT(host.sent(), SizeIs(1000));
  EXPECT_EQ(host.drops(Drop::kTcpPortClosed), 3000u);
  host.advance(milliseconds(1));
  Octets marked = peer.segment("S");
  marked[15] = 46 << 2;
  fix_ip4_checksum(marked, 14);
  host.receive(marked);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R."), dscp_is(46)));
}

// TCP-156.
TEST_F(TcpDemuxTest, AListenerTakesSynsAlone) {
  listen();
  TcpPeer peer = client();
  peer.rcv_nxt = SeqNumber{77};
  host.receive(peer.segment(".", octets_of("stray")));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(SeqNumber{77})));
  host.receive(peer.segment("S."));
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(SeqNumber{77})));
  host.dropped();
  host.receive(peer.segment("F"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpListenNoSyn);
  EXPECT_THAT(host.sent(), IsEmpty());
  host.receive(peer.segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
}

// TCP-030, TCP-023.
TEST_F(TcpDemuxTest, AnExactAddressBeatsTheWildcard) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  host.add_interface(second);
  const SocketId any = listen(80);
  const SocketId exact = listen(80, 16, 16, kOwn4);
  TcpPeer peer = client();
  peer.connect();
  EXPECT_EQ(error_of(host.stack->tcp_accept(any)), "EAGAIN");
  EXPECT_EQ(error_of(host.stack->tcp_accept(exact)), "none");
}

TEST_F(TcpDemuxTest, AListenerOnAnotherAddressIsNotAsked) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  host.add_interface(second);
  listen(80, 16, 16, IpAddress::v4(10, 1, 0, 1));
  host.receive(client().segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("R."));
}

TEST_F(TcpDemuxTest, AWildcardListensToOneFamily) {
  listen(80, 16, 16, IpAddress{});
  host.receive(client().segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("R."));
  host.receive(client6().segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
}

// A connection is told by both ends: a listener on the port sees nothing of its segments.
TEST_F(TcpDemuxTest, AConnectionIsToldByBothEnds) {
  const SocketId listener = listen();
  TcpPeer first = client(5000);
  TcpPeer second = client(5001);
  first.connect();
  second.connect();
  const SocketId one = accepted(listener);
  const SocketId two = accepted(listener);
  second.send("P.", "for two");
  first.send("P.", "for one");
  EXPECT_EQ(read(one), "for one");
  EXPECT_EQ(read(two), "for two");
  TcpPeer stranger = client(5002);
  host.receive(stranger.segment(".", octets_of("for nobody")));
  EXPECT_THAT(host.dropped(), SizeIs(1));
}

// TCP-027, ETH-008.
TEST_F(TcpDemuxTest, NothingIsSaidToGroups) {
  listen();
  listen(80, 16, 16, IpAddress{});
  for (const IpAddress& to : {IpAddress::v4(0xffff'ffff), IpAddress::v4(10, 0, 0, 255),
                              IpAddress::v4(224, 0, 0, 1), kAllNodes6}) {
    TcpPeer peer = to.is_v4() ? client() : client6();
    peer.theirs.address = to;
    Octets syn = peer.segment("S");
    copy_bytes(syn, MacAddress::broadcast().octets);
    host.receive(syn);
    EXPECT_EQ(host.only_dropped(), Drop::kIpForbiddenSource);
  }
  Octets in_broadcast = client6().segment("S");
  copy_bytes(in_broadcast, MacAddress::broadcast().octets);
  host.receive(in_broadcast);
  EXPECT_EQ(host.only_dropped(), Drop::kIpForbiddenSource);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

// TCP-028: nobody can be there to answer to.
TEST_F(TcpDemuxTest, ASynFromNoHostIsDroppedInSilence) {
  listen();
  for (const IpAddress& from : {IpAddress::v4(0), IpAddress::v4(0xffff'ffff),
                                IpAddress::v4(10, 0, 0, 255), IpAddress::v4(224, 0, 0, 1), kOwn4}) {
    TcpPeer peer = client();
    peer.own.address = from;
    host.receive(peer.segment("S"));
    EXPECT_EQ(host.only_dropped(), Drop::kIp4BadSource);
    EXPECT_THAT(host.sent(), IsEmpty());
  }
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

struct BadRow {
  const char* fact;
  Octets octets;
  Drop reason;
};

// TCP-004, TCP-008, TCP-012, TCP-014: each by its name, and each in silence.
TEST_F(TcpDemuxTest, DropsWhatIsNoSegment) {
  const SocketId listener = listen();
  const Octets good = client().segment("S");
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets out = good;
    out[34 + at] = value;
    return out;
  };
  Octets bad_option = client().segment("S");
  TcpPeer optioned = client();
  optioned.syn_options.mss = 1460;
  Octets with_option = optioned.segment("S");
  with_option[34 + 21] = 0;  // an MSS option of length 0
  Octets bad_sum = good;
  bad_sum[34 + 16] ^= 0x01;
  Octets port_zero = client(0).segment("S");
  Octets to_port_zero = client(5000, 0).segment("S");
  const BadRow rows[] = {
      {"a wrong checksum", bad_sum, Drop::kTcpBadChecksum},
      {"an offset of 16 octets", with(12, 0x40), Drop::kTcpBadOffset},
      {"an offset beyond the segment", with(12, 0xf0), Drop::kTcpBadOffset},
      {"SYN and FIN", with(13, 0x03), Drop::kTcpBadFlags},
      {"SYN and RST", with(13, 0x06), Drop::kTcpBadFlags},
      {"no flags", with(13, 0x00), Drop::kTcpBadFlags},
      {"all flags", with(13, 0xff), Drop::kTcpBadFlags},
      {"an option of length 0", with_option, Drop::kTcpBadOption},
      {"source port 0", port_zero, Drop::kTcpBadPort},
      {"destination port 0", to_port_zero, Drop::kTcpBadPort},
  };
  for (const BadRow& row : rows) {
    host.receive(row.octets);
    EXPECT_EQ(host.only_dropped(), row.reason) << row.fact;
    EXPECT_THAT(host.sent(), IsEmpty()) << row.fact;
  }
  for (std::size_t n = 0; n < 20; ++n) {
    host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kTcp, Octets(n, 0))));
    EXPECT_EQ(host.only_dropped(), Drop::kTcpTruncated) << n;
  }
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  host.stack->close(listener);
}

TEST_F(TcpDemuxTest, BelievesTheDevicesVerdictOfChecksums) {
  listen();
  Octets bad = client().segment("S");
  bad[34 + 16] ^= 0x01;
  MemPacket trusted = host.packet(bad);
  trusted.meta().l4_checksum = ChecksumState::kGood;
  host.receive(std::move(trusted));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
  MemPacket refused = host.packet(client(5001).segment("S"));
  refused.meta().l4_checksum = ChecksumState::kBad;
  host.receive(std::move(refused));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadChecksum);
}

// TCP-013: reserved bits are not looked at.
TEST_F(TcpDemuxTest, ReservedBitsMeanNothing) {
  listen();
  Octets syn = client().segment("S");
  syn[34 + 12] |= 0x0e;
  const std::uint16_t checksum = static_cast<std::uint16_t>(be16(syn, 34 + 16) - 0x0e00);
  put_be16(syn, 34 + 16, checksum);
  MemPacket in = host.packet(syn);
  in.meta().l4_checksum = ChecksumState::kGood;
  host.receive(std::move(in));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
}

// A whole burst of one flow is processed before it is answered: TCP-111, TCP-112.
TEST_F(TcpDemuxTest, ABurstIsAnsweredOnce) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  std::vector<Octets> burst;
  for (int i = 0; i < 40; ++i) {
    burst.push_back(peer.segment(".", pattern(1000)));
    peer.snd_nxt += 1000;
  }
  host.receive(burst);
  EXPECT_THAT(peer.take(), ElementsAre(AllOf(tcp_is("."), tcp_ack(peer.snd_nxt))));
  EXPECT_EQ(read(socket).size(), 40'000u);
}

// What one packet of a burst is found to be says nothing of the next but where they are of one
// flow: TCP-111.
TEST_F(TcpDemuxTest, ABurstOfManyFlowsIsToldApartPacketByPacket) {
  constexpr std::size_t kSource = 14 + 12;
  constexpr std::size_t kDestination = 14 + 16;
  TcpPeer first = client(5000);
  TcpPeer second = client(5001);
  const SocketId one = established(first);
  const SocketId other = established(second);
  const auto next = [](TcpPeer& from) {
    Octets out = from.segment(".", pattern(100));
    from.snd_nxt += 100;
    return out;
  };
  std::vector<Octets> burst;
  burst.push_back(next(first));
  burst.push_back(next(first));
  burst.push_back(next(second));
  Octets forged = first.segment(".", pattern(100));
  copy_bytes(MutBytes{forged}.subspan(kSource, 4), Bytes{forged}.subspan(kDestination, 4));
  fix_ip4_checksum(forged, 14);
  burst.push_back(forged);
  burst.push_back(forged);
  burst.push_back(next(second));
  Octets strange = second.segment(".", pattern(100));
  strange[kDestination + 3] ^= 0x55;
  fix_ip4_checksum(strange, 14);
  burst.push_back(strange);
  burst.push_back(strange);
  burst.push_back(next(first));
  Octets to_all = next(first);
  first.snd_nxt = first.snd_nxt - 100;
  copy_bytes(to_all, MacAddress::broadcast().octets);
  burst.push_back(to_all);
  burst.push_back(next(first));
  host.receive(burst);
  EXPECT_EQ(read(one).size(), 400u);
  EXPECT_EQ(read(other).size(), 200u);
  EXPECT_EQ(host.drops(Drop::kIp4BadSource), 2u);
  EXPECT_EQ(host.drops(Drop::kIp4OtherHost), 2u);
  EXPECT_EQ(host.drops(Drop::kIp4LinkBroadcast), 1u);
}

// What two links call the same may be two: link-local addresses are told by their interface.
TEST_F(TcpDemuxTest, LinkLocalConnectionsAreToldByTheirInterface) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{kOwnLink6, 64}};
  const InterfaceId eth1 = host.add_interface(second);
  const SocketId listener = listen(80, 16, 16, IpAddress{});
  TcpPeer peer{host, {kPeerLink6, 5000}, {kOwnLink6, 80}};
  peer.connect();
  host.alive.clear();
  ASSERT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
  Octets syn = peer.segment_at(SeqNumber{1}, "S");
  copy_bytes(syn, second.mac.octets);
  host.receive(syn, eth1);
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
  EXPECT_EQ(host.stack->tcp().half_open().size(), 1u);
  EXPECT_EQ(host.only_sent().interface, eth1) << "asks for the neighbour on its own link";
}

}  // namespace
}  // namespace smol
