// Sending to neighbours whose link address is not known yet, or no more: RFC 1122 section 2.3.2,
// RFC 4861 section 7.2.2.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class ResolutionTest : public StackTest {
 protected:
  ResolutionTest() {
    socket4_ = bound(9);
    socket6_ = bound(9, true);
  }
  void send(const IpAddress& to, std::string_view text) {
    const SocketId socket = to.is_v4() ? socket4_ : socket6_;
    EXPECT_EQ(error_of(host.stack->udp_send(socket, {{to, 9}, {}, {}}, octets_of(text))), "none");
  }
  SocketId connect(const IpAddress& to) {
    TcpConnectOptions options;
    options.remote = {to, 80};
    return host.stack->tcp_connect(options).value();
  }
  SocketId socket4_;
  SocketId socket6_;
};

// ARP-009, ARP-010, ND-013: what waits leaves in order once the address is known, and once each.
TEST_F(ResolutionTest, TheFirstPacketsWaitAndLeaveInOrder) {
  for (const IpAddress& to : {kPeer4, kPeer6}) {
    for (const char* text : {"one", "two", "three"}) send(to, text);
    const Frame question = host.only_sent();
    if (to.is_v4()) {
      EXPECT_THAT(question, AllOf(link_to(MacAddress::broadcast()), arp_request_for(kPeer4)));
      EXPECT_EQ(question.arp->sender_ip, kOwn4);
      EXPECT_TRUE(question.arp->target_mac.is_zero());
    } else {
      EXPECT_THAT(question,
                  AllOf(ip_to(kPeer6.solicited_node()), ip_from(kOwn6), solicits(kPeer6)));
    }
    EXPECT_EQ(counters().held.value(), 3u);
    host.expect_books();
    host.receive(to.is_v4() ? arp_reply() : neighbor_advert(kPeer6));
    EXPECT_THAT(host.sent(), ElementsAre(AllOf(link_to(kPeerMac), carries("one")),
                                         AllOf(link_to(kPeerMac), carries("two")),
                                         AllOf(link_to(kPeerMac), carries("three"))));
    EXPECT_EQ(counters().held.value(), 0u);
  }
}

// A request from the neighbour tells its address as well as an answer would.
TEST_F(ResolutionTest, AQuestionFromTheNeighborResolvesIt) {
  send(kPeer4, "waits");
  host.sent();
  host.receive(arp_request(kOwn4));
  EXPECT_THAT(host.sent(), ElementsAre(carries("waits"), arp_reply_from(kOwn4, kOwnMac)));
}

// RFC 4861 section 7.2.2: the newest packets are the ones worth keeping.
TEST_F(ResolutionTest, TheOldestPacketGoesWhenTooManyWait) {
  for (int i = 0; i < 20; ++i) send(kPeer4, std::to_string(i));
  EXPECT_EQ(counters().held.value(), 16u);
  const std::vector<Host::Dropped> dropped = host.dropped();
  ASSERT_THAT(dropped, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(dropped[i].reason, Drop::kNeighborQueueFull);
    EXPECT_EQ(dropped[i].direction, Direction::kTx);
    EXPECT_EQ(text_of(Bytes{dropped[i].octets}.subspan(28)), std::to_string(i));
  }
  host.sent();
  host.receive(arp_reply());
  const std::vector<Frame> frames = host.sent();
  ASSERT_THAT(frames, SizeIs(16));
  EXPECT_THAT(frames.front(), carries("4"));
  EXPECT_THAT(frames.back(), carries("19"));
}

// ARP-008, ND-012: three questions, and then those who wait are told.
TEST_F(ResolutionTest, APacketToNobodyIsDroppedAfterThreeQuestionsAndItsSenderTold) {
  for (const IpAddress& to : {kPeer4, kPeer6}) {
    const SocketId socket = to.is_v4() ? socket4_ : socket6_;
    send(to, "anybody?");
    host.advance(seconds(4));
    EXPECT_THAT(host.sent(), SizeIs(3));
    EXPECT_EQ(host.only_dropped(), Drop::kNeighborFailed);
    EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
    EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EHOSTUNREACH");
    EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none") << "taken by asking";
    EXPECT_EQ(counters().held.value(), 0u);
  }
  EXPECT_EQ(counters().neighbor_failed.value(), 2u);
}

