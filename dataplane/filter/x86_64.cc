#include "dataplane/filter/x86_64.hh"

#include <array>
#include <cstddef>
#include <initializer_list>

namespace smol::dataplane::filter {
namespace {

// Who is where, from the first instruction to the last:
//
//   eax   A               rbx   the packet's first buffer
//   r14d  X               r12   its octets
//   rsp   scratch memory  r13   how many they are
//   ebp   A, while a header's length is read
//
// ecx, edx, rsi and rdi are free within an instruction. Every write to a 32-bit register clears the
// upper half, so that A, X and r13 can be used as 64 bits. Jumps always take four octets for their
// distance: one size, and nothing to be settled by trying.

using Octets = std::initializer_list<unsigned>;

constexpr unsigned kScratchOctets = kScratchWords * 4;

// Conditions, as the second octet of a jump has them. The one with the lowest bit flipped is the
// opposite.
enum Condition : unsigned {
  kBelow = 0x82,
  kNotBelow = 0x83,
  kEqual = 0x84,
  kNotEqual = 0x85,
  kAbove = 0x87,
  kNegative = 0x88,
};
constexpr unsigned opposite(unsigned condition) noexcept {
  return condition ^ 1;
}

class Translator {
 public:
  Translator(std::span<const Instruction> program, const PacketLayout& layout)
      : program_{program}, layout_{layout} {}

  std::vector<std::uint8_t> run();

 private:
  /// A place in the code: an instruction of the program, or one of these.
  using Label = std::size_t;
  Label no_match() const noexcept { return program_.size(); }
  Label end() const noexcept { return program_.size() + 1; }

  struct Jump {
    std::size_t at;  ///< of the distance
    Label target;
  };
  /// A load that may find itself past the first buffer, and then goes on behind the program.
  struct SlowLoad {
    std::size_t jump;  ///< of the distance to the slow path
    std::size_t back;
    const Instruction* load;
  };

  void prologue();
  void epilogue();
  void translate(std::size_t at);
  void load(const Instruction& i);
  void load_index(const Instruction& i);
  void load_octets(const Instruction& i, std::uint32_t size, bool indexed);
  void compute(const Instruction& i);
  void compute_with_k(const Instruction& i);
  void compute_with_x(const Instruction& i);
  void divide(const Instruction& i);
  void shift_by_x(const Instruction& i);
  void branch(std::size_t at);
  void slow_path(const SlowLoad& slow);

  void emit(Octets octets) {
    for (const unsigned octet : octets) code_.push_back(static_cast<std::uint8_t>(octet));
  }
  void emit32(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) emit({value >> shift & 0xff});
  }
  void emit_k(Octets octets, std::uint32_t k) {
    emit(octets);
    emit32(k);
  }
  void jump(Label target) {
    emit({0xe9});
    jumps_.push_back({code_.size(), target});
    emit32(0);
  }
  void jump_if(unsigned condition, Label target) {
    emit({0x0f, condition});
    jumps_.push_back({code_.size(), target});
    emit32(0);
  }
  void place(std::size_t at, std::size_t target) {
    const auto distance = static_cast<std::uint32_t>(target - (at + 4));
    for (unsigned n = 0; n < 4; ++n) code_[at + n] = static_cast<std::uint8_t>(distance >> 8 * n);
  }
  static unsigned slot(std::uint32_t word) noexcept { return 4 * word; }

