// What the receiver tells by selective acknowledgement: RFC 2018 sections 2 to 4, RFC 2883.
#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpSackReceive = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSackReceive, kStarts, start_name);

/// A segment of the peer's, and what is told when it has come: the end of the ACK's line.
struct Told {
  const char* segment;
  const char* answer;
};
void expect_told(Scripted& c, std::initializer_list<Told> rows) {
  std::string script;
  for (const Told& row : rows) {
    script += std::string{" < . "} + row.segment + " ack 1\n > . 1:1(0) " + row.answer + "\n";
  }
  run(c, script);
}

/// There was no agreement: a segment beyond a hole is answered without a block.
void expect_no_blocks(Scripted& c) {
  EXPECT_FALSE(c.info().sack);
  expect_told(c, {{"1001:2001", "ack 1"}});
}

// TCP-210
TEST_P(TcpSackReceive, IsOfferedOnASyn) {
  Scripted c = closed({.sack = true});
  run(c, "connect\n > S 0:0(0) <mss 1000,sackOK>");
}

TEST_P(TcpSackReceive, IsNotOfferedWhenSwitchedOff) {
  Scripted c = closed({.sack = false});
  run(c, "connect\n > S 0:0(0) <mss 1000>");
}

TEST_P(TcpSackReceive, IsAnsweredOnlyToASynThatOffersIt) {
  Scripted c = listening({.sack = true});
  run(c, R"(
    < S 0:0(0) <mss 1000,sackOK>
    > S. 0:0(0) ack 1 <mss 1000,sackOK>
    < . 1:1(0) ack 1
    is sack 1
  )");
  Scripted plain = listening({.sack = true});
  run(plain, R"(
    < S 0:0(0) <mss 1000>
    > S. 0:0(0) ack 1 <mss 1000>
    < . 1:1(0) ack 1
  )");
  expect_no_blocks(plain);
}

TEST_P(TcpSackReceive, IsNotAnsweredWhenSwitchedOff) {
  Scripted c = listening({.sack = false});
  run(c, R"(
    < S 0:0(0) <mss 1000,sackOK>
    > S. 0:0(0) ack 1 <mss 1000>
    < . 1:1(0) ack 1
  )");
  expect_no_blocks(c);
}

TEST_P(TcpSackReceive, NeedsThePeersWordOnTheSynAck) {
  Scripted c = syn_sent({.sack = true});
  run(c, R"(
    100ms  < S. 0:0(0) ack 1 <mss 1000>
           > . 1:1(0) ack 1
  )");
  expect_no_blocks(c);
}

// TCP-211, TCP-212: five holes; the first block is of the segment that came last.
TEST_P(TcpSackReceive, TellsTheLatestRangesFirst) {
  Scripted c = established({.sack = true});
  expect_told(c, {
                     {"1001:2001", "ack 1 sack 1001:2001"},
                     {"3001:4001", "ack 1 sack 3001:4001 1001:2001"},
                     {"5001:6001", "ack 1 sack 5001:6001 3001:4001 1001:2001"},
                     {"7001:8001", "ack 1 sack 7001:8001 5001:6001 3001:4001 1001:2001"},
                     {"9001:10001", "ack 1 sack 9001:10001 7001:8001 5001:6001 3001:4001"},
                     {"2001:3001", "ack 1 sack 1001:4001 9001:10001 7001:8001 5001:6001"},
                     {"1:1001", "ack 4001 sack 9001:10001 7001:8001 5001:6001"},
                     {"4001:5001", "ack 6001 sack 9001:10001 7001:8001"},
                     {"8001:9001", "ack 6001 sack 7001:10001"},
                     {"6001:7001", "ack 10001"},
                 });
}

// TCP-211
TEST_P(TcpSackReceive, TellsThreeBesideTimestamps) {
  Scripted c = established({.timestamps = true, .sack = true});
  expect_told(c, {
                     {"1001:2001", "ack 1 sack 1001:2001"},
                     {"3001:4001", "ack 1 sack 3001:4001 1001:2001"},
                     {"5001:6001", "ack 1 sack 5001:6001 3001:4001 1001:2001"},
                     {"7001:8001", "ack 1 sack 7001:8001 5001:6001 3001:4001"},
                 });
}

