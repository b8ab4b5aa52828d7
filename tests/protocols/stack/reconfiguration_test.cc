// Addresses, routes and neighbours that change while traffic flows.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

constexpr IpAddress kSecond4 = IpAddress::v4(10, 0, 0, 2);
constexpr IpAddress kOther4 = IpAddress::v4(10, 0, 0, 51);
constexpr MacAddress kOtherMac{{2, 0, 0, 0, 0, 0x33}};

IpPrefix prefix(std::string_view text) {
  return IpPrefix::parse(text).value();
}
IpAddress at(std::string_view text) {
  return IpAddress::parse(text).value();
}
Route via(std::string_view destination, std::string_view gateway, std::uint32_t metric = 0,
          InterfaceId interface = 0) {
  return {prefix(destination), at(gateway), interface, metric};
}

class ReconfigurationTest : public TcpTest {
 protected:
  explicit ReconfigurationTest(const InterfaceConfig& interface = eth0_config())
      : TcpTest{{}, interface} {}

  Stack<MemPacket>& stack() { return *host.stack; }
  std::string send_error(SocketId socket, const IpAddress& to, std::string_view text = "text") {
    return error_of(stack().udp_send(socket, {{to, 9}, {}, {}}, octets_of(text)));
  }
  std::size_t routes() { return stack().network().routes().size(); }
  /// "10.0.0.254 dev 0 src 10.0.0.1", or why there is none.
  std::string way(const RouteQuery& query) {
    const Result<RouteAnswer, Error> answer = stack().find_route(query);
    if (!answer) return error_of(answer);
    Text<128> out;
    answer->next_hop.print(out);
    out.put(" dev ").dec(answer->interface).put(" src ");
    answer->source.print(out);
    return std::string{out.view()};
  }
};

// --- addresses
// ---------------------------------------------------------------------------------------

TEST_F(ReconfigurationTest, AnAddedAddressAnswers) {
  const IpAddress own = IpAddress::v4(10, 1, 0, 1);
  const IpAddress peer = IpAddress::v4(10, 1, 0, 9);
  host.receive(arp_request(own, peer));
  EXPECT_EQ(host.only_dropped(), Drop::kArpNotForUs);
  ASSERT_EQ(error_of(stack().add_address(0, IpPrefix{own, 24})), "none");
  host.receive(arp_request(own, peer));
  EXPECT_THAT(host.only_sent(), arp_reply_from(own, kOwnMac));
  host.receive(echo_request(peer, own, {}));
  EXPECT_THAT(host.only_sent(), AllOf(icmp_is(0, 0), ip_from(own), ip_to(peer)));
  EXPECT_EQ(way({peer, {}, {}}), "10.1.0.9 dev 0 src 10.1.0.1") << "its subnet is reached directly";
}

TEST_F(ReconfigurationTest, RefusesAddressesAndChangesNothing) {
  const std::size_t before = routes();
  EXPECT_EQ(error_of(stack().add_address(1, prefix("10.1.0.1/24"))), "ENODEV");
  EXPECT_EQ(error_of(stack().add_address(0, prefix("10.1.0.0/24"))), "EINVAL");
  EXPECT_EQ(error_of(stack().add_address(0, prefix("224.0.0.5/24"))), "EINVAL");
  EXPECT_EQ(error_of(stack().add_address(0, IpPrefix{kOwn4, 16})), "EEXIST");
  EXPECT_EQ(error_of(stack().delete_address(1, IpPrefix{kOwn4, 24})), "ENODEV");
  EXPECT_EQ(error_of(stack().delete_address(0, IpPrefix{kOwn4, 16})), "ENOENT")
      << "not this length";
  EXPECT_EQ(error_of(stack().delete_address(0, IpPrefix{kPeer4, 24})), "ENOENT");
  EXPECT_EQ(routes(), before);
  host.receive(arp_request(kOwn4));
  EXPECT_THAT(host.only_sent(), arp_reply_from(kOwn4, kOwnMac));
}

