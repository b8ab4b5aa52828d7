#include <algorithm>

#include "protocols/wire/tcp.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

void tcp_options(Bytes input) {
  const Bytes octets = input.first(std::min(input.size(), TcpOptions::kMaxLen));
  const Result<TcpOptions> options = TcpOptions::parse(octets);

  // A NOP in front changes nothing, but for the path that the common layout takes.
  std::vector<std::uint8_t> shifted(octets.size() + 1, 1);
  std::ranges::copy(octets, shifted.begin() + 1);
  require(TcpOptions::parse(shifted) == options, "NOPs in front change nothing");

  if (!options) {
    require(options.error() == Drop::kTcpBadOption, "one reason to refuse options");
    return;
  }
  const std::size_t len = options->padded_len();
  require(len <= TcpOptions::kMaxLen && len % 4 == 0, "0..40, in words");
  TcpOptions said = *options;
  said.md5 = said.authentication = false;  // never said
  require(TcpOptions::parse(emitted(*options, len)) == said, "parse undoes emit");
}

}  // namespace
SMOL_FUZZ_TARGET(tcp_options)
}  // namespace smol::fuzz
