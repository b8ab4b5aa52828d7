#include "protocols/wire/nd.hh"

#include <string_view>

#include "protocols/wire/icmpv6.hh"

namespace smol {
namespace {

constexpr std::uint8_t kSourceLinkAddress = 1;
constexpr std::uint8_t kTargetLinkAddress = 2;
constexpr std::uint8_t kPrefixInformation = 3;
constexpr std::uint8_t kMtu = 5;

constexpr std::size_t kSolicitRouterLen = 8;
constexpr std::size_t kAdvertRouterLen = 16;
constexpr std::size_t kNeighborLen = 24;
constexpr std::size_t kRedirectLen = 40;

/// What all five have in common: enough octets, the type asked for, code 0.
bool is_message(Bytes message, Icmp6Type type, std::size_t min_len) noexcept {
  return message.size() >= min_len && u8(message, 0) == static_cast<std::uint8_t>(type) &&
         u8(message, 1) == 0;
}

/// Calls `use(kind, option)` with each whole option, header included, for as long as it answers
/// true. False if one has length zero, does not fit, or was not to the liking of `use` (RFC 4861
/// section 4.6).
template <class Use>
bool each_option(Bytes options, Use&& use) noexcept {
  while (!options.empty()) {
    if (options.size() < 8) return false;
    const std::size_t len = 8u * u8(options, 1);
    if (len == 0 || len > options.size()) return false;
    if (!use(u8(options, 0), options.first(len))) return false;
    options = options.subspan(len);
  }
  return true;
}

/// Six octets on Ethernet, so exactly one unit of 8 (RFC 2464 section 6).
bool take_mac(Bytes option, std::optional<MacAddress>& out) noexcept {
  if (option.size() != 8) return false;
  if (!out) out = MacAddress::from(option.subspan(2));
  return true;
}

/// The only option of interest in a message is a link address of `wanted` kind.
bool take_link_address(Bytes options, std::uint8_t wanted,
                       std::optional<MacAddress>& out) noexcept {
  return each_option(options, [&](std::uint8_t kind, Bytes option) {
    return kind != wanted || take_mac(option, out);
  });
}

/// An IPv6 address that can be asked for. A mapped IPv4 address would pass for one of the other
/// family in the neighbour cache.
bool is_unicast_target(const IpAddress& address) noexcept {
  return address.is_v6() && !address.is_multicast();
}

void put_header(Writer& w, Icmp6Type type) noexcept {
  w.u8(static_cast<std::uint8_t>(type)).u8(0).be16(0);
}

void put_mac(Writer& w, std::uint8_t kind, const std::optional<MacAddress>& mac) noexcept {
  if (mac) w.u8(kind).u8(1).bytes(mac->octets);
}

void print_mac(TextWriter& out, std::string_view label,
               const std::optional<MacAddress>& mac) noexcept {
  if (!mac) return;
  out.put(label);
  mac->print(out);
}

}  // namespace

Result<NeighborSolicitRepr> NeighborSolicitRepr::parse(Bytes icmp_message) noexcept {
  if (!is_message(icmp_message, Icmp6Type::kNeighborSolicit, kNeighborLen)) {
    return fail(Drop::kNdMalformed);
  }
  NeighborSolicitRepr out;
  out.target = IpAddress::v6(icmp_message.subspan(8));
  if (!is_unicast_target(out.target) ||
      !take_link_address(icmp_message.subspan(kNeighborLen), kSourceLinkAddress, out.source_mac)) {
    return fail(Drop::kNdMalformed);
  }
  return out;
}

void NeighborSolicitRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(message_len())};
  put_header(w, Icmp6Type::kNeighborSolicit);
  w.be32(0).bytes(target.octets());
  put_mac(w, kSourceLinkAddress, source_mac);
}

void NeighborSolicitRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 neighbor solicitation target=");
  target.print(out);
  print_mac(out, " slla=", source_mac);
}

Result<NeighborAdvertRepr> NeighborAdvertRepr::parse(Bytes icmp_message) noexcept {
  if (!is_message(icmp_message, Icmp6Type::kNeighborAdvert, kNeighborLen)) {
    return fail(Drop::kNdMalformed);
  }
  NeighborAdvertRepr out;
  const std::uint8_t flags = u8(icmp_message, 4);
  out.router = (flags & 0x80) != 0;
  out.solicited = (flags & 0x40) != 0;
  out.override_ = (flags & 0x20) != 0;
  out.target = IpAddress::v6(icmp_message.subspan(8));
  if (!is_unicast_target(out.target) ||
      !take_link_address(icmp_message.subspan(kNeighborLen), kTargetLinkAddress, out.target_mac)) {
    return fail(Drop::kNdMalformed);
  }
  return out;
}

void NeighborAdvertRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(message_len())};
  put_header(w, Icmp6Type::kNeighborAdvert);
  const std::uint32_t flags = (router ? 0x8000'0000u : 0u) | (solicited ? 0x4000'0000u : 0u) |
                              (override_ ? 0x2000'0000u : 0u);
  w.be32(flags).bytes(target.octets());
  put_mac(w, kTargetLinkAddress, target_mac);
}

void NeighborAdvertRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 neighbor advertisement target=");
  target.print(out);
  if (router) out.put(" router");
  if (solicited) out.put(" solicited");
  if (override_) out.put(" override");
  print_mac(out, " tlla=", target_mac);
}