TEST(ReconfigurationLimits, AnAddressThatFindsNoRoomLeavesNothingBehind) {
  Host::Options options;
  options.config.limits.addresses = 6;
  options.config.limits.routes = 1;
  Host host{options};
  InterfaceConfig config = eth0_config();
  config.addresses = {IpPrefix{kOwn4, 24}};
  host.add_interface(config);
  EXPECT_EQ(error_of(host.stack->add_address(0, prefix("10.1.0.1/24"))), "ENOBUFS") << "no route";
  EXPECT_FALSE(host.stack->network().addresses().is_known(at("10.1.0.1")));
  EXPECT_EQ(error_of(host.stack->add_address(0, IpPrefix{kSecond4, 24})), "none");
  EXPECT_EQ(error_of(host.stack->add_address(0, IpPrefix{IpAddress::v4(10, 0, 0, 3), 24})), "none");
  EXPECT_EQ(error_of(host.stack->add_address(0, IpPrefix{IpAddress::v4(10, 0, 0, 4), 24})),
            "ENOBUFS")
      << "four entries for the subnet's first address, one for each other";
  EXPECT_FALSE(host.stack->network().addresses().is_known(IpAddress::v4(10, 0, 0, 4)));
  ASSERT_EQ(error_of(host.stack->delete_address(0, IpPrefix{kSecond4, 24})), "none");
  EXPECT_EQ(error_of(host.stack->add_address(0, IpPrefix{IpAddress::v4(10, 0, 0, 4), 24})), "none");
}

TEST_F(ReconfigurationTest, ADeletedAddressIsAnotherHosts) {
  const SocketId any = bound(53);
  ASSERT_EQ(error_of(stack().delete_address(0, IpPrefix{kOwn4, 24})), "none");
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("text")));
  EXPECT_EQ(host.only_dropped(), Drop::kIp4OtherHost);
  host.receive(arp_request(kOwn4, kSecond4));
  EXPECT_EQ(host.only_dropped(), Drop::kArpNotForUs);
  Octets to_all = udp_frame({kPeer4, 1}, {IpAddress::v4(0xffff'ffff), 53}, {});
  copy_bytes(to_all, MacAddress::broadcast().octets);
  host.receive(to_all);
  EXPECT_EQ(host.only_dropped(), Drop::kIp4OtherHost) << "no IPv4 address is left";
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(received_text(any), "(nothing)");
  EXPECT_EQ(way({kPeer4, {}, {}}), "EADDRNOTAVAIL") << "by the default route, and from nobody";
  host.receive(echo_request(kPeer6, kOwn6, {}));
  EXPECT_THAT(host.only_sent(), icmp_is(129, 0)) << "the other family's live on";
}

TEST_F(ReconfigurationTest, TheSubnetsRouteStaysForItsOtherAddress) {
  ASSERT_TRUE(stack().add_address(0, IpPrefix{kSecond4, 24}));
  const std::size_t before = routes();
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kOwn4, 24}));
  EXPECT_EQ(routes(), before);
  EXPECT_EQ(way({kPeer4, {}, {}}), "10.0.0.9 dev 0 src 10.0.0.2");
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kSecond4, 24}));
  EXPECT_EQ(routes(), before - 1);
}

// The first address of a subnet speaks, and when it goes the next one in order.
TEST_F(ReconfigurationTest, TheOldestAddressOfASubnetIsTheSource) {
  for (const char* text : {"10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24"}) {
    ASSERT_TRUE(stack().add_address(0, prefix(text)));
  }
  const SocketId socket = bound(9);
  for (const char* source : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
    ASSERT_EQ(send_error(socket, kPeer4), "none");
    EXPECT_THAT(host.only_sent(), ip_from(at(source))) << "an unbound socket takes the next";
    ASSERT_TRUE(stack().delete_address(0, IpPrefix{at(source), 24}));
  }
}

TEST_F(ReconfigurationTest, ASocketBoundToADeletedAddressKeepsItsBinding) {
  const SocketId socket = stack().udp_open({.local = {kOwn4, 53}, .remote = {}}).value();
  ASSERT_EQ(send_error(socket, kPeer4), "none");
  host.sent();
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kOwn4, 24}));
  EXPECT_EQ(send_error(socket, kPeer4), "EADDRNOTAVAIL");
  EXPECT_EQ(stack().local_endpoint(socket).value(), (IpEndpoint{kOwn4, 53}));
  EXPECT_EQ(error_of(stack().udp_open({.local = {kOwn4, 54}, .remote = {}})), "EADDRNOTAVAIL");
  ASSERT_TRUE(stack().add_address(0, IpPrefix{kOwn4, 24}));
  EXPECT_EQ(send_error(socket, kPeer4), "none");
  EXPECT_THAT(host.only_sent(), ip_from(kOwn4));
  host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("again")));
  EXPECT_EQ(received_text(socket), "again");
}

