#include "smold/config.hh"

#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace smol::smold {
namespace {

struct Reading {
  std::optional<LoadedConfig> loaded;
  std::vector<std::string> errors;
};

/// Through a file of its own, as smold reads it.
Reading read(const std::string& text) {
  char path[] = "/tmp/smol-config-XXXXXX";
  const int fd = ::mkstemp(path);
  EXPECT_GE(fd, 0);
  std::ofstream{path} << text;
  control::Diagnostics diagnostics{"f"};
  Reading out{load(path, diagnostics), {}};
  if (out.loaded) check(*out.loaded, diagnostics);
  out.errors = diagnostics.lines();
  ::close(fd);
  ::unlink(path);
  return out;
}

bool same(const Config& a, const Config& b) {
  return !schema().differs(a, b);
}

const std::string kPort = "ports: [{name: smol0, device: net_tap0}]\n";

TEST(DefaultConfig, IsReadBackAsTheDefaults) {
  const Reading all = read(default_config_text());
  ASSERT_EQ(all.errors.size(), 1u);
  EXPECT_TRUE(all.errors[0].ends_with("ports: no port is configured: add one"));
  ASSERT_TRUE(all.loaded);
  EXPECT_TRUE(same(all.loaded->config, Config{}));
}

TEST(DemoConfig, IsReadBackAsTheDemo) {
  const Reading all = read(demo_config_text());
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  ASSERT_TRUE(all.loaded);
  EXPECT_TRUE(same(all.loaded->config, demo()));
  EXPECT_FALSE(same(all.loaded->config, Config{}));
}

TEST(DemoConfig, IsWhatTheSeedsExamplesUse) {
  const Config config = demo();
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].name, "smol0");
  EXPECT_EQ(config.ports[0].device, "net_tap0,iface=smol0");
  EXPECT_EQ(control::printed(*config.ports[0].mac), "02:00:00:00:00:01");
  std::vector<std::string> addresses;
  for (const IpPrefix& own : config.ports[0].addresses) addresses.push_back(control::printed(own));
  EXPECT_EQ(addresses, (std::vector<std::string>{"192.168.69.1/24", "fdaa::1/64", "fe80::1/64"}));
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(control::printed(config.routes[0].destination), "0.0.0.0/0");
  EXPECT_EQ(control::printed(*config.routes[0].gateway), "192.168.69.100");
  EXPECT_EQ(control::printed(config.routes[1].destination), "::/0");
  EXPECT_EQ(control::printed(*config.routes[1].gateway), "fe80::100");
  EXPECT_EQ(apps::applications(config.apps).size(), 5u);
}

TEST(Reference, NamesEverySection) {
  const std::string text = config_reference_text();
  for (const char* heading :
       {"# Configuration of smold\n", "\n## `ports[]`\n", "\n## `ports[].faults`\n",
        "\n## `routes[]`\n", "\n## `tcp`\n", "\n## `apps.http`\n"}) {
    EXPECT_NE(text.find(heading), std::string::npos) << heading;
  }
}

TEST(Config, ReadsTheServices) {
  const Reading all = read(kPort + R"(
apps:
  hello: {enabled: yes, udp_port: 1, tcp_port: 2}
  reverse: {enabled: on, port: 3}
  sink: {enabled: true, port: 4, keep_alive: off, user_timeout: 7s, checksum: no}
  source: {enabled: on, port: 5}
  http: {enabled: on, port: 8080, idle_timeout: 1s, header_timeout: 2s, max_content: 3KiB}
)");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  ASSERT_TRUE(all.loaded);
  const apps::Config& apps = all.loaded->config.apps;
  EXPECT_TRUE(apps.hello.enabled);
  EXPECT_EQ(apps.hello.udp_port, 1);
  EXPECT_EQ(apps.hello.tcp_port, 2);
  EXPECT_EQ(apps.reverse.port, 3);
  EXPECT_EQ(apps.sink.port, 4);
  EXPECT_EQ(apps.sink.keep_alive, Duration::zero());
  EXPECT_EQ(apps.sink.user_timeout, seconds(7));
  EXPECT_FALSE(apps.sink.checksum);
  EXPECT_EQ(apps.source.port, 5);
  EXPECT_EQ(apps.http.port, 8080);
  EXPECT_EQ(apps.http.idle_timeout, seconds(1));
  EXPECT_EQ(apps.http.header_timeout, seconds(2));
  EXPECT_EQ(apps.http.max_content, 3072u);
}

TEST(Config, ReadsWhereTheApiIsOffered) {
  EXPECT_TRUE(demo().grpc.enabled);
  EXPECT_EQ(demo().grpc.listen, "unix:///run/smol/ctl.sock");
  const Reading all = read(kPort + "grpc: {enabled: off, listen: 'unix:///tmp/x.sock'}\n");
  ASSERT_TRUE(all.loaded);
  EXPECT_FALSE(all.loaded->config.grpc.enabled);
  EXPECT_EQ(all.loaded->config.grpc.listen, "unix:///tmp/x.sock");
  const Reading tcp = read(kPort + "grpc: {listen: '127.0.0.1:50051'}\n");
  ASSERT_EQ(tcp.errors.size(), 1u);
  EXPECT_TRUE(tcp.errors[0].ends_with(
      "grpc.listen: '127.0.0.1:50051' is no unix socket: TCP needs TLS, which is not there yet; "
      "write unix:// and a path, such as unix:///run/smol/ctl.sock"))
      << tcp.errors[0];
}

