#include "control/remote/tcp_streams.hh"

#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <grpcpp/alarm.h>

#include "control/remote/requests.hh"
#include "control/remote/tcp_listener.hh"
#include "control/remote/tcp_stream.hh"
#include "control/socket_number.hh"

namespace smol::control {
namespace {

class ConnectStream final : public TcpStream<v1::ConnectRequest, v1::ConnectResponse> {
 public:
  ConnectStream(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : sockets_{sockets}, daemon_{daemon} {
    begin();
  }

 private:
  void on_first(const v1::ConnectRequest& request) override {
    if (!request.has_open()) return refuse("message", "the first message must be `open`");
    const auto options = parse_open(request.open());
    if (!options) return refuse(to_status(options.error()));
    auto socket = std::make_unique<TcpSocket>(sockets_, sockets_.next_worker());
    socket->set_first(request.open().first_data());
    open(std::move(socket), options->connect, options->timeout);
  }

  static constexpr std::size_t kMaxFirst = 4096;  ///< fits every send buffer

  struct Wanted {
    TcpConnectOptions connect;
    Duration timeout = tcp::SocketOptions::kForever;
  };

  Parsed<Wanted> parse_open(const v1::TcpOpen& in) const {
    Wanted out;
    const auto remote = parse(in.remote(), "open.remote");
    if (!remote) return smol::fail(remote.error());
    if (remote->port == 0) return invalid("open.remote.port", "must be 1 to 65535");
    out.connect.remote = *remote;
    if (in.has_local()) {
      const auto local = parse_local(in.local(), "open.local", remote->address.family());
      if (!local) return smol::fail(local.error());
      out.connect.local = *local;
    }
    const auto interface = parse_interface(daemon_, in.interface(), "open.interface");
    if (!interface) return smol::fail(interface.error());
    out.connect.interface = *interface;
    const auto socket = parse_options(daemon_.tcp_defaults(), in.options(), "open.options");
    if (!socket) return smol::fail(socket.error());
    out.connect.socket = *socket;
    if (in.first_data().size() > kMaxFirst) {
      return invalid("open.first_data", "is longer than 4096 octets");
    }
    out.connect.fast_open = in.fast_open();
    if (in.has_connect_timeout()) {
      const auto timeout =
          parse(in.connect_timeout(), "open.connect_timeout", milliseconds(1), seconds(3600));
      if (!timeout) return smol::fail(timeout.error());
      out.timeout = *timeout;
    }
    return out;
  }

  RemoteSockets& sockets_;
  const dataplane::Daemon& daemon_;
};

class AttachStream final : public TcpStream<v1::AttachRequest, v1::AttachResponse> {
 public:
  explicit AttachStream(Tokens& tokens) : tokens_{tokens} { begin(); }

 private:
  void on_first(const v1::AttachRequest& request) override {
    if (request.message_case() != v1::AttachRequest::kAcceptToken) {
      return refuse("message", "the first message must be `accept_token`");
    }
    auto socket = tokens_.take(request.accept_token());
    if (socket == nullptr) {
      return refuse(to_status(
          Refusal{Error::kNotFound, "accept_token",
                  "no connection waits under it (any more): attach within 10 s of `accepted`"}));
    }
    adopt(std::move(socket));
  }

  Tokens& tokens_;
};

/// Resets a connection that nobody wants, and goes away with it.
class Undertaker final : public TcpSocket::Observer {
 public:
  static void take(std::unique_ptr<TcpSocket> socket) {
    auto* self = new Undertaker{std::move(socket)};
    self->socket_->set_observer(*self);
    self->socket_->release(false);
  }

 private:
  explicit Undertaker(std::unique_ptr<TcpSocket> socket) : socket_{std::move(socket)} {}
  void on_opened(const TcpSocket::Opened&) override {}
  void on_not_opened(Error) override {}
  void on_written(std::optional<Error>) override {}
  void on_write_shut_down(std::optional<Error>) override {}
  void on_read(TcpSocket::Read&) override {}
  void on_info(const Result<tcp::Info, Error>&) override {}
  void on_options_set(std::optional<Error>) override {}
  void on_news(const TcpSocket::News&) override {}
  void on_lingered(std::optional<Error>) override {}
  void on_released() override { delete this; }

  std::unique_ptr<TcpSocket> socket_;
};

/// A listener: tells of each connection it lets in, one at a time and part, as fast as the client
/// reads of them. Those told of wait under their tokens; no more than the backlog do.
class ListenStream final : public grpc::ServerWriteReactor<v1::ListenResponse>,
                           private TcpListener::Observer {
 public:
  ListenStream(RemoteSockets& sockets, const dataplane::Daemon& daemon, Tokens& tokens,
               const v1::ListenRequest& request)
      : tokens_{tokens}, counters_{sockets.counters()} {
    const std::lock_guard lock{mutex_};
    auto places = parse_places(daemon, request);
    if (!places) {
      finished_ = true;
      released_ = true;
      Finish(to_status(places.error()));
      return;
    }
    local_ = places->front().local;
    any_family_ = places->size() > 1;
    backlog_ = places->front().backlog;
    listener_ = std::make_unique<TcpListener>(sockets, std::move(*places),
                                              static_cast<TcpListener::Observer&>(*this));
    listener_->listen();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok) return finish(grpc::Status{grpc::StatusCode::CANCELLED, "the client is gone"});
    pump();
  }
  void OnCancel() override {
    const std::lock_guard lock{mutex_};
    finish(grpc::Status{grpc::StatusCode::CANCELLED, "the client is gone"});
  }
  void OnDone() override {
    {
      const std::lock_guard lock{mutex_};
      rpc_done_ = true;
      if (!released_ || alarmed_) return;
    }
    delete this;
  }

