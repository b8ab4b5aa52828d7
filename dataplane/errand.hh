#pragma once

#include <atomic>
#include <cstdint>

#include "protocols/stack/control.hh"
#include "protocols/stack/sockets.hh"

namespace smol::dataplane {

class BridgeControl;
class Desk;

/// What an errand finds on a worker. Valid during the call that it is given to.
struct WorkerAccess {
  unsigned index;  ///< of the worker
  Sockets& sockets;
  Desk& desk;
  /// The stack for who configures it and asks about it. An errand's run() always has it.
  StackControl* stack = nullptr;
  /// Null: the worker does not bridge.
  BridgeControl* bridge = nullptr;
};

/// Something that a control thread has a worker do between the stages of a turn: a question, a
/// change, a step of a remote socket. The poster owns it, and keeps it until done() was called; it
/// is usually a member of what it is for, so that posting allocates nothing.
class Errand {
 public:
  enum class Step : std::uint8_t {
    kDone,   ///< done() follows
    kAgain,  ///< run() once more in the next turn: longer work goes in slices
    kKept,   ///< the errand waits for an event; who keeps it calls Desk::finish()
  };

  virtual ~Errand() = default;
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  /// Short: the packets wait. Allocates nothing, never blocks. Thread: the worker's.
  virtual Step run(WorkerAccess& worker) noexcept = 0;
  /// The errand is its poster's again. Thread: the courier's.
  virtual void done() noexcept = 0;

  /// After done(): the worker had ended, and run() was not called, or not to its end.
  bool cancelled() const noexcept { return cancelled_; }

 protected:
  Errand() = default;

 private:
  friend class Desk;

  Errand* next_ = nullptr;
  bool cancelled_ = false;
};

/// Where a worker takes errands in and puts finished ones out. No lock, no memory, no bound but
/// that an errand is in one place at a time. A worker that nobody sent to pays two loads a turn;
/// one that was pays one exchange for all that came, and one store for all that it gives back.
class Desk {
 public:
  /// What wakes the two sides. Both outlive the desk.
  class Waker {
   public:
    virtual ~Waker() = default;
    /// Thread: any. Cheap if nobody sleeps.
    virtual void wake() noexcept = 0;
  };

  Desk() = default;
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// Before the first post().
  void set_wakers(Waker* worker, Waker* courier) noexcept {
    worker_ = worker;
    courier_ = courier;
  }

  // --- control threads

  /// Errands posted by one thread run in their order. A closed desk gives the errand back
  /// cancelled.
  void post(Errand& errand) noexcept;

  // --- the worker

  bool has_mail() const noexcept {
    return in_.load(std::memory_order_relaxed) != nullptr || again_.head != nullptr;
  }
  /// Runs what came. Returns how many.
  std::size_t run(WorkerAccess& worker) noexcept;
  /// An errand that was kept is over.
  void finish(Errand& errand) noexcept { out_.push(errand); }
  /// Hands out what is finished, if the courier has taken what was handed out before.
  void flush() noexcept;
  /// Finished errands wait for the courier: flush() again soon.
  bool unflushed() const noexcept { return out_.head != nullptr; }
  /// The worker ends: nothing runs from here on. What is here goes back, cancelled, and what comes
  /// from now on behind it. Everything kept was finished before.
  void close() noexcept;
  /// Finishes a kept errand that will never be over.
  void cancel(Errand& errand) noexcept {
    errand.cancelled_ = true;
    finish(errand);
  }

  // --- the courier

  /// Brings back all that was handed out, in its order. False: there was nothing.
  bool deliver() noexcept;

 private:
  struct Line {
    Errand* head = nullptr;
    Errand* tail = nullptr;

    void push(Errand& errand) noexcept {
      errand.next_ = nullptr;
      (tail == nullptr ? head : tail->next_) = &errand;
      tail = &errand;
    }
  };

  static Errand* closed_mark() noexcept;
  void refuse(Errand& errand) noexcept;
  void hand_out_the_last() noexcept;
  static bool bring_back(Errand* line) noexcept;
  static Errand* reversed(Errand* line) noexcept;

  alignas(64) std::atomic<Errand*> in_{nullptr};  ///< newest first; closed_mark(): no more
  alignas(64) std::atomic<Errand*> handed_{nullptr};
  std::atomic<Errand*> refused_{nullptr};  ///< came to a closed desk; newest first
  std::atomic<bool> closed_{false};        ///< all that the desk held is handed out
  alignas(64) Line again_;
  Line out_;
  Waker* worker_ = nullptr;
  Waker* courier_ = nullptr;
};

}  // namespace smol::dataplane
