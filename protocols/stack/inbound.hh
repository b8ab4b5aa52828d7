#pragma once

#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/iface/addresses.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/tcp/isn.hh"
#include "protocols/tcp/segment.hh"
#include "protocols/wire/ip.hh"

namespace smol {

/// A received packet on its way up: the packet, untouched but for the padding at its end, and what
/// the layers below have made of it. Lives for one burst.
///
///   |Ethernet|IP header|transport header|payload|
///   0        l3        l4
template <PacketBuffer P>
struct Inbound {
  P packet;
  IpAddress source;
  IpAddress destination;
  std::uint32_t l3 = 0;      ///< offset of the IP header
  std::uint32_t l4 = 0;      ///< offset of what follows it
  std::uint32_t l4_len = 0;  ///< octets from l4 to the end
  InterfaceId interface = 0;
  IpProtocol protocol = IpProtocol::kTcp;
  AddressKind kind = AddressKind::kUnicast;  ///< of the destination
  std::uint8_t dscp = 0;
  std::uint8_t hop_limit = 0;
  bool is_v4 = true;
  ChecksumState l4_checksum = ChecksumState::kUnknown;  ///< what the device says
  bool same_path = false;  ///< interface and addresses are those of the packet before it
  bool same_flow = false;  ///< and it is of the same flow

  // Filled in for TCP, ahead of the machine.
  std::uint64_t hash = 0;
  tcp::FlowKey flow;
  tcp::SegmentIn segment;
  std::uint32_t text = 0;  ///< offset of the segment's text

  bool to_group() const noexcept { return kind != AddressKind::kUnicast; }
};

}  // namespace smol
