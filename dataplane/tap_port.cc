#include "dataplane/tap_port.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/dpdk.hh"

namespace smol::dataplane {
namespace {

constexpr unsigned kOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
/// What the kernel merges: an IPv6 packet as long as there can be one, an Ethernet header, two
/// tags.
constexpr std::size_t kLongestMerged = 65'535 + 40 + 14 + 8;
/// TCP text that fits an IPv4 packet whatever options its headers have.
constexpr std::uint32_t kMostText = 65'535 - 60 - 60;
constexpr std::uint16_t kUsualMtu = 1500;

ifreq request_for(const std::string& interface) noexcept {
  ifreq out{};
  interface.copy(out.ifr_name, IFNAMSIZ - 1);
  return out;
}

/// A socket, for what is asked of interfaces.
class Control {
 public:
  Control() noexcept : fd_{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {}
  ~Control() {
    if (fd_ >= 0) close(fd_);
  }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  bool ask(unsigned long what, ifreq& request) const noexcept {
    return ioctl(fd_, what, &request) == 0;
  }

 private:
  const int fd_;
};

std::string user_name(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry == nullptr ? std::to_string(user) : entry->pw_name;
}

}  // namespace

Result<std::unique_ptr<Port>, StartError> TapPort::open(const PortConfig& config,
                                                        const Environment& environment) {
  const std::string interface { tap_interface_of(config.device) };
  auto name = InterfaceName::take(config.name, interface, "choose another name");
  if (!name) return fail(name.error());
  std::unique_ptr<TapPort> port{new TapPort{config, std::move(*name), interface}};
  for (const auto step : {&TapPort::attach, &TapPort::settle}) {
    if (auto done = (port.get()->*step)(environment); !done) return fail(done.error());
  }
  return port;
}

TapPort::~TapPort() {
  // Whoever opens it next may not know what to do with what is unfinished.
  if (found_.index != 0 && !rings_.empty()) ioctl(rings_.front()->fd(), TUNSETOFFLOAD, 0UL);
}

Result<void, StartError> TapPort::attach(const Environment& environment) {
  found_ = look_at_interface(interface_);
  const bool there = found_.index != 0;
  if (there && !found_.tap) {
    return fail(error(interface_ +
                      ": an interface of this name exists already, and is no tap: choose another "
                      "name, or delete it: ip link delete " +
                      interface_));
  }
  if (there && found_.attached > 0) {
    return fail(
        error(interface_ + ": another program has this tap: stop it, or choose another name"));
  }
  const auto workers = static_cast<std::uint16_t>(environment.pools.size());
  queues_ = config_.queues != 0 ? std::min(workers, config_.queues) : workers;
  if (there && !found_.multi_queue) queues_ = 1;
  const bool multi_queue = there ? found_.multi_queue : queues_ > 1;
  offload_ = may_offload(environment);
  unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0u);
  // Nobody may have made it since.
  if (!there) flags |= IFF_TUN_EXCL;
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    if (auto opened = open_queue(*environment.pools[queue], flags); !opened) return opened;
    flags &= ~unsigned{IFF_TUN_EXCL};
  }
  return {};
}

Result<void, StartError> TapPort::open_queue(MbufPool& pool, unsigned flags) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fail(error(why_not_opened(errno)));
  rings_.push_back(std::make_unique<TapQueue>(fd, pool, offload_ ? kLongestMerged : max_frame()));
  ifreq request = request_for(interface_);
  request.ifr_flags = static_cast<short>(flags);
  if (ioctl(fd, TUNSETIFF, &request) != 0) return fail(error(why_not_opened(errno)));
  wake_fds_.push_back(fd);
  return {};
}

