// The calls of a connected socket, their errors and their events.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpCallsTest : public TcpTest {};

TEST_F(TcpCallsTest, ReadsWhatCameInOrder) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_TRUE(host.stack->readable(socket).empty());
  EXPECT_FALSE(host.stack->at_end(socket));
  peer.send("P.", "hello");
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  EXPECT_EQ(host.stack->unread(socket), 5u);
  EXPECT_EQ(text_of(host.stack->readable(socket)), "hello");
  EXPECT_EQ(text_of(host.stack->readable(socket)), "hello") << "looking takes nothing";
  host.stack->consume(socket, 2);
  EXPECT_EQ(text_of(host.stack->readable(socket)), "llo");
  EXPECT_EQ(host.stack->unread(socket), 3u);
  host.stack->consume(socket, 0);
  EXPECT_EQ(read(socket, 2), "ll");
  EXPECT_EQ(read(socket), "o");
  EXPECT_EQ(read(socket), "");
  EXPECT_FALSE(host.stack->at_end(socket));
}

TEST_F(TcpCallsTest, ReadGathersSeveralPackets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (std::size_t i = 0; i < 5; ++i) peer.send("P.", pattern(1000, i * 1000));
  EXPECT_EQ(host.stack->readable(socket).size(), 1000u);
  EXPECT_EQ(octets_of(read(socket, 2500)), pattern(2500));
  EXPECT_EQ(host.stack->unread(socket), 2500u);
  EXPECT_EQ(octets_of(read(socket)), pattern(2500, 2500));
}

TEST_F(TcpCallsTest, ConsumingAcrossPacketsTakesThem) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (std::size_t i = 0; i < 3; ++i) peer.send("P.", pattern(1000, i * 1000));
  host.stack->consume(socket, 2100);
  EXPECT_EQ(octets_of(read(socket)), pattern(900, 2100));
}

TEST_F(TcpCallsTest, ConsumingWhatIsNotThereEndsTheProcess) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", "four");
  EXPECT_DEATH(host.stack->consume(socket, 5), "");
}

// TCP-041, TCP-032: end of stream behind the data, and writing goes on.
TEST_F(TcpCallsTest, ThePeersCloseIsTheEndBehindAllData) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("F.", "last");
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|peer_closed");
  EXPECT_FALSE(host.stack->at_end(socket)) << "there is something to read";
  EXPECT_EQ(host.stack->unread(socket), 4u);
  EXPECT_EQ(read(socket), "last");
  EXPECT_TRUE(host.stack->at_end(socket));
  EXPECT_EQ(error_of(host.stack->error(socket)), "none");
  peer.take();
  EXPECT_EQ(write(socket, "still talking"), 13u);
  EXPECT_EQ(peer.take_text(), "still talking");
}

TEST_F(TcpCallsTest, AFinAloneIsReadable) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("F.");
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|peer_closed");
  EXPECT_TRUE(host.stack->at_end(socket));
  EXPECT_EQ(host.stack->unread(socket), 0u);
}

// TCP-041.
TEST_F(TcpCallsTest, ShuttingDownEndsWritingAlone) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "bye");
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("FP."), carries("bye")));
  EXPECT_EQ(error_of(host.stack->write(socket, octets_of("x"))), "EPIPE");
  EXPECT_EQ(host.stack->writable(socket), 0u);
  EXPECT_TRUE(host.stack->reserve(socket, 10).empty());
  EXPECT_TRUE(host.stack->shutdown_write(socket)) << "again changes nothing";
  peer.acknowledge();
  for (std::size_t i = 0; i < 100; ++i) {
    peer.send("P.", pattern(1000, i * 1000));
    EXPECT_EQ(octets_of(read(socket)), pattern(1000, i * 1000));
    host.sent();
  }
  peer.send("F.");
  EXPECT_TRUE(host.stack->at_end(socket));
}

TEST_F(TcpCallsTest, AConnectionThatBothEndedIsClosedWithoutAnError) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("F.");
  ASSERT_TRUE(host.stack->shutdown_write(socket));
  peer.take();
  host.events();
  peer.acknowledge();
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "none");
  EXPECT_EQ(state(socket), tcp::State::kClosed);
  EXPECT_EQ(error_of(host.stack->write(socket, octets_of("x"))), "EPIPE");
  EXPECT_EQ(error_of(host.stack->shutdown_write(socket)), "ENOTCONN");
  EXPECT_TRUE(host.stack->at_end(socket));
  host.stack->close(socket);
  host.expect_empty();
}

