// ICMP errors that concern a connection: RFC 9293 section 3.9.2.2, RFC 5927.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpIcmpTest : public TcpTest {
 protected:
  /// An error about `sent`, quoting as little as must be.
  Octets error_about(const Frame& sent, std::uint8_t type, std::uint8_t code,
                     std::size_t quoted = 0) {
    const bool v4 = sent.source.is_v4();
    if (quoted == 0) quoted = v4 ? 28 : 48;
    const Bytes packet = sent.ip_octets().first(quoted);
    const IpAddress router = v4 ? kRouter4 : kRouter6;
    return ip_frame(
        ip_packet(router, sent.source, v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6,
                  icmp_message(router, sent.source, type, code, 0, {packet.begin(), packet.end()})),
        kRouterMac);
  }
  SocketId connecting(const IpAddress& to, Frame& syn) {
    TcpConnectOptions options;
    options.remote = {to, 80};
    const SocketId socket = host.stack->tcp_connect(options).value();
    syn = host.only_sent();
    return socket;
  }
};

struct ErrorRow {
  std::uint8_t type;
  std::uint8_t code;
  const char* error;
  bool ends;
};

// TCP-142, TCP-144, TCP-146, IC4-026, IC4-028, IC6-014.
TEST_F(TcpIcmpTest, OnlyNobodyThereEndsAConnectionThatIsNotOpenYet) {
  const ErrorRow rows4[] = {{3, 0, "ENETUNREACH", false},   {3, 1, "EHOSTUNREACH", false},
                            {3, 2, "ECONNREFUSED", true},   {3, 3, "ECONNREFUSED", true},
                            {3, 13, "EHOSTUNREACH", false}, {11, 0, "EHOSTUNREACH", false},
                            {12, 0, "EHOSTUNREACH", false}};
  const ErrorRow rows6[] = {
      {1, 0, "ENETUNREACH", false},  {1, 1, "EHOSTUNREACH", false}, {1, 3, "EHOSTUNREACH", false},
      {1, 4, "ECONNREFUSED", true},  {3, 0, "EHOSTUNREACH", false}, {3, 1, "EHOSTUNREACH", false},
      {4, 0, "EHOSTUNREACH", false}, {4, 1, "ECONNREFUSED", false}, {4, 2, "EHOSTUNREACH", false}};
  const auto run = [&](const IpAddress& to, const ErrorRow& row) {
    SCOPED_TRACE(::testing::Message() << int{row.type} << "/" << int{row.code});
    Frame syn;
    const SocketId socket = connecting(to, syn);
    host.receive(error_about(syn, row.type, row.code));
    EXPECT_EQ(event_names(host.events_of(socket)), row.ends ? "closed" : "soft_error");
    EXPECT_EQ(error_of(host.stack->error(socket)), row.ends ? row.error : "none");
    EXPECT_EQ(error_of(host.stack->soft_error(socket)), row.ends ? "none" : row.error);
    host.stack->close(socket);
    host.expect_empty();
  };
  for (const ErrorRow& row : rows4) run(kFar4, row);
  for (const ErrorRow& row : rows6) run(kFar6, row);
  EXPECT_THAT(host.dropped(), IsEmpty());
}

// TCP-144, TCP-145, TCP-146, IC4-014: an open connection takes note and goes on.
TEST_F(TcpIcmpTest, AnOpenConnectionTakesNoteAndGoesOn) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  for (const std::uint8_t code : Octets{0, 1, 2, 3, 5, 13}) {
    write(socket, "x");
    const Frame sent = peer.take_one();
    host.receive(error_about(sent, 3, code));
    EXPECT_EQ(event_names(host.events_of(socket)), "soft_error") << int{code};
    EXPECT_NE(error_of(host.stack->soft_error(socket)), "none");
    EXPECT_EQ(state(socket), tcp::State::kEstablished);
    peer.acknowledge();
    host.events();
  }
  peer.send("P.", "still open");
  EXPECT_EQ(read(socket), "still open");
}

// IC4-025, TCP-142: an error must quote what is in flight.
TEST_F(TcpIcmpTest, AnErrorAboutWhatIsNotInFlightIsUnmatched) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  const Frame sent = peer.take_one();
  peer.acknowledge();
  host.receive(error_about(sent, 3, 3));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << "acknowledged";
  write(socket, "y");
  Frame ahead = peer.take_one();
  put_be32(ahead.octets, 14 + 20 + 4, ahead.tcp->seq.raw + 5000);
  host.receive(error_about(ahead, 3, 3));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << "never sent";
  EXPECT_EQ(event_names(host.events_of(socket)), "");
}

TEST_F(TcpIcmpTest, AnErrorAboutNobodysSegmentIsUnmatched) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  const Frame sent = peer.take_one();
  for (const std::size_t at : {14u + 20u, 14u + 20u + 2u, 14u + 16u, 14u + 12u}) {
    Frame other = sent;
    other.octets[at] ^= 1;
    other.source = kOwn4;
    host.receive(error_about(other, 3, 3));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << at;
  }
  EXPECT_EQ(event_names(host.events_of(socket)), "");
}

// IC4-012: too little to tell.
TEST_F(TcpIcmpTest, AShortQuoteIsIgnored) {
  Frame syn;
  const SocketId socket = connecting(kFar4, syn);
  for (std::size_t n = 1; n < 28; ++n) {
    host.receive(error_about(syn, 3, 3, n));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << n;
  }
  EXPECT_EQ(event_names(host.events_of(socket)), "");
  EXPECT_EQ(state(socket), tcp::State::kSynSent);
}

// IC4-003: as much as a router may quote is no less welcome.
TEST_F(TcpIcmpTest, ALongQuoteIsAsGoodAsAShortOne) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(1460));
  const Frame sent = peer.take_one();
  host.receive(error_about(sent, 3, 1, 548));
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "EHOSTUNREACH");
}

// IC4-017, TCP-143.
TEST_F(TcpIcmpTest, SourceQuenchIsIgnored) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "x");
  const Frame sent = peer.take_one();
  const std::uint32_t cwnd = host.stack->tcp_info(socket)->cwnd;
  host.receive(error_about(sent, 4, 0));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpUnknownType);
  EXPECT_EQ(host.stack->tcp_info(socket)->cwnd, cwnd);
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
}

// An error about a connection in TIME-WAIT concerns nobody.
TEST_F(TcpIcmpTest, TimeWaitHeedsNoErrors) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  host.stack->close(socket);
  const Frame fin = peer.take_one();
  peer.send("F.");
  peer.take();
  host.receive(error_about(fin, 3, 3));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  EXPECT_EQ(counters().tcp_time_wait.value(), 1u);
}

// A SYN-RECEIVED connection of a listener has no user to tell, and is not ended by a stranger.
TEST_F(TcpIcmpTest, AHalfOpenConnectionHeedsNoErrors) {
  const SocketId listener = listen();
  TcpPeer peer = client();
  peer.send("S");
  const Frame answer = peer.take_one();
  host.receive(error_about(answer, 3, 3));
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

}  // namespace
}  // namespace smol
