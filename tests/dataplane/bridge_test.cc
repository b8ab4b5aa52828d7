// Two ports over rings whose other ends are the test, in virtual time.

#include "dataplane/bridge.hh"

#include <cstdio>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/logger.hh"
#include "dataplane/wall_clock.hh"
#include "dataplane/worker.hh"
#include "tests/dataplane/capture_fixture.hh"
#include "tests/dataplane/environment.hh"
#include "tests/dataplane/frames.hh"
#include "tests/dataplane/ring_link.hh"

namespace smol::dataplane {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this folder

class BridgeTest : public ::testing::Test {
 protected:
  std::FILE* printed_ = std::tmpfile();
  std::unique_ptr<Logger> logger_ = std::make_unique<Logger>(LogLevel::kInfo, printed_);
  std::unique_ptr<RingLink> left_ = std::make_unique<RingLink>("bridge-left");
  std::unique_ptr<RingLink> right_ = std::make_unique<RingLink>("bridge-right");
  std::vector<std::unique_ptr<MbufPool>> pools_;
  std::vector<std::unique_ptr<Port>> ports_;
  CaptureHub captures_{{.ring_octets = 1 << 20, .max_sessions = 8, .own_thread = false}};
  std::unique_ptr<CaptureSession> session_;
  Team team_{1, FlowHash{}, Sharding::kBuckets};
  std::unique_ptr<Worker> worker_;
  Config config_;
  Instant now_ = monotonic_now();

  void SetUp() override {
    config_.ports.resize(2);
    config_.ports[0].name = "left";
    config_.ports[0].device = left_->device();
    config_.ports[1].name = "right";
    config_.ports[1].device = right_->device();
    config_.bridge.ports = {"left", "right"};
    config_.pool = {.packets = 2048, .small_packets = 512};
  }
  void TearDown() override {
    worker_.reset();
    left_->take();
    right_->take();
    ports_.clear();
    for (const auto& pool : pools_) EXPECT_EQ(pool->in_use(), 0u) << "packets were not freed";
    pools_.clear();
    logger_.reset();
    std::fclose(printed_);
  }
  void make() {
    ASSERT_TRUE(validate(config_)) << validate(config_).error().message;
    pools_.push_back(MbufPool::create("bridge-test", config_.pool, -1).value());
    for (const PortConfig& wanted : config_.ports) {
      auto port = Port::open(wanted, {eal(), log(), pools_, true, 1, true});
      ASSERT_TRUE(port) << port.error().message;
      ports_.push_back(std::move(*port));
    }
    worker_ = std::make_unique<Worker>(Worker::Environment{0,
                                                           config_,
                                                           ports_,
                                                           *pools_[0],
                                                           team_,
                                                           logger_->add_ring(),
                                                           &captures_.add_tap(),
                                                           {},
                                                           1,
                                                           true,
                                                           false});
    ASSERT_TRUE(worker_->configure());
  }
  bool turn(Duration later = Duration{0}) { return worker_->turn(now_ += later); }
  void capture() {
    CaptureSpec all;
    all.drop = true;
    session_ = captures_.open(all).value();
  }
};

TEST_F(BridgeTest, FramesOfEveryKindPassUnchangedBothWays) {
  make();
  Octets strange(64, 0x5a);  // for a station and of a type that nobody knows
  Octets lldp = strange;
  put_be16(lldp, 12, 0x88cc);
  for (const Octets& frame : {arp_request(), echo_request(1), strange, lldp}) {
    left_->put(frame);
    turn();
    EXPECT_EQ(right_->take(), (std::vector<Octets>{frame}));
    EXPECT_TRUE(left_->take().empty()) << "no stack answers";
    right_->put(frame);
    turn();
    EXPECT_EQ(left_->take(), (std::vector<Octets>{frame}));
  }
  EXPECT_EQ(worker_->drops().total(), 0u);
  EXPECT_EQ(worker_->bridge()->counters(Way::kAToB).sent.value(), 4u);
  EXPECT_EQ(worker_->bridge()->counters(Way::kBToA).sent.value(), 4u);
}

TEST_F(BridgeTest, BurstLeavesInOneTurn) {
  make();
  for (std::uint16_t i = 0; i < 32; ++i) left_->put(echo_request(i));
  turn();
  EXPECT_EQ(right_->take().size(), 32u);
}

TEST_F(BridgeTest, DirectionsHaveLinksOfTheirOwn) {
  config_.bridge.a_to_b.delay = milliseconds(10);
  config_.bridge.b_to_a.loss = 100;
  make();
  left_->put(echo_request(1));
  right_->put(echo_request(2));
  turn();
  EXPECT_TRUE(left_->take().empty());
  EXPECT_EQ(worker_->drops().value(Drop::kBridgeLoss), 1u);
  turn(milliseconds(9));
  EXPECT_TRUE(right_->take().empty());
  turn(milliseconds(1));
  EXPECT_EQ(right_->take().size(), 1u);
}

TEST_F(BridgeTest, ChangeAtRunTimeReachesTheLink) {
  class Change final : public Errand {
   public:
    Step run(WorkerAccess& worker) noexcept override {
      LinkConfig link;
      link.loss = 100;
      worker.bridge->configure(Way::kAToB, link);
      return Step::kDone;
    }
    void done() noexcept override {}
  };
  class Nobody final : public Desk::Waker {
   public:
    void wake() noexcept override {}
  };
  make();
  Nobody courier;
  worker_->set_courier(courier);
  Change change;
  worker_->desk().post(change);
  turn();
  worker_->desk().deliver();
  left_->put(echo_request(1));
  right_->put(echo_request(1));
  turn();
  EXPECT_TRUE(right_->take().empty());
  EXPECT_EQ(left_->take().size(), 1u);
}

TEST_F(BridgeTest, CaptureSeesBothSidesAndWhatIsLostWithItsReason) {
  config_.bridge.b_to_a.loss = 100;
  make();
  capture();
  left_->put(echo_request(1));
  turn();
  right_->put(echo_request(2));
  turn();
  captures_.flush({});
  const auto seen = read_all(*session_);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].packet.interface, 0);
  EXPECT_EQ(seen[0].packet.direction, Direction::kRx);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_EQ(seen[1].packet.interface, 1);
  EXPECT_EQ(seen[1].packet.direction, Direction::kTx);
  EXPECT_EQ(seen[2].packet.interface, 1);
  EXPECT_EQ(seen[2].packet.direction, Direction::kRx);
  EXPECT_TRUE(seen[2].packet.dropped);
  EXPECT_EQ(seen[2].packet.reason, Drop::kBridgeLoss);
}

TEST_F(BridgeTest, WhatIsOnItsWayAtTheEndIsFreed) {
  config_.bridge.a_to_b = {.rate = 1'000'000, .delay = seconds(1)};
  make();
  for (std::uint16_t i = 0; i < 20; ++i) left_->put(echo_request(i));
  turn();
  EXPECT_EQ(worker_->bridge()->counters(Way::kAToB).held.value(), 20u);
}

}  // namespace
}  // namespace smol::dataplane
