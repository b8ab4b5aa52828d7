#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/link_config.hh"
#include "dataplane/log.hh"
#include "protocols/base/address.hh"
#include "protocols/base/result.hh"
#include "protocols/base/time.hh"
#include "protocols/stack/config.hh"

namespace smol::dataplane {

/// Why the daemon did not start: one line that names the thing and says what to do.
struct StartError {
  std::string message;
};

/// DPDK's environment. Once a process.
struct EalConfig {
  enum class Hugepages : std::uint8_t {
    kAuto,  ///< used if the kernel has enough free ones, without a mount and without files
    kOff,
  };
  Hugepages hugepages = Hugepages::kAuto;
  std::uint32_t memory_mb = 0;  ///< for packets, in MiB; 0: as much as `pool` and the ports need
  /// Handed to rte_eal_init() as they are, behind our own.
  std::vector<std::string> extra_arguments{};
};

/// DPDK counts 128 threads, ours and its own.
inline constexpr std::uint32_t kMostWorkers = 64;

struct WorkersConfig {
  std::uint32_t count = 1;
  /// CPU of each worker; empty: the kernel's scheduler decides, which suits virtual devices.
  std::vector<std::uint32_t> cores;
};

/// What a worker does when there is nothing to do: polls on, then polls and gives the processor
/// away in between, then sleeps until a port, a timer or another thread has something.
struct IdleConfig {
  enum class Sleep : std::uint8_t {
    kAuto,  ///< on if every port is a virtual device, off if one is a NIC
    kOn,
    kOff,
  };
  Duration spin = microseconds(20);   ///< since the last work
  Duration yield = microseconds(50);  ///< since the end of `spin`
  Sleep sleep = Sleep::kAuto;
  /// Longest sleep where a port cannot wake the worker (net_ring, net_pcap, net_af_packet,
  /// net_null): it is polled this often once it has been quiet for a while, at first more often.
  Duration nap = milliseconds(1);
};

/// Packets of each worker, in buffers of 2 KiB, and small ones for headers and views.
struct PoolConfig {
  std::uint32_t packets = 8192;
  std::uint32_t small_packets = 16'384;
};

/// Faults put between a port and the stack, in both directions, from a seeded generator. Chances
/// are in percent, 0 to 100. All zero: no injector at all.
struct FaultConfig {
  double drop_chance = 0;
  double corrupt_chance = 0;        ///< flips one bit of one octet
  std::uint32_t size_limit = 0;     ///< octets of a frame; longer ones are dropped; 0: no limit
  std::uint32_t rx_rate_limit = 0;  ///< packets an interval; 0: no limit
  std::uint32_t tx_rate_limit = 0;  ///< packets an interval; 0: no limit
  Duration shaping_interval = milliseconds(50);
  double duplicate_chance = 0;
  double reorder_chance = 0;                    ///< held back behind packets that come after
  std::uint32_t reorder_distance = 3;           ///< behind up to this many of them
  Duration reorder_timeout = milliseconds(20);  ///< and no longer than this
  Duration delay{0};                            ///< of every packet
  Duration delay_jitter{0};    ///< added to it, between nothing and this; may reorder
  std::uint32_t queue = 4096;  ///< packets held in one direction; more are dropped

  constexpr bool any() const noexcept {
    return drop_chance > 0 || corrupt_chance > 0 || size_limit > 0 || rx_rate_limit > 0 ||
           tx_rate_limit > 0 || duplicate_chance > 0 || reorder_chance > 0 ||
           delay > Duration::zero() || delay_jitter > Duration::zero();
  }
};

/// A port and the interface over it.
struct PortConfig {
  enum class Offload : std::uint8_t {
    kAuto,  ///< what a NIC does in hardware, and what the kernel leaves undone on our own tap;
            ///< nothing on other virtual devices, whose software is slower than ours
    kOff,
  };
  std::string name;  ///< of the interface, up to 15 characters: "smol0"
  /// "tap:smol0" (our own port over a tap), "net_tap0,iface=smol0", any other virtual device of
  /// DPDK with its arguments, or a PCI address with arguments: "0000:03:00.0". A `mac=` in the
  /// arguments of net_tap is the kernel's side of it.
  std::string device;
  /// The stack's own. Absent: the device's; of a tap a random one, whose other end has the
  /// device's.
  std::optional<MacAddress> mac;
  std::uint16_t mtu = 1500;  ///< octets of an IP packet; 68 .. 9216
  std::vector<IpPrefix> addresses;
  Offload offload = Offload::kAuto;
  /// Of the device, at most one a worker; 0: as many as it has. Workers without one receive and
  /// send by others.
  std::uint16_t queues = 0;
  std::uint16_t rx_descriptors = 0;  ///< 0: what suits the device
  std::uint16_t tx_descriptors = 0;  ///< 0: what suits the device
  FaultConfig faults;
};

struct RouteConfig {
  IpPrefix destination;
  std::optional<IpAddress> gateway;  ///< absent: on-link
  std::string port;  ///< name of the interface; empty: the one whose subnet holds the gateway
  std::uint32_t metric = 0;
  std::uint16_t mtu = 0;  ///< 0: as long as the link carries
};

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
};

/// Every packet received, sent or dropped, into a file.
struct CaptureConfig {
  std::string
      file;  ///< empty: none. "*.pcapng": pcapng with directions and drop reasons; else pcap
  std::uint32_t snap_length = 262'144;  ///< octets kept of a packet
  std::uint32_t ring_mb = 16;           ///< MiB a worker, between it and the file
};

/// All that the dataplane needs to know; nothing of it names a DPDK type.
struct Config {
  EalConfig eal;
  WorkersConfig workers;
  IdleConfig idle;
  PoolConfig pool;
  std::vector<PortConfig> ports;
  std::vector<RouteConfig> routes;
  BridgeConfig bridge;
  StackConfig stack;
  LogConfig log;
  CaptureConfig capture;
  /// Secrets, random addresses and faults follow from it: runs can be repeated. Absent: drawn at
  /// start.
  std::optional<std::uint64_t> seed;
  /// How long connections may go on after the request to stop.
  Duration drain = milliseconds(1500);
};

/// The first rule of this header that `config` breaks. What only the machine can tell (devices,
/// memory, permissions) is found at start.
Result<void, StartError> validate(const Config& config);

/// Frames that each direction of the bridge may hold: what BridgeConfig::store came to; 0: it does
/// not fit into the pool.
std::uint32_t bridge_store(const Config& config) noexcept;

/// "net_tap" of "net_tap0,iface=smol0"; "pci" of a PCI address; "tap" of "tap:smol0"; empty if it
/// is none of these.
std::string_view driver_of(std::string_view device) noexcept;
/// Value of `key` among the arguments behind the first comma; empty if it is not there.
std::string_view device_argument(std::string_view device, std::string_view key) noexcept;
/// "smol0" of "tap:smol0", our own port over a tap; empty if it is none.
std::string_view tap_interface_of(std::string_view device) noexcept;
/// True for what is no hardware.
bool is_virtual(std::string_view device) noexcept;

}  // namespace smol::dataplane
