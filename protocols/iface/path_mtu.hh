#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/index_table.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/time.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// What an old router means that says "too big" and names no MTU: the next lower one of the MTUs
/// there are (RFC 1191 section 7). `total_len`: of the packet that was too big.
std::uint16_t next_plateau(std::uint32_t total_len) noexcept;

/// What to make of an MTU that "packet too big" claims. None: no link can be so narrow (RFC 791:
/// 68; RFC 8201 section 4: 1280), so the message is to be ignored. Over IPv4 less than
/// PathMtuConfig::least4 is not believed, and that is the answer then: what is so long goes without
/// DF.
std::optional<std::uint16_t> believable_mtu(const PathMtuConfig& config, IpFamily family,
                                            std::uint32_t claimed) noexcept;

/// The path MTUs that routers told of, by destination (RFC 1191 section 6.3, RFC 8201 section 5.2).
/// Only what is below the link's MTU is here; an entry ends after PathMtuConfig::lifetime, and so
/// the path is tried anew. Bounded: the entry heard of longest ago makes room. Every look-up is
/// O(1).
class PathMtuCache {
 public:
  /// `scope`: the interface of a link-local destination; 0 of all others.
  struct Entry {
    IpAddress destination;
    InterfaceId scope = 0;
    std::uint16_t mtu = 0;  ///< octets of an IP packet
    Instant expires{};

   private:
    friend class PathMtuCache;
    std::uint32_t older = 0;
    std::uint32_t newer = 0;
  };

  PathMtuCache(const PathMtuConfig& config, std::uint32_t capacity, const Secret& secret,
               std::pmr::memory_resource& memory);

  /// None: the path is as wide as its link, as far as anybody has said.
  std::optional<std::uint16_t> lookup(Instant now, InterfaceId scope,
                                      const IpAddress& destination) const noexcept;
  const Entry* find(Instant now, InterfaceId scope, const IpAddress& destination) const noexcept;
  /// A router said so, and is believed. It never raises an MTU; the same once more makes the entry
  /// last longer. True: it is news.
  bool lower(Instant now, InterfaceId scope, const IpAddress& destination,
             std::uint16_t mtu) noexcept;

  /// Must who remembers an MTU look it up again? True once after changes, and not more often than
  /// every 10 ms however many there are: a change costs all who send a look-up each. Removes
  /// entries that have expired, a bounded number a call. To be asked once a turn.
  bool has_changed(Instant now) noexcept { return now >= look_at_ && look(now); }

  std::uint32_t size() const noexcept { return slab_.size(); }
  /// Entries that went for want of room so far.
  std::uint64_t evicted() const noexcept { return evicted_; }
  /// Calls use(table) with the table of entries: each keeps its place as long as it lives. Some may
  /// have expired.
  template <class Use>
  auto in_places(Use&& use) const {
    return use(slab_);
  }

 private:
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  std::uint64_t hash(InterfaceId scope, const IpAddress& destination) const noexcept;
  std::uint32_t index_of(InterfaceId scope, const IpAddress& destination) const noexcept;
  bool look(Instant now) noexcept;
  void look_by(Instant when) noexcept {
    if (when < look_at_) look_at_ = when;
  }
  void link_newest(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;
  void remove(std::uint32_t index) noexcept;

  const PathMtuConfig& config_;
  Secret secret_;
  Slab<Entry> slab_;
  IndexTable table_;
  std::uint32_t oldest_ = kNone;  ///< all live equally long: it is the first to expire, too
  std::uint32_t newest_ = kNone;
  std::uint64_t evicted_ = 0;
  Instant look_at_ = kNever;
  Instant told_at_ = Instant::min();
  bool news_ = false;
};

}  // namespace smol
