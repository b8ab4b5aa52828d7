// TcpTransport<P>, the calls upon an open socket. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocols/stack/tcp_transport.hh"

namespace smol {

template <PacketBuffer P>
bool TcpTransport<P>::valid(const tcp::SocketOptions& options) noexcept {
  constexpr std::uint32_t kLeast = 4096;
  constexpr std::uint32_t kMost = 1u << 30;
  const auto in_range = [](std::uint32_t octets) { return octets >= kLeast && octets <= kMost; };
  return in_range(options.send_buffer) && in_range(options.receive_buffer) &&
         options.receive_low_water <= options.receive_buffer &&
         options.send_low_water <= options.send_buffer && options.hop_limit > 0 &&
         options.dscp < 64 && options.user_timeout >= Duration::zero() &&
         options.keep_alive >= Duration::zero() && options.linger >= Duration::zero() &&
         (options.keep_alive == Duration::zero() || options.keep_alive_interval > Duration::zero());
}

// --- reading
// -----------------------------------------------------------------------------------------

template <PacketBuffer P>
Bytes TcpTransport<P>::readable(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr || socket->receive.empty()) return {};
  return Borrowed<P> {
    socket->receive.head()
    } -> segment(0);
}

template <PacketBuffer P>
void TcpTransport<P>::consume(Handle handle, std::size_t n) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr || n == 0) return;
  const auto taken = static_cast<std::uint32_t>(n);
  while (n > 0) {
    SMOL_CHECK(!socket->receive.empty());
    const std::size_t size = Borrowed<P> {
      socket->receive.head()
      } -> size();
    if (size > n) {
      // Not in place: what is left of a chain may begin with another node than the queue knows.
      P rest = socket->receive.pop_front();
      rest.trim_front(n);
      socket->receive.push_front(std::move(rest));
      break;
    }
    n -= size;
    socket->receive.pop_front();
  }
  if (socket->connection.consumed(context_, net_.now(), taken)) {
    make_ready(handle.index);
  } else if (context_.short_of_memory) [[unlikely]] {
    starve(handle.index);  // its window is opened later
  }
}

template <PacketBuffer P>
bool TcpTransport<P>::at_end(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  return socket == nullptr || socket->reading_shut ||
         (socket->receive.empty() &&
          (socket->connection.peer_closed() || socket->connection.state() == tcp::State::kClosed));
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::unread(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr || socket->receive.empty()) return 0;
  return socket->connection.unread();
}

// --- writing
// -----------------------------------------------------------------------------------------

template <PacketBuffer P>
std::size_t TcpTransport<P>::send_room(const Socket& socket) const noexcept {
  const tcp::Connection& connection = socket.connection;
  const std::size_t limit = connection.send_allowance(context_.config);
  const std::size_t used = connection.send_queue();
  const std::size_t unsent = socket.unsent_low_water > 0 ? connection.unsent() : 0;
  if (unsent > 0 && unsent >= socket.unsent_low_water) return 0;
  // Small writes that leave at once take a packet each: count packets too, at their true size.
  constexpr std::size_t kPacket = 2048;
  if (!connection.may_queue() || used >= limit || socket.send_packets * kPacket >= 2 * limit) {
    return 0;
  }
  const std::size_t share = net_.send_share();
  if (socket.send_packets >= share) return 0;
  const std::size_t room = std::min(limit - used, (share - socket.send_packets) * connection.mss());
  return socket.unsent_low_water > 0 ? std::min(room, socket.unsent_low_water - unsent) : room;
}

