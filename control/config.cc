#include "control/config.hh"

#include <algorithm>
#include <cctype>

namespace smol::control {
namespace {

using dataplane::EalConfig;
using dataplane::FaultConfig;
using dataplane::IdleConfig;
using dataplane::PortConfig;
using dataplane::RouteConfig;

constexpr Duration kHour = seconds(3600);

Codec<std::string> interface_name() {
  return checked(text(1, 15), [](const std::string& name) -> std::string {
    const bool usable = std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isgraph(c) != 0 && c != '/' && c != ':';
    });
    return usable ? "" : in_quotes(name) + " is no interface name: no blanks, '/' or ':' in it";
  });
}

Codec<std::string> device() {
  return checked(text(1, 1024), [](const std::string& device) -> std::string {
    const std::string_view driver = dataplane::driver_of(device);
    if (driver == "net_tun") return "net_tun carries no Ethernet: use net_tap";
    if (!driver.empty()) return {};
    return in_quotes(device) +
           " is no device: write tap:NAME, a driver of DPDK with a number and arguments, such as "
           "net_tap0,iface=smol0, or a PCI address, such as 0000:03:00.0";
  });
}

Codec<MacAddress> station_address() {
  return checked(mac_address(), [](const MacAddress& mac) -> std::string {
    if (mac.is_zero()) return "all zeros are no station's address";
    return mac.is_group() ? printed(mac) + " is a group address: the first octet must be even" : "";
  });
}

void settle_default(const Value& value, RouteConfig& route) {
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    const bool is_default = value.keys[i].name == "to" && value.items[i].text == "default";
    if (is_default && route.gateway && route.gateway->is_v6()) {
      route.destination = IpPrefix{IpAddress::any(IpFamily::kIp6), 0};
    }
  }
}

}  // namespace

Codec<IpPrefix> host_address() {
  return checked(ip_prefix(), [](const IpPrefix& prefix) -> std::string {
    const IpAddress& address = prefix.address();
    if (address.is_unspecified() || address.is_multicast() || address.is_loopback() ||
        address.is_limited_broadcast()) {
      return printed(address) + " is no address that a host can have on a link";
    }
    if (address == prefix.broadcast()) {
      return printed(prefix) + " is the broadcast address of its own subnet";
    }
    const bool is_network = address.is_v4() && prefix.length() < 31 && address == prefix.network();
    return is_network ? printed(prefix) + " is the subnet itself: name the host in it" : "";
  });
}

Codec<IpPrefix> route_destination() {
  const Codec<IpPrefix> subnet = checked(ip_prefix(), [](const IpPrefix& prefix) -> std::string {
    if (prefix.network() == prefix.address()) return {};
    return printed(prefix) + " has bits set behind its prefix length: write " +
           printed(IpPrefix{prefix.network(), prefix.length()});
  });
  const IpPrefix all{IpAddress::any(IpFamily::kIp4), 0};
  return {"default or " + subnet.form,
          [=](std::string_view text) -> Result<IpPrefix, std::string> {
            if (text == "default") return all;
            return subnet.parse(text);
          },
          [=](const IpPrefix& prefix) { return prefix == all ? "default" : subnet.print(prefix); }};
}

Schema<dataplane::LogConfig> log_schema() {
  using Level = dataplane::LogLevel;
  Schema<dataplane::LogConfig> schema;
  schema.scalar(
      "level", &dataplane::LogConfig::level,
      enumeration<Level>({{"trace", Level::kTrace},
                          {"debug", Level::kDebug},
                          {"info", Level::kInfo},
                          {"warning", Level::kWarning},
                          {"error", Level::kError}}),
      "The least important messages that are printed. `debug` tells of malformed packets, "
      "`trace` of every packet.");
  return schema;
}

