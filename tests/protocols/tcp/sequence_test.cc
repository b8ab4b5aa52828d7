// RFC 9293 section 3.10.7.4, first check: which segments are acceptable, and what of them is taken.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpAcceptable = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpAcceptable, kStarts, start_name);

// TCP-165: length 0, window open; each of these is alone with a fresh connection.
TEST_P(TcpAcceptable, BareAcksFromRcvNxtToTheRightEdge) {
  for (const char* inside : {"1:1(0)", "2:2(0)", "60000:60000(0)", "60001:60001(0)"}) {
    Scripted c = established();
    run(c, "write 500\n > P 1:501 ack 1\n < . " + std::string{inside} + " ack 501\n event sent");
  }
  for (const char* outside : {"-1:-1(0)", "60002:60002(0)", "-1000000:-1000000(0)"}) {
    Scripted c = established();
    run(c, "write 500\n > P 1:501 ack 1\n < . " + std::string{outside} +
               " ack 501\n no event sent\n > . 501:501(0) ack 1");
  }
}

// TCP-165: text with some of it in the window.
TEST_P(TcpAcceptable, TextThatReachesIntoTheWindow) {
  struct Row {
    const char* range;
    int delivered;
    const char* answer;
  };
  for (const Row& row : {Row{"0:1", 0, ". 1:1(0) ack 1"}, Row{"-99:1", 0, ". 1:1(0) ack 1"},
                         Row{"60001:60002", 0, ". 1:1(0) ack 1"}}) {
    Scripted c = established();
    run(c, "< . " + std::string{row.range} + " ack 1\n > " + row.answer + "\n delivered 0");
  }
  for (const char* range : {"0:2", "-99:2"}) {
    Scripted c = established();
    run(c, "< . " + std::string{range} + " ack 1\n delivered 1\n > . 1:1(0) ack 2");
  }
  Scripted whole = established();
  run(whole, "< . 1:2 ack 1\n delivered 1\n 40ms > . 1:1(0) ack 2");
  // Its last octet is the last of the window.
  Scripted c = established();
  run(c, "< . 60000:60001 ack 1\n > . 1:1(0) ack 1\n is out_of_order 1");
  Scripted beyond = established();
  run(beyond, "< . 60000:60002 ack 1\n > . 1:1(0) ack 1\n is out_of_order 1");
}

// TCP-167: cut to the window at both ends; SEG.SEQ may lie before it.
TEST_P(TcpAcceptable, TextIsCutToWhatIsNewAndFits) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
          < . 1:501 ack 1
          < . -999:1001 ack 1
          delivered 1000
          > . 1:1(0) ack 1001
          < . 301:801 ack 1          // all of it old
          > . 1:1(0) ack 1001
          delivered 1000
          < . 501:6001 ack 1         // both ends
          delivered 4096
          > . 1:1(0) ack 4097 win 0
  )");
}

// A segment wider than the window lies in it as far as the window goes.
TEST_P(TcpAcceptable, TextAroundTheWholeWindow) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, "< . -999:9001 ack 1\n delivered 4096\n > . 1:1(0) ack 4097 win 0");
}

// TCP-166: an unacceptable segment gets an ACK, its text and control go nowhere.
TEST_P(TcpAcceptable, OldTextIsAcknowledgedAtOnce) {
  Scripted c = established();
  run(c, R"(
          < . 1:1001 ack 1
    40ms  > . 1:1(0) ack 1001
          < . 1:1001 ack 1
          drop tcp_duplicate
          > . 1:1(0) ack 1001
          < . 1:501 ack 1
          > . 1:1(0) ack 1001
          delivered 1000
  )");
}

// smoltcp's old_data_ack_not_rate_limited: text that comes again is always answered.
TEST_P(TcpAcceptable, EachOldTextIsAcknowledged) {
  Scripted c = established();
  std::string script = "< . 1:1001 ack 1\n 40ms > . ack 1001\n";
  for (int i = 0; i < 100; ++i) script += "< . 1:1001 ack 1\n > . 1:1(0) ack 1001\n";
  run(c, script);
}

TEST_P(TcpAcceptable, TextBeyondTheWindowIsAnsweredAndDropped) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    < FP. 4097:5097 ack 1
    drop tcp_out_of_window
    > . 1:1(0) ack 1 win 4096
    is out_of_order 0
    state ESTABLISHED
  )");
}

