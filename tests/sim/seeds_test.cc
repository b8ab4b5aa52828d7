// Conversations over bad networks, a seed each: all that was written is read, in order and once;
// nothing hangs, nothing leaks, nothing is lost without a name, and the same seed gives the same
// octets on the wire.
#include <cstdlib>
#include <iostream>
#include <map>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/sim/simulation.hh"
#include "tests/support/scale.hh"

namespace smol::sim {
namespace {

constexpr std::uint32_t kSeeds = 8000;

void expect_right(const Scenario& scenario, const Outcome& outcome) {
  EXPECT_EQ(outcome.hung, "");
  if (scenario.breaks_off() || !outcome.hung.empty()) return;
  for (std::size_t side = 0; side < 2; ++side) {
    EXPECT_EQ(outcome.read[side], scenario.users[1 - side].octets) << "side " << side;
    EXPECT_EQ(error_of(outcome.errors[side]), "none") << "side " << side;
  }
}

Outcome try_seed(std::uint64_t seed) {
  const Scenario scenario = scenario_of(seed);
  SCOPED_TRACE("once more, alone: SMOL_SIM_SEED=" + std::to_string(seed) +
               " sim_test --gtest_filter=Sim.*\n" + describe(scenario));
  const Outcome first = Simulation{scenario}.run();
  expect_right(scenario, first);
  const Outcome again = Simulation{scenario}.run();
  EXPECT_EQ(first.wire, again.wire) << "the same seed, and other octets on the wire";
  return first;
}

/// What must have happened somewhere in a few hundred runs, or the network is a kind one.
constexpr const char* kHardships[] = {
    "tcp_retrans_segs",   "tcp_fast_retrans", "tcp_timeouts",        "tcp_zero_window_probes",
    "tcp_ofo_queue",      "tcp_duplicate",    "tcp_out_of_window",   "tcp_paws",
    "tcp_challenged_syn", "tcp_bad_checksum", "tcp_reassembly_full", "tcp_memory",
    "tcp_time_wait",      "tcp_estab_resets", "tcp_abort_on_data",   "tcp_text_after_close",
    "tcp_port_closed",    "tcp_stray_reset",  "ip4_bad_checksum",
};

// SMOL_SIM_SEED=N: that one alone. SMOL_SIM_COUNTS=1: all that happened, counted.
TEST(Sim, ConversationsSurviveWhateverTheNetworkDoes) {
  if (const char* text = std::getenv("SMOL_SIM_SEED")) {
    try_seed(std::strtoull(text, nullptr, 10));
    return;
  }
  std::map<std::string_view, std::uint64_t> happened;
  const std::uint64_t seeds = scaled(kSeeds);
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    for (const auto& [name, count] : try_seed(seed).happened) happened[name] += count;
  }
  if (seeds < 300 || HasFailure()) return;
  for (const char* name : kHardships) EXPECT_GT(happened[name], 0u) << name;
  if (std::getenv("SMOL_SIM_COUNTS") == nullptr) return;
  for (const auto& [name, count] : happened) std::cout << name << ' ' << count << '\n';
}

TEST(Sim, AnotherSeedIsAnotherRun) {
  EXPECT_NE(Simulation{scenario_of(1)}.run().wire, Simulation{scenario_of(2)}.run().wire);
}

}  // namespace
}  // namespace smol::sim
