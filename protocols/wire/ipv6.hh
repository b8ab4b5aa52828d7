#pragma once

#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"
#include "protocols/wire/ip.hh"

namespace smol {

/// An IPv6 header in place (RFC 8200 section 3), without extension headers. A borrowed view: valid
/// while the octets are. Invariant, set by parse(): the packet holds 40 + payload_len() octets.
class Ip6View {
 public:
  static constexpr std::size_t kHeader = 40;

  /// `packet`: the contiguous front; `packet_len`: octets of the whole packet, padding included.
  static constexpr Result<Ip6View> parse(Bytes packet, std::size_t packet_len) noexcept {
    if (packet.size() < kHeader) return fail(Drop::kIp6Truncated);
    if (u8(packet, 0) >> 4 != 6) return fail(Drop::kIp6BadVersion);
    if (kHeader + be16(packet, 4) > packet_len) return fail(Drop::kIp6Truncated);
    return Ip6View{packet.first(kHeader)};
  }

  constexpr std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(be16(h_, 0) >> 4);
  }
  constexpr std::uint8_t dscp() const noexcept {
    return static_cast<std::uint8_t>(traffic_class() >> 2);
  }
  constexpr Ecn ecn() const noexcept { return static_cast<Ecn>(traffic_class() & 3); }
  constexpr std::uint32_t flow_label() const noexcept { return be32(h_, 0) & 0xfffff; }
  constexpr std::size_t payload_len() const noexcept { return be16(h_, 4); }
  constexpr IpProtocol next_header() const noexcept { return static_cast<IpProtocol>(u8(h_, 6)); }
  constexpr std::uint8_t hop_limit() const noexcept { return u8(h_, 7); }
  constexpr IpAddress source() const noexcept { return IpAddress::v6(h_.subspan(8)); }
  constexpr IpAddress destination() const noexcept { return IpAddress::v6(h_.subspan(24)); }

 private:
  constexpr explicit Ip6View(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// Everything this stack says in an IPv6 header.
struct Ip6Repr {
  IpAddress source{};       ///< IPv6
  IpAddress destination{};  ///< IPv6
  IpProtocol next_header = IpProtocol::kTcp;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
  std::uint8_t hop_limit = 64;
  std::uint32_t flow_label = 0;  ///< 20 bits (RFC 6437)
  std::uint16_t payload_len = 0;

  static constexpr std::size_t header_len() noexcept { return Ip6View::kHeader; }

  static Ip6Repr parse(const Ip6View& view) noexcept;
  /// Writes out.first(header_len()). Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    const MutBytes h = out.first(header_len());
    const auto traffic_class =
        static_cast<std::uint32_t>(dscp << 2 | static_cast<std::uint8_t>(ecn));
    put_be32(h, 0, 0x6000'0000 | traffic_class << 20 | (flow_label & 0xfffff));
    put_be16(h, 4, payload_len);
    put_u8(h, 6, static_cast<std::uint8_t>(next_header));
    put_u8(h, 7, hop_limit);
    Writer{h.subspan(8)}.bytes(source.octets()).bytes(destination.octets());
  }
  /// "IPv6 src=fdaa::100 dst=fdaa::1 nxt_hdr=TCP hop_limit=64 len=20"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Ip6Repr&) const noexcept = default;
};

}  // namespace smol
