#include "apps/crc32c.hh"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace smol::apps {
namespace {

/// Eight tables: table k gives what an octet adds that stands k octets before the end of a group.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;
  Tables tables{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t crc = octet;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? crc >> 1 ^ kReversedPolynomial : crc >> 1;
    }
    tables[0][octet] = crc;
  }
  for (std::size_t octet = 0; octet < 256; ++octet) {
    for (std::size_t k = 1; k < 8; ++k) {
      const std::uint32_t before = tables[k - 1][octet];
      tables[k][octet] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint32_t update_by_table(std::uint32_t state, Bytes piece) noexcept {
  while (piece.size() >= 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint32_t octet = i < 4 ? piece[i] ^ (state >> (8 * i) & 0xff) : piece[i];
      next ^= kTables[7 - i][octet];
    }
    state = next;
    piece = piece.subspan(8);
  }
  for (const std::uint8_t octet : piece) state = state >> 8 ^ kTables[0][(state ^ octet) & 0xff];
  return state;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t update_by_instruction(std::uint32_t state,
                                                                      Bytes piece) noexcept {
  std::uint64_t wide = state;
  while (piece.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, piece.data(), sizeof word);
    wide = _mm_crc32_u64(wide, word);
    piece = piece.subspan(8);
  }
  state = static_cast<std::uint32_t>(wide);
  for (const std::uint8_t octet : piece) state = _mm_crc32_u8(state, octet);
  return state;
}

bool has_instruction() noexcept {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}

#else

std::uint32_t update_by_instruction(std::uint32_t state, Bytes piece) noexcept {
  return update_by_table(state, piece);
}

bool has_instruction() noexcept {
  return false;
}

#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, Bytes piece) noexcept {
  if (!has_instruction()) return crc32c_by_table(crc, piece);
  return ~update_by_instruction(~crc, piece);
}

std::uint32_t crc32c_by_table(std::uint32_t crc, Bytes piece) noexcept {
  return ~update_by_table(~crc, piece);
}

}  // namespace smol::apps
