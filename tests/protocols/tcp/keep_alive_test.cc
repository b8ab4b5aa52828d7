// Keep-alive: RFC 9293 section 3.8.4.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpKeepAlive = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpKeepAlive, kStarts, start_name);

SocketOptions ten_seconds(std::uint8_t probes = 9) {
  SocketOptions out;
  out.keep_alive = seconds(10);
  out.keep_alive_interval = seconds(5);
  out.keep_alive_probes = probes;
  return out;
}

// TCP-079
TEST_P(TcpKeepAlive, IsOffByDefault) {
  Scripted c = established();
  run(c, "30d nothing\n state ESTABLISHED");
}

// TCP-077, TCP-078, TCP-081, TCP-084: no text, at SND.NXT-1; on in the options.
TEST_P(TcpKeepAlive, ProbesAnIdleConnection) {
  Scripted c = established({.options = ten_seconds()});
  run(c, R"(
    9.9s    nothing
    10s     > . 0:0(0) ack 1
            event keep_alive
    10.1s   < . ack 1
    20.1s   > . 0:0(0) ack 1       // since what was last received
    20.2s   < . ack 1
    30.2s   > . 0:0(0) ack 1
  )");
}

// TCP-082: who switches it on names the interval; where nobody knows better it is two hours.
TEST_P(TcpKeepAlive, IsEveryTwoHoursUnlessSomebodyKnowsBetter) {
  SocketOptions options;
  options.keep_alive = SocketOptions::kKeepAlive;
  Scripted c = established({.options = options});
  run(c, R"(
    7199s   nothing
    7200s   > . 0:0(0) ack 1
  )");
}

// TCP-085: with one octet that means nothing, and may be delivered to nobody.
TEST_P(TcpKeepAlive, ProbesWithAGarbageOctetIfAskedTo) {
  SocketOptions options = ten_seconds();
  options.keep_alive_octet = true;
  Scripted c = established({.options = options});
  run(c, R"(
    0s      write 100
            > P 1:101 ack 1
    100ms   < . ack 101
    10.1s   > . 100:101 ack 1
    10.2s   < . ack 101
            is bytes_acked 100
  )");
}

// It is marked as no part of the stream.
TEST_P(TcpKeepAlive, GarbageIsMarked) {
  SocketOptions options = ten_seconds();
  options.keep_alive_octet = true;
  Scripted c = established({.options = options});
  c.endpoint().timeout(c.now() + seconds(10));
  c.endpoint().transmit(c.now() + seconds(10));
  ASSERT_EQ(c.endpoint().sent().size(), 1u);
  EXPECT_TRUE(c.endpoint().sent().front().segment.garbage);
  EXPECT_EQ(c.endpoint().sent().front().segment.len, 1u);
}

// TCP-083, smoltcp's keep-alive timeout: N unanswered ones end it, one alone does not.
TEST_P(TcpKeepAlive, EndsAfterAsManyProbesAsAskedFor) {
  Scripted c = established({.options = ten_seconds(3)});
  run(c, R"(
    10s     > . 0:0(0) ack 1
    15s     > . 0:0(0) ack 1
    20s     > . 0:0(0) ack 1
    24.9s   state ESTABLISHED
    25s     event closed:ETIMEDOUT
  )");
}

TEST_P(TcpKeepAlive, LostProbeIsNotTheEnd) {
  Scripted c = established({.options = ten_seconds(3)});
  run(c, R"(
    10s     > . 0:0(0) ack 1
    15s     > . 0:0(0) ack 1
    15.1s   < . ack 1
    25.1s   > . 0:0(0) ack 1       // the count begins anew
    30.1s   > . 0:0(0) ack 1
    35.1s   > . 0:0(0) ack 1
    40.1s   event closed:ETIMEDOUT
  )");
}

// TCP-080: nothing received for the interval: text counts, and an ACK.
TEST_P(TcpKeepAlive, WaitsWhileThePeerSpeaks) {
  Scripted c = established({.options = ten_seconds()});
  run(c, R"(
    8s      < . 1:11 ack 1
    8.04s   > . ack 11
    17.9s   nothing
    18s     > . 0:0(0) ack 11
  )");
}

// A peer that probes us is alive.
TEST_P(TcpKeepAlive, WaitsWhileThePeerProbes) {
  Scripted c = established({.options = ten_seconds()});
  run(c, R"(
    8s      < . 0:0(0) ack 1
            > . 1:1(0) ack 1
    17.9s   nothing
    18s     > . 0:0(0) ack 1
  )");
}

// smoltcp: what is out of place does not put it off.
TEST_P(TcpKeepAlive, WaitsForNoStranger) {
  Scripted c = established({.options = ten_seconds()});
  run(c, R"(
    8s      < . 70000:70100 ack 1
            > . 1:1(0) ack 1
            < R 70000:70000(0)
            < S 500:500(0)
            > . 1:1(0) ack 1
    10s     > . 0:0(0) ack 1
  )");
}

