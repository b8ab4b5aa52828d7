#include "tools/dump/options.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smol::dump {
namespace {

using testing::HasSubstr;

std::variant<Options, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "smoldump");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Options live(std::vector<const char*> arguments) {
  const auto parsed = parse(std::move(arguments));
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<Options>(parsed);
}

Options good(std::vector<const char*> arguments) {
  arguments.insert(arguments.end(), {"-r", "file"});
  return live(std::move(arguments));
}

std::string refusal(std::vector<const char*> arguments) {
  const auto parsed = parse(std::move(arguments));
  const auto* exit = std::get_if<EarlyExit>(&parsed);
  if (exit == nullptr) return "taken";
  EXPECT_EQ(exit->status, client::ExitStatus::kFailed);
  EXPECT_EQ(std::count(exit->text.begin(), exit->text.end(), '\n'), 1) << exit->text;
  return exit->text;
}

TEST(Options, TakesFlagsTogetherAndMoreThanOnce) {
  const Options options = good({"-nevvvSKq#tttt"});
  EXPECT_TRUE(options.print.numbers_only);
  EXPECT_TRUE(options.print.link_header);
  EXPECT_EQ(options.print.verbosity, 3);
  EXPECT_TRUE(options.print.absolute_numbers);
  EXPECT_TRUE(options.print.trust_checksums);
  EXPECT_EQ(options.print.quiet, 1);
  EXPECT_TRUE(options.print.packet_number);
  EXPECT_EQ(options.print.time, TimeForm::kDate);
}

TEST(Options, TheLargestFormOfTheOctetsWins) {
  EXPECT_EQ(good({}).print.hex, HexForm::kNone);
  EXPECT_EQ(good({"-x"}).print.hex, HexForm::kHex);
  EXPECT_FALSE(good({"-x"}).print.hex_link_header);
  EXPECT_TRUE(good({"-xx"}).print.hex_link_header);
  EXPECT_EQ(good({"-A"}).print.hex, HexForm::kText);
  EXPECT_EQ(good({"-XXxA"}).print.hex, HexForm::kHexAndText);
  EXPECT_TRUE(good({"-XX"}).print.hex_link_header);
}

TEST(Options, JoinsTheWordsOfTheExpression) {
  EXPECT_EQ(good({"tcp", "port", "80"}).filter, "tcp port 80");
  EXPECT_EQ(good({"-c5", "tcp[tcpflags] & tcp-syn != 0"}).filter, "tcp[tcpflags] & tcp-syn != 0");
}

TEST(Options, TakesValuesNextToTheirLetters) {
  const Options options = good({"-c7", "-s96", "-Qin"});
  EXPECT_EQ(options.packets, 7u);
  EXPECT_EQ(options.snap_length, 96u);
  EXPECT_EQ(options.direction, pcap::Direction::kInbound);
}

