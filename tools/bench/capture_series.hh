#pragma once

#include "tools/bench/series.hh"
#include "tools/bench/smold_process.hh"

namespace smol::bench {

/// "capture": one stream from smold to Linux over net_tap, while nobody looks and while smoldumps
/// of several kinds do. In a namespace of its own; takes root. Throws Failure. Thread: the main
/// one.
Series capture_series(const DaemonPlaces& places);

}  // namespace smol::bench
