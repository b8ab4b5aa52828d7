#include "dataplane/config.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "dataplane/printed.hh"

namespace smol::dataplane {
namespace {

using Checked = Result<void, StartError>;

constexpr std::size_t kMaxName = 15;  // of a kernel interface and of ours
constexpr std::string_view kOwnTap = "tap:";
constexpr std::uint16_t kMinMtu = 68;
constexpr std::uint16_t kMinMtuIp6 = 1280;
constexpr std::uint16_t kMaxMtu = 9216;
constexpr std::size_t kMaxAddresses = 32;
/// Packets of the pool that a bridge leaves to its ports' rings and to what passes at once.
constexpr std::uint32_t kBridgeReserve = 1024;

Checked refuse(std::string message) {
  return fail(StartError{std::move(message)});
}

std::string quoted(std::string_view text) {
  return '"' + std::string{text} + '"';
}

std::string_view instance_of(std::string_view device) noexcept {
  return device.substr(0, device.find(','));
}

bool is_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// "03:00.0" or "0000:03:00.0".
bool is_pci_address(std::string_view text) noexcept {
  if (text.size() == 12 && text[4] == ':' && is_hex(text.substr(0, 4))) text.remove_prefix(5);
  return text.size() == 7 && text[2] == ':' && text[5] == '.' && is_hex(text.substr(0, 2)) &&
         is_hex(text.substr(3, 2)) && text[6] >= '0' && text[6] <= '7';
}

/// What a kernel's interface may be called; it takes a '%' for a place to put a number in.
std::string objection_to_interface(std::string_view name) {
  if (name.size() > kMaxName) return "the interface's name is longer than 15 characters";
  const bool usable = !name.empty() && name != "." && name != ".." &&
                      std::all_of(name.begin(), name.end(), [](unsigned char c) {
                        return std::isgraph(c) != 0 && c != '/' && c != ':' && c != '%' && c != ',';
                      });
  return usable ? "" : "write the interface's name behind it, as in tap:smol0";
}

/// The kernel's interface that a port makes or opens; empty: it has none of a name that we know.
std::string_view interface_of(std::string_view device) noexcept {
  if (const std::string_view own = tap_interface_of(device); !own.empty()) return own;
  return driver_of(device) == "net_tap" ? device_argument(device, "iface") : std::string_view{};
}

Checked check_name(const PortConfig& port) {
  const bool usable = !port.name.empty() && port.name.size() <= kMaxName &&
                      std::all_of(port.name.begin(), port.name.end(), [](unsigned char c) {
                        return std::isgraph(c) != 0 && c != '/' && c != ':';
                      });
  if (usable) return {};
  return refuse("port " + quoted(port.name) +
                ": a name has 1 to 15 characters, none of them a space, '/' or ':'");
}

Checked check_device(const PortConfig& port) {
  const std::string who = "port " + port.name + ": ";
  const std::string_view driver = driver_of(port.device);
  if (driver.empty()) {
    return refuse(who + quoted(port.device) +
                  " is no device: write tap:NAME, a driver of DPDK with a number and arguments "
                  "(\"net_tap0,iface=smol0\") or a PCI address (\"0000:03:00.0\")");
  }
  if (driver == "net_tun") {
    return refuse(who + "net_tun carries no Ethernet: use net_tap");
  }
  if (driver == "tap") {
    const std::string wrong = objection_to_interface(tap_interface_of(port.device));
    if (!wrong.empty()) return refuse(who + port.device + ": " + wrong);
  }
  const std::string_view iface = device_argument(port.device, "iface");
  if (driver == "net_tap" && iface.size() > kMaxName) {
    return refuse(who + "iface=" + std::string{iface} + " is longer than 15 characters");
  }
  return {};
}

Checked check_addresses(const PortConfig& port) {
  const std::string who = "port " + port.name + ": ";
  if (port.mtu < kMinMtu || port.mtu > kMaxMtu) {
    return refuse(who + "mtu " + std::to_string(port.mtu) + " is not within 68 to 9216");
  }
  if (port.mac && (port.mac->is_group() || port.mac->is_zero())) {
    return refuse(
        who + "mac " + printed(*port.mac) +
        " is no station's address: the first octet must be even, and not all may be zero");
  }
  if (port.addresses.size() > kMaxAddresses) {
    return refuse(who + std::to_string(port.addresses.size()) + " addresses; at most 32");
  }
  for (const IpPrefix& prefix : port.addresses) {
    const IpAddress& address = prefix.address();
    if (address.is_unspecified() || address.is_multicast() || address.is_loopback() ||
        address.is_limited_broadcast()) {
      return refuse(who + "address " + printed(prefix) + " is not one that a host can have");
    }
    if (address.is_v6() && port.mtu < kMinMtuIp6) {
      return refuse(who + "mtu " + std::to_string(port.mtu) + " is too small for IPv6 address " +
                    printed(prefix) + ": at least 1280");
    }
  }
  return {};
}

Checked check_faults(const PortConfig& port) {
  const std::string who = "port " + port.name + ": faults: ";
  const FaultConfig& faults = port.faults;
  const std::array<std::pair<std::string_view, double>, 4> chances = {
      {{"drop_chance", faults.drop_chance},
       {"corrupt_chance", faults.corrupt_chance},
       {"duplicate_chance", faults.duplicate_chance},
       {"reorder_chance", faults.reorder_chance}}};
  for (const auto& [field, percent] : chances) {
    if (!(percent >= 0 && percent <= 100)) {
      return refuse(who + std::string{field} + " is a percentage, 0 to 100");
    }
  }
  if ((faults.rx_rate_limit > 0 || faults.tx_rate_limit > 0) &&
      faults.shaping_interval <= Duration::zero()) {
    return refuse(who + "a rate limit needs a shaping_interval above zero");
  }
  if (faults.delay < Duration::zero() || faults.delay_jitter < Duration::zero()) {
    return refuse(who + "delay and delay_jitter are not negative");
  }
  if (faults.reorder_chance > 0 &&
      (faults.reorder_distance == 0 || faults.reorder_timeout <= Duration::zero())) {
    return refuse(who + "reorder_chance needs a reorder_distance and a reorder_timeout above zero");
  }
  if (faults.any() && (faults.queue == 0 || faults.queue > 65'536)) {
    return refuse(who + "queue is 1 to 65536 packets");
  }
  return {};
}

Checked check_distinct(const std::vector<PortConfig>& ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const PortConfig& port = ports[i];
      const PortConfig& other = ports[j];
      if (port.name == other.name) return refuse("port " + port.name + ": named twice");
      if (instance_of(port.device) == instance_of(other.device)) {
        return refuse("port " + port.name + ": device " + std::string{instance_of(port.device)} +
                      " is already port " + other.name +
                      "'s: number them, as net_tap0 and net_tap1");
      }
      const std::string_view iface = interface_of(port.device);
      if (!iface.empty() && iface == interface_of(other.device)) {
        return refuse("port " + port.name + ": interface " + std::string{iface} +
                      " is already port " + other.name + "'s: choose another name");
      }
    }
  }
  return {};
}

Checked check_ports(const Config& config) {
  if (config.ports.empty()) return refuse("no port is configured: add one");
  if (config.ports.size() > config.stack.limits.interfaces) {
    return refuse(std::to_string(config.ports.size()) +
                  " ports: raise limits.interfaces, which is " +
                  std::to_string(config.stack.limits.interfaces));
  }
  for (const PortConfig& port : config.ports) {
    for (const auto check : {check_name, check_device, check_addresses, check_faults}) {
      if (Checked result = check(port); !result) return result;
    }
  }
  return check_distinct(config.ports);
}

Checked check_routes(const Config& config) {
  for (const RouteConfig& route : config.routes) {
    const std::string who = "route " + printed(route.destination) + ": ";
    if (route.gateway && route.gateway->family() != route.destination.address().family()) {
      return refuse(who + "gateway " + printed(*route.gateway) + " is of the other IP version");
    }
    const std::uint16_t least_mtu = route.destination.address().is_v4() ? 68 : 1280;
    if (route.mtu != 0 && route.mtu < least_mtu) {
      return refuse(who + "mtu " + std::to_string(route.mtu) + " is less than " +
                    std::to_string(least_mtu));
    }
    const auto named = [&](const PortConfig& port) { return port.name == route.port; };
    const auto reaches = [&](const PortConfig& port) {
      return std::any_of(port.addresses.begin(), port.addresses.end(),
                         [&](const IpPrefix& own) { return own.contains(*route.gateway); });
    };
    if (!route.port.empty()) {
      if (std::none_of(config.ports.begin(), config.ports.end(), named)) {
        return refuse(who + "there is no port " + quoted(route.port));
      }
    } else if (!route.gateway) {
      return refuse(who + "name a gateway or a port");
    } else if (std::none_of(config.ports.begin(), config.ports.end(), reaches)) {
      return refuse(who + "gateway " + printed(*route.gateway) +
                    " is in no port's subnet: name the port");
    }
  }
  return {};
}

Checked check_workers(const Config& config) {
  const WorkersConfig& workers = config.workers;
  if (workers.count == 0) return refuse("workers.count: at least 1");
  if (workers.count > kMostWorkers) {
    return refuse("workers.count: " + std::to_string(workers.count) + ": at most " +
                  std::to_string(kMostWorkers));
  }
  if (!workers.cores.empty() && workers.cores.size() != workers.count) {
    return refuse("workers.cores: " + std::to_string(workers.cores.size()) + " cores for " +
                  std::to_string(workers.count) + " worker: name one each, or none");
  }
  return {};
}

Checked check_bridge(const Config& config) {
  const BridgeConfig& bridge = config.bridge;
  if (!bridge.enabled()) return {};
  const std::string who = "bridge.ports: ";
  if (bridge.ports.size() != 2) return refuse(who + "a bridge joins two ports: name both");
  if (bridge.ports[0] == bridge.ports[1]) {
    return refuse(who + bridge.ports[0] + " twice: a bridge joins two ports");
  }
  for (const std::string& name : bridge.ports) {
    const auto is_it = [&](const PortConfig& port) { return port.name == name; };
    if (std::none_of(config.ports.begin(), config.ports.end(), is_it)) {
      return refuse(who + "there is no port " + quoted(name));
    }
  }
  if (config.ports.size() != 2) {
    return refuse(
        "ports: a bridge has its two ports and no others: a daemon bridges or has a "
        "stack, not both");
  }
  for (const PortConfig& port : config.ports) {
    const std::string which = "port " + port.name + ": ";
    if (!port.addresses.empty()) return refuse(which + "a port of a bridge has no addresses");
    if (port.mac) return refuse(which + "a port of a bridge has no mac of its own");
    if (port.faults.any()) {
      return refuse(which + "faults are between a port and a stack: write them into bridge.link");
    }
  }
  if (!config.routes.empty()) return refuse("routes: a bridge has none");
  if (config.workers.count > 1) {
    return refuse(
        "workers.count: a bridge runs on one worker: both directions share its store "
        "and their order");
  }
  const std::array<std::pair<std::string_view, const LinkConfig*>, 2> ways = {
      {{"bridge.a_to_b", &bridge.a_to_b}, {"bridge.b_to_a", &bridge.b_to_a}}};
  for (const auto& [path, link] : ways) {
    const std::string wrong = objection(*link);
    if (wrong.empty()) continue;
    // Where it was written: for both at once, or for this one.
    return refuse((wrong == objection(bridge.link) ? "bridge.link" : std::string{path}) + "." +
                  wrong);
  }
  if (bridge_store(config) == 0) {
    return refuse("bridge.store: two directions of it do not fit into pool.packets, " +
                  std::to_string(config.pool.packets) + ": " + std::to_string(kBridgeReserve) +
                  " of those are for the ports");
  }
  return {};
}

Checked check_limits(const Config& config) {
  constexpr std::uint32_t kMinPackets = 512;
  constexpr std::uint32_t kMaxPackets = 16'777'216;
  if (config.pool.packets < kMinPackets || config.pool.packets > kMaxPackets ||
      config.pool.small_packets < kMinPackets || config.pool.small_packets > kMaxPackets) {
    return refuse("pool: packets and small_packets are 512 to 16777216 each");
  }
  const IdleConfig& idle = config.idle;
  if (idle.spin < Duration::zero() || idle.yield < Duration::zero()) {
    return refuse("idle: spin and yield are not negative");
  }
  if (idle.nap <= Duration::zero() || idle.nap > seconds(1)) {
    return refuse("idle.nap: above zero and at most one second");
  }
  if (config.capture.snap_length < 64 || config.capture.snap_length > 262'144) {
    return refuse("capture.snap_length: 64 to 262144 octets");
  }
  if (config.capture.ring_mb == 0 || config.capture.ring_mb > 1024) {
    return refuse("capture.ring: 1 to 1024 MiB");
  }
  if (config.drain < Duration::zero()) return refuse("drain: not negative");
  return {};
}

}  // namespace

