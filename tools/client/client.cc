#include "tools/client/client.hh"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "tools/client/server.hh"

namespace smol::client {
namespace {

constexpr std::string_view kUnix = "unix:";

/// gRPC says of any of these only that it failed to connect to all addresses.
void look_for(const std::string& server) {
  std::string path = server.substr(kUnix.size());
  if (path.starts_with("//")) path.erase(0, 2);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw Problem{"'" + server + "' is no address: write unix:///PATH, such as " + kDefaultServer};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int failed = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = failed == 0 ? 0 : errno;
  close(fd);
  if (error == 0) return;
  const std::string cannot = "cannot reach the daemon at " + server + ": ";
  if (error == ENOENT) {
    throw Problem{cannot + "no such socket; is smold running?", ExitStatus::kUnreachable};
  }
  if (error == ECONNREFUSED) {
    throw Problem{cannot + "nobody listens there; has smold died?", ExitStatus::kUnreachable};
  }
  if (error == EACCES || error == EPERM) {
    throw Problem{cannot + "permission denied; be root, or in the socket's group",
                  ExitStatus::kForbidden};
  }
  throw Problem{cannot + std::strerror(error), ExitStatus::kUnreachable};
}

}  // namespace

Client::Client(std::string server, std::chrono::milliseconds timeout)
    : server_{std::move(server)}, timeout_{timeout} {
  if (!server_.starts_with(kUnix)) {
    throw Problem{"'" + server_ + "' is no unix socket: write unix:///PATH, such as " +
                  kDefaultServer};
  }
  look_for(server_);
  channel_ = grpc::CreateChannel(server_, grpc::InsecureChannelCredentials());
}

void Client::check(const grpc::Status& status) const {
  using Code = grpc::StatusCode;
  const Code code = status.error_code();
  if (code == Code::OK) return;
  if (code == Code::UNAVAILABLE) {
    throw Problem{"lost the daemon at " + server_ + ": " + status.error_message(),
                  ExitStatus::kUnreachable};
  }
  if (code == Code::PERMISSION_DENIED || code == Code::UNAUTHENTICATED) {
    throw Problem{status.error_message(), ExitStatus::kForbidden};
  }
  // What the daemon itself has to say comes with a detail.
  if (code == Code::DEADLINE_EXCEEDED && status.error_details().empty()) {
    throw Problem{"the daemon at " + server_ + " did not answer within " +
                      std::to_string(timeout_.count()) + " ms (--timeout)",
                  ExitStatus::kUnreachable};
  }
  if (code == Code::UNIMPLEMENTED && status.error_details().empty()) {
    throw Problem{"the daemon at " + server_ + " does not know this: it is of another version"};
  }
  throw Problem{status.error_message()};
}

}  // namespace smol::client
