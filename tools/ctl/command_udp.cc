#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "smol/v1/udp.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/standard_input.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::UdpService::Stub;

/// Standard input and output over datagrams with one peer, as nc -u has it: the one that is named,
/// or the first from whom something comes.
class Datagrams {
 public:
  Datagrams(Run& run, std::optional<std::chrono::seconds> linger)
      : run_{run}, linger_{linger}, stub_{run.client.channel()} {}

  void run(const v1::UdpOpen& open) {
    stream_ = stub_.Open(&context_);
    v1::UdpServiceOpenRequest first;
    *first.mutable_open() = open;
    if (open.has_remote()) has_peer(open.remote());
    stream_->Write(first);
    v1::UdpServiceOpenResponse response;
    if (!stream_->Read(&response)) return run_.client.check(stream_->Finish());
    const v1::Endpoint& local = response.opened().local();
    run_.note({{open.has_remote() ? "opened" : "listening", endpoint_json(local)}},
              open.has_remote() ? "" : "listening on " + text(local));
    StandardInput input{[this](const std::string& piece) { return send(piece); }};
    try {
      while (stream_->Read(&response)) take(response);
    } catch (...) {
      end(input);
      throw;
    }
    end(input);
    const grpc::Status status = stream_->Finish();
    if (!lingered_) run_.client.check(status);
  }

 private:
  void has_peer(const v1::Endpoint& peer) {
    const std::lock_guard lock{mutex_};
    if (peer_) return;
    peer_ = peer;
    news_.notify_all();
  }

  bool send(const std::string& piece) {
    std::unique_lock lock{mutex_};
    if (piece.empty()) {
      // What is answered to the last one is still shown.
      if (linger_ && !news_.wait_for(lock, *linger_, [this] { return over_; })) {
        lingered_ = true;
        context_.TryCancel();
      }
      return false;
    }
    news_.wait(lock, [this] { return over_ || peer_; });
    if (over_) return false;
    v1::UdpServiceOpenRequest request;
    v1::UdpDatagram& datagram = *request.mutable_send()->add_datagrams();
    *datagram.mutable_remote() = *peer_;
    datagram.set_payload(piece);
    lock.unlock();
    return stream_->Write(request);
  }

  void take(const v1::UdpServiceOpenResponse& response) {
    if (response.has_error()) throw Problem{response.error().message()};
    for (const v1::UdpDatagram& datagram : response.received().datagrams()) {
      has_peer(datagram.remote());
      write_out(datagram.payload());
    }
  }

  void end(StandardInput& input) {
    context_.TryCancel();
    {
      const std::lock_guard lock{mutex_};
      over_ = true;
      news_.notify_all();
    }
    input.stop();
  }

  const Run& run_;
  /// After the end of standard input; nothing: for ever.
  const std::optional<std::chrono::seconds> linger_;
  Stub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::UdpServiceOpenRequest, v1::UdpServiceOpenResponse>>
      stream_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::optional<v1::Endpoint> peer_;
  bool over_ = false;
  std::atomic<bool> lingered_ = false;
};

}  // namespace

void udp(Run& run, Words& words) {
  const std::string verb = words.next_of({"connect", "listen"}, "word: connect or listen");
  v1::UdpOpen open;
  if (verb == "listen") {
    parse(words.next("a port"), false, *open.mutable_local());
    words.end();
    return Datagrams{run, std::nullopt}.run(open);
  }
  parse(words.next("an address with a port"), true, *open.mutable_remote());
  std::chrono::seconds linger{1};
  if (words.take("-w")) {
    linger = std::chrono::seconds{number(words.next("seconds"), 86'400, "number of seconds")};
  }
  words.end();
  Datagrams{run, linger}.run(open);
}

}  // namespace smol::ctl
