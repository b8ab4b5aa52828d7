// The receive queue: whole packets lent where they lie, small pieces put together, and a bound on
// the memory that a peer can make us hold.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpReceiveTest : public TcpTest {
 protected:
  std::size_t held() { return host.pool().capacity() - host.pool().available(); }
};

// Payload of ordinary size is not copied: what is lent are the octets of the packet that came.
TEST_F(TcpReceiveTest, LendsTheOctetsWhereThePacketLeftThem) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  MemPacket in = host.packet(peer.segment("P.", pattern(1460)));
  const std::uint8_t* at = in.segment(0).data();
  host.receive(std::move(in));
  EXPECT_EQ(host.stack->readable(socket).data(), at + 14 + 20 + 20);
  EXPECT_EQ(octets_of(read(socket)), pattern(1460));
}

// A segment longer than a buffer comes as a chain, and is read piece by piece.
TEST_F(TcpReceiveTest, AChainIsReadPieceByPiece) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const Octets whole = peer.segment("P.", pattern(1000));
  const auto cut = whole.end() - 600;
  MemPacket in = host.packet(Octets{whole.begin(), cut});
  in.chain(host.packet(Octets{cut, cut + 300}));
  in.chain(host.packet(Octets{cut + 300, whole.end()}));
  host.receive(std::move(in));
  peer.snd_nxt += 1000;
  peer.send("P.", pattern(600, 1000));
  Octets got;
  for (std::size_t n = 1; got.size() < 1600; ++n) {
    const Bytes piece = host.stack->readable(socket);
    ASSERT_FALSE(piece.empty());
    const Bytes taken = piece.first(std::min(n, piece.size()));
    got.insert(got.end(), taken.begin(), taken.end());
    host.stack->consume(socket, taken.size());
  }
  EXPECT_EQ(got, pattern(1600));
  EXPECT_EQ(held(), 0u);
}

