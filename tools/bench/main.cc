// The benchmarks as a program.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

#include <fmt/core.h>

#include "tools/bench/bridge_series.hh"
#include "tools/bench/capture_series.hh"
#include "tools/bench/daemon_series.hh"
#include "tools/bench/failure.hh"
#include "tools/bench/http_load.hh"
#include "tools/bench/options.hh"
#include "tools/bench/places.hh"
#include "tools/bench/plot.hh"
#include "tools/bench/result_json.hh"
#include "tools/bench/runner.hh"
#include "tools/bench/stack_series.hh"
#include "tools/bench/table.hh"

namespace smol::bench {
namespace {
namespace fs = std::filesystem;

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kMisused = 2;

/// A benchmark by its name; made when it is its turn, for that may take a daemon and devices.
struct Benchmark {
  std::string name;
  std::string what;
  std::function<Series(const DaemonPlaces&)> make;
  bool long_one = false;  ///< only if it is asked for by its name
};

std::vector<Benchmark> benchmarks() {
  return {
      {"stack", "both TCP ends in one thread, no device",
       [](const DaemonPlaces&) { return stack_series(); }},
      {"tap", "smold over net_tap and Linux TCP (root)", tap_series},
      {"capture", "what captures cost smold over net_tap (root)", capture_series},
      {"bridge", "streams through a bad link, smold and Linux (root; an hour)", bridge_series,
       true},
      {"start", "smold's start to its first answered ping (root)", start_series},
      {"idle", "processor time of a smold with nothing to do (root)", idle_series},
  };
}

/// Those that `names` ask for, in the order of benchmarks(). Throws Failure.
std::vector<Benchmark> chosen(const std::vector<std::string>& names) {
  std::vector<Benchmark> all = benchmarks();
  for (const std::string& name : names) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const Benchmark& b) { return b.name == name; });
    if (!known) throw Failure{"no benchmark '" + name + "'; smolbench list names them"};
  }
  if (names.empty()) {
    std::erase_if(all, [](const Benchmark& benchmark) { return benchmark.long_one; });
    return all;
  }
  std::vector<Benchmark> out;
  for (Benchmark& benchmark : all) {
    if (std::find(names.begin(), names.end(), benchmark.name) != names.end()) {
      out.push_back(std::move(benchmark));
    }
  }
  return out;
}

/// Rows whose name contains `only`, and those they are compared with.
void keep_only(Series& series, const std::string& only) {
  if (only.empty()) return;
  const auto matches = [&](const Row& row) { return row.name.find(only) != std::string::npos; };
  std::vector<std::string> wanted;
  for (const Row& row : series.rows) {
    if (!matches(row)) continue;
    wanted.push_back(row.name);
    wanted.push_back(row.reference);
  }
  std::erase_if(series.rows, [&](const Row& row) {
    return std::find(wanted.begin(), wanted.end(), row.name) == wanted.end();
  });
  if (series.rows.empty()) throw Failure{series.name + " has no row like '" + only + "'"};
}

Plan plan_for(const Options& options) {
  Plan plan;
  plan.runs = options.runs;
  plan.quick = options.quick;
  plan.patience = Seconds{options.quick ? 0 : options.patience};
  if (options.quick) {
    plan.calibrate = false;
    plan.effort = {Seconds{0.004}, Seconds{0.3}, Seconds{1}};
  }
  return plan;
}

std::optional<SeriesResult> kept_run(const fs::path& folder, const std::string& name) {
  std::ifstream file{folder / (name + ".json")};
  if (folder.empty() || !file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  Result<SeriesResult, std::string> kept = from_json(text);
  if (kept) return *kept;
  std::cerr << "smolbench: " << (folder / (name + ".json")).string()
            << " is not compared with: " << kept.error() << "\n";
  return std::nullopt;
}

/// One line that the next replaces, for who sits before it.
void show_progress(const std::string& line) {
  if (isatty(STDERR_FILENO) != 0) std::cerr << "\r\033[K" << line << std::flush;
}

class Session {
 public:
  explicit Session(const Options& options)
      : options_{options},
        out_{options.out.empty() ? default_out() : fs::path{options.out}},
        kept_{options.kept.empty() ? default_kept() : fs::path{options.kept}},
        places_{options.smold.empty() ? default_smold() : fs::path{options.smold},
                default_smoldump(), default_smolctl(), out_} {
    if (options.keep && kept_.empty()) {
      throw Failure{"--keep: no docs/benchmarks/ here or above; name a folder with --kept"};
    }
  }

  /// Measures and reports. False: a row failed.
  bool run(const Benchmark& benchmark) {
    Series series = benchmark.make(places_);
    keep_only(series, options_.only);
    const SeriesResult result = bench::run(series, plan_for(options_), show_progress);
    show_progress("");
    const std::string json = to_json(result);
    write_file(out_ / (result.name + ".json"), json);
    write_file(out_ / (result.name + ".svg"), to_svg(result));
    documents_ += (documents_.empty() ? "[\n" : ",\n") + json;
    report() << to_table(result, kept_run(kept_, result.name))
             << "written: " << (out_ / (result.name + ".json")).string() << ", .svg\n";
    if (options_.keep) keep(result.name, json);
    report() << std::endl;
    return std::all_of(result.rows.begin(), result.rows.end(),
                       [](const RowResult& row) { return row.failure.empty(); });
  }

  /// What --json asks for.
  void finish() {
    if (options_.json.empty() || documents_.empty()) return;
    const std::string all = documents_ + "]\n";
    if (options_.json == "-") {
      std::cout << all << std::flush;
      if (!std::cout) throw Failure{"cannot write to standard output"};
    } else {
      write_file(options_.json, all);
    }
  }

 private:
  std::ostream& report() { return options_.json == "-" ? std::cerr : std::cout; }

  void keep(const std::string& name, const std::string& json) {
    write_file(kept_ / (name + ".json"), json);
    report() << "kept: " << (kept_ / (name + ".json")).string() << "\n";
  }

  const Options options_;
  const fs::path out_;
  const fs::path kept_;
  const DaemonPlaces places_;
  std::string documents_;
};

int run_all(const Options& options) {
  const std::vector<Benchmark> wanted = chosen(options.names);
  if (options.install) install_references();
  Session session{options};
  int status = kOk;
  for (const Benchmark& benchmark : wanted) {
    try {
      if (!session.run(benchmark)) status = kFailed;
    } catch (const Failure& failure) {
      std::cerr << "smolbench: " << benchmark.name << ": " << failure.what() << "\n";
      status = kFailed;
    }
  }
  session.finish();
  return status;
}

int list() {
  for (const Benchmark& benchmark : benchmarks()) {
    fmt::print("{:8}{}\n", benchmark.name, benchmark.what);
  }
  return kOk;
}

}  // namespace
}  // namespace smol::bench

int main(int argc, char** argv) {
  using namespace smol::bench;  // NOLINT: main() is of it
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    (exit->status == 0 ? std::cout : std::cerr) << exit->text;
    return exit->status;
  }
  const auto& options = std::get<Options>(parsed);
  if (options.list) return list();
  try {
    return run_all(options);
  } catch (const Failure& failure) {
    std::cerr << "smolbench: " << failure.what() << "\n";
    return kMisused;
  }
}
