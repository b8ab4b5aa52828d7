#include "protocols/base/address.hh"

#include <string>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"
#include "tests/protocols/base/printed.hh"

namespace smol {
namespace {

// --- MacAddress ---------------------------------------------------------------------------------

TEST(MacAddress, ReadsAndPrintsTheColonForm) {
  const auto mac = MacAddress::parse("02:00:5e:AB:cd:ef");
  ASSERT_TRUE(mac);
  EXPECT_EQ(*mac, (MacAddress{{0x02, 0x00, 0x5e, 0xab, 0xcd, 0xef}}));
  EXPECT_EQ(printed(*mac), "02:00:5e:ab:cd:ef");
}

TEST(MacAddress, RefusesEveryOtherForm) {
  for (const char* text :
       {"", "02:00:5e:ab:cd", "02:00:5e:ab:cd:ef:00", "02-00-5e-ab-cd-ef", "2:0:5e:ab:cd:ef",
        "02:00:5e:ab:cd:eg", "0200.5eab.cdef", " 2:00:5e:ab:cd:ef", "02:00:5e:ab:cd:e ",
        "02:00:5e:ab:cd-ef", "02:00:5e:ab:cd:ef "}) {
    EXPECT_FALSE(MacAddress::parse(text)) << text;
  }
}

TEST(MacAddress, TheGroupBitIsTheFirstOctetsLowest) {
  EXPECT_TRUE(MacAddress::broadcast().is_group());
  EXPECT_TRUE(MacAddress::broadcast().is_broadcast());
  EXPECT_TRUE((MacAddress{{0x01, 0, 0x5e, 0, 0, 1}}).is_group());
  EXPECT_FALSE((MacAddress{{0x01, 0, 0x5e, 0, 0, 1}}).is_broadcast());
  EXPECT_FALSE((MacAddress{{0x02, 1, 1, 1, 1, 1}}).is_group());
  EXPECT_TRUE(MacAddress{}.is_zero());
  EXPECT_FALSE((MacAddress{{0, 0, 0, 0, 0, 1}}).is_zero());
}

// --- IPv4 text ----------------------------------------------------------------------------------

TEST(IpAddress, ReadsAndPrintsDottedQuads) {
  const auto address = IpAddress::parse("192.168.69.1");
  ASSERT_TRUE(address);
  EXPECT_TRUE(address->is_v4());
  EXPECT_FALSE(address->is_v6());
  EXPECT_EQ(address->v4_value(), 0xc0a84501u);
  EXPECT_EQ(*address, IpAddress::v4(192, 168, 69, 1));
  EXPECT_EQ(printed(*address), "192.168.69.1");
  EXPECT_EQ(printed(IpAddress::v4(0)), "0.0.0.0");
  EXPECT_EQ(printed(IpAddress::v4(0xffffffff)), "255.255.255.255");
}

TEST(IpAddress, RefusesWhatIsNoDottedQuad) {
  for (const char* text :
       {"",         ".",         "1",         "1.2.3",        "1.2.3.4.5",       "1.2.3.",
        ".1.2.3",   "1..2.3",    "256.1.1.1", "1.2.3.256",    "01.2.3.4",        "1.2.3.04",
        "00.0.0.0", "+1.2.3.4",  "-1.2.3.4",  "1.2.3.4 ",     " 1.2.3.4",        "0x1.2.3.4",
        "1.2.3.a",  "1.2.3.4/8", "1,2,3,4",   "123456.1.1.1", "4294967297.0.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

// --- IPv6 text ----------------------------------------------------------------------------------

TEST(IpAddress, ReadsIp6Text) {
  struct Row {
    const char* text;
    IpAddress address;
  };
  const Row rows[] = {
      {"::", IpAddress{}},
      {"::1", IpAddress::v6(0, 0, 0, 0, 0, 0, 0, 1)},
      {"1::", IpAddress::v6(1, 0, 0, 0, 0, 0, 0, 0)},
      {"fdaa::100", IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 0x100)},
      {"2001:DB8::8:800:200C:417A", IpAddress::v6(0x2001, 0xdb8, 0, 0, 8, 0x800, 0x200c, 0x417a)},
      {"1:2:3:4:5:6:7:8", IpAddress::v6(1, 2, 3, 4, 5, 6, 7, 8)},
      {"1:2:3:4:5:6:7::", IpAddress::v6(1, 2, 3, 4, 5, 6, 7, 0)},
      {"::2:3:4:5:6:7:8", IpAddress::v6(0, 2, 3, 4, 5, 6, 7, 8)},
      {"0000:0000::0001", IpAddress::v6(0, 0, 0, 0, 0, 0, 0, 1)},
      {"64:ff9b::192.0.2.33", IpAddress::v6(0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x221)},
      {"1:2:3:4:5:6:1.2.3.4", IpAddress::v6(1, 2, 3, 4, 5, 6, 0x102, 0x304)},
      {"::1.2.3.4", IpAddress::v6(0, 0, 0, 0, 0, 0, 0x102, 0x304)},
  };
  for (const Row& row : rows) {
    const auto address = IpAddress::parse(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(*address, row.address) << row.text;
    EXPECT_TRUE(address->is_v6()) << row.text;
  }
}

TEST(IpAddress, RefusesWhatIsNoIp6Text) {
  for (const char* text : {":",
                           ":::",
                           "1",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "1::2::3",
                           "1:::2",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "::1.2.3",
                           "::1.2.3.456",
                           "::1.2.3.4.5",
                           "fe80::1%eth0",
                           "::1/128",
                           "[::1]",
                           " ::1",
                           "::1 ",
                           "::-1",
                           "1::2:",
                           ":1::2",
                           "::01.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

// A mapped address would be taken for the IPv4 one.
TEST(IpAddress, RefusesAMappedAddressInIp6Text) {
  EXPECT_FALSE(IpAddress::parse("::ffff:10.0.0.1"));
  EXPECT_FALSE(IpAddress::parse("::ffff:a00:1"));
  EXPECT_FALSE(IpAddress::parse("0:0:0:0:0:ffff:a00:1"));
  EXPECT_TRUE(IpAddress::parse("::fffe:a00:1"));
}

// RFC 5952 section 4: lower case, no leading zeros, "::" for the longest run of two zero groups or
// more, the first of equals, and never for one group alone.
TEST(IpAddress, PrintsTheCanonicalForm) {
  struct Row {
    const char* sentence;
    const char* in;
    const char* out;
  };
  const Row rows[] = {
      {"unspecified", "0:0:0:0:0:0:0:0", "::"},
      {"loopback", "0:0:0:0:0:0:0:1", "::1"},
      {"4.1: no leading zeros", "2001:0db8::0001", "2001:db8::1"},
      {"4.2.1: as short as possible", "2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      {"4.2.2: not for one group", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"4.2.3: the longest run", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"4.2.3: the first of equals", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"4.3: lower case", "2001:DB8::ABCD:EF12", "2001:db8::abcd:ef12"},
      {"a run at the end", "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"a run at the front", "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
      {"no zeros at all", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"zeros alone never", "1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
  };
  for (const Row& row : rows) {
    const auto address = IpAddress::parse(row.in);
    ASSERT_TRUE(address) << row.sentence;
    EXPECT_EQ(printed(*address), row.out) << row.sentence;
  }
}

TEST(IpAddress, PrintedFormReadsBackAsTheSameAddress) {
  Rng rng{7};
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 16> octets{};
    // Few octets set, so that runs of zeros of every length come up.
    for (std::uint32_t n = rng.below(8); n > 0; --n) {
      octets[rng.below(16)] = static_cast<std::uint8_t>(rng.next());
    }
    const IpAddress v6 = IpAddress::v6(octets);
    const IpAddress v4 = IpAddress::v4(static_cast<std::uint32_t>(rng.next()));
    for (const IpAddress& address : {v6, v4}) {
      const auto back = IpAddress::parse(printed(address));
      ASSERT_TRUE(back) << printed(address);
      EXPECT_EQ(*back, address) << printed(address);
    }
  }
}

// --- The families --------------------------------------------------------------------------------

TEST(IpAddress, TheWireFormIsFourOrSixteenOctets) {
  EXPECT_EQ(IpAddress::v4(1, 2, 3, 4).wire().size(), 4u);
  EXPECT_EQ(IpAddress::v4(1, 2, 3, 4).wire()[0], 1);
  EXPECT_EQ(IpAddress{}.wire().size(), 16u);
}

TEST(IpAddress, UnspecifiedAddressesOfTheFamiliesDiffer) {
  EXPECT_TRUE(IpAddress::v4(0).is_unspecified());
  EXPECT_TRUE(IpAddress{}.is_unspecified());
  EXPECT_NE(IpAddress::v4(0), IpAddress{});
  EXPECT_EQ(IpAddress::any(IpFamily::kIp4), IpAddress::v4(0));
  EXPECT_EQ(IpAddress::any(IpFamily::kIp6), IpAddress{});
  EXPECT_FALSE(IpAddress::v4(1).is_unspecified());
}

TEST(IpAddress, KnowsTheSpecialRanges) {
  const auto at = [](const char* text) { return *IpAddress::parse(text); };
  EXPECT_TRUE(at("127.255.0.1").is_loopback());
  EXPECT_FALSE(at("128.0.0.1").is_loopback());
  EXPECT_TRUE(at("::1").is_loopback());
  EXPECT_FALSE(at("::2").is_loopback());
  EXPECT_TRUE(at("224.0.0.1").is_multicast());
  EXPECT_TRUE(at("239.255.255.255").is_multicast());
  EXPECT_FALSE(at("223.255.255.255").is_multicast());
  EXPECT_FALSE(at("240.0.0.0").is_multicast());
  EXPECT_TRUE(at("ff02::1").is_multicast());
  EXPECT_FALSE(at("fe80::1").is_multicast());
  EXPECT_TRUE(at("255.255.255.255").is_limited_broadcast());
  EXPECT_FALSE(at("255.255.255.254").is_limited_broadcast());
  EXPECT_FALSE(at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").is_limited_broadcast());
  EXPECT_TRUE(at("169.254.1.2").is_link_local());
  EXPECT_FALSE(at("169.255.1.2").is_link_local());
  EXPECT_TRUE(at("fe80::1").is_link_local());
  EXPECT_TRUE(at("febf::1").is_link_local());
  EXPECT_FALSE(at("fec0::1").is_link_local());
  EXPECT_EQ(at("ff05::2").multicast_scope(), 5);
}

TEST(IpAddress, SolicitedNodeKeepsTheLast24Bits) {
  EXPECT_EQ(IpAddress::parse("fdaa::12:3456:789a")->solicited_node(),
            *IpAddress::parse("ff02::1:ff56:789a"));
}

// ETH-007
TEST(IpAddress, MulticastMapsTo23Or32BitsOfTheGroupMac) {
  EXPECT_EQ(IpAddress::v4(239, 129, 2, 3).multicast_mac(),
            (MacAddress{{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}}));
  EXPECT_EQ(IpAddress::parse("ff02::1:ff00:1")->multicast_mac(),
            (MacAddress{{0x33, 0x33, 0xff, 0x00, 0x00, 0x01}}));
}

TEST(IpAddress, OrdersAsTheOctetsDo) {
  EXPECT_LT(IpAddress::v4(9, 255, 255, 255), IpAddress::v4(10, 0, 0, 0));
  EXPECT_LT(*IpAddress::parse("1::"), *IpAddress::parse("1::1"));
  EXPECT_LT(*IpAddress::parse("::ffff"), *IpAddress::parse("1::"));
}

static_assert(IpAddress::v4(10, 0, 0, 1).v4_value() == 0x0a000001);
static_assert(IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1).is_v6());

// --- IpEndpoint ----------------------------------------------------------------------------------

TEST(IpEndpoint, ReadsAndPrintsBothFamilies) {
  for (const char* text : {"192.168.69.1:80", "[fdaa::1]:443", "0.0.0.0:0", "[::]:65535"}) {
    const auto endpoint = IpEndpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(printed(*endpoint), text);
  }
}

TEST(IpEndpoint, RefusesAmbiguousAndBrokenText) {
  for (const char* text :
       {"", ":", "1.2.3.4", "1.2.3.4:", ":80", "1.2.3.4:65536", "1.2.3.4:080", "1.2.3.4:+1",
        "fdaa::1:80", "[fdaa::1]", "[fdaa::1]80", "[1.2.3.4]:80", "[]:80", "[:80", "]:80",
        "[fdaa::1:80", "fdaa::1]:80", "[::1]:", "1.2.3.4:99999999999"}) {
    EXPECT_FALSE(IpEndpoint::parse(text)) << text;
  }
}

}  // namespace
}  // namespace smol
