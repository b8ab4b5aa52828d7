// Behaviours that smoltcp holds its TCP to by name, where no other test of ours is of the same.
// tests/smoltcp.tsv has all of them. What is asked for is right by the RFCs, not what smoltcp does.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpSmoltcp = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpSmoltcp, kStarts, start_name);

// --- opening -------------------------------------------------------------------------------------

struct ShiftRow {
  std::uint32_t buffer;
  int shift;
};
constexpr ShiftRow kShifts[] = {
    {4096, 0},         {65'535, 0},          {65'536, 1},    {131'071, 1},
    {131'072, 2},      {500'000, 3},         {1'000'000, 4}, {1u << 20, 5},
    {100'000'000, 11}, {(1u << 30) - 1, 14}, {1u << 30, 14}};

// listen_syn_win_scale_buffers, connect_syn_win_scale_buffers: the scale is the least by which the
// buffer fits 16 bits; the window of a SYN is not scaled.
TEST_P(TcpSmoltcp, ScaleOffersTheWholeBuffer) {
  for (const ShiftRow& row : kShifts) {
    SCOPED_TRACE(row.buffer);
    const std::string offer = "win " + std::to_string(std::min(row.buffer, 65'535u)) +
                              " <mss 1000,wscale " + std::to_string(row.shift) + ">";
    Scripted active = closed({.receive_buffer = row.buffer, .wscale = 0});
    run(active, "connect\n > S 0:0(0) " + offer);
    Scripted passive = listening({.receive_buffer = row.buffer, .wscale = 0});
    run(passive, "< S 0:0(0) <mss 1000,wscale 0>\n > S. 0:0(0) ack 1 " + offer);
  }
}

// listen_tiny_mss_clamped, listen_zero_mss_ignored: of who connects to us as of whom we connect to.
TEST_P(TcpSmoltcp, ListenerTakesNoMssThatIsTooSmall) {
  for (const auto& [options, mss] :
       {std::pair{"<mss 1>", 88}, std::pair{"<mss 47>", 88}, std::pair{"<mss 0>", 536},
        std::pair{"<>", 536}, std::pair{"<mss 600>", 600}}) {
    SCOPED_TRACE(options);
    Scripted c = listening();
    run(c, "< S 0:0(0) win 5000 " + std::string{options} + "\n > S. 0:0(0) ack 1\n < . ack 1\n" +
               " is mss " + std::to_string(mss) + "\n write " + std::to_string(mss) +
               "\n > P 1:" + std::to_string(mss + 1) + " ack 1");
  }
}

// syn_received_fin: without text, in the segment that ends the handshake.
TEST_P(TcpSmoltcp, FinMayEndTheHandshake) {
  Scripted c = syn_received();
  run(c, R"(
    < F. 1:1(0) ack 1
    > . 1:1(0) ack 2
    event connected
    event peer_closed
    state CLOSE-WAIT
  )");
}

// data_after_syn_ack_retransmit: a SYN-ACK that was sent twice takes one number.
TEST_P(TcpSmoltcp, TextFollowsASynAckThatWentTwice) {
  Scripted c = syn_received();
  run(c, R"(
    1s     > S. 0:0(0) ack 1
    1.1s   < . 1:1(0) ack 1
           write 100
           > P 1:101 ack 1
    1.2s   < . ack 101
           event sent
  )");
}

// --- established ---------------------------------------------------------------------------------

// established_challenge_ack_updated: a challenge says where we stand now, text and window included.
TEST_P(TcpSmoltcp, ChallengeTellsTheNewestNumbers) {
  Scripted c = established();
  run(c, R"(
    < R 5000:5000(0)
    > . 1:1(0) ack 1 win 60000
    write 300
    > P 1:301 ack 1
    < . 1:1001 ack 301
    < R 7000:7000(0)
    > . 301:301(0) ack 1001 win 59000
    state ESTABLISHED
  )");
}

// established_send_fin: the peer's FIN comes while text of ours is queued; it still goes.
TEST_P(TcpSmoltcp, QueuedTextGoesAfterThePeersFin) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    write 3000
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    < F. ack 1
    > . 2001:2001(0) ack 2
    state CLOSE-WAIT
    < . ack 2001
    > P 2001:3001 ack 2
    < . ack 3001
    event sent
  )");
}

// fin_wait_1_fin_with_data_queued: the FINs cross while text of ours waits for room.
TEST_P(TcpSmoltcp, FinsCrossWhileTextIsQueued) {
  Scripted c = established({.cwnd = 2000});
  run(c, R"(
    burst
    write 3000
    shutdown
    end
    > . 1:1001 ack 1
    > . 1001:2001 ack 1
    state FIN-WAIT-1
    < F. 1:1(0) ack 1
    > . 2001:2001(0) ack 2
    state CLOSING
    < . 2:2(0) ack 2001
    > FP 2001:3001 ack 2
    < . 2:2(0) ack 3002
    state TIME-WAIT
  )");
}

// --- closing -------------------------------------------------------------------------------------

// last_ack_duplicate_ack_challenge: smoltcp answers a duplicate ACK with a challenge, which two
// ends can bounce for a while. Ours says nothing: the ACK is within RFC 5961's range and tells
// nothing new.
TEST_P(TcpSmoltcp, DuplicateAckInLastAckIsNotAnswered) {
  Scripted c = close_wait();
  run(c, R"(
           close
           > F. 1:1(0) ack 2
    10ms   < . ack 1
           no event challenge_ack
           state LAST-ACK
    20ms   < . ack 9
           event challenge_ack          // of what was never sent
           > . 2:2(0) ack 2
           state LAST-ACK
    30ms   < . ack 2
           event closed
  )");
}

// simultaneous_close_combined: the peer's FIN comes with the ACK of our text and not of our FIN.
TEST_P(TcpSmoltcp, FinWithTheAckOfTheTextAlone) {
  Scripted c = established();
  run(c, R"(
    burst
    write 100
    shutdown
    end
    > FP. 1:101 ack 1
    < F. 1:1(0) ack 101
    > . 102:102(0) ack 2
    state CLOSING
    < . ack 102
    state TIME-WAIT
  )");
}

// --- loss ----------------------------------------------------------------------------------------

// fast_retransmit_zero_window: duplicates with a shut window are probes' answers; nothing loops.
TEST_P(TcpSmoltcp, DuplicatesOfAShutWindowResendNothing) {
  Scripted c = established();
  run(c, R"(
    0ms    write 3000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > P 2001:3001 ack 1
    10ms   < . ack 1 win 0
           < . ack 1 win 0
           < . ack 1 win 0
           < . ack 1 win 0
           no event fast_retransmit
           is sum_retrans 0
    20ms   < . ack 3001 win 5000
           event sent
  )");
}

// test_data_retransmit_ack_more_than_expected, bursts_half_ack_close: a FIN that was asked for
// while the first half was being acknowledged follows the second.
TEST_P(TcpSmoltcp, FinAskedForInMidBurstFollowsTheText) {
  Scripted c = established();
  run(c, R"(
    0ms    write 4000
           > . 1:1001 ack 1
           > . 1001:2001 ack 1
           > . 2001:3001 ack 1
           > P 3001:4001 ack 1
    10ms   < . ack 2001
           shutdown
           > F 4001:4001(0) ack 1
    20ms   < . ack 4002
           state FIN-WAIT-2
  )");
}

// --- window --------------------------------------------------------------------------------------

// window_update_with_delayed_ack: what reading has made room for is said at once, and the ACK that
// was being held back goes along.
TEST_P(TcpSmoltcp, WindowUpdateTakesTheDelayedAckAlong) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    0ms    < . 1:1001 ack 1
           < . 1001:2001 ack 1
           > . ack 2001 win 2096
    10ms   < . 2001:3001 ack 1
           nothing
    15ms   read all
           > . ack 3001 win 4096
    +1h    nothing
  )");
}

