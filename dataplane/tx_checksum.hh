#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocols/packet/buffer.hh"

namespace smol::dataplane {

/// The checksums that a device was asked to fill in (PacketMeta::tx) and where they go, for whoever
/// needs the frame as it will be on the wire: captures, and faults that must not be mended by a
/// checksum computed after them.
struct TxChecksums {
  struct Field {
    std::size_t offset;  ///< from the start of the frame
    std::uint16_t value;
  };
  std::optional<Field> ip4;
  std::optional<Field> transport;

  /// Writes what lies within `frame`, which may be cut short.
  void write(MutBytes frame) const noexcept {
    for (const std::optional<Field>& field : {ip4, transport}) {
      if (field && field->offset + 2 <= frame.size()) put_be16(frame, field->offset, field->value);
    }
  }
};

/// O(octets). A packet to be segmented is taken as the one large packet it still is.
template <PacketBuffer P>
TxChecksums tx_checksums(const P& packet, const TxOffload& tx) noexcept {
  TxChecksums out;
  const std::size_t ip_at = tx.l2_len;
  const std::size_t transport_at = ip_at + tx.l3_len;
  if (packet.size() < transport_at) return out;
  if (tx.ip4_checksum) {
    out.ip4 = {ip_at + 10, packet_sum(packet, ip_at, tx.l3_len).checksum()};
  }
  if (tx.tcp_checksum || tx.udp_checksum || tx.segment_size != 0) {
    const std::size_t length = packet.size() - transport_at;
    // The field holds the pseudo-header's sum, so it is part of the message here.
    InternetSum sum = packet_sum(packet, transport_at, length);
    // Of a packet to be segmented that sum is without the length, which each segment adds by
    // itself.
    if (tx.segment_size != 0) sum.add_dword(static_cast<std::uint32_t>(length));
    const std::uint16_t checksum = sum.checksum();
    if (tx.udp_checksum) {
      out.transport = {transport_at + 6, checksum == 0 ? std::uint16_t{0xffff} : checksum};
    } else {
      out.transport = {transport_at + 16, checksum};
    }
  }
  return out;
}

}  // namespace smol::dataplane
