#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/tcp_endpoint.hh"

namespace smol::tcp::script {

/// Where the numbers of a scenario begin. Every scenario is run from several (TCP-177).
struct Start {
  SeqNumber iss{1000};
  SeqNumber irs{20'000'000};
  std::uint32_t ts_offset = 5'000'000;      ///< of our timestamp clock
  std::uint32_t peer_timestamps = 700'000;  ///< the peer's clock when the scenario begins
  Instant time{seconds(3'000'000)};
};

/// How a scenario begins. One-way facts are the same for both ends unless they are named.
struct Given {
  Start start{};
  std::uint16_t mss = 1000;     ///< payload of a full segment, options deducted
  std::uint32_t cwnd = 10'000;  ///< initial window; a multiple of mss
  std::uint32_t window =
      50'000;  ///< what the peer promises in its window field, unless a line says other
  std::uint32_t receive_buffer = 60'000;
  Duration rtt = milliseconds(100);  ///< of the handshake: RTO is 3 * rtt from there
  bool passive = false;              ///< the peer opens
  bool timestamps = false;
  bool sack = false;
  bool pacing = false;
  std::optional<std::uint8_t> wscale{};  ///< the peer's; absent: no scaling on either side
  bool is_v6 = false;
  CongestionControl congestion = CongestionControl::kNewReno;
  SocketOptions options{};  ///< but for receive_buffer and congestion_control
  std::uint32_t quick_acks = 0;
  std::uint32_t initial_receive_buffer = 1u << 30;  ///< at once what it may become
  Config config{};  ///< but for initial window and buffer, timestamps, SACK, scaling, quick ACKs
};

/// A connection in the hands of a script. The notation is that of packetdrill with relative
/// numbers, one thing a line:
///
///        0ms  write 4000
///             > . 1:1001 ack 1
///       50ms  < . ack 1001 win 2000
///
/// A line may begin with a time since run() began, or `+` and a time since the line before; without
/// one it belongs to the moment of the line before. Virtual time passes between lines: timers run
/// when they are due, and what the connection sends is taken note of.
///
/// `>` expects a segment: each one sent must be listed, in order, within kTick of its time.
/// `<` lets one arrive. Both are followed by
///
///     flags      of F S R P E C U; `.` is ACK, and may be left out where `ack` follows; `-`: none
///     1:1001     text, begin and end; or 1:1001(1000). Absent: none, at the sender's next number.
///                SYN and FIN take a number of their own: F. 1001:1001(0) ack 1
///     ack 1  win 2000  urg 1  sack 2001:3001  ect0 | ect1 | ce  text X (fills with X)
///     <mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7>, last on the line
///
/// Numbers count from ISS and IRS, TS values in ms from the connection's begin (of either clock);
/// ecr 0 of a first SYN is zero itself. A segment that arrives repeats the window of the last one
/// and has timestamps when they are agreed on; `<>` takes its options away. Of an expected segment,
/// only what is written is compared: flags, text, ack, and win and options if they stand there.
///
/// Other lines:
///
///     write N · write urgent N · urgent N [mark] (is left) · read N · read all · shutdown · close
///     · abort · connect · nothing (time passes) burst … end            what arrives and is called
///     between them goes before anything is sent event readable         it was noted since the last
///     such line; `no event X`: it was not event closed[:ERROR]   the connection has ended, in
///     order or by an error state ESTABLISHED · drop tcp_paws · delivered N · is NAME
///     NUMBER-OR-TIME (of tcp::Info) waits nagle            what keeps it from sending icmp
///     hard|soft ERROR N · too_big N MSS (a router's word) · path MSS (what link and route carry)
///     · memory enough|short|out · `//` begins a comment
class Scripted {
 public:
  /// The peer, as far as a script goes.
  struct Peer {
    SeqNumber nxt;
    std::uint16_t window = 0;
    bool timestamps = false;
    std::uint32_t last_tsval = 0;  ///< of ours
  };

  /// CLOSED.
  explicit Scripted(const Given& given);

  Endpoint& endpoint() noexcept { return *endpoint_; }
  State state() const noexcept { return endpoint_->state(); }
  Info info() const noexcept { return endpoint_->connection().info(); }
  Instant now() const noexcept { return now_; }
  const Given& given() const noexcept { return given_; }
  /// Takes effect at once, as the call of a user.
  void set_options(const SocketOptions& options);
  /// What was delivered, by fills: "A*500 B*200"; `.` is the peer's true stream.
  std::string delivered() const;

  /// What is wrong with the connection, or with the script; nothing: all went as it says.
  std::optional<std::string> failure_of(std::string_view script);

 private:
  friend class Runner;

  Given given_;
  std::unique_ptr<Endpoint> endpoint_;
  Peer peer_;
  Instant now_;
  std::string transcript_;
};

/// Runs a script and fails the test, with the transcript so far, if it does not hold.
void run(Scripted& connection, std::string_view script, const char* file = __builtin_FILE(),
         int line = __builtin_LINE());

/// What a timer may be late, or early: the resolution of a stack's timer wheel.
inline constexpr Duration kTick = microseconds(100);

// --- connections in each state, after an orderly way there ---------------------------------------

Scripted closed(const Given& given = {});
Scripted listening(const Given& given = {});
Scripted syn_sent(const Given& given = {});
Scripted syn_received(const Given& given = {});  ///< by a passive open
Scripted established(const Given& given = {});
Scripted fin_wait_1(const Given& given = {});  ///< shutdown(), not close(): the user still reads
Scripted fin_wait_2(const Given& given = {});
Scripted close_wait(const Given& given = {});
Scripted closing(const Given& given = {});
Scripted last_ack(const Given& given = {});
Scripted time_wait(const Given& given = {});

}  // namespace smol::tcp::script