TEST_F(ReconfigurationTest, AConnectionGoesOnWhenItsAddressIsBackInTime) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kOwn4, 24}));
  write(socket, "patience");
  host.advance(seconds(2));
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_GT(host.drops(Drop::kNoSourceAddress), 0u);
  host.receive(peer.segment("P.", octets_of("hello?")));
  EXPECT_GT(host.drops(Drop::kIp4OtherHost), 0u);
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  ASSERT_TRUE(stack().add_address(0, IpPrefix{kOwn4, 24}));
  host.advance(seconds(5));
  EXPECT_EQ(peer.take_text().substr(0, 8), "patience");
  peer.send("P.", "hello?");
  EXPECT_EQ(read(socket), "hello?");
}

TEST_F(ReconfigurationTest, AConnectionWhoseAddressStaysAwayTimesOut) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kOwn4, 24}));
  write(socket, "nobody");
  host.advance(seconds(400));
  EXPECT_EQ(error_of(stack().error(socket)), "ETIMEDOUT");
  stack().close(socket);
  host.dropped();
  host.expect_empty();
}

// --- routes
// ------------------------------------------------------------------------------------------

TEST_F(ReconfigurationTest, ADeletedRouteIsLeftByTheNextSegment) {
  introduce(kOther4, kOtherMac);
  ASSERT_TRUE(stack().add_route(via("192.0.2.0/24", "10.0.0.51")));
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 80}, kOtherMac};
  const SocketId socket = established(peer);
  write(socket, "one");
  EXPECT_THAT(peer.take_one(), link_to(kOtherMac));
  peer.acknowledge();
  const Result<Route, Error> gone = stack().delete_route({prefix("192.0.2.0/24"), {}, {}, {}});
  ASSERT_TRUE(gone);
  EXPECT_EQ(*gone, via("192.0.2.0/24", "10.0.0.51"));
  write(socket, "two");
  EXPECT_THAT(peer.take_one(), link_to(kRouterMac)) << "by the default route";
}

TEST_F(ReconfigurationTest, AReplacedRouteIsTakenByTheNextPacketOfAnyProtocol) {
  introduce(kOther4, kOtherMac);
  const SocketId udp = bound(9);
  const SocketId icmp = stack().icmp_open({IpAddress::v4(0), 0, 1, 64, 0, 0, 0}).value();
  const auto say = [&] {
    EXPECT_EQ(send_error(udp, kFar4), "none");
    EXPECT_TRUE(stack().icmp_send_echo(icmp, {kFar4, {}, {}, {}}, 1, {}));
    return host.sent();
  };
  EXPECT_THAT(say(), ElementsAre(link_to(kRouterMac), link_to(kRouterMac)));
  ASSERT_TRUE(stack().replace_route(via("0.0.0.0/0", "10.0.0.51")));
  EXPECT_THAT(say(), ElementsAre(link_to(kOtherMac), link_to(kOtherMac)));
  ASSERT_TRUE(stack().delete_route({prefix("0.0.0.0/0"), {}, {}, {}}));
  EXPECT_EQ(send_error(udp, kFar4), "ENETUNREACH") << "a known way is forgotten with its route";
  EXPECT_EQ(error_of(stack().icmp_send_echo(icmp, {kFar4, {}, {}, {}}, 1, {})), "ENETUNREACH");
}

TEST_F(ReconfigurationTest, RefusesRoutesAndChangesNothing) {
  const std::size_t before = routes();
  EXPECT_EQ(error_of(stack().replace_route(via("0.0.0.0/0", "10.0.0.51", 0, 1))), "ENODEV");
  EXPECT_EQ(error_of(stack().replace_route(via("0.0.0.0/0", "10.0.0.1"))), "EINVAL") << "ourselves";
  EXPECT_EQ(error_of(stack().replace_route(via("0.0.0.0/0", "fdaa::9"))), "EINVAL");
  EXPECT_EQ(error_of(stack().delete_route({prefix("192.0.2.0/24"), {}, {}, {}})), "ENOENT");
  EXPECT_EQ(routes(), before);
  EXPECT_EQ(way({kFar4, {}, {}}), "10.0.0.254 dev 0 src 10.0.0.1");
}