// TCP-169, second look: no ACK bit, nothing done.
TEST_P(TcpAcceptable, NothingWithoutAckIsTaken) {
  Scripted c = established();
  run(c, R"(
    < P 1:101
    drop tcp_no_ack
    < - 1:101
    drop tcp_no_ack
    < F 1:1(0)
    drop tcp_no_ack
    state ESTABLISHED
    delivered 0
    1s nothing
  )");
}

// TCP-014: URG, ECE and CWR say nothing here; urgent text stays in line (TCP-124, TRAP-43).
TEST_P(TcpAcceptable, FlagsThatSayNothingChangeNothing) {
  Scripted c = established();
  run(c, "< UECP. 1:101 ack 1\n delivered 100\n 40ms > . 1:1(0) ack 101");
}

// TCP-006: an option of SYN, or SACK blocks nobody asked for, on another segment.
TEST_P(TcpAcceptable, OptionsOnAnySegmentAreTolerated) {
  Scripted c = established();
  run(c, R"(
          write 1000
          > P 1:1001 ack 1
          < . 1:101 ack 1 sack 500:600 5000:1 <mss 100,wscale 9,sackOK,TS val 1 ecr 1>
          is mss 1000               // TCP-052
          is snd_wind_shift 0
          delivered 100
    40ms  > . 1001:1001(0) ack 101
    50ms  < . ack 1001
  )");
}

// --- window zero --------------------------------------------------------------------------------

// A window that the user closed by not reading: 4096 octets, 4096 unread.
constexpr const char* kShut = "< . 1:4097 ack 1\n > . ack 4097 win 0\n";

// TCP-165: window zero, length zero: only RCV.NXT itself. Length above zero: none.
TEST_P(TcpAcceptable, OnlyABareAckAtRcvNxtWhenTheWindowIsShut) {
  const Given small{.receive_buffer = 4096};
  Scripted c = established(small);
  run(c, std::string{kShut} + R"(
    write 100
    > P 1:101 ack 4097 win 0
    < . 4098:4098(0) ack 101
    drop tcp_out_of_window
    no event sent
    > . 101:101(0) ack 4097 win 0
    < . 4097:4097(0) ack 101
    event sent
  )");
}

// TCP-101, smoltcp's zero_window_ack_not_rate_limited: each probe is answered, its octet dropped.
TEST_P(TcpAcceptable, EachWindowProbeIsAnswered) {
  Scripted c = established({.receive_buffer = 4096});
  std::string script = kShut;
  for (int i = 0; i < 50; ++i) script += "< . 4097:4098 ack 1\n > . 1:1(0) ack 4097 win 0\n";
  run(c, script + "delivered 4096");
}

// TCP-102, TRAP-47: an ACK that comes with a probe frees the send queue, and RST resets.
TEST_P(TcpAcceptable, AckOfAProbeCountsWhenTheWindowIsShut) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, std::string{kShut} + R"(
    write 100
    > P 1:101 ack 4097 win 0
    < . 4097:4098 ack 101 win 777
    event sent
    is snd_wnd 777
    > . 101:101(0) ack 4097 win 0
    < R 4097:4097(0)
    event closed:ECONNRESET
  )");
}

// TRAP-03, TCP-168: a FIN needs a place of its own in the window.
TEST_P(TcpAcceptable, FinWaitsForRoomInTheWindow) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
          < F. 1:4097 ack 1           // fills the window to the last octet
          > . 1:1(0) ack 4097 win 0
          state ESTABLISHED
    1s    < F. 4097:4097(0) ack 1
          drop tcp_out_of_window
          > . 1:1(0) ack 4097 win 0
          state ESTABLISHED
          read 4096
          > . 1:1(0) ack 4097 win 4096
    2s    < F. 4097:4097(0) ack 1
          > . 1:1(0) ack 4098
          event peer_closed
          state CLOSE-WAIT
    +1h   nothing
  )");
}

// TRAP-37: what is cut off takes the FIN with it.
TEST_P(TcpAcceptable, FinBehindTextThatDoesNotFitIsCutOff) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    < F. 1:5001 ack 1
    delivered 4096
    > . 1:1(0) ack 4097 win 0
    state ESTABLISHED
  )");
}

// --- keep-alive and window probes from below ----------------------------------------------------

// TCP-086, TRAP-48: answered at once; nothing is delivered.
TEST_P(TcpAcceptable, KeepAlivesOfThePeerAreAnswered) {
  Scripted c = established();
  run(c, R"(
    < . 0:0(0) ack 1
    > . 1:1(0) ack 1
    < . 0:1 ack 1
    > . 1:1(0) ack 1
    delivered 0
  )");
}

