#include "dataplane/dpdk_port.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

#include "dataplane/dpdk.hh"

namespace smol::dataplane {
namespace {

constexpr std::uint16_t kNicDescriptors = 1024;
constexpr std::uint16_t kVirtualDescriptors = 256;
/// net_tap takes this many buffers and uses one of them: it has no ring.
constexpr std::uint16_t kTapDescriptors = 8;

/// net_tap asks the kernel for a real-time signal with every packet, so that an idle poll costs no
/// system call. We sleep on the descriptor instead, and pay for no signal. The driver does without
/// one when all are taken.
class RealtimeSignalsTaken {
 public:
  RealtimeSignalsTaken() noexcept {
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
      struct sigaction now {};
      if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
      signal(number, SIG_IGN);
      taken_[static_cast<std::size_t>(number)] = true;
    }
  }
  ~RealtimeSignalsTaken() {
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
      if (taken_[static_cast<std::size_t>(number)]) signal(number, SIG_DFL);
    }
  }

 private:
  std::array<bool, 128> taken_{};
};

std::string instance_of(const std::string& device) {
  return device.substr(0, device.find(','));
}

/// With the domain, as DPDK and the kernel write it.
std::string pci_address(const std::string& device) {
  const std::string address = instance_of(device);
  return address.size() == 7 ? "0000:" + address : address;
}

std::string why_no_pci(const std::string& address) {
  const std::filesystem::path device = "/sys/bus/pci/devices/" + address;
  std::error_code error;
  if (!std::filesystem::exists(device, error)) {
    return "there is no PCI device " + address + ": lspci -D lists what is there";
  }
  const auto driver = std::filesystem::read_symlink(device / "driver", error).filename().string();
  if (driver != "vfio-pci" && driver != "igb_uio" && driver != "uio_pci_generic") {
    return "PCI device " + address + " belongs to " +
           (driver.empty() ? std::string{"no driver"} : "the kernel's driver " + driver) +
           ": bind it with dpdk-devbind.py -b vfio-pci " + address;
  }
  return {};
}

}  // namespace

std::uint16_t device_mtu(std::uint32_t max_frame, std::uint16_t max_mtu) noexcept {
  constexpr std::uint32_t kEthernetHeader = 14;
  constexpr std::uint32_t kEthernetMtu = 1500;
  constexpr std::uint32_t kTagAndChecksum = 8;
  std::uint32_t mtu = max_frame <= kEthernetHeader ? 0 : max_frame - kEthernetHeader;
  if (mtu > kEthernetMtu && mtu <= kEthernetMtu + kTagAndChecksum) mtu = kEthernetMtu;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(mtu, max_mtu));
}

Result<std::unique_ptr<Port>, StartError> DpdkPort::open(const PortConfig& config,
                                                         const Environment& environment) {
  Eal::Quiet quiet{environment.eal};
  const bool tap = driver_of(config.device) == "net_tap";
  InterfaceName name;
  // Further processes may join net_tap's interface, and would do so without a word.
  if (const std::string interface{device_argument(config.device, "iface")};
      tap && !interface.empty()) {
    auto taken = InterfaceName::take(config.name, interface, "choose another iface=");
    if (!taken) return fail(taken.error());
    name = std::move(*taken);
    if (if_nametoindex(interface.c_str()) != 0) {
      return fail(StartError{"port " + config.name + ": " + interface +
                             ": an interface of this name exists already: choose another iface=, "
                             "or delete it: ip link delete " +
                             interface});
    }
  }
  const RealtimeSignalsTaken no_signals;
  std::unique_ptr<DpdkPort> port{new DpdkPort{config, std::move(name)}};
  port->level_fd_ = tap;
  for (const auto step : {&DpdkPort::find, &DpdkPort::configure, &DpdkPort::set_queues}) {
    if (auto done = (port.get()->*step)(environment, quiet); !done) return fail(done.error());
  }
  return port;
}

DpdkPort::~DpdkPort() {
  if (!found_) return;
  if (started_) rte_eth_dev_stop(id_);
  if (!made_) return;
  rte_eth_dev_close(id_);
  if (is_virtual(config_.device) && device_ != nullptr) rte_dev_remove(device_);
}

