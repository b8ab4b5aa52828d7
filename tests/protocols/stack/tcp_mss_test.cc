// What the maximum segment size option says of our link: RFC 9293 section 3.7.1 and 3.7.3.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpMssTest : public ::testing::TestWithParam<std::uint16_t> {};

// TCP-051, TCP-053: a link has one MTU, the least that its operator promises; it alone tells what
// is advertised, in either kind of SYN, with no option deducted.
TEST_P(TcpMssTest, FollowsTheMtuOfTheLink) {
  const std::uint16_t mtu = GetParam();
  Host host{{}};
  InterfaceConfig link = eth0_config();
  link.mtu = mtu;
  host.add_interface(link);
  host.receive(arp_request(kOwn4));
  host.sent();
  host.alive = {{kPeer4, kPeerMac}, {kPeer6, kPeerMac}};
  for (const auto& [ours, theirs, headers] :
       {std::tuple{kOwn4, kPeer4, 40}, std::tuple{kOwn6, kPeer6, 60}}) {
    TcpConnectOptions connect;
    connect.remote = {theirs, 80};
    const SocketId socket = host.stack->tcp_connect(connect).value();
    EXPECT_EQ(host.only_sent().tcp->options.mss, mtu - headers);
    EXPECT_EQ(host.stack->tcp_info(socket)->advmss, mtu - headers);
    host.stack->abort(socket);
    TcpListenOptions listen;
    listen.local = {ours, 80};
    host.stack->tcp_listen(listen).value();
    TcpPeer peer{host, {theirs, 5000}, {ours, 80}};
    peer.syn_options.timestamps = TcpTimestamps{1, 0};
    peer.send("S");
    EXPECT_EQ(peer.take_one().tcp->options.mss, mtu - headers);
    peer.send("R");
  }
}

INSTANTIATE_TEST_SUITE_P(Mtu, TcpMssTest, ::testing::Values(1280, 1400, 1492, 1500));

}  // namespace
}  // namespace smol
