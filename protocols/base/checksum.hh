#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"

namespace smol {

/// A partial Internet checksum (RFC 1071): the ones' complement sum of 16-bit words, not yet
/// complemented. Sums add up in any order; a piece at an odd offset is added with add_odd().
class InternetSum {
 public:
  constexpr InternetSum() noexcept = default;
  constexpr explicit InternetSum(std::uint16_t folded) noexcept : sum_{folded} {}

  constexpr InternetSum& add(InternetSum other) noexcept {
    sum_ += other.folded();
    return *this;
  }
  /// A piece that begins at an odd octet of the message: its octets change places.
  constexpr InternetSum& add_odd(InternetSum other) noexcept {
    const std::uint16_t f = other.folded();
    sum_ += static_cast<std::uint16_t>(f << 8 | f >> 8);
    return *this;
  }
  /// A 16-bit word in host order.
  constexpr InternetSum& add_word(std::uint16_t word) noexcept {
    sum_ += word;
    return *this;
  }
  constexpr InternetSum& add_dword(std::uint32_t word) noexcept {
    sum_ += (word >> 16) + (word & 0xffff);
    return *this;
  }
  /// The sum in 16 bits, host order of the big-endian words.
  constexpr std::uint16_t folded() const noexcept { return fold(sum_); }
  /// 64 bits of words, in 16.
  static constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
    // Added to itself with its halves the other way round, a word has in its upper half the sum of
    // both, the carry taken around.
    const std::uint64_t once = sum + (sum << 32 | sum >> 32);
    const auto half = static_cast<std::uint32_t>(once >> 32);
    const std::uint32_t twice = half + (half << 16 | half >> 16);
    return static_cast<std::uint16_t>(twice >> 16);
  }
  /// The value for the checksum field.
  constexpr std::uint16_t checksum() const noexcept {
    return static_cast<std::uint16_t>(~folded());
  }
  /// True for a message summed together with its own checksum field, if nothing was damaged.
  constexpr bool verifies() const noexcept { return folded() == 0xffff; }

 private:
  std::uint64_t sum_ = 0;
};

namespace detail {

/// Below this the set-up of a wide path costs more than it saves.
constexpr std::size_t kWideFrom = 128;

/// The ones' complement sum of two: a carry out of 64 bits counts as one.
constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t sum = a + b;
  return sum + (sum < b ? 1 : 0);
}

/// Sums n octets in words of 64 bits, in the machine's order; with kCopy, stores them at `to` too.
template <bool kCopy>
inline std::uint64_t sum_words(std::uint8_t* to, const std::uint8_t* p, std::size_t n) noexcept {
  std::uint64_t sum = 0;
  const auto take = [&](auto word) {
    std::memcpy(&word, p, sizeof word);
    if constexpr (kCopy) {
      std::memcpy(to, &word, sizeof word);
      to += sizeof word;
    }
    p += sizeof word;
    sum = plus(sum, word);
  };
  for (; n >= 8; n -= 8) take(std::uint64_t{});
  if ((n & 4) != 0) take(std::uint32_t{});
  if ((n & 2) != 0) take(std::uint16_t{});
  if ((n & 1) != 0) take(std::uint8_t{});
  return sum;
}

/// Such a sum, brought to 16 bits and to the order of the wire.
constexpr InternetSum from_native(std::uint64_t sum) noexcept {
  static_assert(std::endian::native == std::endian::little);
  const std::uint16_t folded = InternetSum::fold(sum);
  return InternetSum{static_cast<std::uint16_t>(folded << 8 | folded >> 8)};
}

InternetSum long_sum(Bytes b) noexcept;

}  // namespace detail

/// The sum over `b`, an odd last octet padded with zero. AVX2 where the machine has it, else 64-bit
/// words; O(n).
inline InternetSum internet_sum(Bytes b) noexcept {
  if (b.size() >= detail::kWideFrom) return detail::long_sum(b);
  return detail::from_native(detail::sum_words<false>(nullptr, b.data(), b.size()));
}

/// Copies `from` to the front of `to` and sums it on the way: one pass over memory instead of two.
/// Precondition: it fits, and the two do not overlap.
InternetSum copy_and_sum(MutBytes to, Bytes from) noexcept;

/// The pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 section 3.1, RFC 8200 section 8.1).
/// Precondition: both addresses are of one family. `length`: transport header and payload.
constexpr InternetSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                        std::uint8_t protocol, std::uint32_t length) noexcept {
  InternetSum sum;
  // The 0xffff of a mapped IPv4 address is zero to a ones' complement sum, but for an all-zero
  // message: the family is asked so that the value is exact too.
  if (source.is_v4()) {
    sum.add_dword(source.v4_value()).add_dword(destination.v4_value());
  } else {
    for (const IpAddress* address : {&source, &destination}) {
      for (const std::uint64_t half : {address->high(), address->low()}) {
        sum.add_dword(static_cast<std::uint32_t>(half >> 32))
            .add_dword(static_cast<std::uint32_t>(half));
      }
    }
  }
  return sum.add_word(protocol).add_dword(length);
}

}  // namespace smol
