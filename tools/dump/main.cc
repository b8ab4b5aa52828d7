// The packet inspector as a program.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <variant>

#include <fmt/core.h>

#include "tools/client/signals.hh"
#include "tools/dump/file_source.hh"
#include "tools/dump/live_source.hh"
#include "tools/dump/options.hh"
#include "tools/dump/session.hh"

namespace smol::dump {
namespace {

using client::ExitStatus;
using client::Problem;

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
  client::Signals signals;
  const std::unique_ptr<PacketSource> source = open_source(options);
  if (options.dump_filter > 0) return dump_filter(options, source.get());
  fmt::print(stderr, "{}\n", source->description());
  // The second signal does not wait for what is under way, and the third for nothing.
  signals.on([&session] { session.stop(); });
  auto result = session.run(*source);
  signals.none();
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
