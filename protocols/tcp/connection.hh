#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "protocols/base/error.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/cc/congestion.hh"
#include "protocols/tcp/config.hh"
#include "protocols/tcp/info.hh"
#include "protocols/tcp/plpmtud.hh"
#include "protocols/tcp/prr.hh"
#include "protocols/tcp/rack.hh"
#include "protocols/tcp/reassembly.hh"
#include "protocols/tcp/rto.hh"
#include "protocols/tcp/scoreboard.hh"
#include "protocols/tcp/segment.hh"
#include "protocols/tcp/state.hh"
#include "protocols/tcp/trace.hh"

namespace smol::tcp {

struct HalfOpen;

/// What a connection borrows for the length of a call.
struct Context {
  const Config& config;
  RangePool& ranges;
  SentPool& sent;
  /// Packets are short: promise no more window than was promised, keep nothing out of order.
  bool short_of_memory = false;
  /// Packets are nearly gone: keep no text for a user who leaves text unread.
  bool out_of_memory = false;
  /// How far a receive buffer may grow for what is left of packets, in octets.
  std::uint32_t receive_share = 0xffff'ffff;
};

/// One connection: the state machine of RFC 9293 section 3.10, as values in and values out. It
/// holds numbers and times, no octet and no packet; it reads no clock; and what it decides it
/// returns, for the caller to do.
///
///     send queue                                receive queue
///     snd_una      snd_nxt     snd_end          rcv_read     rcv_nxt          rcv_adv
///     |-- in flight --|-- unsent --|            |-- unread --|-- window --------|
///
/// After every call: ask deadline(), and if Actions::send was set (or the call has no Actions) ask
/// next_segment() until it says no.
class Connection {
 public:
  /// What is settled before the first segment.
  struct Setup {
    SeqNumber iss;
    std::uint32_t ts_offset = 0;
    std::uint16_t local_mss = 536;  ///< payload that fits the interface: MTU less 40 or 60
    std::uint16_t path_mss = 0;     ///< what the path carries of it; 0: all
    bool is_v6 = false;
    SocketOptions options;
  };

  Connection(const Context& context, Instant now, const Setup& setup) noexcept;

  // --- the user's calls (RFC 9293 section 3.10.1 to 3.10.6), user_calls.cc
  // ---------------------------

  /// CLOSED to SYN-SENT.
  void open_active(const Context& context) noexcept;
  /// CLOSED to SYN-RECEIVED, by a SYN that a listener took. Text on the SYN is left to be sent
  /// again.
  void open_passive(const Context& context, Instant now, const SegmentIn& syn) noexcept;
  /// CLOSED to SYN-RECEIVED, by a SYN that was answered while only its values were kept
  /// (half_open.cc): as if open_passive() had been called when it came, and its SYN-ACK were sent.
  void resume_passive(const Context& context, const HalfOpen& record, Instant now) noexcept;
  /// open_passive() by a SYN whose text may be taken at once (RFC 7413, fast_open.cc). What to keep
  /// of it.
  Actions open_fast(const Context& context, Instant now, const SegmentIn& syn) noexcept;
  /// The first SYN is to carry the option, and up to `room` octets of what is queued by then.
  /// Precondition: open_active() was called, and nothing sent.
  void offer_fast_open(std::uint16_t room) noexcept;
  /// `octets` were put behind the send queue. Precondition: may_queue().
  void queued(std::uint32_t octets) noexcept { snd_end_ += octets; }
  /// What was queued so far is urgent, to its end (RFC 9293 section 3.8.5): segments say so until
  /// all of it is acknowledged, the first at once.
  void queued_urgent() noexcept;
  Urgent urgent() const noexcept;
  /// The user took `octets` of what is next in line. True: a window update wants to be sent.
  bool consumed(const Context& context, Instant now, std::uint32_t octets) noexcept;
  /// Half-close: a FIN follows what is queued.
  Actions shutdown_write(const Context& context, Instant now) noexcept;
  /// The user is done reading and writing. Text that comes from now on resets the connection.
  /// Note::kLingered follows if it is not acknowledged in time. Precondition: !loses_data(). Again:
  /// nothing.
  Actions close(const Context& context, Instant now) noexcept;
  /// There is text that nobody would ever read: close() would make it look delivered, so abort() it
  /// is (RFC 9293 SHLD-3, RFC 2525 section 2.17).
  bool loses_data() const noexcept { return unread() > 0 || !reassembly_.empty(); }
  /// close() is to be abort() (SocketOptions::linger).
  bool resets_on_close() const noexcept { return linger_ms_ == 0; }
  /// The end. The RST to send, if the peer knows of the connection.
  std::optional<SegmentOut> abort(const Context& context, Instant now, Error error) noexcept;
  void set_options(const Context& context, Instant now, const SocketOptions& options) noexcept;
  /// From now on segments leave by a link that `link` octets of payload fit, and of them `path` all
  /// the way (path_mtu.cc).
  void path_changed(const Context& context, std::uint16_t link, std::uint16_t path) noexcept;
  void set_user_deadline(Instant when) noexcept {
    if (!lingers()) arm(Timer::kUser, when);
  }

