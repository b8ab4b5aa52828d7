#pragma once

#include "control/interfaces.hh"
#include "smol/v1/neighbor.grpc.pb.h"

namespace smol::control {

/// The contract: proto/smol/v1/neighbor.proto. Listing holds no thread; all else waits for workers.
class NeighborService final
    : public v1::NeighborService::WithCallbackMethod_ListNeighbors<v1::NeighborService::Service> {
 public:
  /// Both outlive this.
  NeighborService(Workers& workers, const dataplane::Daemon& daemon)
      : workers_{workers}, daemon_{daemon} {}

  grpc::ServerWriteReactor<v1::ListNeighborsResponse>* ListNeighbors(
      grpc::CallbackServerContext* context, const v1::ListNeighborsRequest* request) override;
  grpc::Status AddNeighbor(grpc::ServerContext* context, const v1::AddNeighborRequest* request,
                           v1::AddNeighborResponse* response) override;
  grpc::Status DeleteNeighbor(grpc::ServerContext* context,
                              const v1::DeleteNeighborRequest* request,
                              v1::DeleteNeighborResponse* response) override;
  grpc::Status FlushNeighbors(grpc::ServerContext* context,
                              const v1::FlushNeighborsRequest* request,
                              v1::FlushNeighborsResponse* response) override;

 private:
  /// The permanent entries that the first workers have of it: what undoing must put back.
  std::vector<std::optional<MacAddress>> permanent(InterfaceId interface, const IpAddress& address);

  Workers& workers_;
  const dataplane::Daemon& daemon_;
};

}  // namespace smol::control
