// Behaviours that smoltcp holds its TCP sockets to by name (tests/smoltcp.tsv), as far as they are
// the stack's and no other test of ours is of the same.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpSmoltcpTest : public TcpTest {};

// closed_reject_after_listen: whoever connects after the listener has gone is refused.
TEST_F(TcpSmoltcpTest, APortIsClosedAgainAfterItsListener) {
  const SocketId listener = listen();
  TcpPeer first = client(5000);
  first.connect();
  host.stack->close(accepted(listener));
  host.stack->close(listener);
  host.sent();
  TcpPeer late = client(5001);
  late.send("S");
  EXPECT_THAT(late.take_one(), AllOf(tcp_is("R."), tcp_ack(late.snd_nxt)));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpPortClosed);
}

// listen_timeout: a user timeout is inherited by connections; the listener itself waits for ever.
TEST_F(TcpSmoltcpTest, AListenerNeverTimesOut) {
  TcpListenOptions options;
  options.local = {kOwn4, 80};
  options.socket.user_timeout = seconds(5);
  options.socket.keep_alive = seconds(1);
  const SocketId listener = host.stack->tcp_listen(options).value();
  host.advance(seconds(7 * 86'400));
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_THAT(host.events(), IsEmpty());
  TcpPeer peer = client();
  peer.connect();
  EXPECT_EQ(state(accepted(listener)), tcp::State::kEstablished);
}

// congestion_control_get_set.
TEST_F(TcpSmoltcpTest, TheCongestionControlIsTheOneAskedFor) {
  TcpPeer peer = client();
  peer.own.port = 80;
  for (const auto control : {tcp::CongestionControl::kNone, tcp::CongestionControl::kNewReno}) {
    tcp::SocketOptions options;
    options.congestion_control = control;
    const SocketId socket = opened(peer, options);
    EXPECT_EQ(host.stack->tcp_info(socket)->congestion_control, control);
    host.stack->abort(socket);
    host.sent();
  }
}

}  // namespace
}  // namespace smol
