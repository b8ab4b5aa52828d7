#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "control/admin_service.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/capture.grpc.pb.h"

namespace smol::control {

/// The contract: proto/smol/v1/capture.proto. A capture holds no thread.
class CaptureService final
    : public v1::CaptureService::WithCallbackMethod_Capture<v1::CaptureService::Service> {
 public:
  /// Both outlive this.
  CaptureService(const Identity& identity, dataplane::Daemon& daemon)
      : identity_{identity}, daemon_{daemon} {}

  grpc::Status ListTaps(grpc::ServerContext* context, const v1::ListTapsRequest* request,
                        v1::ListTapsResponse* response) override;
  grpc::ServerWriteReactor<v1::CaptureResponse>* Capture(
      grpc::CallbackServerContext* context, const v1::CaptureRequest* request) override;
  grpc::Status ListSessions(grpc::ServerContext* context, const v1::ListSessionsRequest* request,
                            v1::ListSessionsResponse* response) override;
  grpc::Status StopSession(grpc::ServerContext* context, const v1::StopSessionRequest* request,
                           v1::StopSessionResponse* response) override;

  /// The daemon ends: so do captures, now and from now on. Thread: any.
  void end();

 private:
  class Stream;

  /// Gives it a number. False: the daemon ends.
  bool add(Stream& stream);
  void remove(std::uint64_t id);

  const Identity& identity_;
  dataplane::Daemon& daemon_;
  std::mutex mutex_;
  std::map<std::uint64_t, Stream*> streams_;
  std::uint64_t next_id_ = 1;
  bool ended_ = false;
};

}  // namespace smol::control