  // --- events
  // --------------------------------------------------------------------------------------

  /// SEGMENT ARRIVES (RFC 9293 section 3.10.7.3, arrives_syn_sent.cc, and 3.10.7.4,
  /// arrives_synchronized.cc). `steps` is cleared, and filled for text that is not simply next in
  /// line: then Actions::text_len is 0.
  Actions segment_arrives(const Context& context, Instant now, const SegmentIn& segment,
                          ReassemblySteps& steps) noexcept;
  /// Runs what is due (RFC 9293 section 3.10.8, timeouts.cc).
  Actions timeout(const Context& context, Instant now) noexcept;
  /// An ICMP error quoted a segment of ours that began at `quoted`. Only SYN-SENT can end by one;
  /// later they are soft (RFC 5927 section 5.2, RFC 9293 MUST-56). `hard`: nobody is there.
  Actions icmp_error(SeqNumber quoted, Error error, bool hard) noexcept;

  /// A router sent back "too big", quoting a segment of ours that began at `quoted`; `mss` would
  /// have fitted (path_mtu.cc; RFC 1191 section 6.4, RFC 5927 section 7). What is in flight and too
  /// long is sent again at once, in smaller segments; that is no congestion.
  Actions packet_too_big(const Context& context, SeqNumber quoted, std::uint16_t mss) noexcept;

  // --- output.cc
  // -----------------------------------------------------------------------------------

  /// The next segment to send now, and the books kept as if it were sent; false: nothing now. This
  /// is the one place that decides when and what to send.
  bool next_segment(const Context& context, Instant now, SegmentOut& out) noexcept;
  /// Cheap and on the safe side: false means that next_segment() would say no.
  bool may_send() const noexcept {
    return ack_now_ || dup_acks_owed_ > 0 || syn_due_ || probe_due_ || keep_alive_due_ ||
           tlp_due_ || board_.lost() > 0 || snd_nxt_.before(send_limit());
  }

  // --- questions
  // -----------------------------------------------------------------------------------

