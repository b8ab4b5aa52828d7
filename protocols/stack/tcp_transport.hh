#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <utility>

#include "protocols/base/index_table.hh"
#include "protocols/base/result.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/timer_wheel.hh"
#include "protocols/base/token_bucket.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/inbound.hh"
#include "protocols/stack/index_fifo.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/network.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/tcp/connection.hh"
#include "protocols/tcp/fast_open.hh"
#include "protocols/tcp/half_open.hh"
#include "protocols/tcp/time_wait.hh"

namespace smol {

/// A TCP connection with its packets: the machine, the send and receive queues, and its places in
/// the lists of the transport.
template <PacketBuffer P>
struct TcpSocket {
  using Node = typename P::Node;

  TcpSocket(const tcp::Context& context, Instant now, const tcp::Connection::Setup& setup,
            const tcp::FlowKey& its_flow) noexcept
      : flow{its_flow}, connection{context, now, setup} {}

  /// Octets from the begin that bulk data reaches as it arrives: up to the machine's scoreboard.
  static constexpr std::size_t kTouchedByText = 384;

  // What a segment that arrives touches, and then the machine's own first lines.
  tcp::FlowKey flow;
  PacketQueue<P> receive;  ///< payload that is next in line
  std::uint32_t next_event = IndexFifo::kOutside;
  std::uint32_t next_ready = IndexFifo::kOutside;
  TimerNode timer;
  std::uint16_t events = 0;  ///< SocketEvents bits not told yet
  std::uint8_t received_dscp = 0;
  bool owned : 1 = false;  ///< a user holds its id
  bool in_table : 1 = false;
  bool early : 1 = false;  ///< was accepted, or waits to be, before its handshake is complete
  bool wants_writable : 1 = false;      ///< a write took less than all
  bool counted : 1 = false;             ///< in tcp_curr_estab
  bool reading_shut : 1 = false;        ///< what comes is thrown away
  bool lingering : 1 = false;           ///< its user waits to hear that all is acknowledged
  bool gone : 1 = false;                ///< free as soon as no list holds it
  std::uint32_t receive_low_water = 1;  ///< as of tcp::SocketOptions
  tcp::Connection connection;

  // And what is sent.
  PacketQueue<P> send;  ///< payload from snd_una on; a sent packet may have its headers in front
  Node* send_cursor = nullptr;    ///< packet that holds snd_nxt; null: nothing unsent is queued
  Node* resend_cursor = nullptr;  ///< packet behind the last one sent again
  Path path;
  std::uint32_t send_packets = 0;
  std::uint32_t send_low_water = 0;  ///< as of tcp::SocketOptions, and so the next
  std::uint32_t unsent_low_water = 0;
  std::uint32_t next_waiting = IndexFifo::kOutside;  ///< to be accepted; for packets, once it is
  std::uint64_t user_data = 0;
  Handle listener;  ///< whose SYN or accept queue it is in
  std::uint16_t owner = 0;
};

/// A listening socket: who is half open (SYN queue, counted) and who waits to be accepted.
struct TcpListener {
  TcpListenOptions options;
  IndexFifo accept_queue;
  tcp::FastOpenPending fast_open;
  std::uint32_t half_open = 0;
  Instant cookies_until = Instant::min();  ///< till then an ACK may bring a SYN cookie back
  std::uint32_t next_event = IndexFifo::kOutside;
  bool gone = false;
};

/// TCP of a stack: demultiplexing, the queues of packets around the machine, TIME-WAIT, listeners,
/// the list of connections with something to send.
template <PacketBuffer P>
class TcpTransport {
 public:
  TcpTransport(Network<P>& net, std::pmr::memory_resource& memory);
  ~TcpTransport();

  void set_segment_observer(SegmentObserver<P>* observer) noexcept { observer_ = observer; }

  // --- input, tcp_input.hh
  // ---------------------------------------------------------------------------

  /// First pass over a burst: reads the header and starts the look-up. A reason to drop, or none.
  /// `before`: the packet before it in the burst, if there is one.
  std::optional<Drop> prepare(Inbound<P>& in, const Inbound<P>* before) noexcept;
  /// Second pass: brings the connection into the cache.
  void prefetch(const Inbound<P>& in) const noexcept;
  /// Third pass: runs the machine. Takes the packet.
  void receive(Inbound<P>& in) noexcept;
  /// An ICMP error, or a neighbour that failed, concerns a segment of ours. False: no such
  /// connection.
  bool icmp_error(const tcp::FlowKey& flow, SeqNumber quoted, Error error, bool hard) noexcept;

