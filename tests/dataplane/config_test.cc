// Each rule of the configuration, and the line that says how it was broken.

#include "dataplane/config.hh"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

Config usable() {
  Config config;
  PortConfig port;
  port.name = "smol0";
  port.device = "net_tap0,iface=smol0";
  port.addresses = {*IpPrefix::parse("192.168.69.1/24"), *IpPrefix::parse("fdaa::1/64")};
  config.ports.push_back(port);
  RouteConfig route;
  route.destination = *IpPrefix::parse("0.0.0.0/0");
  route.gateway = *IpAddress::parse("192.168.69.100");
  config.routes.push_back(route);
  return config;
}

PortConfig second(std::string name, std::string device) {
  PortConfig port;
  port.name = std::move(name);
  port.device = std::move(device);
  return port;
}

TEST(Config, UsableOneIsAccepted) {
  const auto result = validate(usable());
  EXPECT_TRUE(result) << result.error().message;
}

struct Row {
  std::string sentence;
  std::function<void(Config&)> spoil;
  std::string line;
};

class ConfigRule : public ::testing::TestWithParam<Row> {};

TEST_P(ConfigRule, IsNamedInOneLine) {
  Config config = usable();
  GetParam().spoil(config);
  const auto result = validate(config);
  ASSERT_FALSE(result) << GetParam().sentence;
  EXPECT_EQ(result.error().message, GetParam().line) << GetParam().sentence;
}

