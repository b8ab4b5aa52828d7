#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

namespace smol::dataplane {

/// The memory of one stack: whole pages from the kernel, given back together. Touched as it is
/// used; large pieces lie where huge pages can back them. Sealed once the stack stands: to ask for
/// more is a bug of ours. Thread: one.
class StackMemory final : public std::pmr::memory_resource {
 public:
  /// `huge_pages`: ask the kernel for them (transparent ones).
  explicit StackMemory(bool huge_pages) noexcept : huge_pages_{huge_pages} {}
  ~StackMemory() override;
  StackMemory(const StackMemory&) = delete;
  StackMemory& operator=(const StackMemory&) = delete;

  void seal() noexcept { sealed_ = true; }
  /// Octets asked for so far.
  std::size_t octets() const noexcept { return octets_; }

 private:
  struct Mapping {
    void* at;
    std::size_t octets;
  };

  void* do_allocate(std::size_t octets, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  std::byte* map(std::size_t octets);

  const bool huge_pages_;
  bool sealed_ = false;
  std::size_t octets_ = 0;
  std::vector<Mapping> mappings_;
  std::byte* next_ = nullptr;  ///< of the piece that small requests share
  std::byte* end_ = nullptr;
};

}  // namespace smol::dataplane
