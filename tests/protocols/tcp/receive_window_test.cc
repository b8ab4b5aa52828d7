// The window that we promise: RFC 9293 sections 3.8.6 and 3.8.6.2.2, RFC 7323 section 2.
#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpReceiveWindow = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpReceiveWindow, kStarts, start_name);

// TCP-097, TCP-101: as long as nobody reads, the window shuts, and stays shut.
TEST_P(TcpReceiveWindow, ShutsWhenNobodyReads) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    0ms  < . 1:1001 ack 1
         < . 1001:2001 ack 1
         > . ack 2001 win 2096
         < . 2001:3001 ack 1
         < . 3001:4001 ack 1
         > . ack 4001 win 96
         < P. 4001:4097 ack 1
   40ms  > . ack 4097 win 0
    1s   < . 4097:4098 ack 1
         > . ack 4097 win 0
    1d   < . 4097:4098 ack 1
         > . ack 4097 win 0
         state ESTABLISHED
         is unread 4096
  )");
}

// TCP-104: silly-window avoidance: no update for less than a segment or half the buffer.
TEST_P(TcpReceiveWindow, ReopensByASegmentAtLeast) {
  Scripted c = established({.receive_buffer = 8192});
  run(c, R"(
    < . 1:8193 ack 1
    > . ack 8193 win 0
    read 1
    read 998
    < . 8193:8194 ack 1            // not even an ACK opens it by less
    > . ack 8193 win 0
    read 1
    > . ack 8193 win 1000          // TCP-105: at once
    read 999
    read 1
    > . ack 8193 win 2000
  )");
}

