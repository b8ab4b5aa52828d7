// The rules between values, each reported where the value stands that is to be changed.
#include <algorithm>

#include "control/config.hh"

namespace smol::control {
namespace {

using dataplane::PortConfig;
using dataplane::RouteConfig;

constexpr std::uint16_t kMinMtuIp6 = 1280;  // RFC 8200 section 5
constexpr std::size_t kMaxAddresses = 32;   // of InterfaceConfig

std::string element(std::string_view list, std::size_t index) {
  return std::string{list} + '[' + std::to_string(index) + ']';
}

class Checker {
 public:
  Checker(const dataplane::Config& config, const Places& places, Diagnostics& diagnostics)
      : config_{config}, places_{places}, diagnostics_{diagnostics} {}

  void run() {
    if (config_.ports.empty()) refuse("ports", "no port is configured: add one");
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      check_port(i);
      check_addresses(i);
    }
    for (std::size_t i = 0; i < config_.routes.size(); ++i) check_route(i);
    check_tables();
    check_times();
    check_sockets();
    // What the dataplane refuses beyond that has no path of its own: the element must do.
    if (!diagnostics_.empty()) return;
    if (const auto valid = dataplane::validate(config_); !valid) {
      diagnostics_.add(place_of_message(valid.error().message), valid.error().message);
    }
  }

 private:
  void refuse(const std::string& path, const std::string& message) {
    diagnostics_.add(places_.of(path), path + ": " + message);
  }

  void check_port(std::size_t i) {
    const PortConfig& port = config_.ports[i];
    const std::string path = element("ports", i);
    for (std::size_t j = 0; j < i; ++j) {
      if (config_.ports[j].name == port.name) {
        refuse(path + ".name",
               in_quotes(port.name) + " is already the name of " + element("ports", j));
      }
      const auto instance = [](const PortConfig& p) {
        return p.device.substr(0, p.device.find(','));
      };
      if (instance(config_.ports[j]) == instance(port)) {
        refuse(path + ".device", in_quotes(instance(port)) + " is already the device of " +
                                     element("ports", j) +
                                     ": number them, as net_tap0 and net_tap1");
      }
    }
    if (port.addresses.size() > kMaxAddresses) {
      refuse(path + ".addresses", std::to_string(port.addresses.size()) + " addresses; at most 32");
    }
  }

  void check_addresses(std::size_t i) {
    const PortConfig& port = config_.ports[i];
    const std::string path = element("ports", i);
    for (std::size_t a = 0; a < port.addresses.size(); ++a) {
      const IpPrefix& own = port.addresses[a];
      const std::string here = element(path + ".addresses", a);
      if (own.address().is_v6() && port.mtu < kMinMtuIp6) {
        refuse(path + ".mtu", std::to_string(port.mtu) + " is too small for IPv6 address " +
                                  printed(own) + ": at least 1280");
      }
      if (const std::string other = owner_before(own.address(), i, a); !other.empty()) {
        refuse(here, printed(own.address()) + " is already an address of " + other);
      }
    }
  }

  /// The port that had the address before address `a` of port `i`. Link-local ones belong to a
  /// link.
  std::string owner_before(const IpAddress& address, std::size_t i, std::size_t a) const {
    for (std::size_t j = 0; j <= i; ++j) {
      if (j != i && address.is_link_local()) continue;
      const std::vector<IpPrefix>& others = config_.ports[j].addresses;
      const std::size_t end = j == i ? a : others.size();
      for (std::size_t b = 0; b < end; ++b) {
        if (others[b].address() == address) return element("ports", j);
      }
    }
    return {};
  }

  void check_route(std::size_t i) {
    const RouteConfig& route = config_.routes[i];
    const std::string path = element("routes", i);
    const auto port = std::find_if(config_.ports.begin(), config_.ports.end(),
                                   [&](const PortConfig& p) { return p.name == route.port; });
    if (!route.port.empty() && port == config_.ports.end()) {
      refuse(path + ".dev", "there is no port " + in_quotes(route.port));
      return;
    }
    if (!route.gateway && route.port.empty()) {
      refuse(path, "a route needs a gateway or a port: add via or dev");
      return;
    }
    if (route.gateway) {
      check_gateway(i, route.port.empty() ? nullptr : &*port);
    }
    const std::uint16_t least_mtu = route.destination.address().is_v4() ? 68 : 1280;
    if (route.mtu != 0 && route.mtu < least_mtu) {
      refuse(path + ".mtu", std::to_string(route.mtu) + " is less than " +
                                std::to_string(least_mtu) + ": no link is so narrow");
    }
    for (std::size_t j = 0; j < i; ++j) {
      const RouteConfig& other = config_.routes[j];
      if (other.destination == route.destination && other.metric == route.metric) {
        refuse(path + ".to", "the same destination and metric as " + element("routes", j) +
                                 ": give one of them another metric");
      }
    }
  }

