// TIME-WAIT: what is left of a connection that we closed first. RFC 9293 section 3.6.1, RFC 6191,
// RFC 1337.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TimeWaitTest : public TcpTest {
 protected:
  explicit TimeWaitTest(const Host::Options& options = {}) : TcpTest{options} {}

  /// A connection that came and went, closed by us first.
  void close_first(TcpPeer& peer) {
    const SocketId socket = established(peer);
    host.stack->close(socket);
    peer.take();
    peer.send("F.");
    peer.take();
    EXPECT_EQ(records(), 1u + before_);
    host.events();
  }
  std::uint64_t records() { return counters().tcp_time_wait.value(); }
  /// The connection's last FIN, once more.
  Octets fin_again(const TcpPeer& peer) { return peer.segment_at(peer.snd_nxt - 1, "F."); }

  std::uint64_t before_ = 0;
};

// TCP-035, TCP-045: the record holds the port for the configured time, and costs no connection.
TEST_F(TimeWaitTest, LastsForTheConfiguredTimeAndThenEverythingIsBack) {
  TcpPeer peer = client();
  close_first(peer);
  EXPECT_EQ(host.stack->tcp().connections(), 0u) << "a record, no connection block";
  host.advance(seconds(59));
  EXPECT_EQ(records(), 1u);
  host.advance(seconds(2));
  host.expect_empty();
  host.receive(fin_again(peer));
  EXPECT_THAT(host.only_sent(), tcp_is("R"));
}

// TCP-039.
TEST_F(TimeWaitTest, AcknowledgesTheFinAgainAndStartsOver) {
  TcpPeer peer = client();
  close_first(peer);
  host.advance(seconds(40));
  host.receive(fin_again(peer));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpTimeWait);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_seq(peer.rcv_nxt), tcp_ack(peer.snd_nxt)));
  host.advance(seconds(40));
  EXPECT_EQ(records(), 1u) << "2 MSL from the last FIN";
  host.advance(seconds(21));
  host.expect_empty();
}

// FINs again and again must not fill the table with what is one connection.
TEST_F(TimeWaitTest, ManyFinsOfOneConnectionTakeNoRoomFromOthers) {
  TcpPeer others = client(4999);
  close_first(others);
  before_ = 1;
  TcpPeer peer = client();
  close_first(peer);
  for (int i = 0; i < 1000; ++i) {
    host.receive(fin_again(peer));
    host.advance(milliseconds(5));
  }
  host.sent();
  TcpPeer third = client(5001);
  before_ = 2;
  close_first(third);
  EXPECT_EQ(records(), 3u);
  EXPECT_EQ(counters().tcp_time_wait_recycled.value(), 0u);
}

// TCP-038, TRAP-29: an old duplicate, our ACK, and the RST of a peer that has forgotten.
TEST_F(TimeWaitTest, IsNotAssassinated) {
  TcpPeer peer = client();
  close_first(peer);
  host.receive(peer.segment_at(peer.snd_nxt - 100, "P.", pattern(50)));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_ack(peer.snd_nxt)));
  host.receive(peer.segment("R"));
  EXPECT_EQ(records(), 1u);
  host.receive(peer.segment("."));
  EXPECT_THAT(host.sent(), IsEmpty()) << "a bare ACK gets no answer";
  host.receive(fin_again(peer));
  EXPECT_THAT(peer.take_one(), tcp_is("."));
}

// TCP-036, TRAP-30: a SYN beyond all that the old connection received opens a new one, whose
// numbers begin behind those of the old.
TEST_F(TimeWaitTest, ANewerSynReopensBehindTheOldNumbers) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.connect();
  host.stack->close(accepted(listener));
  peer.take();
  peer.send("F.");
  peer.take();
  const SeqNumber old_snd_nxt = peer.rcv_nxt;
  host.events();

  TcpPeer old = client();
  old.snd_nxt = peer.snd_nxt - 1;
  host.receive(old.segment("S"));
  EXPECT_THAT(host.sent(), IsEmpty()) << "no newer than the old connection";
  EXPECT_EQ(records(), 1u);

  TcpPeer next = client();
  next.snd_nxt = peer.snd_nxt + 1;
  next.send("S");
  const Frame answer = next.take_one();
  EXPECT_THAT(answer, AllOf(tcp_is("S."), tcp_ack(next.snd_nxt)));
  EXPECT_TRUE(answer.tcp->seq.after(old_snd_nxt));
  EXPECT_EQ(records(), 0u);
  EXPECT_EQ(counters().tcp_time_wait_reused.value(), 1u);
  next.send(".");
  const SocketId socket = accepted(listener);
  next.send("P.", "second life");
  EXPECT_EQ(read(socket), "second life");
}

