// RFC 9293 section 3.10.7.3: SEGMENT ARRIVES, SYN-SENT state; and what a SYN settles.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpSynSent = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSynSent, kStarts, start_name);

TEST_P(TcpSynSent, OpensWithThreeSegments) {
  Scripted c = closed();
  run(c, R"(
          connect
          > S 0:0(0) win 60000 <mss 1000>
          waits handshake
          state SYN-SENT
    80ms  < S. 0:0(0) ack 1 win 5000 <mss 1000>
          > . 1:1(0) ack 1
          state ESTABLISHED
          event connected
          event forward_progress
          is srtt 80ms
          is snd_wnd 5000
  )");
  EXPECT_FALSE(c.endpoint().connection().passive());
}

// TCP-046, TCP-047, TCP-197: what we offer. The window of a SYN is not scaled (TCP-195).
TEST_P(TcpSynSent, OffersWhatItMay) {
  Scripted c = closed({.receive_buffer = 1 << 20, .timestamps = true, .wscale = 0});
  run(c, "25ms connect\n > S 0:0(0) win 65535 <mss 1012,TS val 25 ecr 0,wscale 5>");
  Scripted small = closed({.receive_buffer = 5000, .wscale = 0});
  run(small, "connect\n > S 0:0(0) win 5000 <mss 1000,wscale 0>");
}

// TCP-157, first check: an ACK that is not for our SYN gets <SEQ=SEG.ACK><CTL=RST>, and the SYN
// goes on.
TEST_P(TcpSynSent, ResetsWhatAcknowledgesSomethingElse) {
  Scripted c = syn_sent();
  run(c, R"(
         < . 50:50(0) ack 0
         > R 0:0(0)
         drop tcp_syn_sent_stray
         < S. 50:50(0) ack 0
         > R 0:0(0)
         < . 50:50(0) ack 2
         > R 2:2(0)
         < S. 50:50(0) ack 5000
         > R 5000:5000(0)
         < R. 50:50(0) ack 2    // never a RST for a RST
         state SYN-SENT
    1s   > S 0:0(0)
    2s   < S. 0:0(0) ack 1
         > . 1:1(0) ack 1
  )");
}

// Nothing acknowledges a SYN that has not left yet.
TEST_P(TcpSynSent, IsNotOpenedBeforeItsSynHasGone) {
  Scripted c = closed();
  run(c, R"(
    burst
    connect
    < S. 0:0(0) ack 1
    end
    > R 1:1(0)
    > S 0:0(0)
  )");
}

// TCP-158, second check: a RST counts only with an acceptable ACK.
TEST_P(TcpSynSent, IsRefusedOnlyByAResetThatAcknowledgesTheSyn) {
  Scripted c = syn_sent();
  run(c, R"(
    < R 0:0(0)
    drop tcp_syn_sent_stray
    < R. 0:0(0) ack 0
    drop tcp_syn_sent_stray
    state SYN-SENT
    < R. 0:0(0) ack 1
    state CLOSED
    event closed:ECONNREFUSED
    1h nothing
  )");
}

// TCP-160, fifth check.
TEST_P(TcpSynSent, DropsWhatIsNeitherSynNorRst) {
  Scripted c = syn_sent();
  run(c, R"(
    < . 50:50(0) ack 1
    drop tcp_syn_sent_stray
    < F. 50:150 ack 1
    < - 50:150
    state SYN-SENT
    delivered 0
  )");
}

// TCP-019, TCP-159, TRAP-25: SYNs cross; the SYN-ACK has ISS, not ISS+1, and one connection
// results.
TEST_P(TcpSynSent, OpensAtOnceWithItsPeer) {
  Scripted c = syn_sent();
  run(c, R"(
    10ms  < S 0:0(0) win 7000 <mss 1000>
          > S. 0:0(0) ack 1 <mss 1000>
          state SYN-RECEIVED
          no event connected
    20ms  < S. 0:0(0) ack 1 win 7000 <mss 1000>
          state ESTABLISHED
          event connected
          is snd_wnd 7000
          write 100
          > P 1:101 ack 1
    30ms  < . 1:1(0) ack 101
    +1h   nothing
  )");
}

TEST_P(TcpSynSent, OpensAtOnceWithAPeerWhoJustAcknowledges) {
  Scripted c = syn_sent();
  run(c, R"(
          < S 0:0(0) <mss 1000>
          > S. 0:0(0) ack 1
    20ms  < . 1:1(0) ack 1
          state ESTABLISHED
  )");
}

