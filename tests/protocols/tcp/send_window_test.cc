// The peer's window: RFC 9293 sections 3.8.6, 3.8.6.1 (zero windows) and 3.8.6.2.1 (silly windows).
// After the handshake RTO is 300 ms; one more round trip of 100 ms makes it 250 ms.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpSendWindow = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSendWindow, kStarts, start_name);

// smoltcp's send_buf_gt_win, fill_peer_window
TEST_P(TcpSendWindow, IsFilledAndNoMore) {
  Scripted c = established({.window = 2500});
  run(c, R"(
           write 5000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           waits peer_window
           is unsent 3000
    100ms  < . ack 2001 win 2500
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
    200ms  < . ack 4001 win 2500
           > P 4001:5001 ack 1
  )");
}

// TCP-001: the field has no sign.
TEST_P(TcpSendWindow, IsUnsigned) {
  Scripted c = established({.cwnd = 100'000, .window = 65'535});
  run(
      c, "is snd_wnd 65535\n write 70000\n is unacked 65000\n" + [] {
        std::string script;
        for (int i = 0; i < 65; ++i) {
          script += " > . " + std::to_string(1 + 1000 * i) + ":" + std::to_string(1001 + 1000 * i) +
                    " ack 1\n";
        }
        return script;
      }());
}

// TCP-106, TRAP-08: an older segment does not change it.
TEST_P(TcpSendWindow, IsTakenFromTheNewestSegmentOnly) {
  Scripted c = established();
  run(c, R"(
    write 1000
    > P 1:1001 ack 1
    < P. 1:11 ack 1001 win 9999
    is snd_wnd 9999
    < . 1:1(0) ack 1001 win 100     // older number
    > . ack 11
    is snd_wnd 9999
    < . 11:11(0) ack 901 win 100    // older ACK
    is snd_wnd 9999
    < . 11:11(0) ack 1001 win 500   // the same again is a window update
    is snd_wnd 500
    < . 12:12(0) ack 901 win 700    // newer number, older ACK: that says nothing of now
    is snd_wnd 500
    < . 12:12(0) ack 1001 win 700
    is snd_wnd 700
  )");
}

// TCP-106: text sent again has an old number, and the peer's word of now. Without it SND.UNA would
// move and push the window beyond what the peer has room for.
TEST_P(TcpSendWindow, IsTakenFromAnOlderSegmentThatAcknowledgesMore) {
  Scripted c = established({.window = 3000});
  run(c, R"(
    write 2000
    > . 1:1001 ack 1
    > P 1001:2001 ack 1
    < . 11:11(0) ack 1001 win 3000  // behind text that was lost
    is snd_wnd 3000
    < P. 1:11 ack 2001 win 100      // which comes again
    is snd_wnd 100
    < . 11:11(0) ack 2001 win 2500
    is snd_wnd 2500
  )");
}

// --- silly windows -------------------------------------------------------------------------------

