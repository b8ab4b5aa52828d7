#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/coverage.hh"

namespace smol::sim {

struct CampaignOptions {
  std::uint64_t from = 1;
  std::uint64_t seeds = 1000;
  unsigned jobs = 1;
  std::uint64_t most_failures = 10;  ///< then it ends
  bool terminal = false;  ///< progress, a rate and what is left are shown on standard error
};

struct Failure {
  std::uint64_t seed = 0;
  std::string fault;
};

struct CampaignResult {
  std::uint64_t done = 0;
  double seconds = 0;             ///< on the clock
  double cpu_seconds = 0;         ///< of all jobs
  std::vector<Failure> failures;  ///< by seed
  Coverage coverage;
};

/// Runs seeds from .. from + seeds - 1 in `jobs` processes. A run that crashes is a failure like
/// any other, and the others go on.
CampaignResult run_campaign(const CampaignOptions& options);

}  // namespace smol::sim
