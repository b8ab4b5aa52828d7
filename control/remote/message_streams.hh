#pragma once

#include <grpcpp/grpcpp.h>

#include "control/remote/endpoint.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/icmp.grpc.pb.h"
#include "smol/v1/udp.grpc.pb.h"

namespace smol::control {

/// UdpService: a stream a socket.
class UdpStreams final : public v1::UdpService::CallbackService {
 public:
  UdpStreams(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : sockets_{sockets}, daemon_{daemon} {}

  grpc::ServerBidiReactor<v1::UdpServiceOpenRequest, v1::UdpServiceOpenResponse>* Open(
      grpc::CallbackServerContext* context) override;

 private:
  RemoteSockets& sockets_;
  const dataplane::Daemon& daemon_;
};

/// IcmpService: a stream a socket, and ping.
class IcmpStreams final : public v1::IcmpService::CallbackService {
 public:
  IcmpStreams(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : sockets_{sockets}, daemon_{daemon} {}

  grpc::ServerBidiReactor<v1::IcmpServiceOpenRequest, v1::IcmpServiceOpenResponse>* Open(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<v1::PingResponse>* Ping(grpc::CallbackServerContext* context,
                                                   const v1::PingRequest* request) override;

 private:
  RemoteSockets& sockets_;
  const dataplane::Daemon& daemon_;
};

}  // namespace smol::control
