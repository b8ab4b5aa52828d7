#include "protocols/wire/tcp_repr.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void tcp(Bytes input) {
  const Result<TcpView> view = TcpView::parse(input);
  if (!view) {
    require(view.error() == Drop::kTcpTruncated || view.error() == Drop::kTcpBadOffset,
            "two reasons to refuse a header");
    return;
  }
  require(view->header_len() >= 20 && view->header_len() <= input.size(),
          "20 <= header <= segment");
  require(view->options().size() == view->header_len() - 20, "options are the rest of the header");
  const Result<TcpRepr> repr = TcpRepr::parse(*view);
  if (!repr) return;
  require(repr->src_port != 0 && repr->dst_port != 0, "no port is zero");
  require(repr->ack.has_value() == view->flags().ack(), "ack is engaged with the flag");
  require(repr->seq == view->seq() && repr->window == view->window(), "numbers are taken over");

  const auto octets = emitted(*repr, repr->header_len());
  require(octets.size() <= TcpView::kMaxHeader && octets.size() % 4 == 0, "20..60, in words");
  const Result<TcpView> again = TcpView::parse(octets);
  require(again && again->header_len() == octets.size(), "the offset tells the length");
  TcpRepr said = *repr;
  said.options.md5 = said.options.authentication = false;  // never said
  require(TcpRepr::parse(*again) == said, "parse undoes emit");
  print_is_bounded(*repr);
}

}  // namespace
SMOL_FUZZ_TARGET(tcp)
}  // namespace smol::fuzz
