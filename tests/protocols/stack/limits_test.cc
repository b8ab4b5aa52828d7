// What a peer or a user can make grow, grown to its limit: each has a name for that
// (docs/reference/limits.md). Those of the listeners, the path MTUs by themselves and the packet
// pool have tests beside what they belong to.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

Host::Options with(void (*change)(StackConfig&)) {
  Host::Options options;
  change(options.config);
  return options;
}

class LimitsTest : public TcpTest {
 protected:
  explicit LimitsTest(void (*change)(StackConfig&)) : TcpTest{with(change)} {}
};

// --- what is in flight ---------------------------------------------------------------------------

class SentRunLimit : public LimitsTest {
 protected:
  SentRunLimit() : LimitsTest{[](StackConfig& config) { config.limits.sent_runs = 1; }} {}
};

// Each connection is sure of one record; what more it cannot tell apart is counted.
TEST_F(SentRunLimit, AFlightThatCannotBeToldApartIsCountedAndArrives) {
  std::vector<TcpPeer> peers;
  std::vector<SocketId> sockets;
  for (std::uint16_t port = 1; port <= 3; ++port) {
    peers.push_back(client(port));
    sockets.push_back(established(peers.back()));
  }
  for (int round = 0; round < 3; ++round) {
    for (const SocketId& socket : sockets) write(socket, pattern(1460));
    host.sent();
    host.advance(milliseconds(1));
  }
  host.turn();
  EXPECT_GT(counters().tcp_sent_runs_full.value(), 0u);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    peers[i].rcv_nxt += 3 * 1460;
    peers[i].acknowledge();
    EXPECT_EQ(host.stack->tcp_info(sockets[i])->bytes_acked, 3u * 1460);
  }
}

// --- what is out of order ------------------------------------------------------------------------

class RangesOfAConnection : public LimitsTest {
 protected:
  RangesOfAConnection()
      : LimitsTest{[](StackConfig& config) { config.tcp.reassembly_ranges = 4; }} {}
};
class RangesOfAll : public LimitsTest {
 protected:
  RangesOfAll() : LimitsTest{[](StackConfig& config) { config.limits.reassembly_ranges = 4; }} {}
};

/// A segment of one octet, `behind` octets beyond what is next.
Octets beyond(const TcpPeer& peer, std::uint32_t behind) {
  return peer.segment_at(peer.snd_nxt + behind, "P.", octets_of("x"));
}

TEST_F(RangesOfAConnection, OneHoleTooManyIsDroppedByName) {
  TcpPeer peer = client();
  established(peer);
  for (std::uint32_t hole = 1; hole <= 4; ++hole) host.receive(beyond(peer, 2 * hole));
  EXPECT_THAT(host.dropped(), IsEmpty());
  host.receive(beyond(peer, 10));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpReassemblyFull);
}

TEST_F(RangesOfAll, HolesOfOneConnectionLeaveAnotherWhatComesInLine) {
  TcpPeer greedy = client(1);
  established(greedy);
  for (std::uint32_t hole = 1; hole <= 4; ++hole) host.receive(beyond(greedy, 2 * hole));
  host.sent();
  TcpPeer peer = client(2);
  const SocketId socket = established(peer);
  host.receive(beyond(peer, 2));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpReassemblyFull);
  peer.send("P.", "in line");
  EXPECT_EQ(read(socket), "in line");
}

// --- what is half open ---------------------------------------------------------------------------

class HalfOpenLife : public LimitsTest {
 protected:
  HalfOpenLife() : LimitsTest{[](StackConfig& config) { config.tcp.syn_received = seconds(5); }} {}
};

// TCP-185: however long the next SYN-ACK would have been waited for.
TEST_F(HalfOpenLife, ARecordEndsWhenItsTimeIsOver) {
  listen();
  host.receive(client().segment("S"));
  EXPECT_EQ(counters().tcp_passive_opens.value(), 1u);
  host.advance(milliseconds(4900));
  EXPECT_EQ(host.stack->tcp().half_open().size(), 1u);
  host.advance(milliseconds(200));
  EXPECT_EQ(host.stack->tcp().half_open().size(), 0u);
  host.sent();
}

