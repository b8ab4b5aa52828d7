#include "protocols/icmp/errors.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol::icmp {

void PrintTo(const Meaning& meaning, std::ostream* out) {
  *out << name(meaning.error) << (meaning.hard ? " hard" : " soft");
}
bool operator==(const Meaning& a, const Meaning& b) {
  return a.error == b.error && a.hard == b.hard;
}

namespace {

constexpr Meaning kRefused{Error::kConnectionRefused, true};
constexpr Meaning kHost{Error::kHostUnreachable, false};
constexpr Meaning kNetwork{Error::kNetworkUnreachable, false};
constexpr Meaning kTooLong{Error::kMessageTooLong, false};

// IC4-011, IC4-014, IC4-028, TCP-144, TCP-146.
TEST(IcmpMeaning, OfEveryDestinationUnreachable) {
  const Meaning by_code[] = {kNetwork, kHost, kRefused, kRefused, kTooLong, kHost,
                             kNetwork, kHost, kHost,    kNetwork, kHost,    kNetwork,
                             kHost,    kHost, kHost,    kHost};
  for (std::uint8_t code = 0; code < 16; ++code) {
    EXPECT_EQ(meaning(Icmp4Type::kDestinationUnreachable, code), by_code[code]) << int{code};
  }
  for (int code = 16; code < 256; ++code) {
    EXPECT_EQ(meaning(Icmp4Type::kDestinationUnreachable, static_cast<std::uint8_t>(code)), kHost);
  }
}

TEST(IcmpMeaning, TimeExceededAndParameterProblemSayNothingOfTheHost) {
  for (int code = 0; code < 256; ++code) {
    const auto octet = static_cast<std::uint8_t>(code);
    EXPECT_EQ(meaning(Icmp4Type::kTimeExceeded, octet), kHost);
    EXPECT_EQ(meaning(Icmp4Type::kParameterProblem, octet), kHost);
    EXPECT_EQ(meaning(Icmp6Type::kTimeExceeded, octet), kHost);
  }
}

// IC6-010, IC6-014, TCP-144.
TEST(IcmpMeaning, OfEveryIcmpv6Error) {
  const Meaning by_code[] = {kNetwork, kHost,    kHost, kHost, kRefused,
                             kHost,    kNetwork, kHost, kHost};
  for (std::uint8_t code = 0; code < 9; ++code) {
    EXPECT_EQ(meaning(Icmp6Type::kDestinationUnreachable, code), by_code[code]) << int{code};
  }
  EXPECT_EQ(meaning(Icmp6Type::kPacketTooBig, 0), kTooLong);
  EXPECT_EQ(meaning(Icmp6Type::kPacketTooBig, 7), kTooLong);
  EXPECT_EQ(meaning(Icmp6Type::kParameterProblem, 0), kHost);
  EXPECT_EQ(meaning(Icmp6Type::kParameterProblem, 1), (Meaning{Error::kConnectionRefused, false}))
      << "told as what it is, and soft (RFC 9293 MUST-56)";
  EXPECT_EQ(meaning(Icmp6Type::kParameterProblem, 2), kHost);
  EXPECT_EQ(meaning(static_cast<Icmp6Type>(100), 1), kHost);
}

// IC4-005, IC4-007, IC6-006, IC6-007.
TEST(IcmpComplaint, IsMadeOnlyToAHostThatSpokeToUsAlone) {
  EXPECT_TRUE(may_complain(at("10.0.0.9"), false));
  EXPECT_TRUE(may_complain(at("2001:db8::9"), false));
  EXPECT_FALSE(may_complain(at("10.0.0.9"), true));
  for (const char* source :
       {"0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "::", "::1", "ff02::1"}) {
    EXPECT_FALSE(may_complain(at(source), false)) << source;
  }
}

// IC4-003, IC6-003.
TEST(IcmpComplaint, QuotesAsMuchAsFits) {
  EXPECT_EQ(quote_len(IpFamily::kIp4, 28), 28u);
  EXPECT_EQ(quote_len(IpFamily::kIp4, 548), 548u);
  EXPECT_EQ(quote_len(IpFamily::kIp4, 1500), 576u - 20 - 8);
  EXPECT_EQ(quote_len(IpFamily::kIp6, 48), 48u);
  EXPECT_EQ(quote_len(IpFamily::kIp6, 1500), 1280u - 40 - 8);
}

TEST(IcmpComplaint, HasTheTypeAndCodeOfItsFamily) {
  const auto emitted_for = [](IpFamily family, Complaint complaint) {
    Octets out(8, 0xff);
    emit_complaint(family, complaint, out);
    return out;
  };
  EXPECT_EQ(emitted_for(IpFamily::kIp4, Complaint::kPortUnreachable), hex("0303 0000 0000 0000"));
  EXPECT_EQ(emitted_for(IpFamily::kIp4, Complaint::kUnknownProtocol), hex("0302 0000 0000 0000"));
  EXPECT_EQ(emitted_for(IpFamily::kIp6, Complaint::kPortUnreachable), hex("0104 0000 0000 0000"));
  // IP6-010: the pointer leads to the Next Header field.
  EXPECT_EQ(emitted_for(IpFamily::kIp6, Complaint::kUnknownProtocol), hex("0401 0000 0000 0006"));
}

}  // namespace
}  // namespace smol::icmp
