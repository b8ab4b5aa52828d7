#include "protocols/base/checksum.hh"

#include "protocols/base/check.hh"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace smol {
namespace {

using detail::from_native;
using detail::sum_words;

#if defined(__x86_64__)

/// What has been summed, and the constants it takes. A word w of 16 bits with its highest bit
/// turned is, as a signed number, w - 2^15: so two of them are added into a lane of 32 bits by one
/// multiplication by one, and each lane of a step is 2^16 short.
struct Lanes {
  __m256i a;
  __m256i b;
  __m256i turn;
  __m256i one;
};

/// 64 octets, on two accumulators to hide latency.
template <bool kCopy>
[[gnu::always_inline]] __attribute__((target("avx2"))) inline void step(std::uint8_t* to,
                                                                        const std::uint8_t* p,
                                                                        Lanes& l) noexcept {
  const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  if constexpr (kCopy) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), y);
  }
  l.a = _mm256_add_epi32(l.a, _mm256_madd_epi16(_mm256_xor_si256(x, l.turn), l.one));
  l.b = _mm256_add_epi32(l.b, _mm256_madd_epi16(_mm256_xor_si256(y, l.turn), l.one));
}

/// A step adds at most 2^16 to a lane of each accumulator, so that not even their sum overflows
/// within 2^13 steps, 512 KiB.
template <bool kCopy>
__attribute__((target("avx2"))) std::uint64_t sum_avx2(std::uint8_t* to, const std::uint8_t* p,
                                                       std::size_t n) noexcept {
  constexpr std::size_t kMostSteps = 0x2000;
  constexpr std::int64_t kShort = 0x1'0000;
  Lanes l;
  l.turn = _mm256_set1_epi16(static_cast<std::int16_t>(0x8000));
  l.one = _mm256_set1_epi16(1);
  std::uint64_t total = 0;
  while (n >= 64) {
    l.a = l.b = _mm256_setzero_si256();
    const std::size_t steps = n / 64 < kMostSteps ? n / 64 : kMostSteps;
    n -= steps * 64;
    for (std::size_t left = steps / 2; left > 0; --left, p += 128) {
      step<kCopy>(to, p, l);
      step<kCopy>(kCopy ? to + 64 : to, p + 64, l);
      if constexpr (kCopy) to += 128;
    }
    if (steps % 2 == 1) {
      step<kCopy>(to, p, l);
      p += 64;
      if constexpr (kCopy) to += 64;
    }
    const __m256i lanes = _mm256_add_epi32(l.a, l.b);
    const __m256i four =
        _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes)),
                         _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1)));
    const __m128i two =
        _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    const std::int64_t sum = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1) +
                             kShort * 16 * static_cast<std::int64_t>(steps);
    total += static_cast<std::uint64_t>(sum);
  }
  return detail::plus(total, sum_words<kCopy>(to, p, n));
}

bool wide(std::size_t n) noexcept {
  return n >= detail::kWideFrom && __builtin_cpu_supports("avx2") != 0;
}

#endif

}  // namespace

InternetSum detail::long_sum(Bytes b) noexcept {
#if defined(__x86_64__)
  if (wide(b.size())) return from_native(sum_avx2<false>(nullptr, b.data(), b.size()));
#endif
  return from_native(sum_words<false>(nullptr, b.data(), b.size()));
}

InternetSum copy_and_sum(MutBytes to, Bytes from) noexcept {
  SMOL_CHECK(from.size() <= to.size());
#if defined(__x86_64__)
  if (wide(from.size())) return from_native(sum_avx2<true>(to.data(), from.data(), from.size()));
#endif
  return from_native(sum_words<true>(to.data(), from.data(), from.size()));
}

}  // namespace smol
