#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/static_vector.hh"
#include "protocols/base/time.hh"
#include "protocols/iface/config.hh"
#include "protocols/tcp/config.hh"

namespace smol {

/// How large the tables of a stack are. All of it is asked for at construction; pages are touched
/// as they are used.
struct Limits {
  std::uint32_t interfaces = 16;
  std::uint32_t addresses = 256;  ///< of all interfaces
  std::uint32_t routes = 1024;
  std::uint32_t neighbors = 4096;
  std::uint32_t path_mtus = 4096;      ///< destinations whose path is narrower than its link
  std::uint32_t connections = 65'536;  ///< TCP, from the completed handshake on
  std::uint32_t half_open = 65'536;    ///< TCP, those that listeners wait for an ACK of
  std::uint32_t listeners = 1024;
  std::uint32_t time_wait = 262'144;       ///< TIME-WAIT records; the oldest goes when full
  std::uint32_t fast_open_servers = 1024;  ///< whose cookies (RFC 7413) are kept for the next time
  std::uint32_t udp_sockets = 4096;
  std::uint32_t icmp_sockets = 256;
  std::uint32_t reassembly_ranges = 65'536;  ///< out-of-order ranges of all TCP connections
  std::uint32_t sent_runs = 262'144;         ///< of all TCP connections: bursts and holes in flight
  /// Share of the packet pool, in percent, that sockets and queues may hold together; the rest is
  /// for packets on their way.
  std::uint32_t pool_share_percent = 75;
};

/// Rate limits of what a peer can make us say.
struct IcmpConfig {
  Duration error_interval = milliseconds(10);  ///< one ICMP error earned this often
  std::uint32_t error_burst = 50;
  Duration reset_interval = microseconds(100);  ///< one RST to a stray segment earned this often
  std::uint32_t reset_burst = 1000;
  Duration echo_interval{0};  ///< echo replies; zero: not limited
  std::uint32_t echo_burst = 1000;
};

struct StackConfig {
  Limits limits;
  tcp::Config tcp;
  NeighborConfig neighbor;
  PathMtuConfig path_mtu;
  IcmpConfig icmp;
  std::uint8_t hop_limit = 64;  ///< of what no socket owns
  std::uint16_t first_ephemeral_port = 32'768;
  std::uint16_t last_ephemeral_port = 60'999;
};

/// Chance, drawn by the driver: the machine has none of its own. Two runs with equal secrets and
/// equal input are equal to the byte.
struct StackSecrets {
  Secret hash;             ///< hash tables
  Secret isn;              ///< initial sequence numbers, timestamp offsets, port choice
  std::uint64_t seed = 1;  ///< jitter
  Secret cookie{};         ///< what is given to peers to be shown again: SYN cookies
};

/// What a port can do for its interface's packets.
struct PortOffloads {
  bool ip4_checksum = false;
  bool tcp_checksum = false;
  bool udp_checksum = false;
  /// Octets of TCP text, at most, of a packet that the device cuts into segments (TSO); 0: it cuts
  /// none. Only with tcp_checksum and reads_only.
  std::uint32_t tcp_segmentation = 0;
  /// The device only reads a packet handed to it and drops it when done, so it may share the packet
  /// that a socket keeps for retransmission. False where a packet changes hands (net_ring).
  bool reads_only = true;
};

/// An interface as the driver describes it to the stack.
struct InterfaceConfig {
  std::string_view name;  ///< up to 15 characters; copied
  MacAddress mac;
  std::uint16_t mtu = 1500;  ///< octets of an IP packet; 68.., and 1280.. for IPv6 to work
  StaticVector<IpPrefix, 32> addresses;
  PortOffloads offloads;
};

}  // namespace smol
