#include "smold/options.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::smold {
namespace {

std::variant<Options, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "smold");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

/// The demo with what the options change of it.
Config demo_with(std::vector<const char*> arguments) {
  arguments.push_back("--demo");
  const auto parsed = parse(arguments);
  Config config = demo();
  const auto* options = std::get_if<Options>(&parsed);
  EXPECT_NE(options, nullptr) << std::get<EarlyExit>(parsed).text;
  if (options == nullptr) return config;
  for (const auto& change : options->overrides) change(config);
  return config;
}

TEST(Options, SayWhatToDo) {
  using Action = Options::Action;
  struct Row {
    std::vector<const char*> arguments;
    Action action;
    std::string file;
  };
  const std::vector<Row> rows = {
      {{"--demo"}, Action::kRun, ""},
      {{"--config", "f.yaml"}, Action::kRun, "f.yaml"},
      {{"--config=f.yaml"}, Action::kRun, "f.yaml"},
      {{"--check-config", "f.yaml"}, Action::kCheckConfig, "f.yaml"},
      {{"--print-default-config"}, Action::kPrintDefaultConfig, ""},
      {{"--print-demo-config"}, Action::kPrintDemoConfig, ""},
      {{"--print-config-reference"}, Action::kPrintConfigReference, ""},
      {{"--version"}, Action::kPrintVersion, ""},
  };
  for (const Row& row : rows) {
    const auto parsed = parse(row.arguments);
    ASSERT_TRUE(std::holds_alternative<Options>(parsed)) << row.arguments[0];
    EXPECT_EQ(std::get<Options>(parsed).action, row.action) << row.arguments[0];
    EXPECT_EQ(std::get<Options>(parsed).file, row.file) << row.arguments[0];
  }
}

TEST(Options, ChangeTheFaultsOfEveryPort) {
  const Config config = demo_with({"--drop-chance",
                                   "15",
                                   "--corrupt-chance",
                                   "1.5",
                                   "--size-limit",
                                   "1000",
                                   "--tx-rate-limit",
                                   "4",
                                   "--rx-rate-limit",
                                   "5",
                                   "--shaping-interval",
                                   "20",
                                   "--duplicate-chance",
                                   "2%",
                                   "--reorder-chance",
                                   "3",
                                   "--delay",
                                   "7",
                                   "--fault-seed",
                                   "42"});
  const dataplane::FaultConfig& faults = config.ports.at(0).faults;
  EXPECT_EQ(faults.drop_chance, 15.0);
  EXPECT_EQ(faults.corrupt_chance, 1.5);
  EXPECT_EQ(faults.size_limit, 1000u);
  EXPECT_EQ(faults.tx_rate_limit, 4u);
  EXPECT_EQ(faults.rx_rate_limit, 5u);
  EXPECT_EQ(faults.shaping_interval, milliseconds(20));
  EXPECT_EQ(faults.duplicate_chance, 2.0);
  EXPECT_EQ(faults.reorder_chance, 3.0);
  EXPECT_EQ(faults.delay, milliseconds(7));
  EXPECT_EQ(config.seed, 42u);
}

TEST(Options, ChangeLogWorkersAndCapture) {
  const Config config = demo_with({"--log-level", "trace", "--workers", "3", "--pcap", "a b.pcap"});
  EXPECT_EQ(config.log.level, dataplane::LogLevel::kTrace);
  EXPECT_EQ(config.workers.count, 3u);
  EXPECT_EQ(config.capture.file, "a b.pcap");
}

TEST(Options, MoveTheApiOrTakeItAway) {
  const Config moved = demo_with({"--grpc", "unix:///tmp/x.sock"});
  EXPECT_TRUE(moved.grpc.enabled);
  EXPECT_EQ(moved.grpc.listen, "unix:///tmp/x.sock");
  EXPECT_FALSE(demo_with({"--grpc", "off"}).grpc.enabled);
}

TEST(Options, ChangeNothingThatTheyDoNotName) {
  EXPECT_FALSE(schema().differs(demo_with({}), demo()));
}

TEST(Options, HelpTeachesByExample) {
  const auto parsed = parse({"--help"});
  const auto* exit = std::get_if<EarlyExit>(&parsed);
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->status, 0);
  for (const char* part :
       {"--demo", "--config FILE", "--bridge A B", "--link KEY=VALUE", "--drop-chance PERCENT",
        "Examples:", "ip addr add 192.168.69.100/24 dev smol0", "Exit status:"}) {
    EXPECT_NE(exit->text.find(part), std::string::npos) << part;
  }
}

