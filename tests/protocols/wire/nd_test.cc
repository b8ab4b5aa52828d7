#include "protocols/wire/nd.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

const IpAddress kTarget = at("fe80::1");
const MacAddress kMac = mac("02:00:00:00:00:01");

template <class Repr>
Octets message(const Repr& repr) {
  return emitted(repr, repr.message_len());
}

std::optional<MacAddress> any_option(Rng& rng) {
  return any_bool(rng) ? std::optional{any_mac(rng)} : std::nullopt;
}

RouterAdvertRepr any_advert(Rng& rng) {
  RouterAdvertRepr out{.cur_hop_limit = any8(rng),
                       .managed = any_bool(rng),
                       .other_config = any_bool(rng),
                       .router_lifetime = any16(rng),
                       .reachable_time = any32(rng),
                       .retrans_timer = any32(rng),
                       .source_mac = any_option(rng)};
  if (any_bool(rng)) out.mtu = any32(rng);
  for (std::uint32_t n = rng.below(9); n > 0; --n) {
    out.prefixes.push_back({.prefix = IpPrefix{any_v6(rng), rng.below(129)},
                            .on_link = any_bool(rng),
                            .autonomous = any_bool(rng),
                            .valid_lifetime = any32(rng),
                            .preferred_lifetime = any32(rng)});
  }
  return out;
}

// --- What all five have in common
// ---------------------------------------------------------------------

struct Kind {
  const char* name;
  Octets whole;         ///< valid, with a link address option
  std::size_t min_len;  ///< without options (ND-001)
  bool (*takes)(Bytes);
  Drop (*refusal)(Bytes);
};

template <class Repr>
Kind kind(const char* name, const Repr& repr, std::size_t min_len) {
  return {name, message(repr), min_len, [](Bytes b) { return Repr::parse(b).has_value(); },
          [](Bytes b) { return reason(Repr::parse(b)); }};
}

std::vector<Kind> kinds() {
  return {
      kind("NS", NeighborSolicitRepr{kTarget, kMac}, 24),
      kind("NA", NeighborAdvertRepr{.target = kTarget, .target_mac = kMac}, 24),
      kind("RS", RouterSolicitRepr{kMac}, 8),
      kind("RA", RouterAdvertRepr{.source_mac = kMac}, 16),
      kind("Redirect", RedirectRepr{kTarget, at("2001:db8::9"), kMac}, 40),
  };
}

// ND-001
TEST(NeighborDiscovery, EveryTruncationIsRefusedButThatBeforeTheOptions) {
  for (const Kind& k : kinds()) {
    ASSERT_EQ(k.whole.size(), k.min_len + 8) << k.name;
    for (std::size_t n = 0; n < k.whole.size(); ++n) {
      const Exact cut{Bytes{k.whole}.first(n)};
      if (n == k.min_len) {
        EXPECT_TRUE(k.takes(cut)) << k.name;
      } else {
        EXPECT_EQ(k.refusal(cut), Drop::kNdMalformed) << k.name << ' ' << n;
      }
    }
    EXPECT_TRUE(k.takes(Exact{k.whole})) << k.name;
  }
}

// ND-001
TEST(NeighborDiscovery, ACodeOtherThanZeroIsRefused) {
  for (const Kind& k : kinds()) {
    Octets message = k.whole;
    message[1] = 1;
    EXPECT_EQ(k.refusal(message), Drop::kNdMalformed) << k.name;
  }
}

TEST(NeighborDiscovery, AMessageOfAnotherKindIsRefused) {
  for (const Kind& k : kinds()) {
    for (unsigned type = 0; type < 256; ++type) {
      Octets message = k.whole;
      message[0] = static_cast<std::uint8_t>(type);
      EXPECT_EQ(k.takes(message), type == k.whole[0]) << k.name << ' ' << type;
    }
  }
}

// ND-001
TEST(NeighborDiscovery, AnOptionOfAnImpossibleLengthIsRefused) {
  for (const Kind& k : kinds()) {
    const Octets bare{k.whole.begin(), k.whole.begin() + static_cast<std::ptrdiff_t>(k.min_len)};
    struct Row {
      const char* sentence;
      Octets options;
    };
    const Row rows[] = {
        {"length 0", hex("c8 00 000000000000")},
        {"length 0 behind a good one", hex("c8 01 000000000000 c8 00 000000000000")},
        {"beyond the message", hex("c8 02 000000000000")},
        {"far beyond the message", hex("c8 ff 000000000000")},
        {"seven octets left", hex("c8 01 0000000000")},
        {"one octet left", hex("c8")},
        {"link address of two units",
         hex("01 02 020000000001 0000000000000000") + hex("02 02 020000000001 0000000000000000")},
    };
    for (const Row& row : rows) {
      EXPECT_EQ(k.refusal(Exact{bare + row.options}), Drop::kNdMalformed)
          << k.name << ": " << row.sentence;
    }
  }
}