// A neighbour that just failed is an error of the call; once the hold is over it is asked again.
TEST_F(ResolutionTest, SendingToAFailedNeighborIsAnErrorUntilItIsAskedAgain) {
  for (const IpAddress& to : {kPeer4, kPeer6}) {
    send(to, "anybody?");
    host.advance(milliseconds(3100));
    host.sent();
    host.dropped();
    const SocketId socket = to.is_v4() ? socket4_ : socket6_;
    const SocketId fresh = bound(10, to.is_v6());
    for (const SocketId& each : {socket, fresh}) {
      EXPECT_EQ(error_of(host.stack->udp_send(each, {{to, 9}, {}, {}}, octets_of("now?"))),
                "EHOSTUNREACH");
    }
    EXPECT_THAT(host.sent(), IsEmpty());
    EXPECT_THAT(host.dropped(), IsEmpty());
    host.advance(seconds(4));
    send(to, "now?");
    EXPECT_THAT(host.sent(), SizeIs(1));
    host.receive(to.is_v4() ? arp_reply() : neighbor_advert(to));
    EXPECT_THAT(host.only_sent(), carries("now?"));
    host.stack->close(fresh);
  }
}

// ARP-007: whatever is sent to a dead host, one question a second.
TEST_F(ResolutionTest, AThousandPacketsToADeadHostAskOnceASecond) {
  std::size_t questions = 0;
  for (int i = 0; i < 1000; ++i) {
    static_cast<void>(host.stack->udp_send(socket4_, {{kPeer4, 9}, {}, {}}, {}));
    host.advance(milliseconds(1));
    questions += host.sent().size();
  }
  EXPECT_EQ(questions, 1u);
}

// ARP-008: a connection to a silent address fails, and nothing of it is left.
TEST_F(ResolutionTest, AConnectionToASilentNeighborEndsUnreachable) {
  for (const IpAddress& to : {kPeer4, kPeer6}) {
    const SocketId socket = connect(to);
    host.advance(seconds(4));
    EXPECT_EQ(event_names(host.events_of(socket)), "closed");
    EXPECT_EQ(error_of(host.stack->error(socket)), "EHOSTUNREACH");
    EXPECT_GE(host.drops(Drop::kNeighborFailed), 1u);
    host.stack->close(socket);
  }
  host.advance(seconds(10));
  host.expect_empty();
}

// The next SYN runs into the neighbour that failed, in the middle of transmission.
TEST_F(ResolutionTest, AConnectionToANeighborThatJustFailedEndsAtOnce) {
  send(kPeer4, "anybody?");
  host.advance(milliseconds(3100));
  const SocketId socket = connect(kPeer4);
  host.sent();
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "EHOSTUNREACH");
}

// ND-014, ND-016, ARP-006: an address that is not confirmed is probed by unicast, then sought.
TEST_F(ResolutionTest, AStaleNeighborIsProbedAtItsAddress) {
  Host::Options options;
  options.config.neighbor = NeighborConfig{};
  Host aging{options};
  aging.add_interface(eth0_config());
  const SocketId socket = aging.stack->udp_open({.local = {kOwn4, 9}, .remote = {}}).value();
  const auto say = [&](std::string_view text) {
    EXPECT_TRUE(aging.stack->udp_send(socket, {{kPeer4, 9}, {}, {}}, octets_of(text)));
  };
  say("first");
  aging.sent();
  aging.receive(arp_reply());
  aging.sent();
  aging.advance(seconds(50));
  say("later");
  EXPECT_THAT(aging.only_sent(), AllOf(link_to(kPeerMac), carries("later"))) << "sent meanwhile";
  aging.advance(milliseconds(5100));
  EXPECT_THAT(aging.only_sent(), AllOf(link_to(kPeerMac), arp_request_for(kPeer4)));
  aging.receive(arp_reply());
  aging.advance(seconds(5));
  EXPECT_THAT(aging.sent(), IsEmpty()) << "answered: no more probes";

  aging.advance(seconds(50));
  say("last");
  aging.advance(milliseconds(8500));
  const std::vector<Frame> frames = aging.sent();
  ASSERT_THAT(frames, SizeIs(5));
  for (int i : {1, 2, 3}) EXPECT_THAT(frames[static_cast<std::size_t>(i)], link_to(kPeerMac));
  EXPECT_THAT(frames[4], AllOf(link_to(MacAddress::broadcast()), arp_request_for(kPeer4)));
}

