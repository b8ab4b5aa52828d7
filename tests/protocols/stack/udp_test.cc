// UDP sockets: RFC 768, RFC 1122 section 4.1.
#include <set>

#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class UdpTest : public StackTest {
 protected:
  UdpTest() { introduce_all(); }

  std::string open_error(const UdpOptions& options) {
    return error_of(host.stack->udp_open(options));
  }
  std::string send_error(SocketId socket, const UdpSendOptions& options, std::size_t size = 4) {
    return error_of(host.stack->udp_send(socket, options, pattern(size)));
  }
  static UdpOptions at(const IpEndpoint& local) {
    UdpOptions options;
    options.local = local;
    return options;
  }
};

constexpr IpAddress kAny4 = IpAddress::v4(0);

TEST_F(UdpTest, ReceivesWhatWasSentToItsPort) {
  const SocketId socket = bound(53);
  host.receive(udp_frame({kPeer4, 1234}, {kOwn4, 53}, octets_of("question")));
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  const std::optional<Datagram> datagram = host.stack->udp_front(socket);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->source, (IpEndpoint{kPeer4, 1234}));
  EXPECT_EQ(datagram->destination, (IpEndpoint{kOwn4, 53}));
  EXPECT_EQ(datagram->interface, 0);
  EXPECT_EQ(datagram->at, host.now());
  EXPECT_EQ(text_of(datagram->payload), "question");
  host.stack->udp_pop(socket);
  EXPECT_FALSE(host.stack->udp_front(socket));
  EXPECT_EQ(counters().udp_in_datagrams.value(), 1u);
}

TEST_F(UdpTest, ADatagramTellsHowItTravelled) {
  const SocketId socket = bound(53);
  const SocketId socket6 = bound(53, true);
  for (const bool v4 : {true, false}) {
    const IpEndpoint from{v4 ? kPeer4 : kPeer6, 1};
    const IpEndpoint to{v4 ? kOwn4 : kOwn6, 53};
    Octets octets = ip_frame(ip_packet(from.address, to.address, IpProtocol::kUdp,
                                       udp_datagram(from, to, octets_of("text")), {77, 46}));
    if (v4) {
      octets[15] |= 3;
      fix_ip4_checksum(octets, 14);
    } else {
      octets[15] |= 0x30;
    }
    host.receive(octets);
    const std::optional<Datagram> datagram = host.stack->udp_front(v4 ? socket : socket6);
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->hop_limit, 77);
    EXPECT_EQ(datagram->dscp, 46);
    EXPECT_EQ(datagram->ecn, Ecn::kCe);
  }
}

// UDP-010: the answer comes from the address that was asked.
TEST_F(UdpTest, AnswersFromTheAddressThatWasAsked) {
  const SocketId socket = bound(53, true);
  host.receive(udp_frame({kPeerLink6, 1234}, {kOwnLink6, 53}, octets_of("question")));
  const Datagram datagram = host.stack->udp_front(socket).value();
  EXPECT_EQ(send_error(socket, {datagram.source, datagram.destination.address, datagram.interface}),
            "none");
  EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwnLink6), ip_to(kPeerLink6), udp_ports(53, 1234)));
}

MemPacket in_two(Host& host, const Octets& octets, std::size_t first) {
  const auto cut = octets.begin() + static_cast<std::ptrdiff_t>(first);
  MemPacket out = host.packet(Octets{octets.begin(), cut});
  out.chain(host.packet(Octets{cut, octets.end()}));
  return out;
}

