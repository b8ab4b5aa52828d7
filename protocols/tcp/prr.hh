#pragma once

#include <algorithm>
#include <cstdint>

namespace smol::tcp {

/// Proportional rate reduction (RFC 9937): the window comes down from what was in flight to
/// ssthresh in step with what arrives. Amounts are octets.
class Prr {
 public:
  /// Recovery begins. `recover_fs`: in flight when it did, with what the first ACK delivered.
  void begin(std::uint32_t recover_fs) noexcept {
    recover_fs_ = std::max(recover_fs, 1u);
    delivered_ = out_ = 0;
  }
  void sent(std::uint32_t octets) noexcept { out_ += octets; }
  /// What an ACK, the one that began it included, lets the window be. `safe`: it moved SND.UNA on
  /// and told of no more loss (SafeACK).
  std::uint32_t cwnd(std::uint32_t delivered, std::uint32_t in_flight, std::uint32_t ssthresh,
                     std::uint32_t mss, bool safe) noexcept {
    delivered_ += delivered;
    std::int64_t count = 0;
    if (in_flight > ssthresh) {
      const std::uint64_t share =
          (std::uint64_t{delivered_} * ssthresh + recover_fs_ - 1) / recover_fs_;
      count = static_cast<std::int64_t>(share) - out_;
    } else {
      count = std::max<std::int64_t>(std::int64_t{delivered_} - out_, delivered);
      if (safe) count += mss;
      count = std::min<std::int64_t>(count, ssthresh - in_flight);
    }
    if (count <= 0) count = out_ == 0 ? mss : 0;  // the first segment goes at once
    return in_flight + static_cast<std::uint32_t>(count);
  }

 private:
  std::uint32_t recover_fs_ = 1;
  std::uint32_t delivered_ = 0;
  std::uint32_t out_ = 0;
};

}  // namespace smol::tcp
