// What cannot be sent for want of a route, or of an address to send it from, is dropped by name.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

class RoutingTest : public ::testing::Test {
 protected:
  RoutingTest() {
    host.add_interface(eth0_config());
    InterfaceConfig config;
    config.name = "eth1";
    config.mac = {{2, 0, 0, 0, 0, 7}};
    config.addresses = {IpPrefix{IpAddress::v4(10, 1, 0, 1), 24}};
    host.add_interface(config);
  }
  /// The one drop of an answer to an echo request from far away.
  Host::Dropped answer_dropped() {
    host.receive(echo_request(kFar4, kOwn4, octets_of("are you there?")));
    EXPECT_THAT(host.sent(), IsEmpty());
    const std::vector<Host::Dropped> all = host.dropped();
    for (const Host::Dropped& each : all) {
      if (each.direction == Direction::kTx) return each;
    }
    ADD_FAILURE() << "nothing of ours was dropped";
    return {};
  }

  Host host;
};

TEST_F(RoutingTest, WithoutARouteAnAnswerIsDropped) {
  EXPECT_EQ(answer_dropped().reason, Drop::kNoRoute);
  EXPECT_EQ(host.drops(Drop::kNoRoute), 1u);
}

// The way back leads over an interface that the address asked for is not on.
TEST_F(RoutingTest, AnAnswerLeavesOnlyWhereItsSourceIs) {
  host.add_route("192.0.2.0/24", "10.1.0.9", 1);
  EXPECT_EQ(answer_dropped().reason, Drop::kNoSourceAddress);
  EXPECT_EQ(host.drops(Drop::kNoSourceAddress), 1u);
}

}  // namespace
}  // namespace smol