TEST(Options, WithoutAFileTheCaptureIsLive) {
  const Options options =
      live({"-i", "smol0", "--tap", "rx,drop", "--reason", "a,b", "--worker", "0,3", "--duration",
            "1500ms", "--buffer", "512k", "--fail-on-loss", "tcp port 80"});
  EXPECT_EQ(options.interface, "smol0");
  EXPECT_EQ(options.taps, (std::vector{TapPoint::kRx, TapPoint::kDrop}));
  EXPECT_EQ(options.reasons, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.workers, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(options.duration, std::chrono::milliseconds{1500});
  EXPECT_EQ(options.buffer_octets, 512u << 10);
  EXPECT_TRUE(options.fail_on_loss);
  EXPECT_EQ(options.filter, "tcp port 80");
  EXPECT_EQ(live({"--tap", "all"}).taps.size(), 3u);
  EXPECT_TRUE(live({}).taps.empty());
  EXPECT_EQ(live({"--duration", "2h"}).duration, std::chrono::hours{2});
}

TEST(Options, TheServerIsWhatTheEnvironmentSays) {
  unsetenv("SMOL_SERVER");
  EXPECT_EQ(live({}).server, client::kDefaultServer);
  setenv("SMOL_SERVER", "unix:///there", 1);
  EXPECT_EQ(live({}).server, "unix:///there");
  EXPECT_EQ(live({"--server", "unix:///here"}).server, "unix:///here");
  unsetenv("SMOL_SERVER");
}

TEST(Options, RefusesInOneLineThatNamesTheOption) {
  EXPECT_THAT(refusal({"-r", "x", "-c", "0"}), HasSubstr("-c: invalid packet count 0"));
  EXPECT_THAT(refusal({"-r", "x", "-c", "1x"}), HasSubstr("-c: invalid packet count 1x"));
  EXPECT_THAT(refusal({"-r", "x", "-s", "-1"}), HasSubstr("-s: invalid snaplen -1"));
  EXPECT_THAT(refusal({"-r", "x", "-s", "262145"}), HasSubstr("must be >= 0 and <= 262144"));
  EXPECT_THAT(refusal({"-r", "x", "-Q", "up"}), HasSubstr("in, out or inout, not 'up'"));
  EXPECT_THAT(refusal({"-r", "x", "-y", "FOO"}), HasSubstr("invalid data link type FOO"));
  EXPECT_THAT(refusal({"-r", "x", "-y", "PPP"}), HasSubstr("only EN10MB"));
  EXPECT_THAT(refusal({"-r", "x", "-p"}), HasSubstr("-p: smold's ports have no promiscuous"));
  EXPECT_THAT(refusal({"-r", "x", "-I"}), HasSubstr("-I: there is no monitor mode"));
  EXPECT_THAT(refusal({"-r", "x", "-tttttt"}), HasSubstr("at most five times"));
  EXPECT_THAT(refusal({"-r", "x", "-F", "/nonexistent"}), HasSubstr("can't open /nonexistent"));
  EXPECT_THAT(refusal({"-r", "x", "-j", "-x"}), HasSubstr("not shown in JSON"));
  EXPECT_THAT(refusal({"-r", "x", "--color", "blue"}), HasSubstr("--color"));
  EXPECT_THAT(refusal({"-r", "x", "--no-such-thing"}), HasSubstr("--no-such-thing"));
  EXPECT_THAT(refusal({"--tap", "rx,up"}), HasSubstr("--tap: rx, tx, drop or all, not 'up'"));
  EXPECT_THAT(refusal({"--worker", "0,x"}), HasSubstr("'x' is no number of a worker"));
  EXPECT_THAT(refusal({"--worker", "65536"}), HasSubstr("'65536' is no number of a worker"));
  EXPECT_THAT(refusal({"--duration", "10"}), HasSubstr("'10' is no time: 500ms, 10s, 5m"));
  EXPECT_THAT(refusal({"--duration", "0s"}), HasSubstr("'0s' is no time"));
  EXPECT_THAT(refusal({"--buffer", "4G"}), HasSubstr("'4G' is no size: 65536, 512k, 4M"));
  EXPECT_THAT(refusal({"--buffer", "4096M"}), HasSubstr("'4096M' is no size"));
  for (const char* live : {"-i", "--server", "--reason"}) {
    EXPECT_THAT(refusal({"-r", "x", live, "y"}), HasSubstr("not together with -r")) << live;
  }
  EXPECT_THAT(refusal({"-r", "x", "-D"}), HasSubstr("-D: not together with -r"));
}

TEST(Options, HelpTeachesByExample) {
  const auto parsed = parse({"--help"});
  const auto& exit = std::get<EarlyExit>(parsed);
  EXPECT_EQ(exit.status, client::ExitStatus::kDone);
  EXPECT_THAT(exit.text, HasSubstr("smoldump -n -r demo.pcapng"));
  EXPECT_THAT(exit.text, HasSubstr("Exit status"));
}

}  // namespace
}  // namespace smol::dump
