#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/wire/tcp.hh"
#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

TcpOptions with_sack(std::uint32_t blocks, TcpOptions out = {}) {
  for (std::uint32_t i = 0; i < blocks; ++i) {
    out.sack.push_back({{1'000 + 20 * i}, {1'010 + 20 * i}});
  }
  return out;
}

FastOpenCookie cookie(const Octets& octets) {
  FastOpenCookie out;
  out.len = static_cast<std::uint8_t>(octets.size());
  copy_bytes(MutBytes{out.octets}.first(octets.size()), octets);
  return out;
}
TcpUserTimeout seconds_out(std::uint16_t seconds) {
  return {false, seconds};
}

Octets emitted(const TcpOptions& options) {
  return smol::emitted(options, options.padded_len());
}

// --- Parsing
// ----------------------------------------------------------------------------------------

// TCP-005
TEST(TcpOptions, ReadsEachKind) {
  struct Row {
    const char* sentence;
    Octets octets;
    TcpOptions expected;
  };
  const TcpTimestamps ts{0x11223344, 0x55667788};
  const Octets ts_octets = hex("08 0a 11223344 55667788");
  const Row rows[] = {
      {"none", {}, {}},
      {"MSS", hex("02 04 05b4"), {.mss = 1460}},
      {"MSS of zero is told as it is", hex("02 04 0000"), {.mss = 0}},
      {"window scale", hex("03 03 07"), {.window_scale = 7}},
      {"window scale above 14 is told as it is", hex("03 03 ff"), {.window_scale = 255}},
      {"SACK permitted", hex("04 02"), {.sack_permitted = true}},
      {"timestamps, the layout of nearly every segment",
       hex("01 01") + ts_octets,
       {.timestamps = ts}},
      {"timestamps elsewhere", ts_octets + hex("01 01"), {.timestamps = ts}},
      {"one SACK block", hex("01 01 05 0a 000003e8 000003f2"), with_sack(1)},
      {"four SACK blocks",
       hex("05 22 000003e8 000003f2 000003fc 00000406 00000410 0000041a 00000424 0000042e"),
       with_sack(4)},
      {"TCP-009: MSS at an odd offset", hex("01 02 04 05b4"), {.mss = 1460}},
      {"TCP-007: unknown kind skipped by its length",
       hex("c8 06 aabbccdd 02 04 05b4"),
       {.mss = 1460}},
      {"TCP-007: unknown kind of two octets", hex("fe 02 04 02"), {.sack_permitted = true}},
      {"TCP-007: unknown kind to the end", hex("fd 0a 0102 0304 0506 0708"), {}},
      {"EOL ends the list", hex("00 02 04 05b4"), {}},
      {"TCP-011: what stands behind EOL is tolerated",
       hex("04 02 00 ff"),
       {.sack_permitted = true}},
      {"NOPs alone", hex("01 01 01 01"), {}},
      {"TCP-260: an MD5 digest", hex("13 12") + Octets(16, 7), {.md5 = true}},
      {"TCP-260: TCP-AO", hex("1d 10 01 02") + Octets(12, 7), {.authentication = true}},
      {"TCP-087: a user timeout in seconds", hex("1c 04 0258"), {.user_timeout = seconds_out(600)}},
      {"TCP-087: a user timeout in minutes",
       hex("1c 04 800a"),
       {.user_timeout = TcpUserTimeout{true, 10}}},
      {"TCP-256: a cookie is asked for", hex("22 02"), {.fast_open = FastOpenCookie{}}},
      {"TCP-256: a cookie of 4", hex("22 06 01020304"), {.fast_open = cookie(hex("01020304"))}},
      {"TCP-256: a cookie of 16",
       hex("22 12 0102030405060708 090a0b0c0d0e0f10"),
       {.fast_open = cookie(hex("0102030405060708 090a0b0c0d0e0f10"))}},
      {"TCP-256: a cookie of 2 is none", hex("22 04 0102"), {}},
      {"TCP-256: an odd cookie is none", hex("22 07 0102030405"), {}},
      {"TCP-256: a cookie of 18 is none", hex("22 14") + Octets(18, 9), {}},
      {"a SYN of Linux",
       hex("02 04 05b4 04 02") + ts_octets + hex("01 03 03 07"),
       {.timestamps = ts, .mss = 1460, .window_scale = 7, .sack_permitted = true}},
  };
  for (const Row& row : rows) {
    const auto options = TcpOptions::parse(Exact{row.octets});
    ASSERT_TRUE(options) << row.sentence;
    EXPECT_EQ(*options, row.expected) << row.sentence;
  }
}

