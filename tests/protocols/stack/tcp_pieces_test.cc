// Reading and writing by pieces and packets, the end of reading, and how much is worth an event.
#include <array>

#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

// --- looking without taking ----------------------------------------------------------------------

class TcpPeekTest : public TcpTest {
 protected:
  std::string peek(SocketId socket, std::size_t offset, std::size_t most) {
    Octets out(most);
    out.resize(host.stack->peek(socket, offset, out));
    return text_of(out);
  }
};

// smoltcp's established_peek_slice.
TEST_F(TcpPeekTest, CopiesWithoutTaking) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_EQ(peek(socket, 0, 10), "");
  peer.send("P.", "hello");
  EXPECT_EQ(peek(socket, 0, 10), "hello");
  EXPECT_EQ(peek(socket, 0, 2), "he");
  EXPECT_EQ(peek(socket, 1, 3), "ell");
  EXPECT_EQ(peek(socket, 5, 1), "");
  EXPECT_EQ(peek(socket, 99, 1), "");
  EXPECT_EQ(peek(socket, 0, 0), "");
  EXPECT_EQ(host.stack->unread(socket), 5u);
  EXPECT_EQ(read(socket), "hello");
}

// smoltcp's established_peek_slice_wrap: what is received lies in several packets.
TEST_F(TcpPeekTest, LooksBeyondTheFirstPacket) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (std::size_t i = 0; i < 4; ++i) peer.send("P.", pattern(1000, i * 1000));
  for (const std::size_t offset : {0u, 1u, 999u, 1000u, 1001u, 2500u, 3999u, 4000u}) {
    const std::size_t n = std::min<std::size_t>(2100, 4000 - offset);
    EXPECT_EQ(octets_of(peek(socket, offset, 2100)), pattern(n, offset)) << offset;
  }
  host.stack->consume(socket, 1500);
  EXPECT_EQ(octets_of(peek(socket, 0, 4000)), pattern(2500, 1500)) << "from what is left";
}

TEST_F(TcpPeekTest, LendsAllPiecesWhereTheyLie) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  std::array<Bytes, 3> pieces;
  EXPECT_EQ(host.stack->readable_pieces(socket, pieces), 0u);
  for (std::size_t i = 0; i < 4; ++i) peer.send("P.", pattern(1000, i * 1000));
  ASSERT_EQ(host.stack->readable_pieces(socket, pieces), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(Octets(pieces[i].begin(), pieces[i].end()), pattern(1000, i * 1000));
  }
  EXPECT_EQ(pieces[0].data(), host.stack->readable(socket).data()) << "not copied";
  host.stack->consume(socket, 3000);
  ASSERT_EQ(host.stack->readable_pieces(socket, pieces), 1u);
  EXPECT_EQ(octets_of(read(socket)), pattern(1000, 3000));
  EXPECT_EQ(host.stack->readable_pieces(socket, {}), 0u);
}

// --- the end of reading --------------------------------------------------------------------------

class TcpShutdownReadTest : public TcpTest {};

TEST_F(TcpShutdownReadTest, ThrowsAwayWhatIsThereAndWhatComes) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", "unread");
  host.events();
  ASSERT_TRUE(host.stack->shutdown_read(socket));
  EXPECT_TRUE(host.stack->at_end(socket));
  EXPECT_EQ(read(socket), "");
  EXPECT_EQ(host.stack->unread(socket), 0u);
  peer.send("P.", "more");
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  EXPECT_EQ(host.stack->unread(socket), 0u);
  EXPECT_TRUE(host.stack->readable(socket).empty());
  host.advance(milliseconds(100));
  EXPECT_THAT(peer.take(), ::testing::Not(IsEmpty())) << "it is acknowledged";
  EXPECT_TRUE(host.stack->shutdown_read(socket)) << "again changes nothing";
}

// The peer may write as much as it likes: the window never shuts, and no memory is kept.
TEST_F(TcpShutdownReadTest, LeavesTheWindowOpen) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.receive_buffer = 8192;
  const SocketId socket = opened(peer, options);
  ASSERT_TRUE(host.stack->shutdown_read(socket));
  const std::size_t before = host.pool().available();
  for (int i = 0; i < 50; ++i) {
    peer.send("P.", pattern(1000));
    for (const Frame& frame : peer.take()) EXPECT_GE(frame.tcp->window, 6000u);
  }
  host.advance(milliseconds(50));
  peer.take();
  EXPECT_EQ(host.pool().available(), before);
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_received, 50'000u);
}

// Writing goes on, the peer's FIN is heard, and the end is an orderly one: what was thrown away was
// read as far as the peer is concerned.
TEST_F(TcpShutdownReadTest, LeavesWritingAndAnOrderlyEnd) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->shutdown_read(socket));
  write(socket, "still talking");
  EXPECT_EQ(peer.take_text(), "still talking");
  peer.send("F.", "nobody reads this");
  EXPECT_EQ(event_names(host.events_of(socket)), "peer_closed");
  peer.take();
  host.stack->close(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("F.")) << "no RST: nothing is left unread";
  peer.acknowledge();
  host.expect_empty();
}

