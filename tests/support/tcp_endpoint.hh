#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "protocols/tcp/connection.hh"
#include "protocols/tcp/time_wait.hh"

namespace smol::tcp::script {

/// A run of octets of a stream. `fill` tells apart what segments that overlap claim for the same
/// numbers; 0 is what the stream truly holds there.
struct Piece {
  SeqNumber begin;
  std::uint32_t len = 0;
  char fill = 0;
};

/// The received text, as ranges of numbers in place of octets: what a stack does with packets,
/// done by the rules of Actions and ReassemblyStep alone. Everything that cannot be is a fault.
class ReceivedText {
 public:
  void begin(SeqNumber first) noexcept { next_ = first; }
  void take(const SegmentIn& segment, char fill, const Actions& actions,
            const ReassemblySteps& steps, std::vector<std::string>& faults);
  void forget() noexcept { ranges_.clear(); }

  /// One past the last octet in line.
  SeqNumber next() const noexcept { return next_; }
  std::uint64_t octets() const noexcept { return octets_; }
  /// What was delivered, runs of one fill joined.
  const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  /// Octets that wait beyond a hole.
  std::uint64_t out_of_order() const noexcept;

 private:
  void deliver(const Piece& piece, std::vector<std::string>& faults);

  SeqNumber next_;
  std::uint64_t octets_ = 0;
  std::vector<Piece> pieces_;
  std::map<std::uint32_t, std::vector<Piece>> ranges_;
};

/// One end of a connection without packets: a Connection and what a stack keeps around it. It does
/// what the contract of connection.hh asks and no more, and looks after every call at what must
/// hold whatever happens: faults() says what did not. Time is an argument, as everywhere.
class Endpoint {
 public:
  struct Sent {
    SegmentOut segment;
    Instant at;
  };
  struct Event {
    Actions actions;
    std::optional<Error> error;
  };

  /// CLOSED. `setup.options` are those of the connection to come.
  Endpoint(const Config& config, const Connection::Setup& setup);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // --- the user's calls --------------------------------------------------------------------------

  /// A SYN that comes opens a connection; when its half-open connection is gone, it listens again.
  void listen() noexcept { listens_ = true; }
  void connect(Instant now);
  /// False: may_queue() forbids it, and nothing was done.
  bool write(Instant now, std::uint32_t octets, bool urgent = false);
  /// Takes up to `octets` of what is unread; returns how many.
  std::uint32_t read(Instant now, std::uint32_t octets);
  void shutdown(Instant now);
  /// As a stack does it: a connection whose text nobody would read is aborted.
  void close(Instant now);
  void abort(Instant now);
  void set_options(Instant now, const SocketOptions& options);
  void icmp_error(Instant now, SeqNumber quoted, Error error, bool hard);
  void packet_too_big(Instant now, SeqNumber quoted, std::uint16_t mss);
  void path_changed(Instant now, std::uint16_t link, std::uint16_t path);

  // --- events ------------------------------------------------------------------------------------

  void arrives(Instant now, const SegmentIn& segment, char fill = 0);
  Instant deadline() const noexcept;
  void timeout(Instant now);
  /// Moves up to `most` segments that are to be sent now to sent().
  void transmit(Instant now, std::uint32_t most = 1'000'000);

  // --- what came of it ---------------------------------------------------------------------------

  std::deque<Sent>& sent() noexcept { return sent_; }
  const ReceivedText& received() const noexcept { return received_; }
  State state() const noexcept;
  /// Precondition: there is or was a connection.
  const Connection& connection() const noexcept { return *connection_; }
  Connection& connection() noexcept { return *connection_; }
  bool exists() const noexcept { return connection_.has_value(); }
  Context& context() noexcept { return context_; }
  RangePool& ranges() noexcept { return ranges_; }
  SentPool& sent_runs() noexcept { return sent_runs_; }
  Config& config() noexcept { return config_; }
  /// Note bits of all actions since clear_notes().
  std::uint32_t notes() const noexcept { return notes_; }
  void clear_notes(std::uint32_t bits) noexcept { notes_ &= ~bits; }
  /// How the last connection ended, until the next begins.
  bool closed() const noexcept { return closed_; }
  std::optional<Error> error() const noexcept { return error_; }
  std::optional<Drop> last_drop() const noexcept { return last_drop_; }
  std::uint64_t acked() const noexcept { return acked_; }
  std::vector<std::string>& faults() noexcept { return faults_; }

 private:
  enum class Place : std::uint8_t { kNone, kConnection, kTimeWait };

  void start(Instant now);
  void perform(Instant now, const Actions& actions);
  void enter_time_wait(Instant now);
  void time_wait_segment(Instant now, const SegmentIn& segment);
  void over();
  void check(Instant now);
  void check_quiet(Instant now);
  void check_sent(const SegmentOut& out);
  void check_ecn(const SegmentOut& out, const Info& info);
  void check_blocks(const SegmentOut& out, const Info& info);
  void check_window(const SegmentOut& out, const Info& info);
  void check_timers(const Info& info);
  void fault(const char* what);

  Config config_;
  Connection::Setup setup_;
  RangePool ranges_;
  SentPool sent_runs_;
  Context context_;
  Place place_ = Place::kNone;
  std::optional<Connection> connection_;
  std::optional<TimeWait> time_wait_;
  Instant time_wait_end_ = kNever;
  ReassemblySteps steps_;
  ReceivedText received_;
  std::deque<Sent> sent_;
  bool listens_ = false;
  bool wants_to_send_ = false;
  bool synchronized_ = false;
  bool closed_ = false;
  std::optional<Error> error_;
  std::optional<Drop> last_drop_;
  std::uint32_t notes_ = 0;
  std::uint32_t largest_buffer_;
  SeqNumber promised_;  ///< right edge of the window that was last accepted from
  std::uint64_t acked_ = 0;
  std::uint64_t queued_ = 0;
  std::vector<std::string> faults_;
};

/// What the other end makes of it.
SegmentIn arriving(const SegmentOut& out) noexcept;

}  // namespace smol::tcp::script