  /// When timeout() must be called at the latest; it may turn out to be early.
  Instant deadline() const noexcept { return earliest_; }
  State state() const noexcept { return state_; }
  /// Set once state() is kClosed, unless both sides ended in order.
  std::optional<Error> error() const noexcept { return error_; }
  std::optional<Error> take_soft_error() noexcept;
  /// Retransmissions reached R1: leaves kTimedOut as the soft error, unless a router told more.
  /// True: the user wants to hear of it (RFC 9293 SHLD-9, SHLD-20).
  bool trouble_is_news() noexcept;
  bool passive() const noexcept { return passive_; }
  /// The SYN carried the option, or the user has it before the handshake is complete.
  bool fast_open() const noexcept { return fast_open_; }
  /// Would this segment, in SYN-RECEIVED, make the connection ESTABLISHED?
  bool completes_handshake(const SegmentIn& segment) const noexcept;
  /// The user may write: not shut down, not over.
  bool may_queue() const noexcept;
  /// An ACK is due at once: what TIME-WAIT begins with, where the record must send it.
  bool ack_due() const noexcept { return ack_now_; }
  /// The user's handle was given up: close() was called.
  bool detached() const noexcept { return detached_; }
  bool peer_closed() const noexcept { return peer_fin_taken_; }
  std::uint32_t unread() const noexcept;
  /// A segment of the peer's fits the window; false: none will until somebody reads.
  bool may_receive_more() const noexcept { return receive_window() >= rcv_mss_; }
  /// Octets queued and never sent.
  std::uint32_t unsent() const noexcept;
  std::uint32_t unacked() const noexcept { return snd_una_.until(snd_nxt_); }
  /// Octets in the send queue, sent or not.
  std::uint32_t send_queue() const noexcept;
  /// Payload of a full segment now.
  std::uint32_t mss() const noexcept { return mss_; }
  /// What the path carries: payload and options of the longest segment.
  std::uint16_t path_mss() const noexcept { return path_.bound(); }
  SeqNumber snd_una() const noexcept { return snd_una_; }
  SeqNumber snd_nxt() const noexcept { return snd_nxt_; }
  SeqNumber snd_end() const noexcept { return snd_end_; }
  SeqNumber rcv_nxt() const noexcept { return rcv_nxt_; }
  std::uint32_t ts_offset() const noexcept { return ts_offset_; }
  std::uint32_t ts_recent() const noexcept { return ts_recent_; }
  bool timestamps() const noexcept { return timestamps_; }
  /// Both ends agreed on selective acknowledgement (RFC 2018).
  bool sack() const noexcept { return sack_; }
  /// The window field of a last acknowledgement, for TIME-WAIT.
  std::uint16_t last_window() const noexcept;
  std::uint8_t hop_limit() const noexcept { return hop_limit_; }
  std::uint8_t dscp() const noexcept { return dscp_; }
  std::uint32_t send_buffer() const noexcept { return send_buffer_; }
  /// Octets that the send queue may hold now: what fills the congestion window twice, within
  /// send_buffer().
  std::uint32_t send_allowance(const Config& config) const noexcept;
  Reassembly& reassembly() noexcept { return reassembly_; }
  const Scoreboard& scoreboard() const noexcept { return board_; }
  /// Gives back what was in flight, once state() is kClosed or kTimeWait.
  void forget_sent(const Context& context) noexcept { board_.clear(context.sent); }
  Info info() const noexcept;
  /// What matters of it from segment to segment (trace.cc); and with what is said of `segment`,
  /// which next_segment() has just given.
  Trace trace() const noexcept;
  Trace trace(const SegmentOut& segment) const noexcept;

  /// Microseconds, modulo 2^32: more than an hour.
  static std::uint32_t clock_us(Instant now) noexcept {
    return static_cast<std::uint32_t>(now.time_since_epoch() / microseconds(1));
  }
  /// The timestamp clock: milliseconds (RFC 7323 section 5.4), before the connection's offset.
  static std::uint32_t timestamp_clock(Instant now) noexcept {
    return static_cast<std::uint32_t>(now.time_since_epoch() / milliseconds(1));
  }

 private:
  enum class Next : std::uint8_t { kContinue, kStop };
  enum class Timer : std::uint8_t {
    kRetransmit,
    kLoss,     ///< what may only be late is lost then (RACK), or the tail probe (TLP)
    kPace,     ///< the next segment may go
    kPersist,  ///< zero-window probe, or the override of sender-side silly-window avoidance
    kDelayedAck,
    kKeepAlive,
    kLifetime,  ///< of SYN-RECEIVED, and of what has no user any more
    kUser,      ///< the user's own; of what lingers, its end
  };
  static constexpr std::size_t kTimers = 8;

  /// What the sender is recovering from.
  enum class Episode : std::uint8_t {
    kNone,
    kCwr,       ///< the peer echoed congestion: the window comes down, nothing is sent again
    kRecovery,  ///< RACK, or three duplicate ACKs, told of a loss
    kLoss,      ///< a retransmission timeout
  };
  struct News;
  static constexpr std::uint32_t kForeverMs = 0xffff'ffff;

  /// The part of a segment's text that is new and in the window.
  struct Text {
    SeqNumber begin;
    std::uint32_t offset = 0;  ///< of begin, in the segment's text
    std::uint32_t len = 0;
    bool fin = false;  ///< the FIN right behind it may be taken
    bool pushed = false;
    SeqNumber end() const noexcept { return begin + len; }
  };