// A port hands over what is longer than its buffers as a chain; the user sees one piece.
TEST_F(UdpTest, ADatagramInTwoBuffersIsPutTogether) {
  const SocketId socket = bound(53);
  const Octets octets = udp_frame({kPeer4, 1234}, {kOwn4, 53}, pattern(1800));
  MemPacket shared = in_two(host, octets, 1000);
  const std::optional<MemPacket> reader = shared.share(0, shared.size());
  host.receive(std::move(shared));  // its buffers may not be written to
  host.receive(in_two(host, octets, 1000));
  for (int i = 0; i < 2; ++i) {
    const std::optional<Datagram> datagram = host.stack->udp_front(socket);
    ASSERT_TRUE(datagram);
    EXPECT_EQ((Octets{datagram->payload.begin(), datagram->payload.end()}), pattern(1800));
    EXPECT_EQ(datagram->source, (IpEndpoint{kPeer4, 1234}));
    host.stack->udp_pop(socket);
  }
}

TEST_F(UdpTest, ADatagramThatFitsNoBufferIsRefused) {
  const SocketId socket = bound(53);
  host.receive(in_two(host, udp_frame({kPeer4, 1234}, {kOwn4, 53}, pattern(3000)), 1900));
  EXPECT_EQ(host.only_dropped(), Drop::kSocketTooLong);
  EXPECT_FALSE(host.stack->udp_front(socket));
  EXPECT_EQ(counters().udp_rcvbuf_errors.value(), 1u);
}

// UDP-014.
TEST_F(UdpTest, KeepsTheBoundariesAndTheOrderOfDatagrams) {
  const SocketId socket = bound(53);
  host.receive({udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("one")),
                udp_frame({kPeer4, 2}, {kOwn4, 53}, {}),
                udp_frame({kPeer4, 3}, {kOwn4, 53}, octets_of("three"))});
  EXPECT_EQ(received_text(socket), "one");
  EXPECT_EQ(host.stack->udp_front(socket)->source.port, 2);
  EXPECT_EQ(received_text(socket), "");
  EXPECT_EQ(received_text(socket), "three");
  EXPECT_EQ(received_text(socket), "(nothing)");
}

// UDP-001.
TEST_F(UdpTest, DropsImpossibleLengthsAndIgnoresWhatFollows) {
  const SocketId socket = bound(53);
  const Octets good = udp_datagram({kPeer4, 1}, {kOwn4, 53}, octets_of("text"));
  for (const std::uint16_t length : std::vector<std::uint16_t>{0, 7, 13, 0xffff}) {
    Octets bad = good;
    put_be16(bad, 4, length);
    put_be16(bad, 6, 0);
    host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kUdp, bad)));
    EXPECT_EQ(host.only_dropped(), Drop::kUdpTruncated) << length;
  }
  host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kUdp, good + Octets{9, 9, 9, 9})));
  EXPECT_EQ(received_text(socket), "text");
  EXPECT_THAT(host.sent(), IsEmpty());
}

// UDP-003, UDP-004, UDP-018.
TEST_F(UdpTest, VerifiesChecksums) {
  const SocketId socket = bound(53);
  const SocketId socket6 = bound(53, true);
  Octets none4 = udp_datagram({kPeer4, 1}, {kOwn4, 53}, octets_of("text"));
  put_be16(none4, 6, 0);
  host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kUdp, none4)));
  EXPECT_EQ(received_text(socket), "text") << "over IPv4 zero means none";
  Octets none6 = udp_datagram({kPeer6, 1}, {kOwn6, 53}, octets_of("text"));
  put_be16(none6, 6, 0);
  host.receive(ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kUdp, none6)));
  EXPECT_EQ(host.only_dropped(), Drop::kUdpBadChecksum);
  for (std::size_t at = 0; at < 12; ++at) {
    if (at == 4 || at == 5) continue;  // the length is judged first
    Octets bad = udp_datagram({kPeer4, 1}, {kOwn4, 53}, octets_of("text"));
    bad[at] ^= 0x04;
    host.receive(ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kUdp, bad)));
    EXPECT_EQ(host.only_dropped(), Drop::kUdpBadChecksum) << at;
  }
  EXPECT_EQ(received_text(socket), "(nothing)");
  EXPECT_EQ(received_text(socket6), "(nothing)");
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_F(UdpTest, BelievesTheDevicesVerdict) {
  const SocketId socket = bound(53);
  Octets bad = udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("text"));
  bad.back() ^= 1;
  MemPacket trusted = host.packet(bad);
  trusted.meta().l4_checksum = ChecksumState::kGood;
  host.receive(std::move(trusted));
  EXPECT_NE(received_text(socket), "(nothing)");
  MemPacket refused = host.packet(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("text")));
  refused.meta().l4_checksum = ChecksumState::kBad;
  host.receive(std::move(refused));
  EXPECT_EQ(host.only_dropped(), Drop::kUdpBadChecksum);
}