Result<void, StartError> DpdkPort::find(const Environment& environment, Eal::Quiet& quiet) {
  const bool pci = !is_virtual(config_.device);
  const std::string name = pci ? pci_address(config_.device) : instance_of(config_.device);
  // A PCI device was probed as EAL started; a ring may have been made by whoever has its other end.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
    if (pci) return fail(diagnosis(quiet));
    if (rte_dev_probe(config_.device.c_str()) != 0 ||
        rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
      return fail(diagnosis(quiet));
    }
    made_ = true;
  }
  found_ = true;
  if (pci) made_ = true;
  static_cast<void>(environment);
  return {};
}

Result<void, StartError> DpdkPort::configure(const Environment& environment, Eal::Quiet& quiet) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id_, &info) != 0) return fail(refusal("cannot be asked", quiet));
  device_ = info.device;
  if (auto fits = check_mtu(); !fits) return fits;

  rte_eth_conf settings{};
  if (may_offload(environment) && !is_virtual(config_.device)) {
    settings.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM;
    settings.txmode.offloads =
        info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                                RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
  }
  single_segments_ = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0;
  if (!single_segments_) settings.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (config_.mtu + 18u > MbufPool::kDataRoom) {
    settings.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  }
  if (!is_virtual(config_.device)) settings.rxmode.mtu = config_.mtu;
  rx_checksum_ = (settings.rxmode.offloads & RTE_ETH_RX_OFFLOAD_CHECKSUM) != 0;
  const std::uint64_t tx = settings.txmode.offloads;
  offloads_.ip4_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  offloads_.tcp_checksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
  offloads_.udp_checksum = (tx & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  // What goes through net_ring, or memif without copies, is in the peer's hands afterwards.
  offloads_.reads_only = driver_of(config_.device) != "net_ring" &&
                         device_argument(config_.device, "zero-copy") != "yes";

  const auto workers = static_cast<std::uint16_t>(environment.pools.size());
  const std::uint16_t wanted = config_.queues != 0 ? config_.queues : workers;
  queues_ = std::min({workers, wanted, info.max_rx_queues, info.max_tx_queues});
  if (queues_ == 0) return fail(refusal("has no queues", quiet));
  plan_spreading(info, settings);
  // Where interrupts are refused we poll.
  for (const bool interrupts : {environment.interrupts, false}) {
    settings.intr_conf.rxq = interrupts ? 1 : 0;
    if (rte_eth_dev_configure(id_, queues_, queues_, &settings) == 0) {
      interrupts_ = interrupts;
      choose_address(environment.chance);
      return {};
    }
  }
  return fail(refusal("does not take its configuration", quiet));
}

/// Receive side scaling, where the device has a table that can say what our workers own.
void DpdkPort::plan_spreading(const rte_eth_dev_info& info, rte_eth_conf& settings) noexcept {
  constexpr std::uint64_t kWanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
  const std::uint64_t offered = info.flow_type_rss_offloads & kWanted;
  // net_tap spreads in the kernel, which knows no key.
  const bool tap = driver_of(config_.device) == "net_tap";
  if (queues_ < 2 || offered == 0 || info.reta_size == 0 || tap) {
    return;
  }
  spread_entries_ = info.reta_size;
  key_octets_ = info.hash_key_size != 0 ? info.hash_key_size : std::uint8_t{40};
  settings.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  settings.rx_adv_conf.rss_conf.rss_hf = offered;
}

