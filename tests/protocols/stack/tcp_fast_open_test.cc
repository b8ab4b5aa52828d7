// TCP Fast Open between sockets and the wire: RFC 7413.
#include "protocols/tcp/fast_open.hh"
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class FastOpenTest : public TcpTest {
 protected:
  explicit FastOpenTest(const Host::Options& options = {}) : TcpTest{options} {}

  SocketId listen_fast(std::uint32_t pending = 4) {
    TcpListenOptions options;
    options.local = {IpAddress::v4(0), 80};
    options.fast_open = pending;
    return host.stack->tcp_listen(options).value();
  }
  /// What the server gives a client of this address.
  FastOpenCookie given(std::uint16_t port = 4000) {
    TcpPeer peer = client(port);
    peer.syn_options.fast_open = FastOpenCookie{};
    peer.send("S");
    const Frame syn_ack = peer.take_one();
    EXPECT_TRUE(syn_ack.tcp->options.fast_open);
    host.receive(peer.segment("R"));
    host.dropped();
    return syn_ack.tcp->options.fast_open.value_or(FastOpenCookie{});
  }
  TcpPeer knowing(const FastOpenCookie& cookie, std::uint16_t port = 5000) {
    TcpPeer peer = client(port);
    peer.syn_options.fast_open = cookie;
    return peer;
  }
  SocketId connect_fast(std::string_view text, std::uint16_t port = 80) {
    TcpConnectOptions options;
    options.remote = {kPeer4, port};
    options.fast_open = true;
    const SocketId socket = host.stack->tcp_connect(options).value();
    if (!text.empty()) write(socket, text);
    return socket;
  }
  TcpPeer server_of(SocketId socket) {
    TcpPeer peer = client(80);
    peer.own = host.stack->remote_endpoint(socket).value();
    peer.theirs = host.stack->local_endpoint(socket).value();
    return peer;
  }
  static FastOpenCookie cookie(std::uint8_t value, std::uint8_t len = 8) {
    FastOpenCookie out;
    out.len = len;
    for (std::uint8_t i = 0; i < len; ++i) out.octets[i] = value;
    return out;
  }
  /// A first connection, which brings this cookie.
  void get_cookie(const FastOpenCookie& cookie, std::uint16_t mss = 1460) {
    const SocketId socket = connect_fast("");
    TcpPeer peer = server_of(socket);
    const Frame syn = peer.take_one();
    EXPECT_TRUE(syn.tcp->options.fast_open) << "asks for one, or shows what it has";
    EXPECT_THAT(syn.payload, IsEmpty());
    peer.syn_options.fast_open = cookie;
    peer.syn_options.mss = mss;
    peer.send("S.");
    peer.take();
    host.stack->abort(socket);
    host.sent();
    host.events();
  }
};

// --- the server ----------------------------------------------------------------------------------

// TCP-256: a cookie is given to who asks, and text with it is taken at once.
TEST_F(FastOpenTest, ASynWithAGoodCookieIsReadBeforeTheHandshakeIsComplete) {
  const SocketId listener = listen_fast();
  const FastOpenCookie cookie = given();
  EXPECT_EQ(cookie.len, 8);
  EXPECT_EQ(counters().tcp_fast_open_cookie_reqd.value(), 1u);
  host.events();

  TcpPeer peer = knowing(cookie);
  peer.send("S", "GET /");
  EXPECT_EQ(host.events().size(), 1u) << "the listener's";
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  EXPECT_EQ(read(socket), "GET /");
  EXPECT_EQ(state(socket), tcp::State::kSynReceived);
  EXPECT_EQ(counters().tcp_fast_open_passive.value(), 1u);
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("S."), tcp_ack(peer.snd_nxt)));
  write(socket, "200 OK");
  peer.send(".");
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  EXPECT_EQ(peer.take_text(), "200 OK");
  peer.send("P.", "more");
  EXPECT_EQ(read(socket), "more");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN") << "it is accepted once";
}

// TCP-089: the window is counted from what the SYN-ACK acknowledges, and text that waits to be read
// is in it; the next segment would take it back.
TEST_F(FastOpenTest, TheTextOfASynIsOffTheWindow) {
  TcpListenOptions options;
  options.local = {IpAddress::v4(0), 80};
  options.fast_open = 4;
  options.socket.receive_buffer = 5000;
  const SocketId listener = host.stack->tcp_listen(options).value();
  TcpPeer peer = knowing(given());
  peer.send("S", "GET /");
  EXPECT_EQ(peer.take_one().tcp->window, 4995);
  const SocketId socket = accepted(listener);
  write(socket, "200 OK");
  peer.send(".");
  EXPECT_EQ(peer.take_one().tcp->window, 4995);
}

