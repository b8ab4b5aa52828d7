#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tools/bench/network_namespace.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// The ports of smold's services; KernelServer has the same ones.
inline constexpr std::uint16_t kSinkPort = 6971;
inline constexpr std::uint16_t kSourcePort = 6972;

/// What a client's streams came to.
struct StreamFigure {
  double gbit_a_second = 0;  ///< of payload, all of them: acknowledged, or read
  double cpu = 0;            ///< processors that the client used
};

enum class Way { kToServer, kFromServer };

struct StreamOptions {
  std::string congestion = "cubic";  ///< of the kernel; its default differs between machines
  std::optional<Seconds> warm_up;    ///< absent: a fifth of the time, and at most half a second
  Seconds standstill{2};             ///< after so long without progress of any it fails
  unsigned streams = 1;              ///< opened one by one in the first half of the warm-up
};

/// TCP streams of the kernel's for `time`, after a warm-up, from `where` to a sink or from a
/// source. One thread. Throws Failure if one breaks or all stand still.
StreamFigure run_client(const NetworkNamespace& where, const std::string& address, Way way,
                        Seconds time, const StreamOptions& options = {});

/// A sink and a source over kernel sockets, each on a thread in a namespace, which serves all that
/// connect: the reference.
class KernelServer {
 public:
  KernelServer(const NetworkNamespace& where, const std::string& address,
               std::string congestion = "cubic");
  ~KernelServer();
  KernelServer(const KernelServer&) = delete;
  KernelServer& operator=(const KernelServer&) = delete;

  /// Processor time of both threads so far, in seconds.
  double cpu() const noexcept { return lanes_[0].cpu.load() + lanes_[1].cpu.load(); }
  /// Octets of payload so far: the sink's have been read, the source's acknowledged.
  std::uint64_t octets(Way way) const;
  /// Connections that are open.
  std::size_t connections(Way way) const;

 private:
  /// What one thread serves.
  struct Lane {
    int listener = -1;
    std::atomic<double> cpu{0};
    mutable std::mutex mutex;  ///< of what is below
    std::vector<int> open;
    std::uint64_t moved = 0;  ///< by the sink's; by those of the source's that have ended
    std::thread thread;
  };

  static std::size_t index(Way way) noexcept { return way == Way::kToServer ? 0 : 1; }
  void serve(const NetworkNamespace& where, Way way);
  void accept_all(Lane& lane);
  void close_one(Lane& lane, Way way, int fd);

  const std::string congestion_;
  std::atomic<bool> stop_{false};
  std::array<Lane, 2> lanes_;
};

}  // namespace smol::bench
