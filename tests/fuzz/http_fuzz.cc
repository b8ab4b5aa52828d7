// Whatever octets come: the parser reads within them, and says the same however they are cut.
#include <cstdint>
#include <string_view>

#include "apps/http_body.hh"
#include "apps/http_parser.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

using apps::HttpBody;
using apps::HttpParser;
using Outcome = HttpParser::Outcome;

void body_is_the_same_in_pieces(const HttpParser& parser, std::string_view rest,
                                std::size_t piece) {
  HttpBody whole{parser.request(), 1 << 16};
  const std::size_t taken = whole.skip(rest);
  HttpBody cut{parser.request(), 1 << 16};
  std::size_t at = 0;
  while (at < rest.size() && !cut.done() && !cut.refused()) at += cut.skip(rest.substr(at, piece));
  require(at == taken, "a body ends at one place");
  require(cut.done() == whole.done() && cut.refused() == whole.refused(), "and in one way");
}

/// The first octet says how large the pieces are.
void http(Bytes input) {
  if (input.empty()) return;
  const std::size_t piece = std::size_t{1} + input[0] % 64;
  const std::string_view data{reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1};
  HttpParser whole;
  const Outcome outcome = whole.parse(data);
  HttpParser cut;
  Outcome other = Outcome::kIncomplete;
  for (std::size_t n = 0; other == Outcome::kIncomplete && n < data.size() + piece; n += piece) {
    other = cut.parse(data.substr(0, n));
  }
  require(other == outcome, "a head is the same in pieces");
  if (outcome == Outcome::kIncomplete) {
    require(data.size() < HttpParser::kMaxHead, "no head stays undecided");
  } else if (outcome == Outcome::kRefused) {
    require(cut.refusal() == whole.refusal(), "and is refused with one status");
  } else {
    require(cut.head_length() == whole.head_length(), "a head ends at one place");
    require(whole.head_length() <= data.size(), "within what there is");
    require(cut.request().path(data) == whole.request().path(data), "one path");
    require(cut.request().keep_alive == whole.request().keep_alive, "one persistence");
    body_is_the_same_in_pieces(whole, data.substr(whole.head_length()), piece);
  }
}

}  // namespace
SMOL_FUZZ_TARGET(http)
}  // namespace smol::fuzz