// TCP-103
TEST_P(TcpSendWindow, IsNotUsedInSmallPieces) {
  Scripted c = established({.window = 10'000});
  run(c, R"(
    0ms    write 12000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
           > . 4001:5001 ack 1
           > . 5001:6001 ack 1
           > . 6001:7001 ack 1
           > . 7001:8001 ack 1
           > . 8001:9001 ack 1
           > . 9001:10001 ack 1
    100ms  < . ack 10001 win 1
           waits peer_window
    110ms  < . ack 10001 win 500
    120ms  < . ack 10001 win 999
    130ms  < . ack 10001 win 1000
           > . 10001:11001 ack 1
    230ms  < . ack 11001 win 2000
           > P 11001:12001 ack 1
  )");
}

// TCP-103: half of the largest window that there ever was is worth it.
TEST_P(TcpSendWindow, IsUsedFromHalfOfItsLargest) {
  Scripted c = established({.window = 800});
  run(c, R"(
    0ms    write 3000
           > . 1:801 ack 1
    100ms  < . ack 801 win 399
    150ms  < . ack 801 win 400
           > . 801:1201 ack 1
  )");
}

// TCP-103: all there is to send is worth it too.
TEST_P(TcpSendWindow, IsUsedForTheLastPieceAtOnce) {
  Scripted c = established({.window = 5000});
  run(c, R"(
    0ms    write 5200
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
           > . 4001:5001 ack 1
    100ms  < . ack 5001 win 200
           > P 5001:5201 ack 1
  )");
}

// TCP-103, the override timer: after an RTO of 0.1 to 1 s, what little fits goes all the same.
TEST_P(TcpSendWindow, IsUsedInSmallPiecesAfterAWhile) {
  Scripted c = established({.window = 4000});
  run(c, R"(
    0ms    write 6000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
    100ms  < . ack 4001 win 300
           no event zero_window_probe
    350ms  > . 4001:4301 ack 1
    450ms  < . ack 4301 win 300
    662.5ms > . 4301:4601 ack 1
           is zero_window_probes 0
  )");
}

// Whatever comes in meanwhile does not put it off for ever (TCP-059).
TEST_P(TcpSendWindow, WaitsNoLongerForWindowsThatKeepComing) {
  Scripted c = established({.window = 4000});
  run(c, R"(
    0ms    write 6000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
    100ms  < . ack 4001 win 300
    150ms  < . ack 4001 win 310
    200ms  < . ack 4001 win 320
    250ms  < . ack 4001 win 330
    300ms  < . ack 4001 win 340
    350ms  > . 4001:4341 ack 1
  )");
}

// It is over when the window opens before.
TEST_P(TcpSendWindow, OverrideIsForgottenWhenTheWindowOpens) {
  Scripted c = established({.window = 4000});
  run(c, R"(
    0ms    write 6500
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > . 3001:4001 ack 1
    100ms  < . ack 4001 win 300
    200ms  < . ack 4001 win 1000
           > . 4001:5001 ack 1
    300ms  < . ack 5001 win 100
    512ms  nothing                       // a new wait began at 300 ms
    512.5ms > . 5001:5101 ack 1
  )");
}

TEST_P(TcpSendWindow, OverrideIsBounded) {
  Scripted quick =
      established({.window = 1000, .rtt = milliseconds(1), .config = {.min_rto = milliseconds(2)}});
  run(quick, "write 3000\n > . 1:1001 ack 1\n 1ms < . ack 1001 win 10\n 101ms > . 1001:1011 ack 1");
  Scripted slow =
      established({.window = 1000, .rtt = seconds(2), .config = {.initial_rto = seconds(10)}});
  run(slow, "write 3000\n > . 1:1001 ack 1\n 2s < . ack 1001 win 10\n 3s > . 1001:1011 ack 1");
}

// --- zero windows --------------------------------------------------------------------------------

// TCP-096, TCP-099, TCP-100: the first probe after an RTO, then twice as long each, up to 60 s.
TEST_P(TcpSendWindow, ShutIsProbedWithBackOff) {
  Scripted c =
      established({.window = 1000, .rtt = milliseconds(333), .config = {.min_rto = seconds(1)}});
  run(c, R"(
    0s       write 3000
             > . 1:1001 ack 1
    333ms    < . ack 1001 win 0
             waits peer_window
    1.333s   > . 1001:1002 ack 1
             event zero_window_probe
             < . ack 1001 win 0
    3.333s   > . 1001:1002 ack 1
             < . ack 1001 win 0
    7.333s   > . 1001:1002 ack 1
             < . ack 1001 win 0
    15.333s  > . 1001:1002 ack 1
             < . ack 1001 win 0
    31.333s  > . 1001:1002 ack 1
             < . ack 1001 win 0
    63.333s  > . 1001:1002 ack 1
             < . ack 1001 win 0
    123.333s > . 1001:1002 ack 1
             < . ack 1001 win 0
    183.333s > . 1001:1002 ack 1
             < . ack 1001 win 0
             is zero_window_probes 8
             is timeouts 0
             is cwnd 10000               // grown by the one ACK; probes are no loss
  )");
}

// TRAP-05: the ACK that opened the window was lost; the probe's answer brings it.
TEST_P(TcpSendWindow, LostUpdateIsFoundByAProbe) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
    100ms  < . ack 1001 win 0
    350ms  > . 1001:1002 ack 1
    450ms  < . ack 1002 win 5000         // it had opened: the octet is taken
           > . 1002:2002 ack 1
           > P 2002:3001 ack 1
    550ms  < . ack 3001
           event sent
    +1h    nothing
  )");
}

