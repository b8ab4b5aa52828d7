#pragma once

#include "tools/bench/series.hh"
#include "tools/bench/smold_process.hh"

namespace smol::bench {

// Benchmarks of the daemon over net_tap, in namespaces of their own. They take root. All throw
// Failure. Thread: the main one.

/// "tap": streams and HTTP between smold and Linux, and between Linux and Linux over veth. The
/// daemon lives as long as the series.
Series tap_series(const DaemonPlaces& places);

/// "start": from the start of the process to its first answered ping.
Series start_series(const DaemonPlaces& places);

/// "idle": processor time of a daemon with nothing to do.
Series idle_series(const DaemonPlaces& places);

}  // namespace smol::bench
