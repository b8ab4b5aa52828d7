#include "protocols/wire/arp.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kRequest =
    hex("0001 0800 06 04 0001"
        "0200 0000 0001 c0a8 4501"
        "0000 0000 0000 c0a8 4564");

const ArpRepr kRequestRepr{ArpOperation::kRequest, mac("02:00:00:00:00:01"), at("192.168.69.1"),
                           MacAddress{}, at("192.168.69.100")};

TEST(ArpRepr, ReadsAndWritesTheStandardsOctets) {
  const auto repr = ArpRepr::parse(Exact{kRequest});
  ASSERT_TRUE(repr);
  EXPECT_EQ(*repr, kRequestRepr);
  EXPECT_EQ(emitted(kRequestRepr, ArpRepr::packet_len()), kRequest);
}

TEST(ArpRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const ArpRepr repr{any_bool(rng) ? ArpOperation::kRequest : ArpOperation::kReply, any_mac(rng),
                       any_v4(rng), any_mac(rng), any_v4(rng)};
    const auto back = ArpRepr::parse(Exact{emitted(repr, ArpRepr::packet_len())});
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, repr);
  }
}

TEST(ArpRepr, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kRequest.size(); ++n) {
    EXPECT_EQ(reason(ArpRepr::parse(Exact{Bytes{kRequest}.first(n)})), Drop::kArpTruncated) << n;
  }
}

TEST(ArpRepr, OctetsBeyondAreThePaddingOfTheLink) {
  EXPECT_EQ(ArpRepr::parse(kRequest + Octets(18, 0xff)), kRequestRepr);
}

// ARP-001
TEST(ArpRepr, RefusesOtherHardwareProtocolsLengthsAndOperations) {
  struct Row {
    const char* sentence;
    std::size_t at;
    std::uint8_t octet;
  };
  const Row rows[] = {
      {"hardware type, high octet", 0, 1},
      {"hardware type, low octet", 1, 6},
      {"protocol type, high octet", 2, 0x86},
      {"protocol type, low octet", 3, 1},
      {"hardware length 8", 4, 8},
      {"hardware length 0", 4, 0},
      {"protocol length 16", 5, 16},
      {"protocol length 0", 5, 0},
      {"operation 0", 7, 0},
      {"operation 3, RARP", 7, 3},
      {"operation 257", 6, 1},
  };
  for (const Row& row : rows) {
    Octets packet = kRequest;
    packet[row.at] = row.octet;
    EXPECT_EQ(reason(ArpRepr::parse(Exact{packet})), Drop::kArpUnsupported) << row.sentence;
  }
}

TEST(ArpRepr, PrintsOnOneLine) {
  EXPECT_EQ(printed(kRequestRepr),
            "ARP op=Request src=02:00:00:00:00:01/192.168.69.1 "
            "tgt=00:00:00:00:00:00/192.168.69.100");
  ArpRepr reply = kRequestRepr;
  reply.operation = ArpOperation::kReply;
  EXPECT_TRUE(printed(reply).starts_with("ARP op=Reply src="));
}

}  // namespace
}  // namespace smol
