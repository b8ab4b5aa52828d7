// The daemon: reads what is wanted, and runs it.
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "control/control_plane.hh"
#include "dataplane/daemon.hh"
#include "smold/config.hh"
#include "smold/options.hh"

namespace smol::smold {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;

/// To standard output. A full disk must not look like success.
int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!written) std::perror("smold: cannot write to standard output");
  return written ? kOk : kFailed;
}

int complain(const control::Diagnostics& diagnostics) {
  for (const std::string& line : diagnostics.lines()) std::fprintf(stderr, "%s\n", line.c_str());
  return kFailed;
}

/// The configuration with what the command line changes of it, checked.
std::optional<LoadedConfig> configuration(const Options& options,
                                          control::Diagnostics& diagnostics) {
  std::optional<LoadedConfig> loaded;
  if (!options.bridge.empty()) {
    auto bridged = bridge(options.bridge[0], options.bridge[1]);
    if (bridged) {
      loaded = LoadedConfig{std::move(*bridged), {}};
    } else {
      diagnostics.add({}, "--bridge: " + bridged.error());
    }
  } else if (options.file.empty()) {
    loaded = LoadedConfig{demo(), {}};
  } else {
    loaded = load(options.file, diagnostics);
  }
  if (!loaded) return std::nullopt;
  for (const auto& change : options.overrides) change(loaded->config);
  if (!options.link_option.empty() && !loaded->config.bridge.enabled()) {
    diagnostics.add({}, options.link_option + " is for a bridge: add --bridge A B");
  }
  check(*loaded, diagnostics);
  if (!diagnostics.empty()) return std::nullopt;
  return loaded;
}

int run(const Options& options) {
  control::Diagnostics diagnostics{options.file.empty() ? "smold" : options.file};
  const std::optional<LoadedConfig> loaded = configuration(options, diagnostics);
  if (!loaded) return complain(diagnostics);
  if (options.action == Options::Action::kCheckConfig) return print(options.file + ": ok\n");

  dataplane::StopRequest stop;
  control::ControlPlane api{loaded->config.grpc, SMOL_VERSION, stop};
  std::vector<dataplane::ApplicationSpec> applications = apps::applications(loaded->config.apps);
  dataplane::Attach attach;
  if (loaded->config.grpc.enabled) {
    api.add_applications(applications);
    attach = [&api](dataplane::Daemon& daemon) { return api.attach(daemon); };
  }
  const Result<void, dataplane::StartError> ran =
      dataplane::run(loaded->config, applications, stop, attach);
  if (ran) return kOk;
  std::fprintf(stderr, "smold: %s\n", ran.error().message.c_str());
  return kFailed;
}

int dispatch(const Options& options) {
  switch (options.action) {
    case Options::Action::kRun:
    case Options::Action::kCheckConfig:
      return run(options);
    case Options::Action::kPrintDefaultConfig:
      return print(default_config_text());
    case Options::Action::kPrintDemoConfig:
      return print(demo_config_text());
    case Options::Action::kPrintConfigReference:
      return print(config_reference_text());
    case Options::Action::kPrintVersion:
      break;
  }
  return print("smold " SMOL_VERSION "\n");
}

}  // namespace
}  // namespace smol::smold

int main(int argc, char** argv) {
  using smol::smold::EarlyExit;
  const auto parsed = smol::smold::parse_command_line(argc, argv);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    std::fputs(exit->text.c_str(), exit->status == 0 ? stdout : stderr);
    return exit->status;
  }
  return smol::smold::dispatch(std::get<smol::smold::Options>(parsed));
}
