#include "dataplane/stack_memory.hh"

#include <cstdint>
#include <new>
#include <sys/mman.h>

#include "protocols/base/check.hh"

namespace smol::dataplane {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kShared = std::size_t{1} << 20;  // what small requests are cut from
constexpr std::size_t kLarge = std::size_t{64} << 10;

std::byte* aligned(std::byte* at, std::size_t alignment) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  return at + ((alignment - address % alignment) % alignment);
}

}  // namespace

StackMemory::~StackMemory() {
  for (const Mapping& mapping : mappings_) munmap(mapping.at, mapping.octets);
}

std::byte* StackMemory::map(std::size_t octets) {
  // Kernels before 6.7 place a mapping at any page: room to move it to where a huge page begins.
  const bool huge = huge_pages_ && octets >= kHugePage;
  const std::size_t mapped = huge ? octets + kHugePage : octets;
  void* at = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc{};
  mappings_.push_back({at, mapped});
  std::byte* out = static_cast<std::byte*>(at);
  if (huge) {
    out = aligned(out, kHugePage);
    madvise(out, octets, MADV_HUGEPAGE);
  }
  return out;
}

void* StackMemory::do_allocate(std::size_t octets, std::size_t alignment) {
  SMOL_CHECK(!sealed_);
  octets_ += octets;
  if (octets >= kLarge) return map(octets);
  std::byte* at = next_ == nullptr ? nullptr : aligned(next_, alignment);
  if (at == nullptr || at > end_ || static_cast<std::size_t>(end_ - at) < octets) {
    at = map(kShared);
    end_ = at + kShared;
  }
  next_ = at + octets;
  return at;
}

}  // namespace smol::dataplane
