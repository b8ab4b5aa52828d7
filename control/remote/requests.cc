#include "control/remote/requests.hh"

#include <algorithm>
#include <string>

#include <google/protobuf/duration.pb.h>

namespace smol::control {
namespace {

std::string path(std::string_view field, std::string_view name) {
  return std::string{field} + "." + std::string{name};
}

}  // namespace

Parsed<IpEndpoint> parse_local(const v1::Endpoint& in, std::string_view field, IpFamily family) {
  if (in.has_address()) return parse(in, field);
  const auto port = parse_port(in.port(), path(field, "port"));
  if (!port) return fail(port.error());
  return IpEndpoint{IpAddress::any(family), *port};
}

Parsed<std::optional<InterfaceId>> parse_interface(const dataplane::Daemon& daemon,
                                                   std::string_view name, std::string_view field) {
  if (name.empty()) return std::optional<InterfaceId>{};
  const auto& all = daemon.interfaces();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  if (found == all.end()) {
    return fail(Refusal{Error::kNoDevice, std::string{field},
                        "there is no interface '" + std::string{name} + "'"});
  }
  return std::optional{static_cast<InterfaceId>(found - all.begin())};
}

grpc::Status failed(std::string_view what, Error error) {
  // Nobody else says so: the worker has ended, and cancelled what was under way.
  if (error == Error::kNotConnected) return stopping();
  return to_status(Refusal{error, {}, std::string{what} + ": " + std::string{sentence(error)}});
}

}  // namespace smol::control
