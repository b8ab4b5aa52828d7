#include "control/grpc_config.hh"

namespace smol::control {
namespace {

constexpr std::string_view kScheme = "unix://";
/// sockaddr_un takes 107, and the socket is made under a longer name (socket_file.cc).
constexpr std::size_t kMaxPath = 96;

std::string objection_to(const std::string& address) {
  if (!address.starts_with(kScheme)) {
    if (address.starts_with("unix:") || address.starts_with('/')) {
      return in_quotes(address) +
             " is no address: write unix:// and a path from the root, such as " +
             GrpcConfig{}.listen;
    }
    return in_quotes(address) +
           " is no unix socket: TCP needs TLS, which is not there yet; write unix:// and a path, "
           "such as " +
           GrpcConfig{}.listen;
  }
  const std::string_view path = path_of(address);
  if (!path.starts_with('/') || path.ends_with('/')) {
    return in_quotes(address) + " has no path from the root: write one, such as " +
           GrpcConfig{}.listen;
  }
  if (path.size() > kMaxPath) {
    return "a path of " + std::to_string(path.size()) +
           " characters is too long for a socket: at most " + std::to_string(kMaxPath);
  }
  return {};
}

}  // namespace

Codec<std::string> unix_address() {
  Codec<std::string> codec = checked(text(1, 1024), objection_to);
  codec.form = "unix:///PATH";
  return codec;
}

std::string_view path_of(std::string_view address) noexcept {
  return address.substr(kScheme.size());
}

Schema<GrpcConfig> grpc_schema() {
  Schema<GrpcConfig> schema;
  schema.scalar("enabled", &GrpcConfig::enabled, boolean(), "Whether it is offered.")
      .scalar("listen", &GrpcConfig::listen, unix_address(),
              "The socket. It is made for root and the group `smol`, in a folder that is made if "
              "its parent exists.");
  return schema;
}

}  // namespace smol::control