Result<RouterSolicitRepr> RouterSolicitRepr::parse(Bytes icmp_message) noexcept {
  RouterSolicitRepr out;
  if (!is_message(icmp_message, Icmp6Type::kRouterSolicit, kSolicitRouterLen) ||
      !take_link_address(icmp_message.subspan(kSolicitRouterLen), kSourceLinkAddress,
                         out.source_mac)) {
    return fail(Drop::kNdMalformed);
  }
  return out;
}

void RouterSolicitRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(message_len())};
  put_header(w, Icmp6Type::kRouterSolicit);
  w.be32(0);
  put_mac(w, kSourceLinkAddress, source_mac);
}

void RouterSolicitRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 router solicitation");
  print_mac(out, " slla=", source_mac);
}

namespace {

bool take_prefix(Bytes option, RouterAdvertRepr& out) noexcept {
  if (option.size() != 32) return false;
  const unsigned length = u8(option, 2);
  const IpAddress prefix = IpAddress::v6(option.subspan(16));
  if (prefix.is_v4() || length > IpPrefix::max_length(IpFamily::kIp6)) return false;
  if (out.prefixes.full()) return true;
  const std::uint8_t flags = u8(option, 3);
  out.prefixes.push_back({IpPrefix{prefix, length}, (flags & 0x80) != 0, (flags & 0x40) != 0,
                          be32(option, 4), be32(option, 8)});
  return true;
}

bool take_mtu(Bytes option, RouterAdvertRepr& out) noexcept {
  if (option.size() != 8) return false;
  if (!out.mtu) out.mtu = be32(option, 4);
  return true;
}

}  // namespace

Result<RouterAdvertRepr> RouterAdvertRepr::parse(Bytes icmp_message) noexcept {
  if (!is_message(icmp_message, Icmp6Type::kRouterAdvert, kAdvertRouterLen)) {
    return fail(Drop::kNdMalformed);
  }
  RouterAdvertRepr out;
  out.cur_hop_limit = u8(icmp_message, 4);
  out.managed = (u8(icmp_message, 5) & 0x80) != 0;
  out.other_config = (u8(icmp_message, 5) & 0x40) != 0;
  out.router_lifetime = be16(icmp_message, 6);
  out.reachable_time = be32(icmp_message, 8);
  out.retrans_timer = be32(icmp_message, 12);
  const bool good =
      each_option(icmp_message.subspan(kAdvertRouterLen), [&](std::uint8_t kind, Bytes option) {
        if (kind == kSourceLinkAddress) return take_mac(option, out.source_mac);
        if (kind == kPrefixInformation) return take_prefix(option, out);
        if (kind == kMtu) return take_mtu(option, out);
        return true;
      });
  if (!good) return fail(Drop::kNdMalformed);
  return out;
}

void RouterAdvertRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(message_len())};
  put_header(w, Icmp6Type::kRouterAdvert);
  w.u8(cur_hop_limit);
  w.u8(static_cast<std::uint8_t>((managed ? 0x80 : 0) | (other_config ? 0x40 : 0)));
  w.be16(router_lifetime).be32(reachable_time).be32(retrans_timer);
  put_mac(w, kSourceLinkAddress, source_mac);
  if (mtu) w.u8(kMtu).u8(1).be16(0).be32(*mtu);
  for (const PrefixInformation& each : prefixes) {
    w.u8(kPrefixInformation).u8(4).u8(static_cast<std::uint8_t>(each.prefix.length()));
    w.u8(static_cast<std::uint8_t>((each.on_link ? 0x80 : 0) | (each.autonomous ? 0x40 : 0)));
    w.be32(each.valid_lifetime).be32(each.preferred_lifetime).be32(0);
    w.bytes(each.prefix.address().octets());
  }
}

void RouterAdvertRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 router advertisement hop_limit=").dec(cur_hop_limit);
  out.put(" lifetime=").dec(router_lifetime);
  if (managed) out.put(" managed");
  if (other_config) out.put(" other");
  if (reachable_time != 0) out.put(" reachable=").dec(reachable_time);
  if (retrans_timer != 0) out.put(" retrans=").dec(retrans_timer);
  print_mac(out, " slla=", source_mac);
  if (mtu) out.put(" mtu=").dec(*mtu);
  for (const PrefixInformation& each : prefixes) {
    out.put(" prefix=");
    each.prefix.print(out);
    if (each.on_link) out.put(",onlink");
    if (each.autonomous) out.put(",auto");
    out.put(",valid=").dec(each.valid_lifetime);
    out.put(",preferred=").dec(each.preferred_lifetime);
  }
}

Result<RedirectRepr> RedirectRepr::parse(Bytes icmp_message) noexcept {
  if (!is_message(icmp_message, Icmp6Type::kRedirect, kRedirectLen)) {
    return fail(Drop::kNdMalformed);
  }
  RedirectRepr out;
  out.target = IpAddress::v6(icmp_message.subspan(8));
  out.destination = IpAddress::v6(icmp_message.subspan(24));
  if (!is_unicast_target(out.target) || !is_unicast_target(out.destination) ||
      !(out.target.is_link_local() || out.target == out.destination) ||
      !take_link_address(icmp_message.subspan(kRedirectLen), kTargetLinkAddress, out.target_mac)) {
    return fail(Drop::kNdMalformed);
  }
  return out;
}

void RedirectRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(message_len())};
  put_header(w, Icmp6Type::kRedirect);
  w.be32(0).bytes(target.octets()).bytes(destination.octets());
  put_mac(w, kTargetLinkAddress, target_mac);
}

void RedirectRepr::print(TextWriter& out) const noexcept {
  out.put("ICMPv6 redirect dst=");
  destination.print(out);
  out.put(" target=");
  target.print(out);
  print_mac(out, " tlla=", target_mac);
}

}  // namespace smol