Result<void, StartError> validate(const Config& config) {
  for (const auto check : {check_ports, check_routes, check_bridge, check_workers, check_limits}) {
    if (Checked result = check(config); !result) return result;
  }
  return {};
}

std::uint32_t bridge_store(const Config& config) noexcept {
  const std::uint32_t packets = config.pool.packets;
  const std::uint32_t most = packets > kBridgeReserve ? (packets - kBridgeReserve) / 2 : 0;
  if (config.bridge.store == 0) return most;
  return config.bridge.store <= most ? config.bridge.store : 0;
}

std::string objection(const LinkConfig& link) {
  const std::array<std::pair<std::string_view, double>, 8> chances = {
      {{"loss", link.loss},
       {"burst_enter", link.burst_enter},
       {"burst_leave", link.burst_leave},
       {"burst_loss", link.burst_loss},
       {"truncate", link.truncate},
       {"corrupt", link.corrupt},
       {"duplicate", link.duplicate},
       {"reorder", link.reorder}}};
  for (const auto& [key, percent] : chances) {
    if (!(percent >= 0 && percent <= 100)) return std::string{key} + ": is a percentage, 0 to 100";
  }
  constexpr Duration kZero = Duration::zero();
  if (link.burst_enter > 0 && link.burst_leave <= 0) {
    return "burst_leave: above zero, or a burst has no end";
  }
  if (link.blackout < kZero || link.blackout_every < kZero || link.blackout_after < kZero) {
    return "blackout: not negative";
  }
  if (link.blackout == kZero && (link.blackout_every > kZero || link.blackout_after > kZero)) {
    return "blackout: how long? blackout_every and blackout_after do nothing without it";
  }
  if (link.blackout_every > kZero && link.blackout_every <= link.blackout) {
    return "blackout_every: longer than the blackout, or nothing ever passes";
  }
  if (link.delay < kZero || link.jitter < kZero) return "delay: not negative, nor is the jitter";
  if (link.jitter_reorders && link.jitter == kZero) return "jitter_reorders: needs a jitter";
  if (link.reorder > 0 && link.reorder_by <= kZero) return "reorder_by: above zero";
  if (link.queue_packets == 0) return "queue_packets: at least 1";
  if (link.codel_target <= kZero || link.codel_interval <= link.codel_target) {
    return "codel_interval: longer than codel_target, which is above zero";
  }
  if (link.ecn && link.aqm != LinkConfig::Aqm::kCodel) {
    return "ecn: says that aqm codel marks instead of dropping; ce_threshold marks by itself";
  }
  const bool queues = link.aqm != LinkConfig::Aqm::kNone || link.ce_threshold > kZero ||
                      link.burst > 0 || link.queue_octets > 0;
  if (queues && link.rate == 0) {
    return "rate: is missing: without it nothing queues (aqm, ce_threshold, burst, queue_octets)";
  }
  return {};
}

