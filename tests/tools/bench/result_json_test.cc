#include "tools/bench/result_json.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/bench/sample_result.hh"

namespace smol::bench {
namespace {

TEST(ResultJson, ComesBackAsItWasWritten) {
  const SeriesResult before = sample_result();
  const Result<SeriesResult, std::string> after = from_json(to_json(before));
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(after->name, before.name);
  EXPECT_EQ(after->title, before.title);
  EXPECT_EQ(after->conditions, before.conditions);
  EXPECT_EQ(after->started, before.started);
  EXPECT_EQ(after->machine, before.machine);
  EXPECT_EQ(after->runs, 3u);
  EXPECT_EQ(after->quick, false);
  EXPECT_EQ(after->waited, 1.5);
  ASSERT_EQ(after->rows.size(), 2u);
  const RowResult& row = after->rows[0];
  EXPECT_EQ(row.name, "ours");
  EXPECT_EQ(row.group, "a group");
  EXPECT_EQ(row.unit, "ns");
  EXPECT_EQ(row.better, Better::kHigher);
  EXPECT_EQ(row.reference, "theirs");
  EXPECT_EQ(row.yardstick, (Yardstick{"a peer", 40}));
  EXPECT_EQ(row.goal, 15);
  EXPECT_EQ(row.values(), (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(row.samples[0].figure.notes, before.rows[0].samples[0].figure.notes);
  EXPECT_EQ(row.samples[0].before, (Calibration{1, 2}));
  EXPECT_EQ(row.samples[0].after, (Calibration{1.5, 2.5}));
  EXPECT_EQ(row.samples[1].others_before, 0.5);
  EXPECT_EQ(row.samples[1].others_during, 2.25);
  EXPECT_EQ(row.samples[1].quiet, false);
}

TEST(ResultJson, HasTheSummaryAndTheRatioForReadersOfItsOwn) {
  const auto json = nlohmann::json::parse(to_json(sample_result()));
  const auto& row = json["rows"][0];
  EXPECT_EQ(row["median"], 20);
  EXPECT_EQ(row["mad"], 10);
  EXPECT_EQ(row["min"], 10);
  EXPECT_EQ(row["max"], 30);
  EXPECT_EQ(row["ratio"], 0.5);
}

TEST(ResultJson, KeepsWhyARowFailed) {
  SeriesResult before = sample_result();
  before.rows[1].samples.clear();
  before.rows[1].failure = "no such thing";
  const Result<SeriesResult, std::string> after = from_json(to_json(before));
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(after->rows[1].failure, "no such thing");
  EXPECT_TRUE(after->rows[1].samples.empty());
}

TEST(ResultJson, RefusesAnotherSchemaByItsNumber) {
  std::string text = to_json(sample_result());
  text.replace(text.find("\"schema\": 1"), 11, "\"schema\": 9");
  const Result<SeriesResult, std::string> read = from_json(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "schema 9, and this smolbench reads schema 1");
}

TEST(ResultJson, RefusesWhatIsNoResult) {
  EXPECT_FALSE(from_json("{}"));
  EXPECT_FALSE(from_json("nonsense"));
  EXPECT_FALSE(from_json(""));
}

}  // namespace
}  // namespace smol::bench