TEST_F(TcpShutdownReadTest, OfWhatIsNotThereIsAnError) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("R");
  EXPECT_EQ(error_of(host.stack->shutdown_read(socket)), "ENOTCONN");
  EXPECT_EQ(error_of(host.stack->shutdown_read(listen(8080))), "EBADF");
  EXPECT_EQ(error_of(host.stack->shutdown_read({})), "EBADF");
}

// Text that waited beyond a hole goes the same way once it is in line.
TEST_F(TcpShutdownReadTest, ThrowsAwayWhatWasOutOfOrder) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.receive(peer.segment_at(peer.snd_nxt + 4, "P.", octets_of("tail")));
  ASSERT_TRUE(host.stack->shutdown_read(socket));
  peer.send("P.", "head");
  EXPECT_EQ(host.stack->unread(socket), 0u);
  peer.snd_nxt += 4;
  peer.send("P.", "on");
  EXPECT_EQ(read(socket), "");
  host.advance(milliseconds(50));
  host.sent();
}

// --- writing -------------------------------------------------------------------------------------

class TcpPiecesTest : public TcpTest {
 protected:
  MemPacket packet_of(std::size_t size) {
    MemPacket packet = host.pool().allocate();
    copy_bytes(packet.append(size), pattern(size));
    return packet;
  }
};

TEST_F(TcpPiecesTest, AreOneStream) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const Octets a = octets_of("one ");
  const Octets c = octets_of("two ");
  const Octets d = pattern(3000);
  const std::array<Bytes, 4> pieces{a, Bytes{}, c, d};
  const Result<std::size_t, Error> written = host.stack->write_pieces(socket, pieces);
  EXPECT_EQ(written.value_or(0), 3008u);
  const std::vector<Frame> frames = peer.take();
  ASSERT_THAT(frames, SizeIs(3)) << "cut for the wire, not where the pieces end";
  EXPECT_EQ(frames[0].payload.size(), 1460u);
  Octets all;
  for (const Frame& frame : frames) all = all + frame.payload;
  EXPECT_EQ(all, a + c + d);
}

TEST_F(TcpPiecesTest, StopWhereTheBufferIsFull) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.send_buffer = 5000;
  const SocketId socket = opened(peer, options);
  const Octets part = pattern(3000);
  const std::array<Bytes, 3> pieces{part, part, part};
  EXPECT_EQ(host.stack->write_pieces(socket, pieces).value_or(0), 5000u);
  EXPECT_EQ(host.stack->write_pieces(socket, pieces).value_or(9), 0u);
  for (int i = 0; i < 4; ++i) {
    peer.take();
    peer.acknowledge();
  }
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
}

TEST_F(TcpPiecesTest, HaveTheErrorsOfWriting) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const Octets part = octets_of("x");
  const std::array<Bytes, 1> pieces{part};
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  EXPECT_EQ(error_of(host.stack->write_pieces(socket, pieces)), "EPIPE");
  EXPECT_EQ(error_of(host.stack->write_pieces(socket, {})), "EPIPE");
  EXPECT_EQ(error_of(host.stack->write_pieces({}, pieces)), "EBADF");
  host.sent();
}

// A packet that is handed over is the send queue's where it lies: its very octets leave, and leave
// again, until they are acknowledged (TCP-151).
TEST_F(TcpPiecesTest, APacketHandedOverIsNotCopied) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const std::size_t before = host.pool().available();
  MemPacket packet = packet_of(900);
  const std::uint8_t* const octets = packet.segment(0).data();
  ASSERT_TRUE(host.stack->write_packet(socket, packet));
  EXPECT_FALSE(packet) << "taken";
  host.keep_packets = true;
  host.turn();
  ASSERT_THAT(host.kept, SizeIs(1));
  const Bytes sent = host.kept[0].segment(0);
  EXPECT_EQ(sent.data() + sent.size() - 900, octets);
  host.kept.clear();
  host.keep_packets = false;
  peer.take();
  host.advance(seconds(1));
  const std::vector<Frame> again = peer.take();
  ASSERT_THAT(again, ::testing::Not(IsEmpty()));
  for (const Frame& frame : again) EXPECT_EQ(frame.payload, pattern(900));
  EXPECT_LT(host.pool().available(), before);
  peer.acknowledge();
  EXPECT_EQ(host.pool().available(), before) << "free once it is acknowledged, not before";
}

