#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "dataplane/daemon.hh"
#include "smol/v1/admin.grpc.pb.h"

namespace smol::control {

/// Which run of which daemon this is.
struct Identity {
  std::string version;  ///< of smolplane
  std::string boot_id;  ///< new with each start
  std::int64_t start_unix_ns = 0;

  /// Of a daemon that starts now.
  static Identity now(std::string version);
};

/// The contract: proto/smol/v1/admin.proto.
class AdminService final : public v1::AdminService::Service {
 public:
  /// All outlive this.
  AdminService(const Identity& identity, dataplane::Daemon& daemon, dataplane::StopRequest& stop)
      : identity_{identity}, daemon_{daemon}, stop_{stop} {}

  /// The daemon drains. Thread: any.
  void set_draining() noexcept { draining_ = true; }

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::GetServerInfoResponse* response) override;
  grpc::Status Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                     v1::DrainResponse* response) override;

 private:
  const Identity& identity_;
  dataplane::Daemon& daemon_;
  dataplane::StopRequest& stop_;
  std::atomic<bool> draining_{false};
};

}  // namespace smol::control
