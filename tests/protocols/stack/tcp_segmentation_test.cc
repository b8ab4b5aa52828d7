// Segmentation by the device: many segments leave the stack as one packet, and on the wire nobody
// can tell.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

Host::Options roomy() {
  Host::Options options;
  options.packets = 512;
  options.packet_octets = 66'000;
  return options;
}

class TcpSegmentationTest : public TcpTest {
 protected:
  TcpSegmentationTest() : TcpTest{roomy(), segmenting_eth0()} {}
  /// A connection that sends as much at once as the peer's window lets.
  SocketId unbounded(TcpPeer& peer) {
    tcp::SocketOptions options;
    options.congestion_control = tcp::CongestionControl::kNone;
    return opened(peer, options);
  }
  void send(SocketId socket, const Octets& data) {
    EXPECT_EQ(write(socket, data), data.size());
    host.turn();
  }
};

// OFF-001: one packet for the device; segments, numbers and flags are as without it.
TEST_F(TcpSegmentationTest, SegmentsThatFollowOneAnotherLeaveAsOnePacket) {
  TcpPeer peer = client();
  const SocketId socket = unbounded(peer);
  host.keep_packets = true;
  send(socket, pattern(1460 * 20 + 10));
  ASSERT_THAT(host.kept, SizeIs(1));
  const TxOffload& asked = host.kept[0].meta().tx;
  EXPECT_EQ(asked.segment_size, 1460);
  EXPECT_TRUE(asked.tcp_checksum);
  EXPECT_EQ(asked.l4_len, 20);
  const std::vector<Frame> frames = peer.take();
  ASSERT_EQ(frames.size(), 21u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_THAT(frames[i], AllOf(tcp_is("."), carries(pattern(1460, 1460 * i))));
  }
  EXPECT_THAT(frames[20], AllOf(tcp_is("P."), carries(pattern(10, 1460 * 20))));
  EXPECT_EQ(counters().tcp_out_segs.value(), 23u);
}

TEST_F(TcpSegmentationTest, AFinGoesOnTheLast) {
  TcpPeer peer = client6();
  peer.syn_options = TcpPeer::mss_option(1440);
  const SocketId socket = unbounded(peer);
  const Result<std::size_t, Error> written = host.stack->write(socket, pattern(1440 * 3));
  ASSERT_TRUE(written);
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  host.turn();
  EXPECT_THAT(peer.take(), ElementsAre(tcp_is("."), tcp_is("."), tcp_is("FP.")));
  EXPECT_EQ(host.supers(), 1u);
}

TEST_F(TcpSegmentationTest, APacketIsNoLongerThanItsHeaderCanSay) {
  TcpPeer peer = client();
  peer.syn_options.window_scale = 7;
  const SocketId socket = unbounded(peer);
  peer.acknowledge();
  host.keep_packets = true;
  send(socket, pattern(1460 * 50));
  ASSERT_THAT(host.kept, SizeIs(2));
  EXPECT_EQ(host.kept[0].size(), 14u + 20 + 20 + 44 * 1460);
  EXPECT_EQ(host.kept[1].size(), 14u + 20 + 20 + 6 * 1460);
  Octets got;
  for (const Frame& frame : peer.take()) got = got + frame.payload;
  EXPECT_EQ(got, pattern(1460 * 50));
}

// What is lost on the way goes again, however much of the packet it is.
TEST_F(TcpSegmentationTest, WhatIsLostOfOneGoesAgainAlone) {
  TcpPeer peer = client();
  peer.syn_options.sack_permitted = true;
  const SocketId socket = unbounded(peer);
  send(socket, pattern(1460 * 20));
  std::vector<Frame> frames = host.sent();
  ASSERT_EQ(frames.size(), 20u);
  TcpRepr ack;
  ack.seq = peer.snd_nxt;
  ack.window = peer.window;
  ack.ack = frames[3].tcp->seq;
  ack.options.sack = {SackBlock{frames[6].tcp->seq, frames[19].tcp->seq + 1460}};
  host.receive(tcp_frame(peer.own, peer.theirs, ack));
  host.advance(milliseconds(400));
  const std::vector<Frame> again = host.sent();
  ASSERT_GE(again.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(again[i], carries(pattern(1460, 1460 * (3 + i))));
  }
  EXPECT_EQ(counters().tcp_retrans_segs.value(), again.size());
  peer.rcv_nxt = frames[19].tcp->seq + 1460;
  peer.acknowledge();
  EXPECT_EQ(host.stack->tcp_info(socket)->in_flight, 0u);
}

// A device takes a packet in so many pieces and no more, however small the writes were.
TEST_F(TcpSegmentationTest, ManySmallWritesThatGoAgainAreFewPieces) {
  TcpPeer peer = client();
  tcp::SocketOptions options;
  options.congestion_control = tcp::CongestionControl::kNone;
  options.nagle = false;
  const SocketId socket = opened(peer, options);
  const Octets text = pattern(40 * 7);
  for (std::size_t i = 0; i < text.size(); i += 7) {
    const auto at = text.begin() + static_cast<std::ptrdiff_t>(i);
    send(socket, Octets(at, at + 7));
  }
  EXPECT_THAT(host.sent(), SizeIs(40));
  host.keep_packets = true;
  host.advance(milliseconds(1500));
  const std::vector<Frame> again = peer.take();
  ASSERT_THAT(again, ::testing::Not(IsEmpty()));
  for (const Frame& frame : again) EXPECT_THAT(frame, carries(text));
  for (const MemPacket& packet : host.kept) {
    EXPECT_TRUE(packet.segment(2).empty()) << "headers, and one piece of text";
  }
}

