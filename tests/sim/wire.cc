#include "tests/sim/wire.hh"

#include <algorithm>
#include <array>

#include "protocols/base/checksum.hh"
#include "protocols/base/random.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol::sim {
namespace {

constexpr std::size_t kPeriod = 65'521;  // a prime: no power of two lines up with it

const std::array<std::uint8_t, kPeriod + kContentPiece>& contents() {
  static const auto table = [] {
    std::array<std::uint8_t, kPeriod + kContentPiece> out{};
    Rng rng{0x736d'6f6c};
    for (std::size_t i = 0; i < kPeriod; ++i) out[i] = static_cast<std::uint8_t>(rng.next() >> 56);
    for (std::size_t i = kPeriod; i < out.size(); ++i) out[i] = out[i - kPeriod];
    return out;
  }();
  return table;
}

EtherType type_of(Bytes frame) noexcept {
  return frame.size() < kIpAt ? EtherType{} : static_cast<EtherType>(be16(frame, 12));
}

InternetSum transport_sum(const IpAddress& source, const IpAddress& destination,
                          IpProtocol protocol, Bytes octets) {
  return pseudo_header_sum(source, destination, static_cast<std::uint8_t>(protocol),
                           static_cast<std::uint32_t>(octets.size()))
      .add(internet_sum(octets));
}

/// A frame with room for `payload_len` octets behind an IP header that says so.
Octets ip_frame(const MacAddress& to, const MacAddress& from, const IpAddress& source,
                const IpAddress& destination, IpProtocol protocol, Ecn ecn,
                std::size_t payload_len) {
  const std::size_t header = source.is_v4() ? Ip4Repr::header_len() : Ip6Repr::header_len();
  Octets out(kIpAt + header + payload_len);
  EthernetRepr{to, from, source.is_v4() ? EtherType::kIp4 : EtherType::kIp6}.emit(out);
  const MutBytes ip = MutBytes{out}.subspan(kIpAt);
  if (source.is_v4()) {
    Ip4Repr repr;
    repr.source = source;
    repr.destination = destination;
    repr.protocol = protocol;
    repr.ecn = ecn;
    repr.payload_len = static_cast<std::uint16_t>(payload_len);
    repr.emit(ip);
  } else {
    Ip6Repr repr;
    repr.source = source;
    repr.destination = destination;
    repr.next_header = protocol;
    repr.ecn = ecn;
    repr.payload_len = static_cast<std::uint16_t>(payload_len);
    repr.emit(ip);
  }
  return out;
}

struct IpPart {
  IpAddress source;
  IpAddress destination;
  IpProtocol protocol{};
  Ecn ecn = Ecn::kNotEct;
  Bytes payload;
};

std::optional<IpPart> ip_part(Bytes frame) noexcept {
  const Bytes packet = frame.size() < kIpAt ? Bytes{} : frame.subspan(kIpAt);
  if (type_of(frame) == EtherType::kIp4) {
    const Result<Ip4View> view = Ip4View::parse(packet, packet.size());
    if (!view || !view->checksum_ok() || view->is_fragment()) return std::nullopt;
    return IpPart{view->source(), view->destination(), view->protocol(), view->ecn(),
                  packet.first(view->total_len()).subspan(view->header_len())};
  }
  if (type_of(frame) != EtherType::kIp6) return std::nullopt;
  const Result<Ip6View> view = Ip6View::parse(packet, packet.size());
  if (!view) return std::nullopt;
  return IpPart{view->source(), view->destination(), view->next_header(), view->ecn(),
                packet.subspan(Ip6View::kHeader, view->payload_len())};
}

}  // namespace

Bytes content(std::uint32_t flow, int side, std::uint64_t offset, std::size_t len) noexcept {
  const std::uint64_t start = flow * std::uint64_t{15'013} + (side == 0 ? 0u : 7'919u);
  return Bytes{contents()}.subspan((start + offset) % kPeriod, std::min(len, kContentPiece));
}

IpAddress address_of(int side, bool v6) noexcept {
  const auto last = static_cast<std::uint8_t>(side + 1);
  return v6 ? IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, last) : IpAddress::v4(10, 0, 0, last);
}

IpAddress router_address(bool v6) noexcept {
  return v6 ? IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 0xfe) : IpAddress::v4(10, 0, 0, 254);
}

MacAddress mac_of(int side) noexcept {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}};
}

// --- taking frames apart
// ---------------------------------------------------------------------------

bool is_v4(Bytes frame) noexcept {
  return type_of(frame) == EtherType::kIp4 && frame.size() >= kIpAt + Ip4View::kMinHeader;
}

bool is_v6(Bytes frame) noexcept {
  return type_of(frame) == EtherType::kIp6 && frame.size() >= kIpAt + Ip6View::kHeader;
}

bool is_neighbor_talk(Bytes frame) noexcept {
  if (type_of(frame) == EtherType::kArp) return true;
  return is_v6(frame) && frame.size() > kIpAt + 40 &&
         static_cast<IpProtocol>(frame[kIpAt + 6]) == IpProtocol::kIcmp6 &&
         frame[kIpAt + 40] >= 133 && frame[kIpAt + 40] <= 137;
}

