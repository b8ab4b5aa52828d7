#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "protocols/base/random.hh"
#include "protocols/base/time.hh"
#include "tests/support/frames.hh"

namespace smol::sim {

/// What a link does to what is sent over it, in one direction. Chances are out of a thousand
/// frames.
struct LinkOptions {
  std::uint32_t loss = 0;
  std::uint32_t duplication = 0;
  std::uint32_t corruption = 0;  ///< one bit is turned over
  std::uint32_t reordering = 0;  ///< held up by `detour`, so that others overtake
  Duration delay = milliseconds(1);
  Duration jitter{0};  ///< up to this much more, in order
  Duration detour = milliseconds(20);
  std::uint64_t octets_a_second = 0;     ///< 0: no limit
  std::uint32_t queue_octets = 1 << 20;  ///< that wait for their turn; more are lost
};

/// One direction of a wire, in virtual time. What becomes of a frame is drawn from the seed; ARP
/// and neighbour discovery are only delayed, for it is not the neighbours that are on trial.
class Link {
 public:
  Link(const LinkOptions& options, std::uint64_t seed) : options_{options}, rng_{seed} {}

  void send(Instant now, Octets frame);
  /// When the next frame arrives; kNever: none is on its way.
  Instant next() const { return on_its_way_.empty() ? kNever : on_its_way_.begin()->first; }
  /// The frames that have arrived by `now`, in order.
  std::vector<Octets> arrived(Instant now);

 private:
  bool happens(std::uint32_t chance) { return rng_.below(1000) < chance; }
  void corrupt(Octets& frame);

  LinkOptions options_;
  Rng rng_;
  std::multimap<Instant, Octets> on_its_way_;
  Instant busy_until_{};  ///< when the last octet of the queue has left
  Instant last_{};        ///< arrival of the last frame that took no detour
};

/// ARP, or ICMPv6 that finds neighbours.
bool is_neighbor_talk(const Octets& frame);

}  // namespace smol::sim