// UDP-007.
TEST_F(UdpTest, PortZeroIsNoDestinationAndATolerableSource) {
  const SocketId socket = bound(53);
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 0}, octets_of("text")));
  EXPECT_EQ(host.only_dropped(), Drop::kUdpPortZero);
  host.receive(udp_frame({kPeer4, 0}, {kOwn4, 53}, octets_of("text")));
  EXPECT_EQ(host.stack->udp_front(socket)->source.port, 0);
  host.stack->udp_pop(socket);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// UDP-008.
TEST_F(UdpTest, AConnectedSocketTakesOnlyItsPeersDatagrams) {
  UdpOptions options = at({kOwn4, 4000});
  options.remote = IpEndpoint{kPeer4, 53};
  const SocketId socket = host.stack->udp_open(options).value();
  host.receive(udp_frame({kPeer4, 53}, {kOwn4, 4000}, octets_of("mine")));
  EXPECT_EQ(received_text(socket), "mine");
  host.receive(udp_frame({kPeer4, 54}, {kOwn4, 4000}, octets_of("not mine")));
  EXPECT_EQ(host.only_dropped(), Drop::kUdpPortUnreachable);
  EXPECT_EQ(received_text(socket), "(nothing)");
  EXPECT_EQ(host.stack->remote_endpoint(socket).value(), (IpEndpoint{kPeer4, 53}));
}

// UDP-017.
TEST_F(UdpTest, AFullQueueDropsWhatArrives) {
  UdpOptions options = at({kOwn4, 53});
  options.receive_datagrams = 3;
  const SocketId socket = host.stack->udp_open(options).value();
  for (int i = 0; i < 5; ++i) {
    host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of(std::to_string(i))));
  }
  EXPECT_EQ(host.drops(Drop::kSocketFull), 2u);
  EXPECT_EQ(counters().udp_rcvbuf_errors.value(), 2u);
  for (const char* want : {"0", "1", "2", "(nothing)"}) EXPECT_EQ(received_text(socket), want);
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("again")));
  EXPECT_EQ(received_text(socket), "again");
  EXPECT_THAT(host.sent(), IsEmpty()) << "full is not unreachable";
}

// Sockets that nobody reads must not take the packets of those that are read.
TEST_F(UdpTest, UnreadSocketsLeavePacketsForOthers) {
  std::vector<SocketId> unread;
  for (std::uint16_t port = 100; port < 107; ++port) unread.push_back(bound(port));
  const SocketId read = bound(53);
  for (int i = 0; i < 100; ++i) {
    for (std::uint16_t port = 100; port < 107; ++port) {
      host.receive(udp_frame({kPeer4, 1}, {kOwn4, port}, octets_of("flood")));
    }
    host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("read")));
    ASSERT_EQ(received_text(read), "read") << i;
  }
  EXPECT_GT(host.pool().available(), host.pool().capacity() / 8);
}

// --- opening -------------------------------------------------------------------------------------

