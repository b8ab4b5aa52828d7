#include "tools/bench/runner.hh"

#include <gtest/gtest.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace {

Plan impatient(unsigned runs) {
  Plan plan;
  plan.runs = runs;
  plan.patience = Seconds{0};
  plan.calibrate = false;
  return plan;
}

void nobody_listens(const std::string&) {}

/// Rows that note their names as they are measured.
Series recording(std::vector<std::string>& order, const std::vector<std::string>& names) {
  Series series;
  series.name = "recording";
  for (const std::string& name : names) {
    Row row;
    row.name = name;
    row.measure = [&order, name](const Effort&) -> Figure {
      order.push_back(name);
      return {static_cast<double>(order.size()), {}};
    };
    series.rows.push_back(row);
  }
  return series;
}

// A B A B, never A A B B: what drifts meets all alike.
TEST(Runner, MeasuresAllOnceBeforeAnyAgain) {
  std::vector<std::string> order;
  const SeriesResult result = run(recording(order, {"a", "b"}), impatient(3), nobody_listens);
  EXPECT_EQ(order, (std::vector<std::string>{"a", "b", "a", "b", "a", "b"}));
  EXPECT_EQ(result.rows[0].values(), (std::vector<double>{1, 3, 5}));
  EXPECT_EQ(result.rows[1].values(), (std::vector<double>{2, 4, 6}));
}

TEST(Runner, LeavesOutARowThatFailedAndSaysWhy) {
  std::vector<std::string> order;
  Series series = recording(order, {"good", "bad"});
  int tried = 0;
  series.rows[1].measure = [&](const Effort&) -> Figure {
    ++tried;
    throw Failure{"broken"};
  };
  const SeriesResult result = run(series, impatient(3), nobody_listens);
  EXPECT_EQ(tried, 1);
  EXPECT_EQ(result.rows[1].failure, "broken");
  EXPECT_TRUE(result.rows[1].samples.empty());
  EXPECT_EQ(result.rows[0].samples.size(), 3u);
}

TEST(Runner, HandsOverHowMuchEffortARowMayMake) {
  Plan plan = impatient(1);
  plan.effort.stack = Seconds{0.125};
  Series series;
  Row row;
  row.measure = [](const Effort& effort) -> Figure { return {effort.stack.count(), {}}; };
  series.rows.push_back(row);
  EXPECT_EQ(run(series, plan, nobody_listens).rows[0].values(), (std::vector<double>{0.125}));
}

TEST(Runner, CalibratesBeforeAndAfterEachSample) {
  Plan plan = impatient(1);
  plan.calibrate = true;
  std::vector<std::string> order;
  const SeriesResult result = run(recording(order, {"a"}), plan, nobody_listens);
  const Sample& sample = result.rows[0].samples[0];
  for (const Calibration& at : {sample.before, sample.after}) {
    EXPECT_GT(at.chain_ns, 0);
    EXPECT_GT(at.copy_ns, 0);
  }
}

TEST(RatioToReference, NeedsAsManySamplesOfBoth) {
  std::vector<std::string> order;
  Series series = recording(order, {"a", "b"});
  series.rows[0].reference = "b";
  SeriesResult result = run(series, impatient(2), nobody_listens);
  ASSERT_TRUE(ratio_to_reference(result, result.rows[0]));
  EXPECT_DOUBLE_EQ(*ratio_to_reference(result, result.rows[0]), (1.0 / 2 + 3.0 / 4) / 2);
  EXPECT_FALSE(ratio_to_reference(result, result.rows[1]));
  result.rows[1].samples.pop_back();
  EXPECT_FALSE(ratio_to_reference(result, result.rows[0]));
}

}  // namespace
}  // namespace smol::bench
