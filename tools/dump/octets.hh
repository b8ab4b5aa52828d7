#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocols/base/bytes.hh"

namespace smol::dump {

/// Thrown where a printer needs an octet that the capture does not hold: the line then ends in
/// "[|tcp]" or whatever protocol it was at. What was printed so far stays.
struct Cut {
  /// Whether -x, -X and -A still leave out the link header, as they do of a whole packet. What a
  /// printer looks for before it begins keeps it so; what is missing later does not.
  bool keeps_link_header = false;
};

/// What was captured of a packet from some header on: a printer's only door to octets. A strict
/// view refuses a broken header as a whole; this one lets as much of it be printed as there is.
/// Borrowed. Everything that reads throws Cut past the end, and nothing reads out of bounds.
class Octets {
 public:
  Octets() noexcept = default;
  explicit Octets(Bytes have) noexcept : have_{have} {}

  std::size_t size() const noexcept { return have_.size(); }
  bool empty() const noexcept { return have_.empty(); }
  /// Whether `n` octets from `at` on were captured.
  bool holds(std::size_t at, std::size_t n) const noexcept {
    return at <= have_.size() && n <= have_.size() - at;
  }
  void need(std::size_t at, std::size_t n) const {
    if (!holds(at, n)) throw Cut{};
  }
  /// The same where the packet is looked at before more is printed: see Cut.
  void need_first(std::size_t n) const {
    if (!holds(0, n)) throw Cut{true};
  }

  std::uint8_t u8(std::size_t at) const {
    need(at, 1);
    return smol::u8(have_, at);
  }
  std::uint16_t be16(std::size_t at) const {
    need(at, 2);
    return smol::be16(have_, at);
  }
  std::uint32_t be24(std::size_t at) const {
    need(at, 3);
    return static_cast<std::uint32_t>(smol::be16(have_, at)) << 8 | smol::u8(have_, at + 2);
  }
  std::uint32_t be32(std::size_t at) const {
    need(at, 4);
    return smol::be32(have_, at);
  }
  std::uint64_t be64(std::size_t at) const {
    need(at, 8);
    return smol::be64(have_, at);
  }
  /// Exactly `n` octets from `at` on.
  Bytes bytes(std::size_t at, std::size_t n) const {
    need(at, n);
    return have_.subspan(at, n);
  }

  /// All there is.
  Bytes all() const noexcept { return have_; }
  /// What follows the first `n`; empty past the end.
  Octets from(std::size_t n) const noexcept {
    return Octets{have_.subspan(std::min(n, have_.size()))};
  }
  /// At most the first `n`.
  Octets first(std::size_t n) const noexcept {
    return Octets{have_.first(std::min(n, have_.size()))};
  }

 private:
  Bytes have_;
};

}  // namespace smol::dump
