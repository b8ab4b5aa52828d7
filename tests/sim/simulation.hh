#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "tests/sim/coverage.hh"
#include "tests/sim/monitor.hh"
#include "tests/sim/scenario.hh"
#include "tests/sim/trace.hh"

namespace smol::sim {

struct Outcome {
  std::vector<std::string> faults;        ///< what did not hold; the first is what counts
  std::uint64_t wire = 0;                 ///< hash of every frame sent, with its time and side
  std::array<std::uint64_t, 2> frames{};  ///< each side sent, without neighbour talk
  std::array<std::vector<std::uint64_t>, 2> by_chance;  ///< numbers of those that were lost so
  std::array<std::uint64_t, 2> lost{};                  ///< of those
  Duration took{0};
  Duration last_read{0};  ///< when a user read something last
  /// Octets that the users of flow i read, by side.
  std::vector<std::array<std::uint64_t, 2>> read;
  Coverage coverage;
};

/// Two hosts and a path between them, in virtual time: time is whatever the next event is at. A run
/// is its scenario; nothing else has a say.
class Simulation {
 public:
  /// `trace`: all that happens is told to it; may be null.
  explicit Simulation(const Scenario& scenario, Trace* trace = nullptr);

  /// The whole of it, and the rest until nothing is timed any more: then every packet must be back,
  /// and the books balance. Call it once.
  Outcome run();

 private:
  struct Flow {
    std::array<std::unique_ptr<User>, 2> users;  ///< null: of a stranger
    std::uint16_t port = 0;                      ///< the client's
    bool started = false;
    bool over = false;
    std::uint64_t read = 0;      ///< octets, by both
    std::uint64_t progress = 0;  ///< octets read and written
    Instant progressed_at{};
  };
  struct Timed {
    Instant at;
    std::uint32_t who = 0;
    bool operator>(const Timed& other) const {
      return at != other.at ? at > other.at : who > other.who;
    }
  };
  using Queue = std::priority_queue<Timed, std::vector<Timed>, std::greater<>>;

  void make_station(std::size_t side);
  void listen(std::size_t side);
  void start_flows();
  void start(std::uint32_t index);
  void converse();
  bool leave_alone();
  void rest();
  void attack();
  void stranger_acts();
  Instant next_event() const;
  void step(Instant when);
  void deliver(std::size_t side);
  void hear(std::size_t side);
  void accept(std::size_t side);
  void act(std::uint32_t user);
  void settle(std::uint32_t index);
  bool ended(const Flow& flow) const;
  void collect(std::size_t side);
  void take_off(std::size_t side, std::vector<Octets>& frames);
  void check();
  void check_info(Station& station, const User& user);
  void check_progress();
  void check_end();
  void check_flow(std::uint32_t index);
  void fault(std::string what) { faults_.add(std::move(what)); }
  std::string status() const;
  Outcome outcome();

  Scenario scenario_;
  Trace* trace_;
  Faults faults_;
  Coverage coverage_;
  std::vector<Octets> spare_;
  std::array<Link, 2> links_;
  std::array<std::unique_ptr<Station>, 2> stations_;  ///< null: a stranger is there
  std::optional<Stranger> stranger_;
  std::array<Monitor, 2> monitors_;
  std::array<StateWatch, 2> states_;
  std::array<SocketId, 2> listeners_;
  std::array<Instant, 2> accepts_at_{kNever, kNever};
  std::vector<Flow> flows_;
  Queue starts_;                       ///< of flows
  Queue wakes_;                        ///< of users: flow * 2 + side
  std::vector<std::uint32_t> to_act_;  ///< users
  std::vector<Parcel> burst_;
  std::size_t flows_over_ = 0;
  std::size_t accepted_ = 0;
  std::uint32_t looked_at_ = 0;
  Instant now_;
  Instant last_read_;
  Instant looked_for_progress_;
  Rng attacker_;
  Instant attacks_at_ = kNever;
  std::uint64_t wire_ = 0xcbf29ce484222325;
  std::uint64_t next_id_ = 1;
  std::array<std::uint64_t, 2> frames_{};
};

}  // namespace smol::sim
