// Explicit congestion notification: RFC 3168 section 6.1; the echo of RFC 8257 section 3.2.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpEcn = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpEcn, kStarts, start_name);

Given with(EcnUse use, Given given = {}) {
  given.options.ecn = use;
  return given;
}

/// A connection on which both agreed.
Scripted agreed(Scripted c) {
  run(c, R"(
    0ms    connect
           > SEC 0:0(0)
    100ms  < S.E 0:0(0) ack 1 <mss 1000>
           > . 1:1(0) ack 1
           is ecn 1
  )");
  return c;
}

// TCP-126, TCP-242
TEST_P(TcpEcn, IsAskedForOnTheSyn) {
  Scripted c = agreed(closed(with(EcnUse::kAsk)));
  run(c, "write 10\n > P. 1:11 ack 1 ect0");
}

// TCP-126: by default we agree, and do not ask.
TEST_P(TcpEcn, IsAgreedToButNotAskedForByDefault) {
  Scripted asking = closed();
  run(asking, "connect\n > S 0:0(0)");
  Scripted c = listening();
  run(c, R"(
    < SEC 0:0(0) <mss 1000>
    > S.E 0:0(0) ack 1
    < . 1:1(0) ack 1
    is ecn 1
    write 10
    > P. 1:11 ack 1 ect0
  )");
}

// TCP-126: switched off, nothing of it is ever seen.
TEST_P(TcpEcn, IsNotAgreedToWhenSwitchedOff) {
  Scripted c = listening(with(EcnUse::kOff));
  run(c, R"(
    < SEC 0:0(0) <mss 1000>
    > S. 0:0(0) ack 1
    < . 1:1(0) ack 1
    is ecn 0
    < . 1:1001 ack 1 ce
    < . 1001:2001 ack 1 ce
    > . 1:1(0) ack 2001
    write 10
    > P. 1:11 ack 2001
  )");
}

// TCP-242: a SYN without both flags asks for nothing.
TEST_P(TcpEcn, NeedsBothFlagsOfTheSyn) {
  for (const char* flags : {"S", "SE", "SC"}) {
    Scripted c = listening();
    run(c, std::string{"< "} + flags + " 0:0(0) <mss 1000>\n > S. 0:0(0) ack 1");
  }
}

// TCP-242: flags that come back as they went are no agreement.
TEST_P(TcpEcn, ReflectedFlagsAreNoAgreement) {
  for (const char* flags : {"S.EC", "S.C", "S."}) {
    Scripted c = closed(with(EcnUse::kAsk));
    run(c,
        std::string{"connect\n > SEC 0:0(0)\n < "} + flags +
            " 0:0(0) ack 1 <mss 1000>\n > . 1:1(0) ack 1\n is ecn 0\n write 10\n > P. 1:11 ack 1");
  }
}

// TCP-247: nobody asked.
TEST_P(TcpEcn, AnswerToNoQuestionIsNoAgreement) {
  Scripted c = syn_sent();
  run(c, "< S.E 0:0(0) ack 1 <mss 1000>\n > . 1:1(0) ack 1\n is ecn 0");
}

// TCP-246: what drops SYNs that ask lets the next one through.
TEST_P(TcpEcn, SynThatIsSentAgainDoesNotAsk) {
  Scripted c = closed(with(EcnUse::kAsk));
  run(c, R"(
    0ms    connect
           > SEC 0:0(0)
    1s     > S 0:0(0)
    1100ms < S. 0:0(0) ack 1 <mss 1000>
           > . 1:1(0) ack 1
           is ecn 0
  )");
  // It was only the answer that was lost: the peer may send packets that can be marked, we do not.
  Scripted late = closed(with(EcnUse::kAsk));
  run(late, R"(
    0ms    connect
           > SEC 0:0(0)
    1s     > S 0:0(0)
    1100ms < S.E 0:0(0) ack 1 <mss 1000>
           > . 1:1(0) ack 1
           write 10
           > P. 1:11 ack 1
           < . 1:1001 ack 11 ce
           > .E 11:11(0) ack 1001
  )");
}

