#include "dataplane/record_ring.hh"

#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol::dataplane {
namespace {

bool put(RecordRing& ring, std::string_view text) {
  const MutBytes room = ring.reserve(text.size());
  if (room.empty()) return false;
  std::memcpy(room.data(), text.data(), text.size());
  return true;
}

std::string take(RecordRing& ring) {
  const Bytes record = ring.front();
  std::string out{reinterpret_cast<const char*>(record.data()), record.size()};
  if (!record.empty()) ring.pop();
  return out;
}

TEST(RecordRing, GivesRecordsInOrder) {
  RecordRing ring{4096};
  EXPECT_TRUE(put(ring, "one"));
  EXPECT_TRUE(put(ring, "twentytwo"));
  ring.publish();
  EXPECT_EQ(take(ring), "one");
  EXPECT_EQ(take(ring), "twentytwo");
  EXPECT_EQ(take(ring), "");
}

TEST(RecordRing, ShowsNothingBeforeItIsPublished) {
  RecordRing ring{4096};
  const MutBytes room = ring.reserve(3);
  EXPECT_TRUE(ring.front().empty());
  std::memcpy(room.data(), "yes", 3);  // still ours to write
  ring.publish();
  EXPECT_EQ(take(ring), "yes");
}

TEST(RecordRing, RefusesWhatDoesNotFitAndGoesOn) {
  RecordRing ring{4096};
  const std::string large(1000, 'x');
  int stored = 0;
  while (put(ring, large)) ++stored;
  EXPECT_EQ(stored, 4);
  ring.publish();
  EXPECT_EQ(take(ring), large);
  EXPECT_TRUE(put(ring, large));
  ring.publish();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(ring), large);
  EXPECT_EQ(take(ring), "");
}

TEST(RecordRing, RecordsAreContiguousAcrossTheEnd) {
  RecordRing ring{4096};
  Rng rng{1};
  for (int round = 0; round < 5000; ++round) {
    const std::string text(1 + rng.below(1500), static_cast<char>('a' + round % 26));
    ASSERT_TRUE(put(ring, text));
    ring.publish();
    ASSERT_EQ(take(ring), text);
  }
}

TEST(RecordRing, CarriesRecordsBetweenThreads) {
  constexpr std::uint32_t kRecords = 200'000;
  RecordRing ring{1 << 14};
  std::thread producer{[&] {
    Rng rng{3};
    for (std::uint32_t i = 0; i < kRecords;) {
      const std::size_t size = 4 + rng.below(100);
      MutBytes room = ring.reserve(size);
      while (room.empty()) {
        ring.publish();
        std::this_thread::yield();
        room = ring.reserve(size);
      }
      std::memset(room.data(), static_cast<int>(i & 0xff), size);
      std::memcpy(room.data(), &i, sizeof i);
      ++i;
      if (i % 7 == 0) ring.publish();
    }
    ring.publish();
  }};
  std::uint32_t wrong = 0;
  for (std::uint32_t expected = 0; expected < kRecords;) {
    const Bytes record = ring.front();
    if (record.empty()) {
      std::this_thread::yield();
      continue;
    }
    std::uint32_t seen = 0;
    std::memcpy(&seen, record.data(), sizeof seen);
    for (const std::uint8_t octet : record.subspan(4)) {
      if (octet != static_cast<std::uint8_t>(expected)) ++wrong;
    }
    if (seen != expected) ++wrong;
    ring.pop();
    ++expected;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
}

/// Octets of this process that are in memory.
std::size_t resident() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t pages = 0;
  in >> all >> pages;
  return pages * 4096;
}

TEST(RecordRing, EmptyRingGivesItsMemoryBackAndGoesOn) {
  RecordRing ring{1 << 25};
  const auto fill = [&] {
    for (MutBytes room = ring.reserve(100'000); !room.empty(); room = ring.reserve(100'000)) {
      std::memset(room.data(), 7, room.size());
    }
    ring.publish();
  };
  fill();
  while (!ring.front().empty()) ring.pop();
  const std::size_t before = resident();
  ring.release_memory();
  EXPECT_LT(resident(), before - (1 << 24));
  fill();
  std::size_t records = 0;
  for (; !ring.front().empty(); ++records) {
    EXPECT_EQ(ring.front()[99'999], 7);
    ring.pop();
  }
  EXPECT_GT(records, 300u);
}

}  // namespace
}  // namespace smol::dataplane
