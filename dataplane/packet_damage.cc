#include "dataplane/packet_damage.hh"

namespace smol::dataplane {
namespace {

constexpr std::uint8_t kCe = 3;

/// ECT(0), ECT(1) or CE.
constexpr bool is_capable(std::uint8_t codepoint) noexcept {
  return codepoint != 0;
}

/// Version, header length and TOS are the first word of an IPv4 header: TOS is its lower octet.
void mend_ip4_checksum(MutBytes ip, std::uint8_t before, std::uint8_t after) noexcept {
  constexpr std::size_t kChecksum = 10;
  std::uint32_t sum = static_cast<std::uint16_t>(~be16(ip, kChecksum));
  sum += static_cast<std::uint16_t>(~std::uint16_t{before});
  sum += after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  put_be16(ip, kChecksum, static_cast<std::uint16_t>(~sum));
}

}  // namespace

bool mark_congestion(MutBytes frame) noexcept {
  constexpr std::uint16_t kIp4 = 0x0800;
  constexpr std::uint16_t kIp6 = 0x86dd;
  const std::size_t header = link_header_octets(frame);
  if (frame.size() < header + 2) return false;
  const std::uint16_t type = be16(frame, header - 2);
  const MutBytes ip = frame.subspan(header);
  if (type == kIp4 && ip.size() >= 20 && ip[0] >> 4 == 4) {
    const std::uint8_t before = ip[1];
    if (!is_capable(before & kCe)) return false;
    ip[1] = static_cast<std::uint8_t>(before | kCe);
    mend_ip4_checksum(ip, before, ip[1]);
    return true;
  }
  if (type == kIp6 && ip[0] >> 4 == 6) {
    // The traffic class lies across the first two octets; its lowest bits are ECN.
    if (!is_capable(static_cast<std::uint8_t>(ip[1] >> 4 & kCe))) return false;
    ip[1] = static_cast<std::uint8_t>(ip[1] | kCe << 4);
    return true;
  }
  return false;
}

}  // namespace smol::dataplane
