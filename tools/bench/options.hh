#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace smol::bench {

/// What the command line asks for.
struct Options {
  bool list = false;
  std::vector<std::string> names;  ///< of benchmarks; empty: all
  std::string only;                ///< rows whose name contains this; empty: all
  unsigned runs = 5;
  bool quick = false;
  double patience = 60;  ///< seconds
  std::string json;      ///< a further copy of the results; "-" is standard output
  std::string out;       ///< folder of results; empty: the build's
  std::string kept;      ///< folder of kept runs; empty: the repository's
  bool keep = false;
  bool install = false;
  std::string smold;  ///< the daemon; empty: the one that was built with this
};

/// The text to print and the exit status, when there is nothing to run.
struct EarlyExit {
  int status;
  std::string text;
};

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv);

}  // namespace smol::bench
