// ICMP (RFC 792, RFC 1122 section 3.2.2) and ICMPv6 (RFC 4443): echo both ways, errors both ways.
// Included by stack_impl.hh only.
#pragma once

#include <algorithm>
#include <memory_resource>
#include <optional>
#include <utility>

#include "protocols/base/token_bucket.hh"
#include "protocols/icmp/errors.hh"
#include "protocols/icmp/quote.hh"
#include "protocols/stack/icmp_sockets.hh"
#include "protocols/stack/inbound.hh"
#include "protocols/stack/network.hh"
#include "protocols/stack/resolution.hh"
#include "protocols/stack/tcp_transport.hh"
#include "protocols/stack/udp_transport.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol {

template <PacketBuffer P>
class IcmpTransport final : public Network<P>::Unreachable {
 public:
  IcmpTransport(Network<P>& net, Resolution<P>& resolution, TcpTransport<P>& tcp,
                UdpTransport<P>& udp, std::pmr::memory_resource& memory)
      : net_{net},
        resolution_{resolution},
        tcp_{tcp},
        udp_{udp},
        sockets_{net, memory},
        errors_{net.config().icmp.error_interval, net.config().icmp.error_burst},
        echos_{net.config().icmp.echo_interval, net.config().icmp.echo_burst} {}

  /// Takes the packet, or says why not.
  std::optional<Drop> receive4(Inbound<P>& in) noexcept;
  std::optional<Drop> receive6(Inbound<P>& in) noexcept;
  /// Answers a packet with an error, if the rules and the rate limit allow.
  void complain(Inbound<P>& in, icmp::Complaint complaint) noexcept;
  /// A neighbour never answered: the senders of what waited for it learn it as if a router had said
  /// so.
  void on_unreachable(InterfaceId interface, const P& packet) noexcept override;

  IcmpSockets<P>& sockets() noexcept { return sockets_; }
  const IcmpSockets<P>& sockets() const noexcept { return sockets_; }

 private:
  std::optional<Drop> echo(Inbound<P>& in, std::uint8_t reply_type) noexcept;
  std::optional<Drop> error_about(Inbound<P>& in, icmp::Meaning meaning) noexcept;
  static bool is_echo(const icmp::Quote& quote) noexcept {
    return quote.protocol == IpProtocol::kIcmp || quote.protocol == IpProtocol::kIcmp6;
  }
  static tcp::FlowKey flow_of(InterfaceId interface, const icmp::Quote& quote) noexcept;
  std::optional<Drop> too_big(Inbound<P>& in, const icmp::Quote& quote) noexcept;
  bool tell(InterfaceId interface, const icmp::Quote& quote, icmp::Meaning meaning) noexcept;

  Network<P>& net_;
  Resolution<P>& resolution_;
  TcpTransport<P>& tcp_;
  UdpTransport<P>& udp_;
  IcmpSockets<P> sockets_;
  TokenBucket errors_;
  TokenBucket echos_;
};

template <PacketBuffer P>
std::optional<Drop> IcmpTransport<P>::receive4(Inbound<P>& in) noexcept {
  const MutBytes front =
      in.packet.pull(in.l4 + std::min<std::size_t>(in.l4_len, Icmp4View::kHeader));
  if (front.empty()) return Drop::kIcmpTruncated;
  const Result<Icmp4View> view = Icmp4View::parse(front.subspan(in.l4), in.l4_len);
  if (!view) return view.error();
  if (!packet_sum(in.packet, in.l4, in.l4_len).verifies()) return Drop::kIcmpBadChecksum;
  switch (view->type()) {
    case Icmp4Type::kEchoRequest:
      return echo(in, static_cast<std::uint8_t>(Icmp4Type::kEchoReply));
    case Icmp4Type::kEchoReply:
      return sockets_.reply(in, view->ident());
    case Icmp4Type::kDestinationUnreachable:
    case Icmp4Type::kTimeExceeded:
    case Icmp4Type::kParameterProblem:
      return error_about(in, icmp::meaning(view->type(), view->code()));
    case Icmp4Type::kSourceQuench:  // RFC 6633: neither sent nor heeded
    case Icmp4Type::kRedirect:
      break;
  }
  return Drop::kIcmpUnknownType;
}

