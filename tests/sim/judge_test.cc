// What our stacks build is read by others: no packet is malformed, no checksum wrong, and every
// remark accounted for.
#include "tests/sim/judge.hh"

#include <algorithm>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/scenario.hh"
#include "tests/support/scale.hh"

namespace smol::sim {
namespace {

constexpr std::uint32_t kParts = 4;

class Judge : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Judge, NothingThatWeBuildInTheCorpusIsMalformed) {
  if (!can_judge())
    GTEST_SKIP() << "tshark and tcpdump are not installed: ./dev test installs them";
  const std::uint64_t seeds = std::max(1u, scaled(kCorpus) / kParts);
  const std::string folder = ::testing::TempDir() + "smol-sim-" + std::to_string(::getpid()) + "-" +
                             std::to_string(GetParam());
  const Judgement judgement = judge(1 + GetParam() * seeds, seeds, 1, folder);
  EXPECT_EQ(judgement.complaints, std::vector<std::string>{});
  EXPECT_GT(judgement.frames, 0u);
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Quarter, Judge, ::testing::Range(0u, kParts));

}  // namespace
}  // namespace smol::sim
