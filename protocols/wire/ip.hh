#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/text.hh"

namespace smol {

/// Assigned Internet protocol numbers, the ones this stack acts on. A header may carry any octet.
enum class IpProtocol : std::uint8_t {
  kHopByHop = 0,
  kIcmp = 1,
  kTcp = 6,
  kUdp = 17,
  kRouting = 43,
  kFragment = 44,
  kIcmp6 = 58,
  kNoNextHeader = 59,
  kDestinationOptions = 60,
};

/// "TCP", or empty for a number without a name here.
std::string_view name(IpProtocol protocol) noexcept;

/// The name, or the number where there is none.
void print(TextWriter& out, IpProtocol protocol) noexcept;

/// ECN codepoint: the low two bits of TOS or traffic class (RFC 3168 section 5).
enum class Ecn : std::uint8_t { kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3 };

}  // namespace smol
