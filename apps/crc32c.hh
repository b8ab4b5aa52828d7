#pragma once

#include <cstdint>

#include "protocols/base/bytes.hh"

namespace smol::apps {

/// CRC-32C (Castagnoli; RFC 3720 appendix B.4) of a stream taken in pieces: begin with 0 and hand
/// each result to the next piece. The CPU's own instruction where there is one (SSE 4.2), a table
/// elsewhere.
std::uint32_t crc32c(std::uint32_t crc, Bytes piece) noexcept;

/// The same by table alone; what crc32c() is tested against.
std::uint32_t crc32c_by_table(std::uint32_t crc, Bytes piece) noexcept;

}  // namespace smol::apps