// TCP-008, TRAP-44.
TEST(TcpOptions, AnIllegalLengthIsRefused) {
  struct Row {
    const char* sentence;
    Octets octets;
  };
  const Row rows[] = {
      {"unknown kind, length 0", hex("c8 00 01 01")},
      {"unknown kind, length 1", hex("c8 01 01 01")},
      {"unknown kind, length beyond the header", hex("c8 05 01 01")},
      {"unknown kind, length 255", hex("c8 ff 01 01")},
      {"a kind and no room for its length", hex("01 01 01 c8")},
      {"MSS, length 0", hex("02 00 05b4")},
      {"MSS, length 1", hex("02 01 05b4")},
      {"MSS, length 2", hex("02 02 01 01")},
      {"MSS, length 3", hex("02 03 05 01")},
      {"MSS, length 5", hex("02 05 05b4 01 01 01 01")},
      {"MSS, its value beyond the header", hex("01 01 02 04")},
      {"window scale, length 2", hex("03 02 01 01")},
      {"window scale, length 4", hex("03 04 07 01")},
      {"SACK permitted, length 3", hex("04 03 01 01")},
      {"timestamps, length 8", hex("08 08 000000 010000")},
      {"timestamps, length 9 of the fast layout", hex("01 01 08 09 0000 0001 0000 0002")},
      {"timestamps, length 12", hex("08 0c 0000 0001 0000 0002 0000")},
      {"timestamps beyond the header", hex("08 0a 0000 0001 0000 00")},
      {"SACK without a block", hex("05 02 01 01")},
      {"SACK with half a block", hex("05 06 0000 03e8 01 01")},
      {"SACK with a block and a half", hex("05 0e 000003e8 000003f2 000003fc 01 01")},
      {"SACK with five blocks", hex("05 2a") + Octets(40, 0)},
      {"SACK beyond the header", hex("05 12 000003e8 000003f2 000003fc")},
      {"an MD5 digest, length 17", hex("13 11") + Octets(15, 0)},
      {"TCP-AO, length 3", hex("1d 03 01 01")},
      {"user timeout, length 3", hex("1c 03 01 01")},
      {"user timeout, length 6", hex("1c 06 0001 0001")},
      {"fast open beyond the header", hex("22 0a 01020304")},
      {"bad behind good", hex("02 04 05b4 c8 00 01 01")},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(reason(TcpOptions::parse(Exact{row.octets})), Drop::kTcpBadOption) << row.sentence;
  }
}

// TCP-008
TEST(TcpOptions, LengthZeroIsRefusedAndEndsTheLoop) {
  for (unsigned kind = 2; kind < 256; ++kind) {
    const Octets octets = {static_cast<std::uint8_t>(kind), 0, 1, 1};
    EXPECT_EQ(reason(TcpOptions::parse(Exact{octets})), Drop::kTcpBadOption) << kind;
  }
}

TEST(TcpOptions, OfOneKindTheFirstCounts) {
  const auto options =
      TcpOptions::parse(hex("08 0a 00000001 00000002 08 0a 00000003 00000004 02 04 0001 02 04 0002 "
                            "03 03 01 03 03 02 01 01"));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->timestamps, (TcpTimestamps{1, 2}));
  EXPECT_EQ(options->mss, 1);
  EXPECT_EQ(options->window_scale, 1);
  const auto sack = TcpOptions::parse(hex("05 0a 000003e8 000003f2 05 0a 00000001 00000002"));
  ASSERT_TRUE(sack);
  EXPECT_EQ(*sack, with_sack(1));
}

TEST(TcpOptions, ASecondOfAKindIsStillChecked) {
  EXPECT_EQ(reason(TcpOptions::parse(hex("02 04 05b4 02 03 05 01"))), Drop::kTcpBadOption);
}

TEST(TcpOptions, EveryTruncationIsReadWithinItsOctets) {
  const Octets whole =
      hex("02 04 05b4 04 02 08 0a 11223344 55667788 01 03 03 07 05 0a 000003e8 000003f2");
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const auto options = TcpOptions::parse(Exact{Bytes{whole}.first(n)});
    const bool at_a_border = n == 0 || n == 4 || n == 6 || n == 16 || n == 17 || n == 20 || n == 30;
    EXPECT_EQ(options.has_value(), at_a_border) << n;
  }
}

