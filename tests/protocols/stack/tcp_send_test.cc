// The send queue: application data laid into packets once, sent from where it lies, kept until it
// is acknowledged, and never rewritten under a reader.
#include <deque>

#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

InterfaceConfig eth0_that(bool reads_only, bool offload = false) {
  InterfaceConfig config = eth0_config();
  config.offloads.reads_only = reads_only;
  config.offloads.tcp_checksum = offload;
  config.offloads.ip4_checksum = offload;
  return config;
}

class TcpSendTest : public TcpTest {
 protected:
  explicit TcpSendTest(const InterfaceConfig& interface = eth0_config()) : TcpTest{{}, interface} {}
  /// Lets the retransmission timer run out once.
  void time_out() { host.advance(milliseconds(1500)); }
};

// TCP-065, TCP-060.
TEST_F(TcpSendTest, SendsFullSegmentsAndMarksTheLast) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(1460 * 3 + 10));
  EXPECT_THAT(peer.take(), ElementsAre(AllOf(tcp_is("."), carries(pattern(1460))),
                                       AllOf(tcp_is("."), carries(pattern(1460, 1460))),
                                       AllOf(tcp_is("."), carries(pattern(1460, 2920))),
                                       AllOf(tcp_is("P."), carries(pattern(10, 4380)))));
  EXPECT_EQ(counters().tcp_out_segs.value(), 5u);
}

// TCP-131, IP6-007: one service, one hop limit, one flow label for all segments of a connection.
TEST_F(TcpSendTest, AllSegmentsOfAConnectionCarryItsMarks) {
  TcpPeer peer = client6();
  peer.syn_options = TcpPeer::mss_option(1440);
  TcpListenOptions options;
  options.local = {kOwn6, 80};
  options.socket.dscp = 46;
  options.socket.hop_limit = 9;
  const SocketId listener = host.stack->tcp_listen(options).value();
  std::vector<Frame> all;
  const auto collect = [&] {
    for (const Frame& frame : peer.take()) all.push_back(frame);
  };
  peer.send("S");
  collect();
  peer.send(".");
  const SocketId socket = accepted(listener);
  write(socket, pattern(2000));
  collect();
  time_out();
  collect();
  peer.send("P.", "x");
  host.advance(milliseconds(50));
  collect();
  host.stack->close(socket);
  collect();
  ASSERT_GE(all.size(), 5u);
  const std::uint32_t label = all.front().flow_label;
  EXPECT_NE(label, 0u);
  for (const Frame& frame : all) {
    EXPECT_THAT(frame, AllOf(dscp_is(46), hop_limit_is(9)));
    EXPECT_EQ(frame.flow_label, label);
  }
}

// TCP-050, TCP-066: data is laid out before the peer says how large its segments may be. Whatever
// the sizes that meet, the stream is whole, and every checksum is verified by the harness: the sums
// of pieces that begin at odd places among them.
TEST_F(TcpSendTest, ASmallerSegmentSizeCutsWhatIsQueuedAnew) {
  for (const std::uint16_t mss :
       std::vector<std::uint16_t>{88, 100, 101, 535, 536, 723, 724, 725, 1447, 1448, 1460}) {
    TcpConnectOptions connect;
    connect.remote = {kPeer4, mss};
    const SocketId socket = host.stack->tcp_connect(connect).value();
    write(socket, pattern(5001));
    TcpPeer peer{host, {kPeer4, mss}, host.stack->local_endpoint(socket).value()};
    peer.syn_options = TcpPeer::mss_option(mss);
    peer.take_one();
    peer.send("S.");
    Octets got;
    for (int round = 0; round < 40 && got.size() < 5001; ++round) {
      for (const Frame& frame : peer.take()) {
        EXPECT_LE(frame.payload.size(), mss);
        got = got + frame.payload;
      }
      peer.acknowledge();
    }
    EXPECT_EQ(got, pattern(5001)) << mss;
    host.stack->abort(socket);
    host.sent();
  }
}

// Writes of odd sizes share packets: their sums are put together octet by octet.
TEST_F(TcpSendTest, SumsOfOddPiecesFitTogether) {
  Rng rng{5};
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  std::size_t total = 0;
  Octets got;
  for (int i = 0; i < 300; ++i) {
    const std::size_t n = 1 + rng.below(99);
    ASSERT_EQ(write(socket, pattern(n, total)), n);
    total += n;
    if (i % 7 == 0) {
      for (const Frame& frame : peer.take()) got = got + frame.payload;
      peer.acknowledge();
    }
  }
  for (int round = 0; round < 5; ++round) {
    for (const Frame& frame : peer.take()) got = got + frame.payload;
    peer.acknowledge();
  }
  EXPECT_EQ(got, pattern(total));
}

// What is acknowledged in the middle of a packet is not sent again.
TEST_F(TcpSendTest, APartlyAcknowledgedPacketIsResentFromWhereItIsMissing) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(1460));
  const Frame first = peer.take_one();
  peer.rcv_nxt = first.tcp->seq + 501;
  peer.acknowledge();
  time_out();
  const std::vector<Frame> again = host.sent();
  ASSERT_FALSE(again.empty());
  EXPECT_THAT(again[0], AllOf(tcp_seq(first.tcp->seq + 501), carries(pattern(959, 501))));
}

