#pragma once

#include <cstddef>
#include <memory_resource>

namespace smol {

/// A memory resource that may be asked until it is sealed: what asks afterwards ends the process,
/// and the core dump says who.
class SealedMemory final : public std::pmr::memory_resource {
 public:
  void seal() noexcept { sealed_ = true; }
  void unseal() noexcept { sealed_ = false; }
  /// Octets asked for and not given back.
  std::size_t octets() const noexcept { return octets_; }

 private:
  void* do_allocate(std::size_t octets, std::size_t alignment) override;
  void do_deallocate(void* at, std::size_t octets, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  bool sealed_ = false;
  std::size_t octets_ = 0;
};

}  // namespace smol
