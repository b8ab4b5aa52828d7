#pragma once

#include "control/interfaces.hh"
#include "smol/v1/interface.grpc.pb.h"

namespace smol::control {

/// The contract: proto/smol/v1/interface.proto.
class InterfaceService final : public v1::InterfaceService::Service {
 public:
  /// Both outlive this.
  InterfaceService(Workers& workers, const dataplane::Daemon& daemon)
      : workers_{workers}, daemon_{daemon} {}

  grpc::Status ListInterfaces(grpc::ServerContext* context,
                              const v1::ListInterfacesRequest* request,
                              v1::ListInterfacesResponse* response) override;
  grpc::Status GetInterface(grpc::ServerContext* context, const v1::GetInterfaceRequest* request,
                            v1::GetInterfaceResponse* response) override;
  grpc::Status AddAddress(grpc::ServerContext* context, const v1::AddAddressRequest* request,
                          v1::AddAddressResponse* response) override;
  grpc::Status DeleteAddress(grpc::ServerContext* context, const v1::DeleteAddressRequest* request,
                             v1::DeleteAddressResponse* response) override;

 private:
  void fill(const InterfaceInfo& from, const dataplane::Snapshot& snapshot, v1::Interface& to);

  Workers& workers_;
  const dataplane::Daemon& daemon_;
};

}  // namespace smol::control
