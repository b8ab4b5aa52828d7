#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "protocols/base/check.hh"
#include "protocols/base/time.hh"

namespace smol {

/// What an object carries to be in a TimerWheel. Disarm before the object goes away.
class TimerNode {
 public:
  constexpr TimerNode() noexcept = default;
  /// `kind` and `id` come back when the timer fires: whose it is, and which.
  constexpr TimerNode(std::uint8_t kind, std::uint32_t id) noexcept : id_{id}, kind_{kind} {}
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  ~TimerNode() { SMOL_CHECK(!armed()); }

  bool armed() const noexcept { return next_ != nullptr; }
  std::uint8_t kind() const noexcept { return kind_; }
  std::uint32_t id() const noexcept { return id_; }
  void set(std::uint8_t kind, std::uint32_t id) noexcept {
    kind_ = kind;
    id_ = id;
  }

 private:
  friend class TimerWheel;

  TimerNode* prev_ = nullptr;
  TimerNode* next_ = nullptr;
  std::uint64_t tick_ = 0;
  std::uint32_t id_ = 0;
  std::uint8_t kind_ = 0;
  std::uint8_t level_ = 0;
  std::uint8_t slot_ = 0;
};

/// A hierarchical timer wheel (Varghese, Lauck): 8 levels of 64 slots and a tick of 65.5 us, which
/// reach every Instant there is. Arming and disarming are O(1) whatever the number of timers;
/// finding the next deadline reads a bitmap a level. A timer never fires early, and at most one
/// tick late.
///
/// Most retransmission timers never fire, so an owner need not move one when its deadline moves
/// later: leave it, and arm anew when it fires too early.
class TimerWheel {
 public:
  static constexpr int kTickShift = 16;

