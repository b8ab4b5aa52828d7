// A whole stack with sockets of every kind, against frames, users, a port and a clock that do
// anything at all. Every connection is in order after every step, the books balance after every
// turn, and in the end every packet is back in the pool.
#include <algorithm>
#include <array>
#include <memory_resource>
#include <vector>

#include "protocols/base/checksum.hh"
#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/tcp_repr.hh"
#include "tests/fuzz/fuzz.hh"
#include "tests/fuzz/input.hh"

namespace smol::fuzz {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr MacAddress kOwnMac{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 1}};
constexpr IpAddress kOwn4 = IpAddress::v4(10, 0, 0, 2);
constexpr IpAddress kPeer4 = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kOwn6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 2);
constexpr IpAddress kPeer6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1);
constexpr std::uint32_t kPackets = 48;

/// The port: sends packets at once, sits on them, or takes none.
class Port final : public PacketSink<MemPacket> {
 public:
  explicit Port(DropCounters& drops) : drops_{drops} {}

  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) {
      MemPacket taken = std::move(packet);
      last_.resize(taken.size());
      packet_copy(taken, 0, last_);
      if (refuses) {
        drops_.add(Drop::kTxRingFull);
        ++refused;
      } else if (sits && kept_.size() < kPackets / 2) {
        kept_.push_back(std::move(taken));
      }
    }
  }
  void release() { kept_.clear(); }
  /// The last frame sent; empty: none yet.
  const Octets& last() const { return last_; }

  bool refuses = false;
  bool sits = false;
  std::uint64_t refused = 0;

 private:
  DropCounters& drops_;
  std::vector<MemPacket> kept_;
  Octets last_;
};

StackConfig small_config(Input& in) {
  StackConfig config;
  config.limits.interfaces = 2;
  config.limits.addresses = 32;
  config.limits.routes = 8;
  config.limits.neighbors = 4;
  config.limits.connections = 6;
  config.limits.half_open = 4;
  config.limits.listeners = 2;
  config.limits.time_wait = 3;
  config.limits.udp_sockets = 3;
  config.limits.reassembly_ranges = 8;
  config.limits.sent_runs = 256;
  const std::uint8_t bits = in.u8();
  config.tcp.timestamps = (bits & 1) == 0;
  config.tcp.window_scaling = (bits & 2) == 0;
  if ((bits & 4) != 0) config.tcp.time_wait = Duration{0};
  if ((bits & 8) != 0) config.tcp.ack_delay = Duration{0};
  if ((bits & 16) != 0) config.neighbor.pending_packets = 1;
  if ((bits & 32) != 0) config.tcp.syn_cookies = tcp::SynCookies::kOff;
  if ((bits & 64) != 0) config.tcp.syn_cookies = tcp::SynCookies::kAlways;
  if ((bits & 128) != 0) config.tcp.path_probing = tcp::PathProbing::kAlways;
  config.limits.path_mtus = 2;
  return config;
}

class Play {
 public:
  explicit Play(Bytes input)
      : in_{input},
        pool_{kPackets, 2048, *std::pmr::new_delete_resource()},
        port_{drops_},
        stack_{small_config(in_),
               StackSecrets{Secret{1, 2}, Secret{3, 4}, 5},
               {pool_, *std::pmr::new_delete_resource(), port_, drops_},
               now_} {
    InterfaceConfig config;
    config.name = "eth0";
    config.mac = kOwnMac;
    config.addresses = {IpPrefix{kOwn4, 24}, IpPrefix{kOwn6, 64}};
    const std::uint8_t offloads = in_.u8();
    config.offloads = {(offloads & 1) != 0, (offloads & 2) != 0, (offloads & 4) != 0,
                       (offloads & 8) == 0};
    require(stack_.add_interface(config).has_value(), "an interface is taken");
    Route route;
    route.destination = *IpPrefix::parse("0.0.0.0/0");
    route.gateway = kPeer4;
    require(stack_.add_route(route).has_value(), "a route is taken");
  }

