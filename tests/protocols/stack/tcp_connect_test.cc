// Opening connections: RFC 9293 section 3.10.1, RFC 6056.
#include <algorithm>
#include <set>

#include "tests/protocols/stack/tcp_peer.hh"
#include "tests/support/scale.hh"

namespace smol {
namespace {

class TcpConnectTest : public TcpTest {
 protected:
  static TcpConnectOptions to(const IpEndpoint& remote) {
    TcpConnectOptions options;
    options.remote = remote;
    return options;
  }
  std::string connect_error(const TcpConnectOptions& options) {
    return error_of(host.stack->tcp_connect(options));
  }
  SocketId connect(const TcpConnectOptions& options) {
    const Result<SocketId, Error> socket = host.stack->tcp_connect(options);
    EXPECT_EQ(error_of(socket), "none");
    return socket.value_or(SocketId{});
  }
  std::uint16_t port_of(SocketId socket) { return host.stack->local_endpoint(socket)->port; }
};

TEST_F(TcpConnectTest, ConnectsAndTellsItsOwner) {
  TcpConnectOptions options = to({kPeer4, 80});
  options.owner = 5;
  options.user_data = 55;
  const SocketId socket = connect(options);
  EXPECT_EQ(state(socket), tcp::State::kSynSent);
  TcpPeer peer{host, {kPeer4, 80}, host.stack->local_endpoint(socket).value()};
  peer.accept();
  const std::vector<SocketEvent> events = host.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].socket, socket);
  EXPECT_EQ(event_names(events[0].events), "writable|connected");
  EXPECT_EQ(events[0].owner, 5);
  EXPECT_EQ(events[0].user_data, 55u);
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  EXPECT_EQ(counters().tcp_active_opens.value(), 1u);
  EXPECT_EQ(counters().tcp_curr_estab.value(), 1u);
}

