// The path MTU of connections: RFC 1191, RFC 8201, RFC 5927 section 7.
#include <array>
#include <map>

#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

struct PathRow {
  IpFamily family;
  bool segmenting;  ///< the device cuts what is longer than a segment
};

InterfaceConfig eth0_that(bool segments) {
  return segments ? segmenting_eth0() : eth0_config();
}

/// Connections of both families to a host behind a router.
class TcpPathMtuTest : public TcpTest, public ::testing::WithParamInterface<PathRow> {
 protected:
  explicit TcpPathMtuTest(const Host::Options& options = {})
      : TcpTest{options, eth0_that(GetParam().segmenting)} {}

  bool v4() const { return GetParam().family == IpFamily::kIp4; }
  std::uint16_t headers() const { return v4() ? 40 : 60; }
  TcpPeer far(std::uint16_t port = 5000, std::uint16_t to = 80) {
    TcpPeer peer{host, {v4() ? kFar4 : kFar6, port}, {v4() ? kOwn4 : kOwn6, to}};
    peer.mac = kRouterMac;
    peer.syn_options = TcpPeer::mss_option(static_cast<std::uint16_t>(1500 - headers()));
    return peer;
  }
  /// What a router says that had to drop `sent`: quoting as little as must be.
  Octets too_big(const Frame& sent, std::uint32_t mtu, std::size_t quoted = 0) {
    if (quoted == 0) quoted = v4() ? 28 : 48;
    const Bytes packet = sent.ip_octets().first(quoted);
    const IpAddress router = v4() ? kRouter4 : kRouter6;
    return ip_frame(ip_packet(router, sent.source, v4() ? IpProtocol::kIcmp : IpProtocol::kIcmp6,
                              icmp_message(router, sent.source, v4() ? 3 : 2, v4() ? 4 : 0, mtu,
                                           {packet.begin(), packet.end()})),
                    kRouterMac);
  }
  std::uint32_t mss(SocketId socket) { return host.stack->tcp_info(socket)->mss; }
  std::uint32_t cwnd(SocketId socket) { return host.stack->tcp_info(socket)->cwnd; }
  /// Of which the first has sent what may prove to be too long.
  std::array<SocketId, 2> two_connections(TcpPeer& first, TcpPeer& second) {
    const std::array<SocketId, 2> sockets{established(first), established(second)};
    write(sockets[0], pattern(5000));
    return sockets;
  }
  /// The text of what leaves, in packets of `longest` octets at most.
  Octets short_enough(const std::vector<Frame>& frames, std::size_t longest) {
    Octets got;
    for (const Frame& frame : frames) {
      EXPECT_LE(frame.ip_len, longest);
      got = got + frame.payload;
    }
    return got;
  }
  /// The routers say of each but the first what was said of that.
  void expect_no_news(const std::vector<Frame>& lost, std::uint32_t mtu) {
    for (std::size_t i = 1; i < lost.size(); ++i) {
      host.receive(too_big(lost[i], mtu));
      EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu);
    }
    EXPECT_THAT(host.sent(), IsEmpty());
  }
  /// Acknowledges all there is until nothing more comes; the text that did.
  Octets drain(TcpPeer& peer, std::size_t longest = 1500) {
    Octets got;
    for (int round = 0; round < 100; ++round) {
      const SeqNumber begin = peer.rcv_nxt;
      for (const Frame& frame : peer.take()) {
        EXPECT_LE(frame.ip_len, longest);
        if (begin.at_or_before(frame.tcp->seq)) got = got + frame.payload;
      }
      if (peer.rcv_nxt == begin) break;
      peer.acknowledge();
    }
    return got;
  }
};

std::string row_name(const ::testing::TestParamInfo<PathRow>& info) {
  return std::string{info.param.family == IpFamily::kIp4 ? "Ip4" : "Ip6"} +
         (info.param.segmenting ? "Segmenting" : "");
}
const auto kRows = ::testing::Values(PathRow{IpFamily::kIp4, false}, PathRow{IpFamily::kIp6, false},
                                     PathRow{IpFamily::kIp4, true}, PathRow{IpFamily::kIp6, true});
