#pragma once

#include <array>
#include <bit>
#include <bitset>
#include <cstdint>
#include <memory>

#include "dataplane/filter/filter.hh"
#include "protocols/base/drop.hh"
#include "protocols/stack/driver.hh"

namespace smol::dataplane {

/// Captures that a packet is for: a bit a slot.
using CaptureMask = std::uint32_t;
/// Captures that can be open or on their way out at the same time.
inline constexpr unsigned kCaptureSlots = 32;

/// Where a capture gets packets from: bits.
enum CaptureTapBit : std::uint8_t {
  kTapRx = 1,    ///< what came from a port, as the stack is about to see it
  kTapTx = 2,    ///< what goes to a port, as the wire will see it
  kTapDrop = 4,  ///< what was dropped, wherever
};

/// One open capture, as workers see it. Never changes.
struct CaptureRule {
  filter::Filter filter;
  std::uint8_t taps = 0;
  std::uint64_t interfaces = ~std::uint64_t{0};  ///< a bit an interface; those from 64 on: always
  std::uint64_t workers = ~std::uint64_t{0};     ///< as above
  std::uint32_t snap_length = 0;
  bool accepted = true;             ///< wants packets that were not dropped
  bool dropped = true;              ///< wants packets that were
  std::bitset<kDropCount> reasons;  ///< of a drop; only if `dropped`
  bool tcp_info = false;            ///< wants the variables of TCP connections

  bool wants(bool was_dropped, Drop reason) const noexcept {
    return was_dropped ? dropped && reasons[static_cast<std::size_t>(reason)] : accepted;
  }
};

/// All open captures: what a worker looks up. Published whole, never changes.
struct CaptureRules {
  CaptureMask open = 0;
  CaptureMask tcp_info = 0;  ///< of these, those that want it
  std::array<std::shared_ptr<const CaptureRule>, kCaptureSlots> rules;  ///< by slot

  template <class Use>
  static void for_each(CaptureMask mask, Use&& use) noexcept {
    for (; mask != 0; mask &= mask - 1) use(static_cast<unsigned>(std::countr_zero(mask)));
  }
};

}  // namespace smol::dataplane
