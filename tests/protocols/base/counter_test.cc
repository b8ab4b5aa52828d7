#include "protocols/base/counter.hh"

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(Counter, CountsUpAndDown) {
  Counter counter;
  counter.add();
  counter.add(10);
  counter.subtract(3);
  EXPECT_EQ(counter.value(), 8u);
}

TEST(DropCounters, KeepOneNumberAReasonAndTheirTotal) {
  DropCounters counters;
  counters.add(Drop::kTcpBadChecksum);
  counters.add(Drop::kTcpBadChecksum, 2);
  counters.add(static_cast<Drop>(kDropCount - 1), 5);
  EXPECT_EQ(counters.value(Drop::kTcpBadChecksum), 3u);
  EXPECT_EQ(counters.value(Drop::kTcpBadFlags), 0u);
  EXPECT_EQ(counters.total(), 8u);
}

}  // namespace
}  // namespace smol
