#pragma once

#include <mutex>
#include <unordered_set>

#include "control/remote/endpoint.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/stats.grpc.pb.h"

namespace smol::control {

/// The contract: proto/smol/v1/stats.proto. A watcher holds no thread.
class StatsService final
    : public v1::StatsService::WithCallbackMethod_WatchStats<v1::StatsService::Service> {
 public:
  /// It outlives this.
  StatsService(const dataplane::Daemon& daemon, const RemoteCounters& remote)
      : daemon_{daemon}, remote_{remote} {}

  grpc::Status GetStats(grpc::ServerContext* context, const v1::GetStatsRequest* request,
                        v1::GetStatsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchStatsResponse>* WatchStats(
      grpc::CallbackServerContext* context, const v1::WatchStatsRequest* request) override;
  grpc::Status ListDropReasons(grpc::ServerContext* context,
                               const v1::ListDropReasonsRequest* request,
                               v1::ListDropReasonsResponse* response) override;

  /// The daemon ends: so does whoever watches, now and from now on. Thread: any.
  void end();

 private:
  class Watcher;

  const dataplane::Daemon& daemon_;
  const RemoteCounters& remote_;
  std::mutex mutex_;
  std::unordered_set<Watcher*> watchers_;
  bool ended_ = false;
};

}  // namespace smol::control
