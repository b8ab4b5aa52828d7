// What a stack tells of itself, in slices, while it changes.
#include <map>
#include <set>

#include "protocols/base/random.hh"
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

/// All of a listing, taken `size` entries at a time, with `between` called after each slice.
template <class Entry, class From, class Between>
std::vector<Entry> listed(From&& from, std::size_t size, Between&& between) {
  std::vector<Entry> out;
  std::vector<Entry> room(size);
  Cursor at;
  while (!at.done()) {
    const Slice slice = from(at, std::span<Entry>{room});
    EXPECT_LE(slice.count, size);
    EXPECT_FALSE(slice.next == at) << "a listing that never ends";
    out.insert(out.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(slice.count));
    at = slice.next;
    between();
  }
  return out;
}

class ListingTest : public TcpTest {
 protected:
  explicit ListingTest(const Host::Options& options = {}) : TcpTest{options} {}

  Stack<MemPacket>& stack() { return *host.stack; }
  template <class Between>
  std::vector<SocketInfo> sockets(std::size_t size, Between&& between) {
    return listed<SocketInfo>(
        [&](Cursor at, std::span<SocketInfo> out) { return stack().sockets_from(at, out); }, size,
        between);
  }
  std::vector<SocketInfo> sockets(std::size_t size = 3) {
    return sockets(size, [] {});
  }
  SocketInfo info(SocketId socket) { return stack().socket_info(socket).value(); }
  /// The one socket in this state.
  SocketInfo in_state(tcp::State state) {
    SocketInfo out;
    int found = 0;
    for (const SocketInfo& socket : sockets()) {
      if (socket.kind == SocketKind::kUdp || socket.state != state) continue;
      out = socket;
      ++found;
    }
    EXPECT_EQ(found, 1) << name(state);
    return out;
  }
};

// --- sockets
// ---------------------------------------------------------------------------------------

TEST_F(ListingTest, AListenerShowsItsQueues) {
  TcpListenOptions options;
  options.local = {IpAddress::v4(0), 80};
  options.backlog = 5;
  options.syn_backlog = 6;
  options.owner = 7;
  options.user_data = 8;
  const SocketId listener = stack().tcp_listen(options).value();
  client(5000).connect();
  TcpPeer half = client(5001);
  half.send("S");
  const SocketInfo shown = info(listener);
  EXPECT_EQ(shown.id, listener);
  EXPECT_EQ(shown.kind, SocketKind::kTcpListener);
  EXPECT_EQ(shown.state, tcp::State::kListen);
  EXPECT_EQ(shown.local, options.local);
  EXPECT_FALSE(shown.remote);
  EXPECT_EQ(shown.receive_queue, 1u) << "to be accepted";
  EXPECT_EQ(shown.send_queue, 5u) << "its backlog";
  EXPECT_EQ(shown.half_open, 1u);
  EXPECT_EQ(shown.syn_backlog, 6u);
  EXPECT_TRUE(shown.owned);
  EXPECT_EQ(shown.owner, 7);
  EXPECT_EQ(shown.user_data, 8u);

  const SocketInfo syn_received = in_state(tcp::State::kSynReceived);
  EXPECT_EQ(syn_received.remote, half.own);
  EXPECT_FALSE(syn_received.owned);
  const SocketInfo waiting = in_state(tcp::State::kEstablished);
  EXPECT_FALSE(waiting.owned) << "nobody has accepted it";
  EXPECT_EQ(error_of(stack().tcp_info(waiting.id)), "EBADF");
  EXPECT_EQ(stack().connection_info(waiting.id).value().state, tcp::State::kEstablished);
}