TEST_F(TcpPiecesTest, PacketsAndWritesAreOneStream) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "begin ");
  MemPacket packet = packet_of(501);
  ASSERT_TRUE(host.stack->write_packet(socket, packet));
  write(socket, " end");
  Octets all;
  for (int i = 0; i < 3; ++i) {
    for (const Frame& frame : peer.take()) all = all + frame.payload;
    peer.acknowledge();
  }
  EXPECT_EQ(all, octets_of("begin ") + pattern(501) + octets_of(" end"));
}

TEST_F(TcpPiecesTest, APacketThatCannotBeTakenStaysTheCallers) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const auto refused = [&](MemPacket packet) {
    const std::string error = error_of(host.stack->write_packet(socket, packet));
    EXPECT_TRUE(packet || error == "none");
    return error;
  };
  EXPECT_EQ(refused(packet_of(1461)), "EMSGSIZE");
  EXPECT_EQ(refused(host.pool().allocate()), "EINVAL") << "empty";
  MemPacket shared = packet_of(100);
  const std::optional<MemPacket> view = shared.share(0, 100);
  EXPECT_EQ(error_of(host.stack->write_packet(socket, shared)), "EINVAL") << "somebody else looks";
  MemPacket full = packet_of(10);
  while (!full.prepend(1).empty()) {
  }
  full.trim_back(full.size() - 100);
  EXPECT_EQ(refused(std::move(full)), "ENOBUFS") << "no room for headers";
  MemPacket orphan = packet_of(10);
  EXPECT_EQ(error_of(host.stack->write_packet({}, orphan)), "EBADF");
  tcp::SocketOptions options = host.stack->tcp_defaults();
  options.send_buffer = 4096;
  ASSERT_TRUE(host.stack->set_options(socket, options));
  write(socket, pattern(4000));
  EXPECT_EQ(refused(packet_of(100)), "EAGAIN");
  for (int i = 0; i < 3; ++i) {
    peer.take();
    peer.acknowledge();
  }
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  EXPECT_EQ(refused(packet_of(100)), "EPIPE");
  host.sent();
}

// --- low water: TCP-152
// ---------------------------------------------------------------------------

class TcpLowWaterTest : public TcpTest {
 protected:
  static tcp::SocketOptions options_with(std::uint32_t receive, std::uint32_t send = 0,
                                         std::uint32_t unsent = 0) {
    tcp::SocketOptions options;
    options.receive_low_water = receive;
    options.send_low_water = send;
    options.unsent_low_water = unsent;
    options.receive_buffer = 8192;
    options.send_buffer = 20'000;
    return options;
  }
  SocketId opened_with(TcpPeer& peer, const tcp::SocketOptions& options) {
    peer.own.port = 80;
    return opened(peer, options);
  }
};

// TCP-152: SO_RCVLOWAT.
TEST_F(TcpLowWaterTest, ReadableIsToldWhenThereIsEnough) {
  TcpPeer peer = client();
  const SocketId socket = opened_with(peer, options_with(3000));
  peer.send("P.", pattern(1400));
  peer.send("P.", pattern(1400));
  peer.send("P.", pattern(199));
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  EXPECT_EQ(host.stack->unread(socket), 2999u) << "it can be read all the same";
  peer.send("P.", pattern(1));
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  peer.send("P.", pattern(1));
  EXPECT_EQ(event_names(host.events_of(socket)), "readable") << "and more is news again";
  host.stack->consume(socket, 3001);
  peer.send("P.", pattern(10));
  EXPECT_EQ(event_names(host.events_of(socket)), "");
}

// TCP-152: less is news when it is all that will come.
TEST_F(TcpLowWaterTest, WhatTheEndLeavesIsReadableHoweverLittle) {
  TcpPeer peer = client();
  const SocketId socket = opened_with(peer, options_with(3000));
  peer.send("P.", "little");
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  peer.send("F.");
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|peer_closed");
  EXPECT_EQ(read(socket), "little");
}

// TCP-152: a mark that the window does not let anyone reach would be waited for in vain.
TEST_F(TcpLowWaterTest, AFullWindowIsReadable) {
  TcpPeer peer = client();
  const SocketId socket = opened_with(peer, options_with(8192));
  std::size_t sent = 0;
  bool told = false;
  while (sent + 1460 <= 8192 && !told) {
    peer.send("P.", pattern(1460));
    sent += 1460;
    told = event_names(host.events_of(socket)) == "readable";
  }
  EXPECT_TRUE(told);
  EXPECT_EQ(read(socket).size(), sent);
  peer.take();
}

