#pragma once

#include <atomic>
#include <cstdint>
#include <poll.h>
#include <vector>

#include "dataplane/config.hh"
#include "dataplane/counters.hh"
#include "dataplane/errand.hh"
#include "dataplane/log.hh"
#include "dataplane/port_queue.hh"
#include "protocols/base/time.hh"

namespace smol::dataplane {

/// What a worker does between turns: nothing while there is work, then what IdleConfig says.
///
///   work ──> spin ──> yield ──> arm the ports ──> one more turn ──> sleep ──> (woken) ...
///
/// A packet that arrives after the last poll and before the sleep is not missed: arming makes later
/// ones wake us, and the turn after it finds earlier ones. So it is with wake(): from the arming on
/// it is kept until the sleep takes it.
class Idle final : public Desk::Waker {
 public:
  /// `queues`: of the worker; their ports outlive this. `sleep`: kAuto is decided by then.
  Idle(const IdleConfig& config, bool sleep, std::vector<PortQueue*> queues,
       WorkerCounters& counters, Log& log, Instant start);
  ~Idle() override;
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  /// The turn at `now` is over. `busy`: it found something to do. `deadline`: when there will be
  /// something by itself. Thread: the worker.
  void after_turn(Instant now, bool busy, Instant deadline) noexcept;
  /// Ends a sleep, or keeps the next one from beginning: what was stored before the call, in
  /// sequentially consistent order, is seen by a turn that follows. One system call if the worker
  /// sleeps or is about to, none otherwise. Thread: any; signal handlers too.
  void wake() noexcept override;

 private:
  void arm() noexcept;
  void disarm() noexcept;
  void sleep(Duration longest, bool nap) noexcept;
  void on_port_gone(pollfd& fd) noexcept;

  const IdleConfig config_;
  const bool may_sleep_;
  const std::vector<PortQueue*> queues_;
  WorkerCounters& counters_;
  Log& log_;
  Instant last_work_;
  bool armed_ = false;
  std::atomic<bool> drowsy_{false};  ///< one more turn, then it sleeps
  bool all_wake_ = true;             ///< every port can wake us: no need to look by ourselves
  int event_fd_;
  std::vector<pollfd> fds_;  ///< first our own, then those of queues_ that have one
};

}  // namespace smol::dataplane
