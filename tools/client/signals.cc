#include "tools/client/signals.hh"

#include <pthread.h>
#include <utility>

namespace smol::client {

constexpr int kCalls = 2;

Signals::Signals() {
  sigemptyset(&set_);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set_, number);
  struct sigaction before {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
    sigaddset(&set_, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread{[this] { run(); }};
}

Signals::~Signals() {
  done_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

void Signals::on(std::function<void()> action) {
  const std::lock_guard lock{mutex_};
  action_ = std::move(action);
  calls_ = 0;
}

void Signals::run() {
  for (;;) {
    int number = 0;
    if (sigwait(&set_, &number) != 0 || done_) return;
    if (number == SIGUSR1) continue;
    const std::lock_guard lock{mutex_};
    if (action_ && calls_++ < kCalls) {
      action_();
      continue;
    }
    std::signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
    std::raise(number);
  }
}

}  // namespace smol::client
