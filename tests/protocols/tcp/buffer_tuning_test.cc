// Buffers that grow as they are used: the receiver's by what its user reads, the sender's by its
// congestion window.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpBufferTuning = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpBufferTuning, kStarts, start_name);

/// A peer that fills the window it is given, a round trip long, and a user who reads as fast.
class Bulk {
 public:
  explicit Bulk(Scripted& c) : c_{c}, next_{c.given().start.irs + 1} {}

  /// The right edge that the peer was promised.
  SeqNumber edge() { return c_.endpoint().connection().rcv_nxt() + c_.info().rcv_wnd; }

  /// One round trip; `window`: the peer's congestion window.
  void round_trip(Instant& now, std::uint32_t window, bool reads = true) {
    Endpoint& e = c_.endpoint();
    const std::uint32_t step = c_.given().mss;
    for (std::uint32_t sent = 0; sent < window; sent += step) {
      if ((next_ + step).after(edge())) break;
      SegmentIn in;
      in.flags.raw = TcpFlags::kAck;
      in.seq = next_;
      in.ack = c_.given().start.iss + 1;
      in.len = step;
      in.window = 50'000;
      next_ += step;
      now += c_.given().rtt * step / std::max(window, step);
      e.timeout(now);
      e.arrives(now, in);
      if (reads) e.read(now, step);
      e.transmit(now);
    }
    e.sent().clear();
  }

 private:
  Scripted& c_;
  SeqNumber next_;
};

// TCP-118, RFC 6928 section 2: ten segments fit the first window, whatever their size.
TEST_P(TcpBufferTuning, FirstWindowIsTenSegmentsAtLeast) {
  Scripted c = established({.mss = 1460,
                            .cwnd = 14'600,
                            .receive_buffer = 1 << 20,
                            .wscale = 7,
                            .initial_receive_buffer = 4096});
  EXPECT_EQ(c.info().receive_buffer, 14'600u);
  EXPECT_GE(c.info().rcv_wnd, 14'600u - 1024u);
}

// TCP-117, TCP-089: a peer whose window doubles each round trip is not held back by ours, up to the
// ceiling; and the edge never moves back (tcp_endpoint.hh looks after that).
TEST_P(TcpBufferTuning, WindowGrowsAsFastAsTheUserReads) {
  Scripted c =
      established({.receive_buffer = 8 << 20, .wscale = 7, .initial_receive_buffer = 1 << 16});
  EXPECT_EQ(c.info().receive_buffer, 1u << 16);
  Bulk bulk{c};
  Instant now = c.now();
  std::uint64_t before = 0;
  for (std::uint32_t window = 10'000; window <= 2'560'000; window *= 2) {
    bulk.round_trip(now, window);
    const std::uint64_t delivered = c.endpoint().received().octets() - before;
    before += delivered;
    EXPECT_GE(delivered, window * 9 / 10) << window;
  }
  EXPECT_GE(c.info().receive_buffer, 2u * 2'560'000);
  for (int i = 0; i < 10; ++i) bulk.round_trip(now, 10'000'000);
  EXPECT_EQ(c.info().receive_buffer, 8u << 20);
  EXPECT_EQ(c.info().receive_buffer_max, 8u << 20);
  EXPECT_TRUE(c.endpoint().faults().empty());
}

// One who does not read gets no more to leave unread.
TEST_P(TcpBufferTuning, BufferOfAUserWhoDoesNotReadStaysSmall) {
  Scripted c =
      established({.receive_buffer = 8 << 20, .wscale = 7, .initial_receive_buffer = 1 << 16});
  Bulk bulk{c};
  Instant now = c.now();
  for (int i = 0; i < 20; ++i) bulk.round_trip(now, 1 << 20, false);
  EXPECT_EQ(c.info().receive_buffer, 1u << 16);
  EXPECT_LE(c.endpoint().connection().unread(), 1u << 16);
}

// A slow stream has no use for a large buffer.
TEST_P(TcpBufferTuning, SlowStreamKeepsItsBuffer) {
  Scripted c =
      established({.receive_buffer = 8 << 20, .wscale = 7, .initial_receive_buffer = 1 << 16});
  Bulk bulk{c};
  Instant now = c.now();
  for (int i = 0; i < 50; ++i) bulk.round_trip(now, 14'000);
  EXPECT_EQ(c.info().receive_buffer, 1u << 16);
  EXPECT_NEAR(c.info().rcv_space, 14'000u, 1500u);
}

// The share of what packets are left is a limit of its own; short of packets nothing grows.
TEST_P(TcpBufferTuning, GrowsNoFurtherThanItsShareOfPackets) {
  const Given given{.receive_buffer = 8 << 20, .wscale = 7, .initial_receive_buffer = 1 << 16};
  Scripted c = established(given);
  c.endpoint().context().receive_share = 100'000;
  Bulk bulk{c};
  Instant now = c.now();
  for (int i = 0; i < 20; ++i) bulk.round_trip(now, 1 << 20);
  EXPECT_EQ(c.info().receive_buffer, 100'000u);
  c.endpoint().context().receive_share = 200'000;
  c.endpoint().context().short_of_memory = true;
  for (int i = 0; i < 20; ++i) bulk.round_trip(now, 1 << 20);
  EXPECT_EQ(c.info().receive_buffer, 100'000u);
}

// TCP-089: a ceiling that is set lower takes nothing back that was promised.
TEST_P(TcpBufferTuning, LowerCeilingTakesNothingBack) {
  Scripted c =
      established({.receive_buffer = 1 << 20, .wscale = 7, .initial_receive_buffer = 1 << 16});
  Bulk bulk{c};
  Instant now = c.now();
  for (int i = 0; i < 8; ++i) bulk.round_trip(now, 1 << 20);
  EXPECT_EQ(c.info().receive_buffer, 1u << 20);
  const SeqNumber promised = bulk.edge();
  SocketOptions options;
  options.receive_buffer = 1 << 17;
  c.endpoint().set_options(now, options);
  EXPECT_EQ(c.info().receive_buffer, 1u << 17);
  EXPECT_EQ(bulk.edge(), promised);
  EXPECT_TRUE(c.endpoint().faults().empty());
}

// A queue behind twice the congestion window: more would only wait.
TEST_P(TcpBufferTuning, SendQueueGrowsWithTheCongestionWindow) {
  SocketOptions options;
  options.send_buffer = 1 << 20;
  Scripted c = established({.cwnd = 10'000, .options = options});
  const Connection& connection = c.endpoint().connection();
  Config config;
  config.initial_send_buffer = 4096;
  EXPECT_EQ(connection.send_allowance(config), 20'000u);
  config.initial_send_buffer = 1 << 16;
  EXPECT_EQ(connection.send_allowance(config), 1u << 16);
  options.send_buffer = 8192;
  c.set_options(options);
  EXPECT_EQ(connection.send_allowance(config), 8192u);
}

}  // namespace
}  // namespace smol::tcp::script
