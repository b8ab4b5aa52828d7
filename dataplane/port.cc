#include "dataplane/port.hh"

#include <array>
#include <utility>

#include "dataplane/dpdk_port.hh"
#include "dataplane/printed.hh"
#include "dataplane/tap_port.hh"
#include "protocols/base/random.hh"

namespace smol::dataplane {

Result<std::unique_ptr<Port>, StartError> Port::open(const PortConfig& config,
                                                     const Environment& environment) {
  auto port = driver_of(config.device) == "tap" ? TapPort::open(config, environment)
                                                : DpdkPort::open(config, environment);
  if (!port) return port;
  environment.log.write(LogLevel::kInfo, "port",
                        config.name + ": " + config.device + ", mac " + printed((*port)->mac()) +
                            ", mtu " + std::to_string(config.mtu));
  return port;
}

std::vector<std::string> Port::offload_names() const {
  const std::array<std::pair<const char*, bool>, 6> all = {
      {{"rx-checksum", rx_checksum_},
       {"rx-merge", rx_merge_},
       {"tx-ip4-checksum", offloads_.ip4_checksum},
       {"tx-tcp-checksum", offloads_.tcp_checksum},
       {"tx-udp-checksum", offloads_.udp_checksum},
       {"tx-tcp-segmentation", offloads_.tcp_segmentation != 0}}};
  std::vector<std::string> out;
  for (const auto& [name, on] : all) {
    if (on) out.emplace_back(name);
  }
  return out;
}

bool Port::spread(const Sharding& /*sharding*/) noexcept {
  return false;
}

bool Port::may_offload(const Environment& environment) const noexcept {
  return config_.offload == PortConfig::Offload::kAuto && !environment.bridged &&
         !config_.faults.any();
}

void Port::choose_mac(std::uint64_t chance) noexcept {
  if (config_.mac) {
    mac_ = *config_.mac;
    return;
  }
  const std::uint64_t random = Rng{chance}.next();
  for (std::size_t i = 0; i < mac_.octets.size(); ++i) {
    mac_.octets[i] = static_cast<std::uint8_t>(random >> 8 * i);
  }
  mac_.octets[0] = static_cast<std::uint8_t>((mac_.octets[0] & 0xfc) | 0x02);
}

}  // namespace smol::dataplane
