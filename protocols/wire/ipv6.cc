#include "protocols/wire/ipv6.hh"

namespace smol {

Ip6Repr Ip6Repr::parse(const Ip6View& view) noexcept {
  return {.source = view.source(),
          .destination = view.destination(),
          .next_header = view.next_header(),
          .dscp = view.dscp(),
          .ecn = view.ecn(),
          .hop_limit = view.hop_limit(),
          .flow_label = view.flow_label(),
          .payload_len = static_cast<std::uint16_t>(view.payload_len())};
}

void Ip6Repr::print(TextWriter& out) const noexcept {
  out.put("IPv6 src=");
  source.print(out);
  out.put(" dst=");
  destination.print(out);
  out.put(" nxt_hdr=");
  smol::print(out, next_header);
  out.put(" hop_limit=").dec(hop_limit).put(" len=").dec(payload_len);
}

}  // namespace smol