template <PacketBuffer P>
std::optional<Drop> IcmpTransport<P>::receive6(Inbound<P>& in) noexcept {
  const MutBytes front =
      in.packet.pull(in.l4 + std::min<std::size_t>(in.l4_len, Icmp6View::kHeader));
  if (front.empty()) return Drop::kIcmpTruncated;
  const Result<Icmp6View> view = Icmp6View::parse(front.subspan(in.l4), in.l4_len);
  if (!view) return view.error();
  const bool good = pseudo_header_sum(in.source, in.destination,
                                      static_cast<std::uint8_t>(IpProtocol::kIcmp6), in.l4_len)
                        .add(packet_sum(in.packet, in.l4, in.l4_len))
                        .verifies();
  if (!good) return Drop::kIcmpBadChecksum;
  const Icmp6Type type = view->type();
  if (is_neighbor_discovery(type)) return resolution_.receive_nd(in);
  if (type == Icmp6Type::kEchoRequest) {
    return echo(in, static_cast<std::uint8_t>(Icmp6Type::kEchoReply));
  }
  if (type == Icmp6Type::kEchoReply) return sockets_.reply(in, view->ident());
  // RFC 4443 section 2.4 a, b: errors of a kind we do not know still go to the socket.
  if (is_error(type)) return error_about(in, icmp::meaning(type, view->code()));
  return Drop::kIcmpUnknownType;
}

