#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/support/server_callback.h>

#include "control/remote/requests.hh"
#include "control/remote/tcp_socket.hh"
#include "control/socket_number.hh"
#include "smol/v1/tcp.pb.h"

namespace smol::control {

inline void fill_opened(const TcpSocket::Opened& from, v1::Opened& to) {
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
  static constexpr std::size_t kMaxData = 1 << 20;  ///< octets of a message

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
    if (request_.has_data()) return on_data("data", *request_.mutable_data(), false);
    if (request_.has_urgent_data()) {
      return on_data("urgent_data", *request_.mutable_urgent_data(), true);
    }
    if (request_.has_set_options()) return on_options();
    if (request_.has_shutdown_read()) {
      if (!std::exchange(deaf_, true)) socket_->shut_down_read();
      return begin();
    }
    if (request_.has_shutdown_write()) {
      shut_down();
      return begin();
    }
    if (request_.has_close()) {
      up_ended_ = true;
      close();
      if (!finished_) begin();
      return;
    }
    if (request_.has_abort()) {
      return finish(failed("aborted by this client", Error::kConnectionReset), false);
    }
    if (request_.has_query_info()) {
      // Read on when the answer is on its way: who does not read of them gets no more.
      return socket_->query();
    }
    refuse("message",
           "the connection is open already: send data, shutdown_write, abort, query_info, "
           "set_options, urgent_data, shutdown_read or close");
  }

  void on_data(std::string_view field, std::string& data, bool urgent) {
    if (up_ended_) return refuse(field, "nothing may follow shutdown_write");
    if (data.size() > kMaxData) return refuse(field, "is longer than 1 MiB");
    if (data.empty()) return begin();
    socket_->write(std::move(data), urgent);
  }

  void on_options() {
    const v1::TcpOptions& in = request_.set_options();
    if (in.congestion_control() != v1::TCP_CONGESTION_CONTROL_UNSPECIFIED) {
      return refuse("set_options.congestion_control", "was settled when the connection began");
    }
    if (in.ecn() != v1::TCP_ECN_UNSPECIFIED) {
      return refuse("set_options.ecn", "was settled when the connection began");
    }
    const auto options = parse_options(socket_->options(), in, "set_options");
    if (!options) return refuse(to_status(options.error()));
    socket_->set_options(*options);
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
    if (finished_ || closing_) return;
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
  void on_options_set(std::optional<Error>) override {
    const std::lock_guard lock{mutex_};
    // They were checked before: it fails only where the connection is over, which a read tells of.
    if (!finished_) begin();
  }
  void on_news(const TcpSocket::News& news) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (news.soft_error) {
      v1::SoftError& out = *extra_.emplace_back().mutable_soft_error();
      out.mutable_error()->set_name(std::string{name(*news.soft_error)});
      out.mutable_error()->set_errno_number(static_cast<int>(*news.soft_error));
      out.set_message(std::string{sentence(*news.soft_error)});
      ++news_;
    }
    if (news.urgent_end) {
      extra_.emplace_back().mutable_urgent()->set_end(*news.urgent_end);
      ++news_;
    }
    pump();
  }
  void on_lingered(std::optional<Error> error) override {
    const std::lock_guard lock{mutex_};
    finish(error ? failed("not all was acknowledged", *error) : grpc::Status::OK, true);
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
    socket_->watch();
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
      // Who does not read of news gets no more.
      const bool news = current_.has_soft_error() || current_.has_urgent();
      if (news && --news_ == 0) socket_->watch();
      return send(current_);
    }
    if (!ready_.empty()) {
      Slot& slot = *ready_.front();
      ready_.pop_front();
      *slot.response.mutable_data() = std::move(slot.read.text);
      sent_ = &slot;
      return send(slot.response);
    }
    if (closing_) return;
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
    if (up_flushed_) return close();
    // Nothing more can come from the client, and it never said that this is all.
    if (client_done_ && !up_ended_) finish(grpc::Status::OK, false);
  }

  /// What was sent is delivered; who has a linger time hears what comes of it.
  void close() {
    const Duration linger = socket_->options().linger;
    const bool waits = linger > Duration::zero() && linger != tcp::SocketOptions::kForever;
    if (!waits) return finish(grpc::Status::OK, true);
    if (!std::exchange(closing_, true)) socket_->linger();
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
  bool deaf_ = false;           ///< shutdown_read was said
  bool closing_ = false;        ///< on_lingered() is waited for
  unsigned news_ = 0;           ///< of extra_
  std::optional<Error> death_;  ///< told when all that came before it is
  bool writing_ = false;
  bool finished_ = false;
  bool released_ = false;
  bool rpc_done_ = false;
};

}  // namespace smol::control
