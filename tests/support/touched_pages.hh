#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace smol {

/// Memory that tells how many of its pages some work looks at: what a cost that grows with a table
/// shows up in, on any machine, whatever the cache and the clock. Gives nothing back before its
/// end. One at a time, one thread.
class TouchedPages final : public std::pmr::memory_resource {
 public:
  /// `octets`: the most that will be asked for. Address space, no more, until it is used.
  explicit TouchedPages(std::size_t octets);
  ~TouchedPages() override;

  /// Pages of this memory that `work` reads or writes.
  template <class Work>
  std::uint64_t pages_of(Work&& work) {
    lock();
    work();
    return unlock();
  }
  static std::size_t page_octets() noexcept;

 private:
  void* do_allocate(std::size_t octets, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  void lock();
  std::uint64_t unlock();

  std::byte* begin_;
  std::size_t octets_;
  std::size_t used_ = 0;
};

}  // namespace smol
