#include "tools/bench/load.hh"

#include <unistd.h>

#include <gtest/gtest.h>

namespace smol::bench {
namespace {

// user, nice, system and steal count; idle, iowait and interrupts do not. Ticks are hundredths.
TEST(CpuUse, CountsWhatProgramsAndOtherMachinesTook) {
  const auto use = parse_cpu_use(
      "cpu  100 20 30 5000 600 70 80 9 0 0\n"
      "cpu0 60 20 10 2500 300 35 40 4 0 0\n"
      "cpu1 40 0 20 2500 300 35 40 5 0 0\n"
      "intr 12345 0 1\n",
      100);
  ASSERT_TRUE(use);
  EXPECT_DOUBLE_EQ(use->all, 1.59);
  ASSERT_EQ(use->each.size(), 2u);
  EXPECT_DOUBLE_EQ(use->each[0], 0.94);
  EXPECT_DOUBLE_EQ(use->each[1], 0.65);
}

TEST(CpuUse, IsNotReadFromAnythingElse) {
  EXPECT_FALSE(parse_cpu_use("", 100));
  EXPECT_FALSE(parse_cpu_use("cpu 1 2 3\n", 100));
  EXPECT_FALSE(parse_cpu_use("intr 1 2 3 4 5 6 7 8\n", 100));
}

TEST(ProcessUse, IsKnownOfALiveProcessOnly) {
  const auto use = process_use(getpid());
  ASSERT_TRUE(use);
  EXPECT_GE(use->total(), 0);
  EXPECT_TRUE(process_nanoseconds(getpid()));
  // No process has the number of all of them and one more.
  constexpr pid_t kNobody = 0x3fff'ffff;
  EXPECT_FALSE(process_use(kNobody));
  EXPECT_FALSE(process_nanoseconds(kNobody));
}

}  // namespace
}  // namespace smol::bench
