#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/scenario.hh"

namespace smol::sim {

/// A scenario that fails, made smaller: features are dropped, sizes halved and losses taken back,
/// and what still fails in the same way is kept.
struct Shrunk {
  Scenario scenario;
  /// What was done, in order, as apply_steps() takes it: with the seed it gives the scenario again.
  std::string steps;
  std::string fault;
  int attempts = 0;
};
/// `most`: attempts. `told(attempts, steps)` is called now and then.
Shrunk shrink(const Scenario& scenario, const std::string& fault, int most,
              const std::function<void(int, const std::string&)>& told);

/// "no-dup0,half-octets1,lose0:3+17". False: a word is none.
bool apply_steps(Scenario& scenario, const std::string& steps);

}  // namespace smol::sim
