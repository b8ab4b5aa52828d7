#include "dataplane/courier.hh"

#include <cstdint>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "protocols/base/check.hh"

namespace smol::dataplane {

Courier::Courier(std::vector<Desk*> desks)
    : desks_{std::move(desks)}, event_fd_{eventfd(0, EFD_CLOEXEC)} {
  SMOL_CHECK(event_fd_ >= 0);
  thread_ = std::thread{[this] { run(); }};
  pthread_setname_np(thread_.native_handle(), "smol-courier");
}

Courier::~Courier() {
  stop_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
  thread_.join();
  while (deliver()) {
  }
  close(event_fd_);
}

void Courier::wake() noexcept {
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
}

void Courier::run() noexcept {
  while (!stop_.load()) {
    if (deliver()) continue;
    asleep_.store(true, std::memory_order_seq_cst);
    // What was handed out before anybody could see that we sleep.
    if (!deliver()) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
    }
    asleep_.store(false, std::memory_order_relaxed);
  }
}

bool Courier::deliver() noexcept {
  bool any = false;
  for (Desk* desk : desks_) any = desk->deliver() || any;
  return any;
}

}  // namespace smol::dataplane