TEST_F(ReconfigurationTest, FindsTheWayThatAPacketWouldGo) {
  struct Row {
    RouteQuery query;
    const char* answer;
  };
  const IpAddress group = IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
  const Row rows[] = {
      {{kFar4, {}, {}}, "10.0.0.254 dev 0 src 10.0.0.1"},
      {{kPeer4, {}, {}}, "10.0.0.9 dev 0 src 10.0.0.1"},
      {{kFar6, {}, {}}, "fdaa::fe dev 0 src fdaa::1"},
      {{kPeerLink6, {}, {}}, "fe80::9 dev 0 src fe80::1"},
      {{group, {}, {}}, "ff02::fb dev 0 src fe80::1"},
      {{kFar4, kOwn4, {}}, "10.0.0.254 dev 0 src 10.0.0.1"},
      {{kFar4, kPeer4, {}}, "EADDRNOTAVAIL"},
      {{kFar4, kOwn6, {}}, "EINVAL"},
      {{kFar4, {}, InterfaceId{1}}, "ENETUNREACH"},
      {{kPeerLink6, {}, InterfaceId{1}}, "ENODEV"},
      {{kOwn4, {}, {}}, "ENETUNREACH"},
      {{IpAddress::v4(0), {}, {}}, "EINVAL"},
  };
  for (const Row& row : rows) EXPECT_EQ(way(row.query), row.answer);
  EXPECT_EQ(stack().find_route({kFar4, {}, {}})->route, via("0.0.0.0/0", "10.0.0.254"));
  EXPECT_FALSE(stack().find_route({kPeerLink6, {}, {}})->route) << "no route is needed";
}

// --- a way over another interface
// --------------------------------------------------------------------

/// Two interfaces with one address of ours; the first can do all, the second little.
class TwoLinksTest : public ReconfigurationTest {
 protected:
  TwoLinksTest() : ReconfigurationTest{first()} {
    InterfaceConfig second;
    second.name = "eth1";
    second.mac = {{2, 0, 0, 0, 1, 1}};
    second.mtu = 600;
    second.addresses = {IpPrefix{kOwn4, 32}};
    second.offloads.reads_only = false;
    host.add_interface(second);
    EXPECT_TRUE(stack().add_neighbor(1, kOther4, kOtherMac));
    EXPECT_TRUE(stack().add_route({IpPrefix{kOther4, 32}, {}, 1, 0}));
  }
  static InterfaceConfig first() {
    InterfaceConfig config = eth0_config();
    config.offloads = segmenting_eth0().offloads;
    config.offloads.udp_checksum = true;
    return config;
  }
  void move_to_second() { ASSERT_TRUE(stack().add_route(via("192.0.2.0/24", "10.0.0.51", 0, 1))); }
};

// What the first port would have filled in is right on the second all the same: sent() checks.
TEST_F(TwoLinksTest, AConnectionThatMovesKeepsItsChecksumsRight) {
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 80}, kRouterMac};
  const SocketId socket = established(peer);
  move_to_second();
  write(socket, "moved");
  const Frame frame = peer.take_one();
  EXPECT_THAT(frame, AllOf(link_to(kOtherMac), carries("moved")));
  EXPECT_EQ(frame.interface, 1);
  peer.acknowledge();
  host.advance(seconds(5));
  host.sent();
  // A RST to nobody's segment knows no port beforehand.
  host.receive(TcpPeer{host, {kFar4, 5001}, {kOwn4, 81}, kRouterMac}.segment("S"));
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R."), link_to(kOtherMac)));
  const SocketId udp = stack().udp_open({.local = {kOwn4, 9}, .remote = {}}).value();
  EXPECT_EQ(send_error(udp, kFar4, "datagram"), "none");
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kOtherMac), carries("datagram")));
}

TEST_F(TwoLinksTest, AConnectionThatMovesCutsItsSegmentsForTheNewLink) {
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 80}, kRouterMac};
  const SocketId socket = established(peer);
  EXPECT_EQ(write(socket, pattern(2000)), 2000u);
  EXPECT_THAT(peer.take(), ElementsAre(carries_octets(1460), carries_octets(540)));
  peer.acknowledge();
  move_to_second();
  EXPECT_EQ(write(socket, pattern(3000)), 3000u);
  const SeqNumber all = peer.rcv_nxt + 3000;
  for (int i = 0; i < 40 && peer.rcv_nxt != all; ++i) {
    for (const Frame& frame : peer.take()) {
      EXPECT_LE(frame.ip_len, 600u);
      EXPECT_EQ(frame.interface, 1);
    }
    peer.acknowledge();
    host.advance(milliseconds(300));
  }
  EXPECT_EQ(peer.rcv_nxt, all);
  EXPECT_EQ(stack().tcp_info(socket)->unacked, 0u);
  EXPECT_EQ(stack().tcp_info(socket)->unsent, 0u);
  EXPECT_EQ(stack().tcp_info(socket)->mss, 560u);
  ASSERT_TRUE(stack().delete_route({prefix("192.0.2.0/24"), {}, {}, {}}));
  EXPECT_EQ(write(socket, "back"), 4u);
  EXPECT_THAT(peer.take_one(), link_to(kRouterMac));
  EXPECT_EQ(stack().tcp_info(socket)->mss, 1460u);
}