  // The steps of RFC 9293 section 3.10.7.4, in its order.
  Next check_timestamp(const Context& context, Instant now, const SegmentIn& segment,
                       Actions& out) noexcept;
  Next check_sequence(const Context& context, Instant now, const SegmentIn& segment, Text& text,
                      Actions& out) noexcept;
  Next check_rst(const Context& context, Instant now, const SegmentIn& segment,
                 Actions& out) noexcept;
  Next check_syn(const Context& context, Instant now, const SegmentIn& segment,
                 Actions& out) noexcept;
  Next check_ack(const Context& context, Instant now, const SegmentIn& segment,
                 Actions& out) noexcept;
  Next accept_text(const Context& context, Instant now, const Text& text, Actions& out,
                   ReassemblySteps& steps) noexcept;
  void check_fin(const Text& text, Actions& out) noexcept;

  // urgent.cc
  void check_urgent(const SegmentIn& segment, Actions& out) noexcept;
  void put_urgent(SegmentOut& out) noexcept;

  // ecn.cc
  void ask_for_ecn(TcpRepr& header) noexcept;
  void negotiate_ecn(const SegmentIn& segment) noexcept;
  void hear_ecn(const SegmentIn& segment, Actions& out) noexcept;
  void echo_ecn(SegmentOut& out) noexcept;
  void mark_ecn(SegmentOut& out) noexcept;
  bool acknowledge_before_mark(const Context& context, Instant now, SegmentOut& out) noexcept;
  /// The peer says that packets of ours met congestion. False without an agreement.
  bool congestion_told(const SegmentIn& segment) const noexcept {
    return ect_ && segment.flags.ece();
  }

  void arrives_syn_sent(const Context& context, Instant now, const SegmentIn& segment, Actions& out,
                        ReassemblySteps& steps) noexcept;
  void arrives_synchronized(const Context& context, Instant now, const SegmentIn& segment,
                            Actions& out, ReassemblySteps& steps) noexcept;
  bool is_plain_text(const Context& context, const SegmentIn& segment) const noexcept;
  void plain_text_arrives(const Context& context, Instant now, const SegmentIn& segment,
                          Actions& out) noexcept;
  void note_size(std::uint32_t len) noexcept;
  bool acceptable(const SegmentIn& segment) const noexcept;
  void refuse(const Context& context, Instant now, const SegmentIn& segment, Actions& out) noexcept;
  Text trim(const SegmentIn& segment, Actions& out) const noexcept;
  void take_options(const Context& context, const SegmentIn& syn) noexcept;
  void establish(const Context& context, Instant now, const SegmentIn& segment,
                 Actions& out) noexcept;
  void begin_sending(const Context& context, Instant now, std::uint32_t window) noexcept;
  void advance(const Context& context, Instant now, const SegmentIn& segment,
               Actions& out) noexcept;
  void round_trip_was(const Context& context, Duration rtt) noexcept;
  void shortest_may_be(Duration rtt) noexcept;
  void sample_echo(const Context& context, Instant now, const SegmentIn& segment) noexcept;
  void sample_handshake(const Context& context, Instant now, const SegmentIn& segment) noexcept;
  void sample_round_trip(const Context& context, Instant now, const SegmentIn& segment) noexcept;
  void update_window(const Context& context, Instant now, const SegmentIn& segment) noexcept;
  void fin_acknowledged(const Context& context, Instant now, Actions& out) noexcept;
  void take_fin(Actions& out) noexcept;
  void challenge(const Context& context, Instant now, Actions& out) noexcept;

  // acknowledge.cc: when to acknowledge, and what to tell beside RCV.NXT.
  void take_text(const Context& context, Instant now, SeqNumber next, bool in_hole,
                 const Text& text, Actions& out) noexcept;
  void start_acknowledging(const Context& context, Instant now) noexcept;
  void time_text(const Context& context, Instant now) noexcept;
  bool at_rest(const Text& text) const noexcept;
  Duration ack_delay(const Context& context) const noexcept;
  Duration waiting() const noexcept;
  void answer(const Context& context, Instant now) noexcept;
  void on_delayed_ack_timer() noexcept;
  void out_of_order_arrived() noexcept;
  void duplicate_arrived(SackBlock twice) noexcept;
  void acknowledge(const Context& context, Instant now, SegmentOut& out) noexcept;

