#include "protocols/wire/icmpv4.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

template <class Repr>
void check(const Repr& repr, Bytes message) {
  const auto octets = emitted(repr, Repr::header_len());
  require(octets[0] == message[0] && be32(octets, 4) == be32(message, 4),
          "emit gives type and second word back");
  require(be16(octets, 2) == 0, "the checksum is left to the stack");
  require(Repr::parse(*Icmp4View::parse(octets, octets.size())) == repr, "parse undoes emit");
  print_is_bounded(repr);
}

void icmpv4(Bytes input) {
  const Packet packet = packet_of(input);
  const Result<Icmp4View> view = Icmp4View::parse(packet.front, packet.len);
  require(view.has_value() == (packet.front.size() >= 8), "eight octets are a header");
  if (!view) return;
  const Result<Icmp4EchoRepr> echo = Icmp4EchoRepr::parse(*view);
  const Result<Icmp4ErrorRepr> error = Icmp4ErrorRepr::parse(*view);
  require(!(echo && error), "no message is both echo and error");
  require(error.has_value() == is_error(view->type()), "errors are those that is_error() names");
  if (echo) check(*echo, packet.front);
  if (error) check(*error, packet.front);
  require(view->rest() == (std::uint32_t{view->ident()} << 16 | view->sequence()),
          "both readings of the second word agree");
}

}  // namespace
SMOL_FUZZ_TARGET(icmpv4)
}  // namespace smol::fuzz