// A connection that sent more than the clock of initial numbers has gone on since.
TEST_F(TimeWaitTest, TheNewNumbersBeginBehindTheOldHoweverMuchWasSent) {
  TcpPeer peer = client();
  peer.syn_options.window_scale = 7;
  const SocketId listener = listen();
  peer.connect();
  const SocketId socket = accepted(listener);
  for (int i = 0; i < 300; ++i) {
    write(socket, pattern(10'000));
    for (int round = 0; round < 8; ++round) {
      peer.take();
      peer.acknowledge();
    }
  }
  host.stack->close(socket);
  peer.take();
  peer.send("F.");
  peer.take();
  const SeqNumber old_snd_nxt = peer.rcv_nxt;
  TcpPeer next = client();
  next.snd_nxt = peer.snd_nxt + 1;
  next.send("S");
  EXPECT_EQ(next.take_one().tcp->seq, old_snd_nxt + 1);
}

// A reopening that the listener has no room for leaves the record as it is: the SYN that comes
// again must find the old numbers still.
TEST_F(TimeWaitTest, ARefusedReopeningKeepsTheRecord) {
  const SocketId listener = listen(80, 1, 16);
  TcpPeer peer = client();
  peer.connect();
  host.stack->close(accepted(listener));
  peer.take();
  peer.send("F.");
  peer.take();
  client(6000).connect();  // the accept queue is full now
  TcpPeer next = client();
  next.snd_nxt = peer.snd_nxt + 1;
  host.receive(next.segment("S"));
  EXPECT_EQ(host.drops(Drop::kTcpAcceptQueueFull), 1u);
  EXPECT_EQ(records(), 1u);
  accepted(listener);
  next.send("S");
  const Frame answer = next.take_one();
  EXPECT_THAT(answer, tcp_is("S."));
  EXPECT_TRUE(answer.tcp->seq.after(peer.rcv_nxt));
}

TEST_F(TimeWaitTest, ASynForAPortThatNobodyListensOnIsRefused) {
  TcpPeer peer = client();
  close_first(peer);
  TcpPeer next = client();
  next.snd_nxt = peer.snd_nxt + 1;
  host.receive(next.segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("R."));
}

// TCP-037: RFC 6191 section 2.
TEST_F(TimeWaitTest, TimestampsTellANewerSyn) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.syn_options.timestamps = TcpTimestamps{1000, 0};
  // The rest of this conversation carries timestamps as agreed.
  const auto stamped = [&](std::string_view flags, SeqNumber seq, std::uint32_t tsval) {
    TcpRepr header;
    header.seq = seq;
    header.ack = peer.rcv_nxt;
    header.window = 0xffff;
    header.control = flags == "F." ? TcpControl::kFin : TcpControl::kNone;
    header.options.timestamps = TcpTimestamps{tsval, 0};
    host.receive(tcp_frame(peer.own, peer.theirs, header));
  };
  peer.send("S");
  peer.take_one();
  stamped(".", peer.snd_nxt, 1001);
  host.stack->close(accepted(listener));
  peer.take();
  stamped("F.", peer.snd_nxt, 1002);
  peer.take();
  ASSERT_EQ(records(), 1u);
  const auto syn = [&](std::uint32_t tsval, SeqNumber seq) {
    TcpPeer next = client();
    next.syn_options.timestamps = TcpTimestamps{tsval, 0};
    next.snd_nxt = seq;
    host.receive(next.segment("S"));
    return host.sent();
  };
  const SeqNumber lower = peer.snd_nxt - 5000;
  EXPECT_THAT(syn(1001, peer.snd_nxt + 5000), IsEmpty()) << "an older clock";
  EXPECT_THAT(syn(1002, lower), IsEmpty()) << "the same clock, and an older number";
  EXPECT_EQ(records(), 1u);
  EXPECT_THAT(syn(1003, lower), ElementsAre(tcp_is("S."))) << "a newer clock decides";
}

TEST_F(TimeWaitTest, APortInTimeWaitIsNotUsedForTheSamePeerAgain) {
  TcpPeer peer = client(80, 0);
  peer.own.port = 80;
  TcpConnectOptions options;
  options.remote = peer.own;
  options.local = IpEndpoint{kOwn4, 4000};
  const SocketId socket = host.stack->tcp_connect(options).value();
  peer.theirs = {kOwn4, 4000};
  peer.accept();
  host.stack->close(socket);
  peer.take();
  peer.send("F.");
  peer.take();
  EXPECT_EQ(records(), 1u);
  EXPECT_EQ(error_of(host.stack->tcp_connect(options)), "EADDRINUSE");
  options.remote.port = 81;
  EXPECT_EQ(error_of(host.stack->tcp_connect(options)), "none");
  options.remote.port = 80;
  host.advance(seconds(61));
  EXPECT_EQ(error_of(host.stack->tcp_connect(options)), "none");
}

// TCP-040: closing at the same time.
TEST_F(TimeWaitTest, SimultaneousCloseEndsHereToo) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  const SeqNumber before_fin = peer.rcv_nxt;
  peer.take();
  const SeqNumber after_fin = peer.rcv_nxt;
  peer.rcv_nxt = before_fin;
  peer.send("F.");  // it has not seen ours
  EXPECT_EQ(records(), 0u);
  peer.rcv_nxt = after_fin;
  host.sent();
  peer.acknowledge();
  EXPECT_EQ(records(), 1u);
}

