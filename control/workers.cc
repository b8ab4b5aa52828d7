#include "control/workers.hh"

#include "protocols/base/check.hh"

namespace smol::control {

bool AwaitedErrand::wait() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return done_; });
  return !cancelled();
}

void AwaitedErrand::done() noexcept {
  // Under the lock: who waits destroys this as soon as it sees it.
  const std::lock_guard lock{mutex_};
  done_ = true;
  changed_.notify_one();
}

Result<void, std::optional<Error>> Workers::change(const Lock& lock, const Change& change) {
  SMOL_CHECK(lock.owns_lock());
  for (unsigned worker = 0; worker < count(); ++worker) {
    Result<void, Error> done;
    const bool alive =
        ask(worker, [&](StackControl& stack) { done = change.apply(stack, worker); });
    if (alive && done) continue;
    while (worker-- > 0) {
      ask(worker, [&](StackControl& stack) { change.undo(stack, worker); });
    }
    if (!alive) return fail(std::optional<Error>{});
    return fail(std::optional{done.error()});
  }
  return {};
}

}  // namespace smol::control
