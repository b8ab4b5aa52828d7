#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/config.hh"
#include "dataplane/counters.hh"
#include "dataplane/eal.hh"
#include "dataplane/log.hh"
#include "dataplane/mbuf_packet.hh"
#include "protocols/base/result.hh"
#include "protocols/stack/config.hh"
#include "protocols/stack/sharding.hh"

namespace smol::dataplane {

/// An Ethernet device with a queue pair for each worker as far as it has them: one of DPDK's, or
/// our own over the kernel's tun driver. Opened and closed on the main thread; queue q belongs to
/// worker q. What is done for every burst is one indirect call.
class Port {
 public:
  struct Environment {
    Eal& eal;
    Log& log;
    std::span<const std::unique_ptr<MbufPool>> pools;  ///< one a worker; outlive the port
    bool interrupts = false;                           ///< whether workers want to sleep on it
    std::uint64_t chance = 1;                          ///< what a random address is made of
    /// Every frame is wanted as it is on the wire, and nothing is left to the device.
    bool bridged = false;
  };

  /// Finds or makes the device, configures and starts it. Error: one line, and nothing is left
  /// behind.
  static Result<std::unique_ptr<Port>, StartError> open(const PortConfig& config,
                                                        const Environment& environment);
  virtual ~Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const std::string& name() const noexcept { return config_.name; }
  const PortConfig& config() const noexcept { return config_; }
  /// The stack's address on it.
  MacAddress mac() const noexcept { return mac_; }
  std::uint16_t mtu() const noexcept { return config_.mtu; }
  PortOffloads offloads() const noexcept { return offloads_; }
  /// What the device does of the work on packets, for people: "tx-tcp-checksum".
  std::vector<std::string> offload_names() const;
  /// Of DPDK: "net_tap". Of ours: "tap".
  virtual std::string driver() const = 0;
  /// Longest frame to be taken: with an Ethernet header and two VLAN tags. What the device merged
  /// from several may be longer.
  std::uint32_t max_frame() const noexcept { return config_.mtu + 14u + 8u; }
  /// How many; at most one a worker.
  std::uint16_t queues() const noexcept { return queues_; }
  /// The device takes no chains: a packet is one mbuf.
  bool takes_single_segments() const noexcept { return single_segments_; }

  // --- frames (the worker's, each with its queue)

  /// Fills `burst` from the front with packets that came; how many.
  virtual std::uint16_t receive(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept = 0;
  /// How many packets, from the front, the device took; they are its own then. The others stay the
  /// caller's.
  virtual std::uint16_t send(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept = 0;

  // --- spreading flows over the queues

  /// Entries of the table by which the device spreads flows over its queues; 0: it does not.
  std::uint32_t spread_entries() const noexcept { return spread_entries_; }
  /// Makes the device give queue q what worker q owns. Precondition: spread_entries() is a multiple
  /// of the buckets. False: it refuses, and spreads flows as it likes. Thread: main.
  virtual bool spread(const Sharding& sharding) noexcept;

  // --- sleeping on a queue (the worker's)

  /// Readable when a packet waits; -1: the device cannot say, and must be polled.
  int wake_fd(std::uint16_t queue) const noexcept { return wake_fds_[queue]; }
  /// From now on a packet makes the descriptor readable. What came before does not: poll once more.
  virtual void arm(std::uint16_t /*queue*/) noexcept {}
  /// After waking up: takes back what made the descriptor readable, unless that is the packets
  /// themselves.
  virtual void acknowledge(std::uint16_t /*queue*/) noexcept {}
  virtual void disarm(std::uint16_t /*queue*/) noexcept {}

  /// False while the interface is down or gone. A system call.
  virtual bool link_up() const noexcept = 0;
  /// What the device counts as lost. Thread: control.
  virtual Snapshot::Rows device_counters() const = 0;

 protected:
  explicit Port(const PortConfig& config) : config_{config} {}

  /// Of the configuration, or a random one for an end whose other end has the device's.
  void choose_mac(std::uint64_t chance) noexcept;
  /// Whether the device may be asked to finish or to merge packets: not if each frame is wanted as
  /// it is on the wire, and damage done on the way must not be mended by a checksum behind it.
  bool may_offload(const Environment& environment) const noexcept;
  StartError error(const std::string& what) const { return {"port " + config_.name + ": " + what}; }

  PortConfig config_;
  MacAddress mac_;
  PortOffloads offloads_;
  bool rx_checksum_ = false;  ///< the device says of checksums whether they are good
  bool rx_merge_ = false;     ///< and merges TCP segments
  std::uint16_t queues_ = 1;
  std::uint32_t spread_entries_ = 0;
  bool single_segments_ = false;
  std::vector<int> wake_fds_;  ///< by queue
};

/// The longest IP packet that fits a device whose longest frame is `max_frame` octets, as DPDK's
/// drivers count that: some with a checksum or a VLAN tag, which are not for the packet to use.
std::uint16_t device_mtu(std::uint32_t max_frame, std::uint16_t max_mtu) noexcept;

}  // namespace smol::dataplane
