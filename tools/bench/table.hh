#pragma once

#include <optional>
#include <string>

#include "tools/bench/result.hh"

namespace smol::bench {

/// The result for people: machine and conditions, a line for each row, and how far to trust it.
/// `kept`: an earlier run to compare with.
std::string to_table(const SeriesResult& result, const std::optional<SeriesResult>& kept);

/// Four digits that count, whatever the size: "12.35", "1235", "0.1235".
std::string digits(double value);

}  // namespace smol::bench
