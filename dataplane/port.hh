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

struct rte_device;
struct rte_eth_conf;
struct rte_eth_dev_info;

namespace smol::dataplane {

/// An Ethernet device of DPDK, with a queue pair for each worker as far as it has them. Opened and
/// closed on the main thread; queue q belongs to worker q.
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
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const std::string& name() const noexcept { return config_.name; }
  const PortConfig& config() const noexcept { return config_; }
  std::uint16_t id() const noexcept { return id_; }
  /// The stack's address on it.
  MacAddress mac() const noexcept { return mac_; }
  std::uint16_t mtu() const noexcept { return config_.mtu; }
  PortOffloads offloads() const noexcept { return offloads_; }
  /// Of DPDK: "net_tap".
  std::string driver() const;
  /// Longest frame to be taken: with an Ethernet header and two VLAN tags.
  std::uint32_t max_frame() const noexcept { return config_.mtu + 14u + 8u; }
  /// How many; at most one a worker.
  std::uint16_t queues() const noexcept { return queues_; }
  /// Entries of the table by which the device spreads flows over its queues; 0: it does not.
  std::uint32_t spread_entries() const noexcept { return spread_entries_; }
  /// Makes the device give queue q what worker q owns. Precondition: spread_entries() is a multiple
  /// of the buckets. False: it refuses, and spreads flows as it likes. Thread: main.
  bool spread(const Sharding& sharding) noexcept;
  /// The device takes no chains: a packet is one mbuf.
  bool takes_single_segments() const noexcept { return single_segments_; }

  // --- sleeping on a queue (the worker's)

  /// Readable when a packet waits; -1: the device cannot say, and must be polled.
  int wake_fd(std::uint16_t queue) const noexcept { return wake_fds_[queue]; }
  /// From now on a packet makes the descriptor readable. What came before does not: poll once more.
  void arm(std::uint16_t queue) noexcept;
  /// After waking up: takes back what made the descriptor readable, unless that is the packets
  /// themselves.
  void acknowledge(std::uint16_t queue) noexcept;
  void disarm(std::uint16_t queue) noexcept;

  /// False while the interface is down or gone. A system call.
  bool link_up() const noexcept;
  /// What the device counts as lost. Thread: control.
  Snapshot::Rows device_counters() const;

 private:
  /// Who else may have an interface of this name.
  class NameLock {
   public:
    NameLock() noexcept = default;
    NameLock(NameLock&& other) noexcept;
    NameLock& operator=(NameLock&& other) noexcept;
    ~NameLock();
    static Result<NameLock, StartError> take(const std::string& port, const std::string& interface);

   private:
    int fd_ = -1;
  };

  Port(const PortConfig& config, NameLock lock) : config_{config}, lock_{std::move(lock)} {}

  Result<void, StartError> find(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> configure(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> set_queues(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> check_mtu();
  void plan_spreading(const rte_eth_dev_info& info, rte_eth_conf& settings) noexcept;
  void choose_mac(std::uint64_t chance);
  void set_filters(bool everything);
  StartError refusal(const std::string& what, const Eal::Quiet& quiet) const;
  StartError diagnosis(const Eal::Quiet& quiet) const;

  PortConfig config_;
  NameLock lock_;
  std::uint16_t id_ = 0;
  bool found_ = false;  ///< id_ is valid
  bool made_ = false;   ///< by us: it goes when we go
  bool started_ = false;
  bool level_fd_ = false;  ///< the wake descriptor is the device itself, and needs no reading
  bool interrupts_ = false;
  bool device_takes_mtu_ = false;
  bool single_segments_ = false;
  std::uint16_t queues_ = 1;
  std::uint32_t spread_entries_ = 0;
  std::uint8_t key_octets_ = 0;  ///< of the device's hash
  std::vector<int> wake_fds_;    ///< by queue
  rte_device* device_ = nullptr;
  MacAddress mac_;
  PortOffloads offloads_;
};

/// The longest IP packet that fits a device whose longest frame is `max_frame` octets, as DPDK's
/// drivers count that: some with a checksum or a VLAN tag, which are not for the packet to use.
std::uint16_t device_mtu(std::uint32_t max_frame, std::uint16_t max_mtu) noexcept;

}  // namespace smol::dataplane
