#include "protocols/base/checksum.hh"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol {
namespace {

/// RFC 1071 section 4.1 taken literally: words of 16 bits, an odd octet padded, carries folded.
std::uint16_t naive(Bytes b) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < b.size(); i += 2) {
    sum += static_cast<std::uint64_t>(b[i]) << 8 | (i + 1 < b.size() ? b[i + 1] : 0u);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// n random octets in a heap block of exactly that size, at an alignment of choice.
class Block {
 public:
  Block(std::size_t n, std::size_t misaligned, Rng& rng)
      : memory_{std::make_unique<std::uint8_t[]>(n + misaligned)}, at_{misaligned}, n_{n} {
    for (std::size_t i = 0; i < n; ++i) memory_[at_ + i] = static_cast<std::uint8_t>(rng.next());
  }
  MutBytes bytes() { return {memory_.get() + at_, n_}; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t at_;
  std::size_t n_;
};

// 128 octets and more take the AVX2 path where there is one, with the scalar path for the rest.
TEST(InternetSum, AgreesWithTheNaiveSumAtEveryLengthAndAlignment) {
  Rng rng{1};
  for (std::size_t n = 0; n <= 300; ++n) {
    for (std::size_t misaligned = 0; misaligned < 8; ++misaligned) {
      Block block{n, misaligned, rng};
      ASSERT_EQ(internet_sum(block.bytes()).folded(), naive(block.bytes())) << n;
    }
  }
}

// The pieces are too short for the wide path, so this is the scalar path over long messages too.
TEST(InternetSum, PiecesAddUpToTheWholeOnBothPaths) {
  Rng rng{2};
  for (std::size_t n = 128; n <= 4'000; n += 97) {
    Block block{n, n % 8, rng};
    InternetSum sum;
    for (std::size_t at = 0; at < n; at += 64) {
      sum.add(internet_sum(block.bytes().subspan(at, std::min<std::size_t>(64, n - at))));
    }
    ASSERT_EQ(sum.folded(), internet_sum(block.bytes()).folded()) << n;
    ASSERT_EQ(sum.folded(), naive(block.bytes())) << n;
  }
}

TEST(InternetSum, APieceAtAnOddOffsetIsAddedSwapped) {
  Rng rng{3};
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t n = 1 + rng.below(600);
    Block block{n, 0, rng};
    InternetSum sum;
    for (std::size_t at = 0; at < n;) {
      const std::size_t piece = std::min<std::size_t>(1 + rng.below(200), n - at);
      const InternetSum part = internet_sum(block.bytes().subspan(at, piece));
      at % 2 == 0 ? sum.add(part) : sum.add_odd(part);
      at += piece;
    }
    ASSERT_EQ(sum.folded(), naive(block.bytes()));
  }
}

// Lanes of 32 bits would overflow if they were not emptied in time, at either end of what a word
// can be: over 1 MiB.
TEST(InternetSum, LongRunsOfOneWordDoNotOverflow) {
  for (const std::size_t n : {std::size_t{1} << 20, (std::size_t{1} << 20) + 64 * 0x4000 + 3}) {
    for (const unsigned octet : {0xffu, 0x80u, 0x7fu, 0u}) {
      const std::vector<std::uint8_t> all(n, static_cast<std::uint8_t>(octet));
      ASSERT_EQ(internet_sum(all).folded(), naive(all)) << n << " of " << octet;
    }
  }
}

TEST(InternetSum, WordsAddInAnyOrder) {
  const std::array<std::uint8_t, 8> b = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
  InternetSum sum;
  sum.add_word(0x3210).add_dword(0xfedcba98).add_word(0x7654);
  EXPECT_EQ(sum.folded(), naive(b));
}

TEST(InternetSum, ManyLargeSumsDoNotOverflow) {
  InternetSum sum;
  for (int i = 0; i < 100'000; ++i) sum.add_dword(0xffffffff);
  EXPECT_EQ(sum.folded(), 0xffff);
  EXPECT_TRUE(sum.verifies());
}

TEST(InternetSum, ZerosSumToZeroAndNothingElseDoes) {
  EXPECT_EQ(InternetSum{}.folded(), 0);
  EXPECT_EQ(InternetSum{}.checksum(), 0xffff);
  const std::array<std::uint8_t, 4> ones = {0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(internet_sum(ones).folded(), 0xffff);
  EXPECT_EQ(internet_sum(std::array<std::uint8_t, 64>{}).folded(), 0);
}

// RFC 1071 section 3: the example of the RFC.
TEST(InternetSum, TheExampleOfTheRfc) {
  const std::array<std::uint8_t, 8> b = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(internet_sum(b).folded(), 0xddf2);
  EXPECT_EQ(internet_sum(b).checksum(), 0x220d);
}

TEST(InternetSum, AMessageWithItsChecksumVerifiesAndADamagedOneDoesNot) {
  Rng rng{4};
  for (int i = 0; i < 1'000; ++i) {
    const std::size_t n = 20 + rng.below(200);
    Block block{n, 0, rng};
    put_be16(block.bytes(), 10, 0);
    put_be16(block.bytes(), 10, internet_sum(block.bytes()).checksum());
    ASSERT_TRUE(internet_sum(block.bytes()).verifies());
    block.bytes()[rng.below(static_cast<std::uint32_t>(n))] ^= 0x10;
    ASSERT_FALSE(internet_sum(block.bytes()).verifies());
  }
}

TEST(CopyAndSum, CopiesEverythingAndGivesTheSameSum) {
  Rng rng{5};
  for (std::size_t n = 0; n <= 300; ++n) {
    for (const std::size_t misaligned : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
      Block from{n, misaligned, rng};
      Block to{n, 7 - misaligned, rng};
      ASSERT_EQ(copy_and_sum(to.bytes(), from.bytes()).folded(), naive(from.bytes())) << n;
      ASSERT_TRUE(std::ranges::equal(to.bytes(), from.bytes())) << n;
    }
  }
}

TEST(CopyAndSum, LeavesWhatIsBeyondAlone) {
  Rng rng{6};
  for (const std::size_t n : {std::size_t{3}, std::size_t{100}, std::size_t{200}}) {
    Block from{n, 0, rng};
    std::vector<std::uint8_t> to(n + 4, 0xee);
    copy_and_sum(to, from.bytes());
    EXPECT_EQ((std::vector<std::uint8_t>(to.end() - 4, to.end())),
              (std::vector<std::uint8_t>(4, 0xee)));
  }
}

TEST(CopyAndSum, CopyingWhatDoesNotFitEndsTheProcess) {
  std::array<std::uint8_t, 3> to{};
  const std::array<std::uint8_t, 4> from{};
  EXPECT_DEATH(copy_and_sum(to, from), "");
}

// TCP-003. A SYN whose checksum another program worked out.
TEST(PseudoHeader, VerifiesAKnownIp4Segment) {
  const std::array<std::uint8_t, 40> segment = {
      0xbf, 0x00, 0x00, 0x50, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02,
      0xfa, 0xf0, 0x81, 0xa3, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a,
      0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07};
  InternetSum sum = internet_sum(segment);
  sum.add(pseudo_header_sum(IpAddress::v4(192, 168, 69, 100), IpAddress::v4(192, 168, 69, 1), 6,
                            segment.size()));
  EXPECT_TRUE(sum.verifies());
}

// RFC 8200 section 8.1, by the definition: both addresses, the length in 32 bits, next header.
TEST(PseudoHeader, IsTheSumOverItsOctetsInBothFamilies) {
  Rng rng{8};
  for (int i = 0; i < 500; ++i) {
    std::array<std::uint8_t, 40> header{};
    for (std::size_t at = 0; at < 32; ++at) header[at] = static_cast<std::uint8_t>(rng.next());
    const std::uint32_t length = rng.below(0x20000);
    put_be32(header, 32, length);
    header[39] = 58;
    const Bytes b{header};
    EXPECT_EQ(
        pseudo_header_sum(IpAddress::v6(b), IpAddress::v6(b.subspan(16)), 58, length).folded(),
        naive(header));

    std::array<std::uint8_t, 12> header4{};
    std::copy_n(header.begin(), 8, header4.begin());
    header4[9] = 17;
    put_be16(header4, 10, static_cast<std::uint16_t>(length & 0xffff));
    const Bytes b4{header4};
    EXPECT_EQ(
        pseudo_header_sum(IpAddress::v4(b4), IpAddress::v4(b4.subspan(4)), 17, length & 0xffff)
            .folded(),
        naive(header4));
  }
}

// An all-zero message must sum to zero: UDP tells "no checksum" from "checksum zero".
TEST(PseudoHeader, OfZeroAddressesAddsNothingForTheMappedForm) {
  EXPECT_EQ(pseudo_header_sum(IpAddress::v4(0), IpAddress::v4(0), 0, 0).folded(), 0);
}

}  // namespace
}  // namespace smol
