#include "protocols/wire/ipv4.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

/// A UDP packet's header as in many a textbook: its checksum b861 is known.
const Octets kHeader = hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");

Ip4Repr any_repr(Rng& rng) {
  return {.source = any_v4(rng),
          .destination = any_v4(rng),
          .protocol = static_cast<IpProtocol>(any8(rng)),
          .dscp = static_cast<std::uint8_t>(rng.below(64)),
          .ecn = static_cast<Ecn>(rng.below(4)),
          .ttl = any8(rng),
          .dont_fragment = any_bool(rng),
          .identification = any16(rng),
          .payload_len = static_cast<std::uint16_t>(rng.below(65'516))};
}

/// A header with these options, zero-padded to whole words, and no payload.
Octets with_options(const Octets& options) {
  Octets packet = kHeader + options;
  packet.resize((packet.size() + 3) / 4 * 4);
  packet[0] = static_cast<std::uint8_t>(0x40 | packet.size() / 4);
  put_be16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  return packet;
}

TEST(Ip4View, ReadsTheFields) {
  const Exact packet{kHeader + Octets(95, 0)};
  const auto view = Ip4View::parse(packet, 115);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_len(), 20u);
  EXPECT_EQ(view->total_len(), 115u);
  EXPECT_EQ(view->identification(), 0);
  EXPECT_TRUE(view->dont_fragment());
  EXPECT_FALSE(view->more_fragments());
  EXPECT_FALSE(view->is_fragment());
  EXPECT_EQ(view->ttl(), 64);
  EXPECT_EQ(view->protocol(), IpProtocol::kUdp);
  EXPECT_EQ(view->checksum(), 0xb861);
  EXPECT_TRUE(view->checksum_ok());
  EXPECT_EQ(view->source(), at("192.168.0.1"));
  EXPECT_EQ(view->destination(), at("192.168.0.199"));
  EXPECT_TRUE(view->options().empty());
}

// IP4-014
TEST(Ip4View, TellsDscpFromEcn) {
  Octets packet = with_options({});
  packet[1] = 0xb8 | 3;
  const auto view = Ip4View::parse(packet, packet.size());
  EXPECT_EQ(view->dscp(), 46);
  EXPECT_EQ(view->ecn(), Ecn::kCe);
}

TEST(Ip4View, KnowsAFragmentByOffsetOrMoreFlag) {
  struct Row {
    const char* sentence;
    std::uint16_t field;
    bool fragment;
    bool more;
    std::size_t offset;
  };
  const Row rows[] = {
      {"whole", 0x0000, false, false, 0},
      {"whole, may not be fragmented", 0x4000, false, false, 0},
      {"the reserved bit means nothing", 0x8000, false, false, 0},
      {"first", 0x2000, true, true, 0},
      {"middle", 0x20b9, true, true, 1480},
      {"last", 0x0172, true, false, 2960},
      {"the farthest", 0x1fff, true, false, 65'528},
  };
  for (const Row& row : rows) {
    Octets packet = with_options({});
    put_be16(packet, 6, row.field);
    const auto view = Ip4View::parse(packet, packet.size());
    ASSERT_TRUE(view) << row.sentence;
    EXPECT_EQ(view->is_fragment(), row.fragment) << row.sentence;
    EXPECT_EQ(view->more_fragments(), row.more) << row.sentence;
    EXPECT_EQ(view->fragment_offset(), row.offset) << row.sentence;
  }
}

TEST(Ip4View, RefusesEveryTruncation) {
  const Octets packet = with_options(hex("9404 0000")) + Octets(8, 0xaa);
  Octets whole = packet;
  put_be16(whole, 2, static_cast<std::uint16_t>(whole.size()));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(reason(Ip4View::parse(Exact{Bytes{whole}.first(n)}, n)), Drop::kIp4Truncated) << n;
  }
  EXPECT_TRUE(Ip4View::parse(Exact{whole}, whole.size()));
}

// IP4-001, IP4-004
TEST(Ip4View, RefusesWhatCannotBe) {
  struct Row {
    const char* sentence;
    std::uint8_t first;  ///< version and header length
    std::uint16_t total;
    Drop expected;
  };
  const Row rows[] = {
      {"version 5", 0x55, 24, Drop::kIp4BadVersion},
      {"version 6", 0x65, 24, Drop::kIp4BadVersion},
      {"version 0", 0x05, 24, Drop::kIp4BadVersion},
      {"header of 16 octets", 0x44, 24, Drop::kIp4BadHeaderLength},
      {"header of none", 0x40, 24, Drop::kIp4BadHeaderLength},
      {"header longer than the total length", 0x46, 23, Drop::kIp4BadHeaderLength},
      {"total length below the least header", 0x45, 19, Drop::kIp4BadHeaderLength},
      {"total length zero", 0x45, 0, Drop::kIp4BadHeaderLength},
      {"total length beyond the packet", 0x45, 25, Drop::kIp4Truncated},
      {"header beyond the packet", 0x4f, 60, Drop::kIp4Truncated},
  };
  for (const Row& row : rows) {
    Octets packet = kHeader + Octets(4, 0);
    packet[0] = row.first;
    put_be16(packet, 2, row.total);
    EXPECT_EQ(reason(Ip4View::parse(Exact{packet}, packet.size())), row.expected) << row.sentence;
  }
}

// ETH-005: padding of the link is not the packet's.
TEST(Ip4View, OctetsBeyondTheTotalLengthArePadding) {
  const Octets frame = with_options({}) + Octets(26, 0xff);
  const auto view = Ip4View::parse(frame, frame.size());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->total_len(), 20u);
}

TEST(Ip4View, TheHeaderAloneNeedsToBeContiguous) {
  const Exact head{kHeader};
  EXPECT_TRUE(Ip4View::parse(head, 115));
  EXPECT_EQ(reason(Ip4View::parse(head, 114)), Drop::kIp4Truncated);
  Octets options = with_options(Octets(40, 1));
  EXPECT_EQ(reason(Ip4View::parse(Exact{Bytes{options}.first(56)}, 60)), Drop::kIp4Truncated);
}

// IP4-002
TEST(Ip4View, ADamagedHeaderFailsItsChecksum) {
  for (std::size_t bit = 0; bit < 8 * kHeader.size(); ++bit) {
    Octets packet = kHeader;
    packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ 1u << bit % 8);
    const auto view = Ip4View::parse(packet, 0xffff);
    EXPECT_FALSE(view && view->checksum_ok()) << bit;
  }
}

