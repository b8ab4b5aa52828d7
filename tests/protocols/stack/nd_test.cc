// Neighbour discovery, the receiving side: RFC 4861 section 7.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class NdTest : public StackTest {};

Octets solicit_message(const IpAddress& target, bool with_link_address = true) {
  NeighborSolicitRepr repr;
  repr.target = target;
  if (with_link_address) repr.source_mac = kPeerMac;
  return emitted(repr, repr.message_len());
}
Octets advert_message(const IpAddress& target, bool solicited = true) {
  NeighborAdvertRepr repr;
  repr.solicited = solicited;
  repr.override_ = true;
  repr.target = target;
  repr.target_mac = kPeerMac;
  return emitted(repr, repr.message_len());
}
NeighborAdvertRepr advert_of(const Frame& frame) {
  return NeighborAdvertRepr::parse(frame.ip_octets().subspan(40)).value();
}

// ND-005.
TEST_F(NdTest, AnswersASolicitationForItsAddress) {
  host.receive(neighbor_solicit(kOwn6));
  const Frame reply = host.only_sent();
  EXPECT_THAT(reply, AllOf(link_to(kPeerMac), ip_from(kOwn6), ip_to(kPeer6), hop_limit_is(255),
                           advertises(kOwn6)));
  const NeighborAdvertRepr advert = advert_of(reply);
  EXPECT_TRUE(advert.solicited);
  EXPECT_TRUE(advert.override_);
  EXPECT_FALSE(advert.router);
  EXPECT_EQ(advert.target_mac, kOwnMac);
  EXPECT_EQ(counters().nd_in.value(), 1u);
  EXPECT_EQ(counters().nd_adverts_out.value(), 1u);
}

TEST_F(NdTest, AnswersAUnicastProbeAndOneForTheLinkLocalAddress) {
  host.receive(nd_frame(kPeer6, kOwn6, solicit_message(kOwn6)));
  EXPECT_THAT(host.only_sent(), AllOf(ip_to(kPeer6), advertises(kOwn6)));
  host.receive(neighbor_solicit(kOwnLink6, kPeerLink6));
  EXPECT_THAT(host.only_sent(),
              AllOf(ip_from(kOwnLink6), ip_to(kPeerLink6), advertises(kOwnLink6)));
}

// ND-007.
TEST_F(NdTest, LearnsWhoAsksForItAsStale) {
  host.receive(neighbor_solicit(kOwn6));
  ASSERT_NE(neighbor(kPeer6), nullptr);
  EXPECT_EQ(neighbor(kPeer6)->mac, kPeerMac);
  EXPECT_EQ(neighbor(kPeer6)->state, NeighborState::kStale);
}

// ND-006: duplicate address detection of somebody who wants what is ours.
TEST_F(NdTest, TellsAllNodesThatAnAddressIsTaken) {
  host.receive(nd_frame(IpAddress{}, kOwn6.solicited_node(), solicit_message(kOwn6, false)));
  const Frame reply = host.only_sent();
  EXPECT_THAT(reply, AllOf(link_to(kAllNodes6.multicast_mac()), ip_from(kOwn6), ip_to(kAllNodes6),
                           advertises(kOwn6)));
  EXPECT_FALSE(advert_of(reply).solicited);
  EXPECT_EQ(host.stack->network().neighbors().size(), 0u);
}

// The answer goes to who asked, over the link it was asked on, whatever the routes say.
TEST_F(NdTest, AnAskerOutsideOurPrefixesIsAnsweredOverTheLink) {
  const IpAddress stranger = IpAddress::v6(0x2001, 0xdb8, 0, 9, 0, 0, 0, 9);
  introduce(kRouter6, kRouterMac);
  host.receive(neighbor_solicit(kOwn6, stranger));
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kPeerMac), ip_to(stranger), advertises(kOwn6)));
}

TEST_F(NdTest, AnAskerWithoutALinkAddressIsAskedForIt) {
  host.receive(nd_frame(kPeer6, kOwn6, solicit_message(kOwn6, false)));
  EXPECT_THAT(host.only_sent(),
              AllOf(solicits(kPeer6), link_to(kPeer6.solicited_node().multicast_mac()),
                    ip_to(kPeer6.solicited_node()), hop_limit_is(255)));
  host.receive(neighbor_advert(kPeer6));
  EXPECT_THAT(host.only_sent(), AllOf(link_to(kPeerMac), advertises(kOwn6)));
}

struct BadRow {
  const char* fact;
  Octets octets;
  Drop reason;
};

Octets with_octet(Octets message, std::size_t at, std::uint8_t value) {
  message[at] = value;
  return message;
}

