// smolctl: what a running smold can be told and asked, in the words of ip(8) and ss(8).
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tools/ctl/command.hh"

namespace smol::ctl {
namespace {

std::string help() {
  std::string out =
      "usage: smolctl [OPTION...] COMMAND [WORD...]\n\n"
      "Tells and asks a running smold, in the words of ip(8) and ss(8). Commands and keywords may "
      "be\n"
      "cut short.\n\n";
  for (const Command& command : commands()) {
    std::string usage{command.usage};
    out += "  " + std::string{command.name} + std::string(8 - command.name.size(), ' ') +
           std::string{command.summary} + "\n";
    std::size_t from = 0;
    while (from <= usage.size()) {
      const std::size_t to = std::min(usage.find('\n', from), usage.size());
      out += "            smolctl " + usage.substr(from, to - from) + "\n";
      from = to + 1;
    }
  }
  return out +
         "\nOptions:\n"
         "  -4, -6            only IPv4, or IPv6\n"
         "  -j, --json        JSON, with the keys of ip -j\n"
         "  -p, --pretty      with line breaks\n"
         "  --server ADDRESS  of the daemon (SMOL_SERVER, or " +
         std::string{client::kDefaultServer} +
         ")\n"
         "  --timeout TIME    for an answer: 500ms, 10s (10s)\n"
         "  -h, --help        this\n"
         "  -V, --version\n\n"
         "Exit status: 0 done, 1 wrong usage or refused, 2 no daemon, 4 not permitted,\n6 the "
         "output cannot be "
         "written.\n";
}

std::chrono::milliseconds parse_timeout(std::string_view text) {
  const bool short_unit = text.ends_with("ms");
  const bool long_unit = !short_unit && text.ends_with('s');
  const std::string_view digits = text.substr(0, text.size() - (short_unit  ? 2
                                                                : long_unit ? 1
                                                                            : 0));
  const std::uint64_t value = number(digits, 86'400'000, "time (500ms, 10s)");
  const auto count = static_cast<std::int64_t>(value);
  return short_unit ? std::chrono::milliseconds{count} : std::chrono::seconds{count};
}

/// Options, then the words of the command.
struct CommandLine {
  Options options;
  bool help = false;
  bool version = false;
  std::vector<std::string> words;
};

CommandLine parse(int argc, const char* const* argv) {
  CommandLine out;
  CLI::App app{"", "smolctl"};
  app.set_help_flag();
  app.prefix_command();  // what stands behind the command is the command's
  bool four = false;
  bool six = false;
  std::string timeout;
  app.add_flag("-4", four);
  app.add_flag("-6", six);
  app.add_flag("-j,--json", out.options.json);
  app.add_flag("-p,--pretty", out.options.pretty);
  app.add_flag("-h,--help", out.help);
  app.add_flag("-V,--version", out.version);
  app.add_option("--server", out.options.server);
  app.add_option("--timeout", timeout);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    throw Problem{std::string{error.what()} + " (smolctl --help explains)"};
  }
  if (four && six) throw Problem{"-4 and -6 exclude each other"};
  if (four) out.options.family = IpFamily::kIp4;
  if (six) out.options.family = IpFamily::kIp6;
  if (!timeout.empty()) out.options.timeout = parse_timeout(timeout);
  out.words = app.remaining();
  return out;
}

const Command& find(const std::string& word) {
  // As ip(8) has it: the shortest words are spoken for.
  if (word == "n") return find("neigh");
  if (word == "address") return find("addr");
  if (word == "neighbour" || word == "neighbor") return find("neigh");
  if (word.starts_with('-')) {
    throw Problem{"there is no option " + word + " (smolctl --help lists them)"};
  }
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view name = choose(word, names, "command");
  for (const Command& command : commands()) {
    if (command.name == name) return command;
  }
  throw Problem{"no command"};
}

ExitStatus perform(CommandLine line) {
  if (line.help || line.version) {
    std::cout << (line.help ? help() : "smolctl " SMOL_VERSION "\n");
    return ExitStatus::kDone;
  }
  if (line.words.empty()) throw Problem{"a command is missing (smolctl --help lists them)"};
  const Command& command = find(line.words.front());
  line.words.erase(line.words.begin());
  Words words{std::move(line.words)};
  client::Signals signals;
  Client client{line.options.server, line.options.timeout};
  Run run{line.options, client, signals, std::cout};
  command.run(run, words);
  std::cout.flush();
  if (!std::cout) throw Problem{"cannot write to standard output", ExitStatus::kCannotWrite};
  return ExitStatus::kDone;
}

}  // namespace
}  // namespace smol::ctl

int main(int argc, char** argv) {
  using namespace smol::ctl;  // NOLINT(google-build-using-namespace): this is its main
  // What gRPC has to say on standard error is in the status of a call as well.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  try {
    return static_cast<int>(perform(parse(argc, argv)));
  } catch (const Problem& problem) {
    if (*problem.what() != '\0') std::fprintf(stderr, "smolctl: %s\n", problem.what());
    return static_cast<int>(problem.status());
  }
}
