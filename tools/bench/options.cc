#include "tools/bench/options.hh"

#include <CLI/CLI.hpp>

namespace smol::bench {
namespace {

constexpr const char* kDescription =
    "smolbench: measures smolplane on this machine, beside a reference in the same run.";

constexpr const char* kFooter = R"(
Benchmarks:
  stack   both TCP ends in one thread, no device: ns a segment, a transaction, connections a second
  tap     smold over net_tap and Linux TCP in a namespace: Gbit/s, HTTP requests a second (root)
  capture what captures cost: a stream over tap with none, and beside smoldumps of several kinds (root)
  bridge  streams through smold --bridge, a bad link: loss, round trip, rate, congestion control; only if
          it is named, for it takes an hour (root)
  start   smold's start to its first answered ping (root)
  idle    processor time of a smold with nothing to do (root)

Every row is measured once, then all again, five times: what drifts meets all alike. The table gives
median, MAD (median distance from the median), least and most, the ratio to a reference measured in the
same run, and how far to trust it: two calibration kernels, and what others did on the machine.
Results go to build/bench/NAME.json and NAME.svg; docs/benchmarks/ holds the runs that were kept.

Examples:
  smolbench stack                        one benchmark
  smolbench stack --only 'write 64K'     some of its rows
  smolbench stack --quick                one short run: does it work?
  smolbench --keep                       all but bridge; from now on, the runs to compare with

Exit status: 0 measured, 1 something failed, 2 wrong usage.)";

void add_options(CLI::App& app, Options& options) {
  app.add_option("NAME", options.names, "Benchmarks to run, or `list`. Default: all but bridge.");
  app.add_option("--only", options.only, "Rows whose name contains this.")->type_name("TEXT");
  app.add_option("--runs", options.runs, "How often each row is measured. Default: 5.")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--quick", options.quick,
               "One short run that waits for nobody: shows that it works, measures nothing.");
  app.add_option("--patience", options.patience,
                 "Longest wait of a benchmark for a quiet machine. Default: 60.")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--json", options.json, "Write the results there too; `-`: standard output.")
      ->type_name("FILE");
  app.add_option("--out", options.out, "Folder for the results. Default: bench/ of the build.")
      ->type_name("DIR");
  app.add_option("--kept", options.kept,
                 "Folder of the runs to compare with. Default: docs/benchmarks/ of the "
                 "repository.")
      ->type_name("DIR");
  app.add_flag("--keep", options.keep, "Keep this run: write it into the folder of kept ones.");
  app.add_flag("--install", options.install,
               "Let apt-get install what references need (wrk, nginx-light).");
  app.add_option("--smold", options.smold, "The daemon to measure. Default: the one built here.")
      ->type_name("FILE");
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app{kDescription, "smolbench"};
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "Print this and exit.");
  add_options(app, options);
  try {
    app.parse(argc, argv);
    if (options.quick && options.keep) {
      throw CLI::ValidationError{"--keep", "a quick run measures nothing worth keeping"};
    }
    if (!options.only.empty() && options.keep) {
      throw CLI::ValidationError{"--keep", "a part of the rows (--only) is not kept"};
    }
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return EarlyExit{2,
                     std::string{"smolbench: "} + error.what() + " (smolbench --help explains)\n"};
  }
  options.list = options.names.size() == 1 && options.names.front() == "list";
  if (options.quick) options.runs = 1;
  return options;
}

}  // namespace smol::bench