// TCP-243: not on a bare ACK, nor on what is sent again.
TEST_P(TcpEcn, OnlyNewTextMayBeMarked) {
  Scripted c = agreed(closed(with(EcnUse::kAsk)));
  run(c, R"(
    0ms    write 10
           > P. 1:11 ack 1 ect0
    300ms  > P. 1:11 ack 1
    310ms  < . 1:1001 ack 11
           < . 1001:2001 ack 11
           > . 11:11(0) ack 2001
           shutdown
           > F. 11:11(0) ack 2001
  )");
}

// TCP-243: a probe of a closed window.
TEST_P(TcpEcn, ProbeMayNotBeMarked) {
  Scripted c = agreed(closed(with(EcnUse::kAsk, {.config = {.min_rto = milliseconds(500)}})));
  run(c, R"(
    0ms    write 10
           > P. 1:11 ack 1 ect0
    10ms   < . ack 11 win 0
           write 10
    510ms  > . 11:12 ack 1
  )");
}

// TCP-244, TCP-110: all ACKs say it, from the mark until the peer says CWR; the first at once.
TEST_P(TcpEcn, MarkIsEchoedUntilCwr) {
  Scripted c = agreed(closed(with(EcnUse::kAsk)));
  run(c, R"(
    0ms    < . 1:1001 ack 1 ect0
    1ms    < . 1001:1101 ack 1 ce
           > .E 1:1(0) ack 1101
           event congestion_experienced
    2ms    < . 1101:2101 ack 1 ect0
           < . 2101:3101 ack 1 ect0
           > .E 1:1(0) ack 3101
    3ms    write 10
           > P.E 1:11 ack 3101 ect0
    4ms    < .C 3101:4101 ack 11 ect0
           < . 4101:5101 ack 11 ect0
           > . 11:11(0) ack 5101
           is ce_in 1
  )");
}

// TRAP-42: CWR without text is not what the peer would send again if it were lost; and a CWR that
// is itself marked begins anew.
TEST_P(TcpEcn, OnlyTextWithCwrEndsTheEcho) {
  Scripted c = agreed(closed(with(EcnUse::kAsk)));
  run(c, R"(
    0ms    < . 1:1001 ack 1 ce
           > .E 1:1(0) ack 1001
           < .C 1001:1001(0) ack 1
           < . 1001:2001 ack 1 ect0
           < . 2001:3001 ack 1 ect0
           > .E 1:1(0) ack 3001
           < .C 3001:4001 ack 1 ce
           > .E 1:1(0) ack 4001
           < .C 4001:5001 ack 1 ect0
           < . 5001:6001 ack 1 ect0
           > . 1:1(0) ack 6001
  )");
}

