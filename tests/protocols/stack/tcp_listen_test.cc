// Listeners, their two queues, and what is accepted: RFC 9293 section 3.10.1, RFC 4987.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

/// Without SYN cookies, of which tcp_syn_cookie_test.cc tells: what finds no room is dropped.
class TcpListenTest : public TcpTest {
 protected:
  TcpListenTest() : TcpTest{without_cookies()} {}

  static Host::Options without_cookies() {
    Host::Options options;
    options.config.tcp.syn_cookies = tcp::SynCookies::kOff;
    return options;
  }
  std::uint32_t half_open() { return host.stack->tcp().half_open().size(); }
  std::string listen_error(const TcpListenOptions& options) {
    return error_of(host.stack->tcp_listen(options));
  }
  static TcpListenOptions at(const IpEndpoint& local) {
    TcpListenOptions options;
    options.local = local;
    return options;
  }
};

TEST_F(TcpListenTest, RefusesWhatCannotBeListenedOn) {
  EXPECT_EQ(listen_error(at({kOwn4, 0})), "EINVAL");
  EXPECT_EQ(listen_error(at({IpAddress::v4(10, 0, 0, 2), 80})), "EADDRNOTAVAIL");
  EXPECT_EQ(listen_error(at({IpAddress::v4(224, 0, 0, 1), 80})), "EADDRNOTAVAIL");
  EXPECT_EQ(listen_error(at({IpAddress::v4(10, 0, 0, 255), 80})), "EADDRNOTAVAIL");
  TcpListenOptions options = at({kOwn4, 80});
  options.backlog = 0;
  EXPECT_EQ(listen_error(options), "EINVAL");
  options = at({kOwn4, 80});
  options.syn_backlog = 0;
  EXPECT_EQ(listen_error(options), "EINVAL");
}

TEST_F(TcpListenTest, RefusesSocketOptionsOutOfRange) {
  const auto with = [&](auto&& change) {
    TcpListenOptions options = at({kOwn4, 80});
    change(options.socket);
    return listen_error(options);
  };
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.send_buffer = 4095; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.send_buffer = (1u << 30) + 1; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.receive_buffer = 4095; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.receive_buffer = (1u << 30) + 1; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.hop_limit = 0; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.dscp = 64; }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.user_timeout = milliseconds(-1); }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) { o.keep_alive = milliseconds(-1); }), "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) {
              o.keep_alive = seconds(1);
              o.keep_alive_interval = Duration::zero();
            }),
            "EINVAL");
  EXPECT_EQ(with([](tcp::SocketOptions& o) {
              o.send_buffer = 4096;
              o.receive_buffer = 1u << 30;
              o.keep_alive = tcp::SocketOptions::kForever;
            }),
            "none");
}

TEST_F(TcpListenTest, APortIsListenedOnOnceUntilItsListenerIsClosed) {
  const SocketId listener = listen();
  EXPECT_EQ(listen_error(at({IpAddress::v4(0), 80})), "EADDRINUSE");
  EXPECT_EQ(listen_error(at({kOwn4, 80})), "none");
  EXPECT_EQ(listen_error(at({IpAddress{}, 80})), "none");
  host.stack->close(listener);
  EXPECT_EQ(listen_error(at({IpAddress::v4(0), 80})), "none");
}

TEST_F(TcpListenTest, LimitsTheNumberOfListeners) {
  for (std::uint16_t port = 1; port <= 8; ++port) listen(port);
  EXPECT_EQ(listen_error(at({kOwn4, 9})), "ENOBUFS");
}

// TCP-021, TCP-022.
TEST_F(TcpListenTest, ListeningDisturbsNoConnectionOfThePort) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);  // its listener is closed by now
  const SocketId again = listen();
  peer.send("P.", "still here");
  EXPECT_EQ(read(socket), "still here");
  host.stack->close(again);
  peer.send("P.", "and here");
  EXPECT_EQ(read(socket), "and here");
}