INSTANTIATE_TEST_SUITE_P(Over, TcpPathMtuTest, kRows, row_name);

// TRAP-40, TCP-066, IP4-039, IP4-044, IP6-035, IC6-011: what was too long goes again at once, once,
// cut anew, and that is no congestion.
TEST_P(TcpPathMtuTest, WhatIsTooLongGoesAgainAtOnceInSmallerSegments) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  const Octets text = pattern(8000);
  write(socket, text);
  const std::vector<Frame> lost = host.sent();
  ASSERT_EQ(lost.size(), 6u);
  EXPECT_EQ(lost[0].ip_len, 1500u);
  EXPECT_EQ(lost[0].dont_fragment, v4());
  const std::uint32_t before = cwnd(socket);
  host.receive(too_big(lost[0], 1300));
  EXPECT_EQ(mss(socket), 1300u - headers());
  EXPECT_EQ(short_enough(peer.take(), 1300), text);
  EXPECT_EQ(cwnd(socket), before);
  expect_no_news(lost, 1300);
  EXPECT_EQ(counters().path_mtu_updates.value(), 1u);
  peer.acknowledge();
  EXPECT_EQ(host.stack->tcp_info(socket)->timeouts, 0u);
  write(socket, text);
  EXPECT_EQ(drain(peer, 1300), text);
}

// What is queued behind is cut anew, too: it was laid out for longer segments.
TEST_P(TcpPathMtuTest, WhatIsQueuedIsCutAnewAndTheStreamIsWhole) {
  for (const std::uint16_t mtu : std::vector<std::uint16_t>{1280, 1281, 1300, 1437, 1499}) {
    TcpPeer peer = far(mtu);
    const SocketId socket = established(peer);
    const Octets text = pattern(30'000);
    ASSERT_EQ(write(socket, text), text.size());
    const std::vector<Frame> lost = host.sent();
    host.receive(too_big(lost[2], mtu));
    // The first two came through, for they were short of nothing.
    peer.rcv_nxt = lost[2].tcp->seq;
    peer.acknowledge();
    const Octets rest = drain(peer);
    EXPECT_EQ(rest.size(), text.size() - lost[0].payload.size() - lost[1].payload.size());
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), text.end() - static_cast<long>(rest.size())));
    host.stack->abort(socket);
    host.sent();
    host.advance(seconds(601));
  }
}

TEST_P(TcpPathMtuTest, WhatWentBeforeTheQuotedSegmentDoesNotGoAgain) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(8000));
  const std::vector<Frame> sent = peer.take();
  host.receive(too_big(sent[2], 1300));
  const std::vector<Frame> again = host.sent();
  ASSERT_THAT(again, ::testing::Not(IsEmpty()));
  EXPECT_EQ(again.front().tcp->seq, sent[2].tcp->seq);
}

