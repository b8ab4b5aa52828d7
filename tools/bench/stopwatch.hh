#pragma once

#include <chrono>

#include "tools/bench/series.hh"

namespace smol::bench {

/// Time since it was made.
class Stopwatch {
 public:
  Seconds elapsed() const noexcept { return std::chrono::steady_clock::now() - start_; }
  double nanoseconds() const noexcept { return elapsed().count() * 1e9; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace smol::bench