// The peer's SYN comes again: so does our SYN-ACK.
TEST_P(TcpSynSent, AnswersEachSynOfASimultaneousOpen) {
  Scripted c = syn_sent();
  run(c, R"(
          < S 0:0(0) <mss 1000>
          > S. 0:0(0) ack 1
    10ms  < S 0:0(0) <mss 1000>
          > S. 0:0(0) ack 1
  )");
}

// smoltcp's syn_received_rst: an open of our own that is reset was refused (TCP-020).
TEST_P(TcpSynSent, IsRefusedInTheMiddleOfASimultaneousOpen) {
  Scripted c = syn_sent();
  run(c, R"(
          < S 0:0(0) <mss 1000>
          > S. 0:0(0) ack 1
          < R. 1:1(0) ack 1
          event closed:ECONNREFUSED
  )");
}

// The round trip is not measured where it cannot be told which segment was answered.
TEST_P(TcpSynSent, MeasuresNoRoundTripInASimultaneousOpen) {
  Scripted c = syn_sent();
  run(c, R"(
          < S 0:0(0) <mss 1000>
          > S. 0:0(0) ack 1
    50ms  < . 1:1(0) ack 1
          is srtt 0s
  )");
}

// TCP-161: the text of a SYN-ACK counts as in ESTABLISHED. (One with FIN is refused by its flags.)
TEST_P(TcpSynSent, TakesTheTextOfASynAck) {
  Scripted c = syn_sent();
  run(c, R"(
          < S. 0:300 ack 1 <mss 1000>
          > . 1:1(0) ack 301
          delivered 300
          event readable
          < S. 0:300 ack 1 <mss 1000>   // its duplicate delivers nothing
          > . 1:1(0) ack 301
          delivered 300
  )");
}

TEST_P(TcpSynSent, TakesTheFinOfASynAck) {
  Scripted c = syn_sent();
  run(c, R"(
          < SF. 0:300 ack 1 <mss 1000>
          > . 1:1(0) ack 302
          delivered 300
          event peer_closed
          state CLOSE-WAIT
  )");
}

TEST_P(TcpSynSent, SendsWhatWasWrittenBeforeItWasOpen) {
  Scripted c = closed();
  run(c, R"(
          connect
          > S 0:0(0)
          write 1500
    50ms  < S. 0:0(0) ack 1 <mss 1000>
          > . 1:1001 ack 1
          > P 1001:1501 ack 1
  )");
}

// Section 3.10.4: a FIN asked for in SYN-SENT follows the data once the connection is open.
TEST_P(TcpSynSent, HalfClosesOnceItIsOpen) {
  Scripted c = syn_sent();
  run(c, R"(
          write 100
          shutdown
          state SYN-SENT
    50ms  < S. 0:0(0) ack 1 <mss 1000>
          > FP 1:101 ack 1
          state FIN-WAIT-1
  )");
}

TEST_P(TcpSynSent, ClosesWithoutAWord) {
  Scripted c = syn_sent();
  run(c, "close\n state CLOSED\n event closed\n 1h nothing");
  Scripted aborted = syn_sent();
  run(aborted, "abort\n state CLOSED\n event closed:ECONNRESET\n 1h nothing");
}

// TCP-024 to TCP-026 are the stack's. TCP-142, TCP-146: a hard error ends the attempt.
TEST_P(TcpSynSent, EndsByAHardIcmpErrorThatQuotesItsSyn) {
  Scripted c = syn_sent();
  run(c, R"(
    icmp hard ECONNREFUSED 1          // not in flight
    drop icmp_error_unmatched
    icmp hard ECONNREFUSED -1
    drop icmp_error_unmatched
    icmp soft EHOSTUNREACH 0
    event soft_error
    state SYN-SENT
    icmp hard ECONNREFUSED 0
    event closed:ECONNREFUSED
  )");
}

// --- what a SYN settles --------------------------------------------------------------------------

struct MssRow {
  const char* sentence;
  const char* options;
  std::uint32_t local;
  bool is_v6;
  std::uint32_t mss;
};

class TcpMss : public ::testing::TestWithParam<MssRow> {};

// TCP-005, TCP-049, TCP-050, TCP-054, TCP-055
TEST_P(TcpMss, IsWhatBothEndsTake) {
  const MssRow& row = GetParam();
  Scripted c = syn_sent(
      {.mss = static_cast<std::uint16_t>(row.local), .cwnd = 10 * row.local, .is_v6 = row.is_v6});
  run(c, "< S. 0:0(0) ack 1 " + std::string{row.options} + "\n > . ack 1");
  EXPECT_EQ(c.info().mss, row.mss) << row.sentence;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, TcpMss,
    ::testing::Values(MssRow{"the peer's", "<mss 700>", 1460, false, 700},
                      MssRow{"ours", "<mss 65535>", 1460, false, 1460},
                      MssRow{"absent, v4", "<>", 1460, false, 536},
                      MssRow{"absent, v6", "<>", 1440, true, 1220},
                      MssRow{"zero is as good as absent", "<mss 0>", 1460, false, 536},
                      MssRow{"zero, v6", "<mss 0>", 1440, true, 1220},
                      MssRow{"tiny", "<mss 1>", 1460, false, 88},
                      MssRow{"just above the floor", "<mss 89>", 1460, false, 89}));

