// Urgent data: RFC 9293 section 3.8.5, RFC 6093.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpUrgent = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpUrgent, kStarts, start_name);

// TCP-119, TCP-123: the pointer is of the octet behind the urgent data.
TEST_P(TcpUrgent, WriteSaysWhereUrgentDataEnds) {
  Scripted c = established();
  run(c, R"(
    0ms   write 10
          > P. 1:11 ack 1
          write urgent 5
          > U. 11:11(0) ack 1 urg 5      // at once, though Nagle holds the text
          < . ack 11
          > PU. 11:16 ack 1 urg 5
          < . ack 16
          write 10
          > P. 16:26 ack 1
  )");
}

// TCP-119: a pointer without the flag says nothing.
TEST_P(TcpUrgent, PointerWithoutTheFlagSaysNothing) {
  Scripted c = established();
  run(c, "< P. 1:11 ack 1 urg 5\n no event urgent\n urgent 0\n 40ms > . ack 11");
}

// TCP-121: who has said all can still be told.
TEST_P(TcpUrgent, ArrivalIsToldAfterOurFinToo) {
  Scripted first = fin_wait_1();
  Scripted second = fin_wait_2();
  for (Scripted* c : {&first, &second}) {
    c->failure_of("< U. 1:11 ack 1 urg 5\n event urgent");
    EXPECT_EQ(c->info().urgent, 5u);
  }
}

// TCP-124: nothing is urgent that was not said to be.
TEST_P(TcpUrgent, PlainTextIsNeverUrgent) {
  Scripted c = established();
  run(c,
      "write 1500\n > . 1:1001 ack 1\n > P. 1001:1501 ack 1\n < . 1:101 ack 1501\n 40ms > . ack "
      "101");
}

// TCP-119: ordinary data in front goes along; all of it is told to be on its way to the mark.
TEST_P(TcpUrgent, DataInFrontSaysHowFarItIs) {
  Scripted c = established();
  run(c, R"(
    burst
    write 1999
    write urgent 1
    write 500
    end
    > U. 1:1001 ack 1 urg 2000
    > U. 1001:2001 ack 1 urg 1000
    > P. 2001:2501 ack 1
  )");
}

// TCP-119: told where no text may go, too.
TEST_P(TcpUrgent, IsToldThoughTheWindowIsShut) {
  Scripted c = established();
  run(c, R"(
    0ms   write 10
          > P. 1:11 ack 1
          < . ack 11 win 0
          write urgent 5
          > U. 11:11(0) ack 1 urg 5
    10ms  < . ack 11 win 5000
          > PU. 11:16 ack 1 urg 5
          < . ack 16
    20ms  < P. 1:11 ack 16
    60ms  > . 16:16(0) ack 11
  )");
}

// TCP-120, MUST-31: the pointer has 16 bits, the run any length.
TEST_P(TcpUrgent, RunLongerThanThePointerIsToldAsItComesNearer) {
  Scripted c = established({.mss = 1000, .cwnd = 100'000, .window = 0xffff, .wscale = 2});
  Endpoint& e = c.endpoint();
  e.write(c.now(), 70'000, true);
  e.transmit(c.now());
  auto& sent = e.sent();
  ASSERT_EQ(sent.size(), 65u) << "the window";
  for (std::uint32_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].segment.header.urgent, std::min(70'000u - 1000u * i, 65'535u)) << i;
  }
  sent.clear();
}

// TCP-120, TCP-121, TCP-122
TEST_P(TcpUrgent, ArrivalIsToldAndItsEndIsKnown) {
  Scripted c = established();
  run(c, R"(
    no event urgent
    urgent 0
    < U. 1:1(0) ack 1 urg 5      // told before the text is here
    event urgent
    urgent 5
    no event readable
    < U. 1:11 ack 1 urg 5        // nothing new: the same mark
    no event urgent
    read 4
    urgent 1
    read 1
    urgent 0 mark
    read 1
    urgent 0
    read 4
    < PU. 11:21 ack 1 urg 11     // more, beyond what is here
    event urgent
    urgent 11
    delivered 20
    read 10
    urgent 1
    < P. 21:31 ack 1
    40ms > . ack 31
  )");
}

// TCP-120: 70,000 urgent octets are delivered like any other.
TEST_P(TcpUrgent, LongRunIsDelivered) {
  Scripted c = established({.mss = 1000, .receive_buffer = 100'000, .wscale = 2});
  std::string script;
  for (int i = 0; i < 70; ++i) {
    const int left = 70'000 - 1000 * i;
    script += "< U. " + std::to_string(1 + 1000 * i) + ":" + std::to_string(1001 + 1000 * i) +
              " ack 1 urg " + std::to_string(std::min(left, 65'535)) + "\n";
    if (i % 2 == 1) script += "> . ack " + std::to_string(1001 + 1000 * i) + "\n";
  }
  run(c, script +
             "event urgent\n delivered 70000\n urgent 70000\n read all\n urgent 0 mark\n > . ack "
             "70001");
}

// TCP-125, TRAP-43: pointers that make no sense change nothing of the stream.
TEST_P(TcpUrgent, PointersWithoutSenseAreBorne) {
  Scripted c = established();
  run(c, R"(
    < U. 1:1001 ack 1 urg 0            // none
    no event urgent
    < U. 1001:2001 ack 1 urg 65535     // beyond the window
    > . ack 2001
    event urgent
    delivered 2000
    < U. 2001:3001 ack 1 urg 10        // receding
    no event urgent
    read all
    urgent 63535
    < . 3001:4001 ack 1
    > . ack 4001
    delivered 4000
  )");
  EXPECT_EQ(c.delivered(), ".*4000");
  Scripted old = established();
  run(old, R"(
    < . 1:1001 ack 1
    read all
    < U. 901:1101 ack 1 urg 50         // of what was read
    > . ack 1101
    no event urgent
    urgent 0
    < U. 5001:5001(0) ack 1 urg 1      // without text, out of order
    event urgent
    delivered 1100
  )");
}

// TCP-125: after the peer's FIN there is nothing that could be urgent.
TEST_P(TcpUrgent, IsIgnoredAfterTheFin) {
  Scripted c = close_wait();
  run(c, "< U. 2:2(0) ack 1 urg 5\n no event urgent\n urgent 0");
}

// TCP-102: though our window is shut.
TEST_P(TcpUrgent, IsHeardThoughOurWindowIsShut) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    < . 1:4097 ack 1
    > . ack 4097 win 0
    < U. 4097:4098 ack 1 urg 1
    > . ack 4097 win 0
    event urgent
    urgent 4097
    delivered 4096
  )");
}

// A segment out of the window says nothing, urgent or not.
TEST_P(TcpUrgent, IsIgnoredOutOfTheWindow) {
  Scripted c = established();
  run(c, "< U. 90001:90002 ack 1 urg 1\n > . ack 1\n no event urgent");
}

}  // namespace
}  // namespace smol::tcp::script
