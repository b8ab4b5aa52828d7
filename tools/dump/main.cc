// The packet inspector as a program.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <pthread.h>
#include <thread>
#include <variant>

#include <fmt/core.h>

#include "tools/dump/file_source.hh"
#include "tools/dump/live_source.hh"
#include "tools/dump/options.hh"
#include "tools/dump/session.hh"

namespace smol::dump {
namespace {

using client::ExitStatus;
using client::Problem;

/// Ends a session on SIGINT, SIGTERM and SIGHUP, from a thread: what that takes, a call to the
/// daemon among it, no signal handler may do. The second signal does not wait for what is under
/// way, and the third for nothing.
class Signals {
 public:
  /// Before any other thread is there: all of them inherit what is blocked.
  Signals() {
    sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A reader that goes away is seen by the write that fails.
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~Signals() { stop(); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// `session` and its source last until stop().
  void end(Session& session) {
    thread_ = std::thread{[this, &session] { run(session); }};
  }
  void stop() {
    if (!thread_.joinable()) return;
    done_ = true;
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }

 private:
  void run(Session& session) {
    for (int came = 1;; ++came) {
      int number = 0;
      if (sigwait(&set_, &number) != 0 || done_) return;
      if (number == SIGUSR1) continue;
      if (came > 2) {
        std::signal(number, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
        std::raise(number);
      }
      session.stop();
    }
  }

  sigset_t set_{};
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

std::unique_ptr<PacketSource> open_source(const Options& options) {
  if (options.read_file.empty()) return open_live(options);
  auto opened = open_file(options.read_file);
  if (!opened) throw Problem{opened.error().text};
  return std::move(*opened);
}

Result<void, Failure> run(const Options& options) {
  if (options.list_interfaces) {
    fmt::print("{}", list_interfaces(options));
    return {};
  }
  if (options.dump_filter > 0 && options.read_file.empty()) return dump_filter(options, nullptr);
  Session session{options, stdout};
  Signals signals;
  const std::unique_ptr<PacketSource> source = open_source(options);
  if (options.dump_filter > 0) return dump_filter(options, source.get());
  fmt::print(stderr, "{}\n", source->description());
  signals.end(session);
  auto result = session.run(*source);
  signals.stop();
  return result;
}

ExitStatus perform(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    fmt::print(exit->status == ExitStatus::kDone ? stdout : stderr, "{}", exit->text);
    return exit->status;
  }
  const auto result = run(std::get<Options>(parsed));
  if (result) return ExitStatus::kDone;
  const Failure& failure = result.error();
  if (!failure.text.empty()) fmt::print(stderr, "smoldump: {}\n", failure.text);
  return failure.status;
}

}  // namespace
}  // namespace smol::dump

int main(int argc, char** argv) {
  using namespace smol::dump;  // NOLINT: main() is of it
  tzset();
  // What gRPC has to say on standard error is in the status of a call as well.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  try {
    return static_cast<int>(perform(argc, argv));
  } catch (const Problem& problem) {
    fmt::print(stderr, "smoldump: {}\n", problem.what());
    return static_cast<int>(problem.status());
  }
}
