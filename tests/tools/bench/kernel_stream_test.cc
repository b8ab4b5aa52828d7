#include "tools/bench/kernel_stream.hh"

#include <unistd.h>

#include <gtest/gtest.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

class KernelStream : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "makes network namespaces: run it as root";
    where_.emplace();
  }
  static StreamOptions many() {
    StreamOptions out;
    out.congestion = "reno";
    out.warm_up = Seconds{0.05};
    out.streams = 8;
    return out;
  }

  std::optional<NetworkNamespace> where_;
};

TEST_F(KernelStream, SeveralStreamsGoToOneServerTogether) {
  const KernelServer server{*where_, kLoopback, "reno"};
  EXPECT_GT(run_client(*where_, kLoopback, Way::kToServer, Seconds{0.1}, many()).gbit_a_second, 0);
  EXPECT_GT(server.octets(Way::kToServer), 0U);
  EXPECT_EQ(server.octets(Way::kFromServer), 0U);
}

TEST_F(KernelStream, SeveralStreamsComeFromOneServerTogether) {
  const KernelServer server{*where_, kLoopback, "reno"};
  EXPECT_GT(run_client(*where_, kLoopback, Way::kFromServer, Seconds{0.1}, many()).gbit_a_second,
            0);
  EXPECT_GT(server.octets(Way::kFromServer), 0U);
  EXPECT_EQ(server.octets(Way::kToServer), 0U);
}

TEST_F(KernelStream, AServerLetsGoOfStreamsThatEnded) {
  const KernelServer server{*where_, kLoopback, "reno"};
  run_client(*where_, kLoopback, Way::kFromServer, Seconds{0.1}, many());
  for (int i = 0; i < 1000 && server.connections(Way::kFromServer) > 0; ++i) usleep(10'000);
  EXPECT_EQ(server.connections(Way::kFromServer), 0U);
}

TEST_F(KernelStream, AStreamToNobodyFails) {
  EXPECT_THROW(run_client(*where_, kLoopback, Way::kToServer, Seconds{0.1}, many()), Failure);
}

}  // namespace
}  // namespace smol::bench
