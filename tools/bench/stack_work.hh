#pragma once

#include "tools/bench/series.hh"
#include "tools/bench/stack_pair.hh"

namespace smol::bench {

/// How an application hands over what it sends.
enum class Handing {
  kWrite,      ///< write(): copied out of the application's buffer
  kInPlace,    ///< reserve(), filled there, commit()
  kUntouched,  ///< reserve(), commit(): octets that lie there already
};

/// One stream for `time`: nanoseconds for a data segment, both ends and its share of the
/// acknowledgements. The sender fills the window before the receiver has its turns, so that as much
/// memory is in use as the window promises. Throws Failure.
Figure stream(const StackPair::Options& options, Handing handing, Seconds time);

/// 64 octets there and 64 back over one connection: nanoseconds for both.
Figure ping_pong(const StackPair::Options& options, Seconds time);

/// Opened, asked 64 octets, answered 128, closed: connections a second, 64 at a time, both ends.
Figure connections(const StackPair::Options& options, Seconds time);

}  // namespace smol::bench
