#pragma once

#include <atomic>
#include <utility>

#include <grpcpp/support/server_callback.h>

#include "control/error.hh"
#include "control/workers.hh"
#include "protocols/stack/listing.hh"

namespace smol::control {

/// Streams what workers have many of: a slice a turn, a message a slice. It holds no thread: the
/// next slice is asked for when gRPC has taken the message, so a slow client is waited for by
/// nobody. Deletes itself when the call is over.
template <class Response>
class Listing : public grpc::ServerWriteReactor<Response>, private dataplane::Errand {
 public:
  /// The first question goes to worker 0. After this the object is its own.
  void begin() { ask(); }

 protected:
  /// `workers`: how many are asked, the first ones.
  Listing(Workers& workers, unsigned count) : workers_{workers}, count_{count} {}

  /// A slice of the worker's stack. Thread: the worker's.
  virtual Slice collect(StackControl& stack, Cursor from) noexcept = 0;
  /// The first `count` of what collect() found, as far as it was asked for, into an empty message.
  /// False: nothing of it was. Thread: the courier's.
  virtual bool fill(Response& response, unsigned worker, std::size_t count) = 0;

 private:
  void ask() { workers_.desk(worker_).post(*this); }

  Step run(dataplane::WorkerAccess& access) noexcept final {
    slice_ = collect(*access.stack, slice_.next);
    return slice_.count == 0 && !slice_.next.done() ? Step::kAgain : Step::kDone;
  }
  void done() noexcept final {
    if (cancelled()) {
      this->Finish(stopping());
      return;
    }
    response_.Clear();
    if (slice_.count > 0 && fill(response_, worker_, slice_.count)) {
      writing_.store(true, std::memory_order_release);
      this->StartWrite(&response_);
    } else {
      go_on();
    }
  }
  void OnWriteDone(bool ok) final {
    static_cast<void>(writing_.load(std::memory_order_acquire));
    if (ok) {
      go_on();
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }
  void go_on() {
    if (slice_.next.done()) {
      slice_ = {};
      ++worker_;
    }
    if (worker_ < count_) {
      ask();
    } else {
      this->Finish(grpc::Status::OK);
    }
  }
  void OnDone() final { delete this; }

  Workers& workers_;
  const unsigned count_;
  unsigned worker_ = 0;
  Slice slice_;
  Response response_;
  /// Hands all of the above from the courier to the thread of OnWriteDone(). gRPC does that too,
  /// but in a library that ThreadSanitizer cannot see into.
  std::atomic<bool> writing_{false};
};

/// Answers a call with a refusal instead of a listing.
template <class Response>
grpc::ServerWriteReactor<Response>* refuse_listing(const grpc::Status& status) {
  class Refused final : public grpc::ServerWriteReactor<Response> {
   public:
    explicit Refused(const grpc::Status& why) { this->Finish(why); }
    void OnDone() override { delete this; }
  };
  return new Refused{status};
}

}  // namespace smol::control
