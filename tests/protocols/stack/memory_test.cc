// A pool of packets that runs short: what is refused, by which name, and that all of it comes back.
#include "tests/protocols/stack/tcp_peer.hh"
#include "tests/support/pair.hh"

namespace smol {
namespace {

class MemoryTest : public TcpTest {
 protected:
  /// Takes packets as somebody else would until `left` remain.
  void leave(std::size_t left) {
    while (host.pool().available() > left) taken_.push_back(host.pool().allocate());
  }
  void give_back() { taken_.clear(); }
  std::size_t reserve() { return host.pool().capacity() / 4; }

 private:
  std::vector<MemPacket> taken_;
};

// A write that falls short for want of packets is made up for when there are some, though nothing
// of the connection is in flight, and no ACK will ever come.
TEST_F(MemoryTest, AWriterIsToldWhenPacketsAreThereAgain) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  leave(2);
  EXPECT_EQ(write(socket, pattern(1000)), 0u);
  EXPECT_TRUE(host.stack->reserve(socket, 100).empty());
  host.advance(seconds(1));
  EXPECT_EQ(event_names(host.events_of(socket)), "") << "nothing has changed";
  EXPECT_NE(host.stack->next_deadline(), kNever)
      << "somebody else may give packets back at any time";
  give_back();
  host.advance(milliseconds(20));
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
  EXPECT_EQ(write(socket, pattern(1000)), 1000u);
  EXPECT_EQ(octets_of(peer.take_text()), pattern(1000));
  EXPECT_EQ(host.stack->next_deadline() == kNever, false);
}

// The last ACK comes while packets are short: there is no other that could tell.
TEST_F(MemoryTest, AWriterIsToldThoughItsLastAckCameInAShortage) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.send_buffer = 8192;
  const SocketId socket = opened(peer, options);
  EXPECT_EQ(write(socket, pattern(20'000)), 8192u);
  peer.take();
  leave(2);
  host.receive(peer.segment("."));
  leave(2);
  host.advance(milliseconds(5));
  host.events();
  EXPECT_EQ(write(socket, Octets{}), 0u);
  give_back();
  host.advance(milliseconds(20));
  EXPECT_GE(host.stack->writable(socket), 8192u);
}

TEST_F(MemoryTest, ManyWritersAreToldInTheirTurn) {
  std::vector<SocketId> sockets;
  for (std::uint16_t port = 1; port <= 50; ++port) {
    TcpPeer peer = client(port);
    sockets.push_back(established(peer));
  }
  leave(2);
  for (const SocketId& socket : sockets) EXPECT_EQ(write(socket, pattern(10)), 0u);
  host.stack->close(sockets[7]);
  host.stack->abort(sockets[8]);
  host.sent();
  give_back();
  host.advance(milliseconds(50));
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    EXPECT_EQ(event_names(host.events_of(sockets[i])), i == 7 || i == 8 ? "" : "writable") << i;
    host.stack->abort(sockets[i]);
  }
  host.sent();
  host.advance(seconds(400));
  host.sent();
  host.expect_empty();
}

// The more sockets queue for peers that take nothing, the less each may queue: new connections are
// let in and served as if they were not there.
TEST_F(MemoryTest, PeersThatDoNotReadShareWhatNewConnectionsDoNotNeed) {
  std::vector<SocketId> stuck;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    TcpPeer peer = client(port);
    stuck.push_back(established(peer));
    for (int times = 0; times < 5; ++times) write(stuck.back(), pattern(50'000));
    host.sent();
  }
  TcpPeer peer = client(51);
  const SocketId socket = established(peer);
  EXPECT_EQ(write(socket, pattern(2000)), 2000u);
  EXPECT_EQ(octets_of(peer.take_text()), pattern(2000));
}

// When packets are short, but not gone, nobody is shut out: each connection may queue a little, so
// that what some hold does not stop all.
TEST_F(MemoryTest, AShortageLeavesEachConnectionALittle) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  leave(reserve() - 1);
  std::size_t sent = 0;
  for (int round = 0; round < 20; ++round) {
    const std::size_t written = write(socket, pattern(20'000, sent));
    EXPECT_GT(written, 0u);
    EXPECT_LE(written, 8u * 1460);
    EXPECT_EQ(octets_of(peer.take_text()), pattern(written, sent));
    sent += written;
    peer.acknowledge();
    leave(reserve() - 1);
    EXPECT_EQ(event_names(host.events_of(socket)), "writable") << round;
  }
}

TEST_F(MemoryTest, DatagramsAreSentAsLongAsThereAreAnyPackets) {
  const SocketId socket = bound(9);
  leave(reserve() / 2);
  EXPECT_EQ(error_of(host.stack->udp_send(socket, {{kPeer4, 9}, {}, {}}, {})), "none");
  leave(2);
  EXPECT_EQ(error_of(host.stack->udp_send(socket, {{kPeer4, 9}, {}, {}}, {})), "ENOBUFS");
}

// TCP-105: a reader whose window shut during the shortage opens it again without being probed for
// it.
TEST_F(MemoryTest, AWindowThatAShortageKeptShutIsOpenedAfterwards) {
  TcpListenOptions options;
  options.local = {kOwn4, 80};
  options.socket.receive_buffer = 16 << 10;
  const SocketId listener = host.stack->tcp_listen(options).value();
  TcpPeer peer = client();
  peer.connect();
  const SocketId socket = accepted(listener);
  for (std::size_t i = 0; i < 16; ++i) peer.send("P.", pattern(1024, i * 1024));
  peer.take();
  leave(reserve() / 2);
  EXPECT_EQ(read(socket).size(), 16u << 10);
  leave(reserve() / 2);
  for (const Frame& frame : peer.take()) {
    EXPECT_THAT(frame, tcp_window(0)) << "no promise while packets are short";
  }
  give_back();
  host.advance(milliseconds(20));
  const std::vector<Frame> frames = peer.take();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().tcp->window, 16 << 10);
}

// TCP-115, TCP-116: out of order is shed first; what is in line is taken.
TEST_F(MemoryTest, OutOfOrderDataIsShedFirst) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  leave(reserve() / 2);
  host.receive(peer.segment_at(peer.snd_nxt + 1000, "P.", pattern(1000, 1000)));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpMemory);
  peer.send("P.", pattern(1000));
  EXPECT_EQ(octets_of(read(socket)), pattern(1000));
}

// Who leaves data unread gets no more when packets are nearly gone; who reads does.
TEST_F(MemoryTest, UnreadDataIsRefusedBeforeThePoolIsGone) {
  TcpPeer slow = client(1);
  TcpPeer quick = client(2);
  const SocketId slow_socket = established(slow);
  const SocketId quick_socket = established(quick);
  slow.send("P.", pattern(1000));
  leave(reserve() / 4 - 2);
  host.receive(slow.segment("P.", pattern(1000, 1000)));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpMemory);
  quick.send("P.", pattern(1000));
  EXPECT_EQ(octets_of(read(quick_socket)), pattern(1000));
  EXPECT_EQ(octets_of(read(slow_socket)), pattern(1000));
}