  explicit TimerWheel(Instant start) noexcept : cursor_{floor_tick(start)} {
    for (auto& level : lists_) {
      for (TimerNode& head : level) head.prev_ = head.next_ = &head;
    }
  }
  ~TimerWheel() {
    // Heads are nodes linked to themselves; what is still armed would be left dangling.
    for (auto& level : lists_) {
      for (TimerNode& head : level) {
        while (head.next_ != &head) unlink(*head.next_);
        head.prev_ = head.next_ = nullptr;
      }
    }
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms the node for `when`, moving it if it is armed already. kNever disarms.
  void arm(TimerNode& node, Instant when) noexcept {
    disarm(node);
    if (when == kNever) return;
    node.tick_ = ceil_tick(when);
    link(node);
  }

  /// Makes sure that the node fires by `when`; one that fires earlier is left where it is. What an
  /// owner calls whose deadlines mostly move later.
  void arm_by(TimerNode& node, Instant when) noexcept {
    if (when == kNever || (node.armed() && node.tick_ <= ceil_tick(when))) return;
    arm(node, when);
  }

  void disarm(TimerNode& node) noexcept {
    if (!node.armed()) return;
    TimerNode& head = lists_[node.level_][node.slot_];
    unlink(node);
    if (head.next_ == &head) occupied_[node.level_] &= ~(std::uint64_t{1} << node.slot_);
    --size_;
  }

  std::size_t size() const noexcept { return size_; }

  /// When expire() has work at the latest: never later than the earliest deadline, at times earlier
  /// (a far timer comes nearer in at most 7 steps). kNever when nothing is armed.
  Instant next_deadline() const noexcept {
    const Event event = next_event();
    return event.level == kNoLevel
               ? kNever
               : Instant{Duration{static_cast<std::int64_t>(event.tick) << kTickShift}};
  }

  /// Calls `fire(node)` for each timer due at `now`, in the order of their ticks, disarmed first so
  /// that it may be armed again. Handles at most `bound` nodes and then returns; next_deadline() is
  /// then not after `now`, and the next call goes on. Returns how many were handled.
  template <class Fire>
  std::size_t expire(Instant now, std::size_t bound, Fire&& fire) noexcept {
    const std::uint64_t target = floor_tick(now);
    std::size_t handled = 0;
    for (Event event = next_event(); event.level != kNoLevel && event.tick <= target;
         event = next_event()) {
      if (event.tick > cursor_) cursor_ = event.tick;
      TimerNode& head = lists_[event.level][event.slot];
      while (head.next_ != &head) {
        if (handled == bound) {
          cascading_ = event.level;
          return handled;
        }
        ++handled;
        TimerNode& node = *head.next_;
        disarm(node);
        if (event.level == 0) {
          fire(node);
        } else {
          link(node);
        }
      }
      cascading_ = 0;
    }
    if (target > cursor_) cursor_ = target;
    return handled;
  }

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 8;
  /// The last tick an Instant can name; 8 levels hold more, so that no deadline is out of reach.
  static constexpr std::uint64_t kLastTick = static_cast<std::uint64_t>(INT64_MAX) >> kTickShift;
  static_assert(kLastTick >> (kBits * kLevels) == 0);
  static constexpr std::uint8_t kNoLevel = 0xff;

  struct Event {
    std::uint8_t level;
    std::uint8_t slot;
    std::uint64_t tick;
  };

  static std::uint64_t floor_tick(Instant t) noexcept {
    const std::int64_t n = t.time_since_epoch().count();
    return n <= 0 ? 0 : static_cast<std::uint64_t>(n) >> kTickShift;
  }
  static std::uint64_t ceil_tick(Instant t) noexcept {
    const std::int64_t n = t.time_since_epoch().count();
    const std::uint64_t tick = n <= 0 ? 0 : ((static_cast<std::uint64_t>(n) - 1) >> kTickShift) + 1;
    return tick < kLastTick ? tick : kLastTick;
  }

  /// The level is that of the highest bit in which the tick differs from the cursor, so what lies
  /// on a lower level is always due earlier.
  void link(TimerNode& node) noexcept {
    const std::uint64_t tick = node.tick_ < cursor_ ? cursor_ : node.tick_;
    const std::uint64_t differs = tick ^ cursor_;
    const int level = differs == 0 ? 0 : (63 - std::countl_zero(differs)) / kBits;
    const auto slot = static_cast<std::uint8_t>((tick >> (kBits * level)) & (kSlots - 1));
    node.level_ = static_cast<std::uint8_t>(level);
    node.slot_ = slot;
    TimerNode& head = lists_[node.level_][slot];
    node.prev_ = head.prev_;
    node.next_ = &head;
    head.prev_->next_ = &node;
    head.prev_ = &node;
    occupied_[node.level_] |= std::uint64_t{1} << slot;
    ++size_;
  }

  static void unlink(TimerNode& node) noexcept {
    node.prev_->next_ = node.next_;
    node.next_->prev_ = node.prev_;
    node.prev_ = node.next_ = nullptr;
  }

  Event next_event() const noexcept {
    if (cascading_ != 0) {  // a slot that a bound left half emptied comes before all else
      const auto slot = static_cast<std::uint8_t>((cursor_ >> (kBits * cascading_)) & (kSlots - 1));
      if ((occupied_[cascading_] >> slot & 1) != 0) return {cascading_, slot, cursor_};
    }
    for (int level = 0; level < kLevels; ++level) {
      const int shift = kBits * level;
      const auto position = static_cast<int>((cursor_ >> shift) & (kSlots - 1));
      const std::uint64_t ahead = occupied_[static_cast<std::size_t>(level)] >> position
                                                                                    << position;
      if (ahead == 0) continue;
      const int slot = std::countr_zero(ahead);
      const std::uint64_t block = cursor_ >> (shift + kBits) << (shift + kBits);
      return {static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(slot),
              block | static_cast<std::uint64_t>(slot) << shift};
    }
    return {kNoLevel, 0, 0};
  }

  std::array<std::array<TimerNode, kSlots>, kLevels> lists_;
  std::array<std::uint64_t, kLevels> occupied_{};
  std::uint64_t cursor_;
  std::size_t size_ = 0;
  std::uint8_t cascading_ = 0;
};

}  // namespace smol
