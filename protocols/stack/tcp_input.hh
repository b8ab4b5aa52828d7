// TcpTransport<P>, the way in. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "protocols/stack/tcp_transport.hh"
#include "protocols/wire/tcp.hh"
#include "protocols/wire/tcp_repr.hh"

namespace smol {

template <PacketBuffer P>
TcpTransport<P>::TcpTransport(Network<P>& net, std::pmr::memory_resource& memory)
    : net_{net},
      sockets_{net.config().limits.connections, memory},
      listeners_{net.config().limits.listeners, memory},
      half_open_{net.config().limits.half_open, memory},
      fast_open_{net.config().limits.fast_open_servers, net.secrets().hash, memory},
      flows_{net.config().limits.connections + net.config().limits.time_wait +
                 net.config().limits.half_open,
             memory},
      listening_{net.config().limits.listeners, memory},
      time_wait_{net.config().limits.time_wait, memory},
      ranges_{net.config().limits.reassembly_ranges, memory},
      sent_{net.config().limits.connections, net.config().limits.sent_runs, memory},
      memory_{memory},
      out_of_order_{static_cast<PacketQueue<P>*>(
          memory.allocate(sizeof(PacketQueue<P>) * net.config().limits.reassembly_ranges,
                          alignof(PacketQueue<P>)))},
      context_{net.config().tcp, ranges_, sent_},
      resets_{net.config().icmp.reset_interval, net.config().icmp.reset_burst} {
  std::uninitialized_default_construct_n(out_of_order_, net.config().limits.reassembly_ranges);
}

template <PacketBuffer P>
TcpTransport<P>::~TcpTransport() {
  net_.wheel().disarm(time_wait_timer_);
  net_.wheel().disarm(half_open_timer_);
  for (std::uint32_t i = 0; i < sockets_.touched(); ++i) {
    if (sockets_.live(i)) net_.wheel().disarm(sockets_.at(i).timer);
  }
  std::destroy_n(out_of_order_, net_.config().limits.reassembly_ranges);
  memory_.deallocate(out_of_order_, sizeof(PacketQueue<P>) * net_.config().limits.reassembly_ranges,
                     alignof(PacketQueue<P>));
}

// --- demultiplexing
// ----------------------------------------------------------------------------------

template <PacketBuffer P>
std::uint64_t TcpTransport<P>::hash(const tcp::FlowKey& flow) const noexcept {
  const Secret& key = net_.secrets().hash;
  const std::uint64_t ports = static_cast<std::uint64_t>(flow.local_port) << 32 |
                              static_cast<std::uint64_t>(flow.remote_port) << 16 | flow.interface;
  const std::uint64_t low = mix(flow.local.low() ^ key.k0, flow.remote.low() ^ key.k1);
  const std::uint64_t high = mix(flow.local.high() ^ key.k1, flow.remote.high() ^ key.k0);
  return mix(low ^ ports, high ^ key.k0);
}

template <PacketBuffer P>
std::uint64_t TcpTransport<P>::hash(const IpAddress& local, std::uint16_t port) const noexcept {
  const Secret& key = net_.secrets().hash;
  return mix(local.low() ^ key.k0 ^ local.high(), key.k1 ^ port);
}

template <PacketBuffer P>
std::uint32_t TcpTransport<P>::find(std::uint64_t hash, const tcp::FlowKey& flow) const noexcept {
  return flows_.find(hash, [&](std::uint32_t entry) {
    if ((entry & kTimeWaitBit) != 0) return time_wait_.at(entry & ~kTimeWaitBit).flow == flow;
    if ((entry & kHalfOpenBit) != 0) return half_open_.at(entry & ~kHalfOpenBit).flow == flow;
    return sockets_.at(entry).flow == flow;
  });
}

/// An exact address beats the wildcard.
template <PacketBuffer P>
Handle TcpTransport<P>::find_listener(const IpAddress& local, std::uint16_t port) const noexcept {
  for (const IpAddress& address : {local, IpAddress::any(local.family())}) {
    const std::uint32_t index = listening_.find(hash(address, port), [&](std::uint32_t i) {
      const IpEndpoint& at = listeners_.at(i).options.local;
      return at.port == port && at.address == address;
    });
    if (index != IndexTable::kNone) return listeners_.handle_of(index);
  }
  return {};
}

template <PacketBuffer P>
TcpSocket<P>* TcpTransport<P>::get(Handle handle) noexcept {
  Socket* socket = sockets_.get(handle);
  return socket != nullptr && socket->owned ? socket : nullptr;
}

// --- the three passes
// --------------------------------------------------------------------------------

template <PacketBuffer P>
std::optional<Drop> TcpTransport<P>::prepare(Inbound<P>& in, const Inbound<P>* before) noexcept {
  net_.counters().tcp_in_segs.add();
  // RFC 9293 MUST-57, MUST-63: TCP speaks to one host at a time.
  if (in.to_group() || in.packet.meta().link_cast != LinkCast::kUnicast ||
      in.source.is_unspecified()) {
    return Drop::kIpForbiddenSource;
  }
  const std::size_t head = std::min<std::size_t>(in.l4_len, TcpView::kMaxHeader);
  const MutBytes front = in.packet.pull(in.l4 + head);
  if (front.empty()) return Drop::kTcpTruncated;
  const Result<TcpView> view = TcpView::parse(front.subspan(in.l4));
  if (!view) return view.error();
  TcpOptions& options = in.segment.options;
  options = TcpOptions{};
  if (const std::optional<Drop> refused = TcpRepr::read_options(*view, options)) [[unlikely]]
    return refused;
  // No socket has a key, so no signature is one that was agreed on (RFC 5925 section 7.5).
  if (options.md5) [[unlikely]]
    return Drop::kTcpUnexpectedMd5;
  if (options.authentication) [[unlikely]]
    return Drop::kTcpUnexpectedAo;

  const bool scoped = in.destination.is_link_local() || in.source.is_link_local();
  in.flow = {in.destination, in.source, view->dst_port(), view->src_port(),
             scoped ? in.interface : InterfaceId{0}};
  in.same_flow = in.same_path && before->protocol == IpProtocol::kTcp && before->flow == in.flow;
  if (in.same_flow) {
    in.hash = before->hash;
  } else {
    in.hash = hash(in.flow);
    flows_.prefetch(in.hash);
  }
  in.text = in.l4 + static_cast<std::uint32_t>(view->header_len());
  in.segment.seq = view->seq();
  in.segment.ack = view->ack();
  in.segment.len = in.l4_len - static_cast<std::uint32_t>(view->header_len());
  in.segment.window = view->window();
  in.segment.urgent = view->urgent_pointer();
  in.segment.flags = view->flags();
  return std::nullopt;
}

template <PacketBuffer P>
void TcpTransport<P>::prefetch(const Inbound<P>& in) const noexcept {
  if (in.same_flow) return;  // the one before it did
  const std::uint32_t found = flows_.likely(in.hash);
  if (found == IndexTable::kNone || (found & (kTimeWaitBit | kHalfOpenBit)) != 0) return;
  const auto* block = static_cast<const std::uint8_t*>(sockets_.address_of(found));
  const std::size_t touched = in.segment.len > 0 ? Socket::kTouchedByText : sizeof(Socket);
  for (std::size_t line = 0; line < touched; line += 64) __builtin_prefetch(block + line);
}

template <PacketBuffer P>
bool TcpTransport<P>::checksum_ok(const Inbound<P>& in) const noexcept {
  return pseudo_header_sum(in.source, in.destination, static_cast<std::uint8_t>(IpProtocol::kTcp),
                           in.l4_len)
      .add(packet_sum(in.packet, in.l4, in.l4_len))
      .verifies();
}

template <PacketBuffer P>
void TcpTransport<P>::receive(Inbound<P>& in) noexcept {
  const ChecksumState state = in.l4_checksum;
  if (state == ChecksumState::kBad || (state == ChecksumState::kUnknown && !checksum_ok(in))) {
    net_.drop(in.interface, std::move(in.packet), Drop::kTcpBadChecksum);
    return;
  }
  const std::uint32_t entry = find(in.hash, in.flow);
  if (entry == IndexTable::kNone) {
    receive_for_stranger(in);
  } else if ((entry & kTimeWaitBit) != 0) {
    receive_for_time_wait(in, entry & ~kTimeWaitBit);
  } else if ((entry & kHalfOpenBit) != 0) {
    receive_for_half_open(in, entry & ~kHalfOpenBit);
  } else {
    receive_for_connection(in, entry);
  }
}

/// A segment of no connection.
template <PacketBuffer P>
void TcpTransport<P>::receive_for_stranger(Inbound<P>& in) noexcept {
  if (const Handle listener = find_listener(in.flow.local, in.flow.local_port)) {
    receive_for_listener(in, listener, std::nullopt);
  } else {
    receive_for_nobody(in);
  }
}

/// RFC 9293 section 3.10.7.1.
template <PacketBuffer P>
void TcpTransport<P>::receive_for_nobody(Inbound<P>& in) noexcept {
  if (in.segment.flags.rst()) {
    net_.drop(in.interface, std::move(in.packet), Drop::kTcpStrayReset);
    return;
  }
  reply_reset(in);
  net_.drop(in.interface, std::move(in.packet), Drop::kTcpPortClosed);
}

// --- a connection's segment
// --------------------------------------------------------------------------

template <PacketBuffer P>
void TcpTransport<P>::receive_for_connection(Inbound<P>& in, std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  if (socket.connection.state() == tcp::State::kSynReceived && !may_complete(in, socket, index)) {
    return;
  }
  const tcp::Actions actions =
      socket.connection.segment_arrives(context_, net_.now(), in.segment, steps_);
  if ((actions.notes & tcp::Note::kConnected) != 0 && socket.connection.fast_open() &&
      !socket.connection.passive()) [[unlikely]] {
    learn_fast_open(socket, in.segment);
  }
  if (observer_ != nullptr) [[unlikely]]
    observe(Direction::kRx, socket, in.packet, nullptr);
  if (!actions.dropped) socket.received_dscp = in.dscp;
  if (actions.reset) reply_reset(in);
  // Acknowledged packets are free before new ones are kept.
  if (actions.acked > 0) free_acked(socket);
  const InterfaceId interface = in.interface;
  if (store_text(socket, in, actions)) {
    net_.counters().consumed.add();
  } else if (actions.dropped) {
    net_.drop(interface, std::move(in.packet), actions.drop);
  } else {
    net_.consume(std::move(in.packet));
  }
  if (socket.reading_shut) [[unlikely]]
    throw_away_unread(index);
  perform(index, actions);
}

/// Puts the text where the machine said. False: nothing was kept, and the packet is still in `in`.
template <PacketBuffer P>
bool TcpTransport<P>::store_text(Socket& socket, Inbound<P>& in,
                                 const tcp::Actions& actions) noexcept {
  if (actions.text_len == 0) return !steps_.empty() && store_out_of_order(socket, in);
  P packet = std::move(in.packet);
  packet.trim_front(in.text + actions.text_offset);
  if (packet.size() > actions.text_len) packet.trim_back(packet.size() - actions.text_len);
  append_text(socket.receive, std::move(packet));
  return true;
}

template <PacketBuffer P>
bool TcpTransport<P>::store_out_of_order(Socket& socket, Inbound<P>& in) noexcept {
  using Kind = tcp::ReassemblyStep::Kind;
  bool kept = false;
  for (const tcp::ReassemblyStep& step : steps_) {
    PacketQueue<P>& range = out_of_order_[step.range];
    switch (step.kind) {
      case Kind::kAppend: {
        // Within each range small segments are together already; where the two meet they are not.
        PacketQueue<P>& other = out_of_order_[step.other];
        append_text(range, other.pop_front());
        range.splice_back(std::move(other));
        break;
      }
      case Kind::kDeliver:
        append_text(socket.receive, range.pop_front());
        socket.receive.splice_back(std::move(range));
        break;
      case Kind::kStoreBack:
      case Kind::kStoreFront: {
        P packet = std::move(in.packet);
        packet.trim_front(in.text + step.offset);
        packet.trim_back(packet.size() - step.len);
        step.kind == Kind::kStoreBack ? append_text(range, std::move(packet))
                                      : prepend_text(range, std::move(packet));
        kept = true;
        break;
      }
    }
  }
  return kept;
}

/// Behind what a queue holds. A segment that fills less than a quarter of a buffer is copied into
/// the room its predecessor has left, so that a peer who sends single octets cannot pin a packet
/// with each.
template <PacketBuffer P>
void TcpTransport<P>::append_text(PacketQueue<P>& queue, P packet) noexcept {
  if (!queue.empty() && is_small(packet)) {
    Borrowed<P> last{queue.tail()};
    if (last->unique()) {
      if (const MutBytes room = last->append(packet.size()); !room.empty()) {
        packet_copy(packet, 0, room);
        return;
      }
    }
  }
  queue.push_back(std::move(packet));
}

/// In front of what a queue holds, whose first packet is copied behind the new one if it is small.
template <PacketBuffer P>
void TcpTransport<P>::prepend_text(PacketQueue<P>& queue, P packet) noexcept {
  bool copied = false;
  if (!queue.empty() && packet.unique()) {
    Borrowed<P> first{queue.head()};
    if (is_small(*first)) {
      const MutBytes room = packet.append(first->size());
      copied = !room.empty();
      if (copied) packet_copy(*first, 0, room);
    }
  }
  if (copied) queue.pop_front();
  queue.push_front(std::move(packet));
}

// --- effects
// -----------------------------------------------------------------------------------------

template <PacketBuffer P>
void TcpTransport<P>::perform(std::uint32_t index, const tcp::Actions& actions) noexcept {
  using tcp::Note;
  Socket& socket = sockets_.at(index);
  std::uint16_t events = 0;
  if ((actions.notes & Note::kReadable) != 0 && worth_reading(socket)) {
    events |= SocketEvents::kReadable;
  }
  if ((actions.notes & Note::kWritable) != 0 && socket.wants_writable) {
    if (worth_writing(socket)) {
      socket.wants_writable = false;
      events |= SocketEvents::kWritable;
    } else if (net_.short_of_memory()) {
      starve(index);
    }
  }
  if ((actions.notes & Note::kForwardProgress) != 0) net_.confirm(socket.path);
  constexpr std::uint32_t kOften = Note::kReadable | Note::kWritable | Note::kForwardProgress;
  if ((actions.notes & ~kOften) != 0) [[unlikely]]
    events |= perform_rare(index, actions);
  if (events != 0) tell(index, events);
  if (actions.send) make_ready(index);
  if (actions.time_wait) {
    enter_time_wait(index);
  } else if (actions.closed) {
    connection_over(index);
  } else {
    net_.wheel().arm_by(socket.timer, socket.connection.deadline());
  }
}

/// What few events bring with them; what to tell the user of it.
template <PacketBuffer P>
std::uint16_t TcpTransport<P>::perform_rare(std::uint32_t index,
                                            const tcp::Actions& actions) noexcept {
  using tcp::Note;
  Socket& socket = sockets_.at(index);
  std::uint16_t events = 0;
  count(actions);
  if ((actions.notes & Note::kPeerClosed) != 0) events |= SocketEvents::kPeerClosed;
  if ((actions.notes & Note::kDeadline) != 0) events |= SocketEvents::kDeadline;
  if ((actions.notes & Note::kSoftError) != 0) events |= SocketEvents::kSoftError;
  if ((actions.notes & Note::kSent) != 0 && socket.lingering) events |= SocketEvents::kClosed;
  if ((actions.notes & Note::kUrgent) != 0) events |= SocketEvents::kUrgent;
  if ((actions.notes & Note::kFastOpenLost) != 0) pause_fast_open(socket);
  if ((actions.notes & Note::kReachedR1) != 0) {
    net_.doubt(socket.path);
    if (socket.owned && socket.connection.trouble_is_news()) events |= SocketEvents::kSoftError;
  }
  if ((actions.notes & Note::kPathMtu) != 0) path_mtu_learned(socket);
  if ((actions.notes & Note::kConnected) != 0) {
    established(index);
    if (!socket.connection.passive()) events |= SocketEvents::kConnected | SocketEvents::kWritable;
  }
  return events;
}

template <PacketBuffer P>
void TcpTransport<P>::count(const tcp::Actions& actions) noexcept {
  using tcp::Note;
  StackCounters& counters = net_.counters();
  const auto on = [&](std::uint32_t note, Counter& counter) {
    if ((actions.notes & note) != 0) counter.add();
  };
  constexpr std::uint32_t kRare =
      Note::kTimeout | Note::kFastRetransmit | Note::kChallengeAck | Note::kOutOfOrder |
      Note::kKeepAlive | Note::kZeroWindowProbe | Note::kTextAfterClose | Note::kTailProbe |
      Note::kUndone | Note::kPathMtuDoubted | Note::kBlackHole | Note::kProbeArrived |
      Note::kUrgent | Note::kCongestionExperienced | Note::kGaveUp | Note::kChallengeWithheld;
  if ((actions.notes & kRare) == 0) return;
  on(Note::kTimeout, counters.tcp_timeouts);
  on(Note::kGaveUp, counters.tcp_abort_on_timeout);
  on(Note::kFastRetransmit, counters.tcp_fast_retrans);
  on(Note::kChallengeAck, counters.tcp_challenge_acks);
  on(Note::kChallengeWithheld, counters.tcp_challenges_withheld);
  on(Note::kOutOfOrder, counters.tcp_ofo_queue);
  on(Note::kKeepAlive, counters.tcp_keepalive_sent);
  on(Note::kZeroWindowProbe, counters.tcp_zero_window_probes);
  on(Note::kTextAfterClose, counters.tcp_abort_on_data);
  on(Note::kUrgent, counters.tcp_urgent_in);
  on(Note::kCongestionExperienced, counters.tcp_ce_in);
  on(Note::kTailProbe, counters.tcp_loss_probes);
  on(Note::kUndone, counters.tcp_loss_undone);
  on(Note::kPathMtuDoubted, counters.tcp_path_mtu_doubted);
  on(Note::kBlackHole, counters.tcp_black_holes);
  on(Note::kProbeArrived, counters.tcp_mtu_probes_arrived);
}

template <PacketBuffer P>
void TcpTransport<P>::established(std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  socket.counted = true;
  net_.counters().tcp_curr_estab.add();
  if (!socket.connection.passive()) return;
  if (socket.early) return leave_early(socket, false);
  leave_half_open(socket.listener);
  TcpListener* listener = listeners_.get(socket.listener);
  SMOL_CHECK(listener != nullptr);  // may_complete() saw to it
  listener->accept_queue.push_back(index, waiting_link());
  tell_listener(socket.listener);
}

/// The machine is done. The user's end, if there is one, lives on until it is closed.
template <PacketBuffer P>
void TcpTransport<P>::connection_over(std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  const tcp::Connection& connection = socket.connection;
  StackCounters& counters = net_.counters();
  if (socket.counted) {
    socket.counted = false;
    counters.tcp_curr_estab.subtract();
    if (connection.error() == Error::kConnectionReset) counters.tcp_estab_resets.add();
  } else {
    counters.tcp_attempt_fails.add();
    if (socket.early) {
      leave_early(socket, connection.error() == Error::kConnectionReset);
    } else if (connection.passive()) {
      leave_half_open(socket.listener);
    }
  }
  forget_flow(socket, index);
  net_.wheel().disarm(socket.timer);
  socket.send.clear();
  socket.send_cursor = socket.resend_cursor = nullptr;
  socket.connection.forget_sent(context_);
  socket.connection.reassembly().clear(
      ranges_, [this](std::uint32_t range) { out_of_order_[range].clear(); });
  tell(index, SocketEvents::kClosed);
  release_if_done(index);
}

template <PacketBuffer P>
void TcpTransport<P>::forget_flow(Socket& socket, std::uint32_t index) noexcept {
  if (!socket.in_table) return;
  flows_.erase(hash(socket.flow), index);
  socket.in_table = false;
}

/// Frees a block that neither the wire nor a user nor a queue of those who wait needs any more.
template <PacketBuffer P>
void TcpTransport<P>::release_if_done(std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  if (socket.in_table || socket.owned || socket.next_waiting != IndexFifo::kOutside) return;
  const tcp::State state = socket.connection.state();
  if (state != tcp::State::kClosed && state != tcp::State::kTimeWait) return;
  socket.receive.clear();
  socket.gone = true;
  free_if_unlinked(index);
}

template <PacketBuffer P>
void TcpTransport<P>::free_if_unlinked(std::uint32_t index) noexcept {
  const Socket& socket = sockets_.at(index);
  if (socket.gone && socket.next_ready == IndexFifo::kOutside &&
      socket.next_event == IndexFifo::kOutside) {
    sockets_.erase(index);
  }
}

template <PacketBuffer P>
void TcpTransport<P>::tell(std::uint32_t index, std::uint16_t events) noexcept {
  Socket& socket = sockets_.at(index);
  socket.events |= events;
  if (socket.owned) events_.push_back(index, event_link());
}

template <PacketBuffer P>
void TcpTransport<P>::tell_listener(Handle handle) noexcept {
  listener_events_.push_back(handle.index, listener_link());
}

template <PacketBuffer P>
void TcpTransport<P>::on_connection_timer(TimerNode& node) noexcept {
  const std::uint32_t index = node.id();
  const tcp::Actions actions = sockets_.at(index).connection.timeout(context_, net_.now());
  perform(index, actions);
  if ((actions.notes & tcp::Note::kLingered) != 0) [[unlikely]] {
    net_.counters().tcp_abort_on_linger.add();
    net_.counters().tcp_abort_on_timeout.add();
    kill(index, Error::kTimedOut, true);
  }
}

template <PacketBuffer P>
bool TcpTransport<P>::icmp_error(const tcp::FlowKey& flow, SeqNumber quoted, Error error,
                                 bool hard) noexcept {
  const std::uint32_t entry = find(hash(flow), flow);
  if (entry == IndexTable::kNone || (entry & kTimeWaitBit) != 0) return false;
  // Soft, as nobody knows of the connection yet (RFC 9293 MUST-56).
  if ((entry & kHalfOpenBit) != 0) return quoted == half_open_.at(entry & ~kHalfOpenBit).iss;
  const tcp::Actions actions = sockets_.at(entry).connection.icmp_error(quoted, error, hard);
  if (actions.dropped) return false;
  perform(entry, actions);
  // A neighbour that is gone for now is no such word; it is told by another error.
  if (hard && error == Error::kConnectionRefused && context_.config.hard_errors_abort &&
      !actions.closed) {
    kill(entry, error, false);
  }
  return true;
}

template <PacketBuffer P>
std::optional<Drop> TcpTransport<P>::packet_too_big(const tcp::FlowKey& flow, SeqNumber quoted,
                                                    std::uint32_t quoted_len,
                                                    std::uint32_t claimed) noexcept {
  const std::uint32_t entry = find(hash(flow), flow);
  if (entry == IndexTable::kNone || (entry & kTimeWaitBit) != 0) return Drop::kIcmpErrorUnmatched;
  // All that was sent is a SYN-ACK, which fits any link.
  if ((entry & kHalfOpenBit) != 0) {
    const bool ours = quoted == half_open_.at(entry & ~kHalfOpenBit).iss;
    return ours ? Drop::kIcmpNoNewMtu : Drop::kIcmpErrorUnmatched;
  }
  Socket& socket = sockets_.at(entry);
  const bool v4 = flow.local.is_v4();
  // Of a router that names no MTU one cannot be sure that it quotes the length right (RFC 1191
  // section 5).
  if (claimed == 0 && v4)
    claimed = next_plateau(std::min<std::uint32_t>(quoted_len, socket.path.mtu));
  const std::optional<std::uint16_t> mtu =
      believable_mtu(net_.config().path_mtu, flow.local.family(), claimed);
  if (!mtu || quoted_len <= claimed) return Drop::kIcmpNoNewMtu;
  const tcp::Actions actions = socket.connection.packet_too_big(context_, quoted, mss_of(*mtu, v4));
  if (actions.dropped) return actions.drop;
  perform(entry, actions);
  return std::nullopt;
}

/// The connection believes it; so may all who send there.
template <PacketBuffer P>
void TcpTransport<P>::path_mtu_learned(Socket& socket) noexcept {
  const std::uint16_t mtu = mtu_of(socket.connection.path_mss(), socket.flow.local.is_v4());
  net_.lower_path_mtu(socket.path.interface, socket.flow.remote, mtu);
  socket.path.mtu = std::min(socket.path.mtu, mtu);
}

}  // namespace smol
