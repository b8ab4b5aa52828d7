#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "protocols/base/time.hh"

namespace smol::dataplane {

/// The control law of CoDel (RFC 8289 section 5): told of each packet that leaves a queue how long
/// it was in there, it says what to do with it. A pure machine.
class Codel {
 public:
  struct Config {
    Duration target;
    Duration interval;
  };

  /// The packet at the head leaves at `now` after `sojourn`; `behind` octets stay in the queue.
  /// True: it is to be dropped and the next one asked about at the same `now`, or to be marked and
  /// let go (`marks`). `full_size`: what leaves so few octets behind is never too many.
  bool should_drop(const Config& config, Instant now, Duration sojourn, std::size_t behind,
                   std::size_t full_size) noexcept {
    const bool above = stays_above(config, now, sojourn, behind, full_size);
    if (dropping_) {
      if (!above) {
        dropping_ = false;
        return false;
      }
      if (now < drop_next_) return false;
      ++count_;
      drop_next_ = control_law(config, drop_next_, count_);
      return true;
    }
    if (!above) return false;
    dropping_ = true;
    // Shortly after the last time: about the rate that controlled the queue then.
    const std::uint32_t delta = count_ - last_count_;
    const bool recent = now - drop_next_ < 16 * config.interval;
    count_ = delta > 1 && recent ? delta : 1;
    drop_next_ = control_law(config, now, count_);
    last_count_ = count_;
    return true;
  }
  /// The queue has run empty.
  void on_empty() noexcept {
    has_been_above_ = false;
    dropping_ = false;
  }

 private:
  bool stays_above(const Config& config, Instant now, Duration sojourn, std::size_t behind,
                   std::size_t full_size) noexcept {
    if (sojourn < config.target || behind <= full_size) {
      has_been_above_ = false;
      return false;
    }
    if (!has_been_above_) {
      has_been_above_ = true;
      above_until_ = now + config.interval;
      return false;
    }
    return now >= above_until_;
  }
  static Instant control_law(const Config& config, Instant from, std::uint32_t count) noexcept {
    const double step = static_cast<double>(config.interval.count()) / std::sqrt(count);
    return from + Duration{static_cast<Duration::rep>(step)};
  }

  bool dropping_ = false;
  bool has_been_above_ = false;
  std::uint32_t count_ = 0;
  std::uint32_t last_count_ = 0;
  Instant above_until_{};
  Instant drop_next_{};
};

}  // namespace smol::dataplane
