#include "tests/fuzz/fuzz.hh"
#include "tools/dump/pcapng_metadata.hh"

namespace smol::fuzz {
namespace {

using dump::PcapngMetadata;

constexpr int kPackets = 64;

std::string all_of(PcapngMetadata& metadata) {
  std::string out;
  for (int i = 0; i < kPackets; ++i) out += meta_text(metadata.take()) + "|";
  return out;
}

/// The first octet of an input says in pieces of how many octets the stream arrives.
void dump_pcapng(Bytes input) {
  if (input.empty()) return;
  const std::size_t size = input[0] + 1u;
  const Bytes stream = input.subspan(1);
  PcapngMetadata whole;
  whole.feed(stream);
  PcapngMetadata pieces;
  for (std::size_t at = 0; at < stream.size(); at += size) {
    pieces.feed(stream.subspan(at, std::min(size, stream.size() - at)));
  }
  require(whole.saw_direction() == pieces.saw_direction(), "pieces are as good as the whole");
  const std::string text = all_of(whole);
  require(text == all_of(pieces), "pieces give the same packets as the whole");
  for (const char c : text)
    require(static_cast<unsigned char>(c) >= ' ', "no control reaches a line");
}

}  // namespace
SMOL_FUZZ_TARGET(dump_pcapng)
}  // namespace smol::fuzz
