// ARP (RFC 826) and neighbour discovery (RFC 4861 section 7), the receiving side: answers for our
// own addresses, and news for the neighbour cache. Included by stack_impl.hh only.
#pragma once

#include <optional>
#include <utility>

#include "protocols/stack/inbound.hh"
#include "protocols/stack/network.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/nd.hh"

namespace smol {

template <PacketBuffer P>
class Resolution {
 public:
  explicit Resolution(Network<P>& net) noexcept : net_{net} {}

  /// `packet`: a whole frame. Why it was of no use, or none.
  std::optional<Drop> receive_arp(InterfaceId interface, P& packet) noexcept;
  /// A neighbour discovery message with a good checksum. Why it was of no use, or none.
  std::optional<Drop> receive_nd(Inbound<P>& in) noexcept;

 private:
  std::optional<Drop> solicited(const Inbound<P>& in, const NeighborSolicitRepr& message) noexcept;
  std::optional<Drop> advertised(const Inbound<P>& in, const NeighborAdvertRepr& message) noexcept;
  void advertise(const Inbound<P>& in, const NeighborSolicitRepr& question) noexcept;

  Network<P>& net_;
};

template <PacketBuffer P>
std::optional<Drop> Resolution<P>::receive_arp(InterfaceId interface, P& packet) noexcept {
  const std::size_t want = EthernetView::kHeader + ArpRepr::packet_len();
  if (packet.size() < want) return Drop::kArpTruncated;
  const Result<ArpRepr> arp = ArpRepr::parse(packet.pull(want).subspan(EthernetView::kHeader));
  if (!arp) return arp.error();
  const MacAddress& own_mac = net_.interface(interface).mac;
  const bool probe = arp->sender_ip.is_unspecified();  // RFC 5227 section 2.1.1
  if (arp->sender_mac.is_group() || arp->sender_mac == own_mac || arp->sender_mac.is_zero() ||
      arp->sender_ip.is_multicast() || arp->sender_ip.is_limited_broadcast() ||
      arp->sender_ip.is_loopback() || net_.addresses().find(interface, arp->sender_ip)) {
    return Drop::kArpBadSender;
  }
  const bool for_us = net_.addresses().find(interface, arp->target_ip) == AddressKind::kUnicast;
  // RFC 826: known senders are merged first, whatever the operation; a request for us makes new
  // ones known.
  const bool request = arp->operation == ArpOperation::kRequest;
  bool known = false;
  if (!probe) {
    known = net_.neighbors().find(interface, arp->sender_ip) != nullptr;
    if (request) {
      net_.hear({.kind = NeighborNews::Kind::kSpoke,
                 .create = for_us,
                 .interface = interface,
                 .mac = arp->sender_mac,
                 .address = arp->sender_ip});
    } else {
      net_.hear({.kind = NeighborNews::Kind::kAdvertised,
                 .solicited = for_us,
                 .override_ = true,
                 .interface = interface,
                 .mac = arp->sender_mac,
                 .address = arp->sender_ip});
    }
  }
  if (!for_us && !known) return Drop::kArpNotForUs;
  if (request && for_us) {
    net_.counters().arp_replies_out.add();
    net_.send_arp(interface, false, arp->sender_mac, arp->target_ip, arp->sender_mac,
                  arp->sender_ip);
  }
  net_.counters().arp_in.add();
  net_.consume(std::move(packet));
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Resolution<P>::receive_nd(Inbound<P>& in) noexcept {
  if (in.hop_limit != 255) return Drop::kNdBadHopLimit;
  const MutBytes all = in.packet.pull(in.l4 + in.l4_len);
  if (all.empty()) return Drop::kNdMalformed;
  const Bytes message = all.subspan(in.l4);
  std::optional<Drop> why = Drop::kNdIgnored;
  const auto type = static_cast<Icmp6Type>(message[0]);
  if (type == Icmp6Type::kNeighborSolicit) {
    const Result<NeighborSolicitRepr> solicit = NeighborSolicitRepr::parse(message);
    why = solicit ? solicited(in, *solicit) : std::optional{solicit.error()};
  } else if (type == Icmp6Type::kNeighborAdvert) {
    const Result<NeighborAdvertRepr> advert = NeighborAdvertRepr::parse(message);
    why = advert ? advertised(in, *advert) : std::optional{advert.error()};
  }
  if (why) return why;
  net_.counters().nd_in.add();
  net_.consume(std::move(in.packet));
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Resolution<P>::solicited(const Inbound<P>& in,
                                             const NeighborSolicitRepr& message) noexcept {
  const bool for_detection = in.source.is_unspecified();
  // RFC 4861 section 7.1.1: who has no address yet asks a solicited-node group, and has no link
  // address to tell.
  if (for_detection && (message.source_mac || in.destination != message.target.solicited_node())) {
    return Drop::kNdMalformed;
  }
  if (message.source_mac && message.source_mac->is_group()) return Drop::kNdMalformed;
  if (net_.addresses().find(in.interface, message.target) != AddressKind::kUnicast) {
    return Drop::kNdNotForUs;
  }
  if (!for_detection && message.source_mac) {
    net_.hear({.kind = NeighborNews::Kind::kSpoke,
               .create = true,
               .interface = in.interface,
               .mac = *message.source_mac,
               .address = in.source});
  }
  advertise(in, message);
  return std::nullopt;
}

template <PacketBuffer P>
std::optional<Drop> Resolution<P>::advertised(const Inbound<P>& in,
                                              const NeighborAdvertRepr& message) noexcept {
  if ((message.solicited && in.to_group()) ||
      (message.target_mac && message.target_mac->is_group())) {
    return Drop::kNdMalformed;
  }
  if (net_.neighbors().find(in.interface, message.target) == nullptr) return Drop::kNdNotForUs;
  net_.hear({.kind = NeighborNews::Kind::kAdvertised,
             .solicited = message.solicited,
             .override_ = message.override_,
             .is_router = message.router,
             .interface = in.interface,
             .mac = message.target_mac,
             .address = message.target});
  return std::nullopt;
}

/// RFC 4861 section 7.2.4. Who asked is on this link, and mostly has said at which address: neither
/// routes nor a full neighbour cache stand between.
template <PacketBuffer P>
void Resolution<P>::advertise(const Inbound<P>& in, const NeighborSolicitRepr& question) noexcept {
  P packet = net_.make_small();
  if (!packet) return;
  const bool for_detection = in.source.is_unspecified();
  NeighborAdvertRepr repr;
  repr.solicited = !for_detection;
  repr.override_ = true;
  repr.target = question.target;
  repr.target_mac = net_.interface(in.interface).mac;
  const MutBytes out = packet.append(repr.message_len());
  if (out.empty()) {
    net_.drop_outgoing(in.interface, std::move(packet), Drop::kTxNoBuffer);
    return;
  }
  repr.emit(out);
  IpHeader ip;
  ip.source = question.target;
  ip.destination = for_detection ? IpAddress::v6(0xff02, 0, 0, 0, 0, 0, 0, 1) : in.source;
  ip.protocol = IpProtocol::kIcmp6;
  ip.hop_limit = 255;
  put_be16(
      out, 2,
      pseudo_header_sum(ip.source, ip.destination, static_cast<std::uint8_t>(IpProtocol::kIcmp6),
                        static_cast<std::uint32_t>(out.size()))
          .add(internet_sum(out))
          .checksum());
  net_.counters().nd_adverts_out.add();
  if (for_detection) {
    net_.send_direct(std::move(packet), ip, in.interface, ip.destination.multicast_mac());
  } else if (question.source_mac) {
    net_.send_direct(std::move(packet), ip, in.interface, *question.source_mac);
  } else {
    net_.send_on_link(std::move(packet), ip, in.interface);
  }
}

}  // namespace smol
