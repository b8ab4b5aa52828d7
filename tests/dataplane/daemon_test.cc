// The whole of it, over devices that need no privilege. EAL is the test process's own: the daemon
// shares it.

#include "dataplane/daemon.hh"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/dpdk.hh"
#include "dataplane/pcap_file.hh"
#include "dataplane/wall_clock.hh"
#include "protocols/base/check.hh"
#include "tests/dataplane/frames.hh"
#include "tests/dataplane/pcap_reader.hh"

namespace smol::dataplane {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this folder

/// Listens, and notes what becomes of it.
class Probe final : public Application {
 public:
  struct Seen {
    std::atomic<int> starts{0};
    std::atomic<int> drains{0};
    std::atomic<int> ends{0};
  };

  Probe(Seen& seen, std::string problem) : seen_{seen}, problem_{std::move(problem)} {}
  ~Probe() override { ++seen_.ends; }

  std::string start(Sockets&, std::uint16_t) override {
    ++seen_.starts;
    return problem_;
  }
  void on_events(Sockets&, std::span<const SocketEvent>) override {}
  void drain(Sockets&) override { ++seen_.drains; }

 private:
  Seen& seen_;
  const std::string problem_;
};

/// Has a bug that its first datagram brings out.
class Broken final : public Application {
 public:
  static constexpr std::uint16_t kPort = 7;

