#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocols/base/bytes.hh"
#include "protocols/packet/meta.hh"

namespace smol::dataplane {

/// What goes in front of each frame of a tap with IFF_VNET_HDR, in the machine's byte order: what
/// the taker of the frame has to do for it. As struct virtio_net_hdr, whose header C++ cannot read
/// (virtio 1.2 section 5.1.6).
struct VnetHeader {
  static constexpr std::uint8_t kNeedsChecksum = 1;  ///< of flags
  static constexpr std::uint8_t kDataValid = 2;
  static constexpr std::uint8_t kTcp4 = 1;  ///< of gso_type; 0: not to be segmented
  static constexpr std::uint8_t kTcp6 = 4;
  static constexpr std::uint8_t kEcn = 0x80;  ///< beside one of them

  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t hdr_len = 0;      ///< octets of all headers
  std::uint16_t gso_size = 0;     ///< octets of text of each segment
  std::uint16_t csum_start = 0;   ///< where the sum begins, from the start of the frame
  std::uint16_t csum_offset = 0;  ///< where its complement goes, from csum_start
};
static_assert(sizeof(VnetHeader) == 10);

/// For a frame that leaves with these wishes. `head`: its octets, up to the TCP flags at least if
/// it is to be segmented. The IPv4 checksum is none of the wishes that can be told.
VnetHeader vnet_header_for(const TxOffload& tx, Bytes head) noexcept;

/// What a header says of a frame that came.
struct VnetFrame {
  /// Somebody verified the transport's checksum, or the frame was never on a wire.
  bool checksum_good = false;
  /// Where the checksum goes that nobody has filled in yet: octets from the start of the frame to
  /// the transport's header, and from there to the field, which holds the pseudo-header's sum.
  /// Both 0: it is filled in.
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  /// Octets of text in each of the TCP segments that the frame stands for; 0: it is a frame as it
  /// would be on a wire.
  std::uint16_t segment_size = 0;
};

/// Of a frame of so many octets. Nothing: the header contradicts itself or the frame, or tells of
/// something other than TCP segments merged.
std::optional<VnetFrame> read_vnet_header(const VnetHeader& header, std::size_t octets) noexcept;

}  // namespace smol::dataplane
