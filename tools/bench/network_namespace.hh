#pragma once

#include <functional>
#include <string>

namespace smol::bench {

/// A network namespace without a name: it lives while this object or a process in it does, so that
/// nothing is left behind however a benchmark ends.
class NetworkNamespace {
 public:
  /// Makes one, with its loopback up. Throws Failure, mostly for want of root.
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  int fd() const noexcept { return fd_; }
  /// Runs `work` in it, on a thread of its own; sockets made there belong to it wherever they are
  /// used later. What `work` throws comes out here.
  void run(const std::function<void()>& work) const;

 private:
  int fd_ = -1;
};

/// Moves the calling thread into the namespace. Throws Failure. For threads that end there.
void enter(const NetworkNamespace& where);

/// Interfaces of the calling thread's namespace. All throw Failure, with the interface's name.
bool interface_exists(const std::string& name);
void set_up(const std::string& name);
/// "192.168.69.100", 24.
void set_ip4_address(const std::string& name, const std::string& address, int prefix_length);
/// Switches off segmentation (TSO, GSO), its reverse (GRO) and checksums: every packet of the wire
/// is one of the stack, as with a device that can do nothing.
void set_offloads_off(const std::string& name);
/// A pair of interfaces, "veth0" here and "veth1" in `peer`. Uses ip(8).
void make_veth_pair(const NetworkNamespace& here, const NetworkNamespace& peer);
/// The interface of `from` goes into `to`. Uses ip(8).
void move_interface(const NetworkNamespace& from, const std::string& name,
                    const NetworkNamespace& to);
/// All of the ports that clients may use, 1024 and up: short connections use them up quickly.
void widen_port_range();

}  // namespace smol::bench
