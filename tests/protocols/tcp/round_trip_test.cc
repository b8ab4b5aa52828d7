// What counts as a round trip, of the shortest one and of one that ends a back-off: RFC 6298
// section 5.7, RFC 7323 section 4, RFC 8985 section 6.2.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"
#include "tests/protocols/tcp/written.hh"

namespace smol::tcp::script {
namespace {

using TcpRoundTrip = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpRoundTrip, kStarts, start_name);

// TCP-219: the shortest is of the segment sent last of those that an ACK tells of, timed or not.
TEST_P(TcpRoundTrip, TheShortestIsOfTheLastThatWent) {
  Scripted c = established(no_probe());
  run(c, R"(
    0ms    write 1000
           > P 1:1001 ack 1
    60ms   write 1000
           > P 1001:2001 ack 1
    110ms  < . ack 2001
  )");
  EXPECT_EQ(c.info().min_rtt, milliseconds(50));
}

// TCP-219: in whatever order blocks tell of them.
TEST_P(TcpRoundTrip, TheOrderOfBlocksDoesNotMatter) {
  for (const char* blocks : {"1001:2001 3001:4001", "3001:4001 1001:2001"}) {
    Scripted c = established(no_probe());
    run(c, R"(
      0ms    write 2000
             > . 1:1001 ack 1
             > P 1001:2001 ack 1
      60ms   write 2000
             > . 2001:3001 ack 1
             > P 3001:4001 ack 1
    )");
    c.failure_of(std::string{"50ms < . ack 1 sack "} + blocks);
    EXPECT_EQ(c.info().min_rtt, milliseconds(50)) << blocks;
  }
}

// TCP-072, TRAP-14: which copy of one that went twice has arrived is not known: its round trip is
// none.
TEST_P(TcpRoundTrip, WhatWentTwiceIsNone) {
  Scripted c = established(no_probe());
  run(c, in_flight(1001) + R"(
    300ms  > P 1:1001 ack 1
    310ms  < . ack 1001
  )");
  EXPECT_EQ(c.info().min_rtt, milliseconds(100)) << "of the handshake";
}

// RFC 6298 section 5.7: a segment that went once ends the back-off, though another is timed.
TEST_P(TcpRoundTrip, ASegmentThatWentOnceEndsTheBackOff) {
  Scripted c = established(no_probe());
  run(c, in_flight(1001) + R"(
    300ms  > P 1:1001 ack 1
    900ms  > P 1:1001 ack 1
    950ms  < . ack 1001
  )");
  EXPECT_GT(c.info().backoff, 0u) << "nobody knows which copy that was";
  run(c, R"(
    10ms   write 1000
           > P 1001:2001 ack 1
    130ms  < . ack 2001
  )");
  EXPECT_EQ(c.info().backoff, 0u);
  EXPECT_LT(c.info().rto, milliseconds(400));
}

// RFC 7323 section 4: the echo of the last copy tells its round trip; that of an older one, which
// others followed, only if none other did.
TEST_P(TcpRoundTrip, TheEchoOfTheLastCopyEndsTheBackOff) {
  struct Row {
    const char* ack;
    bool ends;
  };
  // The connection is 100 ms older than the script.
  for (const Row& row : {Row{"1000ms < . ack 1001 <TS val 1100 ecr 1000>", true},
                         Row{"1000ms < . ack 1001 <TS val 1100 ecr 400>", false}}) {
    Scripted c = established({.timestamps = true});
    run(c, in_flight(1001) + "300ms > P 1:1001 ack 1\n 900ms > P 1:1001 ack 1\n" + row.ack);
    EXPECT_EQ(c.info().backoff == 0, row.ends) << row.ack;
  }
}

}  // namespace
}  // namespace smol::tcp::script
