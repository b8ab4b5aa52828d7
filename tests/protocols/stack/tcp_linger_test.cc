// Closing with a bound on what is still to be delivered (SO_LINGER), and hearing of its end.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class LingerTest : public TcpTest {
 protected:
  static tcp::SocketOptions lingering(Duration linger) {
    tcp::SocketOptions options;
    options.linger = linger;
    return options;
  }
  /// A connection to peer's port 80.
  SocketId open(Duration linger) {
    peer.own.port = 80;
    return opened(peer, lingering(linger));
  }
  /// The event of the end, once.
  void expect_end(SocketId socket, std::string_view how) {
    EXPECT_NE(host.events_of(socket) & SocketEvents::kClosed, 0);
    EXPECT_EQ(error_of(host.stack->error(socket)), how);
    EXPECT_EQ(event_names(host.events_of(socket)), "");
    host.stack->close(socket);
  }
  void expect_gone() {
    host.sent();
    EXPECT_EQ(host.stack->tcp().connections(), 0u);
  }

  TcpPeer peer = client();
};

// TCP-044: what is not acknowledged in time is given up, and the peer is told.
TEST_F(LingerTest, ACloseThatIsNotAcknowledgedInTimeEndsByReset) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->close(socket);
  EXPECT_EQ(peer.take_text(), "last words");
  host.advance(milliseconds(1999));
  for (const Frame& frame : peer.take()) EXPECT_FALSE(tcp_is("R.").Matches(frame));
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
  host.advance(milliseconds(2));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("R."), tcp_seq(peer.rcv_nxt)));
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 1u);
  expect_gone();
}

TEST_F(LingerTest, ACloseThatIsAcknowledgedInTimeEndsInOrder) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->close(socket);
  peer.take();
  peer.send(".");
  host.advance(seconds(30));
  EXPECT_THAT(peer.take(), IsEmpty()) << "what is left is to wait for the peer's FIN";
  peer.send("F.");
  EXPECT_THAT(peer.take_one(), tcp_is("."));
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 0u);
  EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
}

// FINs that cross: CLOSING is no better than FIN-WAIT-1.
TEST_F(LingerTest, APeerThatClosesTooAndDoesNotAcknowledgeIsNotWaitedForEither) {
  const SocketId socket = open(seconds(2));
  host.stack->close(socket);
  const SeqNumber before = peer.rcv_nxt;
  peer.take();
  peer.rcv_nxt = before;
  peer.send("F.");
  peer.take();
  host.advance(milliseconds(2001));
  host.sent();
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 1u);
  expect_gone();
}

// TCP-044: SO_LINGER with zero.
TEST_F(LingerTest, WithoutAnyTimeACloseIsAReset) {
  const SocketId socket = open(Duration{0});
  write(socket, "never heard");
  host.stack->close(socket);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("R."), tcp_seq(peer.rcv_nxt)));
  expect_gone();
}

TEST_F(LingerTest, ByDefaultWhatIsWrittenMayTakeAsLongAsTcpTries) {
  const SocketId socket = open(tcp::SocketOptions::kForever);
  write(socket, "last words");
  host.stack->close(socket);
  host.advance(seconds(250));
  host.sent();
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
}

TEST_F(LingerTest, TheTimeCanBeSetBeforeTheClose) {
  const SocketId socket = open(tcp::SocketOptions::kForever);
  EXPECT_EQ(error_of(host.stack->set_options(socket, lingering(seconds(-1)))), "EINVAL");
  EXPECT_EQ(error_of(host.stack->set_options(socket, lingering(milliseconds(10)))), "none");
  host.stack->close(socket);
  host.sent();
  host.advance(milliseconds(11));
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 1u);
}

// --- who wants to hear of it ---------------------------------------------------------------------

TEST_F(LingerTest, WhoLingersIsToldWhenAllIsAcknowledged) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  EXPECT_EQ(error_of(host.stack->linger(socket)), "none");
  peer.take();
  EXPECT_EQ(event_names(host.events_of(socket)), "") << "nothing is acknowledged yet";
  EXPECT_EQ(error_of(host.stack->write(socket, octets_of("more"))), "EPIPE");
  EXPECT_EQ(error_of(host.stack->linger(socket)), "none") << "again changes nothing";
  peer.send(".");
  expect_end(socket, "none");
  EXPECT_THAT(peer.take(), IsEmpty());
}