TEST(Ip4View, TheChecksumCoversTheOptions) {
  Octets packet = with_options(hex("01 01 01 00"));
  put_be16(packet, 10, 0);
  put_be16(packet, 10, internet_sum(packet).checksum());
  EXPECT_TRUE(Ip4View::parse(packet, packet.size())->checksum_ok());
  packet[20] = 0;
  EXPECT_FALSE(Ip4View::parse(packet, packet.size())->checksum_ok());
}

// --- Options
// ----------------------------------------------------------------------------------------

TEST(Ip4Options, AreClassifiedByTheWorstAmongThem) {
  struct Row {
    const char* sentence;
    Octets options;
    Ip4Options expected;
  };
  const Row rows[] = {
      {"none", {}, Ip4Options::kIgnorable},
      {"IP4-020: NOP skips", hex("01 01 01 01"), Ip4Options::kIgnorable},
      {"IP4-020: EOL ends, garbage behind it", hex("00 83 00 00"), Ip4Options::kIgnorable},
      {"IP4-018: unknown, skipped by its length", hex("99 04 aa bb"), Ip4Options::kIgnorable},
      {"IP4-021: record route", hex("07 07 04 00 00 00 00 00"), Ip4Options::kIgnorable},
      {"IP4-023: security", hex("82 0b 00 00 00 00 00 00 00 00 00 00"), Ip4Options::kIgnorable},
      {"router alert", hex("94 04 00 00"), Ip4Options::kIgnorable},
      {"IP4-022: loose source route", hex("83 07 04 0a 00 00 01 00"), Ip4Options::kSourceRoute},
      {"IP4-022: strict source route", hex("89 07 04 0a 00 00 01 00"), Ip4Options::kSourceRoute},
      {"source route behind others", hex("01 94 04 00 00 83 03 04"), Ip4Options::kSourceRoute},
      {"IP4-019: length 0", hex("99 00 00 00"), Ip4Options::kMalformed},
      {"IP4-019: length 1", hex("99 01 00 00"), Ip4Options::kMalformed},
      {"IP4-019: beyond the header", hex("99 05 00 00"), Ip4Options::kMalformed},
      {"IP4-019: no room for a length", hex("01 01 01 99"), Ip4Options::kMalformed},
      {"malformed behind a source route", hex("83 03 04 99 00 00 00 00"), Ip4Options::kMalformed},
      {"as many as there can be", Octets(40, 1), Ip4Options::kIgnorable},
      {"one option of all 40", hex("99 28") + Octets(38, 0xff), Ip4Options::kIgnorable},
  };
  for (const Row& row : rows) {
    const Exact packet{with_options(row.options)};
    const Bytes octets = packet;
    const auto view = Ip4View::parse(packet, octets.size());
    ASSERT_TRUE(view) << row.sentence;
    EXPECT_EQ(classify_options(*view), row.expected) << row.sentence;
  }
}

