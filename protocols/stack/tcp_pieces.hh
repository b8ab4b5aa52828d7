// TcpTransport<P>: reading and writing by pieces and whole packets, the end of reading, and how
// much is worth an event. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/tcp_transport.hh"
#include "protocols/wire/tcp.hh"

namespace smol {

// --- looking
// -------------------------------------------------------------------------------------

template <PacketBuffer P>
std::size_t TcpTransport<P>::readable_pieces(Handle handle, std::span<Bytes> out) noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr) return 0;
  std::size_t n = 0;
  for (Node* node = socket->receive.head(); node != nullptr; node = PacketQueue<P>::after(node)) {
    Borrowed<P> packet{node};
    for (std::size_t i = 0; n < out.size(); ++i) {
      const Bytes piece = packet->segment(i);
      if (piece.empty()) break;
      out[n++] = piece;
    }
    if (n == out.size()) break;
  }
  return n;
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::peek(Handle handle, std::size_t offset, MutBytes out) noexcept {
  const Socket* socket = get(handle);
  if (socket == nullptr) return 0;
  std::size_t copied = 0;
  for (Node* node = socket->receive.head(); node != nullptr && copied < out.size();
       node = PacketQueue<P>::after(node)) {
    Borrowed<P> packet{node};
    const std::size_t size = packet->size();
    if (offset >= size) {
      offset -= size;
      continue;
    }
    const std::size_t n = std::min(size - offset, out.size() - copied);
    packet_copy(*packet, offset, out.subspan(copied, n));
    copied += n;
    offset = 0;
  }
  return copied;
}

// --- the end of reading
// --------------------------------------------------------------------------

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::shutdown_read(Handle handle) noexcept {
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  const tcp::State state = socket->connection.state();
  if (state == tcp::State::kClosed) return fail(Error::kNotConnected);
  socket->reading_shut = true;
  throw_away_unread(handle.index);
  return {};
}

/// Nobody reads: what is in line counts as read, so that the window stays open and the peer's FIN
/// is not kept waiting.
template <PacketBuffer P>
void TcpTransport<P>::throw_away_unread(std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  if (socket.receive.empty()) return;
  const std::uint32_t unread = socket.connection.unread();
  socket.receive.clear();
  if (socket.connection.consumed(context_, net_.now(), unread)) {
    make_ready(index);
  } else if (context_.short_of_memory) [[unlikely]] {
    starve(index);
  }
}

// --- how much is worth an event
// ------------------------------------------------------------------

/// Less than the low-water mark is news only if no more can come: the peer has closed, or the
/// window will not open before somebody reads.
template <PacketBuffer P>
bool TcpTransport<P>::worth_reading(const Socket& socket) const noexcept {
  if (socket.reading_shut) return false;
  const tcp::Connection& connection = socket.connection;
  if (socket.receive_low_water <= 1 || connection.peer_closed()) return true;
  return connection.unread() >= socket.receive_low_water || !connection.may_receive_more();
}

/// What a socket's options say of events.
template <PacketBuffer P>
void TcpTransport<P>::set_low_water(Socket& socket, const tcp::SocketOptions& options) noexcept {
  socket.receive_low_water = options.receive_low_water;
  socket.send_low_water = options.send_low_water;
  socket.unsent_low_water = options.unsent_low_water;
}

/// Who is held to few unsent octets hears when some have left, which no ACK need follow.
template <PacketBuffer P>
void TcpTransport<P>::tell_of_sent(Socket& socket, std::uint32_t index) noexcept {
  if (socket.unsent_low_water == 0 || !socket.wants_writable || !worth_writing(socket)) return;
  socket.wants_writable = false;
  tell(index, SocketEvents::kWritable);
}

// --- writing
// -------------------------------------------------------------------------------------

template <PacketBuffer P>
Result<std::size_t, Error> TcpTransport<P>::write_pieces(Handle handle,
                                                         std::span<const Bytes> pieces) noexcept {
  std::size_t written = 0;
  if (pieces.empty()) return write(handle, {});
  for (const Bytes piece : pieces) {
    const Result<std::size_t, Error> done = write(handle, piece);
    if (!done) return done;
    written += *done;
    if (*done < piece.size()) break;
  }
  return written;
}

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::write_packet(Handle handle, P& packet) noexcept {
  constexpr std::size_t kHeaders = TcpView::kMaxHeader + Network<P>::kHeadroom;
  Socket* socket = get(handle);
  if (socket == nullptr) return fail(Error::kBadHandle);
  if (!socket->connection.may_queue()) {
    return fail(socket->connection.error().value_or(Error::kShutDown));
  }
  const std::size_t size = packet.size();
  if (size == 0 || !packet.unique()) return fail(Error::kInvalid);
  if (size > socket->connection.mss()) return fail(Error::kMessageTooLong);
  if (send_room(*socket) < size) {
    wait_for_room(*socket, handle.index);
    return fail(Error::kWouldBlock);
  }
  if (packet.prepend(kHeaders).empty()) return fail(Error::kNoBuffers);
  packet.trim_front(kHeaders);
  PacketMeta& meta = packet.meta();
  meta = PacketMeta{};
  meta.seq = socket->connection.snd_end();
  meta.payload_len = static_cast<std::uint32_t>(size);
  socket->send.push_back(std::move(packet));
  ++socket->send_packets;
  if (socket->send_cursor == nullptr) socket->send_cursor = socket->send.tail();
  socket->connection.queued(static_cast<std::uint32_t>(size));
  make_ready(handle.index);
  return {};
}

}  // namespace smol
