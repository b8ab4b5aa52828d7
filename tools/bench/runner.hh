#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/result.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// How a series is run.
struct Plan {
  unsigned runs = 5;
  Effort effort;
  Seconds patience{60};  ///< for the machine to be quiet, for a whole series
  bool calibrate = true;
  bool quick = false;
};

/// Is told what goes on: a line for people who wait.
using Progress = std::function<void(const std::string& line)>;

/// Runs every row once, then all again, `plan.runs` times. A row that fails is left out from then
/// on. Thread: one; `series.one_thread` moves it from processor to processor between samples.
SeriesResult run(const Series& series, const Plan& plan, const Progress& progress);

}  // namespace smol::bench
