#include <algorithm>
#include <memory>

#include "protocols/wire/print.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

using Print = void (*)(TextWriter&, Bytes) noexcept;

void check(Print print, Bytes octets) {
  Text<kMaxPrinted> whole;
  print(whole, octets);
  require(!whole.truncated(), "kMaxPrinted holds every tree");
  require(!whole.view().empty() && whole.view().back() != '\n', "no line is empty at the end");
  for (const char c : whole.view()) {
    require(c == '\n' || (c >= ' ' && c <= '~'), "a tree is plain text");
  }
  require(std::ranges::count(whole.view(), '\n') <= 12, "a tree is not deep");

  const std::size_t room = octets.empty() ? 0 : octets[0] * 4u;
  const auto memory = std::make_unique<char[]>(room);
  TextWriter cut{{memory.get(), room}};
  print(cut, octets);
  require(cut.view() == whole.view().substr(0, room), "less room cuts, and changes nothing else");
}

void print(Bytes input) {
  check(&print_frame, input);
  check(&print_ip, input);
}

}  // namespace
SMOL_FUZZ_TARGET(print)
}  // namespace smol::fuzz