// A port that passes packets on must not be handed the very one that the socket keeps: whoever gets
// it does with it as he likes.
TEST_F(TwoLinksTest, APortThatPassesPacketsOnGetsViewsOfThem) {
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 80}, kRouterMac};
  const SocketId socket = established(peer);
  move_to_second();
  host.keep_packets = true;
  write(socket, "kept");
  EXPECT_THAT(peer.take_one(), carries("kept"));
  ASSERT_THAT(host.kept, SizeIs(1));
  MemPacket& passed_on = host.kept.front();
  EXPECT_FALSE(passed_on.meta().tx.tcp_checksum) << "the port cannot";
  passed_on.trim_front(passed_on.size() - 1);
  const Octets before = all_octets(passed_on);
  host.advance(milliseconds(300));
  EXPECT_THAT(peer.take_one(), carries("kept")) << "sent again while somebody has the first";
  EXPECT_EQ(all_octets(passed_on), before);
  peer.acknowledge();
  EXPECT_EQ(all_octets(passed_on), before) << "and acknowledged";
  host.kept.clear();
}

// --- neighbours
// --------------------------------------------------------------------------------------

TEST_F(ReconfigurationTest, APermanentNeighborIsNeitherAskedNorDoubted) {
  host.alive.clear();
  ASSERT_EQ(error_of(stack().add_neighbor(0, kOther4, kOtherMac)), "none");
  const SocketId socket = bound(9);
  for (int day = 0; day < 3; ++day) {
    EXPECT_EQ(send_error(socket, kOther4), "none");
    EXPECT_THAT(host.only_sent(), link_to(kOtherMac));
    host.advance(seconds(86'400));
    EXPECT_THAT(host.sent(), IsEmpty());
  }
  host.receive(arp_reply(kOther4, kPeerMac));
  host.receive(arp_request(kOwn4, kOther4, kPeerMac));
  host.sent();
  EXPECT_EQ(send_error(socket, kOther4), "none");
  EXPECT_THAT(host.only_sent(), link_to(kOtherMac)) << "believed over the wire";
}

TEST_F(ReconfigurationTest, APermanentNeighborIsNeverPushedOut) {
  ASSERT_TRUE(stack().add_neighbor(0, kOther4, kOtherMac));
  for (std::uint32_t i = 0; i < 300; ++i) {
    host.receive(arp_request(kOwn4, IpAddress::v4(0x0a000040 + i % 150), kPeerMac));
  }
  host.sent();
  ASSERT_NE(neighbor(kOther4), nullptr);
  EXPECT_EQ(neighbor(kOther4)->state, NeighborState::kPermanent);
}

TEST_F(ReconfigurationTest, RefusesNeighborsThatCannotBe) {
  EXPECT_EQ(error_of(stack().add_neighbor(1, kOther4, kOtherMac)), "ENODEV");
  EXPECT_EQ(error_of(stack().add_neighbor(0, kPeer4, kOtherMac)), "EEXIST") << "learned";
  EXPECT_EQ(error_of(stack().add_neighbor(0, kOwn4, kOtherMac)), "EINVAL");
  EXPECT_EQ(error_of(stack().add_neighbor(0, IpAddress::v4(10, 0, 0, 255), kOtherMac)), "EINVAL");
  EXPECT_EQ(error_of(stack().add_neighbor(0, kAllNodes6, kOtherMac)), "EINVAL");
  EXPECT_EQ(error_of(stack().add_neighbor(0, IpAddress{}, kOtherMac)), "EINVAL");
  EXPECT_EQ(error_of(stack().add_neighbor(0, kOther4, MacAddress{})), "EINVAL");
  EXPECT_EQ(error_of(stack().add_neighbor(0, kOther4, MacAddress::broadcast())), "EINVAL");
  EXPECT_EQ(error_of(stack().delete_neighbor(1, kPeer4)), "ENODEV");
  EXPECT_EQ(error_of(stack().delete_neighbor(0, kOther4)), "ENOENT");
}

TEST_F(ReconfigurationTest, AReplacedNeighborTakesTheNextPacketAndThoseThatWait) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_EQ(error_of(stack().replace_neighbor(0, kPeer4, kOtherMac)), "none");
  write(socket, "moved");
  EXPECT_THAT(peer.take_one(), link_to(kOtherMac));
  host.alive.clear();
  const SocketId udp = bound(9);
  ASSERT_EQ(send_error(udp, kOther4, "waits"), "none");
  EXPECT_THAT(host.only_sent(), arp_request_for(kOther4));
  ASSERT_TRUE(stack().replace_neighbor(0, kOther4, kOtherMac));
  host.turn();
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kOtherMac), carries("waits")));
}

