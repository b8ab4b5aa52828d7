#include "tests/support/frames.hh"

#include <algorithm>

#include "protocols/base/checksum.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/nd.hh"
#include "protocols/wire/print.hh"
#include "protocols/wire/tcp.hh"

namespace smol {
namespace {

InternetSum transport_sum(const IpAddress& source, const IpAddress& destination,
                          IpProtocol protocol, Bytes octets) {
  return pseudo_header_sum(source, destination, static_cast<std::uint8_t>(protocol),
                           static_cast<std::uint32_t>(octets.size()))
      .add(internet_sum(octets));
}

}  // namespace

Octets octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string text_of(Bytes octets) {
  return {octets.begin(), octets.end()};
}

Octets pattern(std::size_t octets, std::size_t from) {
  Octets out(octets);
  for (std::size_t i = 0; i < octets; ++i) out[i] = static_cast<std::uint8_t>((from + i) % 251);
  return out;
}

Octets frame(const MacAddress& to, const MacAddress& from, EtherType type, const Octets& payload) {
  return emitted(EthernetRepr{to, from, type}) + payload;
}

Octets arp_packet(const ArpRepr& arp) {
  return emitted(arp, ArpRepr::packet_len());
}

Octets ip_packet(const IpAddress& source, const IpAddress& destination, IpProtocol protocol,
                 const Octets& payload, const IpFields& fields) {
  if (source.is_v4()) {
    Ip4Repr ip;
    ip.source = source;
    ip.destination = destination;
    ip.protocol = protocol;
    ip.ttl = fields.hop_limit;
    ip.dscp = fields.dscp;
    ip.ecn = fields.ecn;
    ip.payload_len = static_cast<std::uint16_t>(payload.size());
    return emitted(ip) + payload;
  }
  Ip6Repr ip;
  ip.source = source;
  ip.destination = destination;
  ip.next_header = protocol;
  ip.hop_limit = fields.hop_limit;
  ip.dscp = fields.dscp;
  ip.ecn = fields.ecn;
  ip.payload_len = static_cast<std::uint16_t>(payload.size());
  return emitted(ip) + payload;
}

Octets ip4_packet_with_options(const IpAddress& source, const IpAddress& destination,
                               IpProtocol protocol, const Octets& options, const Octets& payload) {
  Octets out = ip_packet(source, destination, protocol, options + payload);
  out[0] = static_cast<std::uint8_t>(0x40 | (5 + options.size() / 4));
  const Octets header{out.begin(), out.begin() + 20};
  fix_ip4_checksum(out, 0);
  return out;
}

void fix_ip4_checksum(Octets& octets, std::size_t ip) {
  const std::size_t header_len = 4u * (octets[ip] & 0xf);
  const MutBytes header = MutBytes{octets}.subspan(ip, header_len);
  put_be16(header, 10, 0);
  put_be16(header, 10, internet_sum(header).checksum());
}

Octets udp_datagram(const IpEndpoint& from, const IpEndpoint& to, const Octets& payload) {
  Octets out =
      emitted(UdpRepr{from.port, to.port, static_cast<std::uint16_t>(payload.size())}) + payload;
  const std::uint16_t checksum =
      transport_sum(from.address, to.address, IpProtocol::kUdp, out).checksum();
  put_be16(out, 6, checksum == 0 ? 0xffff : checksum);
  return out;
}

Octets tcp_segment(const IpEndpoint& from, const IpEndpoint& to, TcpRepr header,
                   const Octets& payload) {
  header.src_port = from.port;
  header.dst_port = to.port;
  Octets out = emitted(header) + payload;
  put_be16(out, 16, transport_sum(from.address, to.address, IpProtocol::kTcp, out).checksum());
  return out;
}

Octets icmp_message(const IpAddress& source, const IpAddress& destination, std::uint8_t type,
                    std::uint8_t code, std::uint32_t rest, const Octets& payload) {
  Octets out(8);
  out[0] = type;
  out[1] = code;
  put_be32(out, 4, rest);
  out = out + payload;
  if (source.is_v6()) return with_icmp6_checksum(source, destination, std::move(out));
  put_be16(out, 2, internet_sum(out).checksum());
  return out;
}

Octets with_icmp6_checksum(const IpAddress& source, const IpAddress& destination, Octets message) {
  put_be16(message, 2, 0);
  put_be16(message, 2, transport_sum(source, destination, IpProtocol::kIcmp6, message).checksum());
  return message;
}

// --- taking frames apart -------------------------------------------------------------------------

namespace {

void dissect_transport(Frame& out, Bytes transport) {
  const auto sum = [&] {
    return transport_sum(out.source, out.destination, out.protocol, transport);
  };
  std::size_t header = 0;
  if (out.protocol == IpProtocol::kTcp) {
    const Result<TcpView> view = TcpView::parse(transport);
    ASSERT_TRUE(view.has_value());
    const Result<TcpRepr> repr = TcpRepr::parse(*view);
    ASSERT_TRUE(repr.has_value());
    out.tcp = *repr;
    header = view->header_len();
    EXPECT_TRUE(sum().verifies()) << "TCP checksum";
  } else if (out.protocol == IpProtocol::kUdp) {
    const Result<UdpView> view = UdpView::parse(transport, transport.size());
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->length(), transport.size());
    EXPECT_NE(view->checksum(), 0);
    out.udp = UdpRepr::parse(*view);
    header = UdpView::kHeader;
    EXPECT_TRUE(sum().verifies()) << "UDP checksum";
  } else if (out.protocol == IpProtocol::kIcmp || out.protocol == IpProtocol::kIcmp6) {
    ASSERT_GE(transport.size(), 8u);
    out.icmp = IcmpFields{u8(transport, 0), u8(transport, 1), be32(transport, 4)};
    header = 8;
    const InternetSum total = out.source.is_v4() ? internet_sum(transport) : sum();
    EXPECT_TRUE(total.verifies()) << "ICMP checksum";
  }
  out.payload.assign(transport.begin() + static_cast<std::ptrdiff_t>(header), transport.end());
}

void dissect_ip4(Frame& out, Bytes packet) {
  const Result<Ip4View> ip = Ip4View::parse(packet, packet.size());
  ASSERT_TRUE(ip.has_value()) << name(ip.error());
  EXPECT_EQ(ip->total_len(), packet.size());
  EXPECT_TRUE(ip->checksum_ok()) << "IPv4 checksum";
  EXPECT_NE(ip->ttl(), 0);  // IP4-012
  out.is_ip = true;
  out.source = ip->source();
  out.destination = ip->destination();
  out.protocol = ip->protocol();
  out.hop_limit = ip->ttl();
  out.dscp = ip->dscp();
  out.ecn = ip->ecn();
  out.dont_fragment = ip->dont_fragment();
  out.ip_len = ip->total_len();
  dissect_transport(out, packet.subspan(ip->header_len()));
}

void dissect_ip6(Frame& out, Bytes packet) {
  const Result<Ip6View> ip = Ip6View::parse(packet, packet.size());
  ASSERT_TRUE(ip.has_value()) << name(ip.error());
  EXPECT_EQ(Ip6View::kHeader + ip->payload_len(), packet.size());
  out.is_ip = true;
  out.source = ip->source();
  out.destination = ip->destination();
  out.protocol = ip->next_header();
  out.hop_limit = ip->hop_limit();
  out.dscp = ip->dscp();
  out.ecn = ip->ecn();
  out.flow_label = ip->flow_label();
  out.ip_len = packet.size();
  dissect_transport(out, packet.subspan(Ip6View::kHeader));
}

}  // namespace