// --- Emitting
// ---------------------------------------------------------------------------------------

TEST(TcpOptions, EmitsTheLayoutsThatPeersExpect) {
  const TcpTimestamps ts{0x11223344, 0x55667788};
  struct Row {
    const char* sentence;
    TcpOptions options;
    Octets expected;
  };
  const Row rows[] = {
      {"none", {}, {}},
      {"an established segment", {.timestamps = ts}, hex("01 01 08 0a 11223344 55667788")},
      {"a SYN, all in it",
       {.timestamps = ts, .mss = 1460, .window_scale = 7, .sack_permitted = true},
       hex("02 04 05b4 04 02 08 0a 11223344 55667788 01 03 03 07")},
      {"a SYN without SACK",
       {.timestamps = ts, .mss = 1460, .window_scale = 7},
       hex("02 04 05b4 01 01 08 0a 11223344 55667788 01 03 03 07")},
      {"a SYN without timestamps",
       {.mss = 1460, .window_scale = 7, .sack_permitted = true},
       hex("02 04 05b4 01 01 04 02 01 03 03 07")},
      {"a SYN with MSS alone", {.mss = 536}, hex("02 04 0218")},
      {"one SACK block", with_sack(1), hex("01 01 05 0a 000003e8 000003f2")},
      {"a user timeout", {.user_timeout = TcpUserTimeout{true, 3}}, hex("1c 04 8003")},
      {"a request for a cookie", {.fast_open = FastOpenCookie{}}, hex("01 01 22 02")},
      {"a cookie of 8",
       {.fast_open = cookie(hex("1112131415161718"))},
       hex("01 01 22 0a 1112131415161718")},
      {"a cookie of 6, padded with zeros",
       {.fast_open = cookie(hex("111213141516"))},
       hex("01 01 22 08 111213141516 0000")},
      {"a SYN with a cookie of 16, which just fits",
       {.timestamps = ts,
        .mss = 1460,
        .window_scale = 7,
        .sack_permitted = true,
        .fast_open = cookie(Octets(16, 5))},
       hex("02 04 05b4 04 02 08 0a 11223344 55667788 01 03 03 07 01 01 22 12") + Octets(16, 5)},
      {"a digest is never said", {.md5 = true, .authentication = true}, {}},
      {"SACK beside timestamps", with_sack(1, {.timestamps = ts}),
       hex("01 01 08 0a 11223344 55667788 01 01 05 0a 000003e8 000003f2")},
  };
  for (const Row& row : rows) EXPECT_EQ(emitted(row.options), row.expected) << row.sentence;
}

// TCP-211: three SACK blocks beside timestamps, four without.
TEST(TcpOptions, FortyOctetsHoldThreeSackBlocksWithTimestampsAndFourWithout) {
  EXPECT_EQ(with_sack(3, {.timestamps = TcpTimestamps{1, 2}}).padded_len(), 40u);
  EXPECT_EQ(with_sack(4).padded_len(), 36u);
  EXPECT_DEATH((void)with_sack(4, {.timestamps = TcpTimestamps{1, 2}}).padded_len(), "");
}

/// All sets of options there are, but for their values.
std::vector<TcpOptions> all_sets() {
  std::vector<TcpOptions> out;
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (std::uint32_t blocks = 0; blocks <= 4; ++blocks) {
      TcpOptions set;
      if ((bits & 1) != 0) set.mss = 1460;
      if ((bits & 2) != 0) set.window_scale = 7;
      if ((bits & 4) != 0) set.sack_permitted = true;
      if ((bits & 8) != 0) set.timestamps = TcpTimestamps{0x11223344, 0x55667788};
      if ((bits & 16) != 0) set.user_timeout = seconds_out(600);
      if ((bits & 32) != 0) set.fast_open = cookie(hex("0102030405060708"));
      out.push_back(with_sack(blocks, set));
    }
  }
  return out;
}

