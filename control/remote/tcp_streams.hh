#pragma once

#include <memory>

#include <grpcpp/grpcpp.h>

#include "control/remote/endpoint.hh"
#include "control/remote/tokens.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/tcp.grpc.pb.h"

namespace smol::control {

/// TcpService: a stream a connection. All of it runs on gRPC's threads and the courier's; the
/// workers see TcpSocket and TcpListener alone.
class TcpStreams final : public v1::TcpService::CallbackService {
 public:
  /// Both outlive this.
  TcpStreams(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : sockets_{sockets}, daemon_{daemon} {}

  grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>* Connect(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>* Attach(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<v1::ListenResponse>* Listen(grpc::CallbackServerContext* context,
                                                       const v1::ListenRequest* request) override;

 private:
  RemoteSockets& sockets_;
  const dataplane::Daemon& daemon_;
  Tokens tokens_;
};

}  // namespace smol::control
