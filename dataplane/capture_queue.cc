#include "dataplane/capture_queue.hh"

#include <algorithm>
#include <chrono>
#include <utility>

namespace smol::dataplane {

bool CaptureQueue::push(Instant now, const CapturedPacket& packet) {
  const std::lock_guard lock{mutex_};
  const std::size_t need = CaptureBatch::room_for(packet);
  if (closed_ || octets_ + need > limit_) return false;
  if (batches_.empty() || !batches_.back().batch.fits(packet)) {
    batches_.push_back({std::exchange(spare_, {}), now + flush_interval_});
    // The first starts the reader's clock, the second makes the first one full.
    if (batches_.size() <= 2) changed_.notify_all();
  }
  batches_.back().batch.append(packet);
  octets_ += need;
  return true;
}

void CaptureQueue::flush() {
  const std::lock_guard lock{mutex_};
  for (Filling& each : batches_) each.due = Instant::min();
  changed_.notify_all();
}

void CaptureQueue::end() {
  const std::lock_guard lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

void CaptureQueue::call_reader(Instant now) {
  std::function<void()> call;
  {
    const std::lock_guard lock{mutex_};
    if (!when_ready_ || !ready(now)) return;
    call = std::exchange(when_ready_, {});
    caller_ = std::this_thread::get_id();
  }
  call();
  const std::lock_guard lock{mutex_};
  caller_.reset();
  changed_.notify_all();
}

CaptureRead CaptureQueue::take_locked(CaptureBatch& into, Instant now) {
  into.clear();
  if (!ready(now)) return CaptureRead::kNothing;
  if (batches_.empty()) return CaptureRead::kEnded;
  std::swap(into, batches_.front().batch);
  spare_ = std::move(batches_.front().batch);
  batches_.pop_front();
  octets_ -= into.octets();
  delivered_ += into.packets();
  return CaptureRead::kBatch;
}

CaptureRead CaptureQueue::take(CaptureBatch& into, Instant now,
                               std::function<void()>&& when_ready) {
  const std::lock_guard lock{mutex_};
  const CaptureRead out = take_locked(into, now);
  if (out == CaptureRead::kNothing && !closed_) when_ready_ = std::move(when_ready);
  return out;
}

CaptureRead CaptureQueue::wait(CaptureBatch& into, Instant deadline, Instant (*clock)() noexcept) {
  std::unique_lock lock{mutex_};
  for (;;) {
    const Instant now = clock();
    const CaptureRead out = take_locked(into, now);
    if (out != CaptureRead::kNothing || now >= deadline) return out;
    const Instant until = std::min(deadline, due());
    if (until == kNever) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, std::chrono::nanoseconds{(until - now).count()});
    }
  }
}

void CaptureQueue::close() {
  std::unique_lock lock{mutex_};
  closed_ = ended_ = true;
  when_ready_ = {};
  batches_.clear();
  spare_ = {};
  octets_ = 0;
  changed_.notify_all();
  if (caller_ == std::this_thread::get_id()) return;
  changed_.wait(lock, [&] { return !caller_; });
}

std::uint64_t CaptureQueue::delivered() const {
  const std::lock_guard lock{mutex_};
  return delivered_;
}

}  // namespace smol::dataplane