  void run() {
    while (!in_.empty()) {
      const std::uint8_t what = in_.u8();
      step(what & 0x7f);
      look_at_connections();
      // What waits to be handed to the port is neither sent nor held: only a turn's end is
      // balanced.
      if ((what & 0x80) == 0) end_turn();
    }
    for (const SocketId socket : sockets_) stack_.abort(socket);
    for (SocketId socket : accept_all()) stack_.abort(socket);
    port_.refuses = port_.sits = false;
    port_.release();
    for (int i = 0; i < 1000 && stack_.next_deadline() != kNever; ++i) pass(seconds(3600));
    end_turn();
    require(stack_.next_deadline() == kNever, "a stack without sockets comes to rest");
    require(stack_.tcp().connections() == 0, "no connection is left");
    require(stack_.tcp().half_open().size() == 0, "none is half open");
    require(stack_.counters().held.value() == 0, "no packet is held");
    require(pool_.available() == pool_.capacity(), "every packet is back");
    require(pool_.nodes_available() == 2 * pool_.capacity(), "and every view of one");
  }

 private:
  void end_turn() {
    stack_.transmit(now_, 0);
    const StackCounters& c = stack_.counters();
    require(c.received.value() + c.made.value() ==
                c.consumed.value() + c.sent.value() + c.dropped.value() + c.held.value(),
            "the books balance");
    require(c.dropped.value() + port_.refused == drops_.total(), "every drop has its reason");
  }

  void look_at_connections() const {
    stack_.tcp().for_each_connection([](const TcpSocket<MemPacket>& socket) {
      const tcp::Connection& connection = socket.connection;
      require(connection.snd_una().at_or_before(connection.snd_nxt()), "SND.UNA =< SND.NXT");
      require(connection.snd_nxt().at_or_before(connection.snd_end() + 1),
              "SND.NXT is not beyond what there is to send");
      require(connection.mss() > 0 && connection.mss() <= connection.path_mss(),
              "segments are as long as the path carries at most");
    });
  }

  void step(unsigned what) {
    switch (what % 13) {
      case 0:
        return frame();
      case 1:
      case 2:
        return packet();
      case 3:
      case 4:
        return segment();
      case 5:
        return icmp_error();
      case 6:
        return pass(in_.time());
      case 7:
        return open();
      case 8:
      case 9:
        return call();
      case 10:
        port_.refuses = in_.u8() % 8 == 0;
        port_.sits = in_.flag();
        if (in_.flag()) port_.release();
        return;
      case 11:
        stack_.expire(now_, in_.u8());
        take_events();
        return stack_.transmit(now_, in_.u8());
      default:
        return too_big();
    }
  }

  // --- what comes from the wire
  // --------------------------------------------------------------------

  void receive(Bytes octets) {
    MemPacket packet = pool_.allocate();
    if (!packet) return;
    const std::size_t cut = in_.u8() % 4 == 0 ? in_.u8() : octets.size();
    const MutBytes room = packet.append(std::min({octets.size(), cut, packet.tailroom()}));
    copy_bytes(room, octets.first(room.size()));
    // The rest as a second buffer, as a port hands over what is longer than one.
    if (room.size() < octets.size()) {
      MemPacket rest = pool_.allocate();
      if (!rest) return;
      const Bytes tail = octets.subspan(room.size());
      const MutBytes more = rest.append(std::min(tail.size(), rest.tailroom()));
      copy_bytes(more, tail.first(more.size()));
      packet.chain(std::move(rest));
    }
    stack_.receive(now_, 0, {&packet, 1});
    require(!packet, "a handle of the burst is left empty");
  }

  /// Anything.
  void frame() { receive(in_.take(in_.u8() * 8u)); }

  /// An IP packet to us whose payload may be anything.
  void packet() {
    const std::uint8_t bits = in_.u8();
    const std::uint8_t protocol = std::array<std::uint8_t, 6>{1, 6, 17, 58, 58, in_.u8()}[bits % 6];
    const Bytes payload = in_.take(in_.u8());
    send_ip((bits & 64) != 0, protocol, Octets{payload.begin(), payload.end()}, (bits & 128) == 0);
  }

  /// `whole`: the checksum of the transport is filled in where it has its place.
  void send_ip(bool v6, std::uint8_t protocol, Octets payload, bool whole) {
    const IpAddress& from = v6 ? kPeer6 : kPeer4;
    const IpAddress& to = v6 ? kOwn6 : kOwn4;
    const std::size_t at = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
    if (whole && payload.size() >= at + 2) {
      InternetSum sum;
      if (protocol != 1) {
        sum = pseudo_header_sum(from, to, protocol, static_cast<std::uint32_t>(payload.size()));
      }
      put_be16(payload, at, 0);
      put_be16(payload, at, sum.add(internet_sum(payload)).checksum());
    }
    const std::size_t header = v6 ? Ip6Repr::header_len() : Ip4Repr::header_len();
    Octets out(EthernetRepr::header_len() + header);
    EthernetRepr{kOwnMac, kPeerMac, v6 ? EtherType::kIp6 : EtherType::kIp4}.emit(out);
    const MutBytes ip = MutBytes{out}.subspan(EthernetRepr::header_len());
    const auto length = static_cast<std::uint16_t>(payload.size());
    if (v6) {
      Ip6Repr repr;
      repr.source = from;
      repr.destination = to;
      repr.next_header = static_cast<IpProtocol>(protocol);
      repr.hop_limit = 255;
      repr.payload_len = length;
      repr.emit(ip);
    } else {
      Ip4Repr repr;
      repr.source = from;
      repr.destination = to;
      repr.protocol = static_cast<IpProtocol>(protocol);
      repr.payload_len = length;
      repr.emit(ip);
    }
    out.insert(out.end(), payload.begin(), payload.end());
    receive(out);
  }

