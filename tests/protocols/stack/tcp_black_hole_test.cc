// Paths on which long packets vanish without a word: RFC 2923 section 2.1, RFC 4821.
#include "tests/protocols/stack/stack_fixture.hh"
#include "tests/support/pair.hh"

namespace smol {
namespace {

/// A connection between two hosts.
class TcpBlackHoleTest : public ::testing::TestWithParam<IpFamily> {
 protected:
  static Host::Options options(tcp::PathProbing probing) {
    Host::Options out;
    out.packets = 4096;
    out.config.tcp.path_probing = probing;
    return out;
  }
  bool v4() const { return GetParam() == IpFamily::kIp4; }
  /// Of a segment in a packet of `mtu` octets: both ends have timestamps.
  std::uint32_t payload(std::uint32_t mtu) const { return mtu - (v4() ? 40 : 60) - 12; }

  void connect(Pair& pair) {
    TcpListenOptions listen;
    listen.local = {v4() ? Pair::address4(1) : Pair::address6(1), 80};
    const SocketId listener = pair.b.stack->tcp_listen(listen).value();
    TcpConnectOptions to;
    to.remote = listen.local;
    // One whose ssthresh is set by loss alone.
    to.socket.congestion_control = tcp::CongestionControl::kNewReno;
    from = pair.a.stack->tcp_connect(to).value();
    Result<SocketId, Error> accepted = fail(Error::kWouldBlock);
    ASSERT_TRUE(pair.run([&] {
      accepted = pair.b.stack->tcp_accept(listener);
      return accepted.has_value();
    }));
    at = *accepted;
  }
  /// Octets from a to b, whole and in order.
  bool transfer(Pair& pair, std::size_t octets, int most_steps = 20'000) {
    Octets got;
    Octets room(65'536);
    const std::size_t begin = sent;
    return pair.run(
        [&] {
          while (sent < begin + octets) {
            const Octets piece =
                pattern(std::min<std::size_t>(10'000, begin + octets - sent), sent);
            const std::size_t n = pair.a.stack->write(from, piece).value_or(0);
            sent += n;
            if (n < piece.size()) break;
          }
          while (const std::size_t n = pair.b.stack->read(at, room)) {
            const Octets piece{room.begin(), room.begin() + static_cast<long>(n)};
            EXPECT_EQ(piece, pattern(n, received));
            received += n;
          }
          return received == begin + octets;
        },
        most_steps);
  }
  tcp::Info info(Pair& pair) { return pair.a.stack->tcp_info(from).value(); }
  std::uint32_t mss(Pair& pair) { return info(pair).mss; }
  /// A transfer that begins with short segments over a path of 1400 octets finds that out, and
  /// loses the probes alone.
  void find_1400_at_no_cost(const Host::Options& options) {
    Pair pair{options};
    pair.longest = 1400;
    connect(pair);
    EXPECT_EQ(mss(pair), payload(v4() ? 1024 : 1280));
    ASSERT_TRUE(transfer(pair, 3'000'000));
    EXPECT_LE(mss(pair), payload(1400));
    EXPECT_GT(mss(pair) + 8, payload(1400));
    EXPECT_GE(pair.vanished, 2u);
    EXPECT_LE(pair.vanished, 8u) << "one segment each";
    EXPECT_EQ(info(pair).timeouts, 0u);
    EXPECT_EQ(info(pair).fast_retrans, 0u);
    EXPECT_GT(info(pair).ssthresh, 1u << 29) << "never cut";
  }

  SocketId from;
  SocketId at;
  std::size_t sent = 0;
  std::size_t received = 0;
};

INSTANTIATE_TEST_SUITE_P(Over, TcpBlackHoleTest, ::testing::Values(IpFamily::kIp4, IpFamily::kIp6),
                         [](const auto& family) {
                           return family.param == IpFamily::kIp4 ? "Ip4" : "Ip6";
                         });

// TRAP-39, TCP-253: the transfer goes on after two timeouts, and finds what the path carries.
TEST_P(TcpBlackHoleTest, ATransferEscapesAndFindsWhatThePathCarries) {
  Pair pair{options(tcp::PathProbing::kBlackHole)};
  connect(pair);
  pair.longest = 1400;
  ASSERT_TRUE(transfer(pair, 100'000, 3000)) << "within three seconds";
  EXPECT_EQ(pair.a.stack->counters().tcp_black_holes.value(), 1u);
  ASSERT_TRUE(transfer(pair, 2'000'000));
  EXPECT_LE(mss(pair), payload(1400));
  EXPECT_GT(mss(pair) + 8, payload(1400));
  EXPECT_GE(pair.a.stack->counters().tcp_mtu_probes.value(), 3u);
  EXPECT_GE(pair.a.stack->counters().tcp_mtu_probes_arrived.value(), 1u);
}

// TRAP-39: the path becomes one in the middle of things.
TEST_P(TcpBlackHoleTest, APathThatNarrowsUnderATransferIsEscapedToo) {
  Pair pair{options(tcp::PathProbing::kBlackHole)};
  connect(pair);
  ASSERT_TRUE(transfer(pair, 500'000));
  EXPECT_EQ(mss(pair), payload(1500));
  pair.longest = 1300;
  ASSERT_TRUE(transfer(pair, 2'000'000));
  EXPECT_LE(mss(pair), payload(1300));
  EXPECT_EQ(pair.a.stack->counters().tcp_black_holes.value(), 1u);
}

// Without the search the connection would not come through: it is what the others are saved by.
TEST_P(TcpBlackHoleTest, WithTheSearchTurnedOffNothingArrives) {
  Pair pair{options(tcp::PathProbing::kOff)};
  connect(pair);
  pair.longest = 1400;
  EXPECT_FALSE(transfer(pair, 100'000));
  EXPECT_EQ(received, 0u);
}

// An outage looks like a black hole. It costs short segments for a while, and no more.
TEST_P(TcpBlackHoleTest, AfterAnOutageSegmentsGrowAgain) {
  Pair pair{options(tcp::PathProbing::kBlackHole)};
  connect(pair);
  ASSERT_TRUE(transfer(pair, 500'000));
  pair.longest = 20;
  EXPECT_FALSE(transfer(pair, 100'000, 3000));
  pair.longest = 0;
  ASSERT_TRUE(transfer(pair, 2'000'000));
  EXPECT_GT(mss(pair) + 16, payload(1500));
}

// TCP-254: the probes that vanish are no congestion.
TEST_P(TcpBlackHoleTest, ProbesThatVanishCostTheCongestionWindowNothing) {
  find_1400_at_no_cost(options(tcp::PathProbing::kAlways));
}

// TCP-254: and no more do they if the peer does not tell by SACK what it has.
TEST_P(TcpBlackHoleTest, WithoutSackThreeDuplicatesTellOfAProbe) {
  Host::Options without = options(tcp::PathProbing::kAlways);
  without.config.tcp.sack = false;
  find_1400_at_no_cost(without);
}

// TCP-254
TEST_P(TcpBlackHoleTest, AlwaysSearchingBeginsSmallAndSoonFillsTheLink) {
  Pair pair{options(tcp::PathProbing::kAlways)};
  connect(pair);
  ASSERT_TRUE(transfer(pair, 300'000));
  EXPECT_EQ(mss(pair), payload(1500));
  EXPECT_EQ(pair.a.stack->counters().tcp_mtu_probes.value(), 1u);
}

}  // namespace
}  // namespace smol
