#include "protocols/wire/nd.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

/// 1 if it was taken.
template <class Repr>
int check(Bytes message) {
  const Result<Repr> repr = Repr::parse(message);
  if (!repr) {
    require(repr.error() == Drop::kNdMalformed, "one reason to refuse a message");
    return 0;
  }
  require(repr->message_len() <= message.size(), "nothing is made up");
  const auto octets = emitted(*repr, repr->message_len());
  require(Repr::parse(octets) == repr, "parse undoes emit");
  print_is_bounded(*repr);
  return 1;
}

void nd(Bytes input) {
  const int taken = check<NeighborSolicitRepr>(input) + check<NeighborAdvertRepr>(input) +
                    check<RouterSolicitRepr>(input) + check<RouterAdvertRepr>(input) +
                    check<RedirectRepr>(input);
  require(taken <= 1, "a message is of one kind");
}

}  // namespace
SMOL_FUZZ_TARGET(nd)
}  // namespace smol::fuzz
