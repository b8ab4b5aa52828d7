#include "apps/hello.hh"

#include <gtest/gtest.h>

#include "tests/apps/rig.hh"

namespace smol::apps {
namespace {

using HelloRig = Rig<Hello, HelloConfig>;

TEST(Hello, ListensOnBothFamilies) {
  HelloRig rig;
  EXPECT_EQ(rig.sockets.listening(), 2u);
  EXPECT_EQ(rig.sockets.udp_open(), 2u);
}

TEST(Hello, AnswersADatagramFromTheAddressItWasSentTo) {
  HelloRig rig;
  rig.sockets.deliver({kServer4, 6969}, kClient4, "anything");
  rig.sockets.deliver({kServer6, 6969}, kClient6, "");
  rig.settle();
  ASSERT_EQ(rig.sockets.sent_datagrams.size(), 2u);
  EXPECT_EQ(rig.sockets.sent_datagrams[0].payload, "hello\n");
  EXPECT_EQ(rig.sockets.sent_datagrams[0].options.remote, kClient4);
  EXPECT_EQ(rig.sockets.sent_datagrams[0].options.source, kServer4);
  EXPECT_EQ(rig.sockets.sent_datagrams[1].payload, "hello\n");
  EXPECT_EQ(rig.sockets.sent_datagrams[1].options.remote, kClient6);
  EXPECT_EQ(rig.sockets.sent_datagrams[1].options.source, kServer6);
}

TEST(Hello, AnswersEveryDatagramOfABurst) {
  HelloRig rig;
  for (int i = 0; i < 100; ++i) rig.sockets.deliver({kServer4, 6969}, kClient4, "x");
  rig.settle();
  EXPECT_EQ(rig.sockets.sent_datagrams.size(), 100u);
}

// A forged source of the service's own port would make two of them talk for ever.
TEST(Hello, DoesNotAnswerItsOwnPort) {
  HelloRig rig;
  rig.sockets.deliver({kServer4, 6969}, {kClient4.address, 6969}, "x");
  rig.sockets.deliver({kServer4, 6969}, {kClient4.address, 0}, "x");
  rig.settle();
  EXPECT_EQ(rig.sockets.sent_datagrams.size(), 0u);
}

TEST(Hello, LetsTheRouteChooseTheSourceOfAnAnswerToAGroup) {
  HelloRig rig;
  rig.sockets.deliver({IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 1), 6969},
                      {IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 9), 500}, "x", 2);
  rig.settle();
  ASSERT_EQ(rig.sockets.sent_datagrams.size(), 1u);
  EXPECT_EQ(rig.sockets.sent_datagrams[0].options.source, std::nullopt);
  EXPECT_EQ(rig.sockets.sent_datagrams[0].options.interface, InterfaceId{2});
}

TEST(Hello, AnswersADatagramToTheSubnetsBroadcastAddressFromItsOwn) {
  HelloRig rig;
  rig.sockets.udp_send_errors = {Error::kAddressNotAvailable};
  rig.sockets.deliver({IpAddress::v4(192, 168, 69, 255), 6969}, kClient4, "x");
  rig.settle();
  ASSERT_EQ(rig.sockets.sent_datagrams.size(), 1u);
  EXPECT_EQ(rig.sockets.sent_datagrams[0].options.source, std::nullopt);
}

TEST(Hello, SaysWhyADatagramWasNotAnswered) {
  HelloRig rig;
  rig.sockets.udp_send_errors = {Error::kHostUnreachable};
  rig.sockets.deliver({kServer4, 6969}, kClient4, "x");
  rig.settle();
  ASSERT_EQ(rig.log.lines.size(), 1u);
  EXPECT_EQ(rig.log.lines[0].text, "no answer to 192.168.69.100:40000: host unreachable");
}

TEST(Hello, GreetsAConnectionAndSaysThatThatWasAll) {
  HelloRig rig;
  const std::size_t c = rig.connect(6969);
  EXPECT_EQ(rig.receive(c), "hello\n");
  EXPECT_TRUE(rig.peer(c).fin_to_peer);
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.send_fin(c);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_FALSE(rig.peer(c).reset_to_peer);
}

// A RST for unread data could overtake the greeting.
TEST(Hello, DoesNotResetAPeerThatTalks) {
  HelloRig rig;
  const std::size_t c = rig.connect(6969);
  rig.send(c, "who are you?");
  rig.send_fin(c);
  EXPECT_EQ(rig.receive(c), "hello\n");
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_FALSE(rig.peer(c).reset_to_peer);
}

TEST(Hello, ClosesAConnectionThatThePeerHadClosedBeforeItWasAccepted) {
  HelloRig rig;
  const std::size_t c = rig.sockets.connect({kServer4, 6969}, kClient4);
  rig.sockets.send_fin(c);
  rig.settle();
  EXPECT_EQ(rig.receive(c), "hello\n");
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Hello, WaitsOneSecondForThePeerToClose) {
  HelloRig rig;
  const std::size_t c = rig.connect(6969);
  rig.advance(milliseconds(999));
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.advance(milliseconds(1));
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Hello, GivesADeadConnectionUp) {
  HelloRig rig;
  const std::size_t c = rig.connect(6969);
  rig.sockets.kill(c, Error::kConnectionReset);
  rig.settle();
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Hello, AbortsAConnectionThatCannotTakeTheGreeting) {
  HelloRig rig;
  const std::size_t c = rig.sockets.connect({kServer4, 6969}, kClient4);
  rig.peer(c).send_limit = 3;
  rig.settle();
  EXPECT_TRUE(rig.peer(c).reset_to_peer);
}

TEST(Hello, StopsListeningWhenTheDaemonShutsDown) {
  HelloRig rig;
  rig.app.drain(rig.sockets);
  EXPECT_EQ(rig.sockets.listening(), 0u);
  EXPECT_EQ(rig.sockets.udp_open(), 0u);
}

TEST(Hello, NamesThePortItCannotHave) {
  testing::FakeSockets sockets;
  testing::RecordingLog log;
  sockets.listen_errors = {{6969, Error::kAddressInUse}};
  Hello hello{HelloConfig{}, log};
  EXPECT_EQ(hello.start(sockets, 0),
            "cannot listen on TCP 0.0.0.0:6969: address and port are in use");
}

}  // namespace
}  // namespace smol::apps