// TCP-237: the word that the window was reduced is said once.
TEST(SuperSegment, OnlyItsFirstSaysThatTheWindowWasReduced) {
  tcp::SegmentOut first;
  first.header.ack = SeqNumber{1};
  first.header.cwr = true;
  first.len = 1460;
  tcp::SegmentOut second = first;
  second.header.seq += 1460;
  EXPECT_FALSE(first.join(second, 65'000));
  second.header.cwr = false;
  EXPECT_TRUE(first.join(second, 65'000));
  EXPECT_TRUE(first.header.cwr);
  EXPECT_EQ(first.segments(), 2u);
}

TEST(SuperSegment, WhatDiffersInMoreThanItsPlaceLeavesAlone) {
  tcp::SegmentOut full;
  full.header.seq = SeqNumber{1000};
  full.header.ack = SeqNumber{1};
  full.len = 1000;
  tcp::SegmentOut next = full;
  next.header.seq = SeqNumber{2000};
  const auto joins = [&](auto&& change) {
    tcp::SegmentOut first = full;
    tcp::SegmentOut second = next;
    change(first, second);
    const tcp::SegmentOut before = first;
    const bool joined = first.join(second, 65'000);
    EXPECT_EQ(first.len, joined ? before.len + second.len : before.len);
    return joined;
  };
  using Out = tcp::SegmentOut;
  EXPECT_TRUE(joins([](Out&, Out&) {}));
  EXPECT_TRUE(joins([](Out&, Out& b) { b.len = 1; }));
  EXPECT_TRUE(joins([](Out&, Out& b) { b.header.control = TcpControl::kFinPsh; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.len = 1001; })) << "longer";
  EXPECT_FALSE(joins([](Out&, Out& b) { b.len = 0; })) << "no text";
  EXPECT_FALSE(joins([](Out& a, Out&) { a.len = 0; })) << "no text";
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.seq += 1; })) << "a hole";
  EXPECT_FALSE(joins([](Out& a, Out&) { a.header.control = TcpControl::kPsh; })) << "PSH before";
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.window = 1; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.ack = SeqNumber{2}; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.options.timestamps = TcpTimestamps{1, 2}; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.ece = true; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.header.urgent = 1; }));
  EXPECT_FALSE(joins([](Out& a, Out&) { a.header.urgent = 1; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.ecn = Ecn::kEct0; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.retransmission = true; }));
  EXPECT_FALSE(joins([](Out& a, Out&) { a.probe = true; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.probe = true; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.window_probe = true; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.tail_probe = true; }));
  EXPECT_FALSE(joins([](Out&, Out& b) { b.garbage = true; }));
  EXPECT_FALSE(joins([](Out& a, Out&) { a.header.control = TcpControl::kSyn; }));
  tcp::SegmentOut long_one = full;
  EXPECT_FALSE(long_one.join(next, 1999)) << "longer than the device takes";
  EXPECT_TRUE(long_one.join(next, 2000));
  next.header.seq = SeqNumber{3000};
  next.len = 10;
  EXPECT_TRUE(long_one.join(next, 65'000));
  next.header.seq = SeqNumber{3010};
  EXPECT_FALSE(long_one.join(next, 65'000)) << "behind one that is not full";
}

// A device may also give what it received as one packet of many segments.
TEST_F(TcpSegmentationTest, ASegmentOfSixtyThousandOctetsIsTakenAndAcknowledgedAtOnce) {
  TcpPeer peer = client();
  const SocketId socket = unbounded(peer);
  const Octets text = pattern(60'000);
  peer.send("P.", text);
  EXPECT_EQ(peer.take_one().tcp->ack, peer.snd_nxt);
  EXPECT_EQ(read(socket), text_of(text));
}

// The routes lead to a port that cuts nothing: what leaves from then on fits it.
TEST_F(TcpSegmentationTest, OnAnotherPortSegmentsGoOneByOne) {
  InterfaceConfig plain;
  plain.name = "eth1";
  plain.mac = MacAddress{{2, 0, 0, 0, 0, 3}};
  plain.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}, IpPrefix{kOwn4, 32}};
  const InterfaceId other = host.add_interface(plain);
  const IpAddress gateway = IpAddress::v4(10, 1, 0, 254);
  host.alive[gateway] = kRouterMac;
  TcpPeer peer{host, {kFar4, 5000}, {kOwn4, 0}};
  peer.mac = kRouterMac;
  const SocketId socket = unbounded(peer);
  send(socket, pattern(1460 * 5));
  EXPECT_EQ(peer.take().size(), 5u);
  EXPECT_EQ(host.supers(), 1u);
  peer.acknowledge();
  host.add_route("192.0.2.0/24", "10.1.0.254", other);
  send(socket, pattern(1460 * 5));
  host.advance(milliseconds(10));
  Octets got;
  for (const Frame& frame : host.sent()) {
    EXPECT_EQ(frame.interface, other);
    got = got + frame.payload;
  }
  EXPECT_EQ(got, pattern(1460 * 5));
  EXPECT_EQ(host.supers(), 1u);
}

}  // namespace
}  // namespace smol
