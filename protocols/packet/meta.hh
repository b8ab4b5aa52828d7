#pragma once

#include <cstdint>

#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"

namespace smol {

/// What the device says of a checksum. kUnknown is verified in software; kGood is trusted.
enum class ChecksumState : std::uint8_t { kUnknown, kGood, kBad };

/// How the frame was addressed on the link (RFC 1122 section 2.4).
enum class LinkCast : std::uint8_t { kUnicast, kMulticast, kBroadcast };

/// What the device is asked to fill in as the packet leaves. The checksum field then holds the
/// pseudo-header's sum, as DPDK wants it: without the length of the text if it is to be segmented.
/// Of a packet that arrived: a checksum that whoever made it has left out, and vouches for.
struct TxOffload {
  std::uint8_t l2_len = 0;
  std::uint8_t l4_len = 0;
  std::uint16_t l3_len = 0;
  std::uint16_t segment_size = 0;  ///< TCP payload of each segment; 0: no segmentation
  bool ip4_checksum = false;
  bool tcp_checksum = false;
  bool udp_checksum = false;

  constexpr bool any() const noexcept {
    return ip4_checksum || tcp_checksum || udp_checksum || segment_size != 0;
  }
};

/// What travels with a packet beside its octets: one cache line, in the packet's own memory.
struct PacketMeta {
  void* next = nullptr;           ///< link of the one PacketQueue that holds the packet
  Instant at{};                   ///< when it arrived
  std::uint32_t hash = 0;         ///< flow hash, if the device gave one (hash_valid)
  SeqNumber seq{};                ///< first octet of the payload, while in a TCP queue
  std::uint32_t payload_len = 0;  ///< octets of payload at the end, while in a TCP send queue
  std::uint16_t payload_sum = 0;  ///< their folded Internet sum (payload_sum_valid)
  std::uint16_t interface = 0;    ///< arrival or departure
  std::uint32_t tag = 0;          ///< the driver's own; stays with what the stack sends
  TxOffload tx;
  ChecksumState ip_checksum = ChecksumState::kUnknown;
  ChecksumState l4_checksum = ChecksumState::kUnknown;
  LinkCast link_cast = LinkCast::kUnicast;
  bool hash_valid = false;
  bool payload_sum_valid = false;
};
static_assert(sizeof(PacketMeta) <= 64);

}  // namespace smol
