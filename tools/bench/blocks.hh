#pragma once

#include <vector>

#include "tools/bench/series.hh"

namespace smol::bench {

/// What a segment's work is made of, each alone: nanoseconds, with a working set that the caches
/// hold (256 KiB) and with one that they do not (64 MiB).
std::vector<Row> block_rows();

}  // namespace smol::bench
