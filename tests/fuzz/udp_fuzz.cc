#include <algorithm>

#include "protocols/wire/udp.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void udp(Bytes input) {
  const Packet packet = packet_of(input);
  const Result<UdpView> view = UdpView::parse(packet.front, packet.len);
  if (!view) {
    require(view.error() == Drop::kUdpTruncated, "one reason to refuse a datagram");
    return;
  }
  require(view->length() >= 8 && view->length() <= packet.len, "8 <= length <= packet");
  const UdpRepr repr = UdpRepr::parse(*view);
  const auto octets = emitted(repr, UdpRepr::header_len());
  require(std::ranges::equal(Bytes{octets}.first(6), packet.front.first(6)) && be16(octets, 6) == 0,
          "emit gives the header back, but for the checksum");
  require(UdpRepr::parse(*UdpView::parse(octets, packet.len)) == repr, "parse undoes emit");
  print_is_bounded(repr);
}

}  // namespace
SMOL_FUZZ_TARGET(udp)
}  // namespace smol::fuzz