// TCP-257, TRAP-33: a bad cookie means an ordinary handshake; the text comes again, and once.
TEST_F(FastOpenTest, ABadCookieFallsBackAndTheTextIsDeliveredOnce) {
  const SocketId listener = listen_fast();
  TcpPeer peer = knowing(cookie(9));
  host.receive(peer.segment("S", octets_of("GET /")));
  peer.snd_nxt += 1;
  const Frame syn_ack = peer.take_one();
  EXPECT_THAT(syn_ack, AllOf(tcp_is("S."), tcp_ack(peer.snd_nxt)));
  ASSERT_TRUE(syn_ack.tcp->options.fast_open) << "a good one for the next time";
  EXPECT_EQ(counters().tcp_fast_open_passive_fail.value(), 1u);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  peer.send("P.", "GET /");
  const SocketId socket = accepted(listener);
  EXPECT_EQ(read(socket), "GET /");

  TcpPeer next = knowing(*syn_ack.tcp->options.fast_open, 5001);
  next.send("S", "again");
  EXPECT_EQ(read(accepted(listener)), "again");
}

// TCP-256: without text there is nothing to be early with.
TEST_F(FastOpenTest, ACookieWithoutTextIsAnOrdinaryHandshake) {
  listen_fast();
  TcpPeer peer = knowing(given());
  peer.send("S");
  EXPECT_THAT(peer.take_one(), tcp_is("S."));
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  EXPECT_EQ(host.stack->tcp().half_open().size(), 1u);
}

// What the option may have cost the first SYN-ACK, it shall not cost the next.
TEST_F(FastOpenTest, ASynAckThatGoesAgainHasNoCookie) {
  listen_fast();
  TcpPeer peer = client();
  peer.syn_options.fast_open = FastOpenCookie{};
  peer.send("S");
  EXPECT_TRUE(peer.take_one().tcp->options.fast_open);
  host.advance(milliseconds(1100));
  const Frame again = peer.take_one();
  EXPECT_THAT(again, tcp_is("S."));
  EXPECT_FALSE(again.tcp->options.fast_open);
}

TEST_F(FastOpenTest, WhatIsAcceptedEarlyHasTheListenersOwner) {
  TcpListenOptions options;
  options.local = {IpAddress::v4(0), 80};
  options.fast_open = 4;
  options.owner = 3;
  const SocketId listener = host.stack->tcp_listen(options).value();
  TcpPeer peer = knowing(given());
  peer.send("S", "GET /");
  host.events();
  const SocketId socket = accepted(listener);
  const std::vector<SocketEvent> events = host.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].socket, socket);
  EXPECT_EQ(events[0].owner, 3);
}

// TCP-257: text on a SYN without cookie, or to a listener that does not want it, waits for the ACK.
TEST_F(FastOpenTest, WithoutTheOptionNothingOfItIsSaidOrTaken) {
  const SocketId listener = listen_fast();
  const FastOpenCookie cookie = given();
  host.stack->close(listener);
  listen();
  TcpPeer peer = knowing(cookie);
  host.receive(peer.segment("S", octets_of("GET /")));
  peer.snd_nxt += 1;
  const Frame syn_ack = peer.take_one();
  EXPECT_THAT(syn_ack, tcp_ack(peer.snd_nxt));
  EXPECT_FALSE(syn_ack.tcp->options.fast_open);
}

// TCP-257, RFC 7413 section 5.1: the requests that are pending are bounded, those that were reset
// too.
TEST_F(FastOpenTest, BeyondTheBoundTheHandshakeIsOrdinary) {
  listen_fast(2);
  const FastOpenCookie cookie = given();
  for (std::uint16_t port = 1; port <= 3; ++port) {
    host.receive(knowing(cookie, port).segment("S", octets_of("x")));
  }
  host.sent();
  EXPECT_EQ(host.stack->tcp().connections(), 2u);
  EXPECT_EQ(host.stack->tcp().half_open().size(), 1u);
  EXPECT_EQ(counters().tcp_fast_open_listen_overflow.value(), 1u);
  // A RST frees no place at once.
  TcpPeer first = knowing(cookie, 1);
  host.receive(first.segment_at(first.snd_nxt + 2, "R"));
  host.receive(knowing(cookie, 4).segment("S", octets_of("x")));
  host.sent();
  EXPECT_EQ(counters().tcp_fast_open_listen_overflow.value(), 2u);
  host.advance(seconds(121));
  host.sent();
  host.receive(knowing(cookie, 5).segment("S", octets_of("x")));
  EXPECT_EQ(counters().tcp_fast_open_passive.value(), 3u);
}

