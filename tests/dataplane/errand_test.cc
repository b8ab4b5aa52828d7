#include "dataplane/errand.hh"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/courier.hh"
#include "tests/support/fake_sockets.hh"

namespace smol::dataplane {
namespace {

struct CountingWaker final : Desk::Waker {
  std::atomic<int> count{0};
  void wake() noexcept override { ++count; }
};

/// Writes down what happens to it.
struct Traced final : Errand {
  Traced(int number, std::vector<int>& ran, std::vector<int>& came_back)
      : number_{number}, ran_{ran}, came_back_{came_back} {}
  Step run(WorkerAccess&) noexcept override {
    ran_.push_back(number_);
    return turns-- > 1 ? Step::kAgain : step;
  }
  void done() noexcept override { came_back_.push_back(number_); }

  Step step = Step::kDone;
  int turns = 1;

 private:
  int number_;
  std::vector<int>& ran_;
  std::vector<int>& came_back_;
};

class DeskTest : public ::testing::Test {
 protected:
  DeskTest() { desk.set_wakers(&worker, &courier); }
  ~DeskTest() override { desk.close(); }

  Traced& errand(int number) {
    made.push_back(std::make_unique<Traced>(number, ran, came_back));
    return *made.back();
  }
  std::size_t turn() {
    WorkerAccess access{0, sockets, desk};
    const std::size_t count = desk.has_mail() ? desk.run(access) : 0;
    desk.flush();
    return count;
  }
  /// As the courier does.
  void deliver() { Courier once{{&desk}}; }

