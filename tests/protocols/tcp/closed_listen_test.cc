// RFC 9293 sections 3.10.7.1 and 3.10.7.2: SEGMENT ARRIVES without a connection.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

SegmentIn segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::uint32_t len) {
  SegmentIn out;
  out.flags.raw = flags;
  out.seq = {seq};
  out.ack = {ack};
  out.len = len;
  return out;
}

constexpr std::uint8_t kFin = TcpFlags::kFin;
constexpr std::uint8_t kSyn = TcpFlags::kSyn;
constexpr std::uint8_t kRst = TcpFlags::kRst;
constexpr std::uint8_t kAck = TcpFlags::kAck;

struct ResetRow {
  const char* sentence;
  SegmentIn in;
  std::uint32_t seq;
  std::optional<std::uint32_t> ack;
};

class TcpClosed : public ::testing::TestWithParam<ResetRow> {};

// TCP-153: with an ACK, <SEQ=SEG.ACK><CTL=RST>; without, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
TEST_P(TcpClosed, AnswersWithThisReset) {
  const ResetRow& row = GetParam();
  const SegmentOut out = reset_for(row.in);
  EXPECT_EQ(out.header.control, TcpControl::kRst) << row.sentence;
  EXPECT_EQ(out.header.seq.raw, row.seq) << row.sentence;
  ASSERT_EQ(out.header.ack.has_value(), row.ack.has_value()) << row.sentence;
  if (row.ack) {
    EXPECT_EQ(out.header.ack->raw, *row.ack) << row.sentence;
  }
  EXPECT_EQ(out.len, 0u);
  EXPECT_EQ(out.header.window, 0u);
  EXPECT_EQ(out.header.options, TcpOptions{}) << "TCP-155: nothing that would need state";
}

INSTANTIATE_TEST_SUITE_P(
    Rows, TcpClosed,
    ::testing::Values(
        ResetRow{"a SYN counts as one", segment(kSyn, 100, 7, 0), 0, 101},
        ResetRow{"so does a FIN", segment(kFin, 100, 7, 0), 0, 101},
        ResetRow{"text", segment(0, 100, 7, 50), 0, 150},
        ResetRow{"TRAP-46: SYN and text", segment(kSyn, 100, 7, 10), 0, 111},
        ResetRow{"across zero", segment(kSyn, 0xffff'fff0, 7, 20), 0, 5},
        ResetRow{"an ACK", segment(kAck, 100, 7, 0), 7, std::nullopt},
        ResetRow{"SYN-ACK", segment(kSyn | kAck, 100, 0xffff'ffff, 0), 0xffff'ffff, std::nullopt},
        ResetRow{"FIN, ACK and text", segment(kFin | kAck, 100, 7, 10), 7, std::nullopt}));

// TCP-154: a RST is never answered with a RST.
TEST(TcpClosedPort, SaysNothingToAReset) {
  Scripted c = closed();
  run(c, R"(
    < R 5:5(0)
    < R. 5:5(0) ack 9
    < S 5:5(0)                 // and is alive all the same
    > R. -1000:-1000(0) ack 6  // zero itself
  )");
}

// TCP-150: calls where there is no connection do nothing.
TEST(TcpClosedPort, HasNothingToCloseAbortOrRead) {
  Scripted c = closed();
  run(c, "close\n abort\n shutdown\n read all\n 1h nothing\n state CLOSED");
}

struct ListenRow {
  const char* sentence;
  std::uint8_t flags;
  ListenVerdict verdict;
};

class TcpListen : public ::testing::TestWithParam<ListenRow> {};

// TCP-156, TCP-014: first RST, second ACK, third SYN, fourth anything else.
TEST_P(TcpListen, MakesOfASegment) {
  const ListenRow& row = GetParam();
  EXPECT_EQ(listen_arrives(segment(row.flags, 100, 7, 0)), row.verdict) << row.sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, TcpListen,
    ::testing::Values(ListenRow{"RST", kRst, ListenVerdict::kIgnore},
                      ListenRow{"RST and ACK", kRst | kAck, ListenVerdict::kIgnore},
                      ListenRow{"RST and SYN", kRst | kSyn, ListenVerdict::kIgnore},
                      ListenRow{"ACK", kAck, ListenVerdict::kReset},
                      ListenRow{"SYN and ACK", kSyn | kAck, ListenVerdict::kReset},
                      ListenRow{"FIN and ACK", kFin | kAck, ListenVerdict::kReset},
                      ListenRow{"SYN", kSyn, ListenVerdict::kOpen},
                      ListenRow{"FIN alone", kFin, ListenVerdict::kIgnore},
                      ListenRow{"nothing", 0, ListenVerdict::kIgnore}));

using TcpListener = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpListener, kStarts, start_name);

// TCP-156
TEST_P(TcpListener, TakesASynAndNothingElse) {
  Scripted c = listening();
  run(c, R"(
    < R 0:0(0)
    < F 0:0(0)
    < - 0:10
    < . 0:0(0) ack 77
    > R 77:77(0)
    state LISTEN
    < S 0:0(0) win 1000 <mss 500>
    > S. 0:0(0) ack 1 win 60000 <mss 1000>
    state SYN-RECEIVED
  )");
}

// TCP-029: text on a SYN may be left to be sent again, and is delivered once.
TEST_P(TcpListener, LeavesTextOnASynToBeSentAgain) {
  Scripted c = listening();
  run(c, R"(
          < S 0:100 win 1000 <mss 500>
          > S. 0:0(0) ack 1
    10ms  < . 1:101 ack 1
          delivered 100
    50ms  > . 1:1(0) ack 101
  )");
}

// TCP-046, TCP-047, TCP-048, TCP-053: our MSS is what the interface takes, options not deducted.
TEST_P(TcpListener, SaysItsMssInTheSynAck) {
  Scripted c = listening({.mss = 536, .cwnd = 5360});
  run(c, "< S 0:0(0) <mss 1460>\n > S. 0:0(0) ack 1 <mss 536>");
  Scripted with_timestamps = listening({.mss = 1448, .cwnd = 14'480, .timestamps = true});
  run(with_timestamps, "< S 0:0(0) <mss 1460,TS>\n > S. 0:0(0) ack 1 <mss 1460,TS>");
}

// TCP-194, TCP-197: an option goes on a SYN-ACK only if the SYN had it.
TEST_P(TcpListener, AnswersWithTheOptionsOfTheSyn) {
  const Given given{.receive_buffer = 1 << 20, .timestamps = true, .wscale = 7};
  Scripted none = listening(given);
  run(none, "< S 0:0(0) <mss 1460>\n > S. 0:0(0) ack 1 <mss 1012>");
  Scripted scale = listening(given);
  run(scale, "< S 0:0(0) <mss 1460,wscale 7>\n > S. 0:0(0) ack 1 <mss 1012,wscale 5>");
  Scripted both = listening(given);
  run(both, R"(
    25ms < S 0:0(0) <mss 1460,sackOK,TS val 70 ecr 0,nop,wscale 7>
         > S. 0:0(0) ack 1 win 65535 <mss 1012,TS val 25 ecr 70,wscale 5>
  )");
}

// Options may be switched off for a whole stack.
TEST_P(TcpListener, TakesNoOptionThatIsSwitchedOff) {
  Scripted c = listening({.receive_buffer = 1 << 20});
  run(c, "< S 0:0(0) <mss 1460,TS val 1 ecr 0,wscale 7>\n > S. 0:0(0) ack 1 win 65535 <mss 1000>");
}

}  // namespace
}  // namespace smol::tcp::script
