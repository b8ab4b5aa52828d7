#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "dataplane/filter/classic.hh"

struct rte_mbuf;

namespace smol::dataplane::filter {

/// A program as machine code over mbufs.
class Native {
 public:
  Native() noexcept = default;
  /// Empty if there is no compiler for this processor, or no memory that may be executed.
  /// Precondition: validate() passed it. Thread: any but a worker's.
  static Native compile(std::span<const Instruction> program);
  /// The code as it is; for tests of what happens if it is wrong.
  static Native load(std::span<const std::uint8_t> code);

  Native(Native&& other) noexcept
      : run_{std::exchange(other.run_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  Native& operator=(Native&& other) noexcept {
    std::swap(run_, other.run_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Native();

  explicit operator bool() const noexcept { return run_ != nullptr; }
  /// What the program returns; 0 is no match. Thread: any, several at once.
  std::uint32_t operator()(const rte_mbuf* packet) const noexcept { return run_(packet); }

 private:
  std::uint32_t (*run_)(const void*) = nullptr;
  std::size_t size_ = 0;  ///< of the memory
};

}  // namespace smol::dataplane::filter
