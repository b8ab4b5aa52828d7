#include <atomic>
#include <memory>

#include "smol/v1/tcp.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/standard_input.hh"
#include "tools/ctl/tcp_options.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::TcpService::Stub;

/// Standard input and output over a connection, as nc(1) has it: Connect, or Attach.
template <class Request, class Response>
class Bridge {
 public:
  using Stream = grpc::ClientReaderWriter<Request, Response>;

  Bridge(const Run& run, grpc::ClientContext& context, std::unique_ptr<Stream> stream)
      : run_{run}, context_{context}, stream_{std::move(stream)} {}

  /// `first`: what makes it this connection. `greeting`: to people, before the peer's address. A
  /// Problem if it does not come up.
  void open(const Request& first, const std::string& greeting = {}) {
    stream_->Write(first);
    Response response;
    if (!stream_->Read(&response)) {
      run_.client.check(stream_->Finish());
      throw Problem{"the daemon ended the connection before it began"};
    }
    const v1::Opened& opened = response.opened();
    run_.note({{"connected",
                {{"local", endpoint_json(opened.local())},
                 {"remote", endpoint_json(opened.remote())},
                 {"socket", opened.socket_id()}}}},
              greeting.empty() ? greeting : greeting + text(opened.remote()));
  }

  /// Once it is open, until both directions have ended.
  void run() {
    Response response;
    StandardInput input{[this](const std::string& piece) { return send(piece); }};
    try {
      while (stream_->Read(&response)) take(response, input);
    } catch (...) {
      context_.TryCancel();
      input.stop();
      throw;
    }
    over_ = true;
    input.stop();
    run_.client.check(stream_->Finish());
  }

 private:
  bool send(const std::string& piece) {
    if (over_) return false;
    Request request;
    if (piece.empty()) {
      request.mutable_shutdown_write();
    } else {
      request.set_data(piece);
    }
    return stream_->Write(request);
  }

  void take(const Response& response, StandardInput& input) {
    if (response.has_data()) write_out(response.data());
    if (response.has_soft_error()) {
      const v1::SoftError& soft = response.soft_error();
      run_.note({{"soft_error", soft.error().name()}}, "still connected, but " + soft.message());
    }
    if (response.has_urgent()) {
      const std::uint64_t end = response.urgent().end();
      run_.note({{"urgent", end}}, "urgent up to octet " + std::to_string(end));
    }
    // Who types has nobody left to type to; what comes out of a file is still sent.
    if (response.has_peer_shutdown() && StandardInput::is_terminal()) input.stop();
  }

  const Run& run_;
  grpc::ClientContext& context_;
  std::unique_ptr<Stream> stream_;
  std::atomic<bool> over_ = false;
};

void connect(Run& run, Words& words) {
  v1::ConnectRequest request;
  v1::TcpOpen& open = *request.mutable_open();
  parse(words.next("an address with a port"), true, *open.mutable_remote());
  parse_options(words, *open.mutable_options());
  const auto timeout = run.options.timeout.count();
  open.mutable_connect_timeout()->set_seconds(timeout / 1000);
  open.mutable_connect_timeout()->set_nanos(static_cast<std::int32_t>(timeout % 1000 * 1'000'000));
  Stub stub{run.client.channel()};
  grpc::ClientContext context;
  Bridge<v1::ConnectRequest, v1::ConnectResponse> bridge{run, context, stub.Connect(&context)};
  bridge.open(request);
  bridge.run();
}

/// For one connection.
void listen(Run& run, Words& words) {
  v1::ListenRequest request;
  parse(words.next("a port"), false, *request.mutable_local());
  const auto many = [&](std::string_view what) {
    return static_cast<std::uint32_t>(number(words.next("how many"), 65'536, what));
  };
  if (words.take("backlog")) request.set_backlog(many("backlog"));
  if (words.take("syn_backlog")) request.set_syn_backlog(many("SYN backlog"));
  if (words.take("fast_open")) request.set_fast_open(many("number of connections"));
  parse_options(words, *request.mutable_options());
  Stub stub{run.client.channel()};
  grpc::ClientContext listening;
  const auto listener = stub.Listen(&listening, request);
  v1::ListenResponse response;
  v1::AttachRequest attach;
  while (!response.has_accepted()) {
    if (!listener->Read(&response)) return run.client.check(listener->Finish());
    if (response.has_listening()) {
      const v1::Endpoint& local = response.listening().local();
      run.note({{"listening", endpoint_json(local)}}, "listening on " + text(local));
    }
  }
  attach.set_accept_token(response.accepted().accept_token());
  grpc::ClientContext context;
  Bridge<v1::AttachRequest, v1::AttachResponse> bridge{run, context, stub.Attach(&context)};
  bridge.open(attach, "connection from ");
  // Not before: what nobody has attached to ends with the listener.
  listening.TryCancel();
  listener->Finish();
  bridge.run();
}

}  // namespace

void tcp(Run& run, Words& words) {
  const std::string verb = words.next_of({"connect", "listen"}, "word: connect or listen");
  verb == "connect" ? connect(run, words) : listen(run, words);
}

}  // namespace smol::ctl
