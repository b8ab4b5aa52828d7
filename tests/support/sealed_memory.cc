#include "tests/support/sealed_memory.hh"

#include <cstdio>
#include <cstdlib>

namespace smol {

void* SealedMemory::do_allocate(std::size_t octets, std::size_t alignment) {
  if (sealed_) {
    std::fputs("memory was asked for after it was sealed\n", stderr);
    std::abort();
  }
  octets_ += octets;
  return std::pmr::new_delete_resource()->allocate(octets, alignment);
}

void SealedMemory::do_deallocate(void* at, std::size_t octets, std::size_t alignment) {
  octets_ -= octets;
  std::pmr::new_delete_resource()->deallocate(at, octets, alignment);
}

}  // namespace smol
