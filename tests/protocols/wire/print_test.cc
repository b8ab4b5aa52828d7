#include "protocols/wire/print.hh"

#include <string>

#include <gtest/gtest.h>

#include "protocols/base/checksum.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/nd.hh"
#include "protocols/wire/tcp_repr.hh"
#include "protocols/wire/udp.hh"
#include "tests/protocols/wire/octets.hh"

namespace smol {
namespace {

std::string frame_text(const Octets& frame) {
  Text<kMaxPrinted> out;
  print_frame(out, Exact{frame});
  EXPECT_FALSE(out.truncated());
  return std::string{out.view()};
}

std::string ip_text(Bytes packet) {
  Text<kMaxPrinted> out;
  print_ip(out, Exact{packet});
  EXPECT_FALSE(out.truncated());
  return std::string{out.view()};
}

// --- Building packets with good checksums
// -----------------------------------------------------------

const IpAddress kSource = at("10.0.0.1");
const IpAddress kDestination = at("10.0.0.2");
const IpAddress kSource6 = at("fdaa::1");
const IpAddress kDestination6 = at("fdaa::2");

Octets ethernet(EtherType type, const Octets& payload) {
  return emitted(EthernetRepr{mac("02:00:00:00:00:02"), mac("02:00:00:00:00:01"), type}) + payload;
}

Octets ip4(IpProtocol protocol, const Octets& payload) {
  return emitted(Ip4Repr{.source = kSource,
                         .destination = kDestination,
                         .protocol = protocol,
                         .payload_len = static_cast<std::uint16_t>(payload.size())}) +
         payload;
}

Octets ip6(IpProtocol protocol, const Octets& payload) {
  return emitted(Ip6Repr{.source = kSource6,
                         .destination = kDestination6,
                         .next_header = protocol,
                         .payload_len = static_cast<std::uint16_t>(payload.size())}) +
         payload;
}

/// Fills the checksum at `offset` in, over a pseudo-header of the family; none for ICMPv4.
Octets summed(Octets message, std::size_t offset, IpProtocol protocol, bool version6 = false) {
  InternetSum sum = internet_sum(message);
  if (protocol != IpProtocol::kIcmp) {
    sum.add(pseudo_header_sum(
        version6 ? kSource6 : kSource, version6 ? kDestination6 : kDestination,
        static_cast<std::uint8_t>(protocol), static_cast<std::uint32_t>(message.size())));
  }
  put_be16(message, offset, sum.checksum());
  return message;
}

const TcpRepr kTcp{.src_port = 49500,
                   .dst_port = 80,
                   .seq = {1},
                   .ack = SeqNumber{2},
                   .window = 64240,
                   .options = {.timestamps = TcpTimestamps{3, 4}}};

Octets tcp(bool version6 = false) {
  return summed(emitted(kTcp) + Octets(5, 'x'), 16, IpProtocol::kTcp, version6);
}
Octets udp(bool version6 = false) {
  return summed(emitted(UdpRepr{53, 1024, 3}) + Octets(3, 'x'), 6, IpProtocol::kUdp, version6);
}
Octets echo() {
  return summed(emitted(Icmp4EchoRepr{false, 4660, 43981}) + Octets(4, 'x'), 2, IpProtocol::kIcmp);
}
Octets icmp6(const Octets& message) {
  return summed(message, 2, IpProtocol::kIcmp6, true);
}

const std::string kEthernetLine = "EthernetII src=02:00:00:00:00:01 dst=02:00:00:00:00:02 type=";
const std::string kIp4Line = "IPv4 src=10.0.0.1 dst=10.0.0.2 proto=";
const std::string kIp6Line = "IPv6 src=fdaa::1 dst=fdaa::2 nxt_hdr=";

// --- Trees
// ------------------------------------------------------------------------------------------

TEST(PrintFrame, ArpIsTwoLines) {
  const ArpRepr arp{ArpOperation::kRequest, mac("02:00:00:00:00:01"), kSource, {}, kDestination};
  EXPECT_EQ(frame_text(ethernet(EtherType::kArp, emitted(arp, ArpRepr::packet_len()))),
            kEthernetLine +
                "ARP\n"
                "\\ ARP op=Request src=02:00:00:00:00:01/10.0.0.1 tgt=00:00:00:00:00:00/10.0.0.2");
}

TEST(PrintFrame, EachLayerIsIndentedByOneMore) {
  EXPECT_EQ(frame_text(ethernet(EtherType::kIp4, ip4(IpProtocol::kIcmp, echo()))),
            kEthernetLine + "IPv4\n\\ " + kIp4Line +
                "ICMP ttl=64 len=12\n"
                " \\ ICMPv4 echo request id=4660 seq=43981 len=4");
}

TEST(PrintIp, TcpAndUdpOverBothFamilies) {
  EXPECT_EQ(ip_text(ip4(IpProtocol::kTcp, tcp())),
            kIp4Line +
                "TCP ttl=64 len=37\n"
                "\\ TCP src=49500 dst=80 seq=1 ack=2 win=64240 tsval=3 tsecr=4 len=5");
  EXPECT_EQ(ip_text(ip6(IpProtocol::kTcp, tcp(true))),
            kIp6Line +
                "TCP hop_limit=64 len=37\n"
                "\\ TCP src=49500 dst=80 seq=1 ack=2 win=64240 tsval=3 tsecr=4 len=5");
  EXPECT_EQ(ip_text(ip4(IpProtocol::kUdp, udp())),
            kIp4Line + "UDP ttl=64 len=11\n\\ UDP src=53 dst=1024 len=3");
  EXPECT_EQ(ip_text(ip6(IpProtocol::kUdp, udp(true))),
            kIp6Line + "UDP hop_limit=64 len=11\n\\ UDP src=53 dst=1024 len=3");
}

TEST(PrintIp, NeighborDiscovery) {
  const auto line = [](const auto& repr) {
    const std::string text =
        ip_text(ip6(IpProtocol::kIcmp6, icmp6(emitted(repr, repr.message_len()))));
    return text.substr(text.find('\n') + 1);
  };
  const MacAddress m = mac("02:00:00:00:00:01");
  EXPECT_EQ(line(NeighborSolicitRepr{kSource6, m}),
            "\\ ICMPv6 neighbor solicitation target=fdaa::1 slla=02:00:00:00:00:01");
  EXPECT_EQ(line(NeighborAdvertRepr{.target = kSource6}),
            "\\ ICMPv6 neighbor advertisement target=fdaa::1");
  EXPECT_EQ(line(RouterSolicitRepr{}), "\\ ICMPv6 router solicitation");
  EXPECT_EQ(line(RouterAdvertRepr{}), "\\ ICMPv6 router advertisement hop_limit=0 lifetime=0");
  EXPECT_EQ(line(RedirectRepr{kSource6, kSource6, {}}),
            "\\ ICMPv6 redirect dst=fdaa::1 target=fdaa::1");
}

TEST(PrintIp, MalformedNeighborDiscoveryNamesTheDrop) {
  Octets solicit = emitted(NeighborSolicitRepr{at("ff02::1"), {}}, 24);
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kIcmp6, icmp6(solicit))).ends_with("\n\\ (nd_malformed)"));
}

