#include "tests/support/heap_watch.hh"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::uint64_t requests_so_far = 0;

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

namespace smol {

std::uint64_t HeapWatch::requests() noexcept {
  return requests_so_far;
}

}  // namespace smol

// The linker sends every call of malloc() here (--wrap), and ours of __real_malloc() to the heap.
extern "C" {
void* __real_malloc(std::size_t octets);
void* __real_calloc(std::size_t count, std::size_t octets);
void* __real_realloc(void* at, std::size_t octets);
void* __real_aligned_alloc(std::size_t alignment, std::size_t octets);
int __real_posix_memalign(void** at, std::size_t alignment, std::size_t octets);

void* __wrap_malloc(std::size_t octets) {
  ++requests_so_far;
  return __real_malloc(octets);
}
void* __wrap_calloc(std::size_t count, std::size_t octets) {
  ++requests_so_far;
  return __real_calloc(count, octets);
}
void* __wrap_realloc(void* at, std::size_t octets) {
  ++requests_so_far;
  return __real_realloc(at, octets);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t octets) {
  ++requests_so_far;
  return __real_aligned_alloc(alignment, octets);
}
int __wrap_posix_memalign(void** at, std::size_t alignment, std::size_t octets) {
  ++requests_so_far;
  return __real_posix_memalign(at, alignment, octets);
}
}

// Each form by name: a sanitizer brings its own of those that are left out.
void* operator new(std::size_t octets) {
  return or_throw(std::malloc(octets == 0 ? 1 : octets));
}
void* operator new(std::size_t octets, std::align_val_t alignment) {
  const auto to = static_cast<std::size_t>(alignment);
  return or_throw(std::aligned_alloc(to, (octets / to + 1) * to));
}
void* operator new[](std::size_t octets) {
  return operator new(octets);
}
void* operator new[](std::size_t octets, std::align_val_t alignment) {
  return operator new(octets, alignment);
}
void* operator new(std::size_t octets, const std::nothrow_t&) noexcept {
  return std::malloc(octets == 0 ? 1 : octets);
}
void* operator new[](std::size_t octets, const std::nothrow_t&) noexcept {
  return std::malloc(octets == 0 ? 1 : octets);
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::align_val_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  std::free(at);
}
void operator delete[](void* at) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::align_val_t) noexcept {
  std::free(at);
}
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept {
  std::free(at);
}