/// Is there room that is worth an event? Whose queue is empty hears of any: no ACK will tell of
/// more.
template <PacketBuffer P>
bool TcpTransport<P>::worth_writing(const Socket& socket) const noexcept {
  const std::size_t room = send_room(socket);
  if (room > 0 && socket.send.empty()) return true;
  const std::size_t share = net_.send_share() * socket.connection.mss();
  if (socket.unsent_low_water > 0) return room >= socket.unsent_low_water / 2 && room > 0;
  if (socket.send_low_water > 0) return room >= socket.send_low_water;
  const std::size_t limit = socket.connection.send_allowance(context_.config);
  return room >= std::min({limit / 4, share / 2, std::size_t{65'536}});
}

template <PacketBuffer P>
void TcpTransport<P>::wait_for_room(Socket& socket, std::uint32_t index) noexcept {
  socket.wants_writable = true;
  if (net_.short_of_memory()) [[unlikely]]
    starve(index);
}

/// The socket went short of packets, or its window did.
template <PacketBuffer P>
void TcpTransport<P>::starve(std::uint32_t index) noexcept {
  if (sockets_.at(index).owned) starved_.push_back(index, waiting_link());
}

template <PacketBuffer P>
Instant TcpTransport<P>::relief() const noexcept {
  // A device gives packets back whenever it likes, and tells nobody.
  constexpr Duration kLook = milliseconds(10);
  if (starved_.empty()) return kNever;
  return net_.short_of_memory() ? net_.now() + kLook : net_.now();
}

/// Goes round those who went short, a bounded number a turn: who is gone is let go of, and who can
/// be helped is.
template <PacketBuffer P>
void TcpTransport<P>::relieve() noexcept {
  constexpr std::uint32_t kMost = 64;
  for (std::uint32_t left = std::min(starved_.size(), kMost); left > 0; --left) {
    const std::uint32_t index = starved_.pop_front(waiting_link());
    Socket& socket = sockets_.at(index);
    if (!socket.owned) {
      release_if_done(index);
      continue;
    }
    if (context_.short_of_memory) {
      starve(index);
      continue;
    }
    if (socket.connection.consumed(context_, net_.now(), 0)) make_ready(index);
    if (socket.wants_writable && worth_writing(socket)) {
      socket.wants_writable = false;
      tell(index, SocketEvents::kWritable);
    }
  }
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::writable(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  return socket == nullptr ? 0 : send_room(*socket);
}

/// Contiguous room behind what is queued: in the last packet if nothing of it was sent yet, else in
/// a new one. Never beyond a full segment. The packet has these octets now; the queue has them with
/// queue_grown().
template <PacketBuffer P>
MutBytes TcpTransport<P>::grow_tail(Socket& socket, std::size_t want) noexcept {
  const std::size_t mss = socket.connection.mss();
  if (Node* tail = socket.send.tail(); tail != nullptr) {
    const PacketMeta& meta = P::meta_of(tail);
    Borrowed<P> last{tail};
    const bool unsent = meta.seq.at_or_after(socket.connection.snd_nxt());
    if (unsent && meta.payload_len < mss && last->unique()) {
      const std::size_t n = std::min({want, mss - meta.payload_len, last->tailroom()});
      if (n > 0) return last->append(n);
    }
  }
  P packet = net_.pool().allocate();
  if (!packet) return {};
  const MutBytes room = packet.append(std::min({want, mss, packet.tailroom()}));
  PacketMeta& meta = packet.meta();
  meta.seq = socket.connection.snd_end();
  meta.payload_len = 0;
  meta.payload_sum_valid = true;
  meta.payload_sum = 0;
  socket.send.push_back(std::move(packet));
  ++socket.send_packets;
  if (socket.send_cursor == nullptr) socket.send_cursor = socket.send.tail();
  return room;
}

/// The same room, for somebody to write into it later.
template <PacketBuffer P>
MutBytes TcpTransport<P>::tail_room(Socket& socket, std::size_t want) noexcept {
  const MutBytes room = grow_tail(socket, want);
  if (!room.empty()) {
    Borrowed<P> tail{socket.send.tail()};
    tail->trim_back(room.size());
  }
  return room;
}

/// The last n octets of the last packet, whose sum is `sum`, are written.
template <PacketBuffer P>
void TcpTransport<P>::queue_grown(Socket& socket, std::uint32_t index, std::size_t n,
                                  InternetSum sum) noexcept {
  PacketMeta& meta = P::meta_of(socket.send.tail());
  if (meta.payload_sum_valid) {
    InternetSum total{meta.payload_sum};
    meta.payload_len % 2 == 1 ? total.add_odd(sum) : total.add(sum);
    meta.payload_sum = total.folded();
  }
  meta.payload_len += static_cast<std::uint32_t>(n);
  socket.connection.queued(static_cast<std::uint32_t>(n));
  make_ready(index);
}

template <PacketBuffer P>
Result<std::size_t, Error> TcpTransport<P>::write(Handle handle, Bytes data) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (!socket->connection.may_queue()) {
    return fail(socket->connection.error().value_or(Error::kShutDown));
  }
  std::size_t written = 0;
  std::size_t room = send_room(*socket);
  while (written < data.size() && room > 0) {
    const Bytes rest = data.subspan(written);
    const MutBytes to = grow_tail(*socket, std::min(rest.size(), room));
    if (to.empty()) break;
    const InternetSum sum = copy_and_sum(to, rest.first(to.size()));
    queue_grown(*socket, handle.index, to.size(), sum);
    written += to.size();
    room -= to.size();
  }
  if (written < data.size()) wait_for_room(*socket, handle.index);
  return written;
}

template <PacketBuffer P>
Result<std::size_t, Error> TcpTransport<P>::write_urgent(Handle handle, Bytes data) noexcept {
  const Result<std::size_t, Error> written = write(handle, data);
  if (written && *written > 0) get(handle)->connection.queued_urgent();
  return written;
}

template <PacketBuffer P>
tcp::Urgent TcpTransport<P>::urgent(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  return socket == nullptr ? tcp::Urgent{} : socket->connection.urgent();
}

template <PacketBuffer P>
MutBytes TcpTransport<P>::reserve(Handle handle, std::size_t want) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr || want == 0) return {};
  const std::size_t room = std::min(want, send_room(*socket));
  const MutBytes out = room == 0 ? MutBytes{} : tail_room(*socket, room);
  if (out.empty()) wait_for_room(*socket, handle.index);
  return out;
}

template <PacketBuffer P>
void TcpTransport<P>::commit(Handle handle, std::size_t n) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr || n == 0) return;
  SMOL_CHECK(!socket->send.empty());
  Node* tail = socket->send.tail();
  // What was reserved and has left since is the caller's broken promise, and somebody else's packet
  // by now.
  SMOL_CHECK(P::meta_of(tail).seq.at_or_after(socket->connection.snd_nxt()));
  MutBytes written;
  {
    Borrowed<P> last{tail};
    SMOL_CHECK(last->unique());
    written = last->append(n);
    SMOL_CHECK(written.size() == n);
  }
  queue_grown(*socket, handle.index, n, internet_sum(written));
}