// TRAP-06: the octet was thrown away: it goes again with what follows, and nothing is left behind.
TEST_P(TcpSendWindow, ProbeThatWasThrownAwayGoesAgain) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0ms    write 2500
           > . 1:1001 ack 1
    100ms  < . ack 1001 win 0
    350ms  > . 1001:1002 ack 1
           is unacked 0
    360ms  < . ack 1001 win 0
           is dup_acks_in 0
    400ms  < . ack 1001 win 5000
           > . 1001:2001 ack 1
           > P 2001:2501 ack 1
    500ms  < . ack 2501
           event sent
    +1h    nothing
  )");
}

// TRAP-06: the window opens just as the probe is on its way: update and ACK of the octet cross.
// What the update lets through is too little to send at once; the ACK counts all the same.
TEST_P(TcpSendWindow, ProbeTakenAfterTheUpdateCounts) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0ms    write 2500
           > . 1:1001 ack 1
    100ms  < . ack 1001 win 0
    350ms  > . 1001:1002 ack 1
    360ms  < . ack 1001 win 100          // sent before the probe came
    370ms  < . ack 1002 win 99           // and after
           is bytes_acked 1001
           no event challenge_ack
    610ms  > . 1002:1101 ack 1           // the override of 360 ms
  )");
}

// Both windows are shut and both ends probe: each hears what the other says, and the updates at
// once (RFC 9293 appendix A.2, MUST-66).
TEST_P(TcpSendWindow, ShutOnBothSidesOpensAtOnce) {
  Scripted c = established({.window = 1000, .receive_buffer = 4096});
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
    100ms  < . 1:4097 ack 1001 win 0
           > . 1001:1001(0) ack 4097 win 0
    350ms  > . 1001:1002 ack 4097 win 0     // our probe
    360ms  < . 4097:4097(0) ack 1001 win 0
    400ms  < . 4097:4098 ack 1001 win 0     // the peer's
           > . 1001:1001(0) ack 4097 win 0  // from where the peer waits: it is in its window
    500ms  read all
           > . 1001:1001(0) ack 4097 win 4096
    600ms  < . 4097:4097(0) ack 1001 win 4000
           > . 1001:2001 ack 4097
           > P 2001:3001 ack 4097
  )");
}

// TCP-095, TCP-090, TCP-091: the window shuts over what is in flight.
TEST_P(TcpSendWindow, ShutOverDataInFlightIsProbed) {
  Scripted c = established();
  run(c, R"(
    0ms     write 3000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > P 2001:3001 ack 1
    100ms   < . ack 1001 win 0
    350ms   > . 1001:1002 ack 1
            event zero_window_probe
            < . ack 1001 win 0
    850ms   > . 1001:1002 ack 1
            < . ack 1001 win 0
    1.85s   > . 1001:1002 ack 1
            < . ack 1001 win 0
            is timeouts 0
            is cwnd 10000
    2s      < . ack 1001 win 5000           // what was thrown away goes again at once
            > . 1001:2001 ack 1
            > P 2001:3001 ack 1
    2.1s    < . ack 3001
            event sent
    +1h     nothing
  )");
}

TEST_P(TcpSendWindow, OpenBeforeTheFirstProbeLosesNothing) {
  Scripted c = established();
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    100ms   < . ack 1001 win 0
    200ms   < . ack 1001 win 5000
    300ms   < . ack 2001 win 5000
            is sum_retrans 0
            event sent
    +1h     nothing
  )");
}