  /// A segment that means something to one of the connections, or to a listener.
  void segment() {
    const std::uint32_t wanted = in_.u8();
    const TcpSocket<MemPacket>* socket = nullptr;
    std::uint32_t at = 0;
    stack_.tcp().for_each_connection([&](const TcpSocket<MemPacket>& each) {
      if (at++ == wanted % 8) socket = &each;
    });
    TcpRepr header;
    header.src_port = static_cast<std::uint16_t>(1000 + wanted % 16);
    header.dst_port = 80;
    header.window = in_.u16();
    header.seq = SeqNumber{wanted << 24};
    bool v6 = wanted >= 128;
    if (socket != nullptr) {
      header.src_port = socket->flow.remote_port;
      header.dst_port = socket->flow.local_port;
      header.seq = in_.near(socket->connection.rcv_nxt());
      header.ack =
          in_.near(in_.flag() ? socket->connection.snd_nxt() : socket->connection.snd_una());
      v6 = socket->flow.local.is_v6();
    }
    if (socket == nullptr) finish_handshake(header, v6);
    const std::uint8_t bits = in_.u8();
    header.control = std::array{TcpControl::kNone, TcpControl::kPsh, TcpControl::kNone,
                                TcpControl::kFin,  TcpControl::kSyn, TcpControl::kRst}[bits % 6];
    if ((bits & 8) != 0) header.ack.reset();
    if (socket == nullptr && (bits & 16) != 0) header.control = TcpControl::kSyn;
    if ((bits & 32) != 0) {
      const std::uint32_t recent = socket == nullptr ? 1 : socket->connection.ts_recent();
      header.options.timestamps = TcpTimestamps{recent + in_.u8() - 4u, 1};
    }
    if ((bits & 64) != 0) header.options.mss = in_.u16();
    if ((bits & 128) != 0) header.options.window_scale = in_.u8();
    Octets octets(header.header_len());
    header.emit(octets);
    const std::uint8_t len = in_.u8();
    octets.resize(octets.size() + (len < 128 ? len : len * 10u - 1200u));
    send_ip(v6, 6, std::move(octets), true);
  }

  /// Perhaps what a SYN-ACK, the last that was sent, waits for: of a record or of a cookie.
  void finish_handshake(TcpRepr& header, bool& v6) {
    const Bytes last{port_.last()};
    const bool last_v6 = last.size() > 12 && last[12] == 0x86;
    const std::size_t l4 = last_v6 ? 54 : 34;
    if (last.size() < l4 + 20 || (last[l4 + 13] & 0x12) != 0x12 || !in_.flag()) return;
    header.src_port = be16(last, l4 + 2);
    header.dst_port = be16(last, l4);
    header.seq = in_.near(SeqNumber{be32(last, l4 + 8)});
    header.ack = in_.near(SeqNumber{be32(last, l4 + 4)} + 1);
    v6 = last_v6;
  }

  /// About what we sent last.
  void icmp_error() {
    const std::uint8_t type = in_.u8();
    const std::uint8_t code = in_.u8();
    if (port_.last().size() < 34) return;
    Octets message{type, code, 0, 0, 0, 0, in_.u8(), in_.u8()};
    const bool v6 = port_.last()[12] == 0x86;
    const Bytes quoted = Bytes{port_.last()}.subspan(14);
    message.insert(message.end(), quoted.begin(),
                   quoted.begin() + static_cast<std::ptrdiff_t>(
                                        std::min<std::size_t>(quoted.size(), 28u + in_.u8())));
    send_ip(v6, v6 ? 58 : 1, std::move(message), true);
  }

