#include "protocols/base/timer_wheel.hh"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

constexpr Duration kTick{std::int64_t{1} << TimerWheel::kTickShift};
constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();

constexpr Instant at(Duration since_start) {
  return Instant{since_start};
}

/// The ids that fire at `now`, in their order.
std::vector<std::uint32_t> expire(TimerWheel& wheel, Instant now, std::size_t bound = kNoBound) {
  std::vector<std::uint32_t> out;
  wheel.expire(now, bound, [&](TimerNode& node) { out.push_back(node.id()); });
  return out;
}

using Ids = std::vector<std::uint32_t>;

TEST(TimerWheel, AnEmptyOneHasNoDeadlineAndNothingToDo) {
  TimerWheel wheel{at(seconds(1))};
  EXPECT_EQ(wheel.next_deadline(), kNever);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(expire(wheel, at(seconds(100))), Ids{});
}

TEST(TimerWheel, FiresAtTheFirstTickNotBeforeTheDeadline) {
  TimerWheel wheel{at(seconds(1))};
  TimerNode node{3, 7};
  const Instant when = at(seconds(2));
  wheel.arm(node, when);
  EXPECT_TRUE(node.armed());
  EXPECT_EQ(expire(wheel, when - nanoseconds(1)), Ids{});
  EXPECT_EQ(expire(wheel, when + kTick), Ids{7});
  EXPECT_FALSE(node.armed());
  EXPECT_EQ(node.kind(), 3);
}