// TCP-032, TCP-031.
TEST_F(TcpCallsTest, AResetIsAnErrorAndWhatCameBeforeItCanBeRead) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", "before");
  peer.send("R", "text of a reset means nothing");
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNRESET");
  EXPECT_EQ(error_of(host.stack->write(socket, octets_of("x"))), "ECONNRESET");
  EXPECT_EQ(read(socket), "before");
  EXPECT_TRUE(host.stack->at_end(socket));
  EXPECT_EQ(counters().tcp_estab_resets.value(), 1u);
  EXPECT_EQ(counters().tcp_curr_estab.value(), 0u);
  host.stack->close(socket);
  host.expect_empty();
}

// TCP-033: done with the socket; what is queued, and the FIN, are still delivered.
TEST_F(TcpCallsTest, ClosingDeliversWhatIsQueuedInTheBackground) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  host.stack->close(socket);
  EXPECT_EQ(error_of(host.stack->tcp_info(socket)), "EBADF") << "the id is gone at once";
  Octets got;
  for (const Frame& frame : peer.take()) got = got + frame.payload;
  peer.acknowledge();
  for (const Frame& frame : peer.take()) got = got + frame.payload;
  EXPECT_EQ(got, pattern(5000));
  peer.acknowledge();
  peer.send("F.");
  EXPECT_THAT(host.events(), IsEmpty()) << "nobody is told of a closed socket";
  EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
  host.advance(seconds(61));
  host.sent();
  host.expect_empty();
}

// TCP-034, TRAP-31.
TEST_F(TcpCallsTest, ClosingWithUnreadDataResets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", "nobody reads this");
  host.stack->close(socket);
  const std::vector<Frame> frames = peer.take();
  ASSERT_FALSE(frames.empty());
  EXPECT_THAT(frames.back(), AllOf(tcp_is("R."), tcp_seq(peer.rcv_nxt)));
  EXPECT_EQ(counters().tcp_abort_on_data.value(), 1u);
  host.expect_empty();
}

TEST_F(TcpCallsTest, ClosingWithOutOfOrderDataResets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.receive(peer.segment_at(peer.snd_nxt + 100, "P.", octets_of("behind a hole")));
  peer.take();
  host.stack->close(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("R."));
  host.expect_empty();
}

// TCP-174.
TEST_F(TcpCallsTest, DataAfterCloseResets) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("F."));
  peer.send("P.", "too late");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpTextAfterClose);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("R"), tcp_seq(peer.rcv_nxt)));
  host.expect_empty();
}

