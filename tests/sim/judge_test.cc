// What our stacks build is read by others: no packet is malformed, no checksum wrong.
#include "tests/sim/judge.hh"

#include <gtest/gtest.h>

#include "tests/support/scale.hh"

namespace smol::sim {
namespace {

TEST(Judge, NothingThatWeBuildIsMalformed) {
  if (!can_judge())
    GTEST_SKIP() << "tshark and tcpdump are not installed: ./dev test installs them";
  for (std::uint64_t seed = 1; seed <= scaled(24); ++seed) {
    EXPECT_EQ(judged(seed, ::testing::TempDir() + "smol-sim"), std::vector<std::string>{})
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace smol::sim