TEST_F(ListingTest, AConnectionShowsItsEndsAndQueues) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  stack().set_user_data(socket, 99);
  write(socket, pattern(300));
  peer.send("P.", "unread");
  const SocketInfo shown = info(socket);
  EXPECT_EQ(shown.id, socket);
  EXPECT_EQ(shown.kind, SocketKind::kTcp);
  EXPECT_EQ(shown.state, tcp::State::kEstablished);
  EXPECT_EQ(shown.local, peer.theirs);
  EXPECT_EQ(shown.remote, peer.own);
  EXPECT_FALSE(shown.interface);
  EXPECT_EQ(shown.receive_queue, 6u);
  EXPECT_EQ(shown.send_queue, 300u);
  EXPECT_TRUE(shown.owned);
  EXPECT_EQ(shown.user_data, 99u);
  peer.send("R.");
  EXPECT_EQ(info(socket).state, tcp::State::kClosed) << "its owner has not closed it yet";
  EXPECT_EQ(info(socket).send_queue, 0u);
  stack().close(socket);
  EXPECT_EQ(error_of(stack().socket_info(socket)), "EBADF");
}

TEST_F(ListingTest, ALinkLocalConnectionShowsItsInterface) {
  TcpPeer peer{host, {kPeerLink6, 5000}, {kOwnLink6, 80}};
  EXPECT_EQ(info(established(peer)).interface, InterfaceId{0});
}

TEST_F(ListingTest, WhatEndsInTheBackgroundIsStillShown) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  stack().close(socket);
  peer.take();
  peer.acknowledge();
  const SocketInfo orphan = in_state(tcp::State::kFinWait2);
  EXPECT_FALSE(orphan.owned);
  EXPECT_EQ(stack().connection_info(orphan.id).value().state, tcp::State::kFinWait2);
  peer.send("F.");
  peer.take();
  const SocketInfo record = in_state(tcp::State::kTimeWait);
  EXPECT_FALSE(record.id);
  EXPECT_EQ(record.kind, SocketKind::kTcp);
  EXPECT_EQ(record.local, peer.theirs);
  EXPECT_EQ(record.remote, peer.own);
  EXPECT_FALSE(record.owned);
  EXPECT_LE(record.expires, seconds(60) + milliseconds(1));
  EXPECT_GT(record.expires, seconds(59));
  host.advance(seconds(61));
  EXPECT_THAT(sockets(), IsEmpty());
}

TEST_F(ListingTest, DatagramSocketsShowWhatIsUnreadAndLost) {
  UdpOptions options;
  options.local = {kOwn4, 53};
  options.remote = IpEndpoint{kPeer4, 1234};
  options.receive_datagrams = 2;
  options.owner = 3;
  options.user_data = 4;
  const SocketId udp = stack().udp_open(options).value();
  for (int i = 0; i < 5; ++i) {
    host.receive(udp_frame({kPeer4, 1234}, {kOwn4, 53}, octets_of("eight oc")));
  }
  SocketInfo shown = info(udp);
  EXPECT_EQ(shown.kind, SocketKind::kUdp);
  EXPECT_EQ(shown.local, options.local);
  EXPECT_EQ(shown.remote, options.remote);
  EXPECT_EQ(shown.receive_queue, 16u);
  EXPECT_EQ(shown.messages, 2u);
  EXPECT_EQ(shown.dropped, 3u);
  EXPECT_EQ(shown.owner, 3);
  EXPECT_EQ(shown.user_data, 4u);
  stack().udp_pop(udp);
  EXPECT_EQ(info(udp).receive_queue, 8u);
  stack().udp_pop(udp);
  EXPECT_EQ(info(udp).receive_queue, 0u);
  EXPECT_EQ(info(udp).messages, 0u);

  const SocketId icmp = stack().icmp_open({kOwn6, 77, 2, 64, 0, 5, 6}).value();
  stack().set_user_data(icmp, 9);
  shown = info(icmp);
  EXPECT_EQ(shown.id, icmp);
  EXPECT_EQ(shown.kind, SocketKind::kIcmp);
  EXPECT_EQ(shown.local, (IpEndpoint{kOwn6, 77}));
  EXPECT_EQ(shown.owner, 5);
  EXPECT_EQ(shown.user_data, 9u);
  EXPECT_EQ(error_of(stack().socket_info({})), "EBADF");
}