// TCP-183: new connections are refused while packets are short.
// TCP-184.
TEST_F(MemoryTest, NewConnectionsAreRefusedBeforeOldOnesSuffer) {
  const SocketId listener = listen();
  leave(reserve() / 2 - 1);
  TcpPeer peer = client();
  peer.send("S");
  EXPECT_THAT(peer.take_one(), tcp_is("S.")) << "a cookie, which costs nothing";
  const SeqNumber begin = peer.snd_nxt;
  peer.send("P.", "hello");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpMemory);
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  give_back();
  host.receive(peer.segment_at(begin, "P.", octets_of("hello")));
  EXPECT_EQ(read(accepted(listener)), "hello") << "it was only late";
}

// Without a single packet nothing can be said; each thing unsaid is counted, and all that was only
// delayed comes later.
TEST_F(MemoryTest, WithoutAnyPacketEverythingIsCountedAndNothingIsLostForGood) {
  listen();
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(100));
  const Octets request = echo_request(kPeer4, kOwn4, {});
  std::vector<MemPacket> frames;
  frames.push_back(host.packet(client(6000, 81).segment("S")));
  frames.push_back(host.packet(udp_frame({kPeer4, 1}, {kOwn4, 9}, {})));
  frames.push_back(host.packet(neighbor_solicit(kOwn6)));
  MemPacket held_request = host.packet(request);
  std::optional<MemPacket> reader = held_request.share(0, held_request.size());
  frames.push_back(std::move(held_request));
  frames.push_back(host.packet(peer.segment("P.", pattern(1))));
  leave(0);
  // Each frees its packet only once the answer was tried.
  for (MemPacket& frame : frames) {
    host.receive(std::move(frame));
    leave(0);
  }
  host.turn();
  host.expect_books();
  EXPECT_GE(host.drops(Drop::kTxNoBuffer), 4u);
  give_back();
  reader.reset();
  host.advance(seconds(3));
  Octets got;
  for (const Frame& frame : peer.take()) got = got + frame.payload;
  EXPECT_EQ(octets_of(text_of(got)).size() >= 100, true);
  EXPECT_EQ((Octets{got.begin(), got.begin() + 100}), pattern(100));
}

