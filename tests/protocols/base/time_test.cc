#include "protocols/base/time.hh"

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(Time, UnitsAreWhatTheirNamesSay) {
  EXPECT_EQ(seconds(1), milliseconds(1'000));
  EXPECT_EQ(milliseconds(1), microseconds(1'000));
  EXPECT_EQ(microseconds(1), nanoseconds(1'000));
  EXPECT_EQ(nanoseconds(1).count(), 1);
}

TEST(Time, NeverIsLaterThanEveryMoment) {
  EXPECT_GT(kNever, Instant{} + seconds(9'000'000'000));
  EXPECT_EQ(kNever, Instant::max());
}

}  // namespace
}  // namespace smol