/// Sockets of every kind, by id, and one record in TIME-WAIT.
TEST_F(ListingTest, EverySocketIsListedOnceWhateverTheSizeOfTheSlices) {
  std::set<std::uint32_t> ports;
  TcpPeer first = client(4000);
  const SocketId socket = established(first);
  stack().close(socket);
  first.take();
  first.send("F.");
  first.take();
  const SocketId listener = listen(80, 16, 16);
  std::vector<SocketId> want{listener};
  for (std::uint16_t port = 5000; port < 5007; ++port) {
    client(port).connect();
    want.push_back(accepted(listener));
  }
  for (std::uint16_t port = 100; port < 105; ++port) want.push_back(bound(port));
  for (std::uint16_t i = 1; i < 4; ++i) {
    want.push_back(stack().icmp_open({IpAddress::v4(0), i, 2, 64, 0, 0, 0}).value());
  }
  for (const std::size_t size : {1u, 2u, 3u, 5u, 7u, 16u, 100u}) {
    std::vector<SocketInfo> all = sockets(size);
    EXPECT_THAT(all, SizeIs(want.size() + 1)) << size;
    for (const SocketId id : want) {
      EXPECT_EQ(std::count_if(all.begin(), all.end(), [&](const auto& s) { return s.id == id; }),
                1);
    }
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const auto& s) { return !s.id; }), 1);
  }
}

class ChangingListingTest : public ListingTest {
 protected:
  ChangingListingTest() : ListingTest{options()} {}
  static Host::Options options() {
    Host::Options out;
    out.config.limits.udp_sockets = 64;
    out.config.limits.icmp_sockets = 64;
    return out;
  }
  void open_one(Rng& rng) {
    Result<SocketId, Error> made = fail(Error::kInvalid);
    switch (rng.below(3)) {
      case 0:
        made = stack().udp_open({.local = {IpAddress::v4(0), 0}, .remote = {}});
        break;
      case 1:
        made = stack().icmp_open({IpAddress::v4(0), 0, 1, 64, 0, 0, 0});
        break;
      default: {
        TcpConnectOptions connect;
        connect.remote = {kPeer4, 80};
        made = stack().tcp_connect(connect);
      }
    }
    if (made) open.push_back(*made);
  }
  void change(Rng& rng) {
    for (int i = 0; i < 4; ++i) open_one(rng);
    for (int i = 0; i < 4 && !open.empty(); ++i) {
      const std::size_t at = rng.below(static_cast<std::uint32_t>(open.size()));
      stack().abort(open[at]);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    }
    host.turn();
    host.sent();
    host.events();
  }
  std::vector<SocketId> open;
};

TEST_F(ChangingListingTest, WhatStaysIsListedOnceThoughOthersComeAndGo) {
  Rng rng{7};
  for (int i = 0; i < 60; ++i) open_one(rng);
  for (int round = 0; round < 100; ++round) {
    const std::vector<SocketId> before = open;
    const std::vector<SocketInfo> all = sockets(1 + rng.below(9), [&] { change(rng); });
    for (const SocketId id : before) {
      if (std::find(open.begin(), open.end(), id) == open.end()) continue;
      EXPECT_EQ(std::count_if(all.begin(), all.end(), [&](const auto& s) { return s.id == id; }),
                1);
    }
  }
}

