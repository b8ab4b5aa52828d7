#pragma once

#include "tools/bench/series.hh"
#include "tools/bench/smold_process.hh"

namespace smol::bench {

/// "bridge": streams between Linux and smold through a bad link, `smold --bridge`, and between
/// Linux and Linux through the same one. Loss, round trip, rate and congestion control make a grid.
/// Takes root. Throws Failure. Thread: the main one.
Series bridge_series(const DaemonPlaces& places);

}  // namespace smol::bench
