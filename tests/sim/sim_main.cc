// `./dev sim`: conversations over bad networks in virtual time, a seed each. docs/howto/test.md.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "tests/sim/attempt.hh"
#include "tests/sim/campaign.hh"
#include "tests/sim/judge.hh"
#include "tests/sim/matrix.hh"
#include "tests/sim/shrink.hh"
#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

struct Options {
  CampaignOptions campaign;
  std::uint64_t seed = 0;
  std::string steps;
  bool trace = false;
  bool coverage = false;
  bool shrinks = true;
  bool judge = false;
  bool matrix = false;
  bool accept = false;
  std::string cell;
  std::string matrix_file = "docs/benchmarks/throughput-matrix.txt";
  std::string folder = SMOL_SIM_FOLDER;
};

std::string replay_words(std::uint64_t seed, const std::string& steps) {
  std::string out = "./dev sim --seed " + std::to_string(seed);
  if (!steps.empty()) out += " --steps " + steps;
  return out;
}

/// One scenario, looked at: a capture, and on request every frame as a line. The fault, if any.
std::string look(const Scenario& scenario, const std::string& steps, bool prints,
                 const std::string& folder) {
  Trace trace{scenario.start};
  const Outcome outcome = Simulation{scenario, &trace}.run();
  if (prints) trace.print(std::cout);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/seed-" + std::to_string(scenario.seed) +
                           (steps.empty() ? "" : "-shrunk") + ".pcapng";
  const std::string fault = outcome.faults.empty() ? "" : outcome.faults.front();
  if (!trace.write_pcapng(path, replay_words(scenario.seed, steps) + "\n" + fault)) {
    std::cerr << "cannot write " << path << '\n';
  } else {
    std::cout << "capture: " << path << '\n';
  }
  return fault;
}

int replay(const Options& options) {
  Scenario scenario = scenario_of(options.seed);
  if (!apply_steps(scenario, options.steps)) {
    std::cerr << "--steps holds a word that is no step\n";
    return 2;
  }
  std::cout << describe(scenario) << '\n';
  const std::string fault = look(scenario, options.steps, options.trace, options.folder);
  std::cout << "seed " << options.seed << ": " << (fault.empty() ? "all held" : fault) << '\n';
  return fault.empty() ? 0 : 1;
}

void shrink_and_tell(const Failure& failure, const Options& options) {
  const bool terminal = options.campaign.terminal;
  const Shrunk small =
      shrink(scenario_of(failure.seed), failure.fault, 1000, [&](int attempts, const std::string&) {
        if (terminal && attempts % 10 == 0) {
          std::fprintf(stderr, "\r\x1b[Kshrinking seed %llu: %d attempts",
                       static_cast<unsigned long long>(failure.seed), attempts);
        }
      });
  if (terminal) std::fputs("\r\x1b[K", stderr);
  std::cout << "\nseed " << failure.seed << ": " << failure.fault << "\nas small as it gets ("
            << small.attempts << " attempts): " << small.fault << '\n'
            << describe(small.scenario) << '\n';
  const bool crashes = small.fault.rfind("crashes", 0) == 0 || small.fault.rfind("runs", 0) == 0;
  if (!crashes) look(small.scenario, small.steps, false, options.folder);
  std::cout << "replay: " << replay_words(failure.seed, "") << " --trace\n"
            << "shrunk: " << replay_words(failure.seed, small.steps) << " --trace\n";
}

int run(const Options& options) {
  const CampaignResult result = run_campaign(options.campaign);
  std::printf("%llu seeds in %.1f s: %.2f ms of CPU each, %.0f a second; %zu failed\n",
              static_cast<unsigned long long>(result.done), result.seconds,
              result.done > 0 ? result.cpu_seconds * 1000 / static_cast<double>(result.done) : 0.0,
              result.seconds > 0 ? static_cast<double>(result.done) / result.seconds : 0.0,
              result.failures.size());
  const std::vector<std::string> uncovered = result.coverage.uncovered();
  if (options.coverage) {
    std::cout << result.coverage.report(result.done);
  } else {
    std::printf("never met: %zu of %zu expected\n", uncovered.size(),
                Coverage::names().size() - Coverage::exempt_count());
    for (const std::string& name : uncovered) std::printf("  %s\n", name.c_str());
    if (const std::string rarest = result.coverage.rarest(); !rarest.empty()) {
      std::printf("met least: %s, %.3f times in a thousand seeds\n", rarest.c_str(),
                  static_cast<double>(result.coverage.count(rarest)) * 1000 /
                      static_cast<double>(result.done));
    }
  }
  std::fflush(stdout);
  // The first of each kind is enough to begin with.
  std::vector<std::string> kinds;
  for (const Failure& failure : result.failures) {
    const std::string kind = kind_of(failure.fault);
    if (!options.shrinks || failure.seed == 0 || kinds.size() >= 3 ||
        std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
      continue;
    }
    kinds.push_back(kind);
    shrink_and_tell(failure, options);
  }
  return result.failures.empty() ? 0 : 1;
}

