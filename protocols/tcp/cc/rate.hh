#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

#include "protocols/base/time.hh"
#include "protocols/tcp/cc/window.hh"

namespace smol::tcp::cc {

/// Microseconds of the clock, modulo 2^32 (71 minutes): for intervals of a few round trips.
inline std::uint32_t clock_us(Instant now) noexcept {
  return static_cast<std::uint32_t>(now.time_since_epoch() / microseconds(1));
}

/// A duration in four octets: units of 16 ns, up to 68 s. Round trips from below a microsecond to
/// those of a satellite with a queue.
class Ticks {
 public:
  static constexpr std::int64_t kNanoseconds = 16;

  constexpr Ticks() noexcept = default;
  constexpr explicit Ticks(Duration time) noexcept
      : raw_{static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(time.count() / kNanoseconds, 1, 0xffff'ffff))} {}

  constexpr bool zero() const noexcept { return raw_ == 0; }
  constexpr std::uint32_t raw() const noexcept { return raw_; }
  constexpr Duration duration() const noexcept { return nanoseconds(raw_ * kNanoseconds); }
  friend constexpr auto operator<=>(Ticks, Ticks) noexcept = default;

 private:
  std::uint32_t raw_ = 0;
};

/// Octets a second in four octets: units of 64, up to 2.2 Tbit/s. Integers throughout, so that
/// every machine and compiler sees the same windows.
class Rate {
 public:
  static constexpr std::uint64_t kUnit = 64;
  static constexpr std::uint32_t kInfinite = 0xffff'ffff;

  constexpr Rate() noexcept = default;
  constexpr explicit Rate(std::uint32_t raw) noexcept : raw_{raw} {}
  static constexpr Rate infinite() noexcept { return Rate{kInfinite}; }
  /// `octets` in `time`; rounded down, but to no less than one unit.
  static constexpr Rate of(std::uint32_t octets, Duration time) noexcept {
    if (octets == 0 || time <= Duration::zero()) return Rate{};
    // At most 2^32 * 10^9, which is below 2^62.
    const std::uint64_t raw =
        std::uint64_t{octets} * 1'000'000'000 / static_cast<std::uint64_t>(time.count()) / kUnit;
    return Rate{static_cast<std::uint32_t>(std::clamp<std::uint64_t>(raw, 1, kInfinite - 1))};
  }

  constexpr bool zero() const noexcept { return raw_ == 0; }
  constexpr std::uint32_t raw() const noexcept { return raw_; }
  constexpr std::uint64_t octets_a_second() const noexcept { return raw_ * kUnit; }
  /// `gain` percent of it.
  constexpr Rate times(std::uint32_t gain) const noexcept {
    return Rate{static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::uint64_t{raw_} * gain / 100, kInfinite - 1))};
  }
  /// Octets in `time`, `gain` percent of them; at most kMaxWindow.
  constexpr std::uint32_t volume(Ticks time, std::uint32_t gain = 100) const noexcept {
    // 64 octets a second for 16 ns are 1.024 * 10^-6 octets: 1 / 976'562.5. The product fits 64
    // bits, and is divided before the gain so that it still does.
    const std::uint64_t octets = std::uint64_t{raw_} * time.raw() / 1'953'125 * 2;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(octets * gain / 100, kMaxWindow));
  }
  /// Octets in `us` microseconds; at most kMaxWindow.
  constexpr std::uint32_t volume_us(std::uint32_t us) const noexcept {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::uint64_t{raw_} * us / 15'625, kMaxWindow));
  }
  friend constexpr auto operator<=>(Rate, Rate) noexcept = default;

 private:
  std::uint32_t raw_ = 0;
};

}  // namespace smol::tcp::cc
