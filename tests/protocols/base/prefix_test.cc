#include <gtest/gtest.h>

#include "protocols/base/address.hh"
#include "protocols/base/random.hh"
#include "tests/protocols/base/printed.hh"

namespace smol {
namespace {

IpAddress at(const char* text) {
  return *IpAddress::parse(text);
}
IpPrefix prefix(const char* text) {
  return *IpPrefix::parse(text);
}

TEST(IpPrefix, ReadsAndPrintsBothFamilies) {
  for (const char* text :
       {"192.168.69.1/24", "0.0.0.0/0", "10.0.0.1/32", "fdaa::1/64", "::/0", "::1/128"}) {
    const auto parsed = IpPrefix::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(printed(*parsed), text);
  }
}

TEST(IpPrefix, APlainAddressIsItsOwnPrefix) {
  EXPECT_EQ(prefix("10.0.0.1").length(), 32u);
  EXPECT_EQ(prefix("fdaa::1").length(), 128u);
}

TEST(IpPrefix, RefusesBrokenText) {
  for (const char* text : {"", "/", "/24", "10.0.0.1/", "10.0.0.1/33", "fdaa::/129", "10.0.0.1/-1",
                           "10.0.0.1/08", "10.0.0.1/8/8", "10.0.0/8", "fdaa::/ 64"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(IpPrefix, ALengthBeyondTheFamilysEndsTheProcess) {
  EXPECT_DEATH((IpPrefix{IpAddress::v4(0), 33}), "");
  EXPECT_DEATH((IpPrefix{IpAddress{}, 129}), "");
}

TEST(IpPrefix, ContainsWhatSharesItsBits) {
  EXPECT_TRUE(prefix("10.1.2.3/8").contains(at("10.255.0.1")));
  EXPECT_FALSE(prefix("10.1.2.3/8").contains(at("11.1.2.3")));
  EXPECT_TRUE(prefix("10.1.2.3/32").contains(at("10.1.2.3")));
  EXPECT_FALSE(prefix("10.1.2.3/32").contains(at("10.1.2.2")));
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(at("255.1.2.3")));
  EXPECT_TRUE(prefix("fdaa::/65").contains(at("fdaa::7fff:ffff:ffff:ffff")));
  EXPECT_FALSE(prefix("fdaa::/65").contains(at("fdaa::8000:0:0:0")));
}

// The mapped form of an IPv4 address begins with 80 zero bits, as these prefixes do.
TEST(IpPrefix, NeverContainsAnAddressOfTheOtherFamily) {
  EXPECT_FALSE(prefix("::/0").contains(at("10.0.0.1")));
  EXPECT_FALSE(prefix("::/64").contains(at("10.0.0.1")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(at("fdaa::1")));
  EXPECT_TRUE(prefix("::/0").contains(at("fdaa::1")));
}

TEST(IpPrefix, NetworkClearsTheHostBits) {
  EXPECT_EQ(prefix("192.168.69.77/24").network(), at("192.168.69.0"));
  EXPECT_EQ(prefix("192.168.69.255/25").network(), at("192.168.69.128"));
  EXPECT_EQ(prefix("192.168.69.77/0").network(), at("0.0.0.0"));
  EXPECT_EQ(prefix("192.168.69.77/32").network(), at("192.168.69.77"));
  EXPECT_EQ(prefix("fdaa:bb:cc:dd:ff:1:2:3/79").network(), at("fdaa:bb:cc:dd:fe::"));
  EXPECT_EQ(prefix("fdaa::1/0").network(), at("::"));
}

TEST(IpPrefix, BroadcastSetsTheHostBits) {
  EXPECT_EQ(prefix("192.168.69.77/24").broadcast(), at("192.168.69.255"));
  EXPECT_EQ(prefix("10.0.0.0/30").broadcast(), at("10.0.0.3"));
  EXPECT_EQ(prefix("0.0.0.0/0").broadcast(), at("255.255.255.255"));
}

// IP4-047
TEST(IpPrefix, PointToPointPrefixesAndIp6HaveNoBroadcast) {
  EXPECT_FALSE(prefix("10.0.0.0/31").broadcast());
  EXPECT_FALSE(prefix("10.0.0.0/32").broadcast());
  EXPECT_FALSE(prefix("fdaa::/64").broadcast());
}

TEST(IpPrefix, CommonBitsCountsFromTheFront) {
  EXPECT_EQ(IpPrefix::common_bits(at("10.0.0.0"), at("10.0.0.0")), 128u);
  EXPECT_EQ(IpPrefix::common_bits(at("10.0.0.0"), at("10.0.0.1")), 127u);
  EXPECT_EQ(IpPrefix::common_bits(at("0.0.0.0"), at("128.0.0.0")), 96u);
  EXPECT_EQ(IpPrefix::common_bits(at("::"), at("8000::")), 0u);
  EXPECT_EQ(IpPrefix::common_bits(at("fdaa::"), at("fdaa:0:0:1::")), 63u);
  EXPECT_EQ(IpPrefix::common_bits(at("fdaa::"), at("fdaa::8000:0:0:0")), 64u);
}

TEST(IpPrefix, ContainsItsNetworkItsBroadcastAndNothingOneBitOff) {
  Rng rng{11};
  for (int i = 0; i < 5'000; ++i) {
    const auto value = static_cast<std::uint32_t>(rng.next());
    const unsigned length = rng.below(33);
    const IpPrefix p{IpAddress::v4(value), length};
    EXPECT_TRUE(p.contains(p.network()));
    EXPECT_TRUE(p.contains(p.broadcast().value_or(p.address())));
    if (length == 0) continue;
    EXPECT_FALSE(p.contains(IpAddress::v4(value ^ (1u << (32 - length)))));
  }
}

}  // namespace
}  // namespace smol
