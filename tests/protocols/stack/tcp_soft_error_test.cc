// What a connection tells of trouble that may yet pass: RFC 9293 section 3.8.3 and 3.9.1.8.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpSoftErrorTest : public TcpTest {
 protected:
  /// Three retransmissions go unanswered: 200, 400 and 800 ms at the default floor.
  void reach_r1() { host.advance(milliseconds(1500)); }

  tcp::SocketOptions without_soft_errors() const {
    tcp::SocketOptions options = host.stack->tcp_defaults();
    options.soft_errors = false;
    return options;
  }
  /// A connection that is told of no trouble, after a router's word about what it has sent.
  SocketId unreachable_and_untold(TcpPeer& peer) {
    peer.own.port = 80;
    const SocketId socket = opened(peer, without_soft_errors());
    write(socket, "x");
    unreachable(peer.take_one(), 1);
    return socket;
  }
};

// TCP-072, TCP-070, TCP-127: trouble is told before it is the end, once, and passes.
TEST_F(TcpSoftErrorTest, ThreeRetransmissionsWithoutAnAnswerAreToldBeforeTheEnd) {
  TcpPeer peer = client();
  peer.own.port = 80;
  const SocketId socket = opened(peer);
  write(socket, "anybody?");
  host.advance(milliseconds(1300));
  EXPECT_EQ(event_names(host.events_of(socket)), "") << "two may be bad luck";
  host.advance(milliseconds(200));
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "ETIMEDOUT");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none") << "taken away by asking";
  EXPECT_EQ(error_of(host.stack->error(socket)), "none") << "the connection lives on";
  host.advance(seconds(20));
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  peer.take();
  peer.acknowledge();
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
}

// TCP-075, TCP-072: a SYN that nobody answers is told of in the same way.
TEST_F(TcpSoftErrorTest, AConnectThatHangsIsTold) {
  TcpConnectOptions options;
  options.remote = {kPeer4, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  host.advance(seconds(8));  // again after 1, 3 and 7 s
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "ETIMEDOUT");
  host.advance(seconds(180));
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  host.sent();
}

// TCP-145: what a router has said says more than that nobody answers.
TEST_F(TcpSoftErrorTest, ARoutersWordIsNotHiddenBySilence) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  unreachable(peer.take_one(), 1);
  reach_r1();
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EHOSTUNREACH");
  host.sent();
}

// TCP-144, TCP-145: it does not end the connection, and says why silence does.
TEST_F(TcpSoftErrorTest, ARoutersLastWordIsHowAConnectionEndedThatNobodyAnswered) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  unreachable(peer.take_one(), 1);
  host.advance(seconds(299));
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EHOSTUNREACH");
  EXPECT_EQ(error_of(host.stack->error(socket)), "none");
  host.advance(seconds(2));
  EXPECT_EQ(error_of(host.stack->error(socket)), "EHOSTUNREACH");
  EXPECT_EQ(counters().tcp_abort_on_timeout.value(), 1u);
  host.sent();
}

TEST_F(TcpSoftErrorTest, AWordFromBeforeTheLastAcknowledgementIsForgotten) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  unreachable(peer.take_one(), 1);
  peer.acknowledge();
  write(socket, "y");
  host.advance(seconds(301));
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  host.sent();
}

TEST_F(TcpSoftErrorTest, AnAttemptToConnectEndsByItToo) {
  TcpConnectOptions options;
  options.remote = {kFar4, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  unreachable(host.only_sent(), 0);
  host.advance(seconds(181));
  EXPECT_EQ(error_of(host.stack->error(socket)), "ENETUNREACH");
  host.sent();
}

// TCP-128
TEST_F(TcpSoftErrorTest, SwitchedOffSilenceIsATimeout) {
  TcpPeer peer = client();
  const SocketId socket = unreachable_and_untold(peer);
  host.advance(seconds(301));
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  host.sent();
}

// TCP-128: told of nothing, the connection goes on as ever.
TEST_F(TcpSoftErrorTest, CanBeSwitchedOff) {
  TcpPeer peer = client();
  const SocketId socket = unreachable_and_untold(peer);
  reach_r1();
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
  EXPECT_THAT(host.dropped(), IsEmpty()) << "the error was the connection's all the same";
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  host.sent();
}

// TCP-128, TCP-146: an attempt still ends by a word that nobody is there.
TEST_F(TcpSoftErrorTest, SwitchedOffLeavesHardErrorsOn) {
  TcpConnectOptions options;
  options.remote = {kFar4, 80};
  options.socket = without_soft_errors();
  const SocketId socket = host.stack->tcp_connect(options).value();
  unreachable(host.only_sent(), 3);
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNREFUSED");
}

// TCP-128: in the middle of a connection; what was not asked for yet is forgotten.
TEST_F(TcpSoftErrorTest, CanBeSwitchedOffAndOnLater) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  const Frame sent = peer.take_one();
  unreachable(sent, 0);
  ASSERT_TRUE(host.stack->set_options(socket, without_soft_errors()));
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
  host.events();
  unreachable(sent, 0);
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  ASSERT_TRUE(host.stack->set_options(socket, host.stack->tcp_defaults()));
  unreachable(sent, 0);
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "ENETUNREACH");
}

// A half-open connection has nobody to tell, and who accepts it later is not bothered with it.
TEST_F(TcpSoftErrorTest, TroubleOfAHandshakeIsNotTheBusinessOfWhoAccepts) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  host.advance(seconds(8));
  peer.take();
  peer.acknowledge();
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
}

}  // namespace
}  // namespace smol
