// Same input, same output, to the octet: a capture and a seed are a bug report.
#include "tests/protocols/stack/tcp_peer.hh"
#include "tests/support/pair.hh"

namespace smol {
namespace {

/// All that two stacks say to each other and to their users in a busy scenario, as octets.
Octets transcript(const StackSecrets& left, const StackSecrets& right, std::uint64_t seed) {
  Host::Options a;
  a.secrets = left;
  a.packets = 128;
  a.config.neighbor = NeighborConfig{};
  Host::Options b = a;
  b.secrets = right;
  Pair pair{a, b};
  Rng rng{seed};
  Octets out;
  const auto note = [&](std::uint64_t value) {
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  TcpListenOptions listen;
  listen.local = {IpAddress::v4(0), 80};
  const SocketId listener4 = pair.b.stack->tcp_listen(listen).value();
  listen.local.address = IpAddress{};
  const SocketId listener6 = pair.b.stack->tcp_listen(listen).value();
  const SocketId datagrams =
      pair.a.stack->udp_open({.local = {IpAddress::v4(0), 0}, .remote = {}}).value();
  std::vector<SocketId> clients;
  std::vector<SocketId> servers;
  for (int step = 0; step < 1500; ++step) {
    if (clients.size() < 8) {
      TcpConnectOptions connect;
      connect.remote = {step % 2 == 0 ? Pair::address4(1) : Pair::address6(1), 80};
      if (const auto socket = pair.a.stack->tcp_connect(connect)) clients.push_back(*socket);
    }
    for (const SocketId& listener : {listener4, listener6}) {
      if (const auto socket = pair.b.stack->tcp_accept(listener)) servers.push_back(*socket);
    }
    for (const SocketId& socket : clients) {
      static_cast<void>(pair.a.stack->write(socket, pattern(rng.below(3000))));
    }
    for (const SocketId& socket : servers) {
      Octets got(rng.below(4000));
      got.resize(pair.b.stack->read(socket, got));
      static_cast<void>(pair.b.stack->write(socket, got));
    }
    if (rng.below(40) == 0 && !clients.empty()) {
      pair.a.stack->close(clients[rng.below(static_cast<std::uint32_t>(clients.size()))]);
      clients.erase(clients.begin());
    }
    static_cast<void>(pair.a.stack->udp_send(
        datagrams,
        {{IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(rng.below(200) + 3)), 9}, {}, {}},
        pattern(20)));
    for (Host* host : {&pair.a, &pair.b}) {
      for (const SocketEvent& event : host->events()) {
        note(event.socket.handle.index);
        note(event.events);
      }
      for (MemPacket& packet : host->kept) {
        out = std::move(out) + all_octets(packet);
        if (rng.below(30) == 0) packet = MemPacket{};
      }
      std::erase_if(host->kept, [](const MemPacket& packet) { return !packet; });
    }
    pair.step(microseconds(100 + rng.below(20'000)));
    note(static_cast<std::uint64_t>(pair.a.stack->next_deadline().time_since_epoch().count()));
  }
  pair.a.stack->counters().for_each(
      [&](std::string_view, std::string_view, std::uint64_t value) { note(value); });
  return out;
}

TEST(Determinism, TheSameInputGivesTheSameOutputToTheOctet) {
  const StackSecrets left{Secret{1, 2}, Secret{3, 4}, 5};
  const StackSecrets right{Secret{6, 7}, Secret{8, 9}, 10};
  const Octets first = transcript(left, right, 42);
  EXPECT_GT(first.size(), 100'000u);
  EXPECT_TRUE(first == transcript(left, right, 42));
  EXPECT_FALSE(first == transcript(left, right, 43)) << "the input does not matter?";
  EXPECT_FALSE(first == transcript(right, left, 42)) << "the secrets do not matter?";
}

// What places entries in tables must not be told to those who could aim at them.
TEST(Determinism, TheHashSecretDoesNotShowOnTheWire) {
  const StackSecrets one{Secret{1, 2}, Secret{3, 4}, 5};
  StackSecrets other = one;
  other.hash = Secret{77, 78};
  const StackSecrets right{Secret{6, 7}, Secret{8, 9}, 10};
  EXPECT_TRUE(transcript(one, right, 42) == transcript(other, right, 42));
}

}  // namespace
}  // namespace smol