TEST(PrintIp, OtherIcmpTypesByNameOrNumber) {
  const auto v4 = [](unsigned type) {
    Octets message = hex("0000 0000 0000 0000 0000");
    message[0] = static_cast<std::uint8_t>(type);
    return ip_text(ip4(IpProtocol::kIcmp, summed(message, 2, IpProtocol::kIcmp)));
  };
  const auto v6 = [](unsigned type) {
    Octets message = hex("0000 0000 0000 0000 0000");
    message[0] = static_cast<std::uint8_t>(type);
    return ip_text(ip6(IpProtocol::kIcmp6, icmp6(message)));
  };
  EXPECT_TRUE(v4(13).ends_with("\\ ICMPv4 type=13 code=0 len=2"));
  EXPECT_TRUE(v4(0).ends_with("\\ ICMPv4 echo reply id=0 seq=0 len=2"));
  EXPECT_TRUE(v6(129).ends_with("\\ ICMPv6 echo reply id=0 seq=0 len=2"));
  EXPECT_TRUE(v6(143).ends_with("\\ ICMPv6 multicast listener report v2 len=2"));
  EXPECT_TRUE(v6(200).ends_with("\\ ICMPv6 type=200 code=0 len=2"));
}

// --- Quotes
// -----------------------------------------------------------------------------------------

