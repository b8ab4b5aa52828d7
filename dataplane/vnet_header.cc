#include "dataplane/vnet_header.hh"

namespace smol::dataplane {
namespace {

constexpr std::uint16_t kTcpChecksum = 16;  // octets into the header
constexpr std::uint16_t kUdpChecksum = 6;
constexpr std::size_t kTcpFlags = 13;
constexpr std::uint8_t kCwr = 0x80;

}  // namespace

VnetHeader vnet_header_for(const TxOffload& tx, Bytes head) noexcept {
  VnetHeader out{};
  const bool segments = tx.segment_size != 0;
  if (!tx.tcp_checksum && !tx.udp_checksum && !segments) return out;
  const auto start = static_cast<std::uint16_t>(tx.l2_len + tx.l3_len);
  out.flags = VnetHeader::kNeedsChecksum;
  out.csum_start = start;
  out.csum_offset = tx.udp_checksum ? kUdpChecksum : kTcpChecksum;
  if (!segments) return out;
  const bool v6 = u8(head, tx.l2_len) >> 4 == 6;
  out.gso_type = v6 ? VnetHeader::kTcp6 : VnetHeader::kTcp4;
  // RFC 3168 section 6.1.2: only the first of the segments may say that the window was reduced.
  if ((u8(head, start + kTcpFlags) & kCwr) != 0) out.gso_type |= VnetHeader::kEcn;
  out.gso_size = tx.segment_size;
  out.hdr_len = static_cast<std::uint16_t>(start + tx.l4_len);
  return out;
}

std::optional<VnetFrame> read_vnet_header(const VnetHeader& header, std::size_t octets) noexcept {
  VnetFrame out;
  out.checksum_good = (header.flags & (VnetHeader::kNeedsChecksum | VnetHeader::kDataValid)) != 0;
  if ((header.flags & VnetHeader::kNeedsChecksum) != 0) {
    if (std::size_t{header.csum_start} + header.csum_offset + 2 > octets) return std::nullopt;
    if (header.csum_start == 0 || header.csum_offset == 0) return std::nullopt;
    out.checksum_start = header.csum_start;
    out.checksum_offset = header.csum_offset;
  }
  if (header.gso_type == 0) return out;
  const auto type = static_cast<std::uint8_t>(header.gso_type & ~VnetHeader::kEcn);
  const bool tcp = type == VnetHeader::kTcp4 || type == VnetHeader::kTcp6;
  if (!tcp || header.gso_size == 0 || out.checksum_offset != kTcpChecksum) return std::nullopt;
  out.segment_size = header.gso_size;
  return out;
}

}  // namespace smol::dataplane
