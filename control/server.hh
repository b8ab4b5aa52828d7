#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/server.h>

#include "control/grpc_config.hh"
#include "control/socket_file.hh"
#include "dataplane/config.hh"
#include "dataplane/log.hh"

namespace smol::control {

/// gRPC on a unix socket: the services given, health (grpc.health.v1) and reflection. Its threads
/// are few, and keep off the workers' cores.
class Server {
 public:
  struct Options {
    std::string listen = GrpcConfig{}.listen;  ///< as unix_address() takes it
    std::vector<std::uint32_t> worker_cores;   ///< CPUs that are not for it
  };

  /// `services` and `log` outlive the server. Errors name grpc.listen.
  static Result<std::unique_ptr<Server>, dataplane::StartError> start(
      const Options& options, const std::vector<grpc::Service*>& services, dataplane::Log& log);
  /// Ends at once if shut_down() was not called.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& address() const noexcept { return address_; }
  /// Health says NOT_SERVING from now on; calls go on. Thread: any.
  void drain() noexcept;
  /// Takes no more calls; those under way may end until `limit`, and are cancelled then.
  void shut_down(std::chrono::milliseconds limit);

 private:
  class QuietLog;

  Server(std::string address, SocketFile file, std::unique_ptr<QuietLog> log);

  const std::string address_;
  std::unique_ptr<QuietLog> log_;  ///< until the server's threads have ended
  SocketFile file_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace smol::control
