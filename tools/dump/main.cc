// The packet inspector as a program.
#include <csignal>
#include <cstdio>
#include <ctime>
#include <variant>

#include <fmt/format.h>

#include "tools/dump/file_source.hh"
#include "tools/dump/options.hh"
#include "tools/dump/session.hh"

namespace smol::dump {
namespace {

/// The one a signal ends. Set before the handlers are.
Session* running = nullptr;

void end_session(int) {
  running->stop();
}

void stop_on_signals(Session& session) {
  running = &session;
  struct sigaction action {};
  action.sa_handler = end_session;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  // A reader that goes away is seen by the write that fails.
  std::signal(SIGPIPE, SIG_IGN);
}

Result<void, Failure> run(const Options& options) {
  std::unique_ptr<PacketSource> source;
  if (!options.read_file.empty()) {
    auto opened = open_file(options.read_file);
    if (!opened) return fail(Failure{kMisused, opened.error()});
    source = std::move(*opened);
    fmt::print(stderr, "{}\n", source->description());
  }
  if (options.dump_filter > 0) return dump_filter(options, source.get());
  Session session{options, stdout};
  stop_on_signals(session);
  return session.run(*source);
}

}  // namespace
}  // namespace smol::dump

int main(int argc, char** argv) {
  using namespace smol::dump;  // NOLINT: main() is of it
  tzset();
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    fmt::print(exit->status == kDone ? stdout : stderr, "{}", exit->text);
    return exit->status;
  }
  const auto result = run(std::get<Options>(parsed));
  if (result) return kDone;
  if (!result.error().text.empty()) fmt::print(stderr, "smoldump: {}\n", result.error().text);
  return result.error().status;
}
