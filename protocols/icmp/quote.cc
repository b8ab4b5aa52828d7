#include "protocols/icmp/quote.hh"

#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"

namespace smol::icmp {
namespace {

/// Ports stand at the same place in TCP and UDP, the sequence number right behind them.
constexpr std::size_t kQuotedTransport = 8;

bool read_transport(Bytes transport, Quote& out) noexcept {
  if (transport.size() < kQuotedTransport) return false;
  const bool v4 = out.source.address.is_v4();
  if (out.protocol == (v4 ? IpProtocol::kIcmp : IpProtocol::kIcmp6)) {
    const auto request = v4 ? static_cast<std::uint8_t>(Icmp4Type::kEchoRequest)
                            : static_cast<std::uint8_t>(Icmp6Type::kEchoRequest);
    out.identifier = be16(transport, 4);
    out.sequence = be16(transport, 6);
    return u8(transport, 0) == request;
  }
  if (out.protocol != IpProtocol::kTcp && out.protocol != IpProtocol::kUdp) return false;
  out.source.port = be16(transport, 0);
  out.destination.port = be16(transport, 2);
  if (out.protocol == IpProtocol::kTcp) out.seq = SeqNumber{be32(transport, 4)};
  return true;
}

}  // namespace

std::optional<Quote> parse_quote(Bytes quoted) noexcept {
  if (quoted.empty()) return std::nullopt;
  Quote out;
  // The quote may be cut, so its length fields say more than is there.
  constexpr std::size_t kWhole = 0xffff + Ip6View::kHeader;
  if (quoted[0] >> 4 == 4) {
    const Result<Ip4View> ip = Ip4View::parse(quoted, kWhole);
    if (!ip || ip->fragment_offset() != 0) return std::nullopt;
    out.source.address = ip->source();
    out.destination.address = ip->destination();
    out.protocol = ip->protocol();
    out.total_len = static_cast<std::uint32_t>(ip->total_len());
    if (!read_transport(quoted.subspan(ip->header_len()), out)) return std::nullopt;
    return out;
  }
  const Result<Ip6View> ip = Ip6View::parse(quoted, kWhole);
  if (!ip) return std::nullopt;
  out.source.address = ip->source();
  out.destination.address = ip->destination();
  out.protocol = ip->next_header();
  out.total_len = static_cast<std::uint32_t>(Ip6View::kHeader + ip->payload_len());
  if (!read_transport(quoted.subspan(Ip6View::kHeader), out)) return std::nullopt;
  return out;
}

}  // namespace smol::icmp
