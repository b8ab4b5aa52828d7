#include "protocols/wire/icmpv4.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const Octets kEcho = hex("0800 1122 1234 abcd");

Icmp4View view_of(const Octets& octets) {
  return *Icmp4View::parse(octets, octets.size());
}

TEST(Icmp4View, ReadsTheFields) {
  const auto view = Icmp4View::parse(kEcho, 64);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), Icmp4Type::kEchoRequest);
  EXPECT_EQ(view->code(), 0);
  EXPECT_EQ(view->checksum(), 0x1122);
  EXPECT_EQ(view->ident(), 0x1234);
  EXPECT_EQ(view->sequence(), 0xabcd);
  EXPECT_EQ(view->rest(), 0x1234abcdu);
  EXPECT_EQ(view->next_hop_mtu(), 0xabcd);
  EXPECT_EQ(view->pointer(), 0x12);
}

// IC4-001
TEST(Icmp4View, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kEcho.size(); ++n) {
    EXPECT_EQ(reason(Icmp4View::parse(Exact{Bytes{kEcho}.first(n)}, n)), Drop::kIcmpTruncated) << n;
    EXPECT_EQ(reason(Icmp4View::parse(kEcho, n)), Drop::kIcmpTruncated) << n;
    EXPECT_EQ(reason(Icmp4View::parse(Exact{Bytes{kEcho}.first(n)}, 64)), Drop::kIcmpTruncated)
        << n;
  }
}

TEST(Icmp4EchoRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const Icmp4EchoRepr repr{any_bool(rng), any16(rng), any16(rng)};
    const Octets header = emitted(repr);
    EXPECT_EQ(be16(header, 2), 0);
    EXPECT_EQ(Icmp4EchoRepr::parse(view_of(header)), repr);
  }
}

TEST(Icmp4EchoRepr, EmitsTheOctetsOfTheStandard) {
  EXPECT_EQ(emitted(Icmp4EchoRepr{false, 0x1234, 0xabcd}), hex("0800 0000 1234 abcd"));
  EXPECT_EQ(emitted(Icmp4EchoRepr{true, 0x1234, 0xabcd}), hex("0000 0000 1234 abcd"));
}

TEST(Icmp4ErrorRepr, EmitAndParseUndoEachOther) {
  Rng rng{2};
  const Icmp4Type types[] = {Icmp4Type::kDestinationUnreachable, Icmp4Type::kSourceQuench,
                             Icmp4Type::kRedirect, Icmp4Type::kTimeExceeded,
                             Icmp4Type::kParameterProblem};
  for (int i = 0; i < 1'000; ++i) {
    const Icmp4ErrorRepr repr{types[rng.below(5)], any8(rng), any32(rng)};
    const Octets header = emitted(repr);
    EXPECT_EQ(be16(header, 2), 0);
    EXPECT_EQ(Icmp4ErrorRepr::parse(view_of(header)), repr);
  }
}

// IC4-002: every type is an echo, an error, or neither; never two of them.
TEST(Icmp4, EveryTypeHasOneRepr) {
  int echoes = 0;
  int errors = 0;
  for (unsigned type = 0; type < 256; ++type) {
    Octets message = kEcho;
    message[0] = static_cast<std::uint8_t>(type);
    const Icmp4View view = view_of(message);
    const auto echo = Icmp4EchoRepr::parse(view);
    const auto error = Icmp4ErrorRepr::parse(view);
    EXPECT_FALSE(echo && error) << type;
    EXPECT_EQ(error.has_value(), is_error(view.type())) << type;
    echoes += echo ? 1 : 0;
    errors += error ? 1 : 0;
    EXPECT_EQ(!name(view.type()).empty(), echo || error) << type;
  }
  EXPECT_EQ(reason(Icmp4ErrorRepr::parse(view_of(kEcho))), Drop::kIcmpUnknownType);
  EXPECT_EQ(reason(Icmp4EchoRepr::parse(view_of(hex("0300 0000 0000 0000")))),
            Drop::kIcmpUnknownType);
  EXPECT_EQ(echoes, 2);
  EXPECT_EQ(errors, 5);
}

TEST(Icmp4, PrintsOnOneLine) {
  const auto error = [](Icmp4Type type, unsigned code, std::uint32_t rest) {
    return printed(Icmp4ErrorRepr{type, static_cast<std::uint8_t>(code), rest});
  };
  EXPECT_EQ(printed(Icmp4EchoRepr{false, 4660, 43981}), "ICMPv4 echo request id=4660 seq=43981");
  EXPECT_EQ(printed(Icmp4EchoRepr{true, 1, 2}), "ICMPv4 echo reply id=1 seq=2");
  EXPECT_EQ(error(Icmp4Type::kDestinationUnreachable, 3, 0),
            "ICMPv4 destination unreachable (port unreachable)");
  EXPECT_EQ(error(Icmp4Type::kDestinationUnreachable, 4, 1400),
            "ICMPv4 destination unreachable (fragmentation needed) mtu=1400");
  EXPECT_EQ(error(Icmp4Type::kDestinationUnreachable, 16, 0),
            "ICMPv4 destination unreachable code=16");
  EXPECT_EQ(error(Icmp4Type::kTimeExceeded, 1, 0), "ICMPv4 time exceeded code=1");
  EXPECT_EQ(error(Icmp4Type::kParameterProblem, 0, 20u << 24),
            "ICMPv4 parameter problem code=0 pointer=20");
  EXPECT_EQ(error(Icmp4Type::kRedirect, 1, 0x0a000001), "ICMPv4 redirect code=1 gateway=10.0.0.1");
  EXPECT_EQ(error(Icmp4Type::kSourceQuench, 0, 0), "ICMPv4 source quench code=0");
}

TEST(Icmp4Unreachable, EveryAssignedCodeHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  for (std::uint8_t code = 0; code < 16; ++code) {
    names.push_back(name(static_cast<Icmp4Unreachable>(code)));
    EXPECT_FALSE(names.back().empty()) << int{code};
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_TRUE(name(static_cast<Icmp4Unreachable>(16)).empty());
}

}  // namespace
}  // namespace smol
