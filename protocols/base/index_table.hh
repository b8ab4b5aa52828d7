#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory_resource>

#include "protocols/base/check.hh"

namespace smol {

/// A hash table from a 64-bit hash to a 32-bit index; the keys stay with the objects indexed. Open
/// addressing with linear probing over slots of 8 octets, eight to a cache line, at most half full:
/// a look-up reads one line nearly always. Removal shifts back, so nothing decays with use. Memory
/// is asked for once. The hash must be keyed (mix with a Secret), else a peer chooses the bucket.
class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  /// Room for `entries` indices.
  IndexTable(std::uint32_t entries, std::pmr::memory_resource& memory)
      : memory_{memory},
        mask_{std::bit_ceil(std::uint64_t{entries} * 2 + 8) - 1},
        slots_{static_cast<Slot*>(memory.allocate((mask_ + 1) * sizeof(Slot), kLine))},
        limit_{entries} {
    std::memset(static_cast<void*>(slots_), 0xff, (mask_ + 1) * sizeof(Slot));
  }
  ~IndexTable() { memory_.deallocate(slots_, (mask_ + 1) * sizeof(Slot), kLine); }
  IndexTable(const IndexTable&) = delete;
  IndexTable& operator=(const IndexTable&) = delete;

  std::uint32_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == limit_; }

  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[home(hash)]); }

  /// The first index stored under `hash` for which `is_it(index)` holds, or kNone.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::uint64_t at = home(hash); slots_[at].index != kNone; at = (at + 1) & mask_) {
      if (slots_[at].tag == tag && is_it(slots_[at].index)) return slots_[at].index;
    }
    return kNone;
  }

  /// The first index whose tag fits, unconfirmed: what a prefetch of the object should aim at.
  std::uint32_t likely(std::uint64_t hash) const noexcept {
    return find(hash, [](std::uint32_t) { return true; });
  }

  /// Precondition: not full(), and `index` is not stored under this hash yet.
  void insert(std::uint64_t hash, std::uint32_t index) noexcept {
    SMOL_CHECK(!full() && index != kNone);
    std::uint64_t at = home(hash);
    while (slots_[at].index != kNone) at = (at + 1) & mask_;
    slots_[at] = {tag_of(hash), index};
    ++size_;
  }

  /// Precondition: `index` is stored under `hash`.
  void erase(std::uint64_t hash, std::uint32_t index) noexcept {
    std::uint64_t hole = position(hash, index);
    for (std::uint64_t at = (hole + 1) & mask_; slots_[at].index != kNone; at = (at + 1) & mask_) {
      // An entry may move back into the hole unless its home lies behind the hole.
      if (((at - home(slots_[at].tag)) & mask_) >= ((at - hole) & mask_)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole].index = kNone;
    --size_;
  }

  /// Stores another index in place of one. Precondition: `from` is stored under `hash`.
  void replace(std::uint64_t hash, std::uint32_t from, std::uint32_t to) noexcept {
    slots_[position(hash, from)].index = to;
  }

 private:
  static constexpr std::size_t kLine = 64;

  struct Slot {
    std::uint32_t tag;
    std::uint32_t index;
  };

  static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash);
  }
  /// The home follows from the tag alone, so that erase() can move entries without their keys.
  std::uint64_t home(std::uint64_t hash) const noexcept { return tag_of(hash) & mask_; }

  std::uint64_t position(std::uint64_t hash, std::uint32_t index) const noexcept {
    // Both are compared: the same index may stand under another hash in the same run of slots.
    const std::uint32_t tag = tag_of(hash);
    std::uint64_t at = home(hash);
    while (slots_[at].index != index || slots_[at].tag != tag) {
      SMOL_CHECK(slots_[at].index != kNone);
      at = (at + 1) & mask_;
    }
    return at;
  }

  std::pmr::memory_resource& memory_;
  std::uint64_t mask_;
  Slot* slots_;
  std::uint32_t limit_;
  std::uint32_t size_ = 0;
};

}  // namespace smol
