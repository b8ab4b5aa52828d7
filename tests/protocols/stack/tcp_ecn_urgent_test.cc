// What a segment carries beside its text, from the wire to the machine and back: ECN in the IP
// header, ECE, CWR and URG in the TCP header.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpEcnUrgentTest : public TcpTest {
 protected:
  /// From the peer, next in sequence.
  void send(TcpPeer& peer, TcpRepr header, const Octets& text, Ecn ecn = Ecn::kNotEct) {
    header.seq = peer.snd_nxt;
    header.window = peer.window;
    host.receive(
        ip_frame(ip_packet(peer.own.address, peer.theirs.address, IpProtocol::kTcp,
                           tcp_segment(peer.own, peer.theirs, header, text), {.ecn = ecn})));
    peer.snd_nxt += static_cast<std::uint32_t>(text.size());
    if (header.control == TcpControl::kSyn) peer.snd_nxt += 1;
  }
  /// A connection that `peer` opened, asking for ECN.
  SocketId agreed(TcpPeer& peer) {
    listener_ = listen(peer.theirs.port, 16, 16, peer.theirs.address);
    TcpRepr syn;
    syn.control = TcpControl::kSyn;
    syn.ece = syn.cwr = true;
    syn.options.mss = 1400;
    send(peer, syn, {});
    const Frame answer = peer.take_one();
    EXPECT_TRUE(answer.tcp && answer.tcp->ece && !answer.tcp->cwr);
    EXPECT_EQ(answer.ecn, Ecn::kNotEct);
    peer.send(".");
    return accepted(listener_);
  }

 private:
  SocketId listener_;
};

// TCP-126, TCP-243, TCP-244: over both families.
TEST_F(TcpEcnUrgentTest, EcnGoesThroughBothHeaders) {
  for (TcpPeer peer : {client(5000), client6(5001)}) {
    const SocketId socket = agreed(peer);
    write(socket, "text");
    Frame frame = peer.take_one();
    EXPECT_EQ(frame.ecn, Ecn::kEct0);
    EXPECT_FALSE(frame.tcp->ece);
    TcpRepr header;
    header.ack = peer.rcv_nxt;
    send(peer, header, octets_of("marked"), Ecn::kCe);
    frame = peer.take_one();
    EXPECT_EQ(frame.ecn, Ecn::kNotEct) << "a bare ACK";
    EXPECT_TRUE(frame.tcp->ece);
    header.cwr = true;
    send(peer, header, octets_of("reduced"), Ecn::kEct0);
    write(socket, "more");
    frame = peer.take_one();
    EXPECT_FALSE(frame.tcp->ece);
    EXPECT_EQ(frame.ecn, Ecn::kEct0);
    EXPECT_TRUE(host.stack->tcp_info(socket)->ecn);
  }
  EXPECT_EQ(host.stack->counters().tcp_ce_in.value(), 2u);
}

// TCP-119, TCP-121, TCP-122: told as an event, and asked for; the octets stay in line (TCP-124).
TEST_F(TcpEcnUrgentTest, UrgentDataIsToldAndStaysInLine) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  EXPECT_EQ(host.stack->urgent(socket).left, 0u);
  TcpRepr header;
  header.ack = peer.rcv_nxt;
  header.urgent = 3;
  send(peer, header, octets_of("abcdef"));
  EXPECT_EQ(event_names(host.events_of(socket)), "readable|urgent");
  EXPECT_EQ(host.stack->counters().tcp_urgent_in.value(), 1u);
  EXPECT_EQ(host.stack->urgent(socket).left, 3u);
  EXPECT_EQ(read(socket, 3), "abc");
  EXPECT_EQ(host.stack->urgent(socket).left, 0u);
  EXPECT_TRUE(host.stack->urgent(socket).at_mark);
  EXPECT_EQ(read(socket), "def");
  EXPECT_FALSE(host.stack->urgent(socket).at_mark);
}

// TCP-119, TCP-123, TCP-124
TEST_F(TcpEcnUrgentTest, UrgentWriteSetsFlagAndPointer) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, "plain");
  EXPECT_EQ(peer.take_one().tcp->urgent, 0u);
  peer.acknowledge();
  EXPECT_EQ(host.stack->write_urgent(socket, octets_of("now")).value(), 3u);
  const Frame frame = peer.take_one();
  EXPECT_EQ(text_of(frame.payload), "now");
  EXPECT_EQ(frame.tcp->urgent, 3u);
  const SocketId gone{SocketKind::kTcp, {99, 99}};
  EXPECT_EQ(error_of(host.stack->write_urgent(gone, octets_of("x"))), "EBADF");
}

}  // namespace
}  // namespace smol