// The octet of the probe is taken, the window stays shut: there is progress, octet by octet.
TEST_P(TcpSendWindow, ProbesThatAreTakenOneByOne) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0ms     write 1003
            > . 1:1001 ack 1
    100ms   < . ack 1001 win 0
    350ms   > . 1001:1002 ack 1
            < . ack 1002 win 0
    850ms   > . 1002:1003 ack 1
            < . ack 1003 win 0
    1.85s   > P 1003:1004 ack 1
            < . ack 1004 win 0
            event sent
    +1h     nothing
  )");
}

// TRAP-07, TCP-090, TCP-091, TCP-092, TCP-093: the right edge moves back behind what was sent.
TEST_P(TcpSendWindow, ShrunkSendsNothingNewAndRepeatsWithin) {
  Scripted c = established();
  run(c, R"(
    0ms     write 9000
            > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > . 2001:3001 ack 1
            > . 3001:4001 ack 1
            > . 4001:5001 ack 1
            > . 5001:6001 ack 1
            > . 6001:7001 ack 1
            > . 7001:8001 ack 1
            > P 8001:9001 ack 1
            write 1000
            > P 9001:10001 ack 1
            write 1000
    50ms    < . ack 1 win 1500
    300ms   > . 1:1001 ack 1                // RTO: within the window
    350ms   < . ack 1001 win 500
            > . 1001:1501 ack 1             // up to the edge
    400ms   < . ack 1501 win 0
    1s      > . 1501:1502 ack 1
            < . ack 1501 win 20000
            > . 1501:2501 ack 1
            > . 2501:3501 ack 1             // cwnd is 2500
    +100ms  < . ack 3501 win 20000
            > . 3501:4501 ack 1
            > . 4501:5501 ack 1
            > . 5501:6501 ack 1             // after a timeout an ACK counts for one segment
  )");
}

// TCP-098: a peer that answers may keep its window shut for a day.
TEST_P(TcpSendWindow, ShutForADayIsNoReasonToEnd) {
  Scripted c = established({.window = 1000});
  run(c, "write 3000\n > . 1:1001 ack 1\n 100ms < . ack 1001 win 0");
  Endpoint& e = c.endpoint();
  Instant now = c.now();
  const Instant end = now + seconds(86'400);
  int probes = 0;
  while (now < end) {
    now = e.deadline();
    e.timeout(now);
    e.transmit(now);
    for (; !e.sent().empty(); e.sent().pop_front()) {
      ++probes;
      SegmentIn answer;
      answer.flags.raw = TcpFlags::kAck;
      answer.seq = c.given().start.irs + 1;
      answer.ack = c.given().start.iss + 1001;
      e.arrives(now, answer);
    }
  }
  EXPECT_EQ(c.state(), State::kEstablished);
  EXPECT_GT(probes, 1400);
  EXPECT_LT(probes, 1500);
  EXPECT_TRUE(e.faults().empty());
}

// TCP-094: nor over data in flight, however short the user timeout. A probe goes at the latest when
// it would be over, and silence from the last answer on ends it.
TEST_P(TcpSendWindow, AnsweredProbesHoldOffTheUserTimeout) {
  Scripted c = established({.options = {.user_timeout = seconds(5)}});
  run(c, R"(
    0ms     write 2000
            > . 1:1001 ack 1
            > P 1001:2001 ack 1
    100ms   < . ack 1001 win 0
    350ms   > . 1001:1002 ack 1
            < . ack 1001 win 0
    850ms   > . 1001:1002 ack 1
            < . ack 1001 win 0
    1.85s   > . 1001:1002 ack 1
            < . ack 1001 win 0
    3.85s   > . 1001:1002 ack 1
            < . ack 1001 win 0
    6.85s   > . 1001:1002 ack 1
            < . ack 1001 win 0
    8.85s   > . 1001:1002 ack 1
            < . ack 1001 win 0
    11.85s  > . 1001:1002 ack 1
            < . ack 1001 win 0
    13.85s  > . 1001:1002 ack 1
    16.849s state ESTABLISHED
    16.85s  event closed:ETIMEDOUT
  )");
}

// TCP-098: unanswered probes obey R2, counted from the first of them.
TEST_P(TcpSendWindow, UnansweredProbesEndTheConnection) {
  Scripted c = established({.window = 1000, .options = {.user_timeout = seconds(5)}});
  run(c, R"(
    0ms     write 3000
            > . 1:1001 ack 1
    100ms   < . ack 1001 win 0
    350ms   > . 1001:1002 ack 1
    850ms   > . 1001:1002 ack 1
    1.85s   > . 1001:1002 ack 1
    3.85s   > . 1001:1002 ack 1
    5.349s  state ESTABLISHED
    5.35s   event closed:ETIMEDOUT
  )");
}

// Silence before there was anything to ask for does not count.
TEST_P(TcpSendWindow, LostProbeAfterALongSilenceIsNoReasonToEnd) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0s       write 1000
             > P 1:1001 ack 1
    100ms    < . ack 1001 win 0
    10min    write 500
    600.25s  > . 1001:1002 ack 1
    600.75s  > . 1001:1002 ack 1
             state ESTABLISHED
    601s     < . ack 1001 win 1000
             > P 1001:1501 ack 1
  )");
}

