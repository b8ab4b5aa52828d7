#include "tools/bench/table.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/bench/sample_result.hh"
#include "tools/bench/plot.hh"

namespace smol::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Digits, AreFourThatCount) {
  EXPECT_EQ(digits(0.12345), "0.1235");
  EXPECT_EQ(digits(1.23456), "1.235");
  EXPECT_EQ(digits(12.3456), "12.35");
  EXPECT_EQ(digits(123.456), "123.5");
  EXPECT_EQ(digits(1234567), "1234567");
  EXPECT_EQ(digits(0), "0");
}

TEST(Table, SaysWhatWasMeasuredAndBesideWhat) {
  const std::string table = to_table(sample_result(), std::nullopt);
  EXPECT_THAT(table, HasSubstr("stack: a title"));
  EXPECT_THAT(table, HasSubstr("a processor, 4 processors, Linux 6.1, clock governor powersave; "
                               "g++ 12, release, commit abc-dirty; 3 runs"));
  EXPECT_THAT(table, HasSubstr("0.50 × theirs, 0.50 × a peer (40*)"));
  EXPECT_THAT(table, HasSubstr("* published elsewhere"));
  EXPECT_THAT(table, HasSubstr("peer CPU 0.2500"));
}

TEST(Table, SaysWhetherAGoalIsMetInItsDirection) {
  SeriesResult result = sample_result();
  EXPECT_THAT(to_table(result, std::nullopt), HasSubstr("≥ 15 met"));
  result.rows[0].better = Better::kLower;
  EXPECT_THAT(to_table(result, std::nullopt), HasSubstr("≤ 15"));
  EXPECT_THAT(to_table(result, std::nullopt), Not(HasSubstr("≤ 15 met")));
}

TEST(Table, OwnsUpToNoise) {
  SeriesResult result = sample_result();
  EXPECT_THAT(to_table(result, std::nullopt),
              HasSubstr("NOT QUIET: 5 of 6 samples began on a quiet machine"));
  EXPECT_THAT(to_table(result, std::nullopt), HasSubstr("2.2 at most"));
  result.rows[0].samples[1].quiet = true;
  EXPECT_THAT(to_table(result, std::nullopt), HasSubstr("\nquiet: 6 of 6"));
}

TEST(Table, ComparesWithAKeptRun) {
  SeriesResult kept = sample_result();
  kept.started = "2026-01-01T00:00:00Z";
  kept.rows[0] = row_with("ours", {25, 25, 25});
  const std::string table = to_table(sample_result(), kept);
  EXPECT_THAT(table, HasSubstr("-20.0 %"));
  EXPECT_THAT(table, HasSubstr("since the run of 2026-01-01T00:00:00Z"));
  EXPECT_THAT(table, Not(HasSubstr("another machine")));
}

TEST(Table, WarnsOfAKeptRunOfAnotherMachine) {
  SeriesResult kept = sample_result();
  kept.machine.cpu = "a faster one";
  EXPECT_THAT(to_table(sample_result(), kept), HasSubstr("another machine (a faster one)"));
}

TEST(Table, NamesTheRowsThatFailedAndWhy) {
  SeriesResult result = sample_result();
  result.rows[1].samples.clear();
  result.rows[1].failure = "no device";
  const std::string table = to_table(result, std::nullopt);
  EXPECT_THAT(table, HasSubstr("FAILED theirs: no device"));
  EXPECT_THAT(table, Not(HasSubstr("× theirs")));
}

TEST(Plot, DrawsEachRowAndEscapesItsNames) {
  SeriesResult result = sample_result();
  result.rows[1].name = "a < b & c";
  const std::string svg = to_svg(result);
  EXPECT_THAT(svg, HasSubstr(">ours</text>"));
  EXPECT_THAT(svg, HasSubstr(">a &lt; b &amp; c</text>"));
  EXPECT_THAT(svg, HasSubstr("goal 15"));
  EXPECT_THAT(svg, HasSubstr("a peer 40"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
}

}  // namespace
}  // namespace smol::bench
