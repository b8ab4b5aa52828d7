// RFC 5961: RST, SYN and ACK from someone who guesses; and two ends that misunderstand each other.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpBlindAttack = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpBlindAttack, kStarts, start_name);

// TCP-178, TCP-032: exactly RCV.NXT resets, with or without ACK, with or without text (TCP-031).
TEST_P(TcpBlindAttack, ExactResetResets) {
  for (const char* reset : {"R 1:1(0)", "R. 1:1(0) ack 1", "R. 1:1(0) ack 99999", "R 1:51"}) {
    Scripted c = established();
    run(c, "< " + std::string{reset} + "\n event closed:ECONNRESET\n state CLOSED\n 1h nothing");
  }
}

// TCP-178, TRAP-27
TEST_P(TcpBlindAttack, ResetInTheWindowIsChallenged) {
  Scripted c = established();
  run(c, R"(
    < R 2:2(0)
    drop tcp_challenged_reset
    event challenge_ack
    > . 1:1(0) ack 1
    < R. 60000:60000(0) ack 1
    > . 1:1(0) ack 1
    state ESTABLISHED
  )");
}

// TCP-178, smoltcp's bad_seq_rst_dropped_silently
TEST_P(TcpBlindAttack, ResetOutsideTheWindowIsSilence) {
  for (const char* seq : {"0:0(0)", "60001:60001(0)", "-5000:-5000(0)", "1000000:1000000(0)"}) {
    Scripted c = established();
    run(c, "< R " + std::string{seq} + "\n drop tcp_blind_reset\n state ESTABLISHED\n 1s nothing");
  }
}

// The number that counts moves with the stream: after text, beyond a hole, after the FIN.
TEST_P(TcpBlindAttack, ExactMeansRcvNxtOfNow) {
  Scripted c = established();
  run(c, R"(
    < . 501:1001 ack 1
    > . ack 1
    < R 1001:1001(0)
    > . 1:1(0) ack 1
    < . 1:501 ack 1
    > . ack 1001
    < R 1:1(0)
    drop tcp_blind_reset
    < R 1001:1001(0)
    event closed:ECONNRESET
  )");
}

// TCP-179: any SYN, wherever it stands, with or without ACK.
TEST_P(TcpBlindAttack, SynIsChallengedWhereverItStands) {
  for (const char* syn : {"S 1:1(0)", "S 500:500(0)", "S 100000:100000(0)", "S 0:0(0)",
                          "S. 1:1(0) ack 1", "S -70000:-70000(0)"}) {
    Scripted c = established();
    run(c, "< " + std::string{syn} +
               "\n drop tcp_challenged_syn\n event challenge_ack\n > . 1:1(0) ack 1\n"
               "state ESTABLISHED");
  }
}

// smoltcp's bad_seq_syn_with_data_rate_limited: its text goes nowhere.
TEST_P(TcpBlindAttack, TextOfASynIsNotTaken) {
  Scripted c = established();
  run(c, "< S. 1:101 ack 1\n > . 1:1(0) ack 1\n delivered 0");
}

// A peer that was restarted: it resets what our challenge shows it (RFC 9293 section 3.5.1).
TEST_P(TcpBlindAttack, ChallengeFindsAHalfOpenConnection) {
  Scripted c = established();
  run(c, R"(
    < S 30000:30000(0) <mss 1000>
    > . 1:1(0) ack 1
    < R 1:1(0)
    event closed:ECONNRESET
  )");
}

// TCP-170: an ACK of what was never sent.
TEST_P(TcpBlindAttack, AckOfTheFutureIsAnsweredAndDropped) {
  Scripted c = established();
  run(c, R"(
    write 1000
    > P 1:1001 ack 1
    < P. 1:101 ack 1002
    drop tcp_bad_ack
    event challenge_ack
    > . 1001:1001(0) ack 1
    delivered 0
    is unacked 1000
    < . ack 1001
  )");
}

