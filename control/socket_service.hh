#pragma once

#include <optional>

#include "control/error.hh"
#include "control/workers.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/socket.grpc.pb.h"

namespace smol::control {

/// Which sockets a listing is about, in the stack's own terms.
struct SocketFilter {
  std::uint32_t kinds = ~0u;   ///< bits 1 << SocketKind
  std::uint32_t states = ~0u;  ///< bits 1 << tcp::State; sockets without one have kClosed's
  std::optional<std::uint16_t> local_port;
  std::optional<std::uint16_t> remote_port;
  std::optional<IpPrefix> local;
  std::optional<IpPrefix> remote;

  static Parsed<SocketFilter> parse(const v1::ListSocketsRequest& request);
  bool takes(const SocketInfo& socket) const noexcept;
};

/// The contract: proto/smol/v1/socket.proto. Listing holds no thread; all else waits for a worker.
class SocketService final
    : public v1::SocketService::WithCallbackMethod_ListSockets<v1::SocketService::Service> {
 public:
  /// Both outlive this.
  SocketService(Workers& workers, const dataplane::Daemon& daemon)
      : workers_{workers}, daemon_{daemon} {}

  grpc::ServerWriteReactor<v1::ListSocketsResponse>* ListSockets(
      grpc::CallbackServerContext* context, const v1::ListSocketsRequest* request) override;
  grpc::Status GetSocket(grpc::ServerContext* context, const v1::GetSocketRequest* request,
                         v1::GetSocketResponse* response) override;
  grpc::Status AbortSocket(grpc::ServerContext* context, const v1::AbortSocketRequest* request,
                           v1::AbortSocketResponse* response) override;

 private:
  Workers& workers_;
  const dataplane::Daemon& daemon_;
};

}  // namespace smol::control
