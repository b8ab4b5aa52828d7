// Any array of instructions as a packet filter: it is refused with an instruction's number, or it
// ends, reads nothing but the packet, and says the same compiled and interpreted.
#include <algorithm>
#include <array>
#include <cstring>
#include <sys/mman.h>
#include <vector>

#include "dataplane/filter/classic.hh"
#include "dataplane/filter/interpreter.hh"
#include "dataplane/filter/x86_64.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

using namespace dataplane::filter;

/// A packet in two pieces, as compiled code is told of it.
struct Pieces {
  const std::uint8_t* buffer;
  std::uint16_t front_offset;
  std::uint16_t front_length;
  std::uint32_t length;
  Bytes whole;
};

template <std::uint32_t kSize>
std::int64_t read(const void* packet, std::uint64_t offset) noexcept {
  const Bytes whole = static_cast<const Pieces*>(packet)->whole;
  if (offset + kSize > whole.size()) return -1;
  std::int64_t out = 0;
  for (std::uint32_t i = 0; i < kSize; ++i) out = out << 8 | whole[offset + i];
  return out;
}

std::uint32_t interpreted(const std::vector<Instruction>& program, const Pieces& packet) {
  const Bytes front{packet.buffer, packet.front_length};
  return interpret(program, {front, packet.length, &packet,
                             [](const void* from, std::size_t offset, MutBytes out) noexcept {
                               copy_bytes(out, static_cast<const Pieces*>(from)->whole.subspan(
                                                   offset, out.size()));
                             }});
}

[[maybe_unused]] std::uint32_t compiled(const std::vector<Instruction>& program,
                                        const Pieces& packet) {
  PacketLayout layout;
  layout.buffer = offsetof(Pieces, buffer);
  layout.front_offset = offsetof(Pieces, front_offset);
  layout.front_length = offsetof(Pieces, front_length);
  layout.length = offsetof(Pieces, length);
  layout.read1 = reinterpret_cast<std::uint64_t>(&read<1>);
  layout.read2 = reinterpret_cast<std::uint64_t>(&read<2>);
  layout.read4 = reinterpret_cast<std::uint64_t>(&read<4>);
  const std::vector<std::uint8_t> code = x86_64_code(program, layout);
  void* memory = mmap(nullptr, code.size(), PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "there is memory that may be executed");
  std::memcpy(memory, code.data(), code.size());
  const std::uint32_t out = reinterpret_cast<std::uint32_t (*)(const void*)>(memory)(&packet);
  munmap(memory, code.size());
  return out;
}

/// How many instructions, where the packet's front ends, the instructions, the packet.
void filter(Bytes input) {
  Reader reader{input};
  const std::size_t count = reader.u8();
  const std::size_t cut = reader.u8();
  std::vector<Instruction> program;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes octets = reader.take(8);
    if (octets.empty()) return;
    program.push_back({be16(octets, 0), octets[2], octets[3], be32(octets, 4)});
  }
  const auto valid = validate(program);
  if (!valid) {
    require(valid.error().instruction <= program.size(), "a refusal names an instruction");
    require(valid.error().message().find('\n') == std::string::npos, "a refusal is one line");
    return;
  }
  // Two heap blocks of just these sizes: a read beyond is seen.
  const std::vector<std::uint8_t> whole{reader.rest().begin(), reader.rest().end()};
  const std::size_t split = std::min(cut, whole.size());
  const std::vector<std::uint8_t> front{whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(split)};
  const Pieces packet{front.data(), 0, static_cast<std::uint16_t>(split),
                      static_cast<std::uint32_t>(whole.size()), whole};
  const std::uint32_t result = interpreted(program, packet);
  require(result == interpreted(program, packet), "a filter has no memory of other packets");
#if defined(__x86_64__)
  require(result == compiled(program, packet), "compiled and interpreted are the same");
#endif
}

}  // namespace
SMOL_FUZZ_TARGET(filter)
}  // namespace smol::fuzz