TEST_F(TcpListenTest, TellsTheOwnerAndHandsOverWhatItInherits) {
  TcpListenOptions options = at({kOwn4, 80});
  options.owner = 3;
  options.user_data = 33;
  options.socket.hop_limit = 9;
  options.socket.dscp = 10;
  const SocketId listener = host.stack->tcp_listen(options).value();
  EXPECT_EQ(host.stack->local_endpoint(listener).value(), (IpEndpoint{kOwn4, 80}));
  TcpPeer peer = client();
  peer.send("S");
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("S."), hop_limit_is(9), dscp_is(10)));
  peer.send(".");
  std::vector<SocketEvent> events = host.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].socket, listener);
  EXPECT_EQ(event_names(events[0].events), "acceptable");
  EXPECT_EQ(events[0].owner, 3);
  EXPECT_EQ(events[0].user_data, 33u);
  const SocketId socket = accepted(listener);
  EXPECT_EQ(host.stack->local_endpoint(socket).value(), (IpEndpoint{kOwn4, 80}));
  EXPECT_EQ(host.stack->remote_endpoint(socket).value(), (IpEndpoint{kPeer4, 5000}));
  peer.send("P.", "hello");
  events = host.events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].owner, 3);
  EXPECT_EQ(events[0].user_data, 33u);
}

TEST_F(TcpListenTest, AcceptsInTheOrderOfTheHandshakes) {
  const SocketId listener = listen();
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  for (std::uint16_t port : std::vector<std::uint16_t>{7, 3, 5}) client(port).connect();
  for (std::uint16_t port : std::vector<std::uint16_t>{7, 3, 5}) {
    EXPECT_EQ(host.stack->remote_endpoint(accepted(listener))->port, port);
  }
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
}

// TRAP-33, TRAP-34: what came before it was accepted is news to who accepts it.
TEST_F(TcpListenTest, AnAcceptedConnectionTellsWhatItAlreadyHas) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.connect();
  peer.send("P.", "early");
  peer.send("F.");
  peer.take();
  EXPECT_EQ(host.events().size(), 1u) << "the listener's: nobody owns the connection yet";
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|peer_closed");
  EXPECT_EQ(read(socket), "early");
  EXPECT_TRUE(host.stack->at_end(socket));
}

TEST_F(TcpListenTest, AConnectionResetWhileItWaitedIsAcceptedAsClosed) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.connect();
  peer.send("P.", "last words");
  peer.take();
  peer.send("R");
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNRESET");
  EXPECT_EQ(read(socket), "last words");
  EXPECT_TRUE(host.stack->at_end(socket));
  host.stack->close(socket);
  host.stack->close(listener);
  host.expect_empty();
}

// TCP-183: half-open connections are bounded; who comes too late is dropped, not reset.
TEST_F(TcpListenTest, AFullSynQueueDropsSyns) {
  const SocketId listener = listen(80, 16, 4);
  for (std::uint16_t port = 1; port <= 10; ++port) host.receive(client(port).segment("S"));
  EXPECT_THAT(host.sent(), SizeIs(4));
  EXPECT_EQ(host.drops(Drop::kTcpSynQueueFull), 6u);
  EXPECT_EQ(counters().tcp_listen_drops.value(), 6u);
  EXPECT_EQ(half_open(), 4u);
  EXPECT_EQ(host.stack->tcp().connections(), 0u) << "a record each, no connection block";
  // RST frees a place (TCP-162): the next SYN gets it.
  TcpPeer first = client(1);
  host.receive(first.segment_at(first.snd_nxt + 1, "R"));
  EXPECT_EQ(half_open(), 3u);
  host.receive(client(11).segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
  host.stack->close(listener);
}

// TCP-183: a flood costs what the backlog says, and no more.
TEST_F(TcpListenTest, AFloodOfSynsLeavesMemoryAsItIs) {
  listen(80, 16, 8);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    TcpPeer peer = client(static_cast<std::uint16_t>(1 + i % 60'000));
    peer.own.address = IpAddress::v4(0x0b000000 + i);
    host.receive(peer.segment("S"));
    if (i % 1000 == 0) host.sent();
  }
  host.sent();
  EXPECT_EQ(half_open(), 8u);
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  EXPECT_EQ(host.pool().available(), host.pool().capacity());
  host.advance(seconds(70));
  host.sent();
  EXPECT_EQ(half_open(), 0u) << "TCP-185: half-open connections end";
}

// TCP-185: the SYN-ACK is sent again a bounded number of times.
TEST_F(TcpListenTest, ASynAckIsSentAgainUntilTheDeadlineAndThenForgotten) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  const std::vector<Frame> first = peer.take();
  ASSERT_THAT(first, SizeIs(1));
  host.advance(seconds(120));
  const std::vector<Frame> again = peer.take();
  ASSERT_THAT(again, SizeIs(5));
  Instant due = first[0].at;
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_THAT(again[i], AllOf(tcp_is("S."), tcp_seq(first[0].tcp->seq)));
    due += seconds(1 << i);  // RFC 6298 section 5.5
    EXPECT_GE(again[i].at, due);
    EXPECT_LE(again[i].at, due + milliseconds(10));
  }
  EXPECT_EQ(half_open(), 0u);
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 5u);
  EXPECT_EQ(counters().tcp_attempt_fails.value(), 1u);
  host.stack->close(listener);
  host.expect_empty();
}