std::string_view driver_of(std::string_view device) noexcept {
  const std::string_view instance = instance_of(device);
  if (is_pci_address(instance)) return "pci";
  if (device.starts_with(kOwnTap)) return "tap";
  if (!instance.starts_with("net_")) return {};
  // DPDK finds a virtual device's driver as the prefix of its name.
  constexpr std::array<std::string_view, 10> kKnown = {
      "net_tap",   "net_tun",       "net_ring",   "net_pcap",        "net_null",
      "net_memif", "net_af_packet", "net_af_xdp", "net_virtio_user", "net_vhost"};
  for (const std::string_view driver : kKnown) {
    if (instance.starts_with(driver)) return driver;
  }
  const std::size_t end = instance.find_last_not_of("0123456789");
  return instance.substr(0, end + 1);
}

std::string_view device_argument(std::string_view device, std::string_view key) noexcept {
  std::size_t comma = device.find(',');
  while (comma != std::string_view::npos) {
    device.remove_prefix(comma + 1);
    comma = device.find(',');
    const std::string_view argument = device.substr(0, comma);
    if (argument.size() > key.size() && argument.starts_with(key) && argument[key.size()] == '=') {
      return argument.substr(key.size() + 1);
    }
  }
  return {};
}

std::string_view tap_interface_of(std::string_view device) noexcept {
  return device.starts_with(kOwnTap) ? device.substr(kOwnTap.size()) : std::string_view{};
}

bool is_virtual(std::string_view device) noexcept {
  return driver_of(device) != "pci";
}

}  // namespace smol::dataplane
