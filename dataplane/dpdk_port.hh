#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/interface_name.hh"
#include "dataplane/port.hh"

struct rte_device;
struct rte_eth_conf;
struct rte_eth_dev_info;

namespace smol::dataplane {

/// A port that a driver of DPDK has.
class DpdkPort final : public Port {
 public:
  static Result<std::unique_ptr<Port>, StartError> open(const PortConfig& config,
                                                        const Environment& environment);
  ~DpdkPort() override;

  std::string driver() const override;
  std::uint16_t receive(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept override;
  std::uint16_t send(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept override;
  bool spread(const Sharding& sharding) noexcept override;
  void arm(std::uint16_t queue) noexcept override;
  void acknowledge(std::uint16_t queue) noexcept override;
  void disarm(std::uint16_t queue) noexcept override;
  bool link_up() const noexcept override;
  Snapshot::Rows device_counters() const override;

 private:
  DpdkPort(const PortConfig& config, InterfaceName name) : Port{config}, name_{std::move(name)} {}

  Result<void, StartError> find(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> configure(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> set_queues(const Environment& environment, Eal::Quiet& quiet);
  Result<void, StartError> check_mtu();
  void plan_spreading(const rte_eth_dev_info& info, rte_eth_conf& settings) noexcept;
  void choose_address(std::uint64_t chance) noexcept;
  void set_filters(bool everything);
  StartError refusal(const std::string& what, const Eal::Quiet& quiet) const;
  StartError diagnosis(const Eal::Quiet& quiet) const;

  InterfaceName name_;
  std::uint16_t id_ = 0;
  bool found_ = false;  ///< id_ is valid
  bool made_ = false;   ///< by us: it goes when we go
  bool started_ = false;
  bool level_fd_ = false;  ///< the wake descriptor is the device itself, and needs no reading
  bool interrupts_ = false;
  bool device_takes_mtu_ = false;
  std::uint8_t key_octets_ = 0;  ///< of the device's hash
  rte_device* device_ = nullptr;
};

}  // namespace smol::dataplane