// ND-001, ND-004, ND-008.
TEST_F(NdTest, DropsWhatTheChecksOfTheRfcRefuse) {
  const IpAddress own_group = kOwn6.solicited_node();
  const IpAddress group = IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 5);
  const Octets solicit = solicit_message(kOwn6);
  const Octets advert = advert_message(kPeer6);
  Octets group_mac = solicit;
  group_mac[26] |= 1;
  Octets advert_group_mac = advert;
  advert_group_mac[26] |= 1;
  const BadRow rows[] = {
      {"NS that crossed a router", nd_frame(kPeer6, own_group, solicit, {254, 0}),
       Drop::kNdBadHopLimit},
      {"NA that crossed a router", nd_frame(kPeer6, kOwn6, advert, {64, 0}), Drop::kNdBadHopLimit},
      {"NS of code 1", nd_frame(kPeer6, own_group, with_octet(solicit, 1, 1)), Drop::kNdMalformed},
      {"NA of code 1", nd_frame(kPeer6, kOwn6, with_octet(advert, 1, 1)), Drop::kNdMalformed},
      {"NS cut short", nd_frame(kPeer6, own_group, Octets{solicit.begin(), solicit.begin() + 20}),
       Drop::kNdMalformed},
      {"NS with an option of length 0", nd_frame(kPeer6, own_group, with_octet(solicit, 25, 0)),
       Drop::kNdMalformed},
      {"NS for a group", nd_frame(kPeer6, own_group, solicit_message(group)), Drop::kNdMalformed},
      {"NS of nobody to a unicast address",
       nd_frame(IpAddress{}, kOwn6, solicit_message(kOwn6, false)), Drop::kNdMalformed},
      {"NS of nobody with a link address", nd_frame(IpAddress{}, own_group, solicit),
       Drop::kNdMalformed},
      {"NS with a group's link address", nd_frame(kPeer6, own_group, group_mac),
       Drop::kNdMalformed},
      {"NS for an address not ours", nd_frame(kPeer6, own_group, solicit_message(kPeer6)),
       Drop::kNdNotForUs},
      {"NA for a group", nd_frame(kPeer6, kOwn6, advert_message(group)), Drop::kNdMalformed},
      {"solicited NA to all nodes", nd_frame(kPeer6, kAllNodes6, advert), Drop::kNdMalformed},
      {"NA with a group's link address", nd_frame(kPeer6, kOwn6, advert_group_mac),
       Drop::kNdMalformed},
      {"NA of a stranger", nd_frame(kPeer6, kOwn6, advert), Drop::kNdNotForUs},
  };
  for (const BadRow& row : rows) {
    host.receive(row.octets);
    EXPECT_EQ(host.only_dropped(), row.reason) << row.fact;
    EXPECT_THAT(host.sent(), IsEmpty()) << row.fact;
  }
  EXPECT_EQ(host.stack->network().neighbors().size(), 0u);
}

TEST_F(NdTest, DropsABadChecksum) {
  Octets bad = neighbor_solicit(kOwn6);
  bad[14 + 40 + 2] ^= 1;
  host.receive(bad);
  EXPECT_EQ(host.only_dropped(), Drop::kIcmpBadChecksum);
}

// ND-018 and on are not built: routers and redirects are not heeded, by name.
TEST_F(NdTest, DoesNotHeedRoutersAndRedirects) {
  for (const std::uint8_t type : Octets{std::uint8_t{133}, std::uint8_t{134}, std::uint8_t{137}}) {
    Octets message(48, 0);
    message[0] = type;
    host.receive(nd_frame(kPeerLink6, kAllNodes6, message));
    EXPECT_EQ(host.only_dropped(), Drop::kNdIgnored) << int{type};
  }
  EXPECT_THAT(host.sent(), IsEmpty());
}

// ND-002: neighbour discovery in a fragment is not even looked at.
TEST_F(NdTest, DropsAFragmentedSolicitation) {
  const Octets solicit =
      with_icmp6_checksum(kPeer6, kOwn6.solicited_node(), solicit_message(kOwn6));
  const Octets atomic = Octets{58, 0, 0, 0, 0, 0, 0, 7} + solicit;
  host.receive(
      ip_frame(ip_packet(kPeer6, kOwn6.solicited_node(), IpProtocol::kFragment, atomic, {255, 0})));
  EXPECT_EQ(host.only_dropped(), Drop::kIp6Fragment);
  EXPECT_THAT(host.sent(), IsEmpty());
}

TEST_F(NdTest, AnUnsolicitedAdvertisementChangesAKnownLinkAddress) {
  introduce(kPeer6);
  NeighborAdvertRepr repr;
  repr.override_ = true;
  repr.target = kPeer6;
  repr.target_mac = MacAddress{{2, 0, 0, 0, 0, 0x77}};
  host.receive(nd_frame(kPeer6, kAllNodes6, emitted(repr, repr.message_len())));
  EXPECT_EQ(neighbor(kPeer6)->mac, *repr.target_mac);
  EXPECT_EQ(neighbor(kPeer6)->state, NeighborState::kStale);
}

}  // namespace
}  // namespace smol