// TCP-152: a listener's mark is inherited, and a new one looks again.
TEST_F(TcpLowWaterTest, ReadableIsOfWhoAcceptsAsWell) {
  TcpListenOptions listen;
  listen.local = {kOwn4, 80};
  listen.socket = options_with(1000);
  const SocketId listener = host.stack->tcp_listen(listen).value();
  TcpPeer peer = client();
  peer.connect();
  peer.send("P.", pattern(900));
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  ASSERT_TRUE(host.stack->set_options(socket, options_with(900)));
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  tcp::SocketOptions wrong = options_with(8193);
  EXPECT_EQ(error_of(host.stack->set_options(socket, wrong)), "EINVAL") << "above the buffer";
  wrong = options_with(1, 20'001);
  EXPECT_EQ(error_of(host.stack->set_options(socket, wrong)), "EINVAL");
}

// TCP-152: SO_SNDLOWAT.
TEST_F(TcpLowWaterTest, WritableIsToldWhenThereIsEnoughRoom) {
  TcpPeer peer = client();
  const SocketId socket = opened_with(peer, options_with(1, 15'000));
  EXPECT_EQ(write(socket, pattern(30'000)), 20'000u);
  std::size_t acked = 0;
  while (acked < 20'000) {
    const SeqNumber before = peer.rcv_nxt;
    for (const Frame& frame : host.sent()) {
      if (frame.tcp->seq == peer.rcv_nxt) {
        peer.rcv_nxt += static_cast<std::uint32_t>(frame.payload.size());
      }
    }
    acked += before.until(peer.rcv_nxt);
    peer.acknowledge();
    const bool enough = acked >= 15'000;
    EXPECT_EQ(event_names(host.events_of(socket)), enough ? "writable" : "") << acked;
    if (enough) break;
  }
}

// TCP-152: TCP_NOTSENT_LOWAT: what is in flight does not count, and what leaves makes room.
TEST_F(TcpLowWaterTest, UnsentTextIsKeptShort) {
  TcpPeer peer = client();
  peer.window = 3000;
  const SocketId socket = opened_with(peer, options_with(1, 0, 2000));
  EXPECT_EQ(write(socket, pattern(10'000)), 2000u);
  EXPECT_EQ(host.stack->writable(socket), 0u);
  host.turn();
  EXPECT_EQ(event_names(host.events_of(socket)), "writable") << "it has left, no ACK was needed";
  EXPECT_EQ(host.stack->writable(socket), 2000u);
  EXPECT_EQ(write(socket, pattern(10'000, 2000)), 2000u);
  host.turn();
  EXPECT_EQ(write(socket, pattern(10'000, 4000)), 0u) << "it does not fit the window";
  peer.take();
  peer.acknowledge();
  peer.take();
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
}

// --- cork: TCP-062
// --------------------------------------------------------------------------------

class TcpCorkTest : public TcpTest {
 protected:
  tcp::SocketOptions corked(bool cork = true) const {
    tcp::SocketOptions options = host.stack->tcp_defaults();
    options.cork = cork;
    return options;
  }
};

// TCP-062, TCP-063: a head and a body leave as one, and at once when they are let go.
TEST_F(TcpCorkTest, HoldsWhatIsLessThanASegmentUntilItIsLetGo) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->set_options(socket, corked()));
  write(socket, "HTTP/1.1 200 OK\r\n\r\n");
  host.advance(milliseconds(100));
  EXPECT_THAT(peer.take(), IsEmpty());
  write(socket, "body");
  EXPECT_THAT(peer.take(), IsEmpty());
  ASSERT_TRUE(host.stack->set_options(socket, corked(false)));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("P."), carries("HTTP/1.1 200 OK\r\n\r\nbody")));
}

// TCP-062: full segments leave; the rest waits.
TEST_F(TcpCorkTest, LetsFullSegmentsGo) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->set_options(socket, corked()));
  write(socket, pattern(3000));
  EXPECT_THAT(peer.take(), SizeIs(2));
  write(socket, pattern(1460));
  EXPECT_THAT(peer.take(), SizeIs(1)) << "80 octets and 1380 more";
}

// TCP-062, TCP-059: nothing waits for ever: 200 ms after all before it was acknowledged.
TEST_F(TcpCorkTest, HoldsForAWhileAndNoLonger) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->set_options(socket, corked()));
  write(socket, "forgotten");
  host.advance(milliseconds(199));
  EXPECT_THAT(peer.take(), IsEmpty());
  host.advance(milliseconds(2));
  EXPECT_EQ(peer.take_text(), "forgotten");
  write(socket, "again");
  host.advance(milliseconds(20));
  EXPECT_THAT(peer.take(), IsEmpty());
  peer.acknowledge();
  host.advance(milliseconds(199));
  EXPECT_THAT(peer.take(), IsEmpty());
  host.advance(milliseconds(2));
  EXPECT_EQ(peer.take_text(), "again");
}

// TCP-062: the end of the stream is a reason to go.
TEST_F(TcpCorkTest, DoesNotHoldTheEnd) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->set_options(socket, corked()));
  write(socket, "last words");
  EXPECT_THAT(peer.take(), IsEmpty());
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("FP."), carries("last words")));
}

}  // namespace
}  // namespace smol