Frame dissect(Bytes octets) {
  Frame out;
  out.octets.assign(octets.begin(), octets.end());
  const Result<EthernetView> link = EthernetView::parse(octets);
  EXPECT_TRUE(link.has_value());
  if (!link) return out;
  EXPECT_GE(link->type(), EthernetView::kFirstType);  // ETH-003
  out.link = EthernetRepr::parse(*link);
  const Bytes rest = octets.subspan(EthernetView::kHeader);
  switch (out.link.type) {
    case EtherType::kArp:
      if (const Result<ArpRepr> arp = ArpRepr::parse(rest); arp) out.arp = *arp;
      EXPECT_TRUE(out.arp.has_value());
      break;
    case EtherType::kIp4:
      dissect_ip4(out, rest);
      break;
    case EtherType::kIp6:
      dissect_ip6(out, rest);
      break;
    case EtherType::kVlan:
      ADD_FAILURE() << "sent a VLAN tag";
      break;
  }
  return out;
}

IpAddress asked_for(const Frame& frame) {
  if (frame.arp) {
    return frame.arp->operation == ArpOperation::kRequest ? frame.arp->target_ip : IpAddress{};
  }
  if (!frame.icmp || frame.source.is_v4() || frame.icmp->type != 135) return {};
  const auto message = NeighborSolicitRepr::parse(frame.ip_octets().subspan(40));
  return message ? message->target : IpAddress{};
}