TEST_F(UdpTest, RefusesWhatCannotBeOpened) {
  EXPECT_EQ(open_error(at({IpAddress::v4(10, 0, 0, 2), 53})), "EADDRNOTAVAIL");
  EXPECT_EQ(open_error(at({IpAddress::v4(224, 0, 0, 1), 53})), "EADDRNOTAVAIL");
  UdpOptions options = at({kOwn4, 53});
  options.hop_limit = 0;
  EXPECT_EQ(open_error(options), "EINVAL");
  options = at({kOwn4, 53});
  options.dscp = 64;
  EXPECT_EQ(open_error(options), "EINVAL");
  options = at({kOwn4, 53});
  options.receive_datagrams = 0;
  EXPECT_EQ(open_error(options), "EINVAL");
  options = at({kOwn4, 53});
  options.remote = IpEndpoint{kPeer6, 53};
  EXPECT_EQ(open_error(options), "EINVAL");
  options.remote = IpEndpoint{kPeer4, 0};
  EXPECT_EQ(open_error(options), "EINVAL");
}

TEST_F(UdpTest, RefusesTheSameBindingTwice) {
  EXPECT_EQ(open_error(at({kOwn4, 53})), "none");
  EXPECT_EQ(open_error(at({kOwn4, 53})), "EADDRINUSE");
  EXPECT_EQ(open_error(at({kAny4, 53})), "none") << "a wider binding is another";
  EXPECT_EQ(open_error(at({kOwn6, 53})), "none") << "so is one of the other family";
  UdpOptions connected = at({kOwn4, 53});
  connected.remote = IpEndpoint{kPeer4, 1};
  EXPECT_EQ(open_error(connected), "none") << "and a connected one";
}

TEST_F(UdpTest, LimitsTheNumberOfSockets) {
  std::vector<SocketId> sockets;
  for (std::uint16_t port = 1; port <= 8; ++port) sockets.push_back(bound(port));
  EXPECT_EQ(open_error(at({kAny4, 9})), "ENOBUFS");
  host.stack->close(sockets[3]);
  EXPECT_EQ(open_error(at({kAny4, 9})), "none");
}

// UDP-012.
TEST_F(UdpTest, ChoosesEphemeralPortsWithinTheRange) {
  Host::Options options;
  options.config.first_ephemeral_port = 50'000;
  options.config.last_ephemeral_port = 50'005;
  Host small{options};
  small.add_interface(eth0_config());
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 6; ++i) {
    const SocketId socket = small.stack->udp_open(at({kAny4, 0})).value();
    ports.insert(small.stack->local_endpoint(socket)->port);
  }
  EXPECT_EQ(ports, (std::set<std::uint16_t>{50'000, 50'001, 50'002, 50'003, 50'004, 50'005}));
  EXPECT_EQ(error_of(small.stack->udp_open(at({kAny4, 0}))), "EADDRNOTAVAIL");
}

TEST_F(UdpTest, AnIdMissesOnceTheSocketIsClosed) {
  const SocketId socket = bound(53);
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("unread")));
  host.stack->close(socket);
  EXPECT_FALSE(host.stack->udp_front(socket));
  host.stack->udp_pop(socket);
  host.stack->set_user_data(socket, 1);
  EXPECT_EQ(send_error(socket, {{kPeer4, 1}, {}, {}}), "EBADF");
  EXPECT_EQ(error_of(host.stack->local_endpoint(socket)), "EBADF");
  EXPECT_EQ(error_of(host.stack->remote_endpoint(socket)), "EBADF");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EBADF");
  host.stack->close(socket);
  EXPECT_THAT(host.events(), IsEmpty()) << "news of a closed socket is nobody's";
  const SocketId next = bound(53);
  EXPECT_NE(next, socket);
  EXPECT_EQ(send_error(socket, {{kPeer4, 1}, {}, {}}), "EBADF") << "also when its place is taken";
  host.expect_empty();
}

