#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "protocols/base/bytes.hh"
#include "protocols/base/text.hh"

namespace smol {

/// IEEE 802 MAC address, in the order of the wire.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  static constexpr MacAddress broadcast() noexcept {
    return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  }
  /// From the first 6 octets of `b`. Precondition: there are 6.
  static constexpr MacAddress from(Bytes b) noexcept {
    return {{b[0], b[1], b[2], b[3], b[4], b[5]}};
  }
  /// "02:00:00:00:00:01"; nothing else is accepted.
  static std::optional<MacAddress> parse(std::string_view text) noexcept;
  void print(TextWriter& out) const noexcept;

  /// Group bit: multicast or broadcast.
  constexpr bool is_group() const noexcept { return (octets[0] & 1) != 0; }
  constexpr bool is_broadcast() const noexcept { return *this == broadcast(); }
  constexpr bool is_zero() const noexcept { return *this == MacAddress{}; }
  constexpr bool operator==(const MacAddress&) const noexcept = default;
};

enum class IpFamily : std::uint8_t { kIp4, kIp6 };

/// An IPv4 or IPv6 address: one type and one path for both. An IPv4 address is held in its mapped
/// form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), which may not appear on a wire as IPv6, so the
/// two families never meet. 16 octets in the order of the wire; hashing and comparing are two
/// words.
class IpAddress {
 public:
  /// The unspecified IPv6 address, "::".
  constexpr IpAddress() noexcept = default;

  /// `v`: host order, 0xc0a84501 is 192.168.69.1.
  static constexpr IpAddress v4(std::uint32_t v) noexcept {
    IpAddress out;
    out.octets_[10] = 0xff;
    out.octets_[11] = 0xff;
    put_be32(out.octets_, 12, v);
    return out;
  }
  static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                std::uint8_t d) noexcept {
    return v4(static_cast<std::uint32_t>(a) << 24 | static_cast<std::uint32_t>(b) << 16 |
              static_cast<std::uint32_t>(c) << 8 | d);
  }
  /// Precondition: `b` holds 4 octets from offset 0.
  static constexpr IpAddress v4(Bytes b) noexcept { return v4(be32(b, 0)); }
  /// Precondition: `b` holds 16 octets from offset 0.
  static constexpr IpAddress v6(Bytes b) noexcept {
    IpAddress out;
    if (std::is_constant_evaluated()) {
      for (std::size_t i = 0; i < 16; ++i) out.octets_[i] = b[i];
    } else {
      std::memcpy(out.octets_.data(), b.first(16).data(), 16);
    }
    return out;
  }
  /// Eight groups, as "fdaa:0:0:0:0:0:0:1" is v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1).
  static constexpr IpAddress v6(std::uint16_t a, std::uint16_t b, std::uint16_t c, std::uint16_t d,
                                std::uint16_t e, std::uint16_t f, std::uint16_t g,
                                std::uint16_t h) noexcept {
    IpAddress out;
    const std::array<std::uint16_t, 8> groups = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) put_be16(out.octets_, 2 * i, groups[i]);
    return out;
  }
  static constexpr IpAddress any(IpFamily family) noexcept {
    return family == IpFamily::kIp4 ? v4(0) : IpAddress{};
  }
  /// Dotted quad or RFC 4291 text; no zone, no prefix. An IPv6 text that spells a mapped address
  /// is refused: write the IPv4 one.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;
  /// RFC 5952 text, or dotted quad.
  void print(TextWriter& out) const noexcept;

  constexpr bool is_v4() const noexcept { return high() == 0 && be32(octets_, 8) == 0x0000ffff; }
  constexpr bool is_v6() const noexcept { return !is_v4(); }
  constexpr IpFamily family() const noexcept { return is_v4() ? IpFamily::kIp4 : IpFamily::kIp6; }
  /// Host order. Precondition: is_v4().
  constexpr std::uint32_t v4_value() const noexcept { return be32(octets_, 12); }
  /// The octets as on the wire of the own family: 4 or 16.
  constexpr Bytes wire() const noexcept {
    const Bytes all{octets_};
    return is_v4() ? all.subspan(12) : all;
  }
  /// All 16, mapped for IPv4.
  constexpr const std::array<std::uint8_t, 16>& octets() const noexcept { return octets_; }

  constexpr bool is_unspecified() const noexcept { return *this == any(family()); }
  constexpr bool is_loopback() const noexcept {
    return is_v4() ? octets_[12] == 127 : *this == v6(0, 0, 0, 0, 0, 0, 0, 1);
  }
  constexpr bool is_multicast() const noexcept {
    return is_v4() ? (octets_[12] & 0xf0) == 0xe0 : octets_[0] == 0xff;
  }
  /// 255.255.255.255. A directed broadcast is known only to the interface's addresses.
  constexpr bool is_limited_broadcast() const noexcept {
    return is_v4() && v4_value() == 0xffff'ffff;
  }
  /// 169.254/16 or fe80::/10.
  constexpr bool is_link_local() const noexcept {
    return is_v4() ? be16(octets_, 12) == 0xa9fe
                   : octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
  }
  /// Scope of an IPv6 multicast address (RFC 4291 section 2.7). Precondition: it is one.
  constexpr std::uint8_t multicast_scope() const noexcept { return octets_[1] & 0xf; }
  /// ff02::1:ffXX:XXXX for this address (RFC 4291 section 2.7.1). Precondition: is_v6().
  constexpr IpAddress solicited_node() const noexcept {
    return v6(0xff02, 0, 0, 0, 0, 1, static_cast<std::uint16_t>(0xff00 | octets_[13]),
              be16(octets_, 14));
  }
  /// The group MAC that a multicast address maps to (RFC 1112 section 6.4, RFC 2464 section 7).
  constexpr MacAddress multicast_mac() const noexcept {
    if (is_v4()) {
      return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(octets_[13] & 0x7f), octets_[14],
               octets_[15]}};
    }
    return {{0x33, 0x33, octets_[12], octets_[13], octets_[14], octets_[15]}};
  }

  constexpr bool operator==(const IpAddress& other) const noexcept {
    return high() == other.high() && low() == other.low();
  }
  constexpr std::strong_ordering operator<=>(const IpAddress& other) const noexcept {
    if (const auto order = high() <=> other.high(); order != 0) return order;
    return low() <=> other.low();
  }

  /// The two halves as numbers: for hashing and for prefix comparison.
  constexpr std::uint64_t high() const noexcept { return be64(octets_, 0); }
  constexpr std::uint64_t low() const noexcept { return be64(octets_, 8); }

 private:
  alignas(8) std::array<std::uint8_t, 16> octets_{};
};