// TRAP-48: a probe that repeats the same ACK is no sign of loss; there is other proof of that.
TEST_P(TcpAcceptable, KeepAlivesAreNoDuplicateAcks) {
  Scripted c = established();
  run(c, R"(
           write 2000
           > . 1:1001 ack 1
           > P 1001:2001 ack 1
    10ms   < . 0:0(0) ack 1
           > . 2001:2001(0) ack 1
    20ms   < . 0:0(0) ack 1
           > . 2001:2001(0) ack 1
    30ms   < . 0:0(0) ack 1
           > . 2001:2001(0) ack 1
           is dup_acks_in 0
    300ms  > . 1:1001 ack 1
  )");
}

// The window that such a probe brings is news.
TEST_P(TcpAcceptable, AProbeFromBelowBringsItsAckAndWindow) {
  Scripted c = established();
  run(c, R"(
    write 100
    > P 1:101 ack 1
    < . 0:1 ack 101
    event sent
    > . 101:101(0) ack 1
  )");
}

// --- FIN ----------------------------------------------------------------------------------------

// TRAP-02: a FIN beyond a hole is kept, and takes effect when the hole is filled.
TEST_P(TcpAcceptable, FinBeyondAHoleWaits) {
  Scripted c = established();
  run(c, R"(
    < F. 1001:1001(0) ack 1
    state ESTABLISHED
    no event peer_closed
    < . 1:1001 ack 1
    > . 1:1(0) ack 1002
    state CLOSE-WAIT
    delivered 1000
    event peer_closed
  )");
}

TEST_P(TcpAcceptable, FinWithTextBeyondAHoleWaits) {
  Scripted c = established();
  run(c, R"(
    < F. 501:1001 ack 1
    > . 1:1(0) ack 1
    state ESTABLISHED
    < . 1:501 ack 1
    > . 1:1(0) ack 1002
    delivered 1000
    state CLOSE-WAIT
  )");
}

// The stream ends where the first FIN said: neither text nor another FIN beyond it counts.
TEST_P(TcpAcceptable, NothingBeyondTheFinIsTaken) {
  Scripted c = established();
  run(c, R"(
    < F. 1001:1001(0) ack 1
    < . 901:1201 ack 1
    drop tcp_text_after_fin
    > . 1:1(0) ack 1
    is out_of_order 100
    < F. 1501:1501(0) ack 1
    < . 1:901 ack 1
    > . 1:1(0) ack 1002
    delivered 1000
    state CLOSE-WAIT
  )");
}

// A bare ACK stands one number beyond the FIN, as all of the peer's last segments do: it carries no
// text, and is no drop.
TEST_P(TcpAcceptable, AcknowledgementsBehindTheFinAreTaken) {
  Scripted c = close_wait();
  run(c, R"(
    write 1000
    > P. 1:1001 ack 2
    < . 2:2(0) ack 501
    drop nothing
    < . 2:2(0) ack 1001
    drop nothing
    is unacked 0
    < . 2:102 ack 1001
    drop tcp_text_after_fin
    delivered 0
    state CLOSE-WAIT
  )");
}

// TCP-172: a FIN that comes again gets its ACK again; text beyond it goes nowhere.
TEST_P(TcpAcceptable, FinThatComesAgainIsAcknowledged) {
  Scripted c = close_wait();
  run(c, R"(
    < F. 1:1(0) ack 1
    > . 1:1(0) ack 2
    < . 2:502 ack 1
    delivered 0
    state CLOSE-WAIT
  )");
}

// A FIN whose place was already passed by text is cut with the old text.
TEST_P(TcpAcceptable, FinInsideOldTextIsOld) {
  Scripted c = established();
  run(c, R"(
          < . 1:1001 ack 1
          < F. 1:501 ack 1
          > . 1:1(0) ack 1001
          drop tcp_duplicate
          state ESTABLISHED
  )");
}

// Text that comes again, and its FIN for the first time.
TEST_P(TcpAcceptable, FinBehindOldTextCounts) {
  Scripted c = established();
  run(c,
      "< . 1:1001 ack 1\n < F. 1:1001 ack 1\n > . 1:1(0) ack 1002\n state CLOSE-WAIT\n delivered "
      "1000");
}

}  // namespace
}  // namespace smol::tcp::script
