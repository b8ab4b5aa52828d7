#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/index_table.hh"
#include "protocols/base/random.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/time.hh"
#include "protocols/base/timer_wheel.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// The states of RFC 4861 section 7.3.2, for ARP as well; FAILED is a neighbour that is not asked
/// again for a while.
enum class NeighborState : std::uint8_t {
  kIncomplete,
  kReachable,
  kStale,
  kDelay,
  kProbe,
  kFailed,
  kPermanent,
};
/// "REACHABLE", as ip-neighbour(8) writes it.
std::string_view name(NeighborState state) noexcept;

/// One neighbour on a link.
struct Neighbor {
  IpAddress address;
  MacAddress mac;
  InterfaceId interface = 0;
  NeighborState state = NeighborState::kIncomplete;
  std::uint8_t solicits = 0;  ///< sent in this state
  std::uint8_t pending = 0;   ///< packets that wait; the caller's count
  bool is_router = false;
  bool used = false;  ///< since eviction last came by
  Instant reachable_until{};
  TimerNode timer;  ///< the caller arms it for `deadline` and calls timeout()
  Instant deadline = kNever;

  Neighbor(const IpAddress& its_address, InterfaceId on_interface) noexcept
      : address{its_address}, interface {
    on_interface
  } {
  }
};

/// What the caller must do for a neighbour. Effects are values: the cache sends nothing.
struct NeighborAction {
  enum class Kind : std::uint8_t {
    kNone,
    kSolicitAll,  ///< ask by broadcast or multicast who has the address
    kSolicitOne,  ///< ask the neighbour itself whether it is still there
    kSend,        ///< the address is known: what waits may go
    kGiveUp,      ///< nobody answers: what waits is dropped
  };
  Kind kind = Kind::kNone;
  Handle neighbor;
};

/// Link-layer addresses of neighbours, for IPv4 (ARP) and IPv6 (neighbour discovery) alike: the
/// state machine of RFC 4861 section 7.3, which is stricter than RFC 826 and RFC 1122 section 2.3.2
/// ask. Bounded: unanswered entries take at most a quarter of it, and who merely asks for us takes
/// no place of a neighbour that was lately there, so neither a scan nor a flood pushes out
/// neighbours that are in use; permanent entries are never pushed out. Every look-up is O(1).
class NeighborCache {
 public:
  /// `timer_kind`: what the entries' timers say they are.
  NeighborCache(const NeighborConfig& config, std::uint32_t capacity, std::uint8_t timer_kind,
                const Secret& secret, std::uint64_t seed, std::pmr::memory_resource& memory);

  /// The neighbour to send to, made if it is not known. Null: the cache is full of entries that are
  /// in use. `action` says what to do first.
  Neighbor* resolve(Instant now, InterfaceId interface, const IpAddress& address,
                    NeighborAction& action) noexcept;
  /// A packet is about to go to a neighbour known by handle. Null if it is gone: resolve() again.
  /// After this, has_link_address() tells whether the packet may go or must wait.
  Neighbor* use(Instant now, Handle handle, NeighborAction& action) noexcept;
  static bool has_link_address(const Neighbor& neighbor) noexcept {
    return neighbor.state != NeighborState::kIncomplete && neighbor.state != NeighborState::kFailed;
  }

  /// The neighbour spoke of itself while asking for something (ARP request, NS, RS): RFC 4861
  /// section 7.2.3. `create`: it asked for us, so we shall want to answer it.
  NeighborAction heard_from(Instant now, InterfaceId interface, const IpAddress& address,
                            const MacAddress& mac, bool create) noexcept;
  /// An ARP reply or a neighbour advertisement: RFC 4861 section 7.2.5. Never makes an entry. `mac`
  /// may be missing from an advertisement.
  struct Advert {
    std::optional<MacAddress> mac;
    bool solicited = false;
    bool override_ = false;
    bool is_router = false;
  };
  NeighborAction advertised(Instant now, InterfaceId interface, const IpAddress& address,
                            const Advert& advert) noexcept;
  /// Another worker needs this neighbour: what to do about it. One who is being asked already is
  /// not asked again; one who is known to be there need not be.
  NeighborAction asked(Instant now, InterfaceId interface, const IpAddress& address) noexcept;
  /// Something above heard from beyond this neighbour: new data was acknowledged (section 7.3.1).
  void confirm(Instant now, Handle handle) noexcept;
  /// Something above doubts the path: the next packet begins to probe it.
  void doubt(Instant now, Handle handle) noexcept;
  /// The neighbour's deadline has come.
  NeighborAction timeout(Instant now, Handle handle) noexcept;

  /// An entry that neither ages nor changes. The action's handle is null if there is no room.
  NeighborAction add_permanent(Instant now, InterfaceId interface, const IpAddress& address,
                               const MacAddress& mac) noexcept;
  /// Precondition: nothing waits on it any more.
  void remove(Handle handle) noexcept;

  Neighbor* find(InterfaceId interface, const IpAddress& address) noexcept;
  Neighbor* get(Handle handle) noexcept { return slab_.get(handle); }
  /// Precondition: the index is of a live entry: a timer says so.
  Neighbor* at(std::uint32_t index) noexcept { return &slab_.at(index); }
  Handle handle_of(const Neighbor& neighbor) const noexcept;
  std::uint32_t size() const noexcept { return slab_.size(); }
  std::uint32_t capacity() const noexcept { return slab_.capacity(); }
  /// Calls use(table) with the table of entries: each keeps its place as long as it lives.
  template <class Use>
  auto in_places(Use&& use) const {
    return use(slab_);
  }
  /// Every entry, in no order. O(size).
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < slab_.touched(); ++i) {
      if (slab_.live(i)) visit(slab_.at(i));
    }
  }

 private:
  std::uint64_t hash(InterfaceId interface, const IpAddress& address) const noexcept;
  Neighbor* make(Instant now, InterfaceId interface, const IpAddress& address,
                 bool needed) noexcept;
  bool make_room(Instant now, bool needed) noexcept;
  void enter(Neighbor& neighbor, NeighborState state, Instant deadline) noexcept;
  void set_reachable(Instant now, Neighbor& neighbor) noexcept;
  NeighborAction resolved(Neighbor& neighbor, bool was_incomplete) const noexcept;

  const NeighborConfig& config_;
  std::uint8_t timer_kind_;
  Secret secret_;
  Rng rng_;
  Slab<Neighbor> slab_;
  IndexTable table_;
  std::uint32_t incomplete_ = 0;
  std::uint32_t hand_ = 0;  ///< of the clock that looks for an entry to push out
};

}  // namespace smol