// smoltcp's zero_window_probe_not_capped_by_cwnd: probes are no data in the congestion window.
TEST_P(TcpSendWindow, ProbesCountForNothingElse) {
  Scripted c = established({.cwnd = 4000, .window = 1000});
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
    100ms  < . ack 1001 win 0
           is cwnd 4000
    350ms  > . 1001:1002 ack 1
           is cwnd 4000
           is srtt 100ms
    400ms  < . ack 1001 win 5000
           > . 1001:2001 ack 1
           > P 2001:3001 ack 1
    500ms  < . ack 3001
           is srtt 100ms                // of the segment, not of the probe
           is cwnd 4000
  )");
}

// smoltcp's "enter on send": the window was shut before there was anything to say.
TEST_P(TcpSendWindow, ShutFromTheBeginningIsProbed) {
  Scripted c = established({.window = 0});
  run(c, R"(
           write 100
    300ms  > . 1:2 ack 1
    310ms  < . ack 1 win 100
           > P 1:101 ack 1
  )");
}

// smoltcp's "shift limit": the pause stays at its longest for ever.
TEST_P(TcpSendWindow, BackOffOfProbesHasAnEnd) {
  Scripted c = established({.window = 0,
                            .options = {.user_timeout = SocketOptions::kForever},
                            .config = {.max_rto = seconds(1)}});
  std::string script = "write 100\n 300ms > . 1:2 ack 1\n +600ms > . 1:2 ack 1\n";
  for (int i = 0; i < 300; ++i) script += "+1s > . 1:2 ack 1\n";
  run(c, script);
}

// The window shuts between an RTO and what it sends: the data stays guarded by a timer.
TEST_P(TcpSendWindow, ShutInTheSameMomentAsATimeout) {
  Scripted c = established();
  run(c, "write 2000\n > . 1:1001 ack 1\n > P 1001:2001 ack 1");
  Endpoint& e = c.endpoint();
  const Instant rto = c.now() + milliseconds(300);
  e.timeout(rto);
  SegmentIn shut;
  shut.flags.raw = TcpFlags::kAck;
  shut.seq = c.given().start.irs + 1;
  shut.ack = c.given().start.iss + 1;
  shut.window = 0;
  e.arrives(rto, shut);
  e.transmit(rto);
  EXPECT_TRUE(e.sent().empty());
  ASSERT_NE(e.deadline(), kNever);
  e.timeout(e.deadline());
  e.transmit(e.deadline());
  ASSERT_EQ(e.sent().size(), 1u);
  EXPECT_EQ(e.sent().front().segment.len, 1u);
  EXPECT_TRUE(e.faults().empty());
}

}  // namespace
}  // namespace smol::tcp::script
