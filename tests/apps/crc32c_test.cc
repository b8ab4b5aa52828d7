#include "apps/crc32c.hh"

#include <cstdint>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol::apps {
namespace {

struct Row {
  std::string_view sentence;
  std::vector<std::uint8_t> octets;
  std::uint32_t crc;
};

std::vector<std::uint8_t> counting(int from, int step) {
  std::vector<std::uint8_t> out;
  for (int i = 0; i < 32; ++i) out.push_back(static_cast<std::uint8_t>(from + i * step));
  return out;
}

// RFC 3720 appendix B.4, and the check value of the catalogue of parametrised CRCs.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"nothing", {}, 0},
      {"32 octets of zero", std::vector<std::uint8_t>(32, 0), 0x8a9136aa},
      {"32 octets of one bits", std::vector<std::uint8_t>(32, 0xff), 0x62a8ab43},
      {"32 octets counting up", counting(0, 1), 0x46dd794e},
      {"32 octets counting down", counting(31, -1), 0x113fdb5c},
      {"the digits 1 to 9", {'1', '2', '3', '4', '5', '6', '7', '8', '9'}, 0xe3069283},
  };
  return all;
}

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  for (const Row& row : rows()) {
    EXPECT_EQ(crc32c(0, row.octets), row.crc) << row.sentence;
    EXPECT_EQ(crc32c_by_table(0, row.octets), row.crc) << row.sentence;
  }
}

TEST(Crc32c, IsTheSameInPiecesOfAnySizeAndByTable) {
  Rng rng{7};
  std::vector<std::uint8_t> octets(777);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(rng.next());
  const std::uint32_t whole = crc32c(0, octets);
  EXPECT_EQ(crc32c_by_table(0, octets), whole);
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    const Bytes all{octets};
    EXPECT_EQ(crc32c(crc32c(0, all.first(cut)), all.subspan(cut)), whole) << cut;
    EXPECT_EQ(crc32c_by_table(crc32c_by_table(0, all.first(cut)), all.subspan(cut)), whole) << cut;
  }
}

}  // namespace
}  // namespace smol::apps