  // recovery.cc: loss detection and recovery.
  bool is_duplicate_ack(const SegmentIn& segment) const noexcept;
  void on_ack(const Context& context, Instant now, const SegmentIn& segment, Actions& out) noexcept;
  void hear_delivery(const Context& context, Instant now, const SegmentIn& segment,
                     News& news) noexcept;
  template <class Hear>
  void hear_sack(const Context& context, const SegmentIn& segment, News& news,
                 const Hear& hear) noexcept;
  bool is_duplicate_report(const SegmentIn& segment) const noexcept;
  void count_duplicates(News& news) noexcept;
  void drag_marks() noexcept;
  void end_backoff(const Context& context, Instant now, const SegmentIn& segment,
                   const News& news) noexcept;
  std::uint32_t detect_loss(const Context& context, Instant now) noexcept;
  bool is_third_duplicate(const News& news) const noexcept;
  void begin_recovery(const Context& context, Instant now, const News& news, Actions& out) noexcept;
  void begin_episode(Episode episode) noexcept;
  void congestion_echoed(Instant now) noexcept;
  void go_on(const Context& context, Instant now, const News& news, std::uint32_t acked,
             Actions& out) noexcept;
  void end_episode(Instant now) noexcept;
  bool was_spurious(const News& news) const noexcept;
  void undo(const Context& context, Actions& out) noexcept;
  void watch_timeout(const Context& context, const News& news, Actions& out) noexcept;
  void on_retransmission_timeout(const Context& context, Instant now) noexcept;
  void on_loss_timer(const Context& context, Instant now, Actions& out) noexcept;
  void schedule_probe(const Context& context, Instant now) noexcept;
  void hear_probe(Instant now, const SegmentIn& segment, const News& news) noexcept;
  void report(const Context& context, Instant now, const News& news, std::uint32_t acked,
              bool was_limited, bool was_recovering, bool recovering) noexcept;
  bool steered_by_prr() const noexcept {
    return congestion_.reduces_by_prr() && (sack_ || episode_ == Episode::kCwr);
  }

  // output.cc
  bool handshake_segment(const Context& context, Instant now, SegmentOut& out) noexcept;
  bool send_data(const Context& context, Instant now, SegmentOut& out) noexcept;
  bool resend(const Context& context, Instant now, SegmentOut& out) noexcept;
  bool send_tail_probe(const Context& context, Instant now, SegmentOut& out) noexcept;
  void send_again(const Context& context, Instant now, SeqNumber begin, std::uint32_t len, bool fin,
                  SegmentOut& out) noexcept;
  void send_first(const Context& context, Instant now, std::uint32_t len, bool fin,
                  SegmentOut& out) noexcept;
  bool must_pace(Instant now) noexcept;
  void pace(const Context& context, Instant now, std::uint32_t octets) noexcept;
  void set_pace(const Context& context) noexcept;
  std::uint64_t paced_at() const noexcept;
  bool send_probe(const Context& context, Instant now, SegmentOut& out) noexcept;
  bool send_new(const Context& context, Instant now, SegmentOut& out) noexcept;
  bool held_back(Instant now, std::uint32_t len, std::uint32_t queued, std::uint32_t usable,
                 bool by_congestion) noexcept;
  bool held_by_cork(Instant now) noexcept;
  void offer_user_timeout(const Context& context, SegmentOut& out) noexcept;
  void hear_user_timeout(const Context& context, const TcpUserTimeout& theirs) noexcept;
  void bare_segment(const Context& context, Instant now, SeqNumber seq, SegmentOut& out) noexcept;
  void carry(const Context& context, Instant now, SeqNumber seq, std::uint32_t len, bool fin,
             SegmentOut& out) noexcept;
  std::uint32_t congestion_room() const noexcept;

  // receive_window.cc
  static std::uint8_t shift_for(std::uint32_t buffer) noexcept;
  std::uint32_t window_step() const noexcept;
  std::uint16_t select_window(const Context& context) noexcept;
  void limit_receive_buffer(const Config& config, std::uint32_t octets) noexcept;
  void begin_tuning(Instant now) noexcept;
  void tune_receive_buffer(const Context& context, Instant now) noexcept;

