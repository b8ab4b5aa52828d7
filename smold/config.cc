#include "smold/config.hh"

#include <algorithm>
#include <array>
#include <string_view>

namespace smol::smold {
namespace {

using control::boolean;
using control::Diagnostics;
using control::duration;
using control::integer;
using control::Places;
using control::ReadContext;
using control::Schema;
using control::YamlPrinter;

constexpr Duration kHour = seconds(3600);

control::Codec<std::uint16_t> port_number() {
  return integer<std::uint16_t>(1, 65'535);
}

template <class App>
Schema<App> app_schema() {
  Schema<App> schema;
  schema.scalar("enabled", &App::enabled, boolean(), "Whether it runs.");
  return schema;
}

Schema<apps::HelloConfig> hello_schema() {
  auto schema = app_schema<apps::HelloConfig>();
  schema.scalar("udp_port", &apps::HelloConfig::udp_port, port_number(), "UDP port.")
      .scalar("tcp_port", &apps::HelloConfig::tcp_port, port_number(), "TCP port.");
  return schema;
}

Schema<apps::ReverseConfig> reverse_schema() {
  auto schema = app_schema<apps::ReverseConfig>();
  schema.scalar("port", &apps::ReverseConfig::port, port_number(), "TCP port.");
  return schema;
}

Schema<apps::SinkConfig> sink_schema() {
  auto schema = app_schema<apps::SinkConfig>();
  schema.scalar("port", &apps::SinkConfig::port, port_number(), "TCP port.")
      .scalar("keep_alive", &apps::SinkConfig::keep_alive,
              duration(milliseconds(1), kHour, Duration{0}),
              "A silent connection is probed this often.")
      .scalar("user_timeout", &apps::SinkConfig::user_timeout,
              duration(milliseconds(1), kHour, Duration{0}),
              "A peer that does not answer is given up after this; `off` is as `tcp` has it.")
      .scalar("checksum", &apps::SinkConfig::checksum, boolean(),
              "Compute the CRC-32C of what is received.");
  return schema;
}

Schema<apps::SourceConfig> source_schema() {
  auto schema = app_schema<apps::SourceConfig>();
  schema.scalar("port", &apps::SourceConfig::port, port_number(), "TCP port.");
  return schema;
}

Schema<apps::HttpConfig> http_schema() {
  auto schema = app_schema<apps::HttpConfig>();
  schema.scalar("port", &apps::HttpConfig::port, port_number(), "TCP port.")
      .scalar("idle_timeout", &apps::HttpConfig::idle_timeout, duration(milliseconds(1), kHour),
              "A connection without a request, or whose peer does not read, ends after this.")
      .scalar("header_timeout", &apps::HttpConfig::header_timeout, duration(milliseconds(1), kHour),
              "A request's head must come within this time, a connection's first one included.")
      .scalar("max_content", &apps::HttpConfig::max_content,
              control::size<std::uint64_t>(0, std::uint64_t{1} << 40),
              "Octets of a request's content; larger ones are refused.");
  return schema;
}

Schema<apps::Config> apps_schema() {
  Schema<apps::Config> schema;
  schema
      .section("hello", &apps::Config::hello, hello_schema(),
               "Answers each UDP datagram, and greets each TCP connection, with a hello.")
      .section("reverse", &apps::Config::reverse, reverse_schema(),
               "Returns each line that is sent to it reversed.")
      .section("sink", &apps::Config::sink, sink_schema(),
               "Discards what it receives; logs how much that was and its checksum.")
      .section("source", &apps::Config::source, source_schema(),
               "Sends without end; octet i of the stream is i modulo 251.")
      .section("http", &apps::Config::http, http_schema(), "A small web server of fixed pages.");
  return schema;
}

/// A port that a service wants.
struct Claim {
  std::string_view protocol;
  std::uint16_t port;
  bool enabled;
  const char* path;
};

void check_apps(const apps::Config& apps, const Places& places, Diagnostics& diagnostics) {
  const std::array<Claim, 6> claims = {{
      {"UDP", apps.hello.udp_port, apps.hello.enabled, "apps.hello.udp_port"},
      {"TCP", apps.hello.tcp_port, apps.hello.enabled, "apps.hello.tcp_port"},
      {"TCP", apps.reverse.port, apps.reverse.enabled, "apps.reverse.port"},
      {"TCP", apps.sink.port, apps.sink.enabled, "apps.sink.port"},
      {"TCP", apps.source.port, apps.source.enabled, "apps.source.port"},
      {"TCP", apps.http.port, apps.http.enabled, "apps.http.port"},
  }};
  for (std::size_t i = 0; i < claims.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Claim& a = claims[i];
      const Claim& b = claims[j];
      if (!a.enabled || !b.enabled || a.protocol != b.protocol || a.port != b.port) continue;
      diagnostics.add(places.of(a.path), std::string{a.path} + ": " + std::string{a.protocol} +
                                             " port " + std::to_string(a.port) + " is already " +
                                             b.path);
    }
  }
}

void check_bridge(const Config& config, const Places& places, Diagnostics& diagnostics) {
  if (!config.bridge.enabled()) return;
  const std::array<std::pair<const char*, bool>, 5> apps = {
      {{"apps.hello", config.apps.hello.enabled},
       {"apps.reverse", config.apps.reverse.enabled},
       {"apps.sink", config.apps.sink.enabled},
       {"apps.source", config.apps.source.enabled},
       {"apps.http", config.apps.http.enabled}}};
  for (const auto& [path, enabled] : apps) {
    if (!enabled) continue;
    diagnostics.add(places.of(path),
                    std::string{path} + ": a bridge has no stack that services could run on");
  }
}

/// A port of --bridge. `number`: of its device, where the device is not said.
Result<dataplane::PortConfig, std::string> bridge_port(const std::string& text,
                                                       std::size_t number) {
  constexpr std::size_t kLongest = 15;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kShort = {
      {{"af_packet:", "net_af_packet"}, {"af_xdp:", "net_af_xdp"}}};
  dataplane::PortConfig port;
  port.device = text;
  for (const auto& [word, driver] : kShort) {
    if (!text.starts_with(word)) continue;
    port.device =
        std::string{driver} + std::to_string(number) + ",iface=" + text.substr(word.size());
  }
  if (dataplane::driver_of(port.device).empty()) {
    return fail(control::in_quotes(text) +
                " is no port: write tap:NAME, af_packet:INTERFACE, a device of DPDK such as "
                "net_ring0, or a PCI address");
  }
  port.name = dataplane::tap_interface_of(port.device);
  if (port.name.empty()) port.name = dataplane::device_argument(port.device, "iface");
  if (port.name.empty()) port.name = port.device.substr(0, port.device.find(','));
  std::replace(port.name.begin(), port.name.end(), ':', '.');
  if (port.name.size() > kLongest) port.name.resize(kLongest);
  return port;
}

}  // namespace

const Schema<Config>& schema() {
  static const Schema<Config> built = [] {
    Schema<Config> schema;
    control::add_dataplane(schema);
    schema.section("apps", &Config::apps, apps_schema(),
                   "Services that run inside the daemon, on every address.");
    schema.section("grpc", &Config::grpc, control::grpc_schema(),
                   "The API, for smolctl, smoldump and other programs.");
    return schema;
  }();
  return built;
}

std::optional<LoadedConfig> load(const std::string& path, Diagnostics& diagnostics) {
  const std::optional<std::string> text = control::read_file(path, diagnostics);
  if (!text) return std::nullopt;
  const std::optional<control::Value> document = control::read_yaml(*text, diagnostics);
  if (!document) return std::nullopt;
  LoadedConfig loaded;
  ReadContext context{diagnostics, loaded.places};
  schema().read(*document, "", loaded.config, context);
  if (!diagnostics.empty()) return std::nullopt;
  return loaded;
}

void check(const LoadedConfig& loaded, Diagnostics& diagnostics) {
  check_apps(loaded.config.apps, loaded.places, diagnostics);
  check_bridge(loaded.config, loaded.places, diagnostics);
  control::check(loaded.config, loaded.places, diagnostics);
}

Config demo() {
  Config config;
  dataplane::PortConfig port;
  port.name = "smol0";
  port.device = "net_tap0,iface=smol0";
  port.mac = MacAddress{{0x02, 0, 0, 0, 0, 0x01}};
  port.addresses = {IpPrefix{IpAddress::v4(192, 168, 69, 1), 24},
                    IpPrefix{IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1), 64},
                    IpPrefix{IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 1), 64}};
  config.ports.push_back(port);
  config.routes.push_back({IpPrefix{IpAddress::any(IpFamily::kIp4), 0},
                           IpAddress::v4(192, 168, 69, 100), port.name, 0});
  config.routes.push_back({IpPrefix{IpAddress::any(IpFamily::kIp6), 0},
                           IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 0x100), port.name, 0});
  config.apps = apps::Config::all();
  return config;
}

