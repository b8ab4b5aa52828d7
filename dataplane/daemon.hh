#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/application.hh"
#include "dataplane/capture_hub.hh"
#include "dataplane/config.hh"
#include "dataplane/counters.hh"
#include "dataplane/errand.hh"
#include "dataplane/log.hh"
#include "protocols/base/result.hh"

namespace smol::dataplane {

/// Asks a daemon to stop. Made before the daemon, so that an application can be given it. The first
/// request lets connections finish, for as long as Config::drain says; a second one does not wait
/// for them.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// Thread: any; signal handlers too. It makes one system call.
  void request() noexcept;

  /// Readable while there are requests that nobody took.
  int fd() const noexcept { return fd_; }
  /// How many since it was last asked.
  unsigned take() noexcept;

 private:
  int fd_;
};

class Daemon;

/// What goes with a running daemon: made after it started, destroyed after its workers ended and
/// before the rest of it. Thread: main.
class Attachment {
 public:
  virtual ~Attachment() = default;
  /// The first request to stop came; the workers drain, for as long as Config::drain says.
  virtual void drain() noexcept {}
};
using Attach = std::function<Result<std::unique_ptr<Attachment>, StartError>(Daemon&)>;

/// A running dataplane: DPDK, ports, workers with their stacks and applications, capture and log.
/// One a process, because DPDK can be started once.
class Daemon {
 public:
  /// What an interface became, for whoever reports it.
  struct Interface {
    std::string name;
    MacAddress mac;
    std::uint16_t mtu;
    std::vector<IpPrefix> addresses;  ///< as configured; the stacks know what they are now
    std::string driver;               ///< of DPDK: "net_tap"; or our own: "tap"
    std::uint16_t rx_queues;
    std::uint16_t tx_queues;
    std::vector<std::string> offloads;  ///< what the device does: "tx-tcp-checksum"
  };

  /// Starts all of it, or nothing: on an error all that was made is gone. The calling thread is the
  /// main thread of the daemon: it destroys what it started. Threads started here inherit its
  /// signal mask.
  static Result<std::unique_ptr<Daemon>, StartError> start(
      const Config& config, const std::vector<ApplicationSpec>& applications);
  /// Stops at once what still runs, then says what was dropped (at level info).
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// As StopRequest::request(). Thread: any.
  void request_stop() noexcept;
  /// Until every worker has ended, which they do after request_stop().
  void wait();

  /// Thread: any, but not beside the destructor.
  Snapshot snapshot() const;
  /// One a worker. Open while the worker runs; closed ones give errands back cancelled.
  const std::vector<Desk*>& desks() const noexcept;
  const std::vector<Interface>& interfaces() const noexcept;
  /// Of the interface of that index: false while it is down or gone. Thread: any; a system call.
  bool link_up(std::size_t interface) const noexcept;
  const Config& config() const noexcept;
  /// Names of the applications; the index is their sockets' owner.
  const std::vector<std::string>& applications() const noexcept;
  /// What the options of TCP sockets begin from.
  const tcp::SocketOptions& tcp_defaults() const noexcept;
  /// Where captures are opened while the daemon runs.
  CaptureHub& captures() noexcept;
  /// For every thread but a worker's.
  Log& log() noexcept;

 private:
  struct Parts;
  class Signals;
  friend Result<void, StartError> run(const Config&, const std::vector<ApplicationSpec>&,
                                      StopRequest&, const Attach&);

  explicit Daemon(std::unique_ptr<Parts> parts);
  void run_until_stopped(Signals& signals, StopRequest& stop, Attachment* attachment);

  std::unique_ptr<Parts> parts_;
};

/// "DPDK 22.11.7".
std::string dpdk_version();

/// The whole life of a daemon: starts it and what goes with it, lets it run until `stop` or a
/// signal (SIGINT, SIGTERM) says otherwise, drains, and ends within Config::drain and half a
/// second. A second signal does not wait for connections. SIGUSR1 prints every counter to the log.
/// Error: it did not start.
Result<void, StartError> run(const Config& config, const std::vector<ApplicationSpec>& applications,
                             StopRequest& stop, const Attach& attach = {});

}  // namespace smol::dataplane
