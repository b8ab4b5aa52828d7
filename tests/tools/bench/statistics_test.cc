#include "tools/bench/statistics.hh"

#include <gtest/gtest.h>

namespace smol::bench {
namespace {

TEST(Median, IsTheMiddleOfAnOddNumber) {
  EXPECT_EQ(median({5, 1, 3}), 3);
}

TEST(Median, IsBetweenTheMiddleTwoOfAnEvenNumber) {
  EXPECT_EQ(median({4, 1, 3, 10}), 3.5);
}

TEST(Summary, OfOneSampleIsThatSample) {
  EXPECT_EQ(summarize({7}), (Summary{7, 0, 7, 7}));
}

// One sample that a neighbour spoilt moves neither the median nor the MAD.
TEST(Summary, ShrugsAtAnOutlier) {
  EXPECT_EQ(summarize({10, 11, 12, 13, 1000}), (Summary{12, 1, 10, 1000}));
}

// The machine slowed down by half in the middle; sample for sample nothing has changed.
TEST(PairedRatio, CancelsADriftThatMeetsBoth) {
  EXPECT_DOUBLE_EQ(paired_ratio({50, 50, 100}, {100, 100, 200}), 0.5);
}

TEST(PairedRatio, IsTheMedianOfTheRatiosNotTheRatioOfTheMedians) {
  EXPECT_DOUBLE_EQ(paired_ratio({1, 2, 9}, {2, 1, 3}), 2);
}

}  // namespace
}  // namespace smol::bench
