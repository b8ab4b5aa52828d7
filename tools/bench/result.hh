#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/bench/calibration.hh"
#include "tools/bench/machine.hh"
#include "tools/bench/series.hh"
#include "tools/bench/statistics.hh"

namespace smol::bench {

/// One sample with what the machine did around it.
struct Sample {
  Figure figure;
  Calibration before;
  Calibration after;
  double others_before = 0;  ///< processors that somebody else used just before
  double others_during = 0;  ///< and meanwhile
  bool quiet = false;        ///< nobody to speak of, just before
};

struct RowResult {
  std::string name;
  std::string group;
  std::string unit;
  Better better = Better::kLower;
  std::string reference;
  std::optional<Yardstick> yardstick;
  std::optional<double> goal;
  std::vector<Sample> samples;
  std::string failure;  ///< why there is nothing more to say; empty: all went well

  std::vector<double> values() const;
};

struct SeriesResult {
  std::string name;
  std::string title;
  std::vector<std::string> conditions;
  std::string started;  ///< UTC, "2026-11-21T12:00:00Z"
  Machine machine;
  unsigned runs = 0;
  bool quick = false;
  double waited = 0;  ///< seconds, for the machine to be quiet
  std::vector<RowResult> rows;

  const RowResult* find(const std::string& row) const;
};

/// `row` ÷ its reference, sample by sample; none: no reference, or one of the two failed.
std::optional<double> ratio_to_reference(const SeriesResult& result, const RowResult& row);

}  // namespace smol::bench