// TCP-111, TCP-212: to one who reads blocks, one ACK a burst tells as much as many.
TEST_P(TcpSackReceive, BurstOutOfOrderGetsOneAck) {
  Scripted c = established({.sack = true});
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    < . 3001:4001 ack 1
    < . 6001:7001 ack 1
    end
    > . 1:1(0) ack 1 sack 6001:7001 1001:4001
  )");
}

// TCP-212, TRAP-11: what a burst changed and one ACK cannot say, a second does.
TEST_P(TcpSackReceive, BurstWithManyHolesGetsAllItsBlocksTold) {
  Scripted c = established({.timestamps = true, .sack = true});
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 3001:4001 ack 1
    < . 5001:6001 ack 1
    < . 7001:8001 ack 1
    < . 9001:10001 ack 1
    end
    > . 1:1(0) ack 1 sack 5001:6001 3001:4001 1001:2001
    > . 1:1(0) ack 1 sack 9001:10001 7001:8001 5001:6001
    +1h nothing
  )");
}

// TCP-212: the blocks do not wait for a segment that has room for them, nor shrink one that has
// not.
TEST_P(TcpSackReceive, BlocksGoOnASegmentOfTheirOwnBesideText) {
  Scripted c = established({.sack = true});
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    write 1000
    end
    > . 1:1(0) ack 1 sack 1001:2001
    > P. 1:1001 ack 1
    < . 1:501 ack 1001
    > . 1001:1001(0) ack 501 sack 1001:2001
    < . 501:1001 ack 1001
    > . 1001:1001(0) ack 2001
  )");
}

// TCP-216: all of it below the cumulative ACK.
TEST_P(TcpSackReceive, TellsOfTextFromBelowTheAckThatCameTwice) {
  Scripted c = established({.sack = true});
  run(c, R"(
    0ms   < . 1:2001 ack 1
          > . 1:1(0) ack 2001
          < . 1001:2001 ack 1
          > . 1:1(0) ack 2001 sack 1001:2001
          drop tcp_duplicate
          is dsacks_out 1
          is sacks_out 0
    10ms  < . 2001:3001 ack 1
    50ms  > . 1:1(0) ack 3001            // told once
  )");
}

// TCP-216, RFC 2883 section 4.1: beside a hole, first.
TEST_P(TcpSackReceive, DuplicateBelowTheAckGoesBeforeTheRangesHeld) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1:1001 ack 1
    < . 3001:4001 ack 1
    > . 1:1(0) ack 1001 sack 3001:4001
    < . 1:1001 ack 1
    > . 1:1(0) ack 1001 sack 1:1001 3001:4001
    < . 5001:6001 ack 1
    > . 1:1(0) ack 1001 sack 5001:6001 3001:4001
  )");
}

// TCP-216, RFC 2883 section 4.2.2: within a range held; the range that holds it is next.
TEST_P(TcpSackReceive, DuplicateInsideARangeIsFollowedByTheRange) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1001:4001 ack 1
    > . 1:1(0) ack 1 sack 1001:4001
    < . 6001:7001 ack 1
    > . 1:1(0) ack 1 sack 6001:7001 1001:4001
    < . 2001:3001 ack 1
    > . 1:1(0) ack 1 sack 2001:3001 1001:4001 6001:7001
    drop tcp_duplicate
  )");
}

// TCP-216, RFC 2883 section 4.1.1: in part new.
TEST_P(TcpSackReceive, PartOfASegmentThatWasHereIsTold) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1:1001 ack 1
    < . 501:1501 ack 1
    > . 1:1(0) ack 1501 sack 501:1001
    < . 2501:3501 ack 1
    > . 1:1(0) ack 1501 sack 2501:3501
    < . 3001:4001 ack 1
    > . 1:1(0) ack 1501 sack 3001:3501 2501:4001
    < . 1501:2601 ack 1
    > . 1:1(0) ack 4001 sack 2501:2601
  )");
}

// TCP-216: retransmissions for nothing that touch and come in one burst are told of together.
TEST_P(TcpSackReceive, DuplicatesOfABurstThatTouchAreToldAsOne) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1:3001 ack 1
    > . 1:1(0) ack 3001
    burst
    < . 1:1001 ack 1
    < . 1001:2001 ack 1
    < . 2001:3001 ack 1
    end
    > . 1:1(0) ack 3001 sack 1:3001
  )");
}

