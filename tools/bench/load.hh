#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "tools/bench/series.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {

/// Work done by the processors so far, in seconds: programs and the kernel on their behalf, and
/// what the hypervisor gave to other machines. Interrupts are left out: the traffic of a benchmark
/// makes them, and no process is charged for them.
struct CpuUse {
  double all = 0;
  std::vector<double> each;  ///< by processor
};

/// Reads the text of /proc/stat; `ticks`: of a second. None: it is not that.
std::optional<CpuUse> parse_cpu_use(const std::string& text, long ticks);

/// Seconds that the calling process and all it has started, and what these have started, have run.
double own_cpu_use();

/// Seconds that a process has run in user mode and in the kernel, all its threads and the children
/// it has waited for included. None: it is gone.
struct ProcessUse {
  double user = 0;
  double system = 0;
  double total() const noexcept { return user + system; }
};
std::optional<ProcessUse> process_use(pid_t process);
/// Nanoseconds that the threads of a process were on a processor: finer than ProcessUse. None: it
/// is gone, or the kernel does not count.
std::optional<std::uint64_t> process_nanoseconds(pid_t process);

/// Sees what others do on this machine, and waits, within bounds, until they do nothing.
class Neighbours {
 public:
  /// `patience`: how long to wait for quiet, all in all.
  explicit Neighbours(Seconds patience) : patience_{patience} {}

  struct Glance {
    double others = 0;  ///< processors used, on average
    bool quiet = false;
    unsigned idlest = 0;  ///< the processor that was used least
  };
  /// Looks for a tenth of a second, and again while it is not quiet and patience is left.
  Glance wait();

  /// Begins to watch; others() says what processors others have used since, on average.
  void begin();
  double others() const;

  Seconds waited() const noexcept { return waited_; }

 private:
  Glance look() const;

  Seconds patience_;
  Seconds waited_{0};
  Stopwatch since_;
  double all_ = 0;
  double own_ = 0;
};

}  // namespace smol::bench
