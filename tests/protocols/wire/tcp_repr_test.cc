#include "protocols/wire/tcp_repr.hh"

#include <gtest/gtest.h>

#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

constexpr std::uint8_t kFin = TcpFlags::kFin;
constexpr std::uint8_t kSyn = TcpFlags::kSyn;
constexpr std::uint8_t kRst = TcpFlags::kRst;
constexpr std::uint8_t kPsh = TcpFlags::kPsh;
constexpr std::uint8_t kAck = TcpFlags::kAck;
constexpr std::uint8_t kUrg = TcpFlags::kUrg;
constexpr std::uint8_t kEce = TcpFlags::kEce;
constexpr std::uint8_t kCwr = TcpFlags::kCwr;

/// A segment with these flags and no options.
Octets segment(unsigned flags) {
  Octets out = hex("c15c 0050 0102 0304 0506 0708 5000 faf0 0000 0000");
  out[13] = static_cast<std::uint8_t>(flags);
  return out;
}

Result<TcpRepr> parse(const Octets& octets) {
  const Exact head{octets};
  const auto view = TcpView::parse(head);
  EXPECT_TRUE(view);
  return TcpRepr::parse(*view);
}

TcpRepr any_repr(Rng& rng) {
  constexpr TcpControl kControls[] = {TcpControl::kNone, TcpControl::kFin, TcpControl::kSyn,
                                      TcpControl::kRst,  TcpControl::kPsh, TcpControl::kFinPsh};
  TcpRepr out{.src_port = static_cast<std::uint16_t>(1 + rng.below(65'535)),
              .dst_port = static_cast<std::uint16_t>(1 + rng.below(65'535)),
              .seq = {any32(rng)},
              .control = kControls[rng.below(6)],
              .window = any16(rng)};
  if (out.control == TcpControl::kNone || any_bool(rng)) out.ack = SeqNumber{any32(rng)};
  if (any_bool(rng)) out.urgent = any16(rng);
  out.ece = any_bool(rng);
  out.cwr = any_bool(rng);
  if (any_bool(rng)) out.options.timestamps = TcpTimestamps{any32(rng), any32(rng)};
  if (out.control == TcpControl::kSyn) {
    if (any_bool(rng)) out.options.mss = any16(rng);
    if (any_bool(rng)) out.options.window_scale = any8(rng);
    out.options.sack_permitted = any_bool(rng);
  } else {
    for (std::uint32_t n = rng.below(4); n > 0; --n) {
      out.options.sack.push_back({{any32(rng)}, {any32(rng)}});
    }
  }
  return out;
}

TEST(TcpRepr, EmitAndParseUndoEachOther) {
  Rng rng{1};
  for (int i = 0; i < 20'000; ++i) {
    const TcpRepr repr = any_repr(rng);
    const Octets header = emitted(repr);
    ASSERT_EQ(header.size() % 4, 0u);
    const auto back = parse(header);
    ASSERT_TRUE(back);
    ASSERT_EQ(*back, repr);
  }
}

TEST(TcpRepr, EmitsTheHeaderOfTheStandard) {
  const TcpRepr ack{.src_port = 49500,
                    .dst_port = 80,
                    .seq = {0x01020304},
                    .ack = SeqNumber{0x05060708},
                    .window = 64240,
                    .options = {.timestamps = TcpTimestamps{1, 2}}};
  EXPECT_EQ(emitted(ack), hex("c15c 0050 0102 0304 0506 0708 8010 faf0 0000 0000"
                              "0101 080a 0000 0001 0000 0002"));
  const TcpRepr syn{.src_port = 49500,
                    .dst_port = 80,
                    .seq = {1},
                    .control = TcpControl::kSyn,
                    .window = 64240,
                    .options = {.mss = 1460}};
  EXPECT_EQ(emitted(syn), hex("c15c 0050 0000 0001 0000 0000 6002 faf0 0000 0000 0204 05b4"));
}

// The common layout has a path of its own; it must say the same as the other.
TEST(TcpRepr, TheTimestampsOnlyPathWritesWhatTheGeneralOneDoes) {
  Rng rng{2};
  for (int i = 0; i < 1'000; ++i) {
    TcpRepr alone = any_repr(rng);
    alone.options = TcpOptions{.timestamps = TcpTimestamps{any32(rng), any32(rng)}};
    TcpRepr with_mss = alone;
    with_mss.options.mss = 1460;
    const Octets longer = emitted(with_mss);
    Octets general{longer.begin(), longer.begin() + 20};
    general.insert(general.end(), longer.begin() + 24, longer.end());  // without the MSS
    general[12] = 0x80;
    ASSERT_EQ(emitted(alone), general);
  }
}

// TCP-014. All 32 ways to set the five flags that count, with and without the ones that do not.
TEST(TcpRepr, FlagsThatMakeNoSenseTogetherAreRefused) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const bool syn = (flags & kSyn) != 0;
    const bool fin = (flags & kFin) != 0;
    const bool rst = (flags & kRst) != 0;
    const bool none = (flags & (kSyn | kFin | kRst | kPsh | kAck)) == 0;
    const auto repr = parse(segment(flags));
    if ((syn && fin) || (syn && rst) || (fin && rst) || none) {
      EXPECT_EQ(reason(repr), Drop::kTcpBadFlags) << flags;
    } else {
      EXPECT_TRUE(repr) << flags;
    }
  }
}

TEST(TcpRepr, FlagsBecomeOneControl) {
  struct Row {
    const char* sentence;
    unsigned flags;
    TcpControl control;
    bool ack;
  };
  const Row rows[] = {
      {"ACK", kAck, TcpControl::kNone, true},
      {"PSH ACK", kPsh | kAck, TcpControl::kPsh, true},
      {"PSH alone", kPsh, TcpControl::kPsh, false},
      {"FIN ACK", kFin | kAck, TcpControl::kFin, true},
      {"FIN PSH ACK", kFin | kPsh | kAck, TcpControl::kFinPsh, true},
      {"FIN without ACK can be said; the machine drops it", kFin, TcpControl::kFin, false},
      {"SYN", kSyn, TcpControl::kSyn, false},
      {"SYN ACK", kSyn | kAck, TcpControl::kSyn, true},
      {"PSH beside SYN is let go", kSyn | kPsh, TcpControl::kSyn, false},
      {"RST", kRst, TcpControl::kRst, false},
      {"RST ACK", kRst | kAck, TcpControl::kRst, true},
      {"PSH beside RST is let go", kRst | kPsh | kAck, TcpControl::kRst, true},
      {"URG beside ACK", kUrg | kAck, TcpControl::kNone, true},
      {"ECE and CWR beside SYN", kEce | kCwr | kSyn, TcpControl::kSyn, false},
  };
  for (const Row& row : rows) {
    const auto repr = parse(segment(row.flags));
    ASSERT_TRUE(repr) << row.sentence;
    EXPECT_EQ(repr->control, row.control) << row.sentence;
    EXPECT_EQ(repr->ack.has_value(), row.ack) << row.sentence;
    if (row.ack) {
      EXPECT_EQ(repr->ack->raw, 0x05060708u) << row.sentence;
    }
  }
}

TEST(TcpRepr, PortZeroIsRefused) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{2}}) {
    Octets octets = segment(kAck);
    put_be16(octets, at, 0);
    EXPECT_EQ(reason(parse(octets)), Drop::kTcpBadPort) << at;
  }
}

