#include "tools/bench/calibration.hh"

#include <cstddef>
#include <cstring>

#include "tools/bench/keep.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr std::size_t kMemory = std::size_t{64} << 20;
constexpr std::size_t kPiece = 1460;

}  // namespace

Calibrator::Calibrator() : memory_(kMemory, 1) {}

Calibration Calibrator::run() {
  return {chain(), copy()};
}

double Calibrator::chain() {
  constexpr int kSteps = 1'000'000;
  std::uint64_t x = state_;
  const Stopwatch watch;
  for (int i = 0; i < kSteps; ++i) x = (x ^ (x >> 29)) * 0xbf58'476d'1ce4'e5b9;
  const double ns = watch.nanoseconds() / kSteps;
  state_ = x | 1;
  keep(state_);
  return ns;
}

double Calibrator::copy() {
  constexpr int kCopies = 8192;
  std::uint8_t piece[kPiece] = {};
  const Stopwatch watch;
  for (int i = 0; i < kCopies; ++i) {
    state_ = state_ * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    std::uint8_t* at = memory_.data() + (state_ >> 33) % (kMemory / 2048) * 2048;
    std::memcpy(piece, at, kPiece);
    keep(piece);
  }
  return watch.nanoseconds() / kCopies;
}

}  // namespace smol::bench
