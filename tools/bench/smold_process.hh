#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tools/bench/network_namespace.hh"
#include "tools/bench/process.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// Where a benchmark of the daemon finds it and puts its files.
struct DaemonPlaces {
  std::filesystem::path smold;     ///< the program
  std::filesystem::path smoldump;  ///< and its inspector
  std::filesystem::path smolctl;   ///< and what tells it things
  std::filesystem::path out;       ///< folder for its configuration and its log
};

/// A smold with a tap interface in a namespace, the kernel on the other side of it.
class SmoldProcess {
 public:
  static constexpr const char* kInterface = "smol0";
  static constexpr const char* kAddress = "192.168.69.1";
  static constexpr const char* kKernelAddress = "192.168.69.100";

  static constexpr const char* kDpdkTap = "net_tap0,iface=smol0";
  static constexpr const char* kOwnTap = "tap:smol0";

  /// Starts it over a device of that interface, gives the kernel's side its address and waits until
  /// it answers a ping. Throws Failure with the last line of its log. Thread: the main one.
  SmoldProcess(const DaemonPlaces& places, const NetworkNamespace& where,
               const std::string& device = kDpdkTap);

  /// Where its control plane listens.
  const std::string& server() const noexcept { return server_; }
  /// From just before the start of the process to its first answer.
  Seconds start_time() const noexcept { return start_time_; }
  pid_t pid() const noexcept { return process_->pid(); }
  /// Throws Failure if it has ended.
  void check();
  /// Processor time so far. Throws Failure if it has ended.
  double cpu();

 private:
  void wait_for_interface(const NetworkNamespace& where);
  void wait_for_answer(const NetworkNamespace& where);
  std::string last_words() const;

  std::filesystem::path log_;
  std::string server_;
  std::optional<Process> process_;
  Seconds start_time_{0};
};

}  // namespace smol::bench
