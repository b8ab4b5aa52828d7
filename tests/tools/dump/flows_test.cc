#include "tools/dump/flows.hh"

#include <gtest/gtest.h>

#include "tests/tools/dump/frames.hh"

namespace smol::dump {
namespace {

const Frame kA = octets({192, 0, 2, 1});
const Frame kB = octets({192, 0, 2, 2});

Flows::Segment segment(std::uint16_t port, std::uint32_t seq, std::uint32_t ack) {
  return {kA, kB, port, 80, false, seq, ack};
}

TEST(Flows, FirstSegmentShowsItsNumbersAndLaterOnesCountFromThem) {
  Flows flows;
  const auto first = flows.relative(segment(5000, 1000, 2000));
  EXPECT_EQ(first.seq, 1000u);
  EXPECT_EQ(first.ack, 2000u);
  const auto second = flows.relative(segment(5000, 1010, 2005));
  EXPECT_EQ(second.seq, 10u);
  EXPECT_EQ(second.ack, 6u);
}

TEST(Flows, BothDirectionsAreOneConnection) {
  Flows flows;
  flows.relative(segment(5000, 1000, 2000));
  const auto back = flows.relative({kB, kA, 80, 5000, false, 2000, 1001});
  EXPECT_EQ(back.seq, 1u);
  EXPECT_EQ(back.ack, 1u);
  EXPECT_EQ(back.sack_base, 1000u);
  EXPECT_EQ(flows.size(), 1u);
}

TEST(Flows, EqualPortsAreToldApartByTheAddresses) {
  Flows flows;
  flows.relative({kB, kA, 7, 7, false, 100, 200});
  const auto back = flows.relative({kA, kB, 7, 7, false, 200, 101});
  EXPECT_EQ(back.seq, 1u);
  EXPECT_EQ(back.ack, 1u);
}

TEST(Flows, ASynBeginsAnew) {
  Flows flows;
  flows.relative(segment(5000, 1000, 2000));
  const auto again = flows.relative({kA, kB, 5000, 80, true, 7000, 1});
  EXPECT_EQ(again.seq, 7000u);
  EXPECT_EQ(flows.relative(segment(5000, 7001, 5)).seq, 1u);
}

TEST(Flows, ForgetsTheConnectionThatWasUsedLongestAgo) {
  Flows flows{2};
  flows.relative(segment(1, 100, 1));
  flows.relative(segment(2, 200, 1));
  flows.relative(segment(1, 101, 1));
  flows.relative(segment(3, 300, 1));  // pushes out port 2
  EXPECT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows.relative(segment(1, 105, 1)).seq, 5u);
  EXPECT_EQ(flows.relative(segment(2, 205, 1)).seq, 205u);
}

}  // namespace
}  // namespace smol::dump
