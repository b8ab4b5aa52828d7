#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/errand.hh"

namespace smol::dataplane {

/// The thread that brings finished errands back: it calls done() for what the workers' desks hand
/// out. It sleeps while there is nothing.
class Courier final : public Desk::Waker {
 public:
  /// `desks`: one a worker; they outlive this.
  explicit Courier(std::vector<Desk*> desks);
  /// What the desks still hold is brought back first. The workers have ended by then.
  ~Courier() override;
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  /// Thread: any; one system call if the courier sleeps, none otherwise.
  void wake() noexcept override;

 private:
  void run() noexcept;
  bool deliver() noexcept;

  const std::vector<Desk*> desks_;
  const int event_fd_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace smol::dataplane