Ecn ecn_of(Bytes frame) noexcept {
  return static_cast<Ecn>(is_v4(frame) ? frame[kIpAt + 1] & 3 : frame[kIpAt + 1] >> 4 & 3);
}

bool mark_congestion(MutBytes frame) noexcept {
  if (!is_v4(frame) && !is_v6(frame)) return false;
  if (ecn_of(frame) == Ecn::kNotEct) return false;
  if (is_v6(frame)) {
    frame[kIpAt + 1] = static_cast<std::uint8_t>(frame[kIpAt + 1] | 0x30);
    return true;
  }
  frame[kIpAt + 1] = static_cast<std::uint8_t>(frame[kIpAt + 1] | 3);
  const std::size_t header_len = 4u * (frame[kIpAt] & 0xf);
  if (frame.size() < kIpAt + header_len || header_len < Ip4View::kMinHeader) return false;
  const MutBytes header = frame.subspan(kIpAt, header_len);
  put_be16(header, 10, 0);
  put_be16(header, 10, internet_sum(header).checksum());
  return true;
}

std::optional<WireSegment> segment_in(Bytes frame, bool verify) noexcept {
  const std::optional<IpPart> ip = ip_part(frame);
  if (!ip || ip->protocol != IpProtocol::kTcp) return std::nullopt;
  const Result<TcpView> view = TcpView::parse(ip->payload);
  if (!view) return std::nullopt;
  if (verify &&
      !transport_sum(ip->source, ip->destination, IpProtocol::kTcp, ip->payload).verifies()) {
    return std::nullopt;
  }
  const Result<TcpOptions> options = TcpOptions::parse(view->options());
  if (!options) return std::nullopt;
  WireSegment out;
  out.src_port = view->src_port();
  out.dst_port = view->dst_port();
  out.seq = view->seq();
  out.ack = view->ack();
  out.flags = view->flags();
  out.window = view->window();
  out.options = *options;
  out.text = ip->payload.subspan(view->header_len());
  out.ecn = ip->ecn;
  return out;
}

// --- making frames
// ---------------------------------------------------------------------------------

Octets options_of(const TcpOptions& options) {
  Octets out(options.padded_len());
  options.emit(out);
  return out;
}

Octets tcp_frame(int from, bool v6, const SegmentToBuild& segment) {
  Octets options = segment.options;
  options.resize((options.size() + 3) / 4 * 4, 0);
  const std::size_t header = TcpView::kMinHeader + options.size();
  const IpAddress source = address_of(from, v6);
  const IpAddress destination = address_of(1 - from, v6);
  Octets out = ip_frame(mac_of(1 - from), mac_of(from), source, destination, IpProtocol::kTcp,
                        segment.ecn, header + segment.text.size());
  const MutBytes tcp = MutBytes{out}.subspan(out.size() - header - segment.text.size());
  put_be16(tcp, 0, segment.src_port);
  put_be16(tcp, 2, segment.dst_port);
  put_be32(tcp, 4, segment.seq.raw);
  put_be32(tcp, 8, segment.ack.value_or(SeqNumber{}).raw);
  put_u8(tcp, 12, static_cast<std::uint8_t>(header / 4 << 4));
  put_u8(tcp, 13, static_cast<std::uint8_t>(segment.flags | (segment.ack ? TcpFlags::kAck : 0)));
  put_be16(tcp, 14, segment.window);
  put_be16(tcp, 18, segment.urgent_pointer);
  copy_bytes(tcp.subspan(TcpView::kMinHeader), options);
  copy_bytes(tcp.subspan(header), segment.text);
  put_be16(tcp, 16, transport_sum(source, destination, IpProtocol::kTcp, tcp).checksum());
  return out;
}

Octets icmp_error_frame(int to, bool v6, std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                        Bytes packet) {
  // As much as fits the smallest MTU, and for IPv4 what RFC 1812 section 4.3.2.3 asks for.
  const Bytes quoted = packet.first(std::min<std::size_t>(packet.size(), v6 ? 1232 : 548));
  const IpAddress source = router_address(v6);
  const IpAddress destination = address_of(to, v6);
  const IpProtocol protocol = v6 ? IpProtocol::kIcmp6 : IpProtocol::kIcmp;
  Octets out = ip_frame(mac_of(to), mac_of(1 - to), source, destination, protocol, Ecn::kNotEct,
                        8 + quoted.size());
  const MutBytes icmp = MutBytes{out}.subspan(out.size() - 8 - quoted.size());
  put_u8(icmp, 0, type);
  put_u8(icmp, 1, code);
  put_be32(icmp, 4, rest);
  copy_bytes(icmp.subspan(8), quoted);
  const InternetSum sum =
      v6 ? transport_sum(source, destination, protocol, icmp) : internet_sum(icmp);
  put_be16(icmp, 2, sum.checksum());
  return out;
}

Octets too_big_frame(int to, bool v6, std::uint16_t mtu, Bytes packet) {
  return v6 ? icmp_error_frame(to, true, 2, 0, mtu, packet)
            : icmp_error_frame(to, false, 3, 4, mtu, packet);
}

}  // namespace smol::sim