Octets neighbor_answer(const Frame& question, const MacAddress& mac) {
  const MacAddress& asker = question.link.source;
  if (question.arp) {
    ArpRepr arp;
    arp.operation = ArpOperation::kReply;
    arp.sender_mac = mac;
    arp.sender_ip = question.arp->target_ip;
    arp.target_mac = asker;
    arp.target_ip = question.arp->sender_ip;
    return frame(asker, mac, EtherType::kArp, arp_packet(arp));
  }
  NeighborAdvertRepr advert;
  advert.solicited = true;
  advert.override_ = true;
  advert.target = asked_for(question);
  advert.target_mac = mac;
  const Octets message =
      with_icmp6_checksum(advert.target, question.source, emitted(advert, advert.message_len()));
  return frame(asker, mac, EtherType::kIp6,
               ip_packet(advert.target, question.source, IpProtocol::kIcmp6, message, {255, 0}));
}

void PrintTo(const Frame& frame, std::ostream* out) {
  Text<kMaxPrinted> text;
  print_frame(text, frame.octets);
  *out << '\n' << text.view();
}

std::string flags_of(const TcpRepr& tcp) {
  std::string out;
  const auto control = static_cast<std::uint8_t>(tcp.control);
  for (const auto& [bit, letter] :
       {std::pair{TcpFlags::kSyn, 'S'}, std::pair{TcpFlags::kFin, 'F'},
        std::pair{TcpFlags::kRst, 'R'}, std::pair{TcpFlags::kPsh, 'P'}}) {
    if ((control & bit) != 0) out += letter;
  }
  if (tcp.ack) out += '.';
  return out;
}

// --- checks --------------------------------------------------------------------------------------

namespace {

template <class T>
std::string text(const T& value) {
  Text<128> out;
  value.print(out);
  return std::string{out.view()};
}

/// A check of one thing: what it is called, how to get it out of a frame, and what it should be.
template <class Get, class Want>
FrameCheck check(const char* what, Get get, Want want) {
  return ::testing::ResultOf(what, get, ::testing::Eq(want));
}

std::string icmp_text(int type, int code) {
  return std::to_string(type) + "/" + std::to_string(code);
}

}  // namespace

