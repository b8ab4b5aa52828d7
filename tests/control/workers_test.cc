// Changes on several workers: all of them, or none.
#include "control/workers.hh"

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/courier.hh"
#include "tests/support/fake_sockets.hh"

namespace smol::control {
namespace {

using dataplane::Courier;
using dataplane::Desk;

/// A stack of which only routes matter: it takes each once, and at most `room`.
class FakeStack final : public StackControl {
 public:
  std::set<std::uint32_t> metrics;
  std::size_t room = 1000;

  Result<void, Error> add_route(const Route& route) noexcept override {
    if (metrics.size() >= room) return fail(Error::kNoBuffers);
    if (!metrics.insert(route.metric).second) return fail(Error::kExists);
    return {};
  }
  Result<Route, Error> delete_route(const RouteMatch& match) noexcept override {
    if (metrics.erase(*match.metric) == 0) return fail(Error::kNotFound);
    return Route{match.destination, {}, 0, *match.metric};
  }

  Result<void, Error> add_address(InterfaceId, const IpPrefix&) noexcept override { return {}; }
  Result<void, Error> delete_address(InterfaceId, const IpPrefix&) noexcept override { return {}; }
  Result<void, Error> replace_route(const Route&) noexcept override { return {}; }
  Result<void, Error> add_neighbor(InterfaceId, const IpAddress&,
                                   const MacAddress&) noexcept override {
    return {};
  }
  Result<void, Error> replace_neighbor(InterfaceId, const IpAddress&,
                                       const MacAddress&) noexcept override {
    return {};
  }
  Result<void, Error> delete_neighbor(InterfaceId, const IpAddress&) noexcept override {
    return {};
  }
  Slice flush_neighbors(InterfaceId, Cursor) noexcept override { return {0, Cursor::end()}; }
  Result<void, Error> destroy(SocketId) noexcept override { return {}; }
  Slice interfaces_from(Cursor, std::span<InterfaceInfo>) const noexcept override {
    return {0, Cursor::end()};
  }
  Slice routes_from(Cursor, std::span<Route>) const noexcept override { return {0, Cursor::end()}; }
  Slice neighbors_from(Cursor, std::span<NeighborInfo>) const noexcept override {
    return {0, Cursor::end()};
  }
  Slice path_mtus_from(Cursor, std::span<PathMtuInfo>) const noexcept override {
    return {0, Cursor::end()};
  }
  Slice sockets_from(Cursor, std::span<SocketInfo>) const noexcept override {
    return {0, Cursor::end()};
  }
  Result<SocketInfo, Error> socket_info(SocketId) const noexcept override {
    return fail(Error::kBadHandle);
  }
  Result<tcp::Info, Error> connection_info(SocketId) const noexcept override {
    return fail(Error::kBadHandle);
  }
  Result<RouteAnswer, Error> find_route(const RouteQuery&) const noexcept override {
    return fail(Error::kNetworkUnreachable);
  }
};

/// A worker's thread with its desk and its stack.
class Worker final : public Desk::Waker {
 public:
  explicit Worker(unsigned index) : index_{index} {}
  ~Worker() override { stop(); }

  void start(Courier& courier) {
    desk.set_wakers(this, &courier);
    thread_ = std::thread{[this] { run(); }};
  }
  void stop() {
    if (!thread_.joinable()) return;
    stop_ = true;
    wake();
    thread_.join();
  }
  void wake() noexcept override {
    news_.fetch_add(1);
    news_.notify_one();
  }

  Desk desk;
  FakeStack stack;

 private:
  void run() {
    testing::FakeSockets sockets;
    dataplane::WorkerAccess access{index_, sockets, desk, &stack};
    while (!stop_) {
      const int seen = news_.load();
      if (desk.has_mail()) desk.run(access);
      desk.flush();
      if (!desk.has_mail() && !desk.unflushed() && !stop_) news_.wait(seen);
    }
    desk.close();
  }

  const unsigned index_;
  std::atomic<int> news_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class WorkersTest : public ::testing::Test {
 protected:
  WorkersTest() {
    for (unsigned i = 0; i < 3; ++i) all.push_back(std::make_unique<Worker>(i));
    std::vector<Desk*> desks;
    for (const auto& worker : all) desks.push_back(&worker->desk);
    courier = std::make_unique<Courier>(desks);
    for (const auto& worker : all) worker->start(*courier);
    workers = std::make_unique<Workers>(desks);
  }
  ~WorkersTest() override {
    for (const auto& worker : all) worker->stop();
  }

  Result<void, std::optional<Error>> add(std::uint32_t metric) {
    Workers::Change change;
    change.apply = [=](StackControl& stack, unsigned) {
      return stack.add_route({{}, {}, 0, metric});
    };
    change.undo = [=, this](StackControl& stack, unsigned) {
      ++undone;
      EXPECT_TRUE(stack.delete_route({{}, {}, {}, metric}));
    };
    return workers->change(workers->configure(), change);
  }

  std::vector<std::unique_ptr<Worker>> all;
  std::unique_ptr<Courier> courier;
  std::unique_ptr<Workers> workers;
  std::atomic<int> undone{0};
};

TEST_F(WorkersTest, AChangeIsMadeOnAll) {
  EXPECT_TRUE(add(7));
  for (const auto& worker : all) EXPECT_EQ(worker->stack.metrics, std::set<std::uint32_t>{7});
  EXPECT_EQ(undone, 0);
}

TEST_F(WorkersTest, WhatOneRefusesIsTakenBackOnThoseBefore) {
  all[2]->stack.room = 0;
  const auto added = add(7);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error(), Error::kNoBuffers);
  EXPECT_EQ(undone, 2);
  for (const auto& worker : all) EXPECT_TRUE(worker->stack.metrics.empty());
}

TEST_F(WorkersTest, WhatTheFirstRefusesReachesNobodyElse) {
  all[0]->stack.metrics = {7};
  const auto added = add(7);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error(), Error::kExists);
  EXPECT_TRUE(all[1]->stack.metrics.empty());
}

TEST_F(WorkersTest, AWorkerThatHasEndedIsNoRefusal) {
  all[1]->stop();
  const auto added = add(7);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error(), std::nullopt);
  EXPECT_TRUE(all[0]->stack.metrics.empty());
  EXPECT_FALSE(workers->ask(1, [](StackControl&) {}));
  EXPECT_TRUE(workers->ask(2, [](StackControl&) {}));
}

TEST_F(WorkersTest, WhoeverAsksTheChangesAreMadeOneAfterTheOther) {
  std::vector<std::thread> threads;
  std::atomic<int> taken{0};
  for (std::uint32_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      // Each metric is wanted by two: one of them gets it, on all workers.
      for (std::uint32_t n = 0; n < 50; ++n) taken += add(i / 2 * 50 + n) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 200);
  for (const auto& worker : all) EXPECT_EQ(worker->stack.metrics.size(), 200u);
}

}  // namespace
}  // namespace smol::control
