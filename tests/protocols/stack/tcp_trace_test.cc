// A connection's variables at each of its segments, as who captures gets them.
#include <vector>

#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

struct Seen {
  Direction direction;
  SocketId socket;
  std::size_t packet_octets;
  std::uint32_t tag;
  tcp::Trace trace;
};

class TcpTraceTest : public TcpTest, private SegmentObserver<MemPacket> {
 protected:
  static Host::Options options() {
    Host::Options out;
    out.config.tcp.quick_acks = 0;
    out.config.tcp.pacing = false;
    out.config.tcp.defaults.congestion_control = tcp::CongestionControl::kNewReno;
    return out;
  }
  TcpTraceTest() : TcpTest{options()} { host.stack->set_segment_observer(this); }

  /// What was seen since the last call.
  std::vector<Seen> take() { return std::exchange(seen_, {}); }
  /// The last segment that went this way.
  tcp::Trace last(Direction direction) {
    tcp::Trace out;
    for (const Seen& each : seen_) {
      if (each.direction == direction) out = each.trace;
    }
    seen_.clear();
    return out;
  }
  tcp::Info info(SocketId socket) { return host.stack->tcp_info(socket).value(); }

 private:
  void on_segment(Direction direction, MemPacket& packet, SocketId socket,
                  const tcp::Trace& trace) noexcept override {
    packet.meta().tag = ++tag_;
    seen_.push_back({direction, socket, packet.size(), tag_, trace});
  }

  std::vector<Seen> seen_;
  std::uint32_t tag_ = 0;
};

TEST_F(TcpTraceTest, EachSegmentOfAConnectionIsSeenOnceWithItsSocket) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  take();
  peer.send("P.", "abc");
  write(socket, "defg");
  host.turn();
  const std::vector<Seen> seen = take();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].direction, Direction::kRx);
  EXPECT_EQ(seen[0].socket, socket);
  EXPECT_EQ(seen[1].direction, Direction::kTx);
  EXPECT_EQ(seen[1].socket, socket);
  EXPECT_EQ(seen[1].packet_octets, 4u);  // its headers are yet to come
}

TEST_F(TcpTraceTest, AnArrivalIsSeenAsItLeavesTheConnection) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(14'600));  // all that the window allows: it may grow
  host.turn();
  const std::uint32_t cwnd = info(socket).cwnd;
  peer.take();
  take();
  peer.acknowledge();
  const tcp::Trace trace = last(Direction::kRx);
  EXPECT_EQ(trace.state, tcp::State::kEstablished);
  EXPECT_EQ(trace.snd_una, peer.rcv_nxt);  // it has been taken
  EXPECT_EQ(trace.in_flight, 0u);
  EXPECT_EQ(trace.delivered, 14'600u);
  EXPECT_GT(trace.cwnd, cwnd);
  EXPECT_EQ(trace.cwnd, info(socket).cwnd);
  EXPECT_EQ(trace.phase, tcp::TracePhase::kSlowStart);
  EXPECT_EQ(trace.ssthresh, 0u);  // nothing was lost yet
}

TEST_F(TcpTraceTest, ADepartureIsSeenWithTheBooksAsIfItWereSent) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  take();
  write(socket, pattern(3000));
  host.turn();
  const std::vector<Seen> seen = take();
  ASSERT_EQ(seen.size(), 3u);
  for (const std::uint32_t sent : {1460u, 2920u, 3000u}) {
    const tcp::Trace& trace = seen[sent == 1460 ? 0 : sent == 2920 ? 1 : 2].trace;
    EXPECT_EQ(trace.snd_una.until(trace.snd_nxt), sent);
    EXPECT_EQ(trace.in_flight, sent);
    EXPECT_EQ(trace.unsent, 3000 - sent);
    EXPECT_EQ(trace.marks & ~tcp::Trace::kAppLimited, 0);
  }
}

