#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/static_vector.hh"
#include "protocols/base/text.hh"

namespace smol {

// The messages of neighbour discovery (RFC 4861), each as a value. parse() takes the whole ICMPv6
// message in one piece, its type at offset 0 and of that kind (checked), and answers kNdMalformed
// for what sections 6.1, 7.1 and 8.1 refuse in it: a code other than 0, too few octets, an option
// of length zero, beyond the end or of the wrong length for its kind, a target that is multicast
// (or a mapped IPv4 address, which is none of IPv6). Unknown options are skipped; of one kind the
// first counts. The caller sees to what stands outside: hop limit 255, checksum, source and
// destination.
//
// emit() writes the whole message, message_len() octets with a zero checksum. Precondition: it
// fits.

/// "Who has this address?" (RFC 4861 section 4.3).
struct NeighborSolicitRepr {
  IpAddress target{};
  std::optional<MacAddress> source_mac{};  ///< none while the source is unspecified (section 7.1.1)

  static Result<NeighborSolicitRepr> parse(Bytes icmp_message) noexcept;
  constexpr std::size_t message_len() const noexcept { return 24 + (source_mac ? 8u : 0u); }
  void emit(MutBytes out) const noexcept;
  /// "ICMPv6 neighbor solicitation target=fdaa::1 slla=02:00:00:00:00:01"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const NeighborSolicitRepr&) const noexcept = default;
};

/// "I have this address" (RFC 4861 section 4.4).
struct NeighborAdvertRepr {
  bool router = false;
  bool solicited = false;
  bool override_ = false;  ///< replaces what the cache holds; the word without `_` is C++'s
  IpAddress target{};
  std::optional<MacAddress> target_mac{};

  static Result<NeighborAdvertRepr> parse(Bytes icmp_message) noexcept;
  constexpr std::size_t message_len() const noexcept { return 24 + (target_mac ? 8u : 0u); }
  void emit(MutBytes out) const noexcept;
  /// "ICMPv6 neighbor advertisement target=fdaa::1 solicited override tlla=02:00:00:00:00:01"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const NeighborAdvertRepr&) const noexcept = default;
};

/// "Which routers are there?" (RFC 4861 section 4.1).
struct RouterSolicitRepr {
  std::optional<MacAddress> source_mac{};

  static Result<RouterSolicitRepr> parse(Bytes icmp_message) noexcept;
  constexpr std::size_t message_len() const noexcept { return 8 + (source_mac ? 8u : 0u); }
  void emit(MutBytes out) const noexcept;
  /// "ICMPv6 router solicitation slla=02:00:00:00:00:01"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const RouterSolicitRepr&) const noexcept = default;
};

/// A prefix that a router announces (RFC 4861 section 4.6.2).
struct PrefixInformation {
  IpPrefix prefix{};                 ///< IPv6; bits beyond the length are kept, and mean nothing
  bool on_link = false;              ///< L: neighbours in it are reached without a router
  bool autonomous = false;           ///< A: addresses may be formed from it (RFC 4862)
  std::uint32_t valid_lifetime = 0;  ///< seconds; all ones: for ever
  std::uint32_t preferred_lifetime = 0;  ///< seconds; all ones: for ever

  constexpr bool operator==(const PrefixInformation&) const noexcept = default;
};

/// What a router tells its link (RFC 4861 section 4.2). Zero stands for "unspecified" in the hop
/// limit and in both times.
struct RouterAdvertRepr {
  static constexpr std::size_t kMaxPrefixes = 8;

  std::uint8_t cur_hop_limit = 0;
  bool managed = false;               ///< M: addresses by DHCPv6
  bool other_config = false;          ///< O: other things by DHCPv6
  std::uint16_t router_lifetime = 0;  ///< seconds; zero: not a default router
  std::uint32_t reachable_time = 0;   ///< milliseconds
  std::uint32_t retrans_timer = 0;    ///< milliseconds
  std::optional<MacAddress> source_mac{};
  std::optional<std::uint32_t> mtu{};  ///< as sent, whatever the link can do
  /// In the order of the message. parse() keeps the first 8 and passes over the others: what a
  /// stranger sends may not grow (RFC 6104).
  StaticVector<PrefixInformation, kMaxPrefixes> prefixes{};

  static Result<RouterAdvertRepr> parse(Bytes icmp_message) noexcept;
  constexpr std::size_t message_len() const noexcept {
    return 16 + (source_mac ? 8u : 0u) + (mtu ? 8u : 0u) + 32 * prefixes.size();
  }
  void emit(MutBytes out) const noexcept;
  /// "ICMPv6 router advertisement hop_limit=64 lifetime=1800 slla=... prefix=fdaa::/64 ..."
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const RouterAdvertRepr& other) const noexcept;
};

/// A better first hop for a destination (RFC 4861 section 4.5). The redirected header is skipped on
/// receipt and never written: hosts send no redirects.
struct RedirectRepr {
  IpAddress target{};  ///< link-local (a router), or the destination itself (on link)
  IpAddress destination{};
  std::optional<MacAddress> target_mac{};

  static Result<RedirectRepr> parse(Bytes icmp_message) noexcept;
  constexpr std::size_t message_len() const noexcept { return 40 + (target_mac ? 8u : 0u); }
  void emit(MutBytes out) const noexcept;
  /// "ICMPv6 redirect dst=2001:db8::9 target=fe80::1 tlla=02:00:00:00:00:01"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const RedirectRepr&) const noexcept = default;
};

constexpr bool RouterAdvertRepr::operator==(const RouterAdvertRepr& other) const noexcept {
  if (prefixes.size() != other.prefixes.size()) return false;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    if (!(prefixes[i] == other.prefixes[i])) return false;
  }
  return cur_hop_limit == other.cur_hop_limit && managed == other.managed &&
         other_config == other.other_config && router_lifetime == other.router_lifetime &&
         reachable_time == other.reachable_time && retrans_timer == other.retrans_timer &&
         source_mac == other.source_mac && mtu == other.mtu;
}

}  // namespace smol
