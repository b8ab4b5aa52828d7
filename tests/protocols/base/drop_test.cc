#include "protocols/base/drop.hh"

#include <cctype>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "protocols/base/result.hh"

namespace smol {
namespace {

std::string snake_case(std::string_view symbol) {
  std::string out;
  for (const char c : symbol.substr(1)) {  // without the k
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !out.empty()) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

TEST(DropTable, NamesAreTheSymbolsInSnakeCase) {
#define SMOL_DROP(symbol, name_, stage, sentence) \
  EXPECT_EQ(name(Drop::symbol), snake_case(#symbol));
#include "protocols/base/drop.def"
#undef SMOL_DROP
}

TEST(DropTable, NamesAreUniqueAndOfPlainLetters) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    const std::string_view n = name(static_cast<Drop>(i));
    EXPECT_TRUE(seen.insert(n).second) << n;
    EXPECT_FALSE(n.empty());
    EXPECT_EQ(n.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos)
        << n;
    EXPECT_LE(n.size(), 40u) << n;
  }
  EXPECT_EQ(seen.size(), kDropCount);
}

TEST(DropTable, EveryRowHasASentenceAndAStage) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    const auto drop = static_cast<Drop>(i);
    const std::string_view s = sentence(drop);
    ASSERT_FALSE(s.empty()) << name(drop);
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(s.front())) ||
                std::isdigit(static_cast<unsigned char>(s.front())))
        << s;
    EXPECT_EQ(s.back(), '.') << s;
    EXPECT_TRUE(seen.insert(s).second) << s;
    EXPECT_FALSE(name(stage(drop)).empty()) << name(drop);
  }
}

TEST(DropTable, RowsStandInTheOrderOfTheEnum) {
  EXPECT_EQ(name(Drop::kTxRingFull), "tx_ring_full");
  EXPECT_EQ(stage(Drop::kTxRingFull), DropStage::kPort);
  EXPECT_EQ(name(Drop::kTcpBadChecksum), "tcp_bad_checksum");
  EXPECT_EQ(stage(Drop::kTcpBadChecksum), DropStage::kTransport);
  EXPECT_EQ(stage(Drop::kIp4BadChecksum), DropStage::kNetwork);
  EXPECT_EQ(stage(Drop::kEthBadSource), DropStage::kLink);
  EXPECT_EQ(stage(Drop::kSocketFull), DropStage::kSocket);
  EXPECT_EQ(stage(Drop::kInjectedDrop), DropStage::kInjector);
}

TEST(DropTable, StagesHaveNames) {
  EXPECT_EQ(name(DropStage::kPort), "port");
  EXPECT_EQ(name(DropStage::kInjector), "injector");
  EXPECT_EQ(name(DropStage::kLink), "link");
  EXPECT_EQ(name(DropStage::kNetwork), "network");
  EXPECT_EQ(name(DropStage::kTransport), "transport");
  EXPECT_EQ(name(DropStage::kSocket), "socket");
}

TEST(Result, HoldsAValueOrTheReasonThereIsNone) {
  const Result<int> good = 7;
  const Result<int> bad = fail(Drop::kTcpBadFlags);
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), Drop::kTcpBadFlags);
}

}  // namespace
}  // namespace smol
