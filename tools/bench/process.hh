#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "tools/bench/load.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

class NetworkNamespace;

/// A program that runs beside the benchmark, and dies with it. Thread: the one that made it must
/// outlive it, since the kernel ends the child with that thread.
class Process {
 public:
  enum class Input { kNone, kHeldOpen };
  struct Options {
    const NetworkNamespace* where = nullptr;  ///< null: where we are
    Input input = Input::kNone;
    std::string output_file{};  ///< empty: kept for output()
  };

  /// How it ended, and what it printed, errors too.
  struct Ended {
    int status = 0;  ///< exit status; 128 and the signal's number if a signal ended it
    std::string output;
    ProcessUse use;
  };

  /// `argv[0]` is looked for in PATH. Throws Failure if it cannot be run.
  Process(const std::vector<std::string>& argv, const Options& options);
  /// Ends it: SIGTERM, and SIGKILL after two seconds.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// Still running? Takes in what it prints.
  bool alive();
  /// Waits for its end, for `most`; then it is killed and Failure thrown.
  Ended wait(Seconds most);
  /// What it has printed so far.
  const std::string& output() const noexcept { return ended_.output; }

 private:
  void collect();
  bool reap(bool block);

  std::string name_;
  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
  bool over_ = false;
  Ended ended_;
};

/// Runs a program that ends by itself within a quarter of a minute. Throws Failure.
Process::Ended run_to_end(const std::vector<std::string>& argv, const Process::Options& options);

/// The program of this name in PATH, or in the folders that root's programs lie in; empty: not
/// installed.
std::string find_program(const std::string& name);

}  // namespace smol::bench