TEST_F(FastOpenTest, AResetBeforeTheHandshakeIsCompleteIsToldToWhoAccepted) {
  const SocketId listener = listen_fast();
  const FastOpenCookie cookie = given();
  TcpPeer peer = knowing(cookie);
  peer.send("S", "GET /");
  peer.take();
  const SocketId socket = accepted(listener);
  EXPECT_EQ(read(socket), "GET /");
  host.events();
  peer.send("R");
  EXPECT_EQ(event_names(host.events_of(socket)), "closed");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNRESET");
  host.stack->close(socket);
}

// TCP-185: whose ACK never comes is told so.
TEST_F(FastOpenTest, AHandshakeThatIsNeverCompletedTimesOut) {
  const SocketId listener = listen_fast();
  const FastOpenCookie cookie = given();
  TcpPeer peer = knowing(cookie);
  peer.send("S", "GET /");
  const SocketId socket = accepted(listener);
  host.advance(seconds(64));
  host.sent();
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  EXPECT_EQ(read(socket), "GET /");
  host.stack->close(socket);
  host.stack->close(listener);
}

// --- the answer before the last ACK --------------------------------------------------------------

/// A client whose text has come with its SYN, and the server's end of it.
class EarlyAnswerTest : public FastOpenTest {
 protected:
  void ask(std::uint16_t window = 0xffff) {
    listener = listen_fast();
    peer.syn_options.fast_open = given();
    host.events();
    peer.window = window;
    peer.send("S", "GET /");
    socket = accepted(listener);
    read(socket);
  }
  /// The SYN-ACK alone, whatever else is under way.
  void lose_all_but_the_syn_ack() {
    const std::vector<Frame> frames = host.sent();
    ASSERT_FALSE(frames.empty());
    ASSERT_THAT(frames[0], tcp_is("S."));
    peer.rcv_nxt = frames[0].tcp->seq + 1;
  }

  SocketId listener;
  TcpPeer peer = client();
  SocketId socket;
};

// TCP-256, RFC 7413 section 3: the answer need not wait for the client's ACK.
TEST_F(EarlyAnswerTest, TheAnswerFollowsTheSynAckAtOnce) {
  ask();
  EXPECT_EQ(write(socket, "200 OK"), 6u);
  const std::vector<Frame> frames = peer.take();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_THAT(frames[0], AllOf(tcp_is("S."), tcp_ack(peer.snd_nxt)));
  EXPECT_THAT(frames[1],
              AllOf(tcp_is("P."), tcp_seq(frames[0].tcp->seq + 1), tcp_ack(peer.snd_nxt)));
  EXPECT_EQ(text_of(frames[1].payload), "200 OK");
  EXPECT_EQ(state(socket), tcp::State::kSynReceived);
  peer.send(".");
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  const tcp::Info info = host.stack->tcp_info(socket).value();
  EXPECT_EQ(info.bytes_acked, 6u);
  EXPECT_EQ(info.unacked, 0u);
  EXPECT_EQ(info.retransmit_timer, kNever);
  host.advance(seconds(10));
  EXPECT_THAT(peer.take(), IsEmpty());
}

// The ACK of the SYN-ACK is on its way before the answer arrives.
TEST_F(EarlyAnswerTest, WhatIsOnItsWayWhenTheHandshakeEndsIsNotSentAgain) {
  ask();
  write(socket, "200 OK");
  peer.take();
  const SeqNumber all = peer.rcv_nxt;
  peer.rcv_nxt = all - 6;
  peer.send(".");
  EXPECT_EQ(state(socket), tcp::State::kEstablished);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->tcp_info(socket)->unacked, 6u);
  EXPECT_EQ(host.stack->tcp_info(socket)->dup_acks_in, 0u) << "it tells of no loss";
  peer.rcv_nxt = all;
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 6u);
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 0u);
}

// TCP-056: what went early counts for Nagle's algorithm.
TEST_F(EarlyAnswerTest, ASmallAnswerOnItsWayHoldsBackAnother) {
  ask();
  write(socket, "200 OK");
  lose_all_but_the_syn_ack();
  peer.send(".");
  write(socket, ", more");
  EXPECT_THAT(host.sent(), IsEmpty());
  peer.rcv_nxt += 6;
  peer.send(".");
  EXPECT_EQ(peer.take_text(), ", more");
}

