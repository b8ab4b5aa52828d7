// Where the secrets of a stack come from.
#include "dataplane/chance.hh"

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

TEST(Chance, WithASeedARunCanBeRepeated) {
  EXPECT_EQ(words(Chance{7}.secrets()), words(Chance{7}.secrets()));
  EXPECT_NE(words(Chance{7}.secrets()), words(Chance{8}.secrets()));
}

}  // namespace
}  // namespace smol::dataplane
