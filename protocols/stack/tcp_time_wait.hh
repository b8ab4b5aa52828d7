// TcpTransport<P>, what is left of connections that are over: the ring of their records, and the
// segments that come late (RFC 9293 section 3.6.1, RFC 1337, RFC 6191). Included by stack_impl.hh
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "protocols/stack/tcp_transport.hh"

namespace smol {

template <PacketBuffer P>
void TcpTransport<P>::enter_time_wait(std::uint32_t index) noexcept {
  Socket& socket = sockets_.at(index);
  const tcp::Connection& connection = socket.connection;
  tcp::TimeWait record;
  record.flow = socket.flow;
  record.snd_nxt = connection.snd_nxt();
  record.rcv_nxt = connection.rcv_nxt();
  record.ts_recent = connection.ts_recent();
  record.ts_offset = connection.ts_offset();
  record.timestamps = connection.timestamps();
  record.window = connection.last_window();
  record.hop_limit = connection.hop_limit();
  record.dscp = connection.dscp() & 0x3f;
  record.expires_ms = time_wait_end();
  if (context_.config.time_wait > Duration::zero()) {
    if (time_wait_.full()) recycle_time_wait();
    const std::uint32_t slot = time_wait_.push(record);
    flows_.replace(hash(socket.flow), index, slot | kTimeWaitBit);
    socket.in_table = false;
    net_.counters().tcp_time_wait.add();
    arm_time_wait_timer();
  }
  if (connection.ack_due()) {
    tcp::SegmentOut ack =
        tcp::acknowledgement(record, tcp::Connection::timestamp_clock(net_.now()));
    send_alone(socket.flow, ack, marks_of(connection));
  }
  connection_over(index);
}

/// The oldest makes room.
template <PacketBuffer P>
void TcpTransport<P>::recycle_time_wait() noexcept {
  const std::uint32_t slot = time_wait_.front();
  if (const tcp::TimeWait& oldest = time_wait_.at(slot); !oldest.gone) {
    flows_.erase(hash(oldest.flow), slot | kTimeWaitBit);
    net_.counters().tcp_time_wait.subtract();
    net_.counters().tcp_time_wait_recycled.add();
  }
  time_wait_.pop_front();
}

template <PacketBuffer P>
void TcpTransport<P>::arm_time_wait_timer() noexcept {
  if (time_wait_.empty() || time_wait_timer_.armed()) return;
  net_.wheel().arm(time_wait_timer_, at_timestamp(time_wait_.at(time_wait_.front()).expires_ms));
}

template <PacketBuffer P>
void TcpTransport<P>::on_time_wait_timer() noexcept {
  // A bound on one call; the timer comes back for the rest at once.
  constexpr int kMost = 256;
  const std::uint32_t now_ms = tcp::Connection::timestamp_clock(net_.now());
  for (int i = 0; i < kMost && !time_wait_.empty(); ++i) {
    const std::uint32_t slot = time_wait_.front();
    const tcp::TimeWait& record = time_wait_.at(slot);
    if (static_cast<std::int32_t>(record.expires_ms - now_ms) > 0) break;
    if (!record.gone) {
      flows_.erase(hash(record.flow), slot | kTimeWaitBit);
      net_.counters().tcp_time_wait.subtract();
    }
    time_wait_.pop_front();
  }
  arm_time_wait_timer();
}

template <PacketBuffer P>
void TcpTransport<P>::receive_for_time_wait(Inbound<P>& in, std::uint32_t slot) noexcept {
  tcp::TimeWait& record = time_wait_.at(slot);
  switch (tcp::time_wait_arrives(record, in.segment, context_.config.rst_ends_time_wait)) {
    case tcp::TimeWaitVerdict::kIgnore:
      return net_.drop(in.interface, std::move(in.packet), Drop::kTcpTimeWait);
    case tcp::TimeWaitVerdict::kAcknowledge:
    case tcp::TimeWaitVerdict::kRestart: {
      tcp::SegmentOut ack =
          tcp::acknowledgement(record, tcp::Connection::timestamp_clock(net_.now()));
      if (in.segment.flags.fin()) restart_time_wait(in.hash, slot);
      send_alone(in.flow, ack, {record.hop_limit, record.dscp, record.ts_offset});
      return net_.drop(in.interface, std::move(in.packet), Drop::kTcpTimeWait);
    }
    case tcp::TimeWaitVerdict::kEnd:
      forget_time_wait(in.hash, slot);
      return net_.consume(std::move(in.packet));
    case tcp::TimeWaitVerdict::kReopen:
      break;
  }
  const Handle listener = find_listener(in.flow.local, in.flow.local_port);
  if (!listener) return receive_for_nobody(in);
  // The SYN that comes again must find the old numbers still. A cookie would not know them.
  if (const std::optional<Drop> why = refusal(*listeners_.get(listener))) {
    net_.counters().tcp_listen_drops.add();
    return net_.drop(in.interface, std::move(in.packet), *why);
  }
  const SeqNumber old_snd_nxt = record.snd_nxt;
  forget_time_wait(in.hash, slot);
  net_.counters().tcp_time_wait_reused.add();
  receive_for_listener(in, listener, old_snd_nxt);
}

/// Its place in the ring comes free in turn.
template <PacketBuffer P>
void TcpTransport<P>::forget_time_wait(std::uint64_t at, std::uint32_t slot) noexcept {
  time_wait_.at(slot).gone = true;
  flows_.erase(at, slot | kTimeWaitBit);
  net_.counters().tcp_time_wait.subtract();
}

/// A FIN that comes again pushes the end 2 MSL into the future: the record moves to the back of the
/// ring. Its old place comes free only in turn, so it moves a bounded number of times, lest a flood
/// of FINs fill the ring.
template <PacketBuffer P>
void TcpTransport<P>::restart_time_wait(std::uint64_t at, std::uint32_t slot) noexcept {
  constexpr std::int64_t kMoves = 64;
  tcp::TimeWait& record = time_wait_.at(slot);
  const std::uint32_t expires = time_wait_end();
  const auto gain = static_cast<std::int32_t>(expires - record.expires_ms);
  if (time_wait_.full() || gain < context_.config.time_wait / milliseconds(kMoves)) return;
  tcp::TimeWait moved = record;
  moved.expires_ms = expires;
  record.gone = true;
  const std::uint32_t to = time_wait_.push(moved);
  flows_.replace(at, slot | kTimeWaitBit, to | kTimeWaitBit);
}

}  // namespace smol
