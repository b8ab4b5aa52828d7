#include "protocols/icmp/quote.hh"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/tcp_repr.hh"
#include "protocols/wire/udp.hh"
#include "tests/protocols/wire/octets.hh"

namespace smol::icmp {
namespace {

constexpr IpAddress kUs4 = IpAddress::v4(10, 0, 0, 1);
constexpr IpAddress kThem4 = IpAddress::v4(192, 0, 2, 9);
constexpr IpAddress kUs6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1);
constexpr IpAddress kThem6 = IpAddress::v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);

/// A TCP segment of ours as it left, 20 octets of header.
Octets tcp_header() {
  TcpRepr tcp;
  tcp.src_port = 40'000;
  tcp.dst_port = 80;
  tcp.seq = SeqNumber{0x01020304};
  tcp.ack = SeqNumber{77};
  return emitted(tcp);
}
Octets udp_header() {
  return emitted(UdpRepr{5000, 53, 4}) + Octets{1, 2, 3, 4};
}
Octets ip4(IpProtocol protocol, const Octets& payload) {
  Ip4Repr ip;
  ip.source = kUs4;
  ip.destination = kThem4;
  ip.protocol = protocol;
  ip.payload_len = static_cast<std::uint16_t>(payload.size());
  return emitted(ip) + payload;
}
Octets ip6(IpProtocol protocol, const Octets& payload) {
  Ip6Repr ip;
  ip.source = kUs6;
  ip.destination = kThem6;
  ip.next_header = protocol;
  ip.payload_len = static_cast<std::uint16_t>(payload.size());
  return emitted(ip) + payload;
}

