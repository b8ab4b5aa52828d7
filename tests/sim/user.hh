#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/station.hh"

namespace smol::sim {

/// How a user is done with a connection.
enum class Ending : std::uint8_t {
  kHalfClose,  ///< shuts its side down when all is written, and closes at the end of the other's
  kWaits,      ///< closes once the peer has and all is written
  kCloses,     ///< closes when all is written and read
  kTogether,   ///< as kCloses, in the very moment in which the other does
  kLeaves,     ///< closes when all is written, whatever the other still has to say
  kAborts,     ///< in the midst of it
};
const char* name(Ending ending);

struct UserPlan {
  std::uint64_t octets = 0;         ///< it sends
  std::size_t write_most = 65'536;  ///< a call
  std::size_t read_most = 65'536;
  Duration write_pause{0};  ///< between calls
  Duration read_pause{0};
  Ending ending = Ending::kHalfClose;
  std::uint64_t aborts_at = 1;  ///< octets written and read
  tcp::SocketOptions socket;

  static constexpr std::uint64_t kEndless = ~std::uint64_t{0};
};

/// One end of a conversation, driven by the events of its socket and its own pauses alone: what no
/// event tells, it never learns. Looks at every octet that it reads.
class User {
 public:
  /// `side`: 0 or 1; `peer_octets`: what it will read.
  User(Station& station, const UserPlan& plan, std::uint32_t flow, int side,
       std::uint64_t peer_octets, Faults& faults)
      : station_{station},
        faults_{faults},
        plan_{plan},
        flow_{flow},
        side_{side},
        peer_octets_{peer_octets} {}

  /// False: the port is in use still, and nothing was done.
  bool connect(const IpEndpoint& local, const IpEndpoint& remote, bool fast_open = false);
  /// Its listener has this connection for it.
  void accepted(SocketId socket, Instant now);

  /// What the stack says of its socket.
  void heard(std::uint16_t events) { events_ = static_cast<std::uint16_t>(events_ | events); }
  /// Looks at its events and its clock, and does what there is to do.
  void act(Instant now);
  /// When it wants to act, whatever happens.
  Instant wakes_at() const;
  /// Closes, for Ending::kTogether.
  void close();
  /// It is over, whatever is left.
  void give_up();

  bool begun() const { return static_cast<bool>(socket_); }
  bool done() const { return done_; }
  /// Ended by its own abort, or by an error.
  bool broke_off() const { return aborted_ || error_.has_value(); }
  /// Connected, everything written and read, and the socket is still there: a close before that
  /// would throw away what is queued (RFC 9293 section 3.10.4).
  bool complete() const {
    return connected_ && !done_ && read_ == peer_octets_ && written_ == plan_.octets;
  }
  const UserPlan& plan() const { return plan_; }
  SocketId socket() const { return socket_; }
  std::uint64_t read() const { return read_; }
  std::uint64_t written() const { return written_; }
  const std::optional<Error>& error() const { return error_; }
  /// The state of its connection, for a failure's message.
  std::string status() const;

 private:
  void finish() { done_ = true; }
  void read_some(Instant now);
  bool take(Bytes got);
  void write_some(Instant now);
  void end();
  void fault(const std::string& what);

  Station& station_;
  Faults& faults_;
  UserPlan plan_;
  std::uint32_t flow_;
  int side_;
  std::uint64_t peer_octets_;
  SocketId socket_;
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
  Instant reads_at_ = kNever;  ///< kNever: when an event says so
  Instant writes_at_ = kNever;
  std::uint16_t events_ = 0;
  bool connected_ = false;
  bool shut_ = false;
  bool aborted_ = false;
  bool done_ = false;
  std::optional<Error> error_;
};

}  // namespace smol::sim
