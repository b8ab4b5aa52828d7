#include "protocols/base/slab.hh"

#include <memory_resource>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

std::pmr::memory_resource& memory() {
  return *std::pmr::new_delete_resource();
}

/// Counts how many of its kind live.
struct Counted {
  explicit Counted(int& live, int v = 0) noexcept : live_{&live}, value{v} { ++live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*live_; }
  int* live_;
  int value;
};

TEST(Slab, AHandleFindsItsObject) {
  Slab<int> slab{4, memory()};
  const Handle a = slab.emplace(10);
  const Handle b = slab.emplace(20);
  ASSERT_TRUE(a);
  ASSERT_NE(slab.get(a), nullptr);
  EXPECT_EQ(*slab.get(a), 10);
  EXPECT_EQ(*slab.get(b), 20);
  EXPECT_EQ(slab.at(b.index), 20);
  EXPECT_EQ(slab.handle_of(b.index), b);
  EXPECT_EQ(slab.size(), 2u);
}

TEST(Slab, ANullHandleFindsNothing) {
  Slab<int> slab{4, memory()};
  EXPECT_FALSE(Handle{});
  EXPECT_EQ(slab.get(Handle{}), nullptr);
  slab.emplace(1);
  EXPECT_EQ(slab.get(Handle{}), nullptr);
}

TEST(Slab, AHandleMissesOnceItsObjectIsGone) {
  Slab<int> slab{4, memory()};
  const Handle handle = slab.emplace(1);
  slab.erase(handle.index);
  EXPECT_EQ(slab.get(handle), nullptr);
  EXPECT_FALSE(slab.live(handle.index));
}

TEST(Slab, AHandleMissesAlsoWhenAnotherTookThePlace) {
  Slab<int> slab{4, memory()};
  const Handle old = slab.emplace(1);
  slab.erase(old.index);
  const Handle young = slab.emplace(2);
  EXPECT_EQ(young.index, old.index);
  EXPECT_NE(young.generation, old.generation);
  EXPECT_EQ(slab.get(old), nullptr);
  EXPECT_EQ(*slab.get(young), 2);
}

TEST(Slab, AHandleBeyondWhatWasEverTakenMisses) {
  Slab<int> slab{4, memory()};
  slab.emplace(1);
  EXPECT_EQ(slab.get(Handle{1, 1}), nullptr);
  EXPECT_EQ(slab.get(Handle{4, 1}), nullptr);
  EXPECT_EQ(slab.get(Handle{0xffff'ffff, 1}), nullptr);
  EXPECT_FALSE(slab.live(3));
}

TEST(Slab, TheLastFreedIsTheNextTaken) {
  Slab<int> slab{8, memory()};
  std::vector<Handle> handles;
  for (int i = 0; i < 5; ++i) handles.push_back(slab.emplace(i));
  slab.erase(handles[1].index);
  slab.erase(handles[3].index);
  EXPECT_EQ(slab.emplace(0).index, handles[3].index);
  EXPECT_EQ(slab.emplace(0).index, handles[1].index);
  EXPECT_EQ(slab.emplace(0).index, 5u);  // only now a slot never used
  EXPECT_EQ(slab.touched(), 6u);
}

TEST(Slab, AFullOneAnswersWithANullHandle) {
  Slab<int> slab{2, memory()};
  EXPECT_EQ(slab.capacity(), 2u);
  slab.emplace(1);
  const Handle last = slab.emplace(2);
  EXPECT_TRUE(slab.full());
  EXPECT_FALSE(slab.emplace(3));
  slab.erase(last.index);
  EXPECT_FALSE(slab.full());
  EXPECT_TRUE(slab.emplace(3));
}

TEST(Slab, DestroysEachObjectOnce) {
  int live = 0;
  {
    Slab<Counted> slab{4, memory()};
    slab.emplace(live);
    const Handle gone = slab.emplace(live);
    slab.emplace(live);
    EXPECT_EQ(live, 3);
    slab.erase(gone.index);
    EXPECT_EQ(live, 2);
  }
  EXPECT_EQ(live, 0);  // what was left is destroyed with the slab
}

TEST(Slab, ErasingAFreeSlotEndsTheProcess) {
  Slab<int> slab{2, memory()};
  const Handle handle = slab.emplace(1);
  slab.erase(handle.index);
  EXPECT_DEATH(slab.erase(handle.index), "");
  EXPECT_DEATH(slab.erase(1), "");
}

TEST(Slab, ObjectsDoNotMove) {
  Slab<std::string> slab{64, memory()};
  const Handle first = slab.emplace("first");
  const std::string* at = slab.get(first);
  for (int i = 1; i < 64; ++i) slab.emplace("other");
  EXPECT_EQ(slab.get(first), at);
  EXPECT_EQ(slab.address_of(first.index), at);
}

TEST(Slab, KeepsTheAlignmentOfItsObjects) {
  struct alignas(64) Wide {
    char c = 0;
  };
  Slab<Wide> slab{3, memory()};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slab.get(slab.emplace())) % 64, 0u);
  }
}

TEST(Slab, KeepsEveryObjectApartOverALongRandomRun) {
  int live = 0;
  Slab<Counted> slab{50, memory()};
  std::vector<std::pair<Handle, int>> alive;
  std::vector<Handle> dead;
  Rng rng{1};
  for (int step = 0; step < 50'000; ++step) {
    if (rng.below(2) == 0) {
      const Handle handle = slab.emplace(live, step);
      ASSERT_EQ(static_cast<bool>(handle), alive.size() < 50);
      if (handle) alive.emplace_back(handle, step);
    } else if (!alive.empty()) {
      const std::size_t at = rng.below(static_cast<std::uint32_t>(alive.size()));
      slab.erase(alive[at].first.index);
      dead.push_back(alive[at].first);
      alive[at] = alive.back();
      alive.pop_back();
    }
    if (step % 100 != 0) continue;
    ASSERT_EQ(slab.size(), alive.size());
    ASSERT_EQ(static_cast<std::size_t>(live), alive.size());
    for (const auto& [handle, value] : alive) ASSERT_EQ(slab.get(handle)->value, value);
    for (const Handle handle : dead) ASSERT_EQ(slab.get(handle), nullptr);
    dead.clear();
  }
}

}  // namespace
}  // namespace smol
