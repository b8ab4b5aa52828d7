#include "control/remote/tcp_listener.hh"

#include <utility>

namespace smol::control {

/// A listener on one worker, of one family.
class TcpListener::Part final : private RemoteEndpoint {
 public:
  Part(TcpListener& owner, std::size_t number, unsigned worker, const TcpListenOptions& options)
      : owner_{owner}, number_{number}, worker_{worker}, options_{options} {}

  void listen() { post(listen_); }
  void accept() {
    next_ = std::make_unique<TcpSocket>(owner_.sockets_, worker_);
    post(accept_);
  }
  void release() { post(release_); }
  WorkerSocket name() const noexcept { return {worker_, id_}; }

 private:
  using Step = dataplane::Errand::Step;
  using Worker = dataplane::WorkerAccess;

  template <Step (Part::*kRun)(Worker&), void (Part::*kDone)()>
  struct Call final : dataplane::Errand {
    explicit Call(Part& self) : part{self} {}
    Step run(Worker& worker) noexcept override { return (part.*kRun)(worker); }
    void done() noexcept override { (part.*kDone)(); }
    Part& part;
  };

  void post(dataplane::Errand& errand) { owner_.sockets_.desk(worker_).post(errand); }

  Step run_listen(Worker& worker) {
    RemoteApplication& application = owner_.sockets_.application(worker_);
    options_.owner = application.owner();
    options_.user_data = user_data();
    const auto id = worker.sockets.tcp_listen(options_);
    if (!id) {
      error_ = id.error();
      return Step::kDone;
    }
    id_ = *id;
    application.attach(worker, *this);
    return Step::kDone;
  }
  void done_listen() {
    if (listen_.cancelled()) error_ = Error::kNotConnected;
    owner_.on_part_listening(error_);
  }

  Step run_accept(Worker& worker) {
    accepting_ = !try_accept(worker);
    return accepting_ ? Step::kKept : Step::kDone;
  }
  bool try_accept(Worker& worker) noexcept {
    const auto id = worker.sockets.tcp_accept(id_);
    if (!id) return false;
    next_->accepted(worker, *id, options_.socket);
    return true;
  }
  void done_accept() {
    auto socket = std::move(next_);
    if (!accept_.cancelled()) owner_.observer_.on_accepted(number_, std::move(socket));
  }

  Step run_release(Worker& worker) {
    on_stopped(worker.desk);
    if (id_) {
      worker.sockets.close(id_);
      owner_.sockets_.application(worker_).detach(*this);
      id_ = {};
    }
    return Step::kDone;
  }
  void done_release() { owner_.on_part_released(); }

  void on_event(Worker& worker, const SocketEvent& event) noexcept override {
    // What was accepted may have had news before it got a user of its own: it is read anyway.
    if (event.socket != id_) return;
    if (accepting_ && try_accept(worker)) {
      accepting_ = false;
      worker.desk.finish(accept_);
    }
  }
  void on_drain(Worker& worker) noexcept override {
    if (id_) worker.sockets.close(id_);
  }
  void on_stopped(dataplane::Desk& desk) noexcept override {
    if (std::exchange(accepting_, false)) desk.cancel(accept_);
  }

  TcpListener& owner_;
  const std::size_t number_;
  const unsigned worker_;
  TcpListenOptions options_;
  std::optional<Error> error_;
  std::unique_ptr<TcpSocket> next_;  ///< the worker's while accept_ is under way

  SocketId id_;
  bool accepting_ = false;

  Call<&Part::run_listen, &Part::done_listen> listen_{*this};
  Call<&Part::run_accept, &Part::done_accept> accept_{*this};
  Call<&Part::run_release, &Part::done_release> release_{*this};
};

TcpListener::TcpListener(RemoteSockets& sockets, std::vector<TcpListenOptions> places,
                         Observer& observer)
    : sockets_{sockets}, observer_{observer} {
  for (unsigned worker = 0; worker < sockets.workers(); ++worker) {
    for (const TcpListenOptions& options : places) {
      parts_.push_back(std::make_unique<Part>(*this, parts_.size(), worker, options));
    }
  }
}

TcpListener::~TcpListener() = default;

WorkerSocket TcpListener::first() const noexcept {
  return parts_.front()->name();
}

void TcpListener::listen() {
  waiting_for_ = parts_.size();
  for (const auto& part : parts_) part->listen();
}

void TcpListener::accept(std::size_t part) {
  parts_[part]->accept();
}

void TcpListener::release() {
  waiting_for_ = parts_.size();
  for (const auto& part : parts_) part->release();
}

void TcpListener::on_part_listening(std::optional<Error> error) {
  if (error) error_ = error;
  if (--waiting_for_ > 0) return;
  if (error_) return observer_.on_not_listening(*error_);
  observer_.on_listening();
}

void TcpListener::on_part_released() {
  if (--waiting_for_ == 0) observer_.on_released();
}

}  // namespace smol::control
