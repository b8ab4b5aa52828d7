#include "tools/bench/options.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smol::bench {
namespace {

std::variant<Options, EarlyExit> parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "smolbench");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Options options(const std::vector<const char*>& arguments) {
  const auto out = parsed(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&out)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<Options>(out);
}

EarlyExit refusal(const std::vector<const char*>& arguments) {
  const auto out = parsed(arguments);
  const auto* exit = std::get_if<EarlyExit>(&out);
  return exit == nullptr ? EarlyExit{0, "not refused"} : *exit;
}

TEST(BenchOptions, NothingMeansAllFiveTimes) {
  const Options all = options({});
  EXPECT_TRUE(all.names.empty());
  EXPECT_EQ(all.runs, 5u);
  EXPECT_FALSE(all.list);
  EXPECT_FALSE(all.keep);
}

TEST(BenchOptions, NamesRowsAndNumbersAreTaken) {
  const Options some = options({"stack", "tap", "--runs", "9", "--only", "write", "--json", "-"});
  EXPECT_EQ(some.names, (std::vector<std::string>{"stack", "tap"}));
  EXPECT_EQ(some.runs, 9u);
  EXPECT_EQ(some.only, "write");
  EXPECT_EQ(some.json, "-");
}

TEST(BenchOptions, ListIsNoBenchmark) {
  EXPECT_TRUE(options({"list"}).list);
}

TEST(BenchOptions, QuickIsOneRun) {
  EXPECT_EQ(options({"--quick"}).runs, 1u);
}

TEST(BenchOptions, WhatMeasuresTooLittleIsNotKept) {
  EXPECT_EQ(refusal({"--quick", "--keep"}).status, 2);
  EXPECT_EQ(refusal({"--only", "write", "--keep"}).status, 2);
}

TEST(BenchOptions, HelpTeachesAndIsNoError) {
  const EarlyExit help = refusal({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* word :
       {"stack", "tap", "capture", "bridge", "start", "idle", "Examples:", "Exit status:"}) {
    EXPECT_THAT(help.text, testing::HasSubstr(word));
  }
}

TEST(BenchOptions, MisuseIsOneLineThatPointsToHelp) {
  const EarlyExit exit = refusal({"--runs", "none"});
  EXPECT_EQ(exit.status, 2);
  EXPECT_THAT(exit.text, testing::HasSubstr("--runs"));
  EXPECT_THAT(exit.text, testing::HasSubstr("smolbench --help explains"));
  EXPECT_EQ(std::count(exit.text.begin(), exit.text.end(), '\n'), 1);
}

}  // namespace
}  // namespace smol::bench
