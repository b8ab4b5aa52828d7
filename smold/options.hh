#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "smold/config.hh"

namespace smol::smold {

/// What the command line asks for.
struct Options {
  enum class Action {
    kRun,
    kCheckConfig,
    kPrintDefaultConfig,
    kPrintDemoConfig,
    kPrintConfigReference,
    kPrintVersion,
  };

  Action action = Action::kRun;
  std::string file;                 ///< of --config or --check-config; empty: --demo or --bridge
  std::vector<std::string> bridge;  ///< the two ports of --bridge; empty: --demo or a file
  std::string link_option;  ///< the last of --link, --a-to-b and --b-to-a; empty: there is none
  /// What single options change of the configuration, in the order of the command line.
  std::vector<std::function<void(Config&)>> overrides;
};

/// The command line was not understood, or asked for help: print `text` and exit with `status`.
struct EarlyExit {
  int status;  ///< 0: --help, on standard output; 2: wrong usage, on standard error
  std::string text;
};

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv);

}  // namespace smol::smold
