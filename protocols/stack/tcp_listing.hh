// TcpTransport<P>, what it tells of its sockets, owned or not. Included by stack_impl.hh only.
#pragma once

#include <algorithm>

#include "protocols/stack/tcp_transport.hh"

namespace smol {

template <PacketBuffer P>
void TcpTransport<P>::describe(std::uint32_t index, const TcpListener& listener,
                               SocketInfo& info) const noexcept {
  info = {};
  info.id = {SocketKind::kTcpListener, listeners_.handle_of(index)};
  info.kind = SocketKind::kTcpListener;
  info.state = tcp::State::kListen;
  info.local = listener.options.local;
  info.receive_queue = listener.accept_queue.size();
  info.send_queue = listener.options.backlog;
  info.half_open = listener.half_open;
  info.syn_backlog = listener.options.syn_backlog;
  info.owned = true;
  info.owner = listener.options.owner;
  info.user_data = listener.options.user_data;
}

template <PacketBuffer P>
void TcpTransport<P>::describe(const tcp::FlowKey& flow, SocketInfo& info) noexcept {
  info.local = {flow.local, flow.local_port};
  info.remote = IpEndpoint{flow.remote, flow.remote_port};
  if (flow.local.is_link_local() || flow.remote.is_link_local()) info.interface = flow.interface;
}

template <PacketBuffer P>
void TcpTransport<P>::describe(std::uint32_t index, const Socket& socket,
                               SocketInfo& info) const noexcept {
  const tcp::Connection& connection = socket.connection;
  info = {};
  info.id = {SocketKind::kTcp, sockets_.handle_of(index)};
  info.kind = SocketKind::kTcp;
  info.state = connection.state();
  describe(socket.flow, info);
  // Once it is over, only what is left to read counts.
  if (!socket.receive.empty()) info.receive_queue = connection.unread();
  if (socket.in_table) info.send_queue = connection.send_queue();
  info.owned = socket.owned;
  info.owner = socket.owner;
  info.user_data = socket.user_data;
}

template <PacketBuffer P>
Slice TcpTransport<P>::listeners_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  return slice_of(listeners_, from, out,
                  [this](std::uint32_t index, const TcpListener& listener, SocketInfo& info) {
                    describe(index, listener, info);
                    return true;
                  });
}

template <PacketBuffer P>
Slice TcpTransport<P>::connections_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  return slice_of(sockets_, from, out,
                  [this](std::uint32_t index, const Socket& socket, SocketInfo& info) {
                    if (!socket.gone) describe(index, socket, info);
                    return !socket.gone;
                  });
}

template <PacketBuffer P>
void TcpTransport<P>::describe(std::uint32_t index, const tcp::HalfOpen& record,
                               SocketInfo& info) const noexcept {
  info = {};
  info.id = {SocketKind::kTcpHalfOpen, half_open_.slab().handle_of(index)};
  info.kind = SocketKind::kTcp;
  info.state = tcp::State::kSynReceived;
  describe(record.flow, info);
  if (const TcpListener* listener = listeners_.get(record.listener)) {
    info.owner = listener->options.owner;
  }
}

template <PacketBuffer P>
Slice TcpTransport<P>::half_open_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  return slice_of(half_open_.slab(), from, out,
                  [this](std::uint32_t index, const tcp::HalfOpen& record, SocketInfo& info) {
                    describe(index, record, info);
                    return true;
                  });
}

/// The ring is walked by positions that only grow: a record that is let go meanwhile moves no
/// other.
template <PacketBuffer P>
Slice TcpTransport<P>::time_wait_from(Cursor from, std::span<SocketInfo> out) const noexcept {
  Slice slice;
  std::uint64_t at = std::max(from.at, time_wait_.first_position());
  const std::uint64_t end = std::min(at + kPlacesASlice, time_wait_.end_position());
  const std::uint32_t now_ms = tcp::Connection::timestamp_clock(net_.now());
  for (; at < end && slice.count < out.size(); ++at) {
    const tcp::TimeWait& record = time_wait_.at_position(at);
    if (record.gone) continue;
    SocketInfo& info = out[slice.count++];
    info = {};
    info.kind = SocketKind::kTcp;
    info.state = tcp::State::kTimeWait;
    describe(record.flow, info);
    info.expires = milliseconds(static_cast<std::int32_t>(record.expires_ms - now_ms));
  }
  slice.next = at >= time_wait_.end_position() ? Cursor::end() : Cursor{at};
  return slice;
}

template <PacketBuffer P>
Result<SocketInfo, Error> TcpTransport<P>::describe(SocketId id) const noexcept {
  SocketInfo info;
  if (id.kind == SocketKind::kTcpListener) {
    const TcpListener* listener = listeners_.get(id.handle);
    if (listener == nullptr) return fail(Error::kBadHandle);
    describe(id.handle.index, *listener, info);
    return info;
  }
  if (id.kind == SocketKind::kTcpHalfOpen) {
    const tcp::HalfOpen* record = half_open_.get(id.handle);
    if (record == nullptr) return fail(Error::kBadHandle);
    describe(id.handle.index, *record, info);
    return info;
  }
  const Socket* socket = sockets_.get(id.handle);
  if (socket == nullptr || socket->gone) return fail(Error::kBadHandle);
  describe(id.handle.index, *socket, info);
  return info;
}

template <PacketBuffer P>
Result<tcp::Info, Error> TcpTransport<P>::connection_info(SocketId id) const noexcept {
  if (id.kind == SocketKind::kTcpHalfOpen) {
    const tcp::HalfOpen* record = half_open_.get(id.handle);
    const TcpListener* listener = record == nullptr ? nullptr : listeners_.get(record->listener);
    if (listener == nullptr) return fail(Error::kBadHandle);
    tcp::Info out = resumed(*record, *listener).info();
    out.at = net_.now();
    return out;
  }
  const Socket* socket = sockets_.get(id.handle);
  if (socket == nullptr || socket->gone) return fail(Error::kBadHandle);
  return info_of(*socket);
}

template <PacketBuffer P>
Result<void, Error> TcpTransport<P>::destroy(SocketId id) noexcept {
  if (id.kind == SocketKind::kTcpHalfOpen) {
    const tcp::HalfOpen* record = half_open_.get(id.handle);
    if (record == nullptr) return fail(Error::kBadHandle);
    reset_half_open(*record);
    forget_half_open(id.handle.index);
    return {};
  }
  const Socket* socket = sockets_.get(id.handle);
  if (socket == nullptr || socket->gone) return fail(Error::kBadHandle);
  if (!socket->in_table) return fail(Error::kNotConnected);
  kill(id.handle.index, Error::kConnectionReset, true);
  return {};
}

}  // namespace smol