TEST(PrintIp, AnErrorNestsThePacketItQuotes) {
  Octets quote = ip4(IpProtocol::kUdp, udp());
  const Octets error =
      summed(emitted(Icmp4ErrorRepr{Icmp4Type::kDestinationUnreachable, 3, 0}) + quote, 2,
             IpProtocol::kIcmp);
  EXPECT_EQ(ip_text(ip4(IpProtocol::kIcmp, error)),
            kIp4Line +
                "ICMP ttl=64 len=39\n"
                "\\ ICMPv4 destination unreachable (port unreachable)\n"
                " \\ " +
                kIp4Line +
                "UDP ttl=64 len=11\n"
                "  \\ UDP src=53 dst=1024 len=3");
}

// IC4-003: 8 octets behind the header are the least that is quoted; they hold the ports.
TEST(PrintIp, AQuoteOfEightOctetsShowsThePorts) {
  Octets quote = ip4(IpProtocol::kTcp, tcp());
  quote.resize(28);
  const Octets error =
      summed(emitted(Icmp4ErrorRepr{Icmp4Type::kTimeExceeded, 0, 0}) + quote, 2, IpProtocol::kIcmp);
  EXPECT_TRUE(
      ip_text(ip4(IpProtocol::kIcmp, error)).ends_with("\n  \\ TCP src=49500 dst=80 seq=1"));
  quote.resize(27);
  const Octets shorter =
      summed(emitted(Icmp4ErrorRepr{Icmp4Type::kTimeExceeded, 0, 0}) + quote, 2, IpProtocol::kIcmp);
  EXPECT_TRUE(ip_text(ip4(IpProtocol::kIcmp, shorter)).ends_with("\n  \\ (tcp_truncated)"));
}

TEST(PrintIp, ACutQuoteHasNoChecksumToVerify) {
  Octets quote = ip6(IpProtocol::kTcp, tcp(true));
  quote.resize(quote.size() - 1);
  const Octets error = icmp6(emitted(Icmp6ErrorRepr{Icmp6Type::kPacketTooBig, 0, 1280}) + quote);
  EXPECT_EQ(ip_text(ip6(IpProtocol::kIcmp6, error)),
            kIp6Line +
                "ICMPv6 hop_limit=64 len=84\n"
                "\\ ICMPv6 packet too big mtu=1280\n"
                " \\ " +
                kIp6Line +
                "TCP hop_limit=64 len=37\n"
                "  \\ TCP src=49500 dst=80 seq=1 ack=2 win=64240 tsval=3 tsecr=4 len=5");
}

TEST(PrintIp, ErrorsAboutErrorsEndSomewhere) {
  Octets packet = ip4(IpProtocol::kUdp, udp());
  for (int i = 0; i < 40; ++i) {
    packet = ip4(IpProtocol::kIcmp,
                 summed(emitted(Icmp4ErrorRepr{Icmp4Type::kTimeExceeded, 0, 0}) + packet, 2,
                        IpProtocol::kIcmp));
  }
  const std::string text = ip_text(packet);
  EXPECT_EQ(std::ranges::count(text, '\n'), 12);
  EXPECT_TRUE(text.ends_with("\n           \\ ..."));
}

// --- Checksums
// --------------------------------------------------------------------------------------

TEST(PrintIp, AWrongChecksumIsSaidOnItsLayersLine) {
  struct Row {
    const char* sentence;
    Octets packet;
    std::size_t damaged;  ///< the octet that is changed
    const char* line;     ///< the one that must say so, and the only one
  };
  const Row rows[] = {
      {"IPv4 header", ip4(IpProtocol::kIcmp, echo()), 8, "IPv4"},
      {"ICMPv4", ip4(IpProtocol::kIcmp, echo()), 31, "ICMPv4"},
      {"TCP over IPv4", ip4(IpProtocol::kTcp, tcp()), 56, "TCP"},
      {"TCP over IPv6", ip6(IpProtocol::kTcp, tcp(true)), 76, "TCP"},
      {"UDP over IPv4", ip4(IpProtocol::kUdp, udp()), 30, "UDP"},
      {"UDP over IPv6", ip6(IpProtocol::kUdp, udp(true)), 50, "UDP"},
      {"the pseudo-header of IPv6", ip6(IpProtocol::kUdp, udp(true)), 23, "UDP"},
      {"ICMPv6 echo", ip6(IpProtocol::kIcmp6, icmp6(emitted(Icmp6EchoRepr{}))), 45, "ICMPv6"},
      {"neighbour discovery",
       ip6(IpProtocol::kIcmp6, icmp6(emitted(NeighborSolicitRepr{kSource6, {}}, 24))), 60,
       "ICMPv6"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ip_text(row.packet).find("incorrect"), std::string::npos) << row.sentence;
    Octets damaged = row.packet;
    damaged[row.damaged] ^= 0x40;
    const std::string text = ip_text(damaged);
    std::size_t said = 0;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      const std::string line = text.substr(from, end - from);
      if (line.ends_with(" (checksum incorrect)")) {
        ++said;
        EXPECT_NE(line.find(row.line), std::string::npos) << row.sentence << ": " << line;
      }
      from = end + 1;
    }
    EXPECT_EQ(said, 1u) << row.sentence << '\n' << text;
  }
}

