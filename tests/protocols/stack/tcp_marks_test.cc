// What a connection's packets say beyond TCP: DSCP and hop limit (RFC 9293 section 3.9.1.9, 3.9.2).
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpMarksTest : public TcpTest {
 protected:
  static constexpr std::uint8_t kVoice = 46;

  static TcpConnectOptions marked(const IpEndpoint& remote) {
    TcpConnectOptions options;
    options.remote = remote;
    options.socket.dscp = kVoice;
    options.socket.hop_limit = 33;
    return options;
  }
  static void expect_marks(const std::vector<Frame>& frames, const char* what,
                           std::uint8_t dscp = kVoice) {
    EXPECT_THAT(frames, ::testing::Not(IsEmpty())) << what;
    for (const Frame& frame : frames) {
      EXPECT_THAT(frame, AllOf(dscp_is(dscp), hop_limit_is(33))) << what;
    }
  }
  /// A segment of the peer's whose packet has this DSCP.
  void send_marked(TcpPeer& peer, std::uint8_t dscp, std::string_view text) {
    Octets frame = peer.segment("P.", octets_of(text));
    constexpr std::size_t kIp = 14;
    frame[kIp + 1] = static_cast<std::uint8_t>(dscp << 2);
    put_be16(frame, kIp + 10, 0);
    put_be16(frame, kIp + 10, internet_sum(Bytes{frame}.subspan(kIp, 20)).checksum());
    host.receive(frame);
    peer.advance("P.", octets_of(text));
  }
};

// TCP-129, TCP-131, TCP-132, TCP-134: nothing that the stack does by itself changes the marks:
// handshake, text, what goes again, probes of either kind, the FIN, and TIME-WAIT's last word.
TEST_F(TcpMarksTest, AreTheSameOnEverySegmentToTheLast) {
  TcpPeer peer{host, {kPeer4, 80}, {kOwn4, 0}};
  TcpConnectOptions options = marked(peer.own);
  options.socket.keep_alive = seconds(60);
  const SocketId socket = host.stack->tcp_connect(options).value();
  peer.theirs = host.stack->local_endpoint(socket).value();
  expect_marks(peer.take(), "SYN");
  peer.send("S.");
  expect_marks(peer.take(), "the ACK of the SYN-ACK");
  write(socket, "text");
  expect_marks(peer.take(), "text");
  host.advance(seconds(1));
  expect_marks(peer.take(), "text that goes again");
  peer.window = 0;
  peer.acknowledge();
  write(socket, "held back");
  host.advance(seconds(5));
  expect_marks(peer.take(), "a window probe");
  peer.window = 0xffff;
  peer.acknowledge();
  peer.take();
  peer.acknowledge();
  host.advance(seconds(61));
  expect_marks(peer.take(), "a keep-alive probe");
  host.receive(peer.segment_at(peer.snd_nxt + 5, ".", octets_of("out of order")));
  expect_marks(peer.take(), "a duplicate ACK");
  peer.send("P.", "hello");
  peer.snd_nxt += 12;
  read(socket);
  peer.take();
  host.stack->close(socket);
  expect_marks(peer.take(), "FIN");
  peer.send("F.");
  expect_marks(peer.take(), "the ACK that begins TIME-WAIT");
  EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
  host.receive(peer.segment_at(peer.snd_nxt - 1, "F."));
  expect_marks(peer.take(), "TIME-WAIT's answer to the FIN again");
}

// TCP-131, TCP-134: of a listener, of either family.
TEST_F(TcpMarksTest, OfAListenerAreThoseOfItsConnections) {
  for (TcpPeer peer : {client(), client6()}) {
    TcpListenOptions options;
    options.local = peer.theirs;
    options.socket.dscp = kVoice;
    options.socket.hop_limit = 33;
    const SocketId listener = host.stack->tcp_listen(options).value();
    peer.send("S");
    expect_marks(peer.take(), "SYN-ACK");
    peer.send(".");
    const SocketId socket = accepted(listener);
    peer.send("P.", "unread");
    host.stack->close(socket);
    expect_marks(peer.take(), "RST");
    host.stack->close(listener);
  }
}

// TCP-130: from the next segment on, and for good.
TEST_F(TcpMarksTest, CanBeChangedDuringAConnection) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "before");
  EXPECT_THAT(peer.take_one(), AllOf(dscp_is(0), hop_limit_is(64)));
  peer.acknowledge();
  tcp::SocketOptions options = host.stack->tcp_defaults();
  options.dscp = 10;
  options.hop_limit = 33;
  ASSERT_TRUE(host.stack->set_options(socket, options));
  write(socket, "after");
  expect_marks(peer.take(), "text", 10);
  host.stack->abort(socket);
  expect_marks(peer.take(), "RST", 10);
}

// TCP-133.
TEST_F(TcpMarksTest, TheLastOfThePeerCanBeAsked) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_EQ(host.stack->tcp_info(socket)->rcv_dscp, 0u);
  send_marked(peer, 46, "a");
  EXPECT_EQ(host.stack->tcp_info(socket)->rcv_dscp, 46u);
  send_marked(peer, 8, "b");
  EXPECT_EQ(host.stack->tcp_info(socket)->rcv_dscp, 8u);
  host.receive(peer.segment_at(peer.snd_nxt + 1'000'000, "."));
  EXPECT_EQ(host.stack->tcp_info(socket)->rcv_dscp, 8u)
      << "what is out of the window is not the peer's";
}

// TCP-175: precedence, whose bits DSCP has taken, and security labels play no part; who changes
// them in mid-connection is still the peer.
TEST_F(TcpMarksTest, ThePeerMayChangeItsOwn) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  std::string all;
  for (std::uint8_t dscp = 0; dscp < 64; ++dscp) {
    send_marked(peer, dscp, "x");
    all += 'x';
  }
  EXPECT_EQ(read(socket), all);
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  for (const Frame& frame : peer.take()) EXPECT_THAT(frame, dscp_is(0)) << "nor do ours follow";
}

}  // namespace
}  // namespace smol