// smoltcp accepts an ACK of what is queued and not sent; RFC 9293 does not.
TEST_P(TcpBlindAttack, AckOfWhatIsQueuedAndNotSentIsNone) {
  Scripted c = established({.cwnd = 1000});
  run(c, R"(
    write 3000
    > . 1:1001 ack 1
    < . ack 1501
    drop tcp_bad_ack
    > . 1001:1001(0) ack 1
    is bytes_acked 0
    is cwnd 1000                  // TCP-232
  )");
}

// TCP-180: not older than the largest window that the peer ever had.
TEST_P(TcpBlindAttack, AckOlderThanAWindowIsAnsweredAndDropped) {
  Scripted c = established({.window = 2000});
  run(c, R"(
    write 2000
    > . 1:1001 ack 1
    > P 1001:2001 ack 1
    < . ack 2001 win 1000
    < P. 1:101 ack 0               // SND.UNA - MAX.SND.WND is 1
    drop tcp_bad_ack
    > . 2001:2001(0) ack 1
    delivered 0
    < P. 1:101 ack 1
    delivered 100
  )");
}

// smoltcp issue 12: text on an older ACK is still text.
TEST_P(TcpBlindAttack, TextWithAnOlderAckIsTaken) {
  Scripted c = established();
  run(c, R"(
          write 1000
          > P 1:1001 ack 1
    10ms  < . ack 1001
          < P. 1:101 ack 501
          delivered 100
          is bytes_acked 1000
    50ms  > . 1001:1001(0) ack 101
  )");
}

// TCP-181: ten challenges in five seconds, whatever asks for them; then ten again.
TEST_P(TcpBlindAttack, ChallengesAreThrottled) {
  Scripted c = established();
  std::string ten = "10s nothing\n";
  for (int i = 0; i < 10; ++i) ten += "< R 500:500(0)\n > . 1:1(0) ack 1\n";
  run(c, ten + R"(
    < R 500:500(0)
    drop tcp_challenged_reset
    11s nothing
  )");
}

TEST_P(TcpBlindAttack, ThrottleCountsAllKindsAndEndsAfterItsInterval) {
  Scripted c = established({.config = {.challenge_acks = 3}});
  run(c, R"(
    10s      < R 500:500(0)
             > . ack 1
    10.1s    < S 500:500(0)
             > . ack 1
    10.2s    < . 1:1(0) ack 2
             > . ack 1
    10.3s    < R 500:500(0)
             < S 500:500(0)
             < . 1:1(0) ack 2
             < . -100:-100(0) ack 1
             state ESTABLISHED
    14.999s  < R 500:500(0)
    15s      < R 500:500(0)
             > . ack 1
  )");
}

// TCP-182: each segment that is dropped has its reason, each answer that it did not get is counted.
TEST_P(TcpBlindAttack, AnswersThatAreWithheldAreCounted) {
  Scripted c = established({.config = {.challenge_acks = 2}});
  run(c, R"(
    < . 1:1(0) ack 2
    > . ack 1
    < P. 1:101 ack 2
    > . ack 1
  )");
  EXPECT_EQ(c.endpoint().notes() & Note::kChallengeWithheld, 0u);
  run(c, "< . 1:1(0) ack 2\n drop tcp_bad_ack");
  EXPECT_NE(c.endpoint().notes() & Note::kChallengeWithheld, 0u);
}

// TCP-181: the budget is a connection's own: nobody learns from one about another.
TEST_P(TcpBlindAttack, ThrottleIsNotShared) {
  Scripted a = established({.config = {.challenge_acks = 1}});
  Scripted b = established({.config = {.challenge_acks = 1}});
  run(a, "< R 500:500(0)\n > . ack 1\n < R 500:500(0)");
  run(b, "< R 500:500(0)\n > . ack 1");
}

// Being short of challenges does not make a connection deaf to its peer.
TEST_P(TcpBlindAttack, ThrottleDoesNotTouchHonestSegments) {
  Scripted c = established({.config = {.challenge_acks = 0}});
  run(c, R"(
          < R 500:500(0)
          < . 501:601 ack 1
          > . ack 1
          < . 1:501 ack 1
          > . ack 601
          < . 1:501 ack 1
          > . ack 601
  )");
}

