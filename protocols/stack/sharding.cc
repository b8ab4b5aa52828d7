#include "protocols/stack/sharding.hh"

#include <algorithm>
#include <bit>
#include <optional>

#include "protocols/icmp/quote.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {
namespace {

constexpr std::size_t kPorts = 4;
/// Type, code, checksum and a word of an ICMP message: what an error quotes follows, and an echo's
/// identifier is the half of that word.
constexpr std::size_t kIcmpHeader = 8;
/// Extension headers that are stepped over; more of them before a transport are no traffic worth
/// spreading.
constexpr unsigned kMostExtensions = 4;

constexpr std::uint16_t fold(Bytes words) noexcept {
  std::uint16_t out = 0;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    out = static_cast<std::uint16_t>(out ^ be16(words, at));
  }
  return out;
}

constexpr std::uint16_t fold32(std::uint32_t value) noexcept {
  return static_cast<std::uint16_t>(value ^ value >> 16);
}

/// Of both addresses. All 16 octets: what maps IPv4 addresses stands in both, and cancels out.
std::uint16_t fold(const IpAddress& one, const IpAddress& other) noexcept {
  return static_cast<std::uint16_t>(fold(one.octets()) ^ fold(other.octets()));
}

std::uint16_t fold(const IpEndpoint& one, const IpEndpoint& other) noexcept {
  return static_cast<std::uint16_t>(fold(one.address, other.address) ^ one.port ^ other.port);
}

Steer by_ports(std::uint16_t addresses, bool udp, Bytes transport) noexcept {
  if (transport.size() < kPorts) return {};
  const std::uint16_t port = be16(transport, 2);
  const auto word = static_cast<std::uint16_t>(addresses ^ be16(transport, 0) ^ port);
  if (udp) return {Steer::By::kUdpPort, word, port};
  return {Steer::By::kFlow, word, 0};
}

/// As the packet that is quoted, which we sent: its source is ours.
Steer by_quote(Bytes quoted) noexcept {
  const std::optional<icmp::Quote> quote = icmp::parse_quote(quoted);
  if (!quote) return {};
  if (quote->protocol == IpProtocol::kTcp) {
    return {Steer::By::kFlow, fold(quote->source, quote->destination), 0};
  }
  if (quote->protocol == IpProtocol::kUdp) {
    return {Steer::By::kUdpPort, fold(quote->source, quote->destination), quote->source.port};
  }
  return {Steer::By::kIdentifier, quote->identifier, 0};
}

Steer by_icmp(Bytes message, std::uint8_t echo_reply, bool is_error) noexcept {
  if (message.size() < kIcmpHeader) return {};
  if (is_error) return by_quote(message.subspan(kIcmpHeader));
  if (u8(message, 0) != echo_reply) return {};
  return {Steer::By::kIdentifier, be16(message, 4), 0};
}

Steer steer_ip4(Bytes front) noexcept {
  constexpr std::size_t kAnyLength = 0xffff;
  const Result<Ip4View> ip = Ip4View::parse(front, kAnyLength);
  if (!ip) return {};
  // Source and destination stand side by side.
  const std::uint16_t addresses = fold(ip->header().subspan(12, 8));
  if (ip->is_fragment()) {
    const auto word = static_cast<std::uint16_t>(addresses ^ ip->identification());
    return {Steer::By::kFlow, word, 0};
  }
  if (u8(ip->header(), 16) >= 224) return {};
  const Bytes transport = front.subspan(ip->header_len());
  switch (ip->protocol()) {
    case IpProtocol::kTcp:
      return by_ports(addresses, false, transport);
    case IpProtocol::kUdp:
      return by_ports(addresses, true, transport);
    case IpProtocol::kIcmp: {
      const auto type = transport.empty() ? Icmp4Type{} : static_cast<Icmp4Type>(transport[0]);
      const bool error = is_error(type);
      return by_icmp(transport, static_cast<std::uint8_t>(Icmp4Type::kEchoReply), error);
    }
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kIcmp6:
    case IpProtocol::kNoNextHeader:
    case IpProtocol::kDestinationOptions:
      break;
  }
  return {};
}

