#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

namespace smol::client {

/// What SIGINT, SIGTERM and SIGHUP do, from a thread: calls to the daemon, which may be what it
/// takes to end well, are nothing for a signal handler. A SIGHUP that is ignored, as under
/// nohup(1), stays so. Make it before any other thread is there, since all inherit what it blocks.
/// Ignores SIGPIPE: a reader that goes away is seen by the write that fails.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Until none() returns, the first two signals call `action`, on that thread. Any other ends the
  /// program, as it would have without this.
  void on(std::function<void()> action);
  void none() { on({}); }

 private:
  void run();

  sigset_t set_{};
  std::mutex mutex_;
  std::function<void()> action_;
  int calls_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace smol::client