TEST(PrintIp, AWrongIcmpErrorStillShowsItsQuote) {
  const Octets error =
      emitted(Icmp4ErrorRepr{Icmp4Type::kTimeExceeded, 0, 0}) + ip4(IpProtocol::kUdp, udp());
  const std::string text = ip_text(ip4(IpProtocol::kIcmp, error));
  EXPECT_NE(text.find("time exceeded code=0 (checksum incorrect)\n \\ IPv4"), std::string::npos);
}

// UDP-003, UDP-004
TEST(PrintIp, AUdpChecksumOfZeroIsNoneInIp4AndWrongInIp6) {
  Octets message = udp();
  put_be16(message, 6, 0);
  EXPECT_TRUE(ip_text(ip4(IpProtocol::kUdp, message)).ends_with(" len=3"));
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kUdp, message)).ends_with(" len=3 (checksum incorrect)"));
}

// UDP-001: what lies beyond the UDP length is no part of the sum.
TEST(PrintIp, UdpIsSummedToItsOwnLength) {
  EXPECT_TRUE(ip_text(ip4(IpProtocol::kUdp, udp() + Octets(9, 0xff))).ends_with(" len=3"));
}

// ETH-005
TEST(PrintFrame, PaddingIsNoPartOfAnything) {
  const Octets packet = ip4(IpProtocol::kTcp, tcp());
  EXPECT_EQ(frame_text(ethernet(EtherType::kIp4, packet + Octets(9, 0xff))),
            frame_text(ethernet(EtherType::kIp4, packet)));
}

// --- Fragments and extension headers
// ----------------------------------------------------------------

TEST(PrintIp, OnlyTheFirstFragmentShowsItsTransport) {
  Octets packet = ip4(IpProtocol::kUdp, udp());
  const auto as_fragment = [&](std::uint16_t field) {
    put_be16(packet, 4, 7);
    put_be16(packet, 6, field);
    put_be16(packet, 10, 0);
    put_be16(packet, 10, internet_sum(Bytes{packet}.first(20)).checksum());
    return ip_text(packet);
  };
  EXPECT_EQ(as_fragment(0x2000), kIp4Line +
                                     "UDP ttl=64 len=11 id=7 offset=0 more\n"
                                     "\\ UDP src=53 dst=1024 len=3");
  EXPECT_EQ(as_fragment(0x20b9), kIp4Line + "UDP ttl=64 len=11 id=7 offset=1480 more");
  EXPECT_EQ(as_fragment(0x0172), kIp4Line + "UDP ttl=64 len=11 id=7 offset=2960");
  packet[30] ^= 1;
  EXPECT_EQ(as_fragment(0x2000).find("incorrect"), std::string::npos);
}

TEST(PrintIp, ExtensionHeadersAreLayers) {
  const Octets chain = hex("3c 00 0104 0000 0000") + hex("2b 00 0104 0000 0000") +
                       hex("2c 00 0000 0000 0000") + hex("11 00 0000 0000 0007");
  EXPECT_EQ(ip_text(ip6(IpProtocol::kHopByHop, chain + udp(true))),
            kIp6Line +
                "HOPOPT hop_limit=64 len=43\n"
                "\\ HOPOPT nxt_hdr=IPv6-Opts len=8\n"
                " \\ IPv6-Opts nxt_hdr=IPv6-Route len=8\n"
                "  \\ IPv6-Route nxt_hdr=IPv6-Frag len=8\n"
                "   \\ IPv6-Frag nxt_hdr=UDP id=7 offset=0\n"
                "    \\ UDP src=53 dst=1024 len=3");
}