// A full transmit ring is loss: the driver counts it, and TCP makes up for it.
TEST_F(MemoryTest, AFullTransmitRingIsMadeUpFor) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.ring_full = true;
  write(socket, pattern(5000));
  EXPECT_THAT(peer.take(), IsEmpty());
  EXPECT_GT(host.refused(), 0u);
  host.ring_full = false;
  Octets got;
  for (int i = 0; i < 20 && got.size() < 5000; ++i) {
    host.advance(seconds(1));
    for (const Frame& frame : host.sent()) {
      if (!frame.tcp || frame.tcp->seq != peer.rcv_nxt) continue;
      got = got + frame.payload;
      peer.rcv_nxt += static_cast<std::uint32_t>(frame.payload.size());
    }
    peer.acknowledge();
  }
  EXPECT_EQ(got, pattern(5000));
}

// --- pools of every size under load
// ----------------------------------------------------------------

struct Flow {
  SocketId client;
  SocketId server;
  std::size_t written = 0;
  std::size_t read = 0;
};

/// Flows from b to a, all at once, over pools of `packets` each. True: all octets came.
bool transfer(Pair& pair, int flows, std::size_t octets) {
  TcpListenOptions listen;
  listen.local = {IpAddress::v4(0), 80};
  const SocketId listener = pair.a.stack->tcp_listen(listen).value();
  std::vector<Flow> all;
  for (int i = 0; i < flows; ++i) {
    TcpConnectOptions connect;
    connect.remote = {Pair::address4(0), 80};
    all.push_back({pair.b.stack->tcp_connect(connect).value(), {}, 0, 0});
  }
  const auto find = [&](const IpEndpoint& remote) -> Flow& {
    for (Flow& flow : all) {
      if (pair.b.stack->local_endpoint(flow.client).value() == remote) return flow;
    }
    ADD_FAILURE() << "a connection that nobody opened";
    return all.front();
  };
  const bool done = pair.run(
      [&] {
        while (const auto socket = pair.a.stack->tcp_accept(listener)) {
          find(pair.a.stack->remote_endpoint(*socket).value()).server = *socket;
        }
        bool complete = true;
        for (Flow& flow : all) {
          const std::size_t most = std::min<std::size_t>(octets - flow.written, 4000);
          const auto written = pair.b.stack->write(flow.client, pattern(most, flow.written));
          EXPECT_EQ(error_of(written), "none");
          flow.written += written.value_or(0);
          if (flow.server) {
            Octets got(10'000);
            got.resize(pair.a.stack->read(flow.server, got));
            EXPECT_EQ(got, pattern(got.size(), flow.read));
            flow.read += got.size();
          }
          complete &= flow.read == octets;
        }
        return complete;
      },
      60'000, milliseconds(5));
  for (const Flow& flow : all) {
    pair.b.stack->abort(flow.client);
    if (flow.server) pair.a.stack->abort(flow.server);
  }
  pair.a.stack->close(listener);
  return done;
}

class PoolSizes : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(PoolSizes, LoadIsCarriedAndEverythingComesBack) {
  Host::Options options;
  options.packets = GetParam();
  Pair pair{options};
  EXPECT_TRUE(transfer(pair, 1, 50'000)) << "one flow";
  if (GetParam() >= 32) {
    EXPECT_TRUE(transfer(pair, 6, 50'000)) << "six flows";
  }
  for (int i = 0; i < 400; ++i) pair.step(seconds(1));
  pair.a.kept.clear();
  pair.b.kept.clear();
  pair.a.expect_empty();
  pair.b.expect_empty();
}

INSTANTIATE_TEST_SUITE_P(Packets, PoolSizes,
                         ::testing::Values(8u, 9u, 12u, 16u, 24u, 32u, 48u, 64u, 128u, 512u));

}  // namespace
}  // namespace smol