  std::string start(Sockets& sockets, std::uint16_t owner) override {
    UdpOptions options;
    options.local = {kOurIp, kPort};
    options.owner = owner;
    return sockets.udp_open(options) ? "" : "cannot listen";
  }
  void on_events(Sockets&, std::span<const SocketEvent> events) override {
    SMOL_CHECK(events.empty());
  }
  void drain(Sockets&) override {}
};

class DaemonTest : public ::testing::Test {
 protected:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("smol-daemon-" + std::to_string(getpid()));

  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Config config(std::string device = "net_null0,no-rx=1") {
    Config out;
    out.ports.resize(1);
    out.ports[0].name = "smol0";
    out.ports[0].device = std::move(device);
    out.ports[0].mac = kOurMac;
    out.ports[0].addresses = {IpPrefix{kOurIp, 24}};
    out.pool = {.packets = 1024, .small_packets = 1024};
    out.log.level = LogLevel::kError;
    return out;
  }
  static std::vector<ApplicationSpec> probe(Probe::Seen& seen, std::string problem = "") {
    return {{"probe",
             [&seen, problem](unsigned, Log&) { return std::make_unique<Probe>(seen, problem); }}};
  }
  /// A device that reads `frames` from a file and writes what it is sent to another.
  std::string replay(const std::vector<Octets>& frames) {
    auto file = PcapFile::create(folder_ / "in.pcap", {"x"}, 65'535).value();
    for (const Octets& frame : frames) {
      CapturedPacket packet;
      packet.length = static_cast<std::uint32_t>(frame.size());
      packet.octets = frame;
      EXPECT_TRUE(file->write(packet));
    }
    return "net_pcap0,rx_pcap=" + std::string{folder_ / "in.pcap"} +
           ",tx_pcap=" + std::string{folder_ / "out.pcap"};
  }
  static void await(const Daemon& daemon, std::string_view counter, std::uint64_t value) {
    while (Snapshot::value(daemon.snapshot().ports[0].counters, counter) < value) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
};

TEST_F(DaemonTest, StartsRunsAndStops) {
  Probe::Seen seen;
  const unsigned devices = rte_eth_dev_count_avail();
  {
    auto daemon = Daemon::start(config(), probe(seen));
    ASSERT_TRUE(daemon) << daemon.error().message;
    EXPECT_EQ(seen.starts, 1);
    ASSERT_EQ((*daemon)->interfaces().size(), 1u);
    EXPECT_EQ((*daemon)->interfaces()[0].name, "smol0");
    EXPECT_EQ((*daemon)->interfaces()[0].mac, kOurMac);
    (*daemon)->request_stop();
    (*daemon)->wait();
    EXPECT_EQ(seen.drains, 1);
    EXPECT_EQ(seen.ends, 0);
  }
  EXPECT_EQ(seen.ends, 1);
  EXPECT_EQ(rte_eth_dev_count_avail(), devices);
}

TEST_F(DaemonTest, DestructionStopsAtOnce) {
  Probe::Seen seen;
  ASSERT_TRUE(Daemon::start(config(), probe(seen)));
  EXPECT_EQ(seen.ends, 1);
}

TEST_F(DaemonTest, BrokenConfigurationIsNamedBeforeAnythingStarts) {
  Probe::Seen seen;
  Config broken = config();
  broken.workers.count = 100;
  const auto daemon = Daemon::start(broken, probe(seen));
  ASSERT_FALSE(daemon);
  EXPECT_EQ(daemon.error().message, "workers.count: 100: at most 64");
  EXPECT_EQ(seen.starts, 0);
}

TEST_F(DaemonTest, ApplicationThatCannotStartLeavesNothingBehind) {
  const unsigned devices = rte_eth_dev_count_avail();
  Probe::Seen seen;
  const auto daemon = Daemon::start(config(), probe(seen, "no such folder: /nowhere"));
  ASSERT_FALSE(daemon);
  EXPECT_EQ(daemon.error().message, "probe: no such folder: /nowhere");
  EXPECT_EQ(seen.ends, 1);
  EXPECT_EQ(rte_eth_dev_count_avail(), devices);
  EXPECT_TRUE(Daemon::start(config(), {}));
}

TEST_F(DaemonTest, CoreThatIsNotThereIsNamed) {
  Config pinned = config();
  pinned.workers.cores = {1000};
  const auto daemon = Daemon::start(pinned, {});
  ASSERT_FALSE(daemon);
  EXPECT_EQ(daemon.error().message, "workers.cores: cannot run on core 1000: Invalid argument");
}

// The packets that led to a bug are what one wants to see of it.
TEST_F(DaemonTest, BugInAWorkerSavesTheCaptureBeforeTheProcessEnds) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  // The statement runs in a process of its own, a child of this one.
  const bool is_child = ::testing::internal::InDeathTestChild();
  const std::string file = std::filesystem::temp_directory_path() /
                           ("smol-bug-" + std::to_string(is_child ? getppid() : getpid()));
  EXPECT_DEATH(
      {
        Config captured = config(replay({udp_datagram(99, Broken::kPort, "now")}));
        captured.capture.file = file;
        const auto daemon =
            Daemon::start(captured, {{"broken", [](unsigned, Log&) -> std::unique_ptr<Application> {
                                        return std::make_unique<Broken>();
                                      }}});
        if (daemon) (*daemon)->wait();
      },
      "smold: bug in worker 0: .*events");
  const auto packets = read_pcap(file);
  ASSERT_FALSE(packets.empty());
  EXPECT_EQ(text_of(packets[0].octets), "now");
  std::filesystem::remove(file);
}

TEST_F(DaemonTest, CaptureFileThatCannotBeMadeIsNamed) {
  Config captured = config();
  captured.capture.file = folder_ / "no" / "x.pcap";
  const auto daemon = Daemon::start(captured, {});
  ASSERT_FALSE(daemon);
  EXPECT_EQ(daemon.error().message,
            "capture file " + captured.capture.file + ": cannot create: No such file or directory");
}

TEST_F(DaemonTest, FramesFromAFileAreAnsweredIntoAFile) {
  Config wanted = config(replay({arp_request(), echo_request(1), echo_request(2)}));
  wanted.capture.file = folder_ / "seen.pcap";
  {
    auto daemon = Daemon::start(wanted, {});
    ASSERT_TRUE(daemon) << daemon.error().message;
    await(**daemon, "tx_packets", 3);
    const Snapshot snapshot = (*daemon)->snapshot();
    EXPECT_EQ(Snapshot::value(snapshot.ports[0].counters, "rx_packets"), 3u);
    EXPECT_EQ(Snapshot::value(snapshot.workers[0].stack, "icmp_in_echos"), 2u);
    EXPECT_GT(Snapshot::value(snapshot.workers[0].counters, "turns"), 0u);
  }
  const auto answers = read_pcap(folder_ / "out.pcap");
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(type_of(answers[0].octets), EtherType::kArp);
  EXPECT_EQ(sequence_of(answers[2].octets), 2);
  EXPECT_EQ(read_pcap(wanted.capture.file).size(), 6u);
}

TEST_F(DaemonTest, EqualSeedsMakeEqualRuns) {
  std::vector<std::vector<Octets>> runs;
  for (const std::uint64_t seed : {5u, 5u, 6u}) {
    std::vector<Octets> questions = {arp_request()};
    for (std::uint16_t i = 0; i < 30; ++i) questions.push_back(echo_request(i));
    Config wanted = config(replay(questions));
    wanted.seed = seed;
    wanted.ports[0].faults.drop_chance = 50;
    {
      auto daemon = Daemon::start(wanted, {});
      ASSERT_TRUE(daemon) << daemon.error().message;
      await(**daemon, "rx_packets", 31);
      (*daemon)->request_stop();
      (*daemon)->wait();
    }
    runs.emplace_back();
    for (const auto& packet : read_pcap(folder_ / "out.pcap")) runs.back().push_back(packet.octets);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(DaemonTest, SignalEndsARun) {
  Probe::Seen seen;
  StopRequest stop;
  std::thread sender{[&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);  // not for this thread to die of
    while (seen.starts == 0) std::this_thread::yield();
    kill(getpid(), SIGTERM);
  }};
  const auto result = run(config(), probe(seen), stop);
  sender.join();
  EXPECT_TRUE(result);
  EXPECT_EQ(seen.drains, 1);
}

TEST_F(DaemonTest, RequestFromAnywhereEndsARun) {
  Probe::Seen seen;
  StopRequest stop;
  stop.request();
  EXPECT_TRUE(run(config(), probe(seen), stop));
  EXPECT_EQ(seen.drains, 1);
}

TEST_F(DaemonTest, RunThatCannotStartSaysWhy) {
  StopRequest stop;
  const auto result = run(Config{}, {}, stop);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "no port is configured: add one");
}

TEST(Summary, NamesTrafficAndWhatWasDroppedAndWhy) {
  Snapshot snapshot;
  snapshot.ports.push_back({"smol0",
                            {{"rx_packets", 10},
                             {"rx_octets", 1000},
                             {"tx_packets", 3},
                             {"tx_octets", 300},
                             {"device_missed", 2},
                             {"device_rx_errors", 0}}});
  snapshot.drops[static_cast<std::size_t>(Drop::kTcpBadChecksum)] = 4;
  const std::vector<std::string> expected = {
      "smol0: received 10 packets, 1000 octets; sent 3 packets, 300 octets",
      "smol0: device_missed 2",
      "dropped        4 tcp_bad_checksum         TCP checksum is wrong.",
  };
  EXPECT_EQ(summary(snapshot), expected);
}

TEST(Listing, NamesEveryCounterOnceAndSumsTheWorkers) {
  Snapshot snapshot;
  snapshot.workers.push_back({{{"turns", 2}}, {{"received", 10}, {"sent", 0}}});
  snapshot.workers.push_back({{{"turns", 3}}, {{"received", 1}, {"sent", 4}}});
  snapshot.ports.push_back({"smol0", {{"rx_packets", 11}}});
  snapshot.drops[static_cast<std::size_t>(Drop::kTcpBadChecksum)] = 4;
  snapshot.packets_in_use = 512;

  const std::vector<std::string> lines = listing(snapshot);

  EXPECT_EQ(lines.size(), 3 + 1 + kDropCount + 1);
  EXPECT_EQ(
      std::vector(lines.begin(), lines.begin() + 4),
      (std::vector<std::string>{"received 11", "sent 4", "worker.turns 5", "smol0.rx_packets 11"}));
  EXPECT_NE(std::find(lines.begin(), lines.end(), "drop.tcp_bad_checksum 4"), lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "drop.tcp_truncated 0"), lines.end());
  EXPECT_EQ(lines.back(), "pool.in_use 512");
}

}  // namespace
}  // namespace smol::dataplane