TEST_F(ListingTest, TimeWaitRecordsThatGoMeanwhileHideNone) {
  std::vector<TcpPeer> peers;
  for (std::uint16_t port = 5000; port < 5020; ++port) {
    peers.push_back(client(port));
    const SocketId socket = established(peers.back());
    stack().close(socket);
    peers.back().take();
    peers.back().send("F.");
    peers.back().take();
    host.advance(seconds(1));
  }
  host.advance(milliseconds(39'500));
  std::set<std::uint16_t> seen;
  for (const SocketInfo& record : sockets(2, [&] { host.advance(seconds(1)); })) {
    seen.insert(record.remote->port);
  }
  for (const SocketInfo& record : sockets()) {
    EXPECT_EQ(seen.count(record.remote->port), 1u) << "was there all the time";
  }
  EXPECT_GT(sockets().size(), 3u);
}

// A call looks at a bounded number of places, however empty the table.
TEST(ListingBound, ASliceOfAnEmptyTableOfManyPlacesEndsSoon) {
  Host::Options options;
  options.config.limits.udp_sockets = 10 * kPlacesASlice;
  Host host{options};
  host.add_interface(eth0_config());
  std::vector<SocketId> open;
  for (std::uint32_t i = 0; i < 10 * kPlacesASlice; ++i) {
    const auto port = static_cast<std::uint16_t>(1000 + i);
    open.push_back(host.stack->udp_open({.local = {kOwn4, port}, .remote = {}}).value());
  }
  for (std::size_t i = 0; i + 1 < open.size(); ++i) host.stack->close(open[i]);
  std::array<SocketInfo, 4> room;
  Cursor at;
  int calls = 0;
  std::size_t found = 0;
  while (!at.done()) {
    const Slice slice = host.stack->sockets_from(at, room);
    if (slice.count > 0) {
      EXPECT_EQ(room[0].id, open.back());
    }
    found += slice.count;
    at = slice.next;
    ++calls;
  }
  EXPECT_EQ(found, 1u);
  EXPECT_GE(calls, 10);
}

// --- ending any of them
// ----------------------------------------------------------------------------

TEST_F(ListingTest, ADestroyedConnectionIsResetAndItsOwnerTold) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_EQ(error_of(stack().destroy(socket)), "none");
  host.turn();
  EXPECT_THAT(peer.take_one(), tcp_is("R."));
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(stack().error(socket)), "ECONNRESET");
  EXPECT_EQ(error_of(stack().destroy(socket)), "ENOTCONN") << "over already";
  stack().close(socket);
  EXPECT_EQ(error_of(stack().destroy(socket)), "EBADF");
  host.expect_empty();
}

TEST_F(ListingTest, WhatNobodyOwnsCanBeDestroyed) {
  const SocketId listener = listen();
  TcpPeer half = client(5000);
  half.send("S");
  half.take();
  ASSERT_EQ(error_of(stack().destroy(in_state(tcp::State::kSynReceived).id)), "none");
  host.turn();
  EXPECT_THAT(half.take_one(), tcp_is("R."));
  EXPECT_EQ(info(listener).half_open, 0u);
  TcpPeer peer = client(5001);
  peer.connect();
  const SocketId socket = accepted(listener);
  stack().close(socket);
  peer.take();
  peer.acknowledge();
  ASSERT_EQ(error_of(stack().destroy(in_state(tcp::State::kFinWait2).id)), "none");
  host.turn();
  EXPECT_THAT(peer.take_one(), tcp_is("R."));
  TcpPeer waiting = client(5002);
  waiting.connect();
  ASSERT_EQ(error_of(stack().destroy(in_state(tcp::State::kEstablished).id)), "none");
  host.sent();
  const SocketId dead = accepted(listener);
  EXPECT_EQ(error_of(stack().error(dead)), "ECONNRESET");
  stack().close(dead);
  host.events();
  ASSERT_EQ(error_of(stack().destroy(listener)), "none");
  EXPECT_EQ(error_of(stack().destroy(listener)), "EBADF");
  const SocketId udp = bound(53);
  ASSERT_EQ(error_of(stack().destroy(udp)), "none");
  EXPECT_EQ(error_of(stack().destroy(udp)), "EBADF");
  EXPECT_EQ(error_of(stack().destroy({})), "EBADF");
  host.expect_empty();
}

// --- interfaces, routes, neighbours
// ------------------------------------------------------------------

