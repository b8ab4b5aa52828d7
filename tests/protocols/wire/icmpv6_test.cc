#include "protocols/wire/icmpv6.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kEcho = hex("8000 1122 1234 abcd");

Icmp6View view_of(const Octets& octets) {
  return *Icmp6View::parse(octets, octets.size());
}

TEST(Icmp6View, ReadsTheFields) {
  const auto view = Icmp6View::parse(kEcho, 64);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), Icmp6Type::kEchoRequest);
  EXPECT_EQ(view->code(), 0);
  EXPECT_EQ(view->checksum(), 0x1122);
  EXPECT_EQ(view->ident(), 0x1234);
  EXPECT_EQ(view->sequence(), 0xabcd);
  EXPECT_EQ(view->rest(), 0x1234abcdu);
  EXPECT_EQ(view->mtu(), 0x1234abcdu);
  EXPECT_EQ(view->pointer(), 0x1234abcdu);
}

TEST(Icmp6View, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kEcho.size(); ++n) {
    EXPECT_EQ(reason(Icmp6View::parse(Exact{Bytes{kEcho}.first(n)}, n)), Drop::kIcmpTruncated) << n;
    EXPECT_EQ(reason(Icmp6View::parse(kEcho, n)), Drop::kIcmpTruncated) << n;
    EXPECT_EQ(reason(Icmp6View::parse(Exact{Bytes{kEcho}.first(n)}, 64)), Drop::kIcmpTruncated)
        << n;
  }
}

TEST(Icmp6EchoRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const Icmp6EchoRepr repr{any_bool(rng), any16(rng), any16(rng)};
    const Octets header = emitted(repr);
    EXPECT_EQ(be16(header, 2), 0);
    EXPECT_EQ(Icmp6EchoRepr::parse(view_of(header)), repr);
  }
  EXPECT_EQ(emitted(Icmp6EchoRepr{false, 0x1234, 0xabcd}), hex("8000 0000 1234 abcd"));
  EXPECT_EQ(emitted(Icmp6EchoRepr{true, 0x1234, 0xabcd}), hex("8100 0000 1234 abcd"));
}

TEST(Icmp6ErrorRepr, EmitAndParseUndoEachOther) {
  Rng rng{2};
  for (int i = 0; i < 1'000; ++i) {
    const Icmp6ErrorRepr repr{static_cast<Icmp6Type>(rng.below(128)), any8(rng), any32(rng)};
    const Octets header = emitted(repr);
    EXPECT_EQ(be16(header, 2), 0);
    EXPECT_EQ(Icmp6ErrorRepr::parse(view_of(header)), repr);
  }
}

// IC6-002: an error of a type without a name is an error; an informational one is unknown.
TEST(Icmp6, TheHighBitTellsErrorsFromInformation) {
  for (unsigned type = 0; type < 256; ++type) {
    Octets message = kEcho;
    message[0] = static_cast<std::uint8_t>(type);
    const Icmp6View view = view_of(message);
    EXPECT_EQ(is_error(view.type()), type < 128) << type;
    EXPECT_EQ(Icmp6ErrorRepr::parse(view).has_value(), type < 128) << type;
    EXPECT_EQ(Icmp6EchoRepr::parse(view).has_value(), type == 128 || type == 129) << type;
    EXPECT_EQ(is_neighbor_discovery(view.type()), type >= 133 && type <= 137) << type;
  }
  EXPECT_EQ(reason(Icmp6ErrorRepr::parse(view_of(kEcho))), Drop::kIcmpUnknownType);
  EXPECT_EQ(reason(Icmp6EchoRepr::parse(view_of(hex("0100 0000 0000 0000")))),
            Drop::kIcmpUnknownType);
}

TEST(Icmp6, TypesHaveTheNumbersOfTheRegistry) {
  struct Row {
    unsigned number;
    const char* name;
  };
  const Row rows[] = {{1, "destination unreachable"},
                      {2, "packet too big"},
                      {3, "time exceeded"},
                      {4, "parameter problem"},
                      {128, "echo request"},
                      {129, "echo reply"},
                      {130, "multicast listener query"},
                      {131, "multicast listener report"},
                      {132, "multicast listener done"},
                      {133, "router solicitation"},
                      {134, "router advertisement"},
                      {135, "neighbor solicitation"},
                      {136, "neighbor advertisement"},
                      {137, "redirect"},
                      {143, "multicast listener report v2"},
                      {0, ""},
                      {138, ""}};
  for (const Row& row : rows) EXPECT_EQ(name(static_cast<Icmp6Type>(row.number)), row.name);
}

TEST(Icmp6, PrintsOnOneLine) {
  const auto error = [](unsigned type, unsigned code, std::uint32_t rest) {
    return printed(
        Icmp6ErrorRepr{static_cast<Icmp6Type>(type), static_cast<std::uint8_t>(code), rest});
  };
  EXPECT_EQ(printed(Icmp6EchoRepr{false, 4660, 43981}), "ICMPv6 echo request id=4660 seq=43981");
  EXPECT_EQ(printed(Icmp6EchoRepr{true, 1, 2}), "ICMPv6 echo reply id=1 seq=2");
  EXPECT_EQ(error(1, 4, 0), "ICMPv6 destination unreachable (port unreachable)");
  EXPECT_EQ(error(1, 9, 0), "ICMPv6 destination unreachable code=9");
  EXPECT_EQ(error(2, 0, 1280), "ICMPv6 packet too big mtu=1280");
  EXPECT_EQ(error(3, 1, 0), "ICMPv6 time exceeded code=1");
  EXPECT_EQ(error(4, 1, 6), "ICMPv6 parameter problem code=1 pointer=6");
  EXPECT_EQ(error(100, 7, 0), "ICMPv6 error type=100 code=7");
}

TEST(Icmp6Unreachable, EveryAssignedCodeHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  for (std::uint8_t code = 0; code < 9; ++code) {
    names.push_back(name(static_cast<Icmp6Unreachable>(code)));
    EXPECT_FALSE(names.back().empty()) << int{code};
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_TRUE(name(static_cast<Icmp6Unreachable>(9)).empty());
}

}  // namespace
}  // namespace smol
