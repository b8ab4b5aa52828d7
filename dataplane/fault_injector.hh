#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/config.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/random.hh"
#include "protocols/base/time.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/driver.hh"

namespace smol::dataplane {

/// Where packets leave a fault injector.
template <PacketBuffer P>
class FaultOutlet {
 public:
  virtual ~FaultOutlet() = default;
  /// Goes on to the stack, or to the port.
  virtual void pass(P packet) noexcept = 0;
  /// Ends here, on purpose.
  virtual void drop(P packet, Drop reason) noexcept = 0;
};

/// Faults on one direction of one link, from a seed: equal seeds and equal input give equal output.
/// A pure machine: it gets packets and `now`, and says when it wants to be called again.
///
///   drop chance → size limit → rate limit → corruption → duplication → reordering → delay
///
/// A fault that needs a packet of its own (a duplicate, a corrupted copy of what others share) is
/// left out when the pool has none. Memory is taken at construction. Thread: one.
template <PacketBuffer P>
class FaultInjector {
 public:
  /// `pool`: where copies come from; outlives the injector.
  FaultInjector(const FaultConfig& config, Direction direction, std::uint64_t seed,
                typename P::Pool& pool);
  ~FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  /// A frame, complete but for checksums left to the device. What comes out may be this packet,
  /// others held before, both, or nothing yet.
  void feed(Instant now, P packet, FaultOutlet<P>& outlet) noexcept;
  /// Lets go of what is due.
  void release(Instant now, FaultOutlet<P>& outlet) noexcept;
  /// When release() has something to do; kNever: nothing is held.
  Instant next_deadline() const noexcept;
  /// Packets inside.
  std::size_t held() const noexcept { return reordered_.size() + delayed_.size(); }

 private:
  /// Held packets are kept by node: the packet's own link may be in use by its other holder.
  struct Reordered {
    typename P::Node* packet;
    std::uint32_t behind;  ///< so many more packets go first
    Instant until;
  };
  struct Delayed {
    typename P::Node* packet;
    Instant due;
    std::uint64_t order;  ///< of arrival: packets due at once leave in it
  };

  static constexpr std::size_t kMaxReordered = 64;

  static bool later(const Delayed& a, const Delayed& b) noexcept {
    return a.due != b.due ? a.due > b.due : a.order > b.order;
  }
  bool happens(double percent) noexcept;
  bool within_rate(Instant now) noexcept;
  void admit(Instant now, P packet, FaultOutlet<P>& outlet) noexcept;
  void overtake(Instant now, FaultOutlet<P>& outlet) noexcept;
  void forward(Instant now, P packet, FaultOutlet<P>& outlet) noexcept;

  const FaultConfig config_;
  const Direction direction_;
  typename P::Pool& pool_;
  Rng rng_;
  Instant interval_end_{};
  std::uint32_t left_in_interval_ = 0;
  std::uint64_t arrivals_ = 0;
  std::vector<Reordered> reordered_;  ///< oldest first
  std::vector<Delayed> delayed_;      ///< a heap, the next one due on top
};

}  // namespace smol::dataplane