TEST_F(ReconfigurationTest, ADeletedNeighborIsAskedForAgain) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(stack().delete_neighbor(0, kPeer4));
  EXPECT_EQ(neighbor(kPeer4), nullptr);
  const std::uint64_t asked = counters().arp_requests_out.value();
  write(socket, "still there?");
  EXPECT_EQ(peer.take_text(), "still there?");
  EXPECT_EQ(counters().arp_requests_out.value(), asked + 1);
}

TEST_F(ReconfigurationTest, WhatWaitsForADeletedNeighborIsDroppedAndItsSenderTold) {
  host.alive.clear();
  UdpOptions options;
  options.local = {kOwn4, 4000};
  options.remote = IpEndpoint{kOther4, 9};
  const SocketId socket = stack().udp_open(options).value();
  ASSERT_EQ(send_error(socket, kOther4, "waits"), "none");
  host.sent();
  EXPECT_EQ(counters().held.value(), 1u);
  ASSERT_TRUE(stack().delete_neighbor(0, kOther4));
  EXPECT_EQ(host.only_dropped(), Drop::kNeighborFailed);
  EXPECT_EQ(counters().held.value(), 0u);
  EXPECT_EQ(error_of(stack().soft_error(socket)), "EHOSTUNREACH");
  host.advance(seconds(10));
  EXPECT_THAT(host.sent(), IsEmpty()) << "its timer went with it";
}

TEST_F(ReconfigurationTest, AFlushLeavesPermanentNeighborsAndOtherInterfaces) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  host.add_interface(second);
  const IpAddress beyond = IpAddress::v4(10, 1, 0, 9);
  ArpRepr question;
  question.operation = ArpOperation::kRequest;
  question.sender_mac = kOtherMac;
  question.sender_ip = beyond;
  question.target_ip = IpAddress::v4(10, 1, 0, 1);
  host.receive(frame(MacAddress::broadcast(), kOtherMac, EtherType::kArp, arp_packet(question)), 1);
  ASSERT_TRUE(stack().add_neighbor(0, kOther4, kOtherMac));
  host.sent();
  const std::uint32_t before = stack().network().neighbors().size();
  std::size_t gone = 0;
  Slice slice;
  do {
    slice = stack().flush_neighbors(0, slice.next);
    gone += slice.count;
  } while (!slice.next.done());
  EXPECT_EQ(gone, before - 2u);
  EXPECT_EQ(stack().network().neighbors().size(), 2u);
  EXPECT_NE(neighbor(kOther4), nullptr);
  EXPECT_NE(neighbor(beyond, 1), nullptr);
}

/// Segments wait for their neighbour while the socket keeps them too.
class WaitingTest : public ReconfigurationTest {
 protected:
  WaitingTest() : ReconfigurationTest{offloading()} {}
  static InterfaceConfig offloading() {
    InterfaceConfig config = eth0_config();
    config.offloads = segmenting_eth0().offloads;
    config.offloads.udp_checksum = true;
    return config;
  }
};

TEST_F(WaitingTest, WhatWaitsStillAsksThePortForItsChecksum) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.alive.clear();
  ASSERT_TRUE(stack().delete_neighbor(0, kPeer4));
  write(socket, "waits");
  EXPECT_THAT(host.only_sent(), arp_request_for(kPeer4));
  host.receive(arp_reply());
  EXPECT_EQ(peer.take_text(), "waits") << "and taking it apart, its checksum was right";
}

}  // namespace
}  // namespace smol
