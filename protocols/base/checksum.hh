#pragma once

#include <cstdint>

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
  constexpr std::uint16_t folded() const noexcept {
    std::uint64_t s = sum_;
    s = (s & 0xffff'ffff) + (s >> 32);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return static_cast<std::uint16_t>(s);
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

/// The sum over `b`, an odd last octet padded with zero. AVX2 where the machine has it, else 64-bit
/// words; O(n).
InternetSum internet_sum(Bytes b) noexcept;

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
