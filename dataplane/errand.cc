#include "dataplane/errand.hh"

#include <utility>

namespace smol::dataplane {
namespace {

/// Stands where errands would: a desk that takes no more.
class Closed final : public Errand {
 public:
  Step run(WorkerAccess&) noexcept override { return Step::kDone; }
  void done() noexcept override {}
};

}  // namespace

Errand* Desk::closed_mark() noexcept {
  static Closed mark;
  return &mark;
}

void Desk::post(Errand& errand) noexcept {
  errand.cancelled_ = false;
  Errand* head = in_.load(std::memory_order_relaxed);
  // The order of all such operations: either the worker sees the errand before it sleeps, or the
  // waker sees that it sleeps.
  do {
    if (head == closed_mark()) return refuse(errand);
    errand.next_ = head;
  } while (!in_.compare_exchange_weak(head, &errand, std::memory_order_seq_cst,
                                      std::memory_order_relaxed));
  // The first in the line wakes; the worker takes those behind it with it.
  if (head == nullptr) worker_->wake();
}

void Desk::refuse(Errand& errand) noexcept {
  errand.cancelled_ = true;
  errand.next_ = refused_.load(std::memory_order_relaxed);
  while (!refused_.compare_exchange_weak(errand.next_, &errand, std::memory_order_seq_cst,
                                         std::memory_order_relaxed)) {
  }
  courier_->wake();
}

bool Desk::deliver() noexcept {
  // Looked at first: if the desk is closed, then all that it held is in handed_ by now.
  const bool closed = closed_.load(std::memory_order_seq_cst);
  const bool any = bring_back(handed_.exchange(nullptr, std::memory_order_acquire));
  if (!closed) return any;
  return bring_back(reversed(refused_.exchange(nullptr, std::memory_order_seq_cst))) || any;
}

bool Desk::bring_back(Errand* errand) noexcept {
  if (errand == nullptr) return false;
  while (errand != nullptr) {
    // done() may post it again, which overwrites its link, or destroy it.
    Errand* next = errand->next_;
    errand->done();
    errand = next;
  }
  return true;
}

Errand* Desk::reversed(Errand* line) noexcept {
  Errand* out = nullptr;
  while (line != nullptr) {
    Errand* next = std::exchange(line->next_, out);
    out = std::exchange(line, next);
  }
  return out;
}

std::size_t Desk::run(WorkerAccess& worker) noexcept {
  Line line = std::exchange(again_, {});
  Errand* newest = in_.load(std::memory_order_relaxed) == nullptr
                       ? nullptr
                       : in_.exchange(nullptr, std::memory_order_seq_cst);
  Errand* oldest = reversed(newest);
  while (oldest != nullptr) line.push(*std::exchange(oldest, oldest->next_));
  std::size_t count = 0;
  while (line.head != nullptr) {
    Errand& errand = *std::exchange(line.head, line.head->next_);
    ++count;
    switch (errand.run(worker)) {
      case Errand::Step::kDone:
        out_.push(errand);
        break;
      case Errand::Step::kAgain:
        again_.push(errand);
        break;
      case Errand::Step::kKept:
        break;
    }
  }
  return count;
}

void Desk::flush() noexcept {
  if (out_.head == nullptr || handed_.load(std::memory_order_acquire) != nullptr) return;
  handed_.store(std::exchange(out_, {}).head, std::memory_order_seq_cst);
  courier_->wake();
}

void Desk::close() noexcept {
  Errand* oldest = reversed(in_.exchange(closed_mark(), std::memory_order_seq_cst));
  while (again_.head != nullptr) cancel(*std::exchange(again_.head, again_.head->next_));
  again_ = {};
  while (oldest != nullptr) cancel(*std::exchange(oldest, oldest->next_));
  hand_out_the_last();
}

void Desk::hand_out_the_last() noexcept {
  Line last;
  Errand* untaken = handed_.exchange(nullptr, std::memory_order_acquire);
  while (untaken != nullptr) last.push(*std::exchange(untaken, untaken->next_));
  while (out_.head != nullptr) last.push(*std::exchange(out_.head, out_.head->next_));
  out_ = {};
  handed_.store(last.head, std::memory_order_seq_cst);
  closed_.store(true, std::memory_order_seq_cst);
  if (courier_ != nullptr) courier_->wake();
}

}  // namespace smol::dataplane
