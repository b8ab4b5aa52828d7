#pragma once

#include <optional>
#include <string>

#include "tests/sim/scenario.hh"

namespace smol::sim {

/// Runs a scenario in a process of its own, so that a crash or a run without end is a result like
/// any other. The first thing that did not hold; none: all did.
std::optional<std::string> attempt(const Scenario& scenario);

/// A fault without its numbers: what two faults of one kind have in common.
std::string kind_of(const std::string& fault);

}  // namespace smol::sim
