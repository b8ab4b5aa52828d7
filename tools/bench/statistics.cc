#include "tools/bench/statistics.hh"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "protocols/base/check.hh"

namespace smol::bench {

double median(std::vector<double> values) {
  SMOL_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

Summary summarize(const std::vector<double>& values) {
  Summary out;
  out.median = median(values);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  out.min = *least;
  out.max = *most;
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - out.median));
  out.mad = median(std::move(distances));
  return out;
}

double paired_ratio(const std::vector<double>& values, const std::vector<double>& references) {
  SMOL_CHECK(values.size() == references.size());
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / references[i]);
  return median(std::move(ratios));
}

}  // namespace smol::bench
