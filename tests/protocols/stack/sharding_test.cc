// Whose a frame is: the hash that devices compute, and what of a frame it is taken over.

#include "protocols/stack/sharding.hh"

#include <array>
#include <set>

#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

constexpr std::uint16_t kPatterns[] = {0x6d5a, 0x1f35, 0xb2c3, 0x0001};

/// As the specification has it: for each bit of the input that is set, the 32 bits of the key from
/// there on.
std::uint32_t toeplitz(Bytes key, Bytes input) {
  std::uint32_t hash = 0;
  for (std::size_t bit = 0; bit < 8 * input.size(); ++bit) {
    if ((input[bit / 8] & (0x80 >> bit % 8)) == 0) continue;
    for (std::size_t i = 0; i < 32; ++i) {
      const std::size_t at = bit + i;
      if ((key[at / 8] & (0x80 >> at % 8)) != 0) hash ^= 0x8000'0000u >> i;
    }
  }
  return hash;
}

std::uint16_t fold(Bytes input) {
  std::uint16_t word = 0;
  for (std::size_t at = 0; at < input.size(); at += 2) word ^= be16(input, at);
  return word;
}

TEST(FlowHash, IsTheToeplitzHashThatDevicesCompute) {
  for (const std::uint16_t pattern : kPatterns) {
    const FlowHash hash{pattern};
    std::array<std::uint8_t, 52> key{};
    hash.write_key(key);
    for (unsigned round = 0; round < 200; ++round) {
      const Octets ip4 = smol::pattern(12, round * 7);
      const Octets ip6 = smol::pattern(36, round * 11);
      EXPECT_EQ(hash(fold(ip4)), toeplitz(key, ip4));
      EXPECT_EQ(hash(fold(ip6)), toeplitz(key, ip6));
    }
  }
}

TEST(FlowHash, TellsAllWordsApartWhateverThePattern) {
  for (unsigned pattern = 0; pattern < 0x10000; pattern += 997) {
    const FlowHash hash{static_cast<std::uint16_t>(pattern)};
    std::vector<bool> seen(0x10000);
    for (unsigned word = 0; word < 0x10000; ++word) {
      const std::uint32_t low = hash(static_cast<std::uint16_t>(word)) & 0xffff;
      ASSERT_FALSE(seen[low]) << "pattern " << pattern << ", word " << word;
      seen[low] = true;
    }
  }
}