// TCP-151, TRAP-50: an acknowledged packet is freed when the device lets go, and not before.
TEST_F(TcpSendTest, APacketInTheTransmitRingOutlivesItsAcknowledgement) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.keep_packets = true;
  write(socket, pattern(1460));
  peer.take_one();
  const Octets before = all_octets(host.kept.front());
  const std::size_t available = host.pool().available();
  peer.acknowledge();
  write(socket, pattern(1460, 99));
  EXPECT_EQ(all_octets(host.kept.front()), before);
  host.kept.clear();
  peer.take();
  host.kept.clear();
  peer.acknowledge();
  EXPECT_EQ(host.pool().available(), available + 1);
}

// --- retransmission while somebody still reads the last copy
// ---------------------------------------

/// Runs a lossy transfer whose every sent packet stays with a reader for a while, and compares the
/// reader's octets at the end of that while with those it was given.
void transfer_under_readers(Host& host, TcpPeer& peer, SocketId socket, std::uint64_t seed) {
  Rng rng{seed};
  struct Reader {
    MemPacket packet;
    Octets octets;
  };
  std::deque<Reader> readers;
  host.keep_packets = true;
  std::size_t written = 0;
  constexpr std::size_t kTotal = 60'000;
  const SeqNumber start = peer.rcv_nxt;
  for (int step = 0; step < 20'000 && start.until(peer.rcv_nxt) < kTotal; ++step) {
    const Octets data =
        pattern(std::min<std::size_t>(kTotal - written, 1 + rng.below(4000)), written);
    if (!data.empty()) written += host.stack->write(socket, data).value_or(0);
    for (const Frame& frame : host.sent()) {
      if (!frame.tcp || frame.payload.empty()) continue;
      const std::uint32_t at = start.until(frame.tcp->seq);
      ASSERT_EQ(frame.payload, pattern(frame.payload.size(), at)) << "at " << at;
      if (frame.tcp->seq == peer.rcv_nxt && rng.below(4) != 0) {
        peer.rcv_nxt += static_cast<std::uint32_t>(frame.payload.size());
      }
    }
    for (MemPacket& packet : host.kept) {
      Octets octets = all_octets(packet);
      readers.push_back({std::move(packet), std::move(octets)});
    }
    host.kept.clear();
    for (const Reader& reader : readers) {
      ASSERT_EQ(all_octets(reader.packet), reader.octets) << "changed under a reader";
    }
    while (readers.size() > 20 + rng.below(40)) readers.pop_front();
    switch (rng.below(4)) {
      case 0:
        peer.acknowledge();
        break;
      case 1:
        for (int i = 0; i < 3; ++i) peer.acknowledge();  // duplicate ACKs
        break;
      case 2:
        host.advance(milliseconds(rng.below(2000)));
        break;
      default:
        host.advance(milliseconds(1));
    }
  }
  EXPECT_EQ(start.until(peer.rcv_nxt), kTotal);
  EXPECT_GT(host.stack->counters().tcp_retrans_segs.value(), 20u);
}

struct SharingRow {
  bool reads_only;
  bool offload;
};

class TcpSharedMemoryTest : public TcpTest, public ::testing::WithParamInterface<SharingRow> {
 protected:
  TcpSharedMemoryTest()
      : TcpTest{Host::Options{.packets = 512},
                eth0_that(GetParam().reads_only, GetParam().offload)} {}
};

TEST_P(TcpSharedMemoryTest, RetransmissionNeverWritesUnderAReader) {
  for (std::uint16_t i = 0; i < 6; ++i) {
    TcpPeer peer = client(static_cast<std::uint16_t>(5000 + i));
    const SocketId socket = established(peer);
    transfer_under_readers(host, peer, socket, 100u + i);
    host.kept.clear();
    host.keep_packets = false;
    host.stack->abort(socket);
    host.sent();
  }
  host.expect_empty();
}

// The same where the segments do not fit the packets they were laid out in.
TEST_P(TcpSharedMemoryTest, SegmentsGatheredFromSeveralPacketsDoNotEither) {
  for (const std::uint16_t mss : std::vector<std::uint16_t>{536, 999, 1200}) {
    TcpConnectOptions connect;
    connect.remote = {kPeer4, mss};
    const SocketId socket = host.stack->tcp_connect(connect).value();
    TcpPeer peer{host, {kPeer4, mss}, host.stack->local_endpoint(socket).value()};
    peer.syn_options = TcpPeer::mss_option(mss);
    peer.take_one();
    peer.send("S.");
    peer.take();
    transfer_under_readers(host, peer, socket, mss);
    host.kept.clear();
    host.keep_packets = false;
    host.stack->abort(socket);
    host.sent();
  }
  host.expect_empty();
}

INSTANTIATE_TEST_SUITE_P(Ports, TcpSharedMemoryTest,
                         ::testing::Values(SharingRow{true, false}, SharingRow{false, false},
                                           SharingRow{true, true}, SharingRow{false, true}),
                         [](const auto& row) {
                           return std::string{row.param.reads_only ? "Reads" : "ChangesHands"} +
                                  (row.param.offload ? "Offload" : "Software");
                         });

