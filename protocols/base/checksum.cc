#include "protocols/base/checksum.hh"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace smol {
namespace {

static_assert(std::endian::native == std::endian::little, "sums are taken in little-endian words");

/// The sum of native words, brought to 16 bits and to the order of the wire.
InternetSum from_native(std::uint64_t sum) noexcept {
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  const auto folded = static_cast<std::uint16_t>(sum);
  return InternetSum{static_cast<std::uint16_t>(folded << 8 | folded >> 8)};
}

template <class Word>
Word load(const std::uint8_t* p) noexcept {
  Word w;
  std::memcpy(&w, p, sizeof w);
  return w;
}

/// Sums n octets in words of 32 bits (a carry cannot overflow 64 bits before 2^34 octets); with
/// kCopy, stores them at `to` too.
template <bool kCopy>
std::uint64_t sum_scalar(std::uint8_t* to, const std::uint8_t* p, std::size_t n) noexcept {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  for (; n >= 16; n -= 16, p += 16) {
    const std::uint64_t x = load<std::uint64_t>(p);
    const std::uint64_t y = load<std::uint64_t>(p + 8);
    if constexpr (kCopy) {
      std::memcpy(to, p, 16);
      to += 16;
    }
    a += (x & 0xffff'ffff) + (x >> 32);
    b += (y & 0xffff'ffff) + (y >> 32);
  }
  if constexpr (kCopy) {
    if (n > 0) std::memcpy(to, p, n);
  }
  for (; n >= 4; n -= 4, p += 4) a += load<std::uint32_t>(p);
  if (n >= 2) {
    b += load<std::uint16_t>(p);
    p += 2;
    n -= 2;
  }
  if (n == 1) b += *p;
  return a + b;
}

#if defined(__x86_64__)

/// 64 octets a step: the words are widened to 32-bit lanes by masking and shifting, two
/// accumulators apart to hide latency. A step adds at most 2 * 0xffff to a lane of each, so that
/// their sum cannot overflow within 2^14 steps, 1 MiB.
template <bool kCopy>
__attribute__((target("avx2"))) std::uint64_t sum_avx2(std::uint8_t* to, const std::uint8_t* p,
                                                       std::size_t n) noexcept {
  const __m256i low = _mm256_set1_epi32(0xffff);
  std::uint64_t total = 0;
  while (n >= 64) {
    __m256i a = _mm256_setzero_si256();
    __m256i b = _mm256_setzero_si256();
    std::size_t steps = n / 64 < 0x4000 ? n / 64 : 0x4000;
    n -= steps * 64;
    for (; steps > 0; --steps, p += 64) {
      const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
      const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
      if constexpr (kCopy) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), y);
        to += 64;
      }
      a = _mm256_add_epi32(a, _mm256_and_si256(x, low));
      b = _mm256_add_epi32(b, _mm256_srli_epi32(x, 16));
      a = _mm256_add_epi32(a, _mm256_and_si256(y, low));
      b = _mm256_add_epi32(b, _mm256_srli_epi32(y, 16));
    }
    const __m256i lanes = _mm256_add_epi32(a, b);
    alignas(32) std::uint32_t lane[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lane), lanes);
    for (const std::uint32_t l : lane) total += l;
  }
  return total + sum_scalar<kCopy>(to, p, n);
}

/// Below this the set-up of the wide path costs more than it saves.
constexpr std::size_t kWideFrom = 128;

bool wide(std::size_t n) noexcept {
  return n >= kWideFrom && __builtin_cpu_supports("avx2") != 0;
}

#endif

}  // namespace

InternetSum internet_sum(Bytes b) noexcept {
#if defined(__x86_64__)
  if (wide(b.size())) return from_native(sum_avx2<false>(nullptr, b.data(), b.size()));
#endif
  return from_native(sum_scalar<false>(nullptr, b.data(), b.size()));
}

InternetSum copy_and_sum(MutBytes to, Bytes from) noexcept {
  SMOL_CHECK(from.size() <= to.size());
#if defined(__x86_64__)
  if (wide(from.size())) return from_native(sum_avx2<true>(to.data(), from.data(), from.size()));
#endif
  return from_native(sum_scalar<true>(to.data(), from.data(), from.size()));
}

}  // namespace smol
