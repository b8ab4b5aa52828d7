#pragma once

#include "tools/bench/series.hh"

namespace smol::bench {

/// "stack": TCP over memory, both ends in one thread, and what that is made of.
Series stack_series();

}  // namespace smol::bench
