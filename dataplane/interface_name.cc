#include "dataplane/interface_name.hh"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace smol::dataplane {
namespace {

bool may_administer_network() {
  constexpr unsigned kCapNetAdmin = 12;
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> kCapNetAdmin & 1) != 0;
    }
  }
  return true;
}

}  // namespace

InterfaceName::InterfaceName(InterfaceName&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
InterfaceName& InterfaceName::operator=(InterfaceName&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
InterfaceName::~InterfaceName() {
  if (fd_ >= 0) close(fd_);
}

// An abstract socket has the same name space as an interface, the network namespace, and goes with
// us.
Result<InterfaceName, StartError> InterfaceName::take(const std::string& port,
                                                      const std::string& interface,
                                                      const std::string& instead) {
  InterfaceName taken;
  taken.fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "smolplane/interface/" + interface;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const std::string who = "port " + port + ": ";
  if (bind(taken.fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0) return taken;
  if (errno != EADDRINUSE) {
    return fail(
        StartError{who + "cannot reserve the name " + interface + ": " + std::strerror(errno)});
  }
  return fail(StartError{who + interface + ": another smold has this interface: " + instead});
}

std::string why_no_tap(const std::string& interface) {
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  const int error = errno;
  if (fd >= 0) close(fd);
  if (fd < 0 && (error == ENOENT || error == ENODEV || error == ENXIO)) {
    return "/dev/net/tun is not there: modprobe tun, or give the container --device /dev/net/tun";
  }
  if ((fd < 0 && (error == EACCES || error == EPERM)) || !may_administer_network()) {
    return "no permission to make interface " + interface +
           ": run as root or with the capability cap_net_admin (setcap cap_net_admin+ep)";
  }
  return {};
}

}  // namespace smol::dataplane
