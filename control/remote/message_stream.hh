// The stream of one socket of messages. Included by those that say what its messages look like.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "control/remote/message_socket.hh"
#include "control/remote/requests.hh"

namespace smol::control {

/// One socket, between a stream and a MessageSocket. Received messages are asked for when the ones
/// before were sent to the client; those that it does not read wait in the socket's queue, and
/// further ones are dropped and counted. It lives until gRPC and the socket both have let go of it.
template <class Protocol, class Request, class Response>
class MessageStream : public grpc::ServerBidiReactor<Request, Response>,
                      protected MessageSocket<Protocol>::Observer {
 public:
  using Socket = MessageSocket<Protocol>;

  void OnReadDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (!ok) return finish(grpc::Status::OK);
    if (socket_ == nullptr) return first();
    Parsed<std::vector<typename Socket::Outbox::Message>> messages = parse(request_);
    if (!messages) return finish(to_status(messages.error()));
    if (messages->empty()) return this->StartRead(&request_);
    outbox_.messages = std::move(*messages);
    socket_->send(outbox_);
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the client is gone"});
    pump();
  }
  void OnCancel() override {
    const std::lock_guard lock{mutex_};
    finish({grpc::StatusCode::CANCELLED, "the client is gone"});
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
  MessageStream(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : daemon_{daemon}, sockets_{sockets} {
    this->StartRead(&request_);
  }

  // What the protocol's messages look like.
  virtual Parsed<typename Protocol::Options> parse_open(const Request& in) = 0;
  virtual Parsed<std::vector<typename Socket::Outbox::Message>> parse(Request& in) = 0;
  virtual void put_opened(const typename Socket::Opened& in, Response& out) = 0;
  virtual void put_received(const typename Socket::Inbox& in, Response& out) = 0;
  /// `message`: none if nobody knows which one it was.
  virtual void put_error(Error error, const typename Socket::Outbox::Message* message,
                         Response& out) = 0;

  const dataplane::Daemon& daemon_;

 private:
  void first() {
    const auto options = parse_open(request_);
    if (!options) return finish(to_status(options.error()));
    socket_ = std::make_unique<Socket>(sockets_, sockets_.next_worker(),
                                       static_cast<typename Socket::Observer&>(*this));
    opening_ = true;
    socket_->open(*options);
  }

  void on_opened(const typename Socket::Opened& opened) override {
    const std::lock_guard lock{mutex_};
    opening_ = false;
    if (finished_) return socket_->release();
    put_opened(opened, queue_.emplace_back());
    socket_->receive(inbox_);
    this->StartRead(&request_);
    pump();
  }
  void on_not_opened(Error why) override {
    const std::lock_guard lock{mutex_};
    opening_ = false;
    if (finished_) return socket_->release();
    finish(failed("cannot open the socket", why));
  }
  void on_received(typename Socket::Inbox& inbox) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (inbox.error) return finish(failed("the socket is gone", *inbox.error));
    if (inbox.soft_error) put_error(*inbox.soft_error, nullptr, queue_.emplace_back());
    if (!inbox.messages.empty() || inbox.dropped > 0) put_received(inbox, queue_.emplace_back());
    asked_ = false;
    pump();
  }
  void on_sent(typename Socket::Outbox& outbox) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    for (const auto& message : outbox.messages) {
      if (message.error) put_error(*message.error, &message, queue_.emplace_back());
    }
    // Who does not read of errors makes no more of them.
    paused_ = queue_.size() >= kQueued;
    if (!paused_) this->StartRead(&request_);
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

  void pump() {
    if (finished_ || writing_) return;
    if (!queue_.empty()) {
      current_ = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      if (paused_ && queue_.size() < kQueued) {
        paused_ = false;
        this->StartRead(&request_);
      }
      return this->StartWrite(&current_);
    }
    if (!std::exchange(asked_, true)) socket_->receive(inbox_);
  }

  void finish(grpc::Status status) {
    if (std::exchange(finished_, true)) return;
    if (socket_ != nullptr && !opening_) socket_->release();
    this->Finish(std::move(status));
  }

  static constexpr std::size_t kQueued = 256;

  RemoteSockets& sockets_;
  std::mutex mutex_;
  std::unique_ptr<Socket> socket_;
  Request request_;
  typename Socket::Inbox inbox_;
  typename Socket::Outbox outbox_;
  std::deque<Response> queue_;
  Response current_;
  bool opening_ = false;
  bool asked_ = true;  ///< receive() is under way
  bool writing_ = false;
  bool paused_ = false;  ///< reads no more of the client until it reads of us
  bool finished_ = false;
  bool released_ = false;
  bool rpc_done_ = false;
};

}  // namespace smol::control
