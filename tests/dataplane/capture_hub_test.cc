// Captures from end to end: workers' taps, the capture thread, queues, readers.

#include "dataplane/capture_hub.hh"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "dataplane/capture_merge.hh"
#include "dataplane/wall_clock.hh"
#include "tests/dataplane/capture_fixture.hh"

namespace smol::dataplane {
namespace {

using testing::at;
using testing::read_all;
using testing::Seen;

std::vector<filter::Instruction> first_octet_is(std::uint32_t value) {
  return {{filter::kLoadByteAt, 0, 0, 0},
          {filter::kJumpEqualK, 0, 1, value},
          {filter::kReturnK, 0, 0, 1},
          {filter::kReturnK, 0, 0, 0}};
}
CaptureSpec spec_for(std::uint32_t first_octet) {
  CaptureSpec spec;
  spec.filter = first_octet_is(first_octet);
  return spec;
}
std::vector<std::uint8_t> first_octets(const std::vector<Seen>& packets) {
  std::vector<std::uint8_t> out;
  for (const Seen& each : packets) out.push_back(each.octets[0]);
  return out;
}
void expect_exact(const CaptureStats& stats) {
  EXPECT_EQ(stats.matched, stats.delivered + stats.lost_ring + stats.lost_stream);
  EXPECT_EQ(stats.captured, stats.delivered);
  EXPECT_EQ(std::accumulate(stats.lost_ring_by_worker.begin(), stats.lost_ring_by_worker.end(),
                            std::uint64_t{0}),
            stats.lost_ring);
}

/// Three workers and no thread: what the capture thread does is done by flush() and step().
class CaptureHubTest : public testing::CaptureFixture {
 protected:
  CaptureHub hub_{{.ring_octets = 1 << 20, .max_sessions = 8, .own_thread = false}};
  std::array<CaptureTap*, 3> taps_{&hub_.add_tap(), &hub_.add_tap(), &hub_.add_tap()};