TEST_F(UdpTest, EventsNameTheOwnerAndItsData) {
  UdpOptions options = at({kOwn4, 53});
  options.owner = 7;
  options.user_data = 77;
  const SocketId socket = host.stack->udp_open(options).value();
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, {}));
  const std::vector<SocketEvent> events = host.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].socket, socket);
  EXPECT_EQ(events[0].owner, 7);
  EXPECT_EQ(events[0].user_data, 77u);
  host.stack->set_user_data(socket, 78);
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, {}));
  EXPECT_EQ(host.events().at(0).user_data, 78u);
}

// --- sending -------------------------------------------------------------------------------------

TEST_F(UdpTest, SendsFromTheBoundAddressAndPort) {
  const SocketId socket = host.stack->udp_open(at({kOwn4, 53})).value();
  EXPECT_EQ(send_error(socket, {{kPeer4, 1234}, {}, {}}), "none");
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kPeerMac), ip_from(kOwn4), ip_to(kPeer4),
                                      udp_ports(53, 1234), carries(pattern(4))));
  EXPECT_EQ(counters().udp_out_datagrams.value(), 1u);
}

TEST_F(UdpTest, RefusesWhatCannotBeSent) {
  const SocketId socket = host.stack->udp_open(at({kOwn4, 53})).value();
  EXPECT_EQ(send_error(socket, {{kPeer4, 0}, {}, {}}), "EINVAL");
  EXPECT_EQ(send_error(socket, {{kAny4, 53}, {}, {}}), "EINVAL");
  EXPECT_EQ(send_error(socket, {{kPeer6, 53}, {}, {}}), "EINVAL") << "the other family";
  EXPECT_EQ(send_error(socket, {{kPeer4, 53}, IpAddress::v4(10, 0, 0, 2), {}}), "EADDRNOTAVAIL");
  EXPECT_EQ(send_error(socket, {{kOwn4, 53}, {}, {}}), "ENETUNREACH") << "ourselves";
  EXPECT_EQ(send_error(socket, {{kPeer4, 53}, {}, InterfaceId{1}}), "ENETUNREACH")
      << "an interface that has no such route";
  EXPECT_THAT(host.sent(), IsEmpty());
}

// UDP-013, UDP-015, IP4-037, ETH-010.
TEST_F(UdpTest, SendsUpToWhatTheLinkCarries) {
  const SocketId socket = bound(53);
  const SocketId socket6 = bound(53, true);
  EXPECT_EQ(send_error(socket, {{kPeer4, 1}, {}, {}}, 1472), "none");
  EXPECT_THAT(host.only_sent(), AllOf(ip_len_is(1500), carries(pattern(1472))));
  EXPECT_EQ(send_error(socket, {{kPeer4, 1}, {}, {}}, 1473), "EMSGSIZE");
  EXPECT_EQ(send_error(socket6, {{kPeer6, 1}, {}, {}}, 1452), "none");
  EXPECT_THAT(host.only_sent(), ip_len_is(1500));
  EXPECT_EQ(send_error(socket6, {{kPeer6, 1}, {}, {}}, 1453), "EMSGSIZE");
  EXPECT_EQ(send_error(socket, {{kPeer4, 1}, {}, {}}, 0), "none");
  EXPECT_THAT(host.only_sent(), AllOf(ip_len_is(28), carries("")));
}

// UDP-002: a sum that comes to zero goes as all ones.
TEST_F(UdpTest, AChecksumOfZeroGoesAsOnes) {
  const SocketId socket = host.stack->udp_open(at({kOwn4, 53})).value();
  Octets payload(2);
  Octets probe = udp_datagram({kOwn4, 53}, {kPeer4, 1234}, payload);
  // The payload that makes up for the rest.
  put_be16(payload, 0, be16(probe, 6));
  ASSERT_TRUE(host.stack->udp_send(socket, {{kPeer4, 1234}, {}, {}}, payload));
  const Frame sent = host.only_sent();
  EXPECT_EQ(be16(sent.octets, 14 + 20 + 6), 0xffff);
}