/// Without any padding.
std::size_t least_len(const TcpOptions& set) {
  return (set.mss ? 4u : 0u) + (set.window_scale ? 3u : 0u) + (set.sack_permitted ? 2u : 0u) +
         (set.timestamps ? 10u : 0u) + (set.user_timeout ? 4u : 0u) +
         (set.fast_open ? 2u + set.fast_open->len : 0u) +
         (set.sack.empty() ? 0u : 2u + 8u * set.sack.size());
}

// TCP-010
TEST(TcpOptions, EverySetThatFitsIsEmittedInPaddedLenAndReadBack) {
  int fitting = 0;
  for (const TcpOptions& set : all_sets()) {
    if (least_len(set) > 40) continue;
    ++fitting;
    const std::size_t len = set.padded_len();
    ASSERT_EQ(len % 4, 0u);
    ASSERT_LE(len, 40u);
    ASSERT_GE(len, least_len(set));
    const auto back = TcpOptions::parse(Exact{emitted(set)});
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, set);
  }
  EXPECT_GT(fitting, 150);  // of 320: the others have more than 40 octets however they are put
}

// Where NOPs would make it too long, it is written without them rather than not at all.
TEST(TcpOptions, ASetThatOnlyFitsWithoutNopsIsWrittenWithoutThem) {
  const TcpOptions set = with_sack(4, {.window_scale = 7, .sack_permitted = true});
  EXPECT_EQ(least_len(set), 39u);
  EXPECT_EQ(set.padded_len(), 40u);
  const Octets octets = emitted(set);
  EXPECT_EQ(octets.back(), 0);  // TCP-011: the end of the list is zero
  EXPECT_EQ(TcpOptions::parse(octets), set);
}

TEST(TcpOptions, RandomValuesAreReadBack) {
  Rng rng{1};
  const std::vector<TcpOptions> sets = all_sets();
  for (int i = 0; i < 5'000; ++i) {
    TcpOptions set = sets[rng.below(static_cast<std::uint32_t>(sets.size()))];
    if (least_len(set) > 40) continue;
    if (set.mss) set.mss = any16(rng);
    if (set.window_scale) set.window_scale = any8(rng);
    if (set.timestamps) set.timestamps = TcpTimestamps{any32(rng), any32(rng)};
    if (set.user_timeout) {
      set.user_timeout =
          TcpUserTimeout{rng.below(2) == 0, static_cast<std::uint16_t>(rng.below(1 << 15))};
    }
    for (SackBlock& block : set.sack) block = {{any32(rng)}, {any32(rng)}};
    EXPECT_EQ(TcpOptions::parse(Exact{emitted(set)}), set);
  }
}

// Whatever comes from a wire can be said again: nothing that parse() returns is too long.
TEST(TcpOptions, WhatParseReturnsCanBeEmitted) {
  Rng rng{2};
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    Octets octets(4 * rng.below(11));
    for (std::uint8_t& octet : octets) {
      octet = static_cast<std::uint8_t>(rng.below(3) == 0 ? any8(rng) : rng.below(11));
    }
    const auto options = TcpOptions::parse(Exact{octets});
    if (!options) continue;
    ++taken;
    ASSERT_LE(options->padded_len(), 40u);
    TcpOptions said = *options;
    said.md5 = said.authentication = false;  // never said
    ASSERT_EQ(TcpOptions::parse(emitted(*options)), said);
  }
  EXPECT_GT(taken, 1'000);
}

TEST(TcpOptions, TimestampsAloneMeansNothingElse) {
  for (const TcpOptions& set : all_sets()) {
    EXPECT_EQ(set.timestamps_alone(), set.timestamps && least_len(set) == 10);
  }
}

TEST(TcpOptions, EqualityLooksAtEveryOption) {
  const std::vector<TcpOptions> sets = all_sets();
  for (std::size_t a = 0; a < sets.size(); ++a) {
    for (std::size_t b = 0; b < sets.size(); ++b) EXPECT_EQ(sets[a] == sets[b], a == b);
  }
  EXPECT_FALSE((TcpOptions{.md5 = true}) == TcpOptions{});
  EXPECT_FALSE((TcpOptions{.authentication = true}) == TcpOptions{});
  EXPECT_FALSE((TcpOptions{.fast_open = FastOpenCookie{}}) == TcpOptions{});
  TcpOptions other = with_sack(2);
  other.sack[1].right += 1;
  EXPECT_FALSE(other == with_sack(2));
}

}  // namespace
}  // namespace smol