  std::unique_ptr<CaptureSession> open(const CaptureSpec& spec = {}) {
    auto session = hub_.open(spec);
    EXPECT_TRUE(session) << session.error().message;
    return std::move(*session);
  }
  std::vector<Seen> flushed(CaptureSession& session) {
    hub_.flush({});
    return read_all(session);
  }
};

TEST_F(CaptureHubTest, SessionsHaveTheirOwnFilterAndSnapLength) {
  CaptureSpec cut = spec_for(2);
  cut.snap_length = 10;
  const auto twos = open(cut);
  const auto threes = open(spec_for(3));
  const auto all = open();
  for (const int fill : {1, 2, 3, 2}) receive(*taps_[0], at(fill), fill);
  const auto seen = flushed(*twos);
  EXPECT_EQ(first_octets(seen), (std::vector<std::uint8_t>{2, 2}));
  EXPECT_EQ(seen[0].octets.size(), 10u);
  EXPECT_EQ(seen[0].packet.length, 60u);
  EXPECT_EQ(first_octets(read_all(*threes)), (std::vector<std::uint8_t>{3}));
  EXPECT_EQ(first_octets(read_all(*all)), (std::vector<std::uint8_t>{1, 2, 3, 2}));
  for (const auto* session : {twos.get(), threes.get(), all.get()}) expect_exact(session->stats());
  EXPECT_EQ(twos->stats().matched, 2u);
}

TEST_F(CaptureHubTest, PacketSaysWhereItWasAndWhatBecameOfIt) {
  CaptureSpec spec;
  spec.drop = true;
  const auto session = open(spec);
  auto packets = burst({1});
  const Instant now = monotonic_now();
  const std::size_t mark = show(*taps_[2], now, Direction::kTx, packets, 7);
  taps_[2]->on_drop(now, 7, 2, Direction::kTx, packets[0], Drop::kTxRingFull);
  taps_[2]->settle(mark);
  const auto seen = flushed(*session);
  ASSERT_EQ(seen.size(), 1u);
  const CapturedPacket& packet = seen[0].packet;
  EXPECT_EQ(packet.worker, 2);
  EXPECT_EQ(packet.queue, 2);
  EXPECT_EQ(packet.interface, 7);
  EXPECT_EQ(packet.direction, Direction::kTx);
  EXPECT_TRUE(packet.dropped);
  EXPECT_EQ(packet.reason, Drop::kTxRingFull);
  EXPECT_NEAR(static_cast<double>(packet.unix_ns) * 1e-9, static_cast<double>(std::time(nullptr)),
              5);
}

TEST_F(CaptureHubTest, VariablesGoToTheSessionsThatWantThem) {
  CaptureSpec spec;
  spec.tcp_info = true;
  const auto wants = open(spec);
  const auto does_not = open();
  std::vector<MemPacket> packets = burst({1, 2});
  const std::size_t mark = show(*taps_[0], at(5), Direction::kRx, packets);
  tcp::Trace trace;
  trace.cwnd = 14'480;
  taps_[0]->on_segment(Direction::kRx, packets[0], trace);
  taps_[0]->settle(mark);
  hub_.flush({});
  CaptureBatch batch;
  std::vector<std::optional<tcp::Trace>> seen;
  ASSERT_EQ(wants->try_read(batch), CaptureRead::kBatch);
  batch.for_each([&](const CapturedPacket& packet) {
    seen.push_back(packet.trace == nullptr ? std::nullopt : std::optional{*packet.trace});
    EXPECT_EQ(packet.octets.size(), 60u);
    EXPECT_EQ(packet.octets[0], seen.size());
  });
  EXPECT_EQ(seen, (std::vector<std::optional<tcp::Trace>>{trace, std::nullopt}));
  ASSERT_EQ(does_not->try_read(batch), CaptureRead::kBatch);
  batch.for_each([](const CapturedPacket& packet) { EXPECT_EQ(packet.trace, nullptr); });
  EXPECT_TRUE(taps_[0]->wants_segments());
  wants->stop();
  EXPECT_FALSE(taps_[0]->wants_segments());
}

TEST_F(CaptureHubTest, VerdictAndReasonsChooseAmongThePackets) {
  CaptureSpec accepted;
  accepted.verdict = CaptureSpec::Verdict::kAccepted;
  CaptureSpec by_reason;
  by_reason.reasons.set(static_cast<std::size_t>(Drop::kTcpPortClosed));
  CaptureSpec dropped;
  dropped.verdict = CaptureSpec::Verdict::kDropped;
  const auto one = open(accepted);
  const auto two = open(by_reason);
  const auto three = open(dropped);
  auto packets = burst({1, 2, 3});
  const std::size_t mark = show(*taps_[0], at(1), Direction::kRx, packets);
  taps_[0]->on_drop(at(1), 0, 0, Direction::kRx, packets[1], Drop::kTcpPortClosed);
  taps_[0]->on_drop(at(1), 0, 0, Direction::kRx, packets[2], Drop::kTcpBadChecksum);
  taps_[0]->settle(mark);
  EXPECT_EQ(first_octets(flushed(*one)), (std::vector<std::uint8_t>{1}));
  EXPECT_EQ(first_octets(read_all(*two)), (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(first_octets(read_all(*three)), (std::vector<std::uint8_t>{2, 3}));
}

// --- order

TEST_F(CaptureHubTest, WorkersPacketsComeInOrderOfTime) {
  const auto session = open();
  for (const int n : {1, 4, 7}) receive(*taps_[0], at(n), n);
  for (const int n : {2, 5, 8}) receive(*taps_[1], at(n), n);
  for (const int n : {3, 6, 9}) receive(*taps_[2], at(n), n);
  EXPECT_EQ(first_octets(flushed(*session)),
            (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(CaptureHubTest, PacketWaitsForOlderOnesOfOtherWorkers) {
  const auto session = open();
  const Instant now = monotonic_now();
  receive(*taps_[0], now, 2);
  hub_.step(now + CaptureMerge::kHold - nanoseconds(1));
  EXPECT_EQ(session->stats().captured, 0u);
  receive(*taps_[1], now - nanoseconds(1), 1);  // its turn took long
  hub_.step(now + CaptureMerge::kHold);
  EXPECT_EQ(session->stats().captured, 2u);
  EXPECT_EQ(first_octets(flushed(*session)), (std::vector<std::uint8_t>{1, 2}));
}

TEST_F(CaptureHubTest, RingThatFillsUpDoesNotWaitForOlderPackets) {
  const auto session = open();
  const Instant now = monotonic_now();
  for (int i = 0; i < 400; ++i) receive(*taps_[0], now, 1, 2000);
  hub_.step(now);
  EXPECT_GT(session->stats().captured, 100u);
  EXPECT_LT(session->stats().captured, 200u) << "it is to wait while there is room";
}

// --- batches

TEST_F(CaptureHubTest, PacketsWaitForTheFlushIntervalToShareABatch) {
  CaptureSpec spec;
  spec.flush_interval = seconds(1);
  const auto session = open(spec);
  const Instant now = monotonic_now();
  receive(*taps_[0], now, 1);
  CaptureBatch batch;
  hub_.step(now + CaptureMerge::kHold);
  EXPECT_EQ(session->try_read(batch), CaptureRead::kNothing);
  EXPECT_TRUE(batch.empty());
  // A full batch does not wait.
  for (int i = 0; i < 60; ++i) receive(*taps_[0], now, 1, 1500);
  hub_.step(now + CaptureMerge::kHold);
  ASSERT_EQ(session->try_read(batch), CaptureRead::kBatch);
  EXPECT_GT(batch.octets(), CaptureBatch::kOctets - 2000);
  EXPECT_LE(batch.octets(), CaptureBatch::kOctets);
  EXPECT_EQ(session->try_read(batch), CaptureRead::kNothing);
  hub_.flush({});
  EXPECT_EQ(session->read(batch, std::chrono::seconds{10}), CaptureRead::kBatch);
  expect_exact(session->stats());
}

TEST_F(CaptureHubTest, PacketLargerThanABatchIsABatch) {
  const auto session = open();
  std::vector<MemPacket> packets;
  packets.push_back(packet(1, 2000));
  for (int i = 0; i < 39; ++i) packets[0].chain(packet(1, 2000));
  taps_[0]->settle(show(*taps_[0], at(1), Direction::kTx, packets));
  const auto seen = flushed(*session);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].octets, std::vector<std::uint8_t>(80'000, 1));
}

TEST_F(CaptureHubTest, CallbackComesOnceWhenThereIsSomethingToRead) {
  const auto session = open();
  CaptureBatch batch;
  int calls = 0;
  EXPECT_EQ(session->try_read(batch, [&] { ++calls; }), CaptureRead::kNothing);
  hub_.flush({});
  EXPECT_EQ(calls, 0);
  receive(*taps_[0], at(1), 1);
  hub_.flush({});
  EXPECT_EQ(calls, 1);
  hub_.flush({});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(session->try_read(batch, [&] { ++calls; }), CaptureRead::kBatch);
  receive(*taps_[0], at(2), 1);
  hub_.flush({});
  EXPECT_EQ(calls, 1) << "that try had something";
  EXPECT_EQ(session->try_read(batch), CaptureRead::kBatch);
  EXPECT_EQ(session->try_read(batch, [&] { ++calls; }), CaptureRead::kNothing);
  session->stop();
  hub_.flush({});
  EXPECT_EQ(calls, 2) << "the end is something to read";
}

// --- loss

TEST_F(CaptureHubTest, StalledReaderLosesTheNewestAndTheCountsAreExact) {
  CaptureSpec spec;
  spec.queue_octets = std::size_t{64} << 10;
  const auto stalled = open(spec);
  const auto other = open();
  for (int i = 0; i < 100; ++i) {
    for (int k = 0; k < 10; ++k) receive(*taps_[0], at(i), i);
    hub_.flush({});
  }
  EXPECT_EQ(read_all(*other).size(), 1000u) << "one reader's sloth is none of another's business";
  const auto before = read_all(*stalled);
  EXPECT_EQ(before.back().octets[0], before.size() / 10);
  CaptureStats stats = stalled->stats();
  EXPECT_EQ(stats.matched, 1000u);
  EXPECT_EQ(stats.lost_stream, 1000u - before.size());
  expect_exact(stats);
  receive(*taps_[0], at(200), 200);
  const auto after = flushed(*stalled);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].packet.lost, 1000u - before.size());
  expect_exact(stalled->stats());
}

TEST_F(CaptureHubTest, FullRingIsCountedByWorker) {
  const auto session = open();
  for (int i = 0; i < 1000; ++i) receive(*taps_[1], at(i), 1, 2000);
  const auto seen = flushed(*session);
  const CaptureStats stats = session->stats();
  EXPECT_EQ(stats.matched, 1000u);
  EXPECT_GT(stats.lost_ring, 100u);
  EXPECT_EQ(stats.lost_ring_by_worker, (std::vector<std::uint64_t>{0, stats.lost_ring, 0}));
  EXPECT_EQ(seen.size(), 1000u - stats.lost_ring);
  EXPECT_EQ(seen[0].packet.lost, stats.lost_ring);
  expect_exact(stats);
}

// --- opening and ending

TEST_F(CaptureHubTest, StoppedSessionGivesWhatWasBeforeAndEnds) {
  const auto session = open();
  receive(*taps_[0], at(1), 1);
  session->stop();
  EXPECT_FALSE(taps_[0]->active());
  receive(*taps_[0], at(2), 2);
  EXPECT_EQ(first_octets(flushed(*session)), (std::vector<std::uint8_t>{1}));
  CaptureBatch batch;
  EXPECT_EQ(session->try_read(batch), CaptureRead::kEnded);
  EXPECT_EQ(session->read(batch, std::chrono::hours{1}), CaptureRead::kEnded);
  EXPECT_EQ(session->stats().matched, 1u);
  expect_exact(session->stats());
  session->stop();
}

TEST_F(CaptureHubTest, NextSessionSeesNothingOfTheOneBefore) {
  for (std::uint8_t n = 0; n < 100; ++n) {  // more than there are slots
    const auto session = open(spec_for(n));
    receive(*taps_[0], at(n), n);
    if (n % 2 == 0) continue;  // ends with its packet on the way
    EXPECT_EQ(first_octets(flushed(*session)), (std::vector<std::uint8_t>{n}));
    EXPECT_EQ(session->stats().matched, 1u);
    EXPECT_EQ(hub_.sessions().size(), 1u);
  }
  EXPECT_TRUE(hub_.sessions().empty());
}

// The worker is within a burst when the session ends: what it looks at stays until it is through.
TEST_F(CaptureHubTest, RulesAreFreedWhenEveryWorkerHasLeftThem) {
  auto session = open();
  const auto other = open(spec_for(2));
  auto packets = burst({1, 2});
  const std::size_t mark = show(*taps_[0], at(1), Direction::kRx, packets);
  session->stop();
  hub_.flush({});
  CaptureBatch batch;
  EXPECT_EQ(session->try_read(batch), CaptureRead::kNothing) << "its last packets are to come";
  taps_[0]->on_drop(at(1), 0, 0, Direction::kRx, packets[1], Drop::kNoRoute);
  taps_[0]->settle(mark);  // AddressSanitizer would see that they are gone
  hub_.flush({});
  EXPECT_EQ(first_octets(read_all(*session)), (std::vector<std::uint8_t>{1, 2}));
  EXPECT_EQ(session->try_read(batch), CaptureRead::kEnded);
  expect_exact(session->stats());
  EXPECT_EQ(first_octets(read_all(*other)), (std::vector<std::uint8_t>{2}));
}

TEST_F(CaptureHubTest, StoppedSessionIsNotOverWhileItsPacketsAreInARing) {
  const auto session = open();
  const Instant now = monotonic_now();
  receive(*taps_[0], now, 1);
  session->stop();
  hub_.step(now);
  CaptureBatch batch;
  EXPECT_EQ(session->try_read(batch), CaptureRead::kNothing);
  hub_.step(now + CaptureMerge::kHold);
  EXPECT_EQ(first_octets(read_all(*session)), (std::vector<std::uint8_t>{1}));
  EXPECT_EQ(session->try_read(batch), CaptureRead::kEnded);
}

TEST_F(CaptureHubTest, SessionEndsWithoutItsReaderToo) {
  auto session = open();
  auto packets = burst({1});
  const std::size_t mark = show(*taps_[0], at(1), Direction::kRx, packets);
  int calls = 0;
  CaptureBatch batch;
  EXPECT_EQ(session->try_read(batch, [&] { ++calls; }), CaptureRead::kNothing);
  session.reset();
  taps_[0]->settle(mark);
  hub_.flush({});
  EXPECT_EQ(calls, 0) << "whom it would call is gone";
  EXPECT_FALSE(taps_[0]->active());
  EXPECT_FALSE(taps_[0]->front().has_value()) << "records that nobody takes stay in the ring";
}

TEST_F(CaptureHubTest, OpenSessionsAreListed) {
  CaptureSpec spec = spec_for(1);
  spec.name = "smoldump of alice";
  const auto session = open(spec);
  receive(*taps_[0], at(1), 1);
  const auto list = hub_.sessions();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].name, "smoldump of alice");
  EXPECT_EQ(list[0].stats.matched, 1u);
}

TEST_F(CaptureHubTest, OneTooManyIsRefusedWithALine) {
  std::vector<std::unique_ptr<CaptureSession>> sessions;
  for (int i = 0; i < 8; ++i) sessions.push_back(open());
  const auto refused = hub_.open({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, CaptureError::Kind::kTooMany);
  EXPECT_EQ(refused.error().message,
            "capture: 8 are open, which is all there can be: end one first");
  sessions.pop_back();
  EXPECT_TRUE(hub_.open({}));
}

TEST_F(CaptureHubTest, BadSpecificationIsRefusedWithTheNameOfTheField) {
  const auto refusal = [&](auto change) {
    CaptureSpec spec;
    change(spec);
    const auto session = hub_.open(spec);
    EXPECT_FALSE(session);
    EXPECT_EQ(session.error().kind, CaptureError::Kind::kInvalid);
    return session.error().message;
  };
  EXPECT_EQ(refusal([](CaptureSpec& s) { s.rx = s.tx = s.drop = false; }),
            "capture: taps: none: ask for rx, tx or drop");
  EXPECT_EQ(refusal([](CaptureSpec& s) {
              s.interfaces = {1, 64};
            }),
            "capture: interfaces: 64: there is none above 63");
  EXPECT_EQ(refusal([](CaptureSpec& s) { s.workers = {99}; }),
            "capture: workers: 99: there is none above 63");
  EXPECT_EQ(refusal([](CaptureSpec& s) { s.queue_octets = 1; }),
            "capture: queue_octets: 1: 65536 to 1073741824");
  EXPECT_EQ(refusal([](CaptureSpec& s) { s.flush_interval = seconds(2); }),
            "capture: flush_interval: 0 to 1 second");
  EXPECT_EQ(refusal([](CaptureSpec& s) {
              s.filter = {{filter::kReturnK, 0, 0, 1}, {9, 9, 9, 9}};
            }),
            "capture: filter: instruction 1 is none of classic BPF");
}

// --- with threads

/// A worker that does nothing but capture, on a thread of its own.
class Load {
 public:
  Load(CaptureTap& tap, std::uint64_t packets)
      : thread_{[this, &tap, packets] { run(tap, packets); }} {}
  ~Load() {
    if (thread_.joinable()) thread_.join();
  }
  void join() { thread_.join(); }
  std::uint64_t seen_active() const noexcept { return active_; }

 private:
  void run(CaptureTap& tap, std::uint64_t packets) {
    MemPool pool{32, 2048 + 128, *std::pmr::new_delete_resource()};
    std::vector<MemPacket> burst;
    for (std::uint8_t i = 0; i < 8; ++i) {
      burst.push_back(pool.allocate());
      const MutBytes octets = burst.back().append(200);
      std::fill(octets.begin(), octets.end(), i);
    }
    for (std::uint64_t done = 0; done < packets; done += burst.size()) {
      const Instant now = monotonic_now();
      const bool captured = tap.active();
      if (!captured) continue;
      active_ += burst.size();
      const std::size_t mark = tap.on_burst(now, 0, 0, Direction::kRx, std::span{burst});
      if (done % 3 == 0) tap.on_drop(now, 0, 0, Direction::kRx, burst[1], Drop::kNoRoute);
      tap.settle(mark);
    }
  }

  std::uint64_t active_ = 0;
  std::thread thread_;
};

class CaptureHubThreads : public ::testing::Test {
 protected:
  CaptureHub hub_{{.ring_octets = 1 << 18, .max_sessions = 8, .own_thread = true}};
  std::array<CaptureTap*, 3> taps_{&hub_.add_tap(), &hub_.add_tap(), &hub_.add_tap()};
  std::vector<std::unique_ptr<Load>> load_;

  void run(std::uint64_t packets) {
    for (CaptureTap* tap : taps_) load_.push_back(std::make_unique<Load>(*tap, packets));
  }
  void join() {
    for (const auto& each : load_) each->join();
  }
};

TEST_F(CaptureHubThreads, ReaderWaitsForPackets) {
  const auto session = hub_.open({}).value();
  run(8);
  std::size_t packets = 0;
  CaptureBatch batch;
  while (packets < 24) {
    ASSERT_EQ(session->read(batch, std::chrono::seconds{30}), CaptureRead::kBatch);
    packets += batch.packets();
  }
  EXPECT_EQ(packets, 24u);
  EXPECT_EQ(session->read(batch, std::chrono::milliseconds{1}), CaptureRead::kNothing);
}

TEST_F(CaptureHubThreads, FlushHandsOutWhatIsThere) {
  CaptureSpec spec;
  spec.flush_interval = seconds(1);
  const auto session = hub_.open(spec).value();
  run(8);
  join();
  hub_.flush(std::chrono::seconds{30});
  EXPECT_EQ(read_all(*session).size(), 24u);
}

// The capture thread stands still, and so does the reader: no worker does.
TEST_F(CaptureHubThreads, WorkersDoNotWaitForAnybody) {
  const auto session = hub_.open({}).value();
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  bool standing = false;
  CaptureBatch batch;
  while (session->try_read(batch, [&] {
    std::unique_lock lock{mutex};
    standing = true;
    changed.notify_all();
    changed.wait(lock, [&] { return released; });
  }) != CaptureRead::kNothing) {
  }
  run(8);
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return standing; });
  }
  join();
  load_.clear();
  run(40'000);
  join();  // they got through
  {
    const std::lock_guard lock{mutex};
    released = true;
    changed.notify_all();
  }
  session->stop();
  std::size_t packets = 0;
  CaptureRead read = CaptureRead::kNothing;
  while ((read = session->read(batch, std::chrono::seconds{30})) == CaptureRead::kBatch) {
    packets += batch.packets();
  }
  EXPECT_EQ(read, CaptureRead::kEnded);
  const CaptureStats stats = session->stats();
  EXPECT_EQ(stats.matched, 24u + 120'000u);
  EXPECT_GT(stats.lost_ring, 1000u);
  EXPECT_EQ(stats.delivered, packets);
  expect_exact(stats);
}

TEST_F(CaptureHubThreads, SessionsComeAndGoWhilePacketsFlow) {
  const auto lasting = hub_.open(spec_for(3)).value();
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  CaptureBatch batch;
  const auto read = [&](std::chrono::nanoseconds timeout) {
    const CaptureRead out = lasting->read(batch, timeout);
    delivered += batch.packets();
    batch.for_each([&](const CapturedPacket& packet) {
      ASSERT_EQ(packet.octets[0], 3);
      lost += packet.lost;
    });
    return out;
  };
  run(200'000);
  for (std::uint32_t i = 0; i < 200; ++i) {
    CaptureSpec spec = spec_for(i % 8);
    spec.drop = true;
    auto session = hub_.open(spec);
    ASSERT_TRUE(session) << session.error().message;
    std::atomic<int> calls{0};
    CaptureBatch other;
    static_cast<void>((*session)->try_read(other, [&] { ++calls; }));
    static_cast<void>((*session)->read(other, std::chrono::microseconds{i * 10}));
    other.for_each([&](const CapturedPacket& packet) { ASSERT_EQ(packet.octets[0], i % 8); });
    if (i % 3 == 0) (*session)->stop();
    session->reset();
    const int after = calls;
    static_cast<void>(read(std::chrono::nanoseconds{0}));
    EXPECT_EQ(calls, after) << "called back after its end";
  }
  join();
  lasting->stop();
  while (read(std::chrono::seconds{30}) == CaptureRead::kBatch) {
  }
  const CaptureStats stats = lasting->stats();
  EXPECT_EQ(stats.matched, 3u * 200'000u / 8u);
  EXPECT_EQ(stats.delivered, delivered);
  EXPECT_LE(lost, stats.lost());
  expect_exact(stats);
}

TEST(CaptureHub, SessionMayOutliveTheHub) {
  auto hub = std::make_unique<CaptureHub>(CaptureHub::Options{});
  hub->add_tap();
  const auto session = hub->open({}).value();
  hub.reset();
  CaptureBatch batch;
  EXPECT_EQ(session->read(batch, std::chrono::hours{1}), CaptureRead::kEnded);
}

}  // namespace
}  // namespace smol::dataplane
