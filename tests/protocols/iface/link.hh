#pragma once

#include <cstdint>
#include <memory_resource>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/timer_wheel.hh"
#include "protocols/iface/neighbor.hh"

namespace smol {

inline void PrintTo(NeighborState state, std::ostream* out) {
  *out << name(state);
}

using NeighborKind = NeighborAction::Kind;

inline void PrintTo(NeighborKind kind, std::ostream* out) {
  constexpr const char* kNames[] = {"none", "solicit all", "solicit one", "send", "give up"};
  *out << kNames[static_cast<std::size_t>(kind)];
}

/// A neighbour cache with the caller that it expects: timers in a wheel, actions written down, and
/// a clock that is a number.
class NeighborLink {
 public:
  struct Seen {
    Instant at;
    NeighborKind kind;
    IpAddress address;
  };

  explicit NeighborLink(std::uint32_t capacity = 64, const NeighborConfig& its_config = {},
                        std::uint64_t seed = 1)
      : config{its_config}, cache{config,       capacity, 7,
                                  Secret{3, 4}, seed,     *std::pmr::new_delete_resource()} {}
  ~NeighborLink() {
    cache.for_each(
        [&](const Neighbor& neighbor) { wheel.disarm(const_cast<Neighbor&>(neighbor).timer); });
  }
  NeighborLink(const NeighborLink&) = delete;
  NeighborLink& operator=(const NeighborLink&) = delete;

  /// Does what the stack does with an action, and writes it down unless it is none.
  void perform(const NeighborAction& action) {
    Neighbor* neighbor = cache.get(action.neighbor);
    if (neighbor == nullptr) return;
    if (action.kind != NeighborKind::kNone) seen.push_back({now, action.kind, neighbor->address});
    if (action.kind == NeighborKind::kSend || action.kind == NeighborKind::kGiveUp) {
      neighbor->pending = 0;
    }
    wheel.arm_by(neighbor->timer, neighbor->deadline);
  }

  void add_permanent(const IpAddress& address, const MacAddress& mac) {
    const NeighborAction action = cache.add_permanent(now, 0, address, mac);
    ASSERT_TRUE(static_cast<bool>(action.neighbor));
    perform(action);
  }

  /// A packet goes to the neighbour. True: it may go at once.
  bool send(const IpAddress& address, InterfaceId interface = 0) {
    NeighborAction action;
    Neighbor* neighbor = cache.resolve(now, interface, address, action);
    if (neighbor == nullptr) return false;
    const bool goes = NeighborCache::has_link_address(*neighbor);
    perform(action);
    return goes;
  }

  void advance(Duration by) {
    const Instant until = now + by;
    for (Instant next = wheel.next_deadline(); next <= until; next = wheel.next_deadline()) {
      now = std::max(now, next);
      wheel.expire(now, 1000, [&](TimerNode& node) {
        EXPECT_EQ(node.kind(), 7);
        perform(cache.timeout(now, cache.handle_of(*cache.at(node.id()))));
      });
    }
    now = until;
  }

  NeighborState state(const IpAddress& address) {
    const Neighbor* neighbor = cache.find(0, address);
    EXPECT_NE(neighbor, nullptr) << "no such neighbour";
    return neighbor == nullptr ? NeighborState::kFailed : neighbor->state;
  }
  std::size_t count(NeighborKind kind) const {
    std::size_t n = 0;
    for (const Seen& one : seen) n += one.kind == kind;
    return n;
  }

  NeighborConfig config;
  TimerWheel wheel{Instant{}};
  NeighborCache cache;
  Instant now{seconds(100)};
  std::vector<Seen> seen;
};

inline constexpr MacAddress kMac1{{2, 0, 0, 0, 0, 0x11}};
inline constexpr MacAddress kMac2{{2, 0, 0, 0, 0, 0x22}};
inline constexpr IpAddress kHost4 = IpAddress::v4(10, 0, 0, 7);
inline constexpr IpAddress kHost6 = IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 7);

}  // namespace smol