/// An address with a prefix length: a subnet, a route's destination, an interface's address.
class IpPrefix {
 public:
  constexpr IpPrefix() noexcept = default;
  /// `length`: 0..32 for IPv4, 0..128 for IPv6 (checked). Host bits of `address` are kept.
  constexpr IpPrefix(IpAddress address, unsigned length) noexcept
      : address_{address}, length_{static_cast<std::uint8_t>(length)} {
    SMOL_CHECK(length <= max_length(address.family()));
  }
  /// "192.168.69.1/24", "fdaa::1/64"; a plain address is its own /32 or /128.
  static std::optional<IpPrefix> parse(std::string_view text) noexcept;
  void print(TextWriter& out) const noexcept;

  static constexpr unsigned max_length(IpFamily family) noexcept {
    return family == IpFamily::kIp4 ? 32 : 128;
  }

  constexpr const IpAddress& address() const noexcept { return address_; }
  constexpr unsigned length() const noexcept { return length_; }
  /// Length counted over the 128 mapped bits: 96 more for IPv4.
  constexpr unsigned mapped_length() const noexcept {
    return length_ + (address_.is_v4() ? 96u : 0u);
  }
  /// Never true across families: ::/0 holds no IPv4 address, though the mapped form begins with
  /// zeros.
  constexpr bool contains(const IpAddress& other) const noexcept {
    return address_.family() == other.family() && common_bits(address_, other) >= mapped_length();
  }
  /// The address with its host bits cleared.
  IpAddress network() const noexcept;
  /// The directed broadcast address; none for IPv6 and for /31 and /32 (RFC 3021).
  std::optional<IpAddress> broadcast() const noexcept;
  constexpr bool operator==(const IpPrefix&) const noexcept = default;

  /// How many leading bits two addresses share, 0..128, over their mapped forms.
  static constexpr unsigned common_bits(const IpAddress& a, const IpAddress& b) noexcept {
    const std::uint64_t high = a.high() ^ b.high();
    if (high != 0) return static_cast<unsigned>(__builtin_clzll(high));
    const std::uint64_t low = a.low() ^ b.low();
    return low != 0 ? 64u + static_cast<unsigned>(__builtin_clzll(low)) : 128u;
  }

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

/// Address and port, host order.
struct IpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.168.69.1:80" or "[fdaa::1]:80".
  static std::optional<IpEndpoint> parse(std::string_view text) noexcept;
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const IpEndpoint&) const noexcept = default;
};

}  // namespace smol