// TCP-044.
TEST_F(TcpCallsTest, AbortingResetsAtOnceAndThrowsQueuesAway) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(1460));
  EXPECT_THAT(peer.take(), SizeIs(1));
  write(socket, pattern(100'000));
  peer.send("P.", "unread");
  host.stack->abort(socket);
  const Frame reset = peer.take_one();
  EXPECT_THAT(reset, AllOf(tcp_is("R."), tcp_seq(peer.rcv_nxt), carries("")));
  EXPECT_EQ(error_of(host.stack->error(socket)), "EBADF");
  EXPECT_THAT(host.events(), IsEmpty());
  host.expect_empty();
}

TEST_F(TcpCallsTest, EveryCallMissesOnceTheSocketIsClosed) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->abort(socket);
  host.sent();
  const SocketId next = [&] {
    TcpPeer other = client(6000);
    return established(other);
  }();
  ASSERT_EQ(next.handle.index, socket.handle.index) << "the place is taken again";
  for (const SocketId& gone : {socket, SocketId{}}) {
    EXPECT_TRUE(host.stack->readable(gone).empty());
    host.stack->consume(gone, 5);
    Octets out(4);
    EXPECT_EQ(host.stack->read(gone, out), 0u);
    EXPECT_TRUE(host.stack->at_end(gone));
    EXPECT_EQ(host.stack->unread(gone), 0u);
    EXPECT_EQ(error_of(host.stack->write(gone, out)), "EBADF");
    EXPECT_EQ(host.stack->writable(gone), 0u);
    EXPECT_TRUE(host.stack->reserve(gone, 4).empty());
    host.stack->commit(gone, 4);
    EXPECT_EQ(error_of(host.stack->shutdown_write(gone)), "EBADF");
    host.stack->close(gone);
    host.stack->abort(gone);
    EXPECT_EQ(error_of(host.stack->set_options(gone, host.stack->tcp_defaults())), "EBADF");
    EXPECT_EQ(error_of(host.stack->tcp_info(gone)), "EBADF");
    EXPECT_EQ(error_of(host.stack->tcp_accept(gone)), "EBADF");
    EXPECT_FALSE(host.stack->udp_front(gone));
    host.stack->udp_pop(gone);
    EXPECT_EQ(error_of(host.stack->udp_send(gone, {{kPeer4, 1}, {}, {}}, {})), "EBADF");
    host.stack->set_user_data(gone, 1);
    host.stack->set_deadline(gone, host.now());
    EXPECT_EQ(error_of(host.stack->error(gone)), "EBADF");
    EXPECT_EQ(error_of(host.stack->soft_error(gone)), "EBADF");
    EXPECT_EQ(error_of(host.stack->local_endpoint(gone)), "EBADF");
    EXPECT_EQ(error_of(host.stack->remote_endpoint(gone)), "EBADF");
  }
  EXPECT_EQ(state(next), tcp::State::kEstablished) << "and the newcomer is left alone";
  EXPECT_EQ(error_of(host.stack->error(next)), "none");
}

// --- writing -------------------------------------------------------------------------------------

