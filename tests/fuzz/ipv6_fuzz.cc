#include <algorithm>

#include "protocols/wire/ipv6.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void ipv6(Bytes input) {
  const Packet packet = packet_of(input);
  const Result<Ip6View> view = Ip6View::parse(packet.front, packet.len);
  if (!view) return;
  require(Ip6View::kHeader + view->payload_len() <= packet.len, "the packet holds the payload");
  const Ip6Repr repr = Ip6Repr::parse(*view);
  const auto octets = emitted(repr, Ip6Repr::header_len());
  require(std::ranges::equal(octets, packet.front.first(octets.size())),
          "emit gives the header back");
  require(Ip6Repr::parse(*Ip6View::parse(octets, packet.len)) == repr, "parse undoes emit");
  print_is_bounded(repr);
}

}  // namespace
SMOL_FUZZ_TARGET(ipv6)
}  // namespace smol::fuzz
