#include "protocols/wire/print.hh"

#include <algorithm>
#include <cstdint>

#include "protocols/base/checksum.hh"
#include "protocols/base/drop.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/nd.hh"
#include "protocols/wire/tcp_repr.hh"
#include "protocols/wire/udp.hh"

namespace smol {
namespace {

/// An error may quote an error that quotes an error: somewhere it must end.
constexpr int kMaxLayers = 12;

/// What an IP header says follows it, and how much of that is in hand.
struct Payload {
  Bytes octets;
  std::size_t len = 0;  ///< as the header says: more than octets when a quote was cut
  IpAddress source;
  IpAddress destination;
  bool quoted = false;    ///< the front of a packet, inside an ICMP error
  bool fragment = false;  ///< the first of a datagram's fragments
  bool routed = false;    ///< a routing header hides the destination that checksums know

  bool whole() const noexcept { return octets.size() == len && !fragment; }
  /// The same without its first `n` octets. Precondition: they are in hand.
  Payload behind(std::size_t n) const noexcept {
    Payload out = *this;
    out.octets = octets.subspan(n);
    out.len = len - n;
    return out;
  }
  /// `len`: what the transport's checksum covers.
  bool checksum_wrong(IpProtocol protocol, std::size_t covered) const noexcept {
    if (!whole() || routed) return false;
    InternetSum sum = internet_sum(octets.first(covered));
    if (protocol != IpProtocol::kIcmp) {
      sum.add(pseudo_header_sum(source, destination, static_cast<std::uint8_t>(protocol),
                                static_cast<std::uint32_t>(covered)));
    }
    return !sum.verifies();
  }
};

class TreePrinter {
 public:
  explicit TreePrinter(TextWriter& out) noexcept : out_{out} {}

  void ethernet(Bytes frame) noexcept {
    if (!begin_layer()) return;
    const Result<EthernetView> view = EthernetView::parse(frame);
    if (!view) return refused(view.error());
    EthernetRepr::parse(*view).print(out_);
    link_payload(view->type(), frame.subspan(EthernetView::kHeader));
  }

  void ip(Bytes packet) noexcept {
    const bool version6 = !packet.empty() && u8(packet, 0) >> 4 == 6;
    version6 ? ip6(packet, false) : ip4(packet, false);
  }

 private:
  void link_payload(std::uint16_t type, Bytes rest) noexcept;
  void vlan(Bytes tag) noexcept;
  void arp(Bytes packet) noexcept;
  void ip4(Bytes packet, bool quoted) noexcept;
  void ip6(Bytes packet, bool quoted) noexcept;
  void ip6_payload(IpProtocol next, const Payload& payload) noexcept;
  void ip6_extension(IpProtocol which, const Payload& payload) noexcept;
  void ip6_fragment(const Payload& payload) noexcept;
  void tcp(const Payload& payload) noexcept;
  void udp(const Payload& payload) noexcept;
  void icmp4(const Payload& payload) noexcept;
  void icmp6(const Payload& payload) noexcept;
  void neighbor_discovery(const Payload& payload) noexcept;
  template <class Repr>
  void message(Bytes octets) noexcept;

  /// Starts the line of the next layer. False: deep enough.
  bool begin_layer() noexcept {
    if (layers_ > 0) {
      out_.put('\n');
      for (int i = 1; i < layers_; ++i) out_.put(' ');
      out_.put("\\ ");
    }
    if (++layers_ <= kMaxLayers) return true;
    out_.put("...");
    return false;
  }
  void refused(Drop reason) noexcept { out_.put('(').put(name(reason)).put(')'); }
  void incorrect_if(bool wrong) noexcept {
    if (wrong) out_.put(" (checksum incorrect)");
  }