bool DpdkPort::spread(const Sharding& sharding) noexcept {
  std::array<std::uint8_t, 64> key{};
  const std::size_t octets = std::min<std::size_t>(key_octets_, key.size());
  sharding.hash().write_key(MutBytes{key}.first(octets));
  rte_eth_rss_conf hash{};
  if (rte_eth_dev_rss_hash_conf_get(id_, &hash) != 0) return false;
  hash.rss_key = key.data();
  hash.rss_key_len = static_cast<std::uint8_t>(octets);
  if (rte_eth_dev_rss_hash_update(id_, &hash) != 0) return false;
  std::vector<rte_eth_rss_reta_entry64> table((spread_entries_ + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                              RTE_ETH_RETA_GROUP_SIZE);
  for (std::uint32_t entry = 0; entry < spread_entries_; ++entry) {
    rte_eth_rss_reta_entry64& group = table[entry / RTE_ETH_RETA_GROUP_SIZE];
    const std::uint32_t at = entry % RTE_ETH_RETA_GROUP_SIZE;
    group.mask |= std::uint64_t{1} << at;
    group.reta[at] = static_cast<std::uint16_t>((entry & (sharding.buckets() - 1)) %
                                                sharding.workers() % queues_);
  }
  return rte_eth_dev_rss_reta_update(id_, table.data(),
                                     static_cast<std::uint16_t>(spread_entries_)) == 0;
}

Result<void, StartError> DpdkPort::check_mtu() {
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  const std::uint16_t most = device_mtu(info.max_rx_pktlen, info.max_mtu);
  device_takes_mtu_ = config_.mtu <= most;
  // net_memif states the frame of Ethernet, and carries any as a chain of its buffers.
  if (device_takes_mtu_ || driver_of(config_.device) == "net_memif") return {};
  return fail(StartError{"port " + config_.name + ": mtu " + std::to_string(config_.mtu) +
                         " is more than " + instance_of(config_.device) + " takes: at most " +
                         std::to_string(most)});
}

Result<void, StartError> DpdkPort::set_queues(const Environment& environment, Eal::Quiet& quiet) {
  const std::string_view driver = driver_of(config_.device);
  const std::uint16_t usual = driver == "net_tap" ? kTapDescriptors
                              : driver == "pci"   ? kNicDescriptors
                                                  : kVirtualDescriptors;
  std::uint16_t rx = config_.rx_descriptors != 0 ? config_.rx_descriptors : usual;
  std::uint16_t tx = config_.tx_descriptors != 0 ? config_.tx_descriptors : usual;
  if (rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx) != 0) {
    return fail(refusal(
        "refuses " + std::to_string(rx) + " and " + std::to_string(tx) + " descriptors", quiet));
  }
  const int node = rte_eth_dev_socket_id(id_);
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    MbufPool& pool = *environment.pools[queue];
    if (rx > pool.capacity() / 2) {
      return fail(StartError{"port " + config_.name + ": " + std::to_string(rx) +
                             " receive descriptors take more than half of the " +
                             std::to_string(pool.capacity()) +
                             " packets: lower rx_descriptors or raise pool.packets"});
    }
    const auto socket = static_cast<unsigned>(node);
    if (rte_eth_rx_queue_setup(id_, queue, rx, socket, nullptr, pool.rx_mempool()) != 0 ||
        rte_eth_tx_queue_setup(id_, queue, tx, socket, nullptr) != 0) {
      return fail(refusal("refuses its queues", quiet));
    }
  }
  // The other side of a tap should know; devices without an MTU of their own leave it to us.
  if (std::uint16_t now = 0;
      device_takes_mtu_ && rte_eth_dev_get_mtu(id_, &now) == 0 && now != config_.mtu) {
    const int status = rte_eth_dev_set_mtu(id_, config_.mtu);
    if (status != 0 && status != -ENOTSUP) {
      return fail(refusal("refuses mtu " + std::to_string(config_.mtu), quiet));
    }
  }
  if (rte_eth_dev_start(id_) != 0) return fail(refusal("does not start", quiet));
  started_ = true;
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    wake_fds_.push_back(interrupts_ ? rte_eth_dev_rx_intr_ctl_q_get_fd(id_, queue) : -1);
  }
  set_filters(environment.bridged);
  return {};
}

void DpdkPort::choose_address(std::uint64_t chance) noexcept {
  rte_ether_addr device{};
  rte_eth_macaddr_get(id_, &device);
  const MacAddress theirs = MacAddress::from(Bytes{device.addr_bytes, RTE_ETHER_ADDR_LEN});
  // The kernel's end of a tap has the device's address; two ends with one would not do.
  const bool free = driver_of(config_.device) != "net_tap" && !theirs.is_zero();
  if (!config_.mac && free) {
    mac_ = theirs;
  } else {
    choose_mac(chance);
  }
}