TEST(Config, RunsOnlyTheServicesThatAreEnabled) {
  const Reading all = read(kPort + "apps: {sink: {enabled: on}, http: {enabled: on}}\n");
  ASSERT_TRUE(all.loaded);
  const std::vector<dataplane::ApplicationSpec> specs = apps::applications(all.loaded->config.apps);
  ASSERT_EQ(specs.size(), 2u);
  EXPECT_EQ(specs[0].name, "sink");
  EXPECT_EQ(specs[1].name, "http");
}

struct Row {
  std::string text;
  std::string_view error;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {kPort + "apps: {hello: {enabled: on}, http: {enabled: on, port: 6969}}",
       "f:2:56: apps.http.port: TCP port 6969 is already apps.hello.tcp_port"},
      {kPort + "apps: {reverse: {enabled: on, port: 9}, sink: {enabled: on, port: 9}}",
       "f:2:67: apps.sink.port: TCP port 9 is already apps.reverse.port"},
      {kPort + "apps: {http: {port: 0}}", "f:2:21: apps.http.port: 0 is out of range 1..65535"},
      {kPort + "apps: {htpp: {port: 1}}",
       "f:2:8: unknown key 'htpp' in apps, did you mean 'http'? (allowed: hello, http, reverse, "
       "sink, source)"},
      {kPort + "port: []",
       "f:2:1: unknown key 'port', did you mean 'ports'? (allowed: apps, bridge, capture, drain, "
       "eal, "
       "grpc, icmp, "
       "idle, ip, limits, log, neighbor, path_mtu, pool, ports, routes, seed, tcp, workers)"},
  };
  return all;
}

TEST(Config, SaysInOneLineWhatIsWrong) {
  for (const Row& row : rows()) {
    const Reading all = read(row.text);
    ASSERT_EQ(all.errors.size(), 1u) << row.text;
    EXPECT_EQ(all.errors[0].substr(all.errors[0].find(':')), row.error.substr(1)) << row.text;
  }
}

// UDP and TCP are two spaces of ports, and what does not run wants none.
TEST(Config, AllowsOnePortForTwoProtocolsAndForServicesThatDoNotRun) {
  EXPECT_EQ(read(kPort + "apps: {hello: {enabled: on}, http: {port: 6969}}").errors,
            std::vector<std::string>{});
}

const std::string kBridge = R"(
ports: [{name: left, device: "net_tap0,iface=left"}, {name: right, device: "net_tap1,iface=right"}]
)";

TEST(Config, BridgesDirectionsBeginFromTheirLink) {
  const Reading reading = read(kBridge + R"(
bridge:
  a_to_b: {loss: 2}
  ports: [left, right]
  link: {delay: 25ms, loss: 1%, rate: 50Mbit}
  b_to_a: {rate: off}
)");
  EXPECT_EQ(reading.errors, std::vector<std::string>{});
  ASSERT_TRUE(reading.loaded);
  const dataplane::BridgeConfig& bridge = reading.loaded->config.bridge;
  EXPECT_EQ(bridge.a_to_b.loss, 2.0);
  EXPECT_EQ(bridge.b_to_a.loss, 1.0);
  EXPECT_EQ(bridge.a_to_b.delay, milliseconds(25));
  EXPECT_EQ(bridge.a_to_b.rate, 50'000'000u);
  EXPECT_EQ(bridge.b_to_a.rate, 0u);
}

TEST(Config, BridgeHasNoServices) {
  const Reading reading = read(kBridge + R"(bridge: {ports: [left, right]}
apps: {http: {enabled: on}}
)");
  ASSERT_EQ(reading.errors.size(), 1u);
  EXPECT_NE(reading.errors[0].find("apps.http: a bridge has no stack that services could run on"),
            std::string::npos)
      << reading.errors[0];
}

TEST(Config, LinkThatContradictsItselfIsRefusedWhereItStands) {
  const Reading reading =
      read(kBridge + "bridge:\n  ports: [left, right]\n  link: {burst: 3000}\n");
  ASSERT_EQ(reading.errors.size(), 1u);
  EXPECT_EQ(reading.errors[0].find("f:5:9: bridge.link.rate: is missing"), 0u) << reading.errors[0];
}

TEST(Bridge, PortsAreNamedInManyWays) {
  EXPECT_FALSE(bridge("tap:left", "tap:left"));
  EXPECT_FALSE(bridge("left", "tap:right"));
  EXPECT_FALSE(bridge("tap:left", ""));
  const auto made = bridge("af_packet:eth1", "0000:03:00.0");
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->ports[0].device, "net_af_packet0,iface=eth1");
  EXPECT_EQ(made->ports[1].name, "0000.03.00.0");
  EXPECT_TRUE(dataplane::validate(*made));
}

}  // namespace
}  // namespace smol::smold
