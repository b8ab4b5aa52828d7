// The applications on a real stack: what the fake sockets promise, the stack must keep.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "apps/crc32c.hh"
#include "apps/hello.hh"
#include "apps/http.hh"
#include "apps/reverse.hh"
#include "apps/sink.hh"
#include "apps/source.hh"
#include "protocols/base/random.hh"
#include "tests/apps/stack_pair.hh"

namespace smol::apps {
namespace {

template <class App, class AppConfig>
StackPair pair_with(const AppConfig& config) {
  return StackPair{[config](dataplane::Log& log) -> std::unique_ptr<dataplane::Application> {
    return std::make_unique<App>(config, log);
  }};
}

std::string noise(std::size_t octets) {
  Rng rng{11};
  std::string out(octets, '\0');
  for (char& c : out) c = static_cast<char>(rng.next());
  return out;
}

class OnAStack : public ::testing::TestWithParam<IpFamily> {};

TEST_P(OnAStack, HelloGreetsAndCloses) {
  StackPair pair = pair_with<Hello>(HelloConfig{});
  const SocketId socket = pair.connect(6969, GetParam());
  EXPECT_EQ(pair.receive(socket, 100), "hello\n");
  EXPECT_TRUE(pair.client.stack.at_end(socket));
  pair.client.stack.close(socket);
  pair.run_for(seconds(2));
  EXPECT_EQ(pair.server.stack.counters().tcp_curr_estab.value(), 0u);
}

TEST_P(OnAStack, HelloAnswersDatagrams) {
  StackPair pair = pair_with<Hello>(HelloConfig{});
  const bool v4 = GetParam() == IpFamily::kIp4;
  UdpOptions options;
  options.local = {IpAddress::any(GetParam()), 5000};
  const SocketId socket = *pair.client.stack.udp_open(options);
  UdpSendOptions to;
  to.remote = {v4 ? IpAddress::v4(192, 168, 69, 1) : IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1),
               6969};
  ASSERT_TRUE(pair.client.stack.udp_send(socket, to, {}));
  pair.run_until([&] { return pair.client.stack.udp_front(socket).has_value(); });
  const Datagram answer = *pair.client.stack.udp_front(socket);
  EXPECT_EQ((std::string{answer.payload.begin(), answer.payload.end()}), "hello\n");
  EXPECT_EQ(answer.source, to.remote);
}

TEST_P(OnAStack, ReverseReturnsLines) {
  StackPair pair = pair_with<Reverse>(ReverseConfig{});
  const SocketId socket = pair.connect(6970, GetParam());
  pair.send(socket, "abcdefg\n");
  EXPECT_EQ(pair.receive(socket, 8), "gfedcba\n");
  pair.send(socket, "xyz\n");
  EXPECT_EQ(pair.receive(socket, 4), "zyx\n");
  ASSERT_TRUE(pair.client.stack.shutdown_write(socket));
  EXPECT_EQ(pair.receive(socket, 1), "");
}

// Not a line a packet, and a peer that does not read for a while: nothing may be lost or turned
// round twice. Reversed twice, a chunk is itself, so chunks are found again by their newlines.
TEST_P(OnAStack, ReverseWaitsForAPeerThatDoesNotRead) {
  StackPair pair = pair_with<Reverse>(ReverseConfig{});
  const SocketId socket = pair.connect(6970, GetParam());
  std::string sent;
  std::string back;
  const std::string text = noise(1 << 19);
  std::string_view left = text;
  for (int turns = 0; turns < 2500; ++turns) {
    const Bytes data{reinterpret_cast<const std::uint8_t*>(left.data()), left.size()};
    left.remove_prefix(pair.client.stack.write(socket, data).value_or(0));
    pair.run_for(milliseconds(1));
    if (turns < 100) continue;  // the queues of both sides fill
    std::vector<std::uint8_t> some(10'000);
    some.resize(pair.client.stack.read(socket, some));
    back.append(some.begin(), some.end());
  }
  EXPECT_TRUE(left.empty());
  EXPECT_GE(back.size(), text.size());
  // The same octets, whatever the order, with a newline more for each chunk that had none.
  std::string a = text;
  std::erase(a, '\n');
  std::erase(back, '\n');
  std::sort(a.begin(), a.end());
  std::sort(back.begin(), back.end());
  EXPECT_TRUE(a == back);
}

TEST_P(OnAStack, SinkReportsTheChecksumOfWhatWasSent) {
  StackPair pair = pair_with<Sink>(SinkConfig{});
  pair.loss = 50;
  const SocketId socket = pair.connect(6971, GetParam());
  const std::string text = noise(3 << 20);
  pair.send(socket, text);
  ASSERT_TRUE(pair.client.stack.shutdown_write(socket));
  pair.run_until([&] { return !pair.log.lines.empty(); });
  Text<64> expected;
  expected.put(" closed: 3145728 octets, crc32c 0x");
  expected.hex(crc32c(0, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}), 8);
  EXPECT_TRUE(pair.log.lines[0].text.ends_with(expected.view())) << pair.log.lines[0].text;
}

TEST_P(OnAStack, SinkGivesUpAPeerThatIsGone) {
  StackPair pair = pair_with<Sink>(SinkConfig{});
  const SocketId socket = pair.connect(6971, GetParam());
  pair.send(socket, "123456789");
  pair.run_for(milliseconds(500));
  pair.loss = 1;  // the cable is cut
  pair.run_for(seconds(6));
  ASSERT_EQ(pair.log.lines.size(), 1u);
  EXPECT_TRUE(pair.log.lines[0].text.ends_with(" closed: 9 octets, crc32c 0xe3069283 (timed out)"))
      << pair.log.lines[0].text;
}

TEST_P(OnAStack, SourceSendsThePatternThroughLoss) {
  StackPair pair = pair_with<Source>(SourceConfig{});
  pair.loss = 50;
  const SocketId socket = pair.connect(6972, GetParam());
  const std::string text = pair.receive(socket, 2 << 20);
  ASSERT_EQ(text.size(), std::size_t{2} << 20);
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(text[i]), i % 251) << i;
  }
}

