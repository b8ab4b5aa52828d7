#include "tests/support/touched_pages.hh"

#include <array>
#include <csignal>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

#include "protocols/base/check.hh"

namespace smol {
namespace {

/// What the signal handler knows.
struct Watched {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
  std::uint64_t pages = 0;
};
Watched watched;
struct sigaction before;

/// The first touch of a page that is locked: count it and let it through.
void on_touch(int signal, siginfo_t* info, void* context) {
  auto* at = static_cast<std::byte*>(info->si_addr);
  if (at < watched.begin || at >= watched.end) {
    // Not ours: a bug, for whoever was asked before to report.
    sigaction(signal, &before, nullptr);
    static_cast<void>(context);
    return;
  }
  const std::size_t page = TouchedPages::page_octets();
  std::byte* begin = at - reinterpret_cast<std::uintptr_t>(at) % page;
  if (mprotect(begin, page, PROT_READ | PROT_WRITE) != 0) std::abort();
  ++watched.pages;
}

}  // namespace

std::size_t TouchedPages::page_octets() noexcept {
  static const auto octets = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return octets;
}

TouchedPages::TouchedPages(std::size_t octets) : octets_{octets} {
  void* at = mmap(nullptr, octets, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc{};
  begin_ = static_cast<std::byte*>(at);
}

TouchedPages::~TouchedPages() {
  munmap(begin_, octets_);
}

void* TouchedPages::do_allocate(std::size_t octets, std::size_t alignment) {
  used_ = (used_ + alignment - 1) / alignment * alignment;
  if (octets > octets_ - used_) throw std::bad_alloc{};
  void* out = begin_ + used_;
  used_ += octets;
  return out;
}

void TouchedPages::lock() {
  watched = {begin_, begin_ + octets_, 0};
  struct sigaction ours {};
  ours.sa_sigaction = &on_touch;
  ours.sa_flags = SA_SIGINFO;
  SMOL_CHECK(sigaction(SIGSEGV, &ours, &before) == 0);
  SMOL_CHECK(mprotect(begin_, octets_, PROT_NONE) == 0);
}

std::uint64_t TouchedPages::unlock() {
  SMOL_CHECK(mprotect(begin_, octets_, PROT_READ | PROT_WRITE) == 0);
  SMOL_CHECK(sigaction(SIGSEGV, &before, nullptr) == 0);
  watched = {nullptr, nullptr, watched.pages};
  return watched.pages;
}

}  // namespace smol
