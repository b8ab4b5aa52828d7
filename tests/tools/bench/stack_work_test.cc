#include "tools/bench/stack_work.hh"

#include <gtest/gtest.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace {

constexpr Seconds kShort{0.001};

StackPair::Options options_of(IpFamily family, std::uint32_t window, bool offload) {
  StackPair::Options options;
  options.family = family;
  options.window = window;
  options.offload = offload;
  return options;
}

// The whole window is sent before the first acknowledgement: a burst of 32 and the rest, an ACK
// each.
TEST(Stream, FillsTheWindowBeforeTheReceiverTurns) {
  for (const IpFamily family : {IpFamily::kIp4, IpFamily::kIp6}) {
    const Figure figure = stream(options_of(family, 1 << 16, false), Handing::kWrite, kShort);
    EXPECT_GT(figure.value, 0);
    ASSERT_EQ(figure.notes.size(), 1u);
    EXPECT_NEAR(figure.notes[0].second, 65536.0 / 1448 / 2, 1.5);
  }
}

TEST(Stream, RunsInEveryWayOfHandingOver) {
  for (const Handing handing : {Handing::kWrite, Handing::kInPlace, Handing::kUntouched}) {
    EXPECT_GT(stream(options_of(IpFamily::kIp4, 1 << 20, false), handing, kShort).value, 0);
    EXPECT_GT(stream(options_of(IpFamily::kIp4, 1 << 20, true), handing, kShort).value, 0);
  }
}

TEST(PingPong, CountsTransactions) {
  EXPECT_GT(ping_pong(options_of(IpFamily::kIp6, 1 << 16, false), kShort).value, 0);
}

TEST(Connections, ComeAndGo) {
  EXPECT_GT(connections(options_of(IpFamily::kIp4, 1 << 16, false), kShort).value, 0);
}

TEST(StackPair, LosesNothingAndSaysSo) {
  StackPair pair{options_of(IpFamily::kIp4, 1 << 16, false)};
  pair.open();
  EXPECT_NO_THROW(pair.check());
}

// A frame for nobody is dropped, and a figure with drops in it is refused by their name.
TEST(StackPair, RefusesAFigureWithDrops) {
  StackPair pair{options_of(IpFamily::kIp4, 1 << 16, false)};
  const StackPair::Sockets sockets = pair.open();
  pair.client.stack.write(sockets.client, std::vector<std::uint8_t>(100, 1));
  pair.client.transmit(pair.turn());
  pair.server.stack.abort(sockets.server);
  pair.server.receive(pair.turn());
  EXPECT_THROW(pair.check(), Failure);
}

}  // namespace
}  // namespace smol::bench
