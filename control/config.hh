#pragma once

#include "control/schema.hh"
#include "dataplane/config.hh"

namespace smol::control {

/// An address that a host can have on a link.
Codec<IpPrefix> host_address();
/// A subnet without host bits. "default" is 0.0.0.0/0 here; route_schema() makes it ::/0 when the
/// gateway is an IPv6 one.
Codec<IpPrefix> route_destination();

// The sections of the dataplane's configuration: the table from which they are read, printed and
// documented. Value ranges are part of it; what several values must keep together is check()'s.

Schema<dataplane::LogConfig> log_schema();
Schema<dataplane::EalConfig> eal_schema();
Schema<dataplane::WorkersConfig> workers_schema();
Schema<dataplane::IdleConfig> idle_schema();
Schema<dataplane::PoolConfig> pool_schema();
Schema<dataplane::FaultConfig> faults_schema();
Schema<dataplane::PortConfig> port_schema();
Schema<dataplane::RouteConfig> route_schema();
Schema<dataplane::CaptureConfig> capture_schema();
Schema<dataplane::LinkConfig> link_schema();
Schema<dataplane::BridgeConfig> bridge_schema();
Schema<StackConfig> ip_schema();
Schema<NeighborConfig> neighbor_schema();
Schema<PathMtuConfig> path_mtu_schema();
Schema<IcmpConfig> icmp_schema();
Schema<tcp::Config> tcp_schema();
Schema<Limits> limits_schema();

/// What the printed defaults show of ports and routes.
dataplane::PortConfig example_port();
dataplane::RouteConfig example_route();

/// Settings of a link as they are written: {"delay", "25ms"}.
using LinkWords = std::vector<std::pair<std::string, std::string>>;
/// Of "delay=25ms,loss=1". Error: a sentence.
Result<LinkWords, std::string> link_words(std::string_view text);
/// All of a link's, in the order of its schema.
LinkWords link_words(const dataplane::LinkConfig& link);
/// Changes these settings and no others. Error: what is wrong with one, beginning with its key;
/// nothing is changed.
Result<void, std::string> read_link_words(const LinkWords& words, dataplane::LinkConfig& link);
/// The same, and that they go together.
Result<void, std::string> change_link(const LinkWords& words, dataplane::LinkConfig& link);

/// Adds all of them to a schema whose T is, or derives from, dataplane::Config.
template <class T>
void add_dataplane(Schema<T>& schema);

/// Adds what `config` breaks of the rules between values, each with the place of the value to
/// change.
void check(const dataplane::Config& config, const Places& places, Diagnostics& diagnostics);

template <class T>
void add_dataplane(Schema<T>& schema) {
  schema.section("log", &T::log, log_schema(), "Messages, on standard error.");
  schema.list_of("ports", &T::ports, port_schema(),
                 "Ports and the interfaces over them, at least one.", example_port());
  schema.list_of("routes", &T::routes, route_schema(),
                 "Routes, in the words of ip-route(8). The ports' own subnets need none.",
                 example_route());
  schema.section("bridge", &T::bridge, bridge_schema(),
                 "Two ports joined, without a stack, by a link that can be made bad.");
  schema.section("workers", &T::workers, workers_schema(),
                 "Workers: each runs a TCP/IP stack of its own on one thread.");
  schema.section(
      "idle", &T::idle, idle_schema(),
      "What a worker does while there is nothing to do: it polls for `spin`, then polls and "
      "yields the CPU for `yield`, then sleeps.");
  schema.section("pool", &T::pool, pool_schema(), "Packet memory of each worker.");
  schema.section("eal", &T::eal, eal_schema(), "DPDK's environment.");
  schema.section(
      "ip", [](auto& config) -> auto& { return config.stack; }, ip_schema(), "IPv4 and IPv6.");
  schema.section(
      "neighbor", [](auto& config) -> auto& { return config.stack.neighbor; }, neighbor_schema(),
      "ARP and IPv6 neighbour discovery (RFC 1122, RFC 4861).");
  schema.section(
      "path_mtu", [](auto& config) -> auto& { return config.stack.path_mtu; }, path_mtu_schema(),
      "What routers say of the length of packets (RFC 1191, RFC 8201).");
  schema.section(
      "icmp", [](auto& config) -> auto& { return config.stack.icmp; }, icmp_schema(),
      "Limits on what strangers can make this host say.");
  schema.section(
      "tcp", [](auto& config) -> auto& { return config.stack.tcp; }, tcp_schema(),
      "TCP, and what its sockets begin with.");
  schema.section(
      "limits", [](auto& config) -> auto& { return config.stack.limits; }, limits_schema(),
      "How large the tables of each worker's stack are. Memory is reserved at start and used as it "
      "is "
      "needed.");
  schema.section("capture", &T::capture, capture_schema(),
                 "Every packet received, sent or dropped, into a file.");
  schema.scalar(
      "seed", &T::seed, optional("random", integer<std::uint64_t>(0)),
      "Secrets, random addresses and faults follow from it, so that a run can be repeated. "
      "For tests: peers can foresee sequence numbers when it is known.");
  schema.scalar("drain", &T::drain, duration(Duration{0}, seconds(60)),
                "How long connections may go on after SIGTERM or SIGINT.");
}

}  // namespace smol::control
