#include "dataplane/filter/interpreter.hh"

#include <array>

namespace smol::dataplane::filter {
namespace {

/// One run of a program: its registers and its scratch memory.
class Machine {
 public:
  explicit Machine(const Octets& packet) noexcept : packet_{packet} {}

  std::uint32_t run(const Instruction* at) noexcept {
    for (;; ++at) {
      if (is_return(*at)) return at->code == kReturnK ? at->k : a_;
      if (at->code == kJump) {
        at += at->k;
      } else if (is_conditional_jump(*at)) {
        at += holds(*at) ? at->jt : at->jf;
      } else if (!step(*at)) {
        return 0;
      }
    }
  }

 private:
  /// False: the program ends here, without a match.
  bool step(const Instruction& i) noexcept {
    // Bits 0 to 2 are the class: loads into A, into X, stores, arithmetic, the rest.
    switch (i.code & 0x07) {
      case 0x00:
        return load(i);
      case 0x01:
        return load_index(i);
      case 0x02:
        scratch_[i.k] = a_;
        return true;
      case 0x03:
        scratch_[i.k] = x_;
        return true;
      case 0x04:
        return compute(i);
      default:
        (i.code == kAToIndex ? x_ : a_) = i.code == kAToIndex ? a_ : x_;
        return true;
    }
  }

  bool load(const Instruction& i) noexcept {
    const std::uint64_t indexed = std::uint64_t{x_} + i.k;  // 64 bits: it must not wrap around
    switch (i.code) {
      case kLoadWordAt:
        return read(i.k, 4, a_);
      case kLoadHalfAt:
        return read(i.k, 2, a_);
      case kLoadByteAt:
        return read(i.k, 1, a_);
      case kLoadWordX:
        return read(indexed, 4, a_);
      case kLoadHalfX:
        return read(indexed, 2, a_);
      case kLoadByteX:
        return read(indexed, 1, a_);
      case kLoadScratch:
        a_ = scratch_[i.k];
        return true;
      case kLoadLength:
        a_ = static_cast<std::uint32_t>(packet_.size);
        return true;
      default:
        a_ = i.k;
        return true;
    }
  }

  bool load_index(const Instruction& i) noexcept {
    switch (i.code) {
      case kIndexHeader:
        if (!read(i.k, 1, x_)) return false;
        x_ = (x_ & 15) * 4;
        return true;
      case kIndexScratch:
        x_ = scratch_[i.k];
        return true;
      case kIndexLength:
        x_ = static_cast<std::uint32_t>(packet_.size);
        return true;
      default:
        x_ = i.k;
        return true;
    }
  }

  bool compute(const Instruction& i) noexcept {
    // Bit 3 says whether the operand is X.
    const std::uint32_t operand = (i.code & 0x08) != 0 ? x_ : i.k;
    switch (i.code & ~0x08) {
      case kAddK:
        a_ += operand;
        return true;
      case kSubtractK:
        a_ -= operand;
        return true;
      case kMultiplyK:
        a_ *= operand;
        return true;
      case kDivideK:
        if (operand == 0) return false;
        a_ /= operand;
        return true;
      case kRemainderK:
        if (operand == 0) return false;
        a_ %= operand;
        return true;
      case kOrK:
        a_ |= operand;
        return true;
      case kAndK:
        a_ &= operand;
        return true;
      case kExclusiveOrK:
        a_ ^= operand;
        return true;
      case kShiftLeftK:
        a_ = operand < 32 ? a_ << operand : 0;
        return true;
      case kShiftRightK:
        a_ = operand < 32 ? a_ >> operand : 0;
        return true;
      default:
        a_ = 0 - a_;
        return true;
    }
  }

  bool holds(const Instruction& i) const noexcept {
    const std::uint32_t operand = (i.code & 0x08) != 0 ? x_ : i.k;
    switch (i.code & ~0x08) {
      case kJumpEqualK:
        return a_ == operand;
      case kJumpGreaterK:
        return a_ > operand;
      case kJumpNotLessK:
        return a_ >= operand;
      default:
        return (a_ & operand) != 0;
    }
  }

  /// The octets [at, at + n) as a number. False: the packet ends before.
  bool read(std::uint64_t at, std::size_t n, std::uint32_t& out) const noexcept {
    if (at + n > packet_.size) return false;
    std::array<std::uint8_t, 4> copy;
    const std::uint8_t* from = copy.data();
    if (at + n <= packet_.front.size()) {
      from = packet_.front.data() + at;
    } else {
      packet_.copy(packet_.packet, static_cast<std::size_t>(at), MutBytes{copy}.first(n));
    }
    out = 0;
    for (std::size_t i = 0; i < n; ++i) out = out << 8 | from[i];
    return true;
  }

  const Octets& packet_;
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
  std::array<std::uint32_t, kScratchWords> scratch_{};
};

}  // namespace

std::uint32_t interpret(std::span<const Instruction> program, const Octets& packet) noexcept {
  return Machine{packet}.run(program.data());
}

}  // namespace smol::dataplane::filter