const IpEndpoint kClient4{kPeer4, 40'001};
const IpEndpoint kServer4{kOwn4, 80};
const IpEndpoint kClient6{kPeer6, 40'002};
const IpEndpoint kServer6{kOwn6, 80};

unsigned owner_of(const Sharding& sharding, const Octets& octets) {
  const Steer steer = smol::steer(octets);
  EXPECT_TRUE(steer.by == Steer::By::kFlow || steer.by == Steer::By::kUdpPort);
  return sharding.owner_of_word(steer.word);
}

TEST(Sharding, BothDirectionsOfAFlowHaveOneOwner) {
  const Sharding sharding{7, 0, FlowHash{0x2f53}};
  TcpRepr ack;
  std::set<unsigned> owners;
  for (std::uint16_t port = 1; port < 400; ++port) {
    const IpEndpoint there{kFar6, port};
    const unsigned owner = sharding.owner(kServer6, there);
    EXPECT_EQ(owner, sharding.owner(there, kServer6));
    EXPECT_EQ(owner, owner_of(sharding, tcp_frame(there, kServer6, ack)));
    EXPECT_EQ(owner, owner_of(sharding, tcp_frame(kServer6, there, ack)));
    owners.insert(owner);
    const IpEndpoint there4{kFar4, port};
    EXPECT_EQ(sharding.owner(kServer4, there4),
              owner_of(sharding, udp_frame(there4, kServer4, {1})));
  }
  EXPECT_EQ(owners.size(), 7u) << "all workers have a share";
}

TEST(Sharding, SharesAreEven) {
  for (const unsigned workers : {2u, 3u, 4u, 8u}) {
    const Sharding sharding{workers, 0, FlowHash{0x2f53}};
    std::vector<unsigned> flows(workers);
    for (unsigned word = 0; word < 0x10000; ++word) {
      ++flows[sharding.owner_of_word(static_cast<std::uint16_t>(word))];
    }
    for (const unsigned share : flows) {
      EXPECT_NEAR(share, 65'536.0 / workers, 65'536.0 / Sharding::kBuckets);
    }
  }
}

TEST(Sharding, OneWorkerOwnsEverything) {
  const Sharding alone;
  EXPECT_FALSE(alone.is_shared());
  EXPECT_TRUE(alone.owns(kServer4, kClient4));
  EXPECT_TRUE(alone.is_home(3));
  EXPECT_EQ(alone.owner_of_identifier(77), 0u);
}

TEST(Steer, UdpIsAlsoByItsPort) {
  const Steer steer = smol::steer(udp_frame(kClient4, kServer4, {1, 2}));
  EXPECT_EQ(steer.by, Steer::By::kUdpPort);
  EXPECT_EQ(steer.port, 80);
}

TEST(Steer, TagsAreSteppedOver) {
  const Octets plain = tcp_frame(kClient6, kServer6, {});
  Octets tagged = plain;
  const Octets tags = {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6};
  tagged.insert(tagged.begin() + 12, tags.begin(), tags.end());
  EXPECT_EQ(smol::steer(tagged).by, Steer::By::kFlow);
  EXPECT_EQ(smol::steer(tagged).word, smol::steer(plain).word);
}

TEST(Steer, FragmentsOfADatagramMeet) {
  Octets first = udp_frame(kClient4, kServer4, pattern(64));
  put_be16(first, 14 + 4, 0x1234);
  put_be16(first, 14 + 6, 0x2000);
  Octets second = first;
  put_be16(second, 14 + 6, 8);
  put_be16(second, 14 + 20, 0xffff);  // no ports any more
  EXPECT_EQ(smol::steer(first).by, Steer::By::kFlow);
  EXPECT_EQ(smol::steer(first).word, smol::steer(second).word);
  Octets other = second;
  put_be16(other, 14 + 4, 0x1235);
  EXPECT_NE(smol::steer(other).word, smol::steer(second).word);
}

TEST(Steer, FragmentsOfIp6MeetByIdentification) {
  const auto fragment = [](std::uint16_t offset, std::uint32_t id, const Octets& rest) {
    Octets header = {17, 0, 0, 0, 0, 0, 0, 0};
    put_be16(header, 2, offset);
    put_be32(header, 4, id);
    return ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kFragment, header + rest));
  };
  const Steer first = smol::steer(fragment(1, 0xabcd'0001, {1, 2, 3, 4}));
  EXPECT_EQ(first.by, Steer::By::kFlow);
  EXPECT_EQ(first.word, smol::steer(fragment(9, 0xabcd'0001, {9, 9, 9, 9})).word);
  EXPECT_NE(first.word, smol::steer(fragment(1, 0xabcd'0002, {1, 2, 3, 4})).word);
}

TEST(Steer, ExtensionHeadersAreSteppedOver) {
  const Octets segment = tcp_segment(kClient6, kServer6, {});
  const Octets options = {6, 0, 1, 4, 0, 0, 0, 0};
  const Octets with =
      ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kDestinationOptions, options + segment));
  EXPECT_EQ(smol::steer(with).word, smol::steer(tcp_frame(kClient6, kServer6, {})).word);
  Octets endless;
  for (int i = 0; i < 9; ++i) endless = endless + Octets{60, 0, 1, 4, 0, 0, 0, 0};
  EXPECT_EQ(
      smol::steer(ip_frame(ip_packet(kPeer6, kOwn6, IpProtocol::kDestinationOptions, endless))).by,
      Steer::By::kHome);
}

TEST(Steer, ErrorsGoWhereThePacketThatTheyQuoteCameFrom) {
  // We sent to the far end; a router complains.
  const Octets ours = tcp_frame(kServer4, kClient4, {});
  const Octets quoted{ours.begin() + 14, ours.end()};
  const Octets error = ip_frame(ip_packet(kRouter4, kOwn4, IpProtocol::kIcmp,
                                          icmp_message(kRouter4, kOwn4, 3, 4, 1400, quoted)));
  EXPECT_EQ(smol::steer(error).by, Steer::By::kFlow);
  EXPECT_EQ(smol::steer(error).word, smol::steer(ours).word);

  const Octets datagram = udp_frame(kServer6, kClient6, {1});
  const Octets quoted6{datagram.begin() + 14, datagram.end()};
  const Octets error6 = ip_frame(ip_packet(kRouter6, kOwn6, IpProtocol::kIcmp6,
                                           icmp_message(kRouter6, kOwn6, 2, 0, 1280, quoted6)));
  EXPECT_EQ(smol::steer(error6).by, Steer::By::kUdpPort);
  EXPECT_EQ(smol::steer(error6).word, smol::steer(datagram).word);
  EXPECT_EQ(smol::steer(error6).port, 80)
      << "ours, which the error does not have in its own header";

  const Octets ping = echo_request(kOwn4, kPeer4, {1, 2, 3});
  const Octets quoted_ping{ping.begin() + 14, ping.end()};
  const Steer unreachable = smol::steer(ip_frame(ip_packet(
      kRouter4, kOwn4, IpProtocol::kIcmp, icmp_message(kRouter4, kOwn4, 3, 1, 0, quoted_ping))));
  EXPECT_EQ(unreachable.by, Steer::By::kIdentifier);
  EXPECT_EQ(unreachable.word, 0x1234);
}

TEST(Steer, EchoRepliesGoByTheirIdentifierAndRequestsHome) {
  for (const bool v4 : {true, false}) {
    const IpAddress from = v4 ? kPeer4 : kPeer6;
    const IpAddress to = v4 ? kOwn4 : kOwn6;
    const IpProtocol protocol = v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6;
    const auto reply = static_cast<std::uint8_t>(v4 ? 0 : 129);
    const Steer steer = smol::steer(
        ip_frame(ip_packet(from, to, protocol, icmp_message(from, to, reply, 0, 0x00070001, {}))));
    EXPECT_EQ(steer.by, Steer::By::kIdentifier);
    EXPECT_EQ(steer.word, 7);
    EXPECT_EQ(smol::steer(echo_request(from, to, {})).by, Steer::By::kHome);
  }
}

TEST(Steer, WhatIsNobodysFlowGoesHome) {
  const IpEndpoint group4{IpAddress::v4(224, 0, 0, 251), 5353};
  const IpEndpoint group6{IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 0xfb), 5353};
  EXPECT_EQ(smol::steer(arp_request(kOwn4)).by, Steer::By::kHome);
  EXPECT_EQ(smol::steer(neighbor_solicit(kOwn6)).by, Steer::By::kHome);
  EXPECT_EQ(smol::steer(udp_frame({kPeer4, 5353}, group4, {1})).by, Steer::By::kHome);
  EXPECT_EQ(smol::steer(udp_frame({kPeer6, 5353}, group6, {1})).by, Steer::By::kHome);
  EXPECT_EQ(smol::steer(Octets(60)).by, Steer::By::kHome);
}

TEST(Steer, WhatIsCutShortGoesHomeAndIsNotReadBeyond) {
  const Octets icmp_error = ip_frame(
      ip_packet(kRouter4, kOwn4, IpProtocol::kIcmp,
                icmp_message(kRouter4, kOwn4, 3, 4, 1400, tcp_segment(kServer4, kClient4, {}))));
  for (const Octets& whole :
       {tcp_frame(kClient4, kServer4, {}), tcp_frame(kClient6, kServer6, {}), icmp_error}) {
    for (std::size_t octets = 0; octets < 14 + 20 + 4; ++octets) {
      const std::unique_ptr<std::uint8_t[]> exact{new std::uint8_t[octets + 1]};
      std::copy_n(whole.begin(), octets, exact.get());
      EXPECT_EQ(smol::steer({exact.get(), octets}).by, Steer::By::kHome) << octets;
    }
  }
}

}  // namespace
}  // namespace smol