// TCP-185: how often is for the configuration to say.
TEST_F(TcpListenTest, ASynAckIsSentAgainAsOftenAsConfigured) {
  Host::Options options = without_cookies();
  options.config.tcp.syn_ack_retries = 1;
  Host once{options};
  once.add_interface(eth0_config());
  ASSERT_TRUE(once.stack->tcp_listen(at({kOwn4, 80})));
  once.receive(arp_request(kOwn4));
  once.sent();
  TcpPeer peer{once, {kPeer4, 5000}, {kOwn4, 80}};
  once.receive(peer.segment("S"));
  EXPECT_THAT(once.only_sent(), tcp_is("S."));
  once.advance(milliseconds(2900));
  EXPECT_THAT(once.only_sent(), tcp_is("S."));
  EXPECT_EQ(once.stack->tcp().half_open().size(), 1u) << "it may answer the last one still";
  once.advance(milliseconds(200));
  EXPECT_EQ(once.stack->tcp().half_open().size(), 0u);
}

// TCP-185: a connection costs a record until the peer has shown that it is there.
TEST_F(TcpListenTest, AHalfOpenConnectionIsSmall) {
  EXPECT_LE(Slab<tcp::HalfOpen>::octets_each(), 128u);
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  peer.send(".");
  EXPECT_EQ(half_open(), 0u);
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
  EXPECT_EQ(state(accepted(listener)), tcp::State::kEstablished);
}

// TCP-183: the records of all listeners together are bounded too.
TEST_F(TcpListenTest, TheHalfOpenConnectionsOfAllListenersAreBounded) {
  listen(80, 16, 60);
  listen(81, 16, 60);
  for (std::uint16_t port = 1; port <= 60; ++port) host.receive(client(port, 80).segment("S"));
  for (std::uint16_t port = 1; port <= 60; ++port) host.receive(client(port, 81).segment("S"));
  EXPECT_EQ(half_open(), 64u);
  EXPECT_EQ(host.drops(Drop::kTcpSynQueueFull), 56u);
}

// What the handshake agreed on and measured is the connection's, though it began as a record.
TEST_F(TcpListenTest, AConnectionKnowsWhatItsSynSaidAndHowLongTheHandshakeTook) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.syn_options.mss = 900;
  peer.syn_options.window_scale = 5;
  peer.send("S");
  peer.take();
  host.advance(milliseconds(30));
  peer.window = 1000;
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_EQ(info.mss, 900u);
  EXPECT_EQ(info.snd_wind_shift, 5);
  EXPECT_EQ(info.snd_wnd, 32'000u);
  EXPECT_EQ(info.srtt, milliseconds(30));
  EXPECT_EQ(info.sum_retrans, 0u);
}