TEST_P(OnAStack, SourceEndsWithItsPeer) {
  StackPair pair = pair_with<Source>(SourceConfig{});
  const SocketId socket = pair.connect(6972, GetParam());
  pair.receive(socket, 100'000);
  pair.client.stack.abort(socket);
  pair.run_for(seconds(1));
  EXPECT_EQ(pair.server.stack.counters().tcp_curr_estab.value(), 0u);
}

TEST_P(OnAStack, HttpAnswersManyRequestsInOrder) {
  StackPair pair = pair_with<Http>(HttpConfig{});
  const SocketId socket = pair.connect(80, GetParam());
  constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
  constexpr std::string_view kHead = "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string requests;
  std::string expected;
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\n";
  for (int i = 0; i < 5000; ++i) {
    requests += i % 3 == 0 ? kHead : kGet;
    expected += head + (i % 3 == 0 ? "" : "hello\n");
  }
  pair.send(socket, requests);
  EXPECT_TRUE(pair.receive(socket, expected.size()) == expected);
}

TEST_P(OnAStack, HttpAnswersBeforeItRefuses) {
  StackPair pair = pair_with<Http>(HttpConfig{});
  const SocketId socket = pair.connect(80, GetParam());
  pair.send(socket, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n" + noise(100'000));
  const std::string answer = pair.receive(socket, 10'000);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(answer.find("hello\nHTTP/1.1 400 Bad Request\r\n"), std::string::npos);
  EXPECT_EQ(pair.client.stack.error(socket), std::nullopt) << "reset instead of closed";
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, OnAStack, ::testing::Values(IpFamily::kIp4, IpFamily::kIp6),
                         [](const auto& family) {
                           return family.param == IpFamily::kIp4 ? "Ip4" : "Ip6";
                         });

}  // namespace
}  // namespace smol::apps
