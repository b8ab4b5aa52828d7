// ICMP sockets: echo requests out, replies and errors in. RFC 792, RFC 4443.
#include <set>

#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

constexpr std::uint16_t kIdent = 0x1234;

class IcmpSocketTest : public StackTest {
 protected:
  explicit IcmpSocketTest(const Host::Options& options = {}) : StackTest{options} {
    introduce_all();
  }

  static IcmpOptions of(const IpAddress& local, std::uint16_t identifier = kIdent) {
    IcmpOptions options;
    options.local = local;
    options.identifier = identifier;
    return options;
  }
  static IcmpOptions any(bool v4, std::uint16_t identifier = kIdent) {
    return of(IpAddress::any(v4 ? IpFamily::kIp4 : IpFamily::kIp6), identifier);
  }
  SocketId opened(const IcmpOptions& options) { return host.stack->icmp_open(options).value(); }
  std::string open_error(const IcmpOptions& options) {
    return error_of(host.stack->icmp_open(options));
  }
  std::string ping(SocketId socket, const IpAddress& remote, std::uint16_t sequence,
                   const Octets& payload = {}) {
    return error_of(host.stack->icmp_send_echo(socket, {remote, {}, {}, {}}, sequence, payload));
  }
  static Octets reply(const IpAddress& from, const IpAddress& to, std::uint16_t identifier,
                      std::uint16_t sequence, const Octets& payload, const IpFields& ip = {}) {
    const bool v4 = from.is_v4();
    const auto rest = static_cast<std::uint32_t>(identifier) << 16 | sequence;
    return ip_frame(ip_packet(from, to, v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6,
                              icmp_message(from, to, v4 ? 0 : 129, 0, rest, payload), ip));
  }
  /// What a router says of a packet of ours, as much of it as it must quote.
  static Octets error(const Frame& about, const IpAddress& from, std::uint8_t type,
                      std::uint8_t code, std::uint32_t rest = 0) {
    const bool v4 = from.is_v4();
    const Bytes packet = about.ip_octets().first(v4 ? 28 : 48);
    return ip_frame(ip_packet(
        from, about.source, v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6,
        icmp_message(from, about.source, type, code, rest, Octets{packet.begin(), packet.end()})));
  }
  std::optional<IcmpMessage> front(SocketId socket) { return host.stack->icmp_front(socket); }
};

TEST_F(IcmpSocketTest, SendsEchoRequestsOfBothFamilies) {
  for (const bool v4 : {true, false}) {
    IcmpOptions options = any(v4);
    options.hop_limit = 7;
    options.dscp = 46;
    const SocketId socket = opened(options);
    for (const std::size_t size : {0u, 1u, 56u, 1000u}) {
      ASSERT_EQ(ping(socket, v4 ? kPeer4 : kPeer6, 0xabcd, pattern(size)), "none");
      EXPECT_THAT(host.only_sent(),
                  AllOf(icmp_is(v4 ? 8 : 128, 0), icmp_rest(0x1234abcd), carries(pattern(size)),
                        ip_from(v4 ? kOwn4 : kOwn6), ip_to(v4 ? kPeer4 : kPeer6), hop_limit_is(7),
                        dscp_is(46), link_to(kPeerMac)));
    }
    EXPECT_EQ(host.stack->local_endpoint(socket).value().port, kIdent);
  }
  EXPECT_EQ(counters().icmp_out_echos.value(), 8u);
}

// What traceroute needs: each request with a hop limit of its own.
TEST_F(IcmpSocketTest, OneRequestMayHaveAHopLimitOfItsOwn) {
  const SocketId socket = opened(any(true));
  ASSERT_TRUE(host.stack->icmp_send_echo(socket, {kFar4, {}, {}, 3}, 1, {}));
  EXPECT_THAT(host.only_sent(), hop_limit_is(3));
  EXPECT_EQ(ping(socket, kFar4, 2), "none");
  EXPECT_THAT(host.only_sent(), hop_limit_is(64));
}

