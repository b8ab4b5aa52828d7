// Where the secrets of a stack come from.
#include "dataplane/chance.hh"

#include <bit>
#include <set>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

std::multiset<std::uint64_t> words(const StackSecrets& secrets) {
  return {secrets.hash.k0, secrets.hash.k1,   secrets.isn.k0,   secrets.isn.k1,
          secrets.seed,    secrets.cookie.k0, secrets.cookie.k1};
}

// TCP-018: all that makes sequence numbers and cookies unknown is new with each start.
TEST(Chance, WithoutASeedNoTwoSecretsAreAlike) {
  std::set<std::uint64_t> seen;
  for (int start = 0; start < 100; ++start) {
    for (const std::uint64_t word : words(Chance{std::nullopt}.secrets())) seen.insert(word);
  }
  EXPECT_EQ(seen.size(), 700u);
}

TEST(Chance, PatternsOfFlowHashesDifferAndAreNeitherEmptyNorFull) {
  std::set<std::uint16_t> seen;
  for (int start = 0; start < 100; ++start) {
    const std::uint16_t pattern = Chance{std::nullopt}.spreading_pattern();
    EXPECT_GE(std::popcount(pattern), 6);
    EXPECT_LE(std::popcount(pattern), 10);
    seen.insert(pattern);
  }
  EXPECT_GT(seen.size(), 80u);
  EXPECT_EQ(Chance{7}.spreading_pattern(), Chance{7}.spreading_pattern());
}

TEST(Chance, WithASeedARunCanBeRepeated) {
  EXPECT_EQ(words(Chance{7}.secrets()), words(Chance{7}.secrets()));
  EXPECT_NE(words(Chance{7}.secrets()), words(Chance{8}.secrets()));
}

}  // namespace
}  // namespace smol::dataplane
