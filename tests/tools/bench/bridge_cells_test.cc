#include "tools/bench/bridge_cells.hh"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smol::bench {
namespace {

std::vector<BridgeCell> all_cells() {
  std::vector<BridgeCell> out;
  for (const char* congestion : {"reno", "cubic", "bbr"}) {
    for (const BridgeCell& cell : bridge_cells(congestion)) out.push_back(cell);
  }
  return out;
}

TEST(BridgeCells, StreamsThatLossBoundsLeaveMostOfTheLinkFree) {
  const BridgeCell cell{1, 100, 200, "reno", Way::kFromServer};
  // 1.22 / sqrt(0.01) segments of 1448 octets in 100 ms: 1.4 Mbit/s each.
  EXPECT_EQ(cell.streams(), 56U);
  EXPECT_EQ((BridgeCell{0.1, 2, 200, "reno", Way::kFromServer}.streams()), 1U);
}

TEST(BridgeCells, AStreamThatTheLinkBoundsIsAlone) {
  EXPECT_EQ((BridgeCell{0, 100, 200, "cubic", Way::kFromServer}.streams()), 1U);
  EXPECT_EQ((BridgeCell{1, 100, 200, "bbr", Way::kFromServer}.streams()), 1U);
}

TEST(BridgeCells, TheTimeFollowsFromTheLossesThatAreToBeSeen) {
  // 56 streams lose 65 segments a second, so that the least time sees more than enough.
  EXPECT_EQ((BridgeCell{1, 100, 200, "reno", Way::kFromServer}.time()), Seconds{4});
  EXPECT_EQ((BridgeCell{0.1, 100, 50, "reno", Way::kFromServer}.time()), Seconds{12});
  EXPECT_NEAR((BridgeCell{1, 2, 50, "reno", Way::kFromServer}.time().count()), 4.84, 0.01);
}

TEST(BridgeCells, TheWarmUpOutlastsTensOfRoundTrips) {
  for (const BridgeCell& cell : all_cells()) {
    EXPECT_GE(cell.warm_up().count(), 20 * cell.rtt_ms * 1e-3) << cell.name();
  }
}

TEST(BridgeCells, NamesAreUnique) {
  std::set<std::string> names;
  for (const BridgeCell& cell : all_cells()) {
    EXPECT_TRUE(names.insert(cell.name()).second) << cell.name();
  }
}

TEST(BridgeCells, WhatSmoldOpensHasARowToCompareWith) {
  for (const char* congestion : {"reno", "cubic", "bbr"}) {
    std::vector<std::string> names;
    for (const BridgeCell& cell : bridge_cells(congestion)) names.push_back(cell.name());
    for (const BridgeCell& cell : bridge_cells_of_opener(congestion)) {
      EXPECT_THAT(names, testing::Contains(cell.name()));
    }
  }
}

TEST(BridgeCells, AQueueHoldsARoundTripOfFrames) {
  EXPECT_EQ((BridgeCell{0, 100, 200, "reno", Way::kFromServer}.queue_packets()), 1651);
  EXPECT_EQ((BridgeCell{0, 2, 50, "reno", Way::kFromServer}.queue_packets()), 50);
}

}  // namespace
}  // namespace smol::bench
