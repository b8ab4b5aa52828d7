#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include "tools/client/problem.hh"

namespace smol::client {

/// The daemon, to be asked. What goes wrong is a Problem in one line.
class Client {
 public:
  /// Looks whether somebody is there.
  Client(std::string server, std::chrono::milliseconds timeout);

  const std::shared_ptr<grpc::Channel>& channel() const noexcept { return channel_; }

  /// client.call(&Stub::GetServerInfo, stub, request) gives the response.
  template <class Stub, class Request, class Response>
  Response call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                Stub& stub, const Request& request) const {
    grpc::ClientContext context;
    context.set_deadline(deadline());
    Response response;
    check((stub.*method)(&context, request, &response));
    return response;
  }

  /// Calls take(response) for each message of a stream that ends by itself.
  template <class Stub, class Request, class Response, class Take>
  void list(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                          const Request&),
            Stub& stub, const Request& request, Take&& take) const {
    grpc::ClientContext context;
    context.set_deadline(deadline());
    watch(method, stub, request, context, std::forward<Take>(take));
  }
  /// The same without a time limit; the context is the caller's, to be cancelled.
  template <class Stub, class Request, class Response, class Take>
  void watch(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                           const Request&),
             Stub& stub, const Request& request, grpc::ClientContext& context, Take&& take) const {
    const auto reader = (stub.*method)(&context, request);
    Response response;
    while (reader->Read(&response)) take(std::as_const(response));
    check(reader->Finish());
  }

  /// Throws unless it is OK.
  void check(const grpc::Status& status) const;

 private:
  std::chrono::system_clock::time_point deadline() const {
    return std::chrono::system_clock::now() + timeout_;
  }

  std::string server_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace smol::client