  // fast_open.cc
  void put_text_on_syn(SegmentOut& out) noexcept;
  void settle_text_of_syn(Actions& out) noexcept;
  bool send_early(const Context& context, Instant now, SegmentOut& out) noexcept;
  void settle_early(const Context& context, Instant now, const SegmentIn& segment,
                    Actions& out) noexcept;

  // path_mtu.cc
  void cut_for_path(bool timestamps) noexcept;
  void lose(const Context& context, SeqNumber from, SeqNumber end) noexcept;
  std::uint32_t probe_len(Instant now, std::uint32_t queued, std::uint32_t window) noexcept;
  void path_sent(std::uint32_t len) noexcept;
  void path_acked(Actions& out) noexcept;
  void loses_probe(SeqNumber begin, SeqNumber end) noexcept;
  bool lost_probe_alone(const Context& context, std::uint32_t newly_lost, bool third_duplicate,
                        Actions& out) noexcept;
  SeqNumber probe_begin() const noexcept {
    return path_.probe_end() - (path_.probe_size() - std::uint32_t{option_octets()});
  }
  bool path_timed_out(const Context& context, Actions& out) noexcept;
  std::uint16_t option_octets() const noexcept { return timestamps_ ? 12 : 0; }

  // timeouts.cc
  void on_retransmit_timer(const Context& context, Instant now, Actions& out) noexcept;
  void on_persist_timer(const Context& context, Instant now, Actions& out) noexcept;
  void on_keep_alive_timer(Instant now, Actions& out) noexcept;
  /// It is closed, and is not to wait for acknowledgements for ever.
  bool lingers() const noexcept { return detached_ && linger_ms_ != kForeverMs; }

  // info.cc
  void tell_path(Info& out) const noexcept;
  void tell_queues(Info& out) const noexcept;
  void tell_counts(Info& out) const noexcept;
  void tell_timers(Info& out) const noexcept;

  void arm(Timer timer, Instant when) noexcept {
    timers_[static_cast<std::size_t>(timer)] = when;
    if (when < earliest_) earliest_ = when;
  }
  void disarm(Timer timer) noexcept { timers_[static_cast<std::size_t>(timer)] = kNever; }
  Instant timer(Timer timer) const noexcept { return timers_[static_cast<std::size_t>(timer)]; }
  bool due(Timer timer, Instant now) const noexcept { return this->timer(timer) <= now; }
  void arm_retransmit(const Context& context, Instant now) noexcept;
  Duration patience(const Context& context) const noexcept;
  void limit_orphan(const Context& context, Instant now) noexcept;
  /// When what is in flight has been unacknowledged for too long; now, if that is over.
  Instant gives_up_at(const Context& context, Instant now) const noexcept;
  Duration keep_alive() const noexcept { return milliseconds(keep_alive_ms_); }
  void become_closed(Actions& out, std::optional<Error> error) noexcept;
  void give_up(Actions& out) noexcept;
  void enter_time_wait(Actions& out) noexcept;
  SeqNumber fin_seq() const noexcept { return snd_end_; }
  /// One past the last number there is to send: the queue, and the FIN.
  SeqNumber send_limit() const noexcept { return fin_queued_ ? snd_end_ + 1 : snd_end_; }
  bool fin_sent() const noexcept { return fin_queued_ && snd_nxt_ == snd_end_ + 1; }
  std::uint32_t receive_window() const noexcept { return rcv_nxt_.until(rcv_adv_); }
  std::uint32_t timestamp_now(Instant now) const noexcept {
    return timestamp_clock(now) + ts_offset_;
  }

  // The members stand in the order in which a connection's cache lines are wanted.

