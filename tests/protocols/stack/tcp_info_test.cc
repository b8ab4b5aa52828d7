// What a connection tells of itself: the figures of `ss -tin`.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpInfoTest : public TcpTest {
 protected:
  static Host::Options options() {
    Host::Options out;
    out.config.tcp.quick_acks = 0;
    return out;
  }
  TcpInfoTest() : TcpTest{options()} {}
  tcp::Info info(SocketId socket) { return host.stack->tcp_info(socket).value(); }
};

// TCP-149: the figures of STATUS (RFC 9293 section 3.9.1.5), here and in the tests below.
TEST_F(TcpInfoTest, TellsWhatWasAgreedOn) {
  TcpPeer plain = client(5000);
  const tcp::Info without = info(established(plain));
  EXPECT_FALSE(without.timestamps);
  EXPECT_FALSE(without.window_scaling);
  EXPECT_EQ(without.mss, 1460u);
  EXPECT_EQ(without.advmss, 1460u);
  TcpPeer modern = client(5001);
  modern.syn_options.timestamps = TcpTimestamps{1, 0};
  modern.syn_options.window_scale = 7;
  const SocketId listener = listen();
  modern.send("S");
  modern.take();
  TcpRepr ack;
  ack.seq = modern.snd_nxt;
  ack.ack = modern.rcv_nxt;
  ack.window = 100;
  ack.options.timestamps = TcpTimestamps{2, 0};
  host.receive(tcp_frame(modern.own, modern.theirs, ack));
  const tcp::Info with = info(accepted(listener));
  EXPECT_TRUE(with.timestamps);
  EXPECT_TRUE(with.window_scaling);
  EXPECT_EQ(with.snd_wind_shift, 7);
  EXPECT_EQ(with.snd_wnd, 12'800u);
  EXPECT_EQ(with.mss, 1448u);
}

TEST_F(TcpInfoTest, CountsWhatWasSentAgain) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(100));
  host.turn();
  tcp::Info now = info(socket);
  EXPECT_EQ(now.bytes_sent, 100u);
  EXPECT_EQ(now.bytes_retrans, 0u);
  EXPECT_EQ(now.backoff, 0);
  EXPECT_NE(now.retransmit_timer, kNever);
  EXPECT_EQ(now.retransmit_timer, host.now() + now.rto);
  EXPECT_EQ(now.last_sent, host.now());
  peer.take();
  host.advance(now.rto + milliseconds(1));
  now = info(socket);
  EXPECT_EQ(now.bytes_sent, 200u);
  EXPECT_EQ(now.bytes_retrans, 100u);
  EXPECT_EQ(now.sum_retrans, 1u);
  EXPECT_EQ(now.backoff, 1);
  EXPECT_EQ(now.retransmits, 1);
  peer.take();
  peer.rcv_nxt = now.snd_nxt;
  peer.acknowledge();
  now = info(socket);
  EXPECT_EQ(now.bytes_acked, 100u);
  EXPECT_EQ(now.bytes_sent, 200u);
  EXPECT_EQ(now.retransmits, 0);
  EXPECT_EQ(now.retransmit_timer, kNever);
}

TEST_F(TcpInfoTest, KeepsTheShortestRoundTrip) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (const int ms : {50, 20, 80}) {
    write(socket, "x");
    peer.take();
    host.advance(milliseconds(ms));
    peer.acknowledge();
  }
  // The handshake took no time at all.
  EXPECT_EQ(info(socket).min_rtt, microseconds(1));
  EXPECT_GT(info(socket).srtt, milliseconds(1));
  TcpPeer slow = client(80);
  TcpConnectOptions options;
  options.remote = slow.own;
  const SocketId other = host.stack->tcp_connect(options).value();
  slow.theirs = host.stack->local_endpoint(other).value();
  host.turn();
  EXPECT_EQ(info(other).min_rtt, Duration::zero()) << "none measured yet";
  host.advance(milliseconds(30));
  slow.accept();
  for (const int ms : {50, 20, 80}) {
    write(other, "x");
    slow.take();
    host.advance(milliseconds(ms));
    slow.acknowledge();
  }
  EXPECT_EQ(info(other).min_rtt, milliseconds(20));
}

TEST_F(TcpInfoTest, NothingIsSentBeforeTheSynIs) {
  TcpConnectOptions options;
  options.remote = {kPeer4, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  write(socket, pattern(100));
  tcp::Info now = host.stack->tcp_info(socket).value();
  EXPECT_EQ(now.bytes_sent, 0u);
  EXPECT_EQ(now.unsent, 100u);
  host.turn();
  now = info(socket);
  EXPECT_EQ(now.bytes_sent, 0u);
  EXPECT_EQ(now.unsent, 100u);
  EXPECT_EQ(now.waits_for, tcp::WaitsFor::kHandshake);
}

TEST_F(TcpInfoTest, NamesTheTimersThatRun) {
  TcpPeer peer = client();
  tcp::SocketOptions options;
  options.keep_alive = seconds(100);
  const SocketId socket = established(peer);
  ASSERT_TRUE(host.stack->set_options(socket, options));
  EXPECT_EQ(info(socket).keep_alive_timer, host.now() + seconds(100));
  EXPECT_EQ(info(socket).delayed_ack_timer, kNever);
  peer.send("P.", "x");
  EXPECT_EQ(info(socket).last_received, host.now());
  EXPECT_EQ(info(socket).delayed_ack_timer, host.now() + milliseconds(40));
  peer.window = 0;
  write(socket, "x");
  peer.take();
  peer.acknowledge();
  write(socket, "y");
  host.turn();
  EXPECT_NE(info(socket).persist_timer, kNever);
  EXPECT_EQ(info(socket).retransmit_timer, kNever);
  EXPECT_EQ(info(socket).waits_for, tcp::WaitsFor::kPeerWindow);
  host.advance(seconds(2));
  EXPECT_GT(info(socket).probes, 0);
}

TEST_F(TcpInfoTest, TellsTheSocketsLimits) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.send_buffer = 8192;
  options.receive_buffer = 16'384;
  options.nagle = false;
  const tcp::Info now = info(opened(peer, options));
  EXPECT_EQ(now.send_buffer, 8192u);
  EXPECT_EQ(now.receive_buffer, 16'384u);
  EXPECT_FALSE(now.nagle);
}

}  // namespace
}  // namespace smol
