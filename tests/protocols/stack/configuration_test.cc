// Interfaces, addresses and routes as they are given to a stack.
#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

InterfaceConfig named(std::string_view name) {
  InterfaceConfig config;
  config.name = name;
  config.mac = kOwnMac;
  return config;
}
InterfaceConfig with_address(std::string_view text) {
  InterfaceConfig config = named("eth0");
  config.addresses = {IpPrefix::parse(text).value()};
  return config;
}

TEST(Configuration, InterfacesAreNumberedInTheirOrder) {
  Host host;
  EXPECT_EQ(host.add_interface(named("a")), 0);
  EXPECT_EQ(host.add_interface(named("b")), 1);
  EXPECT_EQ(host.add_interface(named("c")), 2);
  EXPECT_EQ(host.add_interface(named("d")), 3);
  EXPECT_EQ(error_of(host.stack->add_interface(named("e"))), "ENOBUFS");
}

TEST(Configuration, RefusesInterfacesThatCannotBe) {
  Host host;
  EXPECT_EQ(error_of(host.stack->add_interface(named(""))), "EINVAL");
  EXPECT_EQ(error_of(host.stack->add_interface(named("sixteen-octets-x"))), "EINVAL");
  InterfaceConfig config = named("eth0");
  config.mtu = 67;
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "EINVAL");
  config = named("eth0");
  config.mac = MacAddress::broadcast();
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "EINVAL");
  EXPECT_EQ(host.add_interface(named("fifteen-octets-")), 0);
}

// IP4-005, IP6-003: what no host may have as its address.
TEST(Configuration, RefusesAddressesThatNoHostMayHave) {
  for (const char* text :
       {"0.0.0.0/0", "0.1.2.3/8", "127.0.0.1/8", "224.0.0.5/24", "240.0.0.1/8",
        "255.255.255.255/32", "10.0.0.0/24", "10.0.0.255/24", "::/64", "::1/128", "ff02::5/64"}) {
    Host host;
    EXPECT_EQ(error_of(host.stack->add_interface(with_address(text))), "EINVAL") << text;
  }
}

// IP4-047: RFC 3021: both addresses of a /31 are hosts, and so is a /32.
TEST(Configuration, TakesBothAddressesOfAPointToPointLink) {
  for (const char* text :
       {"10.0.0.0/31", "10.0.0.1/31", "10.0.0.7/32", "fdaa::/127", "fdaa::1/128"}) {
    Host host;
    EXPECT_EQ(error_of(host.stack->add_interface(with_address(text))), "none") << text;
  }
}

// ETH-011.
TEST(Configuration, ALinkBelow1280OctetsCarriesNoIpv6) {
  Host host;
  InterfaceConfig config = with_address("fdaa::1/64");
  config.mtu = 1279;
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "EINVAL");
  config.mtu = 1280;
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "none");
}

TEST(Configuration, RefusesAnAddressTwice) {
  Host host;
  InterfaceConfig config = with_address("10.0.0.1/24");
  config.addresses.push_back(IpPrefix::parse("10.0.0.1/16").value());
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "EEXIST");
}

// A refusal leaves nothing: no interface, no address that answers, no route.
TEST(Configuration, ARefusedInterfaceLeavesNothingBehind) {
  Host host;
  InterfaceConfig config = with_address("10.0.0.1/24");
  config.addresses.push_back(IpPrefix::parse("fdaa::1/64").value());
  config.addresses.push_back(IpPrefix::parse("224.0.0.1/24").value());
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "EINVAL");
  EXPECT_EQ(host.stack->network().routes().size(), 0u);
  EXPECT_FALSE(host.stack->network().addresses().is_known(kOwn4));
  EXPECT_FALSE(host.stack->network().addresses().is_known(kAllNodes6));
  EXPECT_FALSE(host.stack->network().has_interface(0));
  EXPECT_EQ(host.add_interface(with_address("10.0.0.1/24")), 0) << "the next one gets its number";
  host.receive(arp_request(kOwn4));
  EXPECT_THAT(host.only_sent(), arp_reply_from(kOwn4, kOwnMac));
}

TEST(Configuration, AnInterfaceThatFindsNoRoomLeavesNothingBehind) {
  Host::Options options;
  options.config.limits.addresses = 4;
  options.config.limits.routes = 1;
  Host host{options};
  InterfaceConfig config = with_address("10.0.0.1/24");
  config.addresses.push_back(IpPrefix::parse("10.1.0.1/24").value());
  EXPECT_EQ(error_of(host.stack->add_interface(config)), "ENOBUFS");
  EXPECT_EQ(host.stack->network().routes().size(), 0u);
  EXPECT_EQ(host.add_interface(with_address("10.0.0.1/24")), 0);
}

TEST(Configuration, TheSubnetOfAnAddressIsARoute) {
  Host host;
  InterfaceConfig config = with_address("10.0.0.1/24");
  config.addresses.push_back(IpPrefix::parse("10.0.0.2/24").value());
  host.add_interface(config);
  ASSERT_EQ(host.stack->network().routes().size(), 1u);
  const Route* route = host.stack->network().routes().lookup(kPeer4);
  ASSERT_NE(route, nullptr);
  EXPECT_FALSE(route->gateway);
}

TEST(Configuration, RefusesRoutesThatCannotBe) {
  Host host;
  host.add_interface(with_address("10.0.0.1/24"));
  const IpPrefix everything = IpPrefix::parse("0.0.0.0/0").value();
  EXPECT_EQ(error_of(host.stack->add_route({everything, kRouter4, 1, 0})), "ENODEV");
  EXPECT_EQ(error_of(host.stack->add_route({everything, kRouter6, 0, 0})), "EINVAL");
  EXPECT_EQ(error_of(host.stack->add_route({everything, kOwn4, 0, 0})), "EINVAL") << "ourselves";
  EXPECT_EQ(error_of(host.stack->add_route({everything, kRouter4, 0, 0})), "none");
  EXPECT_EQ(error_of(host.stack->add_route({everything, kRouter4, 0, 0})), "EEXIST");
}

}  // namespace
}  // namespace smol