// Where the device only reads, a packet is sent from where it was written, and nothing is copied.
TEST_F(TcpSendTest, SendsFromWhereTheDataWasWritten) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.keep_packets = true;
  MutBytes room = host.stack->reserve(socket, 1460);
  ASSERT_EQ(room.size(), 1460u);
  copy_bytes(room, pattern(1460));
  host.stack->commit(socket, 1460);
  host.turn();
  ASSERT_THAT(host.kept, SizeIs(1));
  EXPECT_EQ(host.kept[0].segment(0).data() + 54, room.data());
  EXPECT_TRUE(host.kept[0].segment(1).empty());
}

// --- neighbours and routes in the middle of a conversation
// ------------------------------------------

class TcpPathTest : public TcpTest {
 protected:
  static Host::Options aging() {
    Host::Options options;
    options.config.neighbor = NeighborConfig{};
    return options;
  }
  TcpPathTest() : TcpTest{aging()} {}
};

// The neighbour goes away while its connection has data in flight. What waits for it is a view of
// its own: the packet in the send queue is sent again as if nothing were, and the queue is whole.
TEST_F(TcpPathTest, DataThatWaitsForANeighborLeavesTheSendQueueWhole) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const SocketId datagrams = bound(9);
  host.alive.erase(kPeer4);
  host.advance(seconds(50));
  ASSERT_TRUE(host.stack->udp_send(datagrams, {{kPeer4, 9}, {}, {}}, octets_of("anybody?")));
  host.advance(milliseconds(8200));  // DELAY and PROBE have passed, and all are asked now
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kIncomplete);
  write(socket, pattern(1460 * 4));
  host.sent();
  EXPECT_EQ(counters().held.value(), 4u);
  host.advance(milliseconds(1100));
  EXPECT_GT(counters().held.value(), 4u) << "what is sent again waits too";
  host.expect_books();
  host.sent();
  const MacAddress new_mac{{2, 0, 0, 0, 0, 0x44}};
  host.receive(arp_reply(kPeer4, new_mac));
  EXPECT_EQ(counters().held.value(), 0u);
  Octets got;
  for (int round = 0; round < 100 && got.size() < 1460 * 4; ++round) {
    for (const Frame& frame : host.sent()) {
      EXPECT_THAT(frame, link_to(new_mac));
      if (frame.tcp && frame.tcp->seq == peer.rcv_nxt) {
        got = got + frame.payload;
        peer.rcv_nxt += static_cast<std::uint32_t>(frame.payload.size());
      }
    }
    peer.acknowledge();
    host.advance(seconds(1));
  }
  EXPECT_EQ(got, pattern(1460 * 4));
}

// TCP-127, TCP-144: a neighbour that is gone is a soft error of an established connection.
TEST_F(TcpPathTest, ALostNeighborIsASoftErrorAndTheConnectionLivesOn) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.alive.erase(kPeer4);
  host.advance(seconds(50));
  write(socket, "anybody?");
  host.advance(seconds(13));
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kFailed);
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EHOSTUNREACH");
  EXPECT_GT(host.drops(Drop::kNeighborFailed), 0u);
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  host.alive[kPeer4] = kPeerMac;
  host.sent();
  host.advance(seconds(61));
  EXPECT_EQ(peer.take_text().substr(0, 8), "anybody?");
}

// ND-015: a conversation that makes progress asks its neighbour nothing.
TEST_F(TcpPathTest, ProgressKeepsTheNeighborReachable) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.alive.clear();
  for (int i = 0; i < 600; ++i) {
    write(socket, "x");
    peer.take_text();
    peer.acknowledge();
    host.advance(seconds(1));
  }
  EXPECT_EQ(counters().arp_requests_out.value(), 0u);
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kReachable);
}

// TCP-070: at R1 the path is doubted, and the neighbour probed.
TEST_F(TcpPathTest, RepeatedTimeoutsDoubtTheNeighbor) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  host.alive.clear();
  host.advance(seconds(15));
  bool probed = false;
  for (const Frame& frame : host.sent()) {
    probed |= frame.arp.has_value() && frame.link.destination == kPeerMac;
  }
  EXPECT_TRUE(probed);
}

TEST_F(TcpPathTest, ANewRouteIsTakenByTheNextSegment) {
  const MacAddress other_mac{{2, 0, 0, 0, 0, 0x33}};
  const IpAddress other = IpAddress::v4(10, 0, 0, 51);
  introduce(other, other_mac);
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 80}, kRouterMac};
  const SocketId socket = established(peer);
  write(socket, "one");
  EXPECT_THAT(peer.take_one(), link_to(kRouterMac));
  peer.acknowledge();
  host.add_route("192.0.2.0/24", "10.0.0.51");
  write(socket, "two");
  EXPECT_THAT(peer.take_one(), AllOf(link_to(other_mac), ip_from(kOwn4)));
}

}  // namespace
}  // namespace smol