  TextWriter& out_;
  int layers_ = 0;
};

void TreePrinter::link_payload(std::uint16_t type, Bytes rest) noexcept {
  if (type < EthernetView::kFirstType) {
    if (begin_layer()) refused(Drop::kEthLlc);
    return;
  }
  switch (static_cast<EtherType>(type)) {
    case EtherType::kIp4:
      return ip4(rest, false);
    case EtherType::kArp:
      return arp(rest);
    case EtherType::kVlan:
      return vlan(rest);
    case EtherType::kIp6:
      return ip6(rest, false);
  }
}

void TreePrinter::vlan(Bytes tag) noexcept {
  if (!begin_layer()) return;
  if (tag.size() < 4) return refused(Drop::kEthTruncated);
  const std::uint16_t control = be16(tag, 0);
  const std::uint16_t type = be16(tag, 2);
  out_.put("VLAN id=").dec(control & 0xfff).put(" pcp=").dec(control >> 13).put(' ');
  print_type(out_, static_cast<EtherType>(type));
  link_payload(type, tag.subspan(4));
}

void TreePrinter::arp(Bytes packet) noexcept {
  if (!begin_layer()) return;
  const Result<ArpRepr> repr = ArpRepr::parse(packet);
  repr ? repr->print(out_) : refused(repr.error());
}

void TreePrinter::ip4(Bytes packet, bool quoted) noexcept {
  if (!begin_layer()) return;
  const Result<Ip4View> view = Ip4View::parse(packet, quoted ? std::size_t{0xffff} : packet.size());
  if (!view) return refused(view.error());
  const Ip4Repr repr = Ip4Repr::parse(*view);
  repr.print(out_);
  if (view->is_fragment()) {
    out_.put(" id=").dec(view->identification()).put(" offset=").dec(view->fragment_offset());
    if (view->more_fragments()) out_.put(" more");
  }
  incorrect_if(!view->checksum_ok());
  if (view->fragment_offset() > 0) return;  // the transport header is in another one

  const Bytes rest = packet.subspan(view->header_len());
  const Payload payload{.octets = rest.first(std::min<std::size_t>(repr.payload_len, rest.size())),
                        .len = repr.payload_len,
                        .source = repr.source,
                        .destination = repr.destination,
                        .quoted = quoted,
                        .fragment = view->more_fragments()};
  if (repr.protocol == IpProtocol::kTcp) return tcp(payload);
  if (repr.protocol == IpProtocol::kUdp) return udp(payload);
  if (repr.protocol == IpProtocol::kIcmp) return icmp4(payload);
}

void TreePrinter::ip6(Bytes packet, bool quoted) noexcept {
  if (!begin_layer()) return;
  const Result<Ip6View> view =
      Ip6View::parse(packet, quoted ? Ip6View::kHeader + 0xffff : packet.size());
  if (!view) return refused(view.error());
  const Ip6Repr repr = Ip6Repr::parse(*view);
  repr.print(out_);
  const Bytes rest = packet.subspan(Ip6View::kHeader);
  ip6_payload(repr.next_header,
              {.octets = rest.first(std::min<std::size_t>(repr.payload_len, rest.size())),
               .len = repr.payload_len,
               .source = repr.source,
               .destination = repr.destination,
               .quoted = quoted});
}

void TreePrinter::ip6_payload(IpProtocol next, const Payload& payload) noexcept {
  if (next == IpProtocol::kTcp) return tcp(payload);
  if (next == IpProtocol::kUdp) return udp(payload);
  if (next == IpProtocol::kIcmp6) return icmp6(payload);
  if (next == IpProtocol::kFragment) return ip6_fragment(payload);
  if (next == IpProtocol::kHopByHop || next == IpProtocol::kRouting ||
      next == IpProtocol::kDestinationOptions) {
    return ip6_extension(next, payload);
  }
}

/// The form that three of them share: next header, length in units of 8 beyond the first (RFC 8200
/// section 4.2).
void TreePrinter::ip6_extension(IpProtocol which, const Payload& payload) noexcept {
  if (!begin_layer()) return;
  const std::size_t len =
      payload.octets.size() < 8 ? 8 : (std::size_t{u8(payload.octets, 1)} + 1) * 8;
  if (payload.octets.size() < len) return refused(Drop::kIp6Truncated);
  const auto next = static_cast<IpProtocol>(u8(payload.octets, 0));
  print(out_, which);
  out_.put(" nxt_hdr=");
  print(out_, next);
  out_.put(" len=").dec(len);
  Payload rest = payload.behind(len);
  rest.routed = rest.routed || (which == IpProtocol::kRouting && u8(payload.octets, 3) != 0);
  ip6_payload(next, rest);
}

void TreePrinter::ip6_fragment(const Payload& payload) noexcept {
  if (!begin_layer()) return;
  if (payload.octets.size() < 8) return refused(Drop::kIp6Truncated);
  const auto next = static_cast<IpProtocol>(u8(payload.octets, 0));
  const std::uint16_t place = be16(payload.octets, 2);
  out_.put("IPv6-Frag nxt_hdr=");
  print(out_, next);
  out_.put(" id=").dec(be32(payload.octets, 4)).put(" offset=").dec(place & 0xfff8u);
  const bool more = (place & 1) != 0;
  if (more) out_.put(" more");
  if (place >= 8) return;  // the transport header is in another one
  Payload rest = payload.behind(8);
  rest.fragment = rest.fragment || more;
  ip6_payload(next, rest);
}

void TreePrinter::tcp(const Payload& payload) noexcept {
  if (!begin_layer()) return;
  const Bytes octets = payload.octets;
  const Result<TcpView> view = TcpView::parse(octets);
  if (!view && payload.quoted && octets.size() >= 8) {
    // What every error quotes at least, and enough to find the connection (RFC 792).
    out_.put("TCP src=").dec(be16(octets, 0)).put(" dst=").dec(be16(octets, 2));
    out_.put(" seq=").dec(be32(octets, 4));
    return;
  }
  if (!view) return refused(view.error());
  const Result<TcpRepr> repr = TcpRepr::parse(*view);
  if (!repr) return refused(repr.error());
  repr->print(out_);
  out_.put(" len=").dec(payload.len - view->header_len());
  incorrect_if(payload.checksum_wrong(IpProtocol::kTcp, octets.size()));
}

void TreePrinter::udp(const Payload& payload) noexcept {
  if (!begin_layer()) return;
  const Result<UdpView> view =
      UdpView::parse(payload.octets, payload.whole() ? payload.octets.size() : std::size_t{0xffff});
  if (!view) return refused(view.error());
  UdpRepr::parse(*view).print(out_);
  const bool none = view->checksum() == 0;
  const bool may_be_none = payload.source.is_v4();
  if (none && may_be_none) return;
  if (!payload.whole()) return;
  incorrect_if(none || payload.checksum_wrong(IpProtocol::kUdp, view->length()));
}

void TreePrinter::icmp4(const Payload& payload) noexcept {
  if (!begin_layer()) return;
  const Result<Icmp4View> view = Icmp4View::parse(payload.octets, payload.len);
  if (!view) return refused(view.error());
  const bool wrong = payload.checksum_wrong(IpProtocol::kIcmp, payload.octets.size());
  if (const Result<Icmp4ErrorRepr> error = Icmp4ErrorRepr::parse(*view)) {
    error->print(out_);
    incorrect_if(wrong);
    return ip4(payload.octets.subspan(Icmp4View::kHeader), true);
  }
  if (const Result<Icmp4EchoRepr> echo = Icmp4EchoRepr::parse(*view)) {
    echo->print(out_);
  } else {
    out_.put("ICMPv4 type=").dec(static_cast<std::uint8_t>(view->type()));
    out_.put(" code=").dec(view->code());
  }
  out_.put(" len=").dec(payload.len - Icmp4View::kHeader);
  incorrect_if(wrong);
}

void TreePrinter::icmp6(const Payload& payload) noexcept {
  if (!begin_layer()) return;
  const Result<Icmp6View> view = Icmp6View::parse(payload.octets, payload.len);
  if (!view) return refused(view.error());
  const bool wrong = payload.checksum_wrong(IpProtocol::kIcmp6, payload.octets.size());
  if (const Result<Icmp6ErrorRepr> error = Icmp6ErrorRepr::parse(*view)) {
    error->print(out_);
    incorrect_if(wrong);
    return ip6(payload.octets.subspan(Icmp6View::kHeader), true);
  }
  if (is_neighbor_discovery(view->type()) && payload.whole()) {
    neighbor_discovery(payload);
    incorrect_if(wrong);
    return;
  }
  if (const Result<Icmp6EchoRepr> echo = Icmp6EchoRepr::parse(*view)) {
    echo->print(out_);
  } else if (const std::string_view known = name(view->type()); !known.empty()) {
    out_.put("ICMPv6 ").put(known);
  } else {
    out_.put("ICMPv6 type=").dec(static_cast<std::uint8_t>(view->type()));
    out_.put(" code=").dec(view->code());
  }
  out_.put(" len=").dec(payload.len - Icmp6View::kHeader);
  incorrect_if(wrong);
}

template <class Repr>
void TreePrinter::message(Bytes octets) noexcept {
  const Result<Repr> repr = Repr::parse(octets);
  repr ? repr->print(out_) : refused(repr.error());
}

void TreePrinter::neighbor_discovery(const Payload& payload) noexcept {
  const auto type = static_cast<Icmp6Type>(u8(payload.octets, 0));
  if (type == Icmp6Type::kNeighborSolicit) return message<NeighborSolicitRepr>(payload.octets);
  if (type == Icmp6Type::kNeighborAdvert) return message<NeighborAdvertRepr>(payload.octets);
  if (type == Icmp6Type::kRouterSolicit) return message<RouterSolicitRepr>(payload.octets);
  if (type == Icmp6Type::kRouterAdvert) return message<RouterAdvertRepr>(payload.octets);
  return message<RedirectRepr>(payload.octets);
}

}  // namespace

void print_frame(TextWriter& out, Bytes frame) noexcept {
  TreePrinter{out}.ethernet(frame);
}

void print_ip(TextWriter& out, Bytes packet) noexcept {
  TreePrinter{out}.ip(packet);
}

}  // namespace smol
