#include "dataplane/filter/classic.hh"

namespace smol::dataplane::filter {
namespace {

constexpr bool known(std::uint16_t code) noexcept {
  switch (code) {
    case kLoadWordAt:
    case kLoadHalfAt:
    case kLoadByteAt:
    case kLoadWordX:
    case kLoadHalfX:
    case kLoadByteX:
    case kLoadConstant:
    case kLoadScratch:
    case kLoadLength:
    case kIndexConstant:
    case kIndexScratch:
    case kIndexLength:
    case kIndexHeader:
    case kStore:
    case kStoreIndex:
    case kAddK:
    case kAddX:
    case kSubtractK:
    case kSubtractX:
    case kMultiplyK:
    case kMultiplyX:
    case kDivideK:
    case kDivideX:
    case kOrK:
    case kOrX:
    case kAndK:
    case kAndX:
    case kShiftLeftK:
    case kShiftLeftX:
    case kShiftRightK:
    case kShiftRightX:
    case kNegate:
    case kRemainderK:
    case kRemainderX:
    case kExclusiveOrK:
    case kExclusiveOrX:
    case kJump:
    case kJumpEqualK:
    case kJumpEqualX:
    case kJumpGreaterK:
    case kJumpGreaterX:
    case kJumpNotLessK:
    case kJumpNotLessX:
    case kJumpSetK:
    case kJumpSetX:
    case kReturnK:
    case kReturnA:
    case kIndexToA:
    case kAToIndex:
      return true;
    default:
      return false;
  }
}

/// The rule that an instruction breaks with `left` instructions behind it; empty: none.
std::string_view broken_rule(const Instruction& i, std::size_t left) noexcept {
  if (!known(i.code)) return "is none of classic BPF";
  switch (i.code) {
    case kDivideK:
    case kRemainderK:
      if (i.k == 0) return "divides by 0";
      break;
    case kShiftLeftK:
    case kShiftRightK:
      if (i.k >= 32) return "shifts by 32 bits or more";
      break;
    case kLoadScratch:
    case kIndexScratch:
    case kStore:
    case kStoreIndex:
      if (i.k >= kScratchWords) return "is past the 16 words of scratch memory";
      break;
    case kJump:
      // K counts as signed in libpcap: protochain jumps back, and a worker runs no loops.
      if (i.k > 0x7fff'ffff) return "jumps back: protochain does, leave it out";
      if (i.k >= left) return "jumps past the end";
      break;
    default:
      if (is_conditional_jump(i) && (i.jt >= left || i.jf >= left)) return "jumps past the end";
      break;
  }
  return {};
}

}  // namespace

std::string Refusal::message() const {
  return "filter: instruction " + std::to_string(instruction) + " " + std::string{rule};
}

Result<void, Refusal> validate(std::span<const Instruction> program) noexcept {
  if (program.empty()) return fail(Refusal{0, "is missing: the program is empty"});
  if (program.size() > kMaxInstructions) {
    return fail(Refusal{kMaxInstructions, "is one too many: a filter has up to 4096"});
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    const std::string_view rule = broken_rule(program[at], program.size() - at - 1);
    if (!rule.empty()) return fail(Refusal{at, rule});
  }
  if (!is_return(program.back())) {
    return fail(Refusal{program.size() - 1, "is the last and does not return"});
  }
  return {};
}

}  // namespace smol::dataplane::filter