// TCP-228, RFC 6298 section 3: whose SYN-ACK it was that the ACK is for, nobody knows.
TEST_F(TcpListenTest, ASynAckSentAgainIsNotMeasuredAndBeginsWithOneSegment) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  host.advance(milliseconds(1500));
  EXPECT_THAT(peer.take_one(), tcp_is("S."));
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_EQ(info.srtt, Duration::zero());
  EXPECT_EQ(info.cwnd, 1460u);
  EXPECT_EQ(info.sum_retrans, 1u);
}

// TCP-162: the SYN again is answered again.
TEST_F(TcpListenTest, ASynThatComesAgainIsAnsweredAgain) {
  listen();
  TcpPeer peer = client();
  peer.send("S");
  const Frame first = peer.take_one();
  host.receive(peer.segment_at(peer.snd_nxt - 1, "S"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpDuplicate);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("S."), tcp_seq(first.tcp->seq)));
}

// TCP-162, TCP-228: and then nobody knows whose SYN-ACK it was, either.
TEST_F(TcpListenTest, ASynAckThatAnsweredASynAgainIsNotMeasured) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  host.advance(milliseconds(30));
  host.receive(peer.segment_at(peer.snd_nxt - 1, "S"));
  peer.take();
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 1u);
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_EQ(info.srtt, Duration::zero());
  EXPECT_EQ(info.cwnd, 1460u);
}

TEST_F(TcpListenTest, AChallengedSynLeavesTheHandshakeMeasured) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  const SeqNumber iss = peer.take_one().tcp->seq;
  host.advance(milliseconds(30));
  host.receive(peer.segment_at(peer.snd_nxt + 100, "S"));
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("."), tcp_seq(iss + 1)));
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 0u);
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(accepted(listener))->srtt, milliseconds(30));
}

// TCP-181: who repeats a SYN under another's address has the other answered so often.
TEST_F(TcpListenTest, ARecordPaysForSoManySynAcks) {
  listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  for (int i = 0; i < 200; ++i) host.receive(peer.segment_at(peer.snd_nxt - 1, "S"));
  EXPECT_THAT(host.sent(), SizeIs(128));
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 128u);
  EXPECT_EQ(half_open(), 1u);
}

// TCP-163: the record is still there for the right ACK.
TEST_F(TcpListenTest, AWrongAckIsResetAndTheHandshakeGoesOn) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  peer.rcv_nxt += 5;
  host.receive(peer.segment("."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadAck);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(peer.rcv_nxt)));
  peer.rcv_nxt = peer.rcv_nxt - 5;
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

// TRAP-28, TCP-179, TCP-181: what is challenged is answered so often, and not more.
TEST_F(TcpListenTest, AHalfOpenConnectionAnswersChallengesSoOften) {
  listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  for (int i = 0; i < 1000; ++i) host.receive(peer.segment_at(peer.snd_nxt + 100, "S"));
  const std::size_t answers = host.sent().size();
  EXPECT_GT(answers, 0u);
  EXPECT_LE(answers, 128u);
  EXPECT_EQ(host.drops(Drop::kTcpChallengedSyn), 1000u);
  EXPECT_EQ(half_open(), 1u);
}

// TCP-164: the ACK may bring all that the client has to say. TCP-161, RFC 9293 section 3.10.7.4.
TEST_F(TcpListenTest, TextAndFinOnTheFinalAckAreTaken) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  peer.send("F.", "all at once");
  const SocketId socket = accepted(listener);
  EXPECT_EQ(read(socket), "all at once");
  EXPECT_TRUE(host.stack->at_end(socket));
  EXPECT_EQ(state(socket), tcp::State::kCloseWait);
}

