#include "dataplane/filter/native.hh"

#include <array>
#include <cstring>
#include <sys/mman.h>

#include <rte_mbuf.h>

#include "dataplane/filter/x86_64.hh"
#include "protocols/base/bytes.hh"

// Of DPDK's headers: names and attributes of C++.
#undef likely
#undef unlikely

namespace smol::dataplane::filter {
namespace {

/// Called by the code for what does not lie in the first buffer.
template <std::uint32_t kSize>
std::int64_t read(const void* packet, std::uint64_t offset) noexcept {
  const auto* mbuf = static_cast<const rte_mbuf*>(packet);
  if (offset + kSize > mbuf->pkt_len) return -1;
  std::array<std::uint8_t, kSize> copy;
  const auto* from = static_cast<const std::uint8_t*>(
      rte_pktmbuf_read(mbuf, static_cast<std::uint32_t>(offset), kSize, copy.data()));
  std::int64_t out = 0;
  for (std::uint32_t i = 0; i < kSize; ++i) out = out << 8 | from[i];
  return out;
}

[[maybe_unused]] PacketLayout mbuf_layout() noexcept {
  static_assert(sizeof(rte_mbuf::buf_addr) == 8 && sizeof(rte_mbuf::data_off) == 2 &&
                sizeof(rte_mbuf::data_len) == 2 && sizeof(rte_mbuf::pkt_len) == 4);
  PacketLayout out;
  out.buffer = offsetof(rte_mbuf, buf_addr);
  out.front_offset = offsetof(rte_mbuf, data_off);
  out.front_length = offsetof(rte_mbuf, data_len);
  out.length = offsetof(rte_mbuf, pkt_len);
  out.read1 = reinterpret_cast<std::uint64_t>(&read<1>);
  out.read2 = reinterpret_cast<std::uint64_t>(&read<2>);
  out.read4 = reinterpret_cast<std::uint64_t>(&read<4>);
  return out;
}

}  // namespace

Native Native::compile([[maybe_unused]] std::span<const Instruction> program) {
#if defined(__x86_64__)
  return load(x86_64_code(program, mbuf_layout()));
#else
  return {};
#endif
}

Native Native::load(std::span<const std::uint8_t> code) {
  void* memory =
      mmap(nullptr, code.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  std::memcpy(memory, code.data(), code.size());
  // Never writable and executable at once. systemd's MemoryDenyWriteExecute= forbids even this.
  if (mprotect(memory, code.size(), PROT_READ | PROT_EXEC) != 0) {
    munmap(memory, code.size());
    return {};
  }
  Native out;
  out.run_ = reinterpret_cast<std::uint32_t (*)(const void*)>(memory);
  out.size_ = code.size();
  return out;
}

Native::~Native() {
  if (run_ != nullptr) munmap(reinterpret_cast<void*>(run_), size_);
}

}  // namespace smol::dataplane::filter
