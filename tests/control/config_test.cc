#include "control/config.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::control {
namespace {

Schema<dataplane::Config> root() {
  Schema<dataplane::Config> schema;
  add_dataplane(schema);
  return schema;
}

struct Reading {
  dataplane::Config config;
  std::vector<std::string> errors;
};

Reading read(std::string_view text) {
  Reading out;
  Places places;
  Diagnostics diagnostics{"f"};
  ReadContext context{diagnostics, places};
  const std::optional<Value> document = read_yaml(text, diagnostics);
  if (document) root().read(*document, "", out.config, context);
  if (diagnostics.empty()) check(out.config, places, diagnostics);
  out.errors = diagnostics.lines();
  return out;
}

const std::string kPort =
    "ports: [{name: smol0, device: net_tap0, addresses: [192.168.69.1/24]}]\n";

// --- what is taken -------------------------------------------------------------------------------

TEST(Config, ReadsAPort) {
  const Reading all = read(R"(
ports:
  - name: smol0
    device: net_tap0,iface=smol0
    mac: 02:00:00:00:00:01
    mtu: 1400
    addresses: [192.168.69.1/24, fdaa::1/64, fe80::1/64]
    offload: off
    rx_descriptors: 256
    faults:
      drop_chance: 15%
      size_limit: 1000
      shaping_interval: 20ms
  - {name: lan, device: "0000:03:00.0"}
)");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  ASSERT_EQ(all.config.ports.size(), 2u);
  const dataplane::PortConfig& port = all.config.ports[0];
  EXPECT_EQ(port.name, "smol0");
  EXPECT_EQ(port.device, "net_tap0,iface=smol0");
  EXPECT_EQ(port.mac, (MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_EQ(port.mtu, 1400);
  ASSERT_EQ(port.addresses.size(), 3u);
  EXPECT_EQ(printed(port.addresses[1]), "fdaa::1/64");
  EXPECT_EQ(port.offload, dataplane::PortConfig::Offload::kOff);
  EXPECT_EQ(port.rx_descriptors, 256);
  EXPECT_EQ(port.faults.drop_chance, 15.0);
  EXPECT_EQ(port.faults.size_limit, 1000u);
  EXPECT_EQ(port.faults.shaping_interval, milliseconds(20));
  EXPECT_EQ(all.config.ports[1].device, "0000:03:00.0");
}

// The profile is where the other keys begin, wherever it stands among them.
TEST(Config, AProfileIsWhatTheOtherKeysOfTcpBeginFrom) {
  const Reading strict = read(kPort + "tcp: {min_rto: 2s, profile: strict, minshall: yes}\n");
  EXPECT_EQ(strict.errors, std::vector<std::string>{});
  const tcp::Config& config = strict.config.stack.tcp;
  EXPECT_EQ(config.profile, tcp::Profile::kStrict);
  EXPECT_EQ(config.time_wait, seconds(240));
  EXPECT_EQ(config.initial_window_segments, 0u);
  EXPECT_EQ(config.slow_start_segments, 1u);
  EXPECT_EQ(config.quick_acks, 0u);
  EXPECT_TRUE(config.hard_errors_abort);
  EXPECT_TRUE(config.rst_ends_time_wait);
  EXPECT_EQ(config.min_rto, seconds(2)) << "a key beats the profile";
  EXPECT_TRUE(config.minshall);

  const Reading deployed = read(kPort + "tcp: {profile: deployed, initial_window: rfc5681}\n");
  EXPECT_EQ(deployed.errors, std::vector<std::string>{});
  EXPECT_EQ(deployed.config.stack.tcp.min_rto, milliseconds(200));
  EXPECT_EQ(deployed.config.stack.tcp.initial_window_segments, 0u);

  const Reading neither = read(kPort + "tcp: {profile: loose}\n");
  ASSERT_EQ(neither.errors.size(), 1u);
  EXPECT_TRUE(neither.errors[0].find("deployed") != std::string::npos) << neither.errors[0];
}

TEST(Config, ReadsRoutesOfBothFamiliesAsDefault) {
  const Reading all = read(R"(
ports: [{name: a, device: net_tap0, addresses: [192.168.69.1/24, "fdaa::1/64"]}]
routes:
  - {to: default, via: 192.168.69.100}
  - {to: default, via: fe80::100, dev: a, metric: 7, mtu: 1400}
  - {to: 10.0.0.0/8, dev: a}
)");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  ASSERT_EQ(all.config.routes.size(), 3u);
  EXPECT_EQ(printed(all.config.routes[0].destination), "0.0.0.0/0");
  EXPECT_EQ(all.config.routes[0].port, "");
  EXPECT_EQ(printed(all.config.routes[1].destination), "::/0");
  EXPECT_EQ(all.config.routes[1].port, "a");
  EXPECT_EQ(all.config.routes[1].metric, 7u);
  EXPECT_EQ(all.config.routes[1].mtu, 1400);
  EXPECT_EQ(all.config.routes[2].gateway, std::nullopt);
}

// One key of each section, so that each is wired to the member it names.
TEST(Config, ReadsTheOtherSections) {
  const Reading all = read(kPort + R"(
log: {level: debug}
workers: {count: 1, cores: [3]}
idle: {spin: 1us, yield: 2us, sleep: off, nap: 5ms}
pool: {packets: 1024, small_packets: 2048}
eal: {hugepages: off, memory: 128MiB, arguments: [--log-level=8]}
ip: {hop_limit: 9, first_ephemeral_port: 1000, last_ephemeral_port: 2000}
neighbor: {reachable_time: 3s, pending_packets: 4}
icmp: {error_interval: off, echo_burst: 5}
path_mtu: {lifetime: 20m, least_ip4: 576}
tcp: {send_buffer: 64KiB, min_rto: 1s, user_timeout: off, nagle: no, congestion_control: none,
      ack_delay: off, dscp: 46, reassembly_ranges: 11, ecn: dctcp, path_probing: black_hole,
      unsent_low_water: 16KiB, pacing_burst: 3, sack: no}
limits: {connections: 100, pool_share: 50, reassembly_ranges: 12, path_mtus: 13}
capture: {file: /tmp/x.pcap, snap_length: 96, ring: 1MiB}
seed: 42
drain: 0
)");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  const dataplane::Config& config = all.config;
  EXPECT_EQ(config.log.level, dataplane::LogLevel::kDebug);
  EXPECT_EQ(config.workers.cores, std::vector<std::uint32_t>{3});
  EXPECT_EQ(config.idle.yield, microseconds(2));
  EXPECT_EQ(config.idle.sleep, dataplane::IdleConfig::Sleep::kOff);
  EXPECT_EQ(config.pool.small_packets, 2048u);
  EXPECT_EQ(config.eal.hugepages, dataplane::EalConfig::Hugepages::kOff);
  EXPECT_EQ(config.eal.memory_mb, 128u);
  EXPECT_EQ(config.eal.extra_arguments, std::vector<std::string>{"--log-level=8"});
  EXPECT_EQ(config.stack.hop_limit, 9);
  EXPECT_EQ(config.stack.last_ephemeral_port, 2000);
  EXPECT_EQ(config.stack.neighbor.reachable_time, seconds(3));
  EXPECT_EQ(config.stack.neighbor.pending_packets, 4);
  EXPECT_EQ(config.stack.icmp.error_interval, Duration::zero());
  EXPECT_EQ(config.stack.icmp.echo_burst, 5u);
  EXPECT_EQ(config.stack.tcp.defaults.send_buffer, 65536u);
  EXPECT_EQ(config.stack.tcp.min_rto, seconds(1));
  EXPECT_EQ(config.stack.tcp.user_timeout, tcp::SocketOptions::kForever);
  EXPECT_FALSE(config.stack.tcp.defaults.nagle);
  EXPECT_EQ(config.stack.tcp.defaults.congestion_control, tcp::CongestionControl::kNone);
  EXPECT_EQ(config.stack.tcp.ack_delay, Duration::zero());
  EXPECT_EQ(config.stack.tcp.defaults.dscp, 46);
  EXPECT_EQ(config.stack.tcp.reassembly_ranges, 11u);
  EXPECT_EQ(config.stack.tcp.defaults.ecn, tcp::EcnUse::kDctcp);
  EXPECT_EQ(config.stack.tcp.path_probing, tcp::PathProbing::kBlackHole);
  EXPECT_EQ(config.stack.tcp.defaults.unsent_low_water, 16'384u);
  EXPECT_EQ(config.stack.tcp.pacing_burst, 3u);
  EXPECT_FALSE(config.stack.tcp.sack);
  EXPECT_EQ(config.stack.limits.connections, 100u);
  EXPECT_EQ(config.stack.limits.pool_share_percent, 50u);
  EXPECT_EQ(config.stack.limits.reassembly_ranges, 12u);
  EXPECT_EQ(config.stack.limits.path_mtus, 13u);
  EXPECT_EQ(config.stack.path_mtu.lifetime, seconds(1200));
  EXPECT_EQ(config.stack.path_mtu.least4, 576);
  EXPECT_EQ(config.capture.file, "/tmp/x.pcap");
  EXPECT_EQ(config.capture.ring_mb, 1u);
  EXPECT_EQ(config.seed, 42u);
  EXPECT_EQ(config.drain, Duration::zero());
}

std::string printed_config(const dataplane::Config& config) {
  YamlPrinter out{YamlPrinter::Style::kCommented};
  root().print(config, dataplane::Config{}, out);
  return out.text();
}

TEST(Config, EveryDefaultPrintedIsReadBackAsItself) {
  const Reading back = read(printed_config({}));
  ASSERT_EQ(back.errors.size(), 1u);
  EXPECT_TRUE(back.errors[0].ends_with(": ports: no port is configured: add one"));
  EXPECT_EQ(printed_config(back.config), printed_config({}));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

/// A line "key: value" with another value that the schema takes; empty: it is no such line.
std::string changed(const std::vector<std::string>& lines, std::size_t at) {
  const std::size_t colon = lines[at].find(": ");
  if (lines[at].find('#') != std::string::npos || colon == std::string::npos) return {};
  const std::string key = lines[at].substr(0, colon + 2);
  for (const char* value :
       {"2", "77", "600", "2s", "7ms", "on", "off", "2MiB", "128MiB", "debug", "none", "a/path"}) {
    std::vector<std::string> other = lines;
    other[at] = key + value;
    if (other[at] == lines[at]) continue;
    Places places;
    Diagnostics diagnostics{"f"};
    ReadContext context{diagnostics, places};
    dataplane::Config config;
    root().read(*read_yaml(joined(other), diagnostics), "", config, context);
    if (diagnostics.empty()) return other[at];
  }
  return {};
}

// Each key alone: two that lead to one member, or one that leads to none, would show.
TEST(Config, EveryKeyChangesItselfAndNothingElse) {
  const std::vector<std::string> lines = lines_of(printed_config({}));
  std::size_t tried = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::string line = changed(lines, at);
    if (line.empty()) continue;
    std::vector<std::string> expected = lines;
    expected[at] = line;
    EXPECT_EQ(joined(lines_of(printed_config(read(joined(expected)).config))), joined(expected));
    ++tried;
  }
  EXPECT_GE(tried, 60u);
}

/// The commented items of the lists, with the comment taken off.
std::string uncommented_items() {
  std::string text;
  for (std::string line : lines_of(printed_config({}))) {
    if (line == "ports: []" || line == "routes: []") continue;
    if (line.starts_with("# Ports and")) text += "ports:\n";
    if (line.starts_with("# Routes, in")) text += "routes:\n";
    text += line.starts_with("#   ") ? line.substr(2) + '\n' : line + '\n';
  }
  return text;
}

TEST(Config, TheCommentedItemsCanBeUncommented) {
  const Reading all = read(uncommented_items());
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  ASSERT_EQ(all.config.ports.size(), 1u);
  EXPECT_FALSE(port_schema().differs(all.config.ports[0], example_port()));
  ASSERT_EQ(all.config.routes.size(), 1u);
  EXPECT_FALSE(route_schema().differs(all.config.routes[0], example_route()));
}

TEST(Config, EveryKeyOfTheFaultsChangesItselfAndNothingElse) {
  const auto text = [](const dataplane::FaultConfig& faults) {
    YamlPrinter out{YamlPrinter::Style::kCommented};
    faults_schema().print(faults, {}, out);
    return out.text();
  };
  const std::vector<std::string> lines = lines_of(text({}));
  std::size_t tried = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::size_t colon = lines[at].find(": ");
    if (lines[at].starts_with('#') || colon == std::string::npos) continue;
    for (const char* value : {"7", "7ms"}) {
      std::vector<std::string> expected = lines;
      expected[at] = lines[at].substr(0, colon + 2) + value;
      Places places;
      Diagnostics diagnostics{"f"};
      ReadContext context{diagnostics, places};
      dataplane::FaultConfig faults;
      faults_schema().read(*read_yaml(joined(expected), diagnostics), "", faults, context);
      if (!diagnostics.empty()) continue;
      EXPECT_EQ(text(faults), joined(expected));
      ++tried;
    }
  }
  EXPECT_EQ(tried, 13u);
}

// --- what is refused -----------------------------------------------------------------------------

struct Row {
  std::string text;
  std::string_view error;
};

const std::vector<Row>& values() {
  static const std::vector<Row> rows = {
      {"ports: [{name: a b, device: net_tap0}]",
       "f:1:16: ports[0].name: 'a b' is no interface name: no blanks, '/' or ':' in it"},
      {"ports: [{name: sixteencharacters, device: net_tap0}]",
       "f:1:16: ports[0].name: 'sixteencharacters' is longer than 15 characters"},
      {"ports: [{name: a, device: eth0}]",
       "f:1:27: ports[0].device: 'eth0' is no device: write tap:NAME, a driver of DPDK with a "
       "number and "
       "arguments, such as net_tap0,iface=smol0, or a PCI address, such as 0000:03:00.0"},
      {"ports: [{name: a, device: net_tun0}]",
       "f:1:27: ports[0].device: net_tun carries no Ethernet: use net_tap"},
      {"ports: [{device: net_tap0}]",
       "f:1:9: ports[0]: key 'name' is missing: Name of the interface, of up to 15 characters"},
      {"ports: [{name: a}]", "f:1:9: ports[0]: key 'device' is missing: The device"},
      {"ports: [{name: a, device: net_tap0, mac: 01:00:5e:00:00:01}]",
       "f:1:42: ports[0].mac: 01:00:5e:00:00:01 is a group address: the first octet must be even"},
      {"ports: [{name: a, device: net_tap0, mac: 00:00:00:00:00:00}]",
       "f:1:42: ports[0].mac: all zeros are no station's address"},
      {"ports: [{name: a, device: net_tap0, mtu: 67}]",
       "f:1:42: ports[0].mtu: 67 is out of range 68..9216"},
      {"ports: [{name: a, device: net_tap0, addresses: [224.0.0.1/24]}]",
       "f:1:49: ports[0].addresses[0]: 224.0.0.1 is no address that a host can have on a link"},
      {"ports: [{name: a, device: net_tap0, addresses: [127.0.0.1/8]}]",
       "f:1:49: ports[0].addresses[0]: 127.0.0.1 is no address that a host can have on a link"},
      {"ports: [{name: a, device: net_tap0, addresses: [10.0.0.255/24]}]",
       "f:1:49: ports[0].addresses[0]: 10.0.0.255/24 is the broadcast address of its own subnet"},
      {"ports: [{name: a, device: net_tap0, addresses: [10.0.0.0/24]}]",
       "f:1:49: ports[0].addresses[0]: 10.0.0.0/24 is the subnet itself: name the host in it"},
      {"routes: [{via: 10.0.0.1}]",
       "f:1:10: routes[0]: key 'to' is missing: The destination's "
       "prefix"},
      {"routes: [{to: 10.0.0.1/8}]",
       "f:1:15: routes[0].to: 10.0.0.1/8 has bits set behind its prefix length: write 10.0.0.0/8"},
      {"routes: [{to: default, gateway: 10.0.0.1}]",
       "f:1:24: unknown key 'gateway' in routes[0] (allowed: dev, metric, mtu, to, via)"},
      {"tcp: {min_rto: 0}", "f:1:16: tcp.min_rto: 0 is out of range 1ms..60s"},
      {"tcp: {ack_delay: 500ms}", "f:1:18: tcp.ack_delay: 500ms is out of range 1us..499ms"},
      {"tcp: {hop_limit: 0}", "f:1:18: tcp.hop_limit: 0 is out of range 1..255"},
      {"log: {level: loud}",
       "f:1:14: log.level: 'loud' is none of trace, debug, info, warning, error"},
  };
  return rows;
}

const std::vector<Row>& rules() {
  static const std::vector<Row> rows = {
      {"log: {level: info}", "f:1:1: ports: no port is configured: add one"},
      {"ports: []", "f:1:8: ports: no port is configured: add one"},
      {"ports: [{name: a, device: net_tap0}, {name: a, device: net_tap1}]",
       "f:1:45: ports[1].name: 'a' is already the name of ports[0]"},
      {"ports: [{name: a, device: net_tap0}, {name: b, device: \"net_tap0,iface=x\"}]",
       "f:1:56: ports[1].device: 'net_tap0' is already the device of ports[0]: number them, as "
       "net_tap0 and net_tap1"},
      {"ports:\n  - name: a\n    device: net_tap0\n    mtu: 1279\n    addresses:\n      - "
       "fdaa::1/64",
       "f:4:10: ports[0].mtu: 1279 is too small for IPv6 address fdaa::1/64: at least 1280"},
      {"ports: [{name: a, device: net_tap0, addresses: [10.0.0.1/24, 10.0.0.1/16]}]",
       "f:1:62: ports[0].addresses[1]: 10.0.0.1 is already an address of ports[0]"},
      {"ports: [{name: a, device: net_tap0, addresses: [10.0.0.1/24]},"
       " {name: b, device: net_tap1, addresses: [10.0.0.1/24]}]",
       "f:1:104: ports[1].addresses[0]: 10.0.0.1 is already an address of ports[0]"},
      {kPort + "routes: [{to: default, via: 192.168.69.100, dev: eth0}]",
       "f:2:50: routes[0].dev: there is no port 'eth0'"},
      {kPort + "routes: [{to: default, via: 10.0.0.1}]",
       "f:2:29: routes[0].via: 10.0.0.1 is in no subnet of any port: a gateway must be on the "
       "link"},
      {kPort + "routes: [{to: default, via: 10.0.0.1, dev: smol0}]",
       "f:2:29: routes[0].via: 10.0.0.1 is in no subnet of port 'smol0': a gateway must be on the "
       "link"},
      {kPort + "routes: [{to: default, via: 192.168.69.1}]",
       "f:2:29: routes[0].via: 192.168.69.1 is an address of this host itself"},
      {kPort + "routes: [{to: 10.0.0.0/8, via: fdaa::1}]",
       "f:2:32: routes[0].via: fdaa::1 is of the other IP version than 10.0.0.0/8"},
      {kPort + "routes: [{to: default, via: fe80::1, dev: smol0}]",
       "f:2:29: routes[0].via: fe80::1 is in no subnet of port 'smol0': a gateway must be on the "
       "link"},
      {kPort + "routes: [{to: default}]",
       "f:2:10: routes[0]: a route needs a gateway or a port: add via or dev"},
      {kPort + "routes: [{to: default, dev: smol0, mtu: 67}]",
       "f:2:41: routes[0].mtu: 67 is less than 68: no link is so narrow"},
      {kPort + "routes: [{to: '::/0', dev: smol0, mtu: 1279}]",
       "f:2:40: routes[0].mtu: 1279 is less than 1280: no link is so narrow"},
      {kPort + "routes: [{to: default, dev: smol0}, {to: 0.0.0.0/0, via: 192.168.69.2}]",
       "f:2:42: routes[1].to: the same destination and metric as routes[0]: give one of them "
       "another metric"},
      {"ports: [{name: a, device: net_tap0, addresses: [\"fe80::1/64\"]},"
       " {name: b, device: net_tap1, addresses: [\"fe80::1/64\"]}]\n"
       "routes: [{to: default, via: fe80::100}]",
       "f:2:29: routes[0].via: fe80::100 is in a subnet of several ports: name one with dev"},
      {kPort + "workers: {cores: [1, 2]}",
       "f:2:18: workers.cores: 2 cores for 1 workers: name one each, or none"},
      {kPort + "limits: {addresses: 1, routes: 1}\nroutes: [{to: default, via: 192.168.69.2}]",
       "f:2:32: limits.routes: 1 is too few: the file has 2"},
      {kPort + "ip: {last_ephemeral_port: 1024}",
       "f:2:27: ip.last_ephemeral_port: 1024 is below first_ephemeral_port, 32768"},
      {kPort + "tcp: {min_rto: 5s, max_rto: 2s}", "f:2:16: tcp.min_rto: is above tcp.max_rto"},
      {kPort + "tcp: {least_user_timeout: 2h}",
       "f:2:27: tcp.least_user_timeout: is above tcp.most_user_timeout"},
      {kPort + "tcp: {receive_buffer: 8KiB, receive_low_water: 9KiB}",
       "f:2:48: tcp.receive_low_water: is above tcp.receive_buffer: nothing would ever be "
       "readable"},
      {kPort + "tcp: {send_buffer: 8KiB, send_low_water: 9KiB}",
       "f:2:42: tcp.send_low_water: is above tcp.send_buffer: nothing would ever be writable"},
      // Found by the dataplane's own rules, and placed by what they are about.
      {"ports: [{name: a, device: \"net_tap0,iface=longerthanfifteen\"}]",
       "f:1:9: port a: iface=longerthanfifteen is longer than 15 characters"},
  };
  return rows;
}

TEST(Config, SaysInOneLineWhichValueIsWrong) {
  for (const Row& row : values()) {
    const Reading all = read(row.text);
    ASSERT_EQ(all.errors.size(), 1u) << row.text;
    EXPECT_EQ(all.errors[0], row.error) << row.text;
  }
}

TEST(Config, SaysInOneLineWhichValuesDoNotGoTogether) {
  for (const Row& row : rules()) {
    const Reading all = read(row.text);
    ASSERT_EQ(all.errors.size(), 1u) << row.text;
    EXPECT_EQ(all.errors[0], row.error) << row.text;
  }
}

// Each link has its own fe80::/64.
TEST(Config, AllowsOneLinkLocalAddressOnSeveralPorts) {
  const Reading all = read(
      "ports: [{name: a, device: net_tap0, addresses: [\"fe80::1/64\"]},"
      " {name: b, device: net_tap1, addresses: [\"fe80::1/64\"]}]\n"
      "routes: [{to: default, via: fe80::100, dev: b}]");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
}

}  // namespace
}  // namespace smol::control
