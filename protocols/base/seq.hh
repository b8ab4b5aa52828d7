#pragma once

#include <cstdint>

namespace smol {

/// A TCP sequence number (RFC 9293 section 3.4): a point on a circle of 2^32. "Less" is no order on
/// a circle, so there is no operator<: before() compares two points less than 2^31 apart.
struct SeqNumber {
  std::uint32_t raw = 0;

  constexpr bool operator==(const SeqNumber&) const noexcept = default;
  constexpr bool before(SeqNumber other) const noexcept { return distance(other) > 0; }
  constexpr bool after(SeqNumber other) const noexcept { return other.before(*this); }
  constexpr bool at_or_before(SeqNumber other) const noexcept { return !after(other); }
  constexpr bool at_or_after(SeqNumber other) const noexcept { return !before(other); }
  /// Octets from here forward to `to`; negative when `to` lies behind.
  constexpr std::int32_t distance(SeqNumber to) const noexcept {
    return static_cast<std::int32_t>(to.raw - raw);
  }
  /// Octets from here forward to `to`. Precondition: at_or_before(to).
  constexpr std::uint32_t until(SeqNumber to) const noexcept { return to.raw - raw; }

  constexpr SeqNumber operator+(std::uint32_t n) const noexcept { return {raw + n}; }
  constexpr SeqNumber operator-(std::uint32_t n) const noexcept { return {raw - n}; }
  constexpr SeqNumber& operator+=(std::uint32_t n) noexcept {
    raw += n;
    return *this;
  }
};

constexpr SeqNumber earlier(SeqNumber a, SeqNumber b) noexcept {
  return a.before(b) ? a : b;
}
constexpr SeqNumber later(SeqNumber a, SeqNumber b) noexcept {
  return a.before(b) ? b : a;
}

}  // namespace smol