/// The reply is the request with another type and other headers: built where it lies.
template <PacketBuffer P>
std::optional<Drop> IcmpTransport<P>::echo(Inbound<P>& in, std::uint8_t reply_type) noexcept {
  if (in.to_group() || in.source.is_unspecified()) return Drop::kIcmpBroadcastEcho;
  const std::size_t reply_len =
      in.l4_len + (in.is_v4 ? Ip4Repr::header_len() : Ip6Repr::header_len());
  if (reply_len > net_.interface(in.interface).mtu) return Drop::kRxFrameTooLong;
  if (!echos_.take(net_.now())) return Drop::kIcmpErrorLimited;
  P packet = std::move(in.packet);
  if (!packet.unique()) {
    // Somebody else still reads these octets.
    P copy = net_.pool().allocate();
    const MutBytes room = copy ? copy.append(in.l4 + in.l4_len) : MutBytes{};
    if (room.empty()) {
      in.packet = std::move(packet);
      return Drop::kTxNoBuffer;
    }
    packet_copy(packet, 0, room);
    packet = std::move(copy);
  }
  packet.trim_front(in.l4);
  const MutBytes head = packet.pull(Icmp4View::kHeader);
  put_u8(head, 0, reply_type);
  put_u8(head, 1, 0);
  put_be16(head, 2, 0);
  InternetSum sum;
  if (!in.is_v4) {
    sum = pseudo_header_sum(in.destination, in.source,
                            static_cast<std::uint8_t>(IpProtocol::kIcmp6), in.l4_len);
  }
  put_be16(head, 2, sum.add(packet_sum(packet, 0, in.l4_len)).checksum());
  packet.meta().tx = TxOffload{};
  IpHeader ip;
  ip.source = in.destination;
  ip.destination = in.source;
  ip.protocol = in.is_v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6;
  ip.hop_limit = net_.config().hop_limit;
  ip.dscp = in.dscp;  // RFC 1122 section 3.2.1.6
  StackCounters& counters = net_.counters();
  counters.icmp_in_echos.add();
  counters.consumed.add();
  counters.made.add();
  net_.send_once(std::move(packet), ip, in.interface);
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> IcmpTransport<P>::error_about(Inbound<P>& in, icmp::Meaning meaning) noexcept {
  // As much of the quote as can matter: an IP header with all its options, and eight octets.
  const std::size_t want = std::min<std::size_t>(in.l4_len, Icmp4View::kHeader + 60 + 8);
  const MutBytes front = in.packet.pull(in.l4 + want);
  if (front.empty()) return Drop::kIcmpTruncated;
  const std::optional<icmp::Quote> quote =
      icmp::parse_quote(front.subspan(in.l4 + Icmp4View::kHeader));
  if (!quote) return Drop::kIcmpErrorUnmatched;
  if (is_echo(*quote)) {
    const std::optional<Drop> why = sockets_.error(in, *quote);
    if (!why) net_.counters().icmp_in_errors.add();
    return why;
  }
  if (quote->protocol == IpProtocol::kTcp && meaning.error == Error::kMessageTooLong) {
    const std::optional<Drop> why = too_big(in, *quote);
    if (why) return why;
  } else if (!tell(in.interface, *quote, meaning)) {
    return Drop::kIcmpErrorUnmatched;
  }
  net_.counters().icmp_in_errors.add();
  net_.consume(std::move(in.packet));
  return std::nullopt;
}

template <PacketBuffer P>
bool IcmpTransport<P>::tell(InterfaceId interface, const icmp::Quote& quote,
                            icmp::Meaning meaning) noexcept {
  if (quote.protocol == IpProtocol::kUdp) {
    return udp_.icmp_error(quote.source, quote.destination, meaning.error);
  }
  return tcp_.icmp_error(flow_of(interface, quote), quote.seq, meaning.error, meaning.hard);
}

/// The connection that a quoted segment belongs to.
template <PacketBuffer P>
tcp::FlowKey IcmpTransport<P>::flow_of(InterfaceId interface, const icmp::Quote& quote) noexcept {
  const bool scoped =
      quote.source.address.is_link_local() || quote.destination.address.is_link_local();
  return {quote.source.address, quote.destination.address, quote.source.port,
          quote.destination.port, scoped ? interface : InterfaceId{0}};
}

/// A segment of ours did not fit a link on its way: TCP makes its segments smaller, and no user
/// hears of it.
template <PacketBuffer P>
std::optional<Drop> IcmpTransport<P>::too_big(Inbound<P>& in, const icmp::Quote& quote) noexcept {
  const Bytes message = in.packet.pull(in.l4 + Icmp4View::kHeader).subspan(in.l4);
  // Over IPv4 the upper half is not used, or says how much is quoted (RFC 4884).
  const std::uint32_t mtu = in.is_v4 ? be16(message, 6) : be32(message, 4);
  return tcp_.packet_too_big(flow_of(in.interface, quote), quote.seq, quote.total_len, mtu);
}

template <PacketBuffer P>
void IcmpTransport<P>::on_unreachable(InterfaceId interface, const P& packet) noexcept {
  // From the IP header on; our own headers lie in one piece at the front.
  const std::optional<icmp::Quote> quote = icmp::parse_quote(packet.segment(0));
  if (!quote) return;
  if (is_echo(*quote)) {
    sockets_.unreachable(interface, packet, *quote);
  } else {
    tell(interface, *quote, {Error::kHostUnreachable, true});
  }
}

template <PacketBuffer P>
void IcmpTransport<P>::complain(Inbound<P>& in, icmp::Complaint complaint) noexcept {
  const bool to_group = in.to_group() || in.packet.meta().link_cast != LinkCast::kUnicast;
  if (!icmp::may_complain(in.source, to_group)) return;
  if (!errors_.take(net_.now())) {
    net_.counters().icmp_errors_limited.add();
    return;
  }
  P packet = net_.make();
  if (!packet) return;
  const std::size_t quoted = icmp::quote_len(in.source.family(), in.packet.size() - in.l3);
  const MutBytes out = packet.append(Icmp4View::kHeader + quoted);
  if (out.empty()) {
    net_.drop_outgoing(in.interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  icmp::emit_complaint(in.source.family(), complaint, out);
  packet_copy(in.packet, in.l3, out.subspan(Icmp4View::kHeader));
  InternetSum sum;
  if (!in.is_v4) {
    sum =
        pseudo_header_sum(in.destination, in.source, static_cast<std::uint8_t>(IpProtocol::kIcmp6),
                          static_cast<std::uint32_t>(out.size()));
  }
  put_be16(out, 2, sum.add(internet_sum(out)).checksum());
  IpHeader ip;
  ip.source = in.destination;
  ip.destination = in.source;
  ip.protocol = in.is_v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6;
  ip.hop_limit = net_.config().hop_limit;
  net_.counters().icmp_out_errors.add();
  net_.send_once(std::move(packet), ip, in.interface);
}

}  // namespace smol
