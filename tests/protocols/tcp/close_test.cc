// RFC 9293 sections 3.6 and 3.10.4 to 3.10.7: the ends of a connection.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpClose = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpClose, kStarts, start_name);

// TCP-035, TCP-171: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, and 2 MSL later nothing.
TEST_P(TcpClose, FirstToCloseEndsInTimeWait) {
  Scripted c = established();
  run(c, R"(
    0ms    close
           > F. 1:1(0) ack 1
           state FIN-WAIT-1
    50ms   < . ack 2
           state FIN-WAIT-2
           event sent
    60ms   < F. ack 2
           > . 2:2(0) ack 2
           state TIME-WAIT
           event closed
           event peer_closed
    60.05s state TIME-WAIT
    60.06s state CLOSED
    +1h    nothing
  )");
}

TEST_P(TcpClose, SecondToCloseEndsAtOnce) {
  Scripted c = established();
  run(c, R"(
    0ms   < F. ack 1
          > . 1:1(0) ack 2
          state CLOSE-WAIT
          event readable
          event peer_closed
    10ms  close
          > F. 1:1(0) ack 2
          state LAST-ACK
    20ms  < . ack 2
          state CLOSED
          event closed
    +1h   nothing
  )");
}

// TCP-171: the FIN that acknowledges ours goes from FIN-WAIT-1 to TIME-WAIT at once.
TEST_P(TcpClose, FinWithTheAckOfOursEndsInTimeWait) {
  Scripted c = fin_wait_1();
  run(c, "< F. ack 2\n > . 2:2(0) ack 2\n state TIME-WAIT\n event closed");
}

// TCP-040: FINs cross.
TEST_P(TcpClose, SimultaneousCloseGoesThroughClosing) {
  Scripted c = fin_wait_1();
  run(c, R"(
    < F. ack 1
    > . 2:2(0) ack 2
    state CLOSING
    < . ack 2
    state TIME-WAIT
    event closed
  )");
}

// The peer's FIN again, with the ACK we wait for (RFC 9293 appendix A.2).
TEST_P(TcpClose, SimultaneousCloseIsEndedByTheFinAgain) {
  Scripted c = closing();
  run(c, "< F. 1:1(0) ack 2\n > . 2:2(0) ack 2\n state TIME-WAIT");
}

// smoltcp's simultaneous_close_raced_with_data
TEST_P(TcpClose, SimultaneousCloseWithTextOnBothSides) {
  Scripted c = established();
  run(c, R"(
    burst
    write 100
    shutdown
    end
    > FP. 1:101 ack 1
    < FP. 1:201 ack 1
    delivered 200
    > . 102:102(0) ack 202
    state CLOSING
    < . ack 102
    state TIME-WAIT
  )");
}

// TCP-173: in CLOSING and LAST-ACK only the ACK of the FIN counts.
TEST_P(TcpClose, OnlyTheAckOfTheFinEndsClosing) {
  Scripted c = established();
  run(c, R"(
    burst
    write 100
    shutdown
    end
    > FP. 1:101 ack 1
    < F. ack 1
    > . ack 2
    < . ack 101
    state CLOSING
    < . ack 102
    state TIME-WAIT
  )");
}

// smoltcp's last_ack_ack_not_of_fin, partial_ack_no_challenge
TEST_P(TcpClose, OnlyTheAckOfTheFinEndsLastAck) {
  Scripted c = close_wait();
  run(c, R"(
    burst
    write 100
    close
    end
    > FP. 1:101 ack 2
    < . ack 1
    state LAST-ACK
    < . ack 101
    state LAST-ACK
    no event challenge_ack
    < . ack 102
    event closed
  )");
}

// Both FINs come again as long as they are not acknowledged (TCP-042, TCP-173).
TEST_P(TcpClose, FinIsSentAgain) {
  Scripted active = fin_wait_1();
  run(active, "300ms > F. 1:1(0) ack 1\n 900ms > F. 1:1(0) ack 1");
  Scripted both = closing();
  run(both, "300ms > F. 1:1(0) ack 2\n 900ms > F. 1:1(0) ack 2");
  Scripted passive = last_ack();
  run(passive, "300ms > F. 1:1(0) ack 2\n 900ms > F. 1:1(0) ack 2");
}

// TRAP-04: what is left is the FIN alone, at its own number.
TEST_P(TcpClose, FinAloneIsSentAgainAfterItsText) {
  Scripted c = established();
  run(c, R"(
    0ms    burst
           write 100
           shutdown
           end
           > FP. 1:101 ack 1
    100ms  < . ack 101
           state FIN-WAIT-1
    400ms  > F. 101:101(0) ack 1
    500ms  < . ack 102
           state FIN-WAIT-2
  )");
}

