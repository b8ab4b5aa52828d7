#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/base/time.hh"

namespace smol::dataplane {

/// What one direction of a bridge does to the frames that pass it. Chances are in percent, 0 to
/// 100. The default does nothing.
///
///   arrival ──> black-out ──> loss ──> too long? ──> truncation ──> corruption ──> duplication
///           ──> queue ──> rate ──> delay, jitter, reordering ──> departure
struct LinkConfig {
  enum class Aqm : std::uint8_t {
    kNone,   ///< a full queue drops what arrives
    kCodel,  ///< RFC 8289, in front of that
  };

  double loss = 0;
  /// Gilbert and Elliott's bursts: a frame begins one with the chance `burst_enter`, ends one with
  /// `burst_leave`, and is lost with `burst_loss` in one, with `loss` outside.
  double burst_enter = 0;
  double burst_leave = 25;
  double burst_loss = 100;

  Duration blackout{0};        ///< nothing passes for this long; zero: never
  Duration blackout_every{0};  ///< from the beginning of one to that of the next; zero: only one
  Duration blackout_after{0};  ///< the first one begins so long after the start, or the change

  std::uint16_t mtu = 0;  ///< octets behind the Ethernet header and its tags; 0: as the port takes
  double truncate = 0;    ///< cut to a random length, of at least an Ethernet header
  double corrupt = 0;     ///< flips one bit of one octet
  double duplicate = 0;

  std::uint64_t rate = 0;              ///< bits of frames a second; 0: without limit
  std::uint32_t burst = 0;             ///< octets that may pass at once after a rest (token bucket)
  std::uint32_t queue_packets = 1000;  ///< in front of the rate
  std::uint32_t queue_octets = 0;      ///< 0: without limit
  Aqm aqm = Aqm::kNone;
  Duration codel_target = milliseconds(5);
  Duration codel_interval = milliseconds(100);
  bool ecn = false;          ///< CoDel marks what is ECN-capable instead of dropping it
  Duration ce_threshold{0};  ///< what waited longer and is ECN-capable is marked; zero: never

  Duration delay{0};
  Duration jitter{0};            ///< added to it, between nothing and this
  bool jitter_reorders = false;  ///< else who is late makes those behind it as late
  double reorder = 0;            ///< chance to be later by `reorder_by`, and so behind others
  Duration reorder_by = milliseconds(2);
};

/// Two ports joined, without a stack.
struct BridgeConfig {
  std::vector<std::string> ports;  ///< names of the two; empty: no bridge
  LinkConfig link;                 ///< what both directions begin from
  LinkConfig a_to_b;               ///< from the first port to the second
  LinkConfig b_to_a;
  /// Frames of one direction that wait or are delayed; more are dropped. 0: the half of what
  /// `pool.packets` leaves.
  std::uint32_t store = 0;

  bool enabled() const noexcept { return !ports.empty(); }
};

/// What contradicts itself in `link`, beginning with the key to change: "burst: needs a rate";
/// empty: nothing.
std::string objection(const LinkConfig& link);

}  // namespace smol::dataplane
