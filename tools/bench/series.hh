#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace smol::bench {

using Seconds = std::chrono::duration<double>;

/// What one sample came to, in the row's unit, and what else was seen meanwhile ("stack CPU,
/// cores").
struct Figure {
  double value = 0;
  std::vector<std::pair<std::string, double>> notes;
};

/// How much time a row may take for one sample.
struct Effort {
  Seconds stack{0.1};  ///< of work in memory
  Seconds device{5};   ///< of traffic through a device
  Seconds idle{10};    ///< of watching a daemon do nothing
};

enum class Better { kLower, kHigher };

/// A figure that somebody else published, on a machine of a similar kind and not on this one: it
/// says where a result stands, and proves nothing.
struct Yardstick {
  std::string name;
  double value = 0;

  bool operator==(const Yardstick&) const noexcept = default;
};

/// One thing that is measured.
struct Row {
  std::string name;   ///< unique in its series
  std::string group;  ///< rows that belong together stand below this heading
  std::string unit;
  Better better = Better::kLower;
  std::string reference;  ///< row to compare with, measured in the same run; empty: none
  std::optional<Yardstick> yardstick;
  std::optional<double> goal;  ///< in the row's unit
  /// Takes one sample. Throws Failure if it is worth nothing.
  std::function<Figure(const Effort&)> measure;
};

/// A benchmark: rows that run in turn, all once, then all again, so that what drifts meets all
/// alike.
struct Series {
  std::string name;
  std::string title;
  std::vector<std::string> conditions;  ///< what one has to know to read the figures
  std::vector<Row> rows;
  /// One thread does it all: it is kept on one processor, the least used one.
  bool one_thread = false;
};

}  // namespace smol::bench
