// What sockets of messages have in common, whatever the protocol: a queue of received packets that
// is bounded, and the way to where they last sent.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "protocols/base/check.hh"
#include "protocols/base/result.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/inbound.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/network.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {

/// A received packet at the head of a queue, taken apart down to the transport. Borrowed from it.
struct KeptDatagram {
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
  InterfaceId interface = 0;
  Instant at{};
  Bytes message;  ///< transport header and all, contiguous
};

/// Packets kept as they came, headers and all: they say who sent them.
template <PacketBuffer P>
class DatagramQueue {
 public:
  /// Both UDP and ICMP say what they have to say in so many octets.
  static constexpr std::size_t kHeader = 8;

  /// Keeps the packet if it may: `length` octets of transport from in.l4 on, at most `limit`
  /// packets in the queue. Why not, else; the packet is still in `in` then.
  std::optional<Drop> keep(Network<P>& net, Inbound<P>& in, std::size_t length,
                           std::uint32_t limit) noexcept;
  /// None: the queue is empty. Valid until the next call.
  std::optional<KeptDatagram> front() noexcept;
  void pop() noexcept;

  std::uint32_t size() const noexcept { return size_; }
  /// Of payload.
  std::uint32_t octets() const noexcept { return octets_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  static bool in_one_piece(Network<P>& net, P& packet) noexcept;

  PacketQueue<P> packets_;
  std::uint32_t size_ = 0;
  std::uint32_t octets_ = 0;
  std::uint64_t dropped_ = 0;
};

/// What a listing shows of any socket of messages; its endpoints are for who knows them.
template <class Socket>
SocketInfo message_socket_info(SocketId id, const Socket& socket) noexcept {
  SocketInfo info;
  info.id = id;
  info.kind = id.kind;
  info.receive_queue = socket.receive.octets();
  info.messages = socket.receive.size();
  info.dropped = socket.receive.dropped();
  info.owned = true;
  info.owner = socket.options.owner;
  info.user_data = socket.options.user_data;
  return info;
}

/// The way of a socket to its last destination, so that a conversation looks up its route once.
struct DatagramPath {
  Path path;
  IpAddress to;
  IpAddress from;

  /// Where a message to `remote` goes; path.interface is where it leaves. `bound`: the socket's
  /// address, of its family. The address of ours that it comes from, or as of Sockets::udp_send().
  template <PacketBuffer P>
  Result<IpAddress, Error> choose(Network<P>& net, const IpAddress& bound, const IpAddress& remote,
                                  const std::optional<IpAddress>& source,
                                  std::optional<InterfaceId> interface) noexcept;
};

template <PacketBuffer P>
std::optional<Drop> DatagramQueue<P>::keep(Network<P>& net, Inbound<P>& in, std::size_t length,
                                           std::uint32_t limit) noexcept {
  // When packets are short, who leaves messages unread gets no more of them.
  const bool unread_costs = size_ > 0 && net.short_of_memory();
  if (size_ >= limit || unread_costs || net.out_of_memory()) {
    ++dropped_;
    return Drop::kSocketFull;
  }
  // Octets behind the message are no part of it.
  in.packet.trim_back(in.packet.size() - (in.l4 + length));
  if (!in_one_piece(net, in.packet)) {
    ++dropped_;
    return Drop::kSocketTooLong;
  }
  PacketMeta& meta = in.packet.meta();
  meta.tx.l2_len = static_cast<std::uint8_t>(in.l3);
  meta.tx.l3_len = static_cast<std::uint16_t>(in.l4 - in.l3);
  meta.interface = in.interface;
  meta.at = net.now();
  packets_.push_back(std::move(in.packet));
  ++size_;
  octets_ += static_cast<std::uint32_t>(length - kHeader);
  net.counters().consumed.add();
  return std::nullopt;
}

/// Messages are lent to their users as one piece: a chain is put together, in place where its first
/// buffer has room and nobody else looks at it. False: no buffer holds it.
template <PacketBuffer P>
bool DatagramQueue<P>::in_one_piece(Network<P>& net, P& packet) noexcept {
  if (!packet.pull(packet.size()).empty()) return true;
  P whole = net.pool().allocate();
  if (!whole) return false;
  const MutBytes room = whole.append(packet.size());
  if (room.empty()) return false;
  packet_copy(packet, 0, room);
  whole.meta() = packet.meta();
  packet = std::move(whole);
  return true;
}

template <PacketBuffer P>
std::optional<KeptDatagram> DatagramQueue<P>::front() noexcept {
  if (packets_.empty()) return std::nullopt;
  Borrowed<P> packet{packets_.head()};
  const PacketMeta& meta = packet->meta();
  const std::size_t l3 = meta.tx.l2_len;
  const std::size_t l4 = l3 + meta.tx.l3_len;
  const MutBytes all = packet->pull(packet->size());
  SMOL_CHECK(!all.empty());
  KeptDatagram out;
  const auto take = [&](const auto& ip, std::uint8_t hop_limit) {
    out.source = ip.source();
    out.destination = ip.destination();
    out.dscp = ip.dscp();
    out.ecn = ip.ecn();
    out.hop_limit = hop_limit;
  };
  // What followed the message in its IP packet is cut off since: the IP header may speak of more
  // than there is.
  constexpr std::size_t kWhole = 0xffff + Ip6View::kHeader;
  if (all[l3] >> 4 == 4) {
    const Result<Ip4View> ip = Ip4View::parse(all.subspan(l3), kWhole);
    SMOL_CHECK(ip.has_value());
    take(*ip, ip->ttl());
  } else {
    const Result<Ip6View> ip = Ip6View::parse(all.subspan(l3), kWhole);
    SMOL_CHECK(ip.has_value());
    take(*ip, ip->hop_limit());
  }
  out.interface = meta.interface;
  out.at = meta.at;
  out.message = all.subspan(l4);
  return out;
}

template <PacketBuffer P>
void DatagramQueue<P>::pop() noexcept {
  if (packets_.empty()) return;
  P packet = packets_.pop_front();
  --size_;
  const PacketMeta& meta = packet.meta();
  octets_ -= static_cast<std::uint32_t>(packet.size() - meta.tx.l2_len - meta.tx.l3_len - kHeader);
}

template <PacketBuffer P>
Result<IpAddress, Error> DatagramPath::choose(Network<P>& net, const IpAddress& bound,
                                              const IpAddress& remote,
                                              const std::optional<IpAddress>& source,
                                              std::optional<InterfaceId> interface) noexcept {
  std::optional<IpAddress> wanted = source;
  if (!wanted && !bound.is_unspecified()) wanted = bound;
  const bool same =
      net.is_current(path) && to == remote && (!wanted || *wanted == from) && !interface;
  if (same) {
    if (net.has_failed(path)) return fail(Error::kHostUnreachable);
    return from;
  }
  if (remote.family() != bound.family()) return fail(Error::kInvalid);
  const auto egress = net.route(remote, wanted, interface);
  if (!egress) return fail(egress.error());
  if (net.has_failed(egress->interface, egress->next_hop)) return fail(Error::kHostUnreachable);
  path = Path{};
  path.interface = egress->interface;
  to = remote;
  from = egress->source;
  return from;
}

}  // namespace smol