TEST_F(TcpCallsTest, WriteTakesAsMuchAsTheBufferHolds) {
  TcpPeer peer = client();
  peer.window = 0xffff;
  tcp::SocketOptions options;
  options.send_buffer = 20'000;
  peer.own.port = 80;
  const SocketId socket = opened(peer, options);
  EXPECT_EQ(host.stack->writable(socket), 20'000u);
  EXPECT_EQ(write(socket, pattern(50'000)), 20'000u);
  EXPECT_EQ(write(socket, pattern(1)), 0u);
  EXPECT_EQ(host.stack->writable(socket), 0u);
  EXPECT_EQ(write(socket, Octets{}), 0u);
}

// A quarter of the buffer, or 64 KiB, is worth an event; a trickle of room is not.
TEST_F(TcpCallsTest, WritableIsToldWhenThereIsRoomWorthTheEvent) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.send_buffer = 14'600;
  const SocketId socket = opened(peer, options);
  write(socket, pattern(20'000));
  Octets got;
  for (const Frame& frame : peer.take()) got = got + frame.payload;
  ASSERT_EQ(got, pattern(14'600));
  host.receive(peer.segment_at(peer.snd_nxt, "."));  // all acknowledged
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
  EXPECT_EQ(host.stack->writable(socket), 14'600u);

  write(socket, pattern(20'000));
  const SeqNumber start = peer.rcv_nxt;
  peer.take();
  for (std::uint32_t acked = 1; acked <= 4; ++acked) {
    peer.rcv_nxt = start + acked * 1000;
    peer.acknowledge();
    // The threshold is 3650.
    EXPECT_EQ(event_names(host.events_of(socket)), acked == 4 ? "writable" : "") << acked;
  }
  peer.rcv_nxt = start + 6000;
  peer.acknowledge();
  EXPECT_EQ(event_names(host.events_of(socket)), "")
      << "told once, until a write falls short again";
}

TEST_F(TcpCallsTest, WritableIsNotToldToWhoseWritesFit) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "fits");
  peer.take();
  peer.acknowledge();
  EXPECT_EQ(event_names(host.events_of(socket)), "");
}

TEST_F(TcpCallsTest, ReserveAndCommitWriteInPlace) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  MutBytes room = host.stack->reserve(socket, 100);
  ASSERT_EQ(room.size(), 100u);
  copy_bytes(room, octets_of("in place"));
  host.stack->commit(socket, 8);
  EXPECT_EQ(peer.take_text(), "in place");
  peer.acknowledge();
  room = host.stack->reserve(socket, 1'000'000);
  EXPECT_LE(room.size(), 1460u) << "never beyond a full segment";
  EXPECT_GT(room.size(), 1000u);
}

TEST_F(TcpCallsTest, ReservingWithoutCommittingChangesNothing) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_FALSE(host.stack->reserve(socket, 100).empty());
  EXPECT_THAT(peer.take(), IsEmpty());
  host.stack->commit(socket, 0);
  EXPECT_THAT(peer.take(), IsEmpty());
  EXPECT_EQ(host.stack->tcp_info(socket)->unsent, 0u);
  write(socket, "written");
  EXPECT_EQ(peer.take_text(), "written");
  peer.acknowledge();
  EXPECT_FALSE(host.stack->reserve(socket, 100).empty());
  host.stack->close(socket);
  EXPECT_THAT(peer.take_one(), tcp_is("F."));
}

// Reserving, sending meanwhile, and committing to what has left is a broken promise of the
// caller's.
TEST_F(TcpCallsTest, CommittingAfterTheTurnEndsTheProcess) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "begun");
  ASSERT_FALSE(host.stack->reserve(socket, 100).empty());
  peer.take();
  EXPECT_DEATH(host.stack->commit(socket, 4), "");
}

TEST_F(TcpCallsTest, CommittingWhatWasNotReservedEndsTheProcess) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_DEATH(host.stack->commit(socket, 4), "");
}

TEST_F(TcpCallsTest, CommittedPiecesAreOneStream) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  Octets want;
  for (std::size_t n = 1; n <= 60; ++n) {
    MutBytes room = host.stack->reserve(socket, n);
    ASSERT_FALSE(room.empty());
    const Octets part = pattern(room.size(), want.size());
    copy_bytes(room, part);
    host.stack->commit(socket, room.size());
    want = want + part;
  }
  Octets got;
  for (int round = 0; round < 5; ++round) {
    for (const Frame& frame : peer.take()) got = got + frame.payload;
    peer.acknowledge();
  }
  EXPECT_EQ(got, want);
}

// Single octets that leave at once must not take a packet each without bound.
TEST_F(TcpCallsTest, SmallWritesAreBoundedByThePacketsTheyTake) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.nagle = false;
  options.send_buffer = 64 << 10;
  const SocketId socket = opened(peer, options);
  const std::size_t before = host.pool().available();
  std::size_t written = 0;
  for (int i = 0; i < 1000; ++i) {
    written += write(socket, Octets{1});
    host.sent();  // it leaves
  }
  EXPECT_LE(before - host.pool().available(), 64u)
      << "packets of 2 KiB for a buffer of 64 KiB, twice over";
  EXPECT_LT(written, 100u);
  EXPECT_EQ(host.stack->writable(socket), 0u);
  peer.rcv_nxt += static_cast<std::uint32_t>(written);
  peer.acknowledge();
  EXPECT_EQ(event_names(host.events_of(socket)), "writable");
  EXPECT_EQ(host.pool().available(), before);
}

// Small writes that wait for each other share packets: TCP-061, TCP-063.
TEST_F(TcpCallsTest, SmallWritesThatWaitShareAPacket) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const std::size_t before = host.pool().available();
  for (int i = 0; i < 1000; ++i) write(socket, Octets{static_cast<std::uint8_t>(i % 251)});
  EXPECT_EQ(before - host.pool().available(), 1u);
  EXPECT_THAT(peer.take_one(), AllOf(carries(pattern(1000)), tcp_is("P.")));
}

// --- options, deadlines, errors
// --------------------------------------------------------------------

TEST_F(TcpCallsTest, OptionsOfALiveConnectionAreCheckedAndTakeEffect) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  tcp::SocketOptions options = host.stack->tcp_defaults();
  options.send_buffer = 1;
  EXPECT_EQ(error_of(host.stack->set_options(socket, options)), "EINVAL");
  options = host.stack->tcp_defaults();
  options.dscp = 46;
  options.hop_limit = 7;
  options.send_buffer = 8192;
  ASSERT_TRUE(host.stack->set_options(socket, options));
  EXPECT_EQ(host.stack->writable(socket), 8192u);
  write(socket, "x");
  EXPECT_THAT(peer.take_one(), AllOf(dscp_is(46), hop_limit_is(7)));  // TCP-130
}