TEST_F(LingerTest, TextAloneAcknowledgedIsNotAll) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->linger(socket);
  peer.take();
  peer.rcv_nxt = peer.rcv_nxt - 1;
  peer.send(".");
  EXPECT_EQ(event_names(host.events_of(socket)), "");
}

TEST_F(LingerTest, WhoLingersIsToldThatTimeIsOver) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->linger(socket);
  host.advance(milliseconds(2001));
  expect_end(socket, "ETIMEDOUT");
  expect_gone();
}

TEST_F(LingerTest, WhoLingersForEverIsToldWhenTcpGivesUp) {
  const SocketId socket = open(tcp::SocketOptions::kForever);
  write(socket, "last words");
  host.stack->linger(socket);
  host.advance(seconds(301));
  host.sent();
  expect_end(socket, "ETIMEDOUT");
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 0u);
}

// TCP-034.
TEST_F(LingerTest, WhatIsUnreadIsAResetAndTold) {
  const SocketId socket = open(seconds(2));
  peer.send("P.", "unread");
  peer.take();
  host.events();
  host.stack->linger(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("R."));
  expect_end(socket, "ECONNRESET");
  EXPECT_EQ(counters().tcp_abort_on_data.value(), 1u);
}

// TCP-034.
TEST_F(LingerTest, TextThatComesMeanwhileIsAResetAndTold) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->linger(socket);
  peer.take();
  peer.rcv_nxt = peer.rcv_nxt - 11;
  peer.send("P.", "late");
  EXPECT_THAT(peer.take_one(), tcp_is("R"));
  expect_end(socket, "ECONNRESET");
}

TEST_F(LingerTest, TheAnswerToThePeersCloseIsToldOfToo) {
  const SocketId socket = open(seconds(2));
  peer.send("F.");
  host.events();
  host.stack->linger(socket);
  peer.take();
  peer.send(".");
  expect_end(socket, "none");
  expect_gone();
}

TEST_F(LingerTest, WhereAllWasAcknowledgedBeforeItIsToldAtOnce) {
  const SocketId socket = open(seconds(2));
  host.stack->shutdown_write(socket);
  peer.take();
  peer.send(".");
  host.events();
  host.stack->linger(socket);
  expect_end(socket, "none");
  host.advance(seconds(61));
  expect_gone();
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 0u);
}

TEST_F(LingerTest, WhatIsOverCannotLinger) {
  const SocketId socket = open(seconds(2));
  peer.send("R");
  EXPECT_EQ(error_of(host.stack->linger(socket)), "ECONNRESET");
  host.stack->close(socket);
  EXPECT_EQ(error_of(host.stack->linger(socket)), "EBADF");
  EXPECT_EQ(error_of(host.stack->linger(listen())), "EBADF");
}

TEST_F(LingerTest, WithoutAnyTimeItIsAResetAndTold) {
  const SocketId socket = open(Duration{0});
  host.stack->linger(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("R."));
  expect_end(socket, "ECONNRESET");
}

// Who has heard enough: the time goes on, and nobody is told.
TEST_F(LingerTest, WhoClosesMeanwhileIsToldNoMore) {
  const SocketId socket = open(seconds(2));
  write(socket, "last words");
  host.stack->linger(socket);
  host.advance(seconds(1));
  host.stack->close(socket);
  EXPECT_EQ(error_of(host.stack->error(socket)), "EBADF");
  host.advance(milliseconds(1001));
  EXPECT_EQ(counters().tcp_abort_on_linger.value(), 1u);
  expect_gone();
}

TEST_F(LingerTest, OneThatIsStillConnectingEndsAtOnce) {
  TcpConnectOptions options;
  options.remote = {kPeer4, 81};
  options.socket = lingering(seconds(2));
  const SocketId socket = host.stack->tcp_connect(options).value();
  host.sent();
  host.stack->linger(socket);
  expect_end(socket, "none");
  expect_gone();
}

}  // namespace
}  // namespace smol
