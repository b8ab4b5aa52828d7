#pragma once

#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/checksum.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"
#include "protocols/wire/ip.hh"

namespace smol {

/// An IPv4 header in place (RFC 791 section 3.1). A borrowed view: valid while the octets are.
/// Invariant, set by parse(): 20 <= header_len() <= total_len() <= octets of the packet.
class Ip4View {
 public:
  static constexpr std::size_t kMinHeader = 20;

  /// `packet`: the contiguous front, which must hold the whole header; `packet_len`: octets of the
  /// whole packet, link padding included. The checksum is not looked at: see checksum_ok().
  static constexpr Result<Ip4View> parse(Bytes packet, std::size_t packet_len) noexcept {
    if (packet.size() < kMinHeader) return fail(Drop::kIp4Truncated);
    if (u8(packet, 0) >> 4 != 4) return fail(Drop::kIp4BadVersion);
    const std::size_t len = 4u * (u8(packet, 0) & 0xf);
    const std::size_t total = be16(packet, 2);
    if (len < kMinHeader || len > total) return fail(Drop::kIp4BadHeaderLength);
    if (total > packet_len || len > packet.size()) return fail(Drop::kIp4Truncated);
    return Ip4View{packet.first(len)};
  }

  constexpr std::size_t header_len() const noexcept { return h_.size(); }
  /// Header and payload; what lies beyond in the frame is padding.
  constexpr std::size_t total_len() const noexcept { return be16(h_, 2); }
  constexpr std::uint8_t dscp() const noexcept { return static_cast<std::uint8_t>(u8(h_, 1) >> 2); }
  constexpr Ecn ecn() const noexcept { return static_cast<Ecn>(u8(h_, 1) & 3); }
  constexpr std::uint16_t identification() const noexcept { return be16(h_, 4); }
  constexpr bool dont_fragment() const noexcept { return (u8(h_, 6) & 0x40) != 0; }
  constexpr bool more_fragments() const noexcept { return (u8(h_, 6) & 0x20) != 0; }
  /// In octets.
  constexpr std::size_t fragment_offset() const noexcept { return 8u * (be16(h_, 6) & 0x1fffu); }
  constexpr bool is_fragment() const noexcept { return (be16(h_, 6) & 0x3fff) != 0; }
  constexpr std::uint8_t ttl() const noexcept { return u8(h_, 8); }
  constexpr IpProtocol protocol() const noexcept { return static_cast<IpProtocol>(u8(h_, 9)); }
  constexpr std::uint16_t checksum() const noexcept { return be16(h_, 10); }
  constexpr IpAddress source() const noexcept { return IpAddress::v4(h_.subspan(12)); }
  constexpr IpAddress destination() const noexcept { return IpAddress::v4(h_.subspan(16)); }
  constexpr Bytes options() const noexcept { return h_.subspan(kMinHeader); }
  constexpr Bytes header() const noexcept { return h_; }
  bool checksum_ok() const noexcept { return internet_sum(h_).verifies(); }

 private:
  constexpr explicit Ip4View(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// What the options of a received header come to (RFC 1122 section 3.2.1.8).
enum class Ip4Options : std::uint8_t { kIgnorable, kMalformed, kSourceRoute };
/// Walks them all; bounded by the 40 octets there can be.
Ip4Options classify_options(const Ip4View& view) noexcept;

/// Everything this stack says in an IPv4 header. No options, no fragments yet.
struct Ip4Repr {
  IpAddress source{};       ///< IPv4
  IpAddress destination{};  ///< IPv4
  IpProtocol protocol = IpProtocol::kTcp;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
  std::uint8_t ttl = 64;
  bool dont_fragment = true;
  std::uint16_t identification = 0;  ///< arbitrary while atomic (RFC 6864 section 4.1)
  std::uint16_t payload_len = 0;

  static constexpr std::size_t header_len() noexcept { return Ip4View::kMinHeader; }

  static Ip4Repr parse(const Ip4View& view) noexcept;
  /// Writes out.first(header_len()), checksum included unless `leave_checksum` (a device fills it
  /// in). Precondition: it fits.
  constexpr void emit(MutBytes out, bool leave_checksum = false) const noexcept {
    const MutBytes h = out.first(header_len());
    const auto total = static_cast<std::uint16_t>(header_len() + payload_len);
    const auto tos = static_cast<std::uint8_t>(dscp << 2 | static_cast<std::uint8_t>(ecn));
    const std::uint16_t fragment = dont_fragment ? 0x4000 : 0;
    const auto time_and_protocol =
        static_cast<std::uint16_t>(ttl << 8 | static_cast<std::uint8_t>(protocol));
    std::uint16_t checksum = 0;
    if (!leave_checksum) {
      // From registers: reading the header back from memory would stall on the stores.
      InternetSum sum;
      sum.add_word(static_cast<std::uint16_t>(0x4500 | tos)).add_word(total);
      sum.add_word(identification).add_word(fragment).add_word(time_and_protocol);
      sum.add_dword(source.v4_value()).add_dword(destination.v4_value());
      checksum = sum.checksum();
    }
    put_u8(h, 0, 0x45);
    put_u8(h, 1, tos);
    put_be16(h, 2, total);
    put_be16(h, 4, identification);
    put_be16(h, 6, fragment);
    put_be16(h, 8, time_and_protocol);
    put_be16(h, 10, checksum);
    put_be32(h, 12, source.v4_value());
    put_be32(h, 16, destination.v4_value());
  }
  /// "IPv4 src=192.168.69.100 dst=192.168.69.1 proto=TCP ttl=64 len=20"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const Ip4Repr&) const noexcept = default;
};

}  // namespace smol
