// TIME-WAIT: what a record answers (RFC 9293 section 3.10.7.4, RFC 6191, RFC 1337), and the ring.
#include "protocols/tcp/time_wait.hh"

#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpTimeWait = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpTimeWait, kStarts, start_name);

// TCP-039: the FIN again is acknowledged, and 2 MSL begin anew.
TEST_P(TcpTimeWait, RestartsWithTheFin) {
  Scripted c = time_wait();
  run(c, R"(
    50s   < F. 1:1(0) ack 2
          > . 2:2(0) ack 2
    109s  state TIME-WAIT
    110s  state CLOSED
  )");
}

// A FIN that is not the peer's, or without ACK, does not.
TEST_P(TcpTimeWait, RestartsWithNoOtherFin) {
  Scripted c = time_wait();
  run(c, R"(
    50s  < F. 5:5(0) ack 2
         > . 2:2(0) ack 2
         < F 1:1(0)
         < F. -99:1 ack 2          // text in front of it, its end where it was: the same FIN
         > . 2:2(0) ack 2
    109s state TIME-WAIT
    110s state CLOSED
  )");
  Scripted other = time_wait();
  run(other, "50s < F. 5:5(0) ack 2\n > . 2:2(0) ack 2\n 59s state TIME-WAIT\n 60s state CLOSED");
}

// TCP-038, TRAP-29: RFC 1337's assassination does not come off.
TEST_P(TcpTimeWait, IgnoresResets) {
  Scripted c = time_wait();
  run(c, R"(
    1s   < . -99:1 ack 2           // an old duplicate
         > . 2:2(0) ack 2
         < R 2:2(0)                // what the peer makes of our ACK
         < R. 2:2(0) ack 2
         drop tcp_time_wait
         state TIME-WAIT
    60s  state CLOSED
  )");
}

TEST_P(TcpTimeWait, AnswersTextAndNoBareAck) {
  Scripted c = time_wait();
  run(c, R"(
    < . 2:102 ack 2
    > . 2:2(0) ack 2
    < . 2:2(0) ack 2
    < . 9999:9999(0) ack 1
    < - 2:102
    state TIME-WAIT
    delivered 0
  )");
}

// The last ACK has the clock of now and what the connection had agreed on.
TEST_P(TcpTimeWait, AnswersWithTimestampsAndWindow) {
  Scripted c = time_wait({.receive_buffer = 1 << 20, .timestamps = true, .wscale = 2});
  run(c, "5s < F. 1:1(0) ack 2\n > . 2:2(0) ack 2 win 32767 <TS val 5100 ecr 100>");
  Scripted plain = time_wait();
  run(plain, "5s < F. 1:1(0) ack 2\n > . 2:2(0) ack 2 win 59999 <>");
}

// TCP-036, TCP-037, TRAP-30: rows of RFC 6191 section 2. The old connection ended at 2.
struct ReopenRow {
  const char* sentence;
  bool timestamps;  ///< of the old connection; its last was 100
  const char* syn;
  bool reopens;
};

class TcpReopen : public ::testing::TestWithParam<ReopenRow> {};

