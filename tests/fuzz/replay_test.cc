#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

const std::filesystem::path kCorpus = SMOL_FUZZ_CORPUS;

std::vector<std::uint8_t> octets_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  EXPECT_TRUE(in) << file;
  std::vector<std::uint8_t> out{std::istreambuf_iterator<char>{in}, {}};
  out.shrink_to_fit();  // AddressSanitizer sees every octet read beyond it
  return out;
}

std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  if (!std::filesystem::is_directory(folder)) return out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
    if (entry.is_regular_file()) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

class Replay : public ::testing::TestWithParam<const Registration*> {};

// Every input through every target: what one knows as its own is rubbish to another.
TEST_P(Replay, TakesEveryFileOfTheCorpus) {
  EXPECT_FALSE(files_below(kCorpus / GetParam()->name).empty()) << "no corpus of its own";
  for (const std::filesystem::path& file : files_below(kCorpus)) {
    SCOPED_TRACE(file);
    GetParam()->run(octets_of(file));
  }
}

TEST_P(Replay, TakesEveryTruncationOfItsOwnCorpus) {
  for (const std::filesystem::path& file : files_below(kCorpus / GetParam()->name)) {
    std::vector<std::uint8_t> octets = octets_of(file);
    while (!octets.empty()) {
      octets.pop_back();
      octets.shrink_to_fit();
      GetParam()->run(octets);
    }
  }
}

TEST_P(Replay, TakesDamagedFilesOfItsOwnCorpus) {
  Rng rng{1};
  for (const std::filesystem::path& file : files_below(kCorpus / GetParam()->name)) {
    const std::vector<std::uint8_t> whole = octets_of(file);
    for (int i = 0; !whole.empty() && i < 300; ++i) {
      std::vector<std::uint8_t> octets = whole;
      for (std::uint32_t n = 1 + rng.below(4); n > 0; --n) {
        octets[rng.below(static_cast<std::uint32_t>(octets.size()))] =
            static_cast<std::uint8_t>(rng.next());
      }
      GetParam()->run(octets);
    }
  }
}

std::vector<const Registration*> targets() {
  std::vector<const Registration*> out;
  for (const Registration* at = Registration::first; at != nullptr; at = at->next) {
    out.push_back(at);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, ::testing::ValuesIn(targets()),
                         [](const auto& each) { return std::string{each.param->name}; });

TEST(Corpus, BelongsToATarget) {
  for (const auto& entry : std::filesystem::directory_iterator{kCorpus}) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(std::ranges::any_of(targets(), [&](const Registration* target) {
      return name == target->name;
    })) << name;
  }
}

}  // namespace
}  // namespace smol::fuzz