  /// "Packet too big" about what we sent last, as it was or damaged.
  void too_big() {
    if (port_.last().size() < 54) return;
    const std::uint8_t bits = in_.u8();
    std::uint32_t mtu =
        std::array<std::uint32_t, 8>{0, 68, 552, 1280, 1300, 1400, 65'535, 0}[bits % 8];
    if (bits % 8 == 7) mtu = in_.u32();
    const bool v6 = port_.last()[12] == 0x86;
    Octets message{static_cast<std::uint8_t>(v6 ? 2 : 3), static_cast<std::uint8_t>(v6 ? 0 : 4)};
    message.resize(8);
    put_be32(message, 4, mtu);
    const Bytes sent = Bytes{port_.last()}.subspan(14);
    Octets quoted{sent.begin(), sent.end()};
    // Short segments are what is sent most; of these no router complains.
    if ((bits & 8) == 0) put_be16(quoted, v6 ? 4 : 2, 1460);
    if ((bits & 16) != 0) quoted[in_.u8() % quoted.size()] = in_.u8();
    if ((bits & 32) != 0) quoted.resize(std::min<std::size_t>(quoted.size(), in_.u8()));
    message.insert(
        message.end(), quoted.begin(),
        quoted.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(quoted.size(), 1200)));
    send_ip(v6, v6 ? 58 : 1, std::move(message), (bits & 64) == 0);
  }

  // --- the clock and the user
  // ----------------------------------------------------------------------

  void take_events() {
    for (int i = 0; i < 8 && !stack_.events().empty(); ++i) {
    }
  }

  void pass(Duration time) {
    const Instant until = now_ + time;
    for (int turns = 0; turns < 100 && stack_.next_deadline() <= until; ++turns) {
      now_ = std::max(now_, stack_.next_deadline());
      stack_.expire(now_, 64);
      take_events();
      stack_.transmit(now_, 64);
    }
    now_ = until;
    stack_.expire(now_, 64);
    take_events();
    stack_.transmit(now_, 64);
  }

  tcp::SocketOptions socket_options() {
    tcp::SocketOptions out;
    const std::uint8_t bits = in_.u8();
    out.send_buffer = 2048u << (bits & 7);
    out.receive_buffer = 2048u << (bits >> 3 & 7);
    out.nagle = (bits & 64) != 0;
    if ((bits & 128) != 0) out.keep_alive = in_.time();
    const std::uint8_t more = in_.u8();
    out.cork = (more & 1) != 0;
    out.soft_errors = (more & 2) != 0;
    if ((more & 4) != 0) out.receive_low_water = in_.u16() % (out.receive_buffer + 1);
    if ((more & 8) != 0) out.send_low_water = in_.u16() % (out.send_buffer + 1);
    if ((more & 16) != 0) out.unsent_low_water = in_.u16();
    return out;
  }

  template <class Opened>
  void keep(const Opened& opened) {
    if (opened && sockets_.size() < 16) {
      sockets_.push_back(*opened);
    } else if (opened) {
      stack_.close(*opened);
    }
  }

  void open() {
    const std::uint8_t bits = in_.u8();
    const bool v6 = (bits & 4) != 0;
    const IpAddress any = IpAddress::any(v6 ? IpFamily::kIp6 : IpFamily::kIp4);
    switch (bits & 3) {
      case 0: {
        TcpListenOptions options;
        options.local = {any, 80};
        options.backlog = 1 + (bits >> 4 & 1);
        options.syn_backlog = 1 + (bits >> 5 & 3);
        options.socket = socket_options();
        return keep(stack_.tcp_listen(options));
      }
      case 1: {
        TcpConnectOptions options;
        options.remote = {v6 ? kPeer6 : kPeer4, in_.u16()};
        if ((bits & 16) != 0) options.local = IpEndpoint{any, in_.u16()};
        if ((bits & 32) != 0) options.remote.address = IpAddress::v4(in_.u32());
        options.socket = socket_options();
        return keep(stack_.tcp_connect(options));
      }
      default: {
        UdpOptions options;
        options.local = {any, in_.u16()};
        if ((bits & 16) != 0) options.remote = IpEndpoint{v6 ? kPeer6 : kPeer4, in_.u16()};
        options.receive_datagrams = 1 + (bits >> 5);
        return keep(stack_.udp_open(options));
      }
    }
  }

  std::vector<SocketId> accept_all() {
    std::vector<SocketId> out;
    for (const SocketId listener : sockets_) {
      while (const auto socket = stack_.tcp_accept(listener)) out.push_back(*socket);
    }
    return out;
  }