const std::vector<Row> kRows = {
    {"no ports", [](Config& c) { c.ports.clear(); }, "no port is configured: add one"},
    {"more ports than interfaces", [](Config& c) { c.stack.limits.interfaces = 0; },
     "1 ports: raise limits.interfaces, which is 0"},
    {"no name", [](Config& c) { c.ports[0].name = ""; },
     "port \"\": a name has 1 to 15 characters, none of them a space, '/' or ':'"},
    {"long name", [](Config& c) { c.ports[0].name = "abcdefghijklmnop"; },
     "port \"abcdefghijklmnop\": a name has 1 to 15 characters, none of them a space, '/' or ':'"},
    {"slash in a name", [](Config& c) { c.ports[0].name = "a/b"; },
     "port \"a/b\": a name has 1 to 15 characters, none of them a space, '/' or ':'"},
    {"no device", [](Config& c) { c.ports[0].device = "eth0"; },
     "port smol0: \"eth0\" is no device: write tap:NAME, a driver of DPDK with a number and "
     "arguments "
     "(\"net_tap0,iface=smol0\") or a PCI address (\"0000:03:00.0\")"},
    {"tun", [](Config& c) { c.ports[0].device = "net_tun0,iface=x"; },
     "port smol0: net_tun carries no Ethernet: use net_tap"},
    {"long interface", [](Config& c) { c.ports[0].device = "net_tap0,iface=abcdefghijklmnop"; },
     "port smol0: iface=abcdefghijklmnop is longer than 15 characters"},
    {"MTU too small", [](Config& c) { c.ports[0].mtu = 67; },
     "port smol0: mtu 67 is not within 68 to 9216"},
    {"MTU too large", [](Config& c) { c.ports[0].mtu = 9217; },
     "port smol0: mtu 9217 is not within 68 to 9216"},
    {"MTU too small for IPv6", [](Config& c) { c.ports[0].mtu = 1279; },
     "port smol0: mtu 1279 is too small for IPv6 address fdaa::1/64: at least 1280"},
    {"group address",
     [](Config& c) {
       c.ports[0].mac = MacAddress{{1, 2, 3, 4, 5, 6}};
     },
     "port smol0: mac 01:02:03:04:05:06 is no station's address: the first octet must be even, "
     "and not all may be zero"},
    {"zero address", [](Config& c) { c.ports[0].mac = MacAddress{}; },
     "port smol0: mac 00:00:00:00:00:00 is no station's address: the first octet must be even, "
     "and not all may be zero"},
    {"multicast address",
     [](Config& c) { c.ports[0].addresses = {*IpPrefix::parse("224.0.0.1/4")}; },
     "port smol0: address 224.0.0.1/4 is not one that a host can have"},
    {"many addresses",
     [](Config& c) { c.ports[0].addresses.assign(33, *IpPrefix::parse("10.0.0.1/8")); },
     "port smol0: 33 addresses; at most 32"},
    {"two ports of a name", [](Config& c) { c.ports.push_back(second("smol0", "net_tap1")); },
     "port smol0: named twice"},
    {"two ports of a device",
     [](Config& c) { c.ports.push_back(second("smol1", "net_tap0,iface=smol1")); },
     "port smol1: device net_tap0 is already port smol0's: number them, as net_tap0 and net_tap1"},
    {"two ports of an interface",
     [](Config& c) { c.ports.push_back(second("smol1", "net_tap1,iface=smol0")); },
     "port smol1: interface smol0 is already port smol0's: choose another name"},
    {"an interface for net_tap and for ourselves",
     [](Config& c) { c.ports.push_back(second("smol1", "tap:smol0")); },
     "port smol1: interface smol0 is already port smol0's: choose another name"},
    {"tap of no name", [](Config& c) { c.ports[0].device = "tap:"; },
     "port smol0: tap:: write the interface's name behind it, as in tap:smol0"},
    {"tap with arguments", [](Config& c) { c.ports[0].device = "tap:a,iface=b"; },
     "port smol0: tap:a,iface=b: write the interface's name behind it, as in tap:smol0"},
    {"tap whose number the kernel would choose", [](Config& c) { c.ports[0].device = "tap:a%d"; },
     "port smol0: tap:a%d: write the interface's name behind it, as in tap:smol0"},
    {"tap of a long name", [](Config& c) { c.ports[0].device = "tap:abcdefghijklmnop"; },
     "port smol0: tap:abcdefghijklmnop: the interface's name is longer than 15 characters"},
    {"chance above a hundred", [](Config& c) { c.ports[0].faults.drop_chance = 100.5; },
     "port smol0: faults: drop_chance is a percentage, 0 to 100"},
    {"negative chance", [](Config& c) { c.ports[0].faults.corrupt_chance = -1; },
     "port smol0: faults: corrupt_chance is a percentage, 0 to 100"},
    {"chance that is no number", [](Config& c) { c.ports[0].faults.reorder_chance = 0.0 / 0.0; },
     "port smol0: faults: reorder_chance is a percentage, 0 to 100"},
    {"rate without interval",
     [](Config& c) {
       c.ports[0].faults.rx_rate_limit = 4;
       c.ports[0].faults.shaping_interval = Duration{0};
     },
     "port smol0: faults: a rate limit needs a shaping_interval above zero"},
    {"negative delay", [](Config& c) { c.ports[0].faults.delay = milliseconds(-1); },
     "port smol0: faults: delay and delay_jitter are not negative"},
    {"reordering behind none",
     [](Config& c) {
       c.ports[0].faults.reorder_chance = 1;
       c.ports[0].faults.reorder_distance = 0;
     },
     "port smol0: faults: reorder_chance needs a reorder_distance and a reorder_timeout above "
     "zero"},
    {"queue of none",
     [](Config& c) {
       c.ports[0].faults.delay = milliseconds(1);
       c.ports[0].faults.queue = 0;
     },
     "port smol0: faults: queue is 1 to 65536 packets"},
    {"gateway of the other version",
     [](Config& c) { c.routes[0].gateway = *IpAddress::parse("fdaa::2"); },
     "route 0.0.0.0/0: gateway fdaa::2 is of the other IP version"},
    {"route over no port", [](Config& c) { c.routes[0].port = "eth9"; },
     "route 0.0.0.0/0: there is no port \"eth9\""},
    {"route to nowhere", [](Config& c) { c.routes[0].gateway.reset(); },
     "route 0.0.0.0/0: name a gateway or a port"},
    {"gateway off the subnets",
     [](Config& c) { c.routes[0].gateway = *IpAddress::parse("10.0.0.1"); },
     "route 0.0.0.0/0: gateway 10.0.0.1 is in no port's subnet: name the port"},
    {"no worker", [](Config& c) { c.workers.count = 0; }, "workers.count: at least 1"},
    {"too many workers", [](Config& c) { c.workers.count = 65; }, "workers.count: 65: at most 64"},
    {"two cores for one",
     [](Config& c) {
       c.workers.cores = {1, 2};
     },
     "workers.cores: 2 cores for 1 worker: name one each, or none"},
    {"small pool", [](Config& c) { c.pool.packets = 100; },
     "pool: packets and small_packets are 512 to 16777216 each"},
    {"negative spin", [](Config& c) { c.idle.spin = nanoseconds(-1); },
     "idle: spin and yield are not negative"},
    {"no nap", [](Config& c) { c.idle.nap = Duration{0}; },
     "idle.nap: above zero and at most one second"},
    {"short snap", [](Config& c) { c.capture.snap_length = 10; },
     "capture.snap_length: 64 to 262144 octets"},
    {"no ring", [](Config& c) { c.capture.ring_mb = 0; }, "capture.ring: 1 to 1024 MiB"},
    {"negative drain", [](Config& c) { c.drain = seconds(-1); }, "drain: not negative"},
};

