#pragma once

#include "control/interfaces.hh"
#include "smol/v1/route.grpc.pb.h"

namespace smol::control {

/// A route of a request, checked against the interfaces: `in` is at `field`.
Parsed<Route> parse_route(const v1::Route& in, std::string_view field, const InterfaceList& all);
/// `connected`: it came with one of the interfaces' addresses.
bool is_connected(const Route& route, const InterfaceList& all) noexcept;

/// The contract: proto/smol/v1/route.proto. Listing holds no thread; all else waits for workers.
class RouteService final
    : public v1::RouteService::WithCallbackMethod_ListRoutes<
          v1::RouteService::WithCallbackMethod_ListPathMtus<v1::RouteService::Service>> {
 public:
  /// Both outlive this.
  RouteService(Workers& workers, const dataplane::Daemon& daemon)
      : workers_{workers}, daemon_{daemon} {}

  grpc::ServerWriteReactor<v1::ListRoutesResponse>* ListRoutes(
      grpc::CallbackServerContext* context, const v1::ListRoutesRequest* request) override;
  grpc::ServerWriteReactor<v1::ListPathMtusResponse>* ListPathMtus(
      grpc::CallbackServerContext* context, const v1::ListPathMtusRequest* request) override;
  grpc::Status AddRoute(grpc::ServerContext* context, const v1::AddRouteRequest* request,
                        v1::AddRouteResponse* response) override;
  grpc::Status DeleteRoute(grpc::ServerContext* context, const v1::DeleteRouteRequest* request,
                           v1::DeleteRouteResponse* response) override;
  grpc::Status LookupRoute(grpc::ServerContext* context, const v1::LookupRouteRequest* request,
                           v1::LookupRouteResponse* response) override;

 private:
  Workers& workers_;
  const dataplane::Daemon& daemon_;
};

}  // namespace smol::control
