#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/interface_name.hh"
#include "dataplane/port.hh"
#include "dataplane/tap_interface.hh"
#include "dataplane/tap_queue.hh"

namespace smol::dataplane {

/// Our own port over a tap of the kernel's ("tap:NAME"), beside DPDK's net_tap: its frames say what
/// is left to be done for them, so that one system call moves up to 64 KiB of TCP, and nobody
/// computes a checksum of what never sees a wire.
///
/// An interface that is there already is used, and left there: one that `ip tuntap add` made for a
/// user needs no privilege. One that is not there is made, and goes with the port.
class TapPort final : public Port {
 public:
  static Result<std::unique_ptr<Port>, StartError> open(const PortConfig& config,
                                                        const Environment& environment);
  ~TapPort() override;

  std::string driver() const override { return "tap"; }
  std::uint16_t receive(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept override {
    return rings_[queue]->receive(burst);
  }
  std::uint16_t send(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept override {
    return rings_[queue]->send(burst);
  }
  bool link_up() const noexcept override;
  Snapshot::Rows device_counters() const override;

 private:
  TapPort(const PortConfig& config, InterfaceName name, std::string interface)
      : Port{config}, name_{std::move(name)}, interface_{std::move(interface)} {}

  Result<void, StartError> attach(const Environment& environment);
  Result<void, StartError> open_queue(MbufPool& pool, unsigned flags);
  Result<void, StartError> settle(const Environment& environment);
  void warn(const Environment& environment, const std::string& what) const;
  std::string why_not_opened(int error) const;

  InterfaceName name_;
  std::string interface_;
  TapInterface found_;    ///< as it was when the port opened
  bool offload_ = false;  ///< the kernel gives and takes frames with things left to be done
  std::vector<std::unique_ptr<TapQueue>> rings_;
};

}  // namespace smol::dataplane
