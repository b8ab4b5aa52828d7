#include <algorithm>

#include "protocols/wire/arp.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void arp(Bytes input) {
  const Result<ArpRepr> repr = ArpRepr::parse(input);
  if (!repr) {
    const Drop expected =
        input.size() < ArpRepr::packet_len() ? Drop::kArpTruncated : Drop::kArpUnsupported;
    require(repr.error() == expected, "too short is truncated, all else is unsupported");
    return;
  }
  const auto octets = emitted(*repr, ArpRepr::packet_len());
  require(std::ranges::equal(octets, input.first(octets.size())), "emit gives the packet back");
  require(ArpRepr::parse(octets) == repr, "parse undoes emit");
  print_is_bounded(*repr);
}

}  // namespace
SMOL_FUZZ_TARGET(arp)
}  // namespace smol::fuzz