// TCP-182, TRAP-28, and smoltcp's challenge-ACK loop: two ends that stand `a` and `b` numbers apart
// from what the other believes.
class TwoStrangers : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(TwoStrangers, DoNotKeepEachOtherBusy) {
  const auto [a_off, b_off] = GetParam();
  Scripted a = script::established();
  Start other;
  other.iss = a.given().start.irs + static_cast<std::uint32_t>(a_off);
  other.irs = a.given().start.iss + static_cast<std::uint32_t>(b_off);
  Scripted b = script::established({.start = other});
  std::deque<Endpoint::Sent>& from_a = a.endpoint().sent();
  std::deque<Endpoint::Sent>& from_b = b.endpoint().sent();

  SegmentOut spark;
  spark.header.seq = a.given().start.irs;
  spark.header.ack = a.given().start.iss + 1;
  a.endpoint().arrives(a.now(), arriving(spark));
  a.endpoint().transmit(a.now());
  int exchanged = 0;
  while ((!from_a.empty() || !from_b.empty()) && exchanged < 1000) {
    ++exchanged;
    std::deque<Endpoint::Sent>& from = from_a.empty() ? from_b : from_a;
    Endpoint& to = from_a.empty() ? a.endpoint() : b.endpoint();
    const SegmentIn segment = arriving(from.front().segment);
    from.pop_front();
    to.arrives(a.now(), segment);
    to.transmit(a.now());
  }
  EXPECT_LE(exchanged, 25);
  EXPECT_TRUE(a.endpoint().faults().empty());
  EXPECT_TRUE(b.endpoint().faults().empty());
}

// TCP-182: nor do they over a path so long that no interval's budget is ever spent at once: what
// one says to the other stays below two segments a second, the segments of a day and not of a line.
TEST_P(TwoStrangers, AreSlowOverALongPath) {
  const auto [a_off, b_off] = GetParam();
  for (const Duration way : {milliseconds(1), milliseconds(100), milliseconds(400), seconds(2)}) {
    Scripted a = script::established();
    Start other;
    other.iss = a.given().start.irs + static_cast<std::uint32_t>(a_off);
    other.irs = a.given().start.iss + static_cast<std::uint32_t>(b_off);
    Scripted b = script::established({.start = other});
    SegmentOut spark;
    spark.header.seq = a.given().start.irs;
    spark.header.ack = a.given().start.iss + 1;
    Instant now = a.now();
    const Instant end = now + seconds(3600);
    std::deque<SegmentIn> on_the_way{arriving(spark)};
    int exchanged = 0;
    for (bool to_a = true; !on_the_way.empty() && now < end; to_a = !to_a, now += way) {
      Endpoint& to = to_a ? a.endpoint() : b.endpoint();
      for (std::deque<SegmentIn> come = std::exchange(on_the_way, {}); !come.empty();
           come.pop_front()) {
        ++exchanged;
        to.arrives(now, come.front());
        to.transmit(now);
      }
      for (; !to.sent().empty(); to.sent().pop_front()) {
        on_the_way.push_back(arriving(to.sent().front().segment));
      }
    }
    EXPECT_LE(exchanged, 2 * 2 * 3600 + 25) << way / milliseconds(1) << " ms";
  }
}

INSTANTIATE_TEST_SUITE_P(Apart, TwoStrangers,
                         ::testing::Values(std::pair{-1, -1}, std::pair{-1, 1}, std::pair{1, -1},
                                           std::pair{1, 1}, std::pair{-2, -2},
                                           std::pair{-1000, -1000}, std::pair{1000, 1000},
                                           std::pair{-1, 500}, std::pair{100'000, 100'000},
                                           std::pair{-100'000, 7}));

}  // namespace
}  // namespace smol::tcp::script