// IP4-043, IP6-037, TRAP-40
TEST_P(TcpPathMtuTest, AMessageAboutWhatIsNotInFlightIsUnmatched) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(1400));
  const Frame sent = peer.take_one();
  peer.acknowledge();
  host.receive(too_big(sent, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << "acknowledged";
  write(socket, pattern(1400));
  Frame ahead = peer.take_one();
  put_be32(ahead.octets, 14u + headers() - 20 + 4, ahead.tcp->seq.raw + 5000);
  host.receive(too_big(ahead, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched) << "never sent";
  EXPECT_EQ(mss(socket), 1500u - headers());
  EXPECT_EQ(counters().path_mtu_updates.value(), 0u);
}

// IP4-039, IP4-041, IP6-034, IP6-035: no news, or no link.
TEST_P(TcpPathMtuTest, AnMtuThatCannotBeIsIgnored) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  const std::vector<Frame> sent = peer.take();
  std::vector<std::uint32_t> wrong = {1, 67, 1500, 9000, 65'535};
  if (!v4()) wrong.insert(wrong.end(), {0, 600, 1279, 0xffff'ffff});
  for (const std::uint32_t mtu : wrong) {
    host.receive(too_big(sent[0], mtu));
    EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu) << mtu;
  }
  EXPECT_EQ(mss(socket), 1500u - headers());
  EXPECT_THAT(host.sent(), IsEmpty());
}

// A router that complains of what would have fitted is none.
TEST_P(TcpPathMtuTest, AMessageThatQuotesAPacketThatFitsIsIgnored) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(200));
  const Frame sent = peer.take_one();
  host.receive(too_big(sent, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu);
  EXPECT_EQ(mss(socket), 1500u - headers());
}

// A SYN is short: who says it is too long guesses.
TEST_P(TcpPathMtuTest, ASynIsNeverTooLong) {
  TcpConnectOptions options;
  options.remote = {v4() ? kFar4 : kFar6, 80};
  const SocketId socket = host.stack->tcp_connect(options).value();
  host.receive(too_big(host.only_sent(), 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu);
  EXPECT_EQ(state(socket), tcp::State::kSynSent);
  EXPECT_EQ(error_of(host.stack->soft_error(socket)), "none");
}

// The listener's record of a connection is no connection yet.
TEST_P(TcpPathMtuTest, ASynAckIsNeverTooLong) {
  TcpPeer peer = far();
  listen(80, 16, 16, peer.theirs.address);
  peer.send("S");
  Frame sent = peer.take_one();
  put_be16(sent.octets, v4() ? 16 : 18, 1500);
  host.receive(too_big(sent, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu);
  put_be32(sent.octets, 14u + headers() - 20 + 4, sent.tcp->seq.raw + 1);
  host.receive(too_big(sent, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpErrorUnmatched);
  peer.send(".");
  const SocketId socket = host.stack->tcp_accept(host.events().at(0).socket).value();
  EXPECT_EQ(mss(socket), 1500u - headers());
}

// TCP-050, TCP-053: who comes later begins with what is known, and promises to take what the link
// carries (RFC 1191 section 3.1).
TEST_P(TcpPathMtuTest, LaterConnectionsBeginWithWhatIsKnown) {
  TcpPeer first = far(5000);
  const SocketId socket = established(first);
  write(socket, pattern(5000));
  host.receive(too_big(first.take()[0], 1300));
  host.sent();
  const std::uint16_t announced = static_cast<std::uint16_t>(1500 - headers());

  TcpPeer passive = far(5001, 81);
  listen(81, 16, 16, passive.theirs.address);
  passive.send("S");
  EXPECT_EQ(passive.take_one().tcp->options.mss, announced);

  TcpConnectOptions options;
  options.remote = {v4() ? kFar4 : kFar6, 443};
  const SocketId active = host.stack->tcp_connect(options).value();
  TcpPeer peer = far(443);
  peer.theirs = host.stack->local_endpoint(active).value();
  EXPECT_EQ(peer.take_one().tcp->options.mss, announced);
  peer.send("S.");
  peer.take();
  EXPECT_EQ(mss(active), 1300u - headers());
  const Octets text = pattern(10'000);
  write(active, text);
  EXPECT_EQ(drain(peer, 1300), text);
}

TEST_P(TcpPathMtuTest, OtherConnectionsToTheSameHostTakeItUpWithTheirNextSegment) {
  TcpPeer first = far(5000);
  TcpPeer second = far(5001);
  const auto [socket, other] = two_connections(first, second);
  host.receive(too_big(first.take()[0], 1300));
  host.sent();
  host.advance(milliseconds(10));
  host.sent();
  const Octets text = pattern(10'000);
  write(other, text);
  EXPECT_EQ(drain(second, 1300), text);
  EXPECT_EQ(mss(other), 1300u - headers());
}

// TRAP-40: what they had in flight was too long as well, though they have heard of it since. The
// routers' word about it counts once, and is no congestion.
TEST_P(TcpPathMtuTest, WhatOtherConnectionsHadInFlightGoesAgainWhenARouterReturnsIt) {
  TcpPeer first = far(5000);
  TcpPeer second = far(5001);
  const auto [socket, other] = two_connections(first, second);
  const std::vector<Frame> lost = first.take();
  const Octets text = pattern(8000);
  write(other, text);
  const std::vector<Frame> lost_too = host.sent();
  ASSERT_EQ(lost_too.size(), 6u);
  host.receive(too_big(lost[0], 1300));
  host.sent();
  host.advance(milliseconds(10));
  const Octets more = pattern(1300u - headers());
  write(other, more);
  EXPECT_EQ(host.only_sent().payload, more);
  ASSERT_EQ(mss(other), 1300u - headers());
  const std::uint32_t before = cwnd(other);
  host.receive(too_big(lost_too[0], 1300));
  EXPECT_EQ(short_enough(second.take(), 1300), text) << "and not what was short";
  expect_no_news(lost_too, 1300);
  EXPECT_EQ(cwnd(other), before);
  EXPECT_EQ(counters().path_mtu_updates.value(), 1u);
  second.rcv_nxt += static_cast<std::uint32_t>(more.size());
  second.acknowledge();
  EXPECT_EQ(host.stack->tcp_info(other)->timeouts, 0u);
  write(other, text);
  EXPECT_EQ(drain(second, 1300), text);
}

TEST_P(TcpPathMtuTest, WhatWasSentAfterwardsIsNotTooLong) {
  TcpPeer first = far(5000);
  TcpPeer second = far(5001);
  const auto [socket, other] = two_connections(first, second);
  const std::vector<Frame> lost = first.take();
  write(other, pattern(1400));
  host.sent();
  host.receive(too_big(lost[0], 1300));
  host.sent();
  host.advance(milliseconds(10));
  write(other, pattern(1300));
  Frame after = host.only_sent();
  put_be16(after.octets, v4() ? 16 : 18, 1500);
  host.receive(too_big(after, 1300));
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpNoNewMtu);
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_P(TcpPathMtuTest, WhatRoutersToldIsListedASliceAtATimeUntilItEnds) {
  const auto listed = [&] {
    std::map<std::uint16_t, PathMtuInfo> all;
    std::array<PathMtuInfo, 2> some;
    Cursor at;
    while (!at.done()) {
      const Slice slice = host.stack->path_mtus_from(at, some);
      for (std::size_t i = 0; i < slice.count; ++i) {
        EXPECT_TRUE(all.emplace(some[i].mtu, some[i]).second) << "twice";
      }
      at = slice.next;
    }
    return all;
  };
  EXPECT_THAT(listed(), IsEmpty());
  for (std::uint16_t i = 0; i < 5; ++i) {
    TcpPeer peer = far(static_cast<std::uint16_t>(5000 + i));
    peer.own.address =
        v4() ? IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(20 + i))
             : IpAddress::v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, static_cast<std::uint16_t>(0x20 + i));
    const SocketId socket = established(peer);
    write(socket, pattern(5000));
    host.receive(too_big(peer.take()[0], 1300u + i));
    host.sent();
    const std::map<std::uint16_t, PathMtuInfo> all = listed();
    EXPECT_THAT(all, SizeIs(i + 1));
    const PathMtuInfo& info = all.at(static_cast<std::uint16_t>(1300 + i));
    EXPECT_EQ(info.destination, peer.own.address);
    EXPECT_EQ(info.scope, 0);
    EXPECT_EQ(info.expires, seconds(600));
    host.advance(seconds(1));
    host.sent();
  }
  host.advance(seconds(596));
  EXPECT_THAT(listed(), SizeIs(3)) << "the first two have ended";
}

// IP4-042, IP6-036
TEST_P(TcpPathMtuTest, AfterTenMinutesFullSegmentsAreTriedAgain) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  host.receive(too_big(host.sent()[0], 1300));
  drain(peer);
  host.advance(seconds(599));
  write(socket, pattern(5000));
  EXPECT_EQ(drain(peer, 1300).size(), 5000u);
  host.advance(seconds(2));
  write(socket, pattern(5000));
  EXPECT_EQ(peer.take()[0].ip_len, 1500u);
}

// IC4-027: longer segments have got through since the connection began, so the message counts only
// if the segment is lost.
TEST_P(TcpPathMtuTest, AForgedMessageAmongFlowingDataIsPutAsideAndForgotten) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  drain(peer);
  write(socket, pattern(5000));
  host.receive(too_big(peer.take()[1], 1300));
  EXPECT_EQ(mss(socket), 1500u - headers());
  EXPECT_EQ(counters().tcp_path_mtu_doubted.value(), 1u);
  EXPECT_EQ(counters().path_mtu_updates.value(), 0u);
  peer.acknowledge();
  // Later losses have nothing to do with it.
  write(socket, pattern(5000));
  peer.take();
  host.advance(milliseconds(300));
  EXPECT_GT(host.stack->tcp_info(socket)->timeouts, 0u);
  EXPECT_EQ(mss(socket), 1500u - headers());
}

// IC4-027: the path did become narrower.
TEST_P(TcpPathMtuTest, AMessagePutAsideCountsWhenTheSegmentTimesOut) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  drain(peer);
  const std::uint32_t before = cwnd(socket);
  const Octets text = pattern(4000);
  write(socket, text);
  const std::vector<Frame> lost = host.sent();
  host.receive(too_big(lost[0], 1300));
  EXPECT_THAT(host.sent(), IsEmpty());
  host.advance(milliseconds(300));
  EXPECT_EQ(mss(socket), 1300u - headers());
  EXPECT_EQ(cwnd(socket), before);
  EXPECT_EQ(host.stack->tcp_info(socket)->backoff, 0u);
  EXPECT_EQ(counters().path_mtu_updates.value(), 1u);
  EXPECT_EQ(drain(peer, 1300), text);
}

// TCP-055, TCP-050: the peer's limit stays when the path becomes wider again.
TEST_P(TcpPathMtuTest, ThePeersLimitHoldsWhateverThePathCarries) {
  TcpPeer peer = far();
  peer.syn_options = TcpPeer::mss_option(1250);
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  host.receive(too_big(host.sent()[0], 1285));
  EXPECT_EQ(mss(socket), 1285u - headers());
  drain(peer);
  host.advance(seconds(601));
  write(socket, pattern(5000));
  EXPECT_EQ(peer.take()[0].payload.size(), 1250u);
}

class TcpSuperMtuTest : public TcpPathMtuTest {};
INSTANTIATE_TEST_SUITE_P(Over, TcpSuperMtuTest,
                         ::testing::Values(PathRow{IpFamily::kIp4, true},
                                           PathRow{IpFamily::kIp6, true}),
                         row_name);

// TRAP-41: what a device was to cut into segments too long goes again in segments of the new size,
// as one packet again, and one message is all it takes.
TEST_P(TcpSuperMtuTest, ASuperSegmentGoesAgainWithTheNewSizeAndDoesNotLoop) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  const Octets text = pattern(12'000);
  write(socket, text);
  const std::vector<Frame> lost = host.sent();
  ASSERT_EQ(host.supers(), 1u);
  host.receive(too_big(lost[0], 1300));
  EXPECT_EQ(short_enough(peer.take(), 1300), text);
  EXPECT_EQ(host.supers(), 2u);
  expect_no_news(lost, 1300);
  peer.acknowledge();
  write(socket, text);
  EXPECT_EQ(drain(peer, 1300), text);
  EXPECT_EQ(counters().path_mtu_updates.value(), 1u);
  EXPECT_EQ(host.stack->tcp_info(socket)->timeouts, 0u);
}

class TcpPathMtu4Test : public TcpPathMtuTest {};
INSTANTIATE_TEST_SUITE_P(Over, TcpPathMtu4Test,
                         ::testing::Values(PathRow{IpFamily::kIp4, false},
                                           PathRow{IpFamily::kIp4, true}),
                         row_name);

// IP4-040: a router of the eighties. It may not even quote the length right, so what we send counts
// as well.
TEST_P(TcpPathMtu4Test, WithoutAnMtuTheNextPlateauIsTried) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  const std::vector<Frame> first = peer.take();
  Frame lying = first[0];
  put_be16(lying.octets, 14 + 2, 3000);
  host.receive(too_big(lying, 0));
  EXPECT_EQ(mss(socket), 1492u - 40);
  const std::vector<Frame> second = host.sent();
  EXPECT_EQ(second[0].ip_len, 1492u);
  host.receive(too_big(second[0], 0));
  EXPECT_EQ(mss(socket), 1006u - 40);
}

// IP4-041: we cut no smaller than that, and let routers fragment where even that is too long.
TEST_P(TcpPathMtu4Test, BelowTheLeastRoutersMayFragment) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  write(socket, pattern(5000));
  host.receive(too_big(peer.take()[0], 300));
  const std::vector<Frame> again = host.sent();
  ASSERT_GE(again.size(), 9u);
  const std::uint16_t first_id = be16(again.front().ip_octets(), 4);
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_LE(again[i].ip_len, 552u);
    EXPECT_FALSE(again[i].dont_fragment);
    const std::uint16_t id = be16(again[i].ip_octets(), 4);
    EXPECT_EQ(id, static_cast<std::uint16_t>(first_id + i)) << "IP4-015";
  }
}