// TCP-042: the FIN follows all that is queued, when it fits.
TEST_P(TcpClose, FinFollowsTheQueue) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    0ms    write 3500
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           close
           state FIN-WAIT-1
    100ms  < . ack 2001
           > . 2001:3001 ack 1
           > FP. 3001:3501 ack 1
    200ms  < . ack 3502
           state FIN-WAIT-2
  )");
}

// The peer's window has room for the text and not for the FIN (smoltcp: FIN over zero window).
TEST_P(TcpClose, FinWaitsForRoomInThePeersWindow) {
  Scripted c = established({.window = 100});
  run(c, R"(
    0ms    burst
           write 100
           shutdown
           end
           > P. 1:101 ack 1
    100ms  < . ack 101 win 0
    350ms  > F. 101:101(0) ack 1  // probes
    360ms  < . ack 101 win 0
           state FIN-WAIT-1
    850ms  > F. 101:101(0) ack 1
    900ms  < . ack 101 win 10
           > F. 101:101(0) ack 1
    1s     < . ack 102
           state FIN-WAIT-2
  )");
}

TEST_P(TcpClose, FinTakenAsAProbeIsAcknowledged) {
  Scripted c = established({.window = 100});
  run(c, R"(
    0ms    burst
           write 100
           shutdown
           end
           > P. 1:101 ack 1
    100ms  < . ack 101 win 0
    350ms  > F. 101:101(0) ack 1
    360ms  < . ack 102 win 0
           state FIN-WAIT-2
    +1h    nothing
  )");
}

// smoltcp: a FIN is sent whatever Nagle says.
TEST_P(TcpClose, FinIsNotHeldBackByNagle) {
  Scripted c = established();
  run(c, R"(
    write 10
    > P. 1:11 ack 1
    write 10
    waits nagle
    close
    > FP. 11:21 ack 1
  )");
}

// TCP-041: after our FIN, text still comes in, and is acknowledged.
TEST_P(TcpClose, HalfClosedStillReceives) {
  for (const bool acknowledged : {false, true}) {
    Scripted c = acknowledged ? fin_wait_2() : fin_wait_1();
    std::string script;
    for (int i = 0; i < 100; ++i) {
      const int at = 1 + 2000 * i;
      script += "< . " + std::to_string(at) + ":" + std::to_string(at + 1000) + " ack 2\n";
      script += "< . " + std::to_string(at + 1000) + ":" + std::to_string(at + 2000) + " ack 2\n";
      script += "> . 2:2(0) ack " + std::to_string(at + 2000) + "\nread all\n";
    }
    run(c, script + "delivered 200000\n state FIN-WAIT-2");
  }
}

// TCP-041, TCP-172, TRAP-32: after the peer's FIN, text still goes out, and goes again.
TEST_P(TcpClose, ClosedByThePeerStillSends) {
  Scripted c = close_wait();
  run(c, R"(
    0ms    write 1500
           > . 1:1001 ack 2
           > P. 1001:1501 ack 2
    300ms  > . 1:1001 ack 2
    310ms  < . ack 1501
           write 100
           > P. 1501:1601 ack 2
    320ms  < . ack 1601
    400ms  shutdown
           > F. 1601:1601(0) ack 2
           state LAST-ACK
  )");
}

// smoltcp: mutual close with data, and FIN with a hole in FIN-WAIT-1 and FIN-WAIT-2.
TEST_P(TcpClose, FinBeyondAHoleWaitsInFinWait) {
  for (const bool acknowledged : {false, true}) {
    Scripted c = acknowledged ? fin_wait_2() : fin_wait_1();
    run(c, R"(
      < F. 101:201 ack 2
      > . 2:2(0) ack 1
      state FIN-WAIT-2
      < . 1:101 ack 2
      > . 2:2(0) ack 202
      delivered 200
      state TIME-WAIT
    )");
  }
}

// A window that nobody needs any more is not announced (smoltcp: no window update in close_wait).
TEST_P(TcpClose, ReadingAfterTheFinSaysNothing) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
           < . 1:1001 ack 1
           < . 1001:2001 ack 1
           > . ack 2001
           < F. 2001:4001 ack 1
           > . ack 4002
           read all
    +1h    nothing
           state CLOSE-WAIT
  )");
}

TEST_P(TcpClose, ReadingInTimeWaitSaysNothing) {
  Scripted c = fin_wait_2({.receive_buffer = 4096});
  run(c, "< F. 1:4001 ack 2\n > . ack 4002\n read all\n 10s nothing\n state TIME-WAIT");
}

// --- text that nobody reads ---------------------------------------------------------------------

// TCP-034, TRAP-31: RST, not FIN: the peer must not think that it was read.
TEST_P(TcpClose, CloseWithUnreadTextResets) {
  Scripted c = established();
  run(c, R"(
    < . 1:11 ack 1
    close
    > R. 1:1(0) ack 11
    event closed:ECONNRESET
  )");
}

