// Connections that come and go: tables, timers and the pool end where they began.
#include <deque>

#include "tests/protocols/stack/tcp_peer.hh"
#include "tests/support/pair.hh"
#include "tests/support/scale.hh"

namespace smol {
namespace {

enum class Closer : std::uint8_t { kClient, kServer, kBoth, kAbort };

Host::Options roomy() {
  Host::Options options;
  options.packets = 4096;
  options.config.limits.connections = 2048;
  options.config.limits.time_wait = 65'536;
  options.config.tcp.time_wait = seconds(2);
  return options;
}

/// Opens `count` connections from a to b, some hundred at a time; each carries a request and an
/// answer and is closed by `closer` first.
void churn(Pair& pair, std::uint32_t count, Closer closer) {
  struct Connection {
    SocketId socket;
    bool asked = false;
  };
  TcpListenOptions listen;
  listen.local = {IpAddress::v4(0), 80};
  listen.syn_backlog = 1024;
  const SocketId listener = pair.b.stack->tcp_listen(listen).value();
  Stack<MemPacket>& client = *pair.a.stack;
  Stack<MemPacket>& server = *pair.b.stack;
  std::deque<Connection> asking;
  std::deque<SocketId> serving;
  std::uint32_t opened = 0;
  std::uint32_t done = 0;
  const auto step = [&] {
    while (opened < count && asking.size() < 200) {
      TcpConnectOptions connect;
      connect.remote = {Pair::address4(1), 80};
      const auto socket = client.tcp_connect(connect);
      if (!socket) break;  // every port is in TIME-WAIT: time must go by
      asking.push_back({*socket});
      ++opened;
    }
    while (const auto socket = server.tcp_accept(listener)) serving.push_back(*socket);
    for (std::size_t n = serving.size(); n > 0; --n) {
      const SocketId socket = serving.front();
      serving.pop_front();
      Octets request(16);
      if (server.read(socket, request) > 0) {
        EXPECT_TRUE(server.write(socket, octets_of("answer")));
        if (closer == Closer::kServer || closer == Closer::kBoth) {
          server.close(socket);
          continue;
        }
      } else if (server.at_end(socket)) {
        server.close(socket);
        continue;
      }
      serving.push_back(socket);
    }
    for (std::size_t n = asking.size(); n > 0; --n) {
      Connection connection = asking.front();
      asking.pop_front();
      Octets answer(16);
      if (!connection.asked) {
        connection.asked = client.write(connection.socket, octets_of("request")).value_or(0) == 7;
      } else if (client.read(connection.socket, answer) == 6) {
        closer == Closer::kAbort ? client.abort(connection.socket)
                                 : client.close(connection.socket);
        ++done;
        continue;
      }
      ASSERT_EQ(error_of(client.error(connection.socket)), "none");
      asking.push_back(connection);
    }
    pair.a.events();
    pair.b.events();
  };
  EXPECT_TRUE(pair.run(
      [&] {
        step();
        return done == count && serving.empty();
      },
      2'000'000))
      << done << " of " << count;
  server.close(listener);
}

class Churn : public ::testing::TestWithParam<Closer> {};

// TCP-045, TCP-187: 100,000 from one address with each closer; more than there are ports.
TEST_P(Churn, EndsWhereItBegan) {
  Pair pair{roomy()};
  const std::uint32_t count = scaled(100'000);
  churn(pair, count, GetParam());
  EXPECT_EQ(pair.a.stack->counters().tcp_active_opens.value(), count);
  EXPECT_EQ(pair.b.stack->counters().tcp_passive_opens.value(), count);
  EXPECT_EQ(pair.a.stack->counters().tcp_attempt_fails.value(), 0u);
  EXPECT_EQ(pair.lost, 0u);
  for (int i = 0; i < 5000; ++i) pair.step();
  pair.a.kept.clear();
  pair.b.kept.clear();
  pair.a.expect_empty();
  pair.b.expect_empty();
  pair.a.events();
  pair.b.events();
  EXPECT_EQ(pair.a.stack->next_deadline(), kNever) << "a timer is left";
  EXPECT_EQ(pair.b.stack->next_deadline(), kNever) << "a timer is left";
}

std::string closer_name(const ::testing::TestParamInfo<Closer>& row) {
  constexpr const char* kNames[] = {"Client", "Server", "Both", "Abort"};
  return kNames[static_cast<std::size_t>(row.param)];
}
INSTANTIATE_TEST_SUITE_P(Closers, Churn,
                         ::testing::Values(Closer::kClient, Closer::kServer, Closer::kBoth,
                                           Closer::kAbort),
                         closer_name);

// A ring of TIME-WAIT records much smaller than the connections that pass through it.
TEST(TcpChurn, ASmallTimeWaitTableIsRecycledForEver) {
  Host::Options options = roomy();
  options.config.limits.time_wait = 64;
  options.config.tcp.time_wait = seconds(60);
  Pair pair{options};
  churn(pair, scaled(5000), Closer::kClient);
  EXPECT_LE(pair.a.stack->counters().tcp_time_wait.value(), 64u);
  EXPECT_GE(pair.a.stack->counters().tcp_time_wait_recycled.value() + 64 + 200, scaled(5000));
  for (int i = 0; i < 6200; ++i) pair.step(milliseconds(10));
  pair.a.kept.clear();
  pair.b.kept.clear();
  pair.a.expect_empty();
  pair.b.expect_empty();
}

}  // namespace
}  // namespace smol