// --- limits --------------------------------------------------------------------------------------

Host::Options with(Duration time_wait, std::uint32_t records) {
  Host::Options options;
  options.config.tcp.time_wait = time_wait;
  options.config.limits.time_wait = records;
  return options;
}

class NoTimeWaitTest : public TimeWaitTest {
 protected:
  NoTimeWaitTest() : TimeWaitTest{with(Duration::zero(), 8)} {}
};

// Without TIME-WAIT the peer's FIN is acknowledged all the same.
TEST_F(NoTimeWaitTest, TheLastFinIsAcknowledgedAndNothingIsKept) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  peer.take();
  peer.send("F.");
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_ack(peer.snd_nxt)));
  host.expect_empty();
}

class SmallTimeWaitTest : public TimeWaitTest {
 protected:
  SmallTimeWaitTest() : TimeWaitTest{with(seconds(60), 4)} {}
};

// TCP-045: the oldest goes when the table is full.
TEST_F(SmallTimeWaitTest, TheOldestRecordGoesWhenTheTableIsFull) {
  std::vector<TcpPeer> peers;
  for (std::uint16_t port = 1; port <= 6; ++port) {
    peers.push_back(client(port));
    before_ = std::min<std::uint64_t>(records(), 3);
    close_first(peers.back());
  }
  EXPECT_EQ(records(), 4u);
  EXPECT_EQ(counters().tcp_time_wait_recycled.value(), 2u);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    host.receive(fin_again(peers[i]));
    EXPECT_THAT(peers[i].take_one(), tcp_is(i < 2 ? "R" : ".")) << i;
  }
  host.advance(seconds(61));
  host.expect_empty();
}

// A record that was moved on by a FIN leaves a gap behind, which is no record to recycle.
TEST_F(SmallTimeWaitTest, GapsAreUsedBeforeRecordsGo) {
  TcpPeer first = client(1);
  close_first(first);
  TcpPeer second = client(2);
  before_ = 1;
  close_first(second);
  host.advance(seconds(10));
  host.receive(fin_again(first));  // moves to the back
  host.sent();
  TcpPeer third = client(3);
  before_ = 2;
  close_first(third);  // the table of four is full of three records and a gap
  TcpPeer fourth = client(4);
  before_ = 3;
  close_first(fourth);
  EXPECT_EQ(records(), 4u);
  EXPECT_EQ(counters().tcp_time_wait_recycled.value(), 0u);
  TcpPeer fifth = client(5);
  close_first(fifth);
  EXPECT_EQ(counters().tcp_time_wait_recycled.value(), 1u);
  host.receive(fin_again(second));
  EXPECT_THAT(second.take_one(), tcp_is("R")) << "the oldest that was left";
}

}  // namespace
}  // namespace smol
