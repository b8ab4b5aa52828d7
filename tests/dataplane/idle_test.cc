// When a worker sleeps, and what ends it. Without ports: theirs are in worker_test.cc.

#include "dataplane/idle.hh"

#include <thread>

#include <gtest/gtest.h>

#include "dataplane/wall_clock.hh"
#include "tests/dataplane/environment.hh"

namespace smol::dataplane {
namespace {

class IdleTest : public ::testing::Test {
 protected:
  static constexpr Instant kStart{seconds(100)};

  IdleConfig config_{.spin = microseconds(20), .yield = microseconds(50)};
  WorkerCounters counters_;

  Idle idle(bool sleep = true) { return {config_, sleep, {}, counters_, testing::log(), kStart}; }
  std::uint64_t sleeps() const { return counters_.sleeps.value(); }
};

TEST_F(IdleTest, SleepsOnlyWhenItHasBeenQuietForLongAndAfterOneMoreTurn) {
  Idle idle = this->idle();
  const Instant soon = kStart + seconds(1);
  idle.after_turn(kStart, true, soon);
  idle.after_turn(kStart + microseconds(19), false, kNever);  // spins
  idle.after_turn(kStart + microseconds(69), false, kNever);  // yields
  idle.after_turn(kStart + microseconds(70), false, kNever);  // arms
  EXPECT_EQ(sleeps(), 0u);
  idle.wake();  // the sleep ends at once
  idle.after_turn(kStart + microseconds(71), false, kNever);
  EXPECT_EQ(sleeps(), 1u);
}

TEST_F(IdleTest, WorkerThatHasJustStartedIsNotQuietYet) {
  Idle idle = this->idle();
  for (int i = 1; i < 20; ++i) idle.after_turn(kStart + microseconds(i), false, kNever);
  EXPECT_EQ(sleeps(), 0u);
}

TEST_F(IdleTest, WorkInTheTurnAfterArmingPutsOffTheSleep) {
  Idle idle = this->idle();
  const Instant quiet = kStart + microseconds(100);
  idle.after_turn(quiet, false, kNever);  // arms
  idle.after_turn(quiet + microseconds(1), true, kNever);
  idle.after_turn(quiet + microseconds(2), false, kNever);    // spins again
  idle.after_turn(quiet + microseconds(200), false, kNever);  // arms again
  EXPECT_EQ(sleeps(), 0u);
}

TEST_F(IdleTest, DoesNotSleepOverWhatIsDue) {
  Idle idle = this->idle();
  const Instant now = kStart + seconds(1);
  for (int i = 0; i < 10; ++i) idle.after_turn(now, false, now);
  EXPECT_EQ(sleeps(), 0u);
}

TEST_F(IdleTest, SleepsUntilTheDeadline) {
  Idle idle = this->idle();
  const Instant now = kStart + seconds(1);
  idle.after_turn(now, false, kNever);  // arms
  const Instant before = monotonic_now();
  idle.after_turn(now, false, now + milliseconds(5));
  EXPECT_GE(monotonic_now() - before, milliseconds(5));
  EXPECT_EQ(sleeps(), 1u);
}

TEST_F(IdleTest, WakingInTheLastTurnBeforeTheSleepIsKeptForIt) {
  Idle idle = this->idle();
  const Instant now = kStart + seconds(1);
  idle.after_turn(now, false, kNever);  // arms
  idle.wake();
  idle.wake();
  idle.after_turn(now, false, kNever);  // would last for ever
  EXPECT_EQ(sleeps(), 1u);
}

// Whoever is awake looks by itself: a system call for each message would be for nothing.
TEST_F(IdleTest, WakingWhoIsAwakeLeavesNothingBehind) {
  Idle idle = this->idle();
  const Instant now = kStart + seconds(1);
  idle.wake();
  idle.after_turn(now, false, kNever);  // arms
  const Instant before = monotonic_now();
  idle.after_turn(now, false, now + milliseconds(5));
  EXPECT_GE(monotonic_now() - before, milliseconds(5));
}

TEST_F(IdleTest, AnotherThreadEndsASleep) {
  Idle idle = this->idle();
  const Instant now = kStart + seconds(1);
  std::thread other{[&] {
    while (sleeps() == 0) std::this_thread::yield();
    idle.wake();
  }};
  idle.after_turn(now, false, kNever);  // arms
  idle.after_turn(now, false, kNever);
  other.join();
  EXPECT_EQ(sleeps(), 1u);
}

TEST_F(IdleTest, NeverSleepsIfItMayNot) {
  Idle idle = this->idle(false);
  for (int i = 0; i < 100; ++i) idle.after_turn(kStart + seconds(i), false, kNever);
  EXPECT_EQ(sleeps(), 0u);
}

}  // namespace
}  // namespace smol::dataplane