Steer steer_ip6(Bytes front) noexcept {
  constexpr std::size_t kAnyLength = 0xffff + Ip6View::kHeader;
  const Result<Ip6View> ip = Ip6View::parse(front, kAnyLength);
  if (!ip) return {};
  const std::uint16_t addresses = fold(front.subspan(8, 32));
  const bool to_group = u8(front, 24) == 0xff;
  IpProtocol next = ip->next_header();
  Bytes rest = front.subspan(Ip6View::kHeader);
  for (unsigned extensions = 0; extensions <= kMostExtensions; ++extensions) {
    switch (next) {
      case IpProtocol::kFragment:
        if (rest.size() < 8) return {};
        return {Steer::By::kFlow, static_cast<std::uint16_t>(addresses ^ fold32(be32(rest, 4))), 0};
      case IpProtocol::kTcp:
        return to_group ? Steer{} : by_ports(addresses, false, rest);
      case IpProtocol::kUdp:
        return to_group ? Steer{} : by_ports(addresses, true, rest);
      case IpProtocol::kIcmp6: {
        constexpr std::uint8_t kFirstInformational = 128;
        const bool error = !rest.empty() && rest[0] < kFirstInformational;
        return by_icmp(rest, static_cast<std::uint8_t>(Icmp6Type::kEchoReply), error);
      }
      case IpProtocol::kHopByHop:
      case IpProtocol::kRouting:
      case IpProtocol::kDestinationOptions: {
        if (rest.size() < 2) return {};
        const std::size_t length = 8u * (u8(rest, 1) + 1u);
        if (rest.size() < length) return {};
        next = static_cast<IpProtocol>(rest[0]);
        rest = rest.subspan(length);
        break;
      }
      case IpProtocol::kIcmp:
      case IpProtocol::kNoNextHeader:
        return {};
    }
  }
  return {};
}

}  // namespace

FlowHash::FlowHash(std::uint16_t pattern) noexcept
    : pattern_{
          static_cast<std::uint16_t>(std::popcount(pattern) % 2 == 1 ? pattern : pattern ^ 1)} {
  // A word's bit, counted from the left, adds the key from there on.
  const auto hash_of = [this](unsigned word) {
    std::uint16_t out = 0;
    for (int bit = 0; bit < 16; ++bit) {
      if ((word & (0x8000u >> bit)) != 0) {
        out = static_cast<std::uint16_t>(out ^ std::rotl(pattern_, bit));
      }
    }
    return out;
  };
  for (unsigned octet = 0; octet < 256; ++octet) {
    high_[octet] = hash_of(octet << 8);
    low_[octet] = hash_of(octet);
  }
}

void FlowHash::write_key(MutBytes out) const noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(i % 2 == 0 ? pattern_ >> 8 : pattern_ & 0xff);
  }
}

unsigned Sharding::owner(const IpEndpoint& one, const IpEndpoint& other) const noexcept {
  return owner_of_word(fold(one, other));
}

Steer steer(Bytes front) noexcept {
  std::size_t at = EthernetView::kHeader;
  if (front.size() < at) return {};
  std::uint16_t type = be16(front, at - 2);
  constexpr std::uint16_t kTag = 0x8100;
  constexpr std::uint16_t kServiceTag = 0x88a8;
  constexpr std::size_t kTagOctets = 4;
  for (int tags = 0; (type == kTag || type == kServiceTag) && tags < 2; ++tags) {
    at += kTagOctets;
    if (front.size() < at) return {};
    type = be16(front, at - 2);
  }
  const Bytes packet = front.subspan(at);
  if (type == static_cast<std::uint16_t>(EtherType::kIp4)) return steer_ip4(packet);
  if (type == static_cast<std::uint16_t>(EtherType::kIp6)) return steer_ip6(packet);
  return {};
}

}  // namespace smol