// TCP-050: options are deducted on both sides of the comparison.
TEST_P(TcpSynSent, DeductsTheOptionsFromTheSegment) {
  Scripted c = syn_sent({.mss = 1448, .cwnd = 14'480, .timestamps = true});
  run(c,
      "< S. 0:0(0) ack 1 <mss 1460,TS>\n > . ack 1\n is mss 1448\n write 2000\n"
      " > . 1:1449 ack 1\n > P 1449:2001 ack 1");
  Scripted smaller = syn_sent({.mss = 1448, .cwnd = 14'480, .timestamps = true});
  run(smaller, "< S. 0:0(0) ack 1 <mss 536,TS>\n > . ack 1\n is mss 524");
  Scripted without = syn_sent({.mss = 1448, .cwnd = 14'480, .timestamps = true});
  run(without, "< S. 0:0(0) ack 1 <mss 1460>\n > . ack 1\n is mss 1460");
}

// A tiny MSS still gets all through (smoltcp's tiny mss progresses).
TEST_P(TcpSynSent, SendsToAPeerWithATinyMss) {
  Scripted c = syn_sent({.timestamps = true});
  run(c, R"(
    < S. 0:0(0) ack 1 win 1000 <mss 48,TS>
    > . ack 1
    write 200
    > . 1:77 ack 1
    > . 77:153 ack 1
    > P 153:201 ack 1
    < . ack 201
    event sent
  )");
}

// TCP-194: the shift is what both SYNs carried; above 14 it is 14.
TEST_P(TcpSynSent, AgreesOnAWindowScale) {
  Scripted c = syn_sent({.receive_buffer = 1 << 20, .wscale = 7});
  run(c, R"(
    < S. 0:0(0) ack 1 win 1000 <mss 1000,wscale 7>
    > . 1:1(0) ack 1 win 32768      // 1 MiB in units of 32
    is snd_wind_shift 7
    is rcv_wind_shift 5
    is snd_wnd 1000                 // TCP-195, TRAP-24: the window of a SYN is as it stands
    < . ack 1 win 1000
    is snd_wnd 128000
  )");
  Scripted large = syn_sent({.wscale = 15});
  run(large, R"(
    < S. 0:0(0) ack 1 win 1000 <mss 1000,wscale 15>
    > . ack 1
    is snd_wind_shift 14
    < . ack 1 win 65535
    is snd_wnd 1073725440
  )");
}

TEST_P(TcpSynSent, ScalesNeitherWindowIfThePeerDoesNot) {
  Scripted c = syn_sent({.receive_buffer = 1 << 20, .wscale = 7});
  run(c, R"(
    < S. 0:0(0) ack 1 win 1000 <mss 1000>
    > . 1:1(0) ack 1 win 65535
    is snd_wind_shift 0
    is rcv_wind_shift 0
    < . ack 1 win 2000
    is snd_wnd 2000
    is rcv_wnd 65535
  )");
}

// TCP-197: timestamps only if both offered them.
TEST_P(TcpSynSent, SendsTimestampsOnlyIfThePeerDoes) {
  Scripted c = syn_sent({.timestamps = true});
  run(c, "< S. 0:0(0) ack 1 <mss 1000>\n > . ack 1 <>\n is timestamps 0");
  Scripted both = syn_sent({.timestamps = true});
  run(both, "50ms < S. 0:0(0) ack 1 <mss 1000,TS val 777 ecr 0>\n > . ack 1 <TS val 50 ecr 777>");
}

// An own buffer that fits no 16 bits is as large as can be promised, without scaling: what is
// read opens no window that could be spoken of, so nothing is said.
TEST_P(TcpSynSent, PromisesNoMoreThanItCanSay) {
  Scripted c = syn_sent({.receive_buffer = 1 << 20, .wscale = 7});
  run(c, R"(
          < S. 0:0(0) ack 1 win 1000 <mss 1000>
          > . ack 1 win 65535
    10ms  < . 1:1001 ack 1
    20ms  < . 1001:2001 ack 1
          > . ack 2001 win 63535
          read 10
          read 10
          read 980
    +1s   nothing
  )");
}

}  // namespace
}  // namespace smol::tcp::script