// The offloads of a port: what is left to the device is what the device is asked for (host.cc fills
// it in as a device would, and every frame is verified).
TEST(UdpOffload, ADeviceFillsInWhatItIsAskedTo) {
  Host host;
  InterfaceConfig config = eth0_config();
  config.offloads.ip4_checksum = true;
  config.offloads.udp_checksum = true;
  host.add_interface(config);
  host.receive(arp_request(kOwn4));
  host.receive(neighbor_solicit(kOwn6));
  host.sent();
  for (const auto& [own, peer] : {std::pair{kOwn4, kPeer4}, std::pair{kOwn6, kPeer6}}) {
    const SocketId socket = host.stack->udp_open({.local = {own, 53}, .remote = {}}).value();
    for (const std::size_t size : {0u, 1u, 7u, 1000u}) {
      ASSERT_TRUE(host.stack->udp_send(socket, {{peer, 9}, {}, {}}, pattern(size)));
      EXPECT_THAT(host.only_sent(), carries(pattern(size)));
    }
  }
}

// IP4-006: a broadcast out of a named interface, where there are two.
TEST_F(UdpTest, ABroadcastLeavesByTheInterfaceItNames) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  const InterfaceId eth1 = host.add_interface(second);
  const SocketId socket = bound(67);
  const IpAddress all = IpAddress::v4(0xffff'ffff);
  EXPECT_EQ(send_error(socket, {{all, 67}, {}, {}}), "EINVAL") << "which of the two?";
  for (const InterfaceId id : {InterfaceId{0}, eth1}) {
    EXPECT_EQ(send_error(socket, {{all, 67}, {}, id}), "none");
    const Frame sent = host.only_sent();
    EXPECT_EQ(sent.interface, id);
    EXPECT_THAT(sent, AllOf(link_to(MacAddress::broadcast()), ip_to(all),
                            ip_from(id == eth1 ? second.addresses[0].address() : kOwn4)));
  }
}

// --- ICMP errors ---------------------------------------------------------------------------------

Octets error_about(const Frame& sent, std::uint8_t type, std::uint8_t code) {
  const Bytes packet = sent.ip_octets();
  const Octets quote{packet.begin(), packet.begin() + 28};
  return ip_frame(ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp,
                            icmp_message(kPeer4, kOwn4, type, code, 0, quote)));
}

// UDP-011, IC4-011: reported once, and the socket lives on.
TEST_F(UdpTest, AnIcmpErrorIsASoftErrorOfTheSocketThatSent) {
  UdpOptions options = at({kOwn4, 4000});
  options.remote = IpEndpoint{kPeer4, 53};
  const SocketId socket = host.stack->udp_open(options).value();
  const std::pair<std::uint8_t, const char*> rows[] = {
      {0, "ENETUNREACH"}, {1, "EHOSTUNREACH"}, {3, "ECONNREFUSED"}, {4, "EMSGSIZE"}};
  for (const auto& [code, error] : rows) {
    ASSERT_EQ(send_error(socket, {{kPeer4, 53}, {}, {}}), "none");
    host.receive(error_about(host.only_sent(), 3, code));
    EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
    EXPECT_EQ(error_of(host.stack->soft_error(socket)), error);
    EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
  }
  EXPECT_EQ(counters().icmp_in_errors.value(), 4u);
  host.receive(udp_frame({kPeer4, 53}, {kOwn4, 4000}, octets_of("alive")));
  EXPECT_EQ(received_text(socket), "alive");
}

TEST_F(UdpTest, AnErrorAboutNobodysDatagramIsUnmatched) {
  bound(53);
  const Octets quote =
      ip_packet(kOwn4, kPeer4, IpProtocol::kUdp, udp_datagram({kOwn4, 54}, {kPeer4, 1}, {}));
  host.receive(ip_frame(
      ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp, icmp_message(kPeer4, kOwn4, 3, 3, 0, quote))));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  EXPECT_THAT(host.events(), IsEmpty());
}

}  // namespace
}  // namespace smol