TEST_P(TcpClose, CloseWithTextBeyondAHoleResets) {
  Scripted c = established();
  run(c, "< . 11:21 ack 1\n > . ack 1\n close\n > R. 1:1(0) ack 1\n event closed:ECONNRESET");
}

TEST_P(TcpClose, CloseOfWhatIsReadIsOrderly) {
  Scripted c = established();
  run(c, "< . 1:11 ack 1\n read all\n close\n > F. 1:1(0) ack 11\n state FIN-WAIT-1");
}

// TCP-034, TCP-174: text after close() resets, with the number that the peer waits for.
TEST_P(TcpClose, TextAfterCloseResets) {
  Scripted c = established();
  run(c, R"(
    write 100
    > P. 1:101 ack 1
    close
    > F. 101:101(0) ack 1
    < . 1:501 ack 101
    > R 101:101(0)
    drop tcp_text_after_close
    event text_after_close
    event closed:ECONNRESET
    delivered 0
  )");
}

TEST_P(TcpClose, TextAfterCloseResetsInFinWait2) {
  Scripted c = established();
  run(c,
      "close\n > F. 1:1(0) ack 1\n < . ack 2\n < . 1:501 ack 2\n > R 2:2(0)\n event "
      "closed:ECONNRESET");
}

// What is old, or has no text, does no harm.
TEST_P(TcpClose, OldTextAfterCloseIsAcknowledged) {
  Scripted c = established();
  run(c, R"(
    < . 1:501 ack 1
    read all
    close
    > F. 1:1(0) ack 501
    < . 1:501 ack 1
    > . 2:2(0) ack 501
    state FIN-WAIT-1
    < . 501:501(0) ack 2
    < F. 501:501(0) ack 2
    > . 2:2(0) ack 502
    state TIME-WAIT
  )");
}

// After shutdown() the user still reads: no RST.
TEST_P(TcpClose, TextAfterShutdownIsDelivered) {
  Scripted c = fin_wait_2();
  run(c, "< . 1:501 ack 2\n delivered 500\n 40ms > . 2:2(0) ack 501");
}

// --- lifetimes ----------------------------------------------------------------------------------

// TCP-043
TEST_P(TcpClose, FinWait2EndsWithoutAUser) {
  Scripted c = established();
  run(c, R"(
    0s     close
           > F. 1:1(0) ack 1
    100ms  < . ack 2
    60s    state FIN-WAIT-2
    60.1s  state CLOSED
           event closed:ETIMEDOUT
  )");
}

TEST_P(TcpClose, FinWait2EndsAfterTheUserHasGone) {
  Scripted c = fin_wait_2();
  run(c, R"(
    1h            state FIN-WAIT-2
                  close
    +59.9s        state FIN-WAIT-2
    +100ms        event closed:ETIMEDOUT
  )");
}

TEST_P(TcpClose, FinWait2LastsAsLongAsItsUser) {
  Scripted c = fin_wait_2();
  run(c, "10d state FIN-WAIT-2\n < F. ack 2\n > . 2:2(0) ack 2\n state TIME-WAIT");
}

// smoltcp: timeouts in FIN-WAIT-1 and LAST-ACK; R2 of data holds for the FIN.
TEST_P(TcpClose, UnansweredFinEndsTheConnection) {
  const Given given{.options = {.user_timeout = seconds(2)}};
  Scripted active = fin_wait_1(given);
  run(active, R"(
    300ms  > F. 1:1(0) ack 1
    900ms  > F. 1:1(0) ack 1
    1.999s state FIN-WAIT-1
    2s     event closed:ETIMEDOUT
  )");
  Scripted passive = last_ack(given);
  run(passive, "300ms > F. 1:1(0) ack 2\n 900ms > F. 1:1(0) ack 2\n 2s event closed:ETIMEDOUT");
}

// --- reset and abort ----------------------------------------------------------------------------

// RFC 9293 section 3.10.7.4, second: CLOSING, LAST-ACK and TIME-WAIT end without a word.
TEST_P(TcpClose, ResetInEachState) {
  struct Row {
    Scripted connection;
    const char* reset;
    const char* event;
  };
  std::vector<Row> rows;
  rows.push_back({established(), "R 1:1(0)", "closed:ECONNRESET"});
  rows.push_back({fin_wait_1(), "R 1:1(0)", "closed:ECONNRESET"});
  rows.push_back({fin_wait_2(), "R 1:1(0)", "closed:ECONNRESET"});
  rows.push_back({close_wait(), "R 2:2(0)", "closed:ECONNRESET"});
  rows.push_back({closing(), "R 2:2(0)", "closed"});
  rows.push_back({last_ack(), "R 2:2(0)", "closed"});
  for (Row& row : rows) {
    run(row.connection,
        "< " + std::string{row.reset} + "\n event " + row.event + "\n state CLOSED\n 1h nothing");
  }
}

