#pragma once

#include <string>
#include <string_view>

#include "control/schema.hh"

namespace smol::control {

/// Where the daemon offers its API.
struct GrpcConfig {
  bool enabled = true;
  std::string listen = "unix:///run/smol/ctl.sock";

  bool operator==(const GrpcConfig&) const = default;
};

/// "unix:///PATH"; what else gRPC knows is refused in a sentence that says why.
Codec<std::string> unix_address();
/// The path of such an address.
std::string_view path_of(std::string_view address) noexcept;

Schema<GrpcConfig> grpc_schema();

}  // namespace smol::control