TEST(Ip4Options, AnyOctetsAreWalkedWithinTheHeader) {
  Rng rng{1};
  for (int i = 0; i < 20'000; ++i) {
    Octets options(4 * rng.below(11));
    for (std::uint8_t& octet : options) {
      octet = static_cast<std::uint8_t>(rng.below(4) == 0 ? any8(rng) : rng.below(8));
    }
    const Exact packet{with_options(options)};
    const Bytes octets = packet;
    classify_options(*Ip4View::parse(packet, octets.size()));  // AddressSanitizer watches
  }
}

// --- Repr
// -------------------------------------------------------------------------------------------

TEST(Ip4Repr, EmitAndParseUndoEachOther) {
  Rng rng{2};
  for (int i = 0; i < 2'000; ++i) {
    const Ip4Repr repr = any_repr(rng);
    const Octets header = emitted(repr);
    const auto view = Ip4View::parse(header, 20u + repr.payload_len);
    ASSERT_TRUE(view);
    EXPECT_EQ(Ip4Repr::parse(*view), repr);
  }
}

// IP4-003
TEST(Ip4Repr, EmitsACorrectChecksum) {
  const Ip4Repr repr{.source = at("192.168.0.1"),
                     .destination = at("192.168.0.199"),
                     .protocol = IpProtocol::kUdp,
                     .payload_len = 0x73 - 20};
  EXPECT_EQ(emitted(repr), kHeader);
  Rng rng{3};
  for (int i = 0; i < 2'000; ++i) {
    EXPECT_TRUE(internet_sum(emitted(any_repr(rng))).verifies());
  }
}

TEST(Ip4Repr, LeavesTheChecksumZeroForADevice) {
  Octets header(20, 0xff);
  Ip4Repr{.source = at("10.0.0.1"), .destination = at("10.0.0.2")}.emit(header, true);
  EXPECT_EQ(be16(header, 10), 0);
}

TEST(Ip4Repr, ReadsPastOptionsToThePayload) {
  const Octets packet = with_options(hex("94 04 00 00"));
  Octets longer = packet + Octets(10, 0);
  put_be16(longer, 2, static_cast<std::uint16_t>(longer.size()));
  EXPECT_EQ(Ip4Repr::parse(*Ip4View::parse(longer, longer.size())).payload_len, 10);
}

TEST(Ip4Repr, PrintsOnOneLine) {
  Ip4Repr repr{.source = at("192.168.69.100"),
               .destination = at("192.168.69.1"),
               .protocol = IpProtocol::kTcp,
               .payload_len = 20};
  EXPECT_EQ(printed(repr), "IPv4 src=192.168.69.100 dst=192.168.69.1 proto=TCP ttl=64 len=20");
  repr.protocol = static_cast<IpProtocol>(253);
  repr.ttl = 1;
  EXPECT_EQ(printed(repr), "IPv4 src=192.168.69.100 dst=192.168.69.1 proto=253 ttl=1 len=20");
}

TEST(IpProtocol, HasTheNamesOfTheRegistry) {
  struct Row {
    std::uint8_t number;
    const char* name;
  };
  const Row rows[] = {{0, "HOPOPT"},      {1, "ICMP"},       {6, "TCP"},     {17, "UDP"},
                      {43, "IPv6-Route"}, {44, "IPv6-Frag"}, {58, "ICMPv6"}, {59, "IPv6-NoNxt"},
                      {60, "IPv6-Opts"},  {2, ""},           {255, ""}};
  for (const Row& row : rows) EXPECT_EQ(name(static_cast<IpProtocol>(row.number)), row.name);
}

}  // namespace
}  // namespace smol
