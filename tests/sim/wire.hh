#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/seq.hh"
#include "protocols/wire/ip.hh"
#include "protocols/wire/tcp.hh"
#include "protocols/wire/tcp_repr.hh"

namespace smol::sim {

using Octets = std::vector<std::uint8_t>;

/// A frame on its way. The id names it in a trace: a copy of it has the same one.
struct Parcel {
  Octets octets;
  std::uint64_t id = 0;
  bool foreign = false;  ///< from neither end
};

// The octets of every stream are a place in one table, so that what arrives in another place than
// it was sent from, or in another stream, is seen at once.

/// `len` octets, at most kContentPiece, that `side` of flow `flow` sends from `offset` on.
inline constexpr std::size_t kContentPiece = 65'536;
Bytes content(std::uint32_t flow, int side, std::uint64_t offset, std::size_t len) noexcept;

/// The two ends of the path, and the router between them that sends ICMP errors.
IpAddress address_of(int side, bool v6) noexcept;
IpAddress router_address(bool v6) noexcept;
MacAddress mac_of(int side) noexcept;

// --- taking frames apart
// ---------------------------------------------------------------------------

inline constexpr std::size_t kIpAt = 14;

bool is_v4(Bytes frame) noexcept;
bool is_v6(Bytes frame) noexcept;
/// ARP, or ICMPv6 that finds neighbours.
bool is_neighbor_talk(Bytes frame) noexcept;
/// ECN field of the IP header. Precondition: is_v4() or is_v6().
Ecn ecn_of(Bytes frame) noexcept;
/// Marks the packet CE; false: its sender did not say that it may be (not ECT).
bool mark_congestion(MutBytes frame) noexcept;

/// A TCP segment in a frame, its lengths and checksum right.
struct WireSegment {
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  SeqNumber seq;
  SeqNumber ack;
  TcpFlags flags;
  std::uint16_t window = 0;
  TcpOptions options;
  Bytes text;
  Ecn ecn = Ecn::kNotEct;

  std::uint32_t seq_len() const noexcept {
    return static_cast<std::uint32_t>(text.size()) + (flags.syn() ? 1u : 0u) +
           (flags.fin() ? 1u : 0u);
  }
};
/// None: it is no TCP, or not a good one. `verify`: look at the TCP checksum too.
std::optional<WireSegment> segment_in(Bytes frame, bool verify) noexcept;

// --- making frames
// ---------------------------------------------------------------------------------

/// A segment that the stack itself might not say.
struct SegmentToBuild {
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  SeqNumber seq;
  std::optional<SeqNumber> ack;
  std::uint8_t flags = 0;  ///< TcpFlags bits; ACK is taken from `ack`
  std::uint16_t window = 0;
  std::uint16_t urgent_pointer = 0;
  Octets options;  ///< as they stand in the header; padded here
  Bytes text;
  Ecn ecn = Ecn::kNotEct;
};
/// From one side to the other, with checksums.
Octets tcp_frame(int from, bool v6, const SegmentToBuild& segment);
/// Options as the stack writes them.
Octets options_of(const TcpOptions& options);
/// An ICMP or ICMPv6 error from the router to `to`, which quotes the front of its `packet` (from
/// the IP header on). `rest`: the second word of the message.
Octets icmp_error_frame(int to, bool v6, std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                        Bytes packet);
/// "Packet too big", or "fragmentation needed".
Octets too_big_frame(int to, bool v6, std::uint16_t mtu, Bytes packet);

}  // namespace smol::sim
