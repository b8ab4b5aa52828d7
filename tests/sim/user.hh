#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/host.hh"

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
  std::size_t octets = 0;           ///< it sends
  std::size_t write_most = 65'536;  ///< a call
  std::size_t read_most = 65'536;
  Duration write_pause{0};  ///< between calls
  Duration read_pause{0};
  Ending ending = Ending::kHalfClose;
  std::size_t aborts_at = 1;  ///< octets written and read
  tcp::SocketOptions socket;
};

/// One end of a conversation, driven by the events of its socket and its own pauses alone: what no
/// event tells, it never learns. Looks at every octet that it reads.
class User {
 public:
  /// `side`: 0 or 1, what this end's octets are told apart by. `peer_octets`: what it will read.
  User(Host& host, const UserPlan& plan, int side, std::size_t peer_octets)
      : host_{host}, plan_{plan}, side_{side}, peer_octets_{peer_octets} {}

  void listen(const IpEndpoint& local);
  void connect(const IpEndpoint& local, const IpEndpoint& remote);

  /// Looks at its events and its clock, and does what there is to do.
  void act(Instant now);
  /// When it wants to act, whatever happens.
  Instant wakes_at() const;
  /// Closes, for Ending::kTogether.
  void close();

  bool done() const { return done_; }
  /// Connected, everything written and read, and the socket is still there: a close before that
  /// would throw away what is queued (RFC 9293 section 3.10.4).
  bool complete() const {
    return connected_ && !done_ && read_ == peer_octets_ && written_ == plan_.octets;
  }
  /// A listener that nobody came to.
  bool waits_for_peer() const { return listener_ && !socket_; }
  void give_up();
  std::size_t read() const { return read_; }
  std::size_t written() const { return written_; }
  const std::optional<Error>& error() const { return error_; }
  /// The state of its connection, for a failure's message.
  std::string status() const;

 private:
  static std::uint8_t octet(int side, std::size_t at);
  void finish();
  void read_some(Instant now);
  void write_some(Instant now);
  void end();

  Host& host_;
  UserPlan plan_;
  int side_;
  std::size_t peer_octets_;
  SocketId listener_;
  SocketId socket_;
  std::size_t read_ = 0;
  std::size_t written_ = 0;
  Instant reads_at_{};  ///< kNever: when an event says so
  Instant writes_at_{};
  bool connected_ = false;
  bool shut_ = false;
  bool done_ = false;
  std::optional<Error> error_;
};

}  // namespace smol::sim
