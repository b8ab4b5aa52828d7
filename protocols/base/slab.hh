#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "protocols/base/check.hh"

namespace smol {

/// Names an object in a Slab for as long as it lives; once the object is gone the handle misses,
/// also when another took its place. Value 0/0 names nothing.
struct Handle {
  /// Generations have so many bits, and then begin again: with an index they fit a number that is
  /// given away, and a handle is mistaken after 134 million objects in one place at the earliest.
  static constexpr unsigned kGenerationBits = 28;

  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  constexpr explicit operator bool() const noexcept { return generation != 0; }
  constexpr bool operator==(const Handle&) const noexcept = default;
};

/// A fixed number of T's in one block of memory, taken and given back in O(1), never moved. Memory
/// is asked for once, at construction, and touched only as slots are first used. The last slot
/// freed is the next one taken, so a small working set stays in the cache.
template <class T>
class Slab {
 public:
  Slab(std::uint32_t capacity, std::pmr::memory_resource& memory)
      : memory_{memory},
        slots_{static_cast<Slot*>(memory.allocate(capacity * sizeof(Slot), alignof(Slot)))},
        capacity_{capacity} {}
  ~Slab() {
    for (std::uint32_t i = 0; i < touched_; ++i) {
      if (live(i)) std::destroy_at(&slots_[i].value());
    }
    memory_.deallocate(slots_, capacity_ * sizeof(Slot), alignof(Slot));
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  std::uint32_t capacity() const noexcept { return capacity_; }
  std::uint32_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == capacity_; }
  static constexpr std::size_t octets_each() noexcept { return sizeof(Slot); }

  /// A new T, or a null handle when all slots are taken.
  template <class... Args>
  Handle emplace(Args&&... args) noexcept {
    std::uint32_t index = free_;
    if (index != kNone) {
      free_ = slots_[index].next_free;
    } else if (touched_ < capacity_) {
      index = touched_++;
      slots_[index].generation = 0;
    } else {
      return {};
    }
    Slot& slot = slots_[index];
    ::new (static_cast<void*>(slot.storage)) T(std::forward<Args>(args)...);
    next_generation(slot);
    ++size_;
    return {index, slot.generation};
  }

  /// Null if the object is gone.
  T* get(Handle handle) noexcept {
    if (handle.index >= touched_ || !live(handle.index) ||
        slots_[handle.index].generation != handle.generation) {
      return nullptr;
    }
    return &slots_[handle.index].value();
  }
  const T* get(Handle handle) const noexcept { return const_cast<Slab*>(this)->get(handle); }

  /// Precondition: the slot is taken. For indices that a table of the same owner holds.
  T& at(std::uint32_t index) noexcept { return slots_[index].value(); }
  const T& at(std::uint32_t index) const noexcept { return const_cast<Slab*>(this)->at(index); }
  Handle handle_of(std::uint32_t index) const noexcept { return {index, slots_[index].generation}; }
  bool live(std::uint32_t index) const noexcept {
    return index < touched_ && (slots_[index].generation & 1) != 0;
  }
  /// Where slot `index` lies, taken or not: for prefetching.
  const void* address_of(std::uint32_t index) const noexcept { return &slots_[index]; }

  /// Precondition: the slot is taken.
  void erase(std::uint32_t index) noexcept {
    SMOL_CHECK(live(index));
    Slot& slot = slots_[index];
    std::destroy_at(&slot.value());
    next_generation(slot);
    slot.next_free = free_;
    free_ = index;
    --size_;
  }

  /// One past the highest index ever taken: bounds a walk over all slots (listings, not packets).
  std::uint32_t touched() const noexcept { return touched_; }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  struct Slot {
    alignas(T) std::byte storage[sizeof(T)];
    std::uint32_t generation;  ///< odd while taken
    std::uint32_t next_free;

    T& value() noexcept { return *std::launder(reinterpret_cast<T*>(storage)); }
  };

  static void next_generation(Slot& slot) noexcept {
    slot.generation = (slot.generation + 1) & ((1U << Handle::kGenerationBits) - 1);
  }

  std::pmr::memory_resource& memory_;
  Slot* slots_;
  std::uint32_t capacity_;
  std::uint32_t touched_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t free_ = kNone;
};

}  // namespace smol
