#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/filter/classic.hh"
#include "protocols/base/bytes.hh"
#include "protocols/packet/buffer.hh"

namespace smol::dataplane::filter {

/// A packet as a filter reads it: its contiguous front, and a way to what lies behind.
struct Octets {
  Bytes front;
  std::size_t size = 0;          ///< of the whole packet
  const void* packet = nullptr;  ///< for `copy`
  /// Copies [offset, offset + out.size()) out; only called for what the packet holds.
  void (*copy)(const void* packet, std::size_t offset, MutBytes out) noexcept = nullptr;
};

template <PacketBuffer P>
Octets octets_of(const P& packet) noexcept {
  return {packet.segment(0), packet.size(), &packet,
          [](const void* from, std::size_t offset, MutBytes out) noexcept {
            packet_copy(*static_cast<const P*>(from), offset, out);
          }};
}
inline Octets octets_of(Bytes packet) noexcept {
  return {packet, packet.size(), nullptr, nullptr};
}

/// What the program returns: 0 is no match. A load past the end of the packet, and a division by 0,
/// end it with 0, as in libpcap. Precondition: validate() passed it. O(instructions). Thread: any.
std::uint32_t interpret(std::span<const Instruction> program, const Octets& packet) noexcept;

}  // namespace smol::dataplane::filter