  CountingWaker worker;
  CountingWaker courier;
  testing::FakeSockets sockets;
  std::vector<int> ran;
  std::vector<int> came_back;
  std::vector<std::unique_ptr<Traced>> made;
  Desk desk;
};

TEST_F(DeskTest, ErrandsRunAndComeBackInTheirOrder) {
  for (int i = 0; i < 5; ++i) desk.post(errand(i));
  EXPECT_EQ(turn(), 5u);
  EXPECT_EQ(ran, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_TRUE(came_back.empty());
  deliver();
  EXPECT_EQ(came_back, ran);
  EXPECT_EQ(turn(), 0u);
}

TEST_F(DeskTest, OneWakeServesAllThatCameBeforeTheTurn) {
  for (int i = 0; i < 5; ++i) desk.post(errand(i));
  EXPECT_EQ(worker.count, 1);
  turn();
  EXPECT_EQ(courier.count, 1);
  desk.post(errand(5));
  EXPECT_EQ(worker.count, 2);
}

TEST_F(DeskTest, LongWorkGoesOnInTheNextTurn) {
  Traced& slow = errand(0);
  slow.turns = 3;
  desk.post(slow);
  desk.post(errand(1));
  EXPECT_EQ(turn(), 2u);
  EXPECT_TRUE(desk.has_mail());
  EXPECT_EQ(turn(), 1u);
  EXPECT_EQ(turn(), 1u);
  EXPECT_FALSE(desk.has_mail());
  deliver();
  EXPECT_EQ(came_back, std::vector{1});
  turn();
  deliver();
  EXPECT_EQ(came_back, (std::vector{1, 0}));
}

TEST_F(DeskTest, AKeptErrandComesBackWhenItIsFinished) {
  Traced& kept = errand(0);
  kept.step = Errand::Step::kKept;
  desk.post(kept);
  turn();
  deliver();
  EXPECT_TRUE(came_back.empty());
  desk.finish(kept);
  desk.flush();
  deliver();
  EXPECT_EQ(came_back, std::vector{0});
  EXPECT_FALSE(kept.cancelled());
}

TEST_F(DeskTest, ABusyCourierIsNotOverrun) {
  desk.post(errand(0));
  turn();
  desk.post(errand(1));
  turn();
  EXPECT_TRUE(desk.unflushed()) << "the first is not taken yet";
  deliver();
  EXPECT_EQ(came_back, std::vector{0});
  desk.flush();
  deliver();
  EXPECT_EQ(came_back, (std::vector{0, 1}));
}

TEST_F(DeskTest, AClosedDeskGivesEverythingBackCancelled) {
  Traced& waiting = errand(0);
  Traced& again = errand(1);
  again.turns = 100;
  desk.post(again);
  turn();
  desk.post(waiting);
  desk.close();
  deliver();
  EXPECT_EQ(ran, std::vector{1});
  EXPECT_TRUE(waiting.cancelled());
  EXPECT_TRUE(again.cancelled());
  Traced& late = errand(2);
  desk.post(late);
  deliver();
  EXPECT_TRUE(late.cancelled());
  std::sort(came_back.begin(), came_back.end());
  EXPECT_EQ(came_back, (std::vector{0, 1, 2}));
}

TEST_F(DeskTest, WhatComesToAClosedDeskComesBackBehindAllThatItHeld) {
  Traced& kept = errand(0);
  kept.step = Errand::Step::kKept;
  desk.post(kept);
  desk.post(errand(1));
  turn();  // the courier does not take it yet
  desk.post(errand(2));
  desk.post(errand(3));
  desk.cancel(kept);
  desk.close();
  desk.post(errand(4));
  desk.post(errand(5));
  deliver();
  EXPECT_EQ(came_back, (std::vector{1, 0, 2, 3, 4, 5}));
}

// A poster whose errands follow each other through the end of the worker: an owner that releases
// what it has posted before is destroyed by the last.
TEST(Courier, NothingOvertakesWhatAnEndingWorkerGivesBack) {
  struct NoWaker final : Desk::Waker {
    void wake() noexcept override {}
  } nobody;
  for (int round = 0; round < 300; ++round) {
    std::vector<int> ran;
    std::vector<int> came_back;
    std::vector<std::unique_ptr<Traced>> made;
    for (int i = 0; i < 20; ++i) made.push_back(std::make_unique<Traced>(i, ran, came_back));
    made.front()->step = Errand::Step::kKept;
    Desk desk;
    {
      Courier courier{{&desk}};
      desk.set_wakers(&nobody, &courier);
      testing::FakeSockets sockets;
      WorkerAccess access{0, sockets, desk};
      desk.post(*made[0]);
      desk.run(access);
      std::atomic<bool> posts{false};
      std::thread poster{[&] {
        for (std::size_t i = 1; i < made.size(); ++i) {
          desk.post(*made[i]);
          posts = true;
        }
      }};
      while (!posts) std::this_thread::yield();
      desk.cancel(*made[0]);
      desk.close();
      poster.join();
    }
    ASSERT_EQ(came_back.size(), made.size());
    EXPECT_TRUE(std::is_sorted(came_back.begin(), came_back.end()));
  }
}

/// Goes round between a poster and the worker, again from done().
struct Round final : Errand {
  explicit Round(Desk& to) : desk{to} {}
  Step run(WorkerAccess&) noexcept override {
    ++runs;
    return Step::kDone;
  }
  void done() noexcept override {
    if (cancelled() || ++rounds == 1000) {
      ended = true;
    } else {
      desk.post(*this);
    }
  }

  Desk& desk;
  int runs = 0;  // the worker's
  int rounds = 0;
  std::atomic<bool> ended{false};
};

// Several posters, a worker that sleeps on a condition whenever nothing is there, and the courier:
// nothing is lost, whoever falls asleep when.
TEST(Courier, NothingIsLostBetweenThreadsThatSleep) {
  struct Sleeper final : Desk::Waker {
    std::atomic<int> news{0};
    void wake() noexcept override {
      news.fetch_add(1);
      news.notify_one();
    }
  } sleeper;
  Desk desk;
  Courier courier{{&desk}};
  desk.set_wakers(&sleeper, &courier);
  std::atomic<bool> stop{false};
  std::thread worker{[&] {
    testing::FakeSockets sockets;
    WorkerAccess access{0, sockets, desk};
    while (!stop) {
      const int seen = sleeper.news.load();
      if (desk.has_mail()) desk.run(access);
      desk.flush();
      if (!desk.has_mail() && !desk.unflushed()) sleeper.news.wait(seen);
    }
    desk.close();
  }};
  std::vector<std::unique_ptr<Round>> rounds;
  for (int i = 0; i < 8; ++i) rounds.push_back(std::make_unique<Round>(desk));
  std::vector<std::thread> posters;
  for (const auto& round : rounds) posters.emplace_back([&] { desk.post(*round); });
  for (std::thread& poster : posters) poster.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  for (const auto& round : rounds) {
    while (!round->ended && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(round->rounds, 1000);
  }
  stop = true;
  sleeper.wake();
  worker.join();
}

}  // namespace
}  // namespace smol::dataplane
