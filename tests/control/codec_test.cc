#include "control/codec.hh"

#include <gtest/gtest.h>

namespace smol::control {
namespace {

/// What a codec makes of a text: the printed value, or the objection behind "!".
template <class V>
std::string outcome(const Codec<V>& codec, std::string_view text) {
  const Result<V, std::string> value = codec.parse(text);
  return value ? codec.print(*value) : "! " + value.error();
}

struct Row {
  std::string_view text;
  std::string_view outcome;
};

template <class V>
void expect_rows(const Codec<V>& codec, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(outcome(codec, row.text), row.outcome) << "of " << row.text;
    if (row.outcome.starts_with('!')) continue;
    // What is printed is read again as the same.
    EXPECT_EQ(outcome(codec, row.outcome), row.outcome) << "of " << row.text;
  }
}

TEST(Codec, TakesWholeNumbersInDecimal) {
  expect_rows(integer<std::uint16_t>(68, 9216),
              {{"68", "68"},
               {"9216", "9216"},
               {"67", "! 67 is out of range 68..9216"},
               {"99999", "! 99999 is out of range 68..9216"},
               {"99999999999999999999999", "! 99999999999999999999999 is out of range 68..9216"},
               {"0123", "! '0123' has a leading zero: write 123"},
               {"00", "! '00' has a leading zero: write 0"},
               {"-1", "! '-1' is no whole number in 68..9216"},
               {"+100", "! '+100' is no whole number in 68..9216"},
               {"1e3", "! '1e3' is no whole number in 68..9216"},
               {"0x100", "! '0x100' is no whole number in 68..9216"},
               {"100 ", "! '100 ' is no whole number in 68..9216"},
               {"", "! '' is no whole number in 68..9216"}});
}

TEST(Codec, TakesNumbersToTheLastOf64Bits) {
  expect_rows(
      integer<std::uint64_t>(0),
      {{"0", "0"},
       {"18446744073709551615", "18446744073709551615"},
       {"18446744073709551616", "! 18446744073709551616 is out of range 0..18446744073709551615"}});
}

TEST(Codec, TakesSizes) {
  expect_rows(size<std::uint32_t>(4096, 1 << 30),
              {{"4096", "4KiB"},
               {"4097", "4097"},
               {"1536KiB", "1536KiB"},
               {"1024KiB", "1MiB"},
               {"1GiB", "1GiB"},
               {"2GiB", "! 2GiB is out of range 4KiB..1GiB"},
               {"4095", "! 4095 is out of range 4KiB..1GiB"},
               {"99999999999999999999GiB", "! 99999999999999999999GiB is out of range 4KiB..1GiB"},
               {"18014398509481985KiB", "! 18014398509481985KiB is out of range 4KiB..1GiB"},
               {"1MB", "! '1MB' is no size: write octets, or a number with KiB, MiB or GiB"},
               {"1 MiB", "! '1 MiB' is no size: write octets, or a number with KiB, MiB or GiB"},
               {"MiB", "! 'MiB' is no size: write octets, or a number with KiB, MiB or GiB"},
               {"01MiB", "! '01MiB' has a leading zero: write 1MiB"}});
}

TEST(Codec, TakesSizesInUnits) {
  const Codec<std::uint32_t> mebibytes = size<std::uint32_t>(1 << 20, 1 << 30, 1 << 20);
  EXPECT_EQ(mebibytes.parse("16MiB"), 16u);
  EXPECT_EQ(mebibytes.parse("1GiB"), 1024u);
  EXPECT_EQ(outcome(mebibytes, "1025KiB"), "! 1025KiB is no multiple of 1MiB");
}

TEST(Codec, TakesTimes) {
  expect_rows(duration(microseconds(1), 2 * seconds(3600)),
              {{"1us", "1us"},
               {"1000us", "1ms"},
               {"200ms", "200ms"},
               {"1500ms", "1500ms"},
               {"60s", "60s"},
               {"2m", "120s"},
               {"1h", "1h"},
               {"1500ns", "1500ns"},
               {"999ns", "! 999ns is out of range 1us..2h"},
               {"3h", "! 3h is out of range 1us..2h"},
               {"9999999999999999999h", "! 9999999999999999999h is out of range 1us..2h"},
               {"0", "! 0 is out of range 1us..2h"},
               {"60", "! '60' has no unit: write 60s or 60ms"},
               {"off",
                "! 'off' is no time: write a whole number and ns, us, ms, s, m or h, such as "
                "200ms"},
               {"1.5s",
                "! '1.5s' is no time: write a whole number and ns, us, ms, s, m or h, such as "
                "200ms"},
               {"-1s",
                "! '-1s' is no time: write a whole number and ns, us, ms, s, m or h, such as "
                "200ms"},
               {"010s", "! '010s' has a leading zero: write 10s"}});
}

TEST(Codec, TakesOffForATimeThatMayBe) {
  const Codec<Duration> forever = duration(seconds(1), seconds(5), Duration::max());
  expect_rows(forever, {{"off", "off"}, {"3s", "3s"}, {"0", "! 0 is out of range 1s..5s"}});
  EXPECT_EQ(forever.parse("off"), Duration::max());
  expect_rows(duration(Duration{0}, seconds(5)), {{"0", "0s"}, {"0ms", "0s"}});
}

TEST(Codec, TakesPercentages) {
  expect_rows(percent(), {{"0", "0"},
                          {"15", "15"},
                          {"15%", "15"},
                          {"0.5", "0.5"},
                          {"100", "100"},
                          {"100.1", "! '100.1' is no percentage: write a number from 0 to 100"},
                          {"-1", "! '-1' is no percentage: write a number from 0 to 100"},
                          {"1e1", "! '1e1' is no percentage: write a number from 0 to 100"},
                          {"nan", "! 'nan' is no percentage: write a number from 0 to 100"},
                          {".5", "! '.5' is no percentage: write a number from 0 to 100"},
                          {"1.", "! '1.' is no percentage: write a number from 0 to 100"},
                          {"%", "! '%' is no percentage: write a number from 0 to 100"}});
}

TEST(Codec, TakesOnAndOffInThreeWords) {
  expect_rows(boolean(), {{"on", "on"},
                          {"true", "on"},
                          {"yes", "on"},
                          {"off", "off"},
                          {"false", "off"},
                          {"no", "off"},
                          {"1", "! '1' is neither on nor off"},
                          {"On", "! 'On' is neither on nor off"}});
}

TEST(Codec, TakesAddresses) {
  expect_rows(ip_prefix(),
              {{"192.168.69.1/24", "192.168.69.1/24"},
               {"fdaa:0:0::1/64", "fdaa::1/64"},
               {"10.0.0.1", "10.0.0.1/32"},
               {"10.0.0.1/33",
                "! '10.0.0.1/33' is no address with a prefix length: write one such as "
                "192.168.69.1/24 or fdaa::1/64"}});
  expect_rows(ip_address(), {{"fe80::100", "fe80::100"},
                             {"10.0.0",
                              "! '10.0.0' is no IP address: write one such as 192.168.69.100 or "
                              "fe80::100"}});
  expect_rows(mac_address(),
              {{"02:00:00:00:00:AB", "02:00:00:00:00:ab"},
               {"02-00-00-00-00-01",
                "! '02-00-00-00-00-01' is no MAC address: write six pairs of digits, "
                "such as 02:00:00:00:00:01"}});
}

TEST(Codec, TakesAWordForNone) {
  expect_rows(optional("auto", mac_address()),
              {{"auto", "auto"}, {"02:00:00:00:00:01", "02:00:00:00:00:01"}});
  expect_rows(zero_is("off", integer<std::uint32_t>(1, 9)),
              {{"off", "off"}, {"9", "9"}, {"0", "! 0 is out of range 1..9"}});
}

TEST(Codec, TakesOneOfItsWords) {
  enum class Colour { kRed, kBlue };
  expect_rows(enumeration<Colour>({{"red", Colour::kRed}, {"blue", Colour::kBlue}}),
              {{"red", "red"}, {"blue", "blue"}, {"green", "! 'green' is none of red, blue"}});
}

TEST(Codec, TakesTextThatCanBePrinted) {
  expect_rows(text(1, 5), {{"no", "no"},
                           {"", "! must not be empty"},
                           {"123456", "! '123456' is longer than 5 characters"},
                           {"a\nb", "! 'a?b' has characters that cannot be printed"}});
}

TEST(Codec, KeepsWhatItQuotesToOneShortLine) {
  EXPECT_EQ(in_quotes("a\nb\x7f"), "'a?b?'");
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
}

TEST(BitRate, IsWrittenWithItsUnit) {
  const Codec<std::uint64_t> codec = bit_rate();
  EXPECT_EQ(codec.parse("50Mbit").value(), 50'000'000u);
  EXPECT_EQ(codec.parse("1gbit").value(), 1'000'000'000u);
  EXPECT_EQ(codec.parse("1500bit").value(), 1500u);
  EXPECT_EQ(codec.print(50'000'000), "50Mbit");
  EXPECT_EQ(codec.print(1'500'000), "1500kbit");
  for (const char* wrong : {"", "50", "Mbit", "5Mb", "01Mbit", "999bit", "401Gbit", "1.5Mbit"}) {
    EXPECT_FALSE(codec.parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace smol::control