/// What tshark and tcpdump say of seeds from .. from + seeds - 1.
int run_judge(const Options& options) {
  if (!can_judge()) {
    std::cerr << "--judge needs tshark and tcpdump\n";
    return 2;
  }
  const CampaignOptions& campaign = options.campaign;
  const Judgement judgement =
      judge(campaign.from, campaign.seeds, campaign.jobs, options.folder, [&](std::uint64_t done) {
        if (campaign.terminal) {
          std::fprintf(stderr, "\r\x1b[K%llu of %llu seeds", static_cast<unsigned long long>(done),
                       static_cast<unsigned long long>(campaign.seeds));
        }
      });
  if (campaign.terminal) std::fputs("\r\x1b[K", stderr);
  for (const std::string& what : judgement.complaints) std::cout << what << '\n';
  std::cout << "expected remarks:\n";
  for (const Expected& row : expected_remarks()) {
    const auto found = judgement.explained.find(row.text);
    const std::uint64_t times = found == judgement.explained.end() ? 0 : found->second;
    std::printf("%10llu  %s: %s\n", static_cast<unsigned long long>(times), row.text, row.reason);
  }
  std::printf("%llu seeds judged, %llu frames of ours, %zu complaints\n",
              static_cast<unsigned long long>(judgement.seeds),
              static_cast<unsigned long long>(judgement.frames), judgement.complaints.size());
  return judgement.complaints.empty() ? 0 : 1;
}

int main_with(int argc, char** argv) {
  Options options;
  options.campaign.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.campaign.terminal = ::isatty(STDERR_FILENO) == 1;
  CLI::App app{"Conversations over bad networks, a seed each, in virtual time.", "./dev sim"};
  app.add_option("--seeds", options.campaign.seeds, "How many seeds to run (1000).");
  app.add_option("--from", options.campaign.from, "The first of them (1).")
      ->check(CLI::PositiveNumber);
  app.add_option("--jobs", options.campaign.jobs, "Processes at a time (one a core).");
  app.add_option("--failures", options.campaign.most_failures, "End after so many (10).");
  app.add_option("--seed", options.seed, "Run this one alone, and write a capture of it.");
  app.add_option("--steps", options.steps, "With --seed: the scenario as it was shrunk.");
  app.add_flag("--trace", options.trace, "With --seed: print every frame.");
  app.add_flag("--coverage", options.coverage,
               "Print how often everything was met, and in a thousand seeds.");
  app.add_flag("!--no-shrink", options.shrinks, "Leave what fails as it is.");
  app.add_flag("--judge", options.judge, "Let tshark and tcpdump read what the seeds' runs send.");
  app.add_flag("--matrix", options.matrix,
               "Measure throughput in place of that, and compare with the file.");
  app.add_flag("--accept", options.accept, "With --matrix: write the file.");
  app.add_option("--cell", options.cell, "Measure this one cell of it, and write a capture.");
  app.add_option("--matrix-file", options.matrix_file, "The file.");
  app.add_option("--out", options.folder, "Where captures go (sim in the build folder).");
  CLI11_PARSE(app, argc, argv);
  if (options.judge) return run_judge(options);
  if (!options.cell.empty()) {
    std::filesystem::create_directories(options.folder);
    return look_at_cell(options.cell, options.folder + "/cell.pcapng");
  }
  if (options.matrix) {
    return run_matrix(options.matrix_file, options.accept, options.campaign.jobs,
                      options.campaign.terminal);
  }
  return options.seed != 0 ? replay(options) : run(options);
}

}  // namespace
}  // namespace smol::sim

int main(int argc, char** argv) {
  return smol::sim::main_with(argc, argv);
}
