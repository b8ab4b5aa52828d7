#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocols/base/result.hh"

/// Packet filters that run on a worker: classic BPF, as pcap_compile() makes it of a
/// pcap-filter(7) expression for Ethernet frames.
namespace smol::dataplane::filter {

/// One instruction, in the layout of libpcap's bpf_insn.
struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t jt = 0;
  std::uint8_t jf = 0;
  std::uint32_t k = 0;

  friend bool operator==(const Instruction&, const Instruction&) = default;
};

inline constexpr std::size_t kMaxInstructions = 4096;
/// Words of scratch memory that a program has.
inline constexpr std::uint32_t kScratchWords = 16;

/// Every instruction there is ("The BSD Packet Filter", McCanne and Jacobson, 1993, and libpcap's
/// remainder and exclusive or). A: accumulator, X: index register, K: the instruction's constant,
/// M: scratch memory, P: the packet, in network order.
enum Code : std::uint16_t {
  kLoadWordAt = 0x20,    ///< A = P[K:4]
  kLoadHalfAt = 0x28,    ///< A = P[K:2]
  kLoadByteAt = 0x30,    ///< A = P[K:1]
  kLoadWordX = 0x40,     ///< A = P[X+K:4]
  kLoadHalfX = 0x48,     ///< A = P[X+K:2]
  kLoadByteX = 0x50,     ///< A = P[X+K:1]
  kLoadConstant = 0x00,  ///< A = K
  kLoadScratch = 0x60,   ///< A = M[K]
  kLoadLength = 0x80,    ///< A = octets of the packet
  kIndexConstant = 0x01,
  kIndexScratch = 0x61,
  kIndexLength = 0x81,
  kIndexHeader = 0xb1,  ///< X = 4 * (P[K:1] & 15), an IPv4 header's length
  kStore = 0x02,        ///< M[K] = A
  kStoreIndex = 0x03,   ///< M[K] = X
  kAddK = 0x04,
  kAddX = 0x0c,
  kSubtractK = 0x14,
  kSubtractX = 0x1c,
  kMultiplyK = 0x24,
  kMultiplyX = 0x2c,
  kDivideK = 0x34,
  kDivideX = 0x3c,
  kOrK = 0x44,
  kOrX = 0x4c,
  kAndK = 0x54,
  kAndX = 0x5c,
  kShiftLeftK = 0x64,
  kShiftLeftX = 0x6c,
  kShiftRightK = 0x74,
  kShiftRightX = 0x7c,
  kNegate = 0x84,
  kRemainderK = 0x94,
  kRemainderX = 0x9c,
  kExclusiveOrK = 0xa4,
  kExclusiveOrX = 0xac,
  kJump = 0x05,  ///< K instructions on
  kJumpEqualK = 0x15,
  kJumpEqualX = 0x1d,
  kJumpGreaterK = 0x25,
  kJumpGreaterX = 0x2d,
  kJumpNotLessK = 0x35,
  kJumpNotLessX = 0x3d,
  kJumpSetK = 0x45,  ///< jt if A & K
  kJumpSetX = 0x4d,
  kReturnK = 0x06,
  kReturnA = 0x16,
  kIndexToA = 0x87,  ///< A = X
  kAToIndex = 0x07,  ///< X = A
};

constexpr bool is_conditional_jump(const Instruction& i) noexcept {
  return (i.code & 0x07) == 0x05 && i.code != kJump;
}
constexpr bool is_return(const Instruction& i) noexcept {
  return i.code == kReturnK || i.code == kReturnA;
}

/// Why a program is refused.
struct Refusal {
  std::size_t instruction = 0;  ///< counted from 0
  std::string_view rule;        ///< what it breaks

  /// One line: "filter: instruction 3 jumps past the end".
  std::string message() const;
};

/// Whether a program may run: it ends, within itself, and does nothing undefined. What passes needs
/// no further check but those of the packet's length and of a divisor in X. Words of scratch memory
/// that nobody wrote are 0.
Result<void, Refusal> validate(std::span<const Instruction> program) noexcept;

}  // namespace smol::dataplane::filter
