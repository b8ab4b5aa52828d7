#include "protocols/base/check.hh"

#include <cstdio>

#include <gtest/gtest.h>

namespace smol {
namespace {

void say(const char* what, const char* file, int) noexcept {
  std::fprintf(stderr, "broken: %s in %s\n", what, file);
}

TEST(Check, AHoldingConditionCostsNothing) {
  SMOL_CHECK(1 + 1 == 2);
}

TEST(Check, ABrokenOneEndsTheProcess) {
  EXPECT_DEATH(SMOL_CHECK(1 + 1 == 3), "");
}

TEST(Check, TheInstalledHandlerHearsWhatBrokeAndWhere) {
  EXPECT_DEATH(
      {
        set_check_handler(&say);
        SMOL_CHECK(1 + 1 == 3);
      },
      "broken: 1 \\+ 1 == 3 in .*check_test.cc");
}

TEST(Check, NullRestoresTheDefault) {
  EXPECT_DEATH(
      {
        set_check_handler(&say);
        set_check_handler(nullptr);
        SMOL_CHECK(1 + 1 == 3);
      },
      "^$");
}

}  // namespace
}  // namespace smol