TEST_F(IcmpSocketTest, ReceivesTheRepliesToItsIdentifier) {
  for (const bool v4 : {true, false}) {
    const IpAddress peer = v4 ? kPeer4 : kPeer6;
    IcmpOptions options = any(v4);
    options.owner = 3;
    options.user_data = 77;
    const SocketId socket = opened(options);
    host.receive(reply(peer, v4 ? kOwn4 : kOwn6, kIdent, 9, pattern(56), {33, 8}));
    EXPECT_LE(host.stack->next_deadline(), host.now()) << "an event waits to be told";
    const std::vector<SocketEvent> events = host.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].socket, socket);
    EXPECT_EQ(event_names(events[0].events), "readable");
    EXPECT_EQ(events[0].owner, 3);
    EXPECT_EQ(events[0].user_data, 77u);
    const std::optional<IcmpMessage> message = front(socket);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, IcmpMessage::Kind::kEchoReply);
    EXPECT_FALSE(message->error);
    EXPECT_EQ(message->source, peer);
    EXPECT_EQ(message->remote, peer);
    EXPECT_EQ(message->destination, v4 ? kOwn4 : kOwn6);
    EXPECT_EQ(message->identifier, kIdent);
    EXPECT_EQ(message->sequence, 9);
    EXPECT_EQ(message->hop_limit, 33);
    EXPECT_EQ(message->dscp, 8);
    EXPECT_EQ(message->at, host.now());
    EXPECT_EQ((Octets{message->payload.begin(), message->payload.end()}), pattern(56));
    host.stack->icmp_pop(socket);
    EXPECT_FALSE(front(socket));
  }
  EXPECT_EQ(counters().icmp_in_echo_reps.value(), 2u);
}

TEST_F(IcmpSocketTest, RepliesToNobodysRequestAreDropped) {
  const auto expect_nobody = [&](const Octets& octets, const char* fact) {
    host.receive(octets);
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpNobodyAsked) << fact;
  };
  const IpAddress second = IpAddress::v4(10, 0, 0, 2);
  ASSERT_TRUE(host.stack->add_address(0, IpPrefix{second, 24}));
  const SocketId wild = opened(any(true));
  expect_nobody(reply(kPeer4, kOwn4, kIdent + 1, 1, {}), "another identifier");
  expect_nobody(reply(kPeer6, kOwn6, kIdent, 1, {}), "the other family");
  Octets to_all = reply(kPeer4, IpAddress::v4(10, 0, 0, 255), kIdent, 1, {});
  copy_bytes(to_all, MacAddress::broadcast().octets);
  expect_nobody(to_all, "not to us alone");
  host.stack->close(wild);
  expect_nobody(reply(kPeer4, kOwn4, kIdent, 1, {}), "too late");
  opened(of(kOwn4));
  expect_nobody(reply(kPeer4, second, kIdent, 1, {}), "another address");
  EXPECT_THAT(host.events(), IsEmpty());
}

// --- opening -------------------------------------------------------------------------------------

TEST_F(IcmpSocketTest, AnIdentifierBelongsToOneSocketOfAFamily) {
  const SocketId first = opened(any(true));
  EXPECT_EQ(open_error(any(true)), "EADDRINUSE");
  EXPECT_EQ(open_error(of(kOwn4)), "EADDRINUSE");
  EXPECT_EQ(open_error(any(false)), "none") << "the other family's is another";
  host.stack->close(first);
  EXPECT_EQ(open_error(any(true)), "none");
}

TEST_F(IcmpSocketTest, FindsAFreeIdentifier) {
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 8; ++i) {
    const SocketId socket = opened(any(true, 0));
    const std::uint16_t identifier = host.stack->local_endpoint(socket).value().port;
    EXPECT_NE(identifier, 0);
    EXPECT_TRUE(seen.insert(identifier).second);
  }
}

TEST_F(IcmpSocketTest, RefusesOptionsThatCannotBe) {
  IcmpOptions options = any(true);
  options.hop_limit = 0;
  EXPECT_EQ(open_error(options), "EINVAL");
  options = any(true);
  options.dscp = 64;
  EXPECT_EQ(open_error(options), "EINVAL");
  options = any(true);
  options.receive_messages = 0;
  EXPECT_EQ(open_error(options), "EINVAL");
  EXPECT_EQ(open_error(of(kPeer4)), "EADDRNOTAVAIL");
}

TEST(IcmpSocketLimits, SocketsAreAsManyAsConfigured) {
  Host::Options options;
  options.config.limits.icmp_sockets = 2;
  Host host{options};
  host.add_interface(eth0_config());
  const auto open = [&] { return host.stack->icmp_open({IpAddress::v4(0), 0, 1, 64, 0, 0, 0}); };
  const SocketId first = open().value();
  EXPECT_EQ(error_of(open()), "none");
  EXPECT_EQ(error_of(open()), "ENOBUFS");
  host.stack->close(first);
  EXPECT_EQ(error_of(open()), "none");
}