TEST_P(TcpReopen, FollowsRfc6191) {
  const ReopenRow& row = GetParam();
  Scripted c = script::time_wait({.timestamps = row.timestamps});
  c.endpoint().listen();
  const std::optional<std::string> ignored =
      c.failure_of("1s < " + std::string{row.syn} + "\n state TIME-WAIT");
  EXPECT_EQ(ignored.has_value(), row.reopens) << row.sentence << '\n' << ignored.value_or("");
  if (row.reopens) {
    EXPECT_EQ(c.state(), State::kSynReceived) << row.sentence;
    // TRAP-30: our numbers begin behind those of the old connection.
    EXPECT_TRUE(c.info().iss.after(c.given().start.iss + 2)) << row.sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, TcpReopen,
    ::testing::Values(
        ReopenRow{"newer timestamp", true, "S 3:3(0) <TS val 101 ecr 0>", true},
        ReopenRow{"newer timestamp, lower number", true, "S -9:-9(0) <TS val 101 ecr 0>", true},
        ReopenRow{"same timestamp, higher number", true, "S 3:3(0) <TS val 100 ecr 0>", true},
        ReopenRow{"same timestamp, lower number", true, "S 1:1(0) <TS val 100 ecr 0>", false},
        ReopenRow{"same timestamp, same number", true, "S 2:2(0) <TS val 100 ecr 0>", false},
        ReopenRow{"older timestamp, higher number", true, "S 3:3(0) <TS val 99 ecr 0>", false},
        ReopenRow{"had timestamps, has none, higher", true, "S 3:3(0) <mss 1460>", true},
        ReopenRow{"had timestamps, has none, lower", true, "S 1:1(0) <mss 1460>", false},
        ReopenRow{"had none, has timestamps, higher", false, "S 3:3(0) <TS val 1 ecr 0>", true},
        ReopenRow{"had none, has timestamps, lower", false, "S 1:1(0) <TS val 9999 ecr 0>", false},
        ReopenRow{"neither, higher", false, "S 3:3(0) <mss 1460>", true},
        ReopenRow{"neither, lower", false, "S 1:1(0) <mss 1460>", false},
        ReopenRow{"neither, the last number", false, "S 2:2(0) <mss 1460>", false},
        ReopenRow{"a SYN-ACK never", false, "S. 3:3(0) ack 2 <mss 1460>", false}));

// TCP-037: half a circle on, timestamps compare as on a circle.
TEST_P(TcpTimeWait, ComparesTimestampsOnACircle) {
  for (const auto& [val, reopens] :
       {std::pair{0x7fff'ffff, true}, std::pair{-0x7fff'0000, false}}) {
    Scripted c = time_wait({.timestamps = true});
    c.endpoint().listen();
    c.failure_of("1s < S 1:1(0) <TS val " + std::to_string(val) + " ecr 0>\n > S. 0:0(0) ack 1");
    EXPECT_EQ(c.state() == State::kSynReceived, reopens);
  }
}

// --- the ring ------------------------------------------------------------------------------------

TimeWait record(std::uint16_t port) {
  TimeWait out;
  out.flow.local_port = port;
  return out;
}

std::vector<std::uint16_t> ports(const TimeWaitRing& ring) {
  std::vector<std::uint16_t> out;
  ring.for_each([&](const TimeWait& each) { out.push_back(each.flow.local_port); });
  return out;
}

// TCP-045: compact, bounded, the oldest first.
TEST(TcpTimeWaitRing, KeepsTheOrderOfTheEnds) {
  TimeWaitRing ring{3, *std::pmr::get_default_resource()};
  EXPECT_TRUE(ring.empty());
  const std::uint32_t a = ring.push(record(1));
  const std::uint32_t b = ring.push(record(2));
  EXPECT_NE(a, b);
  EXPECT_EQ(ring.at(a).flow.local_port, 1);
  EXPECT_EQ(ring.at(b).flow.local_port, 2);
  EXPECT_EQ(ring.front(), a);
  EXPECT_FALSE(ring.full());
  ring.push(record(3));
  EXPECT_TRUE(ring.full());
  EXPECT_EQ(ports(ring), (std::vector<std::uint16_t>{1, 2, 3}));

  ring.pop_front();
  EXPECT_FALSE(ring.full());
  EXPECT_EQ(ring.front(), b);
  const std::uint32_t d = ring.push(record(4));
  EXPECT_EQ(d, a) << "the place that came free";
  EXPECT_EQ(ports(ring), (std::vector<std::uint16_t>{2, 3, 4}));
}

TEST(TcpTimeWaitRing, GoesRoundManyTimes) {
  TimeWaitRing ring{4, *std::pmr::get_default_resource()};
  for (std::uint16_t port = 0; port < 1000; ++port) {
    if (ring.full()) ring.pop_front();
    const std::uint32_t slot = ring.push(record(port));
    EXPECT_LT(slot, 4u);
    EXPECT_EQ(ring.at(slot).flow.local_port, port);
  }
  EXPECT_EQ(ports(ring), (std::vector<std::uint16_t>{996, 997, 998, 999}));
}

TEST(TcpTimeWaitRing, SkipsWhatIsGone) {
  TimeWaitRing ring{3, *std::pmr::get_default_resource()};
  ring.push(record(1));
  ring.at(ring.push(record(2))).gone = true;
  ring.push(record(3));
  EXPECT_EQ(ports(ring), (std::vector<std::uint16_t>{1, 3}));
}

TEST(TcpTimeWaitRing, HoldsARecordInACacheLine) {
  EXPECT_LE(sizeof(TimeWait), 64u);
}

}  // namespace
}  // namespace smol::tcp::script
