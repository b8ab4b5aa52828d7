#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "dataplane/captured_packet.hh"
#include "protocols/base/time.hh"

namespace smol::dataplane {

/// Captured packets on their way to one reader: batches, bounded in octets. A full queue refuses.
class CaptureQueue {
 public:
  CaptureQueue(std::size_t octets, Duration flush_interval) noexcept
      : limit_{octets}, flush_interval_{flush_interval} {}

  // --- the capture thread

  /// False: there is no room. `now`: worker time.
  bool push(Instant now, const CapturedPacket& packet);
  /// What is there is due, whatever its age.
  void flush();
  /// Nothing comes any more.
  void end();
  /// Calls the reader's callback if there is something for it.
  void call_reader(Instant now);

  // --- the reader

  /// `now`: when the call was made.
  CaptureRead take(CaptureBatch& into, Instant now, std::function<void()>&& when_ready);
  /// Waits until there is a batch or `deadline` is there. `clock`: worker time.
  CaptureRead wait(CaptureBatch& into, Instant deadline, Instant (*clock)() noexcept);

  /// No callback runs from here on, and all memory is given back. Thread: any.
  void close();

  Duration flush_interval() const noexcept { return flush_interval_; }
  /// Packets that were read. Thread: any.
  std::uint64_t delivered() const;

 private:
  CaptureRead take_locked(CaptureBatch& into, Instant now);
  bool ready(Instant now) const noexcept { return ended_ || batches_.size() > 1 || now >= due(); }
  /// When the first batch is read even if it is not full.
  Instant due() const noexcept { return batches_.empty() ? kNever : batches_.front().due; }

  struct Filling {
    CaptureBatch batch;
    Instant due;
  };

  const std::size_t limit_;
  const Duration flush_interval_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Filling> batches_;  ///< the last one grows
  CaptureBatch spare_;           ///< memory that a reader gave back
  std::size_t octets_ = 0;
  std::uint64_t delivered_ = 0;
  bool ended_ = false;
  bool closed_ = false;
  std::function<void()> when_ready_;
  std::optional<std::thread::id> caller_;  ///< of the callback that runs
};

}  // namespace smol::dataplane