TEST_F(IcmpSocketTest, CallsOnWhatIsGoneMiss) {
  const SocketId socket = opened(any(true));
  host.receive(reply(kPeer4, kOwn4, kIdent, 1, {}));
  host.stack->close(socket);
  EXPECT_EQ(ping(socket, kPeer4, 1), "EBADF");
  EXPECT_FALSE(front(socket));
  host.stack->icmp_pop(socket);
  EXPECT_EQ(error_of(host.stack->local_endpoint(socket)), "EBADF");
  EXPECT_EQ(error_of(host.stack->remote_endpoint(socket)), "EBADF");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EBADF");
  EXPECT_THAT(host.events(), IsEmpty());
  const SocketId udp = bound(53);
  EXPECT_EQ(ping(udp, kPeer4, 1), "EBADF") << "of another kind";
}

// --- sending -------------------------------------------------------------------------------------

TEST_F(IcmpSocketTest, SendingNamesWhatIsWrong) {
  const SocketId socket = opened(any(true));
  EXPECT_EQ(ping(socket, IpAddress::v4(0), 1), "EINVAL");
  EXPECT_EQ(ping(socket, kPeer6, 1), "EINVAL") << "the other family";
  EXPECT_EQ(ping(socket, kOwn4, 1), "ENETUNREACH");
  EXPECT_EQ(ping(socket, kPeer4, 1, pattern(1473)), "EMSGSIZE");
  EXPECT_EQ(ping(socket, kPeer4, 1, pattern(1472)), "none");
  EXPECT_EQ(error_of(host.stack->icmp_send_echo(socket, {kPeer4, {}, {}, 0}, 1, {})), "EINVAL");
  EXPECT_EQ(error_of(host.stack->icmp_send_echo(socket, {kPeer4, kPeer4, {}, {}}, 1, {})),
            "EADDRNOTAVAIL");
  const SocketId socket6 = opened(any(false));
  EXPECT_EQ(ping(socket6, kPeer6, 1, pattern(1453)), "EMSGSIZE");
  EXPECT_EQ(ping(socket6, kPeer6, 1, pattern(1452)), "none");
}

// --- what is too much
// ------------------------------------------------------------------------------

TEST_F(IcmpSocketTest, AFullQueueDropsWhatArrives) {
  IcmpOptions options = any(true);
  options.receive_messages = 2;
  const SocketId socket = opened(options);
  for (std::uint16_t i = 0; i < 5; ++i) host.receive(reply(kPeer4, kOwn4, kIdent, i, {}));
  EXPECT_EQ(counters().icmp_rcvbuf_errors.value(), 3u);
  EXPECT_EQ(host.stack->socket_info(socket).value().dropped, 3u);
  for (std::uint16_t i = 0; i < 2; ++i) {
    EXPECT_EQ(front(socket)->sequence, i);
    host.stack->icmp_pop(socket);
  }
  EXPECT_FALSE(front(socket));
  host.receive(reply(kPeer4, kOwn4, kIdent, 9, {}));
  EXPECT_EQ(front(socket)->sequence, 9);
}

TEST_F(IcmpSocketTest, UnreadSocketsLeavePacketsForOthers) {
  std::vector<SocketId> sockets;
  for (std::uint16_t i = 1; i <= 8; ++i) sockets.push_back(opened(any(true, i)));
  for (int round = 0; round < 100; ++round) {
    for (std::uint16_t i = 1; i <= 8; ++i) host.receive(reply(kPeer4, kOwn4, i, 0, {}));
  }
  EXPECT_GT(host.pool().available(), host.pool().capacity() / 8);
  EXPECT_GT(counters().icmp_rcvbuf_errors.value(), 0u);
  for (const SocketId socket : sockets) host.stack->close(socket);
  EXPECT_EQ(host.pool().available(), host.pool().capacity());
}

// A reply in two buffers is lent in one piece.
TEST_F(IcmpSocketTest, AReplyInTwoBuffersIsPutTogether) {
  const SocketId socket = opened(any(true));
  const Octets octets = reply(kPeer4, kOwn4, kIdent, 1, pattern(1400));
  MemPacket packet = host.packet(Octets{octets.begin(), octets.begin() + 700});
  packet.chain(host.packet(Octets{octets.begin() + 700, octets.end()}));
  host.receive(std::move(packet));
  ASSERT_TRUE(front(socket));
  const Bytes payload = front(socket)->payload;
  EXPECT_EQ((Octets{payload.begin(), payload.end()}), pattern(1400));
}

// --- errors
// ----------------------------------------------------------------------------------------

struct ErrorRow {
  bool v4;
  std::uint8_t type;
  std::uint8_t code;
  std::uint32_t rest;
  const char* meaning;
};