// TCP-216: of those that do not touch the first is told; in which order they came does not matter.
TEST_P(TcpSackReceive, OfDuplicatesApartTheFirstIsTold) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1:3001 ack 1
    > . 1:1(0) ack 3001
    burst
    < . 1:1001 ack 1
    < . 2001:3001 ack 1
    end
    > . 1:1(0) ack 3001 sack 1:1001
    burst
    < . 2001:3001 ack 1
    < . 1:1001 ack 1
    end
    > . 1:1(0) ack 3001 sack 2001:3001
    burst
    < . 1001:2001 ack 1
    < . 1:1001 ack 1
    < . 2001:3001 ack 1
    end
    > . 1:1(0) ack 3001 sack 1:3001
  )");
}

// TCP-212, TCP-216: what a burst leaves to tell goes before the text that answers it.
TEST_P(TcpSackReceive, WhatIsLeftToTellGoesBeforeText) {
  Scripted c = established({.sack = true});
  run(c, R"(
    burst
    < . 3001:4001 ack 1
    < . 1:1001 ack 1
    write 100
    end
    > . 1:1(0) ack 1001 sack 3001:4001
    > P. 1:101 ack 1001
    is sacks_out 1
    burst
    < . 1:1001 ack 101             // came before
    < . 1001:2001 ack 101
    write 100
    end
    > . 101:101(0) ack 2001 sack 1:1001 3001:4001
    > P. 101:201 ack 2001
  )");
}

// TCP-111: where nothing is left to tell, the text says it all.
TEST_P(TcpSackReceive, AHoleThatItsBurstFillsIsNotToldOf) {
  Scripted c = established({.sack = true});
  run(c, R"(
    burst
    < . 1001:2001 ack 1
    < . 1:1001 ack 1
    write 100
    end
    > P. 1:101 ack 2001
    < . ack 101
    +1h nothing
    is sacks_out 0
  )");
}

// Without SACK, a duplicate gets its ACK and no block.
TEST_P(TcpSackReceive, DuplicateIsNotToldWithoutSack) {
  Scripted c = established();
  expect_told(c, {
                     {"1:2001", "ack 2001"},
                     {"1:1001", "ack 2001"},
                 });
}

// TCP-212: a FIN beyond a hole is no text: the ranges are told without it.
TEST_P(TcpSackReceive, FinBeyondAHoleIsNotInABlock) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < F. 1001:2001 ack 1
    > . 1:1(0) ack 1 sack 1001:2001
    < . 1:1001 ack 1
    > . 1:1(0) ack 2002
    state CLOSE-WAIT
  )");
}

// TCP-116, TRAP-36: one policy for overlaps, first copy wins; ACK and blocks agree with what is
// delivered.
TEST_P(TcpSackReceive, OverlapKeepsTheFirstCopyAndSaysSo) {
  Scripted c = established({.sack = true});
  run(c, R"(
    < . 1000:1500 ack 1 text A
    > . 1:1(0) ack 1 sack 1000:1500
    < . 1200:1700 ack 1 text B
    > . 1:1(0) ack 1 sack 1200:1500 1000:1700
    < . 1:1000 ack 1 text C
    > . 1:1(0) ack 1700
  )");
  EXPECT_EQ(c.delivered(), "C*999 A*500 B*200");
}

// TRAP-20, TCP-115: single octets, each behind a hole of its own, cost a bounded number of ranges;
// what is not kept is not told.
TEST_P(TcpSackReceive, RangesAreBoundedAndBlocksStayTrue) {
  Scripted c = established({.sack = true, .config = {.reassembly_ranges = 2}});
  run(c, R"(
    < . 3:4 ack 1
    > . 1:1(0) ack 1 sack 3:4
    < . 5:6 ack 1
    > . 1:1(0) ack 1 sack 5:6 3:4
    < . 7:8 ack 1
    > . 1:1(0) ack 1 sack 5:6 3:4
    drop tcp_reassembly_full
    < . 1:3 ack 1
    > . 1:1(0) ack 4 sack 5:6
    < . 4:5 ack 1
    > . 1:1(0) ack 6
  )");
}

// A block that ends beyond 2^32 is one block (smoltcp 0.13.1: SACK near the greatest number).
TEST_P(TcpSackReceive, BlocksCrossTheWrapOfNumbers) {
  Scripted c = established({.sack = true});
  expect_told(c, {
                     {"9:41", "ack 1 sack 9:41"},
                     {"1:9", "ack 41"},
                 });
}

}  // namespace
}  // namespace smol::tcp::script