Schema<EalConfig> eal_schema() {
  using Hugepages = EalConfig::Hugepages;
  Schema<EalConfig> schema;
  schema
      .scalar("hugepages", &EalConfig::hugepages,
              enumeration<Hugepages>({{"auto", Hugepages::kAuto}, {"off", Hugepages::kOff}}),
              "`auto` uses them where the kernel has enough free ones; no mount is needed.")
      .scalar("memory", &EalConfig::memory_mb,
              zero_is("auto", size<std::uint32_t>(64 << 20, std::uint64_t{1} << 40, 1 << 20)),
              "Memory for packets, in whole MiB. `auto` is as much as `pool` and the ports need.")
      .list("arguments", &EalConfig::extra_arguments, text(1, 1024),
            "Further arguments of rte_eal_init(), behind smold's own.");
  return schema;
}

Schema<dataplane::WorkersConfig> workers_schema() {
  using dataplane::WorkersConfig;
  Schema<WorkersConfig> schema;
  schema
      .scalar("count", &WorkersConfig::count, integer<std::uint32_t>(1, dataplane::kMostWorkers),
              "How many threads, each with a stack of its own; flows are shared out among them.")
      .list(
          "cores", &WorkersConfig::cores, integer<std::uint32_t>(0, 4095),
          "CPU of each worker. None: the kernel's scheduler decides, which suits virtual devices.");
  return schema;
}

Schema<IdleConfig> idle_schema() {
  using Sleep = IdleConfig::Sleep;
  Schema<IdleConfig> schema;
  schema
      .scalar("spin", &IdleConfig::spin, duration(Duration{0}, seconds(1)),
              "Since the last work: poll on without a pause.")
      .scalar("yield", &IdleConfig::yield, duration(Duration{0}, seconds(1)),
              "Since the end of `spin`: poll, and let others have the CPU in between.")
      .scalar(
          "sleep", &IdleConfig::sleep,
          enumeration<Sleep>({{"auto", Sleep::kAuto}, {"on", Sleep::kOn}, {"off", Sleep::kOff}}),
          "Whether a worker sleeps after that, until a packet or a timer wakes it. `auto` is on if "
          "every port is a virtual device and off if one is a NIC.")
      .scalar("nap", &IdleConfig::nap, duration(microseconds(1), seconds(1)),
              "The longest sleep where a port cannot wake a worker (net_ring, net_pcap, "
              "net_af_packet, net_null) and is polled instead.");
  return schema;
}

Schema<dataplane::PoolConfig> pool_schema() {
  using dataplane::PoolConfig;
  Schema<PoolConfig> schema;
  schema
      .scalar("packets", &PoolConfig::packets, integer<std::uint32_t>(512, 16'777'216),
              "Buffers of 2 KiB, for packets received and data to be sent.")
      .scalar("small_packets", &PoolConfig::small_packets, integer<std::uint32_t>(512, 16'777'216),
              "Small buffers, for headers and views of packets.");
  return schema;
}

