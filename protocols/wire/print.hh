#pragma once

#include <cstddef>

#include "protocols/base/bytes.hh"
#include "protocols/base/text.hh"

namespace smol {

/// No packet prints longer than this, whatever is in it: `Text<kMaxPrinted>` holds every tree.
inline constexpr std::size_t kMaxPrinted = 4096;

/// Prints a frame as a tree, one line a layer and none after the last:
///
///     EthernetII src=02:00:00:00:00:01 dst=02:00:00:00:00:02 type=IPv4
///     \ IPv4 src=10.0.0.1 dst=10.0.0.2 proto=ICMP ttl=64 len=12 (checksum incorrect)
///      \ ICMPv4 echo request id=4660 seq=43981 len=4
///
/// A layer that its parse() refuses prints as the name of the drop reason in brackets, such as
/// "(tcp_truncated)", and ends the tree. Checksums are verified where all they cover is there: not
/// in fragments, and not in the packet that an ICMP error quotes, of which the front is enough.
/// Deep nesting ends in "...". `frame`: one contiguous piece, from the Ethernet header on.
void print_frame(TextWriter& out, Bytes frame) noexcept;

/// The same for an IP packet without a link header; what its length does not cover is padding.
void print_ip(TextWriter& out, Bytes packet) noexcept;

}  // namespace smol