// ND-003
TEST(NeighborDiscovery, UnknownOptionsAreSkippedAndWhatFollowsIsRead) {
  const Octets unknown = hex("c8 01 ffffffffffff 0e 02 00000000000000000000 01020304");
  const Octets bare = message(NeighborSolicitRepr{kTarget, std::nullopt});
  const auto repr = NeighborSolicitRepr::parse(Exact{bare + unknown + hex("01 01 020000000001")});
  ASSERT_TRUE(repr);
  EXPECT_EQ(repr->source_mac, kMac);
}

TEST(NeighborDiscovery, OfTwoLinkAddressesTheFirstCounts) {
  const Octets octets = message(NeighborSolicitRepr{kTarget, kMac}) + hex("01 01 02ffffffffff");
  EXPECT_EQ(NeighborSolicitRepr::parse(octets)->source_mac, kMac);
}

TEST(NeighborDiscovery, ALinkAddressOfTheOtherEndIsNotTaken) {
  const Octets solicit = message(NeighborSolicitRepr{kTarget, std::nullopt});
  EXPECT_FALSE(NeighborSolicitRepr::parse(solicit + hex("02 01 020000000001"))->source_mac);
  const Octets advert = message(NeighborAdvertRepr{.target = kTarget});
  EXPECT_FALSE(NeighborAdvertRepr::parse(advert + hex("01 01 020000000001"))->target_mac);
}

// --- Neighbours
// -------------------------------------------------------------------------------------

TEST(NeighborSolicit, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 1'000; ++i) {
    const NeighborSolicitRepr repr{any_v6(rng), any_option(rng)};
    EXPECT_EQ(NeighborSolicitRepr::parse(Exact{message(repr)}), repr);
  }
}

TEST(NeighborSolicit, HasTheOctetsOfTheStandard) {
  EXPECT_EQ(message(NeighborSolicitRepr{kTarget, kMac}),
            hex("8700 0000 0000 0000 fe80 0000 0000 0000 0000 0000 0000 0001 0101 0200 0000 0001"));
}

// ND-004, ND-008
TEST(NeighborDiscovery, AMulticastOrMappedTargetIsRefused) {
  for (const Octets& target : {hex("ff02 0000 0000 0000 0000 0000 0000 0001"),
                               hex("0000 0000 0000 0000 0000 ffff 0a00 0001")}) {
    for (const Kind& k : kinds()) {
      if (k.min_len < 24) continue;  // no target
      Octets message = k.whole;
      std::copy(target.begin(), target.end(), message.begin() + 8);
      EXPECT_EQ(k.refusal(message), Drop::kNdMalformed) << k.name;
    }
  }
}

TEST(NeighborAdvert, EmitAndParseUndoEachOther) {
  Rng rng{2};
  for (int i = 0; i < 1'000; ++i) {
    const NeighborAdvertRepr repr{any_bool(rng), any_bool(rng), any_bool(rng), any_v6(rng),
                                  any_option(rng)};
    EXPECT_EQ(NeighborAdvertRepr::parse(Exact{message(repr)}), repr);
  }
}

// ND-005
TEST(NeighborAdvert, HasTheFlagsOfTheStandard) {
  struct Row {
    bool router;
    bool solicited;
    bool override_;
    std::uint8_t octet;
  };
  for (const Row& row : {Row{true, false, false, 0x80}, Row{false, true, false, 0x40},
                         Row{false, false, true, 0x20}, Row{true, true, true, 0xe0}}) {
    const Octets octets =
        message(NeighborAdvertRepr{row.router, row.solicited, row.override_, kTarget, kMac});
    EXPECT_EQ(octets[4], row.octet);
    EXPECT_EQ(octets[24], 2);  // a target link address, not a source one
  }
}

