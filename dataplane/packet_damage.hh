#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/tx_checksum.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/random.hh"
#include "protocols/packet/buffer.hh"

namespace smol::dataplane {

// What faults do to the octets of a frame. A frame that others share is copied first; when the pool
// has no packet for that, it is left as it is.

/// A packet of its own with the same octets and metadata; empty: the pool has none.
template <PacketBuffer P>
P own_copy(const P& packet, typename P::Pool& pool) noexcept {
  P out;
  for (std::size_t done = 0; done < packet.size();) {
    P piece = pool.allocate();
    if (!piece) return {};
    const MutBytes room = piece.append(std::min(piece.tailroom(), packet.size() - done));
    packet_copy(packet, done, room);
    done += room.size();
    if (out) {
      out.chain(std::move(piece));
    } else {
      out = std::move(piece);
    }
  }
  if (!out) return {};
  out.meta() = const_cast<P&>(packet).meta();
  out.meta().next = nullptr;
  return out;
}

/// Makes sure that nobody else sees what is done to the packet. False: it is shared, and stays so.
template <PacketBuffer P>
bool make_own(P& packet, typename P::Pool& pool) noexcept {
  if (packet.unique()) return true;
  P own = own_copy(packet, pool);
  if (!own) return false;
  packet = std::move(own);
  return true;
}

namespace detail {

/// Of a packet that is ours alone: segment() is const for those who share.
inline MutBytes writable(Bytes octets) noexcept {
  return {const_cast<std::uint8_t*>(octets.data()), octets.size()};
}

/// What would be summed up by a device behind us is summed up now, or it would sum up the damage.
template <PacketBuffer P>
void settle_checksums(P& packet) noexcept {
  PacketMeta& meta = packet.meta();
  if (meta.tx.any()) {
    tx_checksums(packet, meta.tx).write(writable(packet.segment(0)));
    meta.tx = TxOffload{};
  }
  meta.ip_checksum = ChecksumState::kUnknown;
  meta.l4_checksum = ChecksumState::kUnknown;
}

}  // namespace detail

/// Flips one bit of one octet. False: it was left as it is.
template <PacketBuffer P>
bool flip_a_bit(P& packet, typename P::Pool& pool, Rng& rng) noexcept {
  if (packet.size() == 0 || !make_own(packet, pool)) return false;
  detail::settle_checksums(packet);
  const std::uint32_t at = rng.below(static_cast<std::uint32_t>(packet.size()));
  const auto bit = static_cast<std::uint8_t>(1u << rng.below(8));
  for_each_piece(packet, at, 1, [&](Bytes octet) { detail::writable(octet)[0] ^= bit; });
  return true;
}

/// Cuts the end off, so that at least `least` octets stay. False: it was left as it is.
template <PacketBuffer P>
bool cut_short(P& packet, typename P::Pool& pool, Rng& rng, std::size_t least) noexcept {
  if (packet.size() <= least || !make_own(packet, pool)) return false;
  detail::settle_checksums(packet);
  const auto range = static_cast<std::uint32_t>(packet.size() - least);
  packet.trim_back(1 + rng.below(range));
  return true;
}

/// Octets of the Ethernet header with its VLAN tags, of which there may be two. `head`: the frame's
/// front.
inline std::size_t link_header_octets(Bytes head) noexcept {
  constexpr std::uint16_t kTag = 0x8100;
  constexpr std::uint16_t kServiceTag = 0x88a8;
  std::size_t at = 12;
  for (int tags = 0; tags < 2 && at + 2 <= head.size(); ++tags) {
    const std::uint16_t type = be16(head, at);
    if (type != kTag && type != kServiceTag) break;
    at += 4;
  }
  return at + 2;
}

/// Says "congestion experienced" in an IP header that is ECN-capable, and mends the checksum of
/// IPv4 (RFC 3168 section 5, RFC 1624). `packet`: the front of the frame. False: it is not capable.
bool mark_congestion(MutBytes frame) noexcept;

/// The same for a packet. False: it is not capable, or shared and the pool has none.
template <PacketBuffer P>
bool mark_congestion(P& packet, typename P::Pool& pool) noexcept {
  constexpr std::size_t kFront = 14 + 8 + 20;  // with two tags and the shortest header of IPv4
  if (!make_own(packet, pool)) return false;
  const MutBytes front = packet.pull(std::min(packet.size(), kFront));
  return mark_congestion(front);
}

}  // namespace smol::dataplane