// The stack filters by itself, exactly; the device only has to let enough through: our address, and
// the groups that IPv6 cannot do without. The drivers of virtual devices pass everything, or need
// to be promiscuous, which those that pass everything may refuse.
void DpdkPort::set_filters(bool everything) {
  if (driver_of(config_.device) == "net_tap") return;  // would only change the kernel's end
  if (everything) {
    rte_eth_promiscuous_enable(id_);
    return;
  }
  rte_ether_addr device{};
  rte_eth_macaddr_get(id_, &device);
  bool ours = std::equal(mac_.octets.begin(), mac_.octets.end(), device.addr_bytes);
  if (!ours && !is_virtual(config_.device)) {
    rte_ether_addr wanted{};
    std::copy(mac_.octets.begin(), mac_.octets.end(), wanted.addr_bytes);
    ours = rte_eth_dev_default_mac_addr_set(id_, &wanted) == 0;
  }
  if (ours && rte_eth_allmulticast_enable(id_) == 0) return;
  rte_eth_promiscuous_enable(id_);
}

std::uint16_t DpdkPort::receive(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept {
  return rte_eth_rx_burst(id_, queue, burst.data(), static_cast<std::uint16_t>(burst.size()));
}

std::uint16_t DpdkPort::send(std::uint16_t queue, std::span<rte_mbuf*> burst) noexcept {
  return rte_eth_tx_burst(id_, queue, burst.data(), static_cast<std::uint16_t>(burst.size()));
}

void DpdkPort::arm(std::uint16_t queue) noexcept {
  if (!level_fd_ && interrupts_) rte_eth_dev_rx_intr_enable(id_, queue);
}

void DpdkPort::acknowledge(std::uint16_t queue) noexcept {
  if (level_fd_ || !interrupts_) return;
  pollfd event{wake_fd(queue), POLLIN, 0};
  std::uint64_t count = 0;
  if (event.fd >= 0 && ::poll(&event, 1, 0) == 1) {
    [[maybe_unused]] const ssize_t n = read(event.fd, &count, sizeof count);
  }
}

void DpdkPort::disarm(std::uint16_t queue) noexcept {
  if (!level_fd_ && interrupts_) rte_eth_dev_rx_intr_disable(id_, queue);
}

std::string DpdkPort::driver() const {
  rte_eth_dev_info info{};
  return rte_eth_dev_info_get(id_, &info) == 0 ? info.driver_name : "";
}

bool DpdkPort::link_up() const noexcept {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

Snapshot::Rows DpdkPort::device_counters() const {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(id_, &stats) != 0) return {};
  return {{"device_missed", stats.imissed},
          {"device_rx_errors", stats.ierrors},
          {"device_rx_no_buffer", stats.rx_nombuf},
          {"device_tx_errors", stats.oerrors}};
}

StartError DpdkPort::refusal(const std::string& what, const Eal::Quiet& quiet) const {
  const std::string why = quiet.why();
  return {"port " + config_.name + ": device " + config_.device + " " + what +
          (why.empty() ? "" : ": " + why)};
}

StartError DpdkPort::diagnosis(const Eal::Quiet& quiet) const {
  const std::string_view driver = driver_of(config_.device);
  const std::string why = quiet.why();
  std::string reason;
  if (driver == "pci") reason = why_no_pci(pci_address(config_.device));
  if (driver == "net_tap") {
    reason = why_no_tap(std::string{device_argument(config_.device, "iface")});
  }
  if (reason.empty() && why.starts_with("failed to parse device")) {
    std::string package = "librte-" + std::string{driver} + "*";
    std::replace(package.begin(), package.end(), '_', '-');
    reason = "no driver for " + instance_of(config_.device) + " is installed: look for package " +
             package;
  }
  if (reason.empty()) {
    reason = "DPDK cannot make " + config_.device + ": " +
             (why.empty() ? std::string{"it does not say why"} : why) + "; check its arguments";
  }
  return {"port " + config_.name + ": " + reason};
}

}  // namespace smol::dataplane
