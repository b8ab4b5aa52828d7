// The strict profile, as far as it is the stack's (tests/protocols/tcp/strict_test.cc has the
// rest).
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpStrictTest : public TcpTest {
 protected:
  static Host::Options strict() {
    Host::Options options;
    options.config.tcp = tcp::Config::strict();
    return options;
  }
  TcpStrictTest() : TcpTest{strict()} {}
};

// TCP-146: SHLD-26 to the letter, of what is in flight; what is soft stays soft (TCP-144).
TEST_F(TcpStrictTest, AHardIcmpErrorEndsAnOpenConnection) {
  for (const std::uint8_t code : Octets{2, 3}) {
    TcpPeer peer = client();
    const SocketId socket = established(peer);
    write(socket, "x");
    const Frame sent = peer.take_one();
    for (const std::uint8_t soft : Octets{0, 1, 5, 13}) unreachable(sent, soft);
    EXPECT_EQ(state(socket), tcp::State::kEstablished);
    host.events();
    unreachable(sent, code);
    EXPECT_EQ(event_names(host.events_of(socket)), "soft_error|closed");
    EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNREFUSED");
    host.stack->close(socket);
    host.expect_empty();
  }
}

TEST_F(TcpStrictTest, AHardIcmpErrorAboutSomethingElseDoesNot) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  const Frame sent = peer.take_one();
  peer.acknowledge();
  unreachable(sent, 3);
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
}

// A neighbour that does not answer is no word of the peer's: it may be back.
TEST_F(TcpStrictTest, ALostNeighborDoesNot) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  host.alive.clear();
  host.advance(seconds(60));
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  host.sent();
}

// TCP-038: section 3.10.7.4 to the letter, with RFC 5961's check of the number.
TEST_F(TcpStrictTest, AnExactRstEndsTimeWait) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  peer.take();
  peer.acknowledge();
  peer.send("F.");
  peer.take();
  ASSERT_EQ(counters().tcp_time_wait.value(), 1u);
  for (const std::uint32_t off : {1u, 0xffff'ffffu, 5000u}) {
    host.receive(peer.segment_at(peer.snd_nxt + off, "R"));
    EXPECT_EQ(host.only_dropped(), Drop::kTcpTimeWait) << off;
    EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
  }
  host.receive(peer.segment_at(peer.snd_nxt, "R"));
  EXPECT_EQ(counters().tcp_time_wait.value(), 0u);
  EXPECT_THAT(host.sent(), IsEmpty());
  TcpPeer next = client();
  next.send("S");
  EXPECT_THAT(next.take_one(), tcp_is("R.")) << "the numbers are free, and nobody listens";
  host.advance(seconds(300));
  host.expect_empty();
}

}  // namespace
}  // namespace smol
