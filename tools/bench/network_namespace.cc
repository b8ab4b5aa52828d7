#include "tools/bench/network_namespace.hh"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <initializer_list>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "tools/bench/failure.hh"
#include "tools/bench/process.hh"

namespace smol::bench {
namespace {

[[noreturn]] void fail_with_errno(const std::string& what) {
  throw Failure{what + ": " + std::strerror(errno)};
}

/// A socket to ask the kernel about interfaces with.
class ControlSocket {
 public:
  ControlSocket() : fd_{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    if (fd_ < 0) fail_with_errno("cannot make a socket");
  }
  ~ControlSocket() { close(fd_); }
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  /// False: the kernel refuses, errno says why.
  bool ask(unsigned long request, ifreq& about) const { return ioctl(fd_, request, &about) == 0; }

 private:
  int fd_;
};

ifreq request_about(const std::string& name) {
  ifreq out{};
  if (name.size() >= sizeof out.ifr_name) throw Failure{"interface name too long: " + name};
  std::memcpy(out.ifr_name, name.data(), name.size());
  return out;
}

/// Runs `work` on a thread of its own and hands on what it throws.
void on_a_thread(const std::function<void()>& work) {
  std::exception_ptr thrown;
  std::thread{[&] {
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  }}.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

NetworkNamespace::NetworkNamespace() {
  on_a_thread([this] {
    if (unshare(CLONE_NEWNET) != 0) {
      if (errno == EPERM) throw Failure{"a network namespace needs root: run it with sudo"};
      fail_with_errno("cannot make a network namespace");
    }
    fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) fail_with_errno("cannot open /proc/thread-self/ns/net");
    set_up("lo");
  });
}

NetworkNamespace::~NetworkNamespace() {
  if (fd_ >= 0) close(fd_);
}

void NetworkNamespace::run(const std::function<void()>& work) const {
  on_a_thread([&] {
    enter(*this);
    work();
  });
}

void enter(const NetworkNamespace& where) {
  if (setns(where.fd(), CLONE_NEWNET) != 0) fail_with_errno("cannot enter a network namespace");
}

bool interface_exists(const std::string& name) {
  return if_nametoindex(name.c_str()) != 0;
}

void set_up(const std::string& name) {
  const ControlSocket control;
  ifreq about = request_about(name);
  if (!control.ask(SIOCGIFFLAGS, about)) fail_with_errno("no interface " + name);
  about.ifr_flags = static_cast<short>(about.ifr_flags | IFF_UP);
  if (!control.ask(SIOCSIFFLAGS, about)) fail_with_errno("interface " + name + " stays down");
}

void set_ip4_address(const std::string& name, const std::string& address, int prefix_length) {
  const ControlSocket control;
  const auto set = [&](unsigned long request, in_addr value, const char* what) {
    ifreq about = request_about(name);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr = value;
    std::memcpy(&about.ifr_addr, &to, sizeof to);
    if (!control.ask(request, about)) fail_with_errno("interface " + name + " takes no " + what);
  };
  in_addr value{};
  if (inet_pton(AF_INET, address.c_str(), &value) != 1) throw Failure{"no address: " + address};
  set(SIOCSIFADDR, value, "address");
  value.s_addr = htonl(~std::uint32_t{0} << (32 - prefix_length));
  set(SIOCSIFNETMASK, value, "netmask");
}

void set_offloads_off(const std::string& name) {
  const ControlSocket control;
  for (const std::uint32_t command : std::initializer_list<std::uint32_t>{
           ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM}) {
    ethtool_value off{command, 0};
    ifreq about = request_about(name);
    about.ifr_data = reinterpret_cast<char*>(&off);
    if (!control.ask(SIOCETHTOOL, about)) {
      fail_with_errno("interface " + name + " does not let its offloads be switched off");
    }
  }
}

void make_veth_pair(const NetworkNamespace& here, const NetworkNamespace& peer) {
  // The name of a namespace that has none: a process in it, which waits for its input to end.
  Process holder{{"cat"}, {.where = &peer, .input = Process::Input::kHeldOpen}};
  const std::string pid = std::to_string(holder.pid());
  const Process::Ended made = run_to_end(
      {"ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", pid},
      {.where = &here});
  if (made.status != 0) throw Failure{"ip link add veth0 fails: " + made.output};
}

void move_interface(const NetworkNamespace& from, const std::string& name,
                    const NetworkNamespace& to) {
  Process holder{{"cat"}, {.where = &to, .input = Process::Input::kHeldOpen}};
  const Process::Ended moved = run_to_end(
      {"ip", "link", "set", name, "netns", std::to_string(holder.pid())}, {.where = &from});
  if (moved.status != 0) throw Failure{"ip link set " + name + " netns fails: " + moved.output};
}

void widen_port_range() {
  std::ofstream file{"/proc/sys/net/ipv4/ip_local_port_range"};
  file << "1024 65535" << std::flush;
  if (!file) throw Failure{"/proc/sys/net/ipv4/ip_local_port_range cannot be written"};
}

}  // namespace smol::bench