  /// A router sent back a segment of ours, `quoted_len` octets long with its IP header, that does
  /// not fit `claimed` octets (0: it does not say). A reason to drop the message, or none.
  std::optional<Drop> packet_too_big(const tcp::FlowKey& flow, SeqNumber quoted,
                                     std::uint32_t quoted_len, std::uint32_t claimed) noexcept;

  // --- output, tcp_output.hh
  // -------------------------------------------------------------------------

  /// Sends for the connections on the ready list, in turn, each a share of `max_segments`.
  void transmit(std::size_t max_segments) noexcept;
  bool has_work() const noexcept { return !ready_.empty(); }
  /// When to look whether there are packets again for those who went short of them; kNever: nobody
  /// did.
  Instant relief() const noexcept;
  bool has_events() const noexcept { return !events_.empty() || !listener_events_.empty(); }

  void on_connection_timer(TimerNode& node) noexcept;
  void on_time_wait_timer() noexcept;
  void on_half_open_timer() noexcept;
  /// Once a turn: how short of packets are we, and who went short of them?
  void look_at_memory() noexcept {
    const bool was_short = std::exchange(context_.short_of_memory, net_.short_of_memory());
    const bool was_out =
        std::exchange(context_.out_of_memory, context_.short_of_memory && net_.out_of_memory());
    if (context_.short_of_memory) [[unlikely]] {
      net_.counters().packets_short.add(was_short ? 0 : 1);
      net_.counters().packets_out.add(context_.out_of_memory && !was_out ? 1 : 0);
    }
    if (const std::uint32_t refused = sent_.take_refused(); refused > 0) [[unlikely]] {
      net_.counters().tcp_sent_runs_full.add(refused);
    }
    context_.receive_share = net_.receive_share();
    if (!starved_.empty()) [[unlikely]]
      relieve();
  }

  // --- the socket calls, tcp_open.hh and tcp_sockets.hh; semantics as in Sockets
  // -------------------------------------------

  Result<SocketId, Error> listen(const TcpListenOptions& options) noexcept;
  Result<SocketId, Error> accept(Handle listener) noexcept;
  Result<SocketId, Error> connect(const TcpConnectOptions& options) noexcept;
  Bytes readable(Handle socket) noexcept;
  void consume(Handle socket, std::size_t n) noexcept;
  std::size_t readable_pieces(Handle socket, std::span<Bytes> out) noexcept;
  std::size_t peek(Handle socket, std::size_t offset, MutBytes out) noexcept;
  bool at_end(Handle socket) const noexcept;
  std::size_t unread(Handle socket) const noexcept;
  Result<std::size_t, Error> write(Handle socket, Bytes data) noexcept;
  Result<std::size_t, Error> write_urgent(Handle socket, Bytes data) noexcept;
  tcp::Urgent urgent(Handle socket) const noexcept;
  Result<std::size_t, Error> write_pieces(Handle socket, std::span<const Bytes> pieces) noexcept;
  Result<void, Error> write_packet(Handle socket, P& packet) noexcept;
  std::size_t writable(Handle socket) const noexcept;
  MutBytes reserve(Handle socket, std::size_t want) noexcept;
  void commit(Handle socket, std::size_t n) noexcept;
  Result<void, Error> shutdown_read(Handle socket) noexcept;
  Result<void, Error> shutdown_write(Handle socket) noexcept;
  void close(Handle socket) noexcept;
  Result<void, Error> linger(Handle socket) noexcept;
  void abort(Handle socket) noexcept;
  void close_listener(Handle listener) noexcept;
  Result<void, Error> set_options(Handle socket, const tcp::SocketOptions& options) noexcept;
  Result<tcp::Info, Error> info(Handle socket) const noexcept;
  void set_user_data(SocketId socket, std::uint64_t user_data) noexcept;
  void set_deadline(Handle socket, Instant when) noexcept;
  std::optional<Error> error(Handle socket) const noexcept;
  std::optional<Error> soft_error(Handle socket) noexcept;
  Result<IpEndpoint, Error> local(SocketId socket) const noexcept;
  Result<IpEndpoint, Error> remote(Handle socket) const noexcept;

  /// Move up to `out.size()` events out, of connections and of listeners; return how many.
  std::size_t take_events(std::span<SocketEvent> out) noexcept;
  std::size_t take_listener_events(std::span<SocketEvent> out) noexcept;

  // --- for a control plane, tcp_listing.hh; semantics as in Stack
  // ----------------------------------------------------------------------

