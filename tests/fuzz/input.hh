#pragma once

#include <algorithm>
#include <cstdint>

#include "protocols/base/bytes.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"

namespace smol::fuzz {

/// The input of a target that is a program rather than a packet: numbers, taken from its front.
/// Once all is taken there are only zeros.
class Input {
 public:
  explicit Input(Bytes octets) noexcept : rest_{octets} {}

  bool empty() const noexcept { return rest_.empty(); }
  std::uint8_t u8() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t out = rest_.front();
    rest_ = rest_.subspan(1);
    return out;
  }
  std::uint16_t u16() noexcept {
    const auto high = static_cast<std::uint16_t>(u8() << 8);
    return static_cast<std::uint16_t>(high | u8());
  }
  std::uint32_t u32() noexcept {
    const auto high = std::uint32_t{u16()} << 16;
    return high | u16();
  }
  bool flag() noexcept { return (u8() & 1) != 0; }
  /// 0 .. n - 1.
  std::uint32_t below(std::uint32_t n) noexcept { return (n <= 256 ? u8() : u16()) % n; }
  Bytes take(std::size_t n) noexcept {
    const Bytes out = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }
  /// An octet reaches from a microsecond to some hours: the times that a stack waits for.
  Duration time() noexcept {
    const std::uint8_t octet = u8();
    return microseconds(1 + (octet & 7)) * (std::int64_t{1} << (octet >> 3));
  }
  /// Near `mark`: on it, a few numbers or a segment off, a window, half the circle.
  SeqNumber near(SeqNumber mark) noexcept {
    const auto small = static_cast<std::uint32_t>(static_cast<std::int8_t>(u8()));
    switch (u8() % 8) {
      case 0:
        return mark + small;
      case 1:
        return mark + small * 1000u;
      case 2:
        return mark + small * 65'536u;
      case 3:
        return mark + (0x8000'0000u + small);
      default:
        return mark;
    }
  }

 private:
  Bytes rest_;
};

}  // namespace smol::fuzz