// RFC 7323 section 5: an old duplicate with the right numbers does not open the connection.
TEST_F(TcpListenTest, AnAckWithoutTheAgreedTimestampDoesNotOpen) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.syn_options.timestamps = TcpTimestamps{1000, 0};
  peer.send("S");
  EXPECT_EQ(peer.take_one().tcp->options.timestamps->tsecr, 1000u);
  host.receive(peer.segment("."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpMissingTimestamp);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  TcpRepr ack;
  ack.seq = peer.snd_nxt;
  ack.ack = peer.rcv_nxt;
  ack.window = 1000;
  ack.options.timestamps = TcpTimestamps{1001, 0};
  host.receive(tcp_frame(peer.own, peer.theirs, ack));
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

// TCP-144: an ICMP error about a SYN-ACK is soft.
TEST_F(TcpListenTest, AnIcmpErrorLeavesAHalfOpenConnectionAlone) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  const Frame syn_ack = peer.take_one();
  const Octets quoted{syn_ack.octets.begin() + 14, syn_ack.octets.end()};
  Octets body{0, 0, 0, 0};
  body.insert(body.end(), quoted.begin(), quoted.end());
  host.receive(ip_frame(
      ip_packet(kPeer4, kOwn4, IpProtocol::kIcmp, icmp_message(kPeer4, kOwn4, 3, 3, 0, quoted))));
  EXPECT_EQ(counters().icmp_in_errors.value(), 1u);
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

// TCP-183: where connections wait to be accepted, SYNs are dropped too.
TEST_F(TcpListenTest, AFullAcceptQueueDropsSyns) {
  const SocketId listener = listen(80, 2, 16);
  client(1).connect();
  client(2).connect();
  host.receive(client(3).segment("S"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_EQ(counters().tcp_listen_drops.value(), 1u);
  accepted(listener);
  host.receive(client(3).segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
}

// TCP-186, TRAP-35: the final ACK finds the accept queue full. Nothing is reset; once there is room
// the client's next segment brings the connection up.
TEST_F(TcpListenTest, AFinalAckThatFindsNoRoomIsMadeUpForLater) {
  const SocketId listener = listen(80, 1, 16);
  TcpPeer first = client(1);
  TcpPeer second = client(2);
  first.send("S");
  first.take();
  second.send("S");
  second.take();
  first.send(".");
  second.send(".");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_EQ(counters().tcp_listen_overflows.value(), 1u);
  second.send("P.", "are you there?");  // it believes to be connected
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_THAT(second.take(), IsEmpty());

  accepted(listener);
  host.receive(second.segment_at(second.snd_nxt - 14, "P.", octets_of("are you there?")));
  host.advance(milliseconds(50));
  EXPECT_THAT(second.take_one(), AllOf(tcp_is("."), tcp_ack(second.snd_nxt)));
  EXPECT_EQ(read(accepted(listener)), "are you there?");
}

TEST_F(TcpListenTest, ASynAckSentAgainGivesTheClientAnotherChance) {
  const SocketId listener = listen(80, 1, 16);
  TcpPeer first = client(1);
  TcpPeer second = client(2);
  first.send("S");
  first.take();
  second.send("S");
  second.take();
  first.send(".");
  second.send(".");
  accepted(listener);
  host.advance(milliseconds(1100));
  EXPECT_THAT(second.take_one(), tcp_is("S."));
  host.receive(second.segment("."));
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

// TRAP-26.
TEST_F(TcpListenTest, ARstOutsideTheWindowLeavesAHalfOpenConnectionAlone) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  host.receive(peer.segment_at(peer.snd_nxt - 500, "R"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBlindReset);
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

TEST_F(TcpListenTest, AFullConnectionTableDropsSyns) {
  Host::Options options;
  options.config.limits.connections = 2;
  options.config.tcp.syn_cookies = tcp::SynCookies::kOff;
  Host small{options};
  small.add_interface(eth0_config());
  small.receive(arp_request(kOwn4));
  small.sent();
  TcpListenOptions listen = at({kOwn4, 80});
  ASSERT_TRUE(small.stack->tcp_listen(listen));
  std::vector<TcpPeer> peers;
  for (std::uint16_t port = 1; port <= 3; ++port) {
    peers.push_back(TcpPeer{small, {kPeer4, port}, {kOwn4, 80}});
    peers.back().send("S");
    EXPECT_THAT(peers.back().take_one(), tcp_is("S."));
  }
  for (TcpPeer& peer : peers) peer.send(".");
  EXPECT_EQ(small.stack->tcp().connections(), 2u);
  EXPECT_EQ(small.only_dropped(), Drop::kTcpNoConnectionBlock) << "and its ACK comes again";
  small.receive(TcpPeer{small, {kPeer4, 4}, {kOwn4, 80}}.segment("S"));
  EXPECT_EQ(small.only_dropped(), Drop::kTcpNoConnectionBlock);
  TcpConnectOptions connect;
  connect.remote = {kPeer4, 80};
  EXPECT_EQ(error_of(small.stack->tcp_connect(connect)), "ENOBUFS");
}

// --- closing a listener --------------------------------------------------------------------------

TEST_F(TcpListenTest, AClosedListenerResetsWhatWaitsInIt) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.connect();
  host.stack->close(listener);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("R."), tcp_seq(peer.rcv_nxt)));
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EBADF");
  EXPECT_THAT(host.events(), IsEmpty());
  host.expect_empty();
}

TEST_F(TcpListenTest, AClosedListenersHalfOpenConnectionIsResetWhenItsAckComes) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  host.stack->close(listener);
  EXPECT_THAT(host.sent(), IsEmpty());
  peer.send(".");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("R"), tcp_seq(peer.rcv_nxt)));
  host.expect_empty();
}