  const std::span<const Instruction> program_;
  const PacketLayout& layout_;
  std::vector<std::uint8_t> code_;
  std::vector<std::size_t> start_;  ///< of each label
  std::vector<Jump> jumps_;
  std::vector<SlowLoad> slow_;
};

std::vector<std::uint8_t> Translator::run() {
  start_.resize(program_.size() + 2);
  prologue();
  for (std::size_t at = 0; at < program_.size(); ++at) {
    start_[at] = code_.size();
    translate(at);
  }
  for (const SlowLoad& each : slow_) slow_path(each);
  epilogue();
  for (const Jump& each : jumps_) place(each.at, start_[each.target]);
  return std::move(code_);
}

void Translator::prologue() {
  emit({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56});  // push rbx, rbp, r12, r13, r14
  emit({0x48, 0x83, 0xec, kScratchOctets});                // sub rsp; calls find it aligned to 16
  emit({0x48, 0x89, 0xfb});                                // mov rbx, rdi
  emit({0x4c, 0x8b, 0x63, layout_.buffer});                // mov r12, [rbx + ..]
  emit({0x0f, 0xb7, 0x43, layout_.front_offset});          // movzx eax, word [rbx + ..]
  emit({0x49, 0x01, 0xc4});                                // add r12, rax
  emit({0x44, 0x0f, 0xb7, 0x6b, layout_.front_length});    // movzx r13d, word [rbx + ..]
  emit({0x31, 0xc0, 0x45, 0x31, 0xf6});                    // xor eax, eax; xor r14d, r14d
  std::array<bool, kScratchWords> read{};
  for (const Instruction& i : program_) {
    if (i.code == kLoadScratch || i.code == kIndexScratch) read[i.k] = true;
  }
  for (std::uint32_t word = 0; word < kScratchWords; ++word) {
    if (read[word]) emit_k({0xc7, 0x44, 0x24, slot(word)}, 0);  // mov dword [rsp + ..], 0
  }
}

void Translator::epilogue() {
  start_[no_match()] = code_.size();
  emit({0x31, 0xc0});  // xor eax, eax
  start_[end()] = code_.size();
  emit({0x48, 0x83, 0xc4, kScratchOctets});                // add rsp
  emit({0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b});  // pop r14, r13, r12, rbp, rbx
  emit({0xc3});                                            // ret
}

void Translator::translate(std::size_t at) {
  const Instruction& i = program_[at];
  switch (i.code & 0x07) {
    case 0x00:
      return load(i);
    case 0x01:
      return load_index(i);
    case 0x02:
      return emit({0x89, 0x44, 0x24, slot(i.k)});  // mov [rsp + ..], eax
    case 0x03:
      return emit({0x44, 0x89, 0x74, 0x24, slot(i.k)});  // mov [rsp + ..], r14d
    case 0x04:
      return compute(i);
    case 0x05:
      return branch(at);
    case 0x06:
      if (i.code == kReturnK) emit_k({0xb8}, i.k);  // mov eax, K
      return jump(end());
    default:
      if (i.code == kAToIndex) return emit({0x41, 0x89, 0xc6});  // mov r14d, eax
      return emit({0x44, 0x89, 0xf0});                           // mov eax, r14d
  }
}

void Translator::load(const Instruction& i) {
  switch (i.code) {
    case kLoadWordAt:
      return load_octets(i, 4, false);
    case kLoadHalfAt:
      return load_octets(i, 2, false);
    case kLoadByteAt:
      return load_octets(i, 1, false);
    case kLoadWordX:
      return load_octets(i, 4, true);
    case kLoadHalfX:
      return load_octets(i, 2, true);
    case kLoadByteX:
      return load_octets(i, 1, true);
    case kLoadScratch:
      return emit({0x8b, 0x44, 0x24, slot(i.k)});  // mov eax, [rsp + ..]
    case kLoadLength:
      return emit({0x8b, 0x43, layout_.length});  // mov eax, [rbx + ..]
    default:
      return emit_k({0xb8}, i.k);  // mov eax, K
  }
}

void Translator::load_octets(const Instruction& i, std::uint32_t size, bool indexed) {
  if (i.k > kMaxPacket - size) return jump(no_match());
  SlowLoad slow{0, 0, &i};
  if (indexed) {
    emit_k({0x49, 0x8d, 0x8e}, i.k);  // lea rcx, [r14 + K]: 64 bits, so it cannot wrap around
    emit({0x48, 0x8d, 0x51, size});   // lea rdx, [rcx + size]
    emit({0x4c, 0x39, 0xea});         // cmp rdx, r13
    emit({0x0f, kAbove});
  } else {
    emit_k({0x49, 0x81, 0xfd}, i.k + size);  // cmp r13, K + size
    emit({0x0f, kBelow});
  }
  slow.jump = code_.size();
  emit32(0);
  const auto from = [&](Octets operation) {
    emit({0x41});
    emit(operation);
    // [r12 + rcx], [r12 + K]
    indexed ? emit({0x04, 0x0c}) : emit_k({0x84, 0x24}, i.k);
  };
  if (size == 4) {
    from({0x8b});        // mov eax, dword ..
    emit({0x0f, 0xc8});  // bswap eax
  } else if (size == 2) {
    from({0x0f, 0xb7});              // movzx eax, word ..
    emit({0x66, 0xc1, 0xc0, 0x08});  // rol ax, 8
  } else {
    from({0x0f, 0xb6});  // movzx eax, byte ..
  }
  slow.back = code_.size();
  slow_.push_back(slow);
}

void Translator::load_index(const Instruction& i) {
  switch (i.code) {
    case kIndexScratch:
      return emit({0x44, 0x8b, 0x74, 0x24, slot(i.k)});  // mov r14d, [rsp + ..]
    case kIndexLength:
      return emit({0x44, 0x8b, 0x73, layout_.length});  // mov r14d, [rbx + ..]
    case kIndexConstant:
      return emit_k({0x41, 0xbe}, i.k);  // mov r14d, K
    default:
      break;
  }
  if (i.k > kMaxPacket - 1) return jump(no_match());
  emit_k({0x49, 0x81, 0xfd}, i.k + 1);  // cmp r13, K + 1
  emit({0x0f, kBelow});
  SlowLoad slow{code_.size(), 0, &i};
  emit32(0);
  emit_k({0x45, 0x0f, 0xb6, 0xb4, 0x24}, i.k);  // movzx r14d, byte [r12 + K]
  slow.back = code_.size();
  slow_.push_back(slow);
  emit({0x41, 0x83, 0xe6, 0x0f, 0x41, 0xc1, 0xe6, 0x02});  // and r14d, 15; shl r14d, 2
}

void Translator::slow_path(const SlowLoad& slow) {
  place(slow.jump, code_.size());
  const Instruction& i = *slow.load;
  const bool indexed = (i.code & 0xe0) == 0x40;
  const bool header = i.code == kIndexHeader;
  std::uint64_t read = layout_.read1;
  if (i.code == kLoadWordAt || i.code == kLoadWordX) read = layout_.read4;
  if (i.code == kLoadHalfAt || i.code == kLoadHalfX) read = layout_.read2;
  if (header) emit({0x89, 0xc5});                            // mov ebp, eax
  indexed ? emit({0x48, 0x89, 0xce}) : emit_k({0xbe}, i.k);  // mov rsi, rcx; mov esi, K
  emit({0x48, 0x89, 0xdf});                                  // mov rdi, rbx
  emit({0x48, 0xb8});                                        // mov rax, read
  emit32(static_cast<std::uint32_t>(read));
  emit32(static_cast<std::uint32_t>(read >> 32));
  emit({0xff, 0xd0, 0x48, 0x85, 0xc0});  // call rax; test rax, rax
  jump_if(kNegative, no_match());
  if (header) emit({0x41, 0x89, 0xc6, 0x89, 0xe8});  // mov r14d, eax; mov eax, ebp
  emit({0xe9});
  const std::size_t at = code_.size();
  emit32(0);
  place(at, slow.back);
}

void Translator::compute(const Instruction& i) {
  switch (i.code) {
    case kDivideK:
    case kDivideX:
    case kRemainderK:
    case kRemainderX:
      return divide(i);
    case kShiftLeftX:
    case kShiftRightX:
      return shift_by_x(i);
    case kNegate:
      return emit({0xf7, 0xd8});  // neg eax
    default:
      return (i.code & 0x08) != 0 ? compute_with_x(i) : compute_with_k(i);
  }
}

void Translator::compute_with_k(const Instruction& i) {
  switch (i.code) {
    case kAddK:
      return emit_k({0x05}, i.k);  // add eax, K
    case kSubtractK:
      return emit_k({0x2d}, i.k);  // sub eax, K
    case kMultiplyK:
      return emit_k({0x69, 0xc0}, i.k);  // imul eax, eax, K
    case kOrK:
      return emit_k({0x0d}, i.k);  // or eax, K
    case kAndK:
      return emit_k({0x25}, i.k);  // and eax, K
    case kExclusiveOrK:
      return emit_k({0x35}, i.k);  // xor eax, K
    case kShiftLeftK:
      return emit({0xc1, 0xe0, i.k});  // shl eax, K
    default:
      return emit({0xc1, 0xe8, i.k});  // shr eax, K
  }
}

void Translator::compute_with_x(const Instruction& i) {
  switch (i.code) {
    case kAddX:
      return emit({0x44, 0x01, 0xf0});  // add eax, r14d
    case kSubtractX:
      return emit({0x44, 0x29, 0xf0});  // sub eax, r14d
    case kMultiplyX:
      return emit({0x41, 0x0f, 0xaf, 0xc6});  // imul eax, r14d
    case kOrX:
      return emit({0x44, 0x09, 0xf0});  // or eax, r14d
    case kAndX:
      return emit({0x44, 0x21, 0xf0});  // and eax, r14d
    default:
      return emit({0x44, 0x31, 0xf0});  // xor eax, r14d
  }
}

void Translator::divide(const Instruction& i) {
  if ((i.code & 0x08) != 0) {
    emit({0x45, 0x85, 0xf6});  // test r14d, r14d
    jump_if(kEqual, no_match());
    emit({0x31, 0xd2, 0x41, 0xf7, 0xf6});  // xor edx, edx; div r14d
  } else {
    emit_k({0xb9}, i.k);             // mov ecx, K
    emit({0x31, 0xd2, 0xf7, 0xf1});  // xor edx, edx; div ecx
  }
  if (i.code == kRemainderK || i.code == kRemainderX) emit({0x89, 0xd0});  // mov eax, edx
}

/// The processor takes the lowest five bits of the count; 32 and more give 0 here.
void Translator::shift_by_x(const Instruction& i) {
  emit({0x44, 0x89, 0xf1});                             // mov ecx, r14d
  emit({0xd3, i.code == kShiftLeftX ? 0xe0u : 0xe8u});  // shl, shr eax, cl
  emit({0x83, 0xf9, 0x20, 0x19, 0xd2, 0x21, 0xd0});     // cmp ecx, 32; sbb edx, edx; and eax, edx
}

void Translator::branch(std::size_t at) {
  const Instruction& i = program_[at];
  if (i.code == kJump) return jump(at + 1 + i.k);
  const bool is_set = (i.code & 0xf0) == (kJumpSetK & 0xf0);
  if ((i.code & 0x08) != 0) {
    emit({0x44, is_set ? 0x85u : 0x39u, 0xf0});  // test, cmp eax, r14d
  } else {
    emit_k({is_set ? 0xa9u : 0x3du}, i.k);  // test, cmp eax, K
  }
  unsigned condition = kNotEqual;
  switch (i.code & 0xf0) {
    case kJumpEqualK & 0xf0:
      condition = kEqual;
      break;
    case kJumpGreaterK & 0xf0:
      condition = kAbove;
      break;
    case kJumpNotLessK & 0xf0:
      condition = kNotBelow;
      break;
    default:
      break;
  }
  if (i.jt != 0) jump_if(condition, at + 1 + i.jt);
  if (i.jf == 0) return;
  i.jt == 0 ? jump_if(opposite(condition), at + 1 + i.jf) : jump(at + 1 + i.jf);
}

}  // namespace

std::vector<std::uint8_t> x86_64_code(std::span<const Instruction> program,
                                      const PacketLayout& layout) {
  return Translator{program, layout}.run();
}

}  // namespace smol::dataplane::filter