// IC4-011, TCP-142: who sent it, to whom, and where in the stream.
TEST(IcmpQuote, NamesTheSocketThatSentThePacket) {
  const std::optional<Quote> tcp4 = parse_quote(ip4(IpProtocol::kTcp, tcp_header()));
  ASSERT_TRUE(tcp4);
  EXPECT_EQ(tcp4->source, (IpEndpoint{kUs4, 40'000}));
  EXPECT_EQ(tcp4->destination, (IpEndpoint{kThem4, 80}));
  EXPECT_EQ(tcp4->protocol, IpProtocol::kTcp);
  EXPECT_EQ(tcp4->seq, SeqNumber{0x01020304});

  const std::optional<Quote> udp6 = parse_quote(ip6(IpProtocol::kUdp, udp_header()));
  ASSERT_TRUE(udp6);
  EXPECT_EQ(udp6->source, (IpEndpoint{kUs6, 5000}));
  EXPECT_EQ(udp6->destination, (IpEndpoint{kThem6, 53}));
  EXPECT_EQ(udp6->protocol, IpProtocol::kUdp);

  EXPECT_EQ(parse_quote(ip6(IpProtocol::kTcp, tcp_header()))->seq, SeqNumber{0x01020304});
  EXPECT_EQ(parse_quote(ip4(IpProtocol::kUdp, udp_header()))->source.port, 5000);
}

// What an ICMP socket is found by.
TEST(IcmpQuote, NamesTheEchoRequest) {
  const std::optional<Quote> echo4 =
      parse_quote(ip4(IpProtocol::kIcmp, {8, 0, 0xab, 0xcd, 0x12, 0x34, 0x56, 0x78}));
  ASSERT_TRUE(echo4);
  EXPECT_EQ(echo4->protocol, IpProtocol::kIcmp);
  EXPECT_EQ(echo4->source.address, kUs4);
  EXPECT_EQ(echo4->destination.address, kThem4);
  EXPECT_EQ(echo4->identifier, 0x1234);
  EXPECT_EQ(echo4->sequence, 0x5678);
  const std::optional<Quote> echo6 =
      parse_quote(ip6(IpProtocol::kIcmp6, {128, 0, 0xab, 0xcd, 0x12, 0x34, 0x56, 0x78}));
  ASSERT_TRUE(echo6);
  EXPECT_EQ(echo6->protocol, IpProtocol::kIcmp6);
  EXPECT_EQ(echo6->identifier, 0x1234);
  EXPECT_EQ(echo6->sequence, 0x5678);
}

// RFC 792: the header and eight octets are all that a router has to send back. IC4-012.
TEST(IcmpQuote, EightOctetsBehindTheHeaderAreEnoughAndFewerAreNot) {
  for (const bool v4 : {true, false}) {
    const Octets whole =
        v4 ? ip4(IpProtocol::kTcp, tcp_header()) : ip6(IpProtocol::kTcp, tcp_header());
    const std::size_t enough = (v4 ? 20u : 40u) + 8;
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      const Exact cut{Bytes{whole}.first(n)};
      EXPECT_EQ(parse_quote(cut).has_value(), n >= enough) << n << (v4 ? " of IPv4" : " of IPv6");
    }
  }
}

TEST(IcmpQuote, LooksBehindIpv4Options) {
  Octets packet = ip4(IpProtocol::kTcp, tcp_header());
  packet[0] = 0x46;
  packet.insert(packet.begin() + 20, {1, 1, 1, 0});
  EXPECT_EQ(parse_quote(packet)->source.port, 40'000);
  for (std::size_t n = 0; n < 32; ++n) {
    EXPECT_FALSE(parse_quote(Exact{Bytes{packet}.first(n)})) << n;
  }
}

struct BadRow {
  const char* fact;
  Octets octets;
};

// IC4-012, IC4-013, IC6-004.
TEST(IcmpQuote, RefusesWhatNamesNoSocket) {
  Octets later_fragment = ip4(IpProtocol::kUdp, udp_header());
  later_fragment[7] = 185;
  Octets bad_version = ip4(IpProtocol::kTcp, tcp_header());
  bad_version[0] = 0x55;
  Octets bad_length = ip4(IpProtocol::kTcp, tcp_header());
  bad_length[0] = 0x44;
  Octets long_header = ip4(IpProtocol::kTcp, tcp_header());
  long_header[0] = 0x4f;
  const BadRow rows[] = {
      {"nothing", {}},
      {"a later fragment", later_fragment},
      {"version 5", bad_version},
      {"a header of 16 octets", bad_length},
      {"a header beyond the packet", long_header},
      {"an echo reply", ip4(IpProtocol::kIcmp, Octets(16, 0))},
      {"an ICMPv6 echo reply", ip6(IpProtocol::kIcmp6, {129, 0, 0, 0, 0, 1, 0, 2})},
      {"an ICMP error", ip4(IpProtocol::kIcmp, {3, 0, 0, 0, 0, 1, 0, 2})},
      {"a request of the other family", ip4(IpProtocol::kIcmp6, {128, 0, 0, 0, 0, 1, 0, 2})},
      {"a request of the other family, in IPv6", ip6(IpProtocol::kIcmp, {8, 0, 0, 0, 0, 1, 0, 2})},
      {"a request's first seven octets", ip4(IpProtocol::kIcmp, {8, 0, 0, 0, 0, 1, 0})},
      {"an extension header", ip6(IpProtocol::kDestinationOptions, Octets(64, 0))},
  };
  for (const BadRow& row : rows) EXPECT_FALSE(parse_quote(Exact{row.octets})) << row.fact;
}

// The first fragment has the ports.
TEST(IcmpQuote, AFirstFragmentNamesItsSocket) {
  Octets first = ip4(IpProtocol::kUdp, udp_header());
  first[6] = 0x20;
  EXPECT_EQ(parse_quote(first)->source.port, 5000);
}

TEST(IcmpQuote, SurvivesAnyOctets) {
  Rng rng{11};
  for (int i = 0; i < 200'000; ++i) {
    Octets octets(rng.below(80));
    for (std::uint8_t& octet : octets) octet = any8(rng);
    if (!octets.empty() && rng.below(2) == 0) octets[0] = rng.below(2) == 0 ? 0x45 : 0x60;
    static_cast<void>(parse_quote(Exact{octets}));
  }
}

}  // namespace
}  // namespace smol::icmp
