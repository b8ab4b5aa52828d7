// TcpTransport<P>, how peers open connections: listeners, what is half open, cookies. Included by
// stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/tcp_transport.hh"
#include "protocols/tcp/syn_cookie.hh"

namespace smol {

/// Why a listener takes no further connection now, if so: the client will ask again (RFC 4987
/// section 3). Where nobody accepts, a cookie would not help.
template <PacketBuffer P>
std::optional<Drop> TcpTransport<P>::refusal(const TcpListener& listener) const noexcept {
  if (listener.accept_queue.size() >= listener.options.backlog) return Drop::kTcpAcceptQueueFull;
  if (listener.half_open >= listener.options.syn_backlog || half_open_.full()) {
    return Drop::kTcpSynQueueFull;
  }
  if (net_.refuses_connections()) return Drop::kTcpMemory;
  if (sockets_.full()) return Drop::kTcpNoConnectionBlock;
  return std::nullopt;
}

/// RFC 9293 section 3.10.7.2. `iss_after`: a connection in TIME-WAIT is reopened, and the new one's
/// numbers begin behind those of the old (MAY-2).
template <PacketBuffer P>
void TcpTransport<P>::receive_for_listener(Inbound<P>& in, Handle handle,
                                           std::optional<SeqNumber> iss_after) noexcept {
  const auto refuse = [&](Drop reason) { net_.drop(in.interface, std::move(in.packet), reason); };
  switch (tcp::listen_arrives(in.segment)) {
    case tcp::ListenVerdict::kIgnore:
      return refuse(in.segment.flags.rst() ? Drop::kTcpStrayReset : Drop::kTcpListenNoSyn);
    case tcp::ListenVerdict::kReset:
      if (net_.now() < listeners_.get(handle)->cookies_until) return receive_cookie(in, handle);
      reply_reset(in);
      return refuse(Drop::kTcpPortClosed);
    case tcp::ListenVerdict::kOpen:
      break;
  }
  TcpListener& listener = *listeners_.get(handle);
  const std::optional<Drop> why = refusal(listener);
  if (!iss_after && answers_by_cookie(why)) return send_cookie(in, listener);
  if (why) {
    net_.counters().tcp_listen_drops.add();
    return refuse(*why);
  }
  SeqNumber iss = tcp::initial_sequence_number(net_.secrets().isn, in.flow, net_.now());
  if (iss_after) iss = later(iss, *iss_after + 1);
  if (in.segment.options.fast_open && takes_fast_open(in, listener)) [[unlikely]]
    return open_fast(in, handle, iss);
  open_half(in, handle, iss);
}

// --- half-open connections
// ---------------------------------------------------------------------------

template <PacketBuffer P>
void TcpTransport<P>::open_half(Inbound<P>& in, Handle handle, SeqNumber iss) noexcept {
  TcpListener& listener = *listeners_.get(handle);
  tcp::HalfOpen record = tcp::half_open_of(in.flow, in.segment, iss, net_.now());
  record.interface = in.interface;
  record.listener = handle;
  record.wants_cookie = in.segment.options.fast_open.has_value();
  record.due_ms = half_open_due(record, 0);
  flows_.insert(in.hash, half_open_.add(record) | kHalfOpenBit);
  ++listener.half_open;
  net_.counters().tcp_passive_opens.add();
  say_syn_ack(record, listener);
  arm_half_open_timer();
  net_.consume(std::move(in.packet));
}

/// On the timestamp clock: when a SYN-ACK that is sent now has been silent for long enough.
template <PacketBuffer P>
std::uint32_t TcpTransport<P>::half_open_due(const tcp::HalfOpen& record,
                                             std::uint8_t retries) const noexcept {
  const Instant end = tcp::born(record, net_.now()) + context_.config.syn_received;
  const Instant next = net_.now() + tcp::syn_ack_wait(context_.config, retries);
  return tcp::Connection::timestamp_clock(std::min(next, end));
}

/// The machine as it would stand if it had been there since the SYN came. It lives for one call.
template <PacketBuffer P>
tcp::Connection TcpTransport<P>::resumed(const tcp::HalfOpen& record,
                                         const TcpListener& listener) const noexcept {
  tcp::Connection connection{
      context_, net_.now(),
      setup_for(record.flow, record.iss, listener.options.socket, record.interface)};
  connection.resume_passive(context_, record, net_.now());
  return connection;
}

/// The SYN-ACK, first or again: what the machine says to this SYN. `choices`: to be carried by its
/// timestamp.
template <PacketBuffer P>
void TcpTransport<P>::say_syn_ack(const tcp::HalfOpen& record, const TcpListener& listener,
                                  const tcp::SegmentIn* choices) noexcept {
  tcp::Connection connection{
      context_, net_.now(),
      setup_for(record.flow, record.iss, listener.options.socket, record.interface)};
  connection.open_passive(context_, net_.now(), tcp::syn_of(record));
  tcp::SegmentOut out;
  if (!connection.next_segment(context_, net_.now(), out)) return;
  if (choices != nullptr && out.header.options.timestamps) {
    std::uint32_t& tsval = out.header.options.timestamps->tsval;
    tsval = tcp::timestamp_with_choices(tsval, *choices);
  }
  give_cookie(record, listener, out);
  send_alone(record.flow, out, marks_of(connection));
}

/// Its listener's queue has a place again.
template <PacketBuffer P>
void TcpTransport<P>::forget_half_open(std::uint32_t index) noexcept {
  const tcp::HalfOpen& record = half_open_.at(index);
  leave_half_open(record.listener);
  flows_.erase(hash(record.flow), index | kHalfOpenBit);
  half_open_.remove(index);
  net_.counters().tcp_attempt_fails.add();
}

/// Tells the peer that nothing comes of it.
template <PacketBuffer P>
void TcpTransport<P>::reset_half_open(const tcp::HalfOpen& record) noexcept {
  const TcpListener* listener = listeners_.get(record.listener);
  if (listener == nullptr) return;
  tcp::Connection connection = resumed(record, *listener);
  std::optional<tcp::SegmentOut> reset =
      connection.abort(context_, net_.now(), Error::kConnectionReset);
  if (reset) send_alone(record.flow, *reset, marks_of(connection));
}

template <PacketBuffer P>
void TcpTransport<P>::leave_half_open(Handle handle) noexcept {
  TcpListener* listener = listeners_.get(handle);
  if (listener != nullptr && listener->half_open > 0) --listener->half_open;
}

/// RFC 9293 section 3.10.7.4 for SYN-RECEIVED, while there is no connection block yet.
template <PacketBuffer P>
void TcpTransport<P>::receive_for_half_open(Inbound<P>& in, std::uint32_t index) noexcept {
  tcp::HalfOpen& record = half_open_.at(index);
  const TcpListener* listener = listeners_.get(record.listener);
  if (listener == nullptr) {
    forget_half_open(index);
    return receive_for_stranger(in);
  }
  const TcpFlags flags = in.segment.flags;
  if (flags.ack() && !flags.rst() && !flags.syn() && in.segment.ack == record.iss + 1) {
    return complete_handshake(in, index, *listener);
  }
  // The peer sent its SYN twice, and heard of the cookie first.
  if (net_.now() < listener->cookies_until && cookie_in(in)) {
    const Handle handle = record.listener;
    forget_half_open(index);
    return receive_cookie(in, handle);
  }
  tcp::Connection connection = resumed(record, *listener);
  const tcp::Actions actions = connection.segment_arrives(context_, net_.now(), in.segment, steps_);
  count(actions);
  if (actions.reset) reply_reset(in);
  if (actions.closed) {
    forget_half_open(index);
  } else if (actions.send) {
    answer_half_open(record, connection);
  }
  if (actions.dropped) {
    net_.drop(in.interface, std::move(in.packet), actions.drop);
  } else {
    net_.consume(std::move(in.packet));
  }
}

/// The SYN came again, or something that is challenged. One record pays for so many answers.
template <PacketBuffer P>
void TcpTransport<P>::answer_half_open(tcp::HalfOpen& record,
                                       tcp::Connection& connection) noexcept {
  constexpr std::uint8_t kMost = 128;
  tcp::SegmentOut out;
  if (record.answers >= kMost || !connection.next_segment(context_, net_.now(), out)) return;
  ++record.answers;
  if (out.header.control == TcpControl::kSyn) {
    record.sent_again = true;
    net_.counters().tcp_retrans_segs.add();
  }
  send_alone(record.flow, out, marks_of(connection));
}

/// The final ACK. Where the accept queue is full the connection stays half open, and the client's
/// next segment, or the SYN-ACK sent again, gives it another chance. Nothing is reset (RFC 4987
/// section 3).
template <PacketBuffer P>
void TcpTransport<P>::complete_handshake(Inbound<P>& in, std::uint32_t index,
                                         const TcpListener& listener) noexcept {
  if (const std::optional<Drop> why = refusal_of_ack(listener)) {
    return net_.drop(in.interface, std::move(in.packet), *why);
  }
  const tcp::HalfOpen record = half_open_.at(index);
  half_open_.remove(index);
  flows_.erase(in.hash, index | kHalfOpenBit);
  promote(in, record, listener);
}

/// Why a handshake cannot be completed now, if so.
template <PacketBuffer P>
std::optional<Drop> TcpTransport<P>::refusal_of_ack(const TcpListener& listener) noexcept {
  if (listener.accept_queue.size() >= listener.options.backlog) {
    net_.counters().tcp_listen_overflows.add();
    return Drop::kTcpAcceptQueueFull;
  }
  if (sockets_.full()) return Drop::kTcpNoConnectionBlock;
  return std::nullopt;
}

/// A half-open connection becomes a connection, and the ACK its first segment. It is counted in its
/// listener's SYN queue, and in no table.
template <PacketBuffer P>
void TcpTransport<P>::promote(Inbound<P>& in, const tcp::HalfOpen& record,
                              const TcpListener& listener) noexcept {
  const std::uint32_t index =
      create(record.flow, record.iss, listener.options.socket, record.interface);
  SMOL_CHECK(index != IndexTable::kNone);  // refusal_of_ack() saw to it
  Socket& socket = sockets_.at(index);
  socket.listener = record.listener;
  socket.owner = listener.options.owner;
  socket.connection.resume_passive(context_, record, net_.now());
  receive_for_connection(in, index);
}

/// A connection with a block may be half open too: what seemed its ACK was not in order. It is held
/// to the same rules. False: the segment was seen to.
template <PacketBuffer P>
bool TcpTransport<P>::may_complete(Inbound<P>& in, Socket& socket, std::uint32_t index) noexcept {
  if (!socket.connection.passive() || socket.early || in.segment.flags.rst() ||
      !socket.connection.completes_handshake(in.segment)) {
    return true;
  }
  const TcpListener* listener = listeners_.get(socket.listener);
  if (listener == nullptr) {
    reply_reset(in);
    kill(index, Error::kConnectionReset, false);
    net_.drop(in.interface, std::move(in.packet), Drop::kTcpPortClosed);
    return false;
  }
  if (listener->accept_queue.size() < listener->options.backlog) return true;
  net_.counters().tcp_listen_overflows.add();
  net_.drop(in.interface, std::move(in.packet), Drop::kTcpAcceptQueueFull);
  return false;
}

template <PacketBuffer P>
void TcpTransport<P>::arm_half_open_timer() noexcept {
  if (const std::optional<std::uint32_t> first = half_open_.first()) {
    net_.wheel().arm_by(half_open_timer_, at_timestamp(half_open_.at(*first).due_ms));
  }
}

/// Those who have not answered for long enough are asked again, or let go.
template <PacketBuffer P>
void TcpTransport<P>::on_half_open_timer() noexcept {
  // A bound on one call; the timer comes back for the rest at once.
  constexpr int kMost = 64;
  const std::uint32_t now_ms = tcp::Connection::timestamp_clock(net_.now());
  for (int i = 0; i < kMost; ++i) {
    const std::optional<std::uint32_t> index = half_open_.first();
    if (!index) return;
    tcp::HalfOpen& record = half_open_.at(*index);
    if (static_cast<std::int32_t>(record.due_ms - now_ms) > 0) break;
    const TcpListener* listener = listeners_.get(record.listener);
    const Instant end = tcp::born(record, net_.now()) + context_.config.syn_received;
    if (listener == nullptr || record.retries >= context_.config.syn_ack_retries ||
        net_.now() >= end) {
      forget_half_open(*index);
      continue;
    }
    record.sent_again = true;
    const auto retries = static_cast<std::uint8_t>(record.retries + 1);
    half_open_.retry(*index, half_open_due(record, retries));
    net_.counters().tcp_timeouts.add();
    net_.counters().tcp_retrans_segs.add();
    say_syn_ack(record, *listener);
  }
  arm_half_open_timer();
}

// --- SYN cookies (RFC 4987 section 3.6)
// ---------------------------------------------------------------

template <PacketBuffer P>
bool TcpTransport<P>::answers_by_cookie(std::optional<Drop> refused) const noexcept {
  if (refused == Drop::kTcpAcceptQueueFull) return false;
  switch (context_.config.syn_cookies) {
    case tcp::SynCookies::kOff:
      return false;
    case tcp::SynCookies::kAuto:
      return refused.has_value();
    case tcp::SynCookies::kAlways:
      return true;
  }
  return false;
}

template <PacketBuffer P>
void TcpTransport<P>::send_cookie(Inbound<P>& in, TcpListener& listener) noexcept {
  tcp::SegmentIn syn = in.segment;
  if (!context_.config.timestamps) syn.options.timestamps.reset();
  syn = tcp::cookie_part(syn);
  const std::uint16_t absent = in.is_v4 ? 536 : 1220;
  const SeqNumber iss = tcp::syn_cookie(net_.secrets().cookie, in.flow, syn.seq,
                                        syn.options.mss.value_or(absent), net_.now());
  tcp::HalfOpen record = tcp::half_open_of(in.flow, syn, iss, net_.now());
  record.interface = in.interface;
  say_syn_ack(record, listener, &syn);
  listener.cookies_until = net_.now() + tcp::kSynCookieLife;
  net_.counters().tcp_syncookies_sent.add();
  net_.consume(std::move(in.packet));
}

/// The segment size in the cookie that this segment brings back, if it does.
template <PacketBuffer P>
std::optional<std::uint16_t> TcpTransport<P>::cookie_in(const Inbound<P>& in) const noexcept {
  const tcp::SegmentIn& segment = in.segment;
  if (!segment.flags.ack() || segment.flags.rst() || segment.flags.syn()) return std::nullopt;
  return tcp::check_syn_cookie(net_.secrets().cookie, in.flow, segment.seq - 1, segment.ack - 1,
                               net_.now());
}

/// An ACK for a listener that has sent cookies of late: if it brings one back, the connection is
/// there at once.
template <PacketBuffer P>
void TcpTransport<P>::receive_cookie(Inbound<P>& in, Handle handle) noexcept {
  const TcpListener& listener = *listeners_.get(handle);
  const std::optional<std::uint16_t> mss = cookie_in(in);
  if (!mss) {
    net_.counters().tcp_syncookies_failed.add();
    reply_reset(in);
    return net_.drop(in.interface, std::move(in.packet), Drop::kTcpBadSynCookie);
  }
  std::optional<Drop> why = refusal_of_ack(listener);
  if (!why && net_.refuses_connections()) why = Drop::kTcpMemory;
  if (why) return net_.drop(in.interface, std::move(in.packet), *why);
  tcp::HalfOpen record = tcp::half_open_of(in.flow, tcp::syn_of_cookie(in.segment, *mss),
                                           in.segment.ack - 1, net_.now());
  record.interface = in.interface;
  record.listener = handle;
  record.measured = false;
  ++listeners_.get(handle)->half_open;
  net_.counters().tcp_passive_opens.add();
  net_.counters().tcp_syncookies_recv.add();
  promote(in, record, listener);
}

}  // namespace smol