// --- ending
// ------------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::shutdown_write(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  const tcp::State state = socket->connection.state();
  if (state == tcp::State::kClosed) return fail(Error::kNotConnected);
  perform(handle.index, socket->connection.shutdown_write(context_, net_.now()));
  return {};
}

/// The end of this one is no FIN: what it has received nobody has read, or its owner wants it so.
template <PacketBuffer P>
bool TcpTransport<P>::must_reset(const Socket& socket) noexcept {
  if (!socket.in_table) return false;
  if (socket.connection.resets_on_close()) return true;
  if (!socket.connection.loses_data()) return false;
  net_.counters().tcp_abort_on_data.add();
  return true;
}

template <PacketBuffer P>
void TcpTransport<P>::close(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return;
  if (must_reset(*socket)) return abort(handle);
  socket->owned = false;
  if (socket->in_table) {
    perform(handle.index, socket->connection.close(context_, net_.now()));
  } else {
    release_if_done(handle.index);
  }
}

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::linger(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (!socket->in_table) return fail(socket->connection.error().value_or(Error::kNotConnected));
  if (socket->lingering) return {};
  if (must_reset(*socket)) {
    kill(handle.index, Error::kConnectionReset, true);
    return {};
  }
  socket->lingering = true;
  perform(handle.index, socket->connection.close(context_, net_.now()));
  if (socket->connection.state() == tcp::State::kFinWait2)
    tell(handle.index, SocketEvents::kClosed);
  return {};
}

template <PacketBuffer P>
void TcpTransport<P>::abort(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return;
  socket->owned = false;
  if (socket->in_table) {
    kill(handle.index, Error::kConnectionReset, true);
  } else {
    release_if_done(handle.index);
  }
}

/// Ends a connection at once.
template <PacketBuffer P>
void TcpTransport<P>::kill(std::uint32_t index, Error error, bool send_reset) noexcept {
  Socket& socket = sockets_.at(index);
  std::optional<tcp::SegmentOut> reset = socket.connection.abort(context_, net_.now(), error);
  if (reset && send_reset) {
    P packet = net_.make_small();
    if (packet) {
      finish(std::move(packet), socket.flow, *reset, InternetSum{}, 0, marks_of(socket.connection),
             socket.path);
    }
  }
  connection_over(index);
}

