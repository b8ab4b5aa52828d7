#include "protocols/wire/ipv4.hh"

namespace smol {
namespace {

constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;

}  // namespace

Ip4Options classify_options(const Ip4View& view) noexcept {
  Ip4Options out = Ip4Options::kIgnorable;
  Bytes rest = view.options();
  while (!rest.empty()) {
    const std::uint8_t type = u8(rest, 0);
    if (type == kEndOfOptions) break;
    if (type == kNoOperation) {
      rest = rest.subspan(1);
      continue;
    }
    if (rest.size() < 2) return Ip4Options::kMalformed;
    const std::size_t len = u8(rest, 1);
    if (len < 2 || len > rest.size()) return Ip4Options::kMalformed;
    if (type == kLooseSourceRoute || type == kStrictSourceRoute) out = Ip4Options::kSourceRoute;
    rest = rest.subspan(len);
  }
  return out;
}

Ip4Repr Ip4Repr::parse(const Ip4View& view) noexcept {
  return {.source = view.source(),
          .destination = view.destination(),
          .protocol = view.protocol(),
          .dscp = view.dscp(),
          .ecn = view.ecn(),
          .ttl = view.ttl(),
          .dont_fragment = view.dont_fragment(),
          .identification = view.identification(),
          .payload_len = static_cast<std::uint16_t>(view.total_len() - view.header_len())};
}

void Ip4Repr::print(TextWriter& out) const noexcept {
  out.put("IPv4 src=");
  source.print(out);
  out.put(" dst=");
  destination.print(out);
  out.put(" proto=");
  smol::print(out, protocol);
  out.put(" ttl=").dec(ttl).put(" len=").dec(payload_len);
}

}  // namespace smol