  void check_gateway(std::size_t i, const PortConfig* port) {
    const RouteConfig& route = config_.routes[i];
    const std::string path = element("routes", i) + ".via";
    const IpAddress& gateway = *route.gateway;
    if (gateway.family() != route.destination.address().family()) {
      return refuse(path, printed(gateway) + " is of the other IP version than " +
                              printed(route.destination));
    }
    std::size_t reached = 0;
    for (const PortConfig& candidate : config_.ports) {
      if (port != nullptr && port != &candidate) continue;
      const bool own = std::any_of(candidate.addresses.begin(), candidate.addresses.end(),
                                   [&](const IpPrefix& p) { return p.address() == gateway; });
      if (own) return refuse(path, printed(gateway) + " is an address of this host itself");
      reached += reaches(candidate, gateway) ? 1 : 0;
    }
    if (reached == 0) {
      refuse(path, printed(gateway) + " is in no subnet of " +
                       (port != nullptr ? "port " + in_quotes(port->name) : "any port") +
                       ": a gateway must be on the link");
    } else if (reached > 1) {
      refuse(path, printed(gateway) + " is in a subnet of several ports: name one with dev");
    }
  }

  static bool reaches(const PortConfig& port, const IpAddress& gateway) {
    const auto holds = [&](const IpPrefix& own) {
      // fe80::/10 is on every link that has IPv6 at all, whatever prefix length was written.
      return own.contains(gateway) ||
             (gateway.is_v6() && gateway.is_link_local() && own.address().is_v6());
    };
    return std::any_of(port.addresses.begin(), port.addresses.end(), holds);
  }

  void check_tables() {
    const Limits& limits = config_.stack.limits;
    std::size_t addresses = 0;
    for (const PortConfig& port : config_.ports) addresses += port.addresses.size();
    const auto fits = [&](const char* path, std::size_t needed, std::uint32_t limit) {
      if (needed > limit) {
        refuse(path, std::to_string(limit) + " is too few: the file has " + std::to_string(needed));
      }
    };
    fits("limits.interfaces", config_.ports.size(), limits.interfaces);
    fits("limits.addresses", addresses, limits.addresses);
    fits("limits.routes", config_.routes.size() + addresses, limits.routes);
    const dataplane::WorkersConfig& workers = config_.workers;
    if (!workers.cores.empty() && workers.cores.size() != workers.count) {
      refuse("workers.cores", std::to_string(workers.cores.size()) + " cores for " +
                                  std::to_string(workers.count) +
                                  " workers: name one each, or none");
    }
    if (config_.stack.first_ephemeral_port > config_.stack.last_ephemeral_port) {
      refuse("ip.last_ephemeral_port", std::to_string(config_.stack.last_ephemeral_port) +
                                           " is below first_ephemeral_port, " +
                                           std::to_string(config_.stack.first_ephemeral_port));
    }
  }

  void check_times() {
    const tcp::Config& tcp = config_.stack.tcp;
    if (tcp.min_rto > tcp.max_rto) refuse("tcp.min_rto", "is above tcp.max_rto");
    if (tcp.initial_rto > tcp.max_rto) refuse("tcp.initial_rto", "is above tcp.max_rto");
    if (tcp.least_user_timeout > tcp.most_user_timeout) {
      refuse("tcp.least_user_timeout", "is above tcp.most_user_timeout");
    }
  }

  void check_sockets() {
    const tcp::SocketOptions& options = config_.stack.tcp.defaults;
    if (options.receive_low_water > options.receive_buffer) {
      refuse("tcp.receive_low_water",
             "is above tcp.receive_buffer: nothing would ever be readable");
    }
    if (options.send_low_water > options.send_buffer) {
      refuse("tcp.send_low_water", "is above tcp.send_buffer: nothing would ever be writable");
    }
  }

  /// The place of what a message of the dataplane is about: "port smol0: ...", "route ::/0: ...",
  /// "workers.count: ...".
  Place place_of_message(const std::string& message) const {
    const std::string subject = message.substr(0, message.find(": "));
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      if (subject == "port " + config_.ports[i].name) return places_.of(element("ports", i));
    }
    for (std::size_t i = 0; i < config_.routes.size(); ++i) {
      const std::string route = "route " + printed(config_.routes[i].destination);
      if (subject == route) return places_.of(element("routes", i));
    }
    return places_.of(subject);
  }

  const dataplane::Config& config_;
  const Places& places_;
  Diagnostics& diagnostics_;
};

}  // namespace

void check(const dataplane::Config& config, const Places& places, Diagnostics& diagnostics) {
  Checker{config, places, diagnostics}.run();
}

}  // namespace smol::control