TEST_F(ListingTest, InterfacesAreListedWithTheirAddresses) {
  InterfaceConfig second;
  second.name = "fifteen-octets-";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.mtu = 9000;
  host.add_interface(second);
  ASSERT_TRUE(stack().add_address(0, IpPrefix{IpAddress::v4(10, 0, 0, 2), 24}));
  ASSERT_TRUE(stack().delete_address(0, IpPrefix{kOwn6, 64}));
  const std::vector<InterfaceInfo> all = listed<InterfaceInfo>(
      [&](Cursor at, std::span<InterfaceInfo> out) { return stack().interfaces_from(at, out); }, 1,
      [] {});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].id, 0);
  EXPECT_EQ(all[0].name.view(), "eth0");
  EXPECT_EQ(all[0].mac, kOwnMac);
  EXPECT_EQ(all[0].mtu, 1500);
  EXPECT_EQ((std::vector<IpPrefix>{all[0].addresses.begin(), all[0].addresses.end()}),
            (std::vector<IpPrefix>{IpPrefix{kOwn4, 24}, IpPrefix{kOwnLink6, 64},
                                   IpPrefix{IpAddress::v4(10, 0, 0, 2), 24}}));
  EXPECT_EQ(all[1].name.view(), "fifteen-octets-");
  EXPECT_EQ(all[1].mtu, 9000);
}

TEST_F(ListingTest, RoutesAreListedInSlices) {
  const std::vector<Route> all = listed<Route>(
      [&](Cursor at, std::span<Route> out) { return stack().routes_from(at, out); }, 2, [] {});
  ASSERT_THAT(all, SizeIs(5)) << "three subnets and two default routes";
  EXPECT_EQ(
      std::count(all.begin(), all.end(), Route{IpPrefix{IpAddress::v4(0), 0}, kRouter4, 0, 0}), 1);
}

TEST_F(ListingTest, NeighborsAreListedAsTheyAre) {
  const IpAddress dead = IpAddress::v4(10, 0, 0, 66);
  const IpAddress fixed = IpAddress::v4(10, 0, 0, 67);
  ASSERT_TRUE(stack().add_neighbor(0, fixed, kRouterMac));
  ASSERT_TRUE(stack().udp_send(bound(9), {{dead, 9}, {}, {}}, {}));
  std::map<IpAddress, NeighborInfo> all;
  for (const NeighborInfo& one : listed<NeighborInfo>(
           [&](Cursor at, std::span<NeighborInfo> out) { return stack().neighbors_from(at, out); },
           2, [] {})) {
    EXPECT_TRUE(all.emplace(one.address, one).second) << "twice";
  }
  EXPECT_EQ(all.size(), stack().network().neighbors().size());
  EXPECT_EQ(all[kPeer4].state, NeighborState::kReachable);
  EXPECT_EQ(all[kPeer4].mac, kPeerMac);
  EXPECT_EQ(all[fixed].state, NeighborState::kPermanent);
  EXPECT_EQ(all[fixed].mac, kRouterMac);
  EXPECT_EQ(all[dead].state, NeighborState::kIncomplete);
  EXPECT_FALSE(all[dead].mac);
  EXPECT_EQ(all[dead].waiting, 1);
}

// Nobody visits an entry when its time is over: it shows as stale all the same.
TEST(ListingNeighbors, OneThatWasNotConfirmedForLongIsStale) {
  Host::Options options;
  options.config.neighbor = NeighborConfig{};
  Host host{options};
  host.add_interface(eth0_config());
  host.receive(arp_request(kOwn4));
  host.receive(arp_reply());
  NeighborInfo info;
  host.stack->neighbors_from({}, {&info, 1});
  EXPECT_EQ(name(info.state), "REACHABLE");
  host.advance(seconds(50));
  host.turn();
  host.stack->neighbors_from({}, {&info, 1});
  EXPECT_EQ(name(info.state), "STALE");
}

}  // namespace
}  // namespace smol