  Slice listeners_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  Slice connections_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  Slice half_open_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  Slice time_wait_from(Cursor from, std::span<SocketInfo> out) const noexcept;
  /// Precondition: the id is of a connection, half open or not, or a listener.
  Result<SocketInfo, Error> describe(SocketId id) const noexcept;
  Result<tcp::Info, Error> connection_info(SocketId id) const noexcept;
  Result<void, Error> destroy(SocketId id) noexcept;

  // --- for tests; O(sockets)
  // ----------------------------------------------------------------------

  std::uint32_t connections() const noexcept { return sockets_.size(); }
  const Slab<tcp::HalfOpen>& half_open() const noexcept { return half_open_.slab(); }
  template <class Visit>
  void for_each_connection(Visit&& visit) const {
    for (std::uint32_t i = 0; i < sockets_.touched(); ++i) {
      if (sockets_.live(i) && !sockets_.at(i).gone) visit(sockets_.at(i));
    }
  }
  const tcp::TimeWaitRing& time_wait() const noexcept { return time_wait_; }
  static constexpr std::size_t octets_a_connection() noexcept {
    return Slab<TcpSocket<P>>::octets_each();
  }

 private:
  using Socket = TcpSocket<P>;
  using Node = typename P::Node;

  /// What a segment's IP header says beyond addresses.
  struct Marks {
    std::uint8_t hop_limit = 64;
    std::uint8_t dscp = 0;
    std::uint32_t ts_offset = 0;  ///< of the flow: what its flow label is made from
  };
  static Marks marks_of(const tcp::Connection& connection) noexcept {
    return {connection.hop_limit(), connection.dscp(), connection.ts_offset()};
  }

  /// A table entry with this bit is a slot of the TIME-WAIT ring.
  static constexpr std::uint32_t kTimeWaitBit = 0x8000'0000;
  /// One with this bit, and not the other, is a half-open connection.
  static constexpr std::uint32_t kHalfOpenBit = 0x4000'0000;
  static constexpr std::size_t kSegmentsATurn =
      64;  ///< of one connection, before others have theirs
  /// Octets from which on text is looked at where it lies; less is copied.
  static constexpr std::size_t kWorthAView = 256;

