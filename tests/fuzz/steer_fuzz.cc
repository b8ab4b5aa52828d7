#include <algorithm>

#include "protocols/stack/sharding.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

bool same(const Steer& one, const Steer& other) {
  return one.by == other.by && one.word == other.word && one.port == other.port;
}

void steer(Bytes input) {
  const Steer whole = smol::steer(input);
  require(whole.by == Steer::By::kUdpPort || whole.port == 0, "only UDP goes by a port");
  require(whole.by != Steer::By::kHome || whole.word == 0, "what goes home has no word");
  // What lies behind what was read changes nothing.
  std::vector<std::uint8_t> longer(input.begin(), input.end());
  longer.resize(longer.size() + 64);
  const Steer padded = smol::steer(longer);
  require(whole.by == Steer::By::kHome || same(padded, whole), "padding changes nothing");

  const Sharding sharding{5, 3, FlowHash{0x4e2d}};
  require(sharding.owner_of_word(whole.word) < 5 && sharding.owner_of_identifier(whole.word) < 5,
          "an owner is one of the workers");
}

}  // namespace
SMOL_FUZZ_TARGET(steer)
}  // namespace smol::fuzz
