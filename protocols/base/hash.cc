#include "protocols/base/hash.hh"

#include <bit>

namespace smol {
namespace {

struct SipState {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

/// Little-endian word of up to 8 octets.
std::uint64_t load_le(Bytes b) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < b.size(); ++i) word |= static_cast<std::uint64_t>(b[i]) << (8 * i);
  return word;
}

}  // namespace

std::uint64_t siphash24(const Secret& secret, Bytes message) noexcept {
  SipState s{secret.k0 ^ 0x736f6d6570736575, secret.k1 ^ 0x646f72616e646f6d,
             secret.k0 ^ 0x6c7967656e657261, secret.k1 ^ 0x7465646279746573};
  const std::uint64_t length = message.size();
  while (message.size() >= 8) {
    s.absorb(load_le(message.first(8)));
    message = message.subspan(8);
  }
  s.absorb(load_le(message) | length << 56);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace smol