TEST_F(TcpCallsTest, ADeadlineIsToldOnceWhenItPasses) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->set_deadline(socket, host.now() + seconds(5));
  host.advance(seconds(4));
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  host.advance(seconds(2));
  EXPECT_EQ(event_names(host.events_of(socket)), "deadline");
  host.advance(seconds(20));
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  host.stack->set_deadline(socket, host.now() + seconds(5));
  host.stack->set_deadline(socket, host.now() + seconds(1));
  host.advance(milliseconds(1100));
  EXPECT_EQ(event_names(host.events_of(socket)), "deadline") << "the later call counts";
  host.stack->set_deadline(socket, host.now() + seconds(5));
  host.stack->set_deadline(socket, kNever);
  host.advance(seconds(20));
  EXPECT_EQ(event_names(host.events_of(socket)), "") << "taken back";
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_F(TcpCallsTest, ADeadlineThatHasPassedIsToldAtOnce) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->set_deadline(socket, host.now() - seconds(1));
  host.advance(milliseconds(1));
  EXPECT_EQ(event_names(host.events_of(socket)), "deadline");
}

TEST_F(TcpCallsTest, UserDataComesWithEveryEvent) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->set_user_data(socket, 99);
  peer.send("P.", "x");
  EXPECT_EQ(host.events().at(0).user_data, 99u);
}

TEST_F(TcpCallsTest, EventsOfOneSocketAreToldTogetherAndOnce) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.send("P.", "x");
  peer.send("P.", "y");
  peer.send("F.");
  const std::vector<SocketEvent> events = host.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].socket, socket);
  EXPECT_EQ(event_names(events[0].events), "readable|peer_closed");
  EXPECT_THAT(host.events(), IsEmpty());
}

// TCP-071.
TEST_F(TcpCallsTest, AUserTimeoutEndsAConnectionThatIsNotAcknowledged) {
  TcpPeer peer = client();
  peer.own.port = 80;
  tcp::SocketOptions options;
  options.user_timeout = seconds(5);
  const SocketId socket = opened(peer, options);
  write(socket, "anybody?");
  host.advance(milliseconds(4500));
  EXPECT_EQ(event_names(host.events_of(socket)), "soft_error") << "trouble is told";
  host.advance(seconds(2));
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  host.sent();
  host.stack->close(socket);
  host.expect_empty();
}

// More events than fit one call are told by the next, those of every kind of socket among them.
TEST(TcpEvents, EventsOfOneKindDoNotKeepOthersWaiting) {
  Host::Options options;
  options.config.limits.connections = 1000;
  options.packets = 2048;
  Host host{options};
  host.add_interface(eth0_config());
  host.receive(arp_request(kOwn4));
  host.sent();
  TcpListenOptions listen;
  listen.local = {IpAddress::v4(0), 80};
  const SocketId listener = host.stack->tcp_listen(listen).value();
  const SocketId datagrams = host.stack->udp_open({.local = {kOwn4, 53}, .remote = {}}).value();
  std::vector<TcpPeer> peers;
  for (std::uint16_t port = 1; port <= 600; ++port) {
    peers.push_back({host, {kPeer4, port}, {kOwn4, 80}});
    peers.back().connect();
    ASSERT_TRUE(host.stack->tcp_accept(listener));
  }
  host.events();
  for (int turn = 0; turn < 3; ++turn) {
    for (TcpPeer& peer : peers) peer.send("P.", "x");
    host.receive(udp_frame({kPeer4, 1}, {kOwn4, 53}, octets_of("x")));
    peers.push_back({host, {kPeer4, static_cast<std::uint16_t>(1000 + turn)}, {kOwn4, 80}});
    host.sent();
    peers.back().connect();
    // A worker that asks once a turn.
    bool datagram = false;
    bool acceptable = false;
    for (const SocketEvent& event : host.stack->events()) {
      datagram |= event.socket == datagrams;
      acceptable |= event.socket == listener;
    }
    EXPECT_TRUE(datagram) << turn;
    EXPECT_TRUE(acceptable) << turn;
    host.sent();
  }
  EXPECT_EQ(host.stack->next_deadline(), host.now()) << "there are more events to tell";
  EXPECT_GT(host.events().size(), 300u);
}

}  // namespace
}  // namespace smol
