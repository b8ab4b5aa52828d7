// Every call of a connected socket in every state: RFC 9293 section 3.10.1 to 3.10.6, with the
// errors of POSIX.
#include <optional>

#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

struct StateRow {
  tcp::State state;
  const char* write;     ///< error, or "none": it is queued
  const char* shutdown;  ///< error of shutdown_write()
  bool at_end;           ///< nothing will ever be read
  const char* error;     ///< how the connection ended, if it has
  const char* close;     ///< what close() makes it say: flags of the segment, "": nothing
  const char* abort;     ///< what abort() makes it say
};

class TcpStatesTest : public TcpTest {
 protected:
  std::optional<TcpPeer> peer_;
  SocketId socket_;

  void reach(const StateRow& row) {
    using State = tcp::State;
    peer_.emplace(TcpPeer{host, {kPeer4, 80}, {}});
    if (row.state == State::kSynSent || row.state == State::kSynReceived) {
      TcpConnectOptions options;
      options.remote = peer_->own;
      socket_ = host.stack->tcp_connect(options).value();
      peer_->theirs = host.stack->local_endpoint(socket_).value();
      peer_->take();
      if (row.state == State::kSynReceived) peer_->send("S");  // both open at once
    } else {
      socket_ = opened(*peer_);
      open_to(row);
    }
    peer_->take();
    host.events();
    ASSERT_EQ(state(socket_), row.state);
  }
  void open_to(const StateRow& row) {
    using State = tcp::State;
    const bool peer_first = row.state == State::kCloseWait || row.state == State::kLastAck ||
                            (row.state == State::kClosed && row.error == std::string{"none"});
    if (peer_first) peer_->send("F.");
    if (row.error == std::string{"ECONNRESET"}) peer_->send("R");
    const bool shut = row.state != State::kEstablished && row.state != State::kCloseWait &&
                      row.error != std::string{"ECONNRESET"};
    if (!shut) return;
    ASSERT_TRUE(host.stack->shutdown_write(socket_));
    if (row.state == State::kClosing) {
      const SeqNumber before = peer_->rcv_nxt;
      peer_->take();
      peer_->rcv_nxt = before;  // the FINs cross
      peer_->send("F.");
      return;
    }
    peer_->take();
    if (row.state == State::kFinWait1 || row.state == State::kLastAck) return;
    peer_->acknowledge();
    if (row.state == State::kTimeWait) peer_->send("F.");
  }
  std::string flags_of_what_is_said() {
    std::string out;
    for (const Frame& frame : peer_->take()) {
      const auto control = static_cast<std::uint8_t>(frame.tcp->control);
      if (!out.empty()) out += ' ';
      if ((control & TcpFlags::kFin) != 0) out += 'F';
      if ((control & TcpFlags::kRst) != 0) out += 'R';
      if (frame.tcp->ack) out += '.';
    }
    return out;
  }
};

using State = tcp::State;

// TIME-WAIT is over for the user, who has read and said all. What close() of FIN-WAIT-1 and later
// would say, the FIN, is said already.
const StateRow kStates[] = {
    {State::kSynSent, "none", "none", false, "none", "", ""},
    {State::kSynReceived, "none", "none", false, "none", "", "R."},
    {State::kEstablished, "none", "none", false, "none", "F.", "R."},
    {State::kFinWait1, "EPIPE", "none", false, "none", "", "R."},
    {State::kFinWait2, "EPIPE", "none", false, "none", "", "R."},
    {State::kCloseWait, "none", "none", true, "none", "F.", "R."},
    {State::kClosing, "EPIPE", "none", true, "none", "", "R."},
    {State::kLastAck, "EPIPE", "none", true, "none", "", "R."},
    {State::kTimeWait, "EPIPE", "none", true, "none", "", ""},
    {State::kClosed, "EPIPE", "ENOTCONN", true, "none", "", ""},
    {State::kClosed, "ECONNRESET", "ENOTCONN", true, "ECONNRESET", "", ""},
};

