#pragma once

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/random.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// So that a failing test says "tcp_bad_option", not a number.
inline void PrintTo(Drop drop, std::ostream* out) {
  *out << name(drop);
}

using Octets = std::vector<std::uint8_t>;

/// "4500 0073 ..." as octets; blanks are for the reader.
inline Octets hex(std::string_view text) {
  Octets out;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    out.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return out;
}

inline Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A copy in a heap block of exactly that size: AddressSanitizer sees every octet read beyond it.
class Exact {
 public:
  explicit Exact(Bytes from) : octets_(from.begin(), from.end()) { octets_.shrink_to_fit(); }
  operator Bytes() const { return octets_; }  // NOLINT: stands for the octets

 private:
  Octets octets_;
};

/// What emit() writes. It must write all of the `len` octets, whatever was there, and none beyond.
template <class Repr>
Octets emitted(const Repr& repr, std::size_t len) {
  Octets zeros(len + 8, 0x00);
  Octets ones(len + 8, 0xff);
  repr.emit(zeros);
  repr.emit(ones);
  const auto end = static_cast<std::ptrdiff_t>(len);
  EXPECT_TRUE(std::equal(zeros.begin(), zeros.begin() + end, ones.begin()))
      << "octets are left as they were";
  EXPECT_EQ(Octets(zeros.begin() + end, zeros.end()), Octets(8, 0x00)) << "wrote too much";
  EXPECT_EQ(Octets(ones.begin() + end, ones.end()), Octets(8, 0xff)) << "wrote too much";
  zeros.resize(len);
  return zeros;
}

template <class Repr>
Octets emitted(const Repr& repr) {
  return emitted(repr, repr.header_len());
}

template <class T>
std::string printed(const T& value) {
  Text<2048> out;
  value.print(out);
  EXPECT_FALSE(out.truncated());
  return std::string{out.view()};
}

/// The reason of a parse that must have failed.
template <class T>
Drop reason(const Result<T>& result) {
  EXPECT_FALSE(result.has_value()) << "was taken";
  return result ? static_cast<Drop>(kDropCount) : result.error();
}

inline IpAddress at(std::string_view text) {
  return IpAddress::parse(text).value();
}
inline MacAddress mac(std::string_view text) {
  return MacAddress::parse(text).value();
}

// --- Random values
// ----------------------------------------------------------------------------------

inline std::uint8_t any8(Rng& rng) {
  return static_cast<std::uint8_t>(rng.next());
}
inline std::uint16_t any16(Rng& rng) {
  return static_cast<std::uint16_t>(rng.next());
}
inline std::uint32_t any32(Rng& rng) {
  return static_cast<std::uint32_t>(rng.next());
}
inline bool any_bool(Rng& rng) {
  return rng.below(2) == 0;
}

inline MacAddress any_mac(Rng& rng) {
  MacAddress out;
  for (std::uint8_t& octet : out.octets) octet = any8(rng);
  return out;
}
inline MacAddress any_host_mac(Rng& rng) {
  MacAddress out = any_mac(rng);
  out.octets[0] = static_cast<std::uint8_t>(out.octets[0] & 0xfe);
  return out;
}
inline IpAddress any_v4(Rng& rng) {
  return IpAddress::v4(any32(rng));
}
inline IpAddress any_v6(Rng& rng) {
  std::array<std::uint8_t, 16> octets{};
  for (std::uint8_t& octet : octets) octet = any8(rng);
  octets[0] = 0x20;  // neither multicast nor a mapped address
  return IpAddress::v6(octets);
}

}  // namespace smol
