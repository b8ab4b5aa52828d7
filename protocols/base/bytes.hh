#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "protocols/base/check.hh"

namespace smol {

/// Octets that somebody else owns. Valid as long as the owner says.
using Bytes = std::span<const std::uint8_t>;
using MutBytes = std::span<std::uint8_t>;

// Reads and writes in network order at an offset. Precondition: the span holds it; a view checks
// its length once, in parse(), and reads through these afterwards.

constexpr std::uint8_t u8(Bytes b, std::size_t at) noexcept {
  return b[at];
}

constexpr std::uint16_t be16(Bytes b, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(b[at] << 8 | b[at + 1]);
}

// Wider words are one load and a swap: put together from octets they are so only where a compiler
// sees that they can be.
constexpr std::uint32_t be32(Bytes b, std::size_t at) noexcept {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
    return static_cast<std::uint32_t>(be16(b, at)) << 16 | be16(b, at + 2);
  }
  std::uint32_t word = 0;
  std::memcpy(&word, b.subspan(at, sizeof word).data(), sizeof word);
  return __builtin_bswap32(word);
}

constexpr std::uint64_t be64(Bytes b, std::size_t at) noexcept {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
    return static_cast<std::uint64_t>(be32(b, at)) << 32 | be32(b, at + 4);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, b.subspan(at, sizeof word).data(), sizeof word);
  return __builtin_bswap64(word);
}

constexpr void put_u8(MutBytes b, std::size_t at, std::uint8_t v) noexcept {
  b[at] = v;
}

constexpr void put_be16(MutBytes b, std::size_t at, std::uint16_t v) noexcept {
  b[at] = static_cast<std::uint8_t>(v >> 8);
  b[at + 1] = static_cast<std::uint8_t>(v);
}

constexpr void put_be32(MutBytes b, std::size_t at, std::uint32_t v) noexcept {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
    put_be16(b, at, static_cast<std::uint16_t>(v >> 16));
    put_be16(b, at + 2, static_cast<std::uint16_t>(v));
    return;
  }
  // One store: clang 14 leaves four stores of octets when the word was put together from parts.
  const std::uint32_t swapped = __builtin_bswap32(v);
  std::memcpy(b.subspan(at, sizeof swapped).data(), &swapped, sizeof swapped);
}

/// Copies all of `from` to the front of `to`. Precondition: it fits. Empty spans are fine.
inline void copy_bytes(MutBytes to, Bytes from) noexcept {
  SMOL_CHECK(from.size() <= to.size());
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

/// Reads a header front to back. Reading past the end yields zero and makes ok() false for good, so
/// a parser reads everything first and asks once.
class Reader {
 public:
  constexpr explicit Reader(Bytes bytes) noexcept : rest_{bytes} {}

  constexpr bool ok() const noexcept { return ok_; }
  constexpr std::size_t remaining() const noexcept { return rest_.size(); }
  constexpr Bytes rest() const noexcept { return rest_; }

  constexpr std::uint8_t u8() noexcept {
    const Bytes b = take(1);
    return b.empty() ? std::uint8_t{0} : b[0];
  }
  constexpr std::uint16_t be16() noexcept {
    const Bytes b = take(2);
    return b.empty() ? std::uint16_t{0} : smol::be16(b, 0);
  }
  constexpr std::uint32_t be32() noexcept {
    const Bytes b = take(4);
    return b.empty() ? std::uint32_t{0} : smol::be32(b, 0);
  }
  /// The next n octets; empty when fewer are left (n > 0).
  constexpr Bytes take(std::size_t n) noexcept {
    if (n > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const Bytes out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }

 private:
  Bytes rest_;
  bool ok_ = true;
};

/// Writes a header front to back. Precondition of every write: it fits; emit() sizes the span
/// first.
class Writer {
 public:
  constexpr explicit Writer(MutBytes out) noexcept : out_{out} {}

  constexpr std::size_t written() const noexcept { return at_; }
  constexpr std::size_t remaining() const noexcept { return out_.size() - at_; }

  constexpr Writer& u8(std::uint8_t v) noexcept {
    put_u8(claim(1), 0, v);
    return *this;
  }
  constexpr Writer& be16(std::uint16_t v) noexcept {
    put_be16(claim(2), 0, v);
    return *this;
  }
  constexpr Writer& be32(std::uint32_t v) noexcept {
    put_be32(claim(4), 0, v);
    return *this;
  }
  constexpr Writer& bytes(Bytes b) noexcept {
    const MutBytes to = claim(b.size());
    if (std::is_constant_evaluated()) {
      for (std::size_t i = 0; i < b.size(); ++i) to[i] = b[i];
    } else {
      copy_bytes(to, b);
    }
    return *this;
  }
  /// Zeroes what is left: nothing of a recycled buffer leaves the machine.
  constexpr void zero_fill() noexcept {
    for (std::uint8_t& octet : claim(remaining())) octet = 0;
  }

 private:
  constexpr MutBytes claim(std::size_t n) noexcept {
    SMOL_CHECK(n <= remaining());
    at_ += n;
    return out_.subspan(at_ - n, n);
  }

  MutBytes out_;
  std::size_t at_ = 0;
};

}  // namespace smol