  // Touched by every segment.
  SeqNumber rcv_nxt_;
  SeqNumber rcv_adv_;   ///< right edge of the window as promised; never moves back
  SeqNumber rcv_read_;  ///< first octet that the user has not taken
  SeqNumber last_ack_sent_;
  SeqNumber snd_una_;
  SeqNumber snd_nxt_;  ///< one past the highest number sent
  SeqNumber snd_end_;  ///< one past the last octet queued
  std::uint32_t snd_wnd_ = 0;
  SeqNumber snd_wl1_;
  SeqNumber snd_wl2_;
  std::uint32_t max_snd_wnd_ = 0;
  std::uint32_t ts_recent_ = 0;
  std::uint32_t ts_offset_ = 0;
  std::uint16_t mss_ = 536;      ///< payload of a full segment
  std::uint16_t rcv_mss_ = 536;  ///< the largest segment seen from the peer
  State state_ = State::kClosed;
  std::uint8_t snd_shift_ = 0;
  std::uint8_t rcv_shift_ = 0;
  std::uint8_t dup_acks_ = 0;
  std::uint8_t dup_acks_owed_ = 0;  ///< ACKs of their own at once, for segments out of order
  bool ack_now_ : 1 = false;
  bool timestamps_ : 1 = false;
  bool sack_ : 1 = false;
  bool interactive_ : 1 = false;     ///< text of ours follows the peer's at once
  bool urgent_in_ : 1 = false;       ///< urgent_end_ means something
  bool urgent_out_ : 1 = false;      ///< snd_up_ means something
  EcnUse ecn_use_ : 2;               ///< what was asked for
  bool ecn_asked_ : 1 = false;       ///< by a SYN of ours
  bool ecn_ : 1 = false;             ///< agreed on: marks are echoed
  bool ect_ : 1 = false;             ///< and packets of ours may be marked
  bool ece_ : 1 = false;             ///< a mark is to be echoed; kDctcp: the last packet had one
  bool cwr_due_ : 1 = false;         ///< the next new data says that the window was reduced
  bool ce_turned_ : 1 = false;       ///< an ACK up to ce_turn_ is owed, before the one that is due
  bool ce_turned_from_ : 1 = false;  ///< and what it echoes
  bool syn_due_ : 1 = false;
  bool probe_due_ : 1 = false;
  bool keep_alive_due_ : 1 = false;
  bool override_ : 1 = false;  ///< send what little there is room for (RFC 9293 section 3.8.6.2.1)
  bool timing_ : 1 = false;
  bool timed_ : 1 = false;        ///< what is timed has arrived
  bool must_resend_ : 1 = false;  ///< the first that is lost goes whatever cwnd says
  bool frto_ : 1 = false;         ///< the timeout may have been too early
  bool frto_new_ : 1 = false;     ///< new data goes to find out
  bool undo_open_ : 1 = false;
  bool resent_any_ : 1 = false;         ///< in this episode
  bool loss_timer_probes_ : 1 = false;  ///< what Timer::kLoss is for
  bool tlp_due_ : 1 = false;
  bool tlp_open_ : 1 = false;    ///< a tail probe is not answered yet
  bool tlp_resent_ : 1 = false;  ///< it was old data
  bool fin_queued_ : 1 = false;
  bool peer_fin_seen_ : 1 = false;
  bool peer_fin_taken_ : 1 = false;
  bool probing_ : 1 = false;  ///< the number at snd_nxt_ went out as a zero-window probe
  bool passive_ : 1 = false;
  bool detached_ : 1 = false;
  bool syn_lost_ : 1 = false;
  bool scaling_ : 1 = false;
  bool nagle_ : 1 = true;
  bool keep_alive_octet_ : 1 = false;
  bool is_v6_ : 1 = false;
  bool soft_errors_ : 1 = true;  ///< tell of them
  bool cork_ : 1 = false;
  bool user_timeout_option_ : 1 = false;
  bool user_timeout_due_ : 1 = false;     ///< to be told to the peer
  bool user_timeout_chosen_ : 1 = false;  ///< by the user: the peer's wish does not count
  bool fast_open_ : 1 = false;
  std::uint8_t quick_acks_ = 0;  ///< so many more go at once
  std::uint8_t keep_alive_sent_ = 0;
  Episode episode_ = Episode::kNone;
  std::uint8_t hop_limit_;
  std::uint8_t dscp_;
  std::uint16_t local_mss_;
  WaitsFor waits_for_ = WaitsFor::kHandshake;
  std::uint8_t retransmits_ = 0;  ///< in a row: R1 counts them
  std::uint32_t receive_buffer_ = 0;