// TCP-150: SEND (section 3.10.2) and RECEIVE (3.10.3).
TEST_F(TcpStatesTest, WritingAndReadingInEachState) {
  for (const StateRow& row : kStates) {
    SCOPED_TRACE(name(row.state));
    reach(row);
    EXPECT_EQ(host.stack->at_end(socket_), row.at_end);
    EXPECT_TRUE(host.stack->readable(socket_).empty());
    EXPECT_EQ(read(socket_), "");
    EXPECT_EQ(host.stack->writable(socket_) > 0, row.write == std::string{"none"});
    EXPECT_EQ(host.stack->reserve(socket_, 10).empty(), row.write != std::string{"none"});
    EXPECT_EQ(error_of(host.stack->write(socket_, octets_of("x"))), row.write);
    EXPECT_EQ(error_of(host.stack->error(socket_)), row.error);
    host.stack->abort(socket_);
    host.sent();
    host.advance(seconds(61));
    host.expect_empty();
  }
}

// TCP-150: CLOSE (section 3.10.4), of one side. Asked for twice it is no error: POSIX.
TEST_F(TcpStatesTest, ShuttingDownInEachState) {
  for (const StateRow& row : kStates) {
    SCOPED_TRACE(name(row.state));
    reach(row);
    EXPECT_EQ(error_of(host.stack->shutdown_write(socket_)), row.shutdown);
    EXPECT_EQ(error_of(host.stack->shutdown_write(socket_)), row.shutdown);
    if (row.error == std::string{"none"}) {
      EXPECT_EQ(error_of(host.stack->write(socket_, octets_of("x"))), "EPIPE");
    }
    host.stack->abort(socket_);
    host.sent();
    host.advance(seconds(61));
    host.expect_empty();
  }
}

// TCP-150: CLOSE of the socket; the id is gone, whatever is still to be said.
TEST_F(TcpStatesTest, ClosingInEachState) {
  for (const StateRow& row : kStates) {
    SCOPED_TRACE(name(row.state));
    reach(row);
    host.stack->close(socket_);
    EXPECT_EQ(flags_of_what_is_said(), row.close);
    EXPECT_EQ(error_of(host.stack->tcp_info(socket_)), "EBADF");
    EXPECT_EQ(error_of(host.stack->write(socket_, octets_of("x"))), "EBADF");
    host.advance(seconds(400));
    host.sent();
    host.expect_empty();
  }
}

// TCP-150, TCP-044: ABORT (section 3.10.5). In CLOSING and LAST-ACK the RFC leaves the RST out; it
// is sent, for what is thrown away there may be text that the peer waits for.
TEST_F(TcpStatesTest, AbortingInEachState) {
  for (const StateRow& row : kStates) {
    SCOPED_TRACE(name(row.state));
    reach(row);
    host.stack->abort(socket_);
    EXPECT_EQ(flags_of_what_is_said(), row.abort);
    EXPECT_EQ(error_of(host.stack->tcp_info(socket_)), "EBADF");
    EXPECT_EQ(counters().tcp_curr_estab.value(), 0u);
    host.advance(seconds(61));
    host.expect_empty();
  }
}

// TCP-150: OPEN (section 3.10.1): the calls of one kind of socket miss the other.
TEST_F(TcpStatesTest, AConnectionAcceptsNothingAndAListenerSaysNothing) {
  reach(kStates[2]);
  const SocketId listener = listen(8080);
  EXPECT_EQ(error_of(host.stack->tcp_accept(socket_)), "EBADF");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  EXPECT_EQ(error_of(host.stack->write(listener, octets_of("x"))), "EBADF");
  EXPECT_EQ(error_of(host.stack->shutdown_write(listener)), "EBADF");
  EXPECT_EQ(error_of(host.stack->tcp_info(listener)), "EBADF");
  EXPECT_EQ(host.stack->writable(listener), 0u);
  EXPECT_TRUE(host.stack->readable(listener).empty());
  host.stack->abort(listener);
  host.stack->abort(socket_);
  host.sent();
}

}  // namespace
}  // namespace smol
