#pragma once

#include <cstdint>

namespace smol {

/// Counts what a program asks of the heap, by `new` in any form or by malloc() and its kin, in
/// whatever is linked into it: heap_watch.cc brings another operator new, and the linker must be
/// told to --wrap=malloc and the others that stand there. One thread.
class HeapWatch {
 public:
  /// How often `work` asks for memory.
  template <class Work>
  static std::uint64_t requests_of(Work&& work) {
    const std::uint64_t before = requests();
    work();
    return requests() - before;
  }

 private:
  static std::uint64_t requests() noexcept;
};

}  // namespace smol
