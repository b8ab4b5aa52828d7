// TcpTransport<P>, TCP Fast Open (RFC 7413). Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/tcp_transport.hh"

namespace smol {

// --- the server
// ------------------------------------------------------------------------------------

/// May the text of this SYN be given to the application at once? If not, the handshake goes its
/// ordinary way, and the client sends its text again.
template <PacketBuffer P>
bool TcpTransport<P>::takes_fast_open(const Inbound<P>& in, TcpListener& listener) noexcept {
  const std::optional<FastOpenCookie>& cookie = in.segment.options.fast_open;
  if (!cookie || cookie->is_request() || !serves_fast_open(listener)) return false;
  if (!tcp::is_fast_open_cookie(net_.secrets().cookie, in.flow.remote, in.flow.local, *cookie,
                                net_.now())) {
    net_.counters().tcp_fast_open_passive_fail.add();
    return false;
  }
  if (in.segment.len == 0) return false;
  if (listener.fast_open.count(net_.now()) < listener.options.fast_open) return true;
  net_.counters().tcp_fast_open_listen_overflow.add();
  return false;
}

template <PacketBuffer P>
bool TcpTransport<P>::serves_fast_open(const TcpListener& listener) const noexcept {
  const tcp::FastOpen allowed = context_.config.fast_open;
  return listener.options.fast_open > 0 &&
         (allowed == tcp::FastOpen::kServer || allowed == tcp::FastOpen::kBoth);
}

/// The connection is there, to be accepted and read, before its handshake is complete.
template <PacketBuffer P>
void TcpTransport<P>::open_fast(Inbound<P>& in, Handle handle, SeqNumber iss) noexcept {
  TcpListener& listener = *listeners_.get(handle);
  const std::uint32_t index = create(in.flow, iss, listener.options.socket, in.interface);
  SMOL_CHECK(index != IndexTable::kNone);  // refusal() saw to it
  Socket& socket = sockets_.at(index);
  socket.listener = handle;
  socket.owner = listener.options.owner;
  socket.early = true;
  listener.fast_open.begin();
  net_.counters().tcp_passive_opens.add();
  net_.counters().tcp_fast_open_passive.add();
  const tcp::Actions actions = socket.connection.open_fast(context_, net_.now(), in.segment);
  steps_.clear();
  if (store_text(socket, in, actions)) net_.counters().consumed.add();
  listener.accept_queue.push_back(index, waiting_link());
  tell_listener(handle);
  perform(index, actions);
}

/// It completed the handshake, or will not.
template <PacketBuffer P>
void TcpTransport<P>::leave_early(Socket& socket, bool by_reset) noexcept {
  socket.early = false;
  TcpListener* listener = listeners_.get(socket.listener);
  if (listener == nullptr) return;
  by_reset ? listener->fast_open.reset(net_.now()) : listener->fast_open.complete();
}

/// A SYN-ACK gives a cookie to who asks for one, or shows one that is no good.
template <PacketBuffer P>
void TcpTransport<P>::give_cookie(const tcp::HalfOpen& record, const TcpListener& listener,
                                  tcp::SegmentOut& out) noexcept {
  if (!record.wants_cookie || record.retries > 0 || !serves_fast_open(listener)) return;
  out.header.options.fast_open = tcp::fast_open_cookie(net_.secrets().cookie, record.flow.remote,
                                                       record.flow.local, net_.now());
  net_.counters().tcp_fast_open_cookie_reqd.add();
}

// --- the client
// ------------------------------------------------------------------------------------

/// The SYN asks for a cookie, or shows the one that is known and has room for text.
template <PacketBuffer P>
void TcpTransport<P>::offer_fast_open(Socket& socket) noexcept {
  const tcp::FastOpen allowed = context_.config.fast_open;
  if (allowed != tcp::FastOpen::kClient && allowed != tcp::FastOpen::kBoth) return;
  const tcp::FastOpenCache::Entry* known = fast_open_.find(socket.flow.remote);
  if (known != nullptr && net_.now() < known->off_until) return;
  std::uint16_t room = 0;
  if (known != nullptr && !known->cookie.is_request()) {
    // All options that a SYN may have; the server's segment size, if it told it.
    constexpr std::uint16_t kOptions = TcpOptions::kMaxLen;
    const auto local = static_cast<std::uint16_t>(socket.connection.mss());
    const std::uint16_t theirs = known->mss == 0 ? std::uint16_t{536} : known->mss;
    room = static_cast<std::uint16_t>(std::max(std::min(local, theirs), kOptions) - kOptions);
  }
  socket.connection.offer_fast_open(room);
}

template <PacketBuffer P>
void TcpTransport<P>::put_fast_open(const Socket& socket, tcp::SegmentOut& out) noexcept {
  const tcp::FastOpenCache::Entry* known = fast_open_.find(socket.flow.remote);
  out.header.options.fast_open = known == nullptr ? FastOpenCookie{} : known->cookie;
  // Not both fit beside all that a SYN says; the other is told again later (RFC 5482 section 3.1).
  if (out.header.options.fast_open->len > 12) out.header.options.user_timeout.reset();
  if (out.len > 0) net_.counters().tcp_fast_open_active.add();
}

/// The SYN-ACK has come: it may bring a cookie for the next time.
template <PacketBuffer P>
void TcpTransport<P>::learn_fast_open(const Socket& socket,
                                      const tcp::SegmentIn& syn_ack) noexcept {
  const std::optional<FastOpenCookie>& cookie = syn_ack.options.fast_open;
  if (!cookie || cookie->is_request()) return;
  const std::uint16_t mss = syn_ack.options.mss.value_or(0);
  if (fast_open_.learn(socket.flow.remote, *cookie, mss)) {
    net_.counters().tcp_fast_open_recycled.add();
  }
}

/// The SYN with the option was lost: perhaps because of it.
template <PacketBuffer P>
void TcpTransport<P>::pause_fast_open(const Socket& socket) noexcept {
  net_.counters().tcp_fast_open_active_fail.add();
  if (fast_open_.turn_off(socket.flow.remote, net_.now() + tcp::kFastOpenPause)) {
    net_.counters().tcp_fast_open_recycled.add();
  }
}

}  // namespace smol
