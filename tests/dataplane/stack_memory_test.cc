#include "dataplane/stack_memory.hh"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

bool zero(const void* at, std::size_t octets) {
  const auto* p = static_cast<const std::uint8_t*>(at);
  return std::all_of(p, p + octets, [](std::uint8_t o) { return o == 0; });
}

TEST(StackMemory, PiecesAreAlignedZeroedAndApart) {
  StackMemory memory{false};
  std::vector<std::pair<std::uint8_t*, std::size_t>> pieces;
  for (const std::size_t octets : {1u, 7u, 64u, 4096u, 65'535u, 65'536u, 3'000'000u, 5u}) {
    for (const std::size_t alignment : {1u, 8u, 64u, 4096u}) {
      auto* at = static_cast<std::uint8_t*>(memory.allocate(octets, alignment));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0u);
      EXPECT_TRUE(zero(at, octets));
      std::fill(at, at + octets, std::uint8_t{0xff});
      pieces.emplace_back(at, octets);
    }
  }
  std::sort(pieces.begin(), pieces.end());
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    EXPECT_GE(pieces[i].first, pieces[i - 1].first + pieces[i - 1].second);
  }
}

TEST(StackMemory, LargePiecesBeginWhereAHugePageCan) {
  StackMemory memory{true};
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  for (int i = 0; i < 3; ++i) {
    void* at = memory.allocate(2 * kHugePage + 1, 8);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % kHugePage, 0u);
  }
}

TEST(StackMemory, CountsWhatWasAskedFor) {
  StackMemory memory{false};
  void* small = memory.allocate(10, 1);
  void* large = memory.allocate(1'000'000, 1);
  EXPECT_EQ(memory.octets(), 1'000'010u);
  memory.deallocate(small, 10, 1);  // it goes with the rest
  memory.deallocate(large, 1'000'000, 1);
}

TEST(StackMemory, MoreThanThereIsIsRefused) {
  StackMemory memory{false};
  EXPECT_THROW(static_cast<void>(memory.allocate(std::size_t{1} << 60, 8)), std::bad_alloc);
}

}  // namespace
}  // namespace smol::dataplane
