#pragma once

#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/hash.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"

namespace smol::tcp {

/// What makes a connection one of its kind.
struct FlowKey {
  IpAddress local;
  IpAddress remote;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint16_t interface = 0;  ///< for link-local addresses; 0 otherwise

  constexpr bool operator==(const FlowKey&) const noexcept = default;
};

/// M + F(tuple, secret): a clock of 4 us ticks, plus a keyed hash that sets each tuple apart (RFC
/// 6528 section 3, RFC 9293 MUST-8).
SeqNumber initial_sequence_number(const Secret& secret, const FlowKey& flow, Instant now) noexcept;

/// Where a tuple's timestamp clock begins (RFC 7323 section 7.1): the same for each incarnation, so
/// that TIME-WAIT can tell them apart, and unrelated between tuples.
std::uint32_t timestamp_offset(const Secret& secret, const FlowKey& flow) noexcept;

/// Where the search for an ephemeral port begins for this destination (RFC 6056 algorithm 3).
std::uint32_t ephemeral_port_offset(const Secret& secret, const FlowKey& flow) noexcept;

}  // namespace smol::tcp