TEST(PrintIp, ALaterIp6FragmentEndsTheTree) {
  EXPECT_EQ(ip_text(ip6(IpProtocol::kFragment, hex("11 00 05a9 0000 0007") + udp(true))),
            kIp6Line +
                "IPv6-Frag hop_limit=64 len=19\n"
                "\\ IPv6-Frag nxt_hdr=UDP id=7 offset=1448 more");
}

// IP6-022: the final destination is not in the header while segments are left.
TEST(PrintIp, ARoutedPacketsChecksumIsNotJudged) {
  Octets message = udp(true);
  message[7] ^= 1;
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kRouting, hex("11 00 0001 0000 0000") + message))
                  .ends_with(" len=3"));
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kRouting, hex("11 00 0000 0000 0000") + message))
                  .ends_with(" (checksum incorrect)"));
}

TEST(PrintIp, AnExtensionHeaderBeyondThePacketIsRefused) {
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kHopByHop, hex("11 01 0104 0000 0000")))
                  .ends_with("\n\\ (ip6_truncated)"));
  EXPECT_TRUE(ip_text(ip6(IpProtocol::kDestinationOptions, hex("11 00 01")))
                  .ends_with("\n\\ (ip6_truncated)"));
  EXPECT_TRUE(
      ip_text(ip6(IpProtocol::kFragment, hex("11 00 01"))).ends_with("\n\\ (ip6_truncated)"));
}

// IP6-011
TEST(PrintIp, NothingFollowsNoNextHeader) {
  EXPECT_EQ(ip_text(ip6(IpProtocol::kNoNextHeader, Octets(9, 0xff))),
            kIp6Line + "IPv6-NoNxt hop_limit=64 len=9");
}

TEST(PrintIp, ExtensionHeadersMeanNothingInIp4) {
  EXPECT_EQ(ip_text(ip4(IpProtocol::kHopByHop, hex("11 00 0104 0000 0000"))),
            kIp4Line + "HOPOPT ttl=64 len=8");
}

// --- VLANs and odd frames
// ---------------------------------------------------------------------------

TEST(PrintFrame, AVlanTagIsALayer) {
  EXPECT_EQ(frame_text(ethernet(EtherType::kVlan, hex("6007 0800") + ip4(IpProtocol::kUdp, udp()))),
            kEthernetLine +
                "VLAN\n"
                "\\ VLAN id=7 pcp=3 type=IPv4\n"
                " \\ " +
                kIp4Line +
                "UDP ttl=64 len=11\n"
                "  \\ UDP src=53 dst=1024 len=3");
  EXPECT_TRUE(
      frame_text(ethernet(EtherType::kVlan, hex("6007 08"))).ends_with("\n\\ (eth_truncated)"));
}

// ETH-001, ETH-002
TEST(PrintFrame, UnknownTypesEndTheTreeAndLengthsAreNamed) {
  EXPECT_EQ(frame_text(ethernet(static_cast<EtherType>(0x88b5), Octets(20, 1))),
            kEthernetLine + "0x88b5");
  EXPECT_EQ(frame_text(ethernet(static_cast<EtherType>(0x0026), Octets(38, 0xaa))),
            kEthernetLine + "0x0026\n\\ (eth_llc)");
}

// --- Malformed layers
// -------------------------------------------------------------------------------

