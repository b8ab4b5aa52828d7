// TcpTransport<P>, the way out. Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <utility>

#include "protocols/stack/tcp_transport.hh"
#include "protocols/wire/tcp_repr.hh"

namespace smol {

template <PacketBuffer P>
void TcpTransport<P>::transmit(std::size_t max_segments) noexcept {
  // Those that are ready now; one that has more to say goes to the back and waits for the next
  // turn.
  for (std::uint32_t left = ready_.size(); left > 0 && max_segments > 0; --left) {
    const std::uint32_t index = ready_.pop_front(ready_link());
    Socket& socket = sockets_.at(index);
    if (socket.gone) {
      free_if_unlinked(index);
      continue;
    }
    if (!net_.is_current(socket.path)) [[unlikely]]
      look_at_path(socket);
    const std::size_t share = std::min(max_segments, kSegmentsATurn);
    const std::size_t sent = send_share(socket, share);
    max_segments -= sent;
    if (sent == share) make_ready(index);
    tell_of_sent(socket, index);
    // The window it has just told may have to be opened later.
    if (context_.short_of_memory) [[unlikely]]
      starve(index);
    net_.wheel().arm_by(socket.timer, socket.connection.deadline());
  }
}

/// How many went, of `most`.
template <PacketBuffer P>
std::size_t TcpTransport<P>::send_share(Socket& socket, std::size_t most) noexcept {
  // The first segment on a new path finds out which device it leads to.
  const std::size_t first =
      net_.is_current(socket.path) ? 0 : send_some(socket, std::min<std::size_t>(most, 1));
  return first + (longest_super(socket.path) == 0 ? send_some(socket, most - first)
                                                  : send_supers(socket, most - first));
}

/// Octets of text in a packet that the device cuts; 0: it cuts none.
template <PacketBuffer P>
std::uint32_t TcpTransport<P>::longest_super(const Path& path) const noexcept {
  return net_.is_current(path) ? net_.interface(path.interface).offloads.tcp_segmentation : 0;
}

template <PacketBuffer P>
std::size_t TcpTransport<P>::send_some(Socket& socket, std::size_t most) noexcept {
  std::size_t sent = 0;
  for (tcp::SegmentOut out;
       sent < most && socket.connection.next_segment(context_, net_.now(), out); ++sent) {
    send_segment(socket, out);
  }
  return sent;
}

/// The machine decides on each segment as ever; those that follow one another leave as one packet.
template <PacketBuffer P>
std::size_t TcpTransport<P>::send_supers(Socket& socket, std::size_t most) noexcept {
  tcp::SegmentOut out;
  tcp::SegmentOut next;
  std::size_t sent = 0;
  if (most == 0 || !socket.connection.next_segment(context_, net_.now(), out)) return 0;
  for (++sent; sent < most && socket.connection.next_segment(context_, net_.now(), next); ++sent) {
    if (out.join(next, longest_super(socket.path))) continue;
    send_segment(socket, out);
    out = next;
  }
  send_segment(socket, out);
  return sent;
}

template <PacketBuffer P>
void TcpTransport<P>::send_segment(Socket& socket, tcp::SegmentOut& out) noexcept {
  InternetSum sum;
  P packet;
  if (out.fast_open) [[unlikely]]
    put_fast_open(socket, out);
  if (out.len == 0) {
    packet = net_.make_small();
  } else if (out.garbage) {
    packet = net_.make_small();
    if (packet) {
      if (const MutBytes octet = packet.append(1); !octet.empty()) octet[0] = 0;
    }
  } else {
    packet = payload_packet(socket, out, sum);
  }
  // Without a packet the segment is lost before it left: the machine's timers bring it back.
  if (!packet) return;
  if (out.retransmission) net_.counters().tcp_retrans_segs.add(out.segments());
  if (!out.header.options.sack.empty()) [[unlikely]]
    count_duplicate(out.header);
  if (out.probe) [[unlikely]]
    net_.counters().tcp_mtu_probes.add();
  if (observer_ != nullptr) [[unlikely]]
    observe(Direction::kTx, socket, packet, &out);
  const Path before = socket.path;
  finish(std::move(packet), socket.flow, out, sum, out.len, marks_of(socket.connection),
         socket.path);
  if (socket.path.interface != before.interface || socket.path.mtu != before.mtu) [[unlikely]]
    moved(socket);
}

/// `out`: null of one that came.
template <PacketBuffer P>
void TcpTransport<P>::observe(Direction direction, const Socket& socket, P& packet,
                              const tcp::SegmentOut* out) noexcept {
  const tcp::Connection& connection = socket.connection;
  observer_->on_segment(direction, packet,
                        {SocketKind::kTcp, sockets_.handle_of(socket.timer.id())},
                        out == nullptr ? connection.trace() : connection.trace(*out));
}

/// RFC 2883 section 4 tells a block of data received twice from the others.
template <PacketBuffer P>
void TcpTransport<P>::count_duplicate(const TcpRepr& header) noexcept {
  const auto& blocks = header.options.sack;
  const SackBlock first = blocks[0];
  if (header.ack && first.left.before(*header.ack)) {
    net_.counters().tcp_dsack_old_sent.add();
  } else if (blocks.size() > 1 && blocks[1].left.at_or_before(first.left) &&
             first.right.at_or_before(blocks[1].right)) {
    net_.counters().tcp_dsack_ofo_sent.add();
  }
}

/// The routes lead elsewhere now, or the path has become wider or narrower: segments are cut for
/// it.
template <PacketBuffer P>
void TcpTransport<P>::moved(Socket& socket) noexcept {
  const bool v4 = socket.flow.local.is_v4();
  const typename Network<P>::Mtu mtu = net_.mtu_to(socket.flow.remote, socket.path.interface);
  socket.connection.path_changed(context_, mss_of(mtu.link, v4), mss_of(mtu.path, v4));
}

/// Before it says anything on a path that may have changed: how long may its packets be?
template <PacketBuffer P>
void TcpTransport<P>::look_at_path(Socket& socket) noexcept {
  const std::uint16_t mtu = net_.mtu_to(socket.flow.remote, socket.path.interface).path;
  if (mtu == socket.path.mtu) return;
  socket.path.mtu = mtu;
  moved(socket);
}

/// Which packet of the send queue holds this octet. The cursors make it O(1) for new data, for the
/// first segment, and for one resent after another.
template <PacketBuffer P>
typename P::Node* TcpTransport<P>::locate(Socket& socket, SeqNumber seq) const noexcept {
  const auto holds = [&](Node* node) {
    if (node == nullptr) return false;
    const PacketMeta& meta = P::meta_of(node);
    return meta.seq.at_or_before(seq) && seq.before(meta.seq + meta.payload_len);
  };
  if (holds(socket.send_cursor)) return socket.send_cursor;
  if (holds(socket.resend_cursor)) return socket.resend_cursor;
  for (Node* node = socket.send.head(); node != nullptr; node = PacketQueue<P>::after(node)) {
    if (holds(node)) return node;
  }
  return nullptr;
}

/// The text of a segment as a packet of its own. The rule: a segment is one packet of the send
/// queue, nobody else looks at it, and its headers go into the room before it; the socket keeps it
/// until it is acknowledged. All else is gathered behind fresh headers.
template <PacketBuffer P>
P TcpTransport<P>::payload_packet(Socket& socket, const tcp::SegmentOut& out,
                                  InternetSum& sum) noexcept {
  const SeqNumber begin = out.text_begin();
  Node* node = locate(socket, begin);
  SMOL_CHECK(node != nullptr);
  PacketMeta& meta = P::meta_of(node);
  const SeqNumber end = begin + out.len;
  const PortOffloads& can = net_.interface(socket.path.interface).offloads;
  P packet;
  {
    Borrowed<P> kept{node};
    if (meta.seq == begin && meta.payload_len == out.len && kept->unique()) {
      kept->trim_front(kept->size() - meta.payload_len);  // headers of the last time
      if (!can.tcp_checksum) sum = sum_of_text(*kept, meta);
      if (can.reads_only) {
        packet = kept->hold();
      } else if (std::optional<P> view = kept->share(0, out.len)) {
        packet = std::move(*view);
      }
      if (packet) net_.counters().made.add();
    }
  }
  if (!packet) packet = gather(socket, node, out, can.tcp_checksum ? nullptr : &sum);
  // Where the next segment will look.
  while (node != nullptr && P::meta_of(node).seq.before(end) &&
         (P::meta_of(node).seq + P::meta_of(node).payload_len).at_or_before(end)) {
    node = PacketQueue<P>::after(node);
  }
  (out.retransmission ? socket.resend_cursor : socket.send_cursor) = node;
  return packet;
}

/// Of the text of a packet in the send queue, which has its headers off: taken once, and kept.
template <PacketBuffer P>
InternetSum TcpTransport<P>::sum_of_text(const P& kept, PacketMeta& meta) noexcept {
  if (!meta.payload_sum_valid) {
    meta.payload_sum = packet_sum(kept, 0, meta.payload_len).folded();
    meta.payload_sum_valid = true;
  }
  return InternetSum{meta.payload_sum};
}

/// Fresh headers in front of views of the queue's packets: for a device that cuts, after the
/// segment size changed, or while a device or a peer still looks at the last copy, whose headers
/// must not change under its eyes. `sum`: null where the device takes it.
template <PacketBuffer P>
P TcpTransport<P>::gather(const Socket& socket, Node* node, const tcp::SegmentOut& out,
                          InternetSum* sum) noexcept {
  P packet = net_.make_small();
  if (!packet) return {};
  SeqNumber at = out.text_begin();
  std::uint32_t left = out.len;
  for (; left > 0; node = PacketQueue<P>::after(node)) {
    SMOL_CHECK(node != nullptr);
    const PacketMeta& meta = P::meta_of(node);
    Borrowed<P> kept{node};
    const std::uint32_t skip = meta.seq.until(at);
    const std::uint32_t take = std::min(meta.payload_len - skip, left);
    const std::size_t offset = kept->size() - meta.payload_len + skip;
    InternetSum part;
    if (!attach(packet, *kept, offset, take, sum == nullptr ? nullptr : &part)) {
      net_.drop_outgoing(socket.path.interface, std::move(packet), Drop::kTxNoBuffer);
      return {};
    }
    if (sum != nullptr) (out.len - left) % 2 == 1 ? sum->add_odd(part) : sum->add(part);
    at += take;
    left -= take;
  }
  return packet;
}

/// Text of `kept` behind what `packet` has: a view of it, or a copy of what is not worth one, since
/// a device takes a packet in so many pieces and no more. `sum`: null if nobody asks. False: there
/// is no packet for it.
template <PacketBuffer P>
bool TcpTransport<P>::attach(P& packet, P& kept, std::size_t offset, std::size_t take,
                             InternetSum* sum) noexcept {
  if (take >= kWorthAView) {
    std::optional<P> view = kept.share(offset, take);
    if (!view) return false;
    const PacketMeta& meta = kept.meta();
    if (sum != nullptr) {
      *sum = take == meta.payload_len && meta.payload_sum_valid ? InternetSum{meta.payload_sum}
                                                                : packet_sum(*view, 0, take);
    }
    packet.chain(std::move(*view));
    return true;
  }
  MutBytes room = packet.append(take);
  P more;
  if (room.empty()) {
    more = net_.pool().allocate();
    if (!more) return false;
    room = more.append(take);
  }
  packet_copy(kept, offset, room);
  if (sum != nullptr) *sum = internet_sum(room);
  if (more) packet.chain(std::move(more));
  return true;
}

/// TCP header, checksum, and down to IP.
template <PacketBuffer P>
void TcpTransport<P>::finish(P packet, const tcp::FlowKey& flow, tcp::SegmentOut& out,
                             InternetSum payload_sum, std::size_t payload_len, const Marks& marks,
                             Path& path) noexcept {
  out.header.src_port = flow.local_port;
  out.header.dst_port = flow.remote_port;
  const std::size_t header_len = out.header.header_len();
  const MutBytes head = packet.prepend(header_len);
  if (head.empty()) {
    net_.drop_outgoing(path.interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  out.header.emit(head);
  // Of what a device cuts each has a length of its own, which the device adds.
  const auto length =
      out.segment_size != 0 ? 0 : static_cast<std::uint32_t>(header_len + payload_len);
  InternetSum sum = pseudo_header_sum(flow.local, flow.remote,
                                      static_cast<std::uint8_t>(IpProtocol::kTcp), length);
  PacketMeta& meta = packet.meta();
  meta.tx = TxOffload{};
  if (net_.interface(path.interface).offloads.tcp_checksum) {
    meta.tx.tcp_checksum = true;
    meta.tx.l4_len = static_cast<std::uint8_t>(header_len);
    meta.tx.segment_size = out.segment_size;
    put_be16(head, 16, sum.folded());
  } else {
    put_be16(head, 16, sum.add(internet_sum(head)).add(payload_sum).checksum());
  }
  StackCounters& counters = net_.counters();
  counters.tcp_out_segs.add(out.segments());
  if (out.header.control == TcpControl::kRst) counters.tcp_out_rsts.add();
  IpHeader ip;
  ip.source = flow.local;
  ip.destination = flow.remote;
  ip.protocol = IpProtocol::kTcp;
  ip.hop_limit = marks.hop_limit;
  ip.dscp = marks.dscp;
  ip.ecn = out.ecn;
  // One label a flow, unguessable from outside (RFC 6437 section 3). Not from the hash of the
  // tables, which would tell a peer how to aim at a bucket.
  if (flow.local.is_v6()) ip.flow_label = marks.ts_offset >> 12 | 1;
  net_.send(std::move(packet), ip, path);
}

/// A segment of no connection: a RST, or the last word of TIME-WAIT.
template <PacketBuffer P>
void TcpTransport<P>::send_alone(const tcp::FlowKey& flow, tcp::SegmentOut& out,
                                 const Marks& marks) noexcept {
  P packet = net_.make_small();
  if (!packet) return;
  Path path;
  path.interface = flow.interface;
  finish(std::move(packet), flow, out, InternetSum{}, 0, marks, path);
}

template <PacketBuffer P>
void TcpTransport<P>::reply_reset(const Inbound<P>& in) noexcept {
  if (!resets_.take(net_.now())) return;
  tcp::SegmentOut out = tcp::reset_for(in.segment);
  send_alone(
      in.flow, out,
      {net_.config().hop_limit, in.dscp, tcp::timestamp_offset(net_.secrets().isn, in.flow)});
}

template <PacketBuffer P>
void TcpTransport<P>::free_acked(Socket& socket) noexcept {
  const SeqNumber una = socket.connection.snd_una();
  while (!socket.send.empty()) {
    Node* head = socket.send.head();
    const PacketMeta& meta = P::meta_of(head);
    if ((meta.seq + meta.payload_len).after(una)) return;
    if (socket.resend_cursor == head) socket.resend_cursor = nullptr;
    if (socket.send_cursor == head) socket.send_cursor = nullptr;
    socket.send.pop_front();
    --socket.send_packets;
  }
}

}  // namespace smol
