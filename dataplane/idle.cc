#include "dataplane/idle.hh"

#include <algorithm>
#include <ctime>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace smol::dataplane {
namespace {

constexpr Duration kShortestNap = microseconds(50);

}  // namespace

Idle::Idle(const IdleConfig& config, bool sleep, std::vector<PortQueue*> queues,
           WorkerCounters& counters, Log& log, Instant start)
    : config_{config},
      may_sleep_{sleep},
      queues_{std::move(queues)},
      counters_{counters},
      log_{log},
      last_work_{start},
      event_fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  SMOL_CHECK(event_fd_ >= 0);
  fds_.push_back({event_fd_, POLLIN, 0});
  if (!may_sleep_) return;
  for (PortQueue* queue : queues_) {
    // What another worker receives for this one wakes it by itself.
    const int fd = queue->port().wake_fd(queue->queue());
    if (fd >= 0) {
      fds_.push_back({fd, POLLIN, 0});
    } else {
      all_wake_ = false;
    }
  }
}

Idle::~Idle() {
  close(event_fd_);
}

void Idle::wake() noexcept {
  if (!drowsy_.load(std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // It cannot fail but for a counter that is full: then it is awake already.
  [[maybe_unused]] const ssize_t written = write(event_fd_, &one, sizeof one);
}

void Idle::after_turn(Instant now, bool busy, Instant deadline) noexcept {
  if (busy) {
    last_work_ = now;
    if (armed_) disarm();
    return;
  }
  if (deadline <= now) return;
  const Duration quiet = now - last_work_;
  if (quiet < config_.spin || !may_sleep_) return rte_pause();
  if (quiet < config_.spin + config_.yield) {
    sched_yield();
    return;
  }
  if (!armed_) return arm();
  Duration longest = deadline == kNever ? Duration::max() : deadline - now;
  bool nap = false;
  if (!all_wake_) {
    // Longer the longer it has been quiet, up to the configured one.
    const Duration limit = std::clamp(quiet / 4, std::min(kShortestNap, config_.nap), config_.nap);
    nap = limit < longest;
    longest = std::min(longest, limit);
  }
  sleep(longest, nap);
}

void Idle::arm() noexcept {
  for (PortQueue* queue : queues_) queue->port().arm(queue->queue());
  armed_ = true;
  drowsy_.store(true, std::memory_order_seq_cst);
  // Whoever finds us awake stored before this; the turn that follows sees it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Idle::disarm() noexcept {
  for (PortQueue* queue : queues_) queue->port().disarm(queue->queue());
  armed_ = false;
  drowsy_.store(false, std::memory_order_relaxed);
}

void Idle::sleep(Duration longest, bool nap) noexcept {
  counters_.sleeps.add();
  timespec limit{};
  limit.tv_sec = longest.count() / 1'000'000'000;
  limit.tv_nsec = longest.count() % 1'000'000'000;
  const int ready =
      ppoll(fds_.data(), fds_.size(), longest == Duration::max() ? nullptr : &limit, nullptr);
  if (ready <= 0) {
    if (nap) counters_.naps.add();
    return;  // still armed
  }
  for (pollfd& fd : fds_) {
    if ((fd.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) on_port_gone(fd);
  }
  if ((fds_.front().revents & POLLIN) != 0) {
    std::uint64_t taken = 0;
    [[maybe_unused]] const ssize_t n = read(event_fd_, &taken, sizeof taken);
  }
  for (PortQueue* queue : queues_) queue->port().acknowledge(queue->queue());
  disarm();
}

/// The kernel's interface was deleted under us: its descriptor would end every sleep at once.
void Idle::on_port_gone(pollfd& fd) noexcept {
  for (PortQueue* queue : queues_) {
    if (queue->port().wake_fd(queue->queue()) != fd.fd) continue;
    log_.write(LogLevel::kError, "port",
               queue->port().name() + ": its interface is gone: start the daemon again");
  }
  fd.fd = -1;
}

}  // namespace smol::dataplane
