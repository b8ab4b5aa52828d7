#include "protocols/base/text.hh"

#include <array>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(TextWriter, PutsTextAndNumbersBehindOneAnother) {
  Text<64> out;
  out.put("a=").dec(42).put(',').put("b=0x").hex(255);
  EXPECT_EQ(out.view(), "a=42,b=0xff");
  EXPECT_FALSE(out.truncated());
}

TEST(TextWriter, PrintsTheExtremesOfNumbers) {
  Text<64> out;
  out.dec(0).put(' ').dec(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(out.view(), "0 18446744073709551615");
  out.clear();
  out.hex(0).put(' ').hex(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(out.view(), "0 ffffffffffffffff");
}

TEST(TextWriter, PadsHexadecimalWithZerosToAtLeastTheDigitsAskedFor) {
  Text<64> out;
  out.hex(0xa, 2).put(' ').hex(0x1234, 2).put(' ').hex(0, 4).put(' ').hex(1, 16);
  EXPECT_EQ(out.view(), "0a 1234 0000 0000000000000001");
}

TEST(TextWriter, MoreDigitsThanANumberHasAreCutTo16) {
  Text<64> out;
  out.hex(1, 40);
  EXPECT_EQ(out.view(), "0000000000000001");
}

TEST(TextWriter, CutsWhatDoesNotFitAndSaysSo) {
  Text<5> out;
  out.put("abc");
  EXPECT_FALSE(out.truncated());
  out.put("defg");
  EXPECT_EQ(out.view(), "abcde");
  EXPECT_TRUE(out.truncated());
  out.put('x').dec(1);
  EXPECT_EQ(out.view(), "abcde");
}

TEST(TextWriter, FillingItExactlyIsNotTruncation) {
  Text<3> out;
  out.put("abc").put("");
  EXPECT_FALSE(out.truncated());
  out.put('d');
  EXPECT_TRUE(out.truncated());
}

TEST(TextWriter, ClearStartsAnew) {
  Text<3> out;
  out.put("abcd").clear();
  EXPECT_FALSE(out.truncated());
  EXPECT_EQ(out.view(), "");
  out.put("xy");
  EXPECT_EQ(out.view(), "xy");
}

TEST(TextWriter, NeverWritesBeyondTheBuffer) {
  std::array<char, 8> buffer;
  buffer.fill('#');
  TextWriter out{std::span<char>{buffer}.first(4)};
  out.dec(123456789);
  EXPECT_EQ(out.view(), "1234");
  EXPECT_EQ((std::string{buffer.data() + 4, 4}), "####");
}

TEST(TextWriter, AnEmptyBufferTakesNothing) {
  TextWriter out{std::span<char>{}};
  out.put("");
  EXPECT_FALSE(out.truncated());
  out.put('a');
  EXPECT_TRUE(out.truncated());
  EXPECT_TRUE(out.view().empty());
}

}  // namespace
}  // namespace smol
