#pragma once

#include <array>
#include <mutex>

#include "control/workers.hh"
#include "dataplane/daemon.hh"
#include "dataplane/link_config.hh"
#include "smol/v1/bridge.grpc.pb.h"

namespace smol::control {

/// The contract: proto/smol/v1/bridge.proto. It is the only one who changes links, and so knows
/// what they are set to.
class BridgeService final : public v1::BridgeService::Service {
 public:
  /// Both outlive this.
  BridgeService(Workers& workers, const dataplane::Daemon& daemon);

  grpc::Status GetBridge(grpc::ServerContext* context, const v1::GetBridgeRequest* request,
                         v1::GetBridgeResponse* response) override;
  grpc::Status UpdateLink(grpc::ServerContext* context, const v1::UpdateLinkRequest* request,
                          v1::UpdateLinkResponse* response) override;

 private:
  Workers& workers_;
  const dataplane::Daemon& daemon_;
  std::mutex mutex_;
  std::array<dataplane::LinkConfig, 2> links_;  ///< by Way
};

}  // namespace smol::control