/// Between us and the host there is a route that says how long packets may be.
class TcpRouteMtuTest : public TcpPathMtuTest {
 protected:
  TcpRouteMtuTest() { EXPECT_EQ(error_of(host.stack->add_route(route(1320))), "none"); }

  Route route(std::uint16_t mtu) const {
    Route out;
    out.destination = v4() ? IpPrefix{kFar4, 24} : IpPrefix{kFar6, 64};
    out.gateway = v4() ? kRouter4 : kRouter6;
    out.mtu = mtu;
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Over, TcpRouteMtuTest, kRows, row_name);

// TCP-051: who configures it knows the path, both ways.
TEST_P(TcpRouteMtuTest, BoundsWhatWeSendAndWhatWeOffer) {
  TcpPeer peer = far();
  listen(80, 16, 16, peer.theirs.address);
  peer.send("S");
  EXPECT_EQ(peer.take_one().tcp->options.mss, 1320 - headers());
  peer.send(".");
  const SocketId socket = host.events().at(0).socket;
  const SocketId accepted = host.stack->tcp_accept(socket).value();
  const Octets text = pattern(10'000);
  write(accepted, text);
  EXPECT_EQ(drain(peer, 1320), text);
}

TEST_P(TcpRouteMtuTest, ThatChangesIsTakenUpWithTheNextSegment) {
  TcpPeer peer = far();
  const SocketId socket = established(peer);
  EXPECT_EQ(mss(socket), 1320u - headers());
  ASSERT_EQ(error_of(host.stack->replace_route(route(1290))), "none");
  write(socket, pattern(5000));
  EXPECT_EQ(drain(peer, 1290).size(), 5000u);
  ASSERT_EQ(error_of(host.stack->replace_route(route(0))), "none");
  write(socket, pattern(5000));
  EXPECT_EQ(peer.take()[0].ip_len, 1500u);
}

}  // namespace
}  // namespace smol