TEST_F(EarlyAnswerTest, AnAnswerThatIsLostIsSentAgain) {
  ask();
  write(socket, "200 OK");
  lose_all_but_the_syn_ack();
  peer.send(".");
  EXPECT_THAT(host.sent(), IsEmpty());
  host.advance(milliseconds(300));
  EXPECT_EQ(peer.take_text(), "200 OK");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->unacked, 0u);
}

// TCP-070: it has R2 from the end of the handshake on, however long that took.
TEST_F(EarlyAnswerTest, TheAnswerHasItsTimeFromTheHandshakeOn) {
  ask();
  write(socket, "200 OK");
  lose_all_but_the_syn_ack();
  host.advance(seconds(30));
  host.sent();
  peer.send(".");
  ASSERT_EQ(state(socket), tcp::State::kEstablished);
  host.advance(seconds(299));
  EXPECT_EQ(error_of(host.stack->error(socket)), "none");
  host.advance(seconds(2));
  EXPECT_EQ(error_of(host.stack->error(socket)), "ETIMEDOUT");
  host.sent();
}

// RFC 6928: no more than an initial window goes to who has not been heard of.
TEST_F(EarlyAnswerTest, NoMoreThanAnInitialWindowGoes) {
  ask();
  EXPECT_EQ(write(socket, pattern(30'000)), 30'000u);
  std::vector<Frame> frames = peer.take();
  EXPECT_THAT(frames, SizeIs(11));
  Octets got;
  for (int i = 0; i < 20 && got.size() < 30'000; ++i) {
    for (const Frame& frame : frames) got = got + frame.payload;
    peer.send(".");
    frames = peer.take();
  }
  EXPECT_EQ(got, pattern(30'000));
  EXPECT_EQ(counters().tcp_retrans_segs.value(), 0u);
}

TEST_F(EarlyAnswerTest, TheWindowOfTheSynIsKeptTo) {
  ask(1000);
  write(socket, pattern(3000));
  std::size_t octets = 0;
  for (const Frame& frame : peer.take()) octets += frame.payload.size();
  EXPECT_GT(octets, 900u);
  EXPECT_LE(octets, 1000u);
}

// Behind a SYN-ACK that was lost nothing is of use: all goes again when the handshake is complete.
TEST_F(EarlyAnswerTest, ASynAckThatIsLostTakesTheAnswerAlong) {
  ask();
  write(socket, "200 OK");
  host.sent();
  host.advance(milliseconds(1001));
  EXPECT_THAT(peer.take_one(), tcp_is("S.")) << "the SYN-ACK alone";
  write(socket, ", more");
  EXPECT_THAT(peer.take(), IsEmpty()) << "what is new waits";
  peer.send(".");
  EXPECT_EQ(peer.take_text(), "200 OK, more");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 12u);
}

TEST_F(EarlyAnswerTest, AnEndThatIsWantedEarlyWaitsForTheHandshake) {
  ask();
  write(socket, "200 OK");
  host.stack->shutdown_write(socket);
  for (const Frame& frame : peer.take()) EXPECT_FALSE(tcp_is("FP.").Matches(frame));
  peer.send(".");
  EXPECT_EQ(state(socket), tcp::State::kFinWait1);
  EXPECT_THAT(peer.take_one(), tcp_is("F."));
  peer.send(".");
  EXPECT_EQ(state(socket), tcp::State::kFinWait2);
}

// A client that resets may have had some of it.
TEST_F(EarlyAnswerTest, AResetEndsItAndGivesAllBack) {
  ask();
  write(socket, pattern(30'000));
  peer.take();
  peer.send("R");
  EXPECT_EQ(error_of(host.stack->error(socket)), "ECONNRESET");
  host.stack->close(socket);
  host.stack->close(listener);
  host.sent();
  host.expect_empty();
}

// --- the client ----------------------------------------------------------------------------------

// TCP-256: an option without cookie asks for one.
TEST_F(FastOpenTest, TheFirstSynAsksForACookieAndCarriesNoText) {
  const SocketId socket = connect_fast("too early");
  const Frame syn = server_of(socket).take_one();
  EXPECT_EQ(syn.tcp->options.fast_open, FastOpenCookie{});
  EXPECT_THAT(syn.payload, IsEmpty());
}

// TCP-256: the second connection carries text on its SYN.
TEST_F(FastOpenTest, TheSecondSynCarriesTextAndTheCookie) {
  get_cookie(cookie(7));
  const SocketId socket = connect_fast("GET /");
  TcpPeer peer = server_of(socket);
  const Frame syn = peer.take_one();
  EXPECT_THAT(syn, tcp_is("S"));
  EXPECT_EQ(syn.tcp->options.fast_open, cookie(7));
  EXPECT_EQ(text_of(syn.payload), "GET /");
  EXPECT_EQ(counters().tcp_fast_open_active.value(), 1u);
  peer.rcv_nxt = syn.tcp->seq + 6;
  peer.send("S.");
  EXPECT_THAT(peer.take_one(), AllOf(tcp_is("."), tcp_seq(peer.rcv_nxt)));
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 5u);
  write(socket, "more");
  EXPECT_EQ(peer.take_text(), "more");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 9u);
}

// TCP-256: cookies of other servers have 4 to 16 octets.
TEST_F(FastOpenTest, CookiesOfAnyLengthAreGivenBack) {
  for (const std::uint8_t len : {std::uint8_t{4}, std::uint8_t{6}, std::uint8_t{16}}) {
    get_cookie(cookie(len, len));
    const SocketId socket = connect_fast("x");
    TcpPeer peer = server_of(socket);
    const Frame syn = peer.take_one();
    EXPECT_EQ(syn.tcp->options.fast_open, cookie(len, len));
    EXPECT_EQ(text_of(syn.payload), "x");
    host.stack->abort(socket);
  }
}

// TCP-257, TCP-258: what the server did not take goes again, and only once each.
TEST_F(FastOpenTest, TextThatTheSynAckLeavesOutIsSentAgain) {
  get_cookie(cookie(7));
  const SocketId socket = connect_fast("GET /");
  TcpPeer peer = server_of(socket);
  peer.rcv_nxt = peer.take_one().tcp->seq + 1;
  peer.send("S.");
  const Frame ack = peer.take_one();
  EXPECT_EQ(text_of(ack.payload), "GET /");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->unacked, 0u);
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 5u);
}

TEST_F(FastOpenTest, ASynAckMayTakePartOfTheText) {
  get_cookie(cookie(7));
  const SocketId socket = connect_fast("abcdef");
  TcpPeer peer = server_of(socket);
  peer.rcv_nxt = peer.take_one().tcp->seq + 4;
  peer.send("S.");
  EXPECT_EQ(peer.take_text(), "def");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 6u);
}

