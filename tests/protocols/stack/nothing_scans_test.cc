// Nothing scans: what a turn costs does not grow with what there is, but with what happens. Work is
// counted in pages of the stack's own memory, so that the count is the same on every machine: a
// walk over a table of a million touches thousands, whatever is done at each step.
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/protocols/stack/stack_fixture.hh"
#include "tests/support/scale.hh"
#include "tests/support/touched_pages.hh"

namespace smol {
namespace {

/// A stack whose tables, and nothing else, lie in watched memory; its port forgets what it is
/// given, but for the acknowledgement number that a peer needs.
class Crowd final : private PacketSink<MemPacket> {
 public:
  explicit Crowd(std::uint32_t connections, std::uint32_t half_open = 64)
      : memory_{std::size_t{4} << 30},
        pool_{512, 2048, *std::pmr::new_delete_resource()},
        stack{config(connections, half_open),
              StackSecrets{Secret{1, 2}, Secret{3, 4}, 5},
              {pool_, memory_, *this, drops_},
              now_} {
    EXPECT_TRUE(stack.add_interface(eth0_config()));
    Route route;
    route.destination = IpPrefix::parse("0.0.0.0/0").value();
    route.gateway = kPeer4;
    EXPECT_TRUE(stack.add_route(route));
    receive(arp_request(kOwn4, kPeer4));
    receive(arp_reply());
    TcpListenOptions listen;
    listen.local = {IpAddress::v4(0), 80};
    listen.syn_backlog = half_open;
    listener_ = stack.tcp_listen(listen).value();
  }

  /// More peers come, until there are `count` established connections, all idle.
  void grow(std::uint32_t count) {
    for (; accepted_.size() < count; ++peers_) {
      segment(peers_, "S", SeqNumber{peers_}, std::nullopt);
      turn();
      segment(peers_, ".", SeqNumber{peers_} + 1, syn_ack_ + 1);
      const auto socket = stack.tcp_accept(listener_);
      ASSERT_EQ(error_of(socket), "none");
      accepted_.push_back(*socket);
      iss_.push_back(syn_ack_);
    }
    // Timers of the handshakes that never were needed go off.
    for (int i = 0; i < 100; ++i) {
      now_ += seconds(2);
      while (stack.expire(now_, 1024) > 0) {
      }
    }
    turn();
    ASSERT_EQ(stack.counters().tcp_curr_estab.value(), count);
  }

  /// A SYN of a peer who says nothing more.
  void knock(std::uint32_t which) {
    segment(which, "S", SeqNumber{which}, std::nullopt);
    stack.transmit(now_, 64);
  }
  void turn() {
    stack.expire(now_, 64);
    while (!stack.events().empty()) {
    }
    stack.transmit(now_, 64);
  }
  /// A request comes to one connection; it is read, and answered.
  void serve(std::uint32_t which) {
    receive(request_to(which));
    answer(which);
  }
  Octets request_to(std::uint32_t which) {
    return frame_of(which, "P.", SeqNumber{which} + 1, iss_[which] + 1, request_);
  }
  void receive(const Octets& octets) {
    MemPacket in = pool_.allocate();
    copy_bytes(in.append(octets.size()), octets);
    stack.receive(now_, 0, {&in, 1});
  }
  void answer(std::uint32_t which) {
    std::array<std::uint8_t, 64> got{};
    EXPECT_EQ(stack.read(accepted_[which], got), request_.size());
    EXPECT_TRUE(stack.write(accepted_[which], got));
    turn();
  }
  SocketId socket(std::uint32_t which) const { return accepted_[which]; }
  TouchedPages& memory() { return memory_; }
  void pass(Duration time) { now_ += time; }
  Instant now() const { return now_; }

 private:
  static StackConfig config(std::uint32_t connections, std::uint32_t half_open) {
    StackConfig out = small_config();
    out.limits.half_open = half_open;
    out.limits.connections = connections;
    out.limits.time_wait = connections;
    return out;
  }
  static IpEndpoint peer(std::uint32_t which) {
    return {IpAddress::v4(0xc000'0000 + (which >> 14)),
            static_cast<std::uint16_t>(1024 + (which & 0x3fff))};
  }
  Octets frame_of(std::uint32_t which, std::string_view flags, SeqNumber seq,
                  std::optional<SeqNumber> ack, const Octets& text = {}) const {
    TcpRepr header;
    header.control = flags == "S" ? TcpControl::kSyn : TcpControl::kNone;
    header.seq = seq;
    header.ack = ack;
    header.window = 0xffff;
    return tcp_frame(peer(which), {kOwn4, 80}, header, text);
  }
  void segment(std::uint32_t which, std::string_view flags, SeqNumber seq,
               std::optional<SeqNumber> ack) {
    receive(frame_of(which, flags, seq, ack));
  }
  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) {
      const MemPacket taken = std::move(packet);
      const Bytes octets = taken.segment(0);
      if (octets.size() >= 54 && be16(octets, 12) == 0x0800) syn_ack_ = {be32(octets, 38)};
    }
  }