TEST(PrintFrame, AMalformedLayerIsTheNameOfItsDrop) {
  struct Row {
    const char* sentence;
    Octets frame;
    const char* end;
  };
  Octets bad_source = ethernet(EtherType::kArp, {});
  bad_source[6] |= 1;
  Octets bad_flags = emitted(kTcp);
  bad_flags[13] = 0;
  const Row rows[] = {
      {"nothing", {}, "(eth_truncated)"},
      {"half an Ethernet header", Octets(7, 2), "(eth_truncated)"},
      {"group source", bad_source, "(eth_bad_source)"},
      {"no ARP", ethernet(EtherType::kArp, {}), "ARP\n\\ (arp_truncated)"},
      {"other ARP", ethernet(EtherType::kArp, Octets(28, 0)), "ARP\n\\ (arp_unsupported)"},
      {"no IPv4", ethernet(EtherType::kIp4, {}), "IPv4\n\\ (ip4_truncated)"},
      {"IPv6 as IPv4", ethernet(EtherType::kIp4, ip6(IpProtocol::kUdp, {})),
       "\n\\ (ip4_bad_version)"},
      {"IPv4 as IPv6", ethernet(EtherType::kIp6, ip4(IpProtocol::kUdp, Octets(30, 0))),
       "\n\\ (ip6_bad_version)"},
      {"no TCP", ethernet(EtherType::kIp4, ip4(IpProtocol::kTcp, Octets(19, 0))),
       "(tcp_truncated)"},
      {"TCP offset", ethernet(EtherType::kIp4, ip4(IpProtocol::kTcp, Octets(20, 0))),
       "(tcp_bad_offset)"},
      {"TCP flags", ethernet(EtherType::kIp4, ip4(IpProtocol::kTcp, bad_flags)), "(tcp_bad_flags)"},
      {"no UDP", ethernet(EtherType::kIp4, ip4(IpProtocol::kUdp, Octets(7, 0))), "(udp_truncated)"},
      {"no ICMPv4", ethernet(EtherType::kIp4, ip4(IpProtocol::kIcmp, Octets(7, 0))),
       "(icmp_truncated)"},
      {"no ICMPv6", ethernet(EtherType::kIp6, ip6(IpProtocol::kIcmp6, Octets(7, 0))),
       "(icmp_truncated)"},
  };
  for (const Row& row : rows) {
    EXPECT_TRUE(frame_text(row.frame).ends_with(row.end)) << row.sentence << '\n'
                                                          << frame_text(row.frame);
  }
}

TEST(PrintIp, TheVersionChoosesTheFamilyAndNonsenseIsIp4s) {
  EXPECT_EQ(ip_text({}), "(ip4_truncated)");
  EXPECT_EQ(ip_text(Octets(60, 0x00)), "(ip4_bad_version)");
  EXPECT_EQ(ip_text(Octets(8, 0x60)), "(ip6_truncated)");
}

// --- Bounds
// -----------------------------------------------------------------------------------------

TEST(PrintFrame, EveryTruncationPrintsWithinItsOctets) {
  const Octets quote = ip4(IpProtocol::kTcp, tcp());
  const Octets frames[] = {
      ethernet(EtherType::kIp4,
               ip4(IpProtocol::kIcmp,
                   emitted(Icmp4ErrorRepr{Icmp4Type::kDestinationUnreachable, 3, 0}) + quote)),
      ethernet(EtherType::kIp6,
               ip6(IpProtocol::kIcmp6, emitted(NeighborSolicitRepr{kSource6, MacAddress{}}, 32))),
      ethernet(EtherType::kVlan, hex("0007 0800") + ip4(IpProtocol::kUdp, udp())),
  };
  for (const Octets& frame : frames) {
    for (std::size_t n = 0; n <= frame.size(); ++n) {
      frame_text({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n)});
      if (n > 14) ip_text(Bytes{frame}.subspan(14).first(n - 14));
    }
  }
}

TEST(PrintFrame, AFullAdvertisementFits) {
  RouterAdvertRepr advert{.cur_hop_limit = 255,
                          .managed = true,
                          .other_config = true,
                          .router_lifetime = 65'535,
                          .reachable_time = 0xffffffff,
                          .retrans_timer = 0xffffffff,
                          .source_mac = MacAddress::broadcast(),
                          .mtu = 0xffffffff};
  while (!advert.prefixes.full()) {
    advert.prefixes.push_back(
        {.prefix = IpPrefix{at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 128},
         .on_link = true,
         .autonomous = true,
         .valid_lifetime = 0xffffffff,
         .preferred_lifetime = 0xffffffff});
  }
  Octets tags;
  for (int i = 0; i < 9; ++i) tags = tags + hex("ffff 8100");
  tags.back() = 0x00;
  tags[tags.size() - 2] = 0x86;
  tags.back() = 0xdd;
  const std::string text = frame_text(ethernet(
      EtherType::kVlan, tags + ip6(IpProtocol::kIcmp6, emitted(advert, advert.message_len()))));
  EXPECT_NE(text.find("preferred=4294967295 (checksum incorrect)"), std::string::npos) << text;
}

TEST(PrintFrame, AShortBufferIsFilledAndNoMore) {
  const Octets frame = ethernet(EtherType::kIp4, ip4(IpProtocol::kTcp, tcp()));
  const std::string whole = frame_text(frame);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    std::vector<char> memory(n);
    TextWriter out{memory};
    print_frame(out, frame);
    ASSERT_EQ(out.view(), std::string_view{whole}.substr(0, n));
    ASSERT_TRUE(out.truncated());
  }
}

}  // namespace
}  // namespace smol
