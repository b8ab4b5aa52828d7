#include "protocols/base/checksum.hh"
#include "protocols/wire/ipv4.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void ipv4(Bytes input) {
  const Packet packet = packet_of(input);
  const Result<Ip4View> view = Ip4View::parse(packet.front, packet.len);
  if (!view) return;
  require(view->header_len() >= 20 && view->header_len() <= view->total_len() &&
              view->total_len() <= packet.len && view->header_len() <= packet.front.size(),
          "20 <= header <= total <= packet");
  require(view->is_fragment() == (view->more_fragments() || view->fragment_offset() > 0),
          "a fragment has an offset or more to come");
  require(view->options().size() == view->header_len() - 20, "options are the rest of the header");
  const Ip4Options options = classify_options(*view);
  require(options == Ip4Options::kIgnorable || !view->options().empty(),
          "there is no bad option without options");

  const Ip4Repr repr = Ip4Repr::parse(*view);
  if (20u + repr.payload_len > 0xffff) return;
  const auto octets = emitted(repr, Ip4Repr::header_len());
  const Result<Ip4View> back = Ip4View::parse(octets, 20u + repr.payload_len);
  require(back.has_value(), "what emit writes is taken");
  require(Ip4Repr::parse(*back) == repr, "parse undoes emit");
  require(back->checksum_ok(), "the checksum of what emit writes is right");
  print_is_bounded(repr);
}

}  // namespace
SMOL_FUZZ_TARGET(ipv4)
}  // namespace smol::fuzz