// TCP-258: the segment size of the last time bounds the text.
TEST_F(FastOpenTest, TheSynIsNoLargerThanTheServersSegments) {
  get_cookie(cookie(7), 600);
  const SocketId socket = connect_fast("");
  write(socket, pattern(5000));
  TcpPeer peer = server_of(socket);
  const Frame syn = peer.take_one();
  EXPECT_EQ(syn.payload.size(), 560u);
  peer.rcv_nxt = syn.tcp->seq + 561;
  peer.syn_options.mss = 600;
  peer.send("S.");
  Octets got = syn.payload;
  for (int i = 0; i < 20 && got.size() < 5000; ++i) {
    for (const Frame& frame : peer.take()) got = got + frame.payload;
    peer.send(".");
  }
  EXPECT_EQ(got, pattern(5000));
}

// TCP-258: of a server that told no segment size the least is assumed.
TEST_F(FastOpenTest, WithoutASegmentSizeTheLeastIsAssumed) {
  const SocketId first = connect_fast("");
  TcpPeer server = server_of(first);
  server.take_one();
  server.syn_options = TcpOptions{};
  server.syn_options.fast_open = cookie(7);
  server.send("S.");
  host.stack->abort(first);
  host.sent();
  const SocketId socket = connect_fast("");
  write(socket, pattern(5000));
  EXPECT_EQ(server_of(socket).take_one().payload.size(), 496u);
}

// A SYN-ACK that has the option and no cookie in it takes none away.
TEST_F(FastOpenTest, AnEmptyOptionOfAServerIsNoCookie) {
  get_cookie(cookie(7));
  get_cookie(FastOpenCookie{});
  const SocketId socket = connect_fast("x");
  EXPECT_EQ(server_of(socket).take_one().tcp->options.fast_open, cookie(7));
}

