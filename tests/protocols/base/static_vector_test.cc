#include "protocols/base/static_vector.hh"

#include <vector>

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(StaticVector, StartsEmpty) {
  const StaticVector<int, 3> v;
  EXPECT_TRUE(v.empty());
  EXPECT_FALSE(v.full());
  EXPECT_EQ(v.size(), 0u);
  EXPECT_EQ((StaticVector<int, 3>::capacity()), 3u);
  EXPECT_EQ(v.begin(), v.end());
}

TEST(StaticVector, KeepsTheOrderOfPushing) {
  StaticVector<int, 3> v{1, 2};
  v.push_back(3);
  EXPECT_TRUE(v.full());
  EXPECT_EQ((std::vector<int>(v.begin(), v.end())), (std::vector<int>{1, 2, 3}));
  v[1] = 9;
  EXPECT_EQ(v[1], 9);
}

TEST(StaticVector, PushingIntoAFullOneEndsTheProcess) {
  StaticVector<int, 1> v{1};
  EXPECT_DEATH(v.push_back(2), "");
}

TEST(StaticVector, ErasingPutsTheLastInThePlace) {
  StaticVector<int, 4> v{1, 2, 3};
  v.erase_unordered(0);
  EXPECT_EQ((std::vector<int>(v.begin(), v.end())), (std::vector<int>{3, 2}));
  v.erase_unordered(1);
  EXPECT_EQ((std::vector<int>(v.begin(), v.end())), (std::vector<int>{3}));
  v.erase_unordered(0);
  EXPECT_TRUE(v.empty());
  EXPECT_DEATH(v.erase_unordered(0), "");
}

TEST(StaticVector, ClearForgetsAll) {
  StaticVector<int, 2> v{1, 2};
  v.clear();
  EXPECT_TRUE(v.empty());
  v.push_back(7);
  EXPECT_EQ(v[0], 7);
}

static_assert(StaticVector<int, 2>{4, 5}[1] == 5);

}  // namespace
}  // namespace smol
