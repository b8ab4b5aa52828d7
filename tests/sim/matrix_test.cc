// What a connection carries: the cells of the throughput matrix that must reach a figure do.
// `./dev sim --matrix` measures all of them, and compares with docs/benchmarks.
#include "tests/sim/matrix.hh"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hh"

namespace smol::sim {
namespace {

TEST(ThroughputMatrix, WhatIsRequiredIsReached) {
  if (scaled(10) < 10) GTEST_SKIP() << "minutes of CPU where the build is slow";
  std::size_t measured = 0;
  for (const Cell& cell : throughput_cells()) {
    if (!cell.required || !cell.quick) continue;
    ++measured;
    EXPECT_EQ(shortfall(cell, measure(cell)), "");
  }
  EXPECT_GT(measured, 0u);
}

// A change of a figure is a change of behaviour: to be seen in the diff of the file, and meant.
TEST(ThroughputMatrix, TheQuickPartIsAsTheFileHasIt) {
  if (scaled(10) < 10) GTEST_SKIP() << "minutes of CPU where the build is slow";
  std::ifstream file{SMOL_MATRIX_FILE};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  ASSERT_FALSE(text.empty()) << SMOL_MATRIX_FILE;
  for (const Cell& cell : throughput_cells()) {
    if (!cell.quick) continue;
    const std::string line = line_of(cell, measure(cell));
    EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos)
        << "now: " << line << "\nif that is meant: ./dev sim --matrix --accept";
  }
}

TEST(ThroughputMatrix, NamesNoCellTwice) {
  std::vector<std::string> names;
  for (const Cell& cell : throughput_cells()) names.push_back(cell.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

// 22 segments in a round trip; a loss holds up what is behind it for one more.
TEST(ThroughputMatrix, TheBoundIsThatOfAWindowAndALoss) {
  EXPECT_NEAR(bound_of_one_round_trip(32'768, 0), 97.2, 0.1);
  EXPECT_NEAR(bound_of_one_round_trip(32'768, 10), 88, 1);
  EXPECT_NEAR(bound_of_one_round_trip(32'768, 200), 44, 1);
}

}  // namespace
}  // namespace smol::sim
