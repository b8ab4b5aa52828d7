#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kLooseRoute = 131;
constexpr std::uint8_t kStrictRoute = 137;

/// Where a source route ends, else the header's destination: what the pseudo-header holds
/// (RFC 1122 section 3.2.1.8(c)).
Bytes final_v4_destination(const Octets& packet) {
  const std::size_t end = 4u * (packet.u8(0) & 0x0f);
  for (std::size_t at = 20; at < end;) {
    const std::uint8_t code = packet.u8(at);
    if (code == 0) break;
    const std::size_t length = code == 1 ? 1 : packet.u8(at + 1);
    if (length == 0 || (code != 1 && length < 2) || length > end - at) break;
    if (!packet.holds(at, length)) break;
    if ((code == kLooseRoute || code == kStrictRoute) && length >= 7) {
      return packet.bytes(at + length - 4, 4);
    }
    at += length;
  }
  return packet.bytes(16, 4);
}

/// The last address of a routing header, else the header's destination (RFC 8200 section 8.1). At
/// the end of the route the two are the same.
Bytes final_v6_destination(const Octets& packet) {
  const Bytes destination = packet.bytes(24, 16);
  std::uint8_t next = packet.u8(6);
  std::size_t at = 40;
  for (;;) {
    if (next == 0 || next == 60 || next == 135) {
      if (!packet.holds(at, 2)) return destination;
      next = packet.u8(at);
      at += (packet.u8(at + 1) + 1u) * 8u;
    } else if (next == 44) {
      if (!packet.holds(at, 1)) return destination;
      next = packet.u8(at);
      at += 8;
    } else if (next == 43) {
      // Type 0 and 2 list the hops in order; type 4 lists them backwards from the last.
      const std::size_t length = packet.u8(at + 1);
      const std::uint8_t type = packet.u8(at + 2);
      if (type == 4) return packet.bytes(at + 8, 16);
      if (length < 2 || length % 2 != 0 || (type != 0 && type != 2)) return destination;
      return packet.bytes(at + 8 + 16u * (length / 2 - 1), 16);
    } else {
      return destination;
    }
  }
}

}  // namespace

std::uint16_t checksum_should_be(std::uint16_t field, InternetSum sum) noexcept {
  return InternetSum{}.add_word(field).add_word(sum.checksum()).folded();
}

Bytes Carrier::source_octets() const {
  return version == 4 ? packet.bytes(12, 4) : packet.bytes(8, 16);
}

Bytes Carrier::destination_octets() const {
  return version == 4 ? packet.bytes(16, 4) : packet.bytes(24, 16);
}

std::string Carrier::source(Printout& out) const {
  return version == 4 ? out.names.v4(source_octets()) : out.names.v6(source_octets());
}

std::string Carrier::destination(Printout& out) const {
  return version == 4 ? out.names.v4(destination_octets()) : out.names.v6(destination_octets());
}

Carrier::Verdict Carrier::verify(const Octets& message, std::size_t length,
                                 std::uint8_t next_protocol, std::uint16_t field) const {
  const Bytes last = version == 4 ? final_v4_destination(packet) : final_v6_destination(packet);
  InternetSum sum = internet_sum(source_octets());
  sum.add(internet_sum(last));
  sum.add_word(next_protocol).add_dword(static_cast<std::uint32_t>(length));
  sum.add(internet_sum(message.bytes(0, length)));
  return {sum.verifies(), checksum_should_be(field, sum)};
}

}  // namespace smol::dump
