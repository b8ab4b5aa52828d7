// Between the capture thread and a reader; all times are made up.

#include "dataplane/capture_queue.hh"

#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

constexpr Instant at(std::int64_t ms) {
  return Instant{milliseconds(ms)};
}

class CaptureQueueTest : public ::testing::Test {
 protected:
  CaptureQueue queue_{100'000, milliseconds(20)};
  std::array<std::uint8_t, 1000> octets_{};
  CaptureBatch batch_;

  bool push(Instant now) { return queue_.push(now, packet()); }
  CapturedPacket packet() const {
    CapturedPacket out;
    out.octets = octets_;
    return out;
  }
  CaptureRead take(Instant now) { return queue_.take(batch_, now, {}); }
};

TEST_F(CaptureQueueTest, BatchIsDueAFlushIntervalAfterItsFirstPacket) {
  push(at(0));
  push(at(19));
  EXPECT_EQ(take(at(19)), CaptureRead::kNothing);
  EXPECT_EQ(take(at(20)), CaptureRead::kBatch);
  EXPECT_EQ(batch_.packets(), 2u);
  EXPECT_EQ(take(at(99)), CaptureRead::kNothing);
  EXPECT_EQ(queue_.delivered(), 2u);
}

TEST_F(CaptureQueueTest, FullBatchIsDueAndTheNextHasATimeOfItsOwn) {
  while (take(at(0)) == CaptureRead::kNothing) push(at(0));
  EXPECT_GT(batch_.octets(), CaptureBatch::kOctets - 2000);
  push(at(5));
  EXPECT_EQ(take(at(19)), CaptureRead::kNothing);
  EXPECT_EQ(take(at(20)), CaptureRead::kBatch) << "it began with the packet that did not fit";
  EXPECT_EQ(batch_.packets(), 2u);
}

TEST_F(CaptureQueueTest, TakesNoMoreThanItsOctetsAndAgainWhenTheyAreRead) {
  std::size_t packets = 0;
  while (push(at(0))) ++packets;
  EXPECT_EQ(packets, 100'000 / CaptureBatch::room_for(packet()));
  EXPECT_FALSE(push(at(1)));
  EXPECT_EQ(take(at(1)), CaptureRead::kBatch);
  EXPECT_TRUE(push(at(1)));
}

TEST_F(CaptureQueueTest, FlushMakesAllOfItDue) {
  push(at(0));
  queue_.flush();
  EXPECT_EQ(take(at(0)), CaptureRead::kBatch);
}

TEST_F(CaptureQueueTest, EndComesBehindThePackets) {
  push(at(0));
  queue_.end();
  EXPECT_EQ(take(at(0)), CaptureRead::kBatch);
  EXPECT_EQ(take(at(0)), CaptureRead::kEnded);
  EXPECT_TRUE(batch_.empty());
}

TEST_F(CaptureQueueTest, ClosedOneTakesNothingAndKeepsNothing) {
  push(at(0));
  queue_.close();
  EXPECT_FALSE(push(at(0)));
  EXPECT_EQ(take(at(99)), CaptureRead::kEnded);
}

TEST_F(CaptureQueueTest, CallbackComesWhenTheBatchIsDue) {
  int calls = 0;
  EXPECT_EQ(queue_.take(batch_, at(0), [&] { ++calls; }), CaptureRead::kNothing);
  push(at(0));
  queue_.call_reader(at(19));
  EXPECT_EQ(calls, 0);
  queue_.call_reader(at(20));
  queue_.call_reader(at(21));
  EXPECT_EQ(calls, 1);
}

TEST_F(CaptureQueueTest, CallbackMayCloseTheQueue) {
  push(at(0));
  EXPECT_EQ(queue_.take(batch_, at(0), [&] { queue_.close(); }), CaptureRead::kNothing);
  queue_.call_reader(at(20));
  EXPECT_EQ(take(at(20)), CaptureRead::kEnded);
}

// A reader that goes away must not be called a moment later.
TEST_F(CaptureQueueTest, CloseWaitsForACallbackThatRuns) {
  std::atomic<bool> runs{false};
  std::atomic<bool> closing{false};
  bool over = false;
  push(at(0));
  EXPECT_EQ(queue_.take(batch_, at(0),
                        [&] {
                          runs = true;
                          while (!closing) std::this_thread::yield();
                          over = true;
                        }),
            CaptureRead::kNothing);
  std::thread capture{[&] { queue_.call_reader(at(20)); }};
  while (!runs) std::this_thread::yield();
  closing = true;
  queue_.close();
  EXPECT_TRUE(over);
  capture.join();
}

}  // namespace
}  // namespace smol::dataplane
