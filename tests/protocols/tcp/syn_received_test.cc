// RFC 9293 section 3.10.7.4 as far as it is about SYN-RECEIVED.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpSynReceived = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSynReceived, kStarts, start_name);

TEST_P(TcpSynReceived, IsEstablishedByTheThirdSegment) {
  Scripted c = listening({.receive_buffer = 1 << 20, .wscale = 3});
  run(c, R"(
           < S 0:0(0) win 1000 <mss 1000,wscale 3>
           > S. 0:0(0) ack 1 win 65535 <mss 1000,wscale 5>
    120ms  < . 1:1(0) ack 1 win 1000
           state ESTABLISHED
           event connected
           is snd_wnd 8000                 // no SYN: the window is scaled
           is srtt 120ms
    +1s    nothing
  )");
  EXPECT_TRUE(c.endpoint().connection().passive());
}

// TCP-162: the peer's SYN again means that our SYN-ACK was lost.
TEST_P(TcpSynReceived, AnswersTheSameSynAgain) {
  Scripted c = syn_received();
  run(c, R"(
    10ms  < S 0:0(0) <mss 1000>
          drop tcp_duplicate
          > S. 0:0(0) ack 1 <mss 1000>
          state SYN-RECEIVED
  )");
}

// Another SYN is not the peer's (RFC 5961 section 4.2): an ACK says where we stand.
TEST_P(TcpSynReceived, ChallengesAnotherSyn) {
  Scripted c = syn_received();
  run(c, R"(
    < S 50:50(0) <mss 1000>
    drop tcp_challenged_syn
    > . 1:1(0) ack 1
    < S -50:-50(0) <mss 1000>
    > . 1:1(0) ack 1
    state SYN-RECEIVED
  )");
}

// TCP-163: an ACK of something else gets <SEQ=SEG.ACK><CTL=RST>, and changes nothing.
TEST_P(TcpSynReceived, ResetsAWrongAck) {
  Scripted c = syn_received();
  run(c, R"(
    < . 1:1(0) ack 0       // smoltcp: ack too low
    > R 0:0(0)
    drop tcp_bad_ack
    < . 1:1(0) ack 2       // too high
    > R 2:2(0)
    < P. 1:101 ack 6
    > R 6:6(0)
    state SYN-RECEIVED
    delivered 0
    < . 1:1(0) ack 1
    state ESTABLISHED
  )");
}

TEST_P(TcpSynReceived, DropsASegmentWithoutAck) {
  Scripted c = syn_received();
  run(c, "< - 1:101\n drop tcp_no_ack\n < F 1:1(0)\n state SYN-RECEIVED");
}

// An ACK says where we stand to what is out of the window.
TEST_P(TcpSynReceived, AcknowledgesWhatIsOutOfItsWindow) {
  Scripted c = syn_received();
  run(c, "< . 70000:70100 ack 1\n drop tcp_out_of_window\n > . 1:1(0) ack 1\n state SYN-RECEIVED");
}

// TCP-020, TCP-162, TRAP-26: who was listening listens again, and nobody hears of it.
TEST_P(TcpSynReceived, ListensAgainAfterAReset) {
  Scripted c = syn_received();
  run(c, R"(
    < R 50000:50000(0)
    > . 1:1(0) ack 1         // in the window: challenged
    < R 100000:100000(0)
    drop tcp_blind_reset
    state SYN-RECEIVED
    < R. 1:1(0) ack 1
    event closed
    state LISTEN
    < S 0:0(0) <mss 1000>
    > S. 0:0(0) ack 1
  )");
}

// TCP-164
TEST_P(TcpSynReceived, TakesAckTextAndFinInOneSegment) {
  Scripted c = syn_received();
  run(c, R"(
    < FP. 1:501 ack 1
    > . 1:1(0) ack 502
    event connected
    delivered 500
    event peer_closed
    state CLOSE-WAIT
  )");
}

// TRAP-34: the third segment is lost and text comes instead.
TEST_P(TcpSynReceived, IsEstablishedByTextAndKeepsIt) {
  Scripted c = syn_received();
  run(c, R"(
         < P. 1:501 ack 1
         state ESTABLISHED
         delivered 500
    40ms > . 1:1(0) ack 501
  )");
}

// It may even be the second piece of text that comes first.
TEST_P(TcpSynReceived, KeepsTextBeyondAHole) {
  Scripted c = syn_received();
  run(c, R"(
    < . 501:1001 ack 1
    > . 1:1(0) ack 1
    state ESTABLISHED
    < . 1:501 ack 1
    > . 1:1(0) ack 1001
    delivered 1000
  )");
}

