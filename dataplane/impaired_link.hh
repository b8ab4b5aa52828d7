#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/codel.hh"
#include "dataplane/fault_injector.hh"
#include "dataplane/link_config.hh"
#include "dataplane/link_counters.hh"
#include "dataplane/packet_store.hh"
#include "protocols/base/random.hh"
#include "protocols/base/time.hh"
#include "protocols/packet/buffer.hh"

namespace smol::dataplane {

/// One direction of a link that is worse than it looks: LinkConfig says how, and in which order. A
/// pure machine: it gets packets and `now`, and says when it wants to be called again. Times inside
/// it are exact whenever it is called: a late call makes packets leave late, and no other time
/// wrong.
///
/// The rate is that of a wire: a frame leaves when its last octet is on it, and the next one begins
/// then. With LinkConfig::burst it is a token bucket, in the form of a virtual clock (`busy_until_`
/// is when the bucket is full again).
///
/// Memory is taken at construction. Each chance has numbers of its own from the seed, so that
/// changing one leaves the draws of the others. A fault that needs a packet of its own (a
/// duplicate, or damage to what others share) is left out when the pool has none. Thread: one;
/// counters() any.
template <PacketBuffer P>
class ImpairedLink {
 public:
  /// `store`: packets that may be inside. `pool`: where copies come from; outlives the link.
  ImpairedLink(const LinkConfig& config, std::size_t store, std::uint64_t seed,
               typename P::Pool& pool, Instant start);
  ~ImpairedLink();
  ImpairedLink(const ImpairedLink&) = delete;
  ImpairedLink& operator=(const ImpairedLink&) = delete;

  /// From now on. Precondition: objection(config) is empty.
  void configure(Instant now, const LinkConfig& config) noexcept;
  /// A complete frame. What comes out may be this packet, others before it, both, or nothing yet.
  void feed(Instant now, P packet, FaultOutlet<P>& outlet) noexcept;
  /// Lets go of what is due. Returns how many packets that were.
  std::size_t release(Instant now, FaultOutlet<P>& outlet) noexcept;
  /// When release() has something to do; kNever: nothing is inside.
  Instant next_deadline() const noexcept;
  /// Packets inside.
  std::size_t held() const noexcept { return queue_.size() + store_.size(); }
  const LinkConfig& config() const noexcept { return config_; }
  const LinkCounters& counters() const noexcept { return counters_; }

 private:
  struct Queued {
    typename P::Node* packet;
    Instant arrival;
    std::uint32_t octets;
  };
  enum Chance : std::uint8_t {
    kLoss,
    kBurst,
    kTruncate,
    kCorrupt,
    kDuplicate,
    kReorder,
    kJitter,
    kChances
  };

  void derive() noexcept;
  bool happens(Chance which, double percent) noexcept;
  double share(Chance which) noexcept;
  bool blacked_out(Instant now) const noexcept;
  void drop(Counter& counter, P packet, Drop reason, FaultOutlet<P>& outlet) noexcept;
  void admit(Instant now, P packet, FaultOutlet<P>& outlet) noexcept;
  void serve(Instant now, FaultOutlet<P>& outlet) noexcept;
  Instant service_begin() const noexcept;
  P take_from_queue(Instant at, FaultOutlet<P>& outlet) noexcept;
  Instant on_the_wire(Instant at, std::size_t octets) noexcept;
  void travel(Instant now, Instant at, P packet, FaultOutlet<P>& outlet) noexcept;
  void pass(P packet, FaultOutlet<P>& outlet) noexcept;
  void show_sizes() noexcept;

  LinkConfig config_;
  typename P::Pool& pool_;
  const std::size_t capacity_;
  bool transparent_ = true;  ///< nothing is done to anything
  std::array<Rng, kChances> chances_;
  Instant since_;  ///< the configuration
  bool in_burst_ = false;
  Duration bucket_{0};     ///< time of LinkConfig::burst at the rate
  Instant busy_until_{};   ///< see above
  Instant last_leaves_{};  ///< of those that keep their order
  std::uint32_t full_size_ = 0;
  std::uint64_t queued_octets_ = 0;
  FixedRing<Queued> queue_;
  PacketStore<P> store_;
  Codel codel_;
  LinkCounters counters_;
};

}  // namespace smol::dataplane