// IP4-045, and the route's change in the middle of a conversation.
TEST_F(ResolutionTest, ANewRouteIsTakenByTheNextPacket) {
  introduce(kRouter4, kRouterMac);
  introduce(kPeer4);
  send(kFar4, "by the router");
  EXPECT_THAT(host.only_sent(), link_to(kRouterMac));
  host.add_route("192.0.2.0/24", "10.0.0.9");
  send(kFar4, "by the peer");
  EXPECT_THAT(host.only_sent(), link_to(kPeerMac));
}

TEST_F(ResolutionTest, APacketWithoutARouteIsRefused) {
  Host alone;
  InterfaceConfig config = eth0_config();
  alone.add_interface(config);
  const SocketId socket =
      alone.stack->udp_open({.local = {IpAddress::v4(0), 9}, .remote = {}}).value();
  EXPECT_EQ(error_of(alone.stack->udp_send(socket, {{kFar4, 9}, {}, {}}, {})), "ENETUNREACH");
  TcpConnectOptions options;
  options.remote = {kFar4, 80};
  EXPECT_EQ(error_of(alone.stack->tcp_connect(options)), "ENETUNREACH");
}

// A neighbour cache full of unanswered questions refuses more of them, and loses nothing else.
TEST_F(ResolutionTest, AFullNeighborCacheDropsByName) {
  introduce(kPeer4);
  for (std::uint32_t i = 0; i < 40; ++i) {
    static_cast<void>(
        host.stack->udp_send(socket4_, {{IpAddress::v4(0x0a000064 + i), 9}, {}, {}}, {}));
  }
  EXPECT_EQ(host.drops(Drop::kNeighborCacheFull), 40u - 16u) << "a quarter of 64 may wait";
  host.sent();
  send(kPeer4, "known");
  EXPECT_THAT(host.only_sent(), carries("known"));
  host.advance(seconds(10));
  EXPECT_EQ(counters().held.value(), 0u);
}

// A packet that waits holds memory, and what waits for many dead hosts must not take the pool.
TEST(ResolutionMemory, WhatWaitsForDeadHostsLeavesRoomForOthers) {
  Host::Options options;
  options.config.limits.neighbors = 1024;
  options.packets = 512;
  Host host{options};
  host.add_interface(eth0_config());
  // Replies to spoofed sources of our own link: each waits for a host that is not there.
  for (int round = 0; round < 16; ++round) {
    for (std::uint32_t i = 0; i < 200; ++i) {
      host.receive(echo_request(IpAddress::v4(0x0a000014 + i), kOwn4, {}));
    }
    host.sent();
  }
  EXPECT_GT(host.pool().available(), host.pool().capacity() / 16);
  EXPECT_GT(host.drops(Drop::kNeighborQueueFull), 0u);
  host.receive(arp_request(kOwn4));
  EXPECT_THAT(host.only_sent(), arp_reply_from(kOwn4, kOwnMac));
  host.advance(seconds(10));
  host.sent();
  host.expect_empty();
}

// A packet that no neighbour's failure can name a socket for is dropped all the same.
TEST_F(ResolutionTest, WhatNoSocketSentIsDroppedQuietly) {
  host.receive(echo_request(IpAddress::v4(10, 0, 0, 77), kOwn4, {}));
  EXPECT_THAT(host.only_sent(), arp_request_for(IpAddress::v4(10, 0, 0, 77)));
  host.advance(seconds(4));
  EXPECT_EQ(host.only_dropped(), Drop::kNeighborFailed);
  EXPECT_THAT(host.events(), IsEmpty());
}

}  // namespace
}  // namespace smol
