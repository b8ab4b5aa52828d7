#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/random.hh"
#include "protocols/tcp/info.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// What somebody off the path sends, who knows the ports and guesses the numbers (RFC 5961,
/// RFC 5927). A guess may come near; it never hits what would rightly be taken.
enum class Attack : std::uint8_t {
  kReset,
  kSyn,
  kText,         ///< in the window, with an ACK that cannot be
  kTextBeyond,   ///< beyond the window
  kAck,          ///< of what was never sent
  kFin,          ///< in the window, with an ACK that cannot be
  kTooBig,       ///< ICMP about a segment that is not in flight
  kUnreachable,  ///< ICMP that would end a connection, were it believed
  kStray,        ///< from another port, where no connection is: neither SYN nor ACK
};
inline constexpr std::size_t kAttacks = 9;
std::string_view name(Attack attack);

/// Whom, and what is known of it.
struct Victim {
  int side = 0;
  bool v6 = false;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  tcp::Info info;
};
/// A frame to the victim, as from its peer or from a router.
Octets attack_frame(Attack attack, const Victim& victim, Rng& rng);

}  // namespace smol::sim
