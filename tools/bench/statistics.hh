#pragma once

#include <vector>

namespace smol::bench {

/// What is said of a row of samples instead of an average: the middle, how far samples lie from it,
/// and the ends. Noise on a shared machine only ever adds, so the middle and the best end are what
/// to compare.
struct Summary {
  double median = 0;
  double mad = 0;  ///< median of the distances from the median
  double min = 0;
  double max = 0;

  bool operator==(const Summary&) const noexcept = default;
};

/// The middle value, or the mean of the two middle ones. Precondition: not empty.
double median(std::vector<double> values);

/// Precondition: not empty.
Summary summarize(const std::vector<double>& values);

/// The median of values[i] / references[i]: samples taken next to each other in time are compared
/// with each other, so that a drift of the machine cancels. Precondition: not empty, equally many,
/// no reference is zero.
double paired_ratio(const std::vector<double>& values, const std::vector<double>& references);

}  // namespace smol::bench