  TouchedPages memory_;
  MemPool pool_;
  DropCounters drops_;
  Instant now_{seconds(1000)};
  SeqNumber syn_ack_{};
  std::uint32_t peers_ = 0;
  SocketId listener_;
  std::vector<SocketId> accepted_;
  std::vector<SeqNumber> iss_;
  Octets request_ = octets_of("request");

 public:
  Stack<MemPacket> stack;
};

/// The turns whose cost is looked at. Each is measured in a stack of few and of many connections.
struct Row {
  const char* sentence;
  std::uint64_t most;  ///< pages
  std::function<void(Crowd&, std::uint32_t)> work;
};

/// A connection's block may lie across two pages; then its place in the table, and what they share.
constexpr std::uint64_t kPagesAConnection = 4;
constexpr std::uint64_t kPagesATurn = 8;

std::vector<Row> rows() {
  return {
      {"AnIdleTurn", kPagesATurn, [](Crowd& crowd, std::uint32_t) { crowd.turn(); }},
      {"ARequest", kPagesATurn + kPagesAConnection,
       [](Crowd& crowd, std::uint32_t which) { crowd.serve(which); }},
      {"ADeadlineToArm", kPagesATurn + kPagesAConnection,
       [](Crowd& crowd, std::uint32_t which) {
         crowd.stack.set_deadline(crowd.socket(which), crowd.now() + seconds(5));
       }},
      {"ADeadlineThatIsDue", kPagesATurn + kPagesAConnection,
       [](Crowd& crowd, std::uint32_t) {
         crowd.pass(seconds(6));
         crowd.turn();
       }},
      {"AnEnd", kPagesATurn + kPagesAConnection,
       [](Crowd& crowd, std::uint32_t which) {
         crowd.stack.close(crowd.socket(which));
         crowd.turn();
       }},
  };
}

void expect_flat(Crowd& crowd, std::uint32_t connections) {
  for (const Row& row : rows()) {
    const std::uint32_t which = connections / 2;
    const std::uint64_t pages = crowd.memory().pages_of([&] { row.work(crowd, which); });
    EXPECT_LE(pages, row.most) << row.sentence << " among " << connections;
  }
}

TEST(NothingScans, ATurnCostsTheSameAmongAMillionConnections) {
  for (const std::uint32_t connections : {10u, 1000u, std::max(scaled(1'000'000), 10'000u)}) {
    Crowd crowd{connections};
    crowd.grow(connections);
    expect_flat(crowd, connections);
    if (HasFailure()) return;  // at once: what scans takes for ever among more
  }
}

/// Tables of one size each: UDP sockets, neighbours, routes.
class Tables final : private PacketSink<MemPacket> {
 public:
  explicit Tables(std::uint32_t entries)
      : memory_{std::size_t{1} << 30},
        pool_{512, 2048, *std::pmr::new_delete_resource()},
        stack_{config(entries),
               StackSecrets{Secret{1, 2}, Secret{3, 4}, 5},
               {pool_, memory_, *this, drops_},
               now_} {
    InterfaceConfig interface = eth0_config();
    interface.addresses = {IpPrefix{kOwn4, 8}};
    EXPECT_TRUE(stack_.add_interface(interface));
    for (std::uint32_t i = 0; i < entries; ++i) {
      receive(arp_request(kOwn4, neighbor(i)));
      Route route;
      route.destination = IpPrefix{IpAddress::v4(0x4000'0000 + (i << 8)), 24};
      route.gateway = neighbor(i);
      EXPECT_TRUE(stack_.add_route(route));
      UdpOptions options;
      options.local = {IpAddress::v4(0), static_cast<std::uint16_t>(1000 + i)};
      sockets_.push_back(stack_.udp_open(options).value());
    }
    turn();
  }

  /// A datagram for one socket from behind one route, and its answer.
  void serve(std::uint32_t which) {
    const IpEndpoint remote{IpAddress::v4(0x4000'0001 + (which << 8)), 9};
    const std::uint16_t port = static_cast<std::uint16_t>(1000 + which);
    receive(udp_frame(remote, {kOwn4, port}, octets_of("question")));
    ASSERT_TRUE(stack_.udp_front(sockets_[which]));
    stack_.udp_pop(sockets_[which]);
    EXPECT_TRUE(stack_.udp_send(sockets_[which], {remote, {}, {}}, octets_of("answer")));
    turn();
  }
  void turn() {
    stack_.expire(now_, 64);
    while (!stack_.events().empty()) {
    }
    stack_.transmit(now_, 64);
  }
  TouchedPages& memory() { return memory_; }

 private:
  static StackConfig config(std::uint32_t entries) {
    StackConfig out = small_config();
    out.limits.udp_sockets = out.limits.neighbors = entries;
    out.limits.routes = entries + 8;
    return out;
  }
  static IpAddress neighbor(std::uint32_t which) { return IpAddress::v4(0x0a01'0000 + which); }
  void receive(const Octets& octets) {
    MemPacket in = pool_.allocate();
    copy_bytes(in.append(octets.size()), octets);
    stack_.receive(now_, 0, {&in, 1});
  }
  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) packet = MemPacket{};
  }

  TouchedPages memory_;
  MemPool pool_;
  DropCounters drops_;
  Instant now_{seconds(1000)};
  Stack<MemPacket> stack_;
  std::vector<SocketId> sockets_;
};

// TCP-183, TCP-184: a SYN costs the same however many wait in the queue, and so does its end.
TEST(NothingScans, ASynCostsTheSameWhateverIsHalfOpen) {
  constexpr std::uint64_t kPagesASyn = 4;
  for (const std::uint32_t queue : {1u, 1000u, std::max(scaled(200'000), 2000u)}) {
    Crowd crowd{10, queue + 1};
    for (std::uint32_t i = 0; i < queue; ++i) crowd.knock(i);
    ASSERT_EQ(crowd.stack.tcp().half_open().size(), queue);
    EXPECT_LE(crowd.memory().pages_of([&] { crowd.knock(queue); }), kPagesATurn + kPagesASyn)
        << "the last that is kept, of " << queue;
    EXPECT_LE(crowd.memory().pages_of([&] { crowd.knock(queue + 1); }), kPagesATurn + kPagesASyn)
        << "a cookie beside " << queue;
    EXPECT_EQ(crowd.stack.counters().tcp_syncookies_sent.value(), 1u);
    crowd.pass(seconds(2));
    std::size_t ran = 0;
    EXPECT_LE(crowd.memory().pages_of([&] { ran = crowd.stack.expire(crowd.now(), 1); }),
              64 * kPagesASyn)
        << "a helping of what is due, of " << queue;
    EXPECT_EQ(ran, 1u);
  }
}

TEST(NothingScans, ADatagramCostsTheSameAmongManySocketsNeighborsAndRoutes) {
  // A path through the routes reads a node a bit of the address, at most.
  constexpr std::uint64_t kPagesARoute = 40;
  for (const std::uint32_t entries : {10u, 30'000u}) {
    Tables tables{entries};
    EXPECT_LE(tables.memory().pages_of([&] { tables.turn(); }), kPagesATurn) << entries;
    EXPECT_LE(tables.memory().pages_of([&] { tables.serve(entries / 2); }),
              kPagesATurn + kPagesARoute)
        << entries;
  }
}

// What many have to do at once is done in bounded helpings.
TEST(NothingScans, ATurnTakesABoundedHelpingOfWhatIsDue) {
  constexpr std::uint32_t kMany = 20'000;
  Crowd crowd{kMany};
  crowd.grow(kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    crowd.stack.set_deadline(crowd.socket(i), crowd.now() + seconds(5));
  }
  crowd.pass(seconds(6));
  std::size_t ran = 0;
  const std::uint64_t pages =
      crowd.memory().pages_of([&] { ran = crowd.stack.expire(crowd.now(), 64); });
  EXPECT_EQ(ran, 64u);
  EXPECT_LE(pages, 64 * kPagesAConnection);
  EXPECT_LE(crowd.stack.next_deadline(), crowd.now()) << "the rest waits, and is not forgotten";
}

// The check finds a turn that looks at every connection, though it does nothing with them.
TEST(NothingScans, ATurnThatScansIsFound) {
  constexpr std::uint32_t kMany = 10'000;
  Crowd crowd{kMany};
  crowd.grow(kMany);
  std::uint32_t established = 0;
  const std::uint64_t pages = crowd.memory().pages_of([&] {
    crowd.turn();
    crowd.stack.tcp().for_each_connection([&](const TcpSocket<MemPacket>& socket) {
      if (socket.connection.state() == tcp::State::kEstablished) ++established;
    });
  });
  EXPECT_EQ(established, kMany);
  EXPECT_GT(pages, 20 * kPagesATurn);
}

}  // namespace
}  // namespace smol