Result<Config, std::string> bridge(const std::string& a, const std::string& b) {
  Config config;
  for (const std::string& text : {a, b}) {
    auto port = bridge_port(text, config.ports.size());
    if (!port) return fail(port.error());
    config.ports.push_back(std::move(*port));
    config.bridge.ports.push_back(config.ports.back().name);
  }
  if (config.bridge.ports[0] == config.bridge.ports[1]) {
    return fail(config.bridge.ports[0] + " twice: a bridge joins two ports");
  }
  config.pool = {.packets = 16'384, .small_packets = 512};
  return config;
}

std::string default_config_text() {
  YamlPrinter out{YamlPrinter::Style::kCommented};
  schema().print(Config{}, Config{}, out);
  return "# Configuration of smold: every key, with its default.\n\n" + out.text();
}

std::string demo_config_text() {
  YamlPrinter out{YamlPrinter::Style::kChanged};
  schema().print(demo(), Config{}, out);
  return "# What `smold --demo` runs. `smold --print-default-config` shows every other key.\n" +
         out.text();
}

std::string config_reference_text() {
  control::ReferencePrinter out;
  schema().describe(
      "",
      "`smold --config FILE` reads YAML. `smold --check-config FILE` tries a file without "
      "running it, and `smold --print-default-config` prints this page as a file to edit. "
      "Times are written with ns, us, ms, s, m or h; sizes in octets or with KiB, MiB or "
      "GiB. A key that is not listed here, or is there twice, is an error.",
      Config{}, out);
  return "# Configuration of smold\n" + out.text();
}

}  // namespace smol::smold