// TCP-245, TRAP-42: once a round trip, and the first new data says so.
TEST_P(TcpEcn, EchoCutsOnceARoundTripAndIsAnswered) {
  Scripted c = agreed(closed(with(EcnUse::kAsk, {.cwnd = 10'000})));
  run(c, R"(
    0ms    write 10000
           > . 1:1001 ack 1 ect0
           > . 1001:2001 ack 1 ect0
           > . 2001:3001 ack 1 ect0
           > . 3001:4001 ack 1 ect0
           > . 4001:5001 ack 1 ect0
           > . 5001:6001 ack 1 ect0
           > . 6001:7001 ack 1 ect0
           > . 7001:8001 ack 1 ect0
           > . 8001:9001 ack 1 ect0
           > P. 9001:10001 ack 1 ect0
    100ms  < .E ack 1001
  )");
  const std::uint32_t ssthresh = c.info().ssthresh;
  EXPECT_EQ(ssthresh, 4500u) << "half of what is in flight";
  EXPECT_EQ(c.info().cwnd, 9500u) << "and there in step with what arrives";
  run(c, R"(
    0ms    < .E ack 3001
           < .E ack 10001
           is ece_in 3
           is timeouts 0
  )");
  EXPECT_EQ(c.info().ssthresh, ssthresh) << "one cut";
  run(c, R"(
    0ms    write 2000
           > .C 10001:11001 ack 1 ect0
           > P. 11001:12001 ack 1 ect0
  )");
}

// TCP-245: a loss in a window that was cut for a mark is repaired, and cuts no more; and if it was
// none, the mark was one all the same.
TEST_P(TcpEcn, LossInAWindowThatWasCutIsRepaired) {
  Given given = with(EcnUse::kAsk, {.sack = true});
  given.config.tail_loss_probe = false;
  Scripted c = closed(given);
  run(c, R"(
    0ms    connect
           > SEC 0:0(0)
    100ms  < S.E 0:0(0) ack 1 <mss 1000,sackOK>
           > . 1:1(0) ack 1
           write 6000
           > . 1:1001 ack 1 ect0
           > . 1001:2001 ack 1 ect0
           > . 2001:3001 ack 1 ect0
           > . 3001:4001 ack 1 ect0
           > . 4001:5001 ack 1 ect0
           > P. 5001:6001 ack 1 ect0
    200ms  < .E ack 1001
           is ssthresh 2500
    210ms  < . ack 1001 sack 2001:5001
           > . 1001:2001 ack 1
           event fast_retransmit
           is ssthresh 2500
    220ms  < . ack 6001
    310ms  < . ack 6001 sack 1001:2001
           is ssthresh 2500
           is cwnd 2500
  )");
}

// TCP-248: of several turns in one burst, what came before the last counts as marked if any was.
TEST_P(TcpEcn, DctcpTellsOfTheTurnsOfABurstInTwo) {
  Scripted c = agreed(closed(with(EcnUse::kDctcp)));
  run(c, R"(
    burst
    < . 1:1001 ack 1 ce
    < . 1001:2001 ack 1 ect0
    < . 2001:3001 ack 1 ce
    end
    > .E 1:1(0) ack 2001
    > .E 1:1(0) ack 3001
  )");
}

// TCP-248, RFC 8257 section 3.3: the share of marked octets, round trip by round trip.
TEST_P(TcpEcn, DctcpMeasuresTheShareThatIsMarked) {
  Scripted c = agreed(closed(with(EcnUse::kDctcp)));
  run(c, R"(
    0ms    write 2000
           > . 1:1001 ack 1 ect0
           > P. 1001:2001 ack 1 ect0
    100ms  < . ack 1001
  )");
  EXPECT_EQ(c.info().congestion.dctcp_alpha, 937'500u) << "15/16";
  run(c, "1ms < .E ack 2001");
  EXPECT_EQ(c.info().congestion.dctcp_alpha, 941'406u) << "15/16 of it, and 1/16";
}

// TCP-247: without an agreement neither mark nor echo means anything.
TEST_P(TcpEcn, MarksAndEchosWithoutAgreementAreIgnored) {
  Scripted c = established({.cwnd = 10'000});
  run(c, R"(
    write 1000
    > P. 1:1001 ack 1
    < .E ack 1001
    is ece_in 0
    is ssthresh 1073741824
    write 10
    > P. 1001:1011 ack 1
    < . 1:1001 ack 1011 ce
    < . 1001:2001 ack 1011 ce
    > . 1011:1011(0) ack 2001
    no event congestion_experienced
  )");
}

// TCP-248, RFC 8257 section 3.2: each ACK says of what it acknowledges whether it was marked.
TEST_P(TcpEcn, DctcpEchoesPacketByPacket) {
  Scripted c = agreed(closed(with(EcnUse::kDctcp)));
  run(c, R"(
    0ms    < . 1:1001 ack 1 ect0
           < . 1001:2001 ack 1 ce        // what came before it is acknowledged apart
           > . 1:1(0) ack 1001
           > .E 1:1(0) ack 2001
           < . 2001:3001 ack 1 ce
           < . 3001:4001 ack 1 ce
           > .E 1:1(0) ack 4001
           < . 4001:5001 ack 1 ce
           < . 5001:6001 ack 1 ect0
           > .E 1:1(0) ack 5001
           > . 1:1(0) ack 6001
           < .C 6001:7001 ack 1 ce
           > .E 1:1(0) ack 7001          // CWR ends nothing here
           burst
           < . 7001:8001 ack 1 ce
           < . 8001:9001 ack 1 ect0
           < . 9001:10001 ack 1 ect0
           end
           > .E 1:1(0) ack 8001
           > . 1:1(0) ack 10001
  )");
}

}  // namespace
}  // namespace smol::tcp::script