  /// Looking takes nothing, and shows what reading would.
  void look(SocketId socket) {
    const std::size_t unread = stack_.unread(socket);
    std::array<std::uint8_t, 2048> seen{};
    const std::size_t offset = in_.u16();
    const std::size_t n = stack_.peek(socket, offset, MutBytes{seen}.first(in_.u16() % 2048u));
    require(n == 0 || offset + n <= unread, "no more is seen than there is");
    require(stack_.unread(socket) == unread, "looking takes nothing");
  }

  void take_pieces(SocketId socket) {
    std::array<Bytes, 5> pieces;
    const std::size_t n = stack_.readable_pieces(socket, pieces);
    std::size_t octets = 0;
    for (std::size_t i = 0; i < n; ++i) octets += pieces[i].size();
    require(octets <= stack_.unread(socket), "no more is lent than there is");
    stack_.consume(socket, octets * in_.u8() / 255);
  }

  void hand_over(SocketId socket) {
    MemPacket packet = pool_.allocate();
    if (!packet) return;
    packet.append(std::min<std::size_t>(in_.u16() % 2048u, packet.tailroom()));
    const bool taken = stack_.write_packet(socket, packet).has_value();
    require(taken != static_cast<bool>(packet), "a packet has one owner");
  }

  void call() {
    if (sockets_.empty()) return open();
    const std::size_t which = in_.u8() % sockets_.size();
    const SocketId socket = sockets_[which];
    std::array<std::uint8_t, 4096> octets{};
    switch (in_.u8() % 19) {
      case 0:
        return keep(stack_.tcp_accept(socket));
      case 1:
      case 2: {
        const Result<std::size_t, Error> wrote =
            stack_.write(socket, Bytes{octets}.first(in_.u16() % 4096u));
        require(!wrote || *wrote <= octets.size(), "no more is written than there is");
        return;
      }
      case 3:
      case 4:
        stack_.read(socket, MutBytes{octets}.first(in_.u16() % 4096u));
        return;
      case 5: {
        const MutBytes room = stack_.reserve(socket, 1u + in_.u16());
        stack_.commit(socket, room.size() * in_.u8() / 255);
        return;
      }
      case 6: {
        const Bytes piece = stack_.readable(socket);
        stack_.consume(socket, piece.size() * in_.u8() / 255);
        return;
      }
      case 7:
        static_cast<void>(stack_.shutdown_write(socket));
        return;
      case 8:
      case 9:
        // The id stays in the list at times: what is gone must miss.
        in_.flag() ? stack_.close(socket) : stack_.abort(socket);
        if (in_.flag()) sockets_.erase(sockets_.begin() + static_cast<std::ptrdiff_t>(which));
        return;
      case 10:
        static_cast<void>(stack_.set_options(socket, socket_options()));
        return;
      case 11:
        stack_.set_deadline(socket, in_.flag() ? now_ + in_.time() : kNever);
        return;
      case 12: {
        UdpSendOptions options;
        options.remote = {in_.flag() ? kPeer6 : kPeer4, in_.u16()};
        if (in_.flag()) options.remote.address = IpAddress::v4(in_.u32());
        static_cast<void>(stack_.udp_send(socket, options, Bytes{octets}.first(in_.u16() % 2000u)));
        return;
      }
      case 13:
        return look(socket);
      case 14:
        return take_pieces(socket);
      case 15: {
        const std::size_t half = in_.u16() % 2048u;
        const std::array<Bytes, 2> pieces{Bytes{octets}.first(half), Bytes{octets}.last(half)};
        const Result<std::size_t, Error> wrote = stack_.write_pieces(socket, pieces);
        require(!wrote || *wrote <= 2 * half, "no more is written than there is");
        return;
      }
      case 16:
        return hand_over(socket);
      case 17:
        if (in_.u8() % 4 == 0) static_cast<void>(stack_.shutdown_read(socket));
        return;
      default:
        if (stack_.udp_front(socket)) stack_.udp_pop(socket);
        static_cast<void>(stack_.soft_error(socket));
        static_cast<void>(stack_.tcp_info(socket));
        static_cast<void>(stack_.at_end(socket));
    }
  }

  Input in_;
  MemPool pool_;
  DropCounters drops_;
  Port port_;
  Instant now_{seconds(1000)};
  Stack<MemPacket> stack_;
  std::vector<SocketId> sockets_;
};

void stack(Bytes input) {
  Play{input}.run();
}

}  // namespace
SMOL_FUZZ_TARGET(stack)
}  // namespace smol::fuzz