  std::uint64_t hash(const tcp::FlowKey& flow) const noexcept;
  std::uint64_t hash(const IpAddress& local, std::uint16_t port) const noexcept;
  std::uint32_t find(std::uint64_t hash, const tcp::FlowKey& flow) const noexcept;
  Handle find_listener(const IpAddress& local, std::uint16_t port) const noexcept;
  Socket* get(Handle handle) noexcept;
  const Socket* get(Handle handle) const noexcept {
    return const_cast<TcpTransport*>(this)->get(handle);
  }
  auto ready_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return sockets_.at(i).next_ready; };
  }
  auto event_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return sockets_.at(i).next_event; };
  }
  auto waiting_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return sockets_.at(i).next_waiting; };
  }
  auto listener_link() noexcept {
    return [this](std::uint32_t i) -> std::uint32_t& { return listeners_.at(i).next_event; };
  }

  // listing
  tcp::Info info_of(const Socket& socket) const noexcept {
    tcp::Info out = socket.connection.info();
    out.at = net_.now();
    out.rcv_dscp = socket.received_dscp;
    return out;
  }
  void describe(std::uint32_t index, const TcpListener& listener, SocketInfo& info) const noexcept;
  void describe(std::uint32_t index, const Socket& socket, SocketInfo& info) const noexcept;
  void describe(std::uint32_t index, const tcp::HalfOpen& record, SocketInfo& info) const noexcept;
  static void describe(const tcp::FlowKey& flow, SocketInfo& info) noexcept;

  // input
  bool checksum_ok(const Inbound<P>& in) const noexcept;
  void receive_for_nobody(Inbound<P>& in) noexcept;
  void receive_for_stranger(Inbound<P>& in) noexcept;
  void receive_for_time_wait(Inbound<P>& in, std::uint32_t slot) noexcept;
  void receive_for_connection(Inbound<P>& in, std::uint32_t index) noexcept;
  bool store_text(Socket& socket, Inbound<P>& in, const tcp::Actions& actions) noexcept;
  bool store_out_of_order(Socket& socket, Inbound<P>& in) noexcept;
  static bool is_small(const P& packet) noexcept { return packet.size() < packet.true_size() / 4; }
  static void append_text(PacketQueue<P>& queue, P packet) noexcept;
  static void prepend_text(PacketQueue<P>& queue, P packet) noexcept;
  void perform(std::uint32_t index, const tcp::Actions& actions) noexcept;
  std::uint16_t perform_rare(std::uint32_t index, const tcp::Actions& actions) noexcept;
  void count(const tcp::Actions& actions) noexcept;
  void path_mtu_learned(Socket& socket) noexcept;
  void established(std::uint32_t index) noexcept;
  void enter_time_wait(std::uint32_t index) noexcept;
  void restart_time_wait(std::uint64_t at, std::uint32_t slot) noexcept;
  void forget_time_wait(std::uint64_t at, std::uint32_t slot) noexcept;
  void recycle_time_wait() noexcept;
  /// On the timestamp clock: when a record that begins now ends.
  std::uint32_t time_wait_end() const noexcept {
    return tcp::Connection::timestamp_clock(net_.now() + context_.config.time_wait);
  }
  void connection_over(std::uint32_t index) noexcept;
  void forget_flow(Socket& socket, std::uint32_t index) noexcept;
  void release_if_done(std::uint32_t index) noexcept;
  void free_if_unlinked(std::uint32_t index) noexcept;
  void tell(std::uint32_t index, std::uint16_t events) noexcept;
  void tell_listener(Handle listener) noexcept;
  void make_ready(std::uint32_t index) noexcept { ready_.push_back(index, ready_link()); }
  void arm_time_wait_timer() noexcept;
  /// When the timestamp clock, in milliseconds, will have reached `ms`: at the earliest the next
  /// millisecond, also for what is past.
  Instant at_timestamp(std::uint32_t ms) const noexcept {
    const std::uint32_t left = ms - tcp::Connection::timestamp_clock(net_.now());
    return net_.now() + milliseconds((left < 0x8000'0000 ? left : 0) + 1);
  }

  // listeners
  std::optional<Drop> refusal(const TcpListener& listener) const noexcept;
  std::optional<Drop> refusal_of_ack(const TcpListener& listener) noexcept;
  void receive_for_listener(Inbound<P>& in, Handle listener,
                            std::optional<SeqNumber> iss_after) noexcept;
  void open_half(Inbound<P>& in, Handle listener, SeqNumber iss) noexcept;
  std::uint32_t half_open_due(const tcp::HalfOpen& record, std::uint8_t retries) const noexcept;
  tcp::Connection resumed(const tcp::HalfOpen& record, const TcpListener& listener) const noexcept;
  void say_syn_ack(const tcp::HalfOpen& record, const TcpListener& listener,
                   const tcp::SegmentIn* choices = nullptr) noexcept;
  void forget_half_open(std::uint32_t index) noexcept;
  void reset_half_open(const tcp::HalfOpen& record) noexcept;
  void leave_half_open(Handle listener) noexcept;
  void receive_for_half_open(Inbound<P>& in, std::uint32_t index) noexcept;
  void answer_half_open(tcp::HalfOpen& record, tcp::Connection& connection) noexcept;
  void complete_handshake(Inbound<P>& in, std::uint32_t index,
                          const TcpListener& listener) noexcept;
  void promote(Inbound<P>& in, const tcp::HalfOpen& record, const TcpListener& listener) noexcept;
  bool may_complete(Inbound<P>& in, Socket& socket, std::uint32_t index) noexcept;
  void arm_half_open_timer() noexcept;
  bool takes_fast_open(const Inbound<P>& in, TcpListener& listener) noexcept;
  bool serves_fast_open(const TcpListener& listener) const noexcept;
  void open_fast(Inbound<P>& in, Handle listener, SeqNumber iss) noexcept;
  void leave_early(Socket& socket, bool by_reset) noexcept;
  void give_cookie(const tcp::HalfOpen& record, const TcpListener& listener,
                   tcp::SegmentOut& out) noexcept;
  void offer_fast_open(Socket& socket) noexcept;
  void put_fast_open(const Socket& socket, tcp::SegmentOut& out) noexcept;
  void learn_fast_open(const Socket& socket, const tcp::SegmentIn& syn_ack) noexcept;
  void pause_fast_open(const Socket& socket) noexcept;
  bool answers_by_cookie(std::optional<Drop> refused) const noexcept;
  void send_cookie(Inbound<P>& in, TcpListener& listener) noexcept;
  std::optional<std::uint16_t> cookie_in(const Inbound<P>& in) const noexcept;
  void receive_cookie(Inbound<P>& in, Handle listener) noexcept;

  // output
  std::size_t send_share(Socket& socket, std::size_t most) noexcept;
  std::uint32_t longest_super(const Path& path) const noexcept;
  std::size_t send_some(Socket& socket, std::size_t most) noexcept;
  std::size_t send_supers(Socket& socket, std::size_t most) noexcept;
  void send_segment(Socket& socket, tcp::SegmentOut& out) noexcept;
  void count_duplicate(const TcpRepr& header) noexcept;
  void moved(Socket& socket) noexcept;
  void look_at_path(Socket& socket) noexcept;
  P payload_packet(Socket& socket, const tcp::SegmentOut& out, InternetSum& sum) noexcept;
  static InternetSum sum_of_text(const P& kept, PacketMeta& meta) noexcept;
  bool attach(P& packet, P& kept, std::size_t offset, std::size_t take, InternetSum* sum) noexcept;
  P gather(const Socket& socket, Node* node, const tcp::SegmentOut& out, InternetSum* sum) noexcept;
  Node* locate(Socket& socket, SeqNumber seq) const noexcept;
  void send_alone(const tcp::FlowKey& flow, tcp::SegmentOut& out, const Marks& marks) noexcept;
  void finish(P packet, const tcp::FlowKey& flow, tcp::SegmentOut& out, InternetSum payload_sum,
              std::size_t payload_len, const Marks& marks, Path& path) noexcept;
  void reply_reset(const Inbound<P>& in) noexcept;
  void free_acked(Socket& socket) noexcept;

  // calls
  /// Payload and TCP options that fit a packet of `mtu` octets.
  static std::uint16_t mss_of(std::uint16_t mtu, bool v4) noexcept;
  static std::uint16_t mtu_of(std::uint16_t mss, bool v4) noexcept;
  Result<tcp::FlowKey, Error> choose_flow(const TcpConnectOptions& options,
                                          const typename Network<P>::Egress& egress) noexcept;
  tcp::Connection::Setup setup_for(const tcp::FlowKey& flow, SeqNumber iss,
                                   const tcp::SocketOptions& options,
                                   InterfaceId interface) const noexcept;
  std::uint32_t create(const tcp::FlowKey& flow, SeqNumber iss, const tcp::SocketOptions& options,
                       InterfaceId interface) noexcept;
  MutBytes grow_tail(Socket& socket, std::size_t want) noexcept;
  MutBytes tail_room(Socket& socket, std::size_t want) noexcept;
  void queue_grown(Socket& socket, std::uint32_t index, std::size_t n, InternetSum sum) noexcept;
  std::size_t send_room(const Socket& socket) const noexcept;
  bool worth_writing(const Socket& socket) const noexcept;
  bool worth_reading(const Socket& socket) const noexcept;
  void throw_away_unread(std::uint32_t index) noexcept;
  static void set_low_water(Socket& socket, const tcp::SocketOptions& options) noexcept;
  void tell_of_sent(Socket& socket, std::uint32_t index) noexcept;
  void wait_for_room(Socket& socket, std::uint32_t index) noexcept;
  void starve(std::uint32_t index) noexcept;
  void relieve() noexcept;
  bool must_reset(const Socket& socket) noexcept;
  void kill(std::uint32_t index, Error error, bool send_reset) noexcept;
  static bool valid(const tcp::SocketOptions& options) noexcept;

  /// Rarely, and so apart from the way of every segment.
  [[gnu::noinline, gnu::cold]] void observe(Direction direction, const Socket& socket, P& packet,
                                            const tcp::SegmentOut* out) noexcept;

  Network<P>& net_;
  SegmentObserver<P>* observer_ = nullptr;
  Slab<Socket> sockets_;
  Slab<TcpListener> listeners_;
  tcp::HalfOpenTable half_open_;
  tcp::FastOpenCache fast_open_;
  IndexTable flows_;
  IndexTable listening_;
  tcp::TimeWaitRing time_wait_;
  TimerNode time_wait_timer_{static_cast<std::uint8_t>(TimerKind::kTimeWait), 0};
  TimerNode half_open_timer_{static_cast<std::uint8_t>(TimerKind::kHalfOpen), 0};
  tcp::RangePool ranges_;
  tcp::SentPool sent_;
  std::pmr::memory_resource& memory_;
  PacketQueue<P>* out_of_order_;  ///< by range
  tcp::Context context_;
  tcp::ReassemblySteps steps_;
  IndexFifo ready_;
  IndexFifo events_;
  IndexFifo listener_events_;
  IndexFifo starved_;  ///< who went short of packets, and would have no event to tell that there
                       ///< are some again
  TokenBucket resets_;
  std::uint32_t next_port_ = 0;
};

}  // namespace smol