INSTANTIATE_TEST_SUITE_P(Rows, ConfigRule, ::testing::ValuesIn(kRows));

TEST(Config, RouteOverANamedPortNeedsNoGateway) {
  Config config = usable();
  config.routes[0].gateway.reset();
  config.routes[0].port = "smol0";
  EXPECT_TRUE(validate(config));
}

TEST(Device, DriverIsThePrefixOfTheName) {
  EXPECT_EQ(driver_of("net_tap0,iface=smol0"), "net_tap");
  EXPECT_EQ(driver_of("net_af_packet12,iface=eth0"), "net_af_packet");
  EXPECT_EQ(driver_of("net_ring_a"), "net_ring");
  EXPECT_EQ(driver_of("net_new_thing3"), "net_new_thing");
  EXPECT_EQ(driver_of("0000:03:00.0"), "pci");
  EXPECT_EQ(driver_of("03:00.1,arg=2"), "pci");
  EXPECT_EQ(driver_of("03:00.9"), "");
  EXPECT_EQ(driver_of("eth0"), "");
  EXPECT_EQ(driver_of(""), "");
}

TEST(Device, ArgumentIsFoundByItsWholeName) {
  constexpr std::string_view kDevice = "net_tap0,xiface=no,iface=smol0,mac=02:00:00:00:00:01";
  EXPECT_EQ(device_argument(kDevice, "iface"), "smol0");
  EXPECT_EQ(device_argument(kDevice, "mac"), "02:00:00:00:00:01");
  EXPECT_EQ(device_argument(kDevice, "face"), "");
  EXPECT_EQ(device_argument("net_tap0", "iface"), "");
}

TEST(Device, HardwareIsOnPci) {
  EXPECT_TRUE(is_virtual("net_tap0"));
  EXPECT_FALSE(is_virtual("0000:03:00.0"));
}

// --- bridges ---

Config bridged() {
  Config config;
  config.ports = {second("left", "net_tap0,iface=left"), second("right", "net_tap1,iface=right")};
  config.bridge.ports = {"left", "right"};
  return config;
}

TEST(Config, BridgeIsAccepted) {
  const auto result = validate(bridged());
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(bridge_store(bridged()), (8192u - 1024) / 2);
}

TEST(Config, EachRuleOfABridgeIsNamedInOneLine) {
  const std::vector<Row> rows = {
      {"one port", [](Config& c) { c.bridge.ports.pop_back(); },
       "bridge.ports: a bridge joins two ports: name both"},
      {"the same twice", [](Config& c) { c.bridge.ports[1] = "left"; },
       "bridge.ports: left twice: a bridge joins two ports"},
      {"unknown", [](Config& c) { c.bridge.ports[1] = "up"; },
       "bridge.ports: there is no port \"up\""},
      {"a third port", [](Config& c) { c.ports.push_back(second("third", "net_tap2,iface=t")); },
       "ports: a bridge has its two ports and no others: a daemon bridges or has a stack, not "
       "both"},
      {"an address", [](Config& c) { c.ports[0].addresses = {*IpPrefix::parse("10.0.0.1/8")}; },
       "port left: a port of a bridge has no addresses"},
      {"faults", [](Config& c) { c.ports[1].faults.drop_chance = 1; },
       "port right: faults are between a port and a stack: write them into bridge.link"},
      {"two workers", [](Config& c) { c.workers.count = 2; },
       "workers.count: a bridge runs on one worker: both directions share its store and their "
       "order"},
      {"a link that contradicts itself", [](Config& c) { c.bridge.b_to_a.burst = 1000; },
       "bridge.b_to_a.rate: is missing: without it nothing queues (aqm, ce_threshold, burst, "
       "queue_octets)"},
      {"too large a store", [](Config& c) { c.bridge.store = 5000; },
       "bridge.store: two directions of it do not fit into pool.packets, 8192: 1024 of those are "
       "for the ports"},
  };
  for (const Row& row : rows) {
    Config config = bridged();
    row.spoil(config);
    const auto result = validate(config);
    ASSERT_FALSE(result) << row.sentence;
    EXPECT_EQ(result.error().message, row.line) << row.sentence;
  }
}

}  // namespace
}  // namespace smol::dataplane
