#pragma once

#include <cstdint>

#include "protocols/base/bytes.hh"

namespace smol {

/// 128 secret bits. Drawn by the driver at start; the machine has no source of chance of its own.
struct Secret {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// SipHash-2-4 (Aumasson, Bernstein): a keyed function whose output tells nothing about the key,
/// for values that peers see, such as initial sequence numbers (RFC 6528). About 20 ns for a tuple.
std::uint64_t siphash24(const Secret& secret, Bytes message) noexcept;

/// Keyed mixing of two words by one wide multiplication. For hash tables, whose values never leave
/// the machine: quick (1 ns), and a peer who does not know the key cannot aim at a bucket.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace smol
