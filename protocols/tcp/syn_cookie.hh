#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/hash.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/isn.hh"
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

// SYN cookies (RFC 4987 section 3.6): a listener that can keep nothing of a SYN puts all that it
// needs into the SYN-ACK, whose acknowledgement brings it back.
//
//     initial sequence number          timestamp, if the SYN had one
//     |  5  | 3 |       24      |      |          26         |   6   |
//     period MSS  keyed hash           milliseconds, rounded  choices

/// A cookie carries the number of its period, and is believed in that one and the next.
inline constexpr Duration kSynCookiePeriod = seconds(64);
/// How long after the last cookie was sent one can still come back.
inline constexpr Duration kSynCookieLife = 2 * kSynCookiePeriod;

/// The initial sequence number that answers a SYN with number `irs` from a peer who takes segments
/// of `mss` octets. Each period hashes under another value, so what is learnt of one is of no use
/// in the next but one. Two SipHashes.
SeqNumber syn_cookie(const Secret& secret, const FlowKey& flow, SeqNumber irs, std::uint16_t mss,
                     Instant now) noexcept;

/// The segment size that was put into `cookie`, rounded down to one of eight; none if this host
/// never said it to this peer, or too long ago. A guess is right once in 2^28.
std::optional<std::uint16_t> check_syn_cookie(const Secret& secret, const FlowKey& flow,
                                              SeqNumber irs, SeqNumber cookie,
                                              Instant now) noexcept;

/// A SYN without what a cookie cannot bring back: without timestamps only the segment size.
SegmentIn cookie_part(const SegmentIn& syn) noexcept;

/// The timestamp of a SYN-ACK that carries the SYN's choices: window scale, SACK, ECN. It is never
/// later than `tsval`, so that the clock that goes on from there does not seem to run back.
std::uint32_t timestamp_with_choices(std::uint32_t tsval, const SegmentIn& syn) noexcept;

/// The SYN that a cookie stands for, made of the ACK that brought it back, and of `mss`. The peer's
/// choices are its own: one who changes them on the way deceives nobody else.
SegmentIn syn_of_cookie(const SegmentIn& ack, std::uint16_t mss) noexcept;

}  // namespace smol::tcp
