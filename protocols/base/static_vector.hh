#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "protocols/base/check.hh"

namespace smol {

/// A vector with room for N values inside itself. T is a plain value type.
template <class T, std::size_t N>
class StaticVector {
 public:
  constexpr StaticVector() noexcept {}  // the room is left as it is
  constexpr StaticVector(const StaticVector& other) noexcept { *this = other; }
  constexpr StaticVector& operator=(const StaticVector& other) noexcept {
    size_ = other.size_;
    for (std::uint32_t i = 0; i < size_; ++i) values_[i] = other.values_[i];
    return *this;
  }
  constexpr StaticVector(std::initializer_list<T> values) noexcept {
    for (const T& value : values) push_back(value);
  }

  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr bool full() const noexcept { return size_ == N; }
  constexpr std::size_t size() const noexcept { return size_; }
  static constexpr std::size_t capacity() noexcept { return N; }
  constexpr void clear() noexcept { size_ = 0; }

  /// Precondition: not full().
  constexpr void push_back(const T& value) noexcept {
    SMOL_CHECK(!full());
    values_[size_++] = value;
  }
  /// Order is not kept: the last takes its place.
  constexpr void erase_unordered(std::size_t at) noexcept {
    SMOL_CHECK(at < size_);
    values_[at] = values_[--size_];
  }

  constexpr T& operator[](std::size_t at) noexcept { return values_[at]; }
  constexpr const T& operator[](std::size_t at) const noexcept { return values_[at]; }
  constexpr T* begin() noexcept { return values_.data(); }
  constexpr T* end() noexcept { return values_.data() + size_; }
  constexpr const T* begin() const noexcept { return values_.data(); }
  constexpr const T* end() const noexcept { return values_.data() + size_; }

 private:
  std::array<T, N> values_;
  std::uint32_t size_ = 0;
};

}  // namespace smol
