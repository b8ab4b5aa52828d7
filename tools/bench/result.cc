#include "tools/bench/result.hh"

#include <algorithm>

namespace smol::bench {

std::vector<double> RowResult::values() const {
  std::vector<double> out;
  for (const Sample& sample : samples) out.push_back(sample.figure.value);
  return out;
}

const RowResult* SeriesResult::find(const std::string& row) const {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const RowResult& r) { return r.name == row; });
  return at == rows.end() ? nullptr : &*at;
}

std::optional<double> ratio_to_reference(const SeriesResult& result, const RowResult& row) {
  const RowResult* reference = row.reference.empty() ? nullptr : result.find(row.reference);
  if (reference == nullptr) return std::nullopt;
  const std::vector<double> ours = row.values();
  const std::vector<double> theirs = reference->values();
  if (ours.empty() || ours.size() != theirs.size()) return std::nullopt;
  if (std::find(theirs.begin(), theirs.end(), 0.0) != theirs.end()) return std::nullopt;
  return paired_ratio(ours, theirs);
}

}  // namespace smol::bench