template <PacketBuffer P>
void TcpTransport<P>::close_listener(Handle handle) noexcept {
  TcpListener* listener = listeners_.get(handle);
  if (listener == nullptr || listener->gone) return;
  while (!listener->accept_queue.empty()) {
    const std::uint32_t index = listener->accept_queue.pop_front(waiting_link());
    if (sockets_.at(index).in_table) {
      kill(index, Error::kConnectionReset, true);
    } else {
      release_if_done(index);
    }
  }
  // Half-open connections find their listener gone when their ACK comes.
  const IpEndpoint& local = listener->options.local;
  listening_.erase(hash(local.address, local.port), handle.index);
  listener_events_.remove(handle.index, listener_link());
  listeners_.erase(handle.index);
}

// --- questions
// ---------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::set_options(Handle handle,
                                                 const tcp::SocketOptions& options) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (!valid(options)) return fail(Error::kInvalid);
  socket->connection.set_options(context_, net_.now(), options);
  set_low_water(*socket, options);
  // What was held back may go now, and what was too little may be enough.
  if (socket->connection.may_send()) make_ready(handle.index);
  if (!socket->receive.empty() && worth_reading(*socket)) {
    tell(handle.index, SocketEvents::kReadable);
  }
  net_.wheel().arm_by(socket->timer, socket->connection.deadline());
  return {};
}

template <PacketBuffer P>
Result<tcp::Info, Error> TcpTransport<P>::info(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  return info_of(*socket);
}

template <PacketBuffer P>
void TcpTransport<P>::set_user_data(SocketId id, std::uint64_t user_data) noexcept {
  if (id.kind == SocketKind::kTcp) {
    if (Socket* socket = get(id.handle)) socket->user_data = user_data;
  } else if (TcpListener* listener = listeners_.get(id.handle)) {
    listener->options.user_data = user_data;
  }
}

template <PacketBuffer P>
void TcpTransport<P>::set_deadline(Handle handle, Instant when) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr || !socket->in_table) return;
  socket->connection.set_user_deadline(when);
  net_.wheel().arm_by(socket->timer, socket->connection.deadline());
}

template <PacketBuffer P>
std::optional<Error> TcpTransport<P>::error(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr) return Error::kBadHandle;
  return socket->connection.error();
}

template <PacketBuffer P>
std::optional<Error> TcpTransport<P>::soft_error(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return Error::kBadHandle;
  return socket->connection.take_soft_error();
}

template <PacketBuffer P>
Result<IpEndpoint, Error> TcpTransport<P>::local(SocketId id) const noexcept {
  if (id.kind == SocketKind::kTcp) {
    if (const Socket* socket = get(id.handle)) {
      return IpEndpoint{socket->flow.local, socket->flow.local_port};
    }
  } else if (const TcpListener* listener = listeners_.get(id.handle)) {
    return listener->options.local;
  }
  return fail(Error::kBadHandle);
}

template <PacketBuffer P>
Result<IpEndpoint, Error> TcpTransport<P>::remote(Handle handle) const noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  return IpEndpoint{socket->flow.remote, socket->flow.remote_port};
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::take_listener_events(std::span<SocketEvent> out) noexcept {
  std::size_t n = 0;
  while (n < out.size() && !listener_events_.empty()) {
    const std::uint32_t index = listener_events_.pop_front(listener_link());
    const TcpListenOptions& options = listeners_.at(index).options;
    out[n++] = {SocketId{SocketKind::kTcpListener, listeners_.handle_of(index)},
                SocketEvents::kAcceptable, options.owner, options.user_data};
  }
  return n;
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::take_events(std::span<SocketEvent> out) noexcept {
  std::size_t n = 0;
  while (n < out.size() && !events_.empty()) {
    const std::uint32_t index = events_.pop_front(event_link());
    Socket& socket = sockets_.at(index);
    if (socket.gone) {
      free_if_unlinked(index);
    } else if (socket.owned && socket.events != 0) {
      out[n++] = {SocketId{SocketKind::kTcp, sockets_.handle_of(index)}, socket.events,
                  socket.owner, socket.user_data};
      socket.events = 0;
    }
  }
  return n;
}

}  // namespace smol
