#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {

/// The far end of one TCP connection, played by the test: it keeps its numbers and decides nothing.
/// Its SYN offers a segment size and no more, so neither timestamps nor window scaling are agreed
/// on.
struct TcpPeer {
  Host& host;
  IpEndpoint own;
  IpEndpoint theirs;
  MacAddress mac = kPeerMac;
  SeqNumber snd_nxt{0x1000};
  SeqNumber rcv_nxt{};
  std::uint16_t window = 0xffff;
  TcpOptions syn_options = mss_option(1460);

  static TcpOptions mss_option(std::uint16_t mss) {
    TcpOptions out;
    out.mss = mss;
    return out;
  }

  /// A segment at `seq` with the given flags ("S", "S.", ".", "P.", "F.", "R", "R."), as a frame.
  Octets segment_at(SeqNumber seq, std::string_view flags, const Octets& text = {}) const {
    TcpRepr header;
    header.seq = seq;
    header.window = window;
    std::uint8_t control = 0;
    for (const char flag : flags) {
      if (flag == 'S') control |= TcpFlags::kSyn;
      if (flag == 'F') control |= TcpFlags::kFin;
      if (flag == 'R') control |= TcpFlags::kRst;
      if (flag == 'P') control |= TcpFlags::kPsh;
      if (flag == '.') header.ack = rcv_nxt;
    }
    header.control = static_cast<TcpControl>(control);
    if ((control & TcpFlags::kSyn) != 0) header.options = syn_options;
    return tcp_frame(own, theirs, header, text, mac);
  }
  Octets segment(std::string_view flags, const Octets& text = {}) const {
    return segment_at(snd_nxt, flags, text);
  }

  /// Says it, next in sequence.
  void send(std::string_view flags, const Octets& text = {}) {
    host.receive(segment(flags, text));
    advance(flags, text);
  }
  void send(std::string_view flags, std::string_view text) { send(flags, octets_of(text)); }
  void advance(std::string_view flags, const Octets& text) {
    snd_nxt += static_cast<std::uint32_t>(text.size());
    if (flags.find_first_of("SF") != std::string_view::npos) snd_nxt += 1;
  }

  /// All that the host says, which must be to this end. What is next in sequence is taken.
  std::vector<Frame> take() {
    std::vector<Frame> frames = host.sent();
    for (const Frame& frame : frames) {
      EXPECT_THAT(frame, AllOf(ip_from(theirs.address), ip_to(own.address),
                               tcp_ports(theirs.port, own.port)));
      if (!frame.tcp) continue;
      const auto control = static_cast<std::uint8_t>(frame.tcp->control);
      const bool syn = (control & TcpFlags::kSyn) != 0;
      if (syn) rcv_nxt = frame.tcp->seq;
      if (frame.tcp->seq != rcv_nxt) continue;
      rcv_nxt += static_cast<std::uint32_t>(frame.payload.size());
      if (syn || (control & TcpFlags::kFin) != 0) rcv_nxt += 1;
    }
    return frames;
  }
  Frame take_one() {
    const std::vector<Frame> frames = take();
    EXPECT_EQ(frames.size(), 1u) << ::testing::PrintToString(frames);
    return frames.empty() ? Frame{} : frames.front();
  }
  /// The text of all that the host says.
  std::string take_text() {
    std::string out;
    for (const Frame& frame : take()) out += text_of(frame.payload);
    return out;
  }

  /// Opens to a listener: the three-way handshake.
  void connect() {
    send("S");
    EXPECT_THAT(take_one(), AllOf(tcp_is("S."), tcp_ack(snd_nxt)));
    send(".");
  }
  /// Answers the host's SYN, which is on its way.
  void accept() {
    EXPECT_THAT(take_one(), tcp_is("S"));
    send("S.");
    EXPECT_THAT(take_one(), AllOf(tcp_is("."), tcp_ack(snd_nxt)));
  }
  /// Acknowledges all that was taken.
  void acknowledge() { send("."); }
};

/// Connections both ways, over either family.
class TcpTest : public StackTest {
 protected:
  explicit TcpTest(const Host::Options& options = {},
                   const InterfaceConfig& interface = eth0_config())
      : StackTest{options, interface} {
    introduce_all();
    host.alive = {{kPeer4, kPeerMac},
                  {kPeer6, kPeerMac},
                  {kPeerLink6, kPeerMac},
                  {kRouter4, kRouterMac},
                  {kRouter6, kRouterMac}};
  }

  SocketId listen(std::uint16_t port = 80, std::uint32_t backlog = 16,
                  std::uint32_t syn_backlog = 16, IpAddress address = IpAddress::v4(0)) {
    TcpListenOptions options;
    options.local = {address, port};
    options.backlog = backlog;
    options.syn_backlog = syn_backlog;
    const Result<SocketId, Error> socket = host.stack->tcp_listen(options);
    EXPECT_EQ(error_of(socket), "none");
    return socket.value_or(SocketId{});
  }
  TcpPeer client(std::uint16_t port = 5000, std::uint16_t to = 80) {
    return {host, {kPeer4, port}, {kOwn4, to}};
  }
  TcpPeer client6(std::uint16_t port = 5000, std::uint16_t to = 80) {
    return {host, {kPeer6, port}, {kOwn6, to}};
  }
  SocketId accepted(SocketId listener) {
    const Result<SocketId, Error> socket = host.stack->tcp_accept(listener);
    EXPECT_EQ(error_of(socket), "none");
    return socket.value_or(SocketId{});
  }
  /// A router's word about a segment of ours, in IPv4.
  void unreachable(const Frame& sent, std::uint8_t code) {
    const Bytes packet = sent.ip_octets().first(28);
    host.receive(ip_frame(
        ip_packet(kRouter4, sent.source, IpProtocol::kIcmp,
                  icmp_message(kRouter4, sent.source, 3, code, 0, {packet.begin(), packet.end()})),
        kRouterMac));
  }
  /// A connection that `peer` opened to a listener of its own, and that was accepted.
  SocketId established(TcpPeer& peer) {
    const SocketId listener = listen(peer.theirs.port, 16, 16, peer.theirs.address);
    peer.connect();
    const SocketId socket = accepted(listener);
    host.stack->close(listener);
    host.events();
    return socket;
  }
  /// A connection that we opened to `peer`, whose end is settled here.
  SocketId opened(TcpPeer& peer, const tcp::SocketOptions& socket_options = {}) {
    TcpConnectOptions options;
    options.remote = peer.own;
    options.socket = socket_options;
    const SocketId socket = host.stack->tcp_connect(options).value();
    peer.theirs = host.stack->local_endpoint(socket).value();
    peer.accept();
    EXPECT_EQ(event_names(host.events_of(socket)), "writable|connected");
    return socket;
  }
  std::size_t write(SocketId socket, const Octets& data) {
    const Result<std::size_t, Error> written = host.stack->write(socket, data);
    EXPECT_EQ(error_of(written), "none");
    return written.value_or(0);
  }
  std::size_t write(SocketId socket, std::string_view text) {
    return write(socket, octets_of(text));
  }
  std::string read(SocketId socket, std::size_t most = 1 << 20) {
    Octets out(most);
    out.resize(host.stack->read(socket, out));
    return text_of(out);
  }
  tcp::State state(SocketId socket) {
    const Result<tcp::Info, Error> info = host.stack->tcp_info(socket);
    return info ? info->state : tcp::State::kListen;
  }
};

namespace tcp {
inline void PrintTo(State state, std::ostream* out) {
  *out << name(state);
}
}  // namespace tcp

}  // namespace smol