TEST_F(TcpListenTest, AClosedListenersHalfOpenConnectionEndsByItself) {
  const SocketId listener = listen();
  client().send("S");
  host.sent();
  host.stack->close(listener);
  // The next listener of the port has a queue of its own.
  const SocketId next = listen(80, 16, 1);
  host.receive(client(6000).segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S."));
  host.advance(seconds(120));
  host.sent();
  host.receive(client(6001).segment("S"));
  EXPECT_THAT(host.only_sent(), tcp_is("S.")) << "the place in the new queue came free";
  host.stack->close(next);
}

TEST_F(TcpListenTest, AClosedListenerLetsGoOfConnectionsThatEndedInItsQueue) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.connect();
  peer.send("P.", "never read");
  peer.take();
  peer.send("R");
  host.stack->close(listener);
  EXPECT_THAT(host.sent(), IsEmpty());
  host.expect_empty();
}

TEST_F(TcpListenTest, AnEventOfAClosedListenerIsNotTold) {
  const SocketId listener = listen();
  client().connect();
  host.stack->close(listener);
  host.sent();
  EXPECT_THAT(host.events(), IsEmpty());
}

TEST_F(TcpListenTest, AnIdMissesOnceItsListenerIsClosed) {
  const SocketId listener = listen();
  host.stack->close(listener);
  host.stack->close(listener);
  host.stack->abort(listener);
  host.stack->set_user_data(listener, 1);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EBADF");
  EXPECT_EQ(error_of(host.stack->local_endpoint(listener)), "EBADF");
  EXPECT_EQ(error_of(host.stack->remote_endpoint(listener)), "EBADF");
  const SocketId next = listen();
  EXPECT_NE(next, listener);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EBADF");
}

// A block that its ACK did not complete, since that was not in order: its listener is gone when the
// next one comes.
TEST_F(TcpListenTest, ABlockWhoseListenerIsGoneIsResetAndFreed) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  peer.take();
  host.receive(peer.segment_at(peer.snd_nxt + 100'000, "."));
  EXPECT_EQ(host.stack->tcp().connections(), 1u);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  host.stack->close(listener);
  host.sent();
  host.dropped();
  peer.send(".");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(peer.rcv_nxt)));
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

// TCP-186, TRAP-35: such a block waits for a place among the accepted as a record does; it is let
// go by a reset whether there is one or not.
TEST_F(TcpListenTest, ABlockWaitsForRoomInTheAcceptQueue) {
  const SocketId listener = listen(80, 1, 16);
  TcpPeer peer = client(1);
  TcpPeer other = client(2);
  for (TcpPeer* each : {&peer, &other}) {
    each->send("S");
    each->take();
    host.receive(each->segment_at(each->snd_nxt + 100'000, "."));
    host.sent();
  }
  client(3).connect();
  host.sent();
  host.dropped();
  peer.send(".");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_EQ(counters().tcp_listen_overflows.value(), 1u);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->tcp().connections(), 3u);
  other.send("R.");
  EXPECT_EQ(host.stack->tcp().connections(), 2u);
  accepted(listener);
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

}  // namespace
}  // namespace smol
