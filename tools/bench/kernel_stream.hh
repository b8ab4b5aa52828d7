#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "tools/bench/network_namespace.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// The ports of smold's services; KernelServer has the same ones.
inline constexpr std::uint16_t kSinkPort = 6971;
inline constexpr std::uint16_t kSourcePort = 6972;

/// What a client's stream came to.
struct StreamFigure {
  double gbit_a_second = 0;  ///< of payload: acknowledged, or read
  double cpu = 0;            ///< processors that the client used
};

enum class Way { kToServer, kFromServer };

struct StreamOptions {
  std::string congestion = "cubic";  ///< of the kernel; its default differs between machines
  std::optional<Seconds> warm_up;    ///< absent: a fifth of the time, and at most half a second
  Seconds standstill{2};             ///< after so long without progress it fails
};

/// One TCP stream of the kernel's for `time`, after a warm-up, from `where` to a sink or from a
/// source. Throws Failure if it cannot connect or stands still.
StreamFigure run_client(const NetworkNamespace& where, const std::string& address, Way way,
                        Seconds time, const StreamOptions& options = {});

/// A sink and a source over kernel sockets, each on a thread in a namespace: the reference.
class KernelServer {
 public:
  KernelServer(const NetworkNamespace& where, const std::string& address,
               std::string congestion = "cubic");
  ~KernelServer();
  KernelServer(const KernelServer&) = delete;
  KernelServer& operator=(const KernelServer&) = delete;

  /// Processor time of both threads so far, in seconds, as of their last connection's end.
  double cpu() const noexcept { return cpu_.load(); }

 private:
  void serve(const NetworkNamespace& where, int listener, Way way);

  const std::string congestion_;
  std::atomic<bool> stop_{false};
  std::atomic<double> cpu_{0};
  int listeners_[2] = {-1, -1};
  std::thread threads_[2];
};

}  // namespace smol::bench