TEST(TimerWheel, ADeadlineOnATickFiresAtThatVeryMoment) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode node;
  wheel.arm(node, at(1'000 * kTick));
  EXPECT_EQ(wheel.next_deadline() <= at(1'000 * kTick), true);
  EXPECT_EQ(expire(wheel, at(1'000 * kTick - nanoseconds(1))).size(), 0u);
  EXPECT_EQ(expire(wheel, at(1'000 * kTick)).size(), 1u);
}

TEST(TimerWheel, ADeadlineInThePastFiresAtOnce) {
  TimerWheel wheel{at(seconds(10))};
  TimerNode node;
  wheel.arm(node, at(seconds(1)));
  EXPECT_LE(wheel.next_deadline(), at(seconds(10)));
  EXPECT_EQ(expire(wheel, at(seconds(10))).size(), 1u);
}

TEST(TimerWheel, TimesBeforeZeroCountAsZero) {
  TimerWheel wheel{at(-seconds(5))};
  TimerNode node;
  wheel.arm(node, at(-seconds(1)));
  EXPECT_EQ(expire(wheel, at(Duration::zero())).size(), 1u);
}

TEST(TimerWheel, ArmingAgainMovesTheTimer) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode node;
  wheel.arm(node, at(seconds(1)));
  wheel.arm(node, at(seconds(3)));
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(expire(wheel, at(seconds(2))).size(), 0u);
  wheel.arm(node, at(seconds(2) + milliseconds(500)));
  EXPECT_EQ(expire(wheel, at(seconds(3) - milliseconds(1))).size(), 1u);
  EXPECT_EQ(expire(wheel, at(seconds(10))).size(), 0u);
}

TEST(TimerWheel, DisarmedTimersDoNotFire) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode a{0, 1};
  TimerNode b{0, 2};
  wheel.arm(a, at(seconds(1)));
  wheel.arm(b, at(seconds(1)));
  wheel.disarm(a);
  wheel.disarm(a);  // twice does no harm
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(expire(wheel, at(seconds(2))), Ids{2});
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, ArmingForNeverDisarms) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode node;
  wheel.arm(node, at(seconds(1)));
  wheel.arm(node, kNever);
  EXPECT_FALSE(node.armed());
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, FiresInTheOrderOfTheTicksWhateverTheLevel) {
  TimerWheel wheel{at(Duration::zero())};
  std::deque<TimerNode> nodes;
  const std::int64_t ticks[] = {5'000'000, 3, 70, 4'095, 64, 4'097, 300'000, 1, 63, 65};
  for (const std::int64_t tick : ticks) {
    TimerNode& node = nodes.emplace_back(std::uint8_t{0}, static_cast<std::uint32_t>(tick));
    wheel.arm(node, at(tick * kTick));
  }
  EXPECT_EQ(expire(wheel, at(5'000'000 * kTick)),
            (Ids{1, 3, 63, 64, 65, 70, 4'095, 4'097, 300'000, 5'000'000}));
}

TEST(TimerWheel, TheDeadlineIsNeverLaterThanTheEarliestTimer) {
  TimerWheel wheel{at(seconds(1))};
  TimerNode node;
  const Instant when = at(seconds(1'000'000));
  wheel.arm(node, when);
  int steps = 0;
  while (node.armed()) {
    const Instant next = wheel.next_deadline();
    ASSERT_LE(next, when + kTick);
    expire(wheel, next);
    ++steps;
  }
  EXPECT_LE(steps, 8);  // nearer in at most 7, then due
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, ABoundedExpireGoesOnWhereItStopped) {
  TimerWheel wheel{at(Duration::zero())};
  std::deque<TimerNode> nodes;
  for (std::uint32_t i = 0; i < 10; ++i) {
    wheel.arm(nodes.emplace_back(std::uint8_t{0}, i), at(100 * kTick));
  }
  const Instant now = at(seconds(1));
  std::size_t fired = 0;
  int calls = 0;
  while (fired < 10) {
    ASSERT_LE(wheel.next_deadline(), now);
    std::size_t handled = 0;
    handled = wheel.expire(now, 3, [&](TimerNode&) { ++fired; });
    ASSERT_LE(handled, 3u);
    ASSERT_GT(handled, 0u);
    ASSERT_LE(++calls, 10);
  }
  EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, WhatIsArmedBetweenBoundedCallsKeepsItsPlace) {
  TimerWheel wheel{at(Duration::zero())};
  std::deque<TimerNode> nodes;
  for (std::uint32_t i = 0; i < 8; ++i) {
    wheel.arm(nodes.emplace_back(std::uint8_t{0}, 100 + i), at((100 + i) * kTick));
  }
  const Instant now = at(200 * kTick);
  Ids fired = expire(wheel, now, 4);  // in the middle of a slot that comes nearer
  TimerNode late{0, 150};
  wheel.arm(late, at(150 * kTick));
  while (wheel.size() > 0) {
    for (const std::uint32_t id : expire(wheel, now, 1)) fired.push_back(id);
  }
  EXPECT_EQ(fired, (Ids{100, 101, 102, 103, 104, 105, 106, 107, 150}));
}

TEST(TimerWheel, ATimerMayBeArmedAnewInItsOwnCall) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode node;
  wheel.arm(node, at(seconds(1)));
  std::vector<Instant> fired;
  for (Instant now = at(Duration::zero()); now < at(seconds(11)); now += milliseconds(10)) {
    wheel.expire(now, kNoBound, [&](TimerNode& n) {
      EXPECT_FALSE(n.armed());
      fired.push_back(now);
      wheel.arm(n, now + seconds(1));
    });
  }
  EXPECT_EQ(fired.size(), 10u);  // a second and up to 10 ms each
  wheel.disarm(node);
}

TEST(TimerWheel, ATimerMayDisarmAnotherOfTheSameTick) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode a{0, 1};
  TimerNode b{0, 2};
  wheel.arm(a, at(seconds(1)));
  wheel.arm(b, at(seconds(1)));
  Ids fired;
  wheel.expire(at(seconds(2)), kNoBound, [&](TimerNode& node) {
    fired.push_back(node.id());
    wheel.disarm(b);
  });
  EXPECT_EQ(fired, Ids{1});
  EXPECT_FALSE(b.armed());
}

TEST(TimerWheel, ATimerArmedForNowInACallStaysWithinTheBound) {
  TimerWheel wheel{at(Duration::zero())};
  TimerNode node;
  wheel.arm(node, at(seconds(1)));
  std::size_t fired = 0;
  const std::size_t handled = wheel.expire(at(seconds(1) + kTick), 50, [&](TimerNode& n) {
    ++fired;
    wheel.arm(n, at(seconds(1)));
  });
  EXPECT_EQ(handled, 50u);
  EXPECT_LE(fired, 50u);
  wheel.disarm(node);
}

// Two ticks that differ in a bit beyond seven levels once met in one slot, and fired 9 years early.
TEST(TimerWheel, FarTimersAreNotEarlyWhereTheClockCrossesNineYears) {
  const std::int64_t boundary = std::int64_t{1} << 42;
  TimerWheel wheel{at((boundary - 10) * kTick)};
  TimerNode soon{0, 1};
  TimerNode later{0, 2};
  wheel.arm(soon, at((boundary - 1) * kTick));
  wheel.arm(later, at((boundary + 1'000) * kTick));
  EXPECT_EQ(expire(wheel, at((boundary - 1) * kTick)), Ids{1});
  EXPECT_EQ(expire(wheel, at((boundary + 999) * kTick)), Ids{});
  EXPECT_EQ(expire(wheel, at((boundary + 1'000) * kTick)), Ids{2});
}

TEST(TimerWheel, ATimerBeyondTwentyYearsWaitsForThem) {
  const Duration year = seconds(31'557'600);
  TimerWheel wheel{at(seconds(1))};
  TimerNode node;
  wheel.arm(node, at(20 * year));
  for (int i = 1; i < 20; ++i) ASSERT_EQ(expire(wheel, at(i * year)).size(), 0u) << i;
  EXPECT_EQ(expire(wheel, at(20 * year + kTick)).size(), 1u);
}

TEST(TimerWheel, TheLastMomentThereIsHasADeadlineToo) {
  TimerWheel wheel{at(seconds(1))};
  TimerNode node;
  wheel.arm(node, kNever - nanoseconds(1));
  EXPECT_TRUE(node.armed());
  EXPECT_GT(wheel.next_deadline(), at(seconds(1)));
  EXPECT_EQ(expire(wheel, at(seconds(1'000'000'000))).size(), 0u);
  EXPECT_GT(wheel.next_deadline(), at(seconds(1'000'000'000)));
  EXPECT_EQ(expire(wheel, kNever).size(), 1u);
}

TEST(TimerWheel, LetsGoOfItsTimersWhenItGoes) {
  TimerNode near;
  TimerNode far;
  {
    TimerWheel wheel{at(Duration::zero())};
    wheel.arm(near, at(seconds(1)));
    wheel.arm(far, at(seconds(100'000)));
  }
  EXPECT_FALSE(near.armed());
  EXPECT_FALSE(far.armed());
}

TEST(TimerNode, GoingAwayWhileArmedEndsTheProcess) {
  EXPECT_DEATH(
      {
        TimerWheel wheel{at(Duration::zero())};
        TimerNode node;
        wheel.arm(node, at(seconds(1)));
      },
      "");
}

// --- Against a model
// ------------------------------------------------------------------------------

/// A wheel beside a sorted map, driven by the same random calls.
class Model {
 public:
  Model(std::uint64_t seed, Instant start)
      : rng_{seed}, now_{start}, wheel_{start}, passed_{floor_tick(start)} {
    for (std::uint32_t i = 0; i < kNodes; ++i) nodes_.emplace_back(std::uint8_t{0}, i);
  }
  ~Model() {
    for (TimerNode& node : nodes_) wheel_.disarm(node);
  }

  void step() {
    const std::uint32_t what = rng_.below(10);
    if (what < 5) {
      arm(rng_.below(kNodes));
    } else if (what < 6) {
      disarm(rng_.below(kNodes));
    } else {
      pass_time();
    }
    check();
  }

 private:
  static constexpr std::uint32_t kNodes = 40;

  static std::int64_t floor_tick(Instant t) { return t.time_since_epoch() / kTick; }
  static std::int64_t ceil_tick(Instant t) { return floor_tick(t + kTick - nanoseconds(1)); }

  /// Of every magnitude from nothing to hours, now and then to years.
  Duration some_time() {
    const std::uint32_t bits = rng_.below(rng_.below(50) == 0 ? 58 : 43);
    return nanoseconds(static_cast<std::int64_t>(rng_.next() & ((std::uint64_t{1} << bits) - 1)));
  }

  void disarm(std::uint32_t id) {
    wheel_.disarm(nodes_[id]);
    if (armed_[id]) by_deadline_.erase(*armed_[id]);
    armed_[id].reset();
  }
  void arm(std::uint32_t id) {
    Instant when = now_ + some_time();
    if (rng_.below(8) == 0) when = now_ - microseconds(rng_.below(1'000));
    if (rng_.below(8) == 0) when = Instant{floor_tick(when) * kTick};
    disarm(id);
    wheel_.arm(nodes_[id], when);
    armed_[id] = by_deadline_.emplace(when, id);
    // What is overdue when it is armed queues up behind what is due by then.
    order_[id] = std::max(ceil_tick(when), passed_);
    if (cut_short_ && ceil_tick(when) <= floor_tick(now_)) order_[id].reset();
  }
  void pass_time() {
    now_ += rng_.below(4) == 0 && wheel_.next_deadline() != kNever
                ? std::max(Duration::zero(), wheel_.next_deadline() - now_)
                : some_time() / 4;
    const std::size_t bound = rng_.below(3) == 0 ? 1 + rng_.below(5) : kNoBound;
    std::int64_t last = -1;
    const std::size_t handled = wheel_.expire(now_, bound, [&](TimerNode& node) {
      const std::uint32_t id = node.id();
      ASSERT_TRUE(armed_[id]) << "fired a timer that was not armed";
      const Instant when = (*armed_[id])->first;
      ASSERT_LE(when, now_) << "early";
      if (order_[id]) {
        ASSERT_LE(last, *order_[id]) << "out of order";
        last = *order_[id];
      }
      by_deadline_.erase(*armed_[id]);
      armed_[id].reset();
      if (rng_.below(4) == 0 && budget_-- > 0) arm_later(id);
    });
    ASSERT_LE(handled, bound);
    cut_short_ = handled == bound;
    if (cut_short_) {
      ASSERT_TRUE(!due() || wheel_.next_deadline() <= now_);
    } else {
      passed_ = floor_tick(now_);
      ASSERT_FALSE(due()) << "more than a tick late";
    }
    budget_ = 100;
  }
  /// From within a call: never for a tick that this call already passed.
  void arm_later(std::uint32_t id) {
    const Instant when = now_ + kTick + some_time();
    wheel_.arm(nodes_[id], when);
    armed_[id] = by_deadline_.emplace(when, id);
    order_[id] = ceil_tick(when);
  }
  bool due() const {
    return !by_deadline_.empty() && ceil_tick(by_deadline_.begin()->first) <= floor_tick(now_);
  }
  void check() {
    ASSERT_EQ(wheel_.size(), by_deadline_.size());
    if (by_deadline_.empty()) {
      ASSERT_EQ(wheel_.next_deadline(), kNever);
    } else {
      const Instant earliest = by_deadline_.begin()->first;
      ASSERT_LE(wheel_.next_deadline(), std::max(earliest + kTick, now_));
    }
    for (std::uint32_t id = 0; id < kNodes; ++id) {
      ASSERT_EQ(nodes_[id].armed(), armed_[id].has_value());
    }
  }

  using Map = std::multimap<Instant, std::uint32_t>;

  Rng rng_;
  Instant now_;
  TimerWheel wheel_;
  std::deque<TimerNode> nodes_;
  Map by_deadline_;
  std::map<std::uint32_t, std::optional<Map::iterator>> armed_;
  /// The tick by which each fires, for the order; none where a cut-short call leaves it open.
  std::map<std::uint32_t, std::optional<std::int64_t>> order_;
  std::int64_t passed_;     ///< the tick up to which all have fired
  bool cut_short_ = false;  ///< the last call reached its bound
  int budget_ = 100;
};

TEST(TimerWheel, AgreesWithASortedMapOverLongRandomRuns) {
  const Instant starts[] = {at(Duration::zero()), at(seconds(1'000'000)),
                            at(((std::int64_t{1} << 42) - 500) * kTick),
                            at(((std::int64_t{1} << 36) - 3) * kTick)};
  std::uint64_t seed = 1;
  for (const Instant start : starts) {
    for (int run = 0; run < 5; ++run) {
      Model model{seed++, start};
      for (int i = 0; i < 20'000; ++i) {
        model.step();
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace smol
