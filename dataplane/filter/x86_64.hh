#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/filter/classic.hh"

namespace smol::dataplane::filter {

/// Where a packet's buffer keeps what machine code reads of it, in octets from its start, and what
/// that calls for octets behind the first buffer.
struct PacketLayout {
  std::uint8_t buffer = 0;        ///< address, 8 octets
  std::uint8_t front_offset = 0;  ///< of the packet's front in the buffer, 2 octets
  std::uint8_t front_length = 0;  ///< 2 octets
  std::uint8_t length = 0;        ///< of the whole packet, 4 octets
  /// int64_t (*)(const void* packet, uint64_t offset): the 1, 2 or 4 octets there as a number, or
  /// -1 if the packet ends before.
  std::uint64_t read1 = 0;
  std::uint64_t read2 = 0;
  std::uint64_t read4 = 0;
};

/// Octets further into a packet than this are taken not to be there.
inline constexpr std::uint32_t kMaxPacket = 1u << 24;

/// The program as code for x86-64, where it may lie anywhere: uint32_t (*)(const void* packet), of
/// the System V calling convention. Precondition: validate() passed it. O(n).
std::vector<std::uint8_t> x86_64_code(std::span<const Instruction> program,
                                      const PacketLayout& layout);

}  // namespace smol::dataplane::filter