TEST(NeighborAdvert, ReservedBitsAreIgnored) {
  Octets octets = message(NeighborAdvertRepr{.solicited = true, .target = kTarget});
  octets[4] |= 0x1f;
  octets[7] = 0xff;
  EXPECT_EQ(NeighborAdvertRepr::parse(octets),
            (NeighborAdvertRepr{.solicited = true, .target = kTarget}));
}

// --- Routers
// ----------------------------------------------------------------------------------------

TEST(RouterSolicit, EmitAndParseUndoEachOther) {
  for (const auto& option : {std::optional<MacAddress>{}, std::optional{kMac}}) {
    const RouterSolicitRepr repr{option};
    EXPECT_EQ(RouterSolicitRepr::parse(Exact{message(repr)}), repr);
  }
  EXPECT_EQ(message(RouterSolicitRepr{kMac}), hex("8500 0000 0000 0000 0101 0200 0000 0001"));
}

TEST(RouterAdvert, EmitAndParseUndoEachOther) {
  Rng rng{3};
  for (int i = 0; i < 2'000; ++i) {
    const RouterAdvertRepr repr = any_advert(rng);
    EXPECT_EQ(RouterAdvertRepr::parse(Exact{message(repr)}), repr);
  }
}

TEST(RouterAdvert, HasTheOctetsOfTheStandard) {
  const RouterAdvertRepr repr{.cur_hop_limit = 64,
                              .managed = true,
                              .router_lifetime = 1800,
                              .reachable_time = 30'000,
                              .retrans_timer = 1'000,
                              .source_mac = kMac,
                              .mtu = 1500,
                              .prefixes = {{.prefix = IpPrefix{at("fdaa::"), 64},
                                            .on_link = true,
                                            .autonomous = true,
                                            .valid_lifetime = 86'400,
                                            .preferred_lifetime = 14'400}}};
  EXPECT_EQ(message(repr),
            hex("8600 0000 40 80 0708 00007530 000003e8"
                "01 01 020000000001"
                "05 01 0000 000005dc"
                "03 04 40 c0 00015180 00003840 00000000 fdaa0000000000000000000000000000"));
}

TEST(RouterAdvert, EveryTruncationIsRefusedOrEndsBetweenOptions) {
  Rng rng{4};
  RouterAdvertRepr repr = any_advert(rng);
  repr.source_mac = kMac;
  repr.mtu = 1500;
  repr.prefixes = {{.prefix = IpPrefix{at("fdaa::"), 64}}, {.prefix = IpPrefix{at("fdbb::"), 64}}};
  const Octets whole = message(repr);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const bool between = n == 16 || n == 24 || n == 32 || n == 64;
    EXPECT_EQ(RouterAdvertRepr::parse(Exact{Bytes{whole}.first(n)}).has_value(), between) << n;
  }
}

TEST(RouterAdvert, BadOptionsAreRefused) {
  const Octets bare = message(RouterAdvertRepr{});
  struct Row {
    const char* sentence;
    Octets option;
  };
  const Row rows[] = {
      {"MTU of two units", hex("05 02 0000 000005dc") + Octets(8, 0)},
      {"prefix of three units", hex("03 03 40 c0") + Octets(20, 0)},
      {"prefix of five units", hex("03 05 40 c0") + Octets(36, 0)},
      {"prefix length 129", hex("03 04 81 c0") + Octets(28, 0)},
      {"prefix length 255", hex("03 04 ff c0") + Octets(28, 0)},
      {"mapped IPv4 prefix",
       hex("03 04 60 c0 00000000 00000000 00000000 00000000000000000000ffff00000000")},
      {"link address of two units", hex("01 02 020000000001") + Octets(8, 0)},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(reason(RouterAdvertRepr::parse(Exact{bare + row.option})), Drop::kNdMalformed)
        << row.sentence;
  }
}

TEST(RouterAdvert, OfTwoMtusTheFirstCounts) {
  const Octets octets = message(RouterAdvertRepr{.mtu = 1400}) + hex("05 01 0000 000005dc");
  EXPECT_EQ(RouterAdvertRepr::parse(octets)->mtu, 1400u);
}

// ND-030
TEST(RouterAdvert, KeepsTheFirstEightPrefixes) {
  Octets octets = message(RouterAdvertRepr{});
  for (unsigned i = 0; i < 40; ++i) {
    Octets option = hex("03 04 40 c0") + Octets(28, 0);
    option[16] = 0xfd;
    option[17] = static_cast<std::uint8_t>(i);
    octets = octets + option;
  }
  const auto repr = RouterAdvertRepr::parse(Exact{octets});
  ASSERT_TRUE(repr);
  ASSERT_EQ(repr->prefixes.size(), 8u);
  EXPECT_EQ(repr->prefixes[0].prefix, *IpPrefix::parse("fd00::/64"));
  EXPECT_EQ(repr->prefixes[7].prefix, *IpPrefix::parse("fd07::/64"));
  octets[octets.size() - 30] = 0xff;  // the last one, which nobody keeps, is bad all the same
  EXPECT_EQ(reason(RouterAdvertRepr::parse(octets)), Drop::kNdMalformed);
}

// --- Redirects
// --------------------------------------------------------------------------------------

TEST(Redirect, EmitAndParseUndoEachOther) {
  Rng rng{5};
  for (int i = 0; i < 1'000; ++i) {
    RedirectRepr repr{kTarget, any_v6(rng), any_option(rng)};
    if (any_bool(rng)) repr.target = repr.destination;
    EXPECT_EQ(RedirectRepr::parse(Exact{message(repr)}), repr);
  }
}

// ND-028: the target is a router, by its link-local address, or the destination itself.
TEST(Redirect, ATargetThatIsNeitherARouterNorTheDestinationIsRefused) {
  EXPECT_EQ(reason(RedirectRepr::parse(
                message(RedirectRepr{at("2001:db8::1"), at("2001:db8::9"), std::nullopt}))),
            Drop::kNdMalformed);
}

TEST(Redirect, AMulticastDestinationIsRefused) {
  EXPECT_EQ(
      reason(RedirectRepr::parse(message(RedirectRepr{kTarget, at("ff02::1"), std::nullopt}))),
      Drop::kNdMalformed);
}

TEST(Redirect, TheRedirectedHeaderIsSkipped) {
  const Octets octets = message(RedirectRepr{kTarget, at("2001:db8::9"), kMac}) +
                        hex("04 06 000000000000") + Octets(40, 0x60);
  EXPECT_EQ(RedirectRepr::parse(Exact{octets}), (RedirectRepr{kTarget, at("2001:db8::9"), kMac}));
}

// --- Text
// -------------------------------------------------------------------------------------------

TEST(NeighborDiscovery, PrintsOnOneLine) {
  EXPECT_EQ(printed(NeighborSolicitRepr{at("fdaa::1"), kMac}),
            "ICMPv6 neighbor solicitation target=fdaa::1 slla=02:00:00:00:00:01");
  EXPECT_EQ(printed(NeighborSolicitRepr{at("fdaa::1"), std::nullopt}),
            "ICMPv6 neighbor solicitation target=fdaa::1");
  EXPECT_EQ(printed(NeighborAdvertRepr{true, true, true, at("fdaa::1"), kMac}),
            "ICMPv6 neighbor advertisement target=fdaa::1 router solicited override "
            "tlla=02:00:00:00:00:01");
  EXPECT_EQ(printed(NeighborAdvertRepr{.target = at("fdaa::1")}),
            "ICMPv6 neighbor advertisement target=fdaa::1");
  EXPECT_EQ(printed(RouterSolicitRepr{kMac}), "ICMPv6 router solicitation slla=02:00:00:00:00:01");
  EXPECT_EQ(printed(RouterAdvertRepr{.cur_hop_limit = 64, .router_lifetime = 1800}),
            "ICMPv6 router advertisement hop_limit=64 lifetime=1800");
  EXPECT_EQ(printed(RouterAdvertRepr{.managed = true,
                                     .other_config = true,
                                     .reachable_time = 1,
                                     .retrans_timer = 2,
                                     .source_mac = kMac,
                                     .mtu = 1500,
                                     .prefixes = {{.prefix = IpPrefix{at("fdaa::"), 64},
                                                   .on_link = true,
                                                   .autonomous = true,
                                                   .valid_lifetime = 3,
                                                   .preferred_lifetime = 4}}}),
            "ICMPv6 router advertisement hop_limit=0 lifetime=0 managed other reachable=1 "
            "retrans=2 slla=02:00:00:00:00:01 mtu=1500 "
            "prefix=fdaa::/64,onlink,auto,valid=3,preferred=4");
  EXPECT_EQ(printed(RedirectRepr{kTarget, at("2001:db8::9"), kMac}),
            "ICMPv6 redirect dst=2001:db8::9 target=fe80::1 tlla=02:00:00:00:00:01");
}

}  // namespace
}  // namespace smol