// A peer that sends single octets does not pin a packet with each.
TEST_F(TcpReceiveTest, SingleOctetsSharePackets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (std::size_t i = 0; i < 10'000; ++i) {
    peer.send("P.", pattern(1, i));
    if (i % 100 == 0) host.sent();
  }
  EXPECT_LE(held(), 8u);
  EXPECT_EQ(host.stack->unread(socket), 10'000u);
  EXPECT_EQ(octets_of(read(socket)), pattern(10'000));
  EXPECT_EQ(held(), 0u);
}

TEST_F(TcpReceiveTest, SmallSegmentsFillTheRoomBehindALargeOne) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", pattern(1000));
  for (std::size_t i = 0; i < 4; ++i) peer.send("P.", pattern(100, 1000 + i * 100));
  EXPECT_EQ(held(), 1u);
  EXPECT_EQ(octets_of(read(socket)), pattern(1400));
}

// Segments of just a quarter are the worst there is: four times their octets.
TEST_F(TcpReceiveTest, WhateverTheSegmentSizeMemoryIsAFewTimesTheOctets) {
  for (const std::size_t size : {1u, 7u, 100u, 511u, 512u, 555u, 600u, 1000u, 1460u}) {
    TcpPeer peer = client(static_cast<std::uint16_t>(6000 + size));
    const SocketId socket = established(peer);
    std::size_t octets = 0;
    while (octets < 30'000) {
      peer.send("P.", pattern(size, octets));
      octets += size;
      host.sent();
    }
    EXPECT_LE(held() * 2048, octets * 5) << size;
    EXPECT_EQ(octets_of(read(socket)), pattern(octets)) << size;
    host.stack->abort(socket);
    host.sent();
  }
}

// TCP-115: nor does it by leaving holes, forwards or backwards.
TEST_F(TcpReceiveTest, SingleOctetsBeyondAHoleSharePackets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const SeqNumber start = peer.snd_nxt;
  for (std::uint32_t i = 1; i <= 3000; ++i) {
    host.receive(peer.segment_at(start + i, "P.", pattern(1, i)));
    if (i % 50 == 0) host.sent();
  }
  EXPECT_LE(held(), 6u) << "forwards";
  for (std::uint32_t i = 6000; i > 3001; --i) {
    host.receive(peer.segment_at(start + i, "P.", pattern(1, i)));
    if (i % 50 == 0) host.sent();
  }
  EXPECT_LE(held(), 12u) << "backwards";
  host.receive(peer.segment_at(start + 3001, "P.", pattern(1, 3001)));
  host.receive(peer.segment_at(start, "P.", pattern(1)));
  EXPECT_EQ(octets_of(read(socket)), pattern(6001));
  EXPECT_EQ(held(), 0u);
}

// TCP-113, TCP-167, TRAP-36: whatever the order and the overlap, the stream is one.
TEST_F(TcpReceiveTest, OutOfOrderSegmentsMakeOneStream) {
  Rng rng{7};
  for (int round = 0; round < 60; ++round) {
    TcpPeer peer = client(static_cast<std::uint16_t>(7000 + round));
    const SocketId socket = established(peer);
    const SeqNumber start = peer.snd_nxt;
    constexpr std::uint32_t kTotal = 20'000;
    std::string got;
    for (int i = 0; i < 400; ++i) {
      const std::uint32_t at = rng.below(kTotal);
      const std::uint32_t len = 1 + rng.below(rng.below(2) == 0 ? 20 : 1460);
      const std::uint32_t end = std::min(at + len, kTotal);
      host.receive(peer.segment_at(start + at, "P.", pattern(end - at, at)));
      if (rng.below(4) == 0) got += read(socket, 1 + rng.below(5000));
      if (i % 20 == 0) host.sent();
    }
    // A segment that spans two holes fills the first of them.
    for (std::uint32_t at = 0; got.size() < kTotal && at < 400'000; at += 50) {
      host.receive(peer.segment_at(start + at % kTotal, "P.", pattern(50, at % kTotal)));
      got += read(socket);
      host.sent();
    }
    ASSERT_EQ(octets_of(got), pattern(kTotal)) << round;
    host.stack->abort(socket);
    host.sent();
    ASSERT_EQ(held(), 0u) << round;
  }
  host.dropped();
}

// TCP-097, TCP-101, TCP-105: a reader who does not read closes the window, and reading opens it.
TEST_F(TcpReceiveTest, ASlowReaderClosesTheWindowAndReadingOpensIt) {
  TcpListenOptions options;
  options.local = {kOwn4, 80};
  options.socket.receive_buffer = 16 << 10;
  const SocketId listener = host.stack->tcp_listen(options).value();
  TcpPeer peer = client();
  peer.send("S");
  EXPECT_THAT(peer.take_one(), tcp_window(16 << 10));
  peer.send(".");
  const SocketId socket = accepted(listener);
  std::size_t sent = 0;
  std::uint16_t window = 16 << 10;
  while (window > 0 && sent < 100'000) {
    const std::size_t n = std::min<std::size_t>(window, 1460);
    peer.send("P.", pattern(n, sent));
    sent += n;
    host.advance(milliseconds(50));
    for (const Frame& frame : peer.take()) window = frame.tcp->window;
  }
  EXPECT_EQ(sent, 16u << 10);
  // A probe is answered and taken no notice of.
  host.receive(peer.segment("P.", pattern(1, sent)));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_ack(peer.snd_nxt), tcp_window(0)));
  host.dropped();

  EXPECT_EQ(read(socket, 100).size(), 100u);
  EXPECT_THAT(peer.take(), IsEmpty()) << "a hundred octets are not worth an update";
  std::string got = read(socket, 4000);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_window(4100)));
  got += read(socket);
  const std::vector<Frame> frames = peer.take();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().tcp->window, 16 << 10);
}

// TCP-089: whatever is read and when, the right edge of the window never moves back.
TEST_F(TcpReceiveTest, TheRightEdgeOfTheWindowNeverMovesBack) {
  Rng rng{3};
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  SeqNumber edge = peer.snd_nxt;
  SeqNumber start = peer.snd_nxt;
  for (int i = 0; i < 5000; ++i) {
    const std::uint32_t room = peer.snd_nxt.before(edge) ? peer.snd_nxt.until(edge) : 0;
    const std::uint32_t n = std::min(room, 1 + rng.below(1460));
    if (n > 0) peer.send("P.", pattern(n, start.until(peer.snd_nxt)));
    if (n == 0 || rng.below(3) == 0) read(socket, rng.below(4000));
    host.advance(milliseconds(rng.below(60)));
    for (const Frame& frame : peer.take()) {
      const SeqNumber now = *frame.tcp->ack + frame.tcp->window;
      ASSERT_TRUE(edge.at_or_before(now)) << i;
      edge = now;
    }
    if (n == 0) read(socket);
  }
}

}  // namespace
}  // namespace smol