Schema<FaultConfig> faults_schema() {
  constexpr std::uint32_t kMax = 1'000'000'000;
  const Codec<std::uint32_t> off_or_number = zero_is("off", integer<std::uint32_t>(1, kMax));
  const Codec<Duration> off_or_time = duration(microseconds(1), seconds(60), Duration{0});
  Schema<FaultConfig> schema;
  schema
      .scalar("drop_chance", &FaultConfig::drop_chance, percent(),
              "Percent of packets that are lost.")
      .scalar("corrupt_chance", &FaultConfig::corrupt_chance, percent(),
              "Percent of packets of which one bit is flipped.")
      .scalar("size_limit", &FaultConfig::size_limit, off_or_number,
              "Frames of more octets are lost.")
      .scalar("rx_rate_limit", &FaultConfig::rx_rate_limit, off_or_number,
              "Packets received in one `shaping_interval`; more are lost.")
      .scalar("tx_rate_limit", &FaultConfig::tx_rate_limit, off_or_number,
              "Packets sent in one `shaping_interval`; more are lost.")
      .scalar("shaping_interval", &FaultConfig::shaping_interval,
              duration(milliseconds(1), seconds(60)), "What the rate limits count over.")
      .scalar("duplicate_chance", &FaultConfig::duplicate_chance, percent(),
              "Percent of packets that come twice.")
      .scalar("reorder_chance", &FaultConfig::reorder_chance, percent(),
              "Percent of packets that are held back behind later ones.")
      .scalar("reorder_distance", &FaultConfig::reorder_distance, integer<std::uint32_t>(1, 64),
              "Behind up to so many later packets.")
      .scalar("reorder_timeout", &FaultConfig::reorder_timeout,
              duration(microseconds(1), seconds(60)), "And for no longer than this.")
      .scalar("delay", &FaultConfig::delay, off_or_time, "Every packet is so much later.")
      .scalar("delay_jitter", &FaultConfig::delay_jitter, off_or_time,
              "And up to so much more, drawn for each packet; may reorder.")
      .scalar("queue", &FaultConfig::queue, integer<std::uint32_t>(1, 65'536),
              "Packets held back in one direction; more are lost.");
  return schema;
}

Schema<PortConfig> port_schema() {
  using Offload = PortConfig::Offload;
  const Codec<std::uint16_t> descriptors = zero_is("auto", integer<std::uint16_t>(32, 32'768));
  Schema<PortConfig> schema;
  schema
      .required("name", &PortConfig::name, interface_name(),
                "Name of the interface, of up to 15 characters. Routes refer to it.")
      .required(
          "device", &PortConfig::device, device(),
          "The device. `tap:NAME` is our own port over the kernel's tap NAME, which is used if it "
          "exists and made if not. Others are DPDK's: a virtual one with its arguments, such as "
          "`net_tap0,iface=smol0`, or a PCI address, such as `0000:03:00.0`.")
      .scalar("mac", &PortConfig::mac, optional("auto", station_address()),
              "The stack's Ethernet address. `auto` is the device's own, and a random one over a "
              "tap, whose kernel side has the device's.")
      .scalar("mtu", &PortConfig::mtu, integer<std::uint16_t>(68, 9216),
              "Octets of the largest IP packet. IPv6 needs 1280.")
      .list("addresses", &PortConfig::addresses, host_address(),
            "The interface's addresses, with the prefix length of their subnet. Up to 32.")
      .scalar("offload", &PortConfig::offload,
              enumeration<Offload>({{"auto", Offload::kAuto}, {"off", Offload::kOff}}),
              "`auto` leaves checksums to NICs that can, and to `tap:NAME`, which takes and gives "
              "packets of up to 64 KiB too; it leaves nothing to other virtual devices, nor to "
              "any in a bridge or with faults.")
      .scalar(
          "queues", &PortConfig::queues,
          zero_is("auto", integer<std::uint16_t>(1, dataplane::kMostWorkers)),
          "Queue pairs of the device, at most one a worker. `auto` is as many as it has. Workers "
          "without one receive and send by others.")
      .scalar("rx_descriptors", &PortConfig::rx_descriptors, descriptors,
              "Length of the receive ring. `auto` is what suits the device.")
      .scalar("tx_descriptors", &PortConfig::tx_descriptors, descriptors,
              "Length of the transmit ring. `auto` is what suits the device.")
      .section("faults", &PortConfig::faults, faults_schema(),
               "Faults put between the port and the stack, in both directions, for tests.");
  return schema;
}

Schema<RouteConfig> route_schema() {
  Schema<RouteConfig> schema;
  schema
      .required("to", &RouteConfig::destination, route_destination(),
                "The destination's prefix. `default` is 0.0.0.0/0, or ::/0 with an IPv6 gateway.")
      .scalar("via", &RouteConfig::gateway, optional("none", ip_address()),
              "The gateway, in a subnet of the port. `none` if the destinations are on the link.")
      .scalar(
          "dev", &RouteConfig::port,
          Codec<std::string>{"auto or the name of a port",
                             [](std::string_view text) -> Result<std::string, std::string> {
                               return text == "auto" ? std::string{} : std::string{text};
                             },
                             [](const std::string& name) { return name.empty() ? "auto" : name; }},
          "The port. `auto` is the one whose subnet holds the gateway.")
      .scalar("metric", &RouteConfig::metric, integer<std::uint32_t>(0),
              "Of routes to the same prefix the one with the lowest is taken.")
      .scalar(
          "mtu", &RouteConfig::mtu, integer<std::uint16_t>(0),
          "Packets are no longer than so many octets, and peers are told so; at least 68, or 1280 "
          "for IPv6. 0: as long as the link carries.")
      .after(settle_default);
  return schema;
}

PortConfig example_port() {
  PortConfig port;
  port.name = "smol0";
  port.device = "net_tap0,iface=smol0";
  port.addresses = {IpPrefix{IpAddress::v4(192, 168, 69, 1), 24},
                    IpPrefix{IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1), 64}};
  return port;
}

RouteConfig example_route() {
  RouteConfig route;
  route.destination = IpPrefix{IpAddress::any(IpFamily::kIp4), 0};
  route.gateway = IpAddress::v4(192, 168, 69, 100);
  return route;
}

Schema<dataplane::CaptureConfig> capture_schema() {
  using dataplane::CaptureConfig;
  Schema<CaptureConfig> schema;
  schema
      .scalar(
          "file", &CaptureConfig::file,
          Codec<std::string>{"none or a path",
                             [](std::string_view text) -> Result<std::string, std::string> {
                               return text == "none" ? std::string{} : std::string{text};
                             },
                             [](const std::string& file) { return file.empty() ? "none" : file; }},
          "`*.pcapng` is written with directions and drop reasons, any other name as pcap.")
      .scalar("snap_length", &CaptureConfig::snap_length, integer<std::uint32_t>(64, 262'144),
              "Octets that are kept of a packet.")
      .scalar("ring", &CaptureConfig::ring_mb, size<std::uint32_t>(1 << 20, 1 << 30, 1 << 20),
              "Memory between each worker and the file, in whole MiB. What does not fit is not "
              "captured, and counted.");
  return schema;
}

Schema<StackConfig> ip_schema() {
  Schema<StackConfig> schema;
  schema
      .scalar("hop_limit", &StackConfig::hop_limit, integer<std::uint8_t>(1, 255),
              "TTL or hop limit of what no socket sends, such as echo replies.")
      .scalar("first_ephemeral_port", &StackConfig::first_ephemeral_port,
              integer<std::uint16_t>(1, 65'535), "The lowest port chosen for those who name none.")
      .scalar("last_ephemeral_port", &StackConfig::last_ephemeral_port,
              integer<std::uint16_t>(1, 65'535), "The highest one.");
  return schema;
}

Schema<NeighborConfig> neighbor_schema() {
  Schema<NeighborConfig> schema;
  schema
      .scalar("reachable_time", &NeighborConfig::reachable_time, duration(seconds(1), kHour),
              "How long a neighbour counts as reachable, on average.")
      .scalar("delay_first_probe", &NeighborConfig::delay_first_probe,
              duration(milliseconds(10), seconds(60)),
              "How long an old entry is used before the neighbour is asked again.")
      .scalar("retrans_timer", &NeighborConfig::retrans_timer,
              duration(milliseconds(10), seconds(60)), "Between two requests to one neighbour.")
      .scalar("max_multicast_solicit", &NeighborConfig::max_multicast_solicit,
              integer<std::uint8_t>(1, 20), "Requests for a neighbour that is not known.")
      .scalar("max_unicast_solicit", &NeighborConfig::max_unicast_solicit,
              integer<std::uint8_t>(1, 20), "Requests to a neighbour that was known.")
      .scalar("pending_packets", &NeighborConfig::pending_packets, integer<std::uint8_t>(1, 255),
              "Packets that wait for one neighbour's address; the oldest goes when there are more.")
      .scalar("failed_hold", &NeighborConfig::failed_hold, duration(Duration{0}, seconds(60)),
              "How long a neighbour that did not answer is not asked again.");
  return schema;
}

Schema<PathMtuConfig> path_mtu_schema() {
  Schema<PathMtuConfig> schema;
  schema
      .scalar("lifetime", &PathMtuConfig::lifetime, duration(seconds(300), 24 * kHour),
              "How long a router is believed; then the path is tried at its link's MTU again.")
      .scalar("least_ip4", &PathMtuConfig::least4, integer<std::uint16_t>(68, 1500),
              "IPv4 packets are cut no smaller, whatever routers say; longer ones may be "
              "fragmented on their way then.");
  return schema;
}

Schema<IcmpConfig> icmp_schema() {
  const Codec<Duration> interval = duration(microseconds(1), seconds(60), Duration{0});
  const Codec<std::uint32_t> burst = integer<std::uint32_t>(1, 1'000'000'000);
  Schema<IcmpConfig> schema;
  schema
      .scalar("error_interval", &IcmpConfig::error_interval, interval,
              "One ICMP error may be sent this often; `off` is without limit.")
      .scalar("error_burst", &IcmpConfig::error_burst, burst, "ICMP errors at once.")
      .scalar(
          "reset_interval", &IcmpConfig::reset_interval, interval,
          "One RST to a segment of no connection may be sent this often; `off` is without limit.")
      .scalar("reset_burst", &IcmpConfig::reset_burst, burst, "Such RSTs at once.")
      .scalar("echo_interval", &IcmpConfig::echo_interval, interval,
              "One echo reply may be sent this often; `off` is without limit.")
      .scalar("echo_burst", &IcmpConfig::echo_burst, burst, "Echo replies at once.");
  return schema;
}

Schema<Limits> limits_schema() {
  constexpr std::uint32_t kMany = 16'777'216;
  Schema<Limits> schema;
  schema.scalar("interfaces", &Limits::interfaces, integer<std::uint32_t>(1, 256), "Ports.")
      .scalar("addresses", &Limits::addresses, integer<std::uint32_t>(1, 65'536),
              "Addresses of all ports together.")
      .scalar("routes", &Limits::routes, integer<std::uint32_t>(1, 1'048'576),
              "Routes, the ports' subnets included.")
      .scalar("neighbors", &Limits::neighbors, integer<std::uint32_t>(1, 1'048'576),
              "Entries of the neighbour cache.")
      .scalar(
          "path_mtus", &Limits::path_mtus, integer<std::uint32_t>(1, 1'048'576),
          "Destinations whose path is narrower than its link; the one heard of longest ago goes "
          "when there are more.")
      .scalar("connections", &Limits::connections, integer<std::uint32_t>(1, kMany),
              "TCP connections, from the completed handshake on.")
      .scalar("half_open", &Limits::half_open, integer<std::uint32_t>(1, kMany),
              "TCP connections that listeners wait for the final ACK of, 96 octets each.")
      .scalar("listeners", &Limits::listeners, integer<std::uint32_t>(1, 65'536),
              "Listening TCP sockets.")
      .scalar("fast_open_servers", &Limits::fast_open_servers, integer<std::uint32_t>(1, 1'048'576),
              "Servers whose fast open cookies are kept for the next connection, about.")
      .scalar("time_wait", &Limits::time_wait, integer<std::uint32_t>(1, kMany),
              "Connections in TIME-WAIT; the oldest goes when there are more.")
      .scalar("udp_sockets", &Limits::udp_sockets, integer<std::uint32_t>(1, 1'048'576),
              "UDP sockets.")
      .scalar("icmp_sockets", &Limits::icmp_sockets, integer<std::uint32_t>(1, 65'536),
              "ICMP sockets.")
      .scalar("reassembly_ranges", &Limits::reassembly_ranges, integer<std::uint32_t>(1, kMany),
              "Pieces received out of order, of all TCP connections together.")
      .scalar("sent_runs", &Limits::sent_runs, integer<std::uint32_t>(1, kMany),
              "Bursts and holes in flight, of all TCP connections together.")
      .scalar(
          "pool_share", &Limits::pool_share_percent, integer<std::uint32_t>(10, 95),
          "Percent of `pool` that sockets and queues may hold; the rest is for packets on their "
          "way.");
  return schema;
}

}  // namespace smol::control