  // And by text that arrives, or is read.
  Instant earliest_ = kNever;  ///< at or before every armed timer
  Instant last_received_{};
  Instant ts_recent_at_{};
  std::uint64_t bytes_received_ = 0;
  std::uint32_t last_text_us_ = 0;  ///< when the last text came, modulo 2^32
  std::uint32_t segs_in_ = 0;
  Reassembly reassembly_;
  std::array<Instant, kTimers> timers_;
  SeqNumber tuned_read_;           ///< rcv_read_ when the round trip that is measured began
  std::uint32_t tuned_at_us_ = 0;  ///< when that was, modulo 2^32

  // By what is sent, and its acknowledgement.
  Scoreboard board_;  ///< [snd_una_, snd_nxt_) but for the SYN
  std::uint32_t segs_out_ = 0;
  SeqNumber limited_at_;  ///< snd_nxt when the congestion window last held the sender back
  Instant last_sent_{};
  SeqNumber snd_sml_;           ///< one past the last small segment sent (Minshall)
  std::uint32_t pace_q10_ = 0;  ///< ns an octet takes, times 1024; 0: not paced
  Instant pace_until_{};
  Delivery delivery_;
  std::uint64_t app_limited_until_ = 0;  ///< delivered by then, what was sent before is
  Prr prr_;
  SeqNumber recover_;  ///< SND.NXT when the episode began: what ends it (RFC 6582)
  Plpmtud path_;
  SeqNumber timed_end_;
  Instant timed_at_{};
  Instant unacked_since_{};  ///< when the oldest octet in flight was sent, or the last progress
  SeqNumber tlp_end_;        ///< SND.NXT when the tail probe went
  std::uint32_t min_rtt_us_ = 0;  ///< the shortest round trip, rounded up; 0: none yet
  Rto rto_;
  Congestion congestion_;
  std::uint32_t undo_octets_ = 0;  ///< sent again in this episode, and not reported twice
  Rack rack_;
  std::uint64_t bytes_acked_ = 0;

  // By few.
  SeqNumber first_resent_;                 ///< of them
  SeqNumber peer_fin_;                     ///< number of the peer's FIN, once seen
  std::uint32_t challenges_since_ms_ = 0;  ///< start of the interval that challenges_ counts in
  std::uint32_t text_gap_us_ = 0;          ///< between texts, smoothed
  SeqNumber urgent_end_;                   ///< one past the peer's urgent data
  SeqNumber snd_up_;                       ///< one past ours
  SeqNumber ce_turn_;
  SackBlock duplicate_;  ///< received twice, and not told of yet (RFC 2883); empty: nothing
  SeqNumber iss_;
  SeqNumber irs_;
  std::uint32_t send_buffer_;
  std::uint32_t receive_buffer_max_ = 0;
  std::uint32_t rcv_space_ = 0;    ///< octets that the user took in the round trip before
  std::uint32_t user_timeout_ms_;  ///< 0: the stack's default; kForeverMs: never
  std::uint32_t keep_alive_ms_;    ///< 0: off
  std::uint32_t keep_alive_interval_ms_;
  std::uint32_t linger_ms_;          ///< kForeverMs: as long as TCP tries
  std::uint32_t bytes_retrans_ = 0;  ///< stays at its maximum
  std::uint32_t sum_retrans_ = 0;
  std::uint32_t timeouts_ = 0;
  std::uint32_t fast_retrans_ = 0;
  std::uint32_t dup_acks_in_ = 0;
  std::uint32_t dsacks_in_ = 0;
  std::uint32_t tail_probes_ = 0;
  std::uint32_t undone_ = 0;  ///< episodes that proved to be of no loss
  std::uint32_t zero_window_probes_ = 0;
  std::uint32_t ce_in_ = 0;
  std::uint32_t ece_in_ = 0;
  std::uint32_t sacks_out_ = 0;
  std::uint32_t dsacks_out_ = 0;
  std::uint16_t peer_mss_;
  std::uint16_t syn_room_ = 0;  ///< for text on the SYN
  std::uint16_t syn_text_ = 0;  ///< octets that went on it, not settled yet
  std::uint8_t challenges_ = 0;
  std::uint8_t persist_backoff_ = 0;
  std::uint8_t keep_alive_probes_;
  std::optional<Error> error_;
  std::optional<Error> soft_error_;
  std::optional<Error> unreachable_;  ///< what ICMP said since anything was acknowledged
};

}  // namespace smol::tcp
