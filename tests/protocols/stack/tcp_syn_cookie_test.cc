// SYN cookies of a stack: RFC 4987 section 3.6.
#include "protocols/tcp/syn_cookie.hh"
#include "tests/protocols/stack/tcp_peer.hh"
#include "tests/support/scale.hh"

namespace smol {
namespace {

Host::Options with(tcp::SynCookies when) {
  Host::Options options;
  options.config.tcp.syn_cookies = when;
  options.secrets.cookie = {21, 22};
  return options;
}

class SynCookieTest : public TcpTest {
 protected:
  explicit SynCookieTest(const Host::Options& options = with(tcp::SynCookies::kAuto))
      : TcpTest{options} {}

  /// A client that says all that Linux says.
  TcpPeer modern(std::uint16_t port = 5000) {
    TcpPeer peer = client(port);
    peer.syn_options.window_scale = 7;
    peer.syn_options.sack_permitted = true;
    peer.syn_options.timestamps = TcpTimestamps{1000, 0};
    return peer;
  }
  /// Its ACK, with the timestamp of the SYN-ACK given back.
  Octets ack_of(const TcpPeer& peer, const Frame& syn_ack, const Octets& text = {}) {
    TcpRepr header;
    header.seq = peer.snd_nxt;
    header.ack = peer.rcv_nxt;
    header.window = peer.window;
    if (syn_ack.tcp->options.timestamps) {
      header.options.timestamps = TcpTimestamps{1001, syn_ack.tcp->options.timestamps->tsval};
    }
    return tcp_frame(peer.own, peer.theirs, header, text, peer.mac);
  }
  /// A listener whose SYN queue, with room for one, is full.
  SocketId crowded(std::uint32_t backlog = 16) {
    const SocketId listener = listen(80, backlog, 1);
    host.receive(client(9).segment("S"));
    host.sent();
    return listener;
  }
  /// Asks, and hears of a cookie.
  Frame ask(TcpPeer& peer) {
    peer.send("S");
    return peer.take_one();
  }
  std::uint32_t half_open() { return host.stack->tcp().half_open().size(); }
};

// TCP-184, TCP-183: nothing is kept, and the connection is there all the same.
TEST_F(SynCookieTest, AFullSynQueueAnswersByCookieAndKeepsNothing) {
  const SocketId listener = crowded();
  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  EXPECT_THAT(syn_ack, AllOf(tcp_is("S."), tcp_ack(peer.snd_nxt)));
  EXPECT_EQ(half_open(), 1u) << "who came first";
  EXPECT_EQ(counters().tcp_syncookies_sent.value(), 1u);
  EXPECT_EQ(counters().tcp_listen_drops.value(), 0u);

  peer.window = 500;
  host.receive(ack_of(peer, syn_ack));
  EXPECT_EQ(counters().tcp_syncookies_recv.value(), 1u);
  EXPECT_EQ(counters().tcp_passive_opens.value(), 2u) << "who came first, and this one";
  const SocketId socket = accepted(listener);
  const tcp::Info info = host.stack->tcp_info(socket).value();
  EXPECT_EQ(info.state, tcp::State::kEstablished);
  EXPECT_TRUE(info.timestamps);
  EXPECT_TRUE(info.window_scaling);
  EXPECT_EQ(info.snd_wind_shift, 7);
  EXPECT_EQ(info.snd_wnd, 500u << 7);
  EXPECT_EQ(info.mss, 1448u);
  EXPECT_EQ(info.iss, syn_ack.tcp->seq);
  EXPECT_EQ(info.srtt, Duration::zero()) << "how old a cookie is, nobody knows";
  EXPECT_EQ(half_open(), 1u);
}

// TCP-184: also over IPv6.
TEST_F(SynCookieTest, WorksOverIp6) {
  const SocketId listener = listen(80, 16, 1, IpAddress{});
  host.receive(client6(9).segment("S"));
  host.sent();
  TcpPeer peer = client6();
  peer.syn_options.mss = 1440;
  ask(peer);
  peer.send("P.", "hello");
  const SocketId socket = accepted(listener);
  EXPECT_EQ(read(socket), "hello");
  EXPECT_EQ(host.stack->tcp_info(socket)->mss, 1440u);
}

// Of a link-local peer no route tells the interface: the record and the cookie both know it.
TEST_F(SynCookieTest, WhatALinkLocalPeerIsOfferedFitsItsLink) {
  InterfaceConfig narrow;
  narrow.name = "eth1";
  narrow.mac = kOwnMac;
  narrow.mtu = 1280;
  const IpAddress own = IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 2);
  narrow.addresses = {IpPrefix{own, 64}};
  const InterfaceId interface = host.add_interface(narrow);
  const SocketId listener = listen(80, 16, 1, IpAddress{});
  for (const std::uint16_t port : std::vector<std::uint16_t>{5000, 5001}) {
    TcpPeer peer{host, {kPeerLink6, port}, {own, 80}};
    host.receive(peer.segment("S"), interface);
    peer.advance("S", {});
    const Frame syn_ack = peer.take_one();
    EXPECT_EQ(syn_ack.tcp->options.mss, 1220) << port;
    if (port == 5000) continue;  // stays, so that the other one gets a cookie
    host.receive(peer.segment("."), interface);
    EXPECT_EQ(host.stack->tcp_info(accepted(listener))->advmss, 1220);
  }
  EXPECT_EQ(counters().tcp_syncookies_recv.value(), 1u);
}

// TCP-184: without timestamps there is no place for more than the segment size.
TEST_F(SynCookieTest, WithoutTimestampsItOffersOnlyWhatItCanRemember) {
  const SocketId listener = crowded();
  TcpPeer peer = client();
  peer.syn_options.window_scale = 7;
  peer.syn_options.sack_permitted = true;
  const Frame syn_ack = ask(peer);
  EXPECT_FALSE(syn_ack.tcp->options.window_scale);
  EXPECT_FALSE(syn_ack.tcp->options.sack_permitted);
  EXPECT_TRUE(syn_ack.tcp->options.mss);
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_FALSE(info.window_scaling);
  EXPECT_EQ(info.mss, 1460u);
}

// TCP-184: what comes with the ACK is kept.
TEST_F(SynCookieTest, TextOnTheAckIsDelivered) {
  const SocketId listener = crowded();
  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  host.receive(ack_of(peer, syn_ack, octets_of("at once")));
  const SocketId socket = accepted(listener);
  EXPECT_EQ(event_names(host.events_of(socket)), "readable");
  EXPECT_EQ(read(socket), "at once");
}

// TCP-184: what this host never said is answered with RST.
TEST_F(SynCookieTest, AForgedCookieIsResetAndCounted) {
  crowded();
  TcpPeer peer = client();
  ask(peer);
  peer.rcv_nxt = SeqNumber{0xdead'beef};
  host.receive(peer.segment("."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadSynCookie);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(SeqNumber{0xdead'beef})));
  EXPECT_EQ(counters().tcp_syncookies_failed.value(), 1u);
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

TEST_F(SynCookieTest, ACookieIsNoGoodWithSynOrForAnotherPeer) {
  crowded();
  TcpPeer peer = client();
  ask(peer);
  host.receive(peer.segment("S."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadSynCookie);
  TcpPeer thief = client(5001);
  thief.snd_nxt = peer.snd_nxt;
  thief.rcv_nxt = peer.rcv_nxt;
  host.receive(thief.segment("."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadSynCookie);
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
}

// TCP-184: valid for about two minutes.
TEST_F(SynCookieTest, AStaleCookieIsReset) {
  crowded();
  TcpPeer peer = client();
  ask(peer);
  host.advance(tcp::kSynCookieLife - seconds(1));
  client(10).send("S");  // keeps the listener looking for cookies
  client(11).send("S");
  host.advance(seconds(1));
  host.sent();
  peer.send(".");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpBadSynCookie);
  EXPECT_THAT(peer.take_one(), tcp_is("R"));
}

// A listener that sent none of late does not look: guesses find nothing to guess at.
TEST_F(SynCookieTest, IsNotLookedForWhereNoneWasSent) {
  listen();
  TcpPeer peer = client();
  peer.rcv_nxt = SeqNumber{1};
  host.receive(peer.segment("."));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
  EXPECT_THAT(host.only_sent(), AllOf(tcp_is("R"), tcp_seq(SeqNumber{1})));
  EXPECT_EQ(counters().tcp_syncookies_failed.value(), 0u);
}

TEST_F(SynCookieTest, AResetForAListenerIsAStray) {
  listen();
  host.receive(client().segment("R"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpStrayReset);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// TCP-186, TRAP-35: where nobody accepts, neither SYN nor ACK is let in, and nothing is reset.
TEST_F(SynCookieTest, AFullAcceptQueueDropsSynAndAckAndTheAckIsMadeUpForLater) {
  const SocketId listener = crowded(1);
  TcpPeer first = client(1);
  TcpPeer second = client(2);
  for (TcpPeer* peer : {&first, &second}) {
    peer->send("S");
    peer->take_one();
  }
  first.send(".");
  const SeqNumber begin = second.snd_nxt;
  second.send("P.", "patience");
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_EQ(counters().tcp_listen_overflows.value(), 1u);
  host.receive(client(3).segment("S"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpAcceptQueueFull);
  EXPECT_THAT(host.sent(), IsEmpty());
  accepted(listener);
  host.receive(second.segment_at(begin, "P.", octets_of("patience")));
  EXPECT_EQ(read(accepted(listener)), "patience");
}

// TCP-052: who says nothing of the size of segments takes the least that must be taken.
TEST_F(SynCookieTest, ASynWithoutASegmentSizeIsTakenAtTheLeast) {
  const SocketId listener4 = crowded();
  const SocketId listener6 = listen(81, 16, 1, kOwn6);
  host.receive(client6(9, 81).segment("S"));
  host.sent();
  const auto mss = [&](TcpPeer peer, SocketId listener) {
    peer.syn_options = {};
    ask(peer);
    peer.send(".");
    return host.stack->tcp_info(accepted(listener))->mss;
  };
  EXPECT_EQ(mss(client(), listener4), 536u);
  EXPECT_EQ(mss(client6(5000, 81), listener6), 1220u);
}

// A SYN that came twice, and was answered by cookie and by record: either answer is good.
TEST_F(SynCookieTest, ACookieIsGoodAlsoWhereARecordWasMadeSince) {
  const SocketId listener = crowded();
  TcpPeer peer = client();
  const Frame cookie = ask(peer);
  TcpPeer first = client(9);
  host.receive(first.segment_at(first.snd_nxt + 1, "R"));
  host.receive(peer.segment_at(peer.snd_nxt - 1, "S"));
  EXPECT_EQ(half_open(), 1u);
  EXPECT_FALSE(tcp_seq(cookie.tcp->seq).Matches(host.only_sent()));
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
  EXPECT_EQ(half_open(), 0u);
}

// TCP-036: TIME-WAIT knows numbers that a cookie would not.
TEST_F(SynCookieTest, ATimeWaitConnectionIsNotReopenedByCookie) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  peer.take();
  peer.send("F.");
  peer.take();
  ASSERT_EQ(counters().tcp_time_wait.value(), 1u);
  crowded();
  host.receive(peer.segment_at(peer.snd_nxt + 1000, "S"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpSynQueueFull);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
}

class PlainSynCookieTest : public SynCookieTest {
 protected:
  PlainSynCookieTest() : SynCookieTest{without_timestamps()} {}
  static Host::Options without_timestamps() {
    Host::Options options = with(tcp::SynCookies::kAuto);
    options.config.tcp.timestamps = false;
    return options;
  }
};

// What is said must be remembered, and where timestamps are off nothing carries it.
TEST_F(PlainSynCookieTest, OffersNoMoreThanItCanRemember) {
  const SocketId listener = crowded();
  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  EXPECT_FALSE(syn_ack.tcp->options.timestamps);
  EXPECT_FALSE(syn_ack.tcp->options.window_scale);
  EXPECT_FALSE(syn_ack.tcp->options.sack_permitted);
  peer.window = 500;
  peer.send(".");
  const tcp::Info info = host.stack->tcp_info(accepted(listener)).value();
  EXPECT_EQ(info.snd_wnd, 500u);
  EXPECT_FALSE(info.timestamps);
}

class NoSynCookieTest : public SynCookieTest {
 protected:
  NoSynCookieTest() : SynCookieTest{with(tcp::SynCookies::kOff)} {}
};

TEST_F(NoSynCookieTest, OffMeansThatSynsAreDropped) {
  crowded();
  host.receive(client().segment("S"));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpSynQueueFull);
  EXPECT_EQ(counters().tcp_syncookies_sent.value(), 0u);
}

class AlwaysSynCookieTest : public SynCookieTest {
 protected:
  AlwaysSynCookieTest() : SynCookieTest{with(tcp::SynCookies::kAlways)} {}
};

TEST_F(AlwaysSynCookieTest, AlwaysKeepsNothingOfAnySyn) {
  const SocketId listener = listen();
  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  EXPECT_EQ(half_open(), 0u);
  host.receive(ack_of(peer, syn_ack));
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

// TCP-036: its numbers must lie behind those of the old one, which no cookie can see to.
TEST_F(AlwaysSynCookieTest, AReopenedTimeWaitIsKept) {
  TcpPeer peer = client();
  const SocketId listener = listen();
  ask(peer);
  peer.send(".");
  host.stack->close(accepted(listener));
  peer.take();
  peer.send("F.");
  peer.take();
  ASSERT_EQ(counters().tcp_time_wait.value(), 1u);
  const SeqNumber before = peer.rcv_nxt;
  peer.snd_nxt += 1000;
  const Frame syn_ack = ask(peer);
  EXPECT_EQ(half_open(), 1u);
  EXPECT_TRUE(syn_ack.tcp->seq.after(before));
}

// TCP-184: a timestamp of ours that comes later is not older than the one that carried the choices.
TEST_F(AlwaysSynCookieTest, TheClockDoesNotSeemToRunBackAfterTheCookie) {
  const SocketId listener = listen();
  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  host.receive(ack_of(peer, syn_ack));
  const SocketId socket = accepted(listener);
  write(socket, "x");
  const Frame data = peer.take_one();
  const std::uint32_t gain =
      data.tcp->options.timestamps->tsval - syn_ack.tcp->options.timestamps->tsval;
  EXPECT_LT(gain, 128u);
}

// TCP-183, TCP-184, TRAP-34: a million SYNs leave memory as it is, and who means it gets through.
TEST_F(SynCookieTest, AFloodLeavesMemoryFlatAndALegitimateClientConnects) {
  const SocketId listener = listen(80, 16, 8);
  host.show_frames = false;
  const std::uint32_t flood = scaled(1'000'000);
  for (std::uint32_t i = 0; i < flood; ++i) {
    TcpPeer peer = client(static_cast<std::uint16_t>(1 + i % 60'000));
    peer.own.address = IpAddress::v4(0x0b000000 + i);
    host.receive(peer.segment("S"));
    if (i % 16 == 0) host.sent();
  }
  host.sent();
  host.show_frames = true;
  EXPECT_EQ(half_open(), std::min(flood, 8u));
  EXPECT_EQ(host.stack->tcp().connections(), 0u);
  EXPECT_EQ(host.pool().available(), host.pool().capacity());
  EXPECT_EQ(counters().tcp_syncookies_sent.value(), flood - half_open());

  TcpPeer peer = modern();
  const Frame syn_ack = ask(peer);
  EXPECT_TRUE(syn_ack.tcp->options.window_scale);
  EXPECT_TRUE(syn_ack.tcp->options.timestamps);
  host.receive(ack_of(peer, syn_ack, octets_of("through")));
  const SocketId socket = accepted(listener);
  EXPECT_EQ(read(socket), "through");
  const tcp::Info info = host.stack->tcp_info(socket).value();
  EXPECT_TRUE(info.timestamps);
  EXPECT_TRUE(info.window_scaling);
  EXPECT_EQ(info.snd_wind_shift, 7);
}

}  // namespace
}  // namespace smol
