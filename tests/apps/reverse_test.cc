#include "apps/reverse.hh"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/apps/rig.hh"

namespace smol::apps {
namespace {

using ReverseRig = Rig<Reverse, ReverseConfig>;

struct Row {
  std::string_view sentence;
  std::string_view sent;
  std::string_view returned;
};

constexpr Row kRows[] = {
    {"a line", "abcdefg\n", "gfedcba\n"},
    {"text without a newline gets one", "abc", "cba\n"},
    {"an empty line", "\n", "\n"},
    {"only the last newline is taken off", "ab\ncd\n", "dc\nba\n"},
    {"octets that are no text", std::string_view{"\0\xff\x01", 3},
     std::string_view{"\x01\xff\0\n", 4}},
};

TEST(Reverse, ReturnsEachChunkReversed) {
  for (const Row& row : kRows) {
    ReverseRig rig;
    const std::size_t c = rig.connect(6970);
    rig.send(c, row.sent);
    EXPECT_EQ(rig.receive(c), row.returned) << row.sentence;
  }
}

TEST(Reverse, GoesOnUntilThePeerCloses) {
  ReverseRig rig;
  const std::size_t c = rig.connect(6970);
  rig.send(c, "one\n");
  rig.send(c, "two\n");
  EXPECT_EQ(rig.receive(c), "eno\nowt\n");
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.sockets.send(c, "last\n");
  rig.send_fin(c);
  EXPECT_EQ(rig.receive(c), "tsal\n");
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_FALSE(rig.peer(c).reset_to_peer);
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Reverse, ServesManyConnectionsAtOnce) {
  ReverseRig rig;
  std::vector<std::size_t> all;
  for (int i = 0; i < 100; ++i) all.push_back(rig.connect(6970));
  for (const std::size_t c : all) rig.sockets.send(c, std::to_string(1000 + c));
  rig.settle();
  for (const std::size_t c : all) {
    std::string expected = std::to_string(1000 + c);
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(rig.receive(c), expected + "\n");
  }
}

TEST(Reverse, LeavesAChunkUnreadUntilItsAnswerIsInTheSendQueue) {
  ReverseRig rig;
  const std::size_t c = rig.connect(6970);
  rig.peer(c).send_limit = 4;
  rig.sockets.send(c, "0123456789\n");
  rig.send(c, "ab\n");
  EXPECT_EQ(rig.peer(c).to_app.size(), 2u);
  EXPECT_EQ(rig.sockets.take(c), "9876");
  rig.settle();
  EXPECT_EQ(rig.peer(c).to_app.size(), 2u);
  EXPECT_EQ(rig.sockets.take(c, 3), "543");
  rig.settle();
  EXPECT_EQ(rig.peer(c).to_app.size(), 1u);
  EXPECT_EQ(rig.receive(c), "210\nba\n");
  EXPECT_EQ(rig.peer(c).to_app.size(), 0u);
}

// More may have come behind a chunk while its answer waited.
TEST(Reverse, KeepsTheChunkThatItBeganWith) {
  ReverseRig rig;
  const std::size_t c = rig.connect(6970);
  rig.peer(c).send_limit = 2;
  rig.send(c, "abc\n");
  rig.peer(c).to_app.front() += "xyz\n";  // in the same piece
  EXPECT_EQ(rig.receive(c), "cba\nzyx\n");
}

TEST(Reverse, CutsAChunkLargerThanItsScratch) {
  ReverseRig rig;
  const std::size_t c = rig.connect(6970);
  rig.peer(c).send_limit = 1 << 20;
  rig.send(c, std::string(65536, 'a') + "b\n");
  EXPECT_EQ(rig.receive(c), std::string(65536, 'a') + "\nb\n");
}

TEST(Reverse, LogsWhoComesAndGoes) {
  ReverseRig rig;
  const std::size_t c = rig.connect(6970);
  rig.send_fin(c);
  const std::size_t dead = rig.connect(6970);
  rig.sockets.kill(dead, Error::kConnectionReset);
  rig.settle();
  ASSERT_EQ(rig.log.lines.size(), 4u);
  EXPECT_EQ(rig.log.lines[0].text, "192.168.69.100:40000 connected");
  EXPECT_EQ(rig.log.lines[1].text, "192.168.69.100:40000 disconnected");
  EXPECT_EQ(rig.log.lines[3].text, "192.168.69.100:40000 connection reset by the peer");
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Reverse, LogsNothingWhenNobodyWantsIt) {
  ReverseRig rig;
  rig.log.threshold = dataplane::LogLevel::kInfo;
  rig.connect(6970);
  EXPECT_EQ(rig.log.lines.size(), 0u);
}

TEST(Reverse, FinishesWhatItOwesWhenTheDaemonShutsDown) {
  ReverseRig rig;
  const std::size_t idle = rig.connect(6970);
  const std::size_t busy = rig.connect(6970);
  rig.peer(busy).send_limit = 2;
  rig.send(busy, "abcd\n");
  rig.app.drain(rig.sockets);
  EXPECT_TRUE(rig.peer(idle).closed_by_app);
  EXPECT_FALSE(rig.peer(busy).closed_by_app);
  EXPECT_EQ(rig.receive(busy), "dcba\n");
  EXPECT_TRUE(rig.peer(busy).closed_by_app);
  EXPECT_EQ(rig.sockets.listening(), 0u);
}

}  // namespace
}  // namespace smol::apps
