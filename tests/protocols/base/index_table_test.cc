#include "protocols/base/index_table.hh"

#include <algorithm>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

std::pmr::memory_resource& memory() {
  return *std::pmr::new_delete_resource();
}

constexpr auto kAny = [](std::uint32_t) { return true; };

/// All indices under a hash.
std::vector<std::uint32_t> all(const IndexTable& table, std::uint64_t hash) {
  std::vector<std::uint32_t> out;
  table.find(hash, [&](std::uint32_t index) {
    out.push_back(index);
    return false;
  });
  std::ranges::sort(out);
  return out;
}

TEST(IndexTable, AnEmptyOneFindsNothing) {
  IndexTable table{4, memory()};
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.find(0, kAny), IndexTable::kNone);
  EXPECT_EQ(table.likely(123), IndexTable::kNone);
}

TEST(IndexTable, FindsWhatThePredicateConfirms) {
  IndexTable table{4, memory()};
  table.insert(7, 1);
  table.insert(7, 2);
  EXPECT_EQ(table.find(7, [](std::uint32_t i) { return i == 2; }), 2u);
  EXPECT_EQ(table.find(7, [](std::uint32_t i) { return i == 3; }), IndexTable::kNone);
  EXPECT_NE(table.likely(7), IndexTable::kNone);
}

TEST(IndexTable, AsksOnlyAboutIndicesOfTheSameHash) {
  IndexTable table{16, memory()};
  // One home for both: the tags differ above the bits that choose it.
  table.insert(0x0000'0040, 1);
  table.insert(0x1000'0040, 2);
  EXPECT_EQ(all(table, 0x0000'0040), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(all(table, 0x1000'0040), (std::vector<std::uint32_t>{2}));
}

TEST(IndexTable, HoldsAsManyAsPromisedAndSaysWhenFull) {
  IndexTable table{5, memory()};
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(table.full());
    table.insert(i * 0x9e3779b97f4a7c15, i);
  }
  EXPECT_TRUE(table.full());
  EXPECT_EQ(table.size(), 5u);
  EXPECT_DEATH(table.insert(99, 99), "");
}

TEST(IndexTable, ErasingWhatIsNotThereEndsTheProcess) {
  IndexTable table{4, memory()};
  table.insert(1, 1);
  EXPECT_DEATH(table.erase(1, 2), "");
  EXPECT_DEATH(table.erase(2, 1), "");
}

TEST(IndexTable, ReplacePutsAnotherIndexInTheSamePlace) {
  IndexTable table{4, memory()};
  table.insert(7, 1);
  table.insert(7, 2);
  table.replace(7, 1, 9);
  EXPECT_EQ(all(table, 7), (std::vector<std::uint32_t>{2, 9}));
  EXPECT_EQ(table.size(), 2u);
}

// A run that reaches over the last slot goes on at the first.
TEST(IndexTable, ARunWrapsAroundTheEnd) {
  IndexTable table{9, memory()};  // 32 slots
  for (std::uint32_t i = 0; i < 8; ++i) table.insert(30, i);
  table.insert(0xffff'ffff'0000'0000, 100);  // home 0, which the run has taken; tag of its own
  EXPECT_EQ(all(table, 30).size(), 8u);
  for (std::uint32_t i = 0; i < 8; ++i) table.erase(30, i);
  EXPECT_EQ(all(table, 0), (std::vector<std::uint32_t>{100}));
}

// The same index may stand under several hashes; each entry is its own.
TEST(IndexTable, ErasesTheEntryOfTheHashAskedFor) {
  IndexTable table{8, memory()};
  table.insert(0, 1);
  table.insert(0, 5);  // pushed to slot 1 by the first
  table.insert(1, 5);  // home 1, where the other 5 stands
  table.erase(1, 5);
  EXPECT_EQ(all(table, 0), (std::vector<std::uint32_t>{1, 5}));
  EXPECT_TRUE(all(table, 1).empty());

  table.insert(1, 5);
  table.replace(1, 5, 6);
  EXPECT_EQ(all(table, 0), (std::vector<std::uint32_t>{1, 5}));
  EXPECT_EQ(all(table, 1), (std::vector<std::uint32_t>{6}));
}

/// Random operations against the library's multimap, over hashes from `pick`.
template <class Pick>
void run_against_model(std::uint32_t entries, std::uint64_t seed, int steps, Pick&& pick) {
  IndexTable table{entries, memory()};
  std::unordered_multimap<std::uint64_t, std::uint32_t> model;
  Rng rng{seed};
  const auto model_all = [&](std::uint64_t hash) {
    std::vector<std::uint32_t> out;
    const auto [from, to] = model.equal_range(hash);
    for (auto it = from; it != to; ++it) out.push_back(it->second);
    std::ranges::sort(out);
    return out;
  };
  for (int step = 0; step < steps; ++step) {
    const std::uint64_t hash = pick(rng);
    const std::vector<std::uint32_t> there = model_all(hash);
    ASSERT_EQ(all(table, hash), there);
    ASSERT_EQ(table.size(), model.size());
    const std::uint32_t index = rng.below(64);
    const bool stored = std::ranges::find(there, index) != there.end();
    const auto entry = [&](std::uint32_t which) {
      const auto [from, to] = model.equal_range(hash);
      return std::find_if(from, to, [&](const auto& e) { return e.second == which; });
    };
    if (rng.below(100) < 55) {
      if (stored || table.full()) continue;
      table.insert(hash, index);
      model.emplace(hash, index);
    } else if (!there.empty()) {
      const std::uint32_t victim = there[rng.below(static_cast<std::uint32_t>(there.size()))];
      if (!stored && rng.below(4) == 0) {
        table.replace(hash, victim, index);
        entry(victim)->second = index;
      } else {
        table.erase(hash, victim);
        model.erase(entry(victim));
      }
    }
  }
}

TEST(IndexTable, AgreesWithAMultimapOverSpreadHashes) {
  run_against_model(64, 1, 200'000,
                    [](Rng& rng) { return (rng.below(200) * 0x9e3779b97f4a7c15) & 0xffff'ffff; });
}

TEST(IndexTable, AgreesWithAMultimapOverClusteredHashes) {
  run_against_model(64, 2, 200'000, [](Rng& rng) { return std::uint64_t{rng.below(24)}; });
}

// 64 entries make 256 slots: homes 250..255 run into 0..5.
TEST(IndexTable, AgreesWithAMultimapWhereRunsWrapAround) {
  run_against_model(64, 3, 200'000, [](Rng& rng) {
    return std::uint64_t{((250 + rng.below(12)) & 255) | rng.below(3) << 8};
  });
}

TEST(IndexTable, AgreesWithAMultimapWhenNearlyAlwaysFull) {
  run_against_model(6, 4, 200'000, [](Rng& rng) { return std::uint64_t{rng.below(9)}; });
}

}  // namespace
}  // namespace smol
