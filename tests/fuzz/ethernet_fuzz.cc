#include <algorithm>

#include "protocols/wire/ethernet.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void ethernet(Bytes input) {
  const Result<EthernetView> view = EthernetView::parse(input);
  if (!view) {
    require(view.error() == Drop::kEthTruncated || view.error() == Drop::kEthBadSource,
            "only two reasons to refuse a frame");
    return;
  }
  require(!view->source().is_group(), "no group address as source");
  const EthernetRepr repr = EthernetRepr::parse(*view);
  const auto octets = emitted(repr, EthernetRepr::header_len());
  require(std::ranges::equal(octets, input.first(octets.size())), "emit gives the header back");
  require(EthernetRepr::parse(*EthernetView::parse(octets)) == repr, "parse undoes emit");
  print_is_bounded(repr);
}

}  // namespace
SMOL_FUZZ_TARGET(ethernet)
}  // namespace smol::fuzz