std::string TapPort::why_not_opened(int error) const {
  if (error == EBUSY || error == EEXIST) {
    return interface_ + ": another program has this tap: stop it, or choose another name";
  }
  if (found_.index == 0) {
    const std::string reason = why_no_tap(interface_);
    if (reason.starts_with("no permission")) {
      return reason + ", or have root make it for this user: ip tuntap add " + interface_ +
             " mode tap user " + user_name(geteuid());
    }
    if (!reason.empty()) return reason;
  }
  if (error == EPERM || error == EACCES) {
    return "no permission to open interface " + interface_ +
           (found_.owner ? ", which is for user " + user_name(*found_.owner) : std::string{}) +
           ": run as root or with the capability cap_net_admin, or make it for this user: ip "
           "tuntap add " +
           interface_ + " mode tap user " + user_name(geteuid());
  }
  return "cannot open interface " + interface_ + ": " + std::strerror(error);
}

/// What the queues have in common.
Result<void, StartError> TapPort::settle(const Environment& environment) {
  const int fd = rings_.front()->fd();
  int header = sizeof(VnetHeader);
  if (ioctl(fd, TUNSETVNETHDRSZ, &header) != 0) {
    return fail(error("interface " + interface_ +
                      " does not say what is left to be done for its "
                      "frames: " +
                      std::strerror(errno)));
  }
  if (ioctl(fd, TUNSETOFFLOAD, offload_ ? kOffloads : 0ul) != 0) offload_ = false;
  rx_checksum_ = offload_;
  rx_merge_ = offload_;
  offloads_.tcp_checksum = offload_;
  offloads_.udp_checksum = offload_;
  offloads_.tcp_segmentation = offload_ ? kMostText : 0;
  choose_mac(environment.chance);
  if (found_.index != 0) {
    // It is somebody's: what he set up stays as it is.
    if (!found_.up) warn(environment, "is down: ip link set " + interface_ + " up");
    if (found_.mtu != config_.mtu) {
      warn(environment,
           "has mtu " + std::to_string(found_.mtu) + ", the port " + std::to_string(config_.mtu));
    }
    return {};
  }
  const Control control;
  ifreq request = request_for(interface_);
  request.ifr_mtu = config_.mtu;
  if (config_.mtu != kUsualMtu && !control.ask(SIOCSIFMTU, request)) {
    return fail(error("interface " + interface_ + " refuses mtu " + std::to_string(config_.mtu) +
                      ": " + std::strerror(errno)));
  }
  request = request_for(interface_);
  const bool known = control.ask(SIOCGIFFLAGS, request);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (!known || !control.ask(SIOCSIFFLAGS, request)) {
    return fail(error("interface " + interface_ + " does not come up: " + std::strerror(errno)));
  }
  return {};
}

void TapPort::warn(const Environment& environment, const std::string& what) const {
  environment.log.write(LogLevel::kWarning, "port",
                        config_.name + ": interface " + interface_ + " " + what);
}

bool TapPort::link_up() const noexcept {
  // By the name that it has by now.
  ifreq request{};
  if (ioctl(rings_.front()->fd(), TUNGETIFF, &request) != 0) return false;
  constexpr unsigned kUp = IFF_UP | IFF_RUNNING;
  return Control{}.ask(SIOCGIFFLAGS, request) &&
         (static_cast<unsigned>(request.ifr_flags) & kUp) == kUp;
}

Snapshot::Rows TapPort::device_counters() const {
  std::uint64_t rx_errors = 0;
  std::uint64_t rx_no_buffer = 0;
  std::uint64_t tx_errors = 0;
  for (const auto& ring : rings_) {
    rx_errors += ring->rx_errors.value();
    rx_no_buffer += ring->rx_no_buffer.value();
    tx_errors += ring->tx_errors.value();
  }
  const std::uint64_t dropped = look_at_interface(interface_).tx_dropped;
  // Not those of who had it before us; an interface of another name counts nothing.
  return {{"device_missed", dropped - std::min(dropped, found_.tx_dropped)},
          {"device_rx_errors", rx_errors},
          {"device_rx_no_buffer", rx_no_buffer},
          {"device_tx_errors", tx_errors}};
}

}  // namespace smol::dataplane
