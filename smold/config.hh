#pragma once

#include <optional>
#include <string>

#include "apps/apps.hh"
#include "control/config.hh"
#include "control/grpc_config.hh"
#include "dataplane/config.hh"

namespace smol::smold {

/// All that smold's configuration file can say.
struct Config : dataplane::Config {
  apps::Config apps;
  control::GrpcConfig grpc;
};

/// The table from which it is read, printed and documented.
const control::Schema<Config>& schema();

/// A configuration that was read, and where its values stand.
struct LoadedConfig {
  Config config;
  control::Places places;
};

/// Reads `path`. None: diagnostics say why.
std::optional<LoadedConfig> load(const std::string& path, control::Diagnostics& diagnostics);

/// The rules between values: those of the dataplane, and that no two services want one port.
void check(const LoadedConfig& loaded, control::Diagnostics& diagnostics);

/// What --demo runs: one port over net_tap with every service on it. No file, no hugepages, no NIC.
Config demo();

/// What --bridge runs: the ports that `a` and `b` name, joined. A port is "tap:NAME",
/// "af_packet:INTERFACE", or a device as in `ports[].device`. Error: a sentence.
Result<Config, std::string> bridge(const std::string& a, const std::string& b);

/// Every key with its default and what it means, as YAML; the same as read from an empty file.
std::string default_config_text();
/// The demo as a file to start one's own from.
std::string demo_config_text();
/// The reference page of the configuration, as Markdown.
std::string config_reference_text();

}  // namespace smol::smold