TEST(Options, BridgeTwoPortsByALinkOfTheirOwnWords) {
  const auto parsed =
      parse({"--bridge", "tap:left", "net_memif0,role=server", "--link", "delay=25ms,loss=0.1%",
             "--link", "rate=50mbit", "--a-to-b", "loss=2", "--fault-seed", "7"});
  const auto* options = std::get_if<Options>(&parsed);
  ASSERT_NE(options, nullptr) << std::get<EarlyExit>(parsed).text;
  ASSERT_EQ(options->bridge.size(), 2u);
  auto made = bridge(options->bridge[0], options->bridge[1]);
  ASSERT_TRUE(made) << made.error();
  Config& config = *made;
  for (const auto& change : options->overrides) change(config);
  EXPECT_EQ(config.ports[0].name, "left");
  EXPECT_EQ(config.ports[0].device, "tap:left");
  EXPECT_EQ(config.ports[1].name, "net_memif0");
  EXPECT_EQ(config.bridge.ports, (std::vector<std::string>{"left", "net_memif0"}));
  EXPECT_EQ(config.bridge.a_to_b.loss, 2.0);
  EXPECT_EQ(config.bridge.b_to_a.loss, 0.1);
  EXPECT_EQ(config.bridge.b_to_a.delay, milliseconds(25));
  EXPECT_EQ(config.bridge.a_to_b.rate, 50'000'000u);
  EXPECT_EQ(config.seed, 7u);
  EXPECT_TRUE(dataplane::validate(config));
}

TEST(Options, RefuseInOneLineWhatTheyDoNotUnderstand) {
  struct Row {
    std::vector<const char*> arguments;
    std::string_view error;
  };
  const std::vector<Row> rows = {
      {{},
       "smold: give exactly one of --demo, --config FILE, --bridge A B and the options that print "
       "something (smold --help explains)\n"},
      {{"--demo", "--config", "f"},
       "smold: give exactly one of --demo, --config FILE, --bridge A B and the options that print "
       "something (smold --help explains)\n"},
      {{"--demo", "--version"},
       "smold: give exactly one of --demo, --config FILE, --bridge A B and the options that print "
       "something (smold --help explains)\n"},
      {{"--config"}, "smold: --config: 1 required FILE missing (smold --help explains)\n"},
      {{"--demo", "--drop-chance", "101"},
       "smold: --drop-chance: '101' is no percentage: write a number from 0 to 100 (smold --help "
       "explains)\n"},
      {{"--demo", "--delay", "5ms"},
       "smold: --delay: '5ms' is no whole number in 0..60000 (smold --help explains)\n"},
      {{"--demo", "--shaping-interval", "0"},
       "smold: --shaping-interval: 0 is out of range 1..60000 (smold --help explains)\n"},
      {{"--demo", "--log-level", "loud"},
       "smold: --log-level: 'loud' is none of trace, debug, info, warning, error (smold --help "
       "explains)\n"},
      {{"--demo", "--workers", "0"},
       "smold: --workers: 0 is out of range 1..64 (smold --help explains)\n"},
      {{"--demo", "--pcap", ""}, "smold: --pcap: must not be empty (smold --help explains)\n"},
      {{"--nonsense"},
       "smold: there is no option or argument '--nonsense' (smold --help explains)\n"},
      {{"--demo", "--nonsense"},
       "smold: there is no option or argument '--nonsense' (smold --help explains)\n"},
      {{"--demo", "tap0"},
       "smold: there is no option or argument 'tap0' (smold --help explains)\n"},
      {{"--bridge", "tap:left"},
       "smold: --bridge: At least 2 required but received 1 (smold --help explains)\n"},
      {{"--demo", "--bridge", "tap:left", "tap:right"},
       "smold: give exactly one of --demo, --config FILE, --bridge A B and the options that print "
       "something (smold --help explains)\n"},
      {{"--demo", "--link", "loss=1"},
       "smold: --link: is for a bridge: add --bridge A B (smold --help explains)\n"},
      {{"--bridge", "tap:left", "tap:right", "--drop-chance", "1"},
       "smold: --drop-chance: is for a stack; with --bridge write --link KEY=VALUE (smold --help "
       "explains)\n"},
      {{"--bridge", "tap:left", "tap:right", "--link", "delay=5"},
       "smold: --link: delay: '5' has no unit: write 5s or 5ms (smold --help explains)\n"},
      {{"--bridge", "tap:left", "tap:right", "--a-to-b", "fast"},
       "smold: --a-to-b: 'fast' is no KEY=VALUE, such as delay=25ms,loss=1 (smold --help "
       "explains)\n"},
      {{"--demo", "--workers", "1", "--workers", "2"},
       "smold: --workers: At Most 1 required but received 2 (smold --help explains)\n"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse(row.arguments);
    const auto* exit = std::get_if<EarlyExit>(&parsed);
    ASSERT_NE(exit, nullptr) << row.error;
    EXPECT_EQ(exit->status, 2) << row.error;
    EXPECT_EQ(exit->text, row.error);
  }
}

}  // namespace
}  // namespace smol::smold
