#pragma once

#include <string>

#include "protocols/base/result.hh"
#include "tools/bench/result.hh"

namespace smol::bench {

/// The result as a JSON document; docs/benchmarks/README.md describes it.
std::string to_json(const SeriesResult& result);

/// Reads what to_json() wrote. Error: one line that says what is wrong.
Result<SeriesResult, std::string> from_json(const std::string& text);

}  // namespace smol::bench