// IC4-011, IC6-009: who says what of which request.
TEST_F(IcmpSocketTest, ErrorsAboutItsRequestsStandInItsQueue) {
  const SocketId socket4 = opened(any(true));
  const SocketId socket6 = opened(any(false));
  const ErrorRow rows[] = {
      {true, 11, 0, 0, "EHOSTUNREACH"}, {true, 3, 0, 0, "ENETUNREACH"},
      {true, 3, 1, 0, "EHOSTUNREACH"},  {true, 3, 4, 1400, "EMSGSIZE"},
      {false, 3, 0, 0, "EHOSTUNREACH"}, {false, 1, 0, 0, "ENETUNREACH"},
      {false, 2, 0, 1280, "EMSGSIZE"},  {false, 1, 3, 0, "EHOSTUNREACH"},
  };
  std::uint16_t sequence = 100;
  for (const ErrorRow& row : rows) {
    const SocketId socket = row.v4 ? socket4 : socket6;
    const IpAddress router = row.v4 ? kRouter4 : kRouter6;
    const IpAddress far = row.v4 ? kFar4 : kFar6;
    ASSERT_EQ(ping(socket, far, ++sequence, pattern(20)), "none");
    const Octets octets = error(host.only_sent(), router, row.type, row.code, row.rest);
    host.receive(octets);
    EXPECT_EQ(event_names(host.events_of(socket)), "readable");
    const std::optional<IcmpMessage> message = front(socket);
    ASSERT_TRUE(message) << row.meaning;
    EXPECT_EQ(message->kind, IcmpMessage::Kind::kError);
    EXPECT_EQ(error_of(message->error), row.meaning);
    EXPECT_EQ(message->source, router);
    EXPECT_EQ(message->remote, far);
    EXPECT_EQ(message->identifier, kIdent);
    EXPECT_EQ(message->sequence, sequence);
    EXPECT_EQ(message->type, row.type);
    EXPECT_EQ(message->code, row.code);
    EXPECT_EQ(message->rest, row.rest);
    host.stack->icmp_pop(socket);
  }
  EXPECT_EQ(counters().icmp_in_errors.value(), std::size(rows));
}

TEST_F(IcmpSocketTest, ErrorsAboutNobodysRequestAreUnmatched) {
  const SocketId socket = opened(any(true));
  ASSERT_EQ(ping(socket, kFar4, 1), "none");
  const Frame sent = host.only_sent();
  host.stack->close(socket);
  host.receive(error(sent, kRouter4, 11, 0));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  // Of an address that the socket does not speak from.
  ASSERT_TRUE(host.stack->add_address(0, IpPrefix{IpAddress::v4(10, 0, 0, 2), 24}));
  opened(of(IpAddress::v4(10, 0, 0, 2)));
  host.receive(error(sent, kRouter4, 11, 0));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  EXPECT_EQ(counters().icmp_in_errors.value(), 0u);
}

// A neighbour that is not there: nobody else could say so.
TEST_F(IcmpSocketTest, AHostThatIsNotThereIsReportedByOurselves) {
  for (const bool v4 : {true, false}) {
    const SocketId socket = opened(any(v4));
    const IpAddress dead =
        v4 ? IpAddress::v4(10, 0, 0, 66) : IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 0x66);
    ASSERT_EQ(ping(socket, dead, 5, pattern(30)), "none");
    host.advance(milliseconds(3500));
    EXPECT_EQ(event_names(host.events_of(socket)), "readable");
    const std::optional<IcmpMessage> message = front(socket);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, IcmpMessage::Kind::kError);
    EXPECT_EQ(error_of(message->error), "EHOSTUNREACH");
    EXPECT_EQ(message->source, v4 ? kOwn4 : kOwn6) << "we say so";
    EXPECT_EQ(message->remote, dead);
    EXPECT_EQ(message->sequence, 5);
    host.stack->icmp_pop(socket);
    EXPECT_EQ(ping(socket, dead, 6), "EHOSTUNREACH") << "it has just failed";
  }
  EXPECT_EQ(counters().held.value(), 0u);
}

// The queue is as good as its bound against a flood of errors, too.
TEST_F(IcmpSocketTest, AFullQueueDropsErrors) {
  IcmpOptions options = any(true);
  options.receive_messages = 1;
  const SocketId socket = opened(options);
  ASSERT_EQ(ping(socket, kFar4, 1), "none");
  const Octets octets = error(host.only_sent(), kRouter4, 11, 0);
  for (int i = 0; i < 10; ++i) host.receive(octets);
  EXPECT_EQ(counters().icmp_rcvbuf_errors.value(), 9u);
  for (int i = 0; i < 3; ++i) ping(socket, IpAddress::v4(10, 0, 0, 66), 1);
  host.advance(seconds(4));
  host.dropped();
  EXPECT_EQ(counters().icmp_rcvbuf_errors.value(), 12u);
}

}  // namespace
}  // namespace smol
