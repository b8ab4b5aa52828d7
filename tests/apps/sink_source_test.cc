#include <gtest/gtest.h>

#include "apps/sink.hh"
#include "apps/source.hh"
#include "tests/apps/rig.hh"

namespace smol::apps {
namespace {

using SinkRig = Rig<Sink, SinkConfig>;
using SourceRig = Rig<Source, SourceConfig>;

TEST(Sink, ReportsOctetsAndChecksumWhenThePeerCloses) {
  SinkRig rig;
  const std::size_t c = rig.connect(6971);
  rig.send(c, "1234");
  rig.send(c, "56789");
  EXPECT_EQ(rig.peer(c).to_app.size(), 0u);
  EXPECT_EQ(rig.log.lines.size(), 0u);
  rig.send_fin(c);
  ASSERT_EQ(rig.log.lines.size(), 1u);
  EXPECT_EQ(rig.log.lines[0].level, dataplane::LogLevel::kInfo);
  EXPECT_EQ(rig.log.lines[0].component, "sink");
  EXPECT_EQ(rig.log.lines[0].text, "192.168.69.100:40000 closed: 9 octets, crc32c 0xe3069283");
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.receive(c), "");
}

TEST(Sink, SaysHowAConnectionDied) {
  SinkRig rig;
  const std::size_t c = rig.connect(6971);
  rig.send(c, "123456789");
  rig.sockets.kill(c, Error::kTimedOut);
  rig.settle();
  ASSERT_EQ(rig.log.lines.size(), 1u);
  EXPECT_EQ(rig.log.lines[0].text,
            "192.168.69.100:40000 closed: 9 octets, crc32c 0xe3069283 (timed out)");
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Sink, SeesAConnectionThatDiedBeforeItWasAccepted) {
  SinkRig rig;
  const std::size_t c = rig.sockets.connect({kServer4, 6971}, kClient4);
  rig.sockets.kill(c, Error::kConnectionReset);
  rig.settle();
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Sink, CanLeaveTheChecksumOut) {
  SinkConfig config;
  config.checksum = false;
  SinkRig rig{config};
  const std::size_t c = rig.connect(6971);
  rig.send(c, "123456789");
  rig.send_fin(c);
  ASSERT_EQ(rig.log.lines.size(), 1u);
  EXPECT_EQ(rig.log.lines[0].text, "192.168.69.100:40000 closed: 9 octets");
}

TEST(Sink, AsksForKeepAliveAndAUserTimeout) {
  SinkRig rig;
  const std::size_t c = rig.connect(6971);
  EXPECT_EQ(rig.peer(c).options.keep_alive, seconds(1));
  EXPECT_EQ(rig.peer(c).options.keep_alive_interval, seconds(1));
  EXPECT_EQ(rig.peer(c).options.user_timeout, seconds(2));
}

TEST(Sink, CanDoWithoutTimers) {
  SinkConfig config;
  config.keep_alive = Duration::zero();
  config.user_timeout = Duration::zero();
  tcp::SocketOptions defaults;
  defaults.receive_buffer = 123456;
  SinkRig rig{config, defaults};
  const std::size_t c = rig.connect(6971);
  EXPECT_EQ(rig.peer(c).options.keep_alive, Duration::zero());
  EXPECT_EQ(rig.peer(c).options.keep_alive_interval, defaults.keep_alive_interval);
  EXPECT_EQ(rig.peer(c).options.user_timeout, Duration::zero());
  EXPECT_EQ(rig.peer(c).options.receive_buffer, 123456u);
}

TEST(Sink, ReportsWhenTheDaemonShutsDown) {
  SinkRig rig;
  const std::size_t c = rig.connect(6971);
  rig.sockets.send(c, "123456789");
  rig.app.drain(rig.sockets);
  ASSERT_EQ(rig.log.lines.size(), 1u);
  EXPECT_EQ(rig.log.lines[0].text,
            "192.168.69.100:40000 closed: 9 octets, crc32c 0xe3069283 (shutting down)");
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

void expect_pattern(std::string_view octets, std::uint64_t position) {
  for (std::size_t i = 0; i < octets.size(); ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(octets[i]), (position + i) % 251)
        << "octet " << position + i;
  }
}

TEST(Source, OctetIOfTheStreamIsIModulo251) {
  SourceRig rig;
  const std::size_t c = rig.connect(6972);
  std::uint64_t position = 0;
  for (const std::size_t n : {1u, 250u, 251u, 252u, 5000u, 65536u, 1u, 100000u}) {
    const std::string got = rig.receive(c, n);
    ASSERT_EQ(got.size(), n);
    expect_pattern(got, position);
    position += n;
  }
}

TEST(Source, FillsTheSendQueueAndNoMore) {
  SourceRig rig;
  const std::size_t c = rig.sockets.connect({kServer4, 6972}, kClient4);
  rig.peer(c).send_limit = 10'000;
  rig.settle();
  EXPECT_EQ(rig.peer(c).to_peer.size(), 10'000u);
  rig.sockets.take(c, 1);
  rig.settle();
  EXPECT_EQ(rig.peer(c).to_peer.size(), 10'000u);
}

TEST(Source, ThrowsAwayWhatThePeerSendsAndEndsWithItsFin) {
  SourceRig rig;
  const std::size_t c = rig.connect(6972);
  rig.send(c, "noise");
  EXPECT_EQ(rig.peer(c).to_app.size(), 0u);
  rig.send_fin(c);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_FALSE(rig.peer(c).reset_to_peer);
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Source, GivesADeadConnectionUp) {
  SourceRig rig;
  const std::size_t c = rig.connect(6972);
  rig.sockets.kill(c, Error::kConnectionReset);
  rig.settle();
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Source, EndsWhenTheDaemonShutsDown) {
  SourceRig rig;
  const std::size_t c = rig.connect(6972);
  rig.app.drain(rig.sockets);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

/// The part that all services of one port share, seen through one that does nothing.
struct Nothing final : TcpService<ConnectionBase> {
  Nothing(std::uint32_t limit, dataplane::Log& log)
      : TcpService{{.name = "nothing", .port = 7, .connections = limit}, log} {}
  void on_ready(Sockets& sockets, ConnectionBase& connection) override {
    if (sockets.at_end(connection.socket)) finish(sockets, connection);
  }
  void on_drain(Sockets& sockets, ConnectionBase& connection) override {
    abort(sockets, connection);
  }
};

TEST(TcpService, ResetsMoreConnectionsThanItHasRoomForAndSaysSoOnceASecond) {
  testing::FakeSockets sockets;
  testing::RecordingLog log;
  Nothing app{2, log};
  ASSERT_EQ(app.start(sockets, 0), "");
  const auto settle = [&] {
    for (auto events = sockets.events(); !events.empty(); events = sockets.events()) {
      app.on_events(sockets, events);
    }
  };
  for (int i = 0; i < 5; ++i) sockets.connect({kServer6, 7}, kClient6);
  settle();
  EXPECT_EQ(app.connections(), 2u);
  EXPECT_FALSE(sockets.peer(1).reset_to_peer);
  EXPECT_TRUE(sockets.peer(2).reset_to_peer);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0].text,
            "[fdaa::100]:40000 refused: all 2 connections of this worker are in use");
  sockets.advance(seconds(1));
  sockets.connect({kServer6, 7}, kClient6);
  settle();
  EXPECT_EQ(log.lines.size(), 2u);
  // Room again once one is gone.
  sockets.send_fin(0);
  settle();
  sockets.connect({kServer6, 7}, kClient6);
  settle();
  EXPECT_EQ(app.connections(), 2u);
  EXPECT_FALSE(sockets.peer(6).reset_to_peer);
}

// Two events of one turn: the first makes the service close the second's socket.
TEST(TcpService, IgnoresEventsOfConnectionsThatAreGone) {
  testing::FakeSockets sockets;
  testing::RecordingLog log;
  Nothing app{2, log};
  ASSERT_EQ(app.start(sockets, 0), "");
  sockets.connect({kServer6, 7}, kClient6);
  app.on_events(sockets, sockets.events());
  sockets.send_fin(0);
  const std::vector<SocketEvent> late = sockets.events();
  app.drain(sockets);
  app.on_events(sockets, late);  // the fake fails the test for a call on a closed socket
  EXPECT_EQ(app.connections(), 0u);
}

}  // namespace
}  // namespace smol::apps
