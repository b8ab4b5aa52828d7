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
#include "control/remote/tcp_socket.hh"
#include "control/socket_number.hh"

namespace smol::control {
namespace {

constexpr std::size_t kMaxData = 1 << 20;  ///< octets of a message

void fill_opened(const TcpSocket::Opened& from, v1::Opened& to) {
  to.set_socket_id(socket_number({from.worker, from.id}));
  put(from.local, *to.mutable_local());
  put(from.remote, *to.mutable_remote());
  to.set_worker(from.worker);
}

/// One connection, between a stream and a TcpSocket. Two reads are under way, so that the worker
/// fills one while gRPC sends the other; one write is, and the stream is read on when it is done.
/// It lives until gRPC and the socket both have let go of it.
template <class Request, class Response>
class TcpStream : public grpc::ServerBidiReactor<Request, Response>, protected TcpSocket::Observer {
 public:
  void OnReadDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    if (!ok) return on_client_done();
    on_message();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok) return refuse(grpc::Status{grpc::StatusCode::CANCELLED, "the client is gone"});
    if (sent_ != nullptr) {
      Slot& slot = *std::exchange(sent_, nullptr);
      slot.full = false;
      ask(slot);
    }
    pump();
  }

  void OnCancel() override {
    const std::lock_guard lock{mutex_};
    refuse(grpc::Status{grpc::StatusCode::CANCELLED, "the client is gone"});
  }

  void OnDone() override {
    {
      const std::lock_guard lock{mutex_};
      rpc_done_ = true;
      if (socket_ != nullptr && !released_) return;
    }
    delete this;
  }

 protected:
  /// The first message: makes the connection, by open() or adopt(), or fails.
  virtual void on_first(const Request& request) = 0;

  void begin() { this->StartRead(&request_); }

  void open(std::unique_ptr<TcpSocket> socket, const TcpConnectOptions& options, Duration timeout) {
    socket_ = std::move(socket);
    socket_->set_observer(*this);
    connecting_ = true;
    socket_->connect(options, timeout);
  }
  void adopt(std::unique_ptr<TcpSocket> socket) {
    socket_ = std::move(socket);
    socket_->set_observer(*this);
    up();
  }
  void refuse(grpc::Status status) { finish(std::move(status), false); }
  void refuse(std::string_view field, std::string_view sentence) {
    refuse(to_status(Refusal{Error::kInvalid, std::string{field}, std::string{sentence}}));
  }

 private:
  struct Slot {
    TcpSocket::Read read;
    Response response;
    bool full = false;
  };

  // --- from the client

  void on_message() {
    if (finished_) return;
    if (socket_ == nullptr) {
      on_first(request_);
      // What follows waits until the connection is up.
      return;
    }
    if (request_.has_data()) return on_data();
    if (request_.has_shutdown_write()) {
      shut_down();
      return begin();
    }
    if (request_.has_abort()) {
      return finish(failed("aborted by this client", Error::kConnectionReset), false);
    }
    if (request_.has_query_info()) {
      // Read on when the answer is on its way: who does not read of them gets no more.
      return socket_->query();
    }
    refuse("message",
           "the connection is open already: send data, shutdown_write, abort or query_info");
  }

  void on_data() {
    if (up_ended_) return refuse("data", "nothing may follow shutdown_write");
    if (request_.data().size() > kMaxData) return refuse("data", "is longer than 1 MiB");
    if (request_.data().empty()) return begin();
    socket_->write(std::move(*request_.mutable_data()));
  }

  void on_client_done() {
    if (finished_) return;
    if (socket_ == nullptr) return refuse("message", "the stream ended before its first message");
    // No FIN: a client that died looks the same, and what it sent may not be whole.
    client_done_ = true;
    end_if_over();
  }

  void shut_down() {
    if (std::exchange(up_ended_, true)) return;
    socket_->shut_down_write();
  }

  // --- from the socket, on the courier's thread