// TCP-185: SYN-ACK by exponential backoff, and the half-open connection ends.
TEST_P(TcpSynReceived, EndsWhenNobodyAnswers) {
  Scripted c = syn_received();
  run(c, R"(
    1s   > S. 0:0(0) ack 1
    3s   > S. 0:0(0) ack 1
    7s   > S. 0:0(0) ack 1
    15s  > S. 0:0(0) ack 1
    31s  > S. 0:0(0) ack 1
    62s  state SYN-RECEIVED
    63s  state LISTEN
         event closed
    +1h  nothing
  )");
}

// The same lifetime when the peer keeps it busy without ever completing it.
TEST_P(TcpSynReceived, EndsThoughItsSynComesAgainAndAgain) {
  Scripted c = syn_received({.config = {.initial_rto = seconds(60)}});
  run(c, R"(
    30s  < S 0:0(0) <mss 1000>
         > S. 0:0(0) ack 1
    59s  < S 0:0(0) <mss 1000>
         > S. 0:0(0) ack 1
    63s  state LISTEN
  )");
}

TEST_P(TcpSynReceived, LivesOnOnceItIsOpen) {
  Scripted c = syn_received();
  run(c, "500ms < . 1:1(0) ack 1\n 1h state ESTABLISHED");
}

// TCP-150: text written and a FIN asked for wait for the handshake (section 3.10.2, 3.10.4).
TEST_P(TcpSynReceived, SendsAndClosesOnceItIsOpen) {
  Scripted c = syn_received();
  run(c, R"(
          write 100
          shutdown
          state SYN-RECEIVED
    10ms  < . 1:1(0) ack 1
          > FP 1:101 ack 1
          state FIN-WAIT-1
  )");
}

TEST_P(TcpSynReceived, ClosesAfterTheHandshake) {
  Scripted c = syn_received();
  run(c, R"(
          close
          state SYN-RECEIVED
    10ms  < . 1:1(0) ack 1
          > F 1:1(0) ack 1
          state FIN-WAIT-1
  )");
}

// TCP-044: the peer knows of it, so it hears of the end.
TEST_P(TcpSynReceived, AbortsWithAReset) {
  Scripted c = syn_received();
  run(c, "abort\n > R. 1:1(0) ack 1\n event closed:ECONNRESET\n state CLOSED");
}

// A hard ICMP error ends SYN-SENT only.
TEST_P(TcpSynReceived, OutlivesIcmpErrors) {
  Scripted c = syn_received();
  run(c, "icmp hard ECONNREFUSED 0\n state SYN-RECEIVED\n event soft_error");
}

// PAWS holds from the SYN on (RFC 7323 section 5.3).
TEST_P(TcpSynReceived, ChecksTimestamps) {
  Scripted c = listening({.timestamps = true});
  run(c, R"(
    < S 0:0(0) <mss 1000,TS val 100 ecr 0>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1 <>
    drop tcp_missing_timestamp
    < . 1:1(0) ack 1 <TS val 99 ecr 0>
    drop tcp_paws
    > . 1:1(0) ack 1
    state SYN-RECEIVED
    < . 1:1(0) ack 1 <TS val 100 ecr 0>
    state ESTABLISHED
  )");
}

// Deviation from RFC 6298 section 5.7 is none: the SYN-ACK was lost, so RTO is 3 s and the window
// one segment (TCP-193, TCP-228).
TEST_P(TcpSynReceived, RemembersThatItsSynAckWasLost) {
  Scripted c = syn_received();
  run(c, R"(
    500ms  < S 0:0(0) <mss 1000>
           > S. 0:0(0) ack 1
    600ms  < . 1:1(0) ack 1
           is srtt 0s
           is rto 3s
           is cwnd 1000
  )");
}

// TCP-089, TCP-196: what the SYN-ACK promised is rounded to what its scale can say, once: each ACK
// of a half-open connection is made anew, and would round it up again from where it began.
TEST_P(TcpSynReceived, TheFirstWindowIsWhatTheScaleCanSay) {
  Scripted c = syn_received({.receive_buffer = 1 << 20, .passive = true, .wscale = 7});
  const Info info = c.info();
  ASSERT_GT(info.rcv_wind_shift, 0);
  EXPECT_EQ(info.rcv_wnd % (1u << info.rcv_wind_shift), 0u) << info.rcv_wnd;
  EXPECT_GE(info.rcv_wnd, 65'535u);
}

}  // namespace
}  // namespace smol::tcp::script
