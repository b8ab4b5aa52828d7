#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/link.hh"
#include "tests/sim/user.hh"
#include "tests/support/host.hh"

namespace smol::sim {

/// All that one run of two hosts is made from.
struct Scenario {
  std::uint64_t seed = 1;  ///< of secrets and links
  std::array<StackConfig, 2> stacks{small_config(), small_config()};
  std::array<std::uint32_t, 2> packets{512, 512};
  std::array<LinkOptions, 2> links;  ///< links[i]: what host i sends
  std::array<UserPlan, 2> users;     ///< users[0] connects
  bool v6 = false;
  bool both_connect = false;  ///< simultaneous open, in place of a listener
  std::uint16_t mtu = 1500;
  Duration transmission{0};  ///< a port gives a packet back this long after it was sent
  Instant start{seconds(1000)};
  /// Frames, counted from 0 over both directions in the order they are sent, that are lost. ARP and
  /// neighbour discovery are not counted.
  std::set<std::uint64_t> lost;
  Duration patience = seconds(4 * 3600);  ///< a conversation that takes longer hangs

  /// Does one end break off, so that the other need not get all?
  bool breaks_off() const {
    return std::any_of(users.begin(), users.end(), [](const UserPlan& user) {
      return user.ending == Ending::kAborts || user.ending == Ending::kLeaves;
    });
  }
};

/// What `seed` means: the same on every machine.
Scenario scenario_of(std::uint64_t seed);
/// One line about it.
std::string describe(const Scenario& scenario);

struct Outcome {
  std::uint64_t wire = 0;    ///< hash of every frame sent, with its time and side
  std::uint64_t frames = 0;  ///< sent by both, without neighbour talk
  std::array<std::size_t, 2> read{};
  Instant end{};
  std::string hung;  ///< empty, or where it hung
  std::array<std::optional<Error>, 2> errors;
  /// What happened on the way, summed over both hosts, by the names of drops and counters.
  std::map<std::string_view, std::uint64_t> happened;
};

/// Two hosts, a wire and a conversation, in virtual time: time is whatever the next event is at.
class Simulation {
 public:
  explicit Simulation(const Scenario& scenario);

  /// The whole conversation, and the rest until nothing is timed any more: then every packet must
  /// be back, and the books balance (Host sees to it).
  Outcome run();

 private:
  IpAddress address(int side) const;
  void introduce();
  void talk(Outcome& out);
  void rest(Outcome& out);
  Instant next_event() const;
  /// To `when`: frames arrive, stacks have their turns, users act on what they hear.
  void step(Instant when);
  void collect(int side);
  std::string status() const;

  Scenario scenario_;
  std::array<Link, 2> links_;
  std::array<std::unique_ptr<Host>, 2> hosts_;
  std::array<std::unique_ptr<User>, 2> users_;
  std::array<std::deque<std::pair<Instant, MemPacket>>, 2> in_transmission_;
  Instant now_;
  std::uint64_t wire_ = 0xcbf29ce484222325;
  std::uint64_t frames_ = 0;
  bool perfect_ = true;  ///< no frame is lost yet: the hosts get to know each other
};

}  // namespace smol::sim
