#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "control/error.hh"
#include "dataplane/errand.hh"
#include "protocols/stack/control.hh"

namespace smol::control {

/// An errand that somebody waits for.
class AwaitedErrand : public dataplane::Errand {
 public:
  /// False: the worker has ended.
  bool wait();
  void done() noexcept final;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

/// The workers of a daemon as control threads see them. Calls wait for workers, so they are for
/// threads that may wait: neither a worker's nor the courier's.
class Workers {
 public:
  /// One a worker; they outlive this.
  explicit Workers(std::vector<dataplane::Desk*> desks) : desks_{std::move(desks)} {}

  unsigned count() const noexcept { return static_cast<unsigned>(desks_.size()); }
  dataplane::Desk& desk(unsigned worker) noexcept { return *desks_[worker]; }

  /// work(stack) on the worker's thread, once. False: the worker has ended, and it was not called.
  template <class Work>
  bool ask(unsigned worker, Work&& work);

  /// Makes a change on one worker's stack, and fills in what takes it back; both are built before
  /// the worker is asked, and called on it.
  struct Change {
    std::function<Result<void, Error>(StackControl& stack, unsigned worker)> apply;
    std::function<void(StackControl& stack, unsigned worker)> undo;
  };
  /// Held from looking at what there is until it is changed: one who configures at a time.
  using Lock = std::unique_lock<std::mutex>;
  Lock configure() { return Lock{configuring_}; }
  /// Makes the change on all workers, in their order; if one refuses, it is taken back on those
  /// that took it. Error: of the worker that refused; none inside: the daemon ends.
  Result<void, std::optional<Error>> change(const Lock& lock, const Change& change);

 private:
  std::vector<dataplane::Desk*> desks_;
  std::mutex configuring_;
};

template <class Work>
bool Workers::ask(unsigned worker, Work&& work) {
  class Asked final : public AwaitedErrand {
   public:
    explicit Asked(Work& work) : work_{work} {}
    Step run(dataplane::WorkerAccess& access) noexcept override {
      work_(*access.stack);
      return Step::kDone;
    }

   private:
    Work& work_;
  };
  Asked errand{work};
  desks_[worker]->post(errand);
  return errand.wait();
}

}  // namespace smol::control