FrameCheck link_to(const MacAddress& mac) {
  return check(
      "link destination", [](const Frame& f) { return text(f.link.destination); }, text(mac));
}
FrameCheck link_from(const MacAddress& mac) {
  return check(
      "link source", [](const Frame& f) { return text(f.link.source); }, text(mac));
}
FrameCheck ip_from(const IpAddress& address) {
  return check(
      "source", [](const Frame& f) { return f.is_ip ? text(f.source) : "no IP packet"; },
      text(address));
}
FrameCheck ip_to(const IpAddress& address) {
  return check(
      "destination", [](const Frame& f) { return f.is_ip ? text(f.destination) : "no IP packet"; },
      text(address));
}
FrameCheck hop_limit_is(int value) {
  return check(
      "hop limit", [](const Frame& f) { return int{f.hop_limit}; }, value);
}
FrameCheck dscp_is(int value) {
  return check(
      "dscp", [](const Frame& f) { return int{f.dscp}; }, value);
}
FrameCheck ip_len_is(std::size_t octets) {
  return check(
      "octets of the IP packet", [](const Frame& f) { return f.ip_len; }, octets);
}
FrameCheck tcp_ports(std::uint16_t source, std::uint16_t destination) {
  return check(
      "TCP ports",
      [](const Frame& f) {
        return f.tcp ? std::pair<int, int>{f.tcp->src_port, f.tcp->dst_port}
                     : std::pair<int, int>{};
      },
      std::pair<int, int>{source, destination});
}
FrameCheck tcp_is(std::string_view flags) {
  return check(
      "TCP flags", [](const Frame& f) { return f.tcp ? flags_of(*f.tcp) : std::string{"no TCP"}; },
      std::string{flags});
}
FrameCheck tcp_seq(SeqNumber seq) {
  return check(
      "seq", [](const Frame& f) { return f.tcp ? f.tcp->seq.raw : 0; }, seq.raw);
}
FrameCheck tcp_ack(SeqNumber ack) {
  return check(
      "ack", [](const Frame& f) { return f.tcp ? f.tcp->ack.value_or(SeqNumber{}).raw : 0; },
      ack.raw);
}
FrameCheck tcp_window(std::uint16_t window) {
  return check(
      "window", [](const Frame& f) { return f.tcp ? int{f.tcp->window} : -1; }, int{window});
}
FrameCheck udp_ports(std::uint16_t source, std::uint16_t destination) {
  return check(
      "UDP ports",
      [](const Frame& f) {
        return f.udp ? std::pair<int, int>{f.udp->src_port, f.udp->dst_port}
                     : std::pair<int, int>{};
      },
      std::pair<int, int>{source, destination});
}
FrameCheck icmp_is(int type, int code) {
  return check(
      "ICMP type/code",
      [](const Frame& f) {
        return f.icmp ? icmp_text(f.icmp->type, f.icmp->code) : std::string{"no ICMP"};
      },
      icmp_text(type, code));
}
FrameCheck icmp_rest(std::uint32_t rest) {
  return check(
      "second word of the ICMP header", [](const Frame& f) { return f.icmp ? f.icmp->rest : 0; },
      rest);
}
FrameCheck carries(const Octets& payload) {
  return check(
      "payload", [](const Frame& f) { return f.payload; }, payload);
}
FrameCheck carries(std::string_view payload) {
  return check(
      "payload", [](const Frame& f) { return text_of(f.payload); }, std::string{payload});
}
FrameCheck carries_octets(std::size_t count) {
  return check(
      "octets of payload", [](const Frame& f) { return f.payload.size(); }, count);
}
FrameCheck arp_request_for(const IpAddress& target) {
  return check(
      "ARP request",
      [](const Frame& f) {
        return f.arp && f.arp->operation == ArpOperation::kRequest ? text(f.arp->target_ip)
                                                                   : "none";
      },
      text(target));
}
FrameCheck arp_reply_from(const IpAddress& sender, const MacAddress& mac) {
  return check(
      "ARP reply",
      [](const Frame& f) {
        return f.arp && f.arp->operation == ArpOperation::kReply
                   ? text(f.arp->sender_ip) + " is at " + text(f.arp->sender_mac)
                   : "none";
      },
      text(sender) + " is at " + text(mac));
}
FrameCheck solicits(const IpAddress& target) {
  return check(
      "neighbour solicitation",
      [](const Frame& f) {
        const auto message = NeighborSolicitRepr::parse(
            f.icmp && f.source.is_v6() && f.icmp->type == 135 ? f.ip_octets().subspan(40)
                                                              : Bytes{});
        return message ? text(message->target) : "none";
      },
      text(target));
}
FrameCheck advertises(const IpAddress& target) {
  return check(
      "neighbour advertisement",
      [](const Frame& f) {
        const auto message = NeighborAdvertRepr::parse(
            f.icmp && f.source.is_v6() && f.icmp->type == 136 ? f.ip_octets().subspan(40)
                                                              : Bytes{});
        return message ? text(message->target) : "none";
      },
      text(target));
}

}  // namespace smol
