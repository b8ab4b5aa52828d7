#pragma once

#include <vector>

#include "protocols/base/bytes.hh"

namespace smol::bench {

/// How fast the machine was just then, by two kernels that never change: what a sample is worth on
/// a machine whose speed drifts.
struct Calibration {
  double chain_ns = 0;  ///< a step of multiplications that wait for each other: the clock
  double copy_ns = 0;   ///< 1460 octets, anywhere in 64 MiB: caches and memory

  bool operator==(const Calibration&) const noexcept = default;
};

/// Holds the memory that the kernels work on. About 3 ms a call.
class Calibrator {
 public:
  Calibrator();
  Calibration run();

 private:
  double chain();
  double copy();

  std::vector<std::uint8_t> memory_;
  std::uint64_t state_ = 1;
};

}  // namespace smol::bench
