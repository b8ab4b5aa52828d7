// The script harness itself: what it must not let pass.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tcp_script.hh"

namespace smol::tcp::script {
namespace {

using ::testing::HasSubstr;

std::string failure_of(std::string_view script, const Given& given = {}) {
  Scripted c = established(given);
  return c.failure_of(script).value_or("");
}

TEST(TcpScript, PassesWhatIsTrue) {
  Scripted c = established({.mss = 1000, .cwnd = 10'000});
  run(c, R"(
     0ms  write 2500
          > . 1:1001(1000) ack 1 win 60000
          > . 1001:2001 ack 1
          > P 2001:2501 ack 1
    50ms  < P. 1:101 ack 2501 win 2000   // data and an ACK
          state ESTABLISHED
          event readable
          no event peer_closed
          read 100
    90ms  > . ack 101
  )");
  EXPECT_EQ(c.delivered(), ".*100");
}

TEST(TcpScript, FailsOnAMissingSegment) {
  EXPECT_THAT(failure_of("write 1000\n > P 1:1001 ack 1\n > . 1001:2001 ack 1"),
              HasSubstr("line 3: > . 1001:2001 ack 1\n  expected and not sent"));
}

TEST(TcpScript, FailsOnAnUnlistedSegment) {
  EXPECT_THAT(failure_of("write 2000\n > . 1:1001 ack 1"),
              HasSubstr("sent and not listed: 0s  > P. 1001:2001(1000) ack 1 win 60000"));
  EXPECT_THAT(failure_of("write 2000\n > . 1:1001 ack 1\n read all"),
              HasSubstr("line 3: read all"));
}

TEST(TcpScript, FailsOnAnUnlistedSegmentLaterOn) {
  const std::string retransmitted = failure_of("write 1000\n > P 1:1001 ack 1\n 2s nothing");
  EXPECT_THAT(retransmitted, HasSubstr("sent and not listed: 300ms  > P. 1:1001(1000) ack 1"));
}

TEST(TcpScript, FailsOnEachWrongPartOfASegment) {
  const auto expect = [](std::string_view line) {
    return failure_of("write 1000\n > " + std::string{line});
  };
  EXPECT_EQ(expect("P. 1:1001(1000) ack 1 win 60000"), "");
  EXPECT_THAT(expect(". 1:1001 ack 1"), HasSubstr("other flags: sent was 0s  > P. 1:1001"));
  EXPECT_THAT(expect("P 2:1002 ack 1"), HasSubstr("another sequence number"));
  EXPECT_THAT(expect("P 1:1000 ack 1"), HasSubstr("other text"));
  EXPECT_THAT(expect("P ack 1"), HasSubstr("text where none is expected"));
  EXPECT_THAT(expect("P 1:1001 ack 2"), HasSubstr("another ack"));
  EXPECT_THAT(expect("P 1:1001 ack 1 win 1"), HasSubstr("another window"));
  EXPECT_THAT(expect("P 1:1001 ack 1 sack 1:2"), HasSubstr("other sack blocks"));
  EXPECT_THAT(expect("P 1:1001 ack 1 <mss 5>"), HasSubstr("another mss"));
  EXPECT_THAT(expect("P 1:1001 ack 1 <wscale 5>"), HasSubstr("another wscale"));
  EXPECT_THAT(expect("P 1:1001 ack 1 <sackOK>"), HasSubstr("another sackOK"));
  EXPECT_THAT(expect("P 1:1001 ack 1 <TS>"), HasSubstr("other timestamps"));
}

TEST(TcpScript, ComparesTimestamps) {
  const auto expect = [](std::string_view options) {
    return failure_of("write 1000\n > P 1:1001 ack 1 " + std::string{options},
                      {.timestamps = true});
  };
  EXPECT_EQ(expect("<TS val 100 ecr 100>"), "");
  EXPECT_EQ(expect("<TS>"), "");
  EXPECT_EQ(expect(""), "");
  EXPECT_THAT(expect("<>"), HasSubstr("other timestamps"));
  EXPECT_THAT(expect("<TS val 99 ecr 100>"), HasSubstr("another TS val"));
  EXPECT_THAT(expect("<TS val 100 ecr 99>"), HasSubstr("another TS ecr"));
}

TEST(TcpScript, FailsOnAnotherTime) {
  EXPECT_EQ(failure_of("< P. 1:101 ack 1\n 40ms > . ack 101"), "");
  EXPECT_EQ(failure_of("< P. 1:101 ack 1\n +40.1ms > . ack 101"), "");
  EXPECT_THAT(failure_of("< P. 1:101 ack 1\n 39ms > . ack 101"),
              HasSubstr("expected and not sent"));
  EXPECT_THAT(failure_of("< P. 1:101 ack 1\n 41ms > . ack 101"),
              HasSubstr("sent at another time: 40ms  > . 1:1(0) ack 101"));
}

TEST(TcpScript, FailsOnWhatIsNotSo) {
  EXPECT_THAT(failure_of("state CLOSED"), HasSubstr("it is ESTABLISHED"));
  EXPECT_THAT(failure_of("event readable"), HasSubstr("it did not happen"));
  EXPECT_THAT(failure_of("< . 1:11 ack 1\n no event readable"), HasSubstr("it happened"));
  EXPECT_THAT(failure_of("event closed"), HasSubstr("it is not closed"));
  EXPECT_THAT(failure_of("abort\n > R. 1:1(0) ack 1\n event closed"),
              HasSubstr("closed, with error 'ECONNRESET'"));
  EXPECT_THAT(failure_of("is cwnd 1"), HasSubstr("it is 10000"));
  EXPECT_THAT(failure_of("is rto 1s"), HasSubstr("it is 300ms"));
  EXPECT_THAT(failure_of("delivered 1"), HasSubstr("it is 0"));
  EXPECT_THAT(failure_of("drop tcp_paws"), HasSubstr("it is nothing"));
  EXPECT_THAT(failure_of("waits nagle"), HasSubstr("waits for something else"));
  EXPECT_THAT(failure_of("read 1"), HasSubstr("there is less to read"));
  EXPECT_THAT(failure_of("shutdown\n > F. ack 1\n write 1"), HasSubstr("may_queue() says no"));
}

TEST(TcpScript, SaysWhatIsWrongWithALine) {
  EXPECT_THAT(failure_of("< X. ack 1"), HasSubstr("line 1: < X. ack 1\n  no such flag: 'X'"));
  EXPECT_THAT(failure_of("\n\n  < . 5:1 ack 1"), HasSubstr("line 3: < . 5:1 ack 1"));
  EXPECT_THAT(failure_of("< . 5:1 ack 1"), HasSubstr("the text ends before it begins: 5:1"));
  EXPECT_THAT(failure_of("< . 1:5(3) ack 1"), HasSubstr("not end - begin: 1:5(3)"));
  EXPECT_THAT(failure_of("< . 1:5(4 ack 1"), HasSubstr("expected ')'"));
  EXPECT_THAT(failure_of("< ."), HasSubstr("the number is missing"));
  EXPECT_THAT(failure_of("< . ack x"), HasSubstr("expected a number, not 'x'"));
  EXPECT_THAT(failure_of("< . ack"), HasSubstr("expected a number behind ack, found the end"));
  EXPECT_THAT(failure_of("< . ack 1 win 1 <mss 5"), HasSubstr("expected '>' at the end"));
  EXPECT_THAT(failure_of("< . ack 1 <md5 5>"), HasSubstr("no such option: 'md5'"));
  EXPECT_THAT(failure_of("< . ack 1 <mss 5 6>"), HasSubstr("does not belong there: '6'"));
  EXPECT_THAT(failure_of("< . ack 1 sack"), HasSubstr("expected a block behind sack"));
  EXPECT_THAT(failure_of("< . ack 1 what"), HasSubstr("no part of a segment: 'what'"));
  EXPECT_THAT(failure_of("frobnicate"), HasSubstr("no such command: frobnicate"));
  EXPECT_THAT(failure_of("is cwmd 5"), HasSubstr("no such number of tcp::Info: cwmd"));
  EXPECT_THAT(failure_of("event redable"), HasSubstr("no such event: redable"));
  EXPECT_THAT(failure_of("close now"), HasSubstr("does not belong there: 'now'"));
  EXPECT_THAT(failure_of("2ms nothing\n 1ms nothing"), HasSubstr("time runs forward"));
  EXPECT_THAT(failure_of("+2 nothing"), HasSubstr("expected a time such as +50ms"));
  EXPECT_THAT(failure_of("burst\n write 10"), HasSubstr("burst without end"));
  EXPECT_THAT(failure_of("icmp soft EWHAT 1"), HasSubstr("no such error: EWHAT"));
  EXPECT_THAT(failure_of("waits for"), HasSubstr("no such reason to wait: for"));
}

TEST(TcpScript, PrintsWhatWentBefore) {
  EXPECT_THAT(failure_of("write 1000\n > P 1:1001 ack 1\n 50ms < . ack 1001\n 60ms state CLOSED"),
              HasSubstr("so far:\n"
                        "    0s  write 1000\n"
                        "    0s  > P. 1:1001(1000) ack 1 win 60000\n"
                        "    50ms  < . 1:1(0) ack 1001 win 50000\n"
                        "    60ms  state CLOSED\n"));
}

TEST(TcpScript, HoldsBackWhatIsSentUntilABurstEnds) {
  Scripted c = established();
  run(c, R"(
        burst
        write 10
        < . 1:11 ack 1
        write 10
        end
        > P 1:21 ack 11
  )");
}

TEST(TcpScript, GoesOnWhereTheLastScriptEnded) {
  Scripted c = established();
  run(c, "write 1000\n > P 1:1001 ack 1\n 50ms < . ack 1001");
  run(c, "0ms write 1000\n > P 1001:2001 ack 1\n 50ms < . ack 2001");
  EXPECT_EQ(c.info().srtt,
            (7 * milliseconds(100) + milliseconds(50)) / 8 * 7 / 8 + milliseconds(50) / 8);
}

TEST(TcpScript, ReadsTimesInAllUnits) {
  Scripted c = established();
  run(c, "1ns nothing\n 1us nothing\n 1.5ms nothing\n 0.25s nothing\n 1min nothing\n 1h nothing");
  EXPECT_EQ(c.now(), c.given().start.time + c.given().rtt + seconds(3600));
}

// The model behind it: what no sequence of steps may do.

struct StoredTwice : ::testing::Test {
  ReceivedText text;
  std::vector<std::string> faults;
  void take(SeqNumber seq, std::uint32_t len, std::initializer_list<ReassemblyStep> steps) {
    SegmentIn segment;
    segment.seq = seq;
    segment.len = len;
    text.take(segment, 0, Actions{}, ReassemblySteps(steps), faults);
  }
};

TEST_F(StoredTwice, TextOutOfLineIsAFault) {
  text.begin({100});
  SegmentIn segment;
  segment.seq = {101};
  segment.len = 10;
  Actions actions;
  actions.text_len = 10;
  text.take(segment, 0, actions, {}, faults);
  EXPECT_THAT(faults, ::testing::ElementsAre("text delivered out of line"));
}

TEST_F(StoredTwice, StepsThatDoNotFitAreFaults) {
  using Kind = ReassemblyStep::Kind;
  text.begin({100});
  take({200}, 10, {{Kind::kStoreBack, 7, 0, 0, 10}});
  EXPECT_TRUE(faults.empty());
  EXPECT_EQ(text.out_of_order(), 10u);
  take({220}, 10, {{Kind::kStoreBack, 7, 0, 0, 10}});
  take({180}, 10, {{Kind::kStoreFront, 7, 0, 0, 10}});
  take({300}, 10, {{Kind::kStoreBack, 8, 0, 0, 11}});
  take({400}, 10, {{Kind::kDeliver, 9, 0, 0, 0}});
  EXPECT_THAT(faults, ::testing::ElementsAre("stored behind a range that it does not touch",
                                             "stored in front of a range that it does not touch",
                                             "a step stores what the segment does not have",
                                             "an empty range delivered"));
}

}  // namespace
}  // namespace smol::tcp::script