TEST(TcpRepr, ABadOptionIsRefused) {
  Octets octets = segment(kAck) + hex("c8 00 01 01");
  octets[12] = 0x60;
  EXPECT_EQ(reason(parse(octets)), Drop::kTcpBadOption);
}

// TCP-006: MSS and the like are told in any segment; whether they count is the machine's business.
TEST(TcpRepr, TellsOptionsInEverySegment) {
  Octets octets = segment(kAck) + hex("02 04 0064");
  octets[12] = 0x60;
  const auto repr = parse(octets);
  ASSERT_TRUE(repr);
  EXPECT_EQ(repr->options.mss, 100);
}

// TCP-001
TEST(TcpRepr, TheWindowIsUnsigned) {
  Octets octets = segment(kAck);
  put_be16(octets, 14, 0xffff);
  EXPECT_EQ(parse(octets)->window, 65'535);
}

// TCP-013
TEST(TcpRepr, SendsTheReservedBitsZero) {
  Rng rng{3};
  for (int i = 0; i < 1'000; ++i) {
    const Octets header = emitted(any_repr(rng));
    EXPECT_EQ(header[12] & 0x0f, 0);
    EXPECT_EQ(be16(header, 16), 0u);  // checksum
  }
}

// TCP-123: the pointer means nothing without its flag, and is zero there.
TEST(TcpRepr, UrgentPointerGoesWithItsFlag) {
  Octets octets = segment(kUrg | kAck);
  put_be16(octets, 18, 0x1234);
  EXPECT_EQ(parse(octets)->urgent, 0x1234);
  octets[13] = kAck;
  EXPECT_EQ(parse(octets)->urgent, 0);
  const Octets with =
      emitted(TcpRepr{.src_port = 1, .dst_port = 2, .ack = SeqNumber{3}, .urgent = 7});
  EXPECT_EQ(with[13], kUrg | kAck);
  EXPECT_EQ(be16(with, 18), 7u);
  const Octets without = emitted(TcpRepr{.src_port = 1, .dst_port = 2, .ack = SeqNumber{3}});
  EXPECT_EQ(without[13], kAck);
  EXPECT_EQ(be16(without, 18), 0u);
}

// TCP-126
TEST(TcpRepr, EcnFlagsAreFlagsOfTheirOwn) {
  const auto repr = parse(segment(kEce | kAck));
  EXPECT_TRUE(repr->ece);
  EXPECT_FALSE(repr->cwr);
  EXPECT_EQ(emitted(TcpRepr{.src_port = 1, .dst_port = 2, .ack = SeqNumber{3}, .cwr = true})[13],
            kCwr | kAck);
}

TEST(TcpRepr, EveryTruncationOfTheHeaderIsRefused) {
  Rng rng{4};
  for (int i = 0; i < 200; ++i) {
    const Octets header = emitted(any_repr(rng));
    for (std::size_t n = 0; n < header.size(); ++n) {
      EXPECT_FALSE(TcpView::parse(Exact{Bytes{header}.first(n)})) << n;
    }
  }
}

TEST(TcpRepr, PrintsOnOneLine) {
  TcpRepr repr{.src_port = 49500,
               .dst_port = 80,
               .seq = {1},
               .ack = SeqNumber{2},
               .control = TcpControl::kSyn,
               .window = 64240,
               .options = {.timestamps = TcpTimestamps{1, 0},
                           .mss = 1460,
                           .window_scale = 7,
                           .sack_permitted = true}};
  EXPECT_EQ(printed(repr),
            "TCP src=49500 dst=80 syn seq=1 ack=2 win=64240 mss=1460 ws=7 sACK tsval=1 tsecr=0");
  repr.options = TcpOptions{.sack = {{{10}, {20}}, {{30}, {40}}}};
  repr.ack.reset();
  repr.control = TcpControl::kFinPsh;
  EXPECT_EQ(printed(repr), "TCP src=49500 dst=80 fin psh seq=1 win=64240 sack=10:20,30:40");
  repr.options = {};
  repr.control = TcpControl::kRst;
  EXPECT_EQ(printed(repr), "TCP src=49500 dst=80 rst seq=1 win=64240");
  repr.control = TcpControl::kNone;
  EXPECT_EQ(printed(repr), "TCP src=49500 dst=80 seq=1 win=64240");
}

}  // namespace
}  // namespace smol
