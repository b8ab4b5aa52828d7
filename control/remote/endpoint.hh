#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/application.hh"
#include "dataplane/errand.hh"

namespace smol::control {

/// The worker's half of something that a client has on a worker: a socket or a listener. Touched by
/// that worker alone while it is attached.
class RemoteEndpoint {
 public:
  RemoteEndpoint() = default;
  RemoteEndpoint(const RemoteEndpoint&) = delete;
  RemoteEndpoint& operator=(const RemoteEndpoint&) = delete;

  virtual void on_event(dataplane::WorkerAccess& worker, const SocketEvent& event) noexcept = 0;
  /// The daemon drains.
  virtual void on_drain(dataplane::WorkerAccess& worker) noexcept = 0;
  /// The worker ends: what waits here goes back, cancelled.
  virtual void on_stopped(dataplane::Desk& desk) noexcept = 0;

  /// What a socket of this endpoint carries as its user data.
  std::uint64_t user_data() noexcept { return reinterpret_cast<std::uintptr_t>(this); }

 protected:
  ~RemoteEndpoint() = default;

 private:
  friend class RemoteApplication;
  RemoteEndpoint* previous_ = nullptr;
  RemoteEndpoint* next_ = nullptr;
};

/// The application on a worker whose sockets clients have. Thread: the worker's.
class RemoteApplication final : public dataplane::Application {
 public:
  std::string start(Sockets& sockets, std::uint16_t owner) override;
  void on_events(Sockets& sockets, std::span<const SocketEvent> events) override;
  void drain(Sockets& sockets) override;
  void stopped() override;

  std::uint16_t owner() const noexcept { return owner_; }
  /// From an errand: events of the endpoint's sockets reach it until detach().
  void attach(dataplane::WorkerAccess& worker, RemoteEndpoint& endpoint) noexcept;
  void detach(RemoteEndpoint& endpoint) noexcept;

 private:
  std::uint16_t owner_ = 0;
  unsigned index_ = 0;
  dataplane::Desk* desk_ = nullptr;  ///< known from the first attach() on
  RemoteEndpoint* first_ = nullptr;
};

/// What happened to remote sockets that no worker counts. Any thread adds.
struct RemoteCounters {
  std::atomic<std::uint64_t> listen_token_expired{0};  ///< accepted, and nobody attached
};

/// The applications of all workers, and the way to them.
class RemoteSockets {
 public:
  /// For the daemon's applications. The instances live as long as the daemon.
  dataplane::ApplicationSpec application();
  /// Once the daemon runs. `desks`: its own, one a worker.
  void open(std::vector<dataplane::Desk*> desks) { desks_ = std::move(desks); }

  unsigned workers() const noexcept { return static_cast<unsigned>(desks_.size()); }
  dataplane::Desk& desk(unsigned worker) noexcept { return *desks_[worker]; }
  RemoteApplication& application(unsigned worker) noexcept { return *applications_[worker]; }
  /// Which worker gets the next socket. Thread: any.
  unsigned next_worker() noexcept {
    return next_.fetch_add(1, std::memory_order_relaxed) % workers();
  }
  /// Another worker to open a socket on, if `error` says that `worker` does not own what was asked
  /// for and not all were tried yet; `tried` counts. Thread: any.
  std::optional<unsigned> other_worker(unsigned worker, std::optional<Error> error,
                                       unsigned& tried) const noexcept {
    if (error != Error::kOtherWorker || ++tried >= workers()) return std::nullopt;
    return (worker + 1) % workers();
  }
  RemoteCounters& counters() noexcept { return counters_; }
  const RemoteCounters& counters() const noexcept { return counters_; }

 private:
  std::vector<RemoteApplication*> applications_;
  std::vector<dataplane::Desk*> desks_;
  std::atomic<unsigned> next_{0};
  RemoteCounters counters_;
};

}  // namespace smol::control