// TCP-026, TCP-176.
TEST_F(TcpConnectTest, RefusesWhatCannotBeConnectedTo) {
  EXPECT_EQ(connect_error(to({kPeer4, 0})), "EINVAL");
  EXPECT_EQ(connect_error(to({IpAddress::v4(0), 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({IpAddress{}, 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({IpAddress::v4(224, 0, 0, 1), 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({kAllNodes6, 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({IpAddress::v4(0xffff'ffff), 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({IpAddress::v4(10, 0, 0, 255), 80})), "EINVAL");
  EXPECT_EQ(connect_error(to({kOwn4, 80})), "ENETUNREACH") << "ourselves";
  TcpConnectOptions options = to({kPeer4, 80});
  options.socket.send_buffer = 1;
  EXPECT_EQ(connect_error(options), "EINVAL");
  options = to({kPeer4, 80});
  options.local = IpEndpoint{kOwn6, 0};
  EXPECT_EQ(connect_error(options), "EINVAL") << "a source of the other family";
  options.local = IpEndpoint{IpAddress::v4(10, 0, 0, 2), 0};
  EXPECT_EQ(connect_error(options), "EADDRNOTAVAIL");
  options = to({kPeer4, 80});
  options.interface = 3;
  EXPECT_EQ(connect_error(options), "ENETUNREACH");
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

// IP6-005.
TEST_F(TcpConnectTest, ALinkLocalPeerNeedsAnInterfaceWhereThereAreTwo) {
  EXPECT_EQ(connect_error(to({kPeerLink6, 80})), "none");
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 2), 64}};
  const InterfaceId eth1 = host.add_interface(second);
  host.sent();
  EXPECT_EQ(connect_error(to({kPeerLink6, 81})), "EINVAL");
  TcpConnectOptions options = to({kPeerLink6, 81});
  options.interface = eth1;
  EXPECT_EQ(connect_error(options), "none");
  options.interface = 3;
  EXPECT_EQ(connect_error(options), "ENODEV");
}

// TCP-023, TCP-024, TCP-025.
TEST_F(TcpConnectTest, TheSourceIsTheOneAskedForElseTheRoutes) {
  const SocketId any = connect(to({kFar4, 80}));
  EXPECT_EQ(host.stack->local_endpoint(any)->address, kOwn4);
  EXPECT_THAT(host.only_sent(), AllOf(ip_from(kOwn4), link_to(kRouterMac)));
  const SocketId v6 = connect(to({kPeerLink6, 80}));
  EXPECT_EQ(host.stack->local_endpoint(v6)->address, kOwnLink6);
  TcpConnectOptions options = to({kPeer6, 80});
  options.local = IpEndpoint{kOwnLink6, 4000};
  const SocketId bound = connect(options);
  EXPECT_EQ(host.stack->local_endpoint(bound).value(), (IpEndpoint{kOwnLink6, 4000}));
}

// TCP-129, TCP-134, TCP-046, TCP-053: what the SYN says.
TEST_F(TcpConnectTest, TheSynCarriesTheSocketsOptions) {
  TcpConnectOptions options = to({kPeer4, 80});
  options.socket.dscp = 10;
  options.socket.hop_limit = 33;
  connect(options);
  const Frame syn = host.only_sent();
  EXPECT_THAT(syn, AllOf(tcp_is("S"), dscp_is(10), hop_limit_is(33)));
  EXPECT_EQ(syn.tcp->options.mss, 1460);
  connect(to({kPeer6, 80}));
  const Frame syn6 = host.only_sent();
  EXPECT_EQ(syn6.tcp->options.mss, 1440);
  EXPECT_NE(syn6.flow_label, 0u);
}

// TCP-158, TCP-032.
TEST_F(TcpConnectTest, ARefusedConnectionSaysSo) {
  const SocketId socket = connect(to({kPeer4, 80}));
  TcpPeer peer{host, {kPeer4, 80}, host.stack->local_endpoint(socket).value()};
  peer.take_one();
  peer.send("R.");
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNREFUSED");
  EXPECT_EQ(counters().tcp_attempt_fails.value(), 1u);
  host.stack->close(socket);
  host.expect_empty();
}

// TCP-076.
TEST_F(TcpConnectTest, AnUnansweredConnectionEndsInATimeout) {
  const SocketId socket = connect(to({kPeer4, 80}));
  host.advance(seconds(179));
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error") << "trouble is told";
  host.advance(seconds(70));
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  EXPECT_GE(host.sent().size(), 6u);
  EXPECT_EQ(counters().tcp_abort_on_timeout.value(), 1u);
  host.stack->close(socket);
  host.expect_empty();
}

TEST_F(TcpConnectTest, DataWrittenBeforeTheAnswerLeavesWithIt) {
  const SocketId socket = connect(to({kPeer4, 80}));
  EXPECT_EQ(write(socket, "early"), 5u);
  TcpPeer peer{host, {kPeer4, 80}, host.stack->local_endpoint(socket).value()};
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("S"), carries("")));
  peer.send("S.");
  EXPECT_EQ(peer.take_text(), "early");
}

TEST_F(TcpConnectTest, ClosingWhileConnectingLeavesNothing) {
  const SocketId socket = connect(to({kPeer4, 80}));
  write(socket, "never sent");
  host.sent();
  host.stack->close(socket);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_THAT(host.events(), IsEmpty());
  EXPECT_EQ(error_of(host.stack->error(socket)), "EBADF");
  host.expect_empty();
}

TEST_F(TcpConnectTest, AbortingWhileConnectingSaysNothing) {
  const SocketId socket = connect(to({kPeer4, 80}));
  host.sent();
  host.stack->abort(socket);
  EXPECT_THAT(host.sent(), IsEmpty()) << "the peer knows of no connection";
  host.expect_empty();
}

TEST_F(TcpConnectTest, ShuttingDownWhileConnectingTakesEffectOnceConnected) {
  const SocketId socket = connect(to({kPeer4, 80}));
  write(socket, "all");
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  EXPECT_EQ(error_of(host.stack->write(socket, octets_of("more"))), "EPIPE");
  TcpPeer peer{host, {kPeer4, 80}, host.stack->local_endpoint(socket).value()};
  peer.take_one();
  peer.send("S.");
  const std::vector<Frame> frames = peer.take();
  ASSERT_FALSE(frames.empty());
  EXPECT_THAT(frames.back(), AllOf(tcp_is("FP."), carries("all")));
}

// TCP-019.
TEST_F(TcpConnectTest, SimultaneousOpenMakesOneConnection) {
  const SocketId socket = connect(to({kPeer4, 80}));
  TcpPeer peer{host, {kPeer4, 80}, host.stack->local_endpoint(socket).value()};
  peer.take_one();
  peer.send("S");
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("S."), tcp_ack(peer.snd_nxt)));
  peer.send(".");
  EXPECT_EQ(event_names(host.events_of(socket)), "writable|connected");
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
}

// --- ports ---------------------------------------------------------------------------------------

TEST_F(TcpConnectTest, APortInUseTowardsAPeerIsRefused) {
  TcpConnectOptions options = to({kPeer4, 80});
  options.local = IpEndpoint{IpAddress::v4(0), 4000};
  connect(options);
  EXPECT_EQ(connect_error(options), "EADDRINUSE");
  options.remote.port = 81;
  EXPECT_EQ(connect_error(options), "none") << "another peer is another connection";
}

// TCP-187, UDP-012: RFC 6056 algorithm 3: ports of one destination follow each other, and say
// nothing of where those of another begin.
TEST_F(TcpConnectTest, EphemeralPortsBeginElsewhereForEachDestination) {
  std::vector<std::uint16_t> starts;
  for (std::uint16_t port = 1; port <= 40; ++port) {
    const SocketId socket = connect(to({kPeer4, port}));
    starts.push_back(port_of(socket));
    EXPECT_GE(starts.back(), 32'768);
    EXPECT_LE(starts.back(), 60'999);
    host.stack->abort(socket);
  }
  std::sort(starts.begin(), starts.end());
  int neighbors = 0;
  for (std::size_t i = 1; i < starts.size(); ++i) neighbors += starts[i] - starts[i - 1] < 16;
  EXPECT_LT(neighbors, 8) << "the ports of different destinations lie together";
}

TEST_F(TcpConnectTest, ThePortsOfTwoStacksAreUnrelated) {
  Host::Options options;
  options.secrets.isn = Secret{99, 98};
  Host other{options};
  other.add_interface(eth0_config());
  int equal = 0;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    const SocketId here = connect(to({kPeer4, port}));
    const SocketId there = other.stack->tcp_connect(to({kPeer4, port})).value();
    equal += port_of(here) == other.stack->local_endpoint(there)->port;
  }
  EXPECT_LT(equal, 3);
}

TEST(TcpPorts, ARangeIsUsedUpToTheLastPortForEachDestination) {
  Host::Options options;
  options.config.first_ephemeral_port = 40'000;
  options.config.last_ephemeral_port = 40'015;
  Host host{options};
  host.add_interface(eth0_config());
  for (const std::uint16_t server : std::vector<std::uint16_t>{80, 81}) {
    std::set<std::uint16_t> ports;
    TcpConnectOptions connect;
    connect.remote = {kPeer4, server};
    std::vector<SocketId> sockets;
    for (int i = 0; i < 16; ++i) {
      sockets.push_back(host.stack->tcp_connect(connect).value());
      ports.insert(host.stack->local_endpoint(sockets.back())->port);
    }
    EXPECT_EQ(ports.size(), 16u);
    EXPECT_EQ(*ports.begin(), 40'000);
    EXPECT_EQ(*ports.rbegin(), 40'015);
    EXPECT_EQ(error_of(host.stack->tcp_connect(connect)), "EADDRNOTAVAIL");
    host.stack->abort(sockets[7]);
    EXPECT_EQ(error_of(host.stack->tcp_connect(connect)), "none");
  }
}

// TCP-187: from another address of ours each port is free once more.
TEST(TcpPorts, EachAddressOfOursHasAllOfThem) {
  Host::Options options;
  options.config.first_ephemeral_port = 40'000;
  options.config.last_ephemeral_port = 40'003;
  Host host{options};
  InterfaceConfig interface = eth0_config();
  const IpAddress second = IpAddress::v4(10, 0, 0, 2);
  interface.addresses.push_back(IpPrefix{second, 24});
  host.add_interface(interface);
  for (const IpAddress& address : {kOwn4, second}) {
    TcpConnectOptions connect;
    connect.remote = {kPeer4, 80};
    connect.local = IpEndpoint{address, 0};
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 4; ++i) {
      const SocketId socket = host.stack->tcp_connect(connect).value();
      EXPECT_EQ(host.stack->local_endpoint(socket)->address, address);
      ports.insert(host.stack->local_endpoint(socket)->port);
    }
    EXPECT_EQ(ports.size(), 4u);
    EXPECT_EQ(error_of(host.stack->tcp_connect(connect)), "EADDRNOTAVAIL");
  }
}

// TCP-187
TEST(TcpPorts, ThereAreMoreConnectionsThanPortsToTwoServers) {
  const std::uint32_t each = scaled(35'000);
  Host::Options options;
  options.config.limits.connections = 2 * each;
  options.config.limits.sent_runs = 16;
  options.config.first_ephemeral_port = 1024;
  options.config.last_ephemeral_port = 65'535;
  Host host{options};
  host.add_interface(eth0_config());
  host.alive = {{kPeer4, kPeerMac}};
  host.show_frames = false;
  std::vector<bool> taken(65'536);
  std::uint32_t shared = 0;
  for (const std::uint16_t server : std::vector<std::uint16_t>{80, 81}) {
    std::vector<bool> here(65'536);
    TcpConnectOptions connect;
    connect.remote = {kPeer4, server};
    for (std::uint32_t i = 0; i < each; ++i) {
      const Result<SocketId, Error> socket = host.stack->tcp_connect(connect);
      ASSERT_EQ(error_of(socket), "none") << i;
      const std::uint16_t port = host.stack->local_endpoint(*socket)->port;
      EXPECT_FALSE(here[port]);
      shared += taken[port] ? 1 : 0;
      here[port] = true;
      if (i % 64 == 0) host.sent();
    }
    taken = here;
  }
  if (scaled(64) == 64) {
    EXPECT_GE(shared, 2 * each - 64'512) << "a port serves both";
  }
  EXPECT_EQ(host.stack->tcp().connections(), 2 * each);
}

}  // namespace
}  // namespace smol
