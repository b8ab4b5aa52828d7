#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/eal.hh"
#include "dataplane/log.hh"

namespace smol::dataplane::testing {

/// Keeps what is logged.
class CollectingLog final : public Log {
 public:
  struct Line {
    LogLevel level;
    std::string component;
    std::string text;
  };

  bool wants(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view component, std::string_view text) noexcept override {
    const std::lock_guard lock{mutex_};
    lines_.push_back({level, std::string{component}, std::string{text}});
  }
  std::vector<Line> take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Line> lines_;
};

/// DPDK's environment of this test process: no hugepages, no PCI, started by main().
Eal& eal();
/// What EAL, and whoever else was given it, logged.
CollectingLog& log();

}  // namespace smol::dataplane::testing