 private:
  /// One place to listen at, or one of each family.
  static Parsed<std::vector<TcpListenOptions>> parse_places(const dataplane::Daemon& daemon,
                                                            const v1::ListenRequest& in) {
    TcpListenOptions options;
    const auto local = parse_local(in.local(), "local", IpFamily::kIp4);
    if (!local) return smol::fail(local.error());
    if (local->port == 0) return invalid("local.port", "must be 1 to 65535");
    options.local = *local;
    if (in.has_backlog()) {
      if (in.backlog() == 0 || in.backlog() > 65'536)
        return invalid("backlog", "must be 1 to 65536");
      options.backlog = in.backlog();
    }
    if (in.fast_open() > 65'536) return invalid("fast_open", "must be 0 to 65536");
    options.fast_open = in.fast_open();
    if (in.has_syn_backlog()) {
      if (in.syn_backlog() == 0 || in.syn_backlog() > 65'536)
        return invalid("syn_backlog", "must be 1 to 65536");
      options.syn_backlog = in.syn_backlog();
    }
    const auto socket = parse_options(daemon.tcp_defaults(), in.options(), "options");
    if (!socket) return smol::fail(socket.error());
    options.socket = *socket;
    std::vector places{options};
    if (!in.local().has_address()) {
      options.local.address = IpAddress::any(IpFamily::kIp6);
      places.push_back(options);
    }
    return places;
  }

  void on_listening() override {
    const std::lock_guard lock{mutex_};
    listening_ = true;
    if (finished_) return listener_->release();
    v1::Listening& listening = *queue_.emplace_back().mutable_listening();
    listening.set_socket_id(socket_number(listener_->first()));
    put(local_, *listening.mutable_local());
    if (any_family_) listening.mutable_local()->clear_address();
    for (std::size_t part = 0; part < listener_->parts(); ++part) idle_.insert(part);
    arm();
    pump();
  }
  void on_not_listening(Error why) override {
    const std::lock_guard lock{mutex_};
    listening_ = true;
    if (finished_) return listener_->release();
    finish(failed("cannot listen", why));
  }
  void on_accepted(std::size_t part, std::unique_ptr<TcpSocket> socket) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return Undertaker::take(std::move(socket));
    idle_.insert(part);
    v1::Accepted& accepted = *queue_.emplace_back().mutable_accepted();
    const TcpSocket::Opened& opened = socket->opened();
    put(opened.local, *accepted.mutable_local());
    put(opened.remote, *accepted.mutable_remote());
    accepted.set_worker(opened.worker);
    accepted.set_accept_token(tokens_.put(std::move(socket), this, Tokens::Clock::now()));
    pump();
  }
  void on_released() override {
    {
      const std::lock_guard lock{mutex_};
      released_ = true;
      if (!rpc_done_ || alarmed_) return;
    }
    delete this;
  }

  void pump() {
    if (finished_) return;
    if (!writing_ && !queue_.empty()) {
      current_ = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      StartWrite(&current_);
    }
    // A client that does not read of its connections, or does not attach to them, gets no more.
    while (!idle_.empty() && queue_.size() < kQueued && tokens_.held_by(this) < backlog_) {
      const std::size_t part = *idle_.begin();
      idle_.erase(idle_.begin());
      listener_->accept(part);
    }
  }

  /// Looks after tokens: at those that nobody used now and then, at room for more often.
  void arm() {
    const bool full = tokens_.held_by(this) >= backlog_;
    alarmed_ = true;
    alarm_.Set(std::chrono::system_clock::now() + std::chrono::milliseconds{full ? 5 : 250},
               [this](bool) { on_alarm(); });
  }
  void on_alarm() {
    std::vector<std::unique_ptr<TcpSocket>> late;
    bool gone = false;
    {
      const std::lock_guard lock{mutex_};
      alarmed_ = false;
      if (!finished_) {
        late = tokens_.expire(this, Tokens::Clock::now());
        counters_.listen_token_expired += late.size();
        arm();
        pump();
      } else {
        gone = rpc_done_ && released_;
      }
    }
    for (auto& socket : late) Undertaker::take(std::move(socket));
    if (gone) delete this;
  }

  void finish(grpc::Status status) {
    if (std::exchange(finished_, true)) return;
    for (auto& socket : tokens_.withdraw(this)) Undertaker::take(std::move(socket));
    if (listening_) listener_->release();
    if (alarmed_) alarm_.Cancel();
    Finish(std::move(status));
  }

  static constexpr std::size_t kQueued = 64;

  Tokens& tokens_;
  RemoteCounters& counters_;
  std::mutex mutex_;
  std::unique_ptr<TcpListener> listener_;
  IpEndpoint local_;
  bool any_family_ = false;
  std::size_t backlog_ = 0;
  std::deque<v1::ListenResponse> queue_;
  v1::ListenResponse current_;
  std::set<std::size_t> idle_;  ///< parts that accept nothing now
  grpc::Alarm alarm_;
  bool alarmed_ = false;
  bool listening_ = false;  ///< the listener has answered
  bool writing_ = false;
  bool finished_ = false;
  bool released_ = false;
  bool rpc_done_ = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>* TcpStreams::Connect(
    grpc::CallbackServerContext*) {
  return new ConnectStream{sockets_, daemon_};
}

grpc::ServerBidiReactor<v1::AttachRequest, v1::AttachResponse>* TcpStreams::Attach(
    grpc::CallbackServerContext*) {
  return new AttachStream{tokens_};
}

grpc::ServerWriteReactor<v1::ListenResponse>* TcpStreams::Listen(grpc::CallbackServerContext*,
                                                                 const v1::ListenRequest* request) {
  return new ListenStream{sockets_, daemon_, tokens_, *request};
}

}  // namespace smol::control