// Both are more than a header has room for.
TEST_F(FastOpenTest, ALongCookieLeavesTheUserTimeoutForLater) {
  for (const std::uint8_t len : {std::uint8_t{8}, std::uint8_t{16}}) {
    get_cookie(cookie(len, len));
    TcpConnectOptions options;
    options.remote = {kPeer4, 80};
    options.fast_open = true;
    options.socket.user_timeout_option = true;
    const SocketId socket = host.stack->tcp_connect(options).value();
    write(socket, "x");
    const Frame syn = server_of(socket).take_one();
    EXPECT_EQ(syn.tcp->options.fast_open, cookie(len, len));
    EXPECT_EQ(syn.tcp->options.user_timeout.has_value(), len == 8);
    EXPECT_EQ(text_of(syn.payload), "x");
    host.stack->abort(socket);
    host.sent();
  }
}

// TCP-258: a SYN with text that is lost is retried without, and so are the next connections.
TEST_F(FastOpenTest, ALostSynWithTextIsRetriedPlainAndFastOpenRests) {
  get_cookie(cookie(7));
  const SocketId socket = connect_fast("GET /");
  TcpPeer peer = server_of(socket);
  EXPECT_EQ(text_of(peer.take_one().payload), "GET /");
  host.advance(milliseconds(1100));
  const Frame again = peer.take_one();
  EXPECT_THAT(again, tcp_is("S"));
  EXPECT_FALSE(again.tcp->options.fast_open);
  EXPECT_THAT(again.payload, IsEmpty());
  EXPECT_EQ(counters().tcp_fast_open_active_fail.value(), 1u);
  peer.rcv_nxt = again.tcp->seq + 1;
  peer.send("S.");
  EXPECT_EQ(peer.take_text(), "GET /");
  peer.send(".");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 5u);
  host.stack->abort(socket);
  host.sent();

  const SocketId next = connect_fast("x");
  TcpPeer other = server_of(next);
  EXPECT_FALSE(other.take_one().tcp->options.fast_open) << "off for that server";
  host.stack->abort(next);
  host.advance(tcp::kFastOpenPause);
  const SocketId later = connect_fast("x");
  EXPECT_EQ(server_of(later).take_one().tcp->options.fast_open, cookie(7)) << "and on again";
}

// The server may have had the first SYN, and its SYN-ACK been lost.
TEST_F(FastOpenTest, ALateSynAckForTheTextIsGood) {
  get_cookie(cookie(7));
  const SocketId socket = connect_fast("GET /");
  TcpPeer peer = server_of(socket);
  peer.rcv_nxt = peer.take_one().tcp->seq + 6;
  host.advance(milliseconds(1100));
  host.sent();
  peer.send("S.");
  EXPECT_EQ(peer.take_text(), "");
  EXPECT_EQ(host.stack->tcp_info(socket)->bytes_acked, 5u);
}

// TCP-256: who does not ask for it says nothing of it.
TEST_F(FastOpenTest, AnOrdinaryConnectDoesNotAskForACookie) {
  TcpConnectOptions options;
  options.remote = {kPeer4, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  write(socket, "x");
  const Frame syn = server_of(socket).take_one();
  EXPECT_FALSE(syn.tcp->options.fast_open);
  EXPECT_THAT(syn.payload, IsEmpty());
}

// The third segment of an ordinary handshake carries what is queued: no round trip is lost.
TEST_F(FastOpenTest, TheAckOfTheSynAckCarriesWhatIsQueued) {
  TcpConnectOptions options;
  options.remote = {kPeer4, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  write(socket, "at once");
  TcpPeer peer = server_of(socket);
  peer.take_one();
  peer.send("S.");
  const Frame third = peer.take_one();
  EXPECT_THAT(third, AllOf(tcp_is("P."), tcp_ack(peer.snd_nxt)));
  EXPECT_EQ(text_of(third.payload), "at once");
}

Host::Options without_fast_open() {
  Host::Options options;
  options.config.tcp.fast_open = tcp::FastOpen::kOff;
  return options;
}

class NoFastOpenTest : public FastOpenTest {
 protected:
  NoFastOpenTest() : FastOpenTest{without_fast_open()} {}
};

TEST_F(NoFastOpenTest, TheConfigurationTurnsBothSidesOff) {
  listen_fast();
  TcpPeer peer = client();
  peer.syn_options.fast_open = FastOpenCookie{};
  peer.send("S");
  EXPECT_FALSE(peer.take_one().tcp->options.fast_open);
  const SocketId socket = connect_fast("x", 81);
  EXPECT_FALSE(server_of(socket).take_one().tcp->options.fast_open);
}

}  // namespace
}  // namespace smol