// TCP-080: data in flight has a timer of its own.
TEST_P(TcpKeepAlive, IsQuietWhileDataIsInFlight) {
  Scripted c = established({.options = ten_seconds()});
  run(c, R"(
    9.8s    write 1000
            > P 1:1001 ack 1
    10.1s   > P 1:1001 ack 1
    10.7s   > P 1:1001 ack 1
    11.9s   > P 1:1001 ack 1
    14.3s   > P 1:1001 ack 1
    19.1s   > P 1:1001 ack 1
    20.1s   < . ack 1001
    30.1s   > . 1000:1000(0) ack 1
  )");
}

// So has a shut window.
TEST_P(TcpKeepAlive, IsQuietWhileTheWindowIsProbed) {
  Scripted c = established({.window = 0, .options = ten_seconds()});
  run(c, R"(
            write 100
    0.3s    > . 1:2 ack 1
            < . ack 1
    0.9s    > . 1:2 ack 1
            < . ack 1
    2.1s    > . 1:2 ack 1
            < . ack 1
    4.5s    > . 1:2 ack 1
            < . ack 1
    9.3s    > . 1:2 ack 1
            < . ack 1
    18.9s   > . 1:2 ack 1
            < . ack 1
    38s     nothing
  )");
}

// RFC 5482: with a user timeout the last word falls then.
TEST_P(TcpKeepAlive, EndsByTheUserTimeout) {
  SocketOptions options = ten_seconds(9);
  options.user_timeout = seconds(17);
  Scripted c = established({.options = options});
  run(c, R"(
    10s     > . 0:0(0) ack 1
    15s     > . 0:0(0) ack 1
    16.9s   state ESTABLISHED
    17s     event closed:ETIMEDOUT
  )");
}

// One shorter than the interval: a probe goes unanswered all the same before it is the end.
TEST_P(TcpKeepAlive, ProbesOnceBeforeAShortUserTimeout) {
  SocketOptions options = ten_seconds(9);
  options.user_timeout = seconds(3);
  Scripted c = established({.options = options});
  run(c, "10s > . 0:0(0) ack 1\n 14.9s state ESTABLISHED\n 15s event closed:ETIMEDOUT");
  Scripted answered = established({.options = options});
  run(answered, "10s > . 0:0(0) ack 1\n 10.1s < . ack 1\n 20.1s > . 0:0(0) ack 1");
}

// A user timeout without end leaves the count of probes.
TEST_P(TcpKeepAlive, EndsByItsCountWithAnEndlessUserTimeout) {
  SocketOptions options = ten_seconds(1);
  options.user_timeout = SocketOptions::kForever;
  Scripted c = established({.options = options});
  run(c, "10s > . 0:0(0) ack 1\n 15s event closed:ETIMEDOUT");
}

// TCP-078: on and off while it is open.
TEST_P(TcpKeepAlive, CanBeSwitchedOnAndOff) {
  Scripted c = established();
  run(c, "1h nothing");
  c.set_options(ten_seconds());
  run(c, "9.9s nothing\n 10s > . 0:0(0) ack 1\n 10.1s < . ack 1");
  c.set_options({});
  run(c, "1h nothing");
}

// Setting it again to what it was does not begin anew.
TEST_P(TcpKeepAlive, SameSettingChangesNothing) {
  Scripted c = established({.options = ten_seconds()});
  run(c, "6s nothing");
  c.set_options(ten_seconds());
  run(c, "3.9s nothing\n 4s > . 0:0(0) ack 1");
}

// It begins with the connection, also when it was asked for before that.
TEST_P(TcpKeepAlive, BeginsOnceItIsOpen) {
  Scripted c = syn_sent({.config = {.initial_rto = seconds(60)}});
  c.set_options(ten_seconds());
  run(c,
      "30s < S. 0:0(0) ack 1 <mss 1000>\n > . 1:1(0) ack 1\n 39.9s nothing\n 40s > . 0:0(0) ack 1");
}

// A connection that is over has none, whatever is set on it.
TEST_P(TcpKeepAlive, IsNoneOfAClosedConnection) {
  Scripted c = established();
  run(c, "< R 1:1(0)\n event closed:ECONNRESET");
  c.endpoint().connection().set_options(c.endpoint().context(), c.now(), ten_seconds());
  EXPECT_EQ(c.endpoint().connection().deadline(), kNever);
}

// smoltcp: it works in CLOSE-WAIT and FIN-WAIT-2 as well.
TEST_P(TcpKeepAlive, WorksAfterHalfACloseToo) {
  Scripted passive = close_wait({.options = ten_seconds()});
  run(passive, "9.9s nothing\n 10s > . 0:0(0) ack 2");
  Scripted active = fin_wait_2({.options = ten_seconds()});
  run(active, "10s > . 1:1(0) ack 1\n 10.1s < . ack 2\n 20.1s > . 1:1(0) ack 1");
}

// Timestamps go with it, and the peer's count.
TEST_P(TcpKeepAlive, CarriesTimestamps) {
  Scripted c = established({.timestamps = true, .options = ten_seconds()});
  run(c, "10s > . 0:0(0) ack 1 <TS val 10100 ecr 100>");
}

}  // namespace
}  // namespace smol::tcp::script