// All that Info tells too, at the same moment, is the same.
TEST_F(TcpTraceTest, AgreesWithTheInfoOfTheConnection) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  host.turn();
  peer.take();
  host.advance(milliseconds(30));
  take();
  peer.send("P.", "abc");
  const tcp::Trace trace = take().front().trace;
  const tcp::Info now = info(socket);
  EXPECT_EQ(trace.state, now.state);
  EXPECT_EQ(trace.iss, now.iss);
  EXPECT_EQ(trace.irs, now.irs);
  EXPECT_EQ(trace.snd_una, now.snd_una);
  EXPECT_EQ(trace.snd_nxt, now.snd_nxt);
  EXPECT_EQ(trace.rcv_nxt, now.rcv_nxt);
  EXPECT_EQ(trace.snd_wnd, now.snd_wnd);
  EXPECT_EQ(trace.cwnd, now.cwnd);
  EXPECT_EQ(trace.mss, now.mss);
  EXPECT_EQ(trace.in_flight, now.in_flight);
  EXPECT_EQ(trace.sacked, now.sacked);
  EXPECT_EQ(trace.lost, now.lost);
  EXPECT_EQ(trace.unsent, now.unsent);
  EXPECT_EQ(trace.srtt_us, now.srtt / microseconds(1));
  EXPECT_EQ(trace.rttvar_us, now.rttvar / microseconds(1));
  EXPECT_EQ(trace.min_rtt_us, now.min_rtt / microseconds(1));
  EXPECT_EQ(trace.rto_us, now.rto / microseconds(1));
  EXPECT_EQ(trace.congestion, now.congestion_control);
  EXPECT_GT(now.srtt, Duration::zero());
}

TEST_F(TcpTraceTest, ARetransmissionSaysWhatItIsAndWhy) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  write(socket, pattern(100));
  host.turn();
  const Duration rto = info(socket).rto;
  peer.take();
  take();
  host.advance(rto + milliseconds(1));
  const tcp::Trace trace = last(Direction::kTx);
  EXPECT_NE(trace.marks & tcp::Trace::kRetransmission, 0);
  EXPECT_EQ(trace.episode, tcp::TraceEpisode::kLoss);
  EXPECT_EQ(trace.backoff, 1);
  EXPECT_GT(trace.ssthresh, 0u);
}

TEST_F(TcpTraceTest, ATailProbeSaysThatItIsOne) {
  TcpPeer peer = client();
  peer.syn_options.sack_permitted = true;
  const SocketId socket = established(peer);
  for (int i = 0; i < 3; ++i) {  // a round trip to time the probe by
    write(socket, "x");
    host.turn();
    host.advance(milliseconds(20));
    peer.take();
    peer.acknowledge();
  }
  write(socket, pattern(2000));  // two: the peer does not wait to acknowledge
  host.turn();
  peer.take();
  take();
  host.advance(info(socket).rto - milliseconds(1));
  const tcp::Trace trace = last(Direction::kTx);
  EXPECT_NE(trace.marks & tcp::Trace::kTailProbe, 0);
  EXPECT_EQ(trace.episode, tcp::TraceEpisode::kOpen);
}

TEST_F(TcpTraceTest, AWindowProbeSaysThatItIsOne) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.window = 0;
  peer.acknowledge();
  write(socket, pattern(100));
  host.turn();
  take();
  host.advance(seconds(3));
  const tcp::Trace trace = last(Direction::kTx);
  EXPECT_NE(trace.marks & tcp::Trace::kWindowProbe, 0);
  EXPECT_EQ(trace.snd_wnd, 0u);
}

TEST_F(TcpTraceTest, ASegmentThatIsRefusedIsSeenToo) {
  TcpPeer peer = client();
  established(peer);
  take();
  host.receive(peer.segment_at(peer.snd_nxt + 1'000'000, ".", octets_of("far")));
  const std::vector<Seen> seen = take();
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen[0].direction, Direction::kRx);
  EXPECT_EQ(seen[0].trace.rcv_nxt, peer.snd_nxt);
}

TEST_F(TcpTraceTest, WhatHasNoConnectionIsNotSeen) {
  TcpPeer stranger = client(5999, 81);
  stranger.send("S");
  EXPECT_THAT(stranger.take_one(), tcp_is("R."));
  EXPECT_TRUE(take().empty());
}

TEST_F(TcpTraceTest, NobodyIsToldOnceNobodyLooks) {
  TcpPeer peer = client();
  established(peer);
  take();
  host.stack->set_segment_observer(nullptr);
  peer.send("P.", "abc");
  EXPECT_TRUE(take().empty());
}

TEST_F(TcpTraceTest, TheTagStaysWithThePacket) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  peer.take();
  take();
  host.keep_packets = true;
  write(socket, pattern(100));
  host.turn();
  const std::vector<Seen> seen = take();
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(host.kept.size(), 1u);
  EXPECT_EQ(host.kept[0].meta().tag, seen[0].tag);
  host.kept.clear();
}

// --- as text -------------------------------------------------------------------------------------

