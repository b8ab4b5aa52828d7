#pragma once

#include <cstdint>

namespace smol {

/// A FIFO of table indices through a link in each object: no memory of its own, each object in it
/// at most once. `Link` maps an index to the object's link field.
class IndexFifo {
 public:
  static constexpr std::uint32_t kEnd = 0xffff'ffff;      ///< end of the list
  static constexpr std::uint32_t kOutside = 0xffff'fffe;  ///< value of a link that is in no list

  bool empty() const noexcept { return head_ == kEnd; }

  template <class Link>
  void push_back(std::uint32_t index, Link&& link) noexcept {
    std::uint32_t& own = link(index);
    if (own != kOutside) return;
    own = kEnd;
    (head_ == kEnd ? head_ : link(tail_)) = index;
    tail_ = index;
    ++size_;
  }
  /// Precondition: not empty().
  template <class Link>
  std::uint32_t pop_front(Link&& link) noexcept {
    const std::uint32_t index = head_;
    head_ = link(index);
    link(index) = kOutside;
    --size_;
    return index;
  }
  /// Takes one out of the middle. O(length): for closing things, not for packets.
  template <class Link>
  void remove(std::uint32_t index, Link&& link) noexcept {
    if (link(index) == kOutside) return;
    std::uint32_t before = kEnd;
    std::uint32_t* at = &head_;
    while (*at != index) {
      before = *at;
      at = &link(*at);
    }
    *at = link(index);
    if (tail_ == index) tail_ = before;
    link(index) = kOutside;
    --size_;
  }
  std::uint32_t size() const noexcept { return size_; }

 private:
  std::uint32_t head_ = kEnd;
  std::uint32_t tail_ = kEnd;
  std::uint32_t size_ = 0;
};

}  // namespace smol
