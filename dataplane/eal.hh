#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/config.hh"
#include "dataplane/log.hh"
#include "protocols/base/result.hh"

namespace smol::dataplane {

/// DPDK's environment. A process can start it once: it is shared by all who hold it, and lives
/// until the last of them lets go. What DPDK has to say goes to our log: while something is being
/// set up at level debug, because it warns of what does not matter here; the first error is kept
/// for whoever reports the failure. Otherwise as it is.
class Eal {
 public:
  /// The running one, whatever it was started with; else a new one. `pci`: addresses with
  /// arguments, the only ones looked at; `memory_octets`: what packets and ports need; `log`: for
  /// the start alone. The calling thread's signal mask is left as it was, and EAL's threads take no
  /// signals. Errors: no memory, refused arguments, ended before.
  static Result<std::shared_ptr<Eal>, StartError> start(const EalConfig& config,
                                                        const std::vector<std::string>& pci,
                                                        std::size_t memory_octets, Log& log);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool hugepages() const noexcept { return hugepages_; }

  /// While one exists, DPDK's messages go to `log`; afterwards where they went before.
  class LogScope {
   public:
    LogScope(std::shared_ptr<Eal> eal, Log& log);
    ~LogScope();
    LogScope(const LogScope&) = delete;
    LogScope& operator=(const LogScope&) = delete;

   private:
    std::shared_ptr<Eal> eal_;
    Log* before_;
  };

  /// While one exists, DPDK's messages are of level debug, and errors are collected.
  class Quiet {
   public:
    explicit Quiet(Eal& eal) noexcept;
    ~Quiet();
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    /// The first error DPDK reported since, without its prefix; else the last warning; empty:
    /// nothing.
    std::string why() const { return eal_.why(); }

   private:
    Eal& eal_;
  };

 private:
  Eal() noexcept = default;

  static long on_write(void* eal, const char* text, std::size_t size) noexcept;
  void on_line(std::string_view line);
  /// rte_eal_init(), with what it prints kept back. Empty: it started; else the reason.
  std::string initialize(std::vector<std::string>& arguments);
  std::string why();

  bool hugepages_ = false;
  bool started_ = false;
  std::FILE* stream_ = nullptr;
  std::mutex mutex_;  // what follows
  Log* log_ = nullptr;
  bool quiet_ = true;
  bool diverted_ = false;  ///< the standard streams are not ours just now
  std::vector<std::pair<LogLevel, std::string>> kept_back_;  ///< while they are not
  std::string pending_;                                      ///< a line whose end has not come yet
  std::string first_error_;
  std::string last_warning_;
};

/// Free hugepages of all sizes, in octets. `root`: for tests.
std::size_t free_hugepage_octets(const std::string& root = "/sys/kernel/mm/hugepages");

/// What can be touched before the kernel starts to kill, in octets: by the machine, and by the
/// limit of the control group (version 2) at `cgroup`. The arguments: for tests.
std::size_t available_memory_octets(const std::string& meminfo = "/proc/meminfo",
                                    const std::string& cgroup = "/sys/fs/cgroup");

/// The arguments of rte_eal_init().
std::vector<std::string> eal_arguments(const EalConfig& config, const std::vector<std::string>& pci,
                                       std::size_t memory_octets, bool hugepages,
                                       const std::vector<unsigned>& cpus);

}  // namespace smol::dataplane