TEST_F(HalfOpenLife, WhatItSentIsCountedForTheConnection) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  host.advance(milliseconds(1100));
  EXPECT_THAT(peer.take(), SizeIs(2));
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_EQ(info.segs_out, 2u);
  EXPECT_EQ(info.sum_retrans, 1u);
}

// --- what is known of others ---------------------------------------------------------------------

class PathMtuLimit : public LimitsTest {
 protected:
  PathMtuLimit() : LimitsTest{[](StackConfig& config) { config.limits.path_mtus = 2; }} {}
};

// IP6-037
TEST_F(PathMtuLimit, ThoseForgottenForWantOfRoomAreCounted) {
  for (std::uint8_t i = 1; i <= 4; ++i) {
    TcpPeer peer = client(i);
    peer.own.address = IpAddress::v4(192, 0, 2, i);
    peer.mac = kRouterMac;
    const SocketId socket = established(peer);
    write(socket, pattern(1460));
    const Frame sent = host.only_sent();
    const Bytes quoted = sent.ip_octets().first(28);
    host.receive(ip_frame(
        ip_packet(kRouter4, kOwn4, IpProtocol::kIcmp,
                  icmp_message(kRouter4, kOwn4, 3, 4, 1300, {quoted.begin(), quoted.end()})),
        kRouterMac));
    host.stack->abort(socket);
    host.sent();
  }
  EXPECT_EQ(counters().path_mtu_updates.value(), 4u);
  EXPECT_EQ(counters().path_mtu_recycled.value(), 2u);
}

class FastOpenServerLimit : public LimitsTest {
 protected:
  FastOpenServerLimit()
      : LimitsTest{[](StackConfig& config) { config.limits.fast_open_servers = 1; }} {}

  /// Connects, and is given a cookie if it asked for one. True: it had one.
  bool meets(std::uint8_t number) {
    TcpConnectOptions options;
    options.remote = {IpAddress::v4(10, 0, 0, number), 80};
    options.fast_open = true;
    host.alive[options.remote.address] = kPeerMac;
    const SocketId socket = host.stack->tcp_connect(options).value();
    TcpPeer peer{host, options.remote, host.stack->local_endpoint(socket).value()};
    const Frame syn = peer.take_one();
    FastOpenCookie cookie;
    cookie.len = 8;
    cookie.octets[0] = number;
    peer.syn_options.fast_open = cookie;
    peer.send("S.");
    host.stack->abort(socket);
    host.sent();
    host.events();
    return syn.tcp->options.fast_open == cookie;
  }
};

// TCP-258
TEST_F(FastOpenServerLimit, ACookieForgottenForAnotherIsCounted) {
  EXPECT_FALSE(meets(20));
  EXPECT_TRUE(meets(20));
  EXPECT_EQ(counters().tcp_fast_open_recycled.value(), 0u);
  EXPECT_FALSE(meets(21));
  EXPECT_EQ(counters().tcp_fast_open_recycled.value(), 1u);
  EXPECT_FALSE(meets(20));
  EXPECT_EQ(counters().tcp_fast_open_recycled.value(), 2u);
}

// --- packets -------------------------------------------------------------------------------------

class PacketLimit : public TcpTest {};

TEST_F(PacketLimit, EachShortageIsCountedOnce) {
  std::vector<MemPacket> taken;
  const auto leave = [&](std::size_t left) {
    while (host.pool().available() < left) taken.pop_back();
    while (host.pool().available() > left) taken.push_back(host.pool().allocate());
    host.turn();
    host.turn();
  };
  const std::size_t reserve = host.pool().capacity() / 4;
  const auto counted = [&] {
    return std::pair{counters().packets_short.value(), counters().packets_out.value()};
  };
  leave(reserve);
  EXPECT_EQ(counted(), std::pair(0ul, 0ul));
  leave(reserve - 1);
  EXPECT_EQ(counted(), std::pair(1ul, 0ul));
  leave(reserve / 4 - 1);
  EXPECT_EQ(counted(), std::pair(1ul, 1ul));
  leave(reserve);
  leave(reserve / 4 - 1);
  EXPECT_EQ(counted(), std::pair(2ul, 2ul));
}

}  // namespace
}  // namespace smol
