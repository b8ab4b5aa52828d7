// Connections that their user has closed: what ends them, when no one is left to give up.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpOrphan = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpOrphan, kStarts, start_name);

/// From now on the peer has `taken` octets and its window is shut, and says so to each segment.
/// When the connection ends; `until`, if it does not.
Instant answer(Scripted& c, Instant from, Instant until, std::uint32_t taken) {
  Endpoint& e = c.endpoint();
  SegmentIn says;
  says.flags.raw = TcpFlags::kAck;
  says.seq = c.given().start.irs + 1;
  says.ack = c.given().start.iss + 1 + taken;
  Instant now = from;
  e.arrives(now, says);
  e.transmit(now);
  for (;;) {
    for (; !e.sent().empty(); e.sent().pop_front()) e.arrives(now, says);
    if (c.state() == State::kClosed) return now;
    if (e.deadline() >= until) return until;
    now = e.deadline();
    e.timeout(now);
    e.transmit(now);
  }
}

/// 3000 octets written and closed at 100 ms, 1000 of them taken.
Scripted closed_over_a_shut_window(const Given& given) {
  Given with = given;
  with.window = 1000;
  Scripted c = script::established(with);
  run(c, "write 3000\n > . 1:1001 ack 1\n 100ms < . ack 1001 win 0\n close\n state FIN-WAIT-1");
  return c;
}

// A peer that answers every probe and never opens its window holds a connection as long as somebody
// wants it (TCP-098), and no longer.
TEST_P(TcpOrphan, OfAWindowThatStaysShutEndsAfterR2) {
  Scripted c = closed_over_a_shut_window(here({}));
  const Instant closed = c.now();
  EXPECT_EQ(answer(c, closed, closed + seconds(86'400), 1000) - closed, seconds(300));
  EXPECT_EQ(c.endpoint().connection().error(), Error::kTimedOut);
  EXPECT_TRUE(c.endpoint().faults().empty());
}

TEST_P(TcpOrphan, OfAUserTimeoutEndsAfterThat) {
  Scripted c = closed_over_a_shut_window(here({.options = {.user_timeout = seconds(7)}}));
  const Instant closed = c.now();
  EXPECT_EQ(answer(c, closed, closed + seconds(86'400), 1000) - closed, seconds(7));
}

// For ever is the word of a user who is there.
TEST_P(TcpOrphan, IsNotKeptForEver) {
  constexpr Duration kForever = SocketOptions::kForever;
  Scripted c = closed_over_a_shut_window(here({.options = {.user_timeout = kForever}}));
  const Instant closed = c.now();
  EXPECT_EQ(answer(c, closed, closed + seconds(86'400), 1000) - closed, seconds(300));
}

TEST_P(TcpOrphan, ThatGetsSomewhereLives) {
  Scripted c = established({.window = 3000});
  run(c, R"(
           write 3000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > P 2001:3001 ack 1
    100ms  < . ack 1001 win 0
           close
  )");
  // A hundred octets every 299 seconds, and the window shut behind them.
  Instant now = c.now();
  for (std::uint32_t taken = 1000; taken < 2000; taken += 100) {
    ASSERT_EQ(answer(c, now, now + seconds(299), taken), now + seconds(299)) << taken;
    now += seconds(299);
  }
  EXPECT_EQ(answer(c, now, now + seconds(86'400), 2000) - now, seconds(300));
}

TEST_P(TcpOrphan, ThatIsAcknowledgedWaitsForThePeersFin) {
  Scripted c = closed_over_a_shut_window(here({}));
  run(c, R"(
    200ms    < . ack 1001 win 5000
             > . 1001:2001 ack 1
             > FP. 2001:3001 ack 1
    +100ms   < . ack 3002
             state FIN-WAIT-2
    +59.9s   state FIN-WAIT-2
    +100ms   event closed:ETIMEDOUT
  )");
}

}  // namespace
}  // namespace smol::tcp::script
