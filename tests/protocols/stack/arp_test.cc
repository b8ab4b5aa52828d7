// ARP, the receiving side: RFC 826, RFC 5227.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class ArpTest : public StackTest {};

constexpr MacAddress kOtherMac{{2, 0, 0, 0, 0, 0x99}};

// ARP-004.
TEST_F(ArpTest, AnswersARequestForItsOwnAddress) {
  host.receive(arp_request(kOwn4));
  const Frame reply = host.only_sent();
  EXPECT_THAT(reply, AllOf(link_to(kPeerMac), link_from(kOwnMac), arp_reply_from(kOwn4, kOwnMac)));
  EXPECT_EQ(reply.arp->target_mac, kPeerMac);
  EXPECT_EQ(reply.arp->target_ip, kPeer4);
  EXPECT_EQ(counters().arp_in.value(), 1u);
  EXPECT_EQ(counters().arp_replies_out.value(), 1u);
}

// ARP-003: who asks for us will want an answer.
TEST_F(ArpTest, LearnsWhoAsksForIt) {
  host.receive(arp_request(kOwn4));
  ASSERT_NE(neighbor(kPeer4), nullptr);
  EXPECT_EQ(neighbor(kPeer4)->mac, kPeerMac);
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kStale);
}

// ARP-003, ARP-005.
TEST_F(ArpTest, NeitherAnswersNorLearnsWhatGoesOnBetweenOthers) {
  host.receive(arp_request(IpAddress::v4(10, 0, 0, 5)));
  EXPECT_EQ(host.only_dropped(), Drop::kArpNotForUs);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(neighbor(kPeer4), nullptr);
}

TEST_F(ArpTest, DoesNotAnswerForBroadcastOrGroupAddresses) {
  for (const IpAddress& target :
       {IpAddress::v4(10, 0, 0, 255), IpAddress::v4(0xffff'ffff), IpAddress::v4(224, 0, 0, 1)}) {
    host.receive(arp_request(target));
    EXPECT_EQ(host.only_dropped(), Drop::kArpNotForUs);
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// ARP-002: a broadcast for a third party tells of a new link address.
TEST_F(ArpTest, RefreshesAKnownNeighborFromAnyRequest) {
  introduce(kPeer4);
  host.receive(arp_request(IpAddress::v4(10, 0, 0, 5), kPeer4, kOtherMac));
  EXPECT_EQ(neighbor(kPeer4)->mac, kOtherMac);
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kStale);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_THAT(host.dropped(), IsEmpty());
}

// ARP-020.
TEST_F(ArpTest, TakesAnnouncementsWithoutAnswering) {
  introduce(kPeer4);
  host.receive(arp_request(kPeer4, kPeer4, kOtherMac));
  EXPECT_EQ(neighbor(kPeer4)->mac, kOtherMac);
  host.receive(arp_reply(kPeer4, kPeerMac, kPeer4));
  EXPECT_EQ(neighbor(kPeer4)->mac, kPeerMac);
  EXPECT_EQ(neighbor(kPeer4)->state, NeighborState::kStale) << "nobody asked: no reachability";
  EXPECT_THAT(host.sent(), IsEmpty());
}

// ARP-012.
TEST_F(ArpTest, AnUnsolicitedReplyMakesNoEntry) {
  host.receive(arp_reply());
  EXPECT_EQ(neighbor(kPeer4), nullptr);
  EXPECT_EQ(host.stack->network().neighbors().size(), 0u);
}

// ARP-001.
TEST_F(ArpTest, DropsOtherHardwareProtocolsAndOperations) {
  struct Row {
    std::size_t at;
    std::uint8_t value;
  };
  for (const Row& row :
       {Row{15, 6}, Row{17, 1}, Row{18, 8}, Row{19, 16}, Row{21, 0}, Row{21, 3}, Row{21, 8}}) {
    Octets bad = arp_request(kOwn4);
    bad[row.at] = row.value;
    host.receive(bad);
    EXPECT_EQ(host.only_dropped(), Drop::kArpUnsupported) << row.at;
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// ARP-005, ARP-011: senders that no host can be, and ourselves.
TEST_F(ArpTest, DropsWhatNoHostCanHaveSent) {
  struct Row {
    const char* fact;
    MacAddress mac;
    IpAddress ip;
  };
  const Row rows[] = {
      {"a broadcast link address", MacAddress::broadcast(), kPeer4},
      {"a group link address", {{1, 0, 0x5e, 0, 0, 1}}, kPeer4},
      {"our own link address", kOwnMac, kPeer4},
      {"no link address", {}, kPeer4},
      {"a group", kPeerMac, IpAddress::v4(224, 0, 0, 5)},
      {"broadcast", kPeerMac, IpAddress::v4(0xffff'ffff)},
      {"the subnet's broadcast", kPeerMac, IpAddress::v4(10, 0, 0, 255)},
      {"loopback", kPeerMac, IpAddress::v4(127, 0, 0, 1)},
      {"our own address", kPeerMac, kOwn4},
  };
  for (const Row& row : rows) {
    ArpRepr arp;
    arp.sender_mac = row.mac;
    arp.sender_ip = row.ip;
    arp.target_ip = kOwn4;
    for (const ArpOperation operation : {ArpOperation::kRequest, ArpOperation::kReply}) {
      arp.operation = operation;
      host.receive(frame(kOwnMac, kPeerMac, EtherType::kArp, arp_packet(arp)));
      EXPECT_EQ(host.only_dropped(), Drop::kArpBadSender) << row.fact;
    }
  }
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->network().neighbors().size(), 0u);
}

// ARP-019, RFC 5227 section 2.1.1: a probe is answered, so that its sender finds the address taken,
// and teaches nothing.
TEST_F(ArpTest, AnswersAProbeAndLearnsNothing) {
  host.receive(arp_request(kOwn4, IpAddress::v4(0)));
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kPeerMac), arp_reply_from(kOwn4, kOwnMac)));
  EXPECT_EQ(host.stack->network().neighbors().size(), 0u);
}

// ARP-013: memory is what it is, and the neighbour in use survives.
TEST_F(ArpTest, AMillionAskersLeaveTheRouterKnown) {
  introduce(kRouter4, kRouterMac);
  host.advance(seconds(2));
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    host.receive(arp_request(kOwn4, IpAddress::v4(0x0a010000 + i)));
  }
  EXPECT_EQ(host.sent().size(), 100'000u);
  EXPECT_LE(host.stack->network().neighbors().size(), 64u);
  ASSERT_NE(neighbor(kRouter4), nullptr);
  EXPECT_EQ(neighbor(kRouter4)->mac, kRouterMac);
}

// IP4-050: each interface answers for itself.
TEST_F(ArpTest, AnswersOnlyForTheAddressesOfTheInterfaceAskedOn) {
  InterfaceConfig second;
  second.name = "eth1";
  second.mac = {{2, 0, 0, 0, 1, 1}};
  second.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
  const InterfaceId eth1 = host.add_interface(second);
  Octets request = arp_request(kOwn4, IpAddress::v4(10, 1, 0, 9));
  host.receive(request, eth1);
  EXPECT_EQ(host.only_dropped(), Drop::kArpNotForUs);
  host.receive(arp_request(IpAddress::v4(10, 1, 0, 1), IpAddress::v4(10, 1, 0, 9)), eth1);
  const Frame reply = host.only_sent();
  EXPECT_EQ(reply.interface, eth1);
  EXPECT_THAT(reply, arp_reply_from(IpAddress::v4(10, 1, 0, 1), second.mac));
}

}  // namespace
}  // namespace smol