TEST_P(TcpReceiveWindow, ReopensByHalfASmallBuffer) {
  Scripted c = established({.mss = 1460, .cwnd = 14'600, .receive_buffer = 2000});
  run(c, R"(
          < . 1:1461 ack 1
          < . 1461:2001 ack 1
          > . ack 2001 win 0
          read 999
          read 1
          > . ack 2001 win 1000
  )");
}

// A wide window needs no word of its own: data on its way is acknowledged anyhow. A window that is
// nearly used up does, when a quarter of the buffer has come free.
TEST_P(TcpReceiveWindow, SaysNothingOfAWideWindow) {
  Scripted c = established({.receive_buffer = 40'000});
  run(c, R"(
         < . 1:1001 ack 1
         < . 1001:2001 ack 1
         > . ack 2001 win 38000
         read all
         < . 2001:3001 ack 1
         < . 3001:4001 ack 1
         > . ack 4001 win 38000
         read all
    +1h  nothing
  )");
  Scripted narrow = established({.receive_buffer = 40'000});
  run(narrow, R"(
         < . 1:25001 ack 1
         > . ack 25001 win 15000
         read 9999
         read 1
         > . ack 25001 win 25000
  )");
}

// TCP-089: reading, and ACKs in between, never take back what was promised.
TEST_P(TcpReceiveWindow, NeverMovesBack) {
  Scripted c = established({.receive_buffer = 10'000});
  run(c, R"(
    < . 1:2001 ack 1
    > . ack 2001 win 8000
    read 500
    < . 3001:4001 ack 1
    > . ack 2001 win 8000
    < . 2001:3001 ack 1
    > . ack 4001 win 6000
    read 2000
    < . 4001:6001 ack 1
    > . ack 6001 win 6500
  )");
}

// TCP-089: not by a smaller buffer either; it is shut by and by.
TEST_P(TcpReceiveWindow, ShrinksOnlyAsTextComes) {
  Scripted c = established({.receive_buffer = 10'000});
  SocketOptions options;
  options.receive_buffer = 4096;
  c.set_options(options);
  run(c, R"(
    < . 1:2001 ack 1
    > . ack 2001 win 8000
    read all
    < . 2001:8001 ack 1
    > . ack 8001 win 2000
    read all
    > . ack 8001 win 4096
  )");
}

// A larger buffer is promised with the next word, as far as the scale can say.
TEST_P(TcpReceiveWindow, GrowsWithTheBuffer) {
  Scripted c = established({.receive_buffer = 10'000});
  SocketOptions options;
  options.receive_buffer = 1 << 20;
  c.set_options(options);
  run(c, "< . 1:2001 ack 1\n > . ack 2001 win 63535\n read all\n");
}

// TCP-118, TCP-195: from the SYN on it is 65535 at most; then the scale comes in.
TEST_P(TcpReceiveWindow, IsScaledAfterTheHandshake) {
  Scripted c = established({.receive_buffer = 1 << 20, .wscale = 0});
  run(c, "is rcv_wnd 1048576\n is rcv_wind_shift 5\n < . 1:2001 ack 1\n > . ack 2001 win 32706");
}

// TCP-001, TCP-002: 1 GiB is promised as far as 14 bits of scale go.
TEST_P(TcpReceiveWindow, ReachesAGigabyte) {
  Scripted c = established({.receive_buffer = 1u << 30, .wscale = 14});
  run(c, R"(
    is rcv_wnd 1073725440
    < . 1:2001 ack 1
    > . ack 2001 win 65535
    < . ack 1 win 65535
    is snd_wnd 1073725440
  )");
}

// --- with every scale, TCP-196 ------------------------------------------------------------------

struct Stream {
  std::uint32_t next = 1;  ///< of the peer
  std::uint32_t edge = 0;  ///< furthest that was ever on the wire
};

/// The peer sends `octets` if they fit what was promised, and the ACKs are looked at. Returns the
/// window on the wire.
std::uint32_t send(Scripted& c, Stream& stream, std::uint32_t octets) {
  const Info before = c.info();
  SegmentIn in;
  in.flags.raw = TcpFlags::kAck;
  in.seq = c.given().start.irs + stream.next;
  in.ack = c.given().start.iss + 1;
  in.len = octets;
  in.window = 1000;
  c.endpoint().arrives(c.now(), in);
  c.endpoint().timeout(c.now() + milliseconds(40));  // the delayed ACK
  c.endpoint().transmit(c.now());
  std::uint32_t window = 0;
  for (const Endpoint::Sent& sent : c.endpoint().sent()) {
    window = std::uint32_t{sent.segment.header.window} << before.rcv_wind_shift;
    stream.edge =
        std::max(stream.edge, c.given().start.irs.until(*sent.segment.header.ack) + window);
  }
  c.endpoint().sent().clear();
  stream.next = c.given().start.irs.until(c.info().rcv_nxt);
  return window;
}

// The field is rounded up to where the edge was, but by less than a unit beyond the buffer: a
// window of large units must shut like any other when nobody reads.
TEST_P(TcpReceiveWindow, ShutsAtTheBufferWhateverTheScale) {
  for (std::uint32_t shift = 0; shift <= 14; ++shift) {
    for (const std::uint32_t odd : {0u, 1u, 999u}) {
      for (const std::uint32_t segment : {1448u, 997u, 20'000u}) {
        const std::uint32_t buffer = std::min((40'000u << shift) + odd, 1u << 30);
        Scripted c =
            established({.mss = 1448, .cwnd = 14'480, .receive_buffer = buffer, .wscale = 0});
        ASSERT_EQ(c.info().rcv_wind_shift, shift);
        Stream stream;
        std::uint64_t sent = 0;
        // Few and large steps first, or 1 GiB takes its time.
        for (int i = 0; i < 50 && c.info().rcv_wnd > 200u * segment; ++i) {
          send(c, stream, c.info().rcv_wnd - 200u * segment);
        }
        for (int i = 0; i < 1000; ++i) send(c, stream, segment);
        sent = c.endpoint().received().octets();
        const std::uint32_t most = std::min(buffer, 0xffffu << shift) + (1u << shift);
        EXPECT_LE(sent, most) << "shift " << shift << " buffer " << buffer;
        EXPECT_GE(sent, most - 2 * (1u << shift)) << "shift " << shift << " buffer " << buffer;
        EXPECT_TRUE(c.endpoint().faults().empty()) << c.endpoint().faults().front();
        EXPECT_EQ(send(c, stream, 1), 0u) << "and says so";
      }
    }
  }
}

// Octet by octet is how an edge creeps.
TEST_P(TcpReceiveWindow, ShutsAgainstSingleOctets) {
  Scripted c = established({.receive_buffer = 1 << 20, .wscale = 0});
  Stream stream;
  send(c, stream, (1u << 20) - 500);
  for (int i = 0; i < 3000; ++i) send(c, stream, 1);
  EXPECT_LE(c.endpoint().received().octets(), (1u << 20) + 32);
  EXPECT_TRUE(c.endpoint().faults().empty());
}

// With a user who reads, the edge on the wire never moves back either, whatever sizes come.
TEST_P(TcpReceiveWindow, EdgeOnTheWireNeverMovesBackWhileSomeoneReads) {
  Rng rng{7};
  for (std::uint32_t shift = 0; shift <= 14; ++shift) {
    const std::uint32_t buffer = (40'000u << shift) + rng.below(1u << shift);
    Scripted c = established({.mss = 1448, .cwnd = 14'480, .receive_buffer = buffer, .wscale = 0});
    Stream stream;
    for (int i = 0; i < 300; ++i) {
      const std::uint32_t before = stream.edge;
      const std::uint32_t at = stream.next;
      const std::uint32_t octets = 1 + rng.below(3000);
      const std::uint32_t window = send(c, stream, octets);
      if (window > 0) {
        EXPECT_GE(at + octets + window, before) << "shift " << shift;
      }
      c.endpoint().read(c.now(), 0xffff'ffff);
    }
    EXPECT_TRUE(c.endpoint().faults().empty());
  }
}

// A smaller buffer is no smaller than two units, else nothing could be promised at all.
TEST_P(TcpReceiveWindow, OpensAgainThoughTheBufferIsLessThanAUnit) {
  Scripted c = established({.receive_buffer = 1u << 30, .wscale = 0});
  SocketOptions options;
  options.receive_buffer = 4096;
  c.set_options(options);
  Stream stream;
  send(c, stream, c.info().rcv_wnd);
  c.endpoint().read(c.now(), 0xffff'ffff);
  EXPECT_EQ(c.info().rcv_wnd, 0u);
  c.endpoint().transmit(c.now());
  ASSERT_EQ(c.endpoint().sent().size(), 1u);
  EXPECT_EQ(c.endpoint().sent().front().segment.header.window, 2u);
}

// An update that the scale cannot say is none.
TEST_P(TcpReceiveWindow, SaysNothingThatTheScaleCannotSay) {
  Scripted c = established({.receive_buffer = 1u << 29, .wscale = 0});  // units of 16384
  Stream stream;
  send(c, stream, c.info().rcv_wnd);
  run(c, "read 1000\n read 8000\n read 7000\n read 384\n > . win 1 ack " +
             std::to_string(stream.next));
}

// --- pressure -----------------------------------------------------------------------------------

// Short of packets: what was promised holds, no more is promised.
TEST_P(TcpReceiveWindow, PromisesNoMoreWhenMemoryIsShort) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
         < . 1:2049 ack 1
         > . ack 2049 win 2048
         memory short
         read all
         < . 2049:4097 ack 1
         > . ack 4097 win 0
         read all
    +1s  memory enough
         < . 4097:4098 ack 1
         > . ack 4097 win 4096
  )");
}

// Nearly out of packets: text waits for a user who reads; one who does gets it.
TEST_P(TcpReceiveWindow, KeepsNoTextBehindUnreadTextWhenMemoryIsOut) {
  Scripted c = established();
  run(c, R"(
         memory out
         < . 1:1001 ack 1
         delivered 1000
         < . 1001:2001 ack 1
         drop tcp_memory
         delivered 1000
         read all
         < . 1001:2001 ack 1
         delivered 2000
         > . ack 2001
  )");
}

}  // namespace
}  // namespace smol::tcp::script