tcp::Trace full() {
  tcp::Trace out;
  out.socket = 0x1010'0000'1000'0002;
  out.delivered = 9'000'000'000;
  out.pacing_rate = 1'250'000'000;
  out.iss = SeqNumber{0xffff'ff00};
  out.irs = SeqNumber{7};
  out.snd_una = out.iss + 1;
  out.snd_nxt = out.iss + 2897;
  out.rcv_nxt = out.irs + 1;
  out.snd_wnd = 65'160;
  out.rcv_wnd = 64'240;
  out.cwnd = 14'480;
  out.ssthresh = 7240;
  out.mss = 1448;
  out.in_flight = 2896;
  out.unsent = 5;
  out.lost = 6;
  out.sacked = 7;
  out.srtt_us = 310;
  out.rttvar_us = 1'155'004;
  out.min_rtt_us = 290;
  out.rto_us = 204'000;
  out.state = tcp::State::kCloseWait;
  out.waits_for = tcp::WaitsFor::kPeerWindow;
  out.congestion = tcp::CongestionControl::kBbr;
  out.phase = tcp::TracePhase::kProbeBwUp;
  out.episode = tcp::TraceEpisode::kRecovery;
  out.backoff = 2;
  out.marks = tcp::Trace::kRetransmission | tcp::Trace::kAppLimited;
  return out;
}

TEST(TcpTraceText, HasTheWordsOfSs) {
  Text<tcp::Trace::kMaxText> text;
  full().print(text);
  EXPECT_FALSE(text.truncated());
  EXPECT_EQ(text.view(),
            "CLOSE-WAIT bbr probe_bw_up recovery retransmission app-limited cwnd:14480 "
            "ssthresh:7240 in_flight:2896 sacked:7 lost:6 notsent:5 snd_wnd:65160 rcv_wnd:64240 "
            "mss:1448 una:1 nxt:2897 rcv_nxt:1 rtt:0.310/1155.004 minrtt:0.290 rto:204.000 "
            "backoff:2 pacing_rate:1250000000 delivered:9000000000 socket:1157425104502652930 "
            "iss:4294967040 irs:7 waits-for:peer-window");
}

TEST(TcpTraceText, IsReadBackAsItWas) {
  Text<tcp::Trace::kMaxText> text;
  full().print(text);
  EXPECT_EQ(tcp::Trace::parse(text.view()), full());
  text.clear();
  tcp::Trace{}.print(text);
  EXPECT_EQ(tcp::Trace::parse(text.view()), tcp::Trace{});
}

TEST(TcpTraceText, TheLongestFits) {
  tcp::Trace most = full();
  for (std::uint64_t tcp::Trace::*each :
       {&tcp::Trace::socket, &tcp::Trace::delivered, &tcp::Trace::pacing_rate}) {
    most.*each = ~std::uint64_t{0};
  }
  most.cwnd = most.ssthresh = most.in_flight = most.sacked = most.lost = most.unsent = ~0u;
  most.snd_wnd = most.rcv_wnd = most.mss = most.srtt_us = most.rttvar_us = ~0u;
  most.min_rtt_us = most.rto_us = ~0u;
  most.phase = tcp::TracePhase::kConservativeSlowStart;
  most.waits_for = tcp::WaitsFor::kCongestionWindow;
  most.marks = 0x3f;
  most.snd_una = most.snd_nxt = most.iss - 1;
  most.rcv_nxt = most.irs - 1;
  Text<tcp::Trace::kMaxText> text;
  most.print(text);
  EXPECT_FALSE(text.truncated());
  EXPECT_EQ(tcp::Trace::parse(text.view()), most);
}

TEST(TcpTraceText, WhatBeginsWithNoStateIsNone) {
  EXPECT_EQ(tcp::Trace::parse(""), std::nullopt);
  EXPECT_EQ(tcp::Trace::parse("cwnd:14480"), std::nullopt);
}

TEST(TcpTraceText, BrokenAndUnknownWordsArePassedOver) {
  const auto trace = tcp::Trace::parse(
      "ESTAB fast: whatever cwnd:12x mss:1448 rtt:1.2/ rto:99999999999.000 rcv_nxt:  una:5");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->mss, 1448u);
  EXPECT_EQ(trace->cwnd, 0u);
  EXPECT_EQ(trace->srtt_us, 0u);
  EXPECT_EQ(trace->rto_us, 0u);
  EXPECT_EQ(trace->snd_una, SeqNumber{5});
}

TEST(TcpTraceText, EveryPhaseHasItsName) {
  for (int i = 1; i <= static_cast<int>(tcp::TracePhase::kProbeRtt); ++i) {
    const auto phase = static_cast<tcp::TracePhase>(i);
    EXPECT_FALSE(tcp::name(phase).empty());
    EXPECT_EQ(tcp::trace_phase(tcp::name(phase)), phase);
  }
}

}  // namespace
}  // namespace smol
