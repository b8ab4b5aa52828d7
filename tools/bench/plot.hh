#pragma once

#include <string>

#include "tools/bench/result.hh"

namespace smol::bench {

/// The result as a picture (SVG): for each row a bar to the median, the samples' range on it, and
/// marks for the goal and the yardstick. Rows of one unit share a scale.
std::string to_svg(const SeriesResult& result);

}  // namespace smol::bench