  void on_opened(const TcpSocket::Opened&) override {
    const std::lock_guard lock{mutex_};
    connecting_ = false;
    if (!finished_) up();
  }
  void on_not_opened(Error why) override {
    const std::lock_guard lock{mutex_};
    connecting_ = false;
    finish(failed("cannot connect", why), false);
  }
  void on_written(std::optional<Error> error) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (!error) return begin();
    // What the peer said before it died is still delivered: the reads tell of its death.
    if (!down_ended_) return;
    death_ = error;
    pump();
  }
  void on_write_shut_down(std::optional<Error> error) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (!error) {
      up_flushed_ = true;
      return end_if_over();
    }
    if (!down_ended_) return;
    death_ = error;
    pump();
  }
  void on_read(TcpSocket::Read& read) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (read.error) {
      death_ = read.error;
    } else if (read.end) {
      down_ended_ = true;
    } else {
      Slot& slot = &read == &slots_[0].read ? slots_[0] : slots_[1];
      slot.full = true;
      ready_.push_back(&slot);
    }
    pump();
  }
  void on_info(const Result<tcp::Info, Error>& info) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (!info) return begin();
    put(*info, *extra_.emplace_back().mutable_info());
    pump();
  }
  void on_released() override {
    {
      const std::lock_guard lock{mutex_};
      released_ = true;
      if (!rpc_done_) return;
    }
    delete this;
  }

  // --- to the client

  void up() {
    fill_opened(socket_->opened(), *extra_.emplace_back().mutable_opened());
    for (Slot& slot : slots_) ask(slot);
    if (!client_done_) begin();
    pump();
  }

  void ask(Slot& slot) {
    if (finished_ || down_ended_ || death_) return;
    // The text's memory goes back and forth between the read and the message.
    slot.read.text = std::move(*slot.response.mutable_data());
    socket_->read(slot.read);
  }

  /// Starts the next write, if none is under way.
  void pump() {
    if (finished_ || writing_) return;
    if (!extra_.empty()) {
      current_ = std::move(extra_.front());
      extra_.pop_front();
      if (current_.has_info()) begin();
      return send(current_);
    }
    if (!ready_.empty()) {
      Slot& slot = *ready_.front();
      ready_.pop_front();
      *slot.response.mutable_data() = std::move(slot.read.text);
      sent_ = &slot;
      return send(slot.response);
    }
    if (death_) return finish(failed("the connection died", *death_), false);
    if (down_ended_ && !told_end_) {
      told_end_ = true;
      current_.mutable_peer_shutdown();
      return send(current_);
    }
    end_if_over();
  }

  void send(const Response& response) {
    writing_ = true;
    this->StartWrite(&response);
  }

  void end_if_over() {
    if (!told_end_ || writing_ || !extra_.empty()) return;
    if (up_flushed_) return finish(grpc::Status::OK, true);
    // Nothing more can come from the client, and it never said that this is all.
    if (client_done_ && !up_ended_) finish(grpc::Status::OK, false);
  }

  void finish(grpc::Status status, bool in_order) {
    if (std::exchange(finished_, true)) return;
    // First: after the last call of gRPC this may be gone.
    if (socket_ != nullptr) socket_->release(in_order);
    this->Finish(std::move(status));
  }

  std::mutex mutex_;
  std::unique_ptr<TcpSocket> socket_;
  Request request_;
  Response current_;
  std::deque<Response> extra_;  ///< what goes before data
  std::array<Slot, 2> slots_;
  std::deque<Slot*> ready_;  ///< full, in order
  Slot* sent_ = nullptr;     ///< its response is being written
  bool connecting_ = false;
  bool client_done_ = false;  ///< the client has closed its side of the stream
  bool up_ended_ = false;     ///< nothing more goes to the peer
  bool up_flushed_ = false;
  bool down_ended_ = false;  ///< nothing more comes from the peer
  bool told_end_ = false;
  std::optional<Error> death_;  ///< told when all that came before it is
  bool writing_ = false;
  bool finished_ = false;
  bool released_ = false;
  bool rpc_done_ = false;
};

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
    open(std::make_unique<TcpSocket>(sockets_, sockets_.next_worker()), options->connect,
         options->timeout);
  }

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
    const auto socket = parse_options(daemon_, in.options(), "open.options");
    if (!socket) return smol::fail(socket.error());
    out.connect.socket = *socket;
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
    const auto socket = parse_options(daemon, in.options(), "options");
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