// zero_window_ack_on_window_growth: a window that was shut is announced as soon as a segment fits,
// without a probe; less than one is not worth a word.
TEST_P(TcpSmoltcp, ShutWindowIsAnnouncedOnceASegmentFits) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    < . 1:1001 ack 1
    < . 1001:2001 ack 1
    > . ack 2001
    < . 2001:3001 ack 1
    < . 3001:4097 ack 1
    > . ack 4097 win 0
    read 900
    nothing
    read 200
    > . ack 4097 win 1100
  )");
}

// zero_window_fin: a bare FIN has no room in a shut window; it is answered and not taken.
TEST_P(TcpSmoltcp, BareFinHasNoRoomInAShutWindow) {
  Scripted c = established({.receive_buffer = 4096});
  run(c, R"(
    < . 1:2049 ack 1
    > . ack 2049
    < . 2049:4097 ack 1
    > . ack 4097 win 0
    < F. 4097:4097(0) ack 1
    > . ack 4097 win 0
    state ESTABLISHED
    read all
    > . ack 4097 win 4096
    < F. 4097:4097(0) ack 1
    > . ack 4098
    state CLOSE-WAIT
  )");
}

// --- what a connection does not inherit ----------------------------------------------------------

// reset keeps remote_has_sack, timestamps and duplicate counts (a defect of smoltcp's): the next
// connection of the same listener begins with what its own SYN says.
TEST_P(TcpSmoltcp, NextConnectionInheritsNothing) {
  Scripted c = listening({.receive_buffer = 1 << 20, .timestamps = true, .wscale = 7});
  run(c, R"(
    < S 0:0(0) <mss 1000,sackOK,TS,wscale 7>
    > S. 0:0(0) ack 1
    < R. 1:1(0) ack 1
    state LISTEN
    < S 0:0(0) <mss 700>
    > S. 0:0(0) ack 1 win 65535 <mss 1012>
    < . 1:1(0) ack 1 <>
    state ESTABLISHED
    is timestamps 0
    is snd_wind_shift 0
    is rcv_wind_shift 0
    is mss 700
    is dup_acks_in 0
  )");
}

}  // namespace
}  // namespace smol::tcp::script
