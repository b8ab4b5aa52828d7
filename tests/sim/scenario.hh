#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/attack.hh"
#include "tests/sim/link.hh"
#include "tests/sim/stranger.hh"
#include "tests/sim/user.hh"

namespace smol::sim {

/// A conversation. users[0] is of host 0, who connects.
struct FlowPlan {
  std::array<UserPlan, 2> users;
  bool both_connect = false;           ///< simultaneous open, in place of a listener
  Duration starts{0};                  ///< after the run did
  std::optional<std::uint32_t> after;  ///< begins when that flow is over, with the same ports

  /// Does one end break off, so that the other need not get all?
  bool breaks_off() const {
    return std::any_of(users.begin(), users.end(), [](const UserPlan& user) {
      return user.ending == Ending::kAborts || user.ending == Ending::kLeaves;
    });
  }
};

/// Somebody off the path.
struct AttackPlan {
  std::uint32_t kinds = 0;  ///< a bit for each Attack; 0: nobody
  Duration every = milliseconds(50);
  Duration until = seconds(20);
};

/// All that one run is made from.
struct Scenario {
  std::uint64_t seed = 1;  ///< of secrets and links
  std::array<StackConfig, 2> stacks{small_stack(), small_stack()};
  std::array<std::uint32_t, 2> packets{512, 512};
  std::array<LinkOptions, 2> links;  ///< links[i]: what host i sends
  std::vector<FlowPlan> flows{FlowPlan{}};
  std::optional<StrangerPlan> stranger;  ///< plays host 1
  AttackPlan attack;
  bool v6 = false;
  std::uint16_t mtu = 1500;
  bool offloads = false;       ///< checksums are the device's
  bool segmentation = false;   ///< and, beside these, cutting packets into segments
  bool trusted = false;        ///< nobody fills in or looks at checksums: for speed alone
  Duration transmission{0};    ///< a port gives a packet back this long after it was sent
  std::uint32_t burst = 32;    ///< frames that a host takes at a time
  bool listener_stays = true;  ///< until all is over; else it goes with the last flow's coming
  std::uint32_t backlog = 1024;
  std::uint32_t syn_backlog = 1024;
  /// Text on SYNs (RFC 7413): asked for by who connects, and taken from so many at a time.
  std::uint32_t fast_open = 0;
  Duration accept_pause{0};  ///< the server is this late to accept
  bool watch = true;         ///< the wire's invariants are looked at
  /// A connection may end by an error: the network was too bad, or the peer is of the strange kind.
  bool may_fail = false;
  Instant start{seconds(1000)};
  Duration patience = seconds(4 * 3600);  ///< a run that takes longer hangs
  Duration stall = seconds(3600);         ///< and so does a flow that does nothing for this long
  Duration ends = Duration::max();        ///< it is cut off then, wherever it is (throughput)
};

/// `./dev test` runs the seeds 1 .. kCorpus, and lets others judge what they send.
inline constexpr std::uint32_t kCorpus = 5000;

/// What `seed` means: the same on every machine.
Scenario scenario_of(std::uint64_t seed);
/// Some lines about it.
std::string describe(const Scenario& scenario);

}  // namespace smol::sim
