#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/bench/result.hh"

namespace smol::bench {

inline RowResult row_with(std::string name, const std::vector<double>& values) {
  RowResult row;
  row.name = std::move(name);
  row.group = "a group";
  row.unit = "ns";
  for (const double value : values) {
    Sample sample;
    sample.figure.value = value;
    sample.before = {1, 2};
    sample.after = {1.5, 2.5};
    sample.quiet = true;
    row.samples.push_back(sample);
  }
  return row;
}

/// Two rows, of which "ours" has every field set and "theirs" is its reference.
inline SeriesResult sample_result() {
  SeriesResult out;
  out.name = "stack";
  out.title = "a title";
  out.conditions = {"one", "two"};
  out.started = "2026-11-21T12:00:00Z";
  out.machine = {"a processor", 4, "powersave", "Linux 6.1", "g++ 12", "release", "abc-dirty"};
  out.runs = 3;
  out.waited = 1.5;
  RowResult ours = row_with("ours", {10, 20, 30});
  ours.better = Better::kHigher;
  ours.reference = "theirs";
  ours.yardstick = Yardstick{"a peer", 40};
  ours.goal = 15;
  ours.samples[0].figure.notes = {{"peer CPU", 0.25}};
  ours.samples[1].others_before = 0.5;
  ours.samples[1].others_during = 2.25;
  ours.samples[1].quiet = false;
  out.rows = {ours, row_with("theirs", {20, 40, 60})};
  return out;
}

}  // namespace smol::bench