// A reset with text beyond a hole (smoltcp: RST with hole): nothing is left over.
TEST_P(TcpClose, ResetForgetsWhatIsOutOfOrder) {
  Scripted c = established();
  run(c, "< . 101:201 ack 1\n > . ack 1\n < R 1:1(0)\n event closed:ECONNRESET");
  EXPECT_EQ(c.endpoint().ranges().size(), 0u);
}

// What was received in line can still be read after a reset.
TEST_P(TcpClose, TextBeforeAResetCanBeRead) {
  Scripted c = established();
  run(c, "< . 1:101 ack 1\n < R 101:101(0)\n event closed:ECONNRESET\n read 100\n 1h nothing");
}

// TCP-044: <SEQ=SND.NXT><CTL=RST>, whatever is queued; then silence.
TEST_P(TcpClose, AbortInEachState) {
  struct Row {
    Scripted connection;
    const char* reset;
  };
  std::vector<Row> rows;
  rows.push_back({established(), "> R. 1:1(0) ack 1"});
  rows.push_back({fin_wait_1(), "> R. 2:2(0) ack 1"});
  rows.push_back({fin_wait_2(), "> R. 2:2(0) ack 1"});
  rows.push_back({close_wait(), "> R. 1:1(0) ack 2"});
  rows.push_back({closing(), "> R. 2:2(0) ack 2"});
  rows.push_back({last_ack(), "> R. 2:2(0) ack 2"});
  for (Row& row : rows) {
    run(row.connection,
        std::string{"abort\n"} + row.reset + "\n event closed:ECONNRESET\n 1h nothing");
  }
  Scripted queued = established({.cwnd = 1000});
  run(queued, "write 5000\n > . 1:1001 ack 1\n abort\n > R. 1001:1001(0) ack 1\n 1h nothing");
}

// The peer whose window is shut has thrown the probe away: it waits for the number of the probe.
TEST_P(TcpClose, AbortWhileProbingIsAtTheNumberThePeerWaitsFor) {
  Scripted c = established({.window = 1000});
  run(c, R"(
    0ms    write 2000
           > . 1:1001 ack 1
    100ms  < . ack 1001 win 0
    350ms  > . 1001:1002 ack 1
    500ms  abort
           > R. 1001:1001(0) ack 1
  )");
}

// --- calls in each state ------------------------------------------------------------------------

// TCP-150
TEST_P(TcpClose, NothingCanBeWrittenAfterShutdown) {
  const auto writable = [](Scripted c) { return c.endpoint().connection().may_queue(); };
  EXPECT_TRUE(writable(syn_sent()));
  EXPECT_TRUE(writable(syn_received()));
  EXPECT_TRUE(writable(established()));
  EXPECT_TRUE(writable(close_wait()));
  EXPECT_FALSE(writable(fin_wait_1()));
  EXPECT_FALSE(writable(fin_wait_2()));
  EXPECT_FALSE(writable(closing()));
  EXPECT_FALSE(writable(last_ack()));
  EXPECT_FALSE(writable(time_wait()));
  Scripted c = established();
  run(c, "abort\n > R. ack 1");
  EXPECT_FALSE(c.endpoint().connection().may_queue());
  Scripted half_open = syn_received();
  run(half_open, "close");
  EXPECT_FALSE(half_open.endpoint().connection().may_queue());
}

TEST_P(TcpClose, ClosingTwiceChangesNothing) {
  Scripted c = fin_wait_1();
  run(c,
      "shutdown\n close\n shutdown\n close\n state FIN-WAIT-1\n 100ms < . ack 2\n state "
      "FIN-WAIT-2");
  Scripted last = last_ack();
  run(last, "shutdown\n close\n state LAST-ACK\n 100ms < . ack 2\n event closed");
}

// RFC 5927 section 5.2, RFC 9293 MUST-56 (TCP-144, TCP-145, TCP-127): a soft matter once it is
// open.
TEST_P(TcpClose, IcmpErrorsAreSoftOnceOpen) {
  Scripted c = established();
  run(c, R"(
    write 100
    > P. 1:101 ack 1
    icmp hard ECONNREFUSED 1
    event soft_error
    icmp hard ECONNREFUSED 101      // nothing in flight there
    drop icmp_error_unmatched
    no event soft_error
    state ESTABLISHED
  )");
  EXPECT_EQ(c.endpoint().connection().take_soft_error(), Error::kConnectionRefused);
  EXPECT_EQ(c.endpoint().connection().take_soft_error(), std::nullopt);
}

}  // namespace
}  // namespace smol::tcp::script
